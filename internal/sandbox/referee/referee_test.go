// The referee has teeth: what is wrong is reported, what is right passes, and every allowance is needed by something.

package referee

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	id1  = "5f3c1c1e-6c2b-4a53-9d7e-2b1f0c9a7e01"
	id2  = "5f3c1c1e-6c2b-4a53-9d7e-2b1f0c9a7e02"
	user = "5f3c1c1e6c2b4a539d7e2b1f"
)

// exchangeOf is one request and the answer a server gives to it.
type exchangeOf struct {
	method, path, body string
	noKey              bool
	status             int
	contentType        string // default application/json
	answer             string
}

// play sends the exchange through Handler and returns the deviations' problems, prefixed with their kind.
func (x exchangeOf) play(t *testing.T, r *Referee) []string {
	t.Helper()
	server := httptest.NewServer(r.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if x.status != http.StatusNoContent && x.contentType != "none" {
			w.Header().Set("Content-Type", orJSON(x.contentType))
		}
		w.WriteHeader(x.status)
		_, _ = io.WriteString(w, x.answer)
	})))
	defer server.Close()
	req, err := http.NewRequestWithContext(t.Context(), x.method, server.URL+x.path, strings.NewReader(x.body))
	require.NoError(t, err)
	if x.body != "" {
		req.Header.Set("Content-Type", orJSON(""))
	}
	if !x.noKey {
		req.Header.Set("X-SmartToken", "key")
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return found(r)
}

func orJSON(contentType string) string {
	if contentType == "" {
		return "application/json"
	}
	return contentType
}

func found(r *Referee) []string {
	var all []string
	for _, d := range r.Deviations() {
		all = append(all, d.Kind+": "+d.Problem)
	}
	return all
}

const emptyJobs = `{"limit":10,"offset":0,"totalFound":0,"content":[]}`

func TestWrongTrafficIsReported(t *testing.T) {
	t.Parallel()
	history := "/candidates/" + id1 + "/jobs/" + id2 + "/status/history"
	status := "/candidates/" + id1 + "/jobs/" + id2 + "/status"
	reviews := "/reviews-api/v201910/reviews"
	for name, c := range map[string]struct {
		x    exchangeOf
		want string // empty: no deviation
	}{
		"right answer":                  {exchangeOf{method: "GET", path: "/jobs?sort=job_id", status: 200, answer: emptyJobs}, ""},
		"wrong type":                    {exchangeOf{method: "GET", path: "/jobs", status: 200, answer: `{"limit":"ten","content":[]}`}, "response: value must be an integer at /limit"},
		"unknown field":                 {exchangeOf{method: "GET", path: "/jobs", status: 200, answer: `{"limit":1,"next":"x","content":[]}`}, `response: property "next" is unsupported`},
		"unknown nested":                {exchangeOf{method: "GET", path: "/jobs/" + id1, status: 200, answer: `{"id":"` + id1 + `","hiringProcess":"x"}`}, `response: property "hiringProcess" is unsupported`},
		"missing field":                 {exchangeOf{method: "GET", path: "/candidates", status: 200, answer: `{"limit":1,"offset":0,"content":[]}`}, `response: property "totalFound" is missing at /totalFound`},
		"unknown enum":                  {exchangeOf{method: "GET", path: history, status: 200, answer: `{"totalFound":1,"content":[{"status":"OFFER"}]}`}, "response: value is not one of the allowed values"},
		"not JSON":                      {exchangeOf{method: "GET", path: "/jobs", status: 200, contentType: "text/html", answer: "<html>"}, `response: response header Content-Type has unexpected value: "text/html"`},
		"undocumented status":           {exchangeOf{method: "GET", path: "/jobs", status: 418, answer: `{}`}, "response: status is not supported"},
		"refusal without code":          {exchangeOf{method: "GET", path: "/jobs?pageId=x", status: 400, answer: `{"message":"no"}`}, `response: property "errors" is missing`},
		"invented body field":           {exchangeOf{method: "PUT", path: status, body: `{"status":"NEW","statusAsOf":"2026-01-01"}`, status: 204}, `request: property "statusAsOf" is unsupported`},
		"invented status":               {exchangeOf{method: "PUT", path: status, body: `{"status":"SHORTLIST"}`, status: 204}, "request: value is not one of the allowed values"},
		"invented operation":            {exchangeOf{method: "GET", path: status, status: 200, answer: `{}`}, "request: operation is not in the vendor's documents"},
		"prefix forgotten":              {exchangeOf{method: "GET", path: "/reviews?candidateId=a&jobId=b", status: 200, answer: `[]`}, "request: operation is not in the vendor's documents"},
		"invented parameter":            {exchangeOf{method: "GET", path: "/candidates?sort=updatedOn", status: 200, answer: `{"limit":1,"offset":0,"totalFound":0,"content":[]}`}, `request: query parameter "sort" is not in the document`},
		"parameter out of range":        {exchangeOf{method: "GET", path: "/jobs?limit=101", status: 200, answer: emptyJobs}, "request: parameter limit: number must be at most 100"},
		"parameter missing":             {exchangeOf{method: "DELETE", path: reviews + "/" + id1, status: 204}, `request: parameter "reviewerId" in query has an error`},
		"list without paging parameter": {exchangeOf{method: "GET", path: "/interviews-api/v201904/interviews", status: 200, answer: `{"content":[]}`}, `request: parameter "applicationId" in query has an error`},
		"no credential":                 {exchangeOf{method: "GET", path: "/jobs", noKey: true, status: 200, answer: emptyJobs}, "request: no credential"},
		"plain http callback":           {exchangeOf{method: "POST", path: "/webhooks-api/v201907/subscriptions", body: `{"callbackUrl":"http://a.b","events":["job.created"]}`, status: 422, answer: `{"errors":[]}`}, "request: string doesn't match the format \"https_url\""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := c.x.play(t, freshReferee(t))
			if c.want == "" {
				require.Empty(t, got)
				return
			}
			require.Contains(t, strings.Join(got, "\n"), c.want)
		})
	}
}

