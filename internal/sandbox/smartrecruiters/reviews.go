// Reviews: written by people in the user interface or through the API; the API may only change its own.

package smartrecruiters

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"time"
)

// Review is a rating of an application: 1 "Strong no" to 5 "Strong yes".
type Review struct {
	ID, CandidateID, JobID, ReviewerID, Comment string
	Rating                                      int
	FromAPI                                     bool
	CreatedOn, UpdatedOn                        time.Time
}

type review struct {
	Review
	app *application
}

// WriteReview is a person rating a candidate in the user interface. Reviewer empty is the administrator.
func (co *Company) WriteReview(candidateID, jobID, reviewerID string, rating int, comment string) (string, error) {
	co.sim.mu.Lock()
	defer co.sim.mu.Unlock()
	app := co.application(candidateID, jobID)
	if app == nil {
		return "", fmt.Errorf("candidate %s has no application to job %s", candidateID, jobID)
	}
	rv := co.addReview(app, Review{ReviewerID: orElse(reviewerID, co.users[0].ID), Rating: rating, Comment: comment}, byPerson)
	return rv.ID, nil
}

// EditReview is a person rewriting a review, whoever wrote it.
func (co *Company) EditReview(id string, rating int, comment string) error {
	co.sim.mu.Lock()
	defer co.sim.mu.Unlock()
	rv := co.review(id)
	if rv == nil {
		return fmt.Errorf("no review %s", id)
	}
	rv.Rating, rv.Comment, rv.FromAPI = rating, comment, false
	co.reviewChanged("updated", rv, byPerson)
	return nil
}

// RemoveReview is a person deleting a review, whoever wrote it.
func (co *Company) RemoveReview(id string) error {
	co.sim.mu.Lock()
	defer co.sim.mu.Unlock()
	rv := co.review(id)
	if rv == nil {
		return fmt.Errorf("no review %s", id)
	}
	co.removeReview(rv, byPerson)
	return nil
}

func (co *Company) removeReview(rv *review, by string) {
	co.reviews = slices.DeleteFunc(co.reviews, func(other *review) bool { return other == rv })
	co.reviewChanged("deleted", rv, by)
}

// Reviews reads the truth about an application's reviews, oldest first.
func (co *Company) Reviews(candidateID, jobID string) []Review {
	co.sim.mu.Lock()
	defer co.sim.mu.Unlock()
	var all []Review
	for _, rv := range co.reviews {
		if rv.CandidateID == candidateID && rv.JobID == jobID {
			all = append(all, rv.Review)
		}
	}
	return all
}

func (co *Company) review(id string) *review {
	return find(co.reviews, func(rv *review) bool { return rv.ID == id })
}

func (co *Company) addReview(app *application, in Review, by string) *review {
	now := co.sim.now()
	if in.CreatedOn.IsZero() {
		in.CreatedOn = now
	}
	in.ID, in.CandidateID, in.JobID = co.sim.newID(), app.candidate.ID, app.job.ID
	rv := &review{Review: in, app: app}
	co.reviews = append(co.reviews, rv)
	co.reviewChanged("created", rv, by)
	return rv
}

// reviewChanged fires the event, which carries neither candidate nor job id.
func (co *Company) reviewChanged(what string, rv *review, by string) {
	rv.UpdatedOn = co.sim.now()
	co.effect("review "+what, by, "review", rv.ID, "candidate", rv.CandidateID, "job", rv.JobID,
		"application", rv.app.id, "reviewer", rv.ReviewerID, "rating", fmt.Sprint(rv.Rating), "comment", rv.Comment)
	co.emit("review."+what, reviewsAPI+"/reviews/"+rv.ID, "application_id", rv.app.id, "review_id", rv.ID)
}

func (rv *review) object() obj {
	o := obj{
		"id": rv.ID, "candidateId": rv.CandidateID, "jobId": rv.JobID, "reviewerId": rv.ReviewerID,
		"overallRating": rv.Rating, "createdOn": stamp(rv.CreatedOn), "updatedOn": stamp(rv.UpdatedOn),
	}
	put(o, "comment", rv.Comment)
	return o
}

func notAuthorized() answer {
	return fail(http.StatusUnauthorized, "NOT_AUTHORIZED_TO_ACCESS_RESOURCE", "Caller is not authorized to access resource")
}

// listReviews answers a bare array without paging.
func listReviews(c *call) answer {
	q := c.r.URL.Query()
	candidateID, jobID := q.Get("candidateId"), q.Get("jobId")
	app := c.co.application(candidateID, jobID)
	if app == nil {
		return fail(http.StatusNotFound, "APPLICATION_NOT_FOUND", "There is no application of the candidate in the job")
	}
	if !c.cred.sees(jobID) {
		return notAuthorized()
	}
	all := []obj{}
	for _, rv := range c.co.reviews {
		if rv.app == app {
			all = append(all, rv.object())
		}
	}
	return reply(http.StatusOK, all)
}

