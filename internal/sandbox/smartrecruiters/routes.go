// The route table: every operation simulated, with the scopes that open it.

package smartrecruiters

type route struct {
	method, path string
	scopes       []string // any one suffices
	do           func(*call) answer
	public       bool   // no credential
	roleless     bool   // works without a System role
	unlocked     bool   // the handler takes the lock itself
	denied       string // error code when the role gate is closed
}

func (rt *route) deniedCode() string {
	if rt.denied == "" {
		return "PERMISSION_DENIED"
	}
	return rt.denied
}

// oneAtATime marks the only endpoint with a concurrency limit of one.
func (rt *route) oneAtATime() bool { return rt.method == "GET" && rt.path == "/candidates" }

const (
	interviewsAPI   = "/interviews-api/v201904"
	reviewsAPI      = "/reviews-api/v201910"
	webhooksAPI     = "/webhooks-api/v201907"
	usersAPI        = "/user-api/v201804"
	applicationsAPI = "/job-applications-api/v202112"
)

func any1(scopes ...string) []string { return scopes }

func routes() []*route {
	all := []*route{
		{method: "POST", path: tokenPath, do: issueToken, public: true},

		{method: "GET", path: "/jobs", scopes: any1("jobs_read"), do: listJobs},
		{method: "GET", path: "/jobs/{job}", scopes: any1("jobs_read"), do: getJob},
		{method: "GET", path: "/jobs/{job}/hiring-team", scopes: any1("jobs_read"), do: getHiringTeam},
		{method: "PUT", path: "/jobs/{job}/status", scopes: any1("jobs_manage"), do: putJobStatus},

		{method: "GET", path: "/candidates", scopes: any1("candidates_read"), do: listCandidates},
		{method: "POST", path: "/candidates", scopes: any1("candidates_create"), do: createCandidate},
		{method: "POST", path: "/jobs/{job}/candidates", scopes: any1("candidates_create"), do: createCandidate},
		{method: "GET", path: "/candidates/{id}", scopes: any1("candidates_read"), do: getCandidate},
		{method: "GET", path: "/candidates/{id}/jobs/{job}", scopes: any1("candidates_read"), do: getApplication},
		{method: "GET", path: "/candidates/{id}/jobs/{job}/properties", scopes: any1("candidates_read"), do: getProperties},
		{method: "GET", path: "/candidates/{id}/jobs/{job}/attachments", scopes: any1("candidates_read"), do: getAttachments},
		{method: "PUT", path: "/candidates/{id}/jobs/{job}/status", scopes: any1("candidates_manage"), do: putStatus},
		{method: "GET", path: "/candidates/{id}/jobs/{job}/status/history",
			scopes: any1("candidates_read", "candidate_status_read"), do: getStatusHistory, denied: "NO_ACCESS_TO_CANDIDATE"},

		{method: "GET", path: applicationsAPI + "/job-applications/{id}", scopes: any1("job_applications_read"), do: getJobApplication},

		{method: "GET", path: "/configuration/company", scopes: any1("company_read", "configuration_read"), do: getCompany, roleless: true},
		{method: "GET", path: "/configuration/hiring-processes", scopes: any1("configuration_read"), do: listProcesses},
		{method: "GET", path: "/configuration/hiring-processes/{id}", scopes: any1("configuration_read"), do: getProcess},
		{method: "GET", path: "/configuration/rejection-reasons", scopes: any1("configuration_read"), do: listRejectionReasons},
		{method: "GET", path: "/configuration/withdrawal-reasons", scopes: any1("configuration_read"), do: listWithdrawalReasons},

		{method: "GET", path: usersAPI + "/users", scopes: any1("users_read"), do: listUsers},
		{method: "GET", path: usersAPI + "/users/me", scopes: any1("user_me_read"), do: getMe, roleless: true},
		{method: "GET", path: usersAPI + "/users/{id}", scopes: any1("users_read"), do: getUser},
	}
	all = append(all, reviewRoutes()...)
	all = append(all, interviewRoutes()...)
	return append(all, webhookRoutes()...)
}

func reviewRoutes() []*route {
	read, write := any1("reviews_read"), any1("reviews_write")
	return []*route{
		{method: "GET", path: reviewsAPI + "/reviews", scopes: read, do: listReviews},
		{method: "POST", path: reviewsAPI + "/reviews", scopes: write, do: createReview},
		{method: "GET", path: reviewsAPI + "/reviews/{id}", scopes: read, do: getReview},
		{method: "PATCH", path: reviewsAPI + "/reviews/{id}", scopes: write, do: patchReview},
		{method: "DELETE", path: reviewsAPI + "/reviews/{id}", scopes: write, do: deleteReview},
	}
}

func interviewRoutes() []*route {
	read, write := any1("interviews_read"), any1("interviews_write")
	one := interviewsAPI + "/interviews/{id}"
	return []*route{
		{method: "GET", path: interviewsAPI + "/interviews", scopes: read, do: listInterviews},
		{method: "POST", path: interviewsAPI + "/interviews", scopes: write, do: createInterview},
		{method: "GET", path: one, scopes: read, do: getInterview},
		{method: "PATCH", path: one, scopes: write, do: patchInterview},
		{method: "DELETE", path: one, scopes: write, do: deleteInterview},
		{method: "POST", path: one + "/timeslots", scopes: write, do: addTimeslot},
		{method: "GET", path: one + "/timeslots/{slot}", scopes: read, do: getTimeslot},
		{method: "PATCH", path: one + "/timeslots/{slot}", scopes: write, do: patchTimeslot},
		{method: "DELETE", path: one + "/timeslots/{slot}", scopes: write, do: deleteTimeslot},
		{method: "PUT", path: one + "/candidate/status", scopes: write, do: putAttendeeStatus},
		{method: "PUT", path: one + "/timeslots/{slot}/candidateStatus", scopes: write, do: putAttendeeStatus},
		{method: "PUT", path: one + "/timeslots/{slot}/interviewers/{user}/status", scopes: write, do: putAttendeeStatus},
		{method: "GET", path: interviewsAPI + "/interview-types", scopes: any1("interview_types_read"), do: listInterviewTypes},
		{method: "PATCH", path: interviewsAPI + "/interview-types", scopes: any1("interview_types_write"), do: addInterviewTypes},
		{method: "DELETE", path: interviewsAPI + "/interview-types/{type}", scopes: any1("interview_types_write"), do: deleteInterviewType},
	}
}

func webhookRoutes() []*route {
	read := any1("webhooks_read", "webhooks_manage")
	write := any1("webhooks_write", "webhooks_manage")
	one := webhooksAPI + "/subscriptions/{id}"
	all := []*route{
		{method: "POST", path: webhooksAPI + "/subscriptions", scopes: write, do: createSubscription},
		{method: "GET", path: webhooksAPI + "/subscriptions", scopes: read, do: listSubscriptions},
		{method: "GET", path: one, scopes: read, do: getSubscription},
		{method: "DELETE", path: one, scopes: any1("webhooks_delete", "webhooks_manage"), do: deleteSubscription},
		{method: "PUT", path: one + "/activation", scopes: write, do: activateSubscription, unlocked: true},
		{method: "POST", path: one + "/secret-key", scopes: write, do: createSecretKey},
		{method: "GET", path: one + "/secret-key", scopes: read, do: getSecretKey},
		{method: "GET", path: one + "/callbacks-log", scopes: read, do: getCallbacksLog},
	}
	for _, rt := range all {
		rt.denied = "NO_PERMISSION_TO_MANAGE_WEBHOOKS"
	}
	return all
}
