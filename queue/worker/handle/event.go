package handle

import (
	"context"
	"fmt"
	"strings"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/ledger"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/internal/workflow/rule"
	"github.com/atshub/atshub/internal/workflow/screening"
	"github.com/atshub/atshub/sdk"
)

// Events: a fact says which thing changed; the thing is read as it is now, the
// workflow decides, and the decision, its actions and its explanation are
// written together.

func (h *Handlers) event(ctx context.Context, w hub.Work) error {
	var e hub.Event
	var c hub.Connection
	if err := h.Store.Read(ctx, func(tx *store.Tx) (err error) {
		if e, err = tx.Event(w.TenantID, w.Ref); err != nil {
			return err
		}
		c, err = tx.Connection(w.TenantID, e.ConnectionID)
		return err
	}); err != nil {
		return err
	}
	if c.State.Gone() {
		return h.settle(ctx, w, e, skipped("the integration was uninstalled"))
	}
	if err := held(c); err != nil {
		return err
	}
	ctx = noteCalls(ctx, aboutEvent(e))
	if e.Kind == hub.EventRaw {
		if err := h.parse(ctx, c, &e); err != nil {
			return err
		}
		aboutCalls(ctx, aboutEvent(e))
	}
	switch e.Kind {
	case sdk.EventApplicationChanged:
		return h.applicationChanged(ctx, w, c, e)
	case sdk.EventCandidateChanged:
		return h.candidateChanged(ctx, w, e)
	case sdk.EventJobChanged:
		return h.jobChanged(ctx, w, e)
	case sdk.EventInterviewChanged:
		return h.interviewChanged(ctx, w, c, e)
	case hub.EventProductStatus, hub.EventProductResult:
		return h.productChanged(ctx, w, c, e)
	}
	return h.settle(ctx, w, e, skipped("nothing depends on it"))
}

func aboutEvent(e hub.Event) hub.Trail {
	return hub.Trail{TenantID: e.TenantID, ConnectionID: e.ConnectionID, JobID: e.JobID, CandidateID: e.CandidateID, InterviewID: e.InterviewID, EventID: e.ID}
}

func skipped(reason string) rule.Decision {
	return rule.Decision{Disposition: hub.DispositionSkipped, Reason: reason}
}

// parse asks the connector what a raw delivery is about. A delivery may hold
// several facts: the first is this event, the others become events of their own.
func (h *Handlers) parse(ctx context.Context, c hub.Connection, e *hub.Event) error {
	ats, err := h.Reach.ATS(ctx, c)
	if err != nil {
		return err
	}
	if ats.ParseWebhook == nil {
		return unsupported("read webhooks")
	}
	found, err := ats.ParseWebhook(ctx, sdk.Delivery{Headers: e.Headers, Body: e.Body})
	if err != nil {
		return err
	}
	if len(found.Items) == 0 {
		e.Kind = sdk.EventOther
		return nil
	}
	fill(e, found.Items[0])
	if len(found.Items) == 1 {
		return nil
	}
	return h.Store.Write(ctx, func(tx *store.Tx) error {
		for i, f := range found.Items[1:] {
			another := hub.Event{TenantID: e.TenantID, ConnectionID: e.ConnectionID, Source: e.Source, Key: fmt.Sprintf("%s#%d", e.Key, i+1)}
			fill(&another, f)
			if _, _, err := tx.AddEvent(another); err != nil {
				return err
			}
		}
		return nil
	})
}

func fill(e *hub.Event, f sdk.Event) {
	e.Kind, e.SourceName, e.OccurredAt = f.Kind, f.Source, f.OccurredAt
	e.JobID, e.CandidateID, e.Application, e.InterviewID = f.JobID, f.CandidateID, f.ApplicationID, f.InterviewID
}

// settle records a decision that needs no further reading.
func (h *Handlers) settle(ctx context.Context, w hub.Work, e hub.Event, d rule.Decision) error {
	return h.finish(ctx, w, func(tx *store.Tx) error { return h.record(tx, e, d) })
}

