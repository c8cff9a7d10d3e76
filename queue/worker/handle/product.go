package handle

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/reach"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/internal/workflow/screening"
)

// What a screening product tells: statuses and results of candidates.

// productPoll reads the product's list of changes on from where it stopped.
// The events and the new position are one transaction.
func (h *Handlers) productPoll(ctx context.Context, w hub.Work) error {
	c, err := h.connection(ctx, w.TenantID, w.Ref)
	if err != nil {
		return err
	}
	if c.State.Gone() {
		return h.end(ctx, w)
	}
	if err := held(c); err != nil {
		return err
	}
	client, err := h.Reach.Screening(ctx, c)
	if err != nil {
		return err
	}
	for {
		page, err := client.Changes(ctx, client.Login, c.ProductCursor, 200)
		if errors.Is(err, &product.Error{Code: product.CodeCursorExpired}) && c.ProductCursor != "" {
			c.ProductCursor = "" // begin anew: every change is known by its id
			continue
		}
		if err != nil {
			return err
		}
		err = h.Store.Write(ctx, func(tx *store.Tx) error {
			for _, change := range page.Items {
				if _, _, err := tx.AddEvent(reach.ChangeEvent(c, change)); err != nil {
					return err
				}
			}
			return tx.SaveProductCursor(c.TenantID, c.ID, page.Next)
		})
		if err != nil {
			return err
		}
		c.ProductCursor = page.Next
		if !page.More {
			return h.finish(ctx, w, func(*store.Tx) error { return nil })
		}
	}
}

// productChanged decides what a status or a result of a candidate means.
func (h *Handlers) productChanged(ctx context.Context, w hub.Work, c hub.Connection, e hub.Event) error {
	var body reach.ChangeBody
	if err := json.Unmarshal(e.Body, &body); err != nil {
		return hub.Invalid("body", "the product's change cannot be read")
	}
	return h.finish(ctx, w, func(tx *store.Tx) error {
		l, err := tx.Link(c.TenantID, body.LinkID)
		if hub.CodeOf(err) == hub.CodeNotFound || err == nil && l.ConnectionID != c.ID {
			return h.record(tx, e, skipped("no integration for this job post"))
		}
		if err != nil {
			return err
		}
		e.JobID = l.JobID
		facts := screening.Facts{Connection: c, Event: e}
		facts.Application.ID = e.Application
		if err := h.ledgerFacts(tx, l.ID, &facts); err != nil {
			return err
		}
		if e.Kind == hub.EventProductResult {
			return h.record(tx, e, screening.OnResult(facts, e.Status))
		}
		return h.record(tx, e, screening.OnStatus(facts, e.Status))
	})
}
