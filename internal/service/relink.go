package service

import (
	"context"
	"maps"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/sdk"
)

// Relink gives a connection another credential of the same company. Its id,
// its jobs and its ledger stay, so that nobody is contacted again. Fields not
// given stay as they are. Nothing changes when either side refuses.
func (s *Service) Relink(ctx context.Context, a hub.Actor, id string, given Credentials) (v Connection, err error) {
	if err := s.need(a, product.PermissionManageIntegration); err != nil {
		return v, err
	}
	c, err := s.live(ctx, a, id)
	if err != nil {
		return v, err
	}
	p, err := s.productOf(a)
	if err != nil {
		return v, err
	}
	m, err := s.reach.Manifest(c.Connector)
	if err != nil {
		return v, nothingStored(errConnectorAway(err))
	}
	if len(given.ATS)+len(given.Product) == 0 {
		return v, hub.Invalid("credentials", "give at least one field")
	}
	if err := checkFields(m, p, given, false); err != nil {
		return v, err
	}
	all, err := s.reach.Stored(ctx, c)
	if err != nil {
		return v, err
	}
	maps.Copy(all.ATS, given.ATS)
	maps.Copy(all.Product, given.Product)

	next := c
	next.Revision++ // a session under the new credential, not the one in use
	report, err := s.try(ctx, p, m, next, all)
	if err != nil {
		return v, err
	}
	if err := s.sameCompany(ctx, next, all, report.Account); err != nil {
		return v, err
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		now, err := tx.LockConnection(a.TenantID, id)
		if err != nil {
			return err
		}
		if now.State.Gone() {
			return errGone()
		}
		if now.Revision != c.Revision {
			return &hub.Error{Code: hub.CodeConflict, Message: "the credential was changed by someone else meanwhile; nothing was stored", Next: "look at the connection and try again"}
		}
		if err := s.reach.Keep(tx, &now, given); err != nil {
			return err
		}
		at := tx.Now()
		now.Revision, now.Report, now.CheckedAt = next.Revision, &report, &at
		if now.Account.Name, now.Account.User = report.Account.Name, report.Account.User; now.Account.ID == "" {
			now.Account.ID = report.Account.ID // the company could not be told before
		}
		if now.State != hub.ConnectionPaused {
			now.State, now.Problem = hub.StateAfterCheck(report, "")
		}
		if err := tx.SaveConnection(now); err != nil {
			return err
		}
		if err := s.wake(tx, now); err != nil {
			return err
		}
		if err := tx.AddTrail(human(a, id, "entered another credential")); err != nil {
			return err
		}
		v, err = readConnection(tx, a.TenantID, id)
		return err
	})
	return v, err
}

// sameCompany refuses the credential of another company: its jobs and
// candidates are not those of this connection's ledger. Where the ATS does not
// tell whose a credential is, a job the connection knows must be readable.
func (s *Service) sameCompany(ctx context.Context, c hub.Connection, given Credentials, account sdk.Account) error {
	other := &hub.Error{Code: hub.CodeConflict, Message: "this credential is of another company; nothing was stored", Next: "enter one of the same company, or install the other company anew"}
	if c.Account.ID != "" && account.ID != "" {
		if c.Account.ID != account.ID {
			return other
		}
		return nil
	}
	var links []hub.JobLink
	if err := s.store.Read(ctx, func(tx *store.Tx) (err error) {
		links, err = tx.Links(c.TenantID, c.ID, store.Page{Limit: 1})
		return err
	}); err != nil || len(links) == 0 {
		return err
	}
	ats, err := s.reach.ATSWith(c, given)
	if err != nil {
		return err
	}
	if ats.ReadJob == nil {
		return nil
	}
	_, err = ats.ReadJob(ctx, sdk.JobRef{ID: links[0].JobID})
	if sdk.CodeOf(err) == sdk.CodeNotFound {
		return other
	}
	return err
}
