package store

import (
	"time"

	"github.com/atshub/atshub/internal/hub"
)

// The doorbell list: one small row per thing to run, now or later. It holds
// what is open and nothing else, so no scan of it grows with the ledger.

const workColumns = `id, tenant_id, connection_id, queue, kind, ref, due_at, every, ring, token, attempt, failures, failing_since, last_error`

func scanWork(row scanner) (v hub.Work, err error) {
	var every int64
	err = row.Scan(&v.ID, &v.TenantID, &v.ConnectionID, &v.Queue, &v.Kind, &v.Ref, instant{&v.DueAt}, &every,
		&v.Ring, &v.Token, &v.Attempt, &v.Failures, maybe{&v.FailingSince}, &v.LastError)
	v.Every = time.Duration(every) * time.Millisecond
	return v, err
}

// AddWork makes sure the thing is looked at no later than w.DueAt. There is
// one row per kind and ref: if it is running now, it will run once more.
func (t *Tx) AddWork(w hub.Work) error {
	state := "later"
	if !w.DueAt.After(t.now) {
		state = "ready"
		t.rings = true
	}
	return t.execOne("work", `
		insert into work (id, tenant_id, connection_id, queue, kind, ref, state, due_at, every, ring, token, lease_until, attempt, failures, last_error, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, '', 0, 0, 0, '', $10)
		on conflict (kind, ref) do update set
			every = excluded.every,
			due_at = case when work.state in ('later', 'ready') and excluded.due_at < work.due_at then excluded.due_at else work.due_at end,
			again_at = case when work.state = 'running' and (work.again_at is null or excluded.due_at < work.again_at) then excluded.due_at else work.again_at end`,
		hub.NewID("wrk"), w.TenantID, w.ConnectionID, w.Queue, w.Kind, w.Ref, state, millis(w.DueAt), w.Every.Milliseconds(), millis(t.now))
}

// DropWork forgets a thing that need not run any more. A run under way finds
// its claim gone and writes nothing.
func (t *Tx) DropWork(kind hub.WorkKind, ref string) error {
	_, err := t.exec("drop work", `delete from work where kind = $1 and ref = $2`, kind, ref)
	return err
}

// DropWorkOf forgets all work of a connection but its uninstall and what may
// already be on the wire.
func (t *Tx) DropWorkOf(tenant, connection string) error {
	_, err := t.exec("drop work", `
		delete from work where connection_id = $1 and tenant_id = $2 and kind <> 'connection.uninstall'
			and not (kind = 'action' and ref in (select id from actions where connection_id = $1 and state in ('ready', 'sending', 'uncertain', 'armed')))`,
		connection, tenant)
	return err
}

// PromoteWork makes ready what has become due, at most limit rows, and tells
// how many and when the next will be due (zero: nothing waits).
func (t *Tx) PromoteWork(limit int) (n int64, next time.Time, err error) {
	n, err = t.exec("promote work", `
		update work set state = 'ready' where state = 'later' and due_at <= $1 and id in (
			select id from work where state = 'later' and due_at <= $1 order by due_at limit $2`+t.skipLocked()+`)`, millis(t.now), limit)
	if err != nil {
		return 0, time.Time{}, err
	}
	due, err := one(t, "work", number, `select coalesce(min(due_at), 0) from work where state = 'later'`)
	if due > 0 {
		next = fromMillis(due)
	}
	return n, next, err
}

// ReadyTenants lists the tenants with ready work in a queue, by a loose index
// scan: its cost is one step per tenant, however long the backlog.
func (t *Tx) ReadyTenants(q hub.Queue) ([]string, error) {
	return many(t, "work", text, `
		with recursive waiting (tenant_id) as (
			select min(tenant_id) from work where state = 'ready' and queue = $1
			union all
			select (select min(w.tenant_id) from work w where w.state = 'ready' and w.queue = $1 and w.tenant_id > waiting.tenant_id)
			from waiting where waiting.tenant_id is not null)
		select tenant_id from waiting where tenant_id is not null`, q)
}

