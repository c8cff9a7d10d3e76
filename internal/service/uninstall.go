package service

import (
	"context"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/store"
)

// Uninstall ends a connection. When it returns, nothing is begun any more and
// deliveries are answered 410; what must be undone outside follows by itself,
// and the connection's receipt tells each step.
func (s *Service) Uninstall(ctx context.Context, a hub.Actor, id string) (v Connection, err error) {
	if err := s.need(a, product.PermissionManageIntegration); err != nil {
		return v, err
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		c, err := tx.LockConnection(a.TenantID, id)
		if err != nil {
			return err
		}
		if !c.State.Gone() {
			if err := s.uninstall(tx, a, c); err != nil {
				return err
			}
		}
		v, err = readConnection(tx, a.TenantID, id)
		return err
	})
	return v, err
}

func (s *Service) uninstall(tx *store.Tx, a hub.Actor, c hub.Connection) error {
	c.State, c.Problem = hub.ConnectionUninstalling, ""
	c.Epoch++
	c.Receipt = append(c.Receipt, hub.Step{At: tx.Now(), What: "nothing is begun any more; deliveries are refused", Result: "done"})
	if err := tx.SaveConnection(c); err != nil {
		return err
	}
	if err := eachLink(tx, c, func(l hub.JobLink) error {
		l, err := tx.LockLink(c.TenantID, l.ID)
		if err != nil || l.State != hub.LinkOn {
			return err
		}
		l.State = hub.LinkOff
		l.Gen++
		return tx.SaveLink(l)
	}); err != nil {
		return err
	}
	open, err := tx.OpenActionsOfConnection(c.TenantID, c.ID)
	if err != nil {
		return err
	}
	var r SwitchedOff
	for _, action := range open {
		if err := r.stop(tx, action, "the integration was uninstalled"); err != nil {
			return err
		}
	}
	if _, err := tx.CancelParked(c.TenantID, c.ID, "the integration was uninstalled"); err != nil {
		return err
	}
	if err := tx.DropWorkOf(c.TenantID, c.ID); err != nil {
		return err
	}
	if err := tx.AddWork(hub.Work{TenantID: c.TenantID, ConnectionID: c.ID, Queue: hub.QueueCritical, Kind: hub.WorkUninstall, Ref: c.ID, DueAt: tx.Now()}); err != nil {
		return err
	}
	return tx.AddTrail(human(a, c.ID, "uninstalled the integration"))
}
