package api

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/store"
)

func TestAReservationOfAProcessThatDiedFreesItself(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	s, err := store.Open(t.Context(), store.Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "ledger.db"), Now: func() time.Time { return now }})
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	a := &API{store: s}
	take := func() (store.Answer, bool) {
		r := reserve(hub.Actor{Product: "fairec", TenantID: "ten"}, "key", "POST /x", []byte("{}"))
		earlier, fresh, err := a.take(context.Background(), &r)
		require.NoError(t, err)
		return earlier, fresh
	}
	_, fresh := take()
	require.True(t, fresh)
	now = now.Add(abandoned)
	_, fresh = take()
	require.False(t, fresh, "it may still be running")
	now = now.Add(time.Second)
	_, fresh = take()
	require.True(t, fresh)
	earlier, fresh := take()
	require.False(t, fresh)
	require.Zero(t, earlier.Status)
}

func TestRequestsDifferByWhoAsksAndWhat(t *testing.T) {
	t.Parallel()
	who := hub.Actor{Product: "fairec", TenantID: "ten", User: "u", Role: "r"}
	same := reserve(who, "key", "POST /x", []byte("{}"))
	require.Equal(t, same, reserve(who, "key", "POST /x", []byte("{}")))
	for _, other := range []reservation{
		reserve(who, "key", "POST /y", []byte("{}")), reserve(who, "key", "POST /x", []byte("{ }")),
		reserve(hub.Actor{Product: "fairec", TenantID: "ten", User: "ur"}, "key", "POST /x", []byte("{}")),
	} {
		require.NotEqual(t, same.request, other.request)
	}
	require.NotEqual(t, same.scope, reserve(hub.Actor{Product: "fairec", TenantID: "ten2"}, "key", "POST /x", nil).scope)
}
