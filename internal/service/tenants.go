package service

import (
	"context"
	"time"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/secret"
	"github.com/atshub/atshub/internal/store"
)

// Tenant is a customer organisation of a product.
type Tenant struct {
	ID          string    `json:"id"`
	Product     string    `json:"product"`
	ExternalRef string    `json:"external_ref" doc:"the product's own id of the organisation"`
	Name        string    `json:"name"`
	CreatedAt   time.Time `json:"created_at"`
}

func tenantView(t hub.Tenant) Tenant {
	return Tenant{ID: t.ID, Product: t.Product, ExternalRef: t.ExternalRef, Name: t.Name, CreatedAt: t.CreatedAt}
}

// PutTenant creates the tenant of an organisation, or renames it.
func (s *Service) PutTenant(ctx context.Context, a hub.Actor, externalRef, name string) (Tenant, error) {
	if err := s.need(a, Backend); err != nil {
		return Tenant{}, err
	}
	var t hub.Tenant
	err := s.store.Write(ctx, func(tx *store.Tx) (err error) {
		if t, err = tx.PutTenant(a.Product, externalRef, name); err != nil {
			return err
		}
		a.TenantID = t.ID
		return tx.AddTrail(human(a, "", "created or renamed the tenant"))
	})
	return tenantView(t), err
}

// Tenants lists the product's tenants.
func (s *Service) Tenants(ctx context.Context, a hub.Actor, page Page) (l List[Tenant], err error) {
	if err := s.need(a, Backend); err != nil {
		return l, err
	}
	p := page.of()
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		rows, err := tx.Tenants(a.Product, p)
		l = listOf(p, rows, func(t hub.Tenant) string { return t.ID }, tenantView)
		return err
	})
	return l, err
}

// Tenant is the actor's tenant.
func (s *Service) Tenant(ctx context.Context, a hub.Actor) (v Tenant, err error) {
	if err := s.need(a, View); err != nil {
		return v, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		t, err := tx.Tenant(a.Product, a.TenantID)
		v = tenantView(t)
		return err
	})
	return v, err
}

// Key is an API key, without the key.
type Key struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	TenantID  string     `json:"tenant_id,omitempty" doc:"absent: every tenant of the product"`
	Roles     []string   `json:"roles" doc:"roles the key may act in; empty: all of them, named by the backend"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	RevokedAt *time.Time `json:"revoked_at,omitempty"`
}

// NewKey is a fresh API key; Secret is shown this once.
type NewKey struct {
	Key
	Secret string `json:"secret" doc:"the key itself; it is shown this once and kept nowhere"`
}

// KeyInput describes a key to be made.
type KeyInput struct {
	Name      string
	TenantID  string
	Roles     []string
	ExpiresAt *time.Time
}

func keyView(k hub.APIKey) Key {
	roles := k.Roles
	if roles == nil {
		roles = []string{}
	}
	return Key{ID: k.ID, Name: k.Name, TenantID: k.TenantID, Roles: roles, CreatedAt: k.CreatedAt, ExpiresAt: k.ExpiresAt, RevokedAt: k.RevokedAt}
}

// CreateKey makes an API key of the product.
func (s *Service) CreateKey(ctx context.Context, a hub.Actor, in KeyInput) (NewKey, error) {
	if err := s.need(a, Backend); err != nil {
		return NewKey{}, err
	}
	p, err := s.productOf(a)
	if err != nil {
		return NewKey{}, err
	}
	for _, r := range in.Roles {
		if _, ok := p.Role(r); !ok {
			return NewKey{}, hub.Invalid("roles", "the product has no such role")
		}
	}
	if in.ExpiresAt != nil && !in.ExpiresAt.After(s.now()) {
		return NewKey{}, hub.Invalid("expires_at", "must be in the future")
	}
	clear, hash := secret.NewAPIKey()
	k := hub.APIKey{ID: hub.NewID("key"), Product: a.Product, TenantID: in.TenantID, Name: in.Name, Roles: in.Roles, ExpiresAt: in.ExpiresAt}
	if k.Roles == nil {
		k.Roles = []string{}
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		if in.TenantID != "" {
			if _, err := tx.Tenant(a.Product, in.TenantID); err != nil {
				return hub.Invalid("tenant_id", "no such tenant")
			}
		}
		if err := tx.InsertAPIKey(k, hash); err != nil {
			return err
		}
		k.CreatedAt = tx.Now()
		a.TenantID = in.TenantID
		return tx.AddTrail(human(a, "", "created the API key "+k.ID))
	})
	return NewKey{Key: keyView(k), Secret: clear.Reveal()}, err
}

// Keys lists the product's API keys, also those that have ended.
func (s *Service) Keys(ctx context.Context, a hub.Actor) (l List[Key], err error) {
	if err := s.need(a, Backend); err != nil {
		return l, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		rows, err := tx.APIKeys(a.Product)
		l = listOf(store.Page{Limit: -1}, rows, func(k hub.APIKey) string { return k.ID }, keyView)
		return err
	})
	return l, err
}

// RevokeKey ends an API key at once; ending it twice is no error.
func (s *Service) RevokeKey(ctx context.Context, a hub.Actor, id string) error {
	if err := s.need(a, Backend); err != nil {
		return err
	}
	return s.store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.RevokeAPIKey(a.Product, id); err != nil {
			return err
		}
		return tx.AddTrail(human(a, "", "revoked the API key "+id))
	})
}
