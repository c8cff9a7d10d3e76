package service

import (
	"context"
	"strconv"
	"time"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/ledger"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/store"
)

// ActionView is an outside act as people see it.
type ActionView struct {
	ID           string          `json:"id"`
	ConnectionID string          `json:"connection_id"`
	LinkID       string          `json:"job_link_id,omitempty"`
	Kind         hub.ActionKind  `json:"kind" doc:"invite, move, review, join"`
	State        hub.ActionState `json:"state" doc:"ready, sending, uncertain, armed, done, missed, parked, cancelled, skipped"`
	Summary      string          `json:"summary" doc:"the state in words"`
	Reason       string          `json:"reason,omitempty"`
	Outcome      string          `json:"outcome,omitempty"`
	JobID        string          `json:"job_id,omitempty"`
	CandidateID  string          `json:"candidate_id,omitempty"`
	SlotID       string          `json:"session_id,omitempty" doc:"of a join: the hub's id of the session"`
	Target       string          `json:"target,omitempty"`
	EventID      string          `json:"event_id,omitempty" doc:"the cause"`
	PlanID       string          `json:"plan_id,omitempty"`
	Attempts     int             `json:"attempts"`
	Actor        string          `json:"actor,omitempty" doc:"the person who asked for it"`
	CreatedAt    time.Time       `json:"created_at"`
	UpdatedAt    time.Time       `json:"updated_at"`
	SettledAt    *time.Time      `json:"settled_at,omitempty"`
}

func actionView(a hub.Action) ActionView {
	return ActionView{
		ID: a.ID, ConnectionID: a.ConnectionID, LinkID: a.LinkID, Kind: a.Kind, State: a.State, Summary: inWords(a), Reason: a.Reason,
		Outcome: a.Outcome, JobID: a.JobID, CandidateID: a.CandidateID, SlotID: a.SlotID, Target: a.Target, EventID: a.EventID,
		PlanID: a.PlanID, Attempts: a.Attempts, Actor: a.Actor, CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt, SettledAt: a.SettledAt,
	}
}

var deeds = map[hub.ActionKind][3]string{ // to come, done, noun
	hub.ActionInvite: {"will be invited", "invited", "invitation"},
	hub.ActionMove:   {"will be moved", "moved", "move"},
	hub.ActionReview: {"review will be written", "review written", "review"},
	hub.ActionJoin:   {"will be joined", "joined", "join"},
}

// inWords is the state of an act as a person would say it.
func inWords(a hub.Action) string {
	deed, ok := deeds[a.Kind]
	if !ok {
		return string(a.State)
	}
	because := ""
	if a.Reason != "" {
		because = ": " + a.Reason
	}
	if a.Op == hub.OpUndo && a.State.Open() {
		return "being taken back" + because
	}
	switch a.State {
	case hub.ActionReady:
		return deed[0]
	case hub.ActionSending:
		return deed[2] + " is on its way"
	case hub.ActionUncertain:
		return deed[2] + " was sent, the answer is being looked up"
	case hub.ActionArmed:
		return "the recorder will join"
	case hub.ActionDone:
		if a.Outcome == "joined_late" {
			return "joined late"
		}
		return deed[1]
	case hub.ActionMissed:
		return "missed" + because
	case hub.ActionParked:
		return "needs decision" + because
	case hub.ActionCancelled:
		return deed[2] + " cancelled" + because
	case hub.ActionSkipped:
		return "left alone" + because
	}
	return string(a.State)
}

// Actions lists a tenant's actions, newest first.
func (s *Service) Actions(ctx context.Context, a hub.Actor, f store.ActionFilter, page Page) (l List[ActionView], err error) {
	if err := s.need(a, View); err != nil {
		return l, err
	}
	p := page.of()
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		rows, err := tx.Actions(a.TenantID, f, p)
		l = listOf(p, rows, func(r hub.Action) string { return r.ID }, actionView)
		return err
	})
	return l, err
}

// Action is one action.
func (s *Service) Action(ctx context.Context, a hub.Actor, id string) (v ActionView, err error) {
	if err := s.need(a, View); err != nil {
		return v, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		row, err := tx.Action(a.TenantID, id)
		v = actionView(row)
		return err
	})
	return v, err
}

// Cancel stops an act that was not begun.
func (s *Service) Cancel(ctx context.Context, a hub.Actor, id, reason string) (v ActionView, err error) {
	return s.onAction(ctx, a, id, "cancelled the action", reason, func(tx *store.Tx, row hub.Action) (hub.Action, error) {
		switch {
		case row.State == hub.ActionParked:
			row.State, row.Reason, row.Actor = hub.ActionCancelled, reason, who(a)
			return row, tx.SaveAction(row)
		case !row.State.Open():
			return row, &hub.Error{Code: hub.CodeConflict, Message: "the action is settled already: " + inWords(row)}
		case row.Kind != hub.ActionJoin && row.State != hub.ActionReady:
			return row, &hub.Error{Code: hub.CodeConflict, Message: "the request was already sent and cannot be taken back: " + inWords(row)}
		}
		var r SwitchedOff
		row.Actor = who(a)
		if err := r.stop(tx, row, reason); err != nil {
			return row, err
		}
		return tx.Action(a.TenantID, id)
	})
}

