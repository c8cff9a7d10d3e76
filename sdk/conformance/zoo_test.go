package conformance

// The suite is proved on a small connector that passes it, and on sick ones
// that each fail the check made for their sickness.

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/sdk"
	"github.com/atshub/atshub/sdk/httpclient"
)

// toy is a connector for jobs and webhooks; sick names what is wrong with it.
type toy struct {
	sick  string
	calls *atomic.Int64
}

func (c toy) Manifest() sdk.Manifest {
	m := sdk.Manifest{Name: "toy", Version: "1.2.3", ATS: "Toy", Summary: "A toy.",
		Fields:      []sdk.Field{{Key: "api_key", Label: "API Key", Help: "Under the bed.", Secret: c.sick != "open secret"}},
		Permissions: []sdk.Permission{{Key: "jobs_read", Name: "Read jobs", NeededBy: []string{"list_jobs", "read_job"}, Serves: "jobs", Remedy: "Tick it."}},
		Budgets:     []sdk.Budget{{Family: "default", PerSecond: 1000, Concurrent: 8}},
		Webhooks:    &sdk.WebhookScheme{Events: []string{"job.updated"}, SuccessStatus: 200, SignatureHeader: "x-sig", SignedParts: []string{"body"}, EventIDHeader: "x-id"},
	}
	switch c.sick {
	case "restless manifest":
		m.Summary = fmt.Sprint("A toy. ", c.calls.Add(1))
	case "version":
		m.Version = "latest"
	case "blanks":
		m.Permissions[0].Remedy += " "
	}
	return m
}

func (c toy) Prototype() sdk.Session { return &toySession{} }

func (c toy) Open(_ context.Context, s sdk.Settings) (sdk.Session, error) {
	key := s.Secrets["api_key"].Reveal()
	if key == "" && c.sick != "lax settings" {
		return nil, &sdk.Error{Code: sdk.CodeInvalid, Message: "API Key is missing", Fields: map[string]string{"api_key": "missing"}}
	}
	h, err := httpclient.New(httpclient.Options{Name: "Toy", Endpoint: s.Endpoint, Backoff: 20 * time.Millisecond,
		Authorize: func(_ context.Context, h http.Header) error { h.Set("X-Key", key); return nil }})
	return &toySession{toy: c, http: h, key: key}, err
}

type toySession struct {
	toy
	http *httpclient.Client
	key  string
}

func (s *toySession) Close() error { return nil }

func (s *toySession) Check(ctx context.Context, _ sdk.CheckQuery) (sdk.CheckReport, error) {
	p := s.toy.Manifest().Permissions[0]
	row := sdk.CheckRow{Permission: p.Key, Name: p.Name, Serves: p.Serves, Status: sdk.Granted}
	r := sdk.CheckReport{Credential: sdk.CredentialOK}
	_, err := s.ListJobs(ctx, sdk.JobQuery{Limit: 1})
	switch code := sdk.CodeOf(err); {
	case code == sdk.CodeAuthExpired && s.sick == "check fails":
		return r, err
	case code == sdk.CodeAuthExpired:
		r.Credential, r.Problem, r.Remedy, row.Status, row.Remedy = sdk.CredentialRefused, "wrong key", "copy it again", sdk.Unknown, p.Remedy
	case code == sdk.CodePermissionMissing && s.sick != "blind check":
		row.Status, row.Remedy = sdk.Missing, p.Remedy
	case code == sdk.CodeUpstreamDown:
		r.Credential, r.Problem, row.Status, row.Remedy = sdk.CredentialUnknown, "down", sdk.Unknown, p.Remedy
	}
	r.Rows = []sdk.CheckRow{row}
	return r, nil
}

type toyJob struct {
	ID, Name string
}

