package smartrecruiters

// Applications: a candidate for a job.

import (
	"context"
	"net/url"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/atshub/atshub/sdk"
	"github.com/atshub/atshub/sdk/httpclient"
)

const (
	candidatesPage = 50 // a page may cost a read per candidate, so not the 100 allowed
	readsAtOnce    = 4  // of one page, so that a list does not fill the credential's slots
)

// candidate is an item of GET /candidates and the answer of GET /candidates/{id}.
type candidate struct {
	ID        string       `json:"id"`
	FirstName string       `json:"firstName"`
	LastName  string       `json:"lastName"`
	Email     string       `json:"email"`
	Phone     string       `json:"phoneNumber"`
	Location  *location    `json:"location"`
	Tags      []string     `json:"tags"`
	UpdatedOn *instant     `json:"updatedOn"`
	Primary   *assignment  `json:"primaryAssignment"`
	Secondary []assignment `json:"secondaryAssignments"`
}

type assignment struct {
	Job struct {
		ID string `json:"id"`
	} `json:"job"`
	ApplicationID string `json:"applicationId"`
	Status        string `json:"status"`
	SubStatus     string `json:"subStatus"`
}

func (c candidate) model() sdk.Candidate {
	return sdk.Candidate{ID: c.ID, FirstName: c.FirstName, LastName: c.LastName, Email: c.Email, Phone: c.Phone, Location: c.Location.String(), Tags: c.Tags}
}

func (a assignment) stage() string { return stageID(a.Status, a.SubStatus) }

func (a assignment) application(c candidate, jobID string) sdk.Application {
	return sdk.Application{ID: a.ApplicationID, JobID: jobID, StageID: a.stage(), Status: applicationStatus(a.Status),
		UpdatedAt: c.UpdatedOn.pointer(), Candidate: c.model()}
}

// ListApplications implements sdk.ApplicationLister. The vendor's list tells
// the stage in the primary job only, and its status filter may look at that
// one: so nothing but the job is filtered there, and for a candidate whose
// primary job is another the application is read.
func (c Core) ListApplications(ctx context.Context, q sdk.ApplicationQuery) (sdk.Page[sdk.Application], error) {
	none := sdk.Page[sdk.Application]{}
	if q.JobID == "" {
		return none, invalid("job_id", "the job's id is missing")
	}
	list := "candidates " + q.JobID
	pageID, err := unseal(list, q.Cursor)
	if err != nil {
		return none, err
	}
	if q.StageID != "" {
		status, sub, err := splitStage("stage_id", q.StageID)
		if err != nil {
			return none, err
		}
		// Without the right to look the filter still filters.
		if err := c.configured(ctx, status, sub); err != nil && sdk.CodeOf(err) != sdk.CodePermissionMissing {
			return none, err
		}
	}
	query := url.Values{"jobId": {q.JobID}, "limit": {strconv.Itoa(candidatesPage)}}
	if q.UpdatedSince != nil {
		query.Set("updatedAfter", boundary(*q.UpdatedSince))
	}
	if pageID != "" {
		query.Set("pageId", pageID)
	}
	p, r, err := httpclient.JSON[page[candidate]](ctx, c.http, httpclient.Request{Path: "/candidates", Query: query, Family: candidatesList, Permission: "candidates_read"})
	candidates, err := content(p, r, err)
	if err != nil {
		return none, err
	}
	next, ok := following(list, pageID, p.Next)
	if !ok || slices.ContainsFunc(candidates, func(c candidate) bool { return c.ID == "" }) {
		return none, r.Nonsense()
	}
	items, err := c.inJob(ctx, candidates, q.JobID)
	if err != nil {
		return none, err
	}
	if q.StageID != "" {
		items = slices.DeleteFunc(items, func(a sdk.Application) bool { return !within(a.StageID, q.StageID) })
	}
	return sdk.Page[sdk.Application]{Items: items, Next: next}, nil
}

