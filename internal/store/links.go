package store

import (
	"github.com/atshub/atshub/internal/hub"
)

// Job links and their triggers.

const linkColumns = `id, tenant_id, connection_id, job_id, job_name, job_code, state, gen, origin, product_ref,
	calibration_url, activated_at, synced_at, watermark, problem, created_at, updated_at`

func scanLink(row scanner) (v hub.JobLink, err error) {
	err = row.Scan(&v.ID, &v.TenantID, &v.ConnectionID, &v.JobID, &v.JobName, &v.JobCode, &v.State, &v.Gen, &v.Origin,
		&v.ProductRef, &v.CalibrationURL, maybe{&v.ActivatedAt}, maybe{&v.SyncedAt}, maybe{&v.Watermark}, &v.Problem,
		instant{&v.CreatedAt}, instant{&v.UpdatedAt})
	return v, err
}

// PutLink returns the connection's link to a job, making it (off) if there is none.
func (t *Tx) PutLink(l hub.JobLink) (hub.JobLink, error) {
	if _, err := t.Connection(l.TenantID, l.ConnectionID); err != nil {
		return l, err
	}
	if _, err := t.exec("add job link", `
		insert into job_links (`+linkColumns+`)
		values ($1, $2, $3, $4, $5, $6, 'off', 0, $7, '', '', null, null, null, '', $8, $8)
		on conflict (connection_id, job_id) do nothing`,
		hub.NewID("lnk"), l.TenantID, l.ConnectionID, l.JobID, l.JobName, l.JobCode, l.Origin, millis(t.now)); err != nil {
		return l, err
	}
	return one(t, "job link", scanLink, `
		select `+linkColumns+` from job_links where connection_id = $1 and job_id = $2 and tenant_id = $3`+t.lockRow(),
		l.ConnectionID, l.JobID, l.TenantID)
}

// Link is a tenant's job link, also a removed one.
func (t *Tx) Link(tenant, id string) (hub.JobLink, error) {
	return one(t, "job link", scanLink, `select `+linkColumns+` from job_links where id = $1 and tenant_id = $2`, id, tenant)
}

// LockLink is Link, held for change.
func (t *Tx) LockLink(tenant, id string) (hub.JobLink, error) {
	return one(t, "job link", scanLink, `select `+linkColumns+` from job_links where id = $1 and tenant_id = $2`+t.lockRow(), id, tenant)
}

// ShareLink is Link, held against change: a toggle waits until what was
// claimed under it is written down.
func (t *Tx) ShareLink(tenant, id string) (hub.JobLink, error) {
	return one(t, "job link", scanLink, `select `+linkColumns+` from job_links where id = $1 and tenant_id = $2`+t.shareRow(), id, tenant)
}

// LinkOfJob is a connection's link to a job.
func (t *Tx) LinkOfJob(tenant, connection, jobID string) (hub.JobLink, error) {
	return one(t, "job link", scanLink, `
		select `+linkColumns+` from job_links where connection_id = $1 and job_id = $2 and tenant_id = $3`, connection, jobID, tenant)
}

// Links lists the links of a tenant (connection empty) or of one connection
// that are not removed.
func (t *Tx) Links(tenant, connection string, p Page) ([]hub.JobLink, error) {
	return many(t, "job links", scanLink, `
		select `+linkColumns+` from job_links
		where tenant_id = $1 and ($2 = '' or connection_id = $2) and state <> 'removed' and id > $3 order by id limit $4`,
		tenant, connection, p.After, p.limit())
}

// SaveLink writes everything of a locked link that may change.
func (t *Tx) SaveLink(l hub.JobLink) error {
	return t.execOne("job link", `
		update job_links set job_name = $3, job_code = $4, state = $5, gen = $6, origin = $7, product_ref = $8,
			calibration_url = $9, activated_at = $10, synced_at = $11, watermark = $12, updated_at = $13
		where id = $1 and tenant_id = $2`,
		l.ID, l.TenantID, l.JobName, l.JobCode, l.State, l.Gen, l.Origin, l.ProductRef, l.CalibrationURL,
		maybeMillis(l.ActivatedAt), maybeMillis(l.SyncedAt), maybeMillis(l.Watermark), millis(t.now))
}

// SaveLinkSynced records a finished sync without touching what people switch.
func (t *Tx) SaveLinkSynced(l hub.JobLink) error {
	return t.execOne("job link", `
		update job_links set job_name = $3, job_code = $4, synced_at = $5, watermark = $6, problem = $7, updated_at = $8
		where id = $1 and tenant_id = $2`,
		l.ID, l.TenantID, l.JobName, l.JobCode, maybeMillis(l.SyncedAt), maybeMillis(l.Watermark), l.Problem, millis(t.now))
}

const triggerColumns = `id, tenant_id, link_id, kind, status, stage_id, stage_name, allow_terminal, created_at`

func scanTrigger(row scanner) (v hub.Trigger, err error) {
	err = row.Scan(&v.ID, &v.TenantID, &v.LinkID, &v.Kind, &v.Status, &v.StageID, &v.StageName, flag{&v.AllowTerminal}, instant{&v.CreatedAt})
	return v, err
}

// ReplaceTriggers sets the triggers of a link; earlier ones stay in history.
func (t *Tx) ReplaceTriggers(tenant, link string, triggers []hub.Trigger) error {
	if _, err := t.Link(tenant, link); err != nil {
		return err
	}
	if _, err := t.exec("end triggers", `
		update triggers set removed_at = $3 where link_id = $1 and tenant_id = $2 and removed_at is null`, link, tenant, millis(t.now)); err != nil {
		return err
	}
	for _, g := range triggers {
		if err := t.execOne("trigger", `
			insert into triggers (`+triggerColumns+`) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			hub.NewID("trg"), tenant, link, g.Kind, g.Status, g.StageID, g.StageName, bit(g.AllowTerminal), millis(t.now)); err != nil {
			return err
		}
	}
	return nil
}

// Triggers are the present triggers of a link.
func (t *Tx) Triggers(tenant, link string) ([]hub.Trigger, error) {
	return many(t, "triggers", scanTrigger, `
		select `+triggerColumns+` from triggers where link_id = $1 and tenant_id = $2 and removed_at is null order by id`, link, tenant)
}

// TriggersOfTenant are all present triggers of links that are on, for the
// cascade check.
func (t *Tx) TriggersOfTenant(tenant string) ([]hub.Trigger, error) {
	return many(t, "triggers", scanTrigger, `
		select g.id, g.tenant_id, g.link_id, g.kind, g.status, g.stage_id, g.stage_name, g.allow_terminal, g.created_at
		from triggers g join job_links l on l.id = g.link_id
		where g.tenant_id = $1 and g.removed_at is null and l.state = 'on' order by g.id`, tenant)
}
