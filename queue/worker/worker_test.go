package worker_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/testenv"
	"github.com/atshub/atshub/queue/task"
	"github.com/atshub/atshub/queue/worker"
	"github.com/atshub/atshub/sdk"
)

func TestG11_TwoNodesRunEachRowOnce(t *testing.T) {
	t.Parallel()
	testenv.Backends(t, func(t *testing.T, env testenv.Backend) {
		r := newRig(t, env)
		for i, q := range hub.Queues {
			r.addMany(q, fmt.Sprint("ten", i), 50)
			r.addMany(q, "shared", 25)
		}
		for range 2 {
			r.start([]worker.Row{r.recorder(hub.WorkAction)}, nil)
		}
		r.addMany(hub.QueueDefault, "late", 50)
		r.soon(func() bool { return r.open() == 0 }, "all work is done")
		r.requireOnce(350)
	})
}

func TestG3_FlushAllLosesNothing(t *testing.T) {
	t.Parallel()
	testenv.Backends(t, func(t *testing.T, env testenv.Backend) {
		r := newRig(t, env)
		for range 2 {
			r.start([]worker.Row{r.recorder(hub.WorkAction)}, nil)
		}
		for i := range 8 {
			r.addMany(hub.Queues[i%4], fmt.Sprint("ten", i%3), 40)
			least := len(r.seen.all()) + rand.IntN(30)
			r.soon(func() bool { return len(r.seen.all()) >= least }, "work goes on")
			require.NoError(t, r.broker.Client.FlushAll(ctx).Err())
		}
		r.soon(func() bool { return r.open() == 0 }, "all work is done")
		r.requireOnce(320)
	})
}

func TestG3_RedisKilledAndBack(t *testing.T) {
	t.Parallel()
	for _, kept := range []bool{true, false} {
		t.Run(fmt.Sprintf("data kept %v", kept), func(t *testing.T) {
			t.Parallel()
			redis := testenv.StartRedis(t)
			r := newRig(t, testenv.Backend{DatabaseURL: testenv.Postgres(t), RedisURL: redis.URL})
			for range 2 {
				r.start([]worker.Row{r.recorder(hub.WorkAction)}, nil)
			}
			r.addMany(hub.QueueDefault, "before", 300)
			r.soon(func() bool { return len(r.seen.all()) > 50 }, "work goes on")
			redis.Kill()
			r.addMany(hub.QueueDefault, "meanwhile", 50)
			r.addMany(hub.QueueCritical, "meanwhile", 20)
			if !kept {
				redis.Forget(t)
			}
			redis.Start(t)
			r.within(10*time.Second, func() bool { return r.open() == 0 }, "all work is done within 10 s of its return")
			r.requireOnce(370)
		})
	}
}

func TestG11_DeadWorkersWorkIsTakenOverAndItsWritesRefused(t *testing.T) {
	t.Parallel()
	testenv.Backends(t, func(t *testing.T, env testenv.Backend) {
		r := newRig(t, env)
		short := func(o *worker.Options) { o.Leases = leases(400 * time.Millisecond) }
		claimed, told := make(chan hub.Work, 1), make(chan struct{})
		own := r.env.Store(t)
		r.start([]worker.Row{{Kind: hub.WorkAction, Timeout: time.Minute, Run: func(ctx context.Context, w hub.Work) error {
			claimed <- w
			<-ctx.Done()
			close(told)
			return ctx.Err()
		}}}, func(o *worker.Options) { short(o); o.Store = own })
		r.add(hub.Work{Ref: "act_1"})
		zombie := <-claimed
		require.NoError(t, own.Close()) // neither renewals nor verdicts reach the ledger any more
		r.start([]worker.Row{r.recorder(hub.WorkAction)}, short)
		r.soon(func() bool { return len(r.seen.of("act_1")) == 1 }, "another worker takes over")
		<-told // and the run that lost its claim was ended
		r.soon(func() bool { return r.open() == 0 }, "done")
		require.Equal(t, hub.CodeConflict, hub.CodeOf(r.finish(zombie)))
		require.NotEqual(t, zombie.Token, r.seen.of("act_1")[0].Token)
	})
}

