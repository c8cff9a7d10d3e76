package hub

import "time"

// LinkState is whether a job link acts.
type LinkState string

const (
	LinkOff     LinkState = "off"
	LinkOn      LinkState = "on"
	LinkRemoved LinkState = "removed"
)

// Origins of a job link.
const (
	OriginPerson    = "person"
	OriginImportAll = "import_all"
)

// JobLink is a connection engaged with one job: a job integration for
// screening, a role with a toggle for capture. One per connection and job, for
// ever; Gen rises whenever it is switched, so that a late act of an earlier
// time is refused by the receiver (Fence).
type JobLink struct {
	ID             string
	TenantID       string
	ConnectionID   string
	JobID          string // the ATS's
	JobName        string
	JobCode        string
	State          LinkState
	Gen            int64
	Origin         string
	ProductRef     string // the product's id of the job post or role
	CalibrationURL string
	ActivatedAt    *time.Time // since when it is on
	SyncedAt       *time.Time
	Watermark      *time.Time // when the last complete sync began
	Problem        string     // for a person to mend, found by the last sync; a plain sentence
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// TriggerKind names what a trigger does.
type TriggerKind string

const (
	TriggerMailInvitation TriggerKind = "mail_invitation"
	TriggerStatusSync     TriggerKind = "status_sync"
)

// Trigger is a rule of a screening job link.
type Trigger struct {
	ID            string
	TenantID      string
	LinkID        string
	Kind          TriggerKind
	Status        string // product status, for status_sync
	StageID       string
	StageName     string // as it was called when set, to tell a renamed stage
	AllowTerminal bool   // the owner ticked a stage that ends the application
	CreatedAt     time.Time
}
