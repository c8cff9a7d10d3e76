package gateway_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/service"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/sdk"
)

func TestBadInputIsNamedExactly(t *testing.T) {
	t.Parallel()
	c := newRig(t).screening()
	plans, keys := c.path("/connections/"+c.connection+"/plans"), "/v1/keys"
	deep := func(n int) string {
		return `{"kind":"import","job_id":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}`
	}
	owner, backend := c.owner(), who{key: c.key}
	for name, q := range map[string]struct {
		request
		status int
		code   string
		field  string
	}{
		"unknown field":           {request{owner, "POST", plans, `{"kind":"import","job_id":"job-1","surprise":1}`, nil}, 422, "invalid", "surprise"},
		"unknown nested field":    {request{owner, "POST", plans, `{"kind":"import","job_id":"job-1","triggers":[{"kind":"mail_invitation","stage_id":"NEW","x":1}]}`, nil}, 422, "invalid", "triggers[0].x"},
		"other case":              {request{owner, "POST", plans, `{"KIND":"import","job_id":"job-1"}`, nil}, 422, "invalid", "KIND"},
		"wrong type":              {request{owner, "POST", plans, `{"kind":7,"job_id":"job-1"}`, nil}, 422, "invalid", "kind"},
		"a number as id":          {request{owner, "POST", plans, `{"kind":"import","job_id":12345678901234567890}`, nil}, 422, "invalid", "job_id"},
		"unknown word":            {request{owner, "POST", plans, `{"kind":"explode"}`, nil}, 422, "invalid", "kind"},
		"missing field":           {request{owner, "POST", plans, `{"job_id":"job-1"}`, nil}, 422, "invalid", "kind"},
		"null":                    {request{owner, "POST", plans, `null`, nil}, 422, "invalid", "body"},
		"an array":                {request{owner, "POST", plans, `[]`, nil}, 422, "invalid", "body"},
		"no body":                 {request{owner, "POST", plans, nil, nil}, 400, "malformed", ""},
		"not JSON":                {request{owner, "POST", plans, `{kind`, nil}, 400, "malformed", ""},
		"half JSON":               {request{owner, "POST", plans, `{"kind":"import"`, nil}, 400, "malformed", ""},
		"trailing data":           {request{owner, "POST", plans, `{"kind":"import","job_id":"job-1"} {}`, nil}, 400, "malformed", ""},
		"duplicate key":           {request{owner, "POST", plans, `{"kind":"import","job_id":"job-1","job_id":"job-2"}`, nil}, 400, "malformed", ""},
		"escaped duplicate key":   {request{owner, "POST", plans, `{"kind":"import","job_id":"job-1","job\u005fid":"job-2"}`, nil}, 400, "malformed", ""},
		"nested duplicate key":    {request{owner, "POST", plans, `{"kind":"import","triggers":[{"kind":"a","kind":"b"}]}`, nil}, 400, "malformed", ""},
		"too deep":                {request{owner, "POST", plans, deep(64), nil}, 400, "malformed", ""},
		"very deep":               {request{owner, "POST", plans, deep(9000), nil}, 400, "malformed", ""},
		"deep, but allowed":       {request{owner, "POST", plans, deep(40), nil}, 422, "invalid", "job_id"},
		"invalid UTF-8":           {request{owner, "POST", plans, "{\"kind\":\"import\",\"job_id\":\"\xff\"}", nil}, 400, "malformed", ""},
		"too long a word":         {request{backend, "POST", keys, `{"name":"` + strings.Repeat("x", 201) + `"}`, nil}, 422, "invalid", "name"},
		"compressed":              {request{owner, "POST", plans, "\x1f\x8b", map[string]string{"Content-Encoding": "gzip"}}, 415, "unsupported_media_type", ""},
		"a form":                  {request{owner, "POST", plans, "kind=import", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}, 415, "unsupported_media_type", ""},
		"bad time":                {request{backend, "POST", keys, `{"name":"k","expires_at":"tomorrow"}`, nil}, 422, "invalid", "expires_at"},
		"zone of the machine":     {request{owner, "GET", c.path("/interviews?timezone=Local"), nil, nil}, 422, "invalid", "timezone"},
		"no such zone":            {request{owner, "GET", c.path("/interviews?timezone=Mars/Olympus"), nil, nil}, 422, "invalid", "timezone"},
		"a path as zone":          {request{owner, "GET", c.path("/interviews?timezone=../../etc/passwd"), nil, nil}, 422, "invalid", "timezone"},
		"bad cursor":              {request{owner, "GET", c.path("/interviews?cursor=x"), nil, nil}, 422, "invalid", "cursor"},
		"limit of zero":           {request{owner, "GET", c.path("/actions?limit=0"), nil, nil}, 422, "invalid", "query.limit"},
		"limit of too many":       {request{owner, "GET", c.path("/actions?limit=201"), nil, nil}, 422, "invalid", "query.limit"},
		"limit of words":          {request{owner, "GET", c.path("/actions?limit=many"), nil, nil}, 422, "invalid", "query.limit"},
		"unknown parameter":       {request{owner, "GET", c.path("/actions?colour=red"), nil, nil}, 422, "invalid", "query.colour"},
		"unknown state":           {request{owner, "GET", c.path("/actions?state=lost"), nil, nil}, 422, "invalid", "query.state"},
		"line feeds in an id":     {request{owner, "GET", c.path("/connections/a%0d%0aSet-Cookie:x=1"), nil, nil}, 404, "not_found", ""},
		"line feeds in a job":     {request{owner, "GET", c.path("/connections/" + c.connection + "/jobs/a%0d%0ab/stages"), nil, nil}, 422, "invalid", "job"},
		"an id that is too long":  {request{owner, "GET", c.path("/actions/" + strings.Repeat("a", 65)), nil, nil}, 422, "invalid", "action"},
		"a tenant of nonsense":    {request{owner, "GET", "/v1/tenants/%00/actions", nil, nil}, 404, "not_found", ""},
		"no reason":               {request{owner, "POST", c.path("/actions/act_1/again"), `{"reason":""}`, nil}, 422, "invalid", "reason"},
		"too long a user":         {request{who{c.key, strings.Repeat("u", 201), "Recruiter"}, "GET", c.path("/actions"), nil, nil}, 422, "invalid", "Atshub-User"},
		"a credential left out":   {request{owner, "POST", c.path("/connections"), `{"connector":"smartrecruiters-apikey","credentials":{"ats":{}}}`, nil}, 422, "invalid", "credentials.ats.api_key"},
		"an unknown credential":   {request{owner, "POST", c.path("/connections"), `{"connector":"smartrecruiters-apikey","credentials":{"ats":{"api_key":"12345678","pin":"1"},"product":{"username":"a@b","password":"c"}}}`, nil}, 422, "invalid", "credentials.ats.pin"},
		"a credential of another": {request{owner, "POST", c.path("/connections"), `{"connector":"smartrecruiters-apikey","credentials":{"ats":{"api_key":"a b"},"product":{"username":"a@b","password":"c"}}}`, nil}, 422, "invalid", "credentials.ats.api_key"},
		"another's connector":     {request{owner, "POST", c.path("/connections"), `{"connector":"smartrecruiters-oauth","credentials":{}}`, nil}, 422, "invalid", "connector"},
		"unknown address":         {request{owner, "GET", "/v1/nothing", nil, nil}, 404, "not_found", ""},
		"unknown method":          {request{owner, "PUT", c.path("/actions"), nil, nil}, 405, "method_not_allowed", ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := c.do(q.request)
			a.T = t
			p := a.problem(q.status, q.code)
			if q.field != "" {
				require.Contains(t, p.Fields, q.field)
			}
			require.Empty(t, a.header.Get("Set-Cookie"))
		})
	}
	var list service.List[service.ActionView]
	c.call("GET", "/actions", nil).into(200, &list)
	require.Empty(t, list.Items)
}

