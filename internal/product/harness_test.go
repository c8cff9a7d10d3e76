package product_test

// harness_test.go: the simulators behind a referee that holds every request
// and every answer against the contract.

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/sandbox/fairec"
	"github.com/atshub/atshub/internal/sandbox/pillar"
	"github.com/atshub/atshub/sdk"
)

// clock is a settable clock.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// referee checks what passes; deviations fail the test at its end.
type referee struct {
	doc     *openapi3.T
	router  routers.Router
	next    http.Handler
	mu      sync.Mutex
	checked map[string]int // by operation and status
	broken  []string
}

func newReferee(t *testing.T, kind product.Kind, next http.Handler) *referee {
	t.Helper()
	raw, err := product.Contract(kind)
	require.NoError(t, err)
	doc, err := openapi3.NewLoader().LoadFromData(raw)
	require.NoError(t, err)
	router, err := gorillamux.NewRouter(doc)
	require.NoError(t, err)
	r := &referee{doc: doc, router: router, next: next, checked: map[string]int{}}
	t.Cleanup(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		require.Empty(t, r.broken)
		require.NotEmpty(t, r.checked, "nothing was checked")
	})
	return r
}

func (r *referee) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	input, err := r.input(req, body)
	if err != nil {
		r.note("", fmt.Errorf("request %s %s: %w", req.Method, req.URL, err))
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	rec := httptest.NewRecorder()
	r.next.ServeHTTP(rec, req) // a broken connection passes through as a panic
	if input != nil {
		err := openapi3filter.ValidateResponse(req.Context(), &openapi3filter.ResponseValidationInput{
			RequestValidationInput: input, Status: rec.Code, Header: rec.Header(), Body: io.NopCloser(bytes.NewReader(rec.Body.Bytes())),
		})
		if err != nil {
			err = fmt.Errorf("answer %d to %s %s: %w", rec.Code, req.Method, req.URL, err)
		}
		r.note(fmt.Sprint(input.Route.Operation.OperationID, " ", rec.Code), err)
	}
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes())
}

func (r *referee) input(req *http.Request, body []byte) (*openapi3filter.RequestValidationInput, error) {
	route, params, err := r.router.FindRoute(req)
	if err != nil {
		return nil, err
	}
	copied := req.Clone(req.Context())
	copied.Body = io.NopCloser(bytes.NewReader(body))
	in := &openapi3filter.RequestValidationInput{Request: copied, PathParams: params, Route: route, Options: &openapi3filter.Options{
		AuthenticationFunc: func(_ context.Context, a *openapi3filter.AuthenticationInput) error {
			if len(req.Header.Get("Authorization")) <= len("Bearer ") {
				return fmt.Errorf("no token for %s", a.SecuritySchemeName)
			}
			return nil
		},
	}}
	return in, openapi3filter.ValidateRequest(req.Context(), in)
}

func (r *referee) note(what string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.broken = append(r.broken, err.Error())
	} else if what != "" {
		r.checked[what]++
	}
}

// requireComplete checks that every operation of the contract was answered
// with success at least once.
func (r *referee) requireComplete(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := map[string]bool{}
	for what := range r.checked {
		if operation, success := strings.CutSuffix(what[:len(what)-2], " 2"); success {
			seen[operation] = true
		}
	}
	for path, item := range r.doc.Paths.Map() {
		for method, operation := range item.Operations() {
			require.True(t, seen[operation.OperationID], "%s %s was never checked", method, path)
		}
	}
}

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}

const password = sdk.Secret("canary-password-1")

// screening is a product with one organisation and a client.
type screening struct {
	sim     *fairec.Simulator
	referee *referee
	client  *product.Screening
	login   product.Login
	clock   *clock // the product's and the hub's
	keys    int
}

func newScreening(t *testing.T) *screening {
	t.Helper()
	b := &screening{clock: newClock(), login: product.Login{Username: "system@acme.example", Password: password}}
	sim, err := fairec.New(fairec.Options{Now: b.clock.now, Seed: 1})
	require.NoError(t, err)
	b.sim = sim
	sim.AddUser(fairec.User{ID: "u1", OrganisationID: "acme", OrganisationName: "Acme", Email: "System@acme.example", Password: password.Reveal(), SystemAccess: true})
	b.referee = newReferee(t, product.KindScreening, sim)
	b.client, err = product.NewScreening(serve(t, b.referee), product.Options{Now: b.clock.now})
	require.NoError(t, err)
	return b
}

// effect is an Effect with a key of its own.
func (b *screening) effect(fence int64) product.Effect {
	b.keys++
	return product.Effect{Key: product.Key("test", strconv.Itoa(b.keys)), NotAfter: b.clock.now().Add(15 * time.Second), Fence: fence}
}

func (b *screening) post(t *testing.T) product.JobPost {
	t.Helper()
	post, err := b.client.PutJobPost(t.Context(), b.login, b.effect(1), postKey, jobPost())
	require.NoError(t, err)
	return post
}

const postKey = "job:acme%3Aeu:743999"

func jobPost() product.JobPostProperties {
	return product.JobPostProperties{Title: "Nurse", Code: "REF1", Location: "Malmö", Department: "Care", ATSJobID: "743999", ATSStatus: "SOURCING", State: product.JobPostActive}
}

func candidate(n string) product.NewCandidate {
	return product.NewCandidate{ATSCandidateID: "cand" + n, ATSApplicationID: "app" + n, FirstName: "Zoë", LastName: "Ångström", Email: n + "@mail.example", Phone: "+46 70"}
}

const organisation, serviceToken = "acme", sdk.Secret("canary-service-token")

// capture is a product with one organisation and a client.
type capture struct {
	sim     *pillar.Simulator
	referee *referee
	client  *product.Capture
	clock   *clock
	keys    int
}

func newCapture(t *testing.T) *capture {
	t.Helper()
	b := &capture{clock: newClock()}
	sim, err := pillar.New(pillar.Options{Token: serviceToken.Reveal(), Now: b.clock.now, Seed: 1})
	require.NoError(t, err)
	b.sim = sim
	sim.SetOrganisation(organisation, pillar.Settings{Record: true, MailCandidates: true})
	b.referee = newReferee(t, product.KindCapture, sim)
	b.client, err = product.NewCapture(serve(t, b.referee), serviceToken, product.Options{Now: b.clock.now})
	require.NoError(t, err)
	return b
}

func (b *capture) effect(fence int64) product.Effect {
	b.keys++
	return product.Effect{Key: product.Key("test", strconv.Itoa(b.keys)), NotAfter: b.clock.now().Add(15 * time.Second), Fence: fence}
}

// session begins after the given time and lasts half an hour.
func (b *capture) session(in time.Duration) product.JoinProperties {
	start := b.clock.now().Add(in)
	return product.JoinProperties{MeetingURL: "https://meet.example/abc?pwd=1", StartsAt: start, EndsAt: start.Add(30 * time.Minute), Lead: time.Minute, Title: "Interview"}
}

// requireError checks the code and what the error says about the act.
func requireError(t *testing.T, err error, code product.Code, outcome sdk.Outcome) *product.Error {
	t.Helper()
	e := product.AsError(err)
	require.NotNil(t, e, "%v", err)
	require.Equal(t, code, e.Code)
	require.Equal(t, outcome, e.Outcome)
	require.NotEmpty(t, e.Message)
	require.NotEmpty(t, e.Fault)
	require.NotContains(t, fmt.Sprintf("%v %+v", err, err), "canary")
	return e
}
