package product

// screening.go: the client of a screening product (contracts/screening.openapi.yaml).

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/atshub/atshub/sdk"
)

// Screening speaks to one screening product for all its customers. Safe for
// concurrent use. Every method logs in by itself and keeps the token; its
// errors are *Error.
type Screening struct {
	*client
	tokens *tokens
}

// NewScreening is a client of the product at baseURL.
func NewScreening(baseURL string, o Options) (*Screening, error) {
	c, err := newClient(baseURL, o)
	if err != nil {
		return nil, err
	}
	s := &Screening{client: c}
	s.tokens = newTokens(c.now, s.login)
	return s, nil
}

// Login is the customer's user at the product.
type Login struct {
	Username string
	Password sdk.Secret
}

// Account is whose login it is.
type Account struct {
	ID               string `json:"id"`
	OrganisationID   string `json:"organisation_id"`
	OrganisationName string `json:"organisation_name"`
}

// Job post states.
const (
	JobPostActive = "active"
	JobPostPaused = "paused" // no invitation is begun
	JobPostEnded  = "ended"
)

// JobPostProperties are what is synced of a job.
type JobPostProperties struct {
	Title      string `json:"title"`
	Code       string `json:"code,omitempty"`
	Location   string `json:"location,omitempty"`
	Department string `json:"department,omitempty"`
	ATSJobID   string `json:"ats_job_id"`
	ATSStatus  string `json:"ats_status,omitempty"` // in the words of the ATS
	State      string `json:"state"`                // JobPostActive or JobPostPaused
}

// JobPost is the product's side of a job link.
type JobPost struct {
	ID             string `json:"id"`
	Key            string `json:"key"`
	State          string `json:"state"`
	CalibrationURL string `json:"calibration_url"`
}

// NewCandidate is a candidate to be invited.
type NewCandidate struct {
	ATSCandidateID   string `json:"ats_candidate_id"`
	ATSApplicationID string `json:"ats_application_id"`
	FirstName        string `json:"first_name"`
	LastName         string `json:"last_name"`
	Email            string `json:"email"` // empty is refused with CodeEmailMissing
	Phone            string `json:"phone,omitempty"`
}

// CandidateProperties are what is synced of a candidate; nil leaves one as it is.
type CandidateProperties struct {
	FirstName *string `json:"first_name,omitempty"`
	LastName  *string `json:"last_name,omitempty"`
	Email     *string `json:"email,omitempty"`
	Phone     *string `json:"phone,omitempty"`
}

// Invitation is the product's receipt of an invited candidate.
type Invitation struct {
	CandidateID string    `json:"candidate_id"`
	InvitedAt   time.Time `json:"invited_at"`
}

// Kinds of changes.
const (
	ChangeStatus = "status"
	ChangeResult = "result"
)

// Change is one thing that happened to a candidate in the product. ID is equal
// in the list and in every callback about it.
type Change struct {
	ID               string    `json:"id"`
	Kind             string    `json:"kind"`
	JobPostID        string    `json:"job_post_id"`
	JobPostKey       string    `json:"job_post_key"`
	CandidateID      string    `json:"candidate_id"`
	ATSCandidateID   string    `json:"ats_candidate_id"`
	ATSApplicationID string    `json:"ats_application_id"`
	Status           string    `json:"status,omitempty"`  // of ChangeStatus: Status.Key of the product file
	Score            int       `json:"score,omitempty"`   // of ChangeResult: 1..5
	Comment          string    `json:"comment,omitempty"` // of ChangeResult; about a person, never to be logged
	At               time.Time `json:"at"`
}

// valid tells that the change can be acted on.
func (c Change) valid() bool {
	if c.ID == "" || c.JobPostID == "" || c.CandidateID == "" || c.At.IsZero() {
		return false
	}
	return c.Kind == ChangeStatus && c.Status != "" || c.Kind == ChangeResult && c.Score >= 1 && c.Score <= 5
}

// ChangePage is a page of changes, oldest first. Next is where to go on, also
// when More is false.
type ChangePage struct {
	Items []Change `json:"items"`
	Next  string   `json:"next"`
	More  bool     `json:"more"`
}

