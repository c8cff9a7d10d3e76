package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/sandbox/smartrecruiters"
	"github.com/atshub/atshub/internal/testenv"
)

// TestG4_AnyDeliveryOrderHasOneOutcome: webhooks come twice, late, in the
// wrong order and never; what happens is what the ATS's own state asks for.
// G5: what never came is found by the sync.
func TestG4_AnyDeliveryOrderHasOneOutcome(t *testing.T) {
	t.Parallel()
	testenv.Backends(t, func(t *testing.T, b testenv.Backend) {
		w := newWorld(t, b, setup{cadence: map[string]string{"job_sync": "2s"}})
		w.runAll(1, 1)
		c := w.screening("Postal")
		job := c.AddJob(smartrecruiters.Job{Title: "Pilot"})
		c.importJob(job, "nobody")
		people := c.applyMany(job, 8)
		twice, passed, stayed, lost := people[:2], people[2:3], people[3:4], people[4:6]
		elsewhere, rejected := people[6], people[7]

		// Every delivery comes four times, and later once more.
		stop := w.ATS.OnEvent(smartrecruiters.EventRule{Copies: 3})
		for _, p := range twice {
			p.move(smartrecruiters.InReview, "Screening")
		}
		stop()

		// Deliveries are held while the world moves on, and come in the
		// opposite order, newest first.
		w.ATS.HoldEvents()
		for _, p := range append(append([]*candidate{}, passed...), stayed...) {
			p.move(smartrecruiters.InReview, "Screening")
		}
		for _, p := range passed { // seen by nobody while they were there
			p.move(smartrecruiters.Interviewed, "Phone interview")
		}
		elsewhere.move(smartrecruiters.Interviewed, "Phone interview")
		rejected.move(smartrecruiters.InReview, "Screening")
		rejected.move(smartrecruiters.Rejected, "")
		w.ATS.ReleaseEvents(true)

		// The ATS never tells.
		stop = w.ATS.OnEvent(smartrecruiters.EventRule{Event: "application.*", Drop: true})
		for _, p := range lost {
			p.move(smartrecruiters.InReview, "Screening")
		}
		stop()

		wanted := append(append(append(append([]*candidate{}, twice...), passed...), stayed...), lost...)
		w.eventually("everyone who reached the stage is invited", func() bool { return has(w.mails(), wanted) })
		for _, e := range w.ATS.Record().Entries(smartrecruiters.KindEvent) {
			w.ATS.Redeliver(e.EventID)
		}
		w.settleDeliveries()
		w.ledger().settled()
		w.exactlyOnce("invitations", w.mails(), wanted)

		// The product's callbacks: never sent, then all of it again by the list.
		w.Fairec.MuteCallbacks(true)
		for _, p := range w.Fairec.Candidates() {
			require.NoError(t, w.Fairec.SetStatus(p.ID, "Shortlist"))
		}
		w.eventually("everyone is moved", func() bool { return has(w.moves(), wanted) })
		// A recruiter moves on; neither a repeated status nor a sync moves back.
		for _, p := range wanted {
			p.move(smartrecruiters.Offered, "Offer sent")
		}
		w.Fairec.MuteCallbacks(false)
		for _, p := range w.Fairec.Candidates() {
			require.NoError(t, w.Fairec.SetStatus(p.ID, "Shortlist"))
		}
		w.eventually("the repeated statuses are decided", func() bool {
			return w.ledger().number(`select count(*) from events where kind = 'product.status_changed' and disposition <> ''`) == 2*len(wanted)
		})
		w.settleDeliveries()
		w.ledger().settled()
		w.exactlyOnce("invitations", w.mails(), wanted)
		w.exactlyOnce("moves", w.moves(), wanted)
		for _, p := range wanted {
			now, _ := c.Application(p.CandidateID, job)
			require.Equal(t, smartrecruiters.Offered, now.Stage.Status)
		}
	})
}

// TestG5_FailedDeliveriesAreReadFromTheLog: a delivery that failed and does not
// come again is found in the ATS's own log.
func TestG5_FailedDeliveriesAreReadFromTheLog(t *testing.T) {
	t.Parallel()
	b := testenv.Backend{Name: "sqlite+embedded", DatabaseURL: testenv.SQLite(t), RedisURL: "embedded"}
	w := newWorld(t, b, setup{ats: smartrecruiters.Options{TimeScale: 0.001}}) // no redelivery within this test
	w.runAll(1, 1)
	c := w.screening("Logged")
	job := c.AddJob(smartrecruiters.Job{Title: "Pilot"})
	c.importJob(job, "nobody")
	people := c.applyMany(job, 4)
	require.NoError(t, w.Edge.SetTarget("")) // the net between the ATS and us is down
	for _, p := range people {
		p.move(smartrecruiters.InReview, "Screening")
	}
	w.eventually("the deliveries have failed", func() bool {
		failed := 0
		for _, d := range w.deliveries() {
			if d.Status == 502 && d.Event == "application.status.updated" {
				failed++
			}
		}
		return failed >= len(people)
	})
	require.NoError(t, w.Edge.SetTarget(w.door.url))
	w.within(patience/2, "the log is read", func() bool { return has(w.mails(), people) })
	w.ledger().settled()
	w.exactlyOnce("invitations", w.mails(), people)
}
