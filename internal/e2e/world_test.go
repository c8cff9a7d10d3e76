package e2e

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/atshub/atshub/internal/sandbox/smartrecruiters"
	"github.com/atshub/atshub/internal/sandbox/stage"
	"github.com/atshub/atshub/internal/testenv"
)

// patience bounds every wait; what takes this long does not happen.
const patience = 60 * time.Second

// world is a hub of this test's own with everything around it.
type world struct {
	*stage.Stage
	t       *testing.T
	backend testenv.Backend
	door    *door
	plain   *http.Client
	dir     string // of the test
	config  string // file
	logs    string // folder
	keys    map[string]string

	mu        sync.Mutex
	started   int
	processes []*process
	answers   []byte // of the REST API
}

// setup is what a test may want otherwise.
type setup struct {
	ats     smartrecruiters.Options
	cadence map[string]string // other than the shortest
	leases  bool              // as long as they are in life
}

// newWorld sets the stage and writes the hub's settings; nothing of the hub
// runs yet.
func newWorld(t *testing.T, b testenv.Backend, s setup) *world {
	t.Helper()
	w := &world{t: t, backend: b, dir: t.TempDir(), keys: map[string]string{}, plain: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}}
	w.config, w.logs = filepath.Join(w.dir, "atshub.yaml"), filepath.Join(w.dir, "logs")
	require.NoError(t, os.Mkdir(w.logs, 0o700))
	w.door = newDoor(t)
	if s.ats.TimeScale == 0 {
		s.ats.TimeScale = 120 // a failed delivery comes again after half a second, then 1.5 s, 5 s, …
	}
	var err error
	w.Stage, err = stage.Start(stage.Options{Hub: w.door.url, Records: w.dir, ATS: s.ats})
	require.NoError(t, err)
	t.Cleanup(w.end)
	w.configure(s)
	for _, product := range []string{"fairec", "pillar"} {
		w.keys[product] = w.makeKey(product)
	}
	return w
}

// configure writes the settings file, with chores at their shortest.
func (w *world) configure(s setup) {
	cadence := map[string]string{"check": "1h", "subscribe": "2s", "product_poll": "1s", "job_sync": "1h", "interviews": "1s", "import_all": "1h"}
	work := map[string]string{"lease": "1s", "max_pause": "1s"}
	for k, v := range s.cadence {
		cadence[k] = v
	}
	if s.leases {
		delete(work, "lease")
	}
	settings := map[string]any{
		"public_url": w.Edge.URL(), "database": w.backend.DatabaseURL, "redis": w.backend.RedisURL,
		"data_dir": filepath.Join(w.dir, "data"), "catalog": filepath.Join(binDir, "catalog.yaml"), "log_level": "debug",
		"products": map[string]any{
			"fairec": map[string]any{"base_url": w.FairecURL},
			"pillar": map[string]any{"base_url": w.PillarURL, "service_token": w.PillarToken},
		},
		"connectors": map[string]any{"smartrecruiters-apikey": map[string]any{"endpoint": w.ATSURL}, "smartrecruiters-oauth": map[string]any{"endpoint": w.ATSURL}},
		"cadence":    cadence, "work": work,
	}
	text, err := yaml.Marshal(settings)
	require.NoError(w.t, err)
	require.NoError(w.t, os.WriteFile(w.config, text, 0o600))
}

// makeKey makes a product's API key as its operator does.
func (w *world) makeKey(product string) string {
	cmd := exec.Command(atshub(w.t), "--config", w.config, "key", product)
	cmd.Env = []string{}
	out, err := cmd.Output()
	require.NoError(w.t, err)
	return strings.TrimSpace(string(out))
}

// runAll starts what the backend is for: one process that does everything on
// SQLite, gateways and workers apart on Postgres.
func (w *world) runAll(gateways, workers int) {
	w.t.Helper()
	if w.backend.Redis == nil {
		w.run("serve")
		return
	}
	var starting []*process
	for range gateways {
		starting = append(starting, w.start("gateway"))
	}
	for range workers {
		starting = append(starting, w.start("worker"))
	}
	for _, p := range starting {
		w.up(p)
	}
}

// running are the processes that live, of one role or of all.
func (w *world) running(role string) (all []*process) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.processes {
		if p.alive() && (role == "" || p.role == role) {
			all = append(all, p)
		}
	}
	return all
}