// Retry tries a parked act anew, under the rules of now.
func (s *Service) Retry(ctx context.Context, a hub.Actor, id, reason string) (v ActionView, err error) {
	return s.onAction(ctx, a, id, "asked to try the action anew", reason, func(tx *store.Tx, row hub.Action) (hub.Action, error) {
		if row.State != hub.ActionParked {
			return row, &hub.Error{Code: hub.CodeConflict, Message: "only what waits for a decision can be tried anew: " + inWords(row)}
		}
		if row.Kind == hub.ActionJoin {
			return retryJoin(tx, row)
		}
		row.State, row.Reason, row.Actor = hub.ActionReady, "", who(a)
		if err := tx.SaveAction(row); err != nil {
			return row, err
		}
		return row, tx.RingAction(row)
	})
}

// retryJoin decides anew about the session as it was last read.
func retryJoin(tx *store.Tx, row hub.Action) (hub.Action, error) {
	slot, err := tx.Slot(row.TenantID, row.SlotID)
	if err != nil {
		return row, err
	}
	c, err := tx.ShareConnection(row.TenantID, slot.ConnectionID)
	if err != nil {
		return row, err
	}
	link, err := tx.ShareLink(row.TenantID, slot.LinkID)
	if err != nil {
		return row, err
	}
	join, err := ledger.DecideSession(tx, c, link, slot, "")
	if err != nil || join == nil {
		return row, err
	}
	if !join.State.Open() {
		return row, &hub.Error{Code: hub.CodeConflict, Message: "the session still cannot be joined: " + join.Reason, Next: "mend it in the ATS; it is read again before it starts"}
	}
	return *join, nil
}

// Again does an act a second time because a person wants it: a new row under
// its own key, so that the record shows both.
func (s *Service) Again(ctx context.Context, a hub.Actor, id, reason string) (v ActionView, err error) {
	return s.onAction(ctx, a, id, "asked to do it again", reason, func(tx *store.Tx, row hub.Action) (hub.Action, error) {
		switch {
		case row.Kind == hub.ActionJoin:
			return row, &hub.Error{Code: hub.CodeConflict, Message: "a join is not done again; a recorder joins each session once"}
		case row.State.Open():
			return row, &hub.Error{Code: hub.CodeConflict, Message: "it is still under way: " + inWords(row)}
		}
		link, err := tx.ShareLink(a.TenantID, row.LinkID)
		if err != nil {
			return row, err
		}
		if link.State != hub.LinkOn {
			return row, &hub.Error{Code: hub.CodeConflict, Message: "the job is switched off; nothing was sent", Next: "switch it on first"}
		}
		if row.State == hub.ActionParked {
			return row, &hub.Error{Code: hub.CodeConflict, Message: "it waits for a decision and was not done: " + inWords(row), Next: "try it anew instead"}
		}
		if row.State == hub.ActionSkipped || row.State == hub.ActionCancelled { // never happened: it is the first time, under its own key
			row.State, row.Reason, row.Actor, row.Gen = hub.ActionReady, "", who(a), link.Gen
			row.ConnectionID = link.ConnectionID
			if err := tx.SaveAction(row); err != nil {
				return row, err
			}
			return row, tx.RingAction(row)
		}
		again := row
		again.State, again.Reason, again.Receipt, again.Attempts, again.Actor, again.Gen = hub.ActionReady, "", nil, 0, who(a), link.Gen
		again.ConnectionID = link.ConnectionID
		for n := 1; n <= 100; n++ {
			again.Key = hub.Again(row.Key, strconv.Itoa(n))
			made, created, err := tx.OweAction(again)
			switch {
			case err != nil || created:
				return made, err
			case made.State.Open():
				return row, &hub.Error{Code: hub.CodeConflict, Message: "it is being done again already: " + inWords(made), Fields: map[string]string{"action": made.ID}}
			}
		}
		return row, &hub.Error{Code: hub.CodeConflict, Message: "it was done again a hundred times; that is enough"}
	})
}

// onAction runs a person's decision about an action and writes down who, what
// and why in the same transaction.
func (s *Service) onAction(ctx context.Context, a hub.Actor, id, what, reason string, decide func(*store.Tx, hub.Action) (hub.Action, error)) (v ActionView, err error) {
	if err := s.need(a, product.PermissionManageJobPosts); err != nil {
		return v, err
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		seen, err := tx.Action(a.TenantID, id)
		if err != nil {
			return err
		}
		c, err := tx.ShareConnection(a.TenantID, seen.ConnectionID)
		if err != nil {
			return err
		}
		if c.State.Gone() {
			return errGone()
		}
		if seen.LinkID != "" { // rows are held from the top down, everywhere
			if _, err := tx.ShareLink(a.TenantID, seen.LinkID); err != nil {
				return err
			}
		}
		row, err := tx.LockAction(a.TenantID, id)
		if err != nil {
			return err
		}
		after, err := decide(tx, row)
		if err != nil {
			return err
		}
		v = actionView(after)
		line := human(a, row.ConnectionID, what)
		line.JobID, line.CandidateID, line.ActionID, line.Detail = row.JobID, row.CandidateID, after.ID, reason
		return tx.AddTrail(line)
	})
	return v, err
}
