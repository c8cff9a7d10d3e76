package hub

import "time"

// PlanKind names what a plan would switch on.
type PlanKind string

const (
	PlanImport     PlanKind = "import"      // a screening job with its triggers
	PlanToggle     PlanKind = "toggle"      // a capture role
	PlanCaptureAll PlanKind = "capture_all" // Import All
)

// Choices about those already there when a screening job is activated.
const (
	BackfillEveryone = "everyone"
	BackfillNobody   = "nobody"
	BackfillChosen   = "chosen"
)

// Plan is a preview a person saw, kept so that what is activated is what was
// seen. Digest covers everything that would change who is contacted.
type Plan struct {
	ID           string
	TenantID     string
	ConnectionID string
	Kind         PlanKind
	JobID        string
	LinkID       string
	Request      []byte // JSON of what was asked
	Content      []byte // JSON of what was shown
	Digest       string
	Actor        string
	CreatedAt    time.Time
	ExpiresAt    time.Time
	UsedAt       *time.Time
}

// TrailKind sorts the lines of the trail.
type TrailKind string

const (
	TrailSeen   TrailKind = "seen"   // a fact about the thing
	TrailRule   TrailKind = "rule"   // a rule and its verdict
	TrailLedger TrailKind = "ledger" // a row that decided
	TrailCall   TrailKind = "call"   // an outside call and its outcome
	TrailHuman  TrailKind = "human"  // a person's act
)

// Trail is one line of the append-only record that explains everything. What
// and Detail are plain sentences without personal data.
type Trail struct {
	ID           string    `json:"id"`
	TenantID     string    `json:"-"`
	ConnectionID string    `json:"connection_id,omitempty"`
	At           time.Time `json:"at"`
	Kind         TrailKind `json:"kind"`
	JobID        string    `json:"job_id,omitempty"`
	CandidateID  string    `json:"candidate_id,omitempty"`
	InterviewID  string    `json:"interview_id,omitempty"`
	EventID      string    `json:"event_id,omitempty"`
	ActionID     string    `json:"action_id,omitempty"`
	What         string    `json:"what"`              // the rule, the call, the act
	Verdict      string    `json:"verdict,omitempty"` // yes, no, done, failed, …
	Detail       string    `json:"detail,omitempty"`
	Actor        string    `json:"actor,omitempty"`
}

// Actor is who acts through the API: a person of the product's, in a role, or
// the product's backend itself.
type Actor struct {
	Product     string
	TenantID    string
	User        string
	Role        string
	Permissions map[string]bool
}

// Sync is one run of keeping a job's properties true.
type Sync struct {
	ID           string
	TenantID     string
	ConnectionID string
	LinkID       string
	Asked        string // hourly, person
	Actor        string
	StartedAt    time.Time
	FinishedAt   *time.Time
	Summary      SyncSummary
	Problem      string
}

// SyncSummary says what a sync changed.
type SyncSummary struct {
	JobChanged        bool `json:"job_changed"`
	Applications      int  `json:"applications_read"`
	CandidatesUpdated int  `json:"candidates_updated"`
	MissedFound       int  `json:"missed_changes_found"`
	Complete          bool `json:"complete"`
}
