// /candidates: the list that knows only the primary assignment, the details, and creation through the API.

package smartrecruiters

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

// listCandidates filters status and sub-status on the primary assignment only, while jobId matches any application:
// a filter by job and status can so answer with another job's status, or miss a secondary application.
func listCandidates(c *call) answer {
	q := c.r.URL.Query()
	limit, ok := c.limit(10)
	updated, ok2 := c.timeParam("updatedAfter")
	if !ok || !ok2 {
		return badRequest("invalid query parameter")
	}
	for _, status := range q["status"] {
		if !slices.Contains(statusOrder, status) {
			return badRequest("unknown status")
		}
	}
	if a, violated := criteriaSizes(q); violated {
		return a
	}
	var found []*Candidate
	for _, cand := range c.co.candidates {
		if cand.deleted || !c.sees(cand) || !cand.updatedOn.After(updated) {
			continue
		}
		if matchesCandidate(q, cand) {
			found = append(found, cand)
		}
	}
	byAge := func(a, b *Candidate) int {
		return cmp.Or(a.createdOn.Compare(b.createdOn), strings.Compare(a.ID, b.ID))
	}
	slices.SortFunc(found, byAge)
	total := len(found)
	if q.Has("pageId") {
		after, ok := decodeCursor("candidate", q.Get("pageId"))
		last := find(c.co.candidates, func(cand *Candidate) bool { return cand.ID == after })
		if !ok || last == nil {
			return invalidPageID()
		}
		found = slices.DeleteFunc(found, func(cand *Candidate) bool { return byAge(cand, last) <= 0 })
	}
	page, cursor := cut(found, limit, "candidate", func(cand *Candidate) string { return cand.ID })
	content := []obj{}
	for _, cand := range page {
		content = append(content, c.candidateItem(cand))
	}
	return c.page(obj{"limit": limit, "offset": 0, "totalFound": total, "content": content}, cursor)
}

// criteriaSizes checks the parallel arrays of property, source and question filters.
func criteriaSizes(q map[string][]string) (answer, bool) {
	for _, group := range []struct {
		code  string
		names []string
	}{
		{"FIELDS_CRITERIA_SIZE_VIOLATED", []string{"propertyId", "propertyValueId"}},
		{"SOURCES_CRITERIA_SIZE_VIOLATED", []string{"sourceType", "sourceSubType", "sourceValueId"}},
		{"SCREENING_QUESTIONS_CRITERIA_SIZE_VIOLATED", []string{"questionCategory", "questionFieldId", "questionFieldValueId"}},
	} {
		for _, name := range group.names {
			if len(q[name]) != len(q[group.names[0]]) {
				return fail(http.StatusBadRequest, group.code, "criteria sizes differ"), true
			}
		}
	}
	return answer{}, false
}

func matchesCandidate(q map[string][]string, cand *Candidate) bool {
	first := func(name string) string {
		if len(q[name]) == 0 {
			return ""
		}
		return q[name][0]
	}
	primary := cand.applications[0]
	if !anyOf(q["status"], primary.Status) {
		return false
	}
	if sub := first("subStatus"); sub != "" && len(q["status"]) > 0 && primary.SubStatus != sub {
		return false // without status the vendor ignores subStatus
	}
	if jobs := q["jobId"]; len(jobs) > 0 &&
		!slices.ContainsFunc(cand.applications, func(a *application) bool { return slices.Contains(jobs, a.job.ID) }) {
		return false
	}
	if tags := q["tag"]; len(tags) > 0 && !slices.ContainsFunc(cand.Tags, func(t string) bool {
		return slices.ContainsFunc(tags, func(want string) bool { return strings.EqualFold(t, want) })
	}) {
		return false
	}
	if places := q["location"]; len(places) > 0 &&
		!slices.ContainsFunc(places, func(p string) bool { return containsFold(cand.City+" "+cand.Country, p) }) {
		return false
	}
	return containsFold(cand.FirstName+" "+cand.LastName+" "+cand.Email, first("q"))
}