// freshReferee shares the loaded documents, not the findings.
func freshReferee(t *testing.T) *Referee {
	t.Helper()
	loaded, err := loadOnce()
	if loaded == nil && err == nil {
		FromEnv(t) // skips or fails
	}
	require.NoError(t, err)
	return &Referee{documents: loaded.documents, webhooks: loaded.webhooks, allowed: loaded.allowed,
		checked: map[string]int{}, used: map[string]int{}}
}

var loadOnce = sync.OnceValues(func() (*Referee, error) {
	dir := os.Getenv("SMARTRECRUITERS_OPENAPI")
	if dir == "" {
		return nil, nil
	}
	return Load(dir)
})

type hook struct {
	header map[string]string
	body   string
}

func (h hook) play(t *testing.T, r *Referee) []string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(202) }))
	defer server.Close()
	req, err := http.NewRequestWithContext(t.Context(), "POST", server.URL, strings.NewReader(h.body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	for name, value := range h.header {
		req.Header[name] = []string{value}
	}
	resp, err := (&http.Client{Transport: r.Transport(nil)}).Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return found(r)
}

func TestWrongWebhooksAreReported(t *testing.T) {
	t.Parallel()
	with := func(event string, change ...string) map[string]string {
		h := map[string]string{"event-name": event, "event-version": "v1", "event-id": "1", "Link": "<x>; rel=self",
			"smartrecruiters-timestamp": "1574080897", "smartrecruiters-signature": "v1=00"}
		for i := 0; i+1 < len(change); i += 2 {
			h[change[i]] = change[i+1]
			if change[i+1] == "" {
				delete(h, change[i])
			}
		}
		return h
	}
	ids := `{"job_id":"a","candidate_id":"b","application_id":"c"}`
	for name, c := range map[string]struct {
		h    hook
		want string
	}{
		"right":             {hook{with("application.status.updated"), ids}, ""},
		"without a Link":    {hook{with("candidate.deleted", "Link", ""), `{"id":"a"}`}, ""},
		"new status inside": {hook{with("application.status.updated"), strings.Replace(ids, "{", `{"status":"NEW",`, 1)}, `property "status" is unsupported`},
		"id missing":        {hook{with("review.created"), `{"review_id":"a"}`}, `property "application_id" is missing`},
		"header missing":    {hook{with("job.created", "event-id", ""), `{"id":"a"}`}, `parameter "event-id" in header has an error`},
		"Link too much":     {hook{with("candidate.deleted"), `{"id":"a"}`}, "Link header is not documented"},
		"unknown event":     {hook{with("job.exploded"), `{"id":"a"}`}, "event is not in the document"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := c.h.play(t, freshReferee(t))
			if c.want == "" {
				require.Empty(t, got)
				return
			}
			require.Contains(t, strings.Join(got, "\n"), c.want)
		})
	}
}

