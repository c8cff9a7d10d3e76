// Candidates, applications and status moves.

package smartrecruiters

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestListKnowsTheStatusOfThePrimaryAssignmentOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.apply("Ada")
	second := w.co.AddJob(Job{Title: "Second"})
	_, err := w.co.ApplyAlso(ada.CandidateID, second)
	require.NoError(t, err)
	require.NoError(t, w.co.Move(ada.CandidateID, second, InReview, "Screening"))

	var list struct {
		TotalFound int
		Content    []struct {
			PrimaryAssignment struct {
				Job    struct{ ID string }
				Status string
			}
			SecondaryAssignments []map[string]any
		}
	}
	w.do("GET", "/candidates?jobId="+second, nil).json(t, &list)
	require.Equal(t, w.job, list.Content[0].PrimaryAssignment.Job.ID)
	require.Equal(t, Started, list.Content[0].PrimaryAssignment.Status, "not the status in the job asked for")
	require.NotContains(t, list.Content[0].SecondaryAssignments[0], "status")

	w.do("GET", "/candidates?jobId="+second+"&status=IN_REVIEW", nil).json(t, &list)
	require.Zero(t, list.TotalFound, "the status filter misses a secondary application")
	require.NoError(t, w.co.MakePrimary(ada.CandidateID, second))
	w.do("GET", "/candidates?jobId="+second+"&status=IN_REVIEW&subStatus="+url.QueryEscape("Screening"), nil).json(t, &list)
	require.Equal(t, 1, list.TotalFound)
	w.do("GET", "/candidates?subStatus=Nonsense", nil).json(t, &list)
	require.Equal(t, 1, list.TotalFound, "subStatus works only with status")
}

func TestCandidatesArePagedAndFilteredByUpdate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 23 {
		w.apply("Ada")
	}
	require.Len(t, w.crawl("/candidates", "limit=5"), 23)
	w.clock.advance(time.Hour)
	since := stamp(w.clock.now().Add(-time.Minute))
	last := w.apply("Zoe")
	require.Equal(t, []string{last.CandidateID}, w.crawl("/candidates", "updatedAfter="+since))
	require.Contains(t, w.do("GET", "/candidates?propertyId=a", nil).body, "FIELDS_CRITERIA_SIZE_VIOLATED")
}

func TestTalentPoolCandidatesAreNotListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.do("POST", "/candidates", obj{"firstName": "Poo", "lastName": "Lee", "email": "p@example.com"})
	require.Equal(t, 201, r.status)
	require.Contains(t, w.do("GET", "/candidates", nil).body, `"totalFound":0`)
}

func TestStatusMoveRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	process := w.co.AddHiringProcess(HiringProcess{
		Name: "Strict", InReview: []string{"Screening"}, Interview: []string{"Phone", "Onsite"},
		Required: []Stage{{Interviewed, "Phone"}},
	})
	w.job = w.co.AddJob(Job{Title: "Strict", Process: process})
	ada := w.apply("Ada")
	path := "/candidates/" + ada.CandidateID + "/jobs/" + w.job + "/status"
	move := func(body obj) result { return w.do("PUT", path, body) }

	require.Contains(t, move(obj{"status": InReview, "reason": "x"}).body, "NO_REASON_SUPPORT_FOR_STATUS")
	require.Contains(t, move(obj{"status": Rejected, "reason": "x"}).body, "REASON_NOT_FOUND")
	require.Contains(t, move(obj{"status": Interviewed, "subStatus": "Onsite"}).body, "REQUIRED_SUB_STATUS_OMITTED")
	require.Contains(t, move(obj{"status": Offered}).body, "REQUIRED_SUB_STATUS_OMITTED")
	require.Equal(t, 400, move(obj{"status": "SHORTLIST"}).status)
	r := w.do("PUT", "/candidates/"+ada.CandidateID+"/jobs/"+w.co.ID+"/status", obj{"status": InReview})
	require.Equal(t, 404, r.status)

	for _, ok := range []obj{
		{"status": InReview, "subStatus": "Screening"}, {"status": Interviewed, "subStatus": "Phone"},
		{"status": Offered}, {"status": Rejected}, {"status": Interviewed, "subStatus": "Never heard of"},
	} {
		r := move(ok)
		require.Equal(t, 204, r.status, r.body)
		require.Empty(t, r.body)
	}
	w.sim.SetPolicies(Policies{RefuseFromTerminal: true, RefuseUnknownSubStatus: true, ReasonRequired: true})
	require.Equal(t, 400, move(obj{"status": InReview, "subStatus": "Never heard of"}).status)
	require.Contains(t, move(obj{"status": Rejected}).body, "REASON_NOT_FOUND")
	require.Equal(t, 204, move(obj{"status": Hired}).status)
	require.Equal(t, 403, move(obj{"status": InReview}).status)
}

func TestMovesAreHistoryAndWitnessedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.apply("Ada")
	path := "/candidates/" + ada.CandidateID + "/jobs/" + w.job
	require.NoError(t, w.co.Move(ada.CandidateID, w.job, InReview, "Screening"))
	w.clock.advance(time.Minute)
	for range 2 { // the second changes nothing
		require.Equal(t, 204, w.do("PUT", path+"/status", obj{"status": Interviewed}).status)
	}
	var history struct {
		TotalFound int
		Content    []struct{ Status, SubStatus string }
	}
	w.do("GET", path+"/status/history", nil).json(t, &history)
	require.Equal(t, 3, history.TotalFound)
	require.Equal(t, Interviewed, history.Content[0].Status, "newest first")
	moves := w.sim.Record().Effects("moved")
	require.Len(t, moves, 2)
	require.Equal(t, "person", moves[0].Data["by"])
	require.Equal(t, "api", moves[1].Data["by"])
	require.Equal(t, "Screening", moves[1].Data["fromSub"])
}

func TestRenamedSubStatusBreaksStoredMappings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.apply("Ada")
	require.NoError(t, w.co.Move(ada.CandidateID, w.job, InReview, "Screening"))
	require.NoError(t, w.co.RenameSubStatus(w.co.processes[0].ID, InReview, "Screening", "Prescreen"))
	require.Contains(t, w.do("GET", "/candidates/"+ada.CandidateID+"/jobs/"+w.job, nil).body, "Prescreen")
	require.NotContains(t, w.do("GET", "/configuration/hiring-processes", nil).body, "Screening")
	require.Contains(t, w.do("GET", "/candidates?status=IN_REVIEW&subStatus=Screening", nil).body, `"totalFound":0`)
}

func TestApplicationAPISpellsStatusesItsOwnWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.apply("Ada")
	path := applicationsAPI + "/job-applications/"
	for status, spelled := range map[string]string{Offered: "OFFER", Hired: "HIRE", InReview: InReview} {
		require.NoError(t, w.co.Move(ada.CandidateID, w.job, status, ""))
		var app struct{ Status, ProfileID, JobID string }
		w.do("GET", path+ada.ApplicationID, nil).json(t, &app)
		require.Equal(t, spelled, app.Status)
		require.Equal(t, ada.CandidateID, app.ProfileID)
	}
	require.Contains(t, w.do("GET", path+"17", nil).body, "INVALID_JOB_APPLICATION_ID")
	require.Contains(t, w.do("GET", path+w.job, nil).body, "JOB_APPLICATION_NOT_FOUND")
}

func TestPropertiesNotSetAnswerAnEmptyObject(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.apply("Ada")
	require.JSONEq(t, `{}`, w.do("GET", "/candidates/"+ada.CandidateID+"/jobs/"+w.job+"/properties", nil).body)
}

func TestDeletedCandidateLooksLikeAForeignOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.apply("Ada")
	require.NoError(t, w.co.DeleteCandidate(ada.CandidateID))
	require.Equal(t, http.StatusUnauthorized, w.do("GET", "/candidates/"+ada.CandidateID, nil).status)
	require.Equal(t, 404, w.do("GET", "/candidates/"+ada.CandidateID+"/jobs/"+w.job, nil).status)
}