func TestG11_RenewedClaimIsNotTakenOver(t *testing.T) {
	t.Parallel()
	testenv.Backends(t, func(t *testing.T, env testenv.Backend) {
		r := newRig(t, env)
		row := worker.Row{Kind: hub.WorkAction, Timeout: time.Minute, Run: func(ctx context.Context, w hub.Work) error {
			r.seen.note(w)
			select {
			case <-time.After(7 * time.Second): // several leases long
			case <-ctx.Done():
				return ctx.Err()
			}
			return r.finish(w)
		}}
		for range 2 {
			r.start([]worker.Row{row}, func(o *worker.Options) { o.Leases = leases(3 * time.Second) })
		}
		r.add(hub.Work{Ref: "long"})
		r.soon(func() bool { return len(r.seen.of("long")) > 0 && r.open() == 0 }, "done")
		require.Len(t, r.seen.of("long"), 1)
	})
}

func TestG4_DuplicateRingIsHarmless(t *testing.T) {
	t.Parallel()
	testenv.Backends(t, func(t *testing.T, env testenv.Backend) {
		r := newRig(t, env)
		r.add(hub.Work{Ref: "act_1"})
		w, _ := r.row(hub.WorkAction, "act_1")
		client := asynq.NewClientFromRedisClient(r.broker.Client)
		for ring := range 20 {
			for _, id := range []string{w.ID, "wrk_unknown"} {
				_, err := client.Enqueue(asynq.NewTask(task.Type, task.Payload(id)), asynq.TaskID(task.ID(id, int64(100+ring))), asynq.Queue(task.Queue(hub.QueueDefault)))
				require.NoError(t, err)
			}
		}
		r.start([]worker.Row{r.recorder(hub.WorkAction)}, nil)
		left := func() int64 { return r.broker.Client.LLen(ctx, "asynq:{default}:pending").Val() }
		r.soon(func() bool { return r.open() == 0 && left() == 0 }, "all rings are answered")
		r.requireOnce(1)
	})
}

func TestWorkAddedWhileRunningRunsAgain(t *testing.T) {
	t.Parallel()
	testenv.Backends(t, func(t *testing.T, env testenv.Backend) {
		r := newRig(t, env)
		row := r.recorder(hub.WorkAction)
		run := row.Run
		row.Run = func(ctx context.Context, w hub.Work) error {
			if len(r.seen.all()) == 0 {
				r.add(hub.Work{Ref: w.Ref})
			}
			return run(ctx, w)
		}
		r.start([]worker.Row{row}, nil)
		r.add(hub.Work{Ref: "act_1"})
		r.soon(func() bool { return r.open() == 0 && len(r.seen.all()) > 0 }, "done")
		require.Len(t, r.seen.of("act_1"), 2)
	})
}

func TestG15_BusyTenantDelaysAnotherByAWindowAtMost(t *testing.T) {
	t.Parallel()
	testenv.Backends(t, func(t *testing.T, env testenv.Backend) {
		r := newRig(t, env)
		r.addMany(hub.QueueWebhooks, "busy", 5000)
		r.start([]worker.Row{r.recorder(hub.WorkAction)}, nil)
		r.soon(func() bool { return len(r.seen.all()) > 20 }, "the busy tenant is served")
		r.add(hub.Work{Queue: hub.QueueWebhooks, TenantID: "quiet", Ref: "single"})
		before := len(r.seen.all())
		r.soon(func() bool { return len(r.seen.of("single")) == 1 }, "the quiet tenant is served")
		require.Less(t, r.seen.position("single")-before, 1000, "rows of the busy tenant that came first")
	})
}

func TestG15_ParkedAfterFiveDeterministicFailures(t *testing.T) {
	t.Parallel()
	testenv.Backends(t, func(t *testing.T, env testenv.Backend) {
		r := newRig(t, env)
		r.start([]worker.Row{r.failing(&sdk.Error{Code: sdk.CodeInvalid, Message: "no such stage"})}, nil)
		r.add(hub.Work{Ref: "act_1"})
		r.soon(func() bool { return r.open() == 0 && len(r.seen.all()) > 0 }, "it is given up")
		require.Len(t, r.seen.of("act_1"), 5)
		parked := r.seen.of("parked")
		require.Len(t, parked, 1)
		require.Equal(t, "it failed 5 times in the same way: invalid: no such stage", parked[0].LastError)
	})
}

