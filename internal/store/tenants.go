package store

import (
	"github.com/atshub/atshub/internal/hub"
)

// Tenants and the API keys of products.

const tenantColumns = `id, product, external_ref, name, created_at`

func scanTenant(row scanner) (v hub.Tenant, err error) {
	err = row.Scan(&v.ID, &v.Product, &v.ExternalRef, &v.Name, instant{&v.CreatedAt})
	return v, err
}

// PutTenant creates the tenant of a product's organisation, or renames it.
func (t *Tx) PutTenant(product, externalRef, name string) (hub.Tenant, error) {
	return one(t, "tenant", scanTenant, `
		insert into tenants (`+tenantColumns+`) values ($1, $2, $3, $4, $5)
		on conflict (product, external_ref) do update set name = excluded.name
		returning `+tenantColumns,
		hub.NewID("ten"), product, externalRef, name, millis(t.now))
}

// Tenant is a tenant of this product.
func (t *Tx) Tenant(product, id string) (hub.Tenant, error) {
	return one(t, "tenant", scanTenant, `select `+tenantColumns+` from tenants where id = $1 and product = $2`, id, product)
}

// Tenants lists a product's tenants, oldest first.
func (t *Tx) Tenants(product string, p Page) ([]hub.Tenant, error) {
	return many(t, "tenants", scanTenant, `
		select `+tenantColumns+` from tenants where product = $1 and id > $2 order by id limit $3`,
		product, p.After, p.limit())
}

const apiKeyColumns = `id, product, tenant_id, name, roles, created_at, expires_at, revoked_at`

func scanAPIKey(row scanner) (v hub.APIKey, err error) {
	err = row.Scan(&v.ID, &v.Product, &v.TenantID, &v.Name, document{&v.Roles}, instant{&v.CreatedAt}, maybe{&v.ExpiresAt}, maybe{&v.RevokedAt})
	return v, err
}

// InsertAPIKey stores a key by its hash.
func (t *Tx) InsertAPIKey(k hub.APIKey, hash []byte) error {
	return t.execOne("api key", `
		insert into api_keys (id, product, tenant_id, name, hash, roles, created_at, expires_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8)`,
		k.ID, k.Product, k.TenantID, k.Name, hash, jsonText(k.Roles), millis(t.now), maybeMillis(k.ExpiresAt))
}

// APIKeyByHash finds a key that is neither revoked nor expired.
func (t *Tx) APIKeyByHash(hash []byte) (hub.APIKey, error) {
	return one(t, "api key", scanAPIKey, `
		select `+apiKeyColumns+` from api_keys
		where hash = $1 and revoked_at is null and (expires_at is null or expires_at > $2)`, hash, millis(t.now))
}

// APIKeys lists a product's keys.
func (t *Tx) APIKeys(product string) ([]hub.APIKey, error) {
	return many(t, "api keys", scanAPIKey, `select `+apiKeyColumns+` from api_keys where product = $1 order by id`, product)
}

// RevokeAPIKey ends a key; ending it twice is no error.
func (t *Tx) RevokeAPIKey(product, id string) error {
	return t.execOne("api key", `
		update api_keys set revoked_at = coalesce(revoked_at, $3) where id = $1 and product = $2`, id, product, millis(t.now))
}
