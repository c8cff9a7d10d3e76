package store

import (
	"time"

	"github.com/atshub/atshub/internal/hub"
)

// What was last read from the ATS: applications and interview sessions.

const applicationColumns = `tenant_id, connection_id, job_id, candidate_id, application_id, stage_id, stage_entered_at, status,
	display_name, properties_hash, product_candidate, updated_at, seen_at`

func scanApplication(row scanner) (v hub.Application, err error) {
	err = row.Scan(&v.TenantID, &v.ConnectionID, &v.JobID, &v.CandidateID, &v.ApplicationID, &v.StageID, maybe{&v.StageEnteredAt},
		&v.Status, &v.DisplayName, &v.PropertiesHash, &v.ProductCandidate, maybe{&v.UpdatedAt}, instant{&v.SeenAt})
	return v, err
}

// SeeApplication remembers what was read. What only we know (the product's id,
// the synced properties, an application id a list does not tell) stays when
// the new value is empty.
func (t *Tx) SeeApplication(a hub.Application) error {
	return t.execOne("application", `
		insert into applications (`+applicationColumns+`) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		on conflict (connection_id, job_id, candidate_id) do update set
			application_id = case when excluded.application_id = '' then applications.application_id else excluded.application_id end,
			stage_id = excluded.stage_id, stage_entered_at = coalesce(excluded.stage_entered_at, applications.stage_entered_at),
			status = excluded.status,
			display_name = case when excluded.display_name = '' then applications.display_name else excluded.display_name end,
			properties_hash = case when excluded.properties_hash = '' then applications.properties_hash else excluded.properties_hash end,
			product_candidate = case when excluded.product_candidate = '' then applications.product_candidate else excluded.product_candidate end,
			updated_at = coalesce(excluded.updated_at, applications.updated_at), seen_at = excluded.seen_at
		where applications.tenant_id = excluded.tenant_id`,
		a.TenantID, a.ConnectionID, a.JobID, a.CandidateID, a.ApplicationID, a.StageID, maybeMillis(a.StageEnteredAt), a.Status,
		a.DisplayName, a.PropertiesHash, a.ProductCandidate, maybeMillis(a.UpdatedAt), millis(t.now))
}

// Application is what is remembered of a candidate's application for a job.
func (t *Tx) Application(tenant, connection, jobID, candidateID string) (hub.Application, error) {
	return one(t, "application", scanApplication, `
		select `+applicationColumns+` from applications
		where connection_id = $1 and job_id = $2 and candidate_id = $3 and tenant_id = $4`, connection, jobID, candidateID, tenant)
}

// Applications lists what is remembered of a job's applications, by candidate id.
func (t *Tx) Applications(tenant, connection, jobID string, p Page) ([]hub.Application, error) {
	return many(t, "applications", scanApplication, `
		select `+applicationColumns+` from applications
		where connection_id = $1 and job_id = $2 and tenant_id = $3 and candidate_id > $4 order by candidate_id limit $5`,
		connection, jobID, tenant, p.After, p.limit())
}

const slotColumns = `id, tenant_id, connection_id, link_id, job_id, candidate_id, application_id, interview_id, session_id, title,
	starts_at, ends_at, timezone, meeting_url, gen, cancelled, reason, seen_at`

func scanSlot(row scanner) (v hub.Slot, err error) {
	err = row.Scan(&v.ID, &v.TenantID, &v.ConnectionID, &v.LinkID, &v.JobID, &v.CandidateID, &v.Application, &v.InterviewID, &v.SessionID,
		&v.Title, instant{&v.StartsAt}, instant{&v.EndsAt}, &v.Timezone, &v.MeetingURL, &v.Gen, flag{&v.Cancelled}, &v.Reason, instant{&v.SeenAt})
	return v, err
}

