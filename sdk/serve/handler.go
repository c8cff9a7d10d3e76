package serve

// The connector's side of the line: which session answers a call, how many
// are running, and the refusal of new ones while draining.

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/atshub/atshub/sdk"
	"github.com/atshub/atshub/sdk/transport"
)

type handler struct {
	manifest sdk.Manifest
	bindings map[string]sdk.Binding
	sessions *sessions
	started  time.Time

	mu       sync.Mutex
	running  int
	draining bool
	idle     chan struct{} // closed when draining and nothing runs
}

func newHandler(c sdk.Connector, m sdk.Manifest) *handler {
	h := &handler{manifest: m, bindings: map[string]sdk.Binding{}, sessions: newSessions(c, time.Now),
		started: time.Now(), idle: make(chan struct{})}
	for _, b := range sdk.Bindings {
		h.bindings[b.Name()] = b
	}
	return h
}

// Handler is the connector c as the transport calls it, for use without a process.
func Handler(c sdk.Connector) (transport.Handler, error) {
	m, err := sdk.Describe(c)
	if err != nil {
		return nil, err
	}
	return newHandler(c, m), nil
}

func (h *handler) Describe(context.Context) (sdk.Manifest, error) { return h.manifest, nil }

func (h *handler) Health(context.Context) transport.Health {
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	h.mu.Lock()
	defer h.mu.Unlock()
	return transport.Health{
		Draining: h.draining, InFlight: int64(h.running), Sessions: int64(h.sessions.len()),
		Goroutines: int64(runtime.NumGoroutine()), HeapBytes: int64(mem.HeapAlloc),
		UptimeSeconds: int64(time.Since(h.started).Seconds()),
	}
}

func (h *handler) Invoke(ctx context.Context, c transport.Call) ([]byte, error) {
	if !h.enter() {
		return nil, &sdk.Error{Code: sdk.CodeUnavailable, Message: "the connector is stopping", Fault: sdk.FaultHub, Outcome: sdk.NotDone}
	}
	defer h.leave()
	ctx = withCall(ctx, c)
	b, ok := h.bindings[c.Ability]
	if !ok {
		return nil, &sdk.Error{Code: sdk.CodeUnsupported, Message: "the connector does not know the ability " + c.Ability, Fault: sdk.FaultConnector, Outcome: sdk.NotDone}
	}
	s, release, err := h.sessions.acquire(ctx, c.Settings)
	if err != nil {
		return nil, err
	}
	defer release()
	answer, err := b.Serve(ctx, s, c.Request)
	if err != nil && sdk.AsError(err) != err { //nolint:errorlint // identity: is it of the contract as it stands?
		slog.WarnContext(ctx, "a call failed with an error that is not of the contract or wraps one", "type", typeName(err))
	}
	return answer, err
}

// Drain ends the sessions too when nothing runs any more.
func (h *handler) Drain(ctx context.Context) int64 {
	h.mu.Lock()
	if !h.draining {
		h.draining = true
		if h.running == 0 {
			close(h.idle)
		}
	}
	h.mu.Unlock()
	select {
	case <-h.idle:
		h.sessions.close()
	case <-ctx.Done():
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return int64(h.running)
}

func (h *handler) enter() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.draining {
		return false
	}
	h.running++
	return true
}

func (h *handler) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.running--
	if h.draining && h.running == 0 {
		close(h.idle)
	}
}
