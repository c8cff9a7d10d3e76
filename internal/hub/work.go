package hub

import "time"

// Queue is one of the four lanes; each is a bulkhead.
type Queue string

const (
	QueueCritical Queue = "critical" // joins and re-reads before them
	QueueWebhooks Queue = "webhooks" // events
	QueueDefault  Queue = "default"  // invitations, moves, reviews
	QueueBulk     Queue = "bulk"     // polling and syncs
)

// Queues in order of urgency.
var Queues = []Queue{QueueCritical, QueueWebhooks, QueueDefault, QueueBulk}

// WorkKind says what Work.Ref is.
type WorkKind string

const (
	WorkEvent  WorkKind = "event"  // Ref: event id
	WorkAction WorkKind = "action" // Ref: action id

	// Chores: work that keeps the ledger true. Ref is a connection, job link
	// or slot id; those with Every repeat.
	WorkCheck       WorkKind = "connection.check"     // credential check; ref connection
	WorkSubscribe   WorkKind = "connection.subscribe" // ensure our webhook subscription, read failed deliveries; ref connection
	WorkUninstall   WorkKind = "connection.uninstall" // the saga; ref connection
	WorkProductPoll WorkKind = "product.poll"         // the product's list of changes; ref connection
	WorkJobSync     WorkKind = "screening.sync"       // properties and missed changes of one job; ref link
	WorkInterviews  WorkKind = "capture.poll"         // interviews of one job; ref link
	WorkImportAll   WorkKind = "capture.import_all"   // jobs nobody chose; ref connection
	WorkReread      WorkKind = "capture.reread"       // one session before its start; ref slot
	WorkWatch       WorkKind = "capture.watch"        // did the recorder get in; ref slot
	WorkEngage      WorkKind = "capture.engage"       // tell the product a role is on or off; ref link
	WorkHousekeep   WorkKind = "housekeeping"         // retention; ref ""
)

// Work is one small thing to run now or later. The row is the truth, the task
// in Redis only rings the bell.
type Work struct {
	ID           string
	TenantID     string
	ConnectionID string
	Queue        Queue
	Kind         WorkKind
	Ref          string
	DueAt        time.Time
	Every        time.Duration // 0: once
	Ring         int64         // rises with every dispatch
	Token        string        // of the present claim
	Attempt      int           // claims so far, for the poison guard
	Failures     int           // deterministic failures in a row
	FailingSince *time.Time
	LastError    string // code and safe message
}
