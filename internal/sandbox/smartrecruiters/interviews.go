// Interviews in the user interface and their reading through the API: only by application, a meeting link only
// as text in location, place or refUrl.

package smartrecruiters

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Timeslot is one session. Place may hold a meeting link.
type Timeslot struct {
	ID, Type, Title, Place string
	StartsOn, EndsOn       time.Time
	Interviewers           []string // user ids

	candidateStatus string
	attendance      map[string]string // by user id
}

// Interview belongs to an application. Location may be an address or a virtual meeting room.
type Interview struct {
	ID, CandidateID, JobID, OrganizerID, Location, Timezone, RefURL string
	Timeslots                                                       []Timeslot
	FromAPI                                                         bool

	app       *application
	status    string // candidate's, deprecated; empty is null
	createdOn time.Time
}

// ScheduleInterview is a recruiter planning an interview in the user interface. Empty organizer and interviewers
// are the administrator, an empty time zone is Europe/Berlin.
func (co *Company) ScheduleInterview(iv Interview) (string, error) {
	co.sim.mu.Lock()
	defer co.sim.mu.Unlock()
	app := co.application(iv.CandidateID, iv.JobID)
	if app == nil {
		return "", fmt.Errorf("candidate %s has no application to job %s", iv.CandidateID, iv.JobID)
	}
	if len(iv.Timeslots) == 0 {
		return "", fmt.Errorf("an interview needs a timeslot")
	}
	iv.OrganizerID = orElse(iv.OrganizerID, co.users[0].ID)
	iv.Timezone = orElse(iv.Timezone, "Europe/Berlin")
	iv.Timeslots = slices.Clone(iv.Timeslots)
	iv.FromAPI = false
	return co.addInterview(app, &iv, byPerson).ID, nil
}

func (co *Company) addInterview(app *application, iv *Interview, by string) *Interview {
	iv.ID, iv.app, iv.createdOn = co.sim.newID(), app, co.sim.now()
	for i := range iv.Timeslots {
		co.completeSlot(&iv.Timeslots[i])
	}
	co.interviews = append(co.interviews, iv)
	co.interviewChanged("created", iv, by)
	return iv
}

func (co *Company) completeSlot(slot *Timeslot) {
	slot.ID = orElse(slot.ID, co.sim.newID())
	if len(slot.Interviewers) == 0 {
		slot.Interviewers = []string{co.users[0].ID}
	}
	slot.candidateStatus = orElse(slot.candidateStatus, "pending")
	if slot.attendance == nil {
		slot.attendance = map[string]string{}
	}
}

// EditInterview changes an interview in the user interface and fires interview.updated: reschedule, another link,
// another place. f must not call the simulator.
func (co *Company) EditInterview(id string, f func(*Interview)) error {
	co.sim.mu.Lock()
	defer co.sim.mu.Unlock()
	iv := co.interview(id)
	if iv == nil {
		return fmt.Errorf("no interview %s", id)
	}
	f(iv)
	for i := range iv.Timeslots {
		co.completeSlot(&iv.Timeslots[i])
	}
	co.interviewChanged("updated", iv, byPerson)
	return nil
}

// Reschedule moves every session of an interview by the same time.
func (co *Company) Reschedule(id string, by time.Duration) error {
	return co.EditInterview(id, func(iv *Interview) {
		for i := range iv.Timeslots {
			iv.Timeslots[i].StartsOn = iv.Timeslots[i].StartsOn.Add(by)
			iv.Timeslots[i].EndsOn = iv.Timeslots[i].EndsOn.Add(by)
		}
	})
}

// ChangeInterviewLink replaces the location, where most people put the meeting link.
func (co *Company) ChangeInterviewLink(id, location string) error {
	return co.EditInterview(id, func(iv *Interview) { iv.Location = location })
}

// CancelInterview removes an interview and fires interview.canceled; reading it answers 404 from now on.
func (co *Company) CancelInterview(id string) error {
	co.sim.mu.Lock()
	defer co.sim.mu.Unlock()
	iv := co.interview(id)
	if iv == nil {
		return fmt.Errorf("no interview %s", id)
	}
	co.removeInterview(iv, byPerson)
	return nil
}

// InterviewByID reads the truth about an interview.
func (co *Company) InterviewByID(id string) (Interview, bool) {
	co.sim.mu.Lock()
	defer co.sim.mu.Unlock()
	iv := co.interview(id)
	if iv == nil {
		return Interview{}, false
	}
	state := *iv
	state.Timeslots = slices.Clone(iv.Timeslots)
	return state, true
}

func (co *Company) interview(id string) *Interview {
	return find(co.interviews, func(iv *Interview) bool { return iv.ID == id })
}

