package hooks

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/reach"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/sdk"
)

// door is what must be known of a connection to let a delivery in.
type door struct {
	connection hub.Connection
	webhooks   []sdk.Secret // signing secrets of the ATS's webhooks
	callbacks  []sdk.Secret // signing secrets of the product's callbacks
	readAt     time.Time
}

// doorLife is how long a door is remembered: long enough to take a flood
// without asking the database each time, short enough that an uninstalled
// connection is closed within the second it is promised.
const doorLife = 500 * time.Millisecond

// maxDoors bounds the memory; addresses that do not exist are not remembered.
const maxDoors = 10_000

type doors struct {
	store *store.Store
	reach *reach.Reach
	now   func() time.Time
	one   singleflight.Group

	mu    sync.RWMutex
	known map[string]*door
}

func newDoors(s *store.Store, r *reach.Reach, now func() time.Time) *doors {
	return &doors{store: s, reach: r, now: now, known: map[string]*door{}}
}

// open is the door of a connection as it was at most doorLife ago.
func (d *doors) open(ctx context.Context, id string) (*door, error) {
	d.mu.RLock()
	known, ok := d.known[id]
	d.mu.RUnlock()
	if ok && d.now().Sub(known.readAt) < doorLife {
		return known, nil
	}
	return d.read(ctx, id)
}

// read is the door as it is now. Those who ask at once share one look.
func (d *doors) read(ctx context.Context, id string) (*door, error) {
	v, err, _ := d.one.Do(id, func() (any, error) {
		// One caller giving up must not fail the others.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTimeout)
		defer cancel()
		fresh := &door{readAt: d.now()}
		err := d.store.Read(ctx, func(tx *store.Tx) (err error) {
			fresh.connection, err = tx.ConnectionForHook(id)
			return err
		})
		if err != nil {
			d.forget(id)
			return nil, err
		}
		if !fresh.connection.State.Gone() {
			if fresh.webhooks, err = d.reach.SigningSecrets(ctx, fresh.connection, reach.HookSecret); err != nil {
				return nil, err
			}
			if fresh.callbacks, err = d.reach.SigningSecrets(ctx, fresh.connection, reach.CallbackSecret); err != nil {
				return nil, err
			}
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		if len(d.known) >= maxDoors {
			clear(d.known)
		}
		d.known[id] = fresh
		return fresh, nil
	})
	if err != nil {
		return nil, err
	}
	return v.(*door), nil
}

func (d *doors) forget(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.known, id)
}
