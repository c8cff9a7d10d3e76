// Reviews and interviews: what may be changed, and by whom.

package smartrecruiters

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestReviewRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.apply("Ada")
	rita := w.co.AddUser(User{FirstName: "Rita", LastName: "Recruiter"})
	gone := w.co.AddUser(User{FirstName: "Gone", LastName: "Girl"})
	require.NoError(t, w.co.DeactivateUser(gone))
	post := func(change obj) result {
		body := obj{"candidateId": ada.CandidateID, "jobId": w.job, "overallRating": 4, "comment": "ok", "reviewerId": rita}
		for k, v := range change {
			body[k] = v
		}
		return w.do("POST", reviewsAPI+"/reviews", body)
	}
	for code, change := range map[string]obj{
		"INVALID_OVERALL":              {"overallRating": 6},
		"NON_EXISTING_REVIEWER":        {"reviewerId": "000000000000000000000000"},
		"INACTIVE_OR_DELETED_REVIEWER": {"reviewerId": gone},
		"CANDIDATE_NOT_FOUND":          {"candidateId": w.job},
		"JOB_NOT_FOUND":                {"jobId": ada.CandidateID},
		"APPLICATION_NOT_FOUND":        {"jobId": w.co.AddJob(Job{Title: "Other"})},
	} {
		r := post(change)
		require.Equal(t, 422, r.status, code)
		require.Contains(t, r.body, code)
	}
	var rv struct{ ID, ReviewerID string }
	post(nil).json(t, &rv)
	one := reviewsAPI + "/reviews/" + rv.ID
	require.Contains(t, w.do("PATCH", one, obj{"reviewerId": w.co.users[0].ID}).body, "REVIEWER_ID_DOES_NOT_MATCH")
	require.Contains(t, w.do("PATCH", reviewsAPI+"/reviews/17", obj{"reviewerId": rita}).body, "INVALID_REVIEW_ID")
	require.Contains(t, w.do("PATCH", reviewsAPI+"/reviews/"+w.job, obj{"reviewerId": rita}).body, "REVIEW_NOT_FOUND")
	require.Contains(t, w.do("DELETE", one, nil).body, "INVALID_REVIEWER_ID")
	require.Contains(t, w.do("DELETE", one+"?reviewerId="+w.co.users[0].ID, nil).body, "REVIEWER_ID_DOES_NOT_MATCH")
	require.Equal(t, 204, w.do("DELETE", one+"?reviewerId="+rita, nil).status)

	r := post(obj{"reviewerId": ""})
	r.json(t, &rv)
	require.Equal(t, w.co.users[0].ID, rv.ReviewerID, "without a reviewer the credential's user writes")
	require.Len(t, w.sim.Record().Effects("review created"), 2)
	require.Len(t, w.sim.Record().Effects("review deleted"), 1)
}

func TestAHumansReviewIsNotTheAPIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.apply("Ada")
	id, err := w.co.WriteReview(ada.CandidateID, w.job, "", 2, "My own words")
	require.NoError(t, err)
	r := w.do("PATCH", reviewsAPI+"/reviews/"+id, obj{"reviewerId": w.co.users[0].ID, "comment": "ours"})
	require.Equal(t, 400, r.status)
	require.Contains(t, r.body, "INVALID_SOURCE")
	require.Equal(t, "My own words", w.co.Reviews(ada.CandidateID, w.job)[0].Comment)
}

func TestInterviewsAreFoundByApplicationOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.apply("Ada")
	start := w.clock.now().Add(time.Hour)
	id, err := w.co.ScheduleInterview(Interview{
		CandidateID: ada.CandidateID, JobID: w.job, Location: "https://meet.example.com/a", Timezone: "Asia/Tokyo",
		Timeslots: []Timeslot{{StartsOn: start, EndsOn: start.Add(time.Hour), Place: "Room 5"}},
	})
	require.NoError(t, err)
	list := interviewsAPI + "/interviews"
	require.Equal(t, 400, w.do("GET", list, nil).status)
	require.Contains(t, w.do("GET", list+"?applicationId="+w.job, nil).body, "APPLICATION_NOT_FOUND")
	r := w.do("GET", list+"?applicationId="+ada.ApplicationID, nil)
	require.Contains(t, r.body, "https://meet.example.com/a")
	require.NotContains(t, r.body, ada.ApplicationID, "an interview does not name its application")

	require.NoError(t, w.co.Reschedule(id, 24*time.Hour))
	require.NoError(t, w.co.ChangeInterviewLink(id, "https://meet.example.com/b"))
	iv, ok := w.co.InterviewByID(id)
	require.True(t, ok)
	require.Equal(t, start.Add(24*time.Hour), iv.Timeslots[0].StartsOn)
	require.Equal(t, 403, w.do("DELETE", list+"/"+id, nil).status, "not created through the API")
	w.sim.SetPolicies(Policies{OnlyAPIInterviews: true})
	require.Equal(t, 404, w.do("GET", list+"/"+id, nil).status)
	require.JSONEq(t, `{"content":[]}`, w.do("GET", list+"?applicationId="+ada.ApplicationID, nil).body)
	w.sim.SetPolicies(Policies{})
	require.NoError(t, w.co.CancelInterview(id))
	require.Contains(t, w.do("GET", list+"/"+id, nil).body, "INTERVIEW_NOT_FOUND")
}

func TestInterviewWriteRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.apply("Ada")
	admin, start := w.co.users[0].ID, w.clock.now()
	slot := func(user string, length time.Duration) []obj {
		return []obj{{"startsOn": stamp(start), "endsOn": stamp(start.Add(length)), "interviewers": []obj{{"id": user, "status": "pending"}}}}
	}
	post := func(change obj) result {
		body := obj{"candidate": obj{"id": ada.CandidateID}, "jobId": w.job, "organizerId": admin,
			"timezone": "Europe/Paris", "timeslots": slot(admin, time.Hour)}
		for k, v := range change {
			body[k] = v
		}
		return w.do("POST", interviewsAPI+"/interviews", body)
	}
	const nobody = "000000000000000000000000"
	for code, change := range map[string]obj{
		"INVALID_TIMEZONE":           {"timezone": "Local"},
		"NON_EXISTING_ORGANIZER":     {"organizerId": nobody},
		"NON_EXISTING_INTERVIEWERS":  {"timeslots": slot(nobody, time.Hour)},
		"END_DATE_BEFORE_START_DATE": {"timeslots": slot(admin, -time.Hour)},
		"CANDIDATE_NOT_FOUND":        {"candidate": obj{"id": w.job}},
	} {
		require.Contains(t, post(change).body, code)
	}
	var iv struct {
		ID        string
		Timeslots []struct{ ID string }
	}
	post(nil).json(t, &iv)
	r := w.do("DELETE", interviewsAPI+"/interviews/"+iv.ID+"/timeslots/"+iv.Timeslots[0].ID, nil)
	require.Equal(t, 409, r.status)
	require.Contains(t, r.body, "CANNOT_DELETE_LAST_TIMESLOT")
}
