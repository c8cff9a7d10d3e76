package gateway_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/service"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/sdk"
)

func triggers(more ...object) []object {
	return append([]object{{"kind": "mail_invitation", "stage_id": "IN_REVIEW:Fairec"}}, more...)
}

func (c customer) plan(body object) (p service.Plan) {
	c.Helper()
	c.call("POST", "/connections/"+c.connection+"/plans", body).into(201, &p)
	return p
}

func (c customer) activate(job, backfill string, chosen ...string) (on service.Activated) {
	c.Helper()
	p := c.plan(object{"kind": "import", "job_id": job, "triggers": triggers()})
	body := object{"backfill": backfill}
	if len(chosen) > 0 {
		body["chosen"] = chosen
	}
	c.call("POST", "/plans/"+p.ID+"/activation", body).into(200, &on)
	return on
}

func (c customer) toggleOn(job string) (on service.Activated) {
	c.Helper()
	p := c.plan(object{"kind": "toggle", "job_id": job})
	c.call("POST", "/plans/"+p.ID+"/activation", object{}).into(200, &on)
	return on
}

// arm does what the worker does once the recorder holds a join.
func (c customer) arm(id string) {
	c.Helper()
	c.setAction(id, func(a *hub.Action) { a.State, a.Attempts = hub.ActionArmed, 1 })
}

func (c customer) setAction(id string, fn func(*hub.Action)) {
	c.Helper()
	c.write(func(tx *store.Tx) error {
		a, err := tx.LockAction(c.tenant.ID, id)
		if err != nil {
			return err
		}
		fn(&a)
		return tx.SaveAction(a)
	})
}

func states(on service.Activated) map[string]string {
	m := map[string]string{}
	for _, a := range on.Actions {
		m[a.CandidateID] = string(a.State)
	}
	return m
}

func TestG1_PreviewNamesEveryoneAndBackfillIsAChoice(t *testing.T) {
	t.Parallel()
	for backfill, want := range map[string]struct {
		chosen  []string
		invited map[string]string
		alone   int
	}{
		"everyone": {nil, map[string]string{"ann": "ready", "bob": "ready"}, 0},
		"nobody":   {nil, map[string]string{}, 2},
		"chosen":   {[]string{"bob"}, map[string]string{"bob": "ready"}, 1},
	} {
		t.Run(backfill, func(t *testing.T) {
			t.Parallel()
			c := newRig(t).screening()
			c.ats.arrive("job-1", "ann", "IN_REVIEW:Fairec")
			c.ats.arrive("job-1", "bob", "IN_REVIEW:Fairec")
			c.ats.arrive("job-1", "eve", "NEW")
			p := c.plan(object{"kind": "import", "job_id": "job-1", "triggers": triggers()})
			require.Equal(t, 2, p.Content.Candidates.WouldInvite)
			require.Equal(t, "Zoë ann", p.Content.Candidates.Rows[0].Name)
			require.Equal(t, "In Review / Fairec", p.Content.Triggers[0].StageName)

			path := "/plans/" + p.ID + "/activation"
			require.Contains(t, c.call("POST", path, object{}).problem(422, "invalid").Fields, "backfill", "nothing is preselected")
			require.Contains(t, c.call("POST", path, object{"backfill": "chosen", "chosen": []string{"eve"}}).problem(422, "invalid").Fields, "chosen")
			body := object{"backfill": backfill}
			if want.chosen != nil {
				body["chosen"] = want.chosen
			}
			var on service.Activated
			c.call("POST", path, body).into(200, &on)
			require.Equal(t, want.invited, states(on))
			require.Equal(t, want.alone, on.LeftAlone)
			require.Equal(t, hub.LinkOn, on.Links[0].State)
			require.NotEmpty(t, on.Links[0].CalibrationURL)
			require.NotEmpty(t, on.Links[0].ProductRef)
			c.call("POST", path, body).problem(409, "plan_expired")

			var all service.List[service.Application]
			c.call("GET", "/job-links/"+on.Links[0].ID+"/applications", nil).into(200, &all)
			require.Len(t, all.Items, 2)
			c.write(func(tx *store.Tx) error {
				_, err := tx.WorkOf(hub.WorkJobSync, on.Links[0].ID)
				require.NoError(t, err)
				return nil
			})
		})
	}
}

func TestG1_ADriftedPlanIsRefusedWithTheDifference(t *testing.T) {
	t.Parallel()
	c := newRig(t).screening()
	c.ats.arrive("job-1", "ann", "IN_REVIEW:Fairec")
	p := c.plan(object{"kind": "import", "job_id": "job-1", "triggers": triggers()})
	c.ats.arrive("job-1", "bob", "IN_REVIEW:Fairec")
	c.ats.change(func() { c.ats.apps["job-1"][0].StageID = "NEW" })
	drift := c.call("POST", "/plans/"+p.ID+"/activation", object{"backfill": "everyone"}).problem(409, "plan_drifted")
	require.Equal(t, map[string]string{"now_also": "bob", "no_longer": "ann"}, drift.Fields)
	var actions service.List[service.ActionView]
	c.call("GET", "/actions", nil).into(200, &actions)
	require.Empty(t, actions.Items)
	var links service.List[service.JobLink]
	c.call("GET", "/job-links", nil).into(200, &links)
	require.Empty(t, links.Items)
}

