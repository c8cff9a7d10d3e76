// Package relay rings the bell: it takes due rows of the ledger's work list,
// fairly over tenants, and lays a small, bounded window of them into the
// broker. It finds out when the broker lost them, and takes back what a dead
// worker held. Any number of relays may run on one ledger.
package relay

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/queue/broker"
	"github.com/atshub/atshub/queue/task"
)

const (
	batch        = 64  // rows of a queue per round: keeps the write transaction short
	promoteLimit = 500 // rows made ready per round
	enqueuers    = 32  // asynq has no batch; its clients are cheap
	backstop     = 250 * time.Millisecond
	fullWait     = 20 * time.Millisecond // until the next look when a window was full
	maxBackoff   = time.Second
	brokerLimit  = 3 * time.Second // for one question to the broker
	tasksTimeout = time.Hour       // after this the slot of a handler that hangs is given back
)

// Options of New. Store and Broker are required.
type Options struct {
	Store   *store.Store
	Broker  *broker.Broker
	Logger  *slog.Logger
	Metrics prometheus.Registerer
	// Windows are how many rows of a queue may be dispatched or running.
	Windows map[hub.Queue]int
	// Patience is how long a dispatched row may wait for its claim before it
	// is rung again. A second ring is harmless.
	Patience map[hub.Queue]time.Duration
	// Reclaim is how often rows whose lease or patience ran out are taken back.
	Reclaim time.Duration
	// Stats is how often the gauges about the work list are read.
	Stats time.Duration
}

func (o *Options) defaults() {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Reclaim == 0 {
		o.Reclaim = 2 * time.Second
	}
	if o.Stats == 0 {
		o.Stats = 15 * time.Second
	}
	o.Windows = filled(o.Windows, map[hub.Queue]int{hub.QueueCritical: 200, hub.QueueWebhooks: 512, hub.QueueDefault: 512, hub.QueueBulk: 100})
	o.Patience = filled(o.Patience, map[hub.Queue]time.Duration{
		hub.QueueCritical: 5 * time.Second, hub.QueueWebhooks: 30 * time.Second, hub.QueueDefault: 30 * time.Second, hub.QueueBulk: 30 * time.Second,
	})
}

func filled[V any](given, defaults map[hub.Queue]V) map[hub.Queue]V {
	for q, v := range given {
		defaults[q] = v
	}
	return defaults
}

// Relay is made by New and runs once.
type Relay struct {
	o         Options
	client    *asynq.Client
	metrics   *metrics
	mark      string               // of the broker, as last adopted
	last      map[hub.Queue]string // tenant served last, so that the next round starts after it
	paces     map[hub.Queue]paces
	reclaimed time.Time
}

// New makes a relay; it does nothing until Run.
func New(o Options) *Relay {
	o.defaults()
	r := &Relay{
		o: o, client: asynq.NewClientFromRedisClient(o.Broker.Client), metrics: newMetrics(o.Metrics),
		last: map[hub.Queue]string{}, paces: map[hub.Queue]paces{},
	}
	for _, q := range hub.Queues {
		r.paces[q] = paces{}
	}
	return r
}

// Run relays until ctx ends. Ledger and broker may go away and come back.
func (r *Relay) Run(ctx context.Context) {
	var stats sync.WaitGroup
	stats.Go(func() { r.keepStats(ctx) })
	defer stats.Wait()
	var backoff time.Duration
	for ctx.Err() == nil {
		wait, err := r.round(ctx)
		if err == nil {
			backoff = 0
			r.sleep(ctx, wait, r.o.Store.Bell())
			continue
		}
		if backoff == 0 && ctx.Err() == nil {
			r.o.Logger.WarnContext(ctx, "work is not being dispatched for now; nothing is lost", "error", err)
		}
		backoff = min(max(2*backoff, 50*time.Millisecond), maxBackoff)
		r.sleep(ctx, backoff, nil)
	}
}

func (r *Relay) sleep(ctx context.Context, d time.Duration, bell <-chan struct{}) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-bell:
	case <-ctx.Done():
	}
}

// round moves one batch of each queue and tells how long nothing will be due.
func (r *Relay) round(ctx context.Context) (time.Duration, error) {
	if err := r.checkBroker(ctx); err != nil {
		return 0, err
	}
	if err := r.reclaim(ctx); err != nil {
		return 0, err
	}
	var picks []pick
	var wait time.Duration
	if err := r.o.Store.Write(ctx, func(tx *store.Tx) (err error) {
		picks, wait, err = r.dispatch(tx)
		return err
	}); err != nil {
		return 0, err
	}
	return wait, r.enqueue(ctx, picks)
}

