// Test helpers: a simulator behind a server, a small client and a webhook receiver.

package smartrecruiters

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/atshub/atshub/internal/sandbox/referee"
)

// clock is a settable time.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// sharedReferee judges the answers to every test's requests when the vendor's documents are at hand.
var sharedReferee *referee.Referee

func refereed(sim *Simulator) http.Handler {
	if sharedReferee == nil {
		return sim
	}
	return sharedReferee.Answers(sim)
}

func TestMain(m *testing.M) {
	if dir := os.Getenv("SMARTRECRUITERS_OPENAPI"); dir != "" {
		var err error
		if sharedReferee, err = referee.Load(dir); err != nil {
			panic(err)
		}
	}
	code := m.Run()
	if sharedReferee != nil {
		for _, d := range sharedReferee.Deviations() {
			fmt.Println("deviation:", d)
			code = 1
		}
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Println(err)
		code = 1
	}
	os.Exit(code)
}

// world is one company with a job, behind a server.
type world struct {
	t     *testing.T
	sim   *Simulator
	url   string
	clock *clock
	co    *Company
	key   string
	job   string
}

var allScopes = append(append([]string{"jobs_manage", "interview_types_write", "users_read"}, FairecScopes...), PillarScopes...)

func newWorld(t *testing.T, change ...func(*Options)) *world {
	t.Helper()
	w := &world{t: t, clock: newClock()}
	opt := Options{Now: w.clock.now, Seed: 1, Rate: 10000, TimeScale: 60000, AckTimeout: time.Second, HandshakeTimeout: time.Second}
	for _, f := range change {
		f(&opt)
	}
	var err error
	w.sim, err = New(opt)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.sim.Close()) })
	server := httptest.NewServer(refereed(w.sim))
	t.Cleanup(server.Close)
	w.url = server.URL
	w.co = w.sim.AddCompany("Acme")
	w.key = w.co.NewAPIKey(Grant{Scopes: allScopes, Role: Administrator})
	w.job = w.co.AddJob(Job{Title: "Go developer"})
	return w
}

func (w *world) apply(first string) Applied {
	w.t.Helper()
	w.clock.advance(time.Second)
	a, err := w.co.Apply(w.job, Candidate{FirstName: first, LastName: "Test", Email: first + "@example.com"})
	require.NoError(w.t, err)
	return a
}

type result struct {
	status int
	header http.Header
	body   string
}

func (r result) json(t *testing.T, v any) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(r.body), v), r.body)
}

// do sends a request with the world's key; header pairs come last and may replace it.
func (w *world) do(method, path string, body any, header ...string) result {
	w.t.Helper()
	r, err := w.try(method, path, body, header...)
	require.NoError(w.t, err)
	return r
}

func (w *world) try(method, path string, body any, header ...string) (result, error) {
	var reader io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		require.NoError(w.t, err)
		reader = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, w.url+path, reader)
	require.NoError(w.t, err)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("X-SmartToken", w.key)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return result{}, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	return result{resp.StatusCode, resp.Header, string(raw)}, err
}

// receiver is a webhook endpoint: it echoes handshakes and answers 202 unless told otherwise.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	got      []received
	statuses []int // answers to come; then 202
	noEcho   bool
	stall    chan struct{} // the first delivery waits for it
}

type received struct {
	header http.Header
	body   string
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewTLSServer(http.HandlerFunc(r.serve))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) serve(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	if stall := r.stall; stall != nil && req.Header.Get("event-id") != "" {
		r.stall = nil
		r.mu.Unlock()
		<-stall
		r.mu.Lock()
	}
	if secret := req.Header.Get("X-Hook-Secret"); secret != "" {
		if !r.noEcho {
			w.Header().Set("X-Hook-Secret", secret)
		}
		return
	}
	r.got = append(r.got, received{req.Header.Clone(), string(body)})
	status := http.StatusAccepted
	if len(r.statuses) > 0 {
		status, r.statuses = r.statuses[0], r.statuses[1:]
	}
	w.WriteHeader(status)
}

func (r *receiver) all() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]received{}, r.got...)
}

// subscribe makes and activates a subscription and returns its id.
func (w *world) subscribe(url string, events ...string) string {
	w.t.Helper()
	r := w.do("POST", webhooksAPI+"/subscriptions", obj{"callbackUrl": url, "events": events})
	require.Equal(w.t, 201, r.status, r.body)
	var sub struct{ ID, Status string }
	r.json(w.t, &sub)
	require.Equal(w.t, "inactive", sub.Status)
	r = w.do("PUT", webhooksAPI+"/subscriptions/"+sub.ID+"/activation", nil)
	require.Equal(w.t, 204, r.status, r.body)
	return sub.ID
}

func (w *world) settle() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	require.NoError(w.t, w.sim.Settle(ctx))
}

func trusting(r *receiver) func(*Options) {
	return func(o *Options) { o.Client = r.Client() }
}
