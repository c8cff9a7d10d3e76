package gateway_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/service"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/sdk"
)

func TestG8_TheToggleShowsWhatItActivatesAndArmsEachSession(t *testing.T) {
	t.Parallel()
	c := newRig(t).capture()
	start := time.Now().Add(26 * time.Hour).Truncate(time.Second)
	c.ats.arrive("job-1", "ann", "INTERVIEW")
	c.ats.schedule("ann", "https://meet.example/1", start)
	c.ats.arrive("job-1", "bob", "INTERVIEW")
	c.ats.schedule("bob", "", start)

	var roles service.List[service.JobLink]
	c.call("POST", "/connections/"+c.connection+"/roles", object{"job_ids": []string{"job-1"}}).into(200, &roles)
	require.Equal(t, hub.LinkOff, roles.Items[0].State, "off at first")

	p := c.plan(object{"kind": "toggle", "job_id": "job-1"})
	require.Equal(t, 1, p.Content.Sessions.WouldJoin)
	require.True(t, p.Content.Activates.Record)
	require.True(t, p.Content.Activates.MailCandidates)
	require.Len(t, p.Content.Warnings, 1, "the session without a link")
	c.call("POST", "/plans/"+p.ID+"/activation", object{"backfill": "everyone"}).problem(422, "invalid")
	var on service.Activated
	c.call("POST", "/plans/"+p.ID+"/activation", object{}).into(200, &on)
	require.Len(t, on.Actions, 1)

	var list service.List[service.Interview]
	c.call("GET", "/interviews?timezone=Asia/Kolkata", nil).into(200, &list)
	require.Len(t, list.Items, 2)
	byCandidate := map[string]service.Interview{}
	for _, v := range list.Items {
		byCandidate[v.CandidateID] = v
	}
	require.Equal(t, "ready", byCandidate["ann"].Readiness)
	require.Contains(t, byCandidate["ann"].StartsAtLocal, "+05:30")
	require.Equal(t, "needs_decision", byCandidate["bob"].Readiness)
	require.Contains(t, byCandidate["bob"].Reason, "no meeting link")
	require.Equal(t, hub.ActionParked, byCandidate["bob"].Join.State)
	c.write(func(tx *store.Tx) error {
		for _, kind := range []hub.WorkKind{hub.WorkEngage, hub.WorkInterviews} {
			_, err := tx.WorkOf(kind, on.Links[0].ID)
			require.NoError(t, err, kind)
		}
		_, err := tx.WorkOf(hub.WorkReread, byCandidate["ann"].ID)
		return err
	})
	c.call("POST", "/actions/"+byCandidate["bob"].Join.ID+"/retry", object{"reason": "link added?"}).problem(409, "conflict")

	// Moved after the preview: refused. Off: the join is taken back.
	again := c.plan(object{"kind": "toggle", "job_id": "job-1"})
	c.ats.change(func() { c.ats.interviews["app-ann"][0].Sessions[0].StartAt = start.Add(time.Minute) })
	c.call("POST", "/plans/"+again.ID+"/activation", object{}).problem(409, "plan_drifted")

	c.arm(on.Actions[0].ID)
	var off service.SwitchedOff
	c.call("POST", "/job-links/"+on.Links[0].ID+"/off", nil).into(200, &off)
	require.Equal(t, []string{on.Actions[0].ID}, off.CancelledJoins)
	var bob service.ActionView
	c.call("GET", "/actions/"+byCandidate["bob"].Join.ID, nil).into(200, &bob)
	require.Equal(t, hub.ActionCancelled, bob.State)
}

func TestG6_FromImportAllBackToChoosing(t *testing.T) {
	t.Parallel()
	c := newRig(t).capture()
	c.ats.change(func() {
		c.ats.jobs = append(c.ats.jobs, sdk.Job{ID: "job-3", Name: "Closed", Status: sdk.Enum{Value: sdk.JobClosed}})
	})
	c.ats.arrive("job-1", "ann", "INTERVIEW")
	c.ats.schedule("ann", "https://meet.example/1", time.Now().Add(3*time.Hour))
	c.toggleOn("job-2")

	p := c.plan(object{"kind": "capture_all"})
	require.Len(t, p.Content.Jobs, 2)
	require.Equal(t, 1, p.Content.Sessions.WouldJoin)
	var on service.Activated
	c.call("POST", "/plans/"+p.ID+"/activation", object{}).into(200, &on)
	require.Len(t, on.Links, 1, "job-2 was chosen by a person before")
	require.Equal(t, hub.CaptureImportAll, c.hub().Mode)
	c.write(func(tx *store.Tx) error {
		_, err := tx.WorkOf(hub.WorkImportAll, c.connection)
		return err
	})
	c.call("PUT", "/connections/"+c.connection+"/capture-mode", object{"mode": "import_all"}).problem(422, "invalid")

	var back service.ModeChanged
	c.call("PUT", "/connections/"+c.connection+"/capture-mode", object{"mode": "choose"}).into(200, &back)
	require.Equal(t, hub.CaptureChoose, back.Connection.CaptureMode)
	require.Len(t, back.Off, 1)
	require.Equal(t, "job-1", back.Off[0].Link.JobID)
	require.Len(t, back.Off[0].Cancelled, 1)
}

func TestG6_PauseTakesJoinsBackAndResumeArmsThemAgain(t *testing.T) {
	t.Parallel()
	c := newRig(t).capture()
	c.ats.arrive("job-1", "ann", "INTERVIEW")
	c.ats.schedule("ann", "https://meet.example/1", time.Now().Add(3*time.Hour))
	on := c.toggleOn("job-1")
	id := on.Actions[0].ID
	c.arm(id)
	var got service.Connection
	var a service.ActionView
	c.call("POST", "/connections/"+c.connection+"/pause", nil).into(200, &got)
	require.Equal(t, hub.ConnectionPaused, got.State)
	c.call("GET", "/actions/"+id, nil).into(200, &a)
	require.Contains(t, a.Summary, "being taken back")
	c.setAction(id, func(a *hub.Action) { a.State = hub.ActionCancelled })

	c.call("POST", "/connections/"+c.connection+"/resume", nil).into(200, &got)
	require.Equal(t, hub.ConnectionActive, got.State)
	c.call("GET", "/actions/"+id, nil).into(200, &a)
	require.Equal(t, hub.ActionReady, a.State)
	require.EqualValues(t, 3, c.hub().Epoch)
}
