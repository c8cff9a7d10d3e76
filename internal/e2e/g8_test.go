package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/sandbox/smartrecruiters"
	"github.com/atshub/atshub/internal/testenv"
)

// TestG9_TheRecorderFollowsTheCalendar: the ATS tells nothing (the guide's nine
// scopes hold no webhooks); sessions are moved, cancelled, given another link,
// and one has no link at first. Each that takes place is joined exactly once.
func TestG9_TheRecorderFollowsTheCalendar(t *testing.T) {
	t.Parallel()
	testenv.Backends(t, func(t *testing.T, b testenv.Backend) {
		w := newWorld(t, b, setup{})
		w.runAll(1, 1)
		s := w.sessions("Recorded")
		kept, moved, cancelled, relinked := s.plan(time.Hour), s.plan(time.Hour), s.plan(time.Hour), s.plan(time.Hour)
		linkless := s.planWith(time.Hour, "Room 5, second floor")
		role := s.c.toggleOn(s.job)
		for _, one := range []*session{kept, moved, cancelled, relinked} {
			w.eventually("the session is armed", one.is("armed"))
		}
		require.Equal(t, "needs_decision", linkless.readiness())

		require.NoError(t, s.c.Reschedule(moved.id, 2*time.Hour))
		require.NoError(t, s.c.CancelInterview(cancelled.id))
		old := relinked.link
		relinked.link = "https://meet.example/another"
		require.NoError(t, s.c.ChangeInterviewLink(relinked.id, relinked.link))
		linkless.link = "https://meet.example/found"
		require.NoError(t, s.c.ChangeInterviewLink(linkless.id, linkless.link))
		w.eventually("the join is moved", func() bool { return time.Until(moved.recorder().StartsAt) > 2*time.Hour })
		w.eventually("the join is cancelled", cancelled.is("cancelled"))
		w.eventually("the join goes to the other call", relinked.is("armed"))
		w.eventually("the session with a link added is armed", linkless.is("armed"))

		// Everything of the hub dies and comes back between arming and start.
		taking := []*session{kept, moved, relinked, linkless}
		for _, p := range w.running("") {
			w.kill(p)
		}
		w.runAll(1, 1)
		for _, one := range taking {
			one.startNow()
		}
		for _, one := range taking {
			w.eventually("the recorder is in the call", one.is("in_call"))
		}
		late := s.plan(2 * time.Second) // known too late for its lead
		w.within(10*time.Second, "a session known late is joined at once", late.is("in_call"))
		for _, one := range append(taking, late) {
			require.Equal(t, 1, one.joined())
		}
		require.Zero(t, cancelled.joined())
		require.Equal(t, 0, (&session{calendar: s, link: old}).joined())
		require.Empty(t, w.Pillar.Log().Effects("two_recorders"))

		// Off in the middle of calls: the recorders leave.
		role.off()
		for _, one := range taking {
			w.eventually("the recorder has left", one.is("cancelled"))
		}
	})
}

// TestG8_ArmedJoinsNeedNoHub: the hub is dead when the session starts.
func TestG8_ArmedJoinsNeedNoHub(t *testing.T) {
	t.Parallel()
	b := testenv.Backend{Name: "sqlite+embedded", DatabaseURL: testenv.SQLite(t), RedisURL: "embedded"}
	w := newWorld(t, b, setup{})
	w.runAll(1, 1)
	s := w.sessions("Recorded")
	one := s.plan(63 * time.Second) // the recorder comes a minute before
	s.c.toggleOn(s.job)
	w.eventually("the session is armed", func() bool { return one.recorder().State != "" })
	for _, p := range w.running("") {
		w.kill(p)
	}
	w.eventually("the recorder is in the call", one.is("in_call"))
	w.runAll(1, 1)
	w.eventually("the hub has read the interviews again", func() bool {
		asked := 0
		for _, r := range w.ATS.Record().Entries(smartrecruiters.KindRequest) {
			if r.Path == "/interviews-api/v201904/interviews" && r.At.After(one.recorder().JoinedAt) {
				asked++
			}
		}
		return asked > 1
	})
	w.ledger().settled()
	require.Equal(t, 1, one.joined())
}

// TestG5_WebhooksTellOfSessionsWhereTheCredentialAllows: with webhook scopes
// beside the guide's nine, interviews are told and not waited for; polling is
// set so slow here that only webhooks can have done it.
func TestG5_WebhooksTellOfSessionsWhereTheCredentialAllows(t *testing.T) {
	t.Parallel()
	b := testenv.Backend{Name: "sqlite+embedded", DatabaseURL: testenv.SQLite(t), RedisURL: "embedded"}
	w := newWorld(t, b, setup{cadence: map[string]string{"interviews": "24h"}})
	w.runAll(1, 1)
	c := w.capture("Told", "webhooks_manage")
	s := &calendar{c, c.AddJob(smartrecruiters.Job{Title: "Surgeon"})}
	w.eventually("the webhook subscription is active", func() bool { return c.webhooks() == "active" })
	s.c.toggleOn(s.job)

	told, cancelled := s.plan(time.Hour), s.plan(time.Hour)
	w.eventually("the session is armed", told.is("armed"))
	w.eventually("the session is armed", cancelled.is("armed"))
	require.NoError(t, c.Reschedule(told.id, 2*time.Hour))
	require.NoError(t, c.CancelInterview(cancelled.id))
	w.eventually("the join is moved", func() bool { return time.Until(told.recorder().StartsAt) > 2*time.Hour })
	w.eventually("the join is cancelled", cancelled.is("cancelled"))
}
