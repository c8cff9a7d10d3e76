package serve

// Sessions are kept per connection and settings revision: opened by the first
// call, shared by all, closed when a newer revision is seen or nobody used
// them for a while, and always only after the calls using them have ended.

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/atshub/atshub/sdk"
)

const idleFor = 10 * time.Minute

// key holds a digest of the whole settings beside connection and revision, so
// that a call can never be answered with the credentials of another, not even
// while a connection is being tried out under a revision that is not final.
type key struct {
	connection string
	revision   int64
	digest     [sha256.Size]byte
}

type session struct {
	ready     chan struct{} // closed when Open has returned
	session   sdk.Session
	abilities *sdk.Abilities
	err       error

	// guarded by sessions.mu
	users    int
	retired  bool // close when users is 0
	lastUsed time.Time
}

type sessions struct {
	connector sdk.Connector
	now       func() time.Time

	mu    sync.Mutex
	open  map[string]map[key]*session // by connection
	swept time.Time
}

func newSessions(c sdk.Connector, now func() time.Time) *sessions {
	return &sessions{connector: c, now: now, open: map[string]map[key]*session{}, swept: now()}
}

func (s *sessions) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, of := range s.open {
		n += len(of)
	}
	return n
}

// acquire is the session for these settings and the func that gives it back.
func (s *sessions) acquire(ctx context.Context, settings sdk.Settings) (*sdk.Abilities, func(), error) {
	encoded, err := json.Marshal(settings)
	if err != nil {
		return nil, nil, err
	}
	k := key{settings.ConnectionID, settings.Revision, sha256.Sum256(encoded)}
	e, first := s.enter(k)
	release := func() { s.leave(k, e) }
	if first {
		s.start(ctx, e, settings)
	}
	select {
	case <-e.ready:
	case <-ctx.Done():
		release()
		return nil, nil, ctx.Err()
	}
	if e.err != nil {
		release()
		return nil, nil, e.err
	}
	return e.abilities, release, nil
}

// start opens the session. It outlives the call that happened to be first.
func (s *sessions) start(ctx context.Context, e *session, settings sdk.Settings) {
	defer close(e.ready)
	defer func() {
		if recover() != nil {
			e.err = &sdk.Error{Code: sdk.CodeInternal, Message: "the connector panicked while opening a session", Fault: sdk.FaultConnector, Outcome: sdk.NotDone}
		}
	}()
	e.session, e.err = s.connector.Open(context.WithoutCancel(ctx), settings)
	if e.err == nil && e.session == nil {
		e.err = &sdk.Error{Code: sdk.CodeInternal, Message: "the connector opened no session", Fault: sdk.FaultConnector, Outcome: sdk.NotDone}
	}
	if e.err == nil {
		e.abilities = sdk.AbilitiesOf(e.session)
	}
}

func (s *sessions) enter(k key) (e *session, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	newest := k.revision
	for other, e := range s.open[k.connection] {
		newest = max(newest, other.revision)
		if other.revision < k.revision {
			s.retire(other, e)
		}
	}
	e = s.open[k.connection][k]
	if e == nil {
		// A session without a connection is a trial of credentials: one call.
		e = &session{ready: make(chan struct{}), retired: k.connection == "" || k.revision < newest}
		if s.open[k.connection] == nil {
			s.open[k.connection] = map[key]*session{}
		}
		s.open[k.connection][k], first = e, true
	}
	e.users++
	e.lastUsed = s.now()
	return e, first
}

func (s *sessions) leave(k key, e *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.users--
	e.lastUsed = s.now()
	if e.retired || e.failed() {
		s.retire(k, e)
	}
}

// retire closes e now, or leaves it to the last call that uses it. mu is held.
func (s *sessions) retire(k key, e *session) {
	e.retired = true
	if e.users > 0 || s.open[k.connection][k] != e {
		return
	}
	delete(s.open[k.connection], k)
	if len(s.open[k.connection]) == 0 {
		delete(s.open, k.connection)
	}
	go dispose(e)
}

// sweep retires what nobody used for a while. mu is held.
func (s *sessions) sweep() {
	now := s.now()
	if now.Sub(s.swept) < idleFor/10 {
		return
	}
	s.swept = now
	s.retireAll(func(e *session) bool { return e.users == 0 && now.Sub(e.lastUsed) > idleFor })
}

// close retires every session.
func (s *sessions) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retireAll(func(*session) bool { return true })
}

func (s *sessions) retireAll(which func(*session) bool) {
	for _, of := range s.open {
		for k, e := range of {
			if which(e) {
				s.retire(k, e)
			}
		}
	}
}

// failed tells that Open has returned an error.
func (e *session) failed() bool {
	select {
	case <-e.ready:
		return e.err != nil
	default:
		return false
	}
}

func dispose(e *session) {
	<-e.ready
	if e.session == nil {
		return
	}
	defer func() { _ = recover() }()
	if err := e.session.Close(); err != nil {
		slog.Warn("a session did not close well", "type", typeName(err))
	}
}