// Login tries the credential at the product, whatever is remembered of it.
// CodeWrongPassword, CodeSSOOnlyAccount and CodeMissingPermission are the
// refusals a person can mend.
func (s *Screening) Login(ctx context.Context, l Login) (Account, error) {
	t, err := s.tokens.fresh(ctx, l)
	return t.account, err
}

// PutJobPost creates the job post named key, revives it, or updates it.
func (s *Screening) PutJobPost(ctx context.Context, l Login, e Effect, key string, p JobPostProperties) (JobPost, error) {
	var out JobPost
	q := request{method: http.MethodPut, path: "/job-posts/" + url.PathEscape(key), effect: &e, in: p, out: &out}
	if err := s.call(ctx, l, q); err != nil {
		return JobPost{}, err
	}
	if out.ID == "" {
		return JobPost{}, badAnswer(q, http.StatusOK)
	}
	return out, nil
}

// EndJobPost ends the integration of the job post named key; repeating it, or
// ending one the product never knew, succeeds.
func (s *Screening) EndJobPost(ctx context.Context, l Login, e Effect, key string) error {
	return s.call(ctx, l, request{method: http.MethodDelete, path: "/job-posts/" + url.PathEscape(key), effect: &e})
}

// Invite sends a candidate to the job post, who is mailed an invitation: once
// for each Effect.Key.
func (s *Screening) Invite(ctx context.Context, l Login, e Effect, jobPostID string, c NewCandidate) (Invitation, error) {
	var out Invitation
	q := request{method: http.MethodPost, path: "/job-posts/" + url.PathEscape(jobPostID) + "/candidates", effect: &e, in: c, out: &out}
	if err := s.call(ctx, l, q); err != nil {
		return Invitation{}, err
	}
	if out.CandidateID == "" {
		return Invitation{}, badAnswer(q, http.StatusCreated)
	}
	return out, nil
}

// UpdateCandidate brings the candidate's properties up to date; never mails.
func (s *Screening) UpdateCandidate(ctx context.Context, l Login, e Effect, jobPostID, candidateID string, p CandidateProperties) error {
	path := "/job-posts/" + url.PathEscape(jobPostID) + "/candidates/" + url.PathEscape(candidateID)
	return s.call(ctx, l, request{method: http.MethodPatch, path: path, effect: &e, in: p})
}

// Changes lists what happened after the cursor, of the whole organisation; an
// empty cursor is the beginning, limit 0 the product's choice.
func (s *Screening) Changes(ctx context.Context, l Login, cursor string, limit int) (ChangePage, error) {
	query := url.Values{}
	if cursor != "" {
		query.Set("cursor", cursor)
	}
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	var out ChangePage
	q := request{method: http.MethodGet, path: "/changes", query: query, out: &out}
	if err := s.call(ctx, l, q); err != nil {
		return ChangePage{}, err
	}
	ok := out.Next != "" && (!out.More || out.Next != cursor) // else reading on would never end
	for _, c := range out.Items {
		ok = ok && c.valid()
	}
	if !ok {
		return ChangePage{}, badAnswer(q, http.StatusOK)
	}
	return out, nil
}

// PutCallback has changes posted to callbackURL, signed with the secret (see
// NewCallbackSecret). Each key is a callback of its own.
func (s *Screening) PutCallback(ctx context.Context, l Login, e Effect, key, callbackURL string, secret sdk.Secret) error {
	in := struct {
		URL    string     `json:"url"`
		Secret sdk.Secret `json:"secret"`
	}{callbackURL, secret}
	return s.call(ctx, l, request{method: http.MethodPut, path: "/callbacks/" + url.PathEscape(key), effect: &e, in: in})
}

// DeleteCallback ends the callback named key; an unknown one is no error.
func (s *Screening) DeleteCallback(ctx context.Context, l Login, e Effect, key string) error {
	return s.call(ctx, l, request{method: http.MethodDelete, path: "/callbacks/" + url.PathEscape(key), effect: &e})
}

// Receipt is what was done under an idempotency key; CodeNotFound: nothing.
func (s *Screening) Receipt(ctx context.Context, l Login, key string) (Receipt, error) {
	var out Receipt
	err := s.call(ctx, l, request{method: http.MethodGet, path: "/receipts/" + url.PathEscape(key), out: &out})
	return out, err
}
