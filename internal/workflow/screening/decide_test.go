package screening_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/workflow/screening"
	"github.com/atshub/atshub/sdk"
)

var (
	activated = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	phone     = hub.Trigger{ID: "trg_i", Kind: hub.TriggerMailInvitation, StageID: "IN_REVIEW/Phone", StageName: "Phone"}
	shortlist = hub.Trigger{ID: "trg_s", Kind: hub.TriggerStatusSync, Status: "shortlist", StageID: "INTERVIEW/First", StageName: "First"}
)

// facts are of a switched-on job and an active candidate at stage.
func facts(stage string, change ...func(*screening.Facts)) screening.Facts {
	f := screening.Facts{
		Connection: hub.Connection{ID: "con", TenantID: "ten", State: hub.ConnectionActive, Account: sdk.Account{ID: "acme"}},
		Link:       hub.JobLink{ID: "lnk", JobID: "job", State: hub.LinkOn, Gen: 3, ActivatedAt: &activated},
		Triggers:   []hub.Trigger{phone, shortlist},
		Application: sdk.Application{ID: "app", JobID: "job", StageID: stage, Status: sdk.Enum{Value: sdk.ApplicationActive},
			Candidate: sdk.Candidate{ID: "ada"}},
	}
	for _, c := range change {
		c(&f)
	}
	return f
}

func ledger(a hub.Action) func(*screening.Facts) {
	return func(f *screening.Facts) { f.Ledger = append(f.Ledger, a) }
}

func history(stage string, at time.Time) func(*screening.Facts) {
	return func(f *screening.Facts) {
		f.History = append(f.History, sdk.StageChange{StageID: stage, ChangedAt: at})
	}
}

func TestG1_InvitesOnFirstArrivalOnly(t *testing.T) {
	t.Parallel()
	key := hub.InviteKey("job", "ada")
	before := hub.Action{Kind: hub.ActionInvite, Key: key, Gen: 3}
	with := func(state hub.ActionState, change func(*hub.Action)) func(*screening.Facts) {
		a := before
		a.State = state
		if change != nil {
			change(&a)
		}
		return ledger(a)
	}
	ended := func(f *screening.Facts) { f.Application.Status.Value = sdk.ApplicationRejected }
	cases := map[string]struct {
		facts  screening.Facts
		invite bool
		reason string
	}{
		"arrived":                          {facts("IN_REVIEW/Phone"), true, "invited: reached Phone for the first time"},
		"elsewhere":                        {facts("NEW"), false, "left alone: is not at Phone"},
		"switched off":                     {facts("IN_REVIEW/Phone", func(f *screening.Facts) { f.Link.State = hub.LinkOff }), false, "left alone: the job is switched off"},
		"no mail invitation":               {facts("IN_REVIEW/Phone", func(f *screening.Facts) { f.Triggers = []hub.Trigger{shortlist} }), false, "left alone: the job has no mail invitation"},
		"came and left before we read":     {facts("INTERVIEW/First", history("IN_REVIEW/Phone", activated.Add(time.Minute))), true, "invited: reached Phone for the first time"},
		"came and left before activation":  {facts("INTERVIEW/First", history("IN_REVIEW/Phone", activated.Add(-time.Minute))), false, "left alone: is not at Phone"},
		"came, left and was rejected":      {facts("REJECTED", history("IN_REVIEW/Phone", activated.Add(time.Minute)), ended), false, "left alone: the application has ended (rejected)"},
		"invited before":                   {facts("IN_REVIEW/Phone", with(hub.ActionDone, nil)), false, "left alone: was invited before, on 1 January 0001"},
		"being invited":                    {facts("IN_REVIEW/Phone", with(hub.ActionSending, nil)), false, "left alone: is being invited already"},
		"was there at activation":          {facts("IN_REVIEW/Phone", with(hub.ActionSkipped, func(a *hub.Action) { a.Reason = "was at Phone before activation" })), false, "left alone: was at Phone before activation"},
		"cancelled while off, arrives now": {facts("IN_REVIEW/Phone", with(hub.ActionCancelled, func(a *hub.Action) { a.Gen = 2 })), true, "invited: reached Phone for the first time"},
		"cancelled by a person":            {facts("IN_REVIEW/Phone", with(hub.ActionCancelled, func(a *hub.Action) { a.Gen, a.Actor, a.Reason = 2, "mia", "not this one" })), false, "left alone: not this one"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := screening.OnApplication(c.facts)
			require.Equal(t, c.reason, d.Reason)
			require.NotEmpty(t, d.Trail, "every decision is explained")
			if !c.invite {
				require.Equal(t, hub.DispositionSkipped, d.Disposition)
				require.Empty(t, d.Owe)
				return
			}
			require.Equal(t, hub.DispositionActed, d.Disposition)
			require.Len(t, d.Owe, 1)
			require.Equal(t, key, d.Owe[0].Key)
			require.Equal(t, hub.ActionReady, d.Owe[0].State)
		})
	}
}

