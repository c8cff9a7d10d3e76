// Package auth tells who asks. A product's backend presents an API key and
// names the person it acts for; the person's role in the product file decides
// what may be done. Deny by default: an unknown role may do nothing.
package auth

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"github.com/atshub/atshub/gateway/problem"
	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/secret"
	"github.com/atshub/atshub/internal/service"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/sdk"
)

// Headers by which a backend names the acting person. The user is the
// product's own id of the person.
const (
	HeaderUser = "Atshub-User"
	HeaderRole = "Atshub-Role"
)

// Options of New.
type Options struct {
	Store      *store.Store
	Products   *product.Catalog
	Registerer prometheus.Registerer
}

// Auth is safe for concurrent use.
type Auth struct {
	store    *store.Store
	products *product.Catalog
	refused  *prometheus.CounterVec

	mu    sync.Mutex
	tries map[string]*rate.Limiter
}

func New(o Options) (*Auth, error) {
	a := &Auth{store: o.Store, products: o.Products, tries: map[string]*rate.Limiter{},
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "atshub_auth_refused_total", Help: "Requests refused before any work, by reason.",
		}, []string{"reason"})}
	if err := o.Registerer.Register(a.refused); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return a, nil
}

// Request is what a request says about who asks.
type Request struct {
	Authorization string
	User          string
	Role          string
	Tenant        string // of the path; empty where the path names none
	RemoteIP      string
}

// Caller is who asks.
type Caller struct {
	Actor hub.Actor
	Key   hub.APIKey
}

// Caller tells who asks. CodeUnauthorized without a valid key; CodeNotFound
// for a tenant that is not the key's, exactly as for one that does not exist.
func (a *Auth) Caller(ctx context.Context, r Request) (Caller, error) {
	scheme, presented, _ := strings.Cut(r.Authorization, " ")
	hash, ok := secret.HashAPIKey(sdk.Secret(strings.TrimSpace(presented)))
	if !strings.EqualFold(scheme, "Bearer") || !ok {
		return Caller{}, a.refuse(r.RemoteIP)
	}
	var caller Caller
	err := a.store.Read(ctx, func(tx *store.Tx) (err error) {
		if caller.Key, err = tx.APIKeyByHash(hash); err != nil {
			return err
		}
		if r.Tenant == "" {
			return nil
		}
		_, err = tx.Tenant(caller.Key.Product, r.Tenant)
		return err
	})
	switch {
	case hub.CodeOf(err) == hub.CodeNotFound && caller.Key.ID == "":
		return Caller{}, a.refuse(r.RemoteIP)
	case err != nil:
		return caller, err
	case r.Tenant != "" && caller.Key.TenantID != "" && caller.Key.TenantID != r.Tenant:
		return caller, hub.NotFound("tenant")
	}
	p, ok := a.products.Get(caller.Key.Product)
	if !ok {
		a.refused.WithLabelValues("product").Inc()
		return caller, &hub.Error{Code: hub.CodeForbidden, Message: "the product of this key is not configured any more", Next: "the operator must restore its product file"}
	}
	caller.Actor, err = actor(p, caller.Key, r)
	if err != nil {
		a.refused.WithLabelValues("role").Inc()
	}
	return caller, err
}

func actor(p product.Product, k hub.APIKey, r Request) (hub.Actor, error) {
	who := hub.Actor{Product: p.Name, TenantID: r.Tenant, User: r.User, Role: r.Role, Permissions: map[string]bool{}}
	for header, value := range map[string]string{HeaderUser: r.User, HeaderRole: r.Role} {
		if len(value) > 200 || strings.IndexFunc(value, unicode.IsControl) >= 0 {
			return who, hub.Invalid(header, "must be at most 200 printable characters")
		}
	}
	roles := k.Roles
	if r.Role != "" {
		holds := func(name string) bool { return strings.EqualFold(name, r.Role) }
		if len(k.Roles) > 0 && !slices.ContainsFunc(k.Roles, holds) {
			return who, &hub.Error{Code: hub.CodeForbidden, Message: "this key does not act in that role"}
		}
		if _, known := p.Role(r.Role); !known {
			return who, &hub.Error{Code: hub.CodeForbidden, Message: "the product has no such role; an unknown role may do nothing", Fields: map[string]string{HeaderRole: "unknown"}}
		}
		roles = []string{r.Role}
	}
	who.Permissions[service.View] = true
	for _, q := range p.Permissions {
		// A person must be named for what only a person may do.
		if r.User != "" && p.Allows(roles, q.Key) {
			who.Permissions[q.Key] = true
		}
	}
	// What the backend does by itself, no person does through it.
	if k.TenantID == "" && len(k.Roles) == 0 && r.User == "" && r.Role == "" {
		who.Permissions[service.Backend] = true
	}
	return who, nil
}

// refuse answers a wrong key. Guessing is hopeless, so nobody is locked out;
// a sender of many wrong ones is told to slow down, a valid key never is.
func (a *Auth) refuse(ip string) error {
	a.mu.Lock()
	l, ok := a.tries[ip]
	if !ok {
		if len(a.tries) > 10_000 {
			clear(a.tries)
		}
		l = rate.NewLimiter(1, 20)
		a.tries[ip] = l
	}
	a.mu.Unlock()
	if !l.Allow() {
		a.refused.WithLabelValues("throttled").Inc()
		return problem.New(problem.CodeTooMany, "too many requests without a valid API key", "use a valid key, or wait")
	}
	a.refused.WithLabelValues("key").Inc()
	return &hub.Error{Code: hub.CodeUnauthorized, Message: "no valid API key", Next: "send " + http.CanonicalHeaderKey("authorization") + ": Bearer atsk_…"}
}
