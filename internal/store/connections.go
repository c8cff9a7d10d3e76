package store

import (
	"time"

	"github.com/atshub/atshub/internal/hub"
)

// Connections and their sealed secrets.

const connectionColumns = `id, tenant_id, product, connector, state, problem, revision, epoch, account, fields,
	report, checked_at, mode, hook_token, subscription, product_cursor, receipt, created_at, updated_at`

// selectConnection is a connection with when it was last heard.
const selectConnection = `select ` + connectionColumns + `, (select at from heard where heard.connection_id = connections.id) from connections `

func scanConnection(row scanner) (v hub.Connection, err error) {
	err = row.Scan(&v.ID, &v.TenantID, &v.Product, &v.Connector, &v.State, &v.Problem, &v.Revision, &v.Epoch,
		document{&v.Account}, document{&v.Fields}, document{&v.Report}, maybe{&v.CheckedAt}, &v.Mode, &v.HookToken,
		document{&v.Subscription}, &v.ProductCursor, document{&v.Receipt},
		instant{&v.CreatedAt}, instant{&v.UpdatedAt}, maybe{&v.LastWebhookAt})
	return v, err
}

// InsertConnection adds a connection in the state it carries.
func (t *Tx) InsertConnection(c hub.Connection) error {
	return t.execOne("connection", `
		insert into connections (`+connectionColumns+`)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, null, null, $11, $12, $13, '', '[]', $14, $14)`,
		c.ID, c.TenantID, c.Product, c.Connector, c.State, c.Problem, c.Revision, c.Epoch, jsonText(c.Account),
		jsonText(c.Fields), c.Mode, c.HookToken, jsonText(c.Subscription), millis(t.now))
}

// Connection is a tenant's connection, also one that is gone.
func (t *Tx) Connection(tenant, id string) (hub.Connection, error) {
	return one(t, "connection", scanConnection, selectConnection+`where id = $1 and tenant_id = $2`, id, tenant)
}

// LockConnection is Connection, held for change to the end of the transaction.
func (t *Tx) LockConnection(tenant, id string) (hub.Connection, error) {
	return one(t, "connection", scanConnection, selectConnection+`where id = $1 and tenant_id = $2`+t.lockRow(), id, tenant)
}

// ShareConnection is Connection, held against change to the end of the transaction.
func (t *Tx) ShareConnection(tenant, id string) (hub.Connection, error) {
	return one(t, "connection", scanConnection, selectConnection+`where id = $1 and tenant_id = $2`+t.shareRow(), id, tenant)
}

// ConnectionForHook is the connection a delivery is addressed to. The only
// query that names no tenant: the sender knows none. The caller compares the
// hook token.
func (t *Tx) ConnectionForHook(id string) (hub.Connection, error) {
	return one(t, "connection", scanConnection, selectConnection+`where id = $1`, id)
}

// Connections lists a tenant's connections that are not deleted, oldest first.
func (t *Tx) Connections(tenant string, p Page) ([]hub.Connection, error) {
	return many(t, "connections", scanConnection, selectConnection+`where tenant_id = $1 and state <> 'deleted' and id > $2 order by id limit $3`, tenant, p.After, p.limit())
}

// SaveConnection writes everything of a locked connection that may change but
// what the narrower methods below own. A forbidden change of state is CodeConflict.
func (t *Tx) SaveConnection(c hub.Connection) error {
	before, err := t.LockConnection(c.TenantID, c.ID)
	if err != nil {
		return err
	}
	if !before.State.CanBecome(c.State) {
		return &hub.Error{Code: hub.CodeConflict, Message: "a connection that is " + string(before.State) + " cannot become " + string(c.State)}
	}
	var report any
	if c.Report != nil {
		report = jsonText(c.Report)
	}
	return t.execOne("connection", `
		update connections set state = $3, problem = $4, revision = $5, epoch = $6, account = $7, fields = $8,
			report = $9, checked_at = $10, mode = $11, receipt = $12, updated_at = $13
		where id = $1 and tenant_id = $2`,
		c.ID, c.TenantID, c.State, c.Problem, c.Revision, c.Epoch, jsonText(c.Account), jsonText(c.Fields),
		report, maybeMillis(c.CheckedAt), c.Mode, jsonText(c.Receipt), millis(t.now))
}

// SaveSubscription records what is known of our callback at the ATS.
func (t *Tx) SaveSubscription(tenant, id string, s hub.Subscription) error {
	return t.execOne("connection", `update connections set subscription = $3, updated_at = $4 where id = $1 and tenant_id = $2`,
		id, tenant, jsonText(s), millis(t.now))
}

// SaveProductCursor records how far the product's changes were read.
func (t *Tx) SaveProductCursor(tenant, id, cursor string) error {
	return t.execOne("connection", `update connections set product_cursor = $3 where id = $1 and tenant_id = $2`, id, tenant, cursor)
}

// PutSecret seals a field's place in the ledger; the caller has sealed it.
func (t *Tx) PutSecret(tenant, connection, field string, sealed []byte, hint string) error {
	if _, err := t.Connection(tenant, connection); err != nil {
		return err
	}
	return t.execOne("secret", `
		insert into secrets (connection_id, field, tenant_id, sealed, hint, updated_at) values ($1, $2, $3, $4, $5, $6)
		on conflict (connection_id, field) do update set sealed = excluded.sealed, hint = excluded.hint, updated_at = excluded.updated_at`,
		connection, field, tenant, sealed, hint, millis(t.now))
}

// SealedSecret is one sealed field.
type SealedSecret struct {
	Field     string
	Sealed    []byte
	Hint      string // last characters, for people
	UpdatedAt time.Time
}

// Secrets are all sealed fields of a connection.
func (t *Tx) Secrets(tenant, connection string) ([]SealedSecret, error) {
	return many(t, "secrets", func(row scanner) (v SealedSecret, err error) {
		err = row.Scan(&v.Field, &v.Sealed, &v.Hint, instant{&v.UpdatedAt})
		return v, err
	}, `select field, sealed, hint, updated_at from secrets where connection_id = $1 and tenant_id = $2 order by field`, connection, tenant)
}

// DeleteSecrets removes every secret of a connection and tells how many there were.
func (t *Tx) DeleteSecrets(tenant, connection string) (int64, error) {
	return t.exec("delete secrets", `delete from secrets where connection_id = $1 and tenant_id = $2`, connection, tenant)
}

// DeleteSecret removes one field.
func (t *Tx) DeleteSecret(tenant, connection, field string) error {
	_, err := t.exec("delete secret", `delete from secrets where connection_id = $1 and tenant_id = $2 and field = $3`, connection, tenant, field)
	return err
}

// ForgetPayloads removes what a connection's events, applications, sessions and
// previews hold of people: bodies, headers, names, links. The facts stay.
func (t *Tx) ForgetPayloads(tenant, connection string) (int64, error) {
	bodies, err := t.exec("forget bodies", `
		update events set body = null, headers = '{}' where connection_id = $1 and tenant_id = $2 and body is not null`, connection, tenant)
	if err != nil {
		return 0, err
	}
	names, err := t.exec("forget names", `
		update applications set display_name = '' where connection_id = $1 and tenant_id = $2 and display_name <> ''`, connection, tenant)
	if err != nil {
		return 0, err
	}
	if _, err := t.exec("forget previews", `delete from plans where connection_id = $1 and tenant_id = $2`, connection, tenant); err != nil {
		return 0, err
	}
	links, err := t.exec("forget links", `
		update slots set meeting_url = '', title = '' where connection_id = $1 and tenant_id = $2`, connection, tenant)
	return bodies + names + links, err
}