func TestG12_WaitsThatWereAskedForNeverCount(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"rate limited": &sdk.Error{Code: sdk.CodeRateLimited, RetryAfter: time.Millisecond},
		"credential":   &sdk.Error{Code: sdk.CodeAuthExpired},
		"later":        fmt.Errorf("not yet: %w", &worker.Later{After: time.Millisecond, Reason: "paused"}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testenv.Backends(t, func(t *testing.T, env testenv.Backend) {
				r := newRig(t, env)
				var told atomic.Int64
				n := r.start([]worker.Row{r.failing(err)}, func(o *worker.Options) {
					o.OnCredential = func(context.Context, hub.Work, error) { told.Add(1) }
				})
				r.add(hub.Work{Ref: "act_1"})
				r.soon(func() bool { return len(r.seen.of("act_1")) >= 12 }, "tried again and again")
				n.stop()
				for _, w := range r.seen.of("act_1") {
					require.Equal(t, 1, w.Attempt)
					require.Zero(t, w.Failures)
					require.Nil(t, w.FailingSince)
				}
				require.Empty(t, r.seen.of("parked"))
				require.Equal(t, name == "credential", told.Load() > 0)
			})
		})
	}
}

func TestG11_ChoreRunsOncePerTurnWithTwoNodes(t *testing.T) {
	t.Parallel()
	testenv.Backends(t, func(t *testing.T, env testenv.Backend) {
		r := newRig(t, env)
		const every = 300 * time.Millisecond
		var now atomic.Int64
		row := worker.Row{Kind: hub.WorkProductPoll, Timeout: time.Minute, Run: func(_ context.Context, w hub.Work) error {
			require.EqualValues(t, 1, now.Add(1), "two at once")
			defer now.Add(-1)
			r.seen.note(w)
			return r.finish(w)
		}}
		for range 2 {
			r.add(hub.Work{Kind: hub.WorkProductPoll, Ref: "con_1", Every: every, Queue: hub.QueueBulk})
			r.start([]worker.Row{row}, nil)
		}
		r.soon(func() bool { return len(r.seen.of("con_1")) >= 6 }, "it repeats")
		runs := r.seen.of("con_1")
		for i := 1; i < len(runs); i++ {
			require.GreaterOrEqual(t, runs[i].DueAt.Sub(runs[i-1].DueAt), every, "turn %d", i)
		}
	})
}

func TestG15_ChoreIsNeverParked(t *testing.T) {
	t.Parallel()
	r := newRig(t, embedded(t))
	row := r.failing(errors.New("a bug"))
	n := r.start([]worker.Row{row}, nil)
	r.add(hub.Work{Ref: "con_1", Every: time.Hour})
	r.soon(func() bool { return len(r.seen.of("con_1")) >= 8 }, "tried again and again")
	n.stop()
	require.Empty(t, r.seen.of("parked"))
	w, ok := r.row(hub.WorkAction, "con_1")
	require.True(t, ok)
	require.Equal(t, "internal: an unexpected error (*errors.errorString)", w.LastError)
}

func TestG15_PanicIsAFailureLikeAnother(t *testing.T) {
	t.Parallel()
	r := newRig(t, embedded(t))
	row := r.failing(nil)
	row.Run = func(_ context.Context, w hub.Work) error {
		r.seen.note(w)
		panic("jane.doe@example.com")
	}
	registry := prometheus.NewRegistry()
	r.start([]worker.Row{row}, func(o *worker.Options) { o.Metrics = registry })
	r.add(hub.Work{Ref: "act_1"})
	r.soon(func() bool { return r.open() == 0 && len(r.seen.all()) > 0 }, "it is given up")
	require.Len(t, r.seen.of("act_1"), 5)
	require.NotContains(t, r.seen.of("parked")[0].LastError, "jane")
	requireLabels(t, registry, "queue", "kind", "outcome")
}

func TestG3_UnknownKindWaitsForAVersionThatKnowsIt(t *testing.T) {
	t.Parallel()
	r := newRig(t, embedded(t))
	n := r.start(nil, nil)
	r.add(hub.Work{Ref: "act_1", Kind: "future"})
	r.soon(func() bool { w, _ := r.row("future", "act_1"); return w.Failures >= 6 }, "tried, ever slower")
	n.stop()
	w, ok := r.row("future", "act_1")
	require.True(t, ok, "the row stays")
	require.Contains(t, w.LastError, "cannot do work of the kind future")
	r.start([]worker.Row{r.recorder("future")}, nil)
	r.soon(func() bool { return r.open() == 0 }, "done by one that can")
}

