package worker

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/hibiken/asynq"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/queue/task"
)

// verdictLimit bounds the writing of a verdict; if it fails the lease runs out
// and the work is taken up again by whoever comes.
const verdictLimit = 10 * time.Second

// frame is what surrounds every run of every queue: claim, hold, run, verdict.
type frame struct {
	store        *store.Store
	table        table
	leases       map[hub.Queue]time.Duration
	backoff      Backoff
	onCredential func(ctx context.Context, w hub.Work, err error)
	metrics      *metrics
	log          *slog.Logger

	base context.Context // of all runs: ends when the worker stops waiting for them
	runs sync.WaitGroup
}

// handler answers the tasks of one queue. A run does not live in the context
// of its task: that one ends when the broker goes away, and nothing depends on
// the broker once the work is claimed.
func (f *frame) handler(q hub.Queue) asynq.HandlerFunc {
	return func(_ context.Context, t *asynq.Task) error {
		f.runs.Add(1)
		defer f.runs.Done()
		return f.answer(f.base, q, task.WorkID(t.Payload()))
	}
}

// answer takes up the work a ring names. An error asks for another ring: the
// ledger could not be asked.
func (f *frame) answer(ctx context.Context, q hub.Queue, id string) error {
	var w hub.Work
	var ok bool
	var now time.Time
	lease, asked := f.leases[q], time.Now()
	if err := f.store.Write(ctx, func(tx *store.Tx) (err error) {
		now = tx.Now()
		w, ok, err = tx.ClaimWork(id, lease)
		return err
	}); err != nil {
		return err
	}
	if !ok {
		f.metrics.tasks.WithLabelValues(task.Queue(q), "", "skipped").Inc()
		return nil
	}
	row, known := f.table[w.Kind]
	label := string(w.Kind)
	if !known {
		label = "unknown"
	}
	f.metrics.wait.WithLabelValues(task.Queue(q), label).Observe(max(now.Sub(w.DueAt), 0).Seconds())
	outcome := f.carryOut(ctx, row, w, lease, asked)
	f.metrics.tasks.WithLabelValues(task.Queue(q), label, outcome).Inc()
	f.metrics.duration.WithLabelValues(task.Queue(q), label).Observe(time.Since(asked).Seconds())
	return nil
}

// carryOut runs claimed work to its end, whatever that is.
func (f *frame) carryOut(ctx context.Context, row Row, w hub.Work, lease time.Duration, since time.Time) (outcome string) {
	held, release := f.hold(ctx, w, lease, since)
	defer release()
	if reason := poisonous(w); reason != "" && row.parks(w) {
		return f.park(ctx, row, w, reason)
	}
	err := f.run(held, row, w)
	if err == nil {
		return "done"
	}
	if context.Cause(held) == errLost {
		return "lost"
	}
	return f.conclude(ctx, row, w, err)
}

// run calls the row's Run and turns what it must not do into an error.
func (f *frame) run(ctx context.Context, row Row, w hub.Work) (err error) {
	if row.Run == nil {
		return &hub.Error{Code: hub.CodeInternal, Message: "this version cannot do work of the kind " + string(w.Kind), Next: "run the version that made it"}
	}
	ctx, cancel := context.WithTimeout(ctx, row.Timeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = errPanic
			cause := fmt.Sprintf("%T", p)
			if bug, ok := p.(runtime.Error); ok { // its text is safe, that of others may quote anything
				cause = bug.Error()
			}
			f.log.ErrorContext(ctx, "a bug stopped a run", "work", w.ID, "kind", w.Kind, "tenant", w.TenantID, "panic", cause, "stack", string(debug.Stack()))
		}
	}()
	if err := row.Run(ctx, w); err != nil {
		return err
	}
	return f.checkEnded(ctx, w)
}

// checkEnded finds a Run that says it is done but did not end its claim: it
// would be run again and again.
func (f *frame) checkEnded(ctx context.Context, w hub.Work) error {
	var now hub.Work
	err := f.store.Read(ctx, func(tx *store.Tx) (err error) {
		now, err = tx.WorkOf(w.Kind, w.Ref)
		return err
	})
	if err == nil && now.Token == w.Token {
		return errLeftOpen
	}
	return nil
}

// conclude writes the verdict on a run that failed.
func (f *frame) conclude(ctx context.Context, row Row, w hub.Work, err error) (outcome string) {
	v := f.backoff.judge(w, err, f.time(ctx))
	if ctx.Err() != nil {
		v = verdict{outcome: "returned", retry: store.Retry{Free: true, Error: w.LastError}}
	}
	if v.refused && f.onCredential != nil {
		f.onCredential(ctx, w, err)
	}
	if v.park != "" && row.parks(w) {
		return f.park(ctx, row, w, v.park)
	}
	level := slog.LevelWarn
	if v.outcome == "later" || v.outcome == "returned" {
		level = slog.LevelDebug
	}
	f.log.Log(ctx, level, "work put back", "work", w.ID, "kind", w.Kind, "ref", w.Ref, "tenant", w.TenantID, "connection", w.ConnectionID,
		"outcome", v.outcome, "again_in", v.retry.After, "error", v.retry.Error)
	return f.retry(ctx, w, v)
}

func (f *frame) retry(ctx context.Context, w hub.Work, v verdict) (outcome string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), verdictLimit)
	defer cancel()
	switch err := f.store.Write(ctx, func(tx *store.Tx) error { return tx.RetryWork(w, v.retry) }); {
	case err == nil:
		return v.outcome
	case hub.CodeOf(err) == hub.CodeConflict:
		return "lost"
	default:
		f.log.ErrorContext(ctx, "write the verdict on work; its lease will run out", "work", w.ID, "error", err)
		return "lost"
	}
}

// parks tells whether the work may be given up to a person.
func (r Row) parks(w hub.Work) bool { return r.Park != nil && w.Every == 0 }

func (f *frame) park(ctx context.Context, row Row, w hub.Work, reason string) (outcome string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), verdictLimit)
	defer cancel()
	f.log.ErrorContext(ctx, "work is parked; a person must decide", "work", w.ID, "kind", w.Kind, "ref", w.Ref, "tenant", w.TenantID,
		"connection", w.ConnectionID, "reason", reason)
	err := row.Park(ctx, w, reason)
	switch {
	case err == nil:
		return "parked"
	case hub.CodeOf(err) == hub.CodeConflict:
		return "lost"
	}
	return f.retry(ctx, w, verdict{outcome: "retry", retry: store.Retry{After: f.backoff.jitter(w.Attempt), Error: describe(err)}})
}

// time is the ledger's clock, or ours when the ledger cannot be asked.
func (f *frame) time(ctx context.Context) time.Time {
	now := time.Now().UTC()
	_ = f.store.Read(ctx, func(tx *store.Tx) error {
		now = tx.Now()
		return nil
	})
	return now
}
