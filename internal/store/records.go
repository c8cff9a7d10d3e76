package store

import (
	"time"

	"github.com/atshub/atshub/internal/hub"
)

// Plans, syncs, the trail that explains everything, and remembered answers.

const planColumns = `id, tenant_id, connection_id, kind, job_id, link_id, request, content, digest, actor, created_at, expires_at, used_at`

func scanPlan(row scanner) (v hub.Plan, err error) {
	err = row.Scan(&v.ID, &v.TenantID, &v.ConnectionID, &v.Kind, &v.JobID, &v.LinkID, &v.Request, &v.Content, &v.Digest, &v.Actor,
		instant{&v.CreatedAt}, instant{&v.ExpiresAt}, maybe{&v.UsedAt})
	return v, err
}

// InsertPlan keeps a preview; ID, CreatedAt are set here.
func (t *Tx) InsertPlan(p hub.Plan) (hub.Plan, error) {
	p.ID, p.CreatedAt = hub.NewID("pln"), t.now
	return p, t.execOne("plan", `
		insert into plans (`+planColumns+`) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, null)`,
		p.ID, p.TenantID, p.ConnectionID, p.Kind, p.JobID, p.LinkID, string(p.Request), string(p.Content), p.Digest, p.Actor, millis(t.now), millis(p.ExpiresAt))
}

// Plan is a tenant's plan, used or not.
func (t *Tx) Plan(tenant, id string) (hub.Plan, error) {
	return one(t, "plan", scanPlan, `select `+planColumns+` from plans where id = $1 and tenant_id = $2`, id, tenant)
}

// UsePlan marks a plan as carried out; CodePlanExpired when it was used before
// or is too old.
func (t *Tx) UsePlan(tenant, id string) error {
	n, err := t.exec("use plan", `update plans set used_at = $3 where id = $1 and tenant_id = $2 and used_at is null and expires_at > $3`, id, tenant, millis(t.now))
	if err == nil && n == 0 {
		return &hub.Error{Code: hub.CodePlanExpired, Message: "this plan was used already or is too old; nothing was switched on", Next: "make a new preview"}
	}
	return err
}

const syncColumns = `id, tenant_id, connection_id, link_id, asked, actor, started_at, finished_at, summary, problem`

func scanSync(row scanner) (v hub.Sync, err error) {
	err = row.Scan(&v.ID, &v.TenantID, &v.ConnectionID, &v.LinkID, &v.Asked, &v.Actor, instant{&v.StartedAt}, maybe{&v.FinishedAt}, document{&v.Summary}, &v.Problem)
	return v, err
}

// InsertSync begins the record of a sync; ID and StartedAt are set here.
func (t *Tx) InsertSync(s hub.Sync) (hub.Sync, error) {
	s.ID, s.StartedAt = hub.NewID("syn"), t.now
	return s, t.execOne("sync", `
		insert into syncs (`+syncColumns+`) values ($1, $2, $3, $4, $5, $6, $7, null, $8, '')`,
		s.ID, s.TenantID, s.ConnectionID, s.LinkID, s.Asked, s.Actor, millis(t.now), jsonText(s.Summary))
}

// FinishSync ends the record of a sync.
func (t *Tx) FinishSync(s hub.Sync) error {
	return t.execOne("sync", `update syncs set finished_at = $3, summary = $4, problem = $5 where id = $1 and tenant_id = $2`,
		s.ID, s.TenantID, millis(t.now), jsonText(s.Summary), s.Problem)
}

// Sync is one sync of a tenant.
func (t *Tx) Sync(tenant, id string) (hub.Sync, error) {
	return one(t, "sync", scanSync, `select `+syncColumns+` from syncs where id = $1 and tenant_id = $2`, id, tenant)
}

// OpenSync is the unfinished sync of a link that a person asked for; CodeNotFound when none.
func (t *Tx) OpenSync(tenant, link string) (hub.Sync, error) {
	return one(t, "sync", scanSync, `
		select `+syncColumns+` from syncs where link_id = $1 and tenant_id = $2 and finished_at is null order by id desc limit 1`, link, tenant)
}

// Syncs lists the syncs of a link, newest first.
func (t *Tx) Syncs(tenant, link string, p Page) ([]hub.Sync, error) {
	return many(t, "syncs", scanSync, `
		select `+syncColumns+` from syncs where link_id = $1 and tenant_id = $2 and ($3 = '' or id < $3) order by id desc limit $4`, link, tenant, p.After, p.limit())
}

const trailColumns = `id, tenant_id, connection_id, at, kind, job_id, candidate_id, interview_id, event_id, action_id, what, verdict, detail, actor`

