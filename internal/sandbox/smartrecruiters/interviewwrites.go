// Writes of the interviews API: interviews, timeslots, attendance and interview types.

package smartrecruiters

import (
	"net/http"
	"slices"
	"time"
)

type slotInput struct {
	InterviewType, Title, Place, CandidateStatus string
	StartsOn, EndsOn                             time.Time
	Interviewers                                 []struct{ ID, Status string }
}

type interviewInput struct {
	Candidate                                      struct{ ID, Status string }
	JobID, Location, OrganizerID, Timezone, RefURL string
	Timeslots                                      []slotInput
}

func interviewRefused(code string) answer {
	return fail(http.StatusUnprocessableEntity, code, "interview is refused")
}

func invalidTimezone() answer {
	return fail(http.StatusBadRequest, "INVALID_TIMEZONE", "Invalid timezone")
}

// validTimezone wants an IANA name; "Local" would mean the simulator's own machine.
func validTimezone(name string) bool {
	_, err := time.LoadLocation(name)
	return err == nil && name != "" && name != "Local"
}

func (c *call) slot(in slotInput) (Timeslot, string) {
	slot := Timeslot{
		Type: in.InterviewType, Title: in.Title, Place: in.Place, StartsOn: in.StartsOn, EndsOn: in.EndsOn,
		candidateStatus: in.CandidateStatus, attendance: map[string]string{},
	}
	if !in.StartsOn.Before(in.EndsOn) {
		return slot, "END_DATE_BEFORE_START_DATE"
	}
	for _, one := range in.Interviewers {
		u := c.co.user(one.ID)
		if u == nil {
			return slot, "NON_EXISTING_INTERVIEWERS"
		}
		if u.Inactive {
			return slot, "INACTIVE_OR_DELETED_INTERVIEWERS"
		}
		slot.Interviewers = append(slot.Interviewers, one.ID)
		slot.attendance[one.ID] = one.Status
	}
	if len(slot.Interviewers) == 0 || len(slot.Interviewers) > 50 {
		return slot, "VALIDATION_FAILED"
	}
	return slot, ""
}

func createInterview(c *call) answer {
	var in interviewInput
	if a, ok := c.read(&in); !ok {
		return a
	}
	app, organizer := c.co.application(in.Candidate.ID, in.JobID), c.co.user(in.OrganizerID)
	switch {
	case !validTimezone(in.Timezone):
		return invalidTimezone()
	case c.co.candidate(in.Candidate.ID) == nil:
		return interviewRefused("CANDIDATE_NOT_FOUND")
	case c.co.job(in.JobID) == nil:
		return interviewRefused("JOB_NOT_FOUND")
	case app == nil:
		return interviewRefused("APPLICATION_NOT_FOUND")
	case !c.cred.sees(in.JobID):
		return fail(http.StatusForbidden, "PERMISSION_DENIED", "Forbidden to create an interview")
	case organizer == nil:
		return interviewRefused("NON_EXISTING_ORGANIZER")
	case organizer.Inactive:
		return interviewRefused("INACTIVE_OR_DELETED_ORGANIZER")
	case len(in.Timeslots) == 0 || len(in.Timeslots) > 50:
		return interviewRefused("VALIDATION_FAILED")
	}
	iv := &Interview{
		CandidateID: in.Candidate.ID, JobID: in.JobID, OrganizerID: in.OrganizerID, Location: in.Location,
		Timezone: in.Timezone, RefURL: in.RefURL, FromAPI: true, status: in.Candidate.Status,
	}
	for _, one := range in.Timeslots {
		slot, code := c.slot(one)
		if code != "" {
			return interviewRefused(code)
		}
		iv.Timeslots = append(iv.Timeslots, slot)
	}
	return reply(http.StatusCreated, c.co.addInterview(app, iv, byAPI).object())
}

// own refuses changes of interviews made in the user interface: documented for API-created ones only.
func (c *call) own(iv *Interview) (answer, bool) {
	if !iv.FromAPI {
		return fail(http.StatusForbidden, "PERMISSION_DENIED", "Forbidden to change this interview"), false
	}
	return answer{}, true
}

func patchInterview(c *call) answer {
	var in struct {
		Location, Timezone *string
		Candidate          *struct{ Status string }
	}
	if a, ok := c.read(&in); !ok {
		return a
	}
	iv, a, ok := c.reachInterview()
	if !ok {
		return a
	}
	if a, ok := c.own(iv); !ok {
		return a
	}
	if in.Timezone != nil {
		if !validTimezone(*in.Timezone) {
			return invalidTimezone()
		}
		iv.Timezone = *in.Timezone
	}
	if in.Location != nil {
		iv.Location = *in.Location
	}
	if in.Candidate != nil {
		iv.status = in.Candidate.Status
	}
	c.co.interviewChanged("updated", iv, byAPI)
	return noContent()
}

