package product

// capture.go: the client of a capture product (contracts/capture.openapi.yaml).

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/atshub/atshub/sdk"
)

// Capture speaks to one capture product for all its customers, each named by
// its organisation. Safe for concurrent use; errors are *Error.
type Capture struct {
	*client
	token sdk.Secret
}

// NewCapture is a client of the product at baseURL, known there by its service token.
func NewCapture(baseURL string, serviceToken sdk.Secret, o Options) (*Capture, error) {
	c, err := newClient(baseURL, o)
	if err != nil {
		return nil, err
	}
	return &Capture{client: c, token: serviceToken}, nil
}

// EngagementSettings are what switching on a role activates.
type EngagementSettings struct {
	Record           bool `json:"record"`
	Transcribe       bool `json:"transcribe"`
	MailCandidates   bool `json:"mail_candidates"`
	MailInterviewers bool `json:"mail_interviewers"`
}

// RoleProperties are what the recorder knows of a role.
type RoleProperties struct {
	ATSJobID string `json:"ats_job_id"`
	Name     string `json:"name"`
	Engaged  bool   `json:"engaged"`
}

// Role is the product's side of a job link.
type Role struct {
	ID      string `json:"id"`
	Key     string `json:"key"`
	Engaged bool   `json:"engaged"`
}

// JoinProperties say which call to enter and when.
type JoinProperties struct {
	RoleKey    string // of the role it belongs to, which must be engaged; empty = none
	MeetingURL string // https
	StartsAt   time.Time
	EndsAt     time.Time
	Lead       time.Duration // whole seconds before StartsAt
	Title      string
}

// Join states.
const (
	JoinArmed     = "armed"     // the recorder will come
	JoinInCall    = "in_call"   // the recorder is there
	JoinDone      = "done"      // the recorder has been there
	JoinCancelled = "cancelled" // no recorder is there, none will come
	JoinFailed    = "failed"    // the recorder could not get in
)

// Join is a join as the recorder holds it.
type Join struct {
	Key         string     `json:"key"`
	State       string     `json:"state"`
	Fence       int64      `json:"fence"` // the highest seen
	Reason      string     `json:"reason,omitempty"`
	StartsAt    *time.Time `json:"starts_at,omitempty"`
	EndsAt      *time.Time `json:"ends_at,omitempty"`
	ArmedAt     *time.Time `json:"armed_at,omitempty"`
	JoinedAt    *time.Time `json:"joined_at,omitempty"`
	LeftAt      *time.Time `json:"left_at,omitempty"`
	CancelledAt *time.Time `json:"cancelled_at,omitempty"`
	FailedAt    *time.Time `json:"failed_at,omitempty"`
}

// Settings reads what switching on a role activates in the organisation.
func (c *Capture) Settings(ctx context.Context, org string) (EngagementSettings, error) {
	var out struct {
		Record           *bool `json:"record"`
		Transcribe       *bool `json:"transcribe"`
		MailCandidates   *bool `json:"mail_candidates"`
		MailInterviewers *bool `json:"mail_interviewers"`
	}
	q := request{method: http.MethodGet, path: "/settings", out: &out}
	if err := c.call(ctx, org, q); err != nil {
		return EngagementSettings{}, err
	}
	// People are told what gets activated: a setting left out must not read as "off".
	if out.Record == nil || out.Transcribe == nil || out.MailCandidates == nil || out.MailInterviewers == nil {
		return EngagementSettings{}, badAnswer(q, http.StatusOK)
	}
	return EngagementSettings{*out.Record, *out.Transcribe, *out.MailCandidates, *out.MailInterviewers}, nil
}

// PutRole engages with the role named key, or disengages. Joins of a
// disengaged role are not begun even when they are still armed.
func (c *Capture) PutRole(ctx context.Context, org string, e Effect, key string, p RoleProperties) (Role, error) {
	var out Role
	q := request{method: http.MethodPut, path: "/roles/" + url.PathEscape(key), effect: &e, in: p, out: &out}
	if err := c.call(ctx, org, q); err != nil {
		return Role{}, err
	}
	if out.ID == "" || out.Engaged != p.Engaged {
		return Role{}, badAnswer(q, http.StatusOK)
	}
	return out, nil
}

// PutJoin arms the join named key, moves it as one step, or arms it anew after
// a cancellation or failure. Each of these is a request of its own and needs
// its own Effect.Key; Effect.Fence is the session's generation.
func (c *Capture) PutJoin(ctx context.Context, org string, e Effect, key string, p JoinProperties) (Join, error) {
	in := struct {
		RoleKey     string    `json:"role_key,omitempty"`
		MeetingURL  string    `json:"meeting_url"`
		StartsAt    time.Time `json:"starts_at"`
		EndsAt      time.Time `json:"ends_at"`
		LeadSeconds int       `json:"lead_seconds"`
		Title       string    `json:"title,omitempty"`
	}{p.RoleKey, p.MeetingURL, p.StartsAt.UTC(), p.EndsAt.UTC(), int(p.Lead / time.Second), p.Title}
	return c.join(ctx, org, request{method: http.MethodPut, effect: &e, in: in}, key)
}

// CancelJoin takes the join back. Success is the confirmation: the state is
// JoinCancelled, no recorder is in the call and none will come. CodeJoinOver
// if the recorder has been there. Cancelling a join the recorder never knew
// bars arming it with a lower fence.
func (c *Capture) CancelJoin(ctx context.Context, org string, e Effect, key string) (Join, error) {
	q := request{method: http.MethodDelete, effect: &e}
	join, err := c.join(ctx, org, q, key)
	if err == nil && join.State != JoinCancelled {
		return Join{}, badAnswer(q, http.StatusOK)
	}
	return join, err
}

// Join reads the join named key; CodeNotFound if the recorder never heard of it.
func (c *Capture) Join(ctx context.Context, org, key string) (Join, error) {
	return c.join(ctx, org, request{method: http.MethodGet}, key)
}

// Receipt is what was done under an idempotency key; CodeNotFound: nothing.
func (c *Capture) Receipt(ctx context.Context, org, key string) (Receipt, error) {
	var out Receipt
	err := c.call(ctx, org, request{method: http.MethodGet, path: "/receipts/" + url.PathEscape(key), out: &out})
	return out, err
}

func (c *Capture) join(ctx context.Context, org string, q request, key string) (Join, error) {
	var out Join
	q.path, q.out = "/joins/"+url.PathEscape(key), &out
	if err := c.call(ctx, org, q); err != nil {
		return Join{}, err
	}
	switch out.State {
	case JoinArmed, JoinInCall, JoinDone, JoinCancelled, JoinFailed:
		return out, nil
	}
	return Join{}, badAnswer(q, http.StatusOK)
}

func (c *Capture) call(ctx context.Context, org string, q request) error {
	q.bearer = c.token
	q.header = map[string]string{"Organisation": org}
	return c.do(ctx, q)
}
