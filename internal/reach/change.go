package reach

import (
	"encoding/json"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/product"
)

// ChangeBody is what the event of a product's change keeps beside its ids. The
// comment is about a person: it lives here and nowhere else, until retention
// removes it.
type ChangeBody struct {
	LinkID  string `json:"link_id"`
	Score   int    `json:"score,omitempty"`
	Comment string `json:"comment,omitempty"`
}

// ChangeEvent is a product's change as an event, the same whether it came by
// callback or was read from the list, so that each is acted on once.
func ChangeEvent(c hub.Connection, change product.Change) hub.Event {
	e := hub.Event{
		TenantID: c.TenantID, ConnectionID: c.ID, Source: hub.SourceProduct, Key: "product:" + change.ID,
		Kind: hub.EventProductStatus, SourceName: change.Kind, Status: change.Status,
		CandidateID: change.ATSCandidateID, Application: change.ATSApplicationID, OccurredAt: &change.At,
	}
	if change.Kind == product.ChangeResult {
		e.Kind, e.Status = hub.EventProductResult, change.ID
	}
	// The job post was made under the link's id. Strings and a number always encode.
	e.Body, _ = json.Marshal(ChangeBody{LinkID: change.JobPostKey, Score: change.Score, Comment: change.Comment})
	return e
}