func scanTrail(row scanner) (v hub.Trail, err error) {
	err = row.Scan(&v.ID, &v.TenantID, &v.ConnectionID, instant{&v.At}, &v.Kind, &v.JobID, &v.CandidateID, &v.InterviewID, &v.EventID, &v.ActionID,
		&v.What, &v.Verdict, &v.Detail, &v.Actor)
	return v, err
}

// AddTrail appends lines to the record that explains everything. It is part of
// the same transaction as what it explains: what cannot be recorded does not
// happen.
func (t *Tx) AddTrail(lines ...hub.Trail) error {
	for _, l := range lines {
		at := l.At
		if at.IsZero() {
			at = t.now
		}
		if err := t.execOne("trail", `
			insert into trail (`+trailColumns+`) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
			hub.NewID("trl"), l.TenantID, l.ConnectionID, millis(at), l.Kind, l.JobID, l.CandidateID, l.InterviewID, l.EventID, l.ActionID,
			l.What, l.Verdict, l.Detail, l.Actor); err != nil {
			return err
		}
	}
	return nil
}

// TrailFilter says whose trail is read; exactly the set fields narrow it.
type TrailFilter struct {
	ConnectionID, JobID, CandidateID, InterviewID, ActionID string
}

// TrailOf lists the trail of one candidate or interview, in order.
func (t *Tx) TrailOf(tenant string, f TrailFilter, p Page) ([]hub.Trail, error) {
	where, args := "tenant_id = $1", []any{tenant}
	for _, c := range []struct{ column, value string }{
		{"connection_id", f.ConnectionID}, {"candidate_id", f.CandidateID}, {"interview_id", f.InterviewID}, {"action_id", f.ActionID},
	} {
		if c.value != "" {
			args = append(args, c.value)
			where += " and " + c.column + " = " + placeholder(len(args))
		}
	}
	if f.JobID != "" { // lines about the candidate as a whole belong to every job
		args = append(args, f.JobID)
		where += " and job_id in ('', " + placeholder(len(args)) + ")"
	}
	args = append(args, p.After, p.limit())
	return many(t, "trail", scanTrail, `select `+trailColumns+` from trail where `+where+
		` and id > `+placeholder(len(args)-1)+` order by id limit `+placeholder(len(args)), args...)
}

// Answer is a remembered answer to a write that carried an Idempotency-Key.
// Status 0: the first request is still running.
type Answer struct {
	Request []byte // hash of the request
	Status  int
	Body    []byte
}

// ReserveAnswer claims a key for a request; fresh is false when the key was
// used before, and then the earlier answer is returned.
func (t *Tx) ReserveAnswer(scope string, keyHash, request []byte) (earlier Answer, fresh bool, err error) {
	n, err := t.exec("reserve answer", `
		insert into idempotency (scope, key_hash, request, status, body, created_at) values ($1, $2, $3, 0, null, $4)
		on conflict (scope, key_hash) do nothing`, scope, keyHash, request, millis(t.now))
	if err != nil || n == 1 {
		return Answer{}, n == 1, err
	}
	earlier, err = one(t, "answer", func(row scanner) (v Answer, err error) {
		err = row.Scan(&v.Request, &v.Status, &v.Body)
		return v, err
	}, `select request, status, body from idempotency where scope = $1 and key_hash = $2`, scope, keyHash)
	return earlier, false, err
}

// SaveAnswer remembers the answer of a reserved key; ReleaseAnswer forgets it,
// so that a request that did nothing may be sent again.
func (t *Tx) SaveAnswer(scope string, keyHash []byte, status int, body []byte) error {
	return t.execOne("answer", `update idempotency set status = $3, body = $4 where scope = $1 and key_hash = $2`, scope, keyHash, status, body)
}

// ReleaseAnswer forgets a reserved key.
func (t *Tx) ReleaseAnswer(scope string, keyHash []byte) error {
	_, err := t.exec("release answer", `delete from idempotency where scope = $1 and key_hash = $2`, scope, keyHash)
	return err
}

// ExpireRecords removes old remembered answers and plans, at most limit each.
func (t *Tx) ExpireRecords(life time.Duration, limit int) (int64, error) {
	before := millis(t.now.Add(-life))
	answers, err := t.exec("expire answers", `
		delete from idempotency where created_at < $1`, before)
	if err != nil {
		return 0, err
	}
	plans, err := t.exec("expire plans", `
		delete from plans where id in (select id from plans where expires_at < $1 limit $2)`, before, limit)
	return answers + plans, err
}
