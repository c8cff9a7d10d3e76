package gateway_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/gateway/api"
	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/service"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/sdk"
)

// row says how a route is asked in the matrix, and what somebody who may gets
// who names things that do not exist.
type row struct {
	query  string
	body   any
	status int
}

var reason = object{"reason": "because"}

// matrix has a row for every route of the API; one without fails the test.
var matrix = map[string]row{
	"GET /v1/connectors":                                                  {status: 200},
	"GET /v1/connectors/{connector}":                                      {status: 404},
	"GET /v1/products":                                                    {status: 200},
	"POST /v1/tenants":                                                    {body: object{"external_ref": "org-9", "name": "Nine"}, status: 200},
	"GET /v1/tenants":                                                     {status: 200},
	"GET /v1/tenants/{tenant}":                                            {status: 200},
	"POST /v1/keys":                                                       {body: object{"name": "k"}, status: 201},
	"GET /v1/keys":                                                        {status: 200},
	"DELETE /v1/keys/{key}":                                               {status: 404},
	"GET /v1/tenants/{tenant}/connections":                                {status: 200},
	"POST /v1/tenants/{tenant}/connections":                               {body: object{"connector": "none", "credentials": object{}}, status: 422},
	"GET /v1/tenants/{tenant}/connections/{connection}":                   {status: 404},
	"DELETE /v1/tenants/{tenant}/connections/{connection}":                {status: 404},
	"POST /v1/tenants/{tenant}/connections/{connection}/check":            {status: 404},
	"POST /v1/tenants/{tenant}/connections/{connection}/pause":            {status: 404},
	"POST /v1/tenants/{tenant}/connections/{connection}/resume":           {status: 404},
	"PUT /v1/tenants/{tenant}/connections/{connection}/credentials":       {body: object{"credentials": object{"ats": object{"api_key": "12345678"}}}, status: 404},
	"PUT /v1/tenants/{tenant}/connections/{connection}/capture-mode":      {body: object{"mode": "choose"}, status: 404},
	"GET /v1/tenants/{tenant}/connections/{connection}/jobs":              {status: 404},
	"GET /v1/tenants/{tenant}/connections/{connection}/jobs/{job}/stages": {status: 404},
	"POST /v1/tenants/{tenant}/connections/{connection}/roles":            {body: object{"job_ids": []string{"job-1"}}, status: 404},
	"POST /v1/tenants/{tenant}/connections/{connection}/plans":            {body: object{"kind": "import", "job_id": "job-1", "triggers": triggers()}, status: 404},
	"GET /v1/tenants/{tenant}/plans/{plan}":                               {status: 404},
	"POST /v1/tenants/{tenant}/plans/{plan}/activation":                   {body: object{"backfill": "nobody"}, status: 404},
	"GET /v1/tenants/{tenant}/job-links":                                  {status: 200},
	"GET /v1/tenants/{tenant}/job-links/{link}":                           {status: 404},
	"DELETE /v1/tenants/{tenant}/job-links/{link}":                        {status: 404},
	"POST /v1/tenants/{tenant}/job-links/{link}/off":                      {status: 404},
	"POST /v1/tenants/{tenant}/job-links/{link}/syncs":                    {status: 404},
	"GET /v1/tenants/{tenant}/job-links/{link}/syncs":                     {status: 404},
	"GET /v1/tenants/{tenant}/syncs/{sync}":                               {status: 404},
	"GET /v1/tenants/{tenant}/job-links/{link}/applications":              {status: 404},
	"GET /v1/tenants/{tenant}/interviews":                                 {status: 200},
	"GET /v1/tenants/{tenant}/actions":                                    {status: 200},
	"GET /v1/tenants/{tenant}/actions/{action}":                           {status: 404},
	"POST /v1/tenants/{tenant}/actions/{action}/cancellation":             {body: reason, status: 404},
	"POST /v1/tenants/{tenant}/actions/{action}/again":                    {body: reason, status: 404},
	"POST /v1/tenants/{tenant}/actions/{action}/retry":                    {body: reason, status: 404},
	"GET /v1/tenants/{tenant}/events":                                     {status: 200},
	"GET /v1/tenants/{tenant}/events/{event}":                             {status: 404},
	"GET /v1/tenants/{tenant}/connections/{connection}/explain":           {query: "?candidate=ann&job=job-1", status: 404},
}

var placeholder = regexp.MustCompile(`\{(\w+)\}`)

// path is a route with things put in; what is not given does not exist.
func path(r api.Route, things map[string]string) string {
	return placeholder.ReplaceAllStringFunc(r.Path, func(p string) string {
		if v, ok := things[strings.Trim(p, "{}")]; ok {
			return v
		}
		return "unknown"
	})
}