func TestEveryAllowanceIsNeeded(t *testing.T) {
	t.Parallel()
	r := freshReferee(t)
	subscriptions := "/webhooks-api/v201907/subscriptions"
	for _, x := range []exchangeOf{
		{method: "POST", path: "/identity/oauth/token", status: 200, answer: `{}`},
		{method: "GET", path: "/jobs?statuses=OFFER&hiringTeamMemberId=" + user, status: 200, answer: emptyJobs},
		{method: "GET", path: "/jobs", status: 429, contentType: "text/html", answer: "<html>"},
		{method: "GET", path: "/candidates/" + id1 + "/jobs/" + id2, status: 403, answer: `{"message":"Missing required scopes: candidates_read"}`},
		{method: "GET", path: "/candidates/" + id1, status: 401, contentType: "none"},
		{method: "GET", path: "/job-applications-api/v202112/job-applications/" + id1, status: 200, answer: `{"status":"HIRE"}`},
		{method: "POST", path: subscriptions, body: `{"callbackUrl":"https://a.b","events":["interview.created"]}`, status: 201,
			answer: `{"id":"1","callbackUrl":"https://a.b","events":[{"name":"interview.created","version":"v1"}],"status":"inactive"}`},
		{method: "GET", path: subscriptions, status: 200,
			answer: `[{"id":"1","callbackUrl":"https://a.b","events":[{"name":"interview.canceled","version":"v1"}],"status":"active"}]`},
	} {
		require.Empty(t, x.play(t, r), "%s %s", x.method, x.path)
	}
	require.Empty(t, hook{map[string]string{"event-name": "interview.updated"}, `{}`}.play(t, r))
	for name, n := range r.Allowed() {
		require.NotZero(t, n, "nothing needs the allowance %q", name)
	}
}

func TestSpoiledAndHandshakeTrafficIsLeftAlone(t *testing.T) {
	t.Parallel()
	r := freshReferee(t)
	server := httptest.NewServer(r.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(FaultHeader, "html")
		_, _ = io.WriteString(w, "<html>")
	})))
	defer server.Close()
	req, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/jobs", nil)
	require.NoError(t, err)
	req.Header.Set("X-SmartToken", "key")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Empty(t, r.Deviations())
	require.Empty(t, hook{map[string]string{"X-Hook-Secret": "s"}, ""}.play(t, r))
}

// witness is a TB that remembers what it was told.
type witness struct {
	skipped, failed bool
	errors          int
}

func (w *witness) Helper()               {}
func (w *witness) Skip(...any)           { w.skipped = true; panic(w) }
func (w *witness) Fatal(...any)          { w.failed = true; panic(w) }
func (w *witness) Errorf(string, ...any) { w.errors++ }

func TestMissingDocumentsSkipAtHomeAndFailInCI(t *testing.T) {
	for _, ci := range []string{"", "true"} {
		t.Setenv("SMARTRECRUITERS_OPENAPI", "")
		t.Setenv("CI", ci)
		w := &witness{}
		func() {
			defer func() { _ = recover() }()
			FromEnv(w)
		}()
		require.Equal(t, ci == "", w.skipped)
		require.Equal(t, ci != "", w.failed)
	}
	w := &witness{}
	(&Referee{}).Assert(w)
	require.Equal(t, 1, w.errors, "no traffic is a failure")
}
