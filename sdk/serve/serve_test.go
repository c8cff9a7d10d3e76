package serve

// Sessions, draining, the lifeline, the log's shape and a start by hand.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/sdk"
	"github.com/atshub/atshub/sdk/transport"
)

// book is a connector that books what its sessions live through.
type book struct {
	mu             sync.Mutex
	opened, closed []string
	refuse         error
	working        chan struct{} // one for each call at work
	finish         chan struct{} // ends a call
}

func newBook() *book { return &book{working: make(chan struct{}, 10), finish: make(chan struct{})} }

func (b *book) Manifest() sdk.Manifest {
	return sdk.Manifest{Name: "book", Version: "1.2.3", ATS: "Book"}
}
func (b *book) Prototype() sdk.Session { return (*page)(nil) }
func (b *book) Open(_ context.Context, s sdk.Settings) (sdk.Session, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refuse != nil {
		return nil, b.refuse
	}
	p := &page{book: b, id: fmt.Sprintf("%s/%d/%s", s.ConnectionID, s.Revision, s.Secrets["key"].Reveal())}
	b.opened = append(b.opened, p.id)
	return p, nil
}
func (b *book) closedNow() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.closed...)
}

type page struct {
	book *book
	id   string
}

func (p *page) Check(context.Context, sdk.CheckQuery) (sdk.CheckReport, error) {
	return sdk.CheckReport{Account: sdk.Account{ID: p.id}}, nil
}
func (p *page) ReadJob(ctx context.Context, _ sdk.JobRef) (sdk.Job, error) {
	p.book.working <- struct{}{}
	select {
	case <-p.book.finish:
	case <-ctx.Done():
	}
	return sdk.Job{ID: p.id}, nil
}
func (p *page) Close() error {
	p.book.mu.Lock()
	defer p.book.mu.Unlock()
	p.book.closed = append(p.book.closed, p.id)
	return nil
}

var _ sdk.JobReader = (*page)(nil)

func settings(connection string, revision int64, key sdk.Secret) sdk.Settings {
	return sdk.Settings{ConnectionID: connection, Revision: revision, Secrets: map[string]sdk.Secret{"key": key}}
}

func check(t *testing.T, h *handler, s sdk.Settings) string {
	t.Helper()
	b, err := h.Invoke(t.Context(), transport.Call{Settings: s, Ability: "check", Request: []byte("{}")})
	require.NoError(t, err)
	var r sdk.CheckReport
	require.NoError(t, json.Unmarshal(b, &r))
	return r.Account.ID
}

func eventually(t *testing.T, cond func() bool) {
	t.Helper()
	require.Eventually(t, cond, 5*time.Second, time.Millisecond)
}

func TestG14_SessionIsSharedUntilItsRevisionIsOld(t *testing.T) {
	t.Parallel()
	b := newBook()
	h := newHandler(b, sdk.Manifest{})
	require.Equal(t, "c/1/k", check(t, h, settings("c", 1, "k")))
	require.Equal(t, "c/1/k", check(t, h, settings("c", 1, "k")))
	require.Equal(t, "d/1/k", check(t, h, settings("d", 1, "k")))
	require.Len(t, b.opened, 2)

	running := make(chan struct{})
	go func() {
		defer close(running)
		_, _ = h.Invoke(context.Background(), transport.Call{Settings: settings("c", 1, "k"), Ability: "read_job", Request: []byte("{}")})
	}()
	<-b.working
	require.Equal(t, "c/2/new", check(t, h, settings("c", 2, "new")))
	require.Empty(t, b.closedNow(), "a call still uses the old one")
	close(b.finish)
	<-running
	eventually(t, func() bool { return len(b.closedNow()) == 1 })
	require.Equal(t, []string{"c/1/k"}, b.closedNow())

	require.Equal(t, "c/1/k", check(t, h, settings("c", 1, "k")), "a late call of the old revision is answered with its own credentials")
	eventually(t, func() bool { return len(b.closedNow()) == 2 })
	require.Equal(t, "c/2/new", check(t, h, settings("c", 2, "new")))
	require.Len(t, b.opened, 4)
}

func TestG14_CallNeverSeesCredentialsOfAnother(t *testing.T) {
	t.Parallel()
	h := newHandler(newBook(), sdk.Manifest{})
	require.Equal(t, "c/1/one", check(t, h, settings("c", 1, "one")))
	require.Equal(t, "c/1/two", check(t, h, settings("c", 1, "two")), "same connection and revision, other secret")
	require.Equal(t, "/0/trial", check(t, h, settings("", 0, "trial")))
	eventually(t, func() bool { return h.sessions.len() == 2 })
}

func TestG14_IdleSessionsAreClosed(t *testing.T) {
	t.Parallel()
	b := newBook()
	now := time.Unix(0, 0)
	h := newHandler(b, sdk.Manifest{})
	h.sessions = newSessions(b, func() time.Time { return now })
	check(t, h, settings("c", 1, "k"))
	now = now.Add(idleFor / 2)
	check(t, h, settings("d", 1, "k"))
	now = now.Add(idleFor/2 + time.Second)
	check(t, h, settings("e", 1, "k"))
	eventually(t, func() bool { return len(b.closedNow()) == 1 })
	require.Equal(t, []string{"c/1/k"}, b.closedNow())
}

