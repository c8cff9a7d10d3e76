package store_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/internal/testenv"
)

func contains(list, word string) bool { return strings.Contains(" "+list+" ", " "+word+" ") }

func delivery(key string) hub.Event {
	return hub.Event{TenantID: "ten_1", ConnectionID: "con_1", Source: hub.SourceWebhook, Key: key, Kind: hub.EventRaw,
		Headers: map[string]string{"X": "y"}, Body: []byte(`{"id":"` + key + `"}`)}
}

func TestG4_EachDeliveryIsKeptOnceUnderManyCallers(t *testing.T) {
	t.Parallel()
	testenv.Stores(t, func(t *testing.T, s *store.Store) {
		const callers, keys = 200, 70
		type answer struct {
			key     string
			receipt store.Receipt
			err     error
		}
		answers := make(chan answer, callers)
		begin := make(chan struct{})
		for i := range callers {
			go func() {
				<-begin
				key := fmt.Sprint("event", i%keys)
				receipt, err := s.Receive(ctx, delivery(key))
				answers <- answer{key, receipt, err}
			}()
		}
		close(begin)
		fresh := map[string]string{}
		for range callers {
			a := <-answers
			require.NoError(t, a.err)
			if a.receipt.Fresh {
				require.Empty(t, fresh[a.key], "fresh twice")
				fresh[a.key] = a.receipt.EventID
			}
		}
		require.Len(t, fresh, keys)
		write(t, s, func(tx *store.Tx) {
			events := must[[]hub.Event](t)(tx.Events("ten_1", store.EventFilter{}, store.Page{Limit: 200}))
			require.Len(t, events, keys)
			for _, e := range events {
				require.Equal(t, fresh[e.Key], e.ID)
				require.Equal(t, delivery(e.Key).Body, e.Body)
				require.Equal(t, "y", e.Headers["X"])
				must[hub.Work](t)(tx.WorkOf(hub.WorkEvent, e.ID))
			}
		})
	})
}

func TestG4_SameKeyOfAnotherConnectionIsAnotherEvent(t *testing.T) {
	t.Parallel()
	testenv.Stores(t, func(t *testing.T, s *store.Store) {
		other := delivery("1")
		other.ConnectionID = "con_2"
		for _, e := range []hub.Event{delivery("1"), other} {
			require.True(t, must[store.Receipt](t)(s.Receive(ctx, e)).Fresh)
			require.False(t, must[store.Receipt](t)(s.Receive(ctx, e)).Fresh)
		}
	})
}

// flood sends deliveries from many callers until stop, and answers the ids of
// those that were confirmed.
func flood(s *store.Store, stop <-chan struct{}) (confirmed func() []string) {
	var mu sync.Mutex
	var ids []string
	var callers sync.WaitGroup
	for caller := range 20 {
		callers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				receipt, err := s.Receive(ctx, delivery(fmt.Sprintf("%d-%d", caller, i)))
				if err == nil {
					mu.Lock()
					ids = append(ids, receipt.EventID)
					mu.Unlock()
				}
			}
		})
	}
	return func() []string { callers.Wait(); return ids }
}

func requireKept(t *testing.T, s *store.Store, ids []string) {
	t.Helper()
	require.NotEmpty(t, ids)
	require.NoError(t, s.Read(ctx, func(tx *store.Tx) error {
		for _, id := range ids {
			if _, err := tx.Event("ten_1", id); err != nil {
				return fmt.Errorf("confirmed and lost: %w", err)
			}
		}
		return nil
	}))
}

func TestG3_ClosingConfirmsNothingThatIsNotKept(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]func(*testing.T) string{"sqlite": testenv.SQLite, "postgres": testenv.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := url(t)
			s, err := store.Open(ctx, store.Options{URL: url})
			require.NoError(t, err)
			stop := make(chan struct{})
			confirmed := flood(s, stop)
			require.Eventually(t, func() bool { return count(t, s) > 100 }, 20*time.Second, 5*time.Millisecond)
			require.NoError(t, s.Close())
			_, err = s.Receive(ctx, delivery("too late"))
			require.Equal(t, hub.CodeUnavailable, hub.CodeOf(err))
			require.Equal(t, hub.CodeUnavailable, hub.CodeOf(s.Ping(ctx)))
			close(stop)
			again, err := store.Open(ctx, store.Options{URL: url})
			require.NoError(t, err)
			defer func() { _ = again.Close() }()
			requireKept(t, again, confirmed())
		})
	}
}