func (s *toySession) ListJobs(ctx context.Context, q sdk.JobQuery) (sdk.Page[sdk.Job], error) {
	var from int
	if q.Cursor != "" {
		n, ok := strings.CutPrefix(q.Cursor, "page-")
		n, end := strings.CutSuffix(n, ".")
		var err error
		if from, err = strconv.Atoi(n); (err != nil || !ok || !end) && s.sick != "full resync" {
			return sdk.Page[sdk.Job]{}, &sdk.Error{Code: sdk.CodeInvalid, Message: "no such page"}
		}
	}
	if s.sick == "deaf" {
		ctx = context.WithoutCancel(ctx)
	}
	list, r, err := httpclient.JSON[struct{ Jobs *[]toyJob }](ctx, s.http, httpclient.Request{Path: "/jobs"})
	if err == nil && list.Jobs == nil {
		err = r.Nonsense()
	}
	if err != nil {
		return sdk.Page[sdk.Job]{}, s.worsened(err)
	}
	jobs := *list.Jobs
	limit := max(q.Limit, 1)
	if q.Limit == 0 {
		limit = 100
	}
	var p sdk.Page[sdk.Job]
	for i := from; i < len(jobs) && i < from+limit; i++ {
		p.Items = append(p.Items, sdk.Job{ID: jobs[i].ID, Name: jobs[i].Name, UpdatedAt: new(s.clock())})
	}
	if next := from + limit; next < len(jobs) {
		if s.sick == "forgetful" {
			next++
		}
		p.Next = fmt.Sprintf("page-%d.", next)
	}
	return p, nil
}

func (s *toySession) clock() time.Time {
	t := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if s.sick == "local time" {
		t = t.In(time.FixedZone("here", 3600))
	}
	return t
}

// worsened makes a good error a bad one.
func (s *toySession) worsened(err error) error {
	e := *sdk.AsError(err)
	switch {
	case s.sick == "empty list" && e.Code == sdk.CodeUpstreamBug:
		return nil
	case s.sick == "indiscreet":
		e.Message += " key " + s.key
	case s.sick == "untyped":
		return io.ErrUnexpectedEOF
	case s.sick == "vague" && e.Code == sdk.CodeRateLimited:
		e.RetryAfter = 0
	}
	return &e
}

func (s *toySession) ReadJob(ctx context.Context, ref sdk.JobRef) (sdk.Job, error) {
	j, _, err := httpclient.JSON[toyJob](ctx, s.http, httpclient.Request{Path: "/jobs/" + url.PathEscape(ref.ID)})
	if s.sick == "shifting ids" {
		j.ID += "x"
	}
	return sdk.Job{ID: j.ID, Name: j.Name}, err
}

func (s *toySession) ParseWebhook(_ context.Context, d sdk.Delivery) (sdk.List[sdk.Event], error) {
	var body struct{ ID *string }
	if err := json.Unmarshal(d.Body, &body); err != nil || body.ID == nil || d.Headers["x-id"] == "" {
		if s.sick != "credulous" {
			return sdk.List[sdk.Event]{}, &sdk.Error{Code: sdk.CodeInvalid, Message: "not an event"}
		}
		body.ID = new("")
	}
	e := sdk.Event{Key: d.Headers["x-id"], Kind: sdk.EventOther, Source: d.Headers["x-name"]}
	if e.Source == "job.updated" || s.sick == "guessing" {
		e.Kind, e.JobID = sdk.EventJobChanged, *body.ID
	}
	if s.sick == "new keys" {
		e.Key = fmt.Sprint(s.toy.calls.Add(1))
	}
	return sdk.List[sdk.Event]{Items: []sdk.Event{e}}, nil
}

// toyATS serves the toy.
type toyATS struct{ t *testing.T }

var accounts atomic.Int64

func (f toyATS) Account() Account {
	a := &toyAccount{key: fmt.Sprintf("canary-key-%d", accounts.Add(1)), granted: true}
	s := httptest.NewServer(a)
	f.t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	a.url = s.URL
	return a
}

type toyAccount struct {
	Account  // what a connector for jobs alone is never asked for
	key, url string
	requests atomic.Int64

	mu      sync.Mutex
	granted bool
	fault   *Fault
	jobs    []toyJob
}

func (a *toyAccount) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.requests.Add(1)
	a.mu.Lock()
	fault, granted, jobs := a.fault, a.granted, a.jobs
	a.mu.Unlock()
	id := strings.TrimPrefix(r.URL.Path, "/jobs/")
	switch {
	case fault != nil:
		select {
		case <-r.Context().Done():
			return
		case <-time.After(fault.Delay):
		}
		if fault.Cut {
			panic(http.ErrAbortHandler)
		}
		for k, v := range fault.Header {
			w.Header()[k] = v
		}
		w.WriteHeader(max(fault.Status, 200))
		_, _ = io.WriteString(w, fault.Body)
	case r.Header.Get("X-Key") != a.key:
		w.WriteHeader(401)
	case !granted:
		w.WriteHeader(403)
	case r.URL.Path == "/jobs":
		_ = json.NewEncoder(w).Encode(map[string]any{"jobs": append([]toyJob{}, jobs...)})
	default:
		_ = json.NewEncoder(w).Encode(toyJob{ID: id, Name: "Job " + id})
	}
}

