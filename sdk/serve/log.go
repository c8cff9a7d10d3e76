package serve

// Log lines are JSON on stderr, one shape for every connector: time, level,
// msg, connector, version, then request, connection and ability of the call,
// then the author's own attributes. Only plain values are written: anything
// with parts (settings, a candidate, a request) could hold a secret, and so
// could the text of an error that is not of the contract.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/atshub/atshub/sdk"
	"github.com/atshub/atshub/sdk/transport"
)

func newLogger(w io.Writer, m sdk.Manifest) *slog.Logger {
	h := slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: plain})
	return slog.New(callHandler{h.WithAttrs([]slog.Attr{slog.String("connector", m.Name), slog.String("version", m.Version)})})
}

// plain withholds every value that is not scalar.
func plain(_ []string, a slog.Attr) slog.Attr {
	a.Value = a.Value.Resolve()
	if a.Value.Kind() != slog.KindAny {
		return a
	}
	v := a.Value.Any()
	if _, ok := v.(slog.Level); ok {
		return a
	}
	if err, ok := v.(error); ok {
		if typed, ok := errors.AsType[*sdk.Error](err); ok { // its message is safe by contract
			a.Value = slog.StringValue(typed.Error())
			return a
		}
	}
	a.Value = slog.StringValue("[" + typeName(v) + " withheld]")
	return a
}

func typeName(v any) string { return fmt.Sprintf("%T", v) }

type callKey struct{}

func withCall(ctx context.Context, c transport.Call) context.Context {
	return context.WithValue(ctx, callKey{}, []slog.Attr{slog.String("request", c.RequestID),
		slog.String("connection", c.Settings.ConnectionID), slog.String("ability", c.Ability)})
}

// callHandler adds what is known of the call a line belongs to.
type callHandler struct{ slog.Handler }

func (h callHandler) Handle(ctx context.Context, r slog.Record) error {
	if attrs, ok := ctx.Value(callKey{}).([]slog.Attr); ok {
		r = r.Clone()
		r.AddAttrs(attrs...)
	}
	return h.Handler.Handle(ctx, r)
}

func (h callHandler) WithAttrs(a []slog.Attr) slog.Handler {
	return callHandler{h.Handler.WithAttrs(a)}
}
func (h callHandler) WithGroup(n string) slog.Handler { return callHandler{h.Handler.WithGroup(n)} }
