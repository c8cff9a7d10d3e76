package reach

import (
	"context"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/sdk"
)

// Screening is a screening product, entered as the connection's user.
type Screening struct {
	*product.Screening
	Login product.Login
}

// Screening reaches the connection's product with the stored login.
func (r *Reach) Screening(ctx context.Context, c hub.Connection) (Screening, error) {
	credentials, err := r.Stored(ctx, c)
	if err != nil {
		return Screening{}, err
	}
	return r.ScreeningWith(c, credentials)
}

// ScreeningWith is Screening with a login that is not stored, to try it.
func (r *Reach) ScreeningWith(c hub.Connection, credentials Credentials) (Screening, error) {
	p, err := r.Product(c.Product)
	if err != nil {
		return Screening{}, err
	}
	client, err := cached(r, r.screening, p, func() (*product.Screening, error) { return product.NewScreening(p.BaseURL, r.Client) })
	if err != nil {
		return Screening{}, err
	}
	return Screening{Screening: client, Login: product.Login{
		Username: credentials.Product[product.FieldUsername].Reveal(),
		Password: credentials.Product[product.FieldPassword],
	}}, nil
}

// Capture is a capture product, acting for the tenant's organisation there.
type Capture struct {
	*product.Capture
	Org string
}

// Capture reaches the connection's product for its tenant.
func (r *Reach) Capture(ctx context.Context, c hub.Connection) (Capture, error) {
	p, err := r.Product(c.Product)
	if err != nil {
		return Capture{}, err
	}
	var tenant hub.Tenant
	if err := r.Store.Read(ctx, func(tx *store.Tx) (err error) {
		tenant, err = tx.Tenant(c.Product, c.TenantID)
		return err
	}); err != nil {
		return Capture{}, err
	}
	client, err := cached(r, r.capture, p, func() (*product.Capture, error) {
		return product.NewCapture(p.BaseURL, r.ServiceTokens[p.Name], r.Client)
	})
	return Capture{Capture: client, Org: tenant.ExternalRef}, err
}

// cached keeps one client per product: it holds connections and tokens.
func cached[T any](r *Reach, clients map[string]T, p product.Product, make func() (T, error)) (T, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if client, ok := clients[p.Name]; ok {
		return client, nil
	}
	client, err := make()
	if err == nil {
		clients[p.Name] = client
	}
	return client, err
}

// JobPost is a job's properties as a screening product gets them.
func JobPost(job sdk.Job) product.JobPostProperties {
	return product.JobPostProperties{
		Title: job.Name, Code: job.Code, Location: job.Location, Department: job.Department, ATSJobID: job.ID, ATSStatus: job.Status.Source, State: product.JobPostActive,
	}
}
