package service

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/sdk"
)

// Connection is a connection as people see it: no secret, no token.
type Connection struct {
	ID             string              `json:"id"`
	Product        string              `json:"product"`
	Connector      string              `json:"connector"`
	State          hub.ConnectionState `json:"state" doc:"checking, active, degraded, reauth_required, paused, uninstalling, deleted"`
	Problem        string              `json:"problem,omitempty" doc:"plain words when it is not active"`
	ATSAccount     sdk.Account         `json:"ats_account" doc:"the company behind the credential"`
	Credentials    []StoredField       `json:"credentials" doc:"what is stored; secrets by their last characters alone"`
	Check          *Check              `json:"check,omitempty" doc:"the last credential check"`
	CaptureMode    hub.CaptureMode     `json:"capture_mode,omitempty" doc:"of capture products: choose or import_all"`
	Webhooks       Webhooks            `json:"webhooks"`
	UninstallSteps []hub.Step          `json:"uninstall_steps,omitempty" doc:"receipt of the uninstall"`
	CreatedAt      time.Time           `json:"created_at"`
	UpdatedAt      time.Time           `json:"updated_at"`
}

// StoredField is a credential field as it is stored.
type StoredField struct {
	Name  string `json:"name" example:"ats.api_key"`
	Value string `json:"value,omitempty" doc:"of a field that is not secret"`
	Hint  string `json:"hint,omitempty" doc:"last characters of a secret"`
}

// Check is the report of a credential check, a row per permission under the
// name the ATS's administrator sees.
type Check struct {
	At         time.Time      `json:"at"`
	Credential string         `json:"credential" doc:"ok, refused, no_role, unknown"`
	Problem    string         `json:"problem,omitempty"`
	Remedy     string         `json:"remedy,omitempty"`
	Stopped    []string       `json:"stopped,omitempty" doc:"what does not work for lack of a permission"`
	Rows       []sdk.CheckRow `json:"rows"`
}

// Webhooks is what is known of our callback at the ATS.
type Webhooks struct {
	State       string     `json:"state,omitempty" doc:"inactive, active, unsupported, failed"`
	Problem     string     `json:"problem,omitempty"`
	CheckedAt   *time.Time `json:"checked_at,omitempty"`
	LastHeardAt *time.Time `json:"last_heard_at,omitempty"`
}

func connectionView(c hub.Connection, secrets []store.SealedSecret) Connection {
	v := Connection{
		ID: c.ID, Product: c.Product, Connector: c.Connector, State: c.State, Problem: c.Problem, ATSAccount: c.Account,
		Credentials: []StoredField{}, CaptureMode: c.Mode, UninstallSteps: c.Receipt, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt,
		Webhooks: Webhooks{State: c.Subscription.State, Problem: c.Subscription.Problem, CheckedAt: c.Subscription.CheckedAt, LastHeardAt: c.LastWebhookAt},
	}
	for _, name := range slices.Sorted(maps.Keys(c.Fields)) {
		v.Credentials = append(v.Credentials, StoredField{Name: name, Value: c.Fields[name]})
	}
	for _, s := range secrets {
		if isCredential(s.Field) {
			v.Credentials = append(v.Credentials, StoredField{Name: s.Field, Hint: s.Hint})
		}
	}
	if c.Report != nil {
		v.Check = &Check{Credential: c.Report.Credential, Problem: c.Report.Problem, Remedy: c.Report.Remedy, Stopped: stopped(c.Report.Rows), Rows: c.Report.Rows}
		if c.CheckedAt != nil {
			v.Check.At = *c.CheckedAt
		}
	}
	return v
}

// isCredential tells what a person typed from the signing secrets beside it.
func isCredential(field string) bool {
	return strings.HasPrefix(field, "ats.") || strings.HasPrefix(field, "product.")
}

// Connections lists a tenant's connections that are not deleted.
func (s *Service) Connections(ctx context.Context, a hub.Actor, page Page) (l List[Connection], err error) {
	if err := s.need(a, View); err != nil {
		return l, err
	}
	p := page.of()
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		rows, err := tx.Connections(a.TenantID, p)
		l = listOf(p, rows, func(c hub.Connection) string { return c.ID }, func(c hub.Connection) Connection { return connectionView(c, nil) })
		return err
	})
	return l, err
}

// Connection is one connection, also one that is gone: its receipt stays.
func (s *Service) Connection(ctx context.Context, a hub.Actor, id string) (v Connection, err error) {
	if err := s.need(a, View); err != nil {
		return v, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		v, err = readConnection(tx, a.TenantID, id)
		return err
	})
	return v, err
}

func readConnection(tx *store.Tx, tenant, id string) (Connection, error) {
	c, err := tx.Connection(tenant, id)
	if err != nil {
		return Connection{}, err
	}
	secrets, err := tx.Secrets(tenant, id)
	return connectionView(c, secrets), err
}

