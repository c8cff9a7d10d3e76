package smartrecruiters

// Webhook deliveries: how they are verified and what they tell.

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/atshub/atshub/sdk"
)

// WebhookScheme is how SmartRecruiters signs and what it wants as an answer,
// for a subscription to the given events.
func WebhookScheme(events ...string) *sdk.WebhookScheme {
	return &sdk.WebhookScheme{
		Events:        events,
		SuccessStatus: 202, // any other answer, 200 included, counts as a failed delivery
		// The handshake wants 200 instead.
		HandshakeHeader: "x-hook-secret",
		HandshakeStatus: 200,
		SignatureHeader: "smartrecruiters-signature",
		SegmentSep:      ";",
		SegmentPrefix:   "v1=",
		PartSep:         ".",
		SignedParts:     []string{"header:smartrecruiters-timestamp", "body", "header:event-id", "header:event-name", "header:event-version", "header:link"},
		EventIDHeader:   "event-id",
	}
}

// kinds maps the vendor's event names; any other is EventOther.
var kinds = map[string]string{
	"job.created":                           sdk.EventJobChanged,
	"job.updated":                           sdk.EventJobChanged,
	"job.status.updated":                    sdk.EventJobChanged,
	"job.hiring-team.updated":               sdk.EventJobChanged,
	"application.created":                   sdk.EventApplicationChanged,
	"application.status.updated":            sdk.EventApplicationChanged,
	"application.fields.updated":            sdk.EventApplicationChanged,
	"application.onboarding-status.updated": sdk.EventApplicationChanged,
	"application.source.updated":            sdk.EventApplicationChanged,
	"candidate.created":                     sdk.EventCandidateChanged,
	"candidate.updated":                     sdk.EventCandidateChanged,
	"candidate.deleted":                     sdk.EventCandidateDeleted,
	"review.created":                        sdk.EventReviewChanged,
	"review.updated":                        sdk.EventReviewChanged,
	"review.deleted":                        sdk.EventReviewChanged,
	"interview.created":                     sdk.EventInterviewChanged,
	"interview.updated":                     sdk.EventInterviewChanged,
	"interview.canceled":                    sdk.EventInterviewChanged,
}

// notice is the body of any delivery: ids only. "id" is of the thing the
// event's name starts with.
type notice struct {
	ID            string `json:"id"`
	JobID         string `json:"job_id"`
	CandidateID   string `json:"candidate_id"`
	ApplicationID string `json:"application_id"`
	InterviewID   string `json:"interview_id"`
	ReviewID      string `json:"review_id"`
}

// event turns the ids into an event, and tells whether the ids its kind
// cannot do without are there.
func (n notice) event(source string) (sdk.Event, bool) {
	e := sdk.Event{Kind: kinds[source], Source: source, JobID: n.JobID, CandidateID: n.CandidateID,
		ApplicationID: n.ApplicationID, InterviewID: n.InterviewID, ReviewID: n.ReviewID}
	if e.Kind == "" {
		e.Kind = sdk.EventOther
	}
	switch e.Kind {
	case sdk.EventJobChanged:
		e.JobID = n.ID
		return e, e.JobID != ""
	case sdk.EventCandidateChanged, sdk.EventCandidateDeleted:
		e.CandidateID = n.ID
		return e, e.CandidateID != ""
	case sdk.EventApplicationChanged:
		return e, e.ApplicationID != "" || e.CandidateID != "" && e.JobID != ""
	case sdk.EventInterviewChanged:
		return e, e.InterviewID != ""
	case sdk.EventReviewChanged:
		return e, e.ReviewID != "" && e.ApplicationID != ""
	}
	return e, true
}

const maxID = 256 // no id of the vendor's is longer

// ParseWebhook implements sdk.WebhookParser. The time of the fact is not told:
// the timestamp header is of the delivery.
func (Webhooks) ParseWebhook(_ context.Context, d sdk.Delivery) (sdk.List[sdk.Event], error) {
	none := sdk.List[sdk.Event]{}
	key, source := d.Headers["event-id"], d.Headers["event-name"]
	if key == "" || len(key) > maxID {
		return none, invalid("event-id", "the delivery has no usable event-id header")
	}
	if source == "" || len(source) > maxID {
		return none, invalid("event-name", "the delivery has no usable event-name header")
	}
	var n notice
	if strings.HasPrefix(strings.TrimSpace(string(d.Body)), "{") {
		if err := json.Unmarshal(d.Body, &n); err != nil {
			return none, invalid("body", "the delivery's body is not the JSON of an event")
		}
	} else {
		return none, invalid("body", "the delivery's body is not a JSON object")
	}
	for _, id := range []string{n.ID, n.JobID, n.CandidateID, n.ApplicationID, n.InterviewID, n.ReviewID} {
		if len(id) > maxID {
			return none, invalid("body", "the delivery's body holds an id that cannot be one")
		}
	}
	e, complete := n.event(source)
	if !complete {
		return none, invalid("body", "the delivery's body lacks the ids of a "+source+" event")
	}
	e.Key = key
	return sdk.List[sdk.Event]{Items: []sdk.Event{e}}, nil
}