// sees reports whether a candidate has an application inside the access group; without any she is not listed at all.
func (c *call) sees(cand *Candidate) bool {
	return slices.ContainsFunc(cand.applications, func(a *application) bool { return c.cred.sees(a.job.ID) })
}

func (c *call) jobRef(j *Job, title bool) obj {
	o := obj{"id": j.ID, "actions": obj{"details": c.action("GET", "/jobs/"+j.ID)}}
	if title {
		o["title"] = j.Title
	}
	return o
}

func (c *call) candidateBase(cand *Candidate) obj {
	o := obj{
		"id": cand.ID, "internal": cand.Internal, "firstName": cand.FirstName, "lastName": cand.LastName,
		"createdOn": stamp(cand.createdOn), "updatedOn": stamp(cand.updatedOn), "tags": append([]string{}, cand.Tags...),
	}
	put(o, "email", cand.Email)
	if cand.City != "" {
		location := obj{"city": cand.City}
		put(location, "country", cand.Country)
		put(location, "countryCode", cand.CountryCode)
		o["location"] = location
	}
	return o
}

func (c *call) candidateItem(cand *Candidate) obj {
	o := c.candidateBase(cand)
	primary := cand.applications[0]
	assignment := obj{"job": c.jobRef(primary.job, true), "status": primary.Status}
	put(assignment, "subStatus", primary.SubStatus)
	o["primaryAssignment"] = assignment
	secondary := []obj{}
	for _, app := range cand.applications[1:] {
		secondary = append(secondary, obj{"job": c.jobRef(app.job, false)}) // no status here
	}
	o["secondaryAssignments"] = secondary
	self := "/candidates/" + cand.ID
	o["actions"] = obj{"details": c.action("GET", self), "properties": c.action("GET", self+"/properties")}
	return o
}

func (c *call) candidateDetails(cand *Candidate) obj {
	o := c.candidateBase(cand)
	put(o, "phoneNumber", cand.Phone)
	o["web"], o["education"], o["experience"] = obj{}, []obj{}, []obj{}
	secondary := []obj{}
	for i, app := range cand.applications {
		assignment := c.assignment(app)
		assignment["job"] = c.jobRef(app.job, true)
		if i == 0 {
			o["primaryAssignment"] = assignment
		} else {
			secondary = append(secondary, assignment)
		}
	}
	o["secondaryAssignments"] = secondary
	self := "/candidates/" + cand.ID
	o["actions"] = obj{"properties": c.action("GET", self+"/properties"), "attachments": c.action("GET", self+"/attachments")}
	return o
}

// getCandidate answers an unknown candidate and one outside the access group alike: 401.
func getCandidate(c *call) answer {
	cand := c.co.candidate(c.r.PathValue("id"))
	if cand == nil || len(cand.applications) > 0 && !c.sees(cand) {
		return candidateDenied()
	}
	return reply(http.StatusOK, c.candidateDetails(cand))
}

// createCandidate serves the talent pool and, with a job in the path, an application.
func createCandidate(c *call) answer {
	var in struct {
		FirstName, LastName, Email, PhoneNumber string
		Tags                                    []string
		Internal                                bool
		Location                                struct{ City, Country, CountryCode string }
	}
	if a, ok := c.read(&in); !ok {
		return a
	}
	if in.FirstName == "" || in.LastName == "" || !strings.Contains(in.Email, "@") {
		return badRequest("firstName, lastName and email are required")
	}
	var j *Job
	if id := c.r.PathValue("job"); id != "" {
		var denied answer
		var ok bool
		if j, denied, ok = c.reachJob(); !ok {
			return denied
		}
	}
	cand := c.co.addCandidate(Candidate{
		FirstName: in.FirstName, LastName: in.LastName, Email: in.Email, Phone: in.PhoneNumber, Tags: in.Tags,
		Internal: in.Internal, City: in.Location.City, Country: in.Location.Country, CountryCode: in.Location.CountryCode,
	})
	c.co.effect("candidate created", byAPI, "candidate", cand.ID)
	if j != nil {
		c.co.apply(cand, j)
	}
	return reply(http.StatusCreated, c.candidateDetails(cand))
}
