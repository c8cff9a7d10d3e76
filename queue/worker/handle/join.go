package handle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/reach"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/internal/workflow/capture"
	"github.com/atshub/atshub/sdk"
)

// Joins: armed at the recorder as soon as they are known, so that our own
// outage at the minute of the interview costs nothing; moved and taken back
// under the same key with a higher fence.

// watchAfter is how long after its start a session must have its recorder.
const watchAfter = time.Minute

func (h *Handlers) join(ctx context.Context, w hub.Work, c hub.Connection, a hub.Action) error {
	recorder, err := h.Reach.Capture(ctx, c)
	if err != nil {
		return err
	}
	k, err := h.begin(ctx, w, a.ID)
	if err != nil || k == nil {
		return err
	}
	if k.action.Op == hub.OpUndo {
		return h.takeBack(ctx, w, recorder, k)
	}
	return h.arm(ctx, w, recorder, k)
}

// instruction is the effect of one instruction to the recorder: each
// generation of a join is a request of its own, and repeating it is harmless.
func (k claimed) instruction() product.Effect {
	e := k.effect()
	e.Key = fmt.Sprintf("%s.g%d", e.Key, e.Fence)
	return e
}

func (h *Handlers) arm(ctx context.Context, w hub.Work, recorder reach.Capture, k *claimed) error {
	const what = "arm the recorder"
	var slot hub.Slot
	var lead time.Duration
	if err := h.Store.Read(ctx, func(tx *store.Tx) (err error) {
		if slot, err = tx.Slot(k.action.TenantID, k.action.SlotID); err != nil {
			return err
		}
		lead, err = h.lead(tx, k.conn, slot)
		return err
	}); err != nil {
		return h.unsent(ctx, w, k, what, err)
	}
	if err := k.fresh(); err != nil {
		return h.unsent(ctx, w, k, what, err)
	}
	_, err := recorder.PutJoin(ctx, recorder.Org, k.instruction(), k.action.IdempotencyKey(), product.JoinProperties{
		RoleKey: k.link.ID, MeetingURL: slot.MeetingURL, StartsAt: slot.StartsAt, EndsAt: slot.EndsAt, Lead: lead, Title: slot.Title,
	})
	if err != nil {
		return h.armRefused(ctx, w, recorder, k, err)
	}
	k.action.State, k.action.Reason = hub.ActionArmed, ""
	return h.settledJoin(ctx, w, k.action, what, "armed")
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// lead is how long before the start the recorder comes: the product's lead,
// cut where another session of ours is still in the same call.
func (h *Handlers) lead(tx *store.Tx, c hub.Connection, s hub.Slot) (time.Duration, error) {
	p, err := h.Reach.Product(c.Product)
	if err != nil {
		return 0, err
	}
	lead := p.JoinLead
	others, err := tx.InSameCall(s, lead)
	for _, o := range others {
		if o.EndsAt.After(s.StartsAt.Add(-lead)) {
			lead = max(0, s.StartsAt.Sub(o.EndsAt).Truncate(time.Second))
		}
	}
	return lead, err
}

// settledJoin is settled, unless the join was decided anew while the
// instruction was on its way: then that decision stands and is carried out next.
func (h *Handlers) settledJoin(ctx context.Context, w hub.Work, a hub.Action, what, verdict string) error {
	return h.finish(ctx, w, func(tx *store.Tx) error {
		now, err := tx.LockAction(a.TenantID, a.ID)
		if err != nil {
			return err
		}
		if err := tx.AddTrail(trailOf(a, hub.TrailCall, what, verdict, a.Reason)); err != nil {
			return err
		}
		if now.Gen != a.Gen {
			return nil // its own work row runs again
		}
		if err := tx.SaveAction(a); err != nil || a.State != hub.ActionArmed {
			return err
		}
		slot, err := tx.Slot(a.TenantID, a.SlotID)
		if err != nil {
			return err
		}
		return tx.AddWork(hub.Work{
			TenantID: slot.TenantID, ConnectionID: slot.ConnectionID, Queue: hub.QueueCritical, Kind: hub.WorkWatch, Ref: slot.ID, DueAt: later(tx.Now(), slot.StartsAt.Add(watchAfter)),
		})
	})
}

func (h *Handlers) armRefused(ctx context.Context, w hub.Work, recorder reach.Capture, k *claimed, err error) error {
	const what = "arm the recorder"
	e := product.AsError(err)
	if e == nil {
		return h.unsent(ctx, w, k, what, err)
	}
	switch e.Code {
	case product.CodeRoleDisengaged: // the toggle has not reached the recorder yet
		if err := h.putRole(ctx, recorder, k.conn, k.link); err != nil {
			return h.unsent(ctx, w, k, what, err)
		}
		return h.unsent(ctx, w, k, what, &product.Error{Code: product.CodeInProgress, Message: "The role was just engaged at the recorder.", Fault: sdk.FaultHub, Outcome: sdk.NotDone})
	case product.CodeKeyReused: // this generation arrived before, with another lead: what the recorder holds counts
		held, err := recorder.Join(ctx, recorder.Org, k.action.IdempotencyKey())
		if err != nil || held.State != product.JoinArmed && held.State != product.JoinInCall {
			return h.unsent(ctx, w, k, what, e)
		}
		k.action.State, k.action.Reason = hub.ActionArmed, ""
	case product.CodeSessionOver:
		k.action.State, k.action.Reason = hub.ActionMissed, "the session was over before the recorder could be armed"
	case product.CodeJoinOver:
		k.action.State, k.action.Reason, k.action.Outcome = hub.ActionDone, "", "joined"
	case product.CodeFenced:
		k.action.State, k.action.Reason = hub.ActionCancelled, "a later decision has reached the recorder"
	default:
		return h.unsent(ctx, w, k, what, err)
	}
	return h.settledJoin(ctx, w, k.action, what, string(k.action.State))
}

// takeBack cancels a join; it is cancelled only when the recorder says that
// nobody is in the call and nobody will come.
func (h *Handlers) takeBack(ctx context.Context, w hub.Work, recorder reach.Capture, k *claimed) error {
	const what = "cancel the join at the recorder"
	if err := k.fresh(); err != nil {
		return h.unsent(ctx, w, k, what, err)
	}
	got, err := recorder.CancelJoin(ctx, recorder.Org, k.instruction(), k.action.IdempotencyKey())
	switch {
	case errors.Is(err, &product.Error{Code: product.CodeJoinOver}):
		k.action.State, k.action.Outcome = hub.ActionDone, "joined"
		return h.settledJoin(ctx, w, k.action, what, "too late: the recorder has been there")
	case errors.Is(err, &product.Error{Code: product.CodeFenced}):
		k.action.State = hub.ActionCancelled
		return h.settledJoin(ctx, w, k.action, what, "a later decision has reached the recorder")
	case err != nil:
		return h.unsent(ctx, w, k, what, err)
	case got.State != product.JoinCancelled:
		return h.unsent(ctx, w, k, what, &product.Error{Code: product.CodeInProgress, Message: "The recorder has not confirmed yet.", Fault: sdk.FaultVendor, Outcome: sdk.OutcomeUnknown})
	}
	k.action.State = hub.ActionCancelled
	return h.settledJoin(ctx, w, k.action, what, "cancelled")
}

// watch looks whether the recorder got in. There is no silent miss: a join
// that is not in the call a minute after the start is tried once more, then
// told as missed.
func (h *Handlers) watch(ctx context.Context, w hub.Work) error {
	var slot hub.Slot
	var c hub.Connection
	var a hub.Action
	err := h.Store.Read(ctx, func(tx *store.Tx) (err error) {
		if slot, err = tx.Slot(w.TenantID, w.Ref); err != nil {
			return err
		}
		if c, err = tx.Connection(w.TenantID, slot.ConnectionID); err != nil {
			return err
		}
		a, err = tx.JoinOfSlot(w.TenantID, slot.ID)
		return err
	})
	if hub.CodeOf(err) == hub.CodeNotFound || err == nil && a.State != hub.ActionArmed {
		return h.finish(ctx, w, func(*store.Tx) error { return nil })
	}
	if err != nil {
		return err
	}
	recorder, err := h.Reach.Capture(ctx, c)
	if err != nil {
		return err
	}
	state, err := recorder.Join(ctx, recorder.Org, a.IdempotencyKey())
	if err != nil && !errors.Is(err, &product.Error{Code: product.CodeNotFound}) {
		return err
	}
	return h.finish(ctx, w, func(tx *store.Tx) error { return h.watched(tx, slot, a.ID, state) })
}

func (h *Handlers) watched(tx *store.Tx, slot hub.Slot, id string, state product.Join) error {
	a, err := tx.LockAction(slot.TenantID, id)
	if err != nil || a.State != hub.ActionArmed || a.Op != hub.OpDo {
		return err
	}
	due := slot.StartsAt.Add(watchAfter)
	again := hub.Work{TenantID: slot.TenantID, ConnectionID: slot.ConnectionID, Queue: hub.QueueCritical, Kind: hub.WorkWatch, Ref: slot.ID}
	switch {
	case state.State == product.JoinInCall || state.State == product.JoinDone:
		a.State, a.Outcome = hub.ActionDone, "joined"
		if state.JoinedAt != nil && state.JoinedAt.After(slot.StartsAt) {
			a.Outcome = "joined_late"
		}
	case tx.Now().Before(due): // the session was moved
		again.DueAt = due
		return tx.AddWork(again)
	case !capture.SecondTry(a) && slot.EndsAt.After(tx.Now()):
		capture.TryAgain(&a)
		h.Log.Error("recorder is not in the call", "tenant", a.TenantID, "connection", a.ConnectionID, "action", a.ID, "second_try", true)
		if err := tx.RingAction(a); err != nil {
			return err
		}
	default:
		a.State, a.Reason = hub.ActionMissed, "the recorder did not get into the call"
		if state.Reason != "" {
			a.Reason = "the recorder did not get into the call: " + state.Reason
		}
		h.Log.Error("interview missed", "tenant", a.TenantID, "connection", a.ConnectionID, "action", a.ID)
	}
	if err := tx.AddTrail(trailOf(a, hub.TrailCall, "is the recorder in the call", string(a.State)+" "+a.Outcome, a.Reason)); err != nil {
		return err
	}
	return tx.SaveAction(a)
}
