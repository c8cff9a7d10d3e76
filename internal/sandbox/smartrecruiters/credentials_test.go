// Credentials: four different refusals, tokens that end, records that are not yours.

package smartrecruiters

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func (w *world) token(id, secret string) result {
	w.t.Helper()
	resp, err := http.PostForm(w.url+tokenPath, url.Values{
		"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}})
	require.NoError(w.t, err)
	defer resp.Body.Close()
	var body json.RawMessage
	require.NoError(w.t, json.NewDecoder(resp.Body).Decode(&body))
	return result{resp.StatusCode, resp.Header, string(body)}
}

func TestWrongKeySecretScopeAndRoleAreFourDifferentRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Equal(t, 401, w.do("GET", "/jobs", nil, "X-SmartToken", "DCRA1-unknown").status)

	id, _ := w.co.NewOAuthClient(Grant{Scopes: PillarScopes, Role: Administrator})
	r := w.token(id, "wrong")
	require.Equal(t, 401, r.status)
	require.Contains(t, r.body, `"invalid_client"`)

	noScope := w.co.NewAPIKey(Grant{Scopes: []string{"candidates_read"}, Role: Administrator})
	r = w.do("GET", "/jobs", nil, "X-SmartToken", noScope)
	require.Equal(t, 403, r.status)
	require.JSONEq(t, `{"message":"Missing required scopes: jobs_read"}`, r.body)
	require.Contains(t, r.header.Get("WWW-Authenticate"), `error="insufficient_scope"`)

	noRole := w.co.NewAPIKey(Grant{Scopes: FairecScopes})
	r = w.do("GET", "/jobs", nil, "X-SmartToken", noRole)
	require.Equal(t, 403, r.status)
	require.Contains(t, r.body, `"code":"PERMISSION_DENIED"`)
	r = w.do("GET", webhooksAPI+"/subscriptions", nil, "X-SmartToken", noRole)
	require.Contains(t, r.body, "NO_PERMISSION_TO_MANAGE_WEBHOOKS")
	require.Equal(t, 200, w.do("GET", usersAPI+"/users/me", nil, "X-SmartToken", noRole).status)

	w.co.SetRole(noRole, "STANDARD")
	require.Equal(t, 200, w.do("GET", "/jobs", nil, "X-SmartToken", noRole).status)
	w.co.RevokePermission(noRole, "jobs_read")
	require.Equal(t, 403, w.do("GET", "/jobs", nil, "X-SmartToken", noRole).status)
	w.co.RevokeKey(noRole)
	require.Equal(t, 401, w.do("GET", "/jobs", nil, "X-SmartToken", noRole).status)
}

func TestEitherScopeReadsTheHistory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.apply("Ada")
	for _, scope := range []string{"candidates_read", "candidate_status_read"} {
		key := w.co.NewAPIKey(Grant{Scopes: []string{scope}, Role: Administrator})
		path := "/candidates/" + ada.CandidateID + "/jobs/" + w.job + "/status/history"
		require.Equal(t, 200, w.do("GET", path, nil, "X-SmartToken", key).status)
	}
}

func TestTokensEndWhenTheySay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, secret := w.co.NewOAuthClient(Grant{Scopes: PillarScopes, Role: Administrator})
	kinds := map[string]bool{}
	var tok struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int    `json:"expires_in"`
	}
	for range 2 {
		r := w.token(id, secret)
		require.Equal(t, 200, r.status)
		require.NotContains(t, r.body, "refresh_token")
		r.json(t, &tok)
		kinds[tok.TokenType] = true
	}
	require.Equal(t, map[string]bool{"bearer": true, "Bearer": true}, kinds, "the case of token_type varies")
	require.Equal(t, 1800, tok.ExpiresIn)
	get := func() int {
		return w.do("GET", "/jobs", nil, "X-SmartToken", "", "Authorization", "Bearer "+tok.AccessToken).status
	}
	require.Equal(t, 200, get())
	w.clock.advance(29*time.Minute + 59*time.Second)
	require.Equal(t, 200, get())
	w.clock.advance(time.Second)
	require.Equal(t, 401, get())

	w.token(id, secret).json(t, &tok)
	require.Equal(t, 200, get())
	w.co.ExpireTokens(id)
	require.Equal(t, 401, get())
	resp, err := http.Post(w.url+tokenPath, "application/json", strings.NewReader(`{"grant_type":"client_credentials"}`))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, 400, resp.StatusCode, "the token endpoint takes a form")
}

func TestRecordsOutsideTheAccessGroupAnswer401(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.apply("Ada")
	other := w.co.AddJob(Job{Title: "Elsewhere"})
	key := w.co.NewAPIKey(Grant{Scopes: allScopes, Role: Administrator, Jobs: []string{other}})
	get := func(path string) result { return w.do("GET", path, nil, "X-SmartToken", key) }
	r := get("/candidates/" + ada.CandidateID)
	require.Equal(t, 401, r.status)
	require.Contains(t, r.body, "Candidate access denied")
	r = get("/jobs/" + w.job)
	require.Equal(t, 401, r.status)
	require.Contains(t, r.body, "Job access denied")
	require.Equal(t, 200, get("/jobs/"+other).status, "the credential itself is good")
	require.Contains(t, get("/candidates").body, `"totalFound":0`, "lists leave foreign records out")
	require.Contains(t, get("/candidates/"+ada.CandidateID+"/jobs/"+w.job+"/status/history").body, "NO_ACCESS_TO_CANDIDATE")
	r = w.do("PUT", "/candidates/"+ada.CandidateID+"/jobs/"+w.job+"/status", obj{"status": InReview}, "X-SmartToken", key)
	require.Equal(t, 401, r.status)
	r = get(reviewsAPI + "/reviews?candidateId=" + ada.CandidateID + "&jobId=" + w.job)
	require.Equal(t, 401, r.status)
	require.Contains(t, r.body, "NOT_AUTHORIZED_TO_ACCESS_RESOURCE")
}

func TestCompaniesDoNotSeeEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.apply("Ada")
	rival := w.sim.AddCompany("Rival")
	key := rival.NewAPIKey(Grant{Scopes: allScopes, Role: Administrator})
	require.Equal(t, 401, w.do("GET", "/candidates/"+ada.CandidateID, nil, "X-SmartToken", key).status)
	require.Contains(t, w.do("GET", "/jobs", nil, "X-SmartToken", key).body, `"totalFound":0`)
	require.Contains(t, w.do("GET", "/configuration/company", nil, "X-SmartToken", key).body, "Rival")
	require.Equal(t, 404, w.do("GET", applicationsAPI+"/job-applications/"+ada.ApplicationID, nil, "X-SmartToken", key).status)
}
