package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/internal/testenv"
)

// list is a work list with a clock that can be moved.
type list struct {
	*testing.T
	s  *store.Store
	at time.Time
}

// lists runs fn on both databases.
func lists(t *testing.T, fn func(l *list)) {
	for name, url := range map[string]func(*testing.T) string{"sqlite": testenv.SQLite, "postgres": testenv.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &list{T: t, at: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}
			s, err := store.Open(ctx, store.Options{URL: url(t), Now: func() time.Time { return l.at }})
			require.NoError(t, err)
			t.Cleanup(func() { _ = s.Close() })
			l.s = s
			fn(l)
		})
	}
}

func (l *list) add(ref string, in, every time.Duration) {
	l.Helper()
	write(l.T, l.s, func(tx *store.Tx) {
		require.NoError(l, tx.AddWork(hub.Work{TenantID: "t", ConnectionID: "c", Queue: hub.QueueDefault, Kind: hub.WorkAction, Ref: ref, DueAt: l.at.Add(in), Every: every}))
	})
}

// row is the open row of ref, and whether there is one.
func (l *list) row(ref string) (w hub.Work, ok bool) {
	l.Helper()
	err := l.s.Read(ctx, func(tx *store.Tx) (err error) { w, err = tx.WorkOf(hub.WorkAction, ref); return err })
	if hub.CodeOf(err) != hub.CodeNotFound {
		require.NoError(l, err)
	}
	return w, err == nil
}

func (l *list) claim(ref string) (w hub.Work, ok bool) {
	l.Helper()
	row, _ := l.row(ref)
	write(l.T, l.s, func(tx *store.Tx) {
		var err error
		w, ok, err = tx.ClaimWork(row.ID, 30*time.Second)
		require.NoError(l, err)
	})
	return w, ok
}

func (l *list) claimed(ref string) hub.Work {
	l.Helper()
	w, ok := l.claim(ref)
	require.True(l, ok)
	return w
}

func (l *list) finish(w hub.Work) error {
	return l.s.Write(ctx, func(tx *store.Tx) error { return tx.FinishWork(w) })
}

func (l *list) retry(w hub.Work, r store.Retry) error {
	return l.s.Write(ctx, func(tx *store.Tx) error { return tx.RetryWork(w, r) })
}

func (l *list) promote() (n int64, next time.Time) {
	l.Helper()
	write(l.T, l.s, func(tx *store.Tx) {
		var err error
		n, next, err = tx.PromoteWork(100)
		require.NoError(l, err)
	})
	return n, next
}

func (l *list) states() map[string]int64 {
	l.Helper()
	all := map[string]int64{}
	write(l.T, l.s, func(tx *store.Tx) {
		for _, c := range must[[]store.WorkCount](l.T)(tx.WorkCounts()) {
			all[c.State] += c.Rows
		}
	})
	return all
}

func TestOneRowPerThingDueAtItsEarliest(t *testing.T) {
	t.Parallel()
	lists(t, func(l *list) {
		l.add("a", time.Hour, 0)
		l.add("a", time.Minute, 0)
		l.add("a", 2*time.Hour, 0)
		w, _ := l.row("a")
		require.Equal(l, l.at.Add(time.Minute), w.DueAt)
		n, next := l.promote()
		require.Zero(l, n)
		require.Equal(l, w.DueAt, next)
		_, ok := l.claim("a")
		require.False(l, ok, "not before it is due")
		l.at = l.at.Add(time.Minute)
		n, next = l.promote()
		require.EqualValues(l, 1, n)
		require.True(l, next.IsZero())
		require.NoError(l, l.finish(l.claimed("a")))
		require.Empty(l, l.states())
	})
}

