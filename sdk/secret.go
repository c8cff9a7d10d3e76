package sdk

import (
	"encoding/json"
	"log/slog"
)

// Secret is a value that must not be printed. Every way of formatting it gives
// "[redacted]"; JSON carries it in clear, because the one place that encodes
// it is the mutual-TLS line to the connector.
type Secret string

// Reveal is the value in clear; call it where the secret is used, nowhere else.
func (s Secret) Reveal() string { return string(s) }

func (s Secret) String() string               { return "[redacted]" }
func (s Secret) GoString() string             { return "[redacted]" }
func (s Secret) LogValue() slog.Value         { return slog.StringValue("[redacted]") }
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(string(s)) }
