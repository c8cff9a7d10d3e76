package store

import (
	"github.com/atshub/atshub/internal/hub"
)

// The acts we owe, each under a natural key that is never deleted.

const actionColumns = `id, tenant_id, connection_id, link_id, kind, op, natural_key, gen, state, reason, outcome, job_id,
	candidate_id, application_id, slot_id, trigger_id, event_id, plan_id, target, payload, receipt, attempts, actor,
	created_at, updated_at, settled_at`

func scanAction(row scanner) (v hub.Action, err error) {
	var payload, receipt string
	err = row.Scan(&v.ID, &v.TenantID, &v.ConnectionID, &v.LinkID, &v.Kind, &v.Op, &v.Key, &v.Gen, &v.State, &v.Reason,
		&v.Outcome, &v.JobID, &v.CandidateID, &v.Application, &v.SlotID, &v.TriggerID, &v.EventID, &v.PlanID, &v.Target,
		&payload, &receipt, &v.Attempts, &v.Actor, instant{&v.CreatedAt}, instant{&v.UpdatedAt}, maybe{&v.SettledAt})
	v.Payload, v.Receipt = []byte(payload), []byte(receipt)
	return v, err
}

func raw(b []byte) string {
	if len(b) == 0 {
		return "{}"
	}
	return string(b)
}

// OweAction writes an act under its natural key and, if it is ready, the work
// of doing it. When the key exists nothing is written: the earlier row is
// answered and created is false.
func (t *Tx) OweAction(a hub.Action) (row hub.Action, created bool, err error) {
	a.ID = hub.NewID("act")
	if a.Op == "" {
		a.Op = hub.OpDo
	}
	var settled any
	if a.State.Settled() {
		settled = millis(t.now)
	}
	n, err := t.exec("owe action", `
		insert into actions (`+actionColumns+`)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', $11, $12, $13, $14, $15, $16, $17, $18, $19, '{}', 0, $20, $21, $21, $22)
		on conflict (tenant_id, natural_key) do nothing`,
		a.ID, a.TenantID, a.ConnectionID, a.LinkID, a.Kind, a.Op, a.Key, a.Gen, a.State, a.Reason, a.JobID, a.CandidateID,
		a.Application, a.SlotID, a.TriggerID, a.EventID, a.PlanID, a.Target, raw(a.Payload), a.Actor, millis(t.now), settled)
	if err != nil {
		return a, false, err
	}
	if n == 0 {
		row, err = t.ActionByKey(a.TenantID, a.Key)
		return row, false, err
	}
	if a.State == hub.ActionReady {
		err = t.RingAction(a)
	}
	a.CreatedAt, a.UpdatedAt = t.now, t.now
	return a, true, err
}

// RingAction makes an action's work due now.
func (t *Tx) RingAction(a hub.Action) error {
	queue := hub.QueueDefault
	if a.Kind == hub.ActionJoin {
		queue = hub.QueueCritical
	}
	return t.AddWork(hub.Work{TenantID: a.TenantID, ConnectionID: a.ConnectionID, Queue: queue, Kind: hub.WorkAction, Ref: a.ID, DueAt: t.now})
}

// Action is one action of a tenant.
func (t *Tx) Action(tenant, id string) (hub.Action, error) {
	return one(t, "action", scanAction, `select `+actionColumns+` from actions where id = $1 and tenant_id = $2`, id, tenant)
}

// LockAction is Action, held for change.
func (t *Tx) LockAction(tenant, id string) (hub.Action, error) {
	return one(t, "action", scanAction, `select `+actionColumns+` from actions where id = $1 and tenant_id = $2`+t.lockRow(), id, tenant)
}

// ActionByKey is the action under a natural key, held for change.
func (t *Tx) ActionByKey(tenant, key string) (hub.Action, error) {
	return one(t, "action", scanAction, `select `+actionColumns+` from actions where tenant_id = $1 and natural_key = $2`+t.lockRow(), tenant, key)
}

