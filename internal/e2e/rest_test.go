package e2e

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/sandbox/fairec"
	"github.com/atshub/atshub/internal/sandbox/pillar"
)

// The hub as its products' backends drive it. No type of the hub is shared.

// object is a JSON object.
type object = map[string]any

// request sends one request through the door; status 0 means no answer.
func (w *world) request(method, path, product string, who person, key string, body any) (status int, answer []byte) {
	var content io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		require.NoError(w.t, err)
		content = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, w.door.url+path, content)
	require.NoError(w.t, err)
	req.Header.Set("Authorization", "Bearer "+w.keys[product])
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if who.user != "" {
		req.Header.Set("Atshub-User", who.user)
		req.Header.Set("Atshub-Role", who.role)
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := w.plain.Do(req)
	if err != nil {
		return 0, nil
	}
	defer func() { _ = res.Body.Close() }()
	if answer, err = io.ReadAll(res.Body); err != nil {
		return 0, nil
	}
	w.mu.Lock()
	w.answers = append(w.answers, answer...)
	w.mu.Unlock()
	return res.StatusCode, answer
}

// answered is everything the hub ever answered.
func (w *world) answered() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.answers)
}

// call does what must succeed: like a careful client it repeats, under one
// Idempotency-Key, what got no answer or was put off.
func (w *world) call(method, path, product string, who person, body, into any) {
	w.t.Helper()
	key := ""
	if method != http.MethodGet {
		key = rand.Text()
	}
	var status int
	var answer []byte
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		status, answer = w.request(method, path, product, who, key, body)
		if status != 0 && status != http.StatusBadGateway && status != http.StatusServiceUnavailable && !bytes.Contains(answer, []byte(`"in_progress"`)) {
			break
		}
	}
	require.Less(w.t, status, 300, "%s %s: %s", method, path, answer)
	require.Greater(w.t, status, 0, "%s %s got no answer", method, path)
	if into != nil {
		require.NoError(w.t, json.Unmarshal(answer, into), "%s", answer)
	}
}

func (c *company) do(method, path string, body, into any) {
	c.w.t.Helper()
	c.w.call(method, "/v1/tenants/"+c.tenant+path, c.product, c.person, body, into)
}

func (c *company) get(path string) (o object) {
	c.w.t.Helper()
	c.do(http.MethodGet, path, nil, &o)
	return o
}

// install creates the tenant and connects it.
func (c *company) install(connector string, ats, product object) {
	c.w.t.Helper()
	var made struct {
		ID string `json:"id"`
	}
	c.w.call(http.MethodPost, "/v1/tenants", c.product, person{}, object{"external_ref": c.org, "name": c.Name}, &made)
	c.tenant = made.ID
	credentials := object{"ats": ats}
	if product != nil {
		credentials["product"] = product
	}
	var connection struct {
		ID    string `json:"id"`
		State string `json:"state"`
	}
	c.do(http.MethodPost, "/connections", object{"connector": connector, "credentials": credentials}, &connection)
	require.Contains(c.w.t, []string{"active", "degraded"}, connection.State) // degraded: not every scope was given
	c.connection = connection.ID
}

// webhooks is the state of the subscription as the hub tells it.
func (c *company) webhooks() string {
	webhooks, _ := c.get("/connections/" + c.connection)["webhooks"].(object)
	state, _ := webhooks["state"].(string)
	return state
}

// The stages of the tests; a company's hiring process has them.
const (
	stageInvite    = "IN_REVIEW/Screening"
	stageShortlist = "IN_REVIEW/Shortlisted"
)

// link is a job the hub acts on.
type link struct {
	c   *company
	id  string
	job string
}

// importJob switches a job on as the guide says: invitation at "Screening",
// "Shortlist" moves to "Shortlisted".
func (c *company) importJob(job, backfill string) link {
	c.w.t.Helper()
	return c.activate(job, object{
		"kind": "import", "job_id": job, "triggers": []object{
			{"kind": "mail_invitation", "stage_id": stageInvite},
			{"kind": "status_sync", "status": "shortlist", "stage_id": stageShortlist},
		},
	}, object{"backfill": backfill})
}

// toggleOn switches a role of a capture product on.
func (c *company) toggleOn(job string) link {
	c.w.t.Helper()
	return c.activate(job, object{"kind": "toggle", "job_id": job}, object{})
}

// activate previews and switches on.
func (c *company) activate(job string, plan, choice object) link {
	c.w.t.Helper()
	var made struct {
		ID string `json:"id"`
	}
	c.do(http.MethodPost, "/connections/"+c.connection+"/plans", plan, &made)
	var on struct {
		Links []struct {
			ID    string `json:"id"`
			State string `json:"state"`
		} `json:"job_links"`
	}
	c.do(http.MethodPost, "/plans/"+made.ID+"/activation", choice, &on)
	require.Len(c.w.t, on.Links, 1)
	require.Equal(c.w.t, "on", on.Links[0].State)
	return link{c, on.Links[0].ID, job}
}

// switchedOff is what the hub says became of everything open.
type switchedOff struct {
	Cancelled      []string `json:"cancelled"`
	OnTheWire      []string `json:"on_the_wire"`
	CancelledJoins []string `json:"joins_being_cancelled"`
}

func (l link) off() (r switchedOff) {
	l.c.w.t.Helper()
	l.c.do(http.MethodPost, "/job-links/"+l.id+"/off", nil, &r)
	return r
}

func (l link) remove() (r switchedOff) {
	l.c.w.t.Helper()
	l.c.do(http.MethodDelete, "/job-links/"+l.id, nil, &r)
	return r
}

func (l link) syncNow() {
	l.c.w.t.Helper()
	l.c.do(http.MethodPost, "/job-links/"+l.id+"/syncs", nil, nil)
}

// What people do at the products.

func (w *world) addUser(c *company, email string) {
	w.Fairec.AddUser(fairec.User{
		ID: "user-" + c.org, OrganisationID: c.org, OrganisationName: c.Name, Email: email, Password: c.password, SystemAccess: true,
	})
}

func (w *world) addOrganisation(c *company) {
	w.Pillar.SetOrganisation(c.org, pillar.Settings{Record: true, Transcribe: true})
}
