// The checks themselves: one request, one response, one webhook.

package referee

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// FaultHeader marks answers a simulator spoiled on purpose; they are not refereed.
const FaultHeader = "Sandbox-Fault"

var options = &openapi3filter.Options{
	IncludeResponseStatus: true,
	SkipSettingDefaults:   true,
	MultiError:            true,
	AuthenticationFunc:    authenticated,
}

// authenticated wants the credential where the vendor's security scheme puts it.
func authenticated(_ context.Context, in *openapi3filter.AuthenticationInput) error {
	header := in.RequestValidationInput.Request.Header
	switch in.SecurityScheme.Type {
	case "apiKey":
		if header.Get(in.SecurityScheme.Name) != "" {
			return nil
		}
	case "oauth2":
		if strings.HasPrefix(strings.ToLower(header.Get("Authorization")), "bearer ") {
			return nil
		}
	}
	return fmt.Errorf("no credential for scheme %s", in.SecuritySchemeName)
}

// exchange is one request with its route, kept until the answer is there.
type exchange struct {
	req   *http.Request
	input *openapi3filter.RequestValidationInput
	wrong bool // the request deviates: a 400 is fair, listed or not
}

// checkRequest validates a request; body is its whole body. Requests outside the documents deviate.
func (r *Referee) checkRequest(req *http.Request, body []byte, judge bool) exchange {
	route, params := r.route(req)
	ex := exchange{req: req}
	report := func(problem string) {
		ex.wrong = true
		if judge {
			r.report(Deviation{Kind: Request, Method: req.Method, Path: req.URL.Path, Problem: problem})
		}
	}
	if route == nil {
		report("operation is not in the vendor's documents")
		return ex
	}
	copied := req.Clone(req.Context())
	copied.Body = io.NopCloser(bytes.NewReader(body))
	ex.input = &openapi3filter.RequestValidationInput{
		Request: copied, PathParams: params, Route: route, Options: options, QueryParams: req.URL.Query(),
	}
	for _, name := range unknownParameters(ex.input, route) {
		report(fmt.Sprintf("query parameter %q is not in the document", name))
	}
	if route.Operation.RequestBody == nil && len(body) > 0 {
		report("operation takes no body")
	}
	if err := openapi3filter.ValidateRequest(req.Context(), ex.input); err != nil {
		each(err, report)
	}
	return ex
}

func unknownParameters(in *openapi3filter.RequestValidationInput, route *routers.Route) []string {
	var unknown []string
	for name := range in.QueryParams {
		if route.Operation.Parameters.GetByInAndName("query", name) == nil &&
			route.PathItem.Parameters.GetByInAndName("query", name) == nil {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	return unknown
}

// checkResponse validates the answer to a request.
func (r *Referee) checkResponse(ex exchange, status int, header http.Header, body []byte) {
	if ex.input == nil || header.Get(FaultHeader) != "" {
		return
	}
	report := func(problem string) {
		r.report(Deviation{Kind: Response, Method: ex.req.Method, Path: ex.req.URL.Path, Status: status, Problem: problem})
	}
	r.count(fmt.Sprintf("%s %s %d", ex.req.Method, ex.input.Route.Path, status))
	if status == http.StatusNoContent && len(body) > 0 {
		report("204 with a body")
	}
	listed := ex.input.Route.Operation.Responses.Status(status) != nil
	if status == http.StatusBadRequest && ex.wrong && !listed {
		return
	}
	err := openapi3filter.ValidateResponse(ex.req.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: ex.input, Status: status, Header: header,
		Body: io.NopCloser(bytes.NewReader(body)), Options: options,
	})
	if err != nil {
		each(err, report)
	}
}

// checkCallback validates a webhook: the documents describe one operation per event.
func (r *Referee) checkCallback(req *http.Request, body []byte) {
	name := req.Header.Get("event-name")
	if name == "" {
		name = strings.Join(req.Header["event-name"], "") // sent in the vendor's own spelling
	}
	report := func(problem string) {
		r.report(Deviation{Kind: Callback, Method: req.Method, Path: name, Problem: problem})
	}
	r.count(name)
	operation := r.callback(name)
	if operation == nil {
		report("event is not in the document")
		return
	}
	copied := req.Clone(req.Context())
	copied.Header = canonical(req.Header)
	copied.Body = io.NopCloser(bytes.NewReader(body))
	in := &openapi3filter.RequestValidationInput{
		Request: copied, Options: options,
		Route: &routers.Route{Spec: r.webhooks, Operation: operation, PathItem: &openapi3.PathItem{}, Method: req.Method},
	}
	if err := openapi3filter.ValidateRequest(req.Context(), in); err != nil {
		each(err, report)
	}
	if operation.Parameters.GetByInAndName("header", "Link") == nil && copied.Header.Get("Link") != "" {
		report("Link header is not documented for this event")
	}
}

func canonical(h http.Header) http.Header {
	out := http.Header{}
	for name, values := range h {
		out[http.CanonicalHeaderKey(name)] = values
	}
	return out
}

// callback finds the operation of an event: application.status.updated is onApplicationStatusUpdated.
func (r *Referee) callback(event string) *openapi3.Operation {
	if r.webhooks == nil {
		return nil
	}
	name := "on"
	for _, word := range strings.FieldsFunc(event, func(c rune) bool { return c == '.' || c == '-' }) {
		name += strings.ToUpper(word[:1]) + word[1:]
	}
	ref := r.webhooks.Components.Callbacks[name]
	if ref == nil || ref.Value == nil {
		return nil
	}
	for _, item := range ref.Value.Map() {
		if item.Post != nil {
			return item.Post
		}
	}
	return nil
}

func (r *Referee) count(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.checked[what]++
}

// each reports every problem of a validation error: what is wrong and where, without the offending values.
func each(err error, report func(problem string)) {
	seen := map[string]bool{}
	for _, problem := range problems(err, "") {
		if !seen[problem] {
			seen[problem] = true
			report(problem)
		}
	}
}

func problems(err error, where string) []string {
	if many, ok := err.(openapi3.MultiError); ok {
		var all []string
		for _, one := range many {
			all = append(all, problems(one, where)...)
		}
		return all
	}
	var inRequest *openapi3filter.RequestError
	if errors.As(err, &inRequest) && inRequest.Parameter != nil {
		where = "parameter " + inRequest.Parameter.Name + ": "
	}
	var nested openapi3.MultiError
	var schema *openapi3.SchemaError
	var security *openapi3filter.SecurityRequirementsError
	switch {
	case errors.As(err, &nested):
		return problems(nested, where)
	case errors.As(err, &schema) && schema.Origin != nil:
		return problems(schema.Origin, where)
	case schema != nil:
		return []string{fmt.Sprintf("%s%s at /%s", where, schema.Reason, strings.Join(schema.JSONPointer(), "/"))}
	case errors.As(err, &security):
		return []string{"no credential"}
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	return []string{text}
}
