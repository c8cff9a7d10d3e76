// Package worker answers the bell. For every ring it claims the row in the
// ledger under a fencing token, holds the claim while the row's handler runs,
// and writes the verdict. A ring too many finds nothing to claim.
package worker

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/queue/broker"
	"github.com/atshub/atshub/queue/task"
)

// Options of New. Store, Broker and Rows are required.
type Options struct {
	Store   *store.Store
	Broker  *broker.Broker
	Rows    []Row
	Logger  *slog.Logger
	Metrics prometheus.Registerer
	// Concurrency is how many runs of a queue go on at once. They mostly wait
	// for an ATS that allows a tenant ten requests a second, so it is not about
	// cores.
	Concurrency map[hub.Queue]int
	// Leases are how long a claim lasts without renewal: after that a dead
	// worker's work is taken up by another.
	Leases map[hub.Queue]time.Duration
	// Backoff are the pauses between attempts.
	Backoff Backoff
	// OnCredential is told of every run an ATS or a product refused because of
	// the credential, before the work is put back.
	OnCredential func(ctx context.Context, w hub.Work, err error)
	// ShutdownTimeout is how long runs may go on after Run's context ended.
	ShutdownTimeout time.Duration
}

func (o *Options) defaults() {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.ShutdownTimeout == 0 {
		o.ShutdownTimeout = 25 * time.Second
	}
	o.Backoff.defaults()
	o.Concurrency = filled(o.Concurrency, map[hub.Queue]int{hub.QueueCritical: 32, hub.QueueWebhooks: 64, hub.QueueDefault: 64, hub.QueueBulk: 8})
	o.Leases = filled(o.Leases, map[hub.Queue]time.Duration{
		hub.QueueCritical: 5 * time.Second, hub.QueueWebhooks: 30 * time.Second, hub.QueueDefault: 30 * time.Second, hub.QueueBulk: 30 * time.Second,
	})
}

func filled[V any](given, defaults map[hub.Queue]V) map[hub.Queue]V {
	for q, v := range given {
		defaults[q] = v
	}
	return defaults
}

// Worker is made by New and runs once.
type Worker struct {
	o     Options
	frame *frame
}

// New makes a worker; it does nothing until Run.
func New(o Options) (*Worker, error) {
	o.defaults()
	rows, err := newTable(o.Rows)
	if err != nil {
		return nil, err
	}
	return &Worker{o: o, frame: &frame{
		store: o.Store, table: rows, leases: o.Leases, backoff: o.Backoff, onCredential: o.OnCredential,
		metrics: newMetrics(o.Metrics), log: o.Logger,
	}}, nil
}

// Run works until ctx ends. Runs under way then get ShutdownTimeout to end by
// themselves; after that they are interrupted and their work is handed back.
func (w *Worker) Run(ctx context.Context) error {
	base, interrupt := context.WithCancel(context.WithoutCancel(ctx))
	defer interrupt()
	w.frame.base = base
	var servers []*asynq.Server
	defer func() {
		var stopping sync.WaitGroup
		for _, s := range servers {
			stopping.Go(s.Shutdown)
		}
		stopping.Wait()
		interrupt()
		w.frame.wait(verdictLimit)
	}()
	for _, q := range hub.Queues {
		s := asynq.NewServerFromRedisClient(w.o.Broker.Client, w.config(q))
		if err := s.Start(w.frame.handler(q)); err != nil {
			return fmt.Errorf("start the %s queue: %w", q, err)
		}
		servers = append(servers, s)
	}
	<-ctx.Done()
	return nil
}

// config is that of one queue: a server each, because a server asks its queues
// one after the other. Nothing counts as a failure there; the ledger counts.
func (w *Worker) config(q hub.Queue) asynq.Config {
	poll := 50 * time.Millisecond
	if q == hub.QueueBulk {
		poll = 250 * time.Millisecond
	}
	return asynq.Config{
		Concurrency: w.o.Concurrency[q], Queues: map[string]int{task.Queue(q): 1},
		TaskCheckInterval: poll, DelayedTaskCheckInterval: time.Second, ShutdownTimeout: w.o.ShutdownTimeout,
		IsFailure:      func(error) bool { return false },
		RetryDelayFunc: func(int, error, *asynq.Task) time.Duration { return time.Second },
		Logger:         asynqLog{w.o.Logger.With("queue", q)}, LogLevel: asynq.WarnLevel,
	}
}

// wait waits for interrupted runs, but not for one that does not listen.
func (f *frame) wait(limit time.Duration) {
	ended := make(chan struct{})
	go func() {
		f.runs.Wait()
		close(ended)
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
		f.log.Warn("runs that do not listen are left behind; their leases will run out")
	}
}

// asynqLog is what Asynq has to say, as structured lines.
type asynqLog struct{ log *slog.Logger }

func (l asynqLog) Debug(args ...any) { l.log.Debug("asynq", "message", fmt.Sprint(args...)) }
func (l asynqLog) Info(args ...any)  { l.log.Info("asynq", "message", fmt.Sprint(args...)) }
func (l asynqLog) Warn(args ...any)  { l.log.Warn("asynq", "message", fmt.Sprint(args...)) }
func (l asynqLog) Error(args ...any) { l.log.Error("asynq", "message", fmt.Sprint(args...)) }
func (l asynqLog) Fatal(args ...any) { l.log.Error("asynq", "message", fmt.Sprint(args...)) }
