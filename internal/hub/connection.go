package hub

import (
	"time"

	"github.com/atshub/atshub/sdk"
)

// Tenant is one customer organisation of a product.
type Tenant struct {
	ID          string
	Product     string // name of the product file
	ExternalRef string // the product's own id of the organisation
	Name        string
	CreatedAt   time.Time
}

// ConnectionState is where a connection stands; the picture is in doc.go.
type ConnectionState string

const (
	ConnectionChecking     ConnectionState = "checking"
	ConnectionActive       ConnectionState = "active"
	ConnectionDegraded     ConnectionState = "degraded" // works, but for what a missing permission stops
	ConnectionReauth       ConnectionState = "reauth_required"
	ConnectionPaused       ConnectionState = "paused"
	ConnectionUninstalling ConnectionState = "uninstalling"
	ConnectionDeleted      ConnectionState = "deleted"
)

var connectionMoves = map[ConnectionState][]ConnectionState{
	ConnectionChecking:     {ConnectionActive, ConnectionDegraded, ConnectionReauth, ConnectionUninstalling},
	ConnectionActive:       {ConnectionDegraded, ConnectionReauth, ConnectionPaused, ConnectionUninstalling},
	ConnectionDegraded:     {ConnectionActive, ConnectionReauth, ConnectionPaused, ConnectionUninstalling},
	ConnectionReauth:       {ConnectionActive, ConnectionDegraded, ConnectionPaused, ConnectionUninstalling},
	ConnectionPaused:       {ConnectionActive, ConnectionDegraded, ConnectionReauth, ConnectionUninstalling},
	ConnectionUninstalling: {ConnectionDeleted},
}

// CanBecome tells whether the state may change to next. A state may always
// "become" itself.
func (s ConnectionState) CanBecome(next ConnectionState) bool {
	if s == next {
		return true
	}
	for _, n := range connectionMoves[s] {
		if n == next {
			return true
		}
	}
	return false
}

// Working tells whether effects may be begun in this state.
func (s ConnectionState) Working() bool { return s == ConnectionActive || s == ConnectionDegraded }

// Gone tells whether the connection is being or has been removed.
func (s ConnectionState) Gone() bool { return s == ConnectionUninstalling || s == ConnectionDeleted }

// CaptureMode is what a capture connection does with jobs nobody chose.
type CaptureMode string

const (
	CaptureChoose    CaptureMode = "choose"     // "Choose Jobs Individually", the default
	CaptureImportAll CaptureMode = "import_all" // "Import All"
)

// Connection is a tenant's use of one connector for one product. Its secrets
// are kept apart, sealed.
type Connection struct {
	ID        string
	TenantID  string
	Product   string
	Connector string
	State     ConnectionState
	Problem   string // plain sentence when not active
	Revision  int64  // of the settings; rises with each relink
	Epoch     int64  // raised by pause, resume and uninstall
	Account   sdk.Account
	Fields    map[string]string // non-secret credential fields of connector and product
	Report    *sdk.CheckReport  // last credential check
	CheckedAt *time.Time
	Mode      CaptureMode

	HookToken     string // the unguessable part of the callback URL
	Subscription  Subscription
	LastWebhookAt *time.Time
	ProductCursor string // position in the product's list of changes

	Receipt   []Step // of the uninstall
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Subscription is what we know of our callback at the ATS.
type Subscription struct {
	ID        string     `json:"id,omitempty"`
	State     string     `json:"state,omitempty"` // "", inactive, active, unsupported, failed
	Problem   string     `json:"problem,omitempty"`
	CheckedAt *time.Time `json:"checked_at,omitempty"`
	// ActivatingUntil is set while the ATS may ask for the handshake; outside
	// of it the gateway answers none.
	ActivatingUntil *time.Time `json:"activating_until,omitempty"`
	LogReadTo       *time.Time `json:"log_read_to,omitempty"` // deliveries log read up to here
	// Callback is the connection's revision at which the product was told
	// where to report changes; 0 = never.
	Callback int64 `json:"callback,omitempty"`
}

// Step is one line of a receipt: what was done, and how it ended.
type Step struct {
	At     time.Time `json:"at"`
	What   string    `json:"what"`
	Result string    `json:"result"` // done, failed, nothing_to_do
	Detail string    `json:"detail,omitempty"`
}

// Lost are the names of the abilities a missing permission takes away.
func (c Connection) Lost(m sdk.Manifest) map[string]sdk.CheckRow {
	lost := map[string]sdk.CheckRow{}
	if c.Report == nil {
		return lost
	}
	rows := map[string]sdk.CheckRow{}
	for _, r := range c.Report.Rows {
		rows[r.Permission] = r
	}
	for _, p := range m.Permissions {
		if r, ok := rows[p.Key]; ok && r.Status == sdk.Missing {
			for _, ability := range p.NeededBy {
				lost[ability] = r
			}
		}
	}
	return lost
}

// APIKey lets a product's backend in. Only its hash is kept.
type APIKey struct {
	ID        string
	Product   string
	TenantID  string // empty: every tenant of the product
	Name      string
	Roles     []string // empty: the backend names the acting user's role itself
	CreatedAt time.Time
	ExpiresAt *time.Time
	RevokedAt *time.Time
}

// StateAfterCheck is what a credential check makes of a connection: refused by
// either side, it needs a person; with a permission missing, what needs that
// permission stops and the rest works. A permission that is optional is missed
// by nobody.
func StateAfterCheck(report sdk.CheckReport, productProblem string) (ConnectionState, string) {
	switch {
	case report.Credential == sdk.CredentialRefused || report.Credential == sdk.CredentialNoRole:
		return ConnectionReauth, report.Problem
	case productProblem != "":
		return ConnectionReauth, productProblem
	}
	missing := 0
	for _, r := range report.Rows {
		if r.Status == sdk.Missing && !r.Optional {
			missing++
		}
	}
	switch missing {
	case 0:
		return ConnectionActive, ""
	case 1:
		return ConnectionDegraded, "one permission is missing at the ATS"
	}
	return ConnectionDegraded, "several permissions are missing at the ATS"
}