func TestG2_OurOwnMovesNeverInvite(t *testing.T) {
	t.Parallel()
	loop := func(f *screening.Facts) {
		f.Triggers = []hub.Trigger{phone, {Kind: hub.TriggerStatusSync, Status: "shortlist", StageID: phone.StageID, StageName: "Phone"}}
	}
	ours := ledger(hub.Action{Kind: hub.ActionMove, State: hub.ActionDone, Target: phone.StageID, Outcome: sdk.MoveMoved, UpdatedAt: activated.Add(time.Minute)})
	moved := history(phone.StageID, activated.Add(time.Minute))

	d := screening.OnApplication(facts(phone.StageID, loop, ours, moved))
	require.Empty(t, d.Owe)
	require.Equal(t, "left alone: our own status sync moved the candidate to Phone", d.Reason)

	again := history(phone.StageID, activated.Add(time.Hour))
	d = screening.OnApplication(facts(phone.StageID, loop, ours, moved, again))
	require.Len(t, d.Owe, 1, "a recruiter moved the candidate there afterwards")
}

func TestG1_AnEarlierInstallationDecidesToo(t *testing.T) {
	t.Parallel()
	key := hub.InviteKey("job", "ada")
	earlier := func(state hub.ActionState) func(*screening.Facts) {
		return ledger(hub.Action{Kind: hub.ActionInvite, Key: key, State: state, Gen: 7, ConnectionID: "con_before"})
	}
	fresh := func(f *screening.Facts) { f.Link.ConnectionID, f.Link.Gen = "con", 1 }
	require.Empty(t, screening.OnApplication(facts(phone.StageID, earlier(hub.ActionDone), fresh)).Owe, "was invited before the reinstallation")
	require.Len(t, screening.OnApplication(facts(phone.StageID, earlier(hub.ActionCancelled), fresh)).Owe, 1, "was cancelled by the uninstallation, never happened")
}

func TestG6_AnInvitationNeedsItsTriggerWhenItBegins(t *testing.T) {
	t.Parallel()
	c, l := hub.Connection{State: hub.ConnectionActive}, hub.JobLink{State: hub.LinkOn}
	owed := hub.Action{Kind: hub.ActionInvite, Target: phone.StageID}
	require.True(t, screening.MayBegin(c, l, []hub.Trigger{phone}, owed).Go)
	other := phone
	other.StageID = "IN_REVIEW/Other"
	require.Equal(t, hub.ActionCancelled, screening.MayBegin(c, l, []hub.Trigger{other}, owed).State)
	require.Equal(t, hub.ActionCancelled, screening.MayBegin(c, l, nil, owed).State)
	owed.Actor = "mia"
	require.True(t, screening.MayBegin(c, l, []hub.Trigger{other}, owed).Go, "a person asked for this one")
	l.State = hub.LinkOff
	require.False(t, screening.MayBegin(c, l, []hub.Trigger{phone}, owed).Go)
	require.Equal(t, "the integration was uninstalled", screening.MayBegin(hub.Connection{State: hub.ConnectionUninstalling}, l, nil, owed).Reason)
}

func TestG2_MovesOncePerStatus(t *testing.T) {
	t.Parallel()
	d := screening.OnStatus(facts("IN_REVIEW/Phone"), "shortlist")
	require.Len(t, d.Owe, 1)
	require.Equal(t, hub.MoveKey("job", "ada", "shortlist"), d.Owe[0].Key)
	require.Equal(t, "INTERVIEW/First", d.Owe[0].Target)

	d = screening.OnStatus(facts("OFFERED", ledger(hub.Action{Kind: hub.ActionMove, Key: d.Owe[0].Key, State: hub.ActionDone, Gen: 3})), "shortlist")
	require.Empty(t, d.Owe)
	require.Equal(t, "not moved again: had shortlist before", d.Reason)

	require.Equal(t, "left alone: no status sync for reject", screening.OnStatus(facts("NEW"), "reject").Reason)
}

