// Every endpoint, once the way a good client uses it: requests and answers must fit the vendor's documents.

package smartrecruiters

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/sandbox/referee"
)

func TestEveryEndpointFitsTheVendorsDocuments(t *testing.T) {
	t.Parallel()
	ref := referee.FromEnv(t)
	hook := newReceiver(t)
	w := newWorld(t, func(o *Options) {
		client := *hook.Client()
		client.Transport = ref.Transport(client.Transport)
		o.Client = &client
	})
	server := httptest.NewServer(ref.Handler(w.sim))
	t.Cleanup(server.Close)
	w.url = server.URL

	w.walkWebhooks(hook)
	w.walkIdentity()
	app := w.walkCandidates()
	w.walkJobs()
	w.walkConfiguration()
	w.walkReviews(app)
	w.walkInterviews(app)
	require.NoError(t, w.co.DeleteCandidate(app.CandidateID))
	w.settle()

	ref.Assert(t)
	checked := ref.Checked()
	for _, rt := range routes() {
		if rt.path == tokenPath {
			continue
		}
		require.True(t, exercised(checked, rt), "%s %s was not refereed", rt.method, rt.path)
	}
	for _, event := range []string{"job.created", "job.updated", "job.status.updated", "application.created",
		"application.status.updated", "application.fields.updated", "candidate.created", "candidate.updated",
		"candidate.deleted", "review.created", "review.updated", "review.deleted", "interview.created",
		"interview.updated", "interview.canceled"} {
		require.NotZero(t, checked[event], "no %s was refereed", event)
	}
}

// exercised compares by shape: the documents name their path parameters differently and leave the prefix out.
func exercised(checked map[string]int, rt *route) bool {
	shape := func(path string) string {
		var out []string
		for _, segment := range strings.Split(path, "/") {
			if strings.HasPrefix(segment, "{") {
				segment = "{}"
			}
			out = append(out, segment)
		}
		return strings.Join(out, "/")
	}
	for what := range checked {
		parts := strings.Fields(what)
		if len(parts) == 3 && parts[0] == rt.method && strings.HasPrefix(parts[2], "2") &&
			strings.HasSuffix(shape(rt.path), shape(parts[1])) {
			return true
		}
	}
	return false
}

func (w *world) want(status int, method, path string, body any) result {
	w.t.Helper()
	r := w.do(method, path, body)
	require.Equal(w.t, status, r.status, "%s %s: %s", method, path, r.body)
	return r
}

func (w *world) walkWebhooks(hook *receiver) {
	id := w.subscribe(hook.URL, eventNames...)
	one := webhooksAPI + "/subscriptions/" + id
	w.want(201, "POST", one+"/secret-key", nil)
	w.want(200, "GET", one+"/secret-key", nil)
	job := w.co.AddJob(Job{Title: "Data engineer", Remote: true, Description: "Build pipelines"})
	require.NoError(w.t, w.co.EditJob(job, func(j *Job) { j.Title, j.Status = "Senior data engineer", "INTERVIEW" }))
	w.settle()
	w.want(200, "GET", webhooksAPI+"/subscriptions?limit=1", nil)
	w.want(200, "GET", one, nil)
	w.want(200, "GET", one+"/callbacks-log?limit=2&callbackStatus=successful", nil)

	var other struct{ ID string }
	w.want(201, "POST", webhooksAPI+"/subscriptions", obj{
		"callbackUrl": hook.URL, "events": []string{"job.created"}, "alertingEmailAddress": "ops@example.com",
		"callbackAuthentication": obj{"type": "header", "headerName": "X-Door", "headerValue": "open"},
	}).json(w.t, &other)
	w.want(204, "DELETE", webhooksAPI+"/subscriptions/"+other.ID, nil)
	w.want(404, "GET", webhooksAPI+"/subscriptions/"+other.ID, nil)
}

