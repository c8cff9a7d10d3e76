package smartrecruiters

// Interviews.

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/atshub/atshub/sdk"
)

// Interviews can read interviews.
type Interviews struct{ c *Client }

// NewInterviews is the group of c.
func NewInterviews(c *Client) Interviews { return Interviews{c} }

const interviewsRead = "interviews_read"

type interview struct {
	ID        string `json:"id"`
	JobID     string `json:"jobId"`
	Candidate struct {
		ID     string `json:"id"`
		Status string `json:"status"` // deprecated: the slots have their own
	} `json:"candidate"`
	Location    string     `json:"location"`
	OrganizerID string     `json:"organizerId"`
	Timezone    string     `json:"timezone"`
	RefURL      string     `json:"refUrl"`
	Slots       []timeslot `json:"timeslots"`
}

type timeslot struct {
	ID              string   `json:"id"`
	Type            string   `json:"interviewType"`
	Title           string   `json:"title"`
	Place           string   `json:"place"`
	StartsOn        *instant `json:"startsOn"`
	EndsOn          *instant `json:"endsOn"`
	CandidateStatus string   `json:"candidateStatus"`
	Interviewers    []struct {
		ID     string `json:"id"`
		Status string `json:"status"`
	} `json:"interviewers"`
}

// model is the interview, false when it lacks what every interview has: an
// interview without a slot or a slot without its times cannot be joined, and
// must not look like one that was cancelled.
func (i interview) model(applicationID string) (sdk.Interview, bool) {
	m := sdk.Interview{ID: i.ID, ApplicationID: applicationID, CandidateID: i.Candidate.ID, JobID: i.JobID,
		Status: sdk.Enum{Value: sdk.InterviewScheduled}, Timezone: i.Timezone, OrganizerID: i.OrganizerID, URL: i.RefURL}
	if i.ID == "" || len(i.Slots) == 0 {
		return m, false
	}
	for _, slot := range i.Slots {
		if slot.ID == "" || slot.StartsOn == nil || slot.EndsOn == nil {
			return m, false
		}
		s := sdk.InterviewSession{ID: slot.ID, Title: slot.Title, StartAt: slot.StartsOn.Time, EndAt: slot.EndsOn.Time,
			MeetingURL: meetingURL(slot.Place, i.Location, i.RefURL), Location: slot.Place, Declined: slot.CandidateStatus == "declined"}
		if s.Title == "" {
			s.Title = slot.Type
		}
		if s.Location == "" {
			s.Location = i.Location
		}
		if slot.CandidateStatus == "" {
			s.Declined = i.Candidate.Status == "declined"
		}
		for _, who := range slot.Interviewers {
			s.Interviewers = append(s.Interviewers, sdk.Interviewer{UserID: who.ID, Response: strings.ToLower(who.Status)})
		}
		m.Sessions = append(m.Sessions, s)
	}
	return m, true
}

// ListInterviews implements sdk.InterviewLister. The vendor lists by
// application id only.
func (v Interviews) ListInterviews(ctx context.Context, ref sdk.ApplicationRef) (sdk.List[sdk.Interview], error) {
	none := sdk.List[sdk.Interview]{}
	if ref.ID == "" {
		if ref.CandidateID == "" || ref.JobID == "" {
			return none, invalid("application", "neither the application's id nor its candidate and job are given")
		}
		a, err := v.c.assignment(ctx, ref.CandidateID, ref.JobID)
		if err != nil {
			return none, err
		}
		if a.ApplicationID == "" {
			return none, precondition("SmartRecruiters does not tell the id of this application, and lists interviews by it alone")
		}
		ref.ID = a.ApplicationID
	}
	p, r, err := get[page[interview]](ctx, v.c, interviewsRead, interviewsAPI+"/interviews", url.Values{"applicationId": {ref.ID}})
	all, err := content(p, r, err)
	if err != nil {
		return none, hidden(err)
	}
	items := make([]sdk.Interview, 0, len(all))
	for _, i := range all {
		m, ok := i.model(ref.ID)
		if !ok {
			return none, r.Nonsense()
		}
		items = append(items, m)
	}
	return sdk.List[sdk.Interview]{Items: items}, nil
}

// ReadInterview implements sdk.InterviewReader.
func (v Interviews) ReadInterview(ctx context.Context, ref sdk.InterviewRef) (sdk.Interview, error) {
	if ref.ID == "" {
		return sdk.Interview{}, invalid("id", "the interview's id is missing")
	}
	i, r, err := get[interview](ctx, v.c, interviewsRead, interviewsAPI+"/interviews/"+url.PathEscape(ref.ID), nil)
	if err != nil {
		return sdk.Interview{}, hidden(err)
	}
	m, ok := i.model("")
	if !ok || m.ID != ref.ID {
		return sdk.Interview{}, r.Nonsense()
	}
	return m, nil
}

// hidden keeps an interview that is only hidden from looking like a cancelled
// one: only a 404 says that it is gone.
func hidden(err error) error {
	e := sdk.AsError(err)
	if e.Code != sdk.CodeNotFound || e.VendorStatus == http.StatusNotFound {
		return err
	}
	refused := *e
	refused.Code, refused.Permission = sdk.CodePermissionMissing, interviewsRead
	return &refused
}