// SeeSlot remembers a session as read; Gen rises when anything the recorder
// cares about changed. It answers the row and whether it changed.
func (t *Tx) SeeSlot(s hub.Slot) (row hub.Slot, changed bool, err error) {
	before, err := one(t, "session", scanSlot, `
		select `+slotColumns+` from slots where connection_id = $1 and interview_id = $2 and session_id = $3 and tenant_id = $4`+t.lockRow(),
		s.ConnectionID, s.InterviewID, s.SessionID, s.TenantID)
	switch {
	case hub.CodeOf(err) == hub.CodeNotFound:
		s.ID, s.Gen, changed = hub.NewID("slt"), 1, true
	case err != nil:
		return s, false, err
	default:
		s.ID, s.Gen, changed = before.ID, before.Gen, !before.Same(s)
		if changed {
			s.Gen++
		}
	}
	s.SeenAt = t.now
	return s, changed, t.execOne("session", `
		insert into slots (`+slotColumns+`) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
		on conflict (connection_id, interview_id, session_id) do update set
			link_id = excluded.link_id, title = excluded.title, starts_at = excluded.starts_at, ends_at = excluded.ends_at,
			timezone = excluded.timezone, meeting_url = excluded.meeting_url, gen = excluded.gen, cancelled = excluded.cancelled,
			reason = excluded.reason, seen_at = excluded.seen_at
		where slots.tenant_id = excluded.tenant_id`,
		s.ID, s.TenantID, s.ConnectionID, s.LinkID, s.JobID, s.CandidateID, s.Application, s.InterviewID, s.SessionID, s.Title,
		millis(s.StartsAt), millis(s.EndsAt), s.Timezone, s.MeetingURL, s.Gen, bit(s.Cancelled), s.Reason, millis(t.now))
}

// Slot is one session of a tenant.
func (t *Tx) Slot(tenant, id string) (hub.Slot, error) {
	return one(t, "session", scanSlot, `select `+slotColumns+` from slots where id = $1 and tenant_id = $2`, id, tenant)
}

// SlotsOfInterview are the remembered sessions of an interview.
func (t *Tx) SlotsOfInterview(tenant, connection, interview string) ([]hub.Slot, error) {
	return many(t, "sessions", scanSlot, `
		select `+slotColumns+` from slots where connection_id = $1 and interview_id = $2 and tenant_id = $3 order by starts_at, id`, connection, interview, tenant)
}

// SlotsOfApplication are the remembered sessions of an application that have not ended.
func (t *Tx) SlotsOfApplication(tenant, connection, application string) ([]hub.Slot, error) {
	return many(t, "sessions", scanSlot, `
		select `+slotColumns+` from slots
		where connection_id = $1 and application_id = $2 and tenant_id = $3 and ends_at > $4 order by starts_at, id`, connection, application, tenant, millis(t.now))
}

// SlotsOfLink are the sessions of a job link that have not ended, soonest first.
func (t *Tx) SlotsOfLink(tenant, link string) ([]hub.Slot, error) {
	return many(t, "sessions", scanSlot, `
		select `+slotColumns+` from slots where link_id = $1 and tenant_id = $2 and ends_at > $3 order by starts_at, id`, link, tenant, millis(t.now))
}

// Slots lists a tenant's sessions starting from a time on, soonest first;
// connection may be empty. Page.After is the id of the last row seen, whose
// start is given again as from.
func (t *Tx) Slots(tenant, connection string, from time.Time, p Page) ([]hub.Slot, error) {
	return many(t, "sessions", scanSlot, `
		select `+slotColumns+` from slots
		where tenant_id = $1 and ($2 = '' or connection_id = $2) and (starts_at > $3 or (starts_at = $3 and id > $4))
		order by starts_at, id limit $5`, tenant, connection, millis(from), p.After, p.limit())
}

// InSameCall lists other sessions of the tenant that lead into the same call
// within lead of this one and are, or will be, joined.
func (t *Tx) InSameCall(s hub.Slot, lead time.Duration) ([]hub.Slot, error) {
	return many(t, "sessions", scanSlot, `
		select `+slotColumns+` from slots
		where tenant_id = $1 and starts_at < $2 and starts_at > $3 and ends_at > $4 and id <> $5 and meeting_url = $6 and $6 <> '' and cancelled = 0
			and exists (select 1 from actions a where a.slot_id = slots.id and a.kind = 'join' and a.op = 'do' and a.state in ('ready', 'sending', 'uncertain', 'armed'))
		order by starts_at, id`,
		s.TenantID, millis(s.EndsAt), millis(s.StartsAt.Add(-24*time.Hour)), millis(s.StartsAt.Add(-lead)), s.ID, s.MeetingURL)
}
