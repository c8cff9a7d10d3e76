package api

// docs.go: the API described, for programs at /openapi.json and for people at
// /docs. The page loads nothing from anywhere.

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
)

//go:embed docs.html
var docsHTML string

var docsPage = template.Must(template.New("docs").Parse(docsHTML))

// operation is a route as the page shows it.
type operation struct {
	Method, Path, Summary, Permission, Request, Response string
	Params                                               []*huma.Param
}

func (a *API) describe(app *fiber.App) {
	spec, err := json.Marshal(a.huma.OpenAPI())
	if err != nil {
		panic(err) // the table itself is wrong; every test of the package shows it
	}
	page, err := a.renderDocs()
	if err != nil {
		panic(err)
	}
	app.Get("/openapi.json", func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentType, "application/vnd.oai.openapi+json")
		return c.Send(spec)
	})
	app.Get("/docs", func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
		c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
		return c.Send(page)
	})
}

func (a *API) renderDocs() ([]byte, error) {
	var all []operation
	for _, r := range a.routes {
		op := a.operation(r)
		o := operation{Method: r.Method, Path: r.Path, Summary: r.Summary, Permission: r.Permission, Params: op.Parameters}
		if op.RequestBody != nil {
			o.Request = a.shape(op.RequestBody.Content["application/json"])
		}
		for status, response := range op.Responses {
			if status[0] == '2' {
				o.Response = a.shape(response.Content["application/json"])
			}
		}
		all = append(all, o)
	}
	var page bytes.Buffer
	err := docsPage.Execute(&page, map[string]any{"Operations": all, "Description": description})
	return page.Bytes(), err
}

func (a *API) operation(r Route) *huma.Operation {
	item := a.huma.OpenAPI().Paths[r.Path]
	return map[string]*huma.Operation{http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put, http.MethodDelete: item.Delete}[r.Method]
}

// shape is a body's schema with the named ones put in, for reading.
func (a *API) shape(m *huma.MediaType) string {
	if m == nil || m.Schema == nil {
		return ""
	}
	text, err := json.MarshalIndent(a.outline(m.Schema, 0), "", "  ")
	if err != nil {
		return ""
	}
	return string(text)
}

// outline is an example-like picture of a schema: members and their types.
func (a *API) outline(s *huma.Schema, depth int) any {
	if s.Ref != "" {
		s = a.huma.OpenAPI().Components.Schemas.SchemaFromRef(s.Ref)
	}
	switch {
	case s == nil || depth > 6:
		return "…"
	case s.Type == huma.TypeArray:
		return []any{a.outline(s.Items, depth+1)}
	case len(s.Properties) > 0:
		members := map[string]any{}
		for name, p := range s.Properties {
			members[name] = a.outline(p, depth+1)
		}
		return members
	}
	text := s.Type
	if s.Format != "" {
		text += " (" + s.Format + ")"
	}
	if s.Description != "" {
		text += ": " + s.Description
	}
	return text
}