func TestAnATSAnsweringNonsenseIsATypedProblem(t *testing.T) {
	t.Parallel()
	c := newRig(t).screening()
	c.ats.change(func() { c.ats.jobs[0].Name, c.ats.stages = "", nil })
	c.call("POST", "/connections/"+c.connection+"/plans", object{"kind": "import", "job_id": "job-1", "triggers": triggers()}).problem(422, "invalid")
	c.ats.change(func() { c.ats.checkErr = fmt.Errorf("panic: %s", canaryKey) })
	a := c.call("POST", "/connections/"+c.connection+"/check", nil)
	a.problem(500, "internal")
	require.NotContains(t, a.body, canaryKey)
	c.ats.change(func() { c.ats.checkErr = &sdk.Error{Code: sdk.CodeRateLimited, RetryAfter: 90 * time.Second} })
	a = c.call("POST", "/connections/"+c.connection+"/check", nil)
	a.problem(503, "unavailable")
	require.Equal(t, "90", a.header.Get("Retry-After"))
}

func TestIdempotencyKeys(t *testing.T) {
	t.Parallel()
	c := newRig(t).screening()
	c.ats.arrive("job-1", "ann", "IN_REVIEW:Fairec")
	plan := c.plan(object{"kind": "import", "job_id": "job-1", "triggers": triggers()})
	q := request{who: c.owner(), method: "POST", path: c.path("/plans/" + plan.ID + "/activation"), body: object{"backfill": "everyone"}, header: map[string]string{"Idempotency-Key": "once"}}

	first := c.do(q)
	require.Equal(t, 200, first.status, first.body)
	require.Empty(t, first.header.Get("Idempotent-Replay"))
	again := c.do(q)
	require.Equal(t, 200, again.status)
	require.Equal(t, "true", again.header.Get("Idempotent-Replay"))
	require.JSONEq(t, first.body, again.body)

	other := q
	other.body = object{"backfill": "nobody"}
	c.do(other).problem(422, "idempotency_key_reused")
	other = q
	other.who = c.recruiter()
	c.do(other).problem(422, "idempotency_key_reused")

	// Another tenant's key of the same name is another key.
	stranger := c.rig.customer("fairec", "org-2")
	q.who, q.path = stranger.owner(), stranger.path("/plans/"+plan.ID+"/activation")
	c.do(q).problem(404, "not_found")
	// What was refused did nothing and may be sent again, corrected.
	q.who, q.path = c.owner(), c.path("/connections/"+c.connection+"/plans")
	q.header = map[string]string{"Idempotency-Key": "twice"}
	q.body = object{"kind": "import", "job_id": "job-9", "triggers": triggers()}
	c.do(q).problem(422, "invalid")
	q.body = object{"kind": "import", "job_id": "job-2", "triggers": triggers()}
	require.Equal(t, 201, c.do(q).status)
}

