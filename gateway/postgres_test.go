package gateway_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/service"
	"github.com/atshub/atshub/internal/testenv"
)

// The same journeys on the production database: what holds a row there must
// not wait for itself.

func TestScreeningJourneyOnPostgres(t *testing.T) {
	t.Parallel()
	c, things := newRigOn(t, testenv.Postgres(t)).everything()
	c.hookSecret("1", vectorSecret)
	require.Equal(t, 202, c.deliver(delivery{}).status)
	require.Equal(t, 202, c.deliver(delivery{}).status)
	c.setAction(things["action"], func(a *hub.Action) { a.State = hub.ActionDone })
	var again service.ActionView
	c.call("POST", "/actions/"+things["action"]+"/again", reason).into(200, &again)
	var off service.SwitchedOff
	c.call("POST", "/job-links/"+things["link"]+"/off", nil).into(200, &off)
	require.Equal(t, []string{again.ID}, off.Cancelled)
	c.activate("job-1", "everyone")
	for _, list := range []string{"/connections", "/job-links", "/actions?kind=invite", "/events", "/interviews", "/job-links/" + things["link"] + "/applications"} {
		require.Equal(t, 200, c.call("GET", list, nil).status, list)
	}
	var story service.Explanation
	c.call("GET", "/connections/"+c.connection+"/explain?candidate=ann&job=job-1", nil).into(200, &story)
	require.Len(t, story.Actions, 2)
	c.call("DELETE", "/job-links/"+things["link"], nil).into(200, &off)
	require.Equal(t, 202, c.call("DELETE", "/connections/"+c.connection, nil).status)
}

func TestCaptureJourneyOnPostgres(t *testing.T) {
	t.Parallel()
	c := newRigOn(t, testenv.Postgres(t)).capture()
	c.ats.arrive("job-1", "ann", "INTERVIEW")
	c.ats.schedule("ann", "https://meet.example/1", time.Now().Add(3*time.Hour))
	p := c.plan(object{"kind": "capture_all"})
	var on service.Activated
	c.call("POST", "/plans/"+p.ID+"/activation", object{}).into(200, &on)
	require.Len(t, on.Links, 2)
	c.arm(on.Actions[0].ID)
	require.Equal(t, 200, c.call("POST", "/connections/"+c.connection+"/pause", nil).status)
	require.Equal(t, 200, c.call("POST", "/connections/"+c.connection+"/resume", nil).status)
	var back service.ModeChanged
	c.call("PUT", "/connections/"+c.connection+"/capture-mode", object{"mode": "choose"}).into(200, &back)
	require.Len(t, back.Off, 2)
	require.Equal(t, 202, c.call("DELETE", "/connections/"+c.connection, nil).status)
}

func TestTwoInstallsAtOnceOnPostgres(t *testing.T) {
	t.Parallel()
	r := newRigOn(t, testenv.Postgres(t))
	c := r.customer("fairec", "org-1")
	statuses := make(chan int, 4)
	for range cap(statuses) {
		go func() {
			statuses <- c.call("POST", "/connections", object{"connector": "smartrecruiters-apikey", "credentials": screeningCredentials()}).status
		}()
	}
	got := map[int]int{}
	for range cap(statuses) {
		got[<-statuses]++
	}
	require.Equal(t, map[int]int{201: 1, 409: 3}, got)
}
