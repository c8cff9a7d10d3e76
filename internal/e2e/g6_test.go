package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/sandbox/receiver"
	"github.com/atshub/atshub/internal/sandbox/smartrecruiters"
	"github.com/atshub/atshub/internal/sandbox/witness"
	"github.com/atshub/atshub/internal/testenv"
)

// TestG6_OffLeavesEveryoneAlone: a job is switched off (on one backend; on the
// other it is deleted) while hundreds of invitations are queued and some are on
// the wire.
func TestG6_OffLeavesEveryoneAlone(t *testing.T) {
	t.Parallel()
	testenv.Backends(t, func(t *testing.T, b testenv.Backend) {
		w := newWorld(t, b, setup{cadence: map[string]string{"job_sync": "2s"}})
		w.runAll(1, 2)
		end := link.off
		if b.Redis != nil {
			end = link.remove
		}
		w.offWithWorkQueued(w.screening("Employer"), end)
	})
}

func (w *world) offWithWorkQueued(c *company, end func(link) switchedOff) {
	w.t.Helper()
	const people = 200
	job := c.AddJob(smartrecruiters.Job{Title: "Driver"})
	waiting := c.applyMany(job, people)
	for _, p := range waiting {
		p.move(smartrecruiters.InReview, "Screening")
	}
	w.settleDeliveries()
	w.Fairec.Inject(receiver.Fault{Method: "POST", Path: "/job-posts", Rate: 0.5, Status: 503, Delay: 300 * time.Millisecond})
	w.Fairec.Inject(receiver.Fault{Method: "POST", Path: "/job-posts", Delay: 300 * time.Millisecond})
	before := len(w.mails())
	l := c.importJob(job, "everyone")
	w.eventually("some are invited", func() bool { return len(w.mails()) > before+3 })

	answer := end(l)
	mark := len(w.Fairec.Log().Entries())
	const attempts = `select id, attempts from actions order by id`
	begun := w.ledger().rows(attempts)
	require.Greater(w.t, len(answer.Cancelled), people/2, "hundreds were queued")

	w.ledger().settled()
	onTheWire := w.aboutWhom(answer.OnTheWire)
	for _, id := range w.asked(mark) {
		require.Contains(w.t, onTheWire, id, "begun after the confirmation and not listed as on the wire")
	}
	require.Equal(w.t, begun, w.ledger().rows(attempts), "what failed on the wire was begun anew after the confirmation")
	mailed := w.mails()
	for _, id := range w.aboutWhom(answer.Cancelled) {
		require.Zero(w.t, mailed[id], "cancelled and mailed all the same")
	}
	// Whatever may still turn up finds the job off: repeated events, a sync,
	// and people who only now arrive.
	w.Fairec.Clear()
	for _, e := range w.ATS.Record().Entries(smartrecruiters.KindEvent) {
		w.ATS.Redeliver(e.EventID)
	}
	late := c.apply(job, "Late", "Comer")
	late.move(smartrecruiters.InReview, "Screening")
	w.settleDeliveries()
	w.ledger().settled()
	require.Equal(w.t, mailed, w.mails())

	// Switching on again replays nothing by itself.
	l = c.importJob(job, "nobody")
	for _, e := range w.ATS.Record().Entries(smartrecruiters.KindEvent) {
		w.ATS.Redeliver(e.EventID)
	}
	l.syncNow()
	w.settleDeliveries()
	w.eventually("a sync has ended", func() bool {
		return w.ledger().number(`select count(*) from syncs where link_id = $1 and finished_at is not null`, l.id) > 0
	})
	w.ledger().settled()
	require.Equal(w.t, mailed, w.mails())
	fresh := c.apply(job, "New", "Comer")
	fresh.move(smartrecruiters.InReview, "Screening")
	w.eventually("who arrives now is invited", func() bool { return w.mails()[fresh.CandidateID] == 1 })
	l.off()
	w.ledger().settled()
}

// aboutWhom are the candidates some actions are about.
func (w *world) aboutWhom(actions []string) (people []string) {
	w.t.Helper()
	for _, row := range w.ledger().rows(`select id, candidate_id from actions`) {
		if slices.Contains(actions, row[0]) {
			people = append(people, row[1])
		}
	}
	require.Len(w.t, people, len(actions))
	return people
}

// asked are the candidates whose invitation reached Fairec after a length of
// its record.
func (w *world) asked(from int) (people []string) {
	for _, e := range w.Fairec.Log().Entries()[from:] {
		if e.Kind != witness.KindRequest || e.Request.Method != "POST" || !strings.HasSuffix(e.Request.URL, "/candidates") {
			continue
		}
		_, rest, _ := strings.Cut(e.Request.Body, `"ats_candidate_id":"`)
		id, _, _ := strings.Cut(rest, `"`)
		people = append(people, id)
	}
	return people
}

// TestG6_OffTakesArmedJoinsBack: joins the recorder holds are cancelled there.
func TestG6_OffTakesArmedJoinsBack(t *testing.T) {
	t.Parallel()
	testenv.Backends(t, func(t *testing.T, b testenv.Backend) {
		w := newWorld(t, b, setup{})
		w.runAll(1, 1)
		s := w.sessions("Recorded")
		var planned []*session
		for range 6 {
			planned = append(planned, s.plan(time.Hour))
		}
		role := s.c.toggleOn(s.job)
		all := func(state string) func() bool {
			return func() bool {
				return !slices.ContainsFunc(planned, func(p *session) bool { return p.recorder().State != state })
			}
		}
		w.eventually("all sessions are armed", all("armed"))
		require.Len(t, role.off().CancelledJoins, len(planned))
		w.eventually("all joins are cancelled at the recorder", all("cancelled"))
		for _, p := range planned {
			p.startNow()
		}
		w.ledger().settled()
		require.Empty(t, w.Pillar.Log().Effects("joined"))
		// On again, the sessions still to come are armed again, once.
		s.c.toggleOn(s.job)
		w.eventually("all sessions are joined", all("in_call"))
		for _, p := range planned {
			require.Equal(t, 1, p.joined())
		}
		require.Empty(t, w.Pillar.Log().Effects("two_recorders"))
	})
}
