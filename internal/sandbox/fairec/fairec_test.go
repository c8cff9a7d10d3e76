package fairec_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/sandbox/fairec"
)

// product is a simulator with two organisations and a way to call it.
type product struct {
	*fairec.Simulator
	tokens map[string]string
	keys   int
}

func newProduct(t *testing.T) *product {
	t.Helper()
	sim, err := fairec.New(fairec.Options{})
	require.NoError(t, err)
	p := &product{Simulator: sim, tokens: map[string]string{"": "none"}}
	for _, org := range []string{"acme", "globex"} {
		sim.AddUser(fairec.User{ID: org, OrganisationID: org, OrganisationName: org, Email: org + "@x.example", Password: "secret", SystemAccess: true})
		_, body := p.call(t, "", "POST", "/login", `{"username":"`+org+`@x.example","password":"secret"}`)
		p.tokens[org] = body["token"].(string)
	}
	return p
}

func (p *product) call(t *testing.T, org, method, path, body string) (int, map[string]any) {
	t.Helper()
	p.keys++
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+p.tokens[org])
	r.Header.Set("Idempotency-Key", strings.Repeat("k", 16+p.keys))
	r.Header.Set("Not-After", time.Now().Add(time.Minute).Format(time.RFC3339))
	r.Header.Set("Fence", "1")
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	var answer map[string]any
	if w.Body.Len() > 0 {
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
	}
	return w.Code, answer
}

const jobPost = `{"title":"Nurse","ats_job_id":"1","state":"active"}`

func TestProductRefusesWhatTheContractDoesNotAllow(t *testing.T) {
	t.Parallel()
	p := newProduct(t)
	_, post := p.call(t, "acme", "PUT", "/job-posts/k1", jobPost)
	candidates := "/job-posts/" + post["id"].(string) + "/candidates"
	for _, c := range []struct {
		org, method, path, body string
		status                  int
	}{
		{"", "PUT", "/job-posts/k1", jobPost, http.StatusUnauthorized},
		{"", "POST", "/login", `{"username":"acme@x.example"}`, http.StatusBadRequest},
		{"acme", "PUT", "/job-posts/k1", `{"title":"Nurse","ats_job_id":"1","state":"ended"}`, http.StatusBadRequest},
		{"acme", "PUT", "/job-posts/k1", `{"title":"","ats_job_id":"1","state":"active"}`, http.StatusBadRequest},
		{"acme", "PUT", "/job-posts/k1", `{"title":"Nurse","ats_job_id":"1","state":"active","colour":"red"}`, http.StatusBadRequest},
		{"acme", "PUT", "/job-posts/k1", jobPost + jobPost, http.StatusBadRequest},
		{"acme", "POST", candidates, `{"ats_candidate_id":"c","ats_application_id":"a","first_name":"A"}`, http.StatusBadRequest},
		{"acme", "PATCH", candidates + "/cand_x", `{}`, http.StatusBadRequest},
		{"acme", "PATCH", candidates + "/cand_x", `{"phone":"1"}`, http.StatusNotFound},
		{"acme", "PUT", "/callbacks/c", `{"url":"https://x.example","secret":"whsec_short"}`, http.StatusBadRequest},
		{"acme", "GET", "/changes?cursor=nonsense", "", http.StatusBadRequest},
		{"acme", "GET", "/changes?limit=501", "", http.StatusBadRequest},
		{"acme", "GET", "/nowhere", "", http.StatusNotFound},
	} {
		status, body := p.call(t, c.org, c.method, c.path, c.body)
		require.Equal(t, c.status, status, "%s %s %s", c.method, c.path, c.body)
		require.NotEmpty(t, body["code"])
	}
	require.Error(t, p.SetStatus("cand_nobody", "Shortlist"))
	require.Error(t, p.SetResult("cand_nobody", 6, ""))
}

func TestG16_OrganisationsDoNotMeet(t *testing.T) {
	t.Parallel()
	p := newProduct(t)
	_, post := p.call(t, "acme", "PUT", "/job-posts/k1", jobPost)
	_, other := p.call(t, "globex", "PUT", "/job-posts/k1", jobPost)
	require.NotEqual(t, post["id"], other["id"])
	person := `{"ats_candidate_id":"c","ats_application_id":"a","first_name":"A","last_name":"B","email":"a@b.example"}`
	status, _ := p.call(t, "globex", "POST", "/job-posts/"+post["id"].(string)+"/candidates", person)
	require.Equal(t, http.StatusNotFound, status)
	status, invited := p.call(t, "acme", "POST", "/job-posts/"+post["id"].(string)+"/candidates", person)
	require.Equal(t, http.StatusCreated, status)
	require.NoError(t, p.SetStatus(invited["candidate_id"].(string), "Shortlist"))
	_, changes := p.call(t, "globex", "GET", "/changes", "")
	require.Empty(t, changes["items"])
	_, changes = p.call(t, "acme", "GET", "/changes", "")
	require.Len(t, changes["items"], 1)
	require.Len(t, p.Log().Effects("invitation_sent"), 1)
}