func TestG11_ClaimIsExclusiveUntilItsLeaseEnds(t *testing.T) {
	t.Parallel()
	lists(t, func(l *list) {
		l.add("a", 0, 0)
		first := l.claimed("a")
		_, ok := l.claim("a")
		require.False(l, ok)
		l.at = l.at.Add(20 * time.Second)
		write(l.T, l.s, func(tx *store.Tx) { require.NoError(l, tx.RenewWork(first, 30*time.Second)) })
		l.at = l.at.Add(20 * time.Second)
		_, ok = l.claim("a")
		require.False(l, ok, "renewed")
		l.at = l.at.Add(20 * time.Second)
		second := l.claimed("a")
		require.Equal(l, 2, second.Attempt)
		lost := []error{l.finish(first), l.retry(first, store.Retry{}),
			l.s.Write(ctx, func(tx *store.Tx) error { return tx.RenewWork(first, time.Hour) }),
			l.s.Write(ctx, func(tx *store.Tx) error { return tx.HoldWork(first) })}
		for _, err := range lost {
			require.Equal(l, hub.CodeConflict, hub.CodeOf(err))
		}
		write(l.T, l.s, func(tx *store.Tx) { require.NoError(l, tx.HoldWork(second)) })
		require.NoError(l, l.finish(second))
		require.Equal(l, hub.CodeConflict, hub.CodeOf(l.finish(second)), "once")
	})
}

func TestG11_ReclaimTakesBackWhatNobodyHolds(t *testing.T) {
	t.Parallel()
	lists(t, func(l *list) {
		for _, ref := range []string{"abandoned", "held", "unclaimed"} {
			l.add(ref, 0, 0)
		}
		abandoned, held := l.claimed("abandoned"), l.claimed("held")
		unclaimed, _ := l.row("unclaimed")
		write(l.T, l.s, func(tx *store.Tx) {
			ring, ok, err := tx.DispatchWork(unclaimed.ID, 30*time.Second)
			require.NoError(l, err)
			require.True(l, ok)
			require.EqualValues(l, 1, ring)
			_, ok, err = tx.DispatchWork(unclaimed.ID, 30*time.Second)
			require.NoError(l, err)
			require.False(l, ok, "once")
		})
		reclaim := func() (a, b int64) {
			write(l.T, l.s, func(tx *store.Tx) {
				var err error
				a, b, err = tx.ReclaimWork()
				require.NoError(l, err)
			})
			return a, b
		}
		a, b := reclaim()
		require.Zero(l, a+b)
		l.at = l.at.Add(29 * time.Second)
		write(l.T, l.s, func(tx *store.Tx) { require.NoError(l, tx.RenewWork(held, time.Hour)) })
		l.at = l.at.Add(2 * time.Second)
		a, b = reclaim()
		require.EqualValues(l, 1, a)
		require.EqualValues(l, 1, b)
		require.Equal(l, map[string]int64{"ready": 2, "running": 1}, l.states())
		require.Equal(l, hub.CodeConflict, hub.CodeOf(l.finish(abandoned)))
	})
}

func TestG3_WipedBrokerMakesEverythingReadyAgain(t *testing.T) {
	t.Parallel()
	lists(t, func(l *list) {
		for _, ref := range []string{"a", "b", "running"} {
			l.add(ref, 0, 0)
		}
		l.claimed("running")
		write(l.T, l.s, func(tx *store.Tx) {
			rows := must[[]hub.Work](l.T)(tx.ReadyWork(hub.QueueDefault, "t", 10))
			require.Len(l, rows, 2)
			for _, w := range rows {
				_, ok, err := tx.DispatchWork(w.ID, time.Hour)
				require.NoError(l, err)
				require.True(l, ok)
			}
			require.Equal(l, map[string]int{"t": 3}, must[map[string]int](l.T)(tx.InFlight(hub.QueueDefault)))
			require.NoError(l, tx.UndispatchWork([]string{rows[0].ID}))
			require.Equal(l, map[string]int{"t": 2}, must[map[string]int](l.T)(tx.InFlight(hub.QueueDefault)))
			require.EqualValues(l, 1, must[int64](l.T)(tx.RedispatchAll()))
			require.Empty(l, must[string](l.T)(tx.BrokerEpoch()))
			require.NoError(l, tx.SetBrokerEpoch("1"))
			require.NoError(l, tx.SetBrokerEpoch("2"))
			require.Equal(l, "2", must[string](l.T)(tx.BrokerEpoch()))
		})
		require.Equal(l, map[string]int64{"ready": 2, "running": 1}, l.states())
	})
}

