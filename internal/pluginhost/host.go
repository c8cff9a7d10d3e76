// Package pluginhost runs connectors as plugin processes and makes them
// callable as sdk.Abilities. What a connector does wrong stays in its process:
// it may crash, hang, flood its output, lie in the handshake or fill its
// memory, and neither the hub nor another connector notices.
//
// A process is supervised through these states (supervisor.go):
//
//	registered → starting → ready ⇄ suspect → draining → stopped
//	                │          │       │
//	                └──────────┴───────┴→ crashed → backoff → starting
//	                                         └→ quarantined → starting
//
// Calls wait for ready, shortly; they fail at once while quarantined, draining
// or stopped.
package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/atshub/atshub/sdk"
)

// Options of a Host. Zero values are the defaults named.
type Options struct {
	Catalog    *Catalog              // required; LoadCatalog
	Dir        string                // for sockets and temporary files; default os.TempDir()
	Logger     *slog.Logger          // default slog.Default()
	Registerer prometheus.Registerer // default none

	PassEnv     []string // names of the hub's own variables a connector may see, beside TZ and the certificate paths
	MemoryLimit int64    // bytes a process may hold before it is killed; default 256 MiB
	Concurrent  int      // calls at once per connector; default 64
	Queue       int      // calls waiting beyond that; default 256

	CallTimeout   time.Duration // longest call; default 60 s
	ReadyWait     time.Duration // how long a call waits for a process that is not ready; default 2 s
	StartTimeout  time.Duration // from exec to ready; default 10 s
	HealthEvery   time.Duration // default 5 s
	HealthTimeout time.Duration // default 1 s
	DrainTimeout  time.Duration // how long running calls may finish at Close; default 30 s
}

func (o Options) withDefaults() Options {
	setDefault(&o.Logger, slog.Default())
	setDefault(&o.MemoryLimit, 256<<20)
	setDefault(&o.Concurrent, 64)
	setDefault(&o.Queue, 256)
	setDefault(&o.CallTimeout, 60*time.Second)
	setDefault(&o.ReadyWait, 2*time.Second)
	setDefault(&o.StartTimeout, 10*time.Second)
	setDefault(&o.HealthEvery, 5*time.Second)
	setDefault(&o.HealthTimeout, time.Second)
	setDefault(&o.DrainTimeout, 30*time.Second)
	return o
}

func setDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// Host runs the connectors of a catalog, one process each, shared by all
// tenants. Safe for use by many goroutines.
type Host struct {
	opt        Options
	metrics    *metrics
	connectors map[string]*connector

	mu      sync.Mutex
	run     *runDir
	started bool
	closed  bool
}

// New checks the options; nothing is started.
func New(opt Options) (*Host, error) {
	if opt.Catalog == nil {
		return nil, errors.New("plugin host: no catalog given")
	}
	h := &Host{opt: opt.withDefaults(), connectors: map[string]*connector{}}
	var err error
	if h.metrics, err = newMetrics(opt.Registerer); err != nil {
		return nil, fmt.Errorf("plugin host: register metrics: %w", err)
	}
	for _, e := range opt.Catalog.Connectors {
		h.connectors[e.Name] = newConnector(h, e)
	}
	return h, nil
}

// Start starts every connector and returns when each is ready or has failed
// for the first time. A connector that fails is no error of Start: it is
// started again or refused, and Status tells.
func (h *Host) Start(ctx context.Context) error {
	h.mu.Lock()
	if h.started || h.closed {
		h.mu.Unlock()
		return errors.New("plugin host: started twice, or after Close")
	}
	run, err := newRunDir(h.opt.Dir)
	if err != nil {
		h.mu.Unlock()
		return fmt.Errorf("plugin host: %w", err)
	}
	h.run, h.started = run, true
	for _, c := range h.connectors {
		c.supervisor.start()
	}
	h.mu.Unlock()
	for _, c := range h.connectors {
		if err := c.supervisor.settled(ctx); err != nil {
			return fmt.Errorf("plugin host: start %s: %w", c.entry.Name, err)
		}
	}
	return nil
}

// Close drains every connector in parallel, then ends the processes. ctx and
// DrainTimeout bound the wait for running calls; the processes are gone in
// any case. Safe to call twice.
func (h *Host) Close(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || !h.started {
		h.closed = true
		return nil
	}
	h.closed = true
	ctx, cancel := context.WithTimeout(ctx, h.opt.DrainTimeout)
	defer cancel()
	var all sync.WaitGroup
	for _, c := range h.connectors {
		all.Go(func() { c.supervisor.stop(ctx) })
	}
	all.Wait()
	return h.run.remove()
}

// Manifest is what the connector says of itself. CodeNotFound for a name the
// catalog does not have, CodeUnavailable until the process was ready once.
func (h *Host) Manifest(name string) (sdk.Manifest, error) {
	c, err := h.connector(name)
	if err != nil {
		return sdk.Manifest{}, err
	}
	return c.describe()
}

// Abilities are the connector's abilities for one connection, nil where it has
// none; errors as of Manifest. The catalog's endpoint, if it has one, replaces
// that of s. Every call answers an *sdk.Error or succeeds, within its context
// and CallTimeout.
func (h *Host) Abilities(name string, s sdk.Settings) (*sdk.Abilities, error) {
	c, err := h.connector(name)
	if err != nil {
		return nil, err
	}
	m, err := c.describe()
	if err != nil {
		return nil, err
	}
	if c.entry.Endpoint != "" {
		s.Endpoint = c.entry.Endpoint
	}
	return sdk.RemoteAbilities(m.Abilities, c.remote(s)), nil
}

// Reset ends the quarantine of a connector: it is started at once.
func (h *Host) Reset(name string) error {
	c, err := h.connector(name)
	if err != nil {
		return err
	}
	c.supervisor.reset()
	return nil
}

// Status is a connector as readiness and the API show it.
type Status struct {
	Name      string    `json:"name"`
	Version   string    `json:"version"`
	State     State     `json:"state"`
	Since     time.Time `json:"since"`
	PID       int       `json:"pid,omitempty"`
	Starts    int       `json:"starts"`
	LastExit  string    `json:"last_exit,omitempty"` // why the last process ended or could not start, in plain words
	LastLines []string  `json:"-"`                   // end of its stderr, for the operator only: not checked for what it holds
}

// Status lists all connectors by name.
func (h *Host) Status() []Status {
	out := make([]Status, 0, len(h.connectors))
	for _, c := range h.connectors {
		s := c.supervisor.status()
		s.Name, s.Version, s.LastLines = c.entry.Name, c.entry.Version, c.logs.tail()
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Status) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func (h *Host) connector(name string) (*connector, error) {
	if c, ok := h.connectors[name]; ok {
		return c, nil
	}
	return nil, &sdk.Error{Code: sdk.CodeNotFound, Message: fmt.Sprintf("there is no connector %q", name), Fault: sdk.FaultHub, Outcome: sdk.NotDone}
}
