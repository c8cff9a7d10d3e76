package handle

import (
	"context"
	"time"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/ledger"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/internal/workflow/capture"
	"github.com/atshub/atshub/internal/workflow/rule"
	"github.com/atshub/atshub/sdk"
)

// Interviews: found by polling the applications of a role that is on, told by
// webhooks where the credential allows, and read again before they start.

// interviews polls one role. The budget goes where interviews can be:
// applications between screening and offer.
func (h *Handlers) interviews(ctx context.Context, w hub.Work) error {
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
	ats, err := h.Reach.ATS(ctx, c)
	if err != nil {
		return err
	}
	if ats.ListInterviews == nil || ats.ListApplications == nil || ats.ListStages == nil {
		return unsupported("list interviews")
	}
	asked, err := h.askedSync(ctx, l)
	if err != nil {
		return err
	}
	stages, err := ats.ListStages(ctx, sdk.JobRef{ID: l.JobID})
	if err != nil {
		return err
	}
	query := func(cursor string) sdk.ApplicationQuery { return sdk.ApplicationQuery{JobID: l.JobID, Cursor: cursor} }
	err = pages(ctx, ats.ListApplications, query, func(app sdk.Application) error {
		asked.Summary.Applications++
		if capture.MayInterview(stages.Items, app.StageID) {
			return h.readInterviews(ctx, ats, c, l, app)
		}
		return h.leftInterviewing(ctx, ats, c, l, app)
	})
	if err != nil {
		return err
	}
	return h.finish(ctx, w, func(tx *store.Tx) error {
		w.Every = h.Cadence.Interviews
		if c.Subscription.State == subscriptionActive { // told by webhooks; polling only makes sure
			w.Every *= toldFactor
		}
		w.DueAt = tx.Now().Add(w.Every)
		if asked.ID != "" {
			asked.Summary.Complete = true
			if err := tx.FinishSync(asked); err != nil {
				return err
			}
		}
		return tx.AddWork(w)
	})
}

// askedSync is the sync of a role that a person asked for before this run, the
// zero value where nobody did.
func (h *Handlers) askedSync(ctx context.Context, l hub.JobLink) (asked hub.Sync, err error) {
	err = h.Store.Read(ctx, func(tx *store.Tx) error {
		asked, err = tx.OpenSync(l.TenantID, l.ID)
		return err
	})
	if hub.CodeOf(err) == hub.CodeNotFound {
		return hub.Sync{}, nil
	}
	return asked, err
}

// toldFactor is how much slower interviews are polled while webhooks tell of them.
const toldFactor = 6

// leftInterviewing reads the interviews of an application that has none by its
// stage only if we remember some: they may have been cancelled.
func (h *Handlers) leftInterviewing(ctx context.Context, ats *sdk.Abilities, c hub.Connection, l hub.JobLink, app sdk.Application) error {
	var open []hub.Slot
	if err := h.Store.Read(ctx, func(tx *store.Tx) error {
		seen, err := tx.Application(c.TenantID, c.ID, l.JobID, app.Candidate.ID)
		if err != nil {
			return err
		}
		open, err = tx.SlotsOfApplication(c.TenantID, c.ID, seen.ApplicationID)
		return err
	}); err != nil && hub.CodeOf(err) != hub.CodeNotFound {
		return err
	}
	if len(open) == 0 {
		return nil
	}
	return h.readInterviews(ctx, ats, c, l, app)
}

// readInterviews reads the interviews of one application and decides on each
// session. One that cannot be read is left as it was, without stopping the rest.
func (h *Handlers) readInterviews(ctx context.Context, ats *sdk.Abilities, c hub.Connection, l hub.JobLink, app sdk.Application) error {
	id, err := h.applicationID(ctx, ats, c, l, app)
	if err != nil {
		return skipRecord(err)
	}
	list, err := ats.ListInterviews(ctx, sdk.ApplicationRef{ID: id, CandidateID: app.Candidate.ID, JobID: l.JobID})
	if err != nil {
		return skipRecord(err)
	}
	seen := hub.Application{CandidateID: app.Candidate.ID, ApplicationID: id}
	return h.Store.Write(ctx, func(tx *store.Tx) error {
		return h.observe(tx, c, l.ID, seen, list.Items, true, "")
	})
}

// skipRecord lets a list go on past a record the ATS does not let us read.
func skipRecord(err error) error {
	if sdk.CodeOf(err) == sdk.CodeNotFound {
		return nil
	}
	return err
}

// applicationID is the id a list may not tell; once read it is remembered.
func (h *Handlers) applicationID(ctx context.Context, ats *sdk.Abilities, c hub.Connection, l hub.JobLink, app sdk.Application) (string, error) {
	if app.ID == "" {
		var seen hub.Application
		err := h.Store.Read(ctx, func(tx *store.Tx) (err error) {
			seen, err = tx.Application(c.TenantID, c.ID, l.JobID, app.Candidate.ID)
			return err
		})
		if err == nil && seen.ApplicationID != "" {
			return seen.ApplicationID, nil
		}
		if ats.ReadApplication == nil {
			return "", unsupported("read applications")
		}
		if app, err = ats.ReadApplication(ctx, sdk.ApplicationRef{CandidateID: app.Candidate.ID, JobID: l.JobID}); err != nil {
			return "", err
		}
	}
	return app.ID, h.Store.Write(ctx, func(tx *store.Tx) error { return h.see(tx, c, app) })
}

