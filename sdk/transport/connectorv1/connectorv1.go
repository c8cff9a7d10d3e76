// Package connectorv1 is the generated code of atshub.connector.v1, and the
// few lines that keep secrets and candidate data out of what is printed.
package connectorv1

import (
	"fmt"
	"io"
	"log/slog"
)

//go:generate protoc -I ../../proto --go_out=../../.. --go_opt=module=github.com/atshub/atshub --go-grpc_out=../../.. --go-grpc_opt=module=github.com/atshub/atshub atshub/connector/v1/connector.proto
//go:generate sed -i "/^func (x \\*Settings) String/,/^}/d;/^func (x \\*InvokeRequest) String/,/^}/d;/^func (x \\*InvokeResponse) String/,/^}/d" connector.pb.go

// The messages below hold secrets or candidate data. Their generated String is
// cut out, and every way of printing them (fmt with any verb, slog, String)
// says only what may be known.

func (x *Settings) String() string             { return x.safe() }
func (x *Settings) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, x.safe()) }
func (x *Settings) LogValue() slog.Value       { return slog.StringValue(x.safe()) }
func (x *Settings) safe() string {
	return fmt.Sprintf("settings of connection %q, revision %d", x.GetConnectionId(), x.GetRevision())
}

func (x *InvokeRequest) String() string             { return x.safe() }
func (x *InvokeRequest) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, x.safe()) }
func (x *InvokeRequest) LogValue() slog.Value       { return slog.StringValue(x.safe()) }
func (x *InvokeRequest) safe() string {
	return fmt.Sprintf("call of %q, request %q, attempt %d, %s", x.GetAbility(), x.GetRequestId(), x.GetAttempt(), x.GetSettings().safe())
}

func (x *InvokeResponse) String() string             { return x.safe() }
func (x *InvokeResponse) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, x.safe()) }
func (x *InvokeResponse) LogValue() slog.Value       { return slog.StringValue(x.safe()) }
func (x *InvokeResponse) safe() string {
	return fmt.Sprintf("answer of %d bytes", len(x.GetAnswer()))
}
