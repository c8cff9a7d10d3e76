package handle

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/internal/workflow/screening"
	"github.com/atshub/atshub/queue/worker"
	"github.com/atshub/atshub/sdk"
)

// Actions, always in four steps: prepare (read what is needed), begin (claim
// the act under the rules of now, in one transaction), send, settle (write
// what came of it and end the claim, in one transaction). A worker that dies
// in between leaves the action "sending"; the next one treats it as in doubt
// and asks the receiver before it sends anything.

const (
	// sendWithin is how old a claim may be when the first byte leaves: a
	// worker that was frozen longer begins anew.
	sendWithin = 5 * time.Second
	// notAfter is how long the receiver may still begin.
	notAfter = 15 * time.Second
)

// claimed is an act that may now be sent.
type claimed struct {
	action hub.Action
	conn   hub.Connection
	link   hub.JobLink
	doubt  bool // an earlier send may have reached the receiver
	// mayOnly settle: the rules of now forbid the act, but an earlier send is
	// in doubt and must be found out about.
	settleOnly hub.ActionState
	why        string
	at         time.Time // monotonic, of the claim
	now        time.Time // the database's
}

// effect is what accompanies the act to a product.
func (k claimed) effect() product.Effect {
	return product.Effect{Key: k.action.IdempotencyKey(), NotAfter: k.now.Add(notAfter), Fence: k.action.Gen}
}

// fresh refuses to send on an old claim.
func (k claimed) fresh() error {
	if time.Since(k.at) > sendWithin {
		return &worker.Later{After: 0, Reason: "the worker was held up between claim and send"}
	}
	return nil
}

func (h *Handlers) action(ctx context.Context, w hub.Work) error {
	var a hub.Action
	var c hub.Connection
	if err := h.Store.Read(ctx, func(tx *store.Tx) (err error) {
		if a, err = tx.Action(w.TenantID, w.Ref); err != nil {
			return err
		}
		c, err = tx.Connection(w.TenantID, a.ConnectionID)
		return err
	}); err != nil {
		return err
	}
	if a.State.Settled() || a.State == hub.ActionArmed {
		return h.finish(ctx, w, func(*store.Tx) error { return nil })
	}
	if a.State == hub.ActionReady && a.Op == hub.OpDo && !c.State.Gone() {
		if err := held(c); err != nil { // before the ATS is asked anything
			return err
		}
	}
	ctx = noteCalls(ctx, trailOf(a, hub.TrailCall, "", "", ""))
	switch a.Kind {
	case hub.ActionInvite:
		return h.invite(ctx, w, c, a)
	case hub.ActionMove:
		return h.move(ctx, w, c, a)
	case hub.ActionReview:
		return h.review(ctx, w, c, a)
	case hub.ActionJoin:
		return h.join(ctx, w, c, a)
	}
	return hub.Invalid("kind", "no such action")
}

// begin claims an action under the rules of now. It answers nil when there is
// nothing to send: then it has ended the work, or says when to come back.
func (h *Handlers) begin(ctx context.Context, w hub.Work, id string) (*claimed, error) {
	var k *claimed
	var wait error
	err := h.Store.Write(ctx, func(tx *store.Tx) error {
		a, err := tx.Action(w.TenantID, id)
		if err != nil {
			return err
		}
		c, err := tx.ShareConnection(w.TenantID, a.ConnectionID) // connection, link, action: everyone locks in this order
		if err != nil {
			return err
		}
		l, err := tx.ShareLink(w.TenantID, a.LinkID)
		if err != nil {
			return err
		}
		if a, err = tx.LockAction(w.TenantID, id); err != nil {
			return err
		}
		if a.State.Settled() || a.State == hub.ActionArmed {
			return tx.FinishWork(w)
		}
		doubt := a.State == hub.ActionSending || a.State == hub.ActionUncertain
		gate, err := gateOf(tx, c, l, &a)
		if err != nil {
			return err
		}
		k = &claimed{action: a, conn: c, link: l, doubt: doubt, at: time.Now(), now: tx.Now()}
		switch {
		case !gate.Go && !doubt:
			k = nil
			a.State, a.Reason = gate.State, gate.Reason
			if err := tx.AddTrail(trailOf(a, hub.TrailRule, "may it begin now", "no", gate.Reason)); err != nil {
				return err
			}
			if err := tx.SaveAction(a); err != nil {
				return err
			}
			return tx.FinishWork(w)
		case !gate.Go:
			k.settleOnly, k.why = gate.State, gate.Reason
			return nil
		case !c.State.Working() && a.Op == hub.OpDo:
			k, wait = nil, held(c)
			return nil
		}
		k.action.State, k.action.Attempts = hub.ActionSending, a.Attempts+1
		if a.Kind != hub.ActionJoin {
			k.action.Gen = l.Gen
		}
		if err := tx.HoldWork(w); err != nil {
			return err
		}
		return tx.SaveAction(k.action)
	})
	if err != nil {
		return nil, err
	}
	return k, wait
}