func TestAskedForWhileRunningIsNotForgotten(t *testing.T) {
	t.Parallel()
	lists(t, func(l *list) {
		l.add("now", 0, 0)
		w := l.claimed("now")
		l.add("now", 0, 0)
		require.NoError(l, l.finish(w))
		again, ok := l.row("now")
		require.True(l, ok)
		require.Equal(l, l.at, again.DueAt)
		require.Zero(l, again.Attempt)

		l.add("hour", 0, 0)
		w = l.claimed("hour")
		l.add("hour", time.Hour, 0)
		l.add("hour", 2*time.Hour, 0)
		require.NoError(l, l.finish(w))
		again, _ = l.row("hour")
		require.Equal(l, l.at.Add(time.Hour), again.DueAt, "at the time it was asked for")

		l.add("failed", 0, 0)
		w = l.claimed("failed")
		l.add("failed", time.Second, 0)
		require.NoError(l, l.retry(w, store.Retry{After: time.Hour}))
		again, _ = l.row("failed")
		require.Equal(l, l.at.Add(time.Second), again.DueAt, "a new fact does not wait for the pause to end")

		l.add("limited", 0, 0)
		w = l.claimed("limited")
		l.add("limited", time.Second, 0)
		require.NoError(l, l.retry(w, store.Retry{After: time.Hour, Free: true}))
		again, _ = l.row("limited")
		require.Equal(l, l.at.Add(time.Hour), again.DueAt, "but for one the ATS asked for")
	})
}

func TestChoreComesBackAfterItsInterval(t *testing.T) {
	t.Parallel()
	lists(t, func(l *list) {
		l.add("c", 0, time.Hour)
		require.NoError(l, l.finish(l.claimed("c")))
		w, _ := l.row("c")
		require.Equal(l, l.at.Add(time.Hour), w.DueAt)
		require.Equal(l, time.Hour, w.Every)
		l.add("c", 0, time.Hour) // now, please
		l.promote()
		w = l.claimed("c")
		l.add("c", 0, 2*time.Hour) // a new rhythm, and once more
		require.NoError(l, l.finish(w))
		w, _ = l.row("c")
		require.Equal(l, l.at, w.DueAt)
		require.Equal(l, 2*time.Hour, w.Every)
	})
}

func TestG15_RetriesCountWhatTheyShould(t *testing.T) {
	t.Parallel()
	lists(t, func(l *list) {
		l.add("a", 0, 0)
		take := func() hub.Work {
			l.at = l.at.Add(time.Minute)
			l.promote()
			return l.claimed("a")
		}
		require.NoError(l, l.retry(take(), store.Retry{Free: true, Error: "limited"}))
		w := take()
		require.Equal(l, 1, w.Attempt)
		require.Zero(l, w.Failures)
		require.Nil(l, w.FailingSince)
		require.Equal(l, "limited", w.LastError)
		since := l.at
		require.NoError(l, l.retry(w, store.Retry{}))
		require.NoError(l, l.retry(take(), store.Retry{Deterministic: true}))
		w = take()
		require.Equal(l, 3, w.Attempt)
		require.Equal(l, 1, w.Failures)
		require.Equal(l, since, *w.FailingSince)
	})
}

func TestDroppedWorkIsNotWrittenByItsOldClaim(t *testing.T) {
	t.Parallel()
	lists(t, func(l *list) {
		l.add("a", 0, 0)
		w := l.claimed("a")
		write(l.T, l.s, func(tx *store.Tx) { require.NoError(l, tx.DropWork(hub.WorkAction, "a")) })
		l.add("a", 0, 0)
		require.Equal(l, hub.CodeConflict, hub.CodeOf(l.finish(w)))
		require.Equal(l, map[string]int64{"ready": 1}, l.states())
	})
}

func TestG15_TenantsAreFoundHoweverLongABacklog(t *testing.T) {
	t.Parallel()
	lists(t, func(l *list) {
		write(l.T, l.s, func(tx *store.Tx) {
			require.Empty(l, must[[]string](l.T)(tx.ReadyTenants(hub.QueueBulk)))
			for _, tenant := range []string{"b", "", "a", "b", "c"} {
				require.NoError(l, tx.AddWork(hub.Work{TenantID: tenant, Queue: hub.QueueBulk, Kind: hub.WorkAction, Ref: hub.NewID("r"), DueAt: tx.Now()}))
			}
			require.Equal(l, []string{"", "a", "b", "c"}, must[[]string](l.T)(tx.ReadyTenants(hub.QueueBulk)))
			require.Empty(l, must[[]string](l.T)(tx.ReadyTenants(hub.QueueDefault)))
		})
	})
}