func TestG16_EveryRouteByEveryone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	acme, other := r.customer("fairec", "org-1"), r.customer("fairec", "org-2")
	foreign := r.customer("pillar", "org-1")
	past := time.Now().Add(-time.Hour)
	revoked := r.key(hub.APIKey{Product: "fairec", Name: "revoked"})
	r.write(func(tx *store.Tx) error {
		keys, err := tx.APIKeys("fairec")
		for _, k := range keys {
			if k.Name == "revoked" {
				err = tx.RevokeAPIKey("fairec", k.ID)
			}
		}
		return err
	})
	bound := func(tenant string, roles ...string) string {
		return r.key(hub.APIKey{Product: "fairec", TenantID: tenant, Name: "bound", Roles: roles})
	}
	const may, mayNot, refused, hidden = "may", "may not", "refused", "hidden"
	people := map[string]struct {
		who
		verdict func(api.Route) string
	}{
		"anonymous":                  {who{}, func(api.Route) string { return refused }},
		"nonsense":                   {who{key: "atsk_nonsense"}, func(api.Route) string { return refused }},
		"revoked":                    {who{key: revoked}, func(api.Route) string { return refused }},
		"expired":                    {who{key: r.key(hub.APIKey{Product: "fairec", Name: "expired", ExpiresAt: &past})}, func(api.Route) string { return refused }},
		"tenant owner":               {acme.owner(), holds(service.View, product.PermissionManageIntegration, product.PermissionManageJobPosts)},
		"recruiter":                  {acme.recruiter(), holds(service.View, product.PermissionManageJobPosts)},
		"backend":                    {who{key: acme.key}, holds(service.View, service.Backend)},
		"a person without role":      {who{key: acme.key, user: "usr"}, holds(service.View)},
		"a role without person":      {who{key: acme.key, role: "Tenant owner"}, holds(service.View)},
		"unknown role":               {who{acme.key, "usr", "Emperor"}, holds()},
		"another product's role":     {who{acme.key, "usr", "Owner"}, holds()},
		"a key of the tenant":        {who{key: bound(acme.tenant.ID)}, holds(service.View)},
		"a recruiter's key":          {who{key: bound(acme.tenant.ID, "Recruiter"), user: "usr"}, holds(service.View, product.PermissionManageJobPosts)},
		"a recruiter's key as owner": {who{bound(acme.tenant.ID, "Recruiter"), "usr", "Tenant owner"}, holds()},
		"another tenant's key":       {who{bound(other.tenant.ID), "usr", "Tenant owner"}, nil},
		"another product":            {foreign.owner(), nil},
	}
	routes := r.server.Routes()
	require.Len(t, matrix, len(routes))
	for name, p := range people {
		for _, route := range routes {
			row, ok := matrix[route.Method+" "+route.Path]
			require.True(t, ok, "no row for %s %s", route.Method, route.Path)
			inTenant := strings.Contains(route.Path, "{tenant}")
			verdict := hidden
			switch {
			case p.verdict != nil:
				verdict = p.verdict(route)
			case !inTenant:
				continue // their own
			}
			a := r.do(request{who: p.who, method: route.Method, path: path(route, map[string]string{"tenant": acme.tenant.ID}) + row.query, body: row.body})
			says := []any{"%s: %s %s: %s", name, route.Method, route.Path, a.body}
			switch verdict {
			case may:
				require.Equal(t, row.status, a.status, says...)
			case mayNot:
				require.Equal(t, 403, a.status, says...)
				a.problem(403, "forbidden")
			case refused:
				if a.status != 429 {
					a.problem(401, "unauthorized")
				}
			case hidden:
				require.Equal(t, 404, a.status, says...)
				unknown := r.do(request{who: p.who, method: route.Method, path: path(route, nil) + row.query, body: row.body})
				require.Equal(t, unknown.anonymised(), a.anonymised(), says...)
			}
		}
	}
}

// holds is the verdict about somebody with these permissions.
func holds(permissions ...string) func(api.Route) string {
	return func(r api.Route) string {
		for _, p := range permissions {
			if p == r.Permission {
				return "may"
			}
		}
		return "may not"
	}
}

// anonymised is the body without what differs between any two requests.
func (a answer) anonymised() string {
	a.Helper()
	var m map[string]any
	require.NoError(a, json.Unmarshal([]byte(a.body), &m))
	delete(m, "request_id")
	b, err := json.Marshal(m)
	require.NoError(a, err)
	return string(b)
}

