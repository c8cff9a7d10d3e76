package capture_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/workflow/capture"
	"github.com/atshub/atshub/sdk"
)

var now = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func facts(change ...func(*capture.Facts)) capture.Facts {
	f := capture.Facts{
		Connection: hub.Connection{ID: "con", TenantID: "ten", State: hub.ConnectionActive},
		Link:       hub.JobLink{ID: "lnk", JobID: "job", State: hub.LinkOn, Gen: 1},
		Slot: hub.Slot{ID: "slt", TenantID: "ten", InterviewID: "iv", SessionID: "s", StartsAt: now.Add(time.Hour), EndsAt: now.Add(2 * time.Hour),
			MeetingURL: "https://meet.example.com/x", Gen: 1},
		Now: now,
	}
	for _, c := range change {
		c(&f)
	}
	return f
}

func off(f *capture.Facts)       { f.Link.State = hub.LinkOff }
func cancelled(f *capture.Facts) { f.Slot = capture.Gone(f.Slot); f.Slot.Gen++ }
func noLink(f *capture.Facts)    { f.Slot.MeetingURL = ""; f.Slot.Gen++ }
func moved(f *capture.Facts)     { f.Slot.StartsAt = now.Add(3 * time.Hour); f.Slot.Gen++ }
func sameCall(f *capture.Facts)  { f.SameCall = true }

// after is the join that a first decision led to, in a later state.
func after(t *testing.T, state hub.ActionState, change ...func(*hub.Action)) func(*capture.Facts) {
	t.Helper()
	first := capture.Decide(facts())
	require.NotNil(t, first.Owe)
	join := *first.Owe
	join.State, join.Attempts = state, 1
	for _, c := range change {
		c(&join)
	}
	return func(f *capture.Facts) { f.Join = &join }
}

func undo(a *hub.Action) { a.Op = hub.OpUndo }

func TestG8_EverySessionIsJoinedOrSaysWhyNot(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change    func(*capture.Facts)
		readiness string
		reason    string
	}{
		"ready":       {func(*capture.Facts) {}, capture.Ready, ""},
		"role off":    {off, capture.NotJoined, "the role is switched off"},
		"cancelled":   {cancelled, capture.NotJoined, "the session was cancelled"},
		"over":        {func(f *capture.Facts) { f.Now = now.Add(24 * time.Hour) }, capture.NotJoined, "the session has ended"},
		"paused":      {func(f *capture.Facts) { f.Connection.State = hub.ConnectionPaused }, capture.NotJoined, "the integration is paused"},
		"uninstalled": {func(f *capture.Facts) { f.Connection.State = hub.ConnectionUninstalling }, capture.NotJoined, "the integration was uninstalled"},
		"no link":     {noLink, capture.NeedsDecision, "no meeting link: add one to the interview in the ATS"},
		"an address":  {func(f *capture.Facts) { f.Slot.MeetingURL = "Room 4" }, capture.NeedsDecision, "no meeting link: add one to the interview in the ATS"},
		"same call":   {sameCall, capture.NeedsDecision, "another session at the same time has the same meeting link"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := capture.Judge(facts(c.change))
			require.Equal(t, c.readiness, v.Readiness)
			require.Equal(t, c.reason, v.Reason)
			require.NotEmpty(t, v.Trail)
		})
	}
}

