package worker

import (
	"context"
	"errors"
	"time"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/store"
)

// errLost ends the context of work whose claim is, or may be, someone else's.
var errLost = errors.New("the claim was lost")

// hold renews a claim every third of its lease until release is called. The
// context ends with errLost as soon as the claim is gone, or may be: when no
// renewal succeeded for a whole lease.
func (f *frame) hold(ctx context.Context, w hub.Work, lease time.Duration, since time.Time) (held context.Context, release func()) {
	held, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(lease / 3)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
			case <-held.Done():
				return
			}
			asked := time.Now()
			renew, stop := context.WithDeadline(held, since.Add(lease))
			err := f.store.Write(renew, func(tx *store.Tx) error { return tx.RenewWork(w, lease) })
			stop()
			switch {
			case err == nil:
				since = asked
			case hub.CodeOf(err) == hub.CodeConflict, time.Since(since) >= lease:
				cancel(errLost)
				return
			}
		}
	}()
	return held, func() { cancel(nil); <-done }
}
