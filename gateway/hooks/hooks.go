// Package hooks takes what the outside tells: the ATS's webhooks and the
// product's callbacks. A delivery is verified, written into the inbox and only
// then acknowledged; nothing else happens here, and no plugin process is
// needed for it.
//
// Invariant: a success is answered only after the commit that holds the
// delivery was fsynced. Everything unverified leaves no trace in the ledger.
package hooks

import (
	"context"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/atshub/atshub/gateway/problem"
	"github.com/atshub/atshub/gateway/request"
	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/reach"
	"github.com/atshub/atshub/internal/store"
)

// Options of New.
type Options struct {
	Store      *store.Store
	Reach      *reach.Reach
	Registerer prometheus.Registerer
	Logger     *slog.Logger
	Now        func() time.Time
	// Keep writes a delivery durably before it is acknowledged; default
	// Store.Receive. The benchmark measures what it costs.
	Keep func(context.Context, hub.Event) (store.Receipt, error)
}

// Hooks is safe for concurrent use.
type Hooks struct {
	store      *store.Store
	reach      *reach.Reach
	now        func() time.Time
	receive    func(context.Context, hub.Event) (store.Receipt, error)
	doors      *doors
	deliveries *prometheus.CounterVec
}

// keepTimeout is how long a delivery may wait for its commit; the vendor gives
// up after five seconds.
const keepTimeout = 4 * time.Second

func New(o Options) (*Hooks, error) {
	h := &Hooks{store: o.Store, reach: o.Reach, now: o.Now,
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "atshub_deliveries_total", Help: "Deliveries from outside, by source and what became of them.",
		}, []string{"source", "outcome"})}
	if h.now == nil {
		h.now = time.Now
	}
	if h.receive = o.Keep; h.receive == nil {
		h.receive = o.Store.Receive
	}
	h.doors = newDoors(o.Store, o.Reach, h.now)
	if err := o.Registerer.Register(h.deliveries); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return h, nil
}

// Outcomes counted.
const (
	outcomeKept      = "kept"
	outcomeDuplicate = "duplicate"
	outcomeHandshake = "handshake"
	outcomeUnknown   = "unknown_address"
	outcomeGone      = "gone"
	outcomeForged    = "bad_signature"
	outcomeNonsense  = "unreadable"
	outcomeNotReady  = "not_ready"
	outcomeNotKept   = "not_kept"
)

func (h *Hooks) count(source, outcome string) { h.deliveries.WithLabelValues(source, outcome).Inc() }

// enter finds the connection a delivery is addressed to. Unknown connection
// and wrong token are the same answer.
func (h *Hooks) enter(c *fiber.Ctx, source string) (*door, error) {
	d, err := h.doors.open(c.UserContext(), c.Params("connection"))
	switch {
	case hub.CodeOf(err) == hub.CodeNotFound, err == nil && !sameToken(d.connection.HookToken, c.Params("token")):
		h.count(source, outcomeUnknown)
		return nil, hub.NotFound("address")
	case err != nil:
		h.count(source, outcomeNotReady)
		return nil, notReady(err)
	}
	request.Of(c.UserContext()).Connection = d.connection.ID
	request.Of(c.UserContext()).Tenant = d.connection.TenantID
	if d.connection.State.Gone() {
		h.count(source, outcomeGone)
		return nil, problem.New(problem.CodeGone, "the integration was removed", "stop sending")
	}
	return d, nil
}

func sameToken(want, got string) bool {
	return want != "" && subtle.ConstantTimeCompare([]byte(want), []byte(got)) == 1
}

// keep writes the event into the inbox. Any error means the sender must send
// again.
func (h *Hooks) keep(ctx context.Context, source string, e hub.Event) error {
	ctx, cancel := context.WithTimeout(ctx, keepTimeout)
	defer cancel()
	receipt, err := h.receive(ctx, e)
	switch {
	case err != nil:
		h.count(source, outcomeNotKept)
		return notReady(err)
	case receipt.Fresh:
		h.count(source, outcomeKept)
	default:
		h.count(source, outcomeDuplicate)
	}
	return nil
}

// notReady is the answer to every failure of ours: never a success, never a
// refusal for good.
func notReady(err error) error {
	return &hub.Error{Code: hub.CodeUnavailable, Message: "the delivery was not kept", Next: "send it again", Cause: err}
}