func TestG9_TheRecorderIsToldOfEveryChangeOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		facts capture.Facts
		op    hub.ActionOp
		state hub.ActionState
		ring  bool
	}{
		"nothing changed":             {facts(after(t, hub.ActionArmed)), "", "", false},
		"moved":                       {facts(after(t, hub.ActionArmed), moved), hub.OpDo, hub.ActionReady, true},
		"cancelled":                   {facts(after(t, hub.ActionArmed), cancelled), hub.OpUndo, hub.ActionReady, true},
		"link gone":                   {facts(after(t, hub.ActionArmed), noLink), hub.OpUndo, hub.ActionReady, true},
		"role off":                    {facts(after(t, hub.ActionArmed), off), hub.OpUndo, hub.ActionReady, true},
		"role off before it was sent": {facts(after(t, hub.ActionReady, func(a *hub.Action) { a.Attempts = 0 }), off), hub.OpDo, hub.ActionCancelled, false},
		"already being taken back":    {facts(after(t, hub.ActionReady, undo), off), "", "", false},
		"role on again":               {facts(after(t, hub.ActionCancelled, undo)), hub.OpDo, hub.ActionReady, true},
		"taken back, wanted again":    {facts(after(t, hub.ActionReady, undo)), hub.OpDo, hub.ActionReady, true},
		"taken back by a person":      {facts(after(t, hub.ActionCancelled, undo, func(a *hub.Action) { a.Actor = "mia" }), moved), "", "", false},
		"joined: history":             {facts(after(t, hub.ActionDone), moved), "", "", false},
		"missed: history":             {facts(after(t, hub.ActionMissed), cancelled), "", "", false},
		"missed, not moved":           {facts(after(t, hub.ActionMissed)), "", "", false},
		"missed, then moved":          {facts(after(t, hub.ActionMissed), moved), hub.OpDo, hub.ActionReady, true},
		"given up, nothing changed":   {facts(after(t, hub.ActionParked)), "", "", false},
		"given up, then moved":        {facts(after(t, hub.ActionParked), moved), hub.OpDo, hub.ActionReady, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			change := capture.Decide(c.facts)
			require.Nil(t, change.Owe)
			if c.state == "" {
				require.Nil(t, change.Update)
				return
			}
			require.NotNil(t, change.Update)
			require.Equal(t, c.op, change.Update.Op)
			require.Equal(t, c.state, change.Update.State)
			require.Equal(t, c.ring, change.Ring)
			if c.ring {
				require.Equal(t, c.facts.Join.Gen+1, change.Update.Gen, "each instruction has a higher fence")
			}
		})
	}
}

func TestG8_AMissingLinkIsVisibleUntilItIsThere(t *testing.T) {
	t.Parallel()
	first := capture.Decide(facts(noLink))
	require.NotNil(t, first.Owe)
	require.Equal(t, hub.ActionParked, first.Owe.State)
	require.Contains(t, first.Owe.Reason, "no meeting link")

	join := *first.Owe
	added := capture.Decide(facts(func(f *capture.Facts) { f.Join, f.Slot.Gen = &join, 3 }))
	require.NotNil(t, added.Update)
	require.Equal(t, hub.ActionReady, added.Update.State)
	require.Empty(t, added.Update.Reason)
	require.True(t, added.Ring)
}

func TestRereadsComeAtSixtyFifteenAndTwoMinutes(t *testing.T) {
	t.Parallel()
	start := now.Add(2 * time.Hour)
	var at []time.Duration
	for clock := now; ; {
		next, ok := capture.Rereads(start, clock)
		if !ok {
			break
		}
		at = append(at, start.Sub(next))
		clock = next
	}
	require.Equal(t, []time.Duration{time.Hour, 15 * time.Minute, 2 * time.Minute}, at)
}

func TestPreviewCountsWhatWouldBeJoined(t *testing.T) {
	t.Parallel()
	ready, without := facts().Slot, facts(noLink).Slot
	without.SessionID = "t"
	p := capture.MakePreview(hub.Connection{State: hub.ConnectionActive}, []hub.Slot{ready, without}, now)
	require.Equal(t, 1, p.WouldJoin)
	require.Len(t, p.Rows, 2)
	later := ready
	later.StartsAt = later.StartsAt.Add(time.Minute)
	require.NotEqual(t, p.Digest, capture.MakePreview(hub.Connection{State: hub.ConnectionActive}, []hub.Slot{later, without}, now).Digest)
}

func TestSlotsTellWhyASessionIsOff(t *testing.T) {
	t.Parallel()
	iv := sdk.Interview{ID: "iv", Status: sdk.Enum{Value: sdk.InterviewScheduled}, Sessions: []sdk.InterviewSession{
		{ID: "a", StartAt: now, EndAt: now.Add(time.Hour)}, {ID: "b", StartAt: now, EndAt: now.Add(time.Hour), Declined: true}}}
	slots := capture.Slots(hub.Connection{ID: "con"}, hub.JobLink{}, hub.Application{}, iv)
	require.False(t, slots[0].Cancelled)
	require.True(t, slots[1].Cancelled)
	require.Equal(t, "the candidate declined the session", slots[1].Reason)
}

func TestApplicationsInUnlistedSubStagesMayHaveInterviews(t *testing.T) {
	t.Parallel()
	stages := []sdk.Stage{
		{ID: "NEW", Kind: sdk.Enum{Value: sdk.StageNew}},
		{ID: "INTERVIEW", Kind: sdk.Enum{Value: sdk.StageInterview}},
		{ID: "HIRED", Kind: sdk.Enum{Value: sdk.StageHired}},
	}
	for stage, want := range map[string]bool{"NEW": false, "INTERVIEW": true, "INTERVIEW/Phone interview": true, "HIRED": false} {
		require.Equal(t, want, capture.MayInterview(stages, stage), stage)
	}
}
