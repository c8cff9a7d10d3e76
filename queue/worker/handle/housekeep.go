package handle

import (
	"context"
	"time"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/store"
)

// Retention: payloads of deliveries go after a month, remembered answers and
// old plans after a week. Facts, actions and the trail stay.

const (
	payloadLife = 30 * 24 * time.Hour
	answerLife  = 7 * 24 * time.Hour
	atOnce      = 1000 // rows a transaction, so that nobody waits for it
)

func (h *Handlers) housekeep(ctx context.Context, w hub.Work) error {
	for {
		var n int64
		err := h.Store.Write(ctx, func(tx *store.Tx) error {
			events, err := tx.ExpireEvents(payloadLife, atOnce)
			if err != nil {
				return err
			}
			records, err := tx.ExpireRecords(answerLife, atOnce)
			n = events + records
			return err
		})
		if err != nil {
			return err
		}
		if n < atOnce {
			return h.finish(ctx, w, func(*store.Tx) error { return nil })
		}
	}
}