func TestIdempotencyOfRequestsAtOnceAndOfOnesThatDied(t *testing.T) {
	t.Parallel()
	c := newRig(t).screening()
	q := request{who: c.owner(), method: "POST", path: c.path("/connections/" + c.connection + "/plans"), body: object{"kind": "import", "job_id": "job-1", "triggers": triggers()}, header: map[string]string{"Idempotency-Key": "race"}}
	var all sync.WaitGroup
	var mu sync.Mutex
	ids := map[string]bool{}
	for range 8 {
		all.Go(func() {
			a := c.do(q)
			mu.Lock()
			defer mu.Unlock()
			if a.status == 201 {
				var p service.Plan
				if json.Unmarshal([]byte(a.body), &p) == nil {
					ids[p.ID] = true
				}
			} else if a.status != 409 {
				t.Errorf("status %d: %s", a.status, a.body)
			}
		})
	}
	all.Wait()
	require.Len(t, ids, 1)
}

// raw sends bytes and answers the status of what comes back.
func raw(t *testing.T, addr, text string) (status int, body string) {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, 2*time.Second)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = conn.Write([]byte(text))
	require.NoError(t, err)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	b, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(b)
}

func (r *rig) listen() string {
	r.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(r, err)
	ended := make(chan error, 1)
	go func() { ended <- r.server.Serve(l) }()
	r.Cleanup(func() {
		_ = r.server.Shutdown(ctx)
		<-ended
	})
	return l.Addr().String()
}

