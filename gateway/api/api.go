// Package api is the REST API: huma on Fiber, OpenAPI 3.1 at /openapi.json.
// A handler reads its input, calls one method of internal/service and returns;
// who asks, repeats of a write and errors are handled around it.
package api

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"

	"github.com/atshub/atshub/gateway/auth"
	"github.com/atshub/atshub/gateway/problem"
	"github.com/atshub/atshub/gateway/request"
	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/service"
	"github.com/atshub/atshub/internal/store"
)

// Options of Mount.
type Options struct {
	Store     *store.Store
	Service   *service.Service
	Auth      *auth.Auth
	PublicURL string
	Version   string
}

// API is the mounted API.
type API struct {
	*service.Service
	store  *store.Store
	auth   *auth.Auth
	huma   huma.API
	routes []Route
}

// Route is an address of the API and the permission it asks for.
type Route struct {
	Method, Path, Permission, Summary string
}

// Mount adds the API to app.
func Mount(app *fiber.App, o Options) *API {
	speakProblems()
	config := huma.DefaultConfig("atshub", o.Version)
	config.Info.Description = description
	config.CreateHooks = nil // no $schema members in answers
	config.DocsPath, config.SchemasPath, config.OpenAPIPath = "", "", ""
	config.Formats = map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat}
	if o.PublicURL != "" {
		config.Servers = []*huma.Server{{URL: o.PublicURL}}
	}
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		securityKey: {Type: "http", Scheme: "bearer", Description: "API key of the product, atsk_…"},
	}
	a := &API{Service: o.Service, store: o.Store, auth: o.Auth}
	a.huma = humafiber.New(app, config)
	a.table()
	a.describe(app)
	return a
}

const (
	securityKey = "key"
	description = "Connects hiring products to applicant tracking systems: nobody is contacted by surprise, nothing is lost, nothing happens twice, every decision can be explained."
)

// Routes are all addresses with what each asks for.
func (a *API) Routes() []Route { return slices.Clone(a.routes) }

// handler is what stands behind a route.
type handler[I, O any] func(ctx context.Context, who hub.Actor, in *I) (O, error)

// answer carries the body of a success.
type answer[O any] struct{ Body O }

// route adds one row of the table. The permission is shown in the description
// and asked again by the service.
func route[I, O any](a *API, method, path, permission, summary string, h handler[I, O]) {
	op := huma.Operation{
		OperationID: operationID(method, path), Method: method, Path: path, Summary: summary, Tags: []string{tag(path)},
		Description: "Permission: `" + permission + "`.", Security: []map[string][]string{{securityKey: {}}},
		DefaultStatus: successOf(method, path), MaxBodyBytes: 1 << 20,
		Middlewares: huma.Middlewares{a.authenticate, a.strict},
		Errors:      []int{400, 401, 403, 404, 409, 422, 429, 502, 503},
	}
	if method != http.MethodGet {
		op.Middlewares = append(op.Middlewares, a.once)
		op.Parameters = append(op.Parameters, &huma.Param{Name: headerIdempotency, In: "header", Schema: &huma.Schema{Type: "string"},
			Description: "Makes the request safe to repeat: the same key with the same request gives the first answer again."})
	}
	op.Parameters = append(op.Parameters,
		&huma.Param{Name: auth.HeaderUser, In: "header", Schema: &huma.Schema{Type: "string"}, Description: "The product's own id of the acting person."},
		&huma.Param{Name: auth.HeaderRole, In: "header", Schema: &huma.Schema{Type: "string"}, Description: "The person's role in the product."})
	a.routes = append(a.routes, Route{Method: method, Path: path, Permission: permission, Summary: summary})

	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*answer[O], error) {
		body, err := h(ctx, actorOf(ctx), in)
		if err != nil {
			return nil, told(ctx, err)
		}
		return &answer[O]{Body: body}, nil
	})
}

// told is err as its problem, with the request's id; the cause goes to the log.
func told(ctx context.Context, err error) error {
	info := request.Of(ctx)
	p := problem.From(err)
	p.RequestID, info.Code, info.Cause = info.ID, string(p.Code), err
	return p
}

func successOf(method, path string) int {
	switch {
	case method == http.MethodDelete && strings.HasSuffix(path, "{connection}"), strings.HasSuffix(path, "/syncs") && method == http.MethodPost:
		return http.StatusAccepted
	case method == http.MethodPost && (strings.HasSuffix(path, "/connections") || strings.HasSuffix(path, "/keys") || strings.HasSuffix(path, "/plans")):
		return http.StatusCreated
	}
	return http.StatusOK
}

