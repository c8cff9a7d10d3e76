package gateway_test

// rig_test.go: a whole gateway on a ledger of its own, with an ATS in memory
// and the product simulators.

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/gateway"
	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/reach"
	"github.com/atshub/atshub/internal/sandbox/fairec"
	"github.com/atshub/atshub/internal/sandbox/pillar"
	"github.com/atshub/atshub/internal/secret"
	"github.com/atshub/atshub/internal/service"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/sdk"
)

var ctx = context.Background()

const (
	canaryKey      = "canary-ats-key-4f1b6c2d9e"
	canaryPassword = "canary-product-password-77aa"
	canaryToken    = "canary-service-token-0c0ffee"
	fairecUser     = "system@acme.example"
)

// rig is one gateway under test.
type rig struct {
	*testing.T
	store    *store.Store
	ats      *ats
	fairec   *fairec.Simulator
	pillar   *pillar.Simulator
	server   *gateway.Server
	reach    *reach.Reach
	products *product.Catalog
	logs     *lockedBuffer
	url      string // of the ledger
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newRig(t *testing.T) *rig {
	t.Helper()
	return newRigOn(t, "sqlite:"+filepath.Join(t.TempDir(), "ledger.db"))
}

func newRigOn(t *testing.T, url string) *rig {
	t.Helper()
	r := &rig{T: t, ats: newATS(), logs: &lockedBuffer{}, url: url}
	var err error
	r.store, err = store.Open(ctx, store.Options{URL: r.url})
	require.NoError(t, err)
	t.Cleanup(func() { _ = r.store.Close() })
	sealer, err := secret.OpenSealer(filepath.Join(t.TempDir(), "keys.json"))
	require.NoError(t, err)
	r.products, err = product.Default()
	require.NoError(t, err)

	r.fairec, err = fairec.New(fairec.Options{})
	require.NoError(t, err)
	r.fairec.AddUser(fairec.User{ID: "usr-1", OrganisationID: "org-1", OrganisationName: "Acme", Email: fairecUser, Password: canaryPassword, SystemAccess: true})
	r.pillar, err = pillar.New(pillar.Options{Token: canaryToken})
	require.NoError(t, err)
	r.pillar.SetOrganisation("org-1", pillar.Settings{Record: true, MailCandidates: true})
	require.NoError(t, r.products.SetBaseURL("fairec", serve(t, r.fairec), true))
	require.NoError(t, r.products.SetBaseURL("pillar", serve(t, r.pillar), true))

	r.reach = reach.New(reach.Options{
		Store: r.store, Connectors: r.ats, Products: r.products, Sealer: sealer, ServiceTokens: map[string]sdk.Secret{"pillar": canaryToken},
	})
	r.server, err = gateway.New(gateway.Options{
		Store: r.store, Reach: r.reach, Service: service.New(service.Options{Store: r.store, Reach: r.reach}),
		Logger: slog.New(slog.NewJSONHandler(r.logs, &slog.HandlerOptions{Level: slog.LevelDebug})), PublicURL: "https://hub.example", Version: "test",
	})
	require.NoError(t, err)
	return r
}

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// key puts an API key into the ledger.
func (r *rig) key(k hub.APIKey) string {
	r.Helper()
	clear, hash := secret.NewAPIKey()
	k.ID = hub.NewID("key")
	if k.Roles == nil {
		k.Roles = []string{}
	}
	r.write(func(tx *store.Tx) error { return tx.InsertAPIKey(k, hash) })
	return clear.Reveal()
}

func (r *rig) write(fn func(*store.Tx) error) {
	r.Helper()
	require.NoError(r, r.store.Write(ctx, fn))
}

func (r *rig) tenant(productName, ref string) hub.Tenant {
	r.Helper()
	var tenant hub.Tenant
	r.write(func(tx *store.Tx) (err error) {
		tenant, err = tx.PutTenant(productName, ref, ref)
		return err
	})
	return tenant
}

// who sends a request.
type who struct{ key, user, role string }

// request is what is sent; empty fields are left out.
type request struct {
	who
	method, path string
	body         any // string: as it is; else JSON
	header       map[string]string
}

// answer is what came back.
type answer struct {
	*testing.T
	status int
	header http.Header
	body   string
}

func (r *rig) do(q request) answer {
	r.Helper()
	var body io.Reader
	switch b := q.body.(type) {
	case nil:
	case string:
		body = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		require.NoError(r, err)
		body = bytes.NewReader(raw)
	}
	req := httptest.NewRequest(q.method, q.path, body)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range map[string]string{"Atshub-User": q.user, "Atshub-Role": q.role} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	if q.key != "" {
		req.Header.Set("Authorization", "Bearer "+q.key)
	}
	for name, value := range q.header {
		req.Header.Set(name, value)
	}
	res, err := r.server.App().Test(req, 20_000)
	require.NoError(r, err)
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	require.NoError(r, err)
	return answer{T: r.T, status: res.StatusCode, header: res.Header, body: string(raw)}
}

// into decodes a success.
func (a answer) into(status int, v any) {
	a.Helper()
	require.Equal(a, status, a.status, a.body)
	require.NoError(a, json.Unmarshal([]byte(a.body), v), a.body)
}

// problem is the problem answered.
type problem struct {
	Type, Title, Code, Detail, Next string
	Status                          int
	Fields                          map[string]string
	RequestID                       string `json:"request_id"`
}

func (a answer) problem(status int, code string) problem {
	a.Helper()
	var p problem
	a.into(status, &p)
	require.Equal(a, code, p.Code, a.body)
	require.Equal(a, status, p.Status)
	require.NotEmpty(a, p.RequestID)
	require.Contains(a, a.header.Get("Content-Type"), "application/problem+json")
	return p
}

// Customers of the two products, installed.

type customer struct {
	*rig
	tenant     hub.Tenant
	key        string
	connection string
}

func (c customer) path(rest string) string { return "/v1/tenants/" + c.tenant.ID + rest }

func (c customer) owner() who {
	if c.tenant.Product == "pillar" {
		return who{c.key, "usr-owner", "Owner"}
	}
	return who{c.key, "usr-owner", "Tenant owner"}
}

func (c customer) recruiter() who { return who{c.key, "usr-recruiter", "Recruiter"} }

func (c customer) call(method, rest string, body any) answer {
	c.Helper()
	return c.do(request{who: c.owner(), method: method, path: c.path(rest), body: body})
}

type object = map[string]any

func screeningCredentials() object {
	return object{"ats": object{"api_key": canaryKey}, "product": object{"username": fairecUser, "password": canaryPassword}}
}

func (r *rig) customer(productName, ref string) customer {
	r.Helper()
	return customer{rig: r, tenant: r.tenant(productName, ref), key: r.key(hub.APIKey{Product: productName, Name: "backend"})}
}

// screening is a Fairec customer with an installed connection.
func (r *rig) screening() customer {
	r.Helper()
	c := r.customer("fairec", "org-1")
	c.install(object{"connector": "smartrecruiters-apikey", "credentials": screeningCredentials()})
	return c
}

// capture is a Pillar customer with an installed connection.
func (r *rig) capture() customer {
	r.Helper()
	c := r.customer("pillar", "org-1")
	c.install(object{"connector": "smartrecruiters-oauth", "credentials": object{"ats": object{"client_id": "client-1", "client_secret": canaryKey}}})
	return c
}

func (c *customer) install(body object) {
	c.Helper()
	var got service.Connection
	c.call("POST", "/connections", body).into(http.StatusCreated, &got)
	c.connection = got.ID
}

func (c customer) hub() hub.Connection {
	c.Helper()
	var got hub.Connection
	c.write(func(tx *store.Tx) (err error) {
		got, err = tx.Connection(c.tenant.ID, c.connection)
		return err
	})
	return got
}