// record writes a decision: what is owed, why, and what became of the event.
func (h *Handlers) record(tx *store.Tx, e hub.Event, d rule.Decision) error {
	owed := ""
	for _, a := range d.Owe {
		row, fresh, err := ledger.Owe(tx, a)
		if err != nil {
			return err
		}
		if owed = row.ID; !fresh { // another worker decided in this moment, or the row says no
			d.Disposition, d.Reason = hub.DispositionSkipped, "decided before: "+strings.TrimSpace(string(row.State)+" "+row.Reason)
		}
	}
	for i := range d.Trail {
		if d.Trail[i].ActionID == "" {
			d.Trail[i].ActionID = owed
		}
	}
	if err := tx.AddTrail(d.Trail...); err != nil {
		return err
	}
	if err := tx.ParsedEvent(e); err != nil {
		return err
	}
	return tx.SettleEvent(e.TenantID, e.ID, d.Disposition, d.Reason)
}

// applicationChanged re-reads the application and decides on an invitation.
func (h *Handlers) applicationChanged(ctx context.Context, w hub.Work, c hub.Connection, e hub.Event) error {
	p, err := h.Reach.Product(c.Product)
	if err != nil {
		return err
	}
	l, err := h.linkOfJob(ctx, c, e.JobID)
	switch {
	case hub.CodeOf(err) == hub.CodeNotFound && e.JobID != "":
		return h.settle(ctx, w, e, skipped("no integration for this job"))
	case err != nil && e.JobID != "":
		return err
	case e.JobID != "" && p.Kind == product.KindCapture:
		return h.pokeInterviews(ctx, w, e, l)
	}
	facts, err := h.readApplication(ctx, c, e)
	if sdk.CodeOf(err) == sdk.CodeNotFound {
		return h.settle(ctx, w, e, skipped("the ATS no longer knows the application"))
	}
	if err != nil {
		return err
	}
	e.JobID, e.CandidateID, e.Application = facts.Application.JobID, facts.Application.Candidate.ID, facts.Application.ID
	aboutCalls(ctx, aboutEvent(e))
	return h.finish(ctx, w, func(tx *store.Tx) error {
		facts.Event = e
		link, err := tx.LinkOfJob(c.TenantID, c.ID, e.JobID)
		if hub.CodeOf(err) == hub.CodeNotFound {
			return h.record(tx, e, skipped("no integration for this job"))
		}
		if err != nil {
			return err
		}
		if err := h.ledgerFacts(tx, link.ID, &facts); err != nil {
			return err
		}
		if err := h.see(tx, c, facts.Application); err != nil {
			return err
		}
		return h.record(tx, e, screening.OnApplication(facts))
	})
}

func (h *Handlers) linkOfJob(ctx context.Context, c hub.Connection, jobID string) (l hub.JobLink, err error) {
	err = h.Store.Read(ctx, func(tx *store.Tx) error {
		l, err = tx.LinkOfJob(c.TenantID, c.ID, jobID)
		return err
	})
	return l, err
}

// readApplication reads the application as the ATS has it now, and its history
// where the decision may depend on it.
func (h *Handlers) readApplication(ctx context.Context, c hub.Connection, e hub.Event) (screening.Facts, error) {
	f := screening.Facts{Connection: c, Event: e}
	var l hub.JobLink
	ats, err := h.Reach.ATS(ctx, c)
	if err != nil {
		return f, err
	}
	if ats.ReadApplication == nil {
		return f, unsupported("read applications")
	}
	ref := sdk.ApplicationRef{ID: e.Application, CandidateID: e.CandidateID, JobID: e.JobID}
	if f.Application, err = ats.ReadApplication(ctx, ref); err != nil {
		return f, err
	}
	if err := h.Store.Read(ctx, func(tx *store.Tx) error {
		if l, err = tx.LinkOfJob(c.TenantID, c.ID, f.Application.JobID); err != nil {
			return err
		}
		return h.ledgerFacts(tx, l.ID, &f)
	}); err != nil && hub.CodeOf(err) != hub.CodeNotFound {
		return f, err
	}
	if ats.ReadStageHistory == nil || !screening.NeedsHistory(f) {
		return f, nil
	}
	ref = sdk.ApplicationRef{ID: f.Application.ID, CandidateID: f.Application.Candidate.ID, JobID: f.Application.JobID}
	history, err := ats.ReadStageHistory(ctx, ref)
	if sdk.CodeOf(err) == sdk.CodePermissionMissing {
		return f, nil // decided on the present stage alone
	}
	f.History = history.Items
	return f, err
}

