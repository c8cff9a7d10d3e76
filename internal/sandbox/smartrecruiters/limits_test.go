// Limits, faults and the record.

package smartrecruiters

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTenRequestsASecondPerEndpointAndCredential(t *testing.T) {
	t.Parallel()
	rate := newClock()
	w := newWorld(t, func(o *Options) { o.Rate, o.RateNow = 10, rate.now })
	for i := range 10 {
		r := w.do("GET", "/jobs", nil)
		require.Equal(t, 200, r.status)
		require.Equal(t, "10", r.header.Get("X-RateLimit-Limit"))
		require.Equal(t, string("9876543210"[i]), r.header.Get("X-RateLimit-Remaining"))
	}
	bodies := map[string]bool{}
	for range 2 {
		r := w.do("GET", "/jobs", nil)
		require.Equal(t, 429, r.status)
		require.Empty(t, r.header.Get("Retry-After"), "not documented, so not sent")
		require.Equal(t, "0", r.header.Get("X-RateLimit-Remaining"))
		bodies[r.body] = true
	}
	require.Len(t, bodies, 2, "the body of a 429 varies")
	require.Equal(t, 200, w.do("GET", "/jobs/"+w.job, nil).status, "another endpoint has its own budget")
	other := w.co.NewAPIKey(Grant{Scopes: FairecScopes, Role: Administrator})
	require.Equal(t, 200, w.do("GET", "/jobs", nil, "X-SmartToken", other).status, "another credential too")
	rate.advance(time.Second)
	require.Equal(t, 200, w.do("GET", "/jobs", nil).status)
	require.NotEmpty(t, w.do("GET", "/jobs", nil, "X-SmartToken", "wrong").header.Get("X-RateLimit-Limit"), "headers on every answer")
}

// The first request is held by a fault until the refusal of the next has been seen.
func TestOneCandidateListAndEightRequestsAtATime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sim.Inject(Fault{Kind: FaultDelay, Delay: time.Second, Count: 8, Path: "/**"})
	inFlight := func(n int, path string) *sync.WaitGroup {
		var wg sync.WaitGroup
		for range n {
			wg.Go(func() { _, _ = w.try("GET", path, nil) })
		}
		require.Eventually(t, func() bool {
			w.sim.limits.mu.Lock()
			defer w.sim.limits.mu.Unlock()
			return w.sim.limits.active[CredentialHash(w.key)] >= n
		}, 5*time.Second, time.Millisecond)
		return &wg
	}
	list := inFlight(1, "/candidates")
	r := w.do("GET", "/candidates", nil)
	require.Equal(t, 429, r.status)
	require.Equal(t, "1", r.header.Get("X-RateLimit-Concurrent-Limit"))
	require.Equal(t, "0", r.header.Get("X-RateLimit-Concurrent-Remaining"))
	list.Wait()
	jobs := inFlight(7, "/jobs")
	r = w.do("GET", "/configuration/company", nil)
	require.Equal(t, 200, r.status)
	require.Equal(t, "8", r.header.Get("X-RateLimit-Concurrent-Limit"))
	require.Equal(t, "0", r.header.Get("X-RateLimit-Concurrent-Remaining"))
	jobs.Wait()
}

func TestFaultsOnDemand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.apply("Ada")
	one := "/candidates/" + ada.CandidateID
	status := one + "/jobs/" + w.job + "/status"
	once := func(f Fault) { f.Count = 1; w.sim.Inject(f) }

	once(Fault{Kind: FaultStatus, Status: 503, Method: "GET", Path: "/candidates/*", Skip: 1})
	require.Equal(t, 200, w.do("GET", one, nil).status, "the first is skipped")
	require.Equal(t, 503, w.do("GET", one, nil).status)
	require.Equal(t, 200, w.do("GET", one, nil).status, "used up")
	once(Fault{Kind: FaultHTML})
	require.Contains(t, w.do("GET", one, nil).body, "<html>")
	once(Fault{Kind: FaultRecordDenied})
	require.Contains(t, w.do("GET", one, nil).body, "Candidate access denied")
	once(Fault{Kind: FaultRateLimited})
	require.Equal(t, 429, w.do("GET", one, nil).status)
	once(Fault{Kind: FaultTruncate})
	_, err := w.try("GET", one, nil)
	require.ErrorContains(t, err, "unexpected EOF")

	once(Fault{Kind: FaultReset, Method: "PUT"})
	_, err = w.try("PUT", status, obj{"status": InReview})
	require.Error(t, err)
	state, _ := w.co.Application(ada.CandidateID, w.job)
	require.Equal(t, Started, state.Stage.Status, "reset before the effect")
	once(Fault{Kind: FaultAnswerLost, Method: "PUT"})
	_, err = w.try("PUT", status, obj{"status": InReview})
	require.Error(t, err)
	state, _ = w.co.Application(ada.CandidateID, w.job)
	require.Equal(t, InReview, state.Stage.Status, "the effect happened, the answer was lost")
	requests := w.sim.Record().Entries(KindRequest)
	require.Equal(t, "answer lost", requests[len(requests)-1].Fault)
	require.Zero(t, requests[len(requests)-1].Status)
}

func TestFaultsByChanceRepeatWithTheSeed(t *testing.T) {
	t.Parallel()
	run := func() (statuses []int) {
		w := newWorld(t, func(o *Options) { o.Seed = 7 })
		remove := w.sim.Inject(Fault{Kind: FaultStatus, Status: 500, Probability: 0.5})
		for range 30 {
			statuses = append(statuses, w.do("GET", "/jobs", nil).status)
		}
		remove()
		require.Equal(t, 200, w.do("GET", "/jobs", nil).status)
		return statuses
	}
	first := run()
	require.Contains(t, first, 200)
	require.Contains(t, first, 500)
	require.Equal(t, first, run())
}

func TestRecordIsCompleteWithoutSecretsAndOutlivesItsWriter(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "record.jsonl")
	w := newWorld(t, func(o *Options) { o.RecordPath = path })
	id, secret := w.co.NewOAuthClient(Grant{Scopes: PillarScopes, Role: Administrator})
	var tok struct {
		AccessToken string `json:"access_token"`
	}
	w.token(id, secret).json(t, &tok)
	w.do("GET", "/jobs?limit=3", nil, "X-SmartToken", "", "Authorization", "Bearer "+tok.AccessToken)
	w.do("POST", webhooksAPI+"/subscriptions", obj{"callbackUrl": "https://example.com", "events": []string{"job.created"},
		"callbackAuthentication": obj{"type": "basic", "username": "u", "password": "hunter2 \" quoted"}})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { _, _ = w.try("GET", "/configuration/company", nil) })
	}
	wg.Wait()

	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, hidden := range []string{secret, tok.AccessToken, w.key, "hunter2"} {
		require.NotContains(t, string(raw), hidden)
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	_, err = file.WriteString(`{"seq":999,"torn`)
	require.NoError(t, err)
	require.NoError(t, file.Close())
	read, err := ReadRecord(path)
	require.NoError(t, err)
	require.Len(t, read, len(w.sim.Record().Entries()))
	byPath := map[string]int{}
	for _, e := range read {
		if e.Kind == KindRequest {
			byPath[e.Path]++
			require.NotEmpty(t, e.Credential)
		}
		if e.Path == "/jobs" {
			require.Equal(t, "limit=3", e.Query)
			require.Equal(t, CredentialHash(tok.AccessToken), e.Credential)
			require.Equal(t, w.co.ID, e.Company)
		}
	}
	require.Equal(t, 20, byPath["/configuration/company"])
	require.True(t, strings.Contains(string(raw), "client_secret=***"))
}
