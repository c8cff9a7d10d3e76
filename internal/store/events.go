package store

import (
	"time"

	"github.com/atshub/atshub/internal/hub"
)

// The inbox: every fact once, with what became of it.

// keyLife is how long an event's dedupe key is remembered; the vendor's log
// reaches back 30 days.
const keyLife = 40 * 24 * time.Hour

const eventColumns = `id, tenant_id, connection_id, source, dedupe, kind, source_name, job_id, candidate_id,
	application_id, interview_id, status, headers, body, received_at, occurred_at, disposition, reason, settled_at`

func scanEvent(row scanner) (v hub.Event, err error) {
	err = row.Scan(&v.ID, &v.TenantID, &v.ConnectionID, &v.Source, &v.Key, &v.Kind, &v.SourceName, &v.JobID,
		&v.CandidateID, &v.Application, &v.InterviewID, &v.Status, document{&v.Headers}, &v.Body,
		instant{&v.ReceivedAt}, maybe{&v.OccurredAt}, &v.Disposition, &v.Reason, maybe{&v.SettledAt})
	return v, err
}

// AddEvent records a fact and the work of deciding on it. fresh is false when
// its key was seen before; then nothing is written.
func (t *Tx) AddEvent(e hub.Event) (id string, fresh bool, err error) {
	e.ID = hub.NewID("evt")
	n, err := t.exec("remember event", `
		insert into event_keys (dedupe, event_id, expires_at) values ($1, $2, $3) on conflict (dedupe) do nothing`,
		hub.DedupeKey(e.ConnectionID, e.Key), e.ID, millis(t.now.Add(keyLife)))
	if err != nil || n == 0 {
		return "", false, err
	}
	if err := t.insertEvent(e); err != nil {
		return "", false, err
	}
	return e.ID, true, t.AddWork(hub.Work{
		TenantID: e.TenantID, ConnectionID: e.ConnectionID, Queue: hub.QueueWebhooks, Kind: hub.WorkEvent, Ref: e.ID, DueAt: t.now,
	})
}

func (t *Tx) insertEvent(e hub.Event) error {
	headers := e.Headers
	if headers == nil {
		headers = map[string]string{}
	}
	return t.execOne("event", `
		insert into events (`+eventColumns+`)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, '', '', null)`,
		e.ID, e.TenantID, e.ConnectionID, e.Source, e.Key, e.Kind, e.SourceName, e.JobID, e.CandidateID,
		e.Application, e.InterviewID, e.Status, jsonText(headers), e.Body, millis(t.now), maybeMillis(e.OccurredAt))
}

// Event is one event of a tenant.
func (t *Tx) Event(tenant, id string) (hub.Event, error) {
	return one(t, "event", scanEvent, `select `+eventColumns+` from events where id = $1 and tenant_id = $2`, id, tenant)
}

// EventFilter narrows Events; empty fields do not.
type EventFilter struct {
	ConnectionID, JobID, CandidateID, InterviewID, Disposition string
}

// Events lists a tenant's events, newest first.
func (t *Tx) Events(tenant string, f EventFilter, p Page) ([]hub.Event, error) {
	return many(t, "events", scanEvent, `
		select `+eventColumns+` from events
		where tenant_id = $1 and ($2 = '' or connection_id = $2) and ($3 = '' or job_id = $3) and ($4 = '' or candidate_id = $4)
			and ($5 = '' or interview_id = $5) and ($6 = '' or disposition = $6) and ($7 = '' or id < $7)
		order by id desc limit $8`,
		tenant, f.ConnectionID, f.JobID, f.CandidateID, f.InterviewID, f.Disposition, p.After, p.limit())
}

// ParsedEvent fills in what a raw delivery turned out to be about.
func (t *Tx) ParsedEvent(e hub.Event) error {
	return t.execOne("event", `
		update events set kind = $3, source_name = $4, job_id = $5, candidate_id = $6, application_id = $7, interview_id = $8, occurred_at = $9
		where id = $1 and tenant_id = $2`,
		e.ID, e.TenantID, e.Kind, e.SourceName, e.JobID, e.CandidateID, e.Application, e.InterviewID, maybeMillis(e.OccurredAt))
}

// SettleEvent records what became of an event.
func (t *Tx) SettleEvent(tenant, id string, d hub.Disposition, reason string) error {
	return t.execOne("event", `
		update events set disposition = $3, reason = $4, settled_at = $5 where id = $1 and tenant_id = $2`,
		id, tenant, d, reason, millis(t.now))
}

// OpenEvents counts the events without a disposition, for the books.
func (t *Tx) OpenEvents(connection string) (int64, error) {
	return one(t, "events", number, `select count(*) from work where connection_id = $1 and kind = 'event'`, connection)
}

// ExpireEvents forgets dedupe keys past their time and bodies older than
// bodyLife, at most limit rows each, and tells how many went.
func (t *Tx) ExpireEvents(bodyLife time.Duration, limit int) (int64, error) {
	keys, err := t.exec("expire event keys", `
		delete from event_keys where dedupe in (select dedupe from event_keys where expires_at < $1 order by expires_at limit $2)`, millis(t.now), limit)
	if err != nil {
		return 0, err
	}
	bodies, err := t.exec("expire bodies", `
		update events set body = null, headers = '{}' where id in (
			select id from events where body is not null and received_at < $1 order by received_at limit $2)`,
		millis(t.now.Add(-bodyLife)), limit)
	return keys + bodies, err
}