// SaveAction writes what may change of an action; SettledAt follows State.
func (t *Tx) SaveAction(a hub.Action) error {
	var settled any
	if a.State.Settled() {
		settled = millis(t.now)
	}
	return t.execOne("action", `
		update actions set op = $3, gen = $4, state = $5, reason = $6, outcome = $7, link_id = $8, connection_id = $9, trigger_id = $10,
			event_id = $11, plan_id = $12, target = $13, payload = $14, receipt = $15, attempts = $16, actor = $17, updated_at = $18,
			settled_at = case when cast($19 as bigint) is null then null else coalesce(settled_at, $19) end
		where id = $1 and tenant_id = $2`,
		a.ID, a.TenantID, a.Op, a.Gen, a.State, a.Reason, a.Outcome, a.LinkID, a.ConnectionID, a.TriggerID,
		a.EventID, a.PlanID, a.Target, raw(a.Payload), raw(a.Receipt), a.Attempts, a.Actor, millis(t.now), settled)
}

// ActionFilter narrows Actions; empty fields do not.
type ActionFilter struct {
	ConnectionID, LinkID, JobID, CandidateID, SlotID, Kind, State string
}

// Actions lists a tenant's actions, newest first.
func (t *Tx) Actions(tenant string, f ActionFilter, p Page) ([]hub.Action, error) {
	return many(t, "actions", scanAction, `
		select `+actionColumns+` from actions
		where tenant_id = $1 and ($2 = '' or connection_id = $2) and ($3 = '' or link_id = $3) and ($4 = '' or job_id = $4)
			and ($5 = '' or candidate_id = $5) and ($6 = '' or slot_id = $6) and ($7 = '' or kind = $7) and ($8 = '' or state = $8)
			and ($9 = '' or id < $9)
		order by id desc limit $10`,
		tenant, f.ConnectionID, f.LinkID, f.JobID, f.CandidateID, f.SlotID, f.Kind, f.State, p.After, p.limit())
}

// ActionsOf are all actions about a candidate of a job, oldest first, also
// those of an earlier installation.
func (t *Tx) ActionsOf(tenant, jobID, candidateID string) ([]hub.Action, error) {
	return many(t, "actions", scanAction, `
		select `+actionColumns+` from actions
		where tenant_id = $1 and candidate_id = $2 and job_id = $3 order by id`, tenant, candidateID, jobID)
}

// OpenActionsOfLink are the link's acts that may still happen, held for change.
func (t *Tx) OpenActionsOfLink(tenant, link string) ([]hub.Action, error) {
	return many(t, "actions", scanAction, `
		select `+actionColumns+` from actions
		where link_id = $1 and tenant_id = $2 and state in ('ready', 'sending', 'uncertain', 'armed') order by id`+t.lockRow(), link, tenant)
}

// OpenActionsOfConnection are the connection's acts that may still happen, held for change.
func (t *Tx) OpenActionsOfConnection(tenant, connection string) ([]hub.Action, error) {
	return many(t, "actions", scanAction, `
		select `+actionColumns+` from actions
		where connection_id = $1 and tenant_id = $2 and state in ('ready', 'sending', 'uncertain', 'armed') order by id`+t.lockRow(), connection, tenant)
}

// JoinOfSlot is the join of a session; CodeNotFound when none was ever owed.
func (t *Tx) JoinOfSlot(tenant, slot string) (hub.Action, error) {
	return one(t, "action", scanAction, `
		select `+actionColumns+` from actions where slot_id = $1 and tenant_id = $2 and kind = 'join' order by id desc limit 1`, slot, tenant)
}

// CancelParked gives up what waited for a person at a connection and tells how
// many that were.
func (t *Tx) CancelParked(tenant, connection, reason string) (int64, error) {
	return t.exec("cancel parked actions", `
		update actions set state = 'cancelled', reason = $3, updated_at = $4, settled_at = coalesce(settled_at, $4)
		where connection_id = $1 and tenant_id = $2 and state = 'parked' and op = 'do'`, connection, tenant, reason, millis(t.now))
}
