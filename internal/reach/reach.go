// Package reach gets to the two outside parties of a connection: its ATS
// through the connector's plugin, its product through the client of that
// product's contract. It is the one place where sealed credentials are opened.
package reach

import (
	"context"
	"strings"
	"sync"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/secret"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/sdk"
)

// Connectors is the plugin host as reach needs it.
type Connectors interface {
	Manifest(name string) (sdk.Manifest, error)
	Abilities(name string, s sdk.Settings) (*sdk.Abilities, error)
}

// Where a stored field belongs, as the first part of its name.
const (
	fieldATS     = "ats."
	fieldProduct = "product."
	// HookSecret and CallbackSecret begin the names of the signing secrets of
	// the ATS's webhooks and of the product's callbacks.
	HookSecret     = "hook."
	CallbackSecret = "callback."
)

// Options of New.
type Options struct {
	Store      *store.Store
	Connectors Connectors
	Products   *product.Catalog
	Sealer     *secret.Sealer
	// ServiceTokens by product name, for products that know the hub by one.
	ServiceTokens map[string]sdk.Secret
	Client        product.Options
}

// Reach is safe for concurrent use.
type Reach struct {
	Options
	mu        sync.Mutex
	screening map[string]*product.Screening
	capture   map[string]*product.Capture
}

func New(o Options) *Reach {
	return &Reach{Options: o, screening: map[string]*product.Screening{}, capture: map[string]*product.Capture{}}
}

// Credentials are the values a person types when connecting: of the connector
// and of the product, each by field key, secret and non-secret ones together.
type Credentials struct {
	ATS     map[string]sdk.Secret
	Product map[string]sdk.Secret
}

// Manifest of a connector; CodeNotFound if the hub has none of that name.
func (r *Reach) Manifest(connector string) (sdk.Manifest, error) {
	m, err := r.Connectors.Manifest(connector)
	if err != nil {
		return m, &hub.Error{Code: hub.CodeNotFound, Message: "no such connector", Cause: err}
	}
	return m, nil
}

// Product a tenant's connection is for.
func (r *Reach) Product(name string) (product.Product, error) {
	p, ok := r.Products.Get(name)
	if !ok {
		return p, hub.NotFound("product")
	}
	return p, nil
}

// ATS is what can be done in the connection's ATS with its stored credential.
func (r *Reach) ATS(ctx context.Context, c hub.Connection) (*sdk.Abilities, error) {
	credentials, err := r.Stored(ctx, c)
	if err != nil {
		return nil, err
	}
	return r.ATSWith(c, credentials)
}

// ATSWith is ATS with credentials that are not stored, to try them.
func (r *Reach) ATSWith(c hub.Connection, credentials Credentials) (*sdk.Abilities, error) {
	m, err := r.Manifest(c.Connector)
	if err != nil {
		return nil, err
	}
	s := sdk.Settings{ConnectionID: c.ID, Revision: c.Revision, Fields: map[string]string{}, Secrets: map[string]sdk.Secret{}}
	for _, f := range m.Fields {
		value, ok := credentials.ATS[f.Key]
		switch {
		case !ok:
		case f.Secret:
			s.Secrets[f.Key] = value
		default:
			s.Fields[f.Key] = value.Reveal()
		}
	}
	a, err := r.Connectors.Abilities(c.Connector, s)
	if err != nil {
		return nil, err
	}
	sdk.Wrap(a, func(ctx context.Context, name string) func(error) {
		note, ok := ctx.Value(observerKey{}).(func(string, error))
		if !ok {
			return func(error) {}
		}
		return func(err error) { note(name, err) }
	})
	return a, nil
}

type observerKey struct{}

// Observe has note told of every call to an ATS made under the context, by the
// ability's name, once it has ended.
func Observe(ctx context.Context, note func(ability string, err error)) context.Context {
	return context.WithValue(ctx, observerKey{}, note)
}

// Stored opens the connection's credentials.
func (r *Reach) Stored(ctx context.Context, c hub.Connection) (Credentials, error) {
	got := Credentials{ATS: map[string]sdk.Secret{}, Product: map[string]sdk.Secret{}}
	put := func(field string, value sdk.Secret) {
		if key, ok := strings.CutPrefix(field, fieldATS); ok {
			got.ATS[key] = value
		} else if key, ok := strings.CutPrefix(field, fieldProduct); ok {
			got.Product[key] = value
		}
	}
	for field, value := range c.Fields {
		put(field, sdk.Secret(value))
	}
	err := r.open(ctx, c, "", put)
	return got, err
}

// SigningSecrets opens the secrets whose names begin with prefix (HookSecret,
// CallbackSecret), in the order of their names.
func (r *Reach) SigningSecrets(ctx context.Context, c hub.Connection, prefix string) ([]sdk.Secret, error) {
	var all []sdk.Secret
	err := r.open(ctx, c, prefix, func(_ string, value sdk.Secret) { all = append(all, value) })
	return all, err
}

func (r *Reach) open(ctx context.Context, c hub.Connection, prefix string, each func(field string, value sdk.Secret)) error {
	var sealed []store.SealedSecret
	if err := r.Store.Read(ctx, func(tx *store.Tx) (err error) {
		sealed, err = tx.Secrets(c.TenantID, c.ID)
		return err
	}); err != nil {
		return err
	}
	for _, s := range sealed {
		if !strings.HasPrefix(s.Field, prefix) {
			continue
		}
		value, err := r.Sealer.Open(c.TenantID, c.ID, s.Field, s.Sealed)
		if err != nil {
			return &hub.Error{Code: hub.CodeInternal, Message: "a stored secret cannot be opened with this hub's key", Next: "the operator must restore the key file the hub was started with", Cause: err}
		}
		each(s.Field, value)
	}
	return nil
}

// Keep stores credentials: secret fields sealed, the others in c.Fields. The
// caller saves c in the same transaction.
func (r *Reach) Keep(tx *store.Tx, c *hub.Connection, credentials Credentials) error {
	m, err := r.Manifest(c.Connector)
	if err != nil {
		return err
	}
	p, err := r.Product(c.Product)
	if err != nil {
		return err
	}
	if c.Fields == nil {
		c.Fields = map[string]string{}
	}
	keep := func(place string, fields []sdk.Field, values map[string]sdk.Secret) error {
		for _, f := range fields {
			value, ok := values[f.Key]
			if !ok {
				continue
			}
			if !f.Secret {
				c.Fields[place+f.Key] = value.Reveal()
				continue
			}
			if err := r.KeepSecret(tx, *c, place+f.Key, value); err != nil {
				return err
			}
		}
		return nil
	}
	if err := keep(fieldATS, m.Fields, credentials.ATS); err != nil {
		return err
	}
	return keep(fieldProduct, p.CredentialFields(), credentials.Product)
}

// KeepSecret seals one secret under its name.
func (r *Reach) KeepSecret(tx *store.Tx, c hub.Connection, field string, value sdk.Secret) error {
	sealed, err := r.Sealer.Seal(c.TenantID, c.ID, field, value)
	if err != nil {
		return err
	}
	return tx.PutSecret(c.TenantID, c.ID, field, sealed, secret.Hint(value))
}
