package e2e

import (
	"crypto/rand"
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/sandbox/pillar"
	"github.com/atshub/atshub/internal/sandbox/smartrecruiters"
)

// calendar is a capture customer's job with interviews.
type calendar struct {
	c   *company
	job string
}

// sessions connects a company to Pillar; its role is off.
func (w *world) sessions(name string) *calendar {
	w.t.Helper()
	c := w.capture(name)
	return &calendar{c, c.AddJob(smartrecruiters.Job{Title: "Surgeon"})}
}

// session is one interview of one session. Its meeting link tells it apart at
// the recorder.
type session struct {
	*calendar
	id, link string
}

// plan schedules an interview that starts in a while, with a link of its own.
func (s *calendar) plan(in time.Duration) *session {
	s.c.w.t.Helper()
	return s.planWith(in, "https://meet.example/"+rand.Text())
}

// planWith schedules an interview at a place.
func (s *calendar) planWith(in time.Duration, location string) *session {
	s.c.w.t.Helper()
	p := s.c.apply(s.job, "Given", "Family")
	p.move(smartrecruiters.Interviewed, "Phone interview")
	start := time.Now().UTC().Add(in).Truncate(time.Second)
	id, err := s.c.ScheduleInterview(smartrecruiters.Interview{
		CandidateID: p.CandidateID, JobID: s.job, Location: location, Timezone: "America/New_York",
		Timeslots: []smartrecruiters.Timeslot{{Title: "Interview", StartsOn: start, EndsOn: start.Add(30 * time.Minute)}},
	})
	require.NoError(s.c.w.t, err)
	return &session{s, id, location}
}

// recorder is the join as the recorder holds it; the zero value if it knows none.
func (s *session) recorder() pillar.Join {
	for _, j := range s.c.w.Pillar.Joins() {
		if j.MeetingURL == s.link {
			return j
		}
	}
	return pillar.Join{}
}

// is tells whether the recorder's join is in the state.
func (s *session) is(state string) func() bool {
	return func() bool { return s.recorder().State == state }
}

// startNow moves the session so that it begins in a moment.
func (s *session) startNow() {
	s.c.w.t.Helper()
	require.NoError(s.c.w.t, s.c.EditInterview(s.id, func(iv *smartrecruiters.Interview) {
		slot := &iv.Timeslots[0]
		slot.StartsOn = time.Now().UTC().Add(2 * time.Second).Truncate(time.Second)
		slot.EndsOn = slot.StartsOn.Add(30 * time.Minute)
	}))
}

// joined counts how often a recorder entered the call.
func (s *session) joined() (n int) {
	for _, e := range s.c.w.Pillar.Log().Effects("joined") {
		if fmt.Sprint(e.Fields["meeting_url"]) == s.link {
			n++
		}
	}
	return n
}

// readiness is what people are shown about the session.
func (s *session) readiness() string {
	s.c.w.t.Helper()
	items, _ := s.c.get("/interviews?limit=200")["items"].([]any)
	for _, item := range items {
		if o, ok := item.(object); ok && o["interview_id"] == s.id {
			return fmt.Sprint(o["readiness"])
		}
	}
	return ""
}
