// One candidate's application to one job: the only source of its id, the status write and the history.

package smartrecruiters

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"time"
)

// assignment is the status part shared by candidate details and application.
func (c *call) assignment(app *application) obj {
	o := obj{"status": app.Status, "source": "Company website", "actions": obj{
		"sourceDetails": c.action("GET", "/candidates/"+app.candidate.ID+"/jobs/"+app.job.ID+"/source"),
	}}
	put(o, "subStatus", app.SubStatus)
	put(o, "startsOn", app.startsOn)
	for field, reasons := range map[string][]reason{"reasonOfRejection": c.co.rejections, "reasonOfWithdrawal": c.co.withdrawals} {
		if i := slices.IndexFunc(reasons, func(r reason) bool { return r.id == app.reason }); i >= 0 {
			o[field] = obj{"id": reasons[i].id, "label": reasons[i].label}
		}
	}
	return o
}

// getApplication turns candidate and job into an application id.
func getApplication(c *call) answer {
	app := c.co.application(c.r.PathValue("id"), c.r.PathValue("job"))
	if app == nil {
		return fail(http.StatusNotFound, "APPLICATION_NOT_FOUND", "Application not found")
	}
	if !c.cred.sees(app.job.ID) {
		return fail(http.StatusForbidden, "PERMISSION_DENIED", "Permission denied")
	}
	o := c.assignment(app)
	o["applicationId"] = app.id
	o["url"] = "https://www.smartrecruiters.com/app/people/applications/" + app.id
	return reply(http.StatusOK, o)
}

// putStatus is the stage move: 204 without a body. A reason fits REJECTED and WITHDRAWN only.
func putStatus(c *call) answer {
	var in struct{ Status, SubStatus, StartsOn, Reason string }
	if a, ok := c.read(&in); !ok {
		return a
	}
	cand := c.co.candidate(c.r.PathValue("id"))
	app := c.co.application(c.r.PathValue("id"), c.r.PathValue("job"))
	switch {
	case cand != nil && len(cand.applications) > 0 && !c.sees(cand), app != nil && !c.cred.sees(app.job.ID):
		return candidateDenied()
	case app == nil:
		return fail(http.StatusNotFound, "JOB_NOT_FOUND", "Candidate is not assigned to given job")
	case !slices.Contains(statusOrder, in.Status):
		return badRequest("unknown status")
	}
	if in.StartsOn != "" {
		if _, err := time.Parse(time.RFC3339, in.StartsOn); err != nil {
			return badRequest("startsOn must be a date-time")
		}
	}
	to := Stage{in.Status, in.SubStatus}
	if a, refused := c.refuseMove(app, to, in.Reason); refused {
		return a
	}
	c.co.move(app, to, byAPI, c.cred.user)
	app.startsOn, app.reason = in.StartsOn, in.Reason
	return noContent()
}

// refuseMove holds the documented refusals of a status write and those the policies add.
func (c *call) refuseMove(app *application, to Stage, reasonID string) (answer, bool) {
	policy, process := c.opt.Policies, c.co.process(app.job.Process)
	reasons := map[string][]reason{Rejected: c.co.rejections, Withdrawn: c.co.withdrawals}[to.Status]
	known := slices.ContainsFunc(reasons, func(r reason) bool { return r.id == reasonID })
	switch {
	case reasonID != "" && reasons == nil:
		return fail(http.StatusBadRequest, "NO_REASON_SUPPORT_FOR_STATUS", "Reason is not available for given status"), true
	case reasons != nil && !known && (reasonID != "" || policy.ReasonRequired):
		return fail(http.StatusBadRequest, "REASON_NOT_FOUND", "Given reason does not exist"), true
	case terminal(app.Status) && app.Status != to.Status && policy.RefuseFromTerminal:
		return fail(http.StatusForbidden, "PERMISSION_DENIED", "Not permitted to update candidate's status"), true
	case to.SubStatus != "" && policy.RefuseUnknownSubStatus && !process.holds(to):
		return badRequest("unknown sub-status"), true
	case !policy.IgnoreRequiredSubStatus && process.omits(app, to):
		return fail(http.StatusBadRequest, "REQUIRED_SUB_STATUS_OMITTED",
			"There is a required sub status before the status you want to move a candidate to"), true
	}
	return answer{}, false
}

func (p *HiringProcess) holds(st Stage) bool {
	subs := p.subStatuses(st.Status)
	return subs != nil && slices.Contains(*subs, st.SubStatus)
}