func TestG11_ShutdownHandsWorkBack(t *testing.T) {
	t.Parallel()
	testenv.Backends(t, func(t *testing.T, env testenv.Backend) {
		r := newRig(t, env)
		begun := make(chan hub.Work, 1)
		leaving := r.start([]worker.Row{{Kind: hub.WorkAction, Timeout: time.Minute, Run: func(ctx context.Context, w hub.Work) error {
			begun <- w
			<-ctx.Done()
			return ctx.Err()
		}}}, func(o *worker.Options) { o.ShutdownTimeout = 50 * time.Millisecond })
		r.add(hub.Work{Ref: "act_1"})
		<-begun
		leaving.stop()
		r.start([]worker.Row{r.recorder(hub.WorkAction)}, nil)
		r.within(10*time.Second, func() bool { return r.open() == 0 }, "taken up long before the lease ends")
		require.Equal(t, 1, r.seen.of("act_1")[0].Attempt)
	})
}

func TestRunThatLeavesItsClaimOpenIsFoundOut(t *testing.T) {
	t.Parallel()
	r := newRig(t, embedded(t))
	r.start([]worker.Row{r.failing(nil)}, nil)
	r.add(hub.Work{Ref: "act_1"})
	r.soon(func() bool { return len(r.seen.of("parked")) == 1 }, "it is given up")
	require.Len(t, r.seen.of("act_1"), 5)
}

func TestG12_RunIsEndedAtItsTimeout(t *testing.T) {
	t.Parallel()
	r := newRig(t, embedded(t))
	r.start([]worker.Row{{Kind: hub.WorkAction, Timeout: 20 * time.Millisecond, Run: func(ctx context.Context, w hub.Work) error {
		r.seen.note(w)
		if len(r.seen.all()) > 2 {
			return r.finish(w)
		}
		<-ctx.Done()
		return fmt.Errorf("ask: %w", ctx.Err())
	}}}, nil)
	r.add(hub.Work{Ref: "act_1"})
	r.soon(func() bool { return r.open() == 0 && len(r.seen.all()) > 0 }, "done in the end")
	last := r.seen.of("act_1")[2]
	require.Zero(t, last.Failures, "a timeout may pass")
	require.NotNil(t, last.FailingSince)
	require.Equal(t, "unavailable: it took too long", last.LastError)
}

func TestG3_LedgerAwayForAWhileLosesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, embedded(t))
	r.addMany(hub.QueueDefault, "ten", 20)
	// a worker that can take rings but not ask the ledger
	broken := r.env.Store(t)
	require.NoError(t, broken.Close())
	w, err := worker.New(worker.Options{Store: broken, Broker: r.broker, ShutdownTimeout: time.Second})
	require.NoError(t, err)
	running, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { _ = w.Run(running); close(done) }()
	r.start([]worker.Row{r.recorder(hub.WorkAction)}, nil)
	r.soon(func() bool { return len(r.seen.all()) > 0 }, "others work on")
	stop()
	<-done
	r.within(10*time.Second, func() bool { return r.open() == 0 }, "what it had taken is rung again")
	r.requireOnce(20)
}

func embedded(t *testing.T) testenv.Backend {
	return testenv.Backend{DatabaseURL: testenv.SQLite(t), RedisURL: "embedded"}
}

// position is how many runs came before the first of a thing.
func (j *journal) position(ref string) int {
	for i, w := range j.all() {
		if w.Ref == ref {
			return i
		}
	}
	return -1
}

// requireLabels fails on a metric with any other label.
func requireLabels(t *testing.T, r *prometheus.Registry, allowed ...string) {
	t.Helper()
	families, err := r.Gather()
	require.NoError(t, err)
	require.Len(t, families, 3)
	for _, f := range families {
		require.Regexp(t, "^atshub_", f.GetName())
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				require.Contains(t, allowed, l.GetName())
			}
		}
	}
}

func TestG3_RedisAwayAtTheStart(t *testing.T) {
	t.Parallel()
	redis := testenv.StartRedis(t)
	r := newRig(t, testenv.Backend{DatabaseURL: testenv.SQLite(t), RedisURL: redis.URL})
	redis.Kill()
	r.start([]worker.Row{r.recorder(hub.WorkAction)}, nil)
	r.addMany(hub.QueueDefault, "ten", 5)
	require.Never(t, func() bool { return len(r.seen.all()) > 0 }, 200*time.Millisecond, 20*time.Millisecond)
	redis.Start(t)
	r.within(10*time.Second, func() bool { return r.open() == 0 }, "work begins when it comes")
}