// checkBroker compares the broker's mark with the one the ledger last saw. If
// they differ, what was in the broker may be gone: all of it is rung again.
func (r *Relay) checkBroker(ctx context.Context) error {
	asked, cancel := context.WithTimeout(ctx, brokerLimit)
	defer cancel()
	mark, err := r.o.Broker.Mark(asked)
	if err != nil {
		r.metrics.up.Set(0)
		return err
	}
	r.metrics.up.Set(1)
	if mark == r.mark {
		return nil
	}
	var before string
	var again int64
	if err := r.o.Store.Write(ctx, func(tx *store.Tx) (err error) {
		if before, err = tx.BrokerEpoch(); err != nil || before == mark {
			return err
		}
		if again, err = tx.RedispatchAll(); err != nil {
			return err
		}
		return tx.SetBrokerEpoch(mark)
	}); err != nil {
		return err
	}
	// The client publishes queue names once per process; after a loss nobody
	// else would.
	if err := r.publishQueues(asked); err != nil {
		return err
	}
	r.mark = mark
	if before != mark && before != "" {
		r.metrics.epochs.Inc()
		r.metrics.requeued.WithLabelValues("broker_lost").Add(float64(again))
		r.o.Logger.WarnContext(ctx, "the broker is a new one or was emptied; its work is dispatched again", "rows", again)
	}
	return nil
}

func (r *Relay) publishQueues(ctx context.Context) error {
	names := make([]any, 0, len(hub.Queues))
	for _, q := range hub.Queues {
		names = append(names, task.Queue(q))
	}
	return r.o.Broker.Client.SAdd(ctx, "asynq:queues", names...).Err()
}

// reclaim takes back what was never claimed and what dead workers held.
func (r *Relay) reclaim(ctx context.Context) error {
	if time.Since(r.reclaimed) < r.o.Reclaim {
		return nil
	}
	var unclaimed, abandoned int64
	if err := r.o.Store.Write(ctx, func(tx *store.Tx) (err error) {
		unclaimed, abandoned, err = tx.ReclaimWork()
		return err
	}); err != nil {
		return err
	}
	r.reclaimed = time.Now()
	r.metrics.requeued.WithLabelValues("unclaimed").Add(float64(unclaimed))
	r.metrics.requeued.WithLabelValues("abandoned").Add(float64(abandoned))
	return nil
}

// enqueue lays the picks into the broker, most urgent first. What the broker
// does not take for sure becomes ready again.
func (r *Relay) enqueue(ctx context.Context, picks []pick) error {
	if len(picks) == 0 {
		return nil
	}
	var next atomic.Int64
	var failure atomic.Pointer[error]
	taken := make([]bool, len(picks))
	var enqueuing sync.WaitGroup
	for range min(enqueuers, len(picks)) {
		enqueuing.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(picks)) && failure.Load() == nil; i = next.Add(1) - 1 {
				if err := r.ring(ctx, picks[i]); err != nil {
					failure.CompareAndSwap(nil, &err)
					return
				}
				taken[i] = true
			}
		})
	}
	enqueuing.Wait()
	var back []string
	for i, p := range picks {
		if taken[i] {
			r.metrics.dispatched.WithLabelValues(task.Queue(p.queue)).Inc()
		} else {
			back = append(back, p.id)
		}
	}
	if len(back) == 0 {
		return nil
	}
	r.metrics.requeued.WithLabelValues("enqueue_failed").Add(float64(len(back)))
	if err := r.o.Store.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error { return tx.UndispatchWork(back) }); err != nil {
		return err
	}
	return *failure.Load()
}

func (r *Relay) ring(ctx context.Context, p pick) error {
	ctx, cancel := context.WithTimeout(ctx, brokerLimit)
	defer cancel()
	_, err := r.client.EnqueueContext(ctx, asynq.NewTask(task.Type, task.Payload(p.id)),
		asynq.TaskID(task.ID(p.id, p.ring)), asynq.Queue(task.Queue(p.queue)), asynq.MaxRetry(5), asynq.Timeout(tasksTimeout))
	if errors.Is(err, asynq.ErrTaskIDConflict) { // a repeated request whose first answer was lost
		return nil
	}
	return err
}
