package relay

import (
	"slices"
	"time"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/store"
)

// Who comes next: one row per tenant and turn, beginning after the tenant
// served last, and no tenant with more in flight than its pace allows.

// pick is one row handed to the broker.
type pick struct {
	queue hub.Queue
	id    string
	ring  int64
}

// dispatch makes due rows ready and marks a batch of each queue as dispatched.
// wait is how long there is nothing to do: 0 when something was picked.
func (r *Relay) dispatch(tx *store.Tx) (picks []pick, wait time.Duration, err error) {
	promoted, next, err := tx.PromoteWork(promoteLimit)
	if err != nil {
		return nil, 0, err
	}
	wait = backstop
	if !next.IsZero() {
		wait = min(wait, max(next.Sub(tx.Now()), time.Millisecond))
	}
	for _, q := range hub.Queues {
		rows, full, err := r.choose(tx, q)
		if err != nil {
			return nil, 0, err
		}
		if full {
			wait = min(wait, fullWait)
		}
		for _, w := range rows {
			ring, ok, err := tx.DispatchWork(w.ID, r.o.Patience[q])
			if err != nil {
				return nil, 0, err
			}
			if ok {
				picks = append(picks, pick{queue: q, id: w.ID, ring: ring})
			}
		}
	}
	if promoted > 0 || len(picks) > 0 {
		wait = 0
	}
	return picks, wait, nil
}

// choose takes at most a batch of a queue's ready rows, in turn; full tells
// that a limit, not the lack of work, may have ended it.
func (r *Relay) choose(tx *store.Tx, q hub.Queue) (rows []hub.Work, full bool, err error) {
	inFlight, err := tx.InFlight(q)
	if err != nil {
		return nil, false, err
	}
	room := r.o.Windows[q]
	for _, n := range inFlight {
		room -= n
	}
	if room <= 0 {
		return nil, true, nil
	}
	room = min(room, batch)
	tenants, err := tx.ReadyTenants(q)
	if err != nil {
		return nil, false, err
	}
	allowed := r.allowances(tx, q, tenants, inFlight)
	waiting := slices.DeleteFunc(startAfter(tenants, r.last[q]), func(t string) bool { return allowed[t] <= 0 })
	full = len(waiting) < len(tenants)
	if len(waiting) == 0 {
		return nil, full, nil
	}
	r.last[q] = waiting[0]
	if len(waiting) > room {
		waiting = waiting[:room]
		r.last[q] = waiting[room-1]
	}
	share := (room + len(waiting) - 1) / len(waiting)
	lanes := make([][]hub.Work, len(waiting))
	for i, t := range waiting {
		if lanes[i], err = tx.ReadyWork(q, t, min(share, allowed[t])); err != nil {
			return nil, false, err
		}
	}
	rows = inTurn(lanes)
	return rows[:min(len(rows), room)], full, nil
}

// allowances are how many more rows of each tenant may go.
func (r *Relay) allowances(tx *store.Tx, q hub.Queue, tenants []string, inFlight map[string]int) map[string]int {
	most := max(r.o.Windows[q]/4, 1)
	r.paces[q].keep(tenants)
	allowed := make(map[string]int, len(tenants))
	for _, t := range tenants {
		allowed[t] = r.paces[q].of(t).adjust(inFlight[t], firstPace[q], most, tx.Now()) - inFlight[t]
	}
	return allowed
}

// startAfter turns a sorted list so that it begins after the given entry.
func startAfter(sorted []string, last string) []string {
	i, found := slices.BinarySearch(sorted, last)
	if found {
		i++
	}
	return append(slices.Clone(sorted[i:]), sorted[:i]...)
}

// inTurn takes the first of every lane, then the second of every lane, …
func inTurn(lanes [][]hub.Work) (all []hub.Work) {
	for i, found := 0, true; found; i++ {
		found = false
		for _, lane := range lanes {
			if i < len(lane) {
				all, found = append(all, lane[i]), true
			}
		}
	}
	return all
}