// observe remembers sessions as read and decides on each. complete: the list
// is all there is of the application, so that what is missing was cancelled.
func (h *Handlers) observe(tx *store.Tx, c hub.Connection, linkID string, app hub.Application, found []sdk.Interview, complete bool, eventID string) error {
	c, err := tx.ShareConnection(c.TenantID, c.ID) // connection, link, action: everyone locks in this order
	if err != nil {
		return err
	}
	l, err := tx.ShareLink(c.TenantID, linkID)
	if err != nil {
		return err
	}
	present := map[string]bool{}
	for _, iv := range found {
		for _, s := range capture.Slots(c, l, app, iv) {
			present[s.InterviewID+"/"+s.SessionID] = true
			if err := decideSlot(tx, c, l, s, eventID); err != nil {
				return err
			}
		}
	}
	if !complete {
		return nil
	}
	remembered, err := tx.SlotsOfApplication(c.TenantID, c.ID, app.ApplicationID)
	if err != nil {
		return err
	}
	for _, s := range remembered {
		if !present[s.InterviewID+"/"+s.SessionID] && !s.Cancelled {
			if err := decideSlot(tx, c, l, capture.Gone(s), eventID); err != nil {
				return err
			}
		}
	}
	return nil
}

// decideSlot remembers one session and brings its join in line with it.
func decideSlot(tx *store.Tx, c hub.Connection, l hub.JobLink, s hub.Slot, eventID string) error {
	s, _, err := tx.SeeSlot(s)
	if err != nil {
		return err
	}
	_, err = ledger.DecideSession(tx, c, l, s, eventID)
	return err
}

// interviewChanged re-reads one interview that a webhook told of.
func (h *Handlers) interviewChanged(ctx context.Context, w hub.Work, c hub.Connection, e hub.Event) error {
	ats, err := h.Reach.ATS(ctx, c)
	if err != nil {
		return err
	}
	if ats.ReadApplication == nil || ats.ListInterviews == nil {
		return h.settle(ctx, w, e, skipped("nothing depends on it"))
	}
	app, err := ats.ReadApplication(ctx, sdk.ApplicationRef{ID: e.Application, CandidateID: e.CandidateID, JobID: e.JobID})
	if sdk.CodeOf(err) == sdk.CodeNotFound {
		return h.settle(ctx, w, e, skipped("the ATS no longer knows the application"))
	}
	if err != nil {
		return err
	}
	e.JobID = app.JobID
	l, err := h.linkOfJob(ctx, c, app.JobID)
	if hub.CodeOf(err) == hub.CodeNotFound {
		return h.settle(ctx, w, e, skipped("the role is not synced"))
	}
	if err != nil {
		return err
	}
	list, err := ats.ListInterviews(ctx, sdk.ApplicationRef{ID: app.ID, CandidateID: app.Candidate.ID, JobID: app.JobID})
	if err != nil {
		return err
	}
	return h.finish(ctx, w, func(tx *store.Tx) error {
		if err := h.see(tx, c, app); err != nil {
			return err
		}
		if err := h.observe(tx, c, l.ID, hub.Application{CandidateID: app.Candidate.ID, ApplicationID: app.ID}, list.Items, true, e.ID); err != nil {
			return err
		}
		return h.record(tx, e, rule.Decision{Disposition: hub.DispositionActed, Reason: "its sessions were read again"})
	})
}

// pokeInterviews reads a capture role's interviews soon, because an
// application of it changed.
func (h *Handlers) pokeInterviews(ctx context.Context, w hub.Work, e hub.Event, l hub.JobLink) error {
	if l.State != hub.LinkOn {
		return h.settle(ctx, w, e, skipped("left alone: the role is switched off"))
	}
	return h.finish(ctx, w, func(tx *store.Tx) error {
		if err := tx.AddWork(hub.Work{
			TenantID: l.TenantID, ConnectionID: l.ConnectionID, Queue: hub.QueueBulk, Kind: hub.WorkInterviews, Ref: l.ID, DueAt: tx.Now(), Every: h.Cadence.Interviews,
		}); err != nil {
			return err
		}
		return h.record(tx, e, rule.Decision{Disposition: hub.DispositionActed, Reason: "the role's interviews are read again"})
	})
}

