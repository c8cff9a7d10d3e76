package api

// strict.go: what is refused before a body is decoded. The decoder of the
// standard library takes the last of two equal keys and ignores what follows
// the value; two readers of one request must not come to different ends.

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"slices"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"

	"github.com/atshub/atshub/gateway/problem"
	"github.com/atshub/atshub/internal/hub"
)

const maxDepth = 64

// strict refuses unknown query parameters and bodies that are not one clean
// JSON value.
func (a *API) strict(ctx huma.Context, next func(huma.Context)) {
	c, op := humafiber.Unwrap(ctx), ctx.Operation()
	unknown := map[string]string{}
	c.Context().QueryArgs().VisitAll(func(key, _ []byte) {
		if !slices.ContainsFunc(op.Parameters, func(p *huma.Param) bool { return p.In == "query" && p.Name == string(key) }) {
			unknown["query."+printable(string(key))] = "there is no such parameter"
		}
	})
	if len(unknown) > 0 {
		refuse(ctx, &hub.Error{Code: hub.CodeInvalid, Message: "the address has parameters that mean nothing here; nothing was done", Fields: unknown})
		return
	}
	if body := c.BodyRaw(); op.RequestBody != nil && len(body) > 0 {
		if media, _, err := mime.ParseMediaType(c.Get("Content-Type")); err != nil || media != "application/json" {
			refuse(ctx, problem.New(problem.CodeUnsupportedMedia, "the body must be application/json", ""))
			return
		}
		if err := checkJSON(body); err != nil {
			refuse(ctx, problem.New(problem.CodeMalformed, err.Error()+"; nothing was done", ""))
			return
		}
	}
	next(ctx)
}

// printable keeps a made-up name from filling the answer.
func printable(s string) string {
	if len(s) > 60 || !utf8.ValidString(s) {
		return "(unreadable)"
	}
	return s
}

var (
	errNotJSON   = errors.New("the body is not JSON")
	errEncoding  = errors.New("the body is not valid UTF-8")
	errDuplicate = errors.New("the body has a key twice in one object")
	errDepth     = errors.New("the body is nested more than 64 deep")
	errTrailing  = errors.New("the body has something after its JSON value")
)

// checkJSON walks a body once.
func checkJSON(body []byte) error {
	if !utf8.Valid(body) {
		return errEncoding
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	type level struct {
		keys map[string]bool // nil in an array
		key  bool            // a key is due
	}
	var open []level
	for {
		t, err := d.Token()
		if err == io.EOF {
			return errNotJSON
		}
		if err != nil {
			return errNotJSON
		}
		if delim, ok := t.(json.Delim); ok {
			if delim == '{' || delim == '[' {
				if len(open) == maxDepth {
					return errDepth
				}
				l := level{}
				if delim == '{' {
					l = level{keys: map[string]bool{}, key: true}
				}
				open = append(open, l)
				continue
			}
			open = open[:len(open)-1]
		} else if n := len(open); n > 0 && open[n-1].key {
			name, _ := t.(string)
			if open[n-1].keys[name] {
				return errDuplicate
			}
			open[n-1].keys[name], open[n-1].key = true, false
			continue
		}
		if len(open) == 0 {
			if _, err := d.Token(); err != io.EOF {
				return errTrailing
			}
			return nil
		}
		open[len(open)-1].key = open[len(open)-1].keys != nil
	}
}