// omits reports whether a move would pass a required stage the application never visited.
func (p *HiringProcess) omits(app *application, to Stage) bool {
	rank := p.rank(to)
	return slices.ContainsFunc(p.Required, func(need Stage) bool {
		visited := slices.ContainsFunc(app.history, func(ch change) bool { return ch.Stage == need })
		return !visited && rank > p.rank(need)
	})
}

// getStatusHistory answers newest first; who changed it is only behind the action link.
func getStatusHistory(c *call) answer {
	cand := c.co.candidate(c.r.PathValue("id"))
	if cand == nil {
		return fail(http.StatusNotFound, "CANDIDATE_NOT_FOUND", "Candidate not found")
	}
	if len(cand.applications) > 0 && !c.sees(cand) {
		return fail(http.StatusForbidden, "NO_ACCESS_TO_CANDIDATE", "Not permitted to see this candidate")
	}
	app := cand.application(c.r.PathValue("job"))
	if app == nil {
		return fail(http.StatusNotFound, "JOB_NOT_FOUND", "Candidate is not assigned to given job")
	}
	if !c.cred.sees(app.job.ID) {
		return fail(http.StatusForbidden, "NO_ACCESS_TO_JOB", "Not permitted to see this candidate in context of given job")
	}
	content := []obj{}
	for _, ch := range slices.Backward(app.history) {
		o := obj{
			"changedOn": stamp(ch.at), "status": ch.Status,
			"actions": obj{"user": c.action("GET", usersAPI+"/users/"+ch.by)},
		}
		put(o, "subStatus", ch.SubStatus)
		content = append(content, o)
	}
	return reply(http.StatusOK, obj{"totalFound": len(content), "content": content})
}

// getProperties answers {} when nothing is set, as documented.
func getProperties(c *call) answer {
	app := c.co.application(c.r.PathValue("id"), c.r.PathValue("job"))
	if app == nil {
		return fail(http.StatusNotFound, "JOB_NOT_FOUND", "Candidate is not assigned to given job")
	}
	if !c.cred.sees(app.job.ID) {
		return fail(http.StatusForbidden, "PERMISSION_DENIED", "Candidate properties access denied")
	}
	if len(app.properties) == 0 {
		return reply(http.StatusOK, obj{})
	}
	content := []obj{}
	for _, label := range slices.Sorted(maps.Keys(app.properties)) {
		content = append(content, obj{
			"id": slug(label), "label": label, "type": "TEXT", "value": app.properties[label],
			"actions": obj{"configuration": c.action("GET", "/configuration/candidate-properties/"+slug(label))},
		})
	}
	return reply(http.StatusOK, obj{"content": content})
}

// getAttachments is always empty: no product reads documents.
func getAttachments(c *call) answer {
	app := c.co.application(c.r.PathValue("id"), c.r.PathValue("job"))
	if app == nil {
		return fail(http.StatusNotFound, "JOB_NOT_FOUND", "Candidate is not assigned to given job")
	}
	if !c.cred.sees(app.job.ID) {
		return fail(http.StatusForbidden, "PERMISSION_DENIED", "Permission denied")
	}
	return reply(http.StatusOK, obj{"totalFound": 0, "content": []obj{}})
}

var uuidPattern = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// applicationNames are the statuses the Application API spells its own way.
var applicationNames = map[string]string{Offered: "OFFER", Hired: "HIRE", Transferred: "OTHER"}

// getJobApplication resolves an application id of a webhook; profileId is the candidate.
func getJobApplication(c *call) answer {
	id := c.r.PathValue("id")
	if !uuidPattern.MatchString(id) {
		return fail(http.StatusBadRequest, "INVALID_JOB_APPLICATION_ID", "Invalid jobApplicationId")
	}
	app := c.co.applicationByID(id)
	if app == nil || !c.cred.sees(app.job.ID) {
		return fail(http.StatusNotFound, "JOB_APPLICATION_NOT_FOUND", "Job application not found")
	}
	status := app.Status
	if name, differs := applicationNames[status]; differs {
		status = name
	}
	o := obj{
		"status": status, "sourceIdentifier": app.sourceID, "createDate": stamp(app.createdOn),
		"profileId": app.candidate.ID, "jobId": app.job.ID,
	}
	put(o, "subStatus", app.SubStatus)
	return reply(http.StatusOK, o)
}
