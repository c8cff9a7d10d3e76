// Package ledger writes what decisions lead to, the same way whether a worker
// or a person led to them. Everything happens in the caller's transaction.
package ledger

import (
	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/internal/workflow/capture"
	"github.com/atshub/atshub/internal/workflow/screening"
)

// Owe writes an action under its natural key. One of the same key that never
// happened because its job was off is taken up again; any other stays as it is
// and is answered. fresh: the act is owed now and was not before.
func Owe(tx *store.Tx, a hub.Action) (row hub.Action, fresh bool, err error) {
	row, created, err := tx.OweAction(a)
	if err != nil || created || !screening.Revivable(row, hub.JobLink{Gen: a.Gen, ConnectionID: a.ConnectionID}) {
		return row, created, err
	}
	row.State, row.Reason, row.Gen, row.EventID = hub.ActionReady, "", a.Gen, a.EventID
	row.LinkID, row.ConnectionID, row.TriggerID, row.Target, row.Payload = a.LinkID, a.ConnectionID, a.TriggerID, a.Target, a.Payload
	if err := tx.SaveAction(row); err != nil {
		return row, false, err
	}
	return row, true, tx.RingAction(row)
}

// DecideSession brings the join of a remembered session in line with what the
// rules say now, and has the session read again before it starts. It answers
// the join, nil if there is none.
func DecideSession(tx *store.Tx, c hub.Connection, l hub.JobLink, slot hub.Slot, eventID string) (*hub.Action, error) {
	f := capture.Facts{Connection: c, Link: l, Slot: slot, Now: tx.Now(), EventID: eventID}
	join, err := tx.ActionByKey(c.TenantID, hub.JoinKey(slot.InterviewID, slot.SessionID))
	switch {
	case err == nil:
		f.Join = &join
	case hub.CodeOf(err) != hub.CodeNotFound:
		return nil, err
	}
	others, err := tx.InSameCall(slot, 0)
	if err != nil {
		return nil, err
	}
	f.SameCall = len(others) > 0
	result, err := apply(tx, f, capture.Decide(f))
	if err != nil {
		return nil, err
	}
	if due, ok := capture.Rereads(slot.StartsAt, tx.Now()); ok && l.State == hub.LinkOn && !slot.Cancelled {
		err = tx.AddWork(hub.Work{TenantID: c.TenantID, ConnectionID: c.ID, Queue: hub.QueueCritical, Kind: hub.WorkReread, Ref: slot.ID, DueAt: due})
	}
	return result, err
}

func apply(tx *store.Tx, f capture.Facts, change capture.Change) (*hub.Action, error) {
	switch {
	case change.Owe != nil:
		row, _, err := tx.OweAction(*change.Owe)
		if err != nil {
			return nil, err
		}
		return &row, tx.AddTrail(change.Trail...)
	case change.Update != nil:
		// The session may have been joined or armed by an earlier installation.
		change.Update.SlotID, change.Update.ConnectionID = f.Slot.ID, f.Connection.ID
		if err := tx.SaveAction(*change.Update); err != nil {
			return nil, err
		}
		if change.Ring {
			if err := tx.RingAction(*change.Update); err != nil {
				return nil, err
			}
		}
		return change.Update, tx.AddTrail(change.Trail...)
	}
	return f.Join, nil
}
