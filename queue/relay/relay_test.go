package relay_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/internal/testenv"
	"github.com/atshub/atshub/queue/broker"
	"github.com/atshub/atshub/queue/relay"
	"github.com/atshub/atshub/queue/task"
)

var ctx = context.Background()

func openBroker(t *testing.T, url string) *broker.Broker {
	t.Helper()
	b, err := broker.Open(ctx, url, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// other is the ledger as another process sees it; one on SQLite belongs to one
// process.
func other(t *testing.T, env testenv.Backend, s *store.Store) *store.Store {
	t.Helper()
	if strings.HasPrefix(env.DatabaseURL, "sqlite:") {
		return s
	}
	return env.Store(t)
}

// start runs a relay as another process would, until the test ends.
func start(t *testing.T, o relay.Options) {
	t.Helper()
	running, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		relay.New(o).Run(running)
	}()
	t.Cleanup(func() { stop(); <-done })
}

// addWork makes n rows of a tenant due now.
func addWork(t *testing.T, s *store.Store, q hub.Queue, tenant string, n int) {
	t.Helper()
	require.NoError(t, s.Write(ctx, func(tx *store.Tx) error {
		for i := range n {
			if err := tx.AddWork(hub.Work{TenantID: tenant, ConnectionID: "con_" + tenant, Queue: q, Kind: hub.WorkAction, Ref: fmt.Sprintf("%s-%s-%d", q, tenant, i), DueAt: tx.Now()}); err != nil {
				return err
			}
		}
		return nil
	}))
}

// count is how many rows of a queue are in a state.
func count(t *testing.T, s *store.Store, q hub.Queue, state string) (n int64) {
	t.Helper()
	require.NoError(t, s.Read(ctx, func(tx *store.Tx) error {
		cells, err := tx.WorkCounts()
		for _, c := range cells {
			if c.Queue == q && c.State == state {
				n = c.Rows
			}
		}
		return err
	}))
	return n
}

func inFlight(t *testing.T, s *store.Store, q hub.Queue) (counts map[string]int) {
	t.Helper()
	require.NoError(t, s.Read(ctx, func(tx *store.Tx) (err error) {
		counts, err = tx.InFlight(q)
		return err
	}))
	return counts
}

func pending(b *broker.Broker, q hub.Queue) int64 {
	return b.Client.LLen(ctx, "asynq:{"+task.Queue(q)+"}:pending").Val()
}

func soon(t *testing.T, condition func() bool, what string) {
	t.Helper()
	require.Eventually(t, condition, time.Minute, 10*time.Millisecond, what)
}

func TestG11_TwoRelaysRingEachRowOnce(t *testing.T) {
	t.Parallel()
	testenv.Backends(t, func(t *testing.T, env testenv.Backend) {
		b := openBroker(t, env.RedisURL)
		s := env.Store(t)
		windows := map[hub.Queue]int{hub.QueueDefault: 4000, hub.QueueCritical: 4000}
		patience := map[hub.Queue]time.Duration{hub.QueueDefault: time.Hour, hub.QueueCritical: time.Hour}
		for _, q := range []hub.Queue{hub.QueueDefault, hub.QueueCritical} {
			for tenant := range 60 {
				addWork(t, s, q, fmt.Sprint("t", tenant), 5)
			}
		}
		for range 2 {
			start(t, relay.Options{Store: other(t, env, s), Broker: b, Windows: windows, Patience: patience})
		}
		for _, q := range []hub.Queue{hub.QueueDefault, hub.QueueCritical} {
			soon(t, func() bool { return count(t, s, q, "dispatched") == 300 && pending(b, q) == 300 }, "all dispatched, each once")
		}
		queues, err := asynq.NewInspectorFromRedisClient(b.Client).Queues()
		require.NoError(t, err)
		require.Len(t, queues, len(hub.Queues))
	})
}

func TestG12_TenantThatIsNotWorkedOffHoldsFewSlots(t *testing.T) {
	t.Parallel()
	testenv.Backends(t, func(t *testing.T, env testenv.Backend) {
		b := openBroker(t, env.RedisURL)
		s := env.Store(t)
		addWork(t, s, hub.QueueDefault, "slow", 5000)
		patience := map[hub.Queue]time.Duration{hub.QueueDefault: time.Hour}
		start(t, relay.Options{Store: s, Broker: b, Patience: patience})
		soon(t, func() bool { return inFlight(t, s, hub.QueueDefault)["slow"] == 8 }, "it gets half the slots of a worker")
		for i := range 10 {
			addWork(t, s, hub.QueueDefault, fmt.Sprint("quiet", i), 1)
		}
		soon(t, func() bool { return len(inFlight(t, s, hub.QueueDefault)) == 11 }, "everyone is served")
		require.Equal(t, 8, inFlight(t, s, hub.QueueDefault)["slow"], "and not a row more of the slow one")
	})
}

func TestG15_WindowBoundsWhatTheBrokerHolds(t *testing.T) {
	t.Parallel()
	b, s := openBroker(t, broker.Embedded), testenv.Store(t)
	for i := range 20 {
		addWork(t, s, hub.QueueBulk, fmt.Sprint("t", i), 10)
	}
	start(t, relay.Options{Store: s, Broker: b, Windows: map[hub.Queue]int{hub.QueueBulk: 30}})
	soon(t, func() bool { return pending(b, hub.QueueBulk) == 30 }, "the window fills")
	for tenant, n := range inFlight(t, s, hub.QueueBulk) {
		require.LessOrEqual(t, n, 2, tenant)
	}
	require.EqualValues(t, 170, count(t, s, hub.QueueBulk, "ready"))
}

func TestG3_UnclaimedWorkIsRungAgain(t *testing.T) {
	t.Parallel()
	testenv.Backends(t, func(t *testing.T, env testenv.Backend) {
		b := openBroker(t, env.RedisURL)
		s := env.Store(t)
		addWork(t, s, hub.QueueDefault, "t", 1)
		start(t, relay.Options{Store: s, Broker: b, Reclaim: 20 * time.Millisecond,
			Patience: map[hub.Queue]time.Duration{hub.QueueDefault: 100 * time.Millisecond}})
		soon(t, func() bool { return pending(b, hub.QueueDefault) >= 3 }, "each ring is a task of its own")
	})
}

func TestG3_FlushedBrokerIsFilledAgain(t *testing.T) {
	t.Parallel()
	testenv.Backends(t, func(t *testing.T, env testenv.Backend) {
		b := openBroker(t, env.RedisURL)
		s, registry := env.Store(t), prometheus.NewRegistry()
		for i := range 8 {
			addWork(t, s, hub.QueueDefault, fmt.Sprint("t", i), 5)
		}
		start(t, relay.Options{Store: s, Broker: b, Metrics: registry, Stats: 10 * time.Millisecond,
			Patience: map[hub.Queue]time.Duration{hub.QueueDefault: time.Hour}})
		soon(t, func() bool { return pending(b, hub.QueueDefault) == 40 }, "dispatched")
		require.NoError(t, b.Client.FlushAll(ctx).Err())
		soon(t, func() bool { return pending(b, hub.QueueDefault) == 40 }, "dispatched again")
		soon(t, func() bool { return b.Client.SCard(ctx, "asynq:queues").Val() == 4 }, "the queues have names again")
		for name, want := range map[string]float64{"atshub_broker_epoch_changes_total": 1, "atshub_broker_up": 1,
			"atshub_work_dispatched_total": 80, "atshub_work_requeued_total": 40, "atshub_work_rows": 40} {
			soon(t, func() bool { return metric(t, registry, name) == want }, name)
		}
	})
}

// metric is the sum over all labels of a metric.
func metric(t *testing.T, r *prometheus.Registry, name string) (sum float64) {
	t.Helper()
	families, err := r.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return sum
}

func TestG3_BrokerAwayKeepsWorkReady(t *testing.T) {
	t.Parallel()
	redis := testenv.StartRedis(t)
	b, s := openBroker(t, redis.URL), testenv.Store(t)
	redis.Kill()
	for i := range 2 {
		addWork(t, s, hub.QueueDefault, fmt.Sprint("t", i), 5)
	}
	registry := prometheus.NewRegistry()
	start(t, relay.Options{Store: s, Broker: b, Metrics: registry})
	require.Never(t, func() bool { return count(t, s, hub.QueueDefault, "ready") != 10 }, 300*time.Millisecond, 20*time.Millisecond)
	require.Zero(t, metric(t, registry, "atshub_broker_up"))
	redis.Start(t)
	soon(t, func() bool { return pending(b, hub.QueueDefault) == 10 }, "dispatched as soon as the broker is back")
}

func TestWorkIsRungWhenItIsDue(t *testing.T) {
	t.Parallel()
	testenv.Backends(t, func(t *testing.T, env testenv.Backend) {
		b := openBroker(t, env.RedisURL)
		s := env.Store(t)
		start(t, relay.Options{Store: s, Broker: b})
		require.NoError(t, s.Write(ctx, func(tx *store.Tx) error {
			w := hub.Work{TenantID: "t", Queue: hub.QueueCritical, Kind: hub.WorkReread, Ref: "soon", DueAt: tx.Now().Add(600 * time.Millisecond)}
			if err := tx.AddWork(w); err != nil {
				return err
			}
			w.Ref, w.DueAt = "far", tx.Now().Add(time.Hour)
			return tx.AddWork(w)
		}))
		require.Never(t, func() bool { return pending(b, hub.QueueCritical) > 0 }, 300*time.Millisecond, 20*time.Millisecond, "not early")
		soon(t, func() bool { return pending(b, hub.QueueCritical) == 1 }, "but then")
		require.EqualValues(t, 1, count(t, s, hub.QueueCritical, "later"))
	})
}
