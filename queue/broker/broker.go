// Package broker opens the Redis the doorbells lie in: one inside this process
// (the embedded default) or a real one. Nothing in it needs to survive.
package broker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/atshub/atshub/internal/hub"
)

// Embedded is the URL of the Redis inside this process.
const Embedded = "embedded"

// epochKey holds a random mark; when it is gone, so is everything else.
const epochKey = "atshub:epoch"

// Broker is safe for concurrent use. The zero value is not usable.
type Broker struct {
	Client redis.UniversalClient
	server *miniredis.Miniredis // nil: a real Redis
	stop   chan struct{}
	ticks  sync.WaitGroup
}

// Open connects to url: "embedded", or redis://, rediss://, unix://. A real
// Redis that does not answer now is no error, it is tried again whenever it is
// used; one that may evict tasks is refused.
func Open(ctx context.Context, url string, log *slog.Logger) (*Broker, error) {
	quiet(log)
	if url == Embedded {
		return openEmbedded()
	}
	o, err := redis.ParseURL(url)
	if err != nil { // err may quote the URL and its password
		return nil, hub.Invalid("redis.url", `must be "embedded" or begin with redis://, rediss:// or unix://`)
	}
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = time.Second, 2*time.Second, 2*time.Second
	o.MaxRetries, o.DialerRetries = 1, 1
	b := &Broker{Client: newClient(o)}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	if err := b.refuseEviction(ctx); err != nil {
		_ = b.Client.Close()
		return nil, err
	}
	return b, nil
}

func newClient(o *redis.Options) redis.UniversalClient {
	o.DisableIdentity = true
	o.ContextTimeoutEnabled = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return redis.NewClient(o)
}

// openEmbedded starts a Redis on a loopback port under a random password, and
// moves its clock: without that its TTLs never end.
func openEmbedded() (*Broker, error) {
	server := miniredis.NewMiniRedis()
	password := rand.Text()
	server.RequireAuth(password)
	if err := server.StartAddr("127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("start the embedded redis: %w", err)
	}
	b := &Broker{
		Client: newClient(&redis.Options{Addr: server.Addr(), Password: password, Protocol: 2}),
		server: server, stop: make(chan struct{}),
	}
	b.ticks.Go(func() {
		const tick = 250 * time.Millisecond
		ticker := time.NewTicker(tick)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				server.FastForward(tick)
			case <-b.stop:
				return
			}
		}
	})
	return b, nil
}

// Close ends the connections and, if embedded, the Redis.
func (b *Broker) Close() error {
	err := b.Client.Close()
	if b.server != nil {
		close(b.stop)
		b.ticks.Wait()
		b.server.Close()
	}
	return err
}

// refuseEviction answers an error if Redis says it would drop tasks when its
// memory is full. A Redis that does not answer is not refused.
func (b *Broker) refuseEviction(ctx context.Context) error {
	info, err := b.Client.Info(ctx, "memory").Result()
	if err != nil {
		return nil
	}
	if policy := field(info, "maxmemory_policy"); policy != "" && policy != "noeviction" {
		return &hub.Error{
			Code:    hub.CodeInvalid,
			Message: "redis runs with maxmemory-policy " + policy + " and would silently drop tasks",
			Next:    "set maxmemory-policy noeviction on this Redis",
		}
	}
	return nil
}

// Mark identifies what the broker holds. It changes when everything was
// flushed, and when the server was started anew or another took over, because
// then the last writes may be gone. The first to find no mark sets one.
func (b *Broker) Mark(ctx context.Context) (string, error) {
	pipe := b.Client.Pipeline()
	epoch := pipe.Get(ctx, epochKey)
	var info *redis.StringCmd
	if b.server == nil {
		info = pipe.Info(ctx, "server")
	}
	_, _ = pipe.Exec(ctx) // each command holds its own error
	if err := epoch.Err(); err != nil && !errors.Is(err, redis.Nil) {
		return "", fmt.Errorf("read the broker's mark: %w", err)
	}
	if epoch.Err() != nil {
		if err := b.Client.SetNX(ctx, epochKey, rand.Text(), 0).Err(); err != nil {
			return "", fmt.Errorf("set the broker's mark: %w", err)
		}
		epoch = b.Client.Get(ctx, epochKey)
		if err := epoch.Err(); err != nil {
			return "", fmt.Errorf("read the broker's mark: %w", err)
		}
	}
	if info == nil {
		return epoch.Val(), nil
	}
	if _, refused := errors.AsType[redis.Error](info.Err()); info.Err() != nil && !refused {
		return "", fmt.Errorf("read the broker's mark: %w", info.Err())
	}
	return epoch.Val() + "." + field(info.Val(), "run_id"), nil
}

func field(info, name string) string {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// quiet sends what the Redis client says of itself to the debug log; by
// default it writes to stderr.
func quiet(log *slog.Logger) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	redis.SetLogger(logger{log})
}

type logger struct{ log *slog.Logger }

func (l logger) Printf(ctx context.Context, format string, v ...any) {
	l.log.DebugContext(ctx, "redis client", "message", fmt.Sprintf(format, v...))
}