func count(t *testing.T, s *store.Store) (n int64) {
	t.Helper()
	require.NoError(t, s.Read(ctx, func(tx *store.Tx) (err error) {
		n, err = tx.OpenEvents("con_1")
		return err
	}))
	return n
}

func TestG3_DatabaseAwayIsAnErrorNeverAConfirmation(t *testing.T) {
	t.Parallel()
	url := testenv.Postgres(t)
	s, err := store.Open(ctx, store.Options{URL: url})
	require.NoError(t, err)
	defer func() { _ = s.Close() }()
	stop := make(chan struct{})
	confirmed := flood(s, stop)
	require.Eventually(t, func() bool { return count(t, s) > 100 }, 20*time.Second, 5*time.Millisecond)
	giveBack := testenv.CutOff(t, url)
	require.Eventually(t, func() bool { return hub.CodeOf(s.Ping(ctx)) == hub.CodeUnavailable }, 20*time.Second, 5*time.Millisecond)
	_, err = s.Receive(ctx, delivery("while away"))
	require.Equal(t, hub.CodeUnavailable, hub.CodeOf(err))
	require.Error(t, s.Read(ctx, func(*store.Tx) error { return nil }))
	close(stop)
	ids := confirmed()
	giveBack()
	require.Eventually(t, func() bool { return s.Ping(ctx) == nil }, 20*time.Second, 5*time.Millisecond, "it comes back by itself")
	requireKept(t, s, ids)
	require.True(t, must[store.Receipt](t)(s.Receive(ctx, delivery("while away"))).Fresh, "sent again, kept now")
}

func TestG3_CallerThatGivesUpGetsAnError(t *testing.T) {
	t.Parallel()
	testenv.Stores(t, func(t *testing.T, s *store.Store) {
		gone, cancel := context.WithCancel(ctx)
		cancel()
		for i := range 20 { // whichever of its two waits it is in
			if _, err := s.Receive(gone, delivery(fmt.Sprint(i))); err == nil {
				must[store.Receipt](t)(s.Receive(ctx, delivery(fmt.Sprint(i))))
				require.GreaterOrEqual(t, count(t, s), int64(1))
			}
		}
	})
}

func TestReceivingNotesWhenTheATSWasHeard(t *testing.T) {
	t.Parallel()
	testenv.Stores(t, func(t *testing.T, s *store.Store) {
		var c hub.Connection
		write(t, s, func(tx *store.Tx) {
			tenant := must[hub.Tenant](t)(tx.PutTenant("fairec", "o", "n"))
			c = hub.Connection{ID: hub.NewID("con"), TenantID: tenant.ID, Product: "fairec", Connector: "x", State: hub.ConnectionChecking}
			require.NoError(t, tx.InsertConnection(c))
			require.Nil(t, must[hub.Connection](t)(tx.Connection(tenant.ID, c.ID)).LastWebhookAt)
		})
		e := delivery("1")
		e.TenantID, e.ConnectionID = c.TenantID, c.ID
		must[store.Receipt](t)(s.Receive(ctx, e))
		write(t, s, func(tx *store.Tx) {
			require.WithinDuration(t, tx.Now(), *must[hub.Connection](t)(tx.ConnectionForHook(c.ID)).LastWebhookAt, time.Minute)
		})
	})
}

func TestG17_ExpiredBodiesGoFactsStay(t *testing.T) {
	t.Parallel()
	at := time.Now()
	s, err := store.Open(ctx, store.Options{URL: testenv.SQLite(t), Now: func() time.Time { return at }})
	require.NoError(t, err)
	defer func() { _ = s.Close() }()
	id := must[store.Receipt](t)(s.Receive(ctx, delivery("1"))).EventID
	write(t, s, func(tx *store.Tx) { require.Zero(t, must[int64](t)(tx.ExpireEvents(time.Hour, 10))) })
	at = at.Add(2 * time.Hour)
	write(t, s, func(tx *store.Tx) {
		require.EqualValues(t, 1, must[int64](t)(tx.ExpireEvents(time.Hour, 10)))
		e := must[hub.Event](t)(tx.Event("ten_1", id))
		require.Empty(t, e.Body)
		require.Empty(t, e.Headers)
		require.Equal(t, "1", e.Key)
	})
	require.False(t, must[store.Receipt](t)(s.Receive(ctx, delivery("1"))).Fresh, "still known")
	at = at.Add(60 * 24 * time.Hour)
	write(t, s, func(tx *store.Tx) { require.EqualValues(t, 1, must[int64](t)(tx.ExpireEvents(time.Hour, 10))) })
}
