package pluginhost

// The supervisor of one connector: one goroutine that starts the process,
// asks for its health, and starts it again, later and later, when it crashed.
// The states are drawn in host.go.

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/atshub/atshub/sdk"
)

// State of a connector's process.
type State string

const (
	StateRegistered  State = "registered"  // in the catalog, not started yet
	StateStarting    State = "starting"    // process launched, not introduced yet
	StateReady       State = "ready"       // takes calls
	StateSuspect     State = "suspect"     // a call or a health question failed; calls wait
	StateCrashed     State = "crashed"     // gone, about to be started again
	StateBackoff     State = "backoff"     // gone, waiting to be started again
	StateQuarantined State = "quarantined" // crashed too often or refused; tried every 10 min, or by Reset
	StateDraining    State = "draining"    // finishing the running calls
	StateStopped     State = "stopped"
)

var states = []State{StateRegistered, StateStarting, StateReady, StateSuspect, StateCrashed,
	StateBackoff, StateQuarantined, StateDraining, StateStopped}

// maxMisses of health in a row end the process.
const maxMisses = 3

// Exit reasons in metrics.
const (
	exitCrashed = "crashed"
	exitHung    = "hung"
	exitMemory  = "memory"
	exitStart   = "start_failed"
	exitRefused = "refused"
	exitStopped = "stopped"
)

type supervisor struct {
	name    string
	opt     Options
	log     *slog.Logger
	metrics *metrics
	launch  func(context.Context) (instance, error)

	stopping chan struct{}
	finished chan struct{}
	doubt    chan struct{} // a caller lost a call
	pardon   chan struct{} // Reset

	mu       sync.Mutex
	state    State
	since    time.Time
	current  instance // while ready, suspect or draining
	starts   int
	lastExit string
	changed  chan struct{}   // closed at the next change of state
	drainCtx context.Context // of stop
	tried    bool            // the first start has succeeded or failed
}

func newSupervisor(name string, opt Options, log *slog.Logger, m *metrics, launch func(context.Context) (instance, error)) *supervisor {
	s := &supervisor{name: name, opt: opt, log: log, metrics: m, launch: launch, stopping: make(chan struct{}), finished: make(chan struct{}),
		doubt: make(chan struct{}, 1), pardon: make(chan struct{}, 1), changed: make(chan struct{})}
	s.enter(StateRegistered, nil)
	return s
}

func (s *supervisor) start() { go s.run() }

// run is the whole life; it ends in stopped.
func (s *supervisor) run() {
	defer close(s.finished)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-s.stopping:
			cancel()
		case <-ctx.Done():
		}
	}()
	restarts := newRestarts()
	for ctx.Err() == nil {
		readyAt, err := s.live(ctx)
		if ctx.Err() != nil {
			break
		}
		s.noteExit(err)
		delay, quarantine := restarts.crashed(time.Now(), readyAt)
		var refused refusal
		if quarantine || errors.As(err, &refused) {
			s.log.Error("connector quarantined", "reason", err.Error(), "retry_in", quarantineRetry.String())
			if s.pause(ctx, StateQuarantined, quarantineRetry) {
				restarts.clear()
			} else {
				restarts.halfOpen(time.Now())
			}
			continue
		}
		s.log.Warn("connector crashed", "reason", err.Error(), "restart_in", delay.String())
		if delay > 0 && s.pause(ctx, StateBackoff, delay) {
			restarts.clear()
		}
	}
	s.enter(StateStopped, nil)
}

// live is the life of one process. It answers why it ended and since when it
// was ready; zero if it never was.
func (s *supervisor) live(ctx context.Context) (readyAt time.Time, err error) {
	s.enter(StateStarting, nil)
	s.metrics.starts.WithLabelValues(s.name).Inc()
	i, err := s.launch(ctx)
	if err != nil {
		s.enter(StateCrashed, nil)
		return time.Time{}, err
	}
	readyAt = time.Now()
	s.enter(StateReady, i)
	s.log.Info("connector ready", "pid", i.pid())
	err = s.watch(ctx, i)
	if ctx.Err() != nil {
		s.retire(i)
		return readyAt, ctx.Err()
	}
	s.enter(StateCrashed, nil)
	i.end("crashed")
	return readyAt, err
}

// ended is why a process is gone.
type ended struct{ kind, text string }

func (e ended) Error() string { return e.text }

// watch returns when the process is gone or ctx ends.
func (s *supervisor) watch(ctx context.Context, i instance) error {
	misses := 0
	next := time.NewTimer(s.opt.HealthEvery)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-i.exited():
			return ended{exitCrashed, "the process " + i.reason()}
		case <-s.doubt:
		case <-next.C:
		}
		err := s.ask(ctx, i)
		switch {
		case ctx.Err() != nil || isClosed(i.exited()):
			continue
		case err == nil:
			misses = 0
			s.trust(i)
			next.Reset(s.opt.HealthEvery)
			continue
		}
		if big, ok := errors.AsType[tooBig](err); ok {
			return s.put(i, exitMemory, big.Error())
		}
		misses++
		s.metrics.healthMisses.WithLabelValues(s.name).Inc()
		s.suspect(i)
		if misses == maxMisses {
			return s.put(i, exitHung, "did not answer three health questions")
		}
		next.Reset(s.opt.HealthTimeout)
	}
}

