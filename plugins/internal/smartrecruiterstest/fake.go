// Package smartrecruiterstest lets the tests of the SmartRecruiters connectors
// run the conformance suite against the sandbox's simulator. Nothing but tests
// imports it.
package smartrecruiterstest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	simulator "github.com/atshub/atshub/internal/sandbox/smartrecruiters"
	"github.com/atshub/atshub/sdk"
	"github.com/atshub/atshub/sdk/conformance"
)

// Fake is SmartRecruiters for the conformance suite: a simulator for every
// account, each behind a server of its own that can misbehave.
type Fake struct {
	T      testing.TB
	OAuth  bool     // credentials are OAuth clients instead of API keys
	Scopes []string // what a good credential holds
	// Wrap, when set, is put in the way of all undisturbed traffic.
	Wrap func(http.Handler) http.Handler

	n atomic.Uint64
}

// Account implements conformance.ATS.
func (f *Fake) Account() conformance.Account {
	n := f.n.Add(1)
	a := &account{t: f.T, oauth: f.OAuth, name: fmt.Sprintf("account-%d", n)}
	// A clock that never stands still, so that no two changes share an instant.
	start, ticks := time.Now().UTC().Truncate(time.Millisecond), atomic.Int64{}
	now := func() time.Time { return start.Add(time.Duration(ticks.Add(1)) * time.Millisecond) }
	var err error
	a.sim, err = simulator.New(simulator.Options{Seed: n, Now: now})
	require.NoError(f.T, err)
	f.T.Cleanup(func() { require.NoError(f.T, a.sim.Close()) })
	a.next = a.sim
	if f.Wrap != nil {
		a.next = f.Wrap(a.sim)
	}
	server := httptest.NewServer(a)
	f.T.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	a.url = server.URL
	a.sim.SetBaseURL(server.URL)
	a.company = a.sim.AddCompany(a.name)
	grant := simulator.Grant{Scopes: f.Scopes, Role: simulator.Administrator}
	if f.OAuth {
		a.id, a.secret = a.company.NewOAuthClient(grant)
	} else {
		a.id = a.company.NewAPIKey(grant)
	}
	return a
}

type account struct {
	t                testing.TB
	oauth            bool
	name, url        string
	id, secret       string // API key, or client id and secret
	sim              *simulator.Simulator
	company          *simulator.Company
	next             http.Handler
	requests, people atomic.Int64

	mu    sync.Mutex
	fault *conformance.Fault
}

// ServeHTTP counts, misbehaves when asked to, and else passes on.
func (a *account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.requests.Add(1)
	a.mu.Lock()
	fault := a.fault
	a.mu.Unlock()
	if fault == nil || fault.Writes && r.Method == http.MethodGet || strings.HasPrefix(r.URL.Path, "/identity/") {
		a.next.ServeHTTP(w, r)
		return
	}
	_, _ = io.Copy(io.Discard, r.Body)
	if fault.Delay > 0 {
		select {
		case <-r.Context().Done():
			return
		case <-time.After(fault.Delay):
		}
	}
	if fault.Cut {
		panic(http.ErrAbortHandler)
	}
	for k, v := range fault.Header {
		w.Header()[k] = v
	}
	w.WriteHeader(max(fault.Status, http.StatusOK))
	_, _ = io.WriteString(w, fault.Body)
}

func (a *account) settings(id, secret string) sdk.Settings {
	s := sdk.Settings{ConnectionID: a.name, Revision: 1, Endpoint: a.url, Fields: map[string]string{}, Secrets: map[string]sdk.Secret{"api_key": sdk.Secret(id)}}
	if a.oauth {
		s.Fields["client_id"], s.Secrets = id, map[string]sdk.Secret{"client_secret": sdk.Secret(secret)}
	}
	return s
}

func (a *account) Settings() sdk.Settings { return a.settings(a.id, a.secret) }

func (a *account) WrongCredential() sdk.Settings {
	wrong := strings.Repeat("0123456789abcdef", 2)
	if a.oauth {
		return a.settings(a.id, wrong)
	}
	return a.settings("DCRA1-"+wrong, "")
}

func (a *account) Canaries() []string {
	if a.oauth {
		return []string{a.secret, a.email(1)}
	}
	return []string{a.id, a.email(1)}
}

func (a *account) Requests() int { return int(a.requests.Load()) }

func (a *account) Fault(f conformance.Fault) (remove func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fault = &f
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.fault = nil
	}
}

func (a *account) Drop(permission string) { a.company.RevokePermission(a.id, permission) }

func (a *account) Jobs(n int) (ids []string) {
	for i := range n {
		ids = append(ids, a.company.AddJob(simulator.Job{Title: fmt.Sprintf("Job %d", i)}))
	}
	return ids
}

// Users includes the administrator every company starts with.
func (a *account) Users(n int) []string {
	ids := []string{a.company.Admin()}
	for i := range n - 1 {
		ids = append(ids, a.company.AddUser(simulator.User{FirstName: fmt.Sprintf("User %d", i), LastName: "Test"}))
	}
	return ids
}

func (a *account) email(n int64) string { return fmt.Sprintf("canary-%d@%s.example", n, a.name) }

// Applications are of candidates half of whom applied for another job first,
// so that the vendor's list does not tell their stage in this one.
func (a *account) Applications(job string, n int) (refs []sdk.ApplicationRef) {
	other := a.company.AddJob(simulator.Job{Title: "Elsewhere", Status: "CANCELLED"})
	for i := range n {
		c := simulator.Candidate{FirstName: "Canary", LastName: "Test", Email: a.email(a.people.Add(1))}
		first := job
		if i%2 == 1 && n < 100 {
			first = other
		}
		applied, err := a.company.Apply(first, c)
		require.NoError(a.t, err)
		if first != job {
			applied, err = a.company.ApplyAlso(applied.CandidateID, job)
			require.NoError(a.t, err)
		}
		refs = append(refs, sdk.ApplicationRef{ID: applied.ApplicationID, CandidateID: applied.CandidateID, JobID: job})
	}
	return refs
}

func (a *account) Move(ref sdk.ApplicationRef, stage string) {
	status, sub, _ := strings.Cut(stage, "/")
	require.NoError(a.t, a.company.Move(ref.CandidateID, ref.JobID, status, sub))
}

// Stages have sub-stages where the credential may read the company's settings.
func (a *account) Stages(string) (first, second, third string) {
	if a.oauth {
		return "NEW", "IN_REVIEW", "INTERVIEW"
	}
	return "NEW", "IN_REVIEW/Screening", "INTERVIEW/Onsite interview"
}

func (a *account) Delivery() (sdk.Delivery, sdk.Event) {
	want := sdk.Event{Key: "0d5d8b1e-event", Kind: sdk.EventApplicationChanged, Source: "application.status.updated", JobID: "j", CandidateID: "c", ApplicationID: "a"}
	return sdk.Delivery{
		Headers: map[string]string{"event-id": want.Key, "event-name": want.Source, "event-version": "v201910", "link": "<https://x>; rel=self"},
		Body:    []byte(`{"job_id":"j","candidate_id":"c","application_id":"a"}`),
	}, want
}

// Plus is scopes with more.
func Plus(scopes []string, more ...string) []string { return append(slices.Clone(scopes), more...) }
