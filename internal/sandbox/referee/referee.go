// Package referee holds traffic against the vendor's own OpenAPI documents: what a connector sends, what the
// simulator answers and the webhooks it posts. It collects deviations; those the vendor's documents are known to be
// behind on are in allowed.yaml, each with its reason.
//
//	ref := referee.FromEnv(t) // SMARTRECRUITERS_OPENAPI; skips at home, fails in CI
//	server := httptest.NewServer(ref.Handler(simulator))
//	... traffic ...
//	ref.Assert(t)
package referee

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// Kinds of deviations: who is wrong.
const (
	Request  = "request"
	Response = "response"
	Callback = "callback"
)

// Deviation is one message that does not fit the documents.
type Deviation struct {
	Kind, Method, Path string
	Status             int // of responses
	Problem            string
}

func (d Deviation) String() string {
	if d.Kind == Response {
		return fmt.Sprintf("%s %d to %s %s: %s", d.Kind, d.Status, d.Method, d.Path, d.Problem)
	}
	return fmt.Sprintf("%s %s %s: %s", d.Kind, d.Method, d.Path, d.Problem)
}

type document struct {
	doc    *openapi3.T
	router routers.Router
}

// Referee is safe for concurrent use.
type Referee struct {
	documents []document
	webhooks  *openapi3.T
	allowed   []allowance

	mu         sync.Mutex
	checked    map[string]int // "GET /jobs/{jobId} 200" → how often
	deviations []Deviation
	used       map[string]int
}

// Load reads every document of a folder. The path prefix of each API stands in its server URL.
func Load(dir string) (*Referee, error) {
	defineFormats()
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no OpenAPI documents in %s", dir)
	}
	allowed, err := loadAllowed()
	if err != nil {
		return nil, err
	}
	r := &Referee{allowed: allowed, checked: map[string]int{}, used: map[string]int{}}
	for _, file := range files {
		if err := r.add(file); err != nil {
			return nil, fmt.Errorf("load %s: %w", filepath.Base(file), err)
		}
	}
	return r, nil
}

func (r *Referee) add(file string) error {
	doc, err := openapi3.NewLoader().LoadFromFile(file)
	if err != nil {
		return err
	}
	if err := doc.Validate(context.Background()); err != nil {
		return err
	}
	if len(doc.Servers) == 0 {
		return fmt.Errorf("document names no server")
	}
	server, err := url.Parse(doc.Servers[0].URL)
	if err != nil {
		return err
	}
	doc.Servers = openapi3.Servers{{URL: "/" + strings.Trim(server.Path, "/")}} // any host: the sandbox's is not the vendor's
	closeObjects(doc)
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		return err
	}
	r.documents = append(r.documents, document{doc, router})
	if doc.Components != nil && len(doc.Components.Callbacks) > 0 {
		r.webhooks = doc
	}
	return nil
}

var formatsOnce sync.Once

// defineFormats turns on the formats the vendor's documents use and the library leaves off.
func defineFormats() {
	formatsOnce.Do(func() {
		openapi3.DefineStringFormatValidator("uuid", openapi3.NewRegexpFormatValidator(openapi3.FormatOfStringForUUIDOfRFC4122))
		openapi3.DefineStringFormatValidator("guid", openapi3.NewRegexpFormatValidator(openapi3.FormatOfStringForUUIDOfRFC4122))
		openapi3.DefineStringFormatValidator("email", openapi3.NewRegexpFormatValidator(openapi3.FormatOfStringForEmail))
		openapi3.DefineStringFormatValidator("https_url", openapi3.NewRegexpFormatValidator(`^https://[^/\s]+`))
		openapi3.DefineStringFormatValidator("url", openapi3.NewRegexpFormatValidator(`^https?://[^/\s]+`))
	})
}

// TB is the part of testing.TB the referee needs.
type TB interface {
	Helper()
	Skip(args ...any)
	Fatal(args ...any)
	Errorf(format string, args ...any)
}

// FromEnv loads the folder named by SMARTRECRUITERS_OPENAPI. Without it the test is skipped at home and fails in CI.
func FromEnv(t TB) *Referee {
	t.Helper()
	dir := os.Getenv("SMARTRECRUITERS_OPENAPI")
	if dir == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("SMARTRECRUITERS_OPENAPI must name the folder of the vendor's OpenAPI documents in CI")
		}
		t.Skip("SMARTRECRUITERS_OPENAPI is not set: nothing to referee against")
	}
	r, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Deviations are the ones not allowed, in order of appearance.
func (r *Referee) Deviations() []Deviation {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Deviation(nil), r.deviations...)
}

// Allowed counts by name how often each allowance was needed.
func (r *Referee) Allowed() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := map[string]int{}
	for _, a := range r.allowed {
		all[a.Name] = r.used[a.Name]
	}
	return all
}

// Checked counts refereed answers by operation and status ("GET /jobs/{jobId} 200") and webhooks by event name.
func (r *Referee) Checked() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := map[string]int{}
	for k, n := range r.checked {
		all[k] = n
	}
	return all
}

// Assert fails the test for every deviation, and when nothing was checked at all.
func (r *Referee) Assert(t TB) {
	t.Helper()
	if len(r.Checked()) == 0 {
		t.Errorf("the referee saw no traffic")
	}
	for _, d := range r.Deviations() {
		t.Errorf("deviation: %s", d)
	}
}

// report keeps a deviation, or counts the allowance that covers it.
func (r *Referee) report(d Deviation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.allowed {
		if a.covers(d) {
			r.used[a.Name]++
			return
		}
	}
	r.deviations = append(r.deviations, d)
}

// route finds the operation of a request; nil when the documents have none.
func (r *Referee) route(req *http.Request) (*routers.Route, map[string]string) {
	for _, one := range r.documents {
		route, params, err := one.router.FindRoute(req)
		if err == nil && route.Operation != nil {
			return route, params
		}
	}
	return nil, nil
}
