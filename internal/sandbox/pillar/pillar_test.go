package pillar_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/sandbox/pillar"
)

// product is a simulator with two organisations and a way to call it.
type product struct {
	*pillar.Simulator
	now  time.Time
	keys int
}

func newProduct(t *testing.T) *product {
	t.Helper()
	p := &product{now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	sim, err := pillar.New(pillar.Options{Token: "token", Now: func() time.Time { return p.now }})
	require.NoError(t, err)
	p.Simulator = sim
	sim.SetOrganisation("acme", pillar.Settings{Record: true})
	sim.SetOrganisation("globex", pillar.Settings{})
	return p
}

func (p *product) call(t *testing.T, token, org, method, path, body string) (int, map[string]any) {
	t.Helper()
	p.keys++
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Organisation", org)
	r.Header.Set("Idempotency-Key", strings.Repeat("k", 16+p.keys))
	r.Header.Set("Not-After", p.now.Add(time.Minute).Format(time.RFC3339))
	r.Header.Set("Fence", "1")
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	var answer map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
	return w.Code, answer
}

const join = `{"meeting_url":"https://meet.example/a","starts_at":"2026-03-02T10:00:00Z","ends_at":"2026-03-02T11:00:00Z","lead_seconds":60}`

func TestProductRefusesWhatTheContractDoesNotAllow(t *testing.T) {
	t.Parallel()
	p := newProduct(t)
	with := func(old, new string) string { return strings.Replace(join, old, new, 1) }
	for _, c := range []struct {
		token, org, method, path, body string
		status                         int
	}{
		{"wrong", "acme", "GET", "/settings", "", http.StatusUnauthorized},
		{"token", "nobody", "GET", "/settings", "", http.StatusForbidden},
		{"token", "acme", "PUT", "/roles/r", `{"ats_job_id":"1","name":"Nurse"}`, http.StatusBadRequest},
		{"token", "acme", "PUT", "/joins/j", with("https", "http"), http.StatusBadRequest},
		{"token", "acme", "PUT", "/joins/j", with(`"lead_seconds":60`, `"lead_seconds":3601`), http.StatusBadRequest},
		{"token", "acme", "PUT", "/joins/j", with(`,"lead_seconds":60`, ``), http.StatusBadRequest},
		{"token", "acme", "PUT", "/joins/j", with("11:00", "09:59"), http.StatusBadRequest},
		{"token", "acme", "PUT", "/joins/j", with("10:00:00Z", "10:00"), http.StatusBadRequest},
		{"token", "acme", "PUT", "/joins/j", with("{", `{"recorders":2,`), http.StatusBadRequest},
		{"token", "acme", "PUT", "/joins/j", with("{", `{"role_key":"r",`), http.StatusConflict},
		{"token", "acme", "GET", "/joins/j", "", http.StatusNotFound},
		{"token", "acme", "GET", "/nowhere", "", http.StatusNotFound},
	} {
		status, body := p.call(t, c.token, c.org, c.method, c.path, c.body)
		require.Equal(t, c.status, status, "%s %s %s", c.method, c.path, c.body)
		require.NotEmpty(t, body["code"])
	}
	require.Empty(t, p.Joins())
}

func TestG8_TransitionsHappenInOrderHoweverLateTheyAreLookedAt(t *testing.T) {
	t.Parallel()
	p := newProduct(t)
	_, _ = p.call(t, "token", "acme", "PUT", "/joins/first", join)
	p.now = p.now.Add(time.Hour)
	p.Settle() // the first is in the call
	second := strings.NewReplacer("10:00", "11:01", "11:00", "12:00").Replace(join)
	_, answer := p.call(t, "token", "acme", "PUT", "/joins/second", second)
	require.Equal(t, "armed", answer["state"])
	p.now = p.now.Add(time.Hour) // the first leaves when the second comes, into the same call
	p.Settle()
	var story []string
	for _, e := range p.Log().Effects("") {
		story = append(story, e.Effect+" "+e.Fields["key"].(string))
	}
	require.Equal(t, []string{"armed first", "joined first", "armed second", "left first", "joined second"}, story)
}

func TestG16_OrganisationsDoNotMeet(t *testing.T) {
	t.Parallel()
	p := newProduct(t)
	for _, org := range []string{"acme", "globex"} {
		status, _ := p.call(t, "token", org, "PUT", "/joins/j", join)
		require.Equal(t, http.StatusOK, status)
	}
	_, _ = p.call(t, "token", "acme", "DELETE", "/joins/j", "")
	_, answer := p.call(t, "token", "globex", "GET", "/joins/j", "")
	require.Equal(t, "armed", answer["state"])
	p.now = p.now.Add(time.Hour)
	p.Settle()
	require.Len(t, p.Log().Effects("joined"), 1)
	require.Empty(t, p.Log().Effects("two_recorders"))
}