func deleteInterview(c *call) answer {
	iv, a, ok := c.reachInterview()
	if !ok {
		return a
	}
	if a, ok := c.own(iv); !ok {
		return a
	}
	c.co.removeInterview(iv, byAPI)
	return noContent()
}

func addTimeslot(c *call) answer {
	var in slotInput
	if a, ok := c.read(&in); !ok {
		return a
	}
	iv, a, ok := c.reachInterview()
	if !ok {
		return a
	}
	if a, ok := c.own(iv); !ok {
		return a
	}
	if len(iv.Timeslots) >= 50 {
		return fail(http.StatusConflict, "CANNOT_ADD_MORE_TIMESLOTS", "Maximum number of timeslots reached")
	}
	slot, code := c.slot(in)
	if code != "" {
		return interviewRefused(code)
	}
	c.co.completeSlot(&slot)
	iv.Timeslots = append(iv.Timeslots, slot)
	c.co.interviewChanged("updated", iv, byAPI)
	return reply(http.StatusCreated, slot.object())
}

func patchTimeslot(c *call) answer {
	var in slotInput
	if a, ok := c.read(&in); !ok {
		return a
	}
	iv, slot, a, ok := c.reachSlot()
	if !ok {
		return a
	}
	if a, ok := c.own(iv); !ok {
		return a
	}
	changed, code := c.slot(in)
	if code != "" {
		return interviewRefused(code)
	}
	changed.ID, changed.candidateStatus = slot.ID, orElse(changed.candidateStatus, slot.candidateStatus)
	*slot = changed
	c.co.interviewChanged("updated", iv, byAPI)
	return noContent()
}

func deleteTimeslot(c *call) answer {
	iv, slot, a, ok := c.reachSlot()
	if !ok {
		return a
	}
	if a, ok := c.own(iv); !ok {
		return a
	}
	if len(iv.Timeslots) == 1 {
		return fail(http.StatusConflict, "CANNOT_DELETE_LAST_TIMESLOT", "Cannot delete last timeslot")
	}
	id := slot.ID
	iv.Timeslots = slices.DeleteFunc(iv.Timeslots, func(s Timeslot) bool { return s.ID == id })
	c.co.interviewChanged("updated", iv, byAPI)
	return noContent()
}

// putAttendeeStatus serves the three attendance writes: candidate of an interview, candidate of a slot, interviewer.
func putAttendeeStatus(c *call) answer {
	var in struct{ Status string }
	if a, ok := c.read(&in); !ok {
		return a
	}
	if !slices.Contains([]string{"accepted", "declined", "pending", "tentative"}, in.Status) {
		return interviewRefused("VALIDATION_FAILED")
	}
	iv, a, ok := c.reachInterview()
	if !ok {
		return a
	}
	if c.r.PathValue("slot") == "" {
		iv.status = in.Status
		c.co.interviewChanged("updated", iv, byAPI)
		return noContent()
	}
	iv, slot, a, ok := c.reachSlot()
	if !ok {
		return a
	}
	if user := c.r.PathValue("user"); user == "" {
		slot.candidateStatus = in.Status
	} else if slices.Contains(slot.Interviewers, user) {
		slot.attendance[user] = in.Status
	} else {
		return fail(http.StatusNotFound, "NON_EXISTING_INTERVIEWERS", "No interviewer with given id exists in timeslot")
	}
	c.co.interviewChanged("updated", iv, byAPI)
	return noContent()
}

// listInterviewTypes answers a bare array of names; the name is the id.
func listInterviewTypes(c *call) answer {
	return reply(http.StatusOK, append([]string{}, c.co.types...))
}

func addInterviewTypes(c *call) answer {
	var in []string
	if a, ok := c.read(&in); !ok {
		return a
	}
	types := slices.Clone(c.co.types)
	for _, name := range in {
		if !slices.Contains(types, name) {
			types = append(types, name)
		}
	}
	if len(types) > 2000 {
		return fail(http.StatusConflict, "INTERVIEW_TYPES_SIZE_EXCEEDED", "Maximum of 2000 interview types exceeded")
	}
	c.co.types = types
	return noContent()
}

func deleteInterviewType(c *call) answer {
	i := slices.Index(c.co.types, c.r.PathValue("type"))
	if i < 0 {
		return fail(http.StatusNotFound, "INTERVIEW_TYPE_NOT_FOUND", "No interview type with given name")
	}
	c.co.types = slices.Delete(c.co.types, i, i+1)
	return noContent()
}