func (co *Company) removeInterview(iv *Interview, by string) {
	co.interviews = slices.DeleteFunc(co.interviews, func(other *Interview) bool { return other == iv })
	co.interviewChanged("canceled", iv, by)
}

// interviewChanged fires the event, which carries no job id.
func (co *Company) interviewChanged(what string, iv *Interview, by string) {
	starts := ""
	if len(iv.Timeslots) > 0 {
		starts = stamp(iv.Timeslots[0].StartsOn)
	}
	co.effect("interview "+what, by, "interview", iv.ID, "candidate", iv.CandidateID, "job", iv.JobID,
		"application", iv.app.id, "startsOn", starts, "location", iv.Location)
	co.emit("interview."+what, interviewsAPI+"/interviews/"+iv.ID,
		"interview_id", iv.ID, "application_id", iv.app.id, "candidate_id", iv.CandidateID, "company_id", co.ID)
}

func (iv *Interview) object() obj {
	slots := []obj{}
	for i := range iv.Timeslots {
		slots = append(slots, iv.Timeslots[i].object())
	}
	candidate := obj{"id": iv.CandidateID, "status": nil}
	if iv.status != "" {
		candidate["status"] = iv.status
	}
	source := "SmartRecruiters"
	if iv.FromAPI {
		source = "API"
	}
	o := obj{
		"id": iv.ID, "candidate": candidate, "jobId": iv.JobID, "organizerId": iv.OrganizerID, "timezone": iv.Timezone,
		"timeslots": slots, "createdOn": stamp(iv.createdOn), "source": source,
	}
	put(o, "location", iv.Location)
	put(o, "refUrl", iv.RefURL)
	return o
}

func (slot *Timeslot) object() obj {
	interviewers := []obj{}
	for _, id := range slot.Interviewers {
		interviewers = append(interviewers, obj{"id": id, "status": orElse(slot.attendance[id], "pending")})
	}
	o := obj{
		"id": slot.ID, "startsOn": stamp(slot.StartsOn), "endsOn": stamp(slot.EndsOn),
		"interviewers": interviewers, "candidateStatus": slot.candidateStatus,
	}
	put(o, "interviewType", slot.Type)
	put(o, "title", slot.Title)
	put(o, "place", slot.Place)
	return o
}

// readable is the open question whether the API shows interviews made in the user interface.
func (c *call) readable(iv *Interview) bool { return iv.FromAPI || !c.opt.Policies.OnlyAPIInterviews }

// listInterviews cannot list by date, job, candidate or change: applicationId is mandatory.
func listInterviews(c *call) answer {
	id := c.r.URL.Query().Get("applicationId")
	if !uuidPattern.MatchString(id) {
		return badRequest("applicationId is required")
	}
	app := c.co.applicationByID(id)
	if app == nil {
		return fail(http.StatusNotFound, "APPLICATION_NOT_FOUND", "No application found with given id")
	}
	if !c.cred.sees(app.job.ID) {
		return fail(http.StatusForbidden, "PERMISSION_DENIED", "Forbidden to access interviews list")
	}
	content := []obj{}
	for _, iv := range c.co.interviews {
		if iv.app == app && c.readable(iv) {
			content = append(content, iv.object())
		}
	}
	return reply(http.StatusOK, obj{"content": content})
}

// reachInterview finds the interview in the path or the answer that refuses it.
func (c *call) reachInterview() (*Interview, answer, bool) {
	iv := c.co.interview(c.r.PathValue("id"))
	if iv == nil || !c.readable(iv) {
		return nil, fail(http.StatusNotFound, "INTERVIEW_NOT_FOUND", "No interview with given id"), false
	}
	if !c.cred.sees(iv.JobID) {
		return nil, fail(http.StatusForbidden, "PERMISSION_DENIED", "Forbidden to access an interview"), false
	}
	return iv, answer{}, true
}

func getInterview(c *call) answer {
	iv, a, ok := c.reachInterview()
	if !ok {
		return a
	}
	return reply(http.StatusOK, iv.object())
}

func (c *call) reachSlot() (*Interview, *Timeslot, answer, bool) {
	iv, a, ok := c.reachInterview()
	if !ok {
		return nil, nil, a, false
	}
	for i := range iv.Timeslots {
		if iv.Timeslots[i].ID == c.r.PathValue("slot") {
			return iv, &iv.Timeslots[i], answer{}, true
		}
	}
	return nil, nil, fail(http.StatusNotFound, "TIMESLOT_NOT_FOUND", "No timeslot with given id"), false
}

func getTimeslot(c *call) answer {
	_, slot, a, ok := c.reachSlot()
	if !ok {
		return a
	}
	return reply(http.StatusOK, slot.object())
}