// Recheck tries the stored credential now and records the report.
func (s *Service) Recheck(ctx context.Context, a hub.Actor, id string) (v Connection, err error) {
	if err := s.need(a, product.PermissionManageIntegration); err != nil {
		return v, err
	}
	c, err := s.live(ctx, a, id)
	if err != nil {
		return v, err
	}
	report, problem, err := s.recheck(ctx, a, c)
	if err != nil {
		return v, err
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		now, err := tx.LockConnection(a.TenantID, id)
		if err != nil {
			return err
		}
		if now.State.Gone() {
			return errGone()
		}
		if now.Revision != c.Revision {
			return &hub.Error{Code: hub.CodeConflict, Message: "the credential was changed meanwhile; nothing was recorded", Next: "check again"}
		}
		at := tx.Now()
		now.Report, now.CheckedAt = &report, &at
		if now.State != hub.ConnectionPaused {
			now.State, now.Problem = hub.StateAfterCheck(report, problem)
		}
		if err := tx.SaveConnection(now); err != nil {
			return err
		}
		if err := tx.AddTrail(human(a, id, "checked the credential")); err != nil {
			return err
		}
		v, err = readConnection(tx, a.TenantID, id)
		return err
	})
	return v, err
}

// recheck asks both sides about the stored credential; problem is what a
// person must mend at the product.
func (s *Service) recheck(ctx context.Context, a hub.Actor, c hub.Connection) (report sdk.CheckReport, problem string, err error) {
	p, err := s.productOf(a)
	if err != nil {
		return report, "", err
	}
	stored, err := s.reach.Stored(ctx, c)
	if err != nil {
		return report, "", err
	}
	ats, err := s.reach.ATSWith(c, stored)
	if err != nil {
		return report, "", err
	}
	report, err = ats.Check(ctx, sdk.CheckQuery{})
	switch {
	case sdk.CodeOf(err) == sdk.CodeAuthExpired:
		report = sdk.CheckReport{Credential: sdk.CredentialRefused, Problem: sdk.AsError(err).Message, Account: c.Account, Rows: []sdk.CheckRow{}}
	case err != nil:
		return report, "", err
	case report.Credential == sdk.CredentialUnknown:
		return report, "", unknownCredential(report)
	}
	err = s.tryProduct(ctx, p, c, stored)
	if e, ok := errors.AsType[*hub.Error](err); ok && e.Code == hub.CodeCredential {
		return report, e.Message, nil
	}
	return report, "", err
}

// stopped names what does not work for lack of a permission.
func stopped(rows []sdk.CheckRow) []string {
	var all []string
	for _, row := range rows {
		if row.Status == sdk.Missing {
			all = append(all, row.Name+" is missing: "+row.Serves)
		}
	}
	return all
}

// Pause stops everything a connection does until Resume: nothing is begun, and
// joins the recorder holds are taken back.
func (s *Service) Pause(ctx context.Context, a hub.Actor, id string) (v Connection, err error) {
	if err := s.need(a, product.PermissionManageIntegration); err != nil {
		return v, err
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		c, err := tx.LockConnection(a.TenantID, id)
		if err != nil {
			return err
		}
		if c.State != hub.ConnectionPaused {
			c.State, c.Problem = hub.ConnectionPaused, "paused by a person"
			c.Epoch++
			if err := tx.SaveConnection(c); err != nil {
				return err
			}
			if err := tx.AddTrail(human(a, id, "paused the integration")); err != nil {
				return err
			}
			if _, err := takeBackJoins(tx, c, reasonPaused); err != nil {
				return err
			}
		}
		v, err = readConnection(tx, a.TenantID, id)
		return err
	})
	return v, err
}

const reasonPaused = "the integration is paused"

// Resume lets a paused connection work again. Joins taken back by the pause
// are armed again where their session is still to come.
func (s *Service) Resume(ctx context.Context, a hub.Actor, id string) (v Connection, err error) {
	if err := s.need(a, product.PermissionManageIntegration); err != nil {
		return v, err
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		c, err := tx.LockConnection(a.TenantID, id)
		if err != nil {
			return err
		}
		if c.State == hub.ConnectionPaused {
			c.State, c.Problem = hub.StateAfterCheck(deref(c.Report), "")
			c.Epoch++
			if err := tx.SaveConnection(c); err != nil {
				return err
			}
			if err := s.wake(tx, c); err != nil {
				return err
			}
			if err := tx.AddTrail(human(a, id, "resumed the integration")); err != nil {
				return err
			}
			if err := decideSessions(tx, c); err != nil {
				return err
			}
		} else if !c.State.Working() {
			return &hub.Error{Code: hub.CodeConflict, Message: "a connection that is " + string(c.State) + " cannot be resumed"}
		}
		v, err = readConnection(tx, a.TenantID, id)
		return err
	})
	return v, err
}

// wake makes a connection's chores due now.
func (s *Service) wake(tx *store.Tx, c hub.Connection) error {
	for _, w := range s.chores(c) {
		w.DueAt = tx.Now()
		if err := tx.AddWork(w); err != nil {
			return err
		}
	}
	return nil
}

// chores are the work that keeps a connection true.
func (s *Service) chores(c hub.Connection) []hub.Work {
	chore := func(kind hub.WorkKind, queue hub.Queue, every time.Duration) hub.Work {
		return hub.Work{TenantID: c.TenantID, ConnectionID: c.ID, Queue: queue, Kind: kind, Ref: c.ID, Every: every}
	}
	all := []hub.Work{
		chore(hub.WorkCheck, hub.QueueBulk, s.cadence.Check),
		chore(hub.WorkSubscribe, hub.QueueDefault, s.cadence.Subscribe),
	}
	if p, ok := s.reach.Products.Get(c.Product); ok && p.Kind == product.KindScreening {
		return append(all, chore(hub.WorkProductPoll, hub.QueueDefault, s.cadence.ProductPoll))
	}
	if c.Mode == hub.CaptureImportAll {
		all = append(all, chore(hub.WorkImportAll, hub.QueueBulk, s.cadence.ImportAll))
	}
	return all
}