func (s *supervisor) ask(ctx context.Context, i instance) error {
	ctx, cancel := context.WithTimeout(ctx, s.opt.HealthTimeout)
	defer cancel()
	return i.health(ctx)
}

// put ends a process that may not go on.
func (s *supervisor) put(i instance, kind, why string) error {
	s.suspect(i)
	i.end("killed by the hub: it " + why)
	return ended{kind, "the process " + why + " and was killed"}
}

// retire drains and ends a process that is no longer wanted.
func (s *supervisor) retire(i instance) {
	s.enter(StateDraining, i)
	s.mu.Lock()
	ctx := s.drainCtx
	s.mu.Unlock()
	i.drain(ctx)
	i.end("stopped")
	s.metrics.exits.WithLabelValues(s.name, exitStopped).Inc()
	s.mu.Lock()
	s.lastExit = "stopped by the hub"
	s.mu.Unlock()
}

func (s *supervisor) noteExit(err error) {
	kind := exitStart
	var refused refusal
	if e, ok := errors.AsType[ended](err); ok {
		kind = e.kind
	} else if errors.As(err, &refused) {
		kind = exitRefused
	}
	s.metrics.exits.WithLabelValues(s.name, kind).Inc()
	s.mu.Lock()
	s.lastExit = err.Error()
	s.mu.Unlock()
}

// pause waits in a state; true if a person ended it by Reset.
func (s *supervisor) pause(ctx context.Context, state State, d time.Duration) (pardoned bool) {
	select {
	case <-s.pardon: // from before the pause: it meant an earlier one
	default:
	}
	s.enter(state, nil)
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	case <-s.pardon:
		return true
	}
	return false
}

func (s *supervisor) enter(state State, i instance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.enterLocked(state, i)
}

func (s *supervisor) enterLocked(state State, i instance) {
	if state == StateStarting {
		s.starts++
	}
	if s.state == StateCrashed || state == StateReady || state == StateStopped {
		s.tried = true
	}
	s.state, s.since, s.current = state, time.Now().UTC(), i
	close(s.changed)
	s.changed = make(chan struct{})
	s.metrics.entered(s.name, state)
}

// suspect takes i out of service until its health is known.
func (s *supervisor) suspect(i instance) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != StateReady || s.current != i {
		return false
	}
	s.enterLocked(StateSuspect, i)
	return true
}

// lostCall is a caller's word that i failed under it: calls wait until the
// health of i, asked for at once, is known.
func (s *supervisor) lostCall(i instance) {
	if !s.suspect(i) {
		return
	}
	select {
	case s.doubt <- struct{}{}:
	default:
	}
}

func (s *supervisor) trust(i instance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == StateSuspect && s.current == i {
		s.enterLocked(StateReady, i)
	}
}

// ready is the process that takes calls, waited for within ctx and ReadyWait.
func (s *supervisor) ready(ctx context.Context) (instance, error) {
	patience := time.NewTimer(s.opt.ReadyWait)
	defer patience.Stop()
	for {
		s.mu.Lock()
		state, i, changed := s.state, s.current, s.changed
		s.mu.Unlock()
		switch state {
		case StateReady:
			return i, nil
		case StateQuarantined:
			return nil, notReady("the connector " + s.name + " is quarantined after repeated crashes or a refused start")
		case StateDraining, StateStopped:
			return nil, notReady("the connector " + s.name + " is stopping")
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, notReady("the connector " + s.name + " was not ready before the call's deadline")
		case <-patience.C:
			return nil, notReady("the connector " + s.name + " is not ready: " + string(state))
		}
	}
}

func notReady(message string) *sdk.Error {
	return &sdk.Error{Code: sdk.CodeUnavailable, Message: message, Fault: sdk.FaultConnector, Outcome: sdk.NotDone}
}

// settled returns when the first start has succeeded or failed.
func (s *supervisor) settled(ctx context.Context) error {
	for {
		s.mu.Lock()
		tried, changed := s.tried, s.changed
		s.mu.Unlock()
		if tried {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// stop drains within ctx, ends the process and waits for the supervisor.
func (s *supervisor) stop(ctx context.Context) {
	s.mu.Lock()
	s.drainCtx = ctx
	s.mu.Unlock()
	close(s.stopping)
	<-s.finished
}

func (s *supervisor) reset() {
	select {
	case s.pardon <- struct{}{}:
	default:
	}
}

func (s *supervisor) status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := Status{State: s.state, Since: s.since, Starts: s.starts, LastExit: s.lastExit}
	if s.current != nil {
		out.PID = s.current.pid()
	}
	return out
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
