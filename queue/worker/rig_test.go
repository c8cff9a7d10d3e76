package worker_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/internal/testenv"
	"github.com/atshub/atshub/queue/broker"
	"github.com/atshub/atshub/queue/relay"
	"github.com/atshub/atshub/queue/worker"
)

var ctx = context.Background()

// rig is a ledger and a broker with any number of nodes on them.
type rig struct {
	*testing.T
	env    testenv.Backend
	store  *store.Store
	broker *broker.Broker
	seen   journal
}

func newRig(t *testing.T, env testenv.Backend) *rig {
	b, err := broker.Open(ctx, env.RedisURL, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = b.Close() })
	return &rig{T: t, env: env, store: env.Store(t), broker: b}
}

// node is a relay and a worker. On Postgres it has connections of its own, as
// in a process of its own; a ledger on SQLite belongs to one process.
type node struct {
	stop func()
}

// start runs a node until it is stopped or the test ends. Leases are too long
// to run out on a busy machine. change may be nil.
func (r *rig) start(rows []worker.Row, change func(*worker.Options)) *node {
	n := &node{}
	o := worker.Options{Store: r.store, Broker: r.broker, Rows: rows, ShutdownTimeout: time.Second, Leases: leases(time.Minute),
		Backoff: worker.Backoff{First: time.Millisecond, Max: 20 * time.Millisecond, Credential: 5 * time.Millisecond}}
	if !strings.HasPrefix(r.env.DatabaseURL, "sqlite:") {
		o.Store = r.env.Store(r.T)
	}
	if change != nil {
		change(&o)
	}
	w, err := worker.New(o)
	require.NoError(r, err)
	running, stop := context.WithCancel(ctx)
	var ended sync.WaitGroup
	ended.Go(func() {
		relay.New(relay.Options{Store: o.Store, Broker: r.broker, Reclaim: 50 * time.Millisecond}).Run(running)
	})
	ended.Go(func() { _ = w.Run(running) })
	n.stop = sync.OnceFunc(func() { stop(); ended.Wait() })
	r.Cleanup(n.stop)
	return n
}

func leases(d time.Duration) map[hub.Queue]time.Duration {
	all := map[hub.Queue]time.Duration{}
	for _, q := range hub.Queues {
		all[q] = d
	}
	return all
}

// add makes work due now; empty fields get something to stand in them.
func (r *rig) add(w hub.Work) {
	require.NoError(r, r.store.Write(ctx, func(tx *store.Tx) error { return tx.AddWork(filledIn(w, tx.Now())) }))
}

// addMany makes rows of a tenant due now in one transaction.
func (r *rig) addMany(q hub.Queue, tenant string, n int) {
	require.NoError(r, r.store.Write(ctx, func(tx *store.Tx) error {
		for range n {
			if err := tx.AddWork(filledIn(hub.Work{Queue: q, TenantID: tenant, Ref: hub.NewID(tenant)}, tx.Now())); err != nil {
				return err
			}
		}
		return nil
	}))
}

func filledIn(w hub.Work, now time.Time) hub.Work {
	if w.TenantID == "" {
		w.TenantID = "ten_1"
	}
	if w.Queue == "" {
		w.Queue = hub.QueueDefault
	}
	if w.Kind == "" {
		w.Kind = hub.WorkAction
	}
	if w.DueAt.IsZero() {
		w.DueAt = now
	}
	return w
}

// row is the open row of a thing; ok is false when there is none.
func (r *rig) row(kind hub.WorkKind, ref string) (w hub.Work, ok bool) {
	err := r.store.Read(ctx, func(tx *store.Tx) (err error) {
		w, err = tx.WorkOf(kind, ref)
		return err
	})
	if hub.CodeOf(err) == hub.CodeNotFound {
		return w, false
	}
	require.NoError(r, err)
	return w, true
}

// open counts the rows of the work list.
func (r *rig) open() (n int64) {
	require.NoError(r, r.store.Read(ctx, func(tx *store.Tx) error {
		cells, err := tx.WorkCounts()
		for _, c := range cells {
			n += c.Rows
		}
		return err
	}))
	return n
}

func (r *rig) finish(w hub.Work) error {
	return r.store.Write(ctx, func(tx *store.Tx) error { return tx.FinishWork(w) })
}

// recorder is a row that notes each run and ends it.
func (r *rig) recorder(kind hub.WorkKind) worker.Row {
	return worker.Row{Kind: kind, Timeout: time.Minute, Run: func(_ context.Context, w hub.Work) error {
		r.seen.note(w)
		return r.finish(w)
	}}
}

// failing is a row that notes each run and fails with err; parked work is
// noted under "parked".
func (r *rig) failing(err error) worker.Row {
	return worker.Row{Kind: hub.WorkAction, Timeout: time.Minute,
		Run: func(_ context.Context, w hub.Work) error {
			r.seen.note(w)
			return err
		},
		Park: func(_ context.Context, w hub.Work, reason string) error {
			r.seen.note(hub.Work{Ref: "parked", LastError: reason})
			return r.finish(w)
		}}
}

func (r *rig) soon(condition func() bool, what string, args ...any) {
	r.Helper()
	r.within(time.Minute, condition, what, args...)
}

func (r *rig) within(d time.Duration, condition func() bool, what string, args ...any) {
	r.Helper()
	require.Eventually(r, condition, d, 10*time.Millisecond, what, args)
}

// journal is the independent witness of what ran.
type journal struct {
	sync.Mutex
	runs []hub.Work
}

func (j *journal) note(w hub.Work) {
	j.Lock()
	defer j.Unlock()
	j.runs = append(j.runs, w)
}

// of are the runs of one thing, in order.
func (j *journal) of(ref string) (runs []hub.Work) {
	j.Lock()
	defer j.Unlock()
	for _, w := range j.runs {
		if w.Ref == ref {
			runs = append(runs, w)
		}
	}
	return runs
}

func (j *journal) all() []hub.Work {
	j.Lock()
	defer j.Unlock()
	return append([]hub.Work(nil), j.runs...)
}

// requireOnce fails unless n things ran, each once.
func (r *rig) requireOnce(n int) {
	r.Helper()
	runs := map[string]int{}
	for _, w := range r.seen.all() {
		if runs[w.Ref]++; runs[w.Ref] > 1 {
			r.Errorf("%s ran again: attempt %d, %q", w.Ref, w.Attempt, w.LastError)
		}
	}
	require.Equal(r, n, len(runs), "things that ran")
}

func TestMain(m *testing.M) {
	code := m.Run()
	if err := noLeaks(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
