package handle

import (
	"context"
	"time"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/sdk"
)

// check tries the connection's credentials again, as at installation, and
// brings its state in line: work that waited for a corrected credential goes
// on by itself.
func (h *Handlers) check(ctx context.Context, w hub.Work) error {
	c, err := h.connection(ctx, w.TenantID, w.Ref)
	if err != nil {
		return err
	}
	if c.State.Gone() {
		return h.end(ctx, w)
	}
	ats, err := h.Reach.ATS(ctx, c)
	if err != nil {
		return err
	}
	report, err := ats.Check(ctx, sdk.CheckQuery{})
	if err != nil {
		return err
	}
	problem, err := h.productProblem(ctx, c)
	if err != nil {
		return err
	}
	return h.finish(ctx, w, func(tx *store.Tx) error { return h.checked(tx, c, report, problem) })
}

// recheck is how soon a refused credential is tried again.
const recheck = 15 * time.Minute

// productProblem is what a person must mend at the product, "" if nothing.
func (h *Handlers) productProblem(ctx context.Context, c hub.Connection) (string, error) {
	p, err := h.Reach.Product(c.Product)
	if err != nil || p.Auth != product.AuthUserLogin {
		return "", err
	}
	client, err := h.Reach.Screening(ctx, c)
	if err != nil {
		return "", err
	}
	_, err = client.Screening.Login(ctx, client.Login)
	if e := product.AsError(err); e != nil && e.Credential() {
		return e.Message, nil
	}
	return "", err
}

func (h *Handlers) checked(tx *store.Tx, c hub.Connection, report sdk.CheckReport, productProblem string) error {
	now, err := tx.LockConnection(c.TenantID, c.ID)
	if err != nil || now.State.Gone() || now.Revision != c.Revision {
		return err // relinked meanwhile: that check counts
	}
	before := now.State
	at := tx.Now()
	now.CheckedAt = &at
	if report.Credential != sdk.CredentialUnknown { // an ATS that cannot be asked says nothing about the credential
		now.Report = &report
		now.State, now.Problem = hub.StateAfterCheck(report, productProblem)
	}
	if before == hub.ConnectionPaused {
		now.State = hub.ConnectionPaused
	}
	if err := tx.SaveConnection(now); err != nil {
		return err
	}
	if now.State == hub.ConnectionReauth { // may be mended at the ATS without us being told
		if err := tx.AddWork(hub.Work{TenantID: c.TenantID, ConnectionID: c.ID, Queue: hub.QueueBulk, Kind: hub.WorkCheck, Ref: c.ID, DueAt: at.Add(recheck), Every: h.Cadence.Check}); err != nil {
			return err
		}
	}
	if before == now.State {
		return nil
	}
	return tx.AddTrail(hub.Trail{TenantID: c.TenantID, ConnectionID: c.ID, Kind: hub.TrailSeen, What: "the credential check", Verdict: string(now.State), Detail: now.Problem})
}

// Refused is told by the workers when the ATS or the product refused a
// credential: the connection is checked soon, instead of after a day.
func (h *Handlers) Refused(ctx context.Context, w hub.Work, _ error) {
	err := h.Store.Write(ctx, func(tx *store.Tx) error {
		return tx.AddWork(hub.Work{
			TenantID: w.TenantID, ConnectionID: w.ConnectionID, Queue: hub.QueueBulk, Kind: hub.WorkCheck, Ref: w.ConnectionID, DueAt: tx.Now(), Every: h.Cadence.Check,
		})
	})
	if err != nil {
		h.Log.Error("credential check could not be asked for", "connection", w.ConnectionID, "error", hub.CodeOf(err))
	}
}