// reread reads one session's interview before it starts, so that even a
// cancellation nobody told us of stops the recorder.
func (h *Handlers) reread(ctx context.Context, w hub.Work) error {
	var slot hub.Slot
	var c hub.Connection
	if err := h.Store.Read(ctx, func(tx *store.Tx) (err error) {
		if slot, err = tx.Slot(w.TenantID, w.Ref); err != nil {
			return err
		}
		c, err = tx.Connection(w.TenantID, slot.ConnectionID)
		return err
	}); err != nil {
		return err
	}
	if c.State.Gone() || slot.Cancelled || slot.LinkID == "" {
		return h.finish(ctx, w, func(*store.Tx) error { return nil })
	}
	ats, err := h.Reach.ATS(ctx, c)
	if err != nil {
		return err
	}
	if ats.ReadInterview == nil {
		return unsupported("read interviews")
	}
	iv, err := ats.ReadInterview(ctx, sdk.InterviewRef{ID: slot.InterviewID})
	if err != nil && sdk.CodeOf(err) != sdk.CodeNotFound {
		return err
	}
	return h.finish(ctx, w, func(tx *store.Tx) error { return h.decideReread(tx, c, slot, iv) })
}

// decideReread decides on an interview read again; one that is gone has no
// sessions, and a session that is not among them was cancelled.
func (h *Handlers) decideReread(tx *store.Tx, c hub.Connection, slot hub.Slot, iv sdk.Interview) error {
	app := hub.Application{CandidateID: slot.CandidateID, ApplicationID: slot.Application}
	if err := h.observe(tx, c, slot.LinkID, app, []sdk.Interview{iv}, false, ""); err != nil {
		return err
	}
	for _, s := range iv.Sessions {
		if s.ID == slot.SessionID {
			return nil
		}
	}
	l, err := tx.ShareLink(c.TenantID, slot.LinkID)
	if err != nil {
		return err
	}
	return decideSlot(tx, c, l, capture.Gone(slot), "")
}

// importAll links jobs nobody chose, while the connection captures them all.
func (h *Handlers) importAll(ctx context.Context, w hub.Work) error {
	c, err := h.connection(ctx, w.TenantID, w.Ref)
	if err != nil {
		return err
	}
	if c.State.Gone() || c.Mode != hub.CaptureImportAll {
		return h.end(ctx, w)
	}
	if err := held(c); err != nil {
		return err
	}
	ats, err := h.Reach.ATS(ctx, c)
	if err != nil {
		return err
	}
	if ats.ListJobs == nil {
		return unsupported("list jobs")
	}
	query := func(cursor string) sdk.JobQuery { return sdk.JobQuery{Cursor: cursor, Limit: 100} }
	err = pages(ctx, ats.ListJobs, query, func(job sdk.Job) error {
		if job.Confidential || job.Status.Value == sdk.JobClosed {
			return nil
		}
		return h.Store.Write(ctx, func(tx *store.Tx) error { return h.importJob(tx, c, job) })
	})
	if err != nil {
		return err
	}
	return h.finish(ctx, w, func(*store.Tx) error { return nil })
}

// importJob switches a job on that came after Import All was chosen. A link
// that exists was decided on by a person and stays as it is.
func (h *Handlers) importJob(tx *store.Tx, c hub.Connection, job sdk.Job) error {
	now, err := tx.ShareConnection(c.TenantID, c.ID)
	if err != nil || now.Mode != hub.CaptureImportAll || !now.State.Working() {
		return err
	}
	if _, err := tx.LinkOfJob(c.TenantID, c.ID, job.ID); hub.CodeOf(err) != hub.CodeNotFound {
		return err
	}
	l, err := tx.PutLink(hub.JobLink{TenantID: c.TenantID, ConnectionID: c.ID, JobID: job.ID, JobName: job.Name, JobCode: job.Code, Origin: hub.OriginImportAll})
	if err != nil {
		return err
	}
	at := tx.Now()
	l.State, l.Gen, l.ActivatedAt = hub.LinkOn, l.Gen+1, &at
	if err := tx.SaveLink(l); err != nil {
		return err
	}
	for _, work := range h.captureWork(l, at) {
		if err := tx.AddWork(work); err != nil {
			return err
		}
	}
	return tx.AddTrail(hub.Trail{TenantID: c.TenantID, ConnectionID: c.ID, Kind: hub.TrailRule, JobID: job.ID, What: "Import All joins new jobs", Verdict: "switched on"})
}

// captureWork is what a role that was switched on needs.
func (h *Handlers) captureWork(l hub.JobLink, now time.Time) []hub.Work {
	return []hub.Work{
		{TenantID: l.TenantID, ConnectionID: l.ConnectionID, Queue: hub.QueueDefault, Kind: hub.WorkEngage, Ref: l.ID, DueAt: now},
		{TenantID: l.TenantID, ConnectionID: l.ConnectionID, Queue: hub.QueueBulk, Kind: hub.WorkInterviews, Ref: l.ID, DueAt: now, Every: h.Cadence.Interviews},
	}
}

// engage tells the product where a job link stands: a recorder whether the role
// is on, a screening product that a deleted job integration has ended.
func (h *Handlers) engage(ctx context.Context, w hub.Work) error {
	c, l, err := h.link(ctx, w.TenantID, w.Ref)
	if err != nil {
		return err
	}
	p, err := h.Reach.Product(c.Product)
	if err != nil {
		return err
	}
	if p.Kind == product.KindCapture || l.State == hub.LinkRemoved && l.ProductRef != "" {
		if err := h.tellLink(ctx, p.Kind, c, l); err != nil {
			return err
		}
	}
	return h.finish(ctx, w, func(*store.Tx) error { return nil })
}
