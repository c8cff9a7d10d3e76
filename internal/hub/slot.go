package hub

import "time"

// Slot is one interview session as last read from the ATS. Gen rises whenever
// its time, link or being changes.
type Slot struct {
	ID           string
	TenantID     string
	ConnectionID string
	LinkID       string
	JobID        string
	CandidateID  string
	Application  string
	InterviewID  string
	SessionID    string
	Title        string
	StartsAt     time.Time
	EndsAt       time.Time
	Timezone     string
	MeetingURL   string
	Gen          int64
	Cancelled    bool
	Reason       string // why it is not going to be joined, a plain sentence
	SeenAt       time.Time
}

// Same tells that nothing the recorder cares about differs.
func (s Slot) Same(o Slot) bool {
	return s.StartsAt.Equal(o.StartsAt) && s.EndsAt.Equal(o.EndsAt) && s.MeetingURL == o.MeetingURL &&
		s.Cancelled == o.Cancelled && s.LinkID == o.LinkID
}

// Application is what we remember of an application between two reads.
type Application struct {
	TenantID         string
	ConnectionID     string
	JobID            string
	CandidateID      string
	ApplicationID    string
	StageID          string
	StageEnteredAt   *time.Time
	Status           string
	DisplayName      string // for people's eyes in preview and explain
	PropertiesHash   string // of what was last synced to the product
	ProductCandidate string // the product's id, once invited
	UpdatedAt        *time.Time
	SeenAt           time.Time
}