// InFlight counts, by tenant, what of a queue is dispatched or running.
func (t *Tx) InFlight(q hub.Queue) (map[string]int, error) {
	type row struct {
		tenant string
		n      int
	}
	rows, err := many(t, "work", func(s scanner) (v row, err error) { err = s.Scan(&v.tenant, &v.n); return v, err }, `
		select tenant_id, count(*) from work where state in ('dispatched', 'running') and queue = $1 group by tenant_id`, q)
	counts := map[string]int{}
	for _, r := range rows {
		counts[r.tenant] = r.n
	}
	return counts, err
}

// ReadyWork lists the first ready rows of one tenant in a queue, longest due
// first, and holds them; rows another relay holds are left out.
func (t *Tx) ReadyWork(q hub.Queue, tenant string, limit int) ([]hub.Work, error) {
	return many(t, "work", scanWork, `
		select `+workColumns+` from work where state = 'ready' and queue = $1 and tenant_id = $2 order by due_at, id limit $3`+t.skipLocked(), q, tenant, limit)
}

// DispatchWork marks a ready row as handed to the broker and answers its new
// ring; ok is false when another relay was faster. A row not claimed within
// patience becomes ready again.
func (t *Tx) DispatchWork(id string, patience time.Duration) (ring int64, ok bool, err error) {
	ring, err = one(t, "work", number, `
		update work set state = 'dispatched', ring = ring + 1, lease_until = $2 where id = $1 and state = 'ready' returning ring`,
		id, millis(t.now.Add(patience)))
	if hub.CodeOf(err) == hub.CodeNotFound {
		return 0, false, nil
	}
	return ring, err == nil, err
}

// UndispatchWork takes back rows the broker did not take.
func (t *Tx) UndispatchWork(ids []string) error {
	for _, id := range ids {
		if _, err := t.exec("undispatch work", `update work set state = 'ready' where id = $1 and state = 'dispatched'`, id); err != nil {
			return err
		}
	}
	return nil
}

// RedispatchAll makes ready everything the broker held, after it was wiped.
func (t *Tx) RedispatchAll() (int64, error) {
	return t.exec("redispatch work", `
		update work set state = 'ready' where state = 'dispatched' and id in (
			select id from work where state = 'dispatched' order by id`+t.lockRow()+`)`)
}

// ReclaimWork makes ready what was dispatched but never claimed, and what was
// claimed by a worker that died. It tells how many of each.
func (t *Tx) ReclaimWork() (unclaimed, abandoned int64, err error) {
	unclaimed, err = t.exec("reclaim work", `
		update work set state = 'ready' where state = 'dispatched' and lease_until < $1 and id in (
			select id from work where state = 'dispatched' and lease_until < $1`+t.skipLocked()+`)`, millis(t.now))
	if err != nil {
		return 0, 0, err
	}
	abandoned, err = t.exec("reclaim work", `
		update work set state = 'ready', token = '' where state = 'running' and lease_until < $1 and id in (
			select id from work where state = 'running' and lease_until < $1`+t.skipLocked()+`)`, millis(t.now))
	return unclaimed, abandoned, err
}

// ClaimWork takes a row for lease; ok is false when it is gone, not due or
// someone else's, and then there is nothing to do. The token fences every
// later write about it.
func (t *Tx) ClaimWork(id string, lease time.Duration) (w hub.Work, ok bool, err error) {
	w, err = one(t, "work", scanWork, `
		update work set state = 'running', token = $2, lease_until = $3, attempt = attempt + 1, again_at = null
		where id = $1 and (state in ('ready', 'dispatched') or (state = 'running' and lease_until < $4))
		returning `+workColumns, id, hub.NewID("clm"), millis(t.now.Add(lease)), millis(t.now))
	if hub.CodeOf(err) == hub.CodeNotFound {
		return w, false, nil
	}
	return w, err == nil, err
}

// errLost is the answer to a claim that ran out or was dropped: what the
// transaction wrote must not stay.
func errLost() error {
	return &hub.Error{Code: hub.CodeConflict, Message: "the claim on this work was lost; another worker has it"}
}

// RenewWork holds a claim for another lease; CodeConflict if it was lost.
func (t *Tx) RenewWork(w hub.Work, lease time.Duration) error {
	n, err := t.exec("renew work", `update work set lease_until = $3 where id = $1 and token = $2 and state = 'running'`, w.ID, w.Token, millis(t.now.Add(lease)))
	if err == nil && n == 0 {
		return errLost()
	}
	return err
}