// everything is a tenant with one of each thing, by the name in the path.
func (r *rig) everything() (customer, map[string]string) {
	r.Helper()
	c := r.screening()
	c.ats.arrive("job-1", "ann", "IN_REVIEW:Fairec")
	on := c.activate("job-1", "everyone")
	plan := c.plan(object{"kind": "import", "job_id": "job-2", "triggers": triggers()})
	var sync service.Sync
	c.call("POST", "/job-links/"+on.Links[0].ID+"/syncs", nil).into(202, &sync)
	things := map[string]string{"connection": c.connection, "link": on.Links[0].ID, "plan": plan.ID, "sync": sync.ID, "action": on.Actions[0].ID, "job": "job-1"}
	r.write(func(tx *store.Tx) (err error) {
		things["event"], _, err = tx.AddEvent(hub.Event{TenantID: c.tenant.ID, ConnectionID: c.connection, Source: hub.SourceWebhook, Key: "e", Kind: sdk.EventOther})
		if err != nil {
			return err
		}
		slot := hub.Slot{TenantID: c.tenant.ID, ConnectionID: c.connection, LinkID: on.Links[0].ID, JobID: "job-1", InterviewID: "iv", SessionID: "s", StartsAt: time.Now().Add(time.Hour), EndsAt: time.Now().Add(2 * time.Hour)}
		_, _, err = tx.SeeSlot(slot)
		return err
	})
	return c, things
}

func TestG16_AForeignThingIsAnsweredLikeOneThatDoesNotExist(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	victim, things := r.everything()
	thief := r.customer("fairec", "org-2")
	before := victim.call("GET", "/actions", nil).body + victim.call("GET", "/job-links", nil).body
	asked := 0
	for _, route := range r.server.Routes() {
		if !strings.Contains(route.Path, "{tenant}/") {
			continue
		}
		row := matrix[route.Method+" "+route.Path]
		ask := func(things map[string]string) answer {
			stolen := map[string]string{"tenant": thief.tenant.ID}
			for k, v := range things {
				stolen[k] = v
			}
			return r.do(request{who: thief.owner(), method: route.Method, path: path(route, stolen) + row.query, body: row.body})
		}
		foreign, unknown := ask(things), ask(nil)
		require.Equal(t, unknown.status, foreign.status, route.Path)
		require.Equal(t, unknown.anonymised(), foreign.anonymised(), route.Path)
		for _, id := range things {
			if len(id) > 10 {
				require.NotContains(t, foreign.body, id)
			}
		}
		asked++
	}
	require.Greater(t, asked, 30)
	// As a filter a foreign id finds nothing.
	for _, filter := range []string{"/actions?connection=", "/events?connection=", "/job-links?connection=", "/interviews?connection="} {
		var list service.List[map[string]any]
		thief.call("GET", filter+victim.connection, nil).into(200, &list)
		require.Empty(t, list.Items, filter)
	}
	require.Equal(t, before, victim.call("GET", "/actions", nil).body+victim.call("GET", "/job-links", nil).body, "nothing of the victim's changed")
}

func TestG16_ManyWrongKeysAreSlowedDownAndAValidOneNever(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.customer("fairec", "org-1")
	statuses := map[int]int{}
	for range 40 {
		statuses[r.do(request{who: who{key: "atsk_wrong"}, method: "GET", path: c.path("/connections")}).status]++
	}
	require.Positive(t, statuses[401])
	require.Positive(t, statuses[429])
	require.Equal(t, 200, c.call("GET", "/connections", nil).status, "nobody is locked out")
}

func TestKeysAreShownOnceAndEndAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.customer("fairec", "org-1")
	backend := who{key: c.key}
	body := object{"name": "recruiting", "tenant_id": c.tenant.ID, "roles": []string{"Recruiter"}}
	q := request{who: backend, method: "POST", path: "/v1/keys", body: body, header: map[string]string{"Idempotency-Key": "k-1"}}
	var made service.NewKey
	r.do(q).into(201, &made)
	require.True(t, strings.HasPrefix(made.Secret, "atsk_"))
	r.do(q).problem(409, "conflict")
	require.NotContains(t, r.do(request{who: backend, method: "GET", path: "/v1/keys"}).body, made.Secret)

	use := request{who: who{made.Secret, "usr", "Recruiter"}, method: "GET", path: c.path("/connections")}
	require.Equal(t, 200, r.do(use).status)
	require.Equal(t, 200, r.do(request{who: backend, method: "DELETE", path: "/v1/keys/" + made.ID}).status)
	require.Equal(t, 401, r.do(use).status)
	for _, wrong := range []object{{"name": "x", "roles": []string{"Emperor"}}, {"name": "x", "tenant_id": "ten_none"}, {"name": "x", "expires_at": "2020-01-01T00:00:00Z"}} {
		r.do(request{who: backend, method: "POST", path: "/v1/keys", body: wrong}).problem(422, "invalid")
	}
}