// inJob gives each candidate's application for the job. One that is gone or
// hidden by now is left out.
func (c Core) inJob(ctx context.Context, candidates []candidate, jobID string) ([]sdk.Application, error) {
	found := make([]*sdk.Application, len(candidates))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readsAtOnce)
	for i, person := range candidates {
		if a := person.Primary; a != nil && a.Job.ID == jobID && a.Status != "" {
			found[i] = new(a.application(person, jobID))
			continue
		}
		g.Go(func() error {
			a, err := c.assignment(ctx, person.ID, jobID)
			if sdk.CodeOf(err) == sdk.CodeNotFound {
				return nil
			}
			if err != nil {
				return err
			}
			found[i] = new(a.application(person, jobID))
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	items := make([]sdk.Application, 0, len(found))
	for _, a := range found {
		if a != nil {
			items = append(items, *a)
		}
	}
	return items, nil
}

// assignment reads the state of a candidate in a job. It is the only answer
// that turns the two into an application id.
func (c *Client) assignment(ctx context.Context, candidateID, jobID string) (assignment, error) {
	a, r, err := get[assignment](ctx, c, "candidates_read", "/candidates/"+url.PathEscape(candidateID)+"/jobs/"+url.PathEscape(jobID), nil)
	if err == nil && a.Status == "" {
		err = r.Nonsense()
	}
	if word, ok := applicationWords[a.Status]; ok {
		a.Status = word
	}
	return a, err
}

// resolved gives the candidate and job of an application, by reading it when
// only its id is known.
func (c *Client) resolved(ctx context.Context, ref sdk.ApplicationRef) (sdk.ApplicationRef, error) {
	if ref.CandidateID != "" && ref.JobID != "" {
		return ref, nil
	}
	if ref.ID == "" {
		return ref, invalid("application", "neither the application's id nor its candidate and job are given")
	}
	type application struct {
		CandidateID string `json:"profileId"`
		JobID       string `json:"jobId"`
	}
	a, r, err := get[application](ctx, c, "job_applications_read", applicationsAPI+"/job-applications/"+url.PathEscape(ref.ID), nil)
	if err != nil {
		return ref, err
	}
	if a.CandidateID == "" || a.JobID == "" {
		return ref, r.Nonsense()
	}
	ref.CandidateID, ref.JobID = a.CandidateID, a.JobID
	return ref, nil
}

// ReadApplication implements sdk.ApplicationReader. The stage always comes
// from the same answer, whichever way the application is named.
func (c Core) ReadApplication(ctx context.Context, ref sdk.ApplicationRef) (sdk.Application, error) {
	none := sdk.Application{}
	ref, err := c.resolved(ctx, ref)
	if err != nil {
		return none, err
	}
	person, r, err := get[candidate](ctx, c.Client, "candidates_read", "/candidates/"+url.PathEscape(ref.CandidateID), nil)
	if err != nil {
		return none, err
	}
	if person.ID != ref.CandidateID {
		return none, r.Nonsense()
	}
	// The stage last, so that it is as fresh as the answer can be.
	a, err := c.assignment(ctx, ref.CandidateID, ref.JobID)
	if err != nil {
		return none, err
	}
	if a.ApplicationID == "" {
		a.ApplicationID = ref.ID
	}
	return a.application(person, ref.JobID), nil
}

// ReadStageHistory implements sdk.StageHistoryReader.
func (c Core) ReadStageHistory(ctx context.Context, ref sdk.ApplicationRef) (sdk.List[sdk.StageChange], error) {
	none := sdk.List[sdk.StageChange]{}
	ref, err := c.resolved(ctx, ref)
	if err != nil {
		return none, err
	}
	type change struct {
		ChangedOn *instant `json:"changedOn"`
		Status    string   `json:"status"`
		SubStatus string   `json:"subStatus"`
	}
	p, r, err := get[page[change]](ctx, c.Client, "candidate_status_read",
		"/candidates/"+url.PathEscape(ref.CandidateID)+"/jobs/"+url.PathEscape(ref.JobID)+"/status/history", nil)
	history, err := content(p, r, err)
	if err != nil {
		return none, err
	}
	changes := make([]sdk.StageChange, 0, len(history))
	for _, h := range history {
		if h.ChangedOn == nil || h.Status == "" {
			return none, r.Nonsense()
		}
		changes = append(changes, sdk.StageChange{StageID: stageID(h.Status, h.SubStatus), ChangedAt: h.ChangedOn.Time})
	}
	// The vendor states no order. Changes of one instant keep the order of the
	// answer, read from its older end; newest first where nothing tells.
	if n := len(changes); n > 1 && !changes[0].ChangedAt.Before(changes[n-1].ChangedAt) {
		slices.Reverse(changes)
	}
	slices.SortStableFunc(changes, func(a, b sdk.StageChange) int { return a.ChangedAt.Compare(b.ChangedAt) })
	return sdk.List[sdk.StageChange]{Items: changes}, nil
}
