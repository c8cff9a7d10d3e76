package service

import (
	"context"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/ledger"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/store"
)

// SwitchedOff says what became of everything a job still had open. Nothing of
// it is begun any more; what is on the wire settles within 15 seconds.
type SwitchedOff struct {
	Link           JobLink  `json:"job_link"`
	Cancelled      []string `json:"cancelled" doc:"actions that will not happen"`
	OnTheWire      []string `json:"on_the_wire" doc:"actions whose request was already sent"`
	CancelledJoins []string `json:"joins_being_cancelled" doc:"joins the recorder held; they are taken back there"`
}

// SwitchOff switches a job off at once.
func (s *Service) SwitchOff(ctx context.Context, a hub.Actor, linkID string) (SwitchedOff, error) {
	return s.endLink(ctx, a, linkID, hub.LinkOff, "switched the job off")
}

// Remove ends the job link: switched off, and gone from the lists. Its ledger
// stays, so that nobody is contacted twice if the job is imported again.
func (s *Service) Remove(ctx context.Context, a hub.Actor, linkID string) (SwitchedOff, error) {
	return s.endLink(ctx, a, linkID, hub.LinkRemoved, "deleted the job integration")
}

func (s *Service) endLink(ctx context.Context, a hub.Actor, linkID string, state hub.LinkState, what string) (r SwitchedOff, err error) {
	if err := s.need(a, product.PermissionManageJobPosts); err != nil {
		return r, err
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		l, err := tx.Link(a.TenantID, linkID)
		if err != nil {
			return err
		}
		c, err := tx.ShareConnection(a.TenantID, l.ConnectionID)
		if err != nil {
			return err
		}
		if l, err = tx.LockLink(a.TenantID, linkID); err != nil {
			return err
		}
		if l.State == hub.LinkRemoved && state != hub.LinkRemoved {
			return hub.NotFound("job link")
		}
		if r, err = switchOff(tx, &l, state); err != nil {
			return err
		}
		line := human(a, c.ID, what)
		line.JobID = l.JobID
		return tx.AddTrail(line)
	})
	return r, err
}

// switchOff is the one way a locked job link stops: the generation rises, what
// is open is cancelled or taken back, its chores end, the product is told.
func switchOff(tx *store.Tx, l *hub.JobLink, state hub.LinkState) (SwitchedOff, error) {
	r := SwitchedOff{Cancelled: []string{}, OnTheWire: []string{}, CancelledJoins: []string{}}
	if l.State == hub.LinkOn {
		l.Gen++
	}
	l.State = state
	if err := tx.SaveLink(*l); err != nil {
		return r, err
	}
	open, err := tx.OpenActionsOfLink(l.TenantID, l.ID)
	if err != nil {
		return r, err
	}
	for _, a := range open {
		if err := r.stop(tx, a, "the job is switched off"); err != nil {
			return r, err
		}
	}
	if err := closeDecisions(tx, *l); err != nil {
		return r, err
	}
	for _, kind := range []hub.WorkKind{hub.WorkJobSync, hub.WorkInterviews} {
		if err := tx.DropWork(kind, l.ID); err != nil {
			return r, err
		}
	}
	r.Link = linkView(*l, nil)
	return r, engage(tx, *l)
}

// engage has the product told where the job link stands now.
func engage(tx *store.Tx, l hub.JobLink) error {
	return tx.AddWork(hub.Work{TenantID: l.TenantID, ConnectionID: l.ConnectionID, Queue: hub.QueueCritical, Kind: hub.WorkEngage, Ref: l.ID, DueAt: tx.Now()})
}

// stop ends one open action: not begun, it is cancelled; a join the recorder
// may know of is taken back there; anything else is on the wire and settles by
// itself.
func (r *SwitchedOff) stop(tx *store.Tx, a hub.Action, reason string) error {
	switch {
	case a.Kind == hub.ActionJoin && a.Op == hub.OpUndo:
		r.CancelledJoins = append(r.CancelledJoins, a.ID)
		return nil
	case a.State == hub.ActionReady && (a.Kind != hub.ActionJoin || a.Attempts == 0):
		a.State, a.Reason = hub.ActionCancelled, reason
		r.Cancelled = append(r.Cancelled, a.ID)
		if err := tx.SaveAction(a); err != nil {
			return err
		}
		return tx.DropWork(hub.WorkAction, a.ID)
	case a.Kind == hub.ActionJoin:
		if a.State == hub.ActionSending {
			r.OnTheWire = append(r.OnTheWire, a.ID)
		}
		a.Op, a.State, a.Reason, a.Gen = hub.OpUndo, hub.ActionReady, reason, a.Gen+1
		r.CancelledJoins = append(r.CancelledJoins, a.ID)
		if err := tx.SaveAction(a); err != nil {
			return err
		}
		return tx.RingAction(a)
	}
	r.OnTheWire = append(r.OnTheWire, a.ID)
	return nil
}

