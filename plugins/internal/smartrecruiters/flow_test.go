package smartrecruiters

// The client against the simulator: every group of abilities, and the promises
// towards the vendor counted in the simulator's own record.

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	simulator "github.com/atshub/atshub/internal/sandbox/smartrecruiters"
	"github.com/atshub/atshub/sdk"
	"github.com/atshub/atshub/sdk/httpclient"
)

// bench is a company at the simulator and a client for it.
type bench struct {
	t    *testing.T
	sim  *simulator.Simulator
	co   *simulator.Company
	url  string
	pool *httpclient.Pool
	key  string
	job  string
}

func newBench(t *testing.T, change ...func(*simulator.Options)) *bench {
	t.Helper()
	o := simulator.Options{Seed: 7, Rate: 1000}
	for _, f := range change {
		f(&o)
	}
	sim, err := simulator.New(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sim.Close()) })
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	sim.SetBaseURL(server.URL)
	b := &bench{t: t, sim: sim, url: server.URL, co: sim.AddCompany("Acme"), pool: &httpclient.Pool{}}
	b.key = b.co.NewAPIKey(simulator.Grant{Scopes: append([]string{"interviews_read", "users_read"}, simulator.FairecScopes...), Role: simulator.Administrator})
	b.job = b.co.AddJob(simulator.Job{Title: "Go developer"})
	return b
}

func (b *bench) open(a Auth) *Client {
	b.t.Helper()
	_, key := a.(apiKey) // only keys are given the right to read the configuration
	c, err := Open(Config{Endpoint: b.url, Auth: a, Pool: b.pool, Configuration: key})
	require.NoError(b.t, err)
	b.t.Cleanup(func() { require.NoError(b.t, c.Close()) })
	return c
}

func (b *bench) client() *Client { return b.open(APIKey(sdk.Secret(b.key))) }

func (b *bench) apply(name string) simulator.Applied {
	b.t.Helper()
	a, err := b.co.Apply(b.job, simulator.Candidate{FirstName: name, LastName: "Test", Email: name + "@example.com"})
	require.NoError(b.t, err)
	return a
}

func (b *bench) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	b.t.Cleanup(cancel)
	return ctx
}

// requests are what the simulator was asked.
func (b *bench) requests(method, path string) (found []simulator.Entry) {
	for _, e := range b.sim.Record().Entries(simulator.KindRequest) {
		if (method == "" || e.Method == method) && (path == "" || e.Path == path) {
			found = append(found, e)
		}
	}
	return found
}

func TestJobsAndStages(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	closed := b.co.AddJob(simulator.Job{Title: "Gone", Status: "FILLED"})
	core := Core{b.client()}

	page, err := core.ListJobs(b.ctx(), sdk.JobQuery{Status: sdk.JobOpen})
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
	require.Equal(t, b.job, page.Items[0].ID)
	require.Equal(t, sdk.Enum{Value: sdk.JobOpen, Source: "SOURCING"}, page.Items[0].Status)

	job, err := core.ReadJob(b.ctx(), sdk.JobRef{ID: closed})
	require.NoError(t, err)
	require.Equal(t, sdk.JobClosed, job.Status.Value)

	stages, err := core.ListStages(b.ctx(), sdk.JobRef{ID: b.job})
	require.NoError(t, err)
	byID := map[string]sdk.Stage{}
	for _, s := range stages.Items {
		require.Empty(t, s.Processes, "with one process nothing is uncertain")
		byID[s.ID] = s
	}
	require.Equal(t, "IN_REVIEW", byID["IN_REVIEW/Screening"].ParentID)
	require.True(t, byID["IN_REVIEW"].HasSubs)
	require.True(t, byID["HIRED"].Terminal)
}

func TestStagesOfSeveralProcessesSayWhichHasThem(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.co.AddHiringProcess(simulator.HiringProcess{Name: "Short", InReview: []string{"Screening", "Call"}})
	b.co.AddHiringProcess(simulator.HiringProcess{Name: "Old", InReview: []string{"Never"}, Inactive: true})
	stages, err := Core{b.client()}.ListStages(b.ctx(), sdk.JobRef{ID: b.job})
	require.NoError(t, err)
	marks := map[string][]string{}
	for _, s := range stages.Items {
		marks[s.ID] = s.Processes
	}
	require.Nil(t, marks["IN_REVIEW/Screening"], "both have it")
	require.Equal(t, []string{"Short"}, marks["IN_REVIEW/Call"])
	require.Equal(t, []string{"Default"}, marks["IN_REVIEW/Shortlisted"])
	require.NotContains(t, marks, "IN_REVIEW/Never")
}