func TestPlanMoveFollowsTheRulesOfNow(t *testing.T) {
	t.Parallel()
	stages := []sdk.Stage{{ID: "INTERVIEW/First", Name: "First"}, {ID: "REJECTED", Name: "Rejected", Terminal: true}}
	at := func(stage, status string) sdk.Application {
		return sdk.Application{StageID: stage, Status: sdk.Enum{Value: status}}
	}
	reject := hub.Trigger{Kind: hub.TriggerStatusSync, Status: "reject", StageID: "REJECTED", StageName: "Rejected"}
	ticked := reject
	ticked.AllowTerminal = true
	renamed := shortlist
	renamed.StageID, renamed.StageName = "INTERVIEW/Gone", "Gone"

	require.Equal(t, screening.Move{From: "NEW", To: "INTERVIEW/First"}, screening.PlanMove([]hub.Trigger{shortlist}, stages, "shortlist", at("NEW", sdk.ApplicationActive)))
	require.True(t, screening.PlanMove([]hub.Trigger{shortlist}, stages, "shortlist", at("INTERVIEW/First", sdk.ApplicationActive)).Done)
	for want, m := range map[string]screening.Move{
		"the status sync for shortlist was removed":                          screening.PlanMove(nil, stages, "shortlist", at("NEW", sdk.ApplicationActive)),
		"the stage Gone no longer exists in the ATS":                         screening.PlanMove([]hub.Trigger{renamed}, stages, "shortlist", at("NEW", sdk.ApplicationActive)),
		"Rejected ends the application and was not allowed for this trigger": screening.PlanMove([]hub.Trigger{reject}, stages, "reject", at("NEW", sdk.ApplicationActive)),
		"the application has ended in the ATS (hired) and is not reopened":   screening.PlanMove([]hub.Trigger{shortlist}, stages, "shortlist", at("HIRED", sdk.ApplicationHired)),
	} {
		require.Equal(t, want, m.Skip)
	}
	require.Empty(t, screening.PlanMove([]hub.Trigger{ticked}, stages, "reject", at("NEW", sdk.ApplicationActive)).Skip)
}

func TestPreviewShowsWhatActivationDoes(t *testing.T) {
	t.Parallel()
	person := func(id, stage, email string) sdk.Application {
		return sdk.Application{ID: "app-" + id, JobID: "job", StageID: stage, Status: sdk.Enum{Value: sdk.ApplicationActive}, Candidate: sdk.Candidate{ID: id, FirstName: id, LastName: "X", Email: email}}
	}
	in := screening.PreviewInput{
		Connection: hub.Connection{ID: "con", TenantID: "ten", Account: sdk.Account{ID: "acme"}}, JobID: "job", Triggers: []hub.Trigger{phone},
		Applications: []sdk.Application{person("ben", phone.StageID, "b@x"), person("ada", phone.StageID, "a@x"), person("cem", "NEW", "c@x"), person("dot", phone.StageID, ""), person("eva", phone.StageID, "e@x")},
		Ledger:       map[string][]hub.Action{"eva": {{Kind: hub.ActionInvite, Key: hub.InviteKey("job", "eva"), State: hub.ActionDone}}},
	}
	p := screening.MakePreview(in)
	verdicts := map[string]string{}
	for _, r := range p.Rows {
		verdicts[r.CandidateID] = r.Verdict
	}
	require.Equal(t, map[string]string{"ada": screening.WouldInvite, "ben": screening.WouldInvite, "dot": screening.CannotReach, "eva": screening.WasInvited}, verdicts)
	require.Equal(t, 2, p.WouldInvite)

	link := hub.JobLink{ID: "lnk", JobID: "job", Gen: 1}
	states := func(choice string, chosen ...string) map[string]hub.ActionState {
		got := map[string]hub.ActionState{}
		for _, a := range screening.Backfill(in.Connection, link, phone, p, choice, chosen) {
			got[a.CandidateID] = a.State
		}
		return got
	}
	require.Equal(t, map[string]hub.ActionState{"ada": hub.ActionReady, "ben": hub.ActionReady, "dot": hub.ActionReady}, states(hub.BackfillEveryone))
	require.Equal(t, map[string]hub.ActionState{"ada": hub.ActionSkipped, "ben": hub.ActionSkipped, "dot": hub.ActionSkipped}, states(hub.BackfillNobody))
	require.Equal(t, map[string]hub.ActionState{"ada": hub.ActionSkipped, "ben": hub.ActionReady, "dot": hub.ActionSkipped}, states(hub.BackfillChosen, "ben"))

	in.Applications[2].StageID = phone.StageID
	require.NotEqual(t, p.Digest, screening.MakePreview(in).Digest, "someone came to the stage")
	in.Applications[2].StageID = "IN_REVIEW/Other"
	require.Equal(t, p.Digest, screening.MakePreview(in).Digest, "a move elsewhere contacts nobody")
}

