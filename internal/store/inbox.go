package store

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/atshub/atshub/internal/hub"
)

// Group commit for deliveries: one goroutine gathers whatever waits (at most
// batchLimit) into one transaction, so that a flood costs one fsync per batch.

// batchLimit is about the number of callers that wait at once; more only
// worsens the tail.
const batchLimit = 64

// Receipt tells what became of a delivery.
type Receipt struct {
	EventID string
	Fresh   bool // false: delivered before
}

type delivery struct {
	event  hub.Event
	answer chan deliveryAnswer
}

type deliveryAnswer struct {
	receipt Receipt
	err     error
}

type committer struct {
	store *Store
	queue chan delivery
	stop  chan struct{}
	done  chan struct{}
	once  sync.Once
}

func newCommitter(s *Store) *committer {
	c := &committer{store: s, queue: make(chan delivery, 4*batchLimit), stop: make(chan struct{}), done: make(chan struct{})}
	go c.run()
	return c
}

func (c *committer) close() {
	c.once.Do(func() { close(c.stop) })
	<-c.done
}

// Receive records a delivery durably: it returns without error only after the
// commit that holds it was fsynced. Any error means it was not kept, or that
// this is not known; the sender must be told to send again.
func (s *Store) Receive(ctx context.Context, e hub.Event) (Receipt, error) {
	d := delivery{event: e, answer: make(chan deliveryAnswer, 1)}
	select {
	case s.inbox.queue <- d:
	case <-ctx.Done():
		return Receipt{}, unavailable(ctx.Err())
	case <-s.inbox.stop:
		return Receipt{}, unavailable(errClosed)
	}
	select {
	case a := <-d.answer:
		return a.receipt, a.err
	case <-ctx.Done():
		return Receipt{}, unavailable(ctx.Err())
	case <-s.inbox.done:
		return Receipt{}, unavailable(errClosed)
	}
}

func (c *committer) run() {
	defer close(c.done)
	for {
		select {
		case first := <-c.queue:
			c.commit(c.gather(first))
		case <-c.stop:
			return
		}
	}
}

func (c *committer) gather(first delivery) []delivery {
	batch := []delivery{first}
	for len(batch) < batchLimit {
		select {
		case d := <-c.queue:
			batch = append(batch, d)
		default:
			return batch
		}
	}
	return batch
}

// commit writes a batch. Rows are taken in the order of their keys, so that
// two gateways never wait for each other in a ring.
func (c *committer) commit(batch []delivery) {
	slices.SortFunc(batch, func(a, b delivery) int {
		return bytes.Compare(hub.DedupeKey(a.event.ConnectionID, a.event.Key), hub.DedupeKey(b.event.ConnectionID, b.event.Key))
	})
	receipts := make([]Receipt, len(batch))
	err := c.store.Write(context.Background(), func(t *Tx) error {
		heard := map[string]bool{}
		for i, d := range batch {
			id, fresh, err := t.AddEvent(d.event)
			if err != nil {
				return err
			}
			receipts[i] = Receipt{EventID: id, Fresh: fresh}
			heard[d.event.ConnectionID] = true
		}
		for _, id := range slices.Sorted(maps.Keys(heard)) {
			if _, err := t.exec("note delivery", `
				insert into heard (connection_id, at) values ($1, $2) on conflict (connection_id) do update set at = excluded.at`, id, millis(t.now)); err != nil {
				return err
			}
		}
		return nil
	})
	for i, d := range batch {
		d.answer <- deliveryAnswer{receipt: receipts[i], err: err}
	}
}