// ledgerFacts adds what the ledger says, held against change.
func (h *Handlers) ledgerFacts(tx *store.Tx, linkID string, f *screening.Facts) (err error) {
	c := f.Connection
	if f.Link, err = tx.ShareLink(c.TenantID, linkID); err != nil {
		return err
	}
	if f.Triggers, err = tx.Triggers(c.TenantID, linkID); err != nil {
		return err
	}
	candidate := f.Application.Candidate.ID
	if candidate == "" {
		candidate = f.Event.CandidateID
	}
	f.Ledger, err = tx.ActionsOf(c.TenantID, f.Link.JobID, candidate)
	return err
}

// see remembers an application as read.
func (h *Handlers) see(tx *store.Tx, c hub.Connection, app sdk.Application) error {
	return tx.SeeApplication(hub.Application{
		TenantID: c.TenantID, ConnectionID: c.ID, JobID: app.JobID, CandidateID: app.Candidate.ID, ApplicationID: app.ID,
		StageID: app.StageID, StageEnteredAt: app.StageEnteredAt, Status: app.Status.Value, DisplayName: screening.FullName(app.Candidate), UpdatedAt: app.UpdatedAt,
	})
}

// candidateChanged takes up invitations that waited for a corrected candidate.
func (h *Handlers) candidateChanged(ctx context.Context, w hub.Work, e hub.Event) error {
	return h.finish(ctx, w, func(tx *store.Tx) error {
		waiting, err := tx.Actions(e.TenantID, store.ActionFilter{ConnectionID: e.ConnectionID, CandidateID: e.CandidateID, Kind: string(hub.ActionInvite), State: string(hub.ActionParked)}, store.Page{})
		if err != nil {
			return err
		}
		d := skipped("nothing waits for this candidate")
		for _, w := range waiting {
			a, err := tx.LockAction(w.TenantID, w.ID) // a person may be deciding on it
			if err != nil {
				return err
			}
			if a.State != hub.ActionParked || !curable(a.Reason) {
				continue
			}
			a.State, a.Reason = hub.ActionReady, ""
			if err := tx.SaveAction(a); err != nil {
				return err
			}
			if err := tx.RingAction(a); err != nil {
				return err
			}
			d = rule.Decision{Disposition: hub.DispositionActed, Reason: "an invitation that waited for the candidate's data is tried again"}
		}
		return h.record(tx, e, d)
	})
}

// jobChanged brings the job's hourly sync forward.
func (h *Handlers) jobChanged(ctx context.Context, w hub.Work, e hub.Event) error {
	return h.finish(ctx, w, func(tx *store.Tx) error {
		l, err := tx.LinkOfJob(e.TenantID, e.ConnectionID, e.JobID)
		if hub.CodeOf(err) == hub.CodeNotFound || err == nil && l.State != hub.LinkOn {
			return h.record(tx, e, skipped("no integration for this job"))
		}
		if err != nil {
			return err
		}
		sync, err := tx.WorkOf(hub.WorkJobSync, l.ID)
		if hub.CodeOf(err) == hub.CodeNotFound {
			return h.record(tx, e, skipped("nothing of this job is synced"))
		}
		if err != nil {
			return err
		}
		sync.DueAt = tx.Now()
		if err := tx.AddWork(sync); err != nil {
			return err
		}
		return h.record(tx, e, rule.Decision{Disposition: hub.DispositionActed, Reason: "the job is synced now"})
	})
}

// parkEvent keeps an event that cannot be decided where people see it.
func (h *Handlers) parkEvent(ctx context.Context, w hub.Work, reason string) error {
	return h.finish(ctx, w, func(tx *store.Tx) error {
		return tx.SettleEvent(w.TenantID, w.Ref, hub.DispositionParked, reason)
	})
}
