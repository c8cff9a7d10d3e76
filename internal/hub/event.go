package hub

import (
	"crypto/sha256"
	"time"
)

// Sources of an event.
const (
	SourceWebhook    = "webhook"    // delivered by the ATS
	SourcePoll       = "poll"       // found by reading the ATS
	SourceDelivery   = "deliveries" // found in the ATS's log of failed deliveries
	SourceProduct    = "product"    // told by the product
	SourceActivation = "activation" // a person switched a job on
)

// Event kinds beside those of sdk: what a product tells.
const (
	EventRaw            = "raw" // a delivery not yet parsed
	EventProductStatus  = "product.status_changed"
	EventProductResult  = "product.result_ready"
	EventProductChanged = "product.changed" // a callback: look at the list of changes
)

// Disposition is what became of an event.
type Disposition string

const (
	DispositionOpen    Disposition = ""
	DispositionActed   Disposition = "acted"
	DispositionSkipped Disposition = "skipped"
	DispositionParked  Disposition = "parked"
)

// Event is one fact received or found. Body and headers are kept only for what
// was delivered, and only until retention ends.
type Event struct {
	ID           string
	TenantID     string
	ConnectionID string
	Source       string
	Key          string // stable dedupe key, unique per connection
	Kind         string // sdk.Event… or one of ours
	SourceName   string // the sender's own name of it
	JobID        string
	CandidateID  string
	Application  string
	InterviewID  string
	Status       string // product status or result id, for product events
	Headers      map[string]string
	Body         []byte
	ReceivedAt   time.Time
	OccurredAt   *time.Time
	Disposition  Disposition
	Reason       string
	SettledAt    *time.Time
}

// DedupeKey is the 16-byte key under which an event is remembered.
func DedupeKey(connectionID, key string) []byte {
	h := sha256.Sum256([]byte(connectionID + "\x00" + key))
	return h[:16]
}
