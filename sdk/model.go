package sdk

import "time"

// The unified model. Ids are the ATS's own, always strings, and unique over all
// companies of the ATS: a connector whose ATS numbers each company's things by
// themselves puts the company into the id. Times are UTC
// instants; a nil time is unknown. An Enum keeps the customer's word beside
// ours; a word we do not know is "unmapped", never guessed.

// Enum is one of our values beside the ATS's own word for it.
type Enum struct {
	Value  string `json:"value"`
	Source string `json:"source_value,omitempty"`
}

// Unmapped is the Value of an Enum whose source word has no counterpart here.
const Unmapped = "unmapped"

// Page is one page of a list. Next is the opaque cursor of the following page,
// empty on the last.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`
}

// List is a list the ATS answers whole.
type List[T any] struct {
	Items []T `json:"items"`
}

// Done is the answer of a write that returns nothing.
type Done struct{}

type JobRef struct {
	ID string `json:"id"`
}

type JobQuery struct {
	Search       string     `json:"search,omitempty"` // title full text
	Status       string     `json:"status,omitempty"` // one of the Job* statuses; empty = all
	UpdatedSince *time.Time `json:"updated_since,omitempty"`
	Cursor       string     `json:"cursor,omitempty"`
	Limit        int        `json:"limit,omitempty"` // 1..100, 0 = the connector's choice
}

// Job statuses.
const (
	JobDraft  = "draft"
	JobOpen   = "open"
	JobOnHold = "on_hold"
	JobClosed = "closed"
)

// Job is a posting to fill.
type Job struct {
	ID           string     `json:"id"`
	Name         string     `json:"name"`
	Code         string     `json:"code,omitempty"` // requisition number
	Status       Enum       `json:"status"`
	Confidential bool       `json:"confidential,omitempty"`
	Department   string     `json:"department,omitempty"`
	Location     string     `json:"location,omitempty"`
	ProcessRef   string     `json:"process_ref,omitempty"` // hiring process, when the ATS tells
	URL          string     `json:"url,omitempty"`
	UpdatedAt    *time.Time `json:"updated_at,omitempty"`
	CreatedAt    *time.Time `json:"created_at,omitempty"`
}

// Stage kinds.
const (
	StageLead      = "lead"
	StageNew       = "new"
	StageScreen    = "screen"
	StageInterview = "interview"
	StageOffer     = "offer"
	StageHired     = "hired"
	StageRejected  = "rejected"
	StageWithdrawn = "withdrawn"
)

// Stage is a step of the process or, with ParentID, a sub-stage of one.
type Stage struct {
	ID       string `json:"id"`   // stable within the job; what triggers store
	Name     string `json:"name"` // as the recruiter sees it
	ParentID string `json:"parent_id,omitempty"`
	Kind     Enum   `json:"kind"`
	Order    int    `json:"order"`
	Terminal bool   `json:"terminal,omitempty"` // hired, rejected, withdrawn: ends the application
	HasSubs  bool   `json:"has_sub_stages,omitempty"`
	// Processes names the hiring processes that have this stage, set only when
	// the ATS does not tell which process the job follows and not all have it:
	// the job may lack the stage.
	Processes []string `json:"processes,omitempty"`
}

// ApplicationRef names an application by its id, or by candidate and job.
type ApplicationRef struct {
	ID          string `json:"id,omitempty"`
	CandidateID string `json:"candidate_id,omitempty"`
	JobID       string `json:"job_id,omitempty"`
}

type ApplicationQuery struct {
	JobID        string     `json:"job_id"`
	StageID      string     `json:"stage_id,omitempty"` // only applications in this stage now (a parent stage includes its sub-stages)
	UpdatedSince *time.Time `json:"updated_since,omitempty"`
	Cursor       string     `json:"cursor,omitempty"`
}

// Application statuses, apart from the stage.
const (
	ApplicationActive    = "active"
	ApplicationHired     = "hired"
	ApplicationRejected  = "rejected"
	ApplicationWithdrawn = "withdrawn"
)

// Application is a candidate for a job.
type Application struct {
	ID             string     `json:"id,omitempty"` // empty where only a read of the single application tells it
	JobID          string     `json:"job_id"`
	StageID        string     `json:"stage_id"`
	StageEnteredAt *time.Time `json:"stage_entered_at,omitempty"`
	Status         Enum       `json:"status"`
	UpdatedAt      *time.Time `json:"updated_at,omitempty"`
	Candidate      Candidate  `json:"candidate"`
}

// Candidate is the person. Names and addresses are personal data: they cross
// the hub only to reach the product, and are never logged.
type Candidate struct {
	ID        string   `json:"id"`
	FirstName string   `json:"first_name,omitempty"`
	LastName  string   `json:"last_name,omitempty"`
	Email     string   `json:"email,omitempty"`
	Phone     string   `json:"phone,omitempty"`
	Location  string   `json:"location,omitempty"`
	Tags      []string `json:"tags,omitempty"`
}

// StageChange is one step of an application's history.
type StageChange struct {
	StageID   string    `json:"stage_id"`
	ChangedAt time.Time `json:"changed_at"`
}

// StageMove asks for one move. From is the stage it was decided on.
type StageMove struct {
	Application ApplicationRef `json:"application"`
	From        string         `json:"from"`
	To          string         `json:"to"`
	Key         string         `json:"key"` // idempotency key, for ATSs that take one
}

// Answers of MoveStage.
const (
	MoveMoved        = "moved"
	MoveAlreadyThere = "already_there"
	MovePrecondition = "precondition_failed"
)

type MoveResult struct {
	Result string `json:"result"`
	Actual string `json:"actual"` // the stage seen before the write
}