func TestApplicationsShowTheStageInTheAskedJob(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	other := b.co.AddJob(simulator.Job{Title: "Other"})
	ada := b.apply("ada")
	bob, err := b.co.Apply(other, simulator.Candidate{FirstName: "bob", LastName: "Test", Email: "bob@example.com"})
	require.NoError(t, err)
	also, err := b.co.ApplyAlso(bob.CandidateID, b.job)
	require.NoError(t, err)
	require.NoError(t, b.co.Move(bob.CandidateID, b.job, simulator.InReview, "Screening"))
	require.NoError(t, b.co.Move(bob.CandidateID, other, simulator.Rejected, ""))

	core := Core{b.client()}
	page, err := core.ListApplications(b.ctx(), sdk.ApplicationQuery{JobID: b.job})
	require.NoError(t, err)
	stages := map[string]string{}
	for _, a := range page.Items {
		stages[a.Candidate.ID] = a.StageID
	}
	require.Equal(t, map[string]string{ada.CandidateID: "NEW", bob.CandidateID: "IN_REVIEW/Screening"}, stages)

	in, err := core.ListApplications(b.ctx(), sdk.ApplicationQuery{JobID: b.job, StageID: "IN_REVIEW"})
	require.NoError(t, err)
	require.Len(t, in.Items, 1)

	for _, ref := range []sdk.ApplicationRef{{ID: also.ApplicationID}, {CandidateID: bob.CandidateID, JobID: b.job}} {
		a, err := core.ReadApplication(b.ctx(), ref)
		require.NoError(t, err)
		require.Equal(t, also.ApplicationID, a.ID)
		require.Equal(t, "IN_REVIEW/Screening", a.StageID)
		require.Equal(t, "bob@example.com", a.Candidate.Email)
	}
	history, err := core.ReadStageHistory(b.ctx(), sdk.ApplicationRef{ID: also.ApplicationID})
	require.NoError(t, err)
	require.Equal(t, []string{"NEW", "IN_REVIEW/Screening"}, []string{history.Items[0].StageID, history.Items[1].StageID})
}

func TestG2_MoveReadsBeforeItWrites(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ada := b.apply("ada")
	m := NewMover(b.client())
	move := sdk.StageMove{Application: sdk.ApplicationRef{CandidateID: ada.CandidateID, JobID: b.job}, From: "NEW", To: "IN_REVIEW/Screening"}

	for _, want := range []string{sdk.MoveMoved, sdk.MoveAlreadyThere} {
		got, err := m.MoveStage(b.ctx(), move)
		require.NoError(t, err)
		require.Equal(t, want, got.Result)
	}
	move.To = "INTERVIEW"
	got, err := m.MoveStage(b.ctx(), move)
	require.NoError(t, err)
	require.Equal(t, sdk.MoveResult{Result: sdk.MovePrecondition, Actual: "IN_REVIEW/Screening"}, got)
	move.To = "IN_REVIEW"
	got, err = m.MoveStage(b.ctx(), move)
	require.NoError(t, err)
	require.Equal(t, sdk.MoveAlreadyThere, got.Result, "a sub-stage of the target is the target")
	require.Len(t, b.sim.Record().Effects("moved"), 1)
}

func TestRenamedSubStatusIsNamedNotGuessed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	process := b.co.AddHiringProcess(simulator.HiringProcess{Name: "P", InReview: []string{"Call"}})
	job := b.co.AddJob(simulator.Job{Title: "Other", Process: process})
	ada, err := b.co.Apply(job, simulator.Candidate{FirstName: "ada", LastName: "Test", Email: "ada@example.com"})
	require.NoError(t, err)
	c := b.client()
	_, err = Core{c}.ListApplications(b.ctx(), sdk.ApplicationQuery{JobID: job, StageID: "IN_REVIEW/Call"})
	require.NoError(t, err)
	require.NoError(t, b.co.RenameSubStatus(process, simulator.InReview, "Call", "Phone call"))
	c.processes.at = time.Time{} // a minute later

	_, err = Core{c}.ListApplications(b.ctx(), sdk.ApplicationQuery{JobID: job, StageID: "IN_REVIEW/Call"})
	require.Equal(t, sdk.CodePreconditionFailed, sdk.CodeOf(err))
	require.ErrorContains(t, err, `"Phone call"`)
	_, err = NewMover(c).MoveStage(b.ctx(), sdk.StageMove{Application: sdk.ApplicationRef{CandidateID: ada.CandidateID, JobID: job}, From: "NEW", To: "IN_REVIEW/Call"})
	require.Equal(t, sdk.CodePreconditionFailed, sdk.CodeOf(err))
	_, err = Core{c}.ListApplications(b.ctx(), sdk.ApplicationQuery{JobID: job, StageID: "PHONE"})
	require.Equal(t, sdk.CodeInvalid, sdk.CodeOf(err))
	require.Empty(t, b.sim.Record().Effects("moved"))
}