func TestTriggersAreCheckedByField(t *testing.T) {
	t.Parallel()
	stages := []sdk.Stage{
		{ID: "INTERVIEW", Name: "Interview", HasSubs: true}, {ID: "INTERVIEW/First", Name: "First", ParentID: "INTERVIEW"},
		{ID: "NEW", Name: "New"}, {ID: "HIRED", Name: "Hired", Terminal: true},
	}
	check := func(triggers ...hub.Trigger) map[string]string {
		return screening.CheckTriggers(triggers, stages, []string{"shortlist", "hire"})
	}
	invite := hub.Trigger{Kind: hub.TriggerMailInvitation, StageID: "NEW"}
	sync := func(status, stage string) hub.Trigger {
		return hub.Trigger{Kind: hub.TriggerStatusSync, Status: status, StageID: stage}
	}
	require.Empty(t, check(invite, sync("shortlist", "INTERVIEW/First")))
	require.Contains(t, check(sync("shortlist", "NEW")), "triggers")
	require.Equal(t, map[string]string{"triggers[0].stage_id": "a stage is required"}, check(hub.Trigger{Kind: hub.TriggerMailInvitation}))
	require.Equal(t, map[string]string{"triggers[0].stage_id": "choose a sub-stage of Interview"}, check(hub.Trigger{Kind: hub.TriggerMailInvitation, StageID: "INTERVIEW"}))
	require.Equal(t, map[string]string{"triggers[1].stage_id": "the ATS has no such stage"}, check(invite, sync("shortlist", "LUNCH")))
	require.Equal(t, map[string]string{"triggers[1].status": "the product has no such status"}, check(invite, sync("adored", "NEW")))
	require.Equal(t, map[string]string{"triggers[2].status": "this status has a stage already"}, check(invite, sync("shortlist", "NEW"), sync("shortlist", "NEW")))
	require.Equal(t, map[string]string{"triggers[1].kind": "there can be only one mail invitation"}, check(invite, invite))
	require.Contains(t, check(invite, sync("hire", "HIRED"))["triggers[1].stage_id"], "tick allow_terminal")
	ticked := sync("hire", "HIRED")
	ticked.AllowTerminal = true
	require.Empty(t, check(invite, ticked))
}

func TestCascadeNamesLoops(t *testing.T) {
	t.Parallel()
	edge := func(kind hub.TriggerKind, status, stage string) screening.Edge {
		return screening.Edge{LinkID: "lnk", JobID: "job", JobName: "Nurse", Kind: kind, Status: status, StageID: stage, Stage: stage}
	}
	calm := screening.CheckCascade([]screening.Edge{edge(hub.TriggerMailInvitation, "", "A"), edge(hub.TriggerStatusSync, "shortlist", "B")}, nil)
	require.False(t, calm.Loops())
	require.Len(t, calm.Findings, 1)
	require.Equal(t, screening.FindingATS, calm.Findings[0].Kind)

	loop := screening.CheckCascade([]screening.Edge{edge(hub.TriggerMailInvitation, "", "A"), edge(hub.TriggerStatusSync, "shortlist", "A")}, nil)
	require.True(t, loop.Loops())
	require.Equal(t, []string{"A", "invitation", "shortlist", "A"}, loop.Findings[0].Path)

	other := edge(hub.TriggerMailInvitation, "", "A")
	other.JobID = "another"
	require.False(t, screening.CheckCascade([]screening.Edge{other, edge(hub.TriggerStatusSync, "shortlist", "A")}, nil).Loops(), "another job's stage is another stage")
}

func TestHistoryIsReadOnlyWhereItDecides(t *testing.T) {
	t.Parallel()
	invited := ledger(hub.Action{Kind: hub.ActionInvite, Key: hub.InviteKey("job", "ada"), State: hub.ActionDone, Gen: 3})
	ours := ledger(hub.Action{Kind: hub.ActionMove, State: hub.ActionDone, Target: phone.StageID, Outcome: sdk.MoveMoved, UpdatedAt: activated.Add(time.Minute)})
	require.False(t, screening.NeedsHistory(facts(phone.StageID)), "is there")
	require.True(t, screening.NeedsHistory(facts("NEW")), "may have been there and left")
	require.True(t, screening.NeedsHistory(facts(phone.StageID, ours)), "we may have moved them there")
	require.False(t, screening.NeedsHistory(facts("NEW", invited)), "was invited")
}

func TestARenamedStageIsTold(t *testing.T) {
	t.Parallel()
	stages := []sdk.Stage{{ID: phone.StageID, Name: "Phone"}}
	require.Empty(t, screening.LostStages([]hub.Trigger{phone}, stages))
	require.Contains(t, screening.LostStages([]hub.Trigger{phone, shortlist}, stages), "First")
	require.True(t, screening.PlanMove([]hub.Trigger{shortlist}, stages, "shortlist", sdk.Application{StageID: "NEW", Status: sdk.Enum{Value: sdk.ApplicationActive}}).Park)
}
