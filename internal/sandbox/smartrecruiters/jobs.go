// /jobs: the list with its paging trap, the details, the hiring team and the status.

package smartrecruiters

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// listJobs pages by job id only with sort=job_id. With the default sort a pageId silently loses jobs:
// every further page misses its first one.
func listJobs(c *call) answer {
	q := c.r.URL.Query()
	limit, ok := c.limit(10)
	updated, ok2 := c.timeParam("updatedAfter")
	active, ok3 := c.timeParam("lastActivityAfter")
	sort := orElse(q.Get("sort"), "default")
	offset, err := strconv.Atoi(orElse(q.Get("offset"), "0"))
	if !ok || !ok2 || !ok3 || err != nil || offset < 0 || offset > 10000000 || sort != "default" && sort != "job_id" {
		return badRequest("invalid query parameter")
	}
	statuses := q["statuses"]
	if len(statuses) == 0 && q.Has("status") {
		statuses = []string{q.Get("status")} // deprecated: cannot be repeated, only the first counts
	}
	var found []*Job
	for _, j := range c.co.jobs {
		if c.cred.sees(j.ID) && containsFold(j.Title, q.Get("q")) && anyOf(q["city"], j.City) &&
			anyOf(q["department"], j.Department) && anyOf(statuses, j.Status) &&
			(!q.Has("postingStatus") || q.Get("postingStatus") == j.PostingStatus) &&
			(!q.Has("language") || q.Get("language") == j.Language) && onTeam(q["hiringTeamMemberId"], j) &&
			j.updatedOn.After(updated) && j.lastActivityOn.After(active) {
			found = append(found, j)
		}
	}
	slices.SortStableFunc(found, func(a, b *Job) int {
		if sort == "default" {
			return cmp.Or(b.CreatedOn.Compare(a.CreatedOn), strings.Compare(a.ID, b.ID))
		}
		return strings.Compare(a.ID, b.ID)
	})
	total := len(found)
	if q.Has("pageId") {
		after, ok := decodeCursor("job", q.Get("pageId"))
		last := c.co.job(after)
		if !ok || last == nil {
			return invalidPageID()
		}
		found = jobsAfter(found, last, sort)
	} else {
		found = found[min(offset, total):]
	}
	page, cursor := cut(found, limit, "job", func(j *Job) string { return j.ID })
	content := []obj{}
	for _, j := range page {
		content = append(content, c.jobSummary(j))
	}
	return c.page(obj{"limit": limit, "offset": offset, "totalFound": total, "content": content}, cursor)
}

func jobsAfter(sorted []*Job, last *Job, sort string) []*Job {
	if sort == "job_id" {
		return slices.DeleteFunc(sorted, func(j *Job) bool { return j.ID <= last.ID })
	}
	return sorted[min(slices.Index(sorted, last)+2, len(sorted)):]
}

func onTeam(wanted []string, j *Job) bool {
	return len(wanted) == 0 || slices.ContainsFunc(j.HiringTeam, func(m Member) bool { return slices.Contains(wanted, m.UserID) })
}

// jobBase is what summary and details share.
func (c *call) jobBase(j *Job) obj {
	location := obj{"country": j.Country, "countryCode": j.CountryCode, "city": j.City, "manual": false, "remote": j.Remote}
	return obj{
		"id": j.ID, "title": j.Title, "refNumber": j.RefNumber, "status": j.Status, "postingStatus": j.PostingStatus,
		"createdOn": stamp(j.CreatedOn), "updatedOn": stamp(j.updatedOn), "lastActivityOn": stamp(j.lastActivityOn),
		"department": obj{"id": "dep-" + strings.ToLower(j.Department), "label": j.Department}, "location": location,
	}
}

func (c *call) jobSummary(j *Job) obj {
	o := c.jobBase(j)
	o["language"] = obj{"code": j.Language, "label": j.Language}
	o["actions"] = obj{"details": c.action("GET", "/jobs/"+j.ID)}
	return o
}

// getJob names no hiring process: the vendor's job has no such field.
func getJob(c *call) answer {
	j, denied, ok := c.reachJob()
	if !ok {
		return denied
	}
	o := c.jobBase(j)
	creator := c.co.users[0]
	o["creator"] = obj{"id": creator.ID, "firstName": creator.FirstName, "lastName": creator.LastName}
	o["template"] = false
	o["industry"] = obj{"id": "computer_software", "label": "Computer Software"}
	o["function"] = obj{"id": "engineering", "label": "Engineering"}
	o["typeOfEmployment"] = obj{"id": "permanent", "label": "Full-time"}
	o["experienceLevel"] = obj{"id": "mid_senior_level", "label": "Mid-Senior Level"}
	o["jobAd"] = obj{
		"sections": obj{"jobDescription": obj{"title": "Job Description", "text": j.Description}},
		"language": obj{"code": j.Language},
	}
	properties := []obj{}
	for _, label := range slices.Sorted(maps.Keys(j.Properties)) {
		properties = append(properties, obj{
			"id": slug(label), "label": label, "value": obj{"id": slug(j.Properties[label]), "label": j.Properties[label]},
		})
	}
	o["properties"] = properties
	o["actions"] = obj{
		"details":      c.action("GET", "/jobs/"+j.ID),
		"hiringTeam":   c.action("GET", "/jobs/"+j.ID+"/hiring-team"),
		"publications": c.action("GET", "/jobs/"+j.ID+"/publication"),
		"positions":    c.action("GET", "/jobs/"+j.ID+"/positions"),
	}
	return reply(http.StatusOK, o)
}

func slug(label string) string { return strings.ReplaceAll(strings.ToLower(label), " ", "_") }

// reachJob finds the job in the path; an unknown one and one outside the access group look alike: 401.
func (c *call) reachJob() (*Job, answer, bool) {
	j := c.co.job(c.r.PathValue("job"))
	if j == nil || !c.cred.sees(j.ID) {
		return nil, jobDenied(), false
	}
	return j, answer{}, true
}

func getHiringTeam(c *call) answer {
	j, denied, ok := c.reachJob()
	if !ok {
		return denied
	}
	content := []obj{}
	for _, m := range j.HiringTeam {
		content = append(content, obj{
			"id": m.UserID, "role": m.Role, "actions": obj{"details": c.action("GET", usersAPI+"/users/"+m.UserID)},
		})
	}
	return reply(http.StatusOK, obj{"totalFound": len(content), "content": content})
}

// putJobStatus answers 201, unlike the other status writes.
func putJobStatus(c *call) answer {
	var in struct{ Status string }
	if a, ok := c.read(&in); !ok {
		return a
	}
	j := c.co.job(c.r.PathValue("job"))
	if j == nil {
		return fail(http.StatusNotFound, "JOB_NOT_FOUND", "Job not found")
	}
	if !c.cred.sees(j.ID) {
		return fail(http.StatusForbidden, "PERMISSION_DENIED", "Job access forbidden")
	}
	if !slices.Contains([]string{"CREATED", "SOURCING", "FILLED", "INTERVIEW", "OFFER", "CANCELLED", "ON_HOLD"}, in.Status) {
		return badRequest("unknown job status")
	}
	j.Status, j.updatedOn = in.Status, c.now()
	c.co.effect("job status", byAPI, "job", j.ID, "to", in.Status)
	c.co.emitJob("job.status.updated", j)
	return reply(http.StatusCreated, obj{"status": in.Status})
}