// end stops everything and, when the test failed, shows where to look.
func (w *world) end() {
	var ending sync.WaitGroup
	for _, p := range w.running("") {
		ending.Go(func() { w.stop(p) })
	}
	ending.Wait()
	if err := w.Close(); err != nil {
		w.t.Errorf("close the stage: %v", err)
	}
	w.plain.CloseIdleConnections()
	if w.t.Failed() {
		w.tellWhy()
	}
}

// tellWhy keeps logs and records of a failed test where ATSHUB_E2E_KEEP says,
// and prints the end of each log.
func (w *world) tellWhy() {
	if keep := os.Getenv("ATSHUB_E2E_KEEP"); keep != "" {
		to := filepath.Join(keep, strings.ReplaceAll(w.t.Name(), "/", "_"))
		_ = os.RemoveAll(to)
		if err := os.CopyFS(to, os.DirFS(w.dir)); err != nil {
			w.t.Log(err)
		}
		w.t.Logf("kept in %s", to)
	}
	for i := max(0, len(w.processes)-4); i < len(w.processes); i++ {
		w.t.Logf("--- %s %d ends:\n%s", w.processes[i].role, i+1, w.processes[i].last())
	}
}

// eventually waits until the condition holds.
func (w *world) eventually(what string, holds func() bool) {
	w.t.Helper()
	w.within(patience, what, holds)
}

// within is eventually with a bound that is part of the promise.
func (w *world) within(limit time.Duration, what string, holds func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(limit)
	for !holds() {
		if time.Now().After(deadline) {
			w.t.Fatalf("not within %s: %s", limit, what)
		}
		time.Sleep(10 * time.Millisecond) // of a poll; the condition decides
	}
}

// company is a customer: at the ATS, at the products and in the hub.
type company struct {
	*smartrecruiters.Company
	w          *world
	org        string // at the product
	password   string // of its system user at Fairec
	apiKey     string
	tenant     string
	connection string
	product    string
	person     person
}

// person acts through the API.
type person struct{ user, role string }

var (
	owner     = person{"u-owner", "Tenant owner"}
	recruiter = person{"u-recruiter", "Recruiter"}
	captain   = person{"u-captain", "Owner"} // of a capture product
)

// screening connects a company to Fairec.
func (w *world) screening(name string) *company {
	w.t.Helper()
	c := &company{Company: w.ATS.AddCompany(name), w: w, org: "org-" + name, product: "fairec", person: owner, password: `p%w"<é` + rand.Text()}
	email := "system@" + strings.ToLower(name) + ".example"
	w.addUser(c, email)
	c.apiKey = c.NewAPIKey(smartrecruiters.Grant{Scopes: smartrecruiters.FairecScopes, Role: smartrecruiters.Administrator})
	c.install("smartrecruiters-apikey", map[string]any{"api_key": c.apiKey}, map[string]any{"username": email, "password": c.password})
	w.eventually("the webhook subscription is active", func() bool { return c.webhooks() == "active" })
	return c
}

// capture connects a company to Pillar.
func (w *world) capture(name string, scopes ...string) *company {
	w.t.Helper()
	c := &company{Company: w.ATS.AddCompany(name), w: w, org: "org-" + name, product: "pillar", person: captain}
	w.addOrganisation(c)
	id, secret := c.NewOAuthClient(smartrecruiters.Grant{Scopes: append(scopes, smartrecruiters.PillarScopes...), Role: smartrecruiters.Administrator})
	c.apiKey = secret
	c.install("smartrecruiters-oauth", map[string]any{"client_id": id, "client_secret": secret}, nil)
	return c
}

// candidate is a person who applied.
type candidate struct {
	smartrecruiters.Applied
	c     *company
	job   string
	email string
}

// apply adds a candidate to a job, in the first stage.
func (c *company) apply(job, first, last string) *candidate {
	c.w.t.Helper()
	email := strings.ToLower(fmt.Sprintf("%s.%s.%s@people.example", first, last, rand.Text()[:6]))
	applied, err := c.Apply(job, smartrecruiters.Candidate{FirstName: first, LastName: last, Email: email})
	require.NoError(c.w.t, err)
	return &candidate{Applied: applied, c: c, job: job, email: email}
}

// applyMany adds n candidates.
func (c *company) applyMany(job string, n int) []*candidate {
	all := make([]*candidate, n)
	for i := range all {
		all[i] = c.apply(job, fmt.Sprintf("Given%d", i), "Family")
	}
	return all
}

// move is a recruiter dragging the candidate in the ATS.
func (p *candidate) move(status, sub string) {
	p.c.w.t.Helper()
	require.NoError(p.c.w.t, p.c.Move(p.CandidateID, p.job, status, sub))
}