func TestG14_RefusedSettingsAreTriedAgain(t *testing.T) {
	t.Parallel()
	b := newBook()
	h := newHandler(b, sdk.Manifest{})
	b.refuse = &sdk.Error{Code: sdk.CodeInvalid, Fields: map[string]string{"key": "missing"}}
	_, err := h.Invoke(t.Context(), transport.Call{Settings: settings("c", 1, "k"), Ability: "check", Request: []byte("{}")})
	require.Equal(t, sdk.CodeInvalid, sdk.CodeOf(err))
	b.refuse = nil
	require.Equal(t, "c/1/k", check(t, h, settings("c", 1, "k")))
}

func TestG14_UnknownAbilityIsUnsupported(t *testing.T) {
	t.Parallel()
	h := newHandler(newBook(), sdk.Manifest{})
	for _, ability := range []string{"of_the_future", "write_review"} {
		_, err := h.Invoke(t.Context(), transport.Call{Ability: ability, Request: []byte("{}")})
		require.Equal(t, sdk.CodeUnsupported, sdk.CodeOf(err), ability)
	}
}

func TestG14_DrainWaitsAndRefuses(t *testing.T) {
	t.Parallel()
	b := newBook()
	h := newHandler(b, sdk.Manifest{})
	go func() {
		_, _ = h.Invoke(context.Background(), transport.Call{Settings: settings("c", 1, "k"), Ability: "read_job", Request: []byte("{}")})
	}()
	<-b.working
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.EqualValues(t, 1, h.Drain(ended))
	_, err := h.Invoke(t.Context(), transport.Call{Ability: "check", Request: []byte("{}")})
	require.Equal(t, sdk.CodeUnavailable, sdk.CodeOf(err))
	require.Equal(t, sdk.NotDone, sdk.AsError(err).Outcome)
	require.True(t, h.Health(t.Context()).Draining)
	close(b.finish)
	require.Zero(t, h.Drain(t.Context()))
	eventually(t, func() bool { return len(b.closedNow()) == 1 })
}

func TestG14_LifelineEndsTheProcessWithinItsGrace(t *testing.T) {
	t.Parallel()
	b := newBook()
	h := newHandler(b, sdk.Manifest{})
	go func() {
		_, _ = h.Invoke(context.Background(), transport.Call{Ability: "read_job", Request: []byte("{}")})
	}()
	<-b.working
	defer close(b.finish)
	stdin, hub := io.Pipe()
	exited := make(chan int, 1)
	go lifeline(stdin, h, func(code int) { exited <- code })
	began := time.Now()
	require.NoError(t, hub.Close())
	require.Zero(t, <-exited)
	require.Less(t, time.Since(began), 2*grace, "even though a call is still running")
}

func TestG14_StartedByHandItSaysWhatItIs(t *testing.T) {
	t.Parallel()
	m, err := sdk.Describe(newBook())
	require.NoError(t, err)
	var out, errOut bytes.Buffer
	require.Equal(t, 2, byHand(m, nil, &out, &errOut))
	require.Empty(t, out.String())
	require.Contains(t, errOut.String(), "book 1.2.3 is an atshub connector for Book")
	require.Zero(t, byHand(m, []string{"version"}, &out, &errOut))
	require.Contains(t, out.String(), "book 1.2.3 (connector protocol 1")
	out.Reset()
	require.Zero(t, byHand(m, []string{"describe"}, &out, &errOut))
	var got sdk.Manifest
	require.NoError(t, json.Unmarshal(out.Bytes(), &got))
	require.Equal(t, []string{"check", "read_job"}, got.Abilities)
}

type unprototyped struct{ sdk.Connector }

func (unprototyped) Manifest() sdk.Manifest { return sdk.Manifest{Name: "bare"} }

func TestG14_ConnectorWithoutPrototypeIsRefused(t *testing.T) {
	t.Parallel()
	_, err := Handler(unprototyped{})
	require.ErrorContains(t, err, `connector "bare" has no Prototype method`)
}

func TestG17_LogLinesHoldPlainValuesOnly(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	l := newLogger(&log, sdk.Manifest{Name: "book", Version: "1.2.3"})
	secret := sdk.Secret("canary")
	ctx := withCall(t.Context(), transport.Call{RequestID: "r", Ability: "check", Settings: settings("c", 1, secret)})
	l.InfoContext(ctx, "hello", "settings", settings("c", 1, secret), "secret", secret, "map", map[string]sdk.Secret{"k": secret},
		"group", slog.GroupValue(slog.Any("inner", []sdk.Secret{secret})), "raw", []byte(secret), "error", errors.New("canary"), "count", 7,
		"typed", &sdk.Error{Code: sdk.CodeInvalid, Message: "safe"})
	require.NotContains(t, log.String(), "canary")
	var line map[string]any
	require.NoError(t, json.Unmarshal(log.Bytes(), &line))
	delete(line, "time")
	require.Equal(t, map[string]any{"level": "INFO", "msg": "hello", "connector": "book", "version": "1.2.3", "request": "r", "connection": "c", "ability": "check",
		"settings": "[sdk.Settings withheld]", "secret": "[redacted]", "map": "[map[string]sdk.Secret withheld]", "group": map[string]any{"inner": "[[]sdk.Secret withheld]"},
		"raw": "[[]uint8 withheld]", "error": "[*errors.errorString withheld]", "count": 7.0, "typed": "invalid: safe"}, line)
}
