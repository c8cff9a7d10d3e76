package capture

import (
	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/sdk"
)

// Why a session will not take place, as Slot.Reason says it.
const (
	reasonCancelled = "the session was cancelled"
	reasonDeclined  = "the candidate declined the session"
)

// MayInterview tells of a stage whether applications there can have interviews:
// those between screening and offer. A stage that is not listed can: not every
// credential may list the sub-stages.
func MayInterview(stages []sdk.Stage, stageID string) bool {
	for _, s := range stages {
		if s.ID == stageID {
			return s.Kind.Value == sdk.StageScreen || s.Kind.Value == sdk.StageInterview || s.Kind.Value == sdk.StageOffer
		}
	}
	return true
}

// Slots are the sessions of an interview as read from the ATS.
func Slots(c hub.Connection, l hub.JobLink, app hub.Application, iv sdk.Interview) []hub.Slot {
	slots := make([]hub.Slot, 0, len(iv.Sessions))
	for _, s := range iv.Sessions {
		slot := hub.Slot{
			TenantID: c.TenantID, ConnectionID: c.ID, LinkID: l.ID, JobID: l.JobID, CandidateID: app.CandidateID, Application: app.ApplicationID,
			InterviewID: iv.ID, SessionID: s.ID, Title: s.Title, StartsAt: s.StartAt.UTC(), EndsAt: s.EndAt.UTC(), Timezone: iv.Timezone, MeetingURL: s.MeetingURL,
		}
		switch {
		case iv.Status.Value == sdk.InterviewCancelled:
			slot.Cancelled, slot.Reason = true, reasonCancelled
		case s.Declined:
			slot.Cancelled, slot.Reason = true, reasonDeclined
		}
		slots = append(slots, slot)
	}
	return slots
}

// Gone is a remembered session that the ATS no longer has.
func Gone(s hub.Slot) hub.Slot {
	s.Cancelled, s.Reason = true, reasonCancelled
	return s
}
