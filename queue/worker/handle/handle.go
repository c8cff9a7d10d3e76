// Package handle holds what workers do, one handler per kind of work. A
// handler reads the outside world first, then decides and writes in one
// transaction that also ends its claim: whatever a killed or paused worker did
// not get to write did not happen, or is found out by key or read-back.
package handle

import (
	"context"
	"log/slog"
	"time"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/reach"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/queue/worker"
	"github.com/atshub/atshub/sdk"
)

// Handlers is safe for concurrent use.
type Handlers struct {
	Store     *store.Store
	Reach     *reach.Reach
	Cadence   hub.Cadence
	PublicURL string // where the ATS and the product reach the gateway, https
	Log       *slog.Logger
}

// Table is everything workers can do.
func (h *Handlers) Table() []worker.Row {
	return []worker.Row{
		{Kind: hub.WorkEvent, Timeout: time.Minute, Run: h.event, Park: h.parkEvent},
		{Kind: hub.WorkAction, Timeout: time.Minute, Run: h.action, Park: h.parkAction},
		{Kind: hub.WorkCheck, Timeout: 2 * time.Minute, Run: h.check},
		{Kind: hub.WorkSubscribe, Timeout: 2 * time.Minute, Run: h.subscribe},
		{Kind: hub.WorkUninstall, Timeout: 2 * time.Minute, Run: h.uninstall},
		{Kind: hub.WorkProductPoll, Timeout: time.Minute, Run: h.productPoll},
		{Kind: hub.WorkJobSync, Timeout: 10 * time.Minute, Run: h.jobSync},
		{Kind: hub.WorkInterviews, Timeout: 10 * time.Minute, Run: h.interviews},
		{Kind: hub.WorkImportAll, Timeout: 5 * time.Minute, Run: h.importAll},
		{Kind: hub.WorkReread, Timeout: time.Minute, Run: h.reread},
		{Kind: hub.WorkWatch, Timeout: time.Minute, Run: h.watch},
		{Kind: hub.WorkEngage, Timeout: time.Minute, Run: h.engage},
		{Kind: hub.WorkHousekeep, Timeout: 5 * time.Minute, Run: h.housekeep},
	}
}

// finish writes a handler's conclusion and ends its claim, together.
func (h *Handlers) finish(ctx context.Context, w hub.Work, fn func(*store.Tx) error) error {
	return h.Store.Write(ctx, func(tx *store.Tx) error {
		if err := writeCalls(ctx, tx); err != nil {
			return err
		}
		if err := fn(tx); err != nil {
			return err
		}
		return tx.FinishWork(w)
	})
}

// end ends work whose subject is gone.
func (h *Handlers) end(ctx context.Context, w hub.Work) error {
	return h.Store.Write(ctx, func(tx *store.Tx) error { return tx.DropWork(w.Kind, w.Ref) })
}

func (h *Handlers) connection(ctx context.Context, tenant, id string) (c hub.Connection, err error) {
	err = h.Store.Read(ctx, func(tx *store.Tx) error {
		c, err = tx.Connection(tenant, id)
		return err
	})
	return c, err
}

func (h *Handlers) link(ctx context.Context, tenant, id string) (c hub.Connection, l hub.JobLink, err error) {
	err = h.Store.Read(ctx, func(tx *store.Tx) error {
		if l, err = tx.Link(tenant, id); err != nil {
			return err
		}
		c, err = tx.Connection(tenant, l.ConnectionID)
		return err
	})
	return c, l, err
}

// held is the answer while a person or a refused credential holds a
// connection: its work waits, burns nothing and is lost in no case.
func held(c hub.Connection) error {
	if c.State.Working() {
		return nil
	}
	return &worker.Later{After: 30 * time.Second, Reason: "the connection is " + string(c.State)}
}

// unsupported is the answer of an ATS that lacks an ability the flow needs.
func unsupported(ability string) error {
	return &sdk.Error{Code: sdk.CodeUnsupported, Message: "the connector cannot " + ability, Fault: sdk.FaultConnector, Outcome: sdk.NotDone}
}

// pages walks all pages of a list, the connector refusing endless ones.
func pages[Q, T any](ctx context.Context, call sdk.Call[Q, sdk.Page[T]], query func(cursor string) Q, each func(T) error) error {
	seen := map[string]bool{}
	for cursor := ""; ; {
		page, err := call(ctx, query(cursor))
		if err != nil {
			return err
		}
		for _, item := range page.Items {
			if err := each(item); err != nil {
				return err
			}
		}
		if page.Next == "" {
			return nil
		}
		if seen[page.Next] {
			return &sdk.Error{Code: sdk.CodeUpstreamBug, Message: "a list answered the same page twice", Fault: sdk.FaultVendor, Outcome: sdk.NotDone}
		}
		cursor = page.Next
		seen[cursor] = true
	}
}
