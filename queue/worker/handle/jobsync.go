package handle

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/reach"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/internal/workflow/screening"
	"github.com/atshub/atshub/queue/worker"
	"github.com/atshub/atshub/sdk"
)

// The hourly sync of a screening job, and the same when a person presses
// "Synchronize": properties go to the product, and changes whose webhook never
// came are found.

// syncRun is one run over one job.
type syncRun struct {
	h       *Handlers
	conn    hub.Connection
	link    hub.JobLink
	ats     *sdk.Abilities
	product reach.Screening
	record  hub.Sync
	rules   []hub.Trigger
	stages  map[string]bool // the stages of the mail invitation
	started time.Time
}

func (h *Handlers) jobSync(ctx context.Context, w hub.Work) error {
	c, l, err := h.link(ctx, w.TenantID, w.Ref)
	if err != nil {
		return err
	}
	if c.State.Gone() || l.State != hub.LinkOn {
		return h.end(ctx, w)
	}
	if err := held(c); err != nil {
		return err
	}
	run, err := h.startSync(ctx, c, l)
	if err != nil {
		return err
	}
	problem := run.all(ctx)
	run.record.Summary.Complete = problem == nil
	if problem != nil {
		run.record.Problem = worker.Reason(problem)
		return errors.Join(problem, h.Store.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error { return tx.FinishSync(run.record) }))
	}
	return h.finish(ctx, w, func(tx *store.Tx) error {
		at := tx.Now()
		run.link.SyncedAt, run.link.Watermark = &at, &run.started
		if err := tx.SaveLinkSynced(run.link); err != nil {
			return err
		}
		return tx.FinishSync(run.record)
	})
}

// startSync takes up the sync a person asked for, or begins the hourly one.
func (h *Handlers) startSync(ctx context.Context, c hub.Connection, l hub.JobLink) (*syncRun, error) {
	run := &syncRun{h: h, conn: c, link: l, stages: map[string]bool{}}
	var err error
	if run.ats, err = h.Reach.ATS(ctx, c); err != nil {
		return nil, err
	}
	if run.ats.ReadJob == nil || run.ats.ListApplications == nil {
		return nil, unsupported("list applications")
	}
	if run.product, err = h.Reach.Screening(ctx, c); err != nil {
		return nil, err
	}
	return run, h.Store.Write(ctx, func(tx *store.Tx) error {
		run.started = tx.Now()
		triggers, err := tx.Triggers(c.TenantID, l.ID)
		if err != nil {
			return err
		}
		run.rules = triggers
		if g, ok := screening.Invitation(triggers); ok {
			run.stages[g.StageID] = true
		}
		run.record, err = tx.OpenSync(c.TenantID, l.ID)
		if hub.CodeOf(err) == hub.CodeNotFound {
			run.record, err = tx.InsertSync(hub.Sync{TenantID: c.TenantID, ConnectionID: c.ID, LinkID: l.ID, Asked: "hourly"})
		}
		return err
	})
}

func (r *syncRun) all(ctx context.Context) error {
	if err := r.job(ctx); err != nil {
		return err
	}
	if err := r.triggers(ctx); err != nil {
		return err
	}
	query := func(cursor string) sdk.ApplicationQuery {
		return sdk.ApplicationQuery{JobID: r.link.JobID, Cursor: cursor}
	}
	return pages(ctx, r.ats.ListApplications, query, func(app sdk.Application) error {
		r.record.Summary.Applications++
		if err := r.properties(ctx, app); err != nil {
			return err
		}
		return r.missed(ctx, app)
	})
}

// job brings the job post's properties up to date.
func (r *syncRun) job(ctx context.Context) error {
	job, err := r.ats.ReadJob(ctx, sdk.JobRef{ID: r.link.JobID})
	if err != nil {
		return err
	}
	r.record.Summary.JobChanged = job.Name != r.link.JobName || job.Code != r.link.JobCode
	r.link.JobName, r.link.JobCode = job.Name, job.Code
	_, err = r.product.PutJobPost(ctx, r.product.Login, r.effect("job", propertiesMark(job.Name, job.Code, job.Location, job.Department, job.Status.Source)), r.link.ID, reach.JobPost(job))
	return err
}