func TestTriggersAreCheckedAndLoopsMustBeAcknowledged(t *testing.T) {
	t.Parallel()
	c := newRig(t).screening()
	path := "/connections/" + c.connection + "/plans"
	for field, list := range map[string][]object{
		"triggers":             {{"kind": "status_sync", "status": "shortlist", "stage_id": "INTERVIEW"}},
		"triggers[0].stage_id": {{"kind": "mail_invitation", "stage_id": "IN_REVIEW"}},
		"triggers[1].stage_id": triggers(object{"kind": "status_sync", "status": "reject", "stage_id": "REJECTED"}),
		"triggers[1].status":   triggers(object{"kind": "status_sync", "status": "nonsense", "stage_id": "INTERVIEW"}),
	} {
		p := c.call("POST", path, object{"kind": "import", "job_id": "job-1", "triggers": list}).problem(422, "invalid")
		require.Contains(t, p.Fields, field)
	}
	require.Contains(t, c.call("POST", path, object{"kind": "import", "job_id": "job-9", "triggers": triggers()}).problem(422, "invalid").Fields, "job_id")
	require.Contains(t, c.call("POST", path, object{"kind": "toggle", "job_id": "job-1"}).problem(422, "invalid").Fields, "kind")

	loop := c.plan(object{"kind": "import", "job_id": "job-1", "triggers": triggers(object{"kind": "status_sync", "status": "shortlist", "stage_id": "IN_REVIEW:Fairec"})})
	require.True(t, loop.Content.Cascade.Loops())
	activation := "/plans/" + loop.ID + "/activation"
	require.Contains(t, c.call("POST", activation, object{"backfill": "nobody"}).problem(422, "invalid").Fields, "acknowledge_loops")
	var on service.Activated
	c.call("POST", activation, object{"backfill": "nobody", "acknowledge_loops": true}).into(200, &on)
	require.Len(t, on.Links[0].Triggers, 2)
}

func TestG6_SwitchingOffCancelsAndListsWhatIsOnTheWire(t *testing.T) {
	t.Parallel()
	c := newRig(t).screening()
	for _, who := range []string{"ann", "bob", "eve"} {
		c.ats.arrive("job-1", who, "IN_REVIEW:Fairec")
	}
	on := c.activate("job-1", "everyone")
	wire := on.Actions[1].ID
	c.setAction(wire, func(a *hub.Action) { a.State, a.Attempts = hub.ActionSending, 1 })

	var off service.SwitchedOff
	c.call("POST", "/job-links/"+on.Links[0].ID+"/off", nil).into(200, &off)
	require.Equal(t, []string{wire}, off.OnTheWire)
	require.ElementsMatch(t, []string{on.Actions[0].ID, on.Actions[2].ID}, off.Cancelled)
	require.Equal(t, hub.LinkOff, off.Link.State)
	c.write(func(tx *store.Tx) error {
		for _, id := range off.Cancelled {
			_, err := tx.WorkOf(hub.WorkAction, id)
			require.Equal(t, hub.CodeNotFound, hub.CodeOf(err))
		}
		_, err := tx.WorkOf(hub.WorkJobSync, on.Links[0].ID)
		require.Equal(t, hub.CodeNotFound, hub.CodeOf(err))
		link, err := tx.Link(c.tenant.ID, on.Links[0].ID)
		require.EqualValues(t, 2, link.Gen)
		return err
	})
	c.call("POST", "/job-links/"+on.Links[0].ID+"/syncs", nil).problem(409, "conflict")

	// On again: those cancelled are a choice once more, the one on the wire is not.
	p := c.plan(object{"kind": "import", "job_id": "job-1", "triggers": triggers()})
	require.Equal(t, 2, p.Content.Candidates.WouldInvite)
	again := c.activate("job-1", "nobody")
	require.Empty(t, again.Actions)
	require.Equal(t, 2, again.LeftAlone)
}

func TestDeleteEndsTheJobPostAndKeepsTheLedger(t *testing.T) {
	t.Parallel()
	c := newRig(t).screening()
	c.ats.arrive("job-1", "ann", "IN_REVIEW:Fairec")
	on := c.activate("job-1", "everyone")
	c.setAction(on.Actions[0].ID, func(a *hub.Action) { a.State = hub.ActionDone })
	var off service.SwitchedOff
	c.call("DELETE", "/job-links/"+on.Links[0].ID, nil).into(200, &off)
	c.write(func(tx *store.Tx) error { // a worker tells the product, however long it takes to reach it
		_, err := tx.WorkOf(hub.WorkEngage, on.Links[0].ID)
		return err
	})
	var links service.List[service.JobLink]
	c.call("GET", "/job-links", nil).into(200, &links)
	require.Empty(t, links.Items)

	p := c.plan(object{"kind": "import", "job_id": "job-1", "triggers": triggers()})
	require.Equal(t, "was_invited", p.Content.Candidates.Rows[0].Verdict)
	require.Zero(t, p.Content.Candidates.WouldInvite)
}

