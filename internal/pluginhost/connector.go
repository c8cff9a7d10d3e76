package pluginhost

// Calls to one connector: a bounded number at once, each within a deadline,
// reads repeated once when the process failed under them.

import (
	"context"
	"crypto/rand"
	"errors"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/atshub/atshub/sdk"
	"github.com/atshub/atshub/sdk/transport"
)

// connector is one entry of the catalog at work.
type connector struct {
	host       *Host
	entry      Entry
	logs       *logSink
	supervisor *supervisor

	places   chan struct{} // bulkhead: one per call at work
	waiting  atomic.Int64
	manifest atomic.Pointer[sdk.Manifest] // of the process last ready
}

func newConnector(h *Host, e Entry) *connector {
	m, name := h.metrics, e.Name
	log := h.opt.Logger.With("plugin", name, "version", e.Version)
	c := &connector{host: h, entry: e, places: make(chan struct{}, h.opt.Concurrent),
		logs: newLogSink(log, func(level string) { m.logLines.WithLabelValues(name, level).Inc() }, func() { m.logDropped.WithLabelValues(name).Inc() })}
	c.supervisor = newSupervisor(name, h.opt, log, m, func(ctx context.Context) (instance, error) {
		p, err := c.launch(ctx)
		if err != nil {
			return nil, err
		}
		c.manifest.Store(&p.manifest)
		return p, nil
	})
	return c
}

func (c *connector) describe() (sdk.Manifest, error) {
	if m := c.manifest.Load(); m != nil {
		return *m, nil
	}
	return sdk.Manifest{}, notReady("the connector " + c.entry.Name + " was never ready; it is " + string(c.supervisor.status().State))
}

type requestKey struct{}

// WithRequestID sets the id under which the calls made with ctx appear in a
// connector's log. Without it each call gets one of its own.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestKey{}, id)
}

// remote sends calls with these settings.
func (c *connector) remote(s sdk.Settings) sdk.Remote {
	return func(ctx context.Context, name string, write bool, request []byte) ([]byte, error) {
		began := time.Now()
		id, ok := ctx.Value(requestKey{}).(string)
		if !ok {
			id = rand.Text()
		}
		ctx, cancel := context.WithTimeout(ctx, c.host.opt.CallTimeout)
		defer cancel()
		answer, err := c.call(ctx, transport.Call{Settings: s, RequestID: id, Ability: name, Write: write, Request: request})
		c.host.metrics.called(c.entry.Name, name, began, err)
		return answer, err
	}
}

func (c *connector) call(ctx context.Context, call transport.Call) ([]byte, error) {
	leave, err := c.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	for call.Attempt = 1; ; call.Attempt++ {
		i, err := c.supervisor.ready(ctx)
		if err != nil {
			return nil, err
		}
		answer, err := i.(*plugged).invoke(ctx, call)
		lost, ok := errors.AsType[*transport.Lost](err)
		if !ok {
			return answer, err
		}
		if lost.Code == codes.Unavailable {
			c.supervisor.lostCall(i)
		}
		// A write is never repeated here: whether it was done is for the
		// ledger to find out.
		if call.Write || call.Attempt == 2 || lost.Code != codes.Unavailable || ctx.Err() != nil {
			return nil, lost.Typed(call.Write)
		}
		c.host.metrics.retries.WithLabelValues(c.entry.Name).Inc()
	}
}

// enter takes one of the connector's places, waiting for it in a bounded queue.
func (c *connector) enter(ctx context.Context) (leave func(), err error) {
	busy := func(message string) error {
		return &sdk.Error{Code: sdk.CodeUnavailable, Message: message, Fault: sdk.FaultHub, Outcome: sdk.NotDone}
	}
	inFlight, waiting := c.host.metrics.inFlight.WithLabelValues(c.entry.Name), c.host.metrics.waiting.WithLabelValues(c.entry.Name)
	leave = func() {
		<-c.places
		inFlight.Dec()
	}
	select {
	case c.places <- struct{}{}:
		inFlight.Inc()
		return leave, nil
	default:
	}
	if c.waiting.Add(1) > int64(c.host.opt.Queue) {
		c.waiting.Add(-1)
		return nil, busy("too many calls are waiting for the connector " + c.entry.Name)
	}
	waiting.Inc()
	defer func() {
		c.waiting.Add(-1)
		waiting.Dec()
	}()
	select {
	case c.places <- struct{}{}:
		inFlight.Inc()
		return leave, nil
	case <-ctx.Done():
		return nil, busy("the call waited for the connector " + c.entry.Name + " until its deadline")
	}
}