func (w *world) walkIdentity() {
	id, secret := w.co.NewOAuthClient(Grant{Scopes: PillarScopes, Role: Administrator})
	resp, err := http.PostForm(w.url+tokenPath, url.Values{
		"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}})
	require.NoError(w.t, err)
	require.NoError(w.t, resp.Body.Close())
	require.Equal(w.t, 200, resp.StatusCode)
	w.want(200, "GET", usersAPI+"/users/me", nil)
	w.want(200, "GET", usersAPI+"/users?limit=1", nil)
	w.want(200, "GET", usersAPI+"/users/"+w.co.users[0].ID, nil)
	w.want(404, "GET", usersAPI+"/users/000000000000000000000000", nil)
}

func (w *world) walkCandidates() Applied {
	ada := w.apply("Ada")
	one := "/candidates/" + ada.CandidateID
	app := one + "/jobs/" + w.job
	require.NoError(w.t, w.co.SetProperty(ada.CandidateID, w.job, "Notice period", "4 weeks"))
	require.NoError(w.t, w.co.EditCandidate(ada.CandidateID, func(c *Candidate) {
		c.City, c.Country, c.CountryCode, c.Phone, c.Tags = "Lagos", "Nigeria", "ng", "+2341", []string{"go"}
	}))
	w.want(200, "GET", "/candidates?limit=1&jobId="+w.job+"&status=NEW&status=LEAD&updatedAfter=2026-01-01T00:00:00.000Z", nil)
	w.want(200, "GET", one, nil)
	w.want(200, "GET", app, nil)
	w.want(200, "GET", app+"/properties", nil)
	w.want(200, "GET", app+"/attachments", nil)
	w.want(204, "PUT", app+"/status", obj{"status": InReview, "subStatus": "Screening"})
	w.want(204, "PUT", app+"/status", obj{"status": Rejected, "reason": w.co.rejections[0].id})
	w.want(200, "GET", app, nil)
	w.want(200, "GET", app+"/status/history", nil)
	w.want(204, "PUT", app+"/status", obj{"status": Hired, "startsOn": "2026-06-01T00:00:00.000Z"})
	r := w.want(200, "GET", applicationsAPI+"/job-applications/"+ada.ApplicationID, nil)
	require.Contains(w.t, r.body, `"status":"HIRE"`)
	bob := obj{"firstName": "Bob", "lastName": "Ng", "email": "bob@example.com", "tags": []string{"referral"}}
	w.want(201, "POST", "/candidates", bob)
	w.want(201, "POST", "/jobs/"+w.job+"/candidates", bob)
	return ada
}

func (w *world) walkJobs() {
	user := w.co.AddUser(User{FirstName: "Rita", LastName: "Recruiter"})
	require.NoError(w.t, w.co.EditJob(w.job, func(j *Job) {
		j.HiringTeam = []Member{{user, "RECRUITER"}, {w.co.users[0].ID, "Bar raiser"}}
		j.Properties = map[string]string{"Brand": "Acme Labs"}
	}))
	w.want(200, "GET", "/jobs?sort=job_id&limit=1&postingStatus=PUBLIC&language=en", nil)
	w.want(200, "GET", "/jobs?statuses=SOURCING&statuses=INTERVIEW&hiringTeamMemberId="+user, nil)
	w.want(400, "GET", "/jobs?sort=job_id&pageId=nonsense", nil)
	w.want(200, "GET", "/jobs/"+w.job, nil)
	w.want(200, "GET", "/jobs/"+w.job+"/hiring-team", nil)
	w.want(201, "PUT", "/jobs/"+w.job+"/status", obj{"status": "ON_HOLD"})
	w.want(401, "GET", "/jobs/"+w.co.ID, nil)
}

func (w *world) walkConfiguration() {
	w.want(200, "GET", "/configuration/company", nil)
	w.want(200, "GET", "/configuration/hiring-processes", nil)
	w.want(200, "GET", "/configuration/hiring-processes/"+w.co.processes[0].ID, nil)
	w.want(404, "GET", "/configuration/hiring-processes/none", nil)
	w.want(200, "GET", "/configuration/rejection-reasons", nil)
	w.want(200, "GET", "/configuration/withdrawal-reasons", nil)
}

func (w *world) walkReviews(app Applied) {
	reviewer := w.co.users[0].ID
	var rv struct{ ID string }
	w.want(201, "POST", reviewsAPI+"/reviews", obj{
		"candidateId": app.CandidateID, "jobId": w.job, "overallRating": 4, "comment": "Solid", "reviewerId": reviewer,
	}).json(w.t, &rv)
	one := reviewsAPI + "/reviews/" + rv.ID
	w.want(200, "GET", reviewsAPI+"/reviews?candidateId="+app.CandidateID+"&jobId="+w.job, nil)
	w.want(200, "GET", one, nil)
	w.want(204, "PATCH", one, obj{"reviewerId": reviewer, "overallRating": 5})
	w.want(204, "DELETE", one+"?reviewerId="+reviewer, nil)
	w.want(404, "GET", one, nil)
}

func (w *world) walkInterviews(app Applied) {
	admin, start := w.co.users[0].ID, w.clock.now().Add(24*time.Hour)
	slot := obj{
		"title": "Technical", "place": "https://meet.example.com/1", "interviewType": "Phone screen",
		"startsOn": stamp(start), "endsOn": stamp(start.Add(time.Hour)),
		"interviewers": []obj{{"id": admin, "status": "pending"}},
	}
	var iv, second struct {
		ID        string
		Timeslots []struct{ ID string }
	}
	w.want(201, "POST", interviewsAPI+"/interviews", obj{
		"candidate": obj{"id": app.CandidateID}, "jobId": w.job, "organizerId": admin, "timezone": "America/New_York",
		"location": "Room 1", "refUrl": "https://example.com/iv", "timeslots": []obj{slot},
	}).json(w.t, &iv)
	fromUI, err := w.co.ScheduleInterview(Interview{
		CandidateID: app.CandidateID, JobID: w.job, Location: "https://meet.example.com/2",
		Timeslots: []Timeslot{{StartsOn: start, EndsOn: start.Add(time.Hour)}},
	})
	require.NoError(w.t, err)
	one := interviewsAPI + "/interviews/" + iv.ID
	w.want(200, "GET", interviewsAPI+"/interviews?applicationId="+app.ApplicationID, nil)
	w.want(200, "GET", one, nil)
	w.want(204, "PATCH", one, obj{"location": "Room 2"})
	w.want(201, "POST", one+"/timeslots", slot).json(w.t, &second)
	w.want(200, "GET", one+"/timeslots/"+second.ID, nil)
	w.want(204, "PATCH", one+"/timeslots/"+second.ID, slot)
	accepted := obj{"status": "accepted"}
	w.want(204, "PUT", one+"/candidate/status", accepted)
	w.want(204, "PUT", one+"/timeslots/"+second.ID+"/candidateStatus", accepted)
	w.want(204, "PUT", one+"/timeslots/"+second.ID+"/interviewers/"+admin+"/status", accepted)
	w.want(204, "DELETE", one+"/timeslots/"+second.ID, nil)
	w.want(204, "DELETE", one, nil)
	require.NoError(w.t, w.co.Reschedule(fromUI, time.Hour))
	require.NoError(w.t, w.co.CancelInterview(fromUI))

	w.want(200, "GET", interviewsAPI+"/interview-types", nil)
	w.want(204, "PATCH", interviewsAPI+"/interview-types", []string{"Panel talk"})
	w.want(204, "DELETE", interviewsAPI+"/interview-types/Panel%20talk", nil)
}