func TestG18_PeoplesDecisionsAboutActionsAreOnRecord(t *testing.T) {
	t.Parallel()
	c := newRig(t).screening()
	c.ats.arrive("job-1", "ann", "IN_REVIEW:Fairec")
	on := c.activate("job-1", "everyone")
	id := on.Actions[0].ID
	reason := object{"reason": "asked on the phone"}
	c.call("POST", "/actions/"+id+"/again", reason).problem(409, "conflict")
	c.setAction(id, func(a *hub.Action) { a.State = hub.ActionDone })
	c.call("POST", "/actions/"+id+"/cancellation", reason).problem(409, "conflict")
	c.call("POST", "/actions/"+id+"/retry", reason).problem(409, "conflict")

	var again service.ActionView
	c.call("POST", "/actions/"+id+"/again", reason).into(200, &again)
	require.NotEqual(t, id, again.ID)
	require.Equal(t, hub.ActionReady, again.State)
	require.Equal(t, "usr-owner (Tenant owner)", again.Actor)
	c.call("POST", "/actions/"+id+"/again", reason).problem(409, "conflict")
	var gone service.ActionView
	c.call("POST", "/actions/"+again.ID+"/cancellation", reason).into(200, &gone)
	require.Equal(t, hub.ActionCancelled, gone.State)

	// What never happened is done for the first time, under its own key.
	var first service.ActionView
	c.call("POST", "/actions/"+gone.ID+"/again", reason).into(200, &first)
	require.Equal(t, gone.ID, first.ID)
	require.Equal(t, hub.ActionReady, first.State)

	c.setAction(again.ID, func(a *hub.Action) { a.State = hub.ActionParked })
	c.call("POST", "/actions/"+again.ID+"/again", reason).problem(409, "conflict")
	c.call("POST", "/actions/"+again.ID+"/retry", reason).into(200, &gone)
	require.Equal(t, hub.ActionReady, gone.State)

	var story service.Explanation
	c.call("GET", "/connections/"+c.connection+"/explain?candidate=ann&job=job-1", nil).into(200, &story)
	require.Equal(t, "Zoë ann", story.Application.Name)
	require.Len(t, story.Actions, 2)
	acts := []string{}
	for _, line := range story.Trail {
		if line.Kind == hub.TrailHuman {
			acts = append(acts, line.What)
			require.Equal(t, "usr-owner (Tenant owner)", line.Actor)
		}
	}
	require.Equal(t, []string{"decided about someone already at In Review / Fairec", "asked to do it again", "cancelled the action", "asked to do it again", "asked to try the action anew"}, acts)
	c.call("GET", "/connections/"+c.connection+"/explain?candidate=nobody&job=job-1", nil).problem(404, "not_found")
	c.call("GET", "/connections/"+c.connection+"/explain", nil).problem(422, "invalid")
}

func TestSyncNowIsOneSyncAndTellsWhatChanged(t *testing.T) {
	t.Parallel()
	c := newRig(t).screening()
	on := c.activate("job-1", "nobody")
	path := "/job-links/" + on.Links[0].ID + "/syncs"
	var first, second service.Sync
	c.call("POST", path, nil).into(202, &first)
	c.call("POST", path, nil).into(202, &second)
	require.Equal(t, first.ID, second.ID)
	require.Equal(t, "running", first.State)
	c.write(func(tx *store.Tx) error {
		return tx.FinishSync(hub.Sync{ID: first.ID, TenantID: c.tenant.ID, Summary: hub.SyncSummary{CandidatesUpdated: 3, Complete: true}})
	})
	c.call("GET", "/syncs/"+first.ID, nil).into(200, &second)
	require.Equal(t, "finished", second.State)
	require.Equal(t, 3, second.Summary.CandidatesUpdated)
	var all service.List[service.Sync]
	c.call("GET", path, nil).into(200, &all)
	require.Len(t, all.Items, 1)
}

func TestListsAreReadPageByPage(t *testing.T) {
	t.Parallel()
	c := newRig(t).screening()
	for _, who := range []string{"ann", "bob", "eve"} {
		c.ats.arrive("job-1", who, "IN_REVIEW:Fairec")
	}
	on := c.activate("job-1", "everyone")
	seen := []string{}
	cursor := ""
	for range 3 {
		var page service.List[service.Application]
		c.call("GET", "/job-links/"+on.Links[0].ID+"/applications?limit=1&cursor="+cursor, nil).into(200, &page)
		seen = append(seen, page.Items[0].CandidateID)
		cursor = page.Next
	}
	require.Equal(t, []string{"ann", "bob", "eve"}, seen)
	var jobs service.List[sdk.Job]
	c.call("GET", "/connections/"+c.connection+"/jobs?limit=1", nil).into(200, &jobs)
	require.Equal(t, "second", jobs.Next)
	c.call("GET", "/connections/"+c.connection+"/jobs?cursor=second", nil).into(200, &jobs)
	require.Equal(t, "job-2", jobs.Items[0].ID)
}
