package handle

import (
	"context"
	"encoding/json"
	"time"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/internal/workflow/screening"
	"github.com/atshub/atshub/sdk"
)

// Moves in the ATS: the receiver can be read, so it is read before every write.

func decode(raw json.RawMessage, into any) error {
	if err := json.Unmarshal(raw, into); err != nil {
		return &product.Error{Code: product.CodeBadAnswer, Message: "The product's receipt is not what its contract says.", Fault: sdk.FaultVendor, Outcome: sdk.OutcomeUnknown}
	}
	return nil
}

func (h *Handlers) move(ctx context.Context, w hub.Work, c hub.Connection, a hub.Action) error {
	ats, err := h.Reach.ATS(ctx, c)
	if err != nil {
		return err
	}
	if ats.MoveStage == nil || ats.ListStages == nil {
		return unsupported("move candidates")
	}
	app, err := h.readFor(ctx, c, a)
	if sdk.CodeOf(err) == sdk.CodeNotFound && a.State == hub.ActionReady {
		return h.stop(ctx, w, a, hub.ActionSkipped, "the ATS no longer knows the application")
	}
	if err != nil {
		return err
	}
	stages, err := ats.ListStages(ctx, sdk.JobRef{ID: a.JobID})
	if err != nil {
		return err
	}
	k, err := h.begin(ctx, w, a.ID)
	if err != nil || k == nil {
		return err
	}
	ref := sdk.ApplicationRef{ID: app.ID, CandidateID: a.CandidateID, JobID: a.JobID}
	if k.doubt {
		done, err := h.movedBefore(ctx, w, ats, k, ref, app)
		if err != nil || done {
			return err
		}
	}
	var ask struct {
		Status string `json:"status"`
	}
	if err := json.Unmarshal(a.Payload, &ask); err != nil {
		return hub.Invalid("payload", "the move names no status")
	}
	var triggers []hub.Trigger
	if err := h.Store.Read(ctx, func(tx *store.Tx) (err error) {
		triggers, err = tx.Triggers(a.TenantID, k.link.ID)
		return err
	}); err != nil {
		return h.unsent(ctx, w, k, "read the triggers", err)
	}
	m := screening.PlanMove(triggers, stages.Items, ask.Status, app)
	switch {
	case m.Skip != "":
		k.action.State, k.action.Reason = hub.ActionSkipped, m.Skip
		if m.Park {
			k.action.State = hub.ActionParked
		}
		return h.settled(ctx, w, k.action, "move the application", "not wanted", m.Skip, nil)
	case m.Done:
		return h.moved(ctx, w, k.action, m.To, sdk.MoveAlreadyThere)
	}
	return h.sendMove(ctx, w, ats, k, ref, m)
}

func (h *Handlers) sendMove(ctx context.Context, w hub.Work, ats *sdk.Abilities, k *claimed, ref sdk.ApplicationRef, m screening.Move) error {
	const what = "move the application"
	if k.action.Target != m.To { // today's trigger names another stage: know it before the ATS does
		k.action.Target = m.To
		if err := h.Store.Write(ctx, func(tx *store.Tx) error { return tx.SaveAction(k.action) }); err != nil {
			return err
		}
	}
	if err := k.fresh(); err != nil {
		return h.unsent(ctx, w, k, what, err)
	}
	got, err := ats.MoveStage(ctx, sdk.StageMove{Application: ref, From: m.From, To: m.To, Key: k.action.IdempotencyKey()})
	switch {
	case err != nil:
		return h.unsent(ctx, w, k, what, err)
	case got.Result == sdk.MovePrecondition: // someone moved it in this moment: look again
		return h.unsent(ctx, w, k, what, &sdk.Error{Code: sdk.CodePreconditionFailed, Message: "the application was moved by someone else in this moment", Fault: sdk.FaultConfig, Outcome: sdk.NotDone})
	}
	return h.moved(ctx, w, k.action, m.To, got.Result)
}

// moved records a move the ATS confirmed.
func (h *Handlers) moved(ctx context.Context, w hub.Work, a hub.Action, to, result string) error {
	a.State, a.Reason, a.Outcome, a.Target = hub.ActionDone, "", result, to
	return h.settled(ctx, w, a, "move the application", result, "to "+to, nil)
}

// clockSlack is how far the ATS's clock may be behind ours.
const clockSlack = 30 * time.Second

// movedBefore finds out about a move in doubt: the application is at the
// target, or its history shows it came there since we first tried.
func (h *Handlers) movedBefore(ctx context.Context, w hub.Work, ats *sdk.Abilities, k *claimed, ref sdk.ApplicationRef, app sdk.Application) (done bool, err error) {
	found := app.StageID == k.action.Target
	if !found && ats.ReadStageHistory != nil {
		history, err := ats.ReadStageHistory(ctx, ref)
		if err != nil {
			return false, h.unsent(ctx, w, k, "read the history", err)
		}
		for _, change := range history.Items {
			found = found || change.StageID == k.action.Target && !change.ChangedAt.Before(k.action.CreatedAt.Add(-clockSlack))
		}
	}
	switch {
	case found:
		return true, h.moved(ctx, w, k.action, k.action.Target, sdk.MoveMoved)
	case k.settleOnly != "":
		k.action.State, k.action.Reason = k.settleOnly, k.why
		return true, h.settled(ctx, w, k.action, "read the history", "was not moved", k.why, nil)
	}
	k.doubt = false
	return false, nil
}