func TestRequestsThatTwoServersCouldCutDifferentlyAreRefused(t *testing.T) {
	t.Parallel()
	addr := newRig(t).listen()
	const host = "Host: hub.example\r\n"
	for name, c := range map[string]struct {
		text   string
		status int
	}{
		"well-formed":                         {"GET /healthz HTTP/1.1\r\n" + host + "\r\n", 200},
		"no host":                             {"GET /healthz HTTP/1.1\r\nA: b\r\n\r\n", 400},
		"two hosts":                           {"GET /healthz HTTP/1.1\r\n" + host + "Host: evil.example\r\n\r\n", 400},
		"both lengths":                        {"POST /v1/tenants HTTP/1.1\r\n" + host + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
		"two lengths":                         {"POST /v1/tenants HTTP/1.1\r\n" + host + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400},
		"signed length":                       {"POST /v1/tenants HTTP/1.1\r\n" + host + "Content-Length: +2\r\n\r\n{}", 400},
		"bare line feed":                      {"GET /healthz HTTP/1.1\r\n" + host + "A: b\nC: d\r\n\r\n", 400},
		"only bare line feeds":                {"GET /healthz HTTP/1.1\nHost: hub.example\n\n", 400},
		"folded line":                         {"GET /healthz HTTP/1.1\r\n" + host + "A: b\r\n c\r\n\r\n", 400},
		"NUL":                                 {"GET /healthz HTTP/1.1\r\n" + host + "A: b\x00c\r\n\r\n", 400},
		"a blank before the colon":            {"GET /healthz HTTP/1.1\r\n" + host + "A : b\r\n\r\n", 400},
		"TRACE":                               {"TRACE /healthz HTTP/1.1\r\n" + host + "\r\n", 400},
		"CONNECT":                             {"CONNECT hub.example:443 HTTP/1.1\r\n" + host + "\r\n", 400},
		"not HTTP":                            {"hello " + canaryKey + "\r\n\r\n", 400},
		"a body larger than told to be taken": {"POST /v1/tenants HTTP/1.1\r\n" + host + "Content-Length: 2000000\r\n\r\n", 413},
	} {
		status, body := raw(t, addr, c.text)
		require.Equal(t, c.status, status, name)
		require.NotContains(t, body, canaryKey, "nothing is echoed")
		if status != 200 && body != "Invalid http method" { // Fiber's own fixed text, before any handler
			require.Contains(t, body, `"code"`, name)
		}
	}
}

func TestASlowSenderIsCutOff(t *testing.T) {
	t.Parallel()
	addr := newRig(t).listen()
	began := time.Now()
	status, _ := raw(t, addr, "POST /v1/tenants HTTP/1.1\r\nHost: hub.example\r\nContent-Length: 10\r\n\r\n{}")
	require.Equal(t, 408, status)
	require.Less(t, time.Since(began), 8*time.Second)
}

func TestOperatorsSeeWhetherDeliveriesCanBeKept(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.do(request{method: "GET", path: "/readyz"})
	require.Equal(t, 200, a.status)
	require.Contains(t, a.body, `"status":"ready"`)
	r.do(request{method: "GET", path: "/made/up/path"})
	metrics := r.do(request{method: "GET", path: "/metrics"}).body
	require.Contains(t, metrics, `route="unmatched"`)
	require.NotContains(t, metrics, "made")
}

func TestG18_EveryPersonsActIsOnRecord(t *testing.T) {
	t.Parallel()
	c := newRig(t).screening()
	on := c.activate("job-1", "nobody")
	for _, step := range []struct{ method, path string }{
		{"POST", "/connections/" + c.connection + "/check"}, {"POST", "/job-links/" + on.Links[0].ID + "/syncs"}, {"POST", "/job-links/" + on.Links[0].ID + "/off"},
		{"DELETE", "/job-links/" + on.Links[0].ID}, {"POST", "/connections/" + c.connection + "/pause"}, {"POST", "/connections/" + c.connection + "/resume"}, {"DELETE", "/connections/" + c.connection},
	} {
		a := c.call(step.method, step.path, nil)
		require.Less(t, a.status, 300, a.body)
	}
	var acts []string
	c.write(func(tx *store.Tx) error {
		lines, err := tx.TrailOf(c.tenant.ID, store.TrailFilter{ConnectionID: c.connection}, store.Page{Limit: 200})
		for _, l := range lines {
			if l.Kind == hub.TrailHuman {
				require.Equal(t, "usr-owner (Tenant owner)", l.Actor)
				acts = append(acts, l.What)
			}
		}
		return err
	})
	require.Equal(t, []string{
		"installed the integration", "previewed", "imported the job", "checked the credential", "synchronised the job", "switched the job off",
		"deleted the job integration", "paused the integration", "resumed the integration", "uninstalled the integration",
	}, acts)
}