func (a *toyAccount) Settings() sdk.Settings {
	return sdk.Settings{ConnectionID: a.key, Endpoint: a.url, Secrets: map[string]sdk.Secret{"api_key": sdk.Secret(a.key)}}
}

func (a *toyAccount) WrongCredential() sdk.Settings {
	s := a.Settings()
	s.Secrets["api_key"] = "wrong"
	return s
}

func (a *toyAccount) Canaries() []string { return []string{a.key} }
func (a *toyAccount) Requests() int      { return int(a.requests.Load()) }

func (a *toyAccount) Fault(f Fault) func() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fault = &f
	return func() { a.mu.Lock(); defer a.mu.Unlock(); a.fault = nil }
}

func (a *toyAccount) Drop(string) { a.mu.Lock(); defer a.mu.Unlock(); a.granted = false }

func (a *toyAccount) Jobs(n int) (ids []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for range n {
		id := fmt.Sprintf("%s-%d", a.key, len(a.jobs))
		a.jobs = append(a.jobs, toyJob{ID: id, Name: "Job " + id})
		ids = append(ids, id)
	}
	return ids
}

func (a *toyAccount) Delivery() (sdk.Delivery, sdk.Event) {
	return sdk.Delivery{Headers: map[string]string{"x-id": "e1", "x-name": "job.updated"}, Body: []byte(`{"id":"j1"}`)},
		sdk.Event{Key: "e1", Kind: sdk.EventJobChanged, Source: "job.updated", JobID: "j1"}
}

func options(t *testing.T, sick string) Options {
	c := toy{sick: sick, calls: &atomic.Int64{}}
	describe := func() (sdk.Manifest, error) {
		m, err := sdk.Describe(c)
		if sick == "boastful" {
			m.Abilities = append(m.Abilities, "list_users")
		}
		return m, err
	}
	return Options{ATS: toyATS{t}, Describe: describe, Open: func(ctx context.Context, s sdk.Settings) (*sdk.Abilities, sdk.Manifest, error) {
		session, err := c.Open(ctx, s)
		if err != nil {
			return nil, sdk.Manifest{}, err
		}
		m, err := describe()
		return sdk.AbilitiesOf(session), m, err
	}}
}

func TestHealthyConnectorPasses(t *testing.T) {
	t.Parallel()
	Run(t, options(t, ""))
}

func TestSickConnectorsFailTheCheckMadeForThem(t *testing.T) {
	t.Parallel()
	for sick, name := range map[string]string{
		"restless manifest": "manifest/equal every time",
		"open secret":       "manifest/fields",
		"version":           "manifest/name and version",
		"blanks":            "manifest/texts trimmed",
		"boastful":          "manifest/abilities are those implemented",
		"lax settings":      "settings/without api_key",
		"check fails":       "check/wrong credential",
		"blind check":       "check/without jobs_read",
		"full resync":       "lists/jobs refuse a garbage cursor",
		"forgetful":         "lists/jobs all once over many pages",
		"local time":        "lists/jobs all once over many pages",
		"shifting ids":      "lists/ids are stable",
		"empty list":        "errors/null",
		"indiscreet":        "errors/no secret in any",
		"untyped":           "errors/500",
		"vague":             "errors/429 tells when to come back, and soon",
		"deaf":              "context/the end of a call stops its requests",
		"credulous":         "webhooks/garbage is invalid",
		"guessing":          "webhooks/an event nobody knows is other",
		"new keys":          "webhooks/a delivery and its repeat have one key",
	} {
		t.Run(sick, func(t *testing.T) {
			t.Parallel()
			o := options(t, sick)
			m, err := o.Describe()
			require.NoError(t, err)
			var run bool
			for _, c := range checks(m) {
				if c.name == name {
					run = true
					require.Error(t, c.result(o).Err)
				}
			}
			require.True(t, run, "no such check")
		})
	}
}

func TestARunOfNothingFails(t *testing.T) {
	t.Parallel()
	require.Error(t, judge(nil))
	require.Error(t, judge([]Result{{Name: "a/b", Skipped: "because"}}))
	require.NoError(t, judge([]Result{{Name: "a/b"}}))
	require.Contains(t, Summary(sdk.Manifest{Name: "x", Version: "1.0.0"}, []Result{{Name: "a/b", Skipped: "because"}, {Name: "c/d"}, {Name: "e/f", Err: io.EOF}}),
		"1 checks passed, 1 failed, 1 skipped\n  skipped a/b: because")
}