func createReview(c *call) answer {
	var in struct {
		CandidateID, JobID, ReviewerID, Comment string
		OverallRating                           int
		CreatedOn                               time.Time
	}
	if a, ok := c.read(&in); !ok {
		return a
	}
	in.ReviewerID = orElse(in.ReviewerID, c.cred.user)
	refuse := func(code string) answer {
		return fail(http.StatusUnprocessableEntity, code, "review cannot be created")
	}
	switch app := c.co.application(in.CandidateID, in.JobID); {
	case in.OverallRating < 1 || in.OverallRating > 5:
		return refuse("INVALID_OVERALL")
	case c.co.candidate(in.CandidateID) == nil:
		return refuse("CANDIDATE_NOT_FOUND")
	case c.co.job(in.JobID) == nil:
		return refuse("JOB_NOT_FOUND")
	case app == nil:
		return refuse("APPLICATION_NOT_FOUND")
	case !c.cred.sees(in.JobID):
		return notAuthorized()
	default:
		if code := c.co.reviewerProblem(in.ReviewerID); code != "" {
			return refuse(code)
		}
		rv := c.co.addReview(app, Review{
			ReviewerID: in.ReviewerID, Rating: in.OverallRating, Comment: in.Comment, FromAPI: true, CreatedOn: in.CreatedOn,
		}, byAPI)
		return reply(http.StatusCreated, rv.object())
	}
}

func (co *Company) reviewerProblem(id string) string {
	switch u := co.user(id); {
	case u == nil:
		return "NON_EXISTING_REVIEWER"
	case u.Inactive:
		return "INACTIVE_OR_DELETED_REVIEWER"
	}
	return ""
}

// reachReview finds the review in the path or the answer that refuses it.
func (c *call) reachReview() (*review, answer, bool) {
	id := c.r.PathValue("id")
	if !uuidPattern.MatchString(id) {
		return nil, fail(http.StatusBadRequest, "INVALID_REVIEW_ID", "Review id is invalid"), false
	}
	rv := c.co.review(id)
	if rv == nil {
		return nil, fail(http.StatusNotFound, "REVIEW_NOT_FOUND", "No review with given id is found"), false
	}
	if !c.cred.sees(rv.JobID) {
		return nil, notAuthorized(), false
	}
	return rv, answer{}, true
}

func getReview(c *call) answer {
	rv, a, ok := c.reachReview()
	if !ok {
		return a
	}
	return reply(http.StatusOK, rv.object())
}

// mayChange is what update and delete both ask: own source, own reviewer.
func (c *call) mayChange(rv *review, reviewerID string) (answer, bool) {
	code := c.co.reviewerProblem(reviewerID)
	if code == "" && reviewerID != rv.ReviewerID {
		code = "REVIEWER_ID_DOES_NOT_MATCH"
	}
	if code != "" {
		return fail(http.StatusUnprocessableEntity, code, "reviewer is refused"), false
	}
	if !rv.FromAPI && !c.opt.Policies.ForeignReviewsWritable {
		return fail(http.StatusBadRequest, "INVALID_SOURCE", "Review source is invalid"), false
	}
	return answer{}, true
}

func patchReview(c *call) answer {
	var in struct {
		ReviewerID    string
		OverallRating *int
		Comment       *string
	}
	if a, ok := c.read(&in); !ok {
		return a
	}
	rv, a, ok := c.reachReview()
	if !ok {
		return a
	}
	if in.OverallRating != nil && (*in.OverallRating < 1 || *in.OverallRating > 5) {
		return fail(http.StatusUnprocessableEntity, "INVALID_OVERALL", "Invalid overall")
	}
	if a, ok := c.mayChange(rv, in.ReviewerID); !ok {
		return a
	}
	if in.OverallRating != nil {
		rv.Rating = *in.OverallRating
	}
	if in.Comment != nil {
		rv.Comment = *in.Comment
	}
	c.co.reviewChanged("updated", rv, byAPI)
	return noContent()
}

var userIDPattern = regexp.MustCompile(`^[0-9a-fA-F]{24}$`)

// deleteReview needs the reviewer as a query parameter.
func deleteReview(c *call) answer {
	reviewerID := c.r.URL.Query().Get("reviewerId")
	if !userIDPattern.MatchString(reviewerID) {
		return fail(http.StatusBadRequest, "INVALID_REVIEWER_ID", "Reviewer id is invalid")
	}
	rv, a, ok := c.reachReview()
	if !ok {
		return a
	}
	if a, ok := c.mayChange(rv, reviewerID); !ok {
		return a
	}
	c.co.removeReview(rv, byAPI)
	return noContent()
}