// gateOf asks whether an act may begin under the rules of now. Of joins,
// toggling and uninstalling have decided already; one that slipped through an
// uninstall is taken back.
func gateOf(tx *store.Tx, c hub.Connection, l hub.JobLink, a *hub.Action) (screening.Gate, error) {
	if a.Kind == hub.ActionJoin {
		if c.State.Gone() && a.Op == hub.OpDo {
			a.Op, a.Gen, a.Reason = hub.OpUndo, a.Gen+1, "the integration was uninstalled"
		}
		return screening.Gate{Go: true}, nil
	}
	triggers, err := tx.Triggers(l.TenantID, l.ID)
	return screening.MayBegin(c, l, triggers, *a), err
}

// settled writes what came of an act and ends its work.
func (h *Handlers) settled(ctx context.Context, w hub.Work, a hub.Action, what, verdict, detail string, more func(*store.Tx) error) error {
	return h.finish(ctx, w, func(tx *store.Tx) error {
		if err := tx.AddTrail(trailOf(a, hub.TrailCall, what, verdict, detail)); err != nil {
			return err
		}
		if err := tx.SaveAction(a); err != nil {
			return err
		}
		if more != nil {
			return more(tx)
		}
		return nil
	})
}

// unsent writes that a send failed: not done means it is owed as before,
// anything else leaves it in doubt. The error goes on to decide about the retry.
func (h *Handlers) unsent(ctx context.Context, w hub.Work, k *claimed, what string, err error) error {
	if _, waits := errors.AsType[*worker.Later](err); waits && !k.doubt {
		k.action.State = hub.ActionReady
	} else if outcomeOf(err) == sdk.NotDone && !k.doubt {
		k.action.State = hub.ActionReady
	} else {
		k.action.State = hub.ActionUncertain
	}
	saved := h.Store.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		now, lost := tx.LockAction(k.action.TenantID, k.action.ID)
		if lost != nil {
			return lost
		}
		if err := tx.HoldWork(w); err != nil {
			return err
		}
		if err := writeCalls(ctx, tx); err != nil {
			return err
		}
		if err := tx.AddTrail(trailOf(k.action, hub.TrailCall, what, "failed", worker.Reason(err))); err != nil {
			return err
		}
		if now.Gen != k.action.Gen { // decided anew meanwhile: that decision stands
			return nil
		}
		return tx.SaveAction(k.action)
	})
	if saved != nil {
		return saved
	}
	return err
}

func outcomeOf(err error) sdk.Outcome {
	if e := product.AsError(err); e != nil {
		return e.Outcome
	}
	if e, ok := errors.AsType[*sdk.Error](err); ok {
		return e.Outcome
	}
	return sdk.OutcomeUnknown
}

func trailOf(a hub.Action, kind hub.TrailKind, what, verdict, detail string) hub.Trail {
	return hub.Trail{
		TenantID: a.TenantID, ConnectionID: a.ConnectionID, Kind: kind, JobID: a.JobID, CandidateID: a.CandidateID,
		EventID: a.EventID, ActionID: a.ID, What: what, Verdict: verdict, Detail: detail, Actor: a.Actor,
	}
}

// stop ends an act that turned out not to be wanted, before anything was sent.
func (h *Handlers) stop(ctx context.Context, w hub.Work, a hub.Action, state hub.ActionState, reason string) error {
	a.State, a.Reason = state, reason
	return h.finish(ctx, w, func(tx *store.Tx) error {
		now, err := tx.LockAction(a.TenantID, a.ID)
		if err != nil {
			return err
		}
		if now.State.Settled() {
			return nil
		}
		if err := tx.AddTrail(trailOf(a, hub.TrailRule, "is it still wanted", "no", reason)); err != nil {
			return err
		}
		return tx.SaveAction(a)
	})
}

func receipt(v any) json.RawMessage {
	b, _ := json.Marshal(v) // ids, numbers and flags only
	return b
}

// parkAction puts an act where a person decides.
func (h *Handlers) parkAction(ctx context.Context, w hub.Work, reason string) error {
	return h.finish(ctx, w, func(tx *store.Tx) error {
		a, err := tx.LockAction(w.TenantID, w.Ref)
		if err != nil {
			return err
		}
		if a.State.Settled() {
			return nil
		}
		if a.State == hub.ActionUncertain || a.State == hub.ActionSending {
			reason = "it is not known whether this was done: " + reason
		}
		a.State, a.Reason = hub.ActionParked, reason
		if err := tx.AddTrail(trailOf(a, hub.TrailRule, "given up for now", "parked", reason)); err != nil {
			return err
		}
		return tx.SaveAction(a)
	})
}