// triggers finds stages that were renamed or removed since the triggers were set.
func (r *syncRun) triggers(ctx context.Context) error {
	if r.ats.ListStages == nil {
		return nil
	}
	stages, err := r.ats.ListStages(ctx, sdk.JobRef{ID: r.link.JobID})
	if err != nil {
		return err
	}
	r.link.Problem = screening.LostStages(r.rules, stages.Items)
	return nil
}

// lastSeen is the ATS's own time of the state we know, or else ours.
func lastSeen(seen hub.Application) time.Time {
	if seen.UpdatedAt != nil {
		return *seen.UpdatedAt
	}
	return seen.SeenAt
}

// effect is of a property update: its key holds what is written, so that
// repeating it is harmless and a change is another request. The hour keeps a
// value that was changed and changed back from being taken for the first.
func (r *syncRun) effect(what, mark string) product.Effect {
	key := strings.Join([]string{"sync", what, r.link.ID, mark, fmt.Sprint(r.started.Unix())}, "-")
	return product.Effect{Key: key, NotAfter: time.Now().Add(notAfter), Fence: r.link.Gen}
}

func propertiesMark(values ...string) string {
	h := sha256.Sum256([]byte(strings.Join(values, "\x00")))
	return hex.EncodeToString(h[:8])
}

// properties brings an invited candidate's properties up to date.
func (r *syncRun) properties(ctx context.Context, app sdk.Application) error {
	seen, err := r.seen(ctx, app)
	p := app.Candidate
	mark := propertiesMark(p.FirstName, p.LastName, p.Email, p.Phone)
	if err != nil || seen.ProductCandidate == "" || seen.PropertiesHash == mark {
		return err
	}
	if seen.PropertiesHash != "" {
		update := product.CandidateProperties{FirstName: &p.FirstName, LastName: &p.LastName, Email: &p.Email}
		if p.Phone != "" { // a list may not tell it; it is not taken away
			update.Phone = &p.Phone
		}
		if err := r.product.UpdateCandidate(ctx, r.product.Login, r.effect(p.ID, mark), r.link.ProductRef, seen.ProductCandidate, update); err != nil {
			return err
		}
		r.record.Summary.CandidatesUpdated++
	}
	seen.PropertiesHash, seen.DisplayName = mark, screening.FullName(p)
	return r.h.Store.Write(ctx, func(tx *store.Tx) error { return tx.SeeApplication(seen) })
}

func (r *syncRun) seen(ctx context.Context, app sdk.Application) (seen hub.Application, err error) {
	err = r.h.Store.Read(ctx, func(tx *store.Tx) error {
		seen, err = tx.Application(r.conn.TenantID, r.conn.ID, r.link.JobID, app.Candidate.ID)
		return err
	})
	if hub.CodeOf(err) == hub.CodeNotFound {
		return hub.Application{}, nil
	}
	return seen, err
}

// missed finds a change nobody told us of: the application is not as we last
// saw it. It becomes an event like any other and is decided like any other.
func (r *syncRun) missed(ctx context.Context, app sdk.Application) error {
	seen, err := r.seen(ctx, app)
	if err != nil {
		return err
	}
	known := seen.CandidateID != ""
	moved := known && seen.StageID != app.StageID
	touched := app.UpdatedAt != nil && r.link.ActivatedAt != nil && app.UpdatedAt.After(*r.link.ActivatedAt) && app.UpdatedAt.After(lastSeen(seen))
	arrived := !known && r.stages[app.StageID]
	return r.h.Store.Write(ctx, func(tx *store.Tx) error {
		if !moved && !touched && !arrived {
			if known {
				return nil
			}
			return r.h.see(tx, r.conn, app)
		}
		at := "unknown"
		if app.UpdatedAt != nil {
			at = app.UpdatedAt.UTC().Format(time.RFC3339Nano)
		}
		_, fresh, err := tx.AddEvent(hub.Event{
			TenantID: r.conn.TenantID, ConnectionID: r.conn.ID, Source: hub.SourcePoll, Kind: sdk.EventApplicationChanged, SourceName: "sync",
			Key:   strings.Join([]string{"sync", r.link.JobID, app.Candidate.ID, app.StageID, at, fmt.Sprint(r.link.Gen)}, ":"),
			JobID: r.link.JobID, CandidateID: app.Candidate.ID, Application: app.ID,
		})
		if fresh {
			r.record.Summary.MissedFound++
		}
		return err
	})
}
