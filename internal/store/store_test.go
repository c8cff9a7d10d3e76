package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/internal/testenv"
)

var ctx = context.Background()

// write runs fn in one transaction that must succeed.
func write(t *testing.T, s *store.Store, fn func(tx *store.Tx)) {
	t.Helper()
	require.NoError(t, s.Write(ctx, func(tx *store.Tx) error { fn(tx); return nil }))
}

// must is a value whose making must not fail.
func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		require.NoError(t, err)
		return v
	}
}

func TestMigrationsGoUpOnceOnBoth(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			url := "sqlite:" + filepath.Join(t.TempDir(), "odd #1 %2F?", "ledger.db")
			if kind == "postgres" {
				url = testenv.Postgres(t)
			}
			for i := range 3 { // a second start finds everything in place, and its rows
				s, err := store.Open(ctx, store.Options{URL: url})
				require.NoError(t, err)
				write(t, s, func(tx *store.Tx) {
					all := must[[]hub.Tenant](t)(tx.Tenants("fairec", store.Page{}))
					require.Len(t, all, i)
					must[hub.Tenant](t)(tx.PutTenant("fairec", fmt.Sprint("org", i), "Acme"))
				})
				require.NoError(t, s.Close())
			}
		})
	}
}

func TestMigrationsOfManyProcessesAtOnce(t *testing.T) {
	t.Parallel()
	url := testenv.Postgres(t)
	results := make(chan error)
	for range 4 {
		go func() {
			s, err := store.Open(ctx, store.Options{URL: url})
			if err == nil {
				err = s.Close()
			}
			results <- err
		}()
	}
	for range 4 {
		require.NoError(t, <-results)
	}
}

func TestG3_DatabaseThatForgetsIsRefused(t *testing.T) {
	t.Parallel()
	url := testenv.Postgres(t) + "&options=-csynchronous_commit%3Doff"
	_, err := store.Open(ctx, store.Options{URL: url})
	require.Equal(t, hub.CodeInvalid, hub.CodeOf(err))
	require.ErrorContains(t, err, "synchronous_commit")
	_, err = store.Open(ctx, store.Options{URL: "mysql://user:hunter2@host/db"})
	require.Equal(t, hub.CodeInvalid, hub.CodeOf(err))
	require.NotContains(t, err.Error(), "hunter2")
}

func TestFailedTransactionLeavesNothing(t *testing.T) {
	t.Parallel()
	testenv.Stores(t, func(t *testing.T, s *store.Store) {
		boom := hub.Invalid("x", "is wrong")
		err := s.Write(ctx, func(tx *store.Tx) error {
			must[hub.Tenant](t)(tx.PutTenant("fairec", "org", "Acme"))
			require.NoError(t, tx.AddWork(hub.Work{TenantID: "t", Queue: hub.QueueBulk, Kind: hub.WorkCheck, Ref: "r", DueAt: tx.Now()}))
			return boom
		})
		require.Equal(t, boom, err)
		write(t, s, func(tx *store.Tx) {
			require.Empty(t, must[[]hub.Tenant](t)(tx.Tenants("fairec", store.Page{})))
			require.Empty(t, must[[]store.WorkCount](t)(tx.WorkCounts()))
		})
		select {
		case <-s.Bell():
			t.Fatal("the bell rang for work that is not there")
		default:
		}
	})
}

func TestBellRingsForWorkThatIsDue(t *testing.T) {
	t.Parallel()
	testenv.Stores(t, func(t *testing.T, s *store.Store) {
		add := func(ref string, in time.Duration) {
			write(t, s, func(tx *store.Tx) {
				require.NoError(t, tx.AddWork(hub.Work{TenantID: "t", Queue: hub.QueueBulk, Kind: hub.WorkCheck, Ref: ref, DueAt: tx.Now().Add(in)}))
			})
		}
		rang := func() bool {
			select {
			case <-s.Bell():
				return true
			default:
				return false
			}
		}
		add("later", time.Hour)
		require.False(t, rang())
		add("now", 0)
		require.True(t, rang())
		require.False(t, rang())
	})
}

func TestClockIsOnePerTransaction(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 10, 0, 0, 123456789, time.FixedZone("x", 3600))
	s, err := store.Open(ctx, store.Options{URL: testenv.SQLite(t), Now: func() time.Time { at = at.Add(time.Second); return at }})
	require.NoError(t, err)
	defer func() { _ = s.Close() }()
	write(t, s, func(tx *store.Tx) {
		require.Equal(t, time.Date(2026, 11, 22, 9, 0, 1, 123000000, time.UTC), tx.Now())
		require.Equal(t, tx.Now(), tx.Now())
		require.Equal(t, tx.Now(), must[hub.Tenant](t)(tx.PutTenant("fairec", "o", "n")).CreatedAt)
	})
}

func TestConnectionStatesFollowThePicture(t *testing.T) {
	t.Parallel()
	allowed := map[hub.ConnectionState]string{
		hub.ConnectionChecking:     "active degraded reauth_required uninstalling",
		hub.ConnectionActive:       "degraded reauth_required paused uninstalling",
		hub.ConnectionDegraded:     "active reauth_required paused uninstalling",
		hub.ConnectionReauth:       "active degraded paused uninstalling",
		hub.ConnectionPaused:       "active degraded reauth_required uninstalling",
		hub.ConnectionUninstalling: "deleted",
		hub.ConnectionDeleted:      "",
	}
	testenv.Stores(t, func(t *testing.T, s *store.Store) {
		var tenant hub.Tenant
		write(t, s, func(tx *store.Tx) { tenant = must[hub.Tenant](t)(tx.PutTenant("fairec", "o", "n")) })
		for from, list := range allowed {
			for to := range allowed {
				c := hub.Connection{ID: hub.NewID("con"), TenantID: tenant.ID, Product: "fairec", Connector: "x", State: from}
				write(t, s, func(tx *store.Tx) { require.NoError(t, tx.InsertConnection(c)) })
				c.State = to
				err := s.Write(ctx, func(tx *store.Tx) error { return tx.SaveConnection(c) })
				may := from == to || contains(list, string(to))
				require.Equal(t, may, from.CanBecome(to), "%s → %s", from, to)
				if may {
					require.NoError(t, err, "%s → %s", from, to)
				} else {
					require.Equal(t, hub.CodeConflict, hub.CodeOf(err), "%s → %s", from, to)
				}
			}
		}
	})
}