// ReviewRef names a review. AuthorID is required where the ATS checks it.
type ReviewRef struct {
	ID       string `json:"id"`
	AuthorID string `json:"author_id,omitempty"`
}

// Review is feedback on an application (a scorecard elsewhere).
type Review struct {
	ID          string     `json:"id"`
	CandidateID string     `json:"candidate_id"`
	JobID       string     `json:"job_id"`
	AuthorID    string     `json:"author_id,omitempty"`
	Rating      int        `json:"rating"` // 1..5
	Comment     string     `json:"comment,omitempty"`
	UpdatedAt   *time.Time `json:"updated_at,omitempty"`
	Ours        bool       `json:"ours,omitempty"` // written with this connection's credential
}

// ReviewWrite creates a review (ID empty) or changes ours.
type ReviewWrite struct {
	ID          string `json:"id,omitempty"`
	CandidateID string `json:"candidate_id"`
	JobID       string `json:"job_id"`
	Rating      int    `json:"rating"` // 1..5
	Comment     string `json:"comment"`
	Key         string `json:"key"`
}

type InterviewRef struct {
	ID string `json:"id"`
}

// Interview statuses.
const (
	InterviewScheduled = "scheduled"
	InterviewCancelled = "cancelled"
)

// Interview is a meeting of one or more sessions about one application.
type Interview struct {
	ID            string             `json:"id"`
	ApplicationID string             `json:"application_id,omitempty"` // empty where the ATS does not tell
	CandidateID   string             `json:"candidate_id,omitempty"`
	JobID         string             `json:"job_id,omitempty"`
	Status        Enum               `json:"status"`
	Timezone      string             `json:"timezone,omitempty"` // IANA name as the ATS gave it
	OrganizerID   string             `json:"organizer_id,omitempty"`
	URL           string             `json:"url,omitempty"`
	Sessions      []InterviewSession `json:"sessions"`
}

// InterviewSession is one time slot.
type InterviewSession struct {
	ID           string        `json:"id"`
	Title        string        `json:"title,omitempty"`
	StartAt      time.Time     `json:"start_at"`
	EndAt        time.Time     `json:"end_at"`
	MeetingURL   string        `json:"meeting_url,omitempty"` // found in the place or location; empty = no usable link
	Location     string        `json:"location,omitempty"`
	Declined     bool          `json:"declined,omitempty"` // the candidate declined this session
	Interviewers []Interviewer `json:"interviewers,omitempty"`
}

type Interviewer struct {
	UserID   string `json:"user_id"`
	Response string `json:"response,omitempty"` // accepted, declined, pending, tentative
}

type UserQuery struct {
	Cursor string `json:"cursor,omitempty"`
	Limit  int    `json:"limit,omitempty"`
}

// User is a recruiter, interviewer or administrator of the ATS.
type User struct {
	ID        string `json:"id"`
	FirstName string `json:"first_name,omitempty"`
	LastName  string `json:"last_name,omitempty"`
	Email     string `json:"email,omitempty"`
	Active    bool   `json:"active"`
	Role      Enum   `json:"role"`
}

// Delivery is a webhook as received, already verified by the hub.
type Delivery struct {
	Headers map[string]string `json:"headers"` // lower-case names
	Body    []byte            `json:"body"`
}

// Event kinds the hub acts on. A connector maps the ATS's own names to these;
// anything else is EventOther and only recorded.
const (
	EventApplicationChanged = "application.changed" // created, moved, or its fields changed
	EventCandidateChanged   = "candidate.changed"
	EventCandidateDeleted   = "candidate.deleted"
	EventJobChanged         = "job.changed"
	EventInterviewChanged   = "interview.changed" // created, moved or cancelled
	EventReviewChanged      = "review.changed"
	EventOther              = "other"
)

// Event is one fact told by the ATS: which thing changed, not how. The hub
// reads the thing's present state before it decides.
type Event struct {
	Key           string     `json:"key"` // stable dedupe key of the ATS, equal for every redelivery
	Kind          string     `json:"kind"`
	Source        string     `json:"source_name"` // the ATS's own event name
	JobID         string     `json:"job_id,omitempty"`
	CandidateID   string     `json:"candidate_id,omitempty"`
	ApplicationID string     `json:"application_id,omitempty"`
	InterviewID   string     `json:"interview_id,omitempty"`
	ReviewID      string     `json:"review_id,omitempty"`
	OccurredAt    *time.Time `json:"occurred_at,omitempty"`
}

type SubscribeRequest struct {
	CallbackURL string   `json:"callback_url"` // https
	Events      []string `json:"events"`       // the ATS's own names, Manifest.Webhooks.Events
	AlertEmail  string   `json:"alert_email,omitempty"`
}

type SubscriptionRef struct {
	ID string `json:"id"`
}

type SubscriptionQuery struct{}

// Subscription is a callback registered at the ATS. Secret is set only in the
// answer of Subscribe.
type Subscription struct {
	ID          string   `json:"id"`
	CallbackURL string   `json:"callback_url"`
	Events      []string `json:"events"`
	Active      bool     `json:"active"`
	Secret      Secret   `json:"secret,omitempty"`
}

type DeliveryQuery struct {
	SubscriptionID string     `json:"subscription_id"`
	FailedOnly     bool       `json:"failed_only,omitempty"`
	After          *time.Time `json:"after,omitempty"`
	Cursor         string     `json:"cursor,omitempty"`
}

// DeliveryRecord is one attempt the ATS says it made. Delivery can be parsed
// like a received one.
type DeliveryRecord struct {
	At       time.Time `json:"at"`
	OK       bool      `json:"ok"`
	Delivery Delivery  `json:"delivery"`
}
