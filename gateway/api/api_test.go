package api

import (
	"encoding/json"
	"io"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gofiber/fiber/v2"
	"github.com/stretchr/testify/require"
)

func mounted(t *testing.T) (*API, func(path string) (string, string)) {
	t.Helper()
	app := fiber.New()
	a := Mount(app, Options{Version: "test", PublicURL: "https://hub.example"})
	return a, func(path string) (string, string) {
		res, err := app.Test(httptest.NewRequest("GET", path, nil))
		require.NoError(t, err)
		defer func() { _ = res.Body.Close() }()
		require.Equal(t, 200, res.StatusCode)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return string(body), res.Header.Get("Content-Security-Policy")
	}
}

func TestTheDescriptionIsValidAndComplete(t *testing.T) {
	t.Parallel()
	a, get := mounted(t)
	text, _ := get("/openapi.json")
	var doc struct {
		OpenAPI    string
		Paths      map[string]map[string]struct{ OperationID string }
		Components struct{ Schemas map[string]any }
	}
	require.NoError(t, json.Unmarshal([]byte(text), &doc))
	require.Equal(t, "3.1.0", doc.OpenAPI)
	ids := map[string]bool{}
	for _, r := range a.Routes() {
		op, ok := doc.Paths[r.Path][strings.ToLower(r.Method)]
		require.True(t, ok, "%s %s is not described", r.Method, r.Path)
		require.False(t, ids[op.OperationID], "%s twice", op.OperationID)
		require.NotEmpty(t, r.Permission)
		ids[op.OperationID] = true
	}
	for _, ref := range regexp.MustCompile(`"#/components/schemas/([^"]+)"`).FindAllStringSubmatch(text, -1) {
		require.Contains(t, doc.Components.Schemas, ref[1])
	}

	// The same document in the older form, which a validator knows.
	older, err := a.huma.OpenAPI().Downgrade()
	require.NoError(t, err)
	parsed, err := openapi3.NewLoader().LoadFromData(older)
	require.NoError(t, err)
	require.NoError(t, parsed.Validate(t.Context()))
}

func TestTheDocsPageLoadsNothing(t *testing.T) {
	t.Parallel()
	a, get := mounted(t)
	page, policy := get("/docs")
	require.Contains(t, policy, "default-src 'none'")
	for _, word := range []string{"<script", "src=", "http://", "https://"} {
		require.NotContains(t, page, word)
	}
	for _, r := range a.Routes() {
		require.Contains(t, page, r.Path)
	}
}

func TestCheckJSON(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		`{"a":1,"b":{"a":[1,{"a":2}]}}`: nil,
		`[{"a":1},{"a":1}]`:             nil,
		`"text"`:                        nil,
		``:                              errNotJSON,
		`{"a":1,"a":2}`:                 errDuplicate,
		`{"a":{"b":1,"b":2}}`:           errDuplicate,
		`{"a":1,"\u0061":2}`:            errDuplicate,
		`{"a":1}x`:                      errTrailing,
		`{"a":1}{"a":1}`:                errTrailing,
		`{"a":`:                         errNotJSON,
		`{"a" 1}`:                       errNotJSON,
		`{a:1}`:                         errNotJSON,
		"\"\xc3\x28\"":                  errEncoding,
		strings.Repeat("[", 64) + strings.Repeat("]", 64): nil,
		strings.Repeat("[", 65) + strings.Repeat("]", 65): errDepth,
	} {
		require.Equal(t, want, checkJSON([]byte(text)), text)
	}
}

func FuzzCheckJSONAcceptsOnlyJSON(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":[1,2,{"b":null}]}`, `[[[]]]`, `{"a":1,"a":2}`, "\xff"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if checkJSON(body) == nil && !json.Valid(body) {
			t.Fatalf("accepted %q", body)
		}
	})
}
