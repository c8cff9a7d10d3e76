package service

import (
	"context"
	"time"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/store"
)

// Sync is one run of keeping a job true, and what it changed.
type Sync struct {
	ID         string          `json:"id"`
	LinkID     string          `json:"job_link_id"`
	Asked      string          `json:"asked" doc:"hourly or person"`
	Actor      string          `json:"actor,omitempty"`
	State      string          `json:"state" enum:"running,finished,failed"`
	StartedAt  time.Time       `json:"started_at"`
	FinishedAt *time.Time      `json:"finished_at,omitempty"`
	Summary    hub.SyncSummary `json:"summary"`
	Problem    string          `json:"problem,omitempty"`
}

func syncView(y hub.Sync) Sync {
	v := Sync{ID: y.ID, LinkID: y.LinkID, Asked: y.Asked, Actor: y.Actor, State: "running", StartedAt: y.StartedAt, FinishedAt: y.FinishedAt, Summary: y.Summary, Problem: y.Problem}
	switch {
	case y.FinishedAt != nil && y.Problem != "":
		v.State = "failed"
	case y.FinishedAt != nil:
		v.State = "finished"
	}
	return v
}

// SyncNow has a job synchronised at once. Asking while one is under way
// answers that one.
func (s *Service) SyncNow(ctx context.Context, a hub.Actor, linkID string) (v Sync, err error) {
	if err := s.need(a, product.PermissionManageJobPosts); err != nil {
		return v, err
	}
	p, err := s.productOf(a)
	if err != nil {
		return v, err
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
		switch {
		case l.State == hub.LinkRemoved:
			return hub.NotFound("job link")
		case l.State != hub.LinkOn:
			return &hub.Error{Code: hub.CodeConflict, Message: "the job is switched off", Next: "switch it on first"}
		case !c.State.Working():
			return &hub.Error{Code: hub.CodeConflict, Message: "the integration is " + string(c.State), Next: c.Problem}
		}
		if open, err := tx.OpenSync(a.TenantID, linkID); err == nil {
			v = syncView(open)
			return nil
		} else if hub.CodeOf(err) != hub.CodeNotFound {
			return err
		}
		row, err := tx.InsertSync(hub.Sync{TenantID: a.TenantID, ConnectionID: c.ID, LinkID: linkID, Asked: "person", Actor: who(a)})
		if err != nil {
			return err
		}
		v = syncView(row)
		if err := tx.AddWork(s.linkChore(p, l, tx.Now())); err != nil {
			return err
		}
		line := human(a, c.ID, "synchronised the job")
		line.JobID = l.JobID
		return tx.AddTrail(line)
	})
	return v, err
}

// linkChore is the repeating work that keeps a job true.
func (s *Service) linkChore(p product.Product, l hub.JobLink, due time.Time) hub.Work {
	w := hub.Work{TenantID: l.TenantID, ConnectionID: l.ConnectionID, Queue: hub.QueueBulk, Kind: hub.WorkJobSync, Ref: l.ID, DueAt: due, Every: s.cadence.JobSync}
	if p.Kind == product.KindCapture {
		w.Kind, w.Every = hub.WorkInterviews, s.cadence.Interviews
	}
	return w
}

// Syncs lists the syncs of a job link, newest first.
func (s *Service) Syncs(ctx context.Context, a hub.Actor, linkID string, page Page) (l List[Sync], err error) {
	if err := s.need(a, View); err != nil {
		return l, err
	}
	p := page.of()
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		if _, err := tx.Link(a.TenantID, linkID); err != nil {
			return err
		}
		rows, err := tx.Syncs(a.TenantID, linkID, p)
		l = listOf(p, rows, func(y hub.Sync) string { return y.ID }, syncView)
		return err
	})
	return l, err
}

// Sync is one sync.
func (s *Service) Sync(ctx context.Context, a hub.Actor, id string) (v Sync, err error) {
	if err := s.need(a, View); err != nil {
		return v, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		y, err := tx.Sync(a.TenantID, id)
		v = syncView(y)
		return err
	})
	return v, err
}