// HoldWork tells that a claim is still ours, and holds it to the end of the
// transaction; CodeConflict if it was lost.
func (t *Tx) HoldWork(w hub.Work) error {
	_, err := one(t, "work", text, `select id from work where id = $1 and token = $2 and state = 'running'`+t.lockRow(), w.ID, w.Token)
	if hub.CodeOf(err) == hub.CodeNotFound {
		return errLost()
	}
	return err
}

// FinishWork ends a claim: the row goes, or waits for its next turn if it
// repeats or was asked for meanwhile. CodeConflict if the claim was lost.
func (t *Tx) FinishWork(w hub.Work) error {
	if w.Every == 0 {
		n, err := t.exec("finish work", `
			delete from work where id = $1 and token = $2 and state = 'running' and every = 0 and again_at is null`, w.ID, w.Token)
		if err != nil || n == 1 {
			return err
		}
	}
	n, err := t.exec("finish work", `
		update work set state = 'later', token = '', attempt = 0, failures = 0, failing_since = null, last_error = '',
			due_at = case when again_at is not null and (every = 0 or again_at < $3 + every) then again_at else $3 + every end, again_at = null
		where id = $1 and token = $2 and state = 'running'`, w.ID, w.Token, millis(t.now))
	if err == nil && n == 0 {
		return errLost()
	}
	t.rings = true
	return err
}

// Retry says how a claim ended without success.
type Retry struct {
	After         time.Duration
	Deterministic bool   // would fail again unless something changes
	Error         string // code and safe message
	Free          bool   // burns nothing: the ATS asked us to wait
}

// RetryWork ends a claim that must be taken up again, sooner if it was asked
// for meanwhile and the retry is not Free. CodeConflict if it was lost.
func (t *Tx) RetryWork(w hub.Work, r Retry) error {
	failures, since := int64(0), any(nil)
	if r.Deterministic {
		failures = 1
	}
	if !r.Free {
		since = millis(t.now)
	}
	n, err := t.exec("retry work", `
		update work set state = 'later', token = '', again_at = null, last_error = $4,
			due_at = case when $7 = 0 and again_at < $3 then again_at else $3 end,
			failures = failures + $5, failing_since = coalesce(failing_since, $6), attempt = attempt - $7
		where id = $1 and token = $2 and state = 'running'`,
		w.ID, w.Token, millis(t.now.Add(r.After)), r.Error, failures, since, bit(r.Free))
	if err == nil && n == 0 {
		return errLost()
	}
	t.rings = true
	return err
}

// WorkOf is the open row of a thing; CodeNotFound when there is none.
func (t *Tx) WorkOf(kind hub.WorkKind, ref string) (hub.Work, error) {
	return one(t, "work", scanWork, `select `+workColumns+` from work where kind = $1 and ref = $2`, kind, ref)
}

// WorkCount is one cell of the queue's picture.
type WorkCount struct {
	Queue     hub.Queue
	State     string
	Rows      int64
	OldestDue time.Time
}

// WorkCounts is the queue by state, for metrics.
func (t *Tx) WorkCounts() ([]WorkCount, error) {
	return many(t, "work", func(row scanner) (v WorkCount, err error) {
		err = row.Scan(&v.Queue, &v.State, &v.Rows, instant{&v.OldestDue})
		return v, err
	}, `select queue, state, count(*), min(due_at) from work group by queue, state`)
}

// BrokerEpoch is the mark the ledger expects to find in Redis; "" before the first.
func (t *Tx) BrokerEpoch() (string, error) {
	epoch, err := one(t, "broker epoch", text, `select epoch from broker where id = 1`)
	if hub.CodeOf(err) == hub.CodeNotFound {
		return "", nil
	}
	return epoch, err
}

// SetBrokerEpoch records a new mark.
func (t *Tx) SetBrokerEpoch(epoch string) error {
	return t.execOne("broker epoch", `
		insert into broker (id, epoch) values (1, $1) on conflict (id) do update set epoch = excluded.epoch`, epoch)
}
