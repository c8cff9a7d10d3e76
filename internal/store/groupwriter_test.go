package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/store"
)

// Writes that share a commit must not share a fate: each that fails is undone
// alone, each that succeeds stays.
func TestG3_WritesOfOneCommitFailAlone(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), store.Options{URL: "sqlite:" + t.TempDir() + "/hub.db"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	mine := errors.New("mine")
	const writers = 300
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			name := fmt.Sprintf("org-%03d", i)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			write := func(end func()) error {
				return s.Write(ctx, func(tx *store.Tx) error {
					if _, err := tx.PutTenant("fairec", name, name); err != nil {
						return err
					}
					end()
					if i%3 == 1 {
						return mine
					}
					return nil
				})
			}
			switch i % 3 {
			case 0:
				require.NoError(t, write(func() {}))
			case 1:
				require.ErrorIs(t, write(cancel), mine)
			case 2:
				require.PanicsWithValue(t, name, func() { _ = write(func() { panic(name) }) })
			}
		})
	}
	all.Wait()
	var kept []hub.Tenant
	require.NoError(t, s.Read(t.Context(), func(tx *store.Tx) (err error) {
		kept, err = tx.Tenants("fairec", store.Page{Limit: 200})
		return err
	}))
	require.Len(t, kept, writers/3)
	for _, k := range kept {
		var n int
		_, err := fmt.Sscanf(k.Name, "org-%03d", &n)
		require.NoError(t, err)
		require.Zero(t, n%3, "only writes that succeeded stay")
	}
}

func TestWriteAfterItsCallerLeftIsNotBegun(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), store.Options{URL: "sqlite:" + t.TempDir() + "/hub.db"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.Write(ctx, func(*store.Tx) error { t.Error("begun"); return nil }), context.Canceled)
}
