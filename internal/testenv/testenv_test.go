package testenv_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/internal/testenv"
)

func TestEveryTestOwnsItsLedger(t *testing.T) {
	t.Parallel()
	for range 3 {
		testenv.Stores(t, func(t *testing.T, s *store.Store) {
			require.NoError(t, s.Write(context.Background(), func(tx *store.Tx) error {
				all, err := tx.Tenants("fairec", store.Page{})
				require.NoError(t, err)
				require.Empty(t, all)
				_, err = tx.PutTenant("fairec", "one", "Acme")
				return err
			}))
		})
	}
}

func TestRedisComesBackWithItsData(t *testing.T) {
	t.Parallel()
	r := testenv.StartRedis(t)
	r.Kill()
	r.Start(t)
}