// closeDecisions closes what waited for a person about sessions of a job that
// is off now.
func closeDecisions(tx *store.Tx, l hub.JobLink) error {
	slots, err := tx.SlotsOfLink(l.TenantID, l.ID)
	if err != nil {
		return err
	}
	for _, slot := range slots {
		join, err := tx.JoinOfSlot(l.TenantID, slot.ID)
		if hub.CodeOf(err) == hub.CodeNotFound || err == nil && join.State != hub.ActionParked {
			continue
		}
		if err != nil {
			return err
		}
		join.State, join.Reason = hub.ActionCancelled, "the job is switched off"
		if err := tx.SaveAction(join); err != nil {
			return err
		}
	}
	return nil
}

// takeBackJoins takes back every join of a connection that may still happen.
func takeBackJoins(tx *store.Tx, c hub.Connection, reason string) (SwitchedOff, error) {
	var r SwitchedOff
	open, err := tx.OpenActionsOfConnection(c.TenantID, c.ID)
	if err != nil {
		return r, err
	}
	for _, a := range open {
		if a.Kind != hub.ActionJoin {
			continue
		}
		if err := r.stop(tx, a, reason); err != nil {
			return r, err
		}
	}
	return r, nil
}

// decideSessions decides anew about every remembered session of a connection's
// switched-on jobs.
func decideSessions(tx *store.Tx, c hub.Connection) error {
	return eachLink(tx, c, func(l hub.JobLink) error {
		if l.State != hub.LinkOn {
			return nil
		}
		slots, err := tx.SlotsOfLink(c.TenantID, l.ID)
		if err != nil {
			return err
		}
		for _, slot := range slots {
			if _, err := ledger.DecideSession(tx, c, l, slot, ""); err != nil {
				return err
			}
		}
		return nil
	})
}

// ModeChanged is the answer of going back to choosing jobs one by one.
type ModeChanged struct {
	Connection Connection    `json:"connection"`
	Off        []SwitchedOff `json:"switched_off" doc:"the jobs that were on only because of Import All"`
}

// ChooseIndividually ends Import All: what it switched on, and nobody chose,
// is switched off at once.
func (s *Service) ChooseIndividually(ctx context.Context, a hub.Actor, id string) (r ModeChanged, err error) {
	if err := s.need(a, product.PermissionManageIntegration); err != nil {
		return r, err
	}
	r.Off = []SwitchedOff{}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		c, err := tx.LockConnection(a.TenantID, id)
		if err != nil {
			return err
		}
		if c.State.Gone() {
			return errGone()
		}
		if c.Mode == "" {
			return &hub.Error{Code: hub.CodeConflict, Message: "this product has no capture mode"}
		}
		if c.Mode == hub.CaptureImportAll {
			c.Mode = hub.CaptureChoose
			if err := tx.SaveConnection(c); err != nil {
				return err
			}
			if err := s.offWhatNobodyChose(tx, c, &r); err != nil {
				return err
			}
			if err := tx.AddTrail(human(a, id, "went back to choosing jobs individually")); err != nil {
				return err
			}
		}
		r.Connection, err = readConnection(tx, a.TenantID, id)
		return err
	})
	return r, err
}

func (s *Service) offWhatNobodyChose(tx *store.Tx, c hub.Connection, r *ModeChanged) error {
	return eachLink(tx, c, func(l hub.JobLink) error {
		if l.Origin != hub.OriginImportAll || l.State != hub.LinkOn {
			return nil
		}
		l, err := tx.LockLink(c.TenantID, l.ID)
		if err != nil {
			return err
		}
		off, err := switchOff(tx, &l, hub.LinkOff)
		r.Off = append(r.Off, off)
		return err
	})
}

// eachLink walks the job links of a connection that are not removed.
func eachLink(tx *store.Tx, c hub.Connection, fn func(hub.JobLink) error) error {
	for after := ""; ; {
		links, err := tx.Links(c.TenantID, c.ID, store.Page{After: after, Limit: 200})
		if err != nil || len(links) == 0 {
			return err
		}
		for _, l := range links {
			after = l.ID
			if err := fn(l); err != nil {
				return err
			}
		}
	}
}
