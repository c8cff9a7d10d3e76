package hub

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"
)

// ActionKind is one of the four outside acts we may owe.
type ActionKind string

const (
	ActionInvite ActionKind = "invite" // send a candidate to the product
	ActionMove   ActionKind = "move"   // move an application in the ATS
	ActionReview ActionKind = "review" // write a review into the ATS
	ActionJoin   ActionKind = "join"   // have a recorder join a session
)

// ActionState is where an action stands; the picture is in doc.go.
type ActionState string

const (
	ActionReady     ActionState = "ready"
	ActionSending   ActionState = "sending"
	ActionUncertain ActionState = "uncertain"
	ActionArmed     ActionState = "armed" // joins: the recorder holds it
	ActionDone      ActionState = "done"
	ActionMissed    ActionState = "missed"
	ActionParked    ActionState = "parked" // a person must decide; Reason says what
	ActionCancelled ActionState = "cancelled"
	ActionSkipped   ActionState = "skipped" // decided not to happen; the row keeps it from ever firing
)

// Open tells that the act may still happen by itself.
func (s ActionState) Open() bool {
	return s == ActionReady || s == ActionSending || s == ActionUncertain || s == ActionArmed
}

// Settled tells that the act will not be begun again by itself.
func (s ActionState) Settled() bool { return !s.Open() }

// ActionOp is the direction: joins can be taken back.
type ActionOp string

const (
	OpDo   ActionOp = "do"
	OpUndo ActionOp = "undo"
)

// Action is one outside act we owe, under a natural key that lives for ever.
type Action struct {
	ID           string
	TenantID     string
	ConnectionID string
	LinkID       string
	Kind         ActionKind
	Op           ActionOp
	Key          string
	Gen          int64 // fence: of the link, or of the slot for joins
	State        ActionState
	Reason       string // why it is parked, cancelled, skipped, missed: a plain sentence
	Outcome      string // of a join: joined, joined_late
	JobID        string
	CandidateID  string
	Application  string
	SlotID       string
	TriggerID    string
	EventID      string // the cause
	PlanID       string
	Target       string          // stage id of a move, product candidate of an invite, …
	Payload      json.RawMessage // ids and numbers only, no personal data
	Receipt      json.RawMessage // what the receiver answered, ids only
	Attempts     int
	Actor        string // the person, where one asked for it
	CreatedAt    time.Time
	UpdatedAt    time.Time
	SettledAt    *time.Time
}

// Natural keys are per tenant and made of the ATS's own ids, which are unique
// over all companies of an ATS (sdk/model.go): nothing a reinstallation could
// change is in them.

// InviteKey: the first time a candidate of a job reaches the invitation stage, once, ever.
func InviteKey(jobID, candidateID string) string {
	return naturalKey("invite", jobID, candidateID)
}

// MoveKey: the first time a candidate of a job has the product status, once, ever.
func MoveKey(jobID, candidateID, status string) string {
	return naturalKey("move", jobID, candidateID, status)
}

// ReviewKey: one review per product result.
func ReviewKey(jobID, candidateID, resultID string) string {
	return naturalKey("review", jobID, candidateID, resultID)
}

// JoinKey: one recorder per session, however often it is moved.
func JoinKey(interviewID, sessionID string) string {
	return naturalKey("join", interviewID, sessionID)
}

// Again is the key of a person's n-th "send again" of the act.
func Again(key, n string) string { return key + ":again:" + n }

func naturalKey(kind string, parts ...string) string {
	escaped := make([]string, 0, len(parts)+1)
	escaped = append(escaped, kind)
	for _, p := range parts {
		escaped = append(escaped, strings.NewReplacer("%", "%25", ":", "%3A").Replace(p))
	}
	return strings.Join(escaped, ":")
}

// IdempotencyKey is what the receiver gets: the natural key of this tenant,
// hashed, so that no id of the ATS leaves in a header.
func (a Action) IdempotencyKey() string {
	h := sha256.Sum256([]byte(a.TenantID + "\x00" + a.Key))
	return "v1-" + hex.EncodeToString(h[:])
}
