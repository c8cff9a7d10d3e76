package service

import (
	"encoding/json"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/product"
)

// ProductEvent is the event of a change in the product. A callback and the
// product's list give the same event under the same key. Body is the change
// itself as JSON; a result's comment is nowhere else.
func ProductEvent(c hub.Connection, ch product.Change) (hub.Event, error) {
	body, err := json.Marshal(ch)
	if err != nil {
		return hub.Event{}, err
	}
	at := ch.At.UTC()
	e := hub.Event{
		TenantID: c.TenantID, ConnectionID: c.ID, Source: hub.SourceProduct, Key: "product:" + ch.ID,
		Kind: hub.EventProductStatus, SourceName: "candidate." + ch.Kind,
		CandidateID: ch.ATSCandidateID, Application: ch.ATSApplicationID, Status: ch.Status,
		Body: body, OccurredAt: &at,
	}
	if ch.Kind == product.ChangeResult {
		e.Kind, e.Status = hub.EventProductResult, ch.ID
	}
	return e, nil
}
