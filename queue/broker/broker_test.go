package broker_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/testenv"
	"github.com/atshub/atshub/queue/broker"
)

func open(t *testing.T, url string) *broker.Broker {
	t.Helper()
	b, err := broker.Open(context.Background(), url, nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b
}

func TestEmbeddedRedisHasAClockAndADoor(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := open(t, broker.Embedded)
	require.NoError(t, b.Client.Set(ctx, "short", "lived", 300*time.Millisecond).Err())
	require.Eventually(t, func() bool { return b.Client.Exists(ctx, "short").Val() == 0 }, 5*time.Second, 20*time.Millisecond)

	address := b.Client.(*redis.Client).Options().Addr
	stranger := redis.NewClient(&redis.Options{Addr: address, Protocol: 2})
	defer func() { _ = stranger.Close() }()
	require.ErrorContains(t, stranger.Get(ctx, "short").Err(), "NOAUTH")
}

func TestG3_MarkChangesWhenTasksMayBeGone(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	mark := func(t *testing.T, b *broker.Broker) string {
		t.Helper()
		m, err := b.Mark(ctx)
		require.NoError(t, err)
		return m
	}
	for _, url := range []string{"embedded", "real"} {
		t.Run(url+" flushed", func(t *testing.T) {
			t.Parallel()
			if url == "real" {
				url = testenv.StartRedis(t).URL
			}
			b := open(t, url)
			before := mark(t, b)
			require.Equal(t, before, mark(t, b))
			require.NoError(t, b.Client.FlushAll(ctx).Err())
			require.NotEqual(t, before, mark(t, b))
		})
	}
	t.Run("real restarted with its data", func(t *testing.T) {
		t.Parallel()
		r := testenv.StartRedis(t)
		b, other := open(t, r.URL), open(t, r.URL)
		before := mark(t, b)
		require.Equal(t, before, mark(t, other))
		r.Kill()
		_, err := b.Mark(ctx)
		require.Error(t, err)
		r.Start(t)
		require.NotEqual(t, before, mark(t, b))
		require.Equal(t, mark(t, b), mark(t, other))
	})
}

func TestRedisThatMayEvictIsRefused(t *testing.T) {
	t.Parallel()
	r := testenv.StartRedis(t, "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru")
	_, err := broker.Open(context.Background(), r.URL, nil)
	require.Equal(t, hub.CodeInvalid, hub.CodeOf(err))
	require.ErrorContains(t, err, "allkeys-lru")
}

func TestRedisAwayAtStartIsNoError(t *testing.T) {
	t.Parallel()
	r := testenv.StartRedis(t)
	r.Kill()
	b := open(t, r.URL)
	r.Start(t)
	_, err := b.Mark(context.Background())
	require.NoError(t, err)
}

func TestWrongURLIsNotQuoted(t *testing.T) {
	t.Parallel()
	_, err := broker.Open(context.Background(), "http://user:hunter2@example.com", nil)
	require.Equal(t, hub.CodeInvalid, hub.CodeOf(err))
	require.NotContains(t, err.Error(), "hunter2")
}