// operationID is stable and readable: post-connections-pause.
func operationID(method, path string) string {
	var parts []string
	for p := range strings.SplitSeq(strings.TrimPrefix(path, "/v1/"), "/") {
		if strings.HasPrefix(p, "{") {
			p = "by-" + strings.Trim(p, "{}")
		}
		if p != "tenants" && p != "by-tenant" || !strings.Contains(path, "{tenant}/") {
			parts = append(parts, p)
		}
	}
	return strings.ToLower(method) + "-" + strings.Join(parts, "-")
}

// tag is the resource a path is about.
func tag(path string) string {
	rest := strings.TrimPrefix(path, "/v1/")
	if inner, ok := strings.CutPrefix(rest, "tenants/{tenant}/"); ok {
		rest = inner
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}

type actorKey struct{}

func actorOf(ctx context.Context) hub.Actor {
	who, _ := ctx.Value(actorKey{}).(hub.Actor)
	return who
}

// authenticate tells who asks, before anything of the request is looked at.
func (a *API) authenticate(ctx huma.Context, next func(huma.Context)) {
	c := humafiber.Unwrap(ctx)
	caller, err := a.auth.Caller(ctx.Context(), auth.Request{
		Authorization: c.Get(fiber.HeaderAuthorization), User: c.Get(auth.HeaderUser), Role: c.Get(auth.HeaderRole),
		Tenant: ctx.Param("tenant"), RemoteIP: c.IP(),
	})
	info := request.Of(ctx.Context())
	info.Product, info.Key = caller.Key.Product, caller.Key.ID
	if err != nil {
		refuse(ctx, err)
		return
	}
	info.Tenant, info.Connection = ctx.Param("tenant"), ctx.Param("connection")
	c.Set(fiber.HeaderCacheControl, "no-store")
	next(huma.WithValue(ctx, actorKey{}, caller.Actor))
}

// refuse answers before a handler is reached.
func refuse(ctx huma.Context, err error) {
	info := request.Of(ctx.Context())
	info.Code, info.Cause = string(problem.From(err).Code), err
	_ = problem.Write(humafiber.Unwrap(ctx), err, info.ID) // only fails to encode, and a problem always encodes
}

var speak sync.Once

// speakProblems makes huma answer problems of ours. It reads variables of its
// package; there is no other way in.
func speakProblems() {
	speak.Do(func() {
		huma.ValidateStrictCasing = true // TENANT_ID is not tenant_id
		huma.NewError = newProblem
		huma.NewErrorWithContext = func(ctx huma.Context, status int, message string, errs ...error) huma.StatusError {
			p := newProblem(status, message, errs...)
			info := request.Of(ctx.Context())
			if v, ok := p.(*problem.Problem); ok {
				v.RequestID, info.Code = info.ID, string(v.Code)
			}
			return p
		}
	})
}

var missingProperty = regexp.MustCompile(`^expected required property (\S+) to be present$`)

// newProblem is what huma found wrong with a request. The values sent are not
// repeated: one may be a secret in the wrong field.
func newProblem(status int, message string, errs ...error) huma.StatusError {
	fields := map[string]string{}
	for _, err := range errs {
		if d, ok := err.(huma.ErrorDetailer); ok && d.ErrorDetail().Location != "" {
			detail := d.ErrorDetail()
			at := detail.Location
			if missing := missingProperty.FindStringSubmatch(detail.Message); missing != nil {
				at += "." + missing[1] // huma names the object
			}
			fields[strings.TrimPrefix(strings.TrimPrefix(at, "body."), "path.")] = detail.Message
		}
	}
	var p *problem.Problem
	switch {
	case status == http.StatusUnprocessableEntity:
		p = problem.New(hub.CodeInvalid, "the request is understood, but some of it is not allowed; nothing was done", "correct the fields named")
	case status == http.StatusRequestEntityTooLarge:
		p = problem.New(problem.CodeTooLarge, "the request is larger than 1 MiB", "")
	case status == http.StatusUnsupportedMediaType:
		p = problem.New(problem.CodeUnsupportedMedia, "the body must be application/json", "")
	case status == http.StatusRequestTimeout:
		p = problem.New(problem.CodeTimeout, "the request did not arrive in time", "send it again")
	case status >= 400 && status < 500:
		p = problem.New(problem.CodeMalformed, message, "")
	default:
		p = problem.New(hub.CodeInternal, "something went wrong on our side", "try again; if it persists, tell the operator the request id")
	}
	if len(fields) > 0 {
		p.Fields = fields
	}
	return p
}
