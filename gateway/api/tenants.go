package api

import (
	"context"
	"time"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/service"
)

func (a *API) putTenant(ctx context.Context, who hub.Actor, in *struct {
	Body struct {
		ExternalRef string `json:"external_ref" minLength:"1" maxLength:"200" doc:"the product's own id of the organisation"`
		Name        string `json:"name" minLength:"1" maxLength:"200"`
	}
}) (service.Tenant, error) {
	return a.PutTenant(ctx, who, in.Body.ExternalRef, in.Body.Name)
}

func (a *API) listTenants(ctx context.Context, who hub.Actor, in *Paged) (service.List[service.Tenant], error) {
	return a.Tenants(ctx, who, in.page())
}

func (a *API) readTenant(ctx context.Context, who hub.Actor, _ *InTenant) (service.Tenant, error) {
	return a.Tenant(ctx, who)
}

func (a *API) createKey(ctx context.Context, who hub.Actor, in *struct {
	Body struct {
		Name      string     `json:"name" minLength:"1" maxLength:"200"`
		TenantID  string     `json:"tenant_id,omitempty" maxLength:"64" doc:"absent: every tenant of the product"`
		Roles     []string   `json:"roles,omitempty" maxItems:"20" doc:"roles the key may act in; absent: all of them"`
		ExpiresAt *time.Time `json:"expires_at,omitempty"`
	}
}) (service.NewKey, error) {
	b := in.Body
	return a.CreateKey(ctx, who, service.KeyInput{Name: b.Name, TenantID: b.TenantID, Roles: b.Roles, ExpiresAt: b.ExpiresAt})
}

func (a *API) listKeys(ctx context.Context, who hub.Actor, _ *None) (service.List[service.Key], error) {
	return a.Keys(ctx, who)
}

func (a *API) revokeKey(ctx context.Context, who hub.Actor, in *struct {
	Key string `path:"key" maxLength:"64"`
}) (Done, error) {
	return Done{Status: "done"}, a.RevokeKey(ctx, who, in.Key)
}
