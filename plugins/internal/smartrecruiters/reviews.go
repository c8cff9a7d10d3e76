package smartrecruiters

// Reviews, and whose they are.

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/atshub/atshub/sdk"
	"github.com/atshub/atshub/sdk/httpclient"
)

// Reviews can read and write reviews.
type Reviews struct{ c *Client }

// NewReviews is the group of c.
func NewReviews(c *Client) Reviews { return Reviews{c} }

type review struct {
	ID          string   `json:"id"`
	CandidateID string   `json:"candidateId"`
	JobID       string   `json:"jobId"`
	ReviewerID  string   `json:"reviewerId"`
	Rating      int      `json:"overallRating"`
	Comment     string   `json:"comment"`
	UpdatedOn   *instant `json:"updatedOn"`
}

func (r review) model(me string) sdk.Review {
	return sdk.Review{ID: r.ID, CandidateID: r.CandidateID, JobID: r.JobID, AuthorID: r.ReviewerID, Rating: r.Rating, Comment: r.Comment,
		UpdatedAt: r.UpdatedOn.pointer(), Ours: me != "" && strings.EqualFold(me, r.ReviewerID)}
}

const reviewsWrite = "reviews_write"

func reviewPath(id string) string { return reviewsAPI + "/reviews/" + url.PathEscape(id) }

// ListReviews implements sdk.ReviewLister.
func (v Reviews) ListReviews(ctx context.Context, ref sdk.ApplicationRef) (sdk.List[sdk.Review], error) {
	none := sdk.List[sdk.Review]{}
	ref, err := v.c.resolved(ctx, ref)
	if err != nil {
		return none, err
	}
	all, r, err := get[[]review](ctx, v.c, "reviews_read", reviewsAPI+"/reviews", url.Values{"candidateId": {ref.CandidateID}, "jobId": {ref.JobID}})
	if err != nil {
		return none, err
	}
	me, err := v.c.whoAmI(ctx)
	if err != nil && sdk.CodeOf(err) != sdk.CodePermissionMissing {
		return none, err
	}
	items := make([]sdk.Review, 0, len(all))
	for _, one := range all {
		if one.ID == "" {
			return none, r.Nonsense()
		}
		items = append(items, one.model(me.ID))
	}
	return sdk.List[sdk.Review]{Items: items}, nil
}

// WriteReview implements sdk.ReviewWriter. An update is refused unless the
// review is proven to be written with this credential.
func (v Reviews) WriteReview(ctx context.Context, w sdk.ReviewWrite) (sdk.Review, error) {
	if w.Rating < 1 || w.Rating > 5 {
		return sdk.Review{}, invalid("rating", "the rating must be between 1 and 5")
	}
	me, err := v.c.whoAmI(ctx)
	if w.ID != "" {
		if err != nil {
			return sdk.Review{}, err
		}
		return v.update(ctx, w, me.ID)
	}
	if err != nil && sdk.CodeOf(err) != sdk.CodePermissionMissing {
		return sdk.Review{}, err
	}
	return v.create(ctx, w, me.ID)
}

func (v Reviews) create(ctx context.Context, w sdk.ReviewWrite, me string) (sdk.Review, error) {
	type request struct {
		CandidateID string `json:"candidateId"`
		JobID       string `json:"jobId"`
		Rating      int    `json:"overallRating"`
		Comment     string `json:"comment,omitempty"`
		ReviewerID  string `json:"reviewerId,omitempty"` // without it the vendor takes the credential's user
	}
	made, r, err := httpclient.JSON[review](ctx, v.c.http, httpclient.Request{
		Method: http.MethodPost, Path: reviewsAPI + "/reviews", Body: request{w.CandidateID, w.JobID, w.Rating, w.Comment, me},
		OK: []int{http.StatusCreated}, Permission: reviewsWrite,
	})
	if err != nil {
		return sdk.Review{}, err
	}
	if made.ID == "" {
		return sdk.Review{}, r.Nonsense()
	}
	m := made.model(me)
	m.Ours = true
	return m, nil
}

func (v Reviews) update(ctx context.Context, w sdk.ReviewWrite, me string) (sdk.Review, error) {
	before, r, err := get[review](ctx, v.c, "reviews_read", reviewPath(w.ID), nil)
	if err != nil {
		return sdk.Review{}, err
	}
	if before.ReviewerID == "" {
		return sdk.Review{}, r.Nonsense()
	}
	if !strings.EqualFold(before.ReviewerID, me) {
		return sdk.Review{}, precondition("the review was written by another user, so it is left alone")
	}
	type request struct {
		ReviewerID string `json:"reviewerId"`
		Rating     int    `json:"overallRating"`
		Comment    string `json:"comment"`
	}
	_, err = v.c.http.Do(ctx, httpclient.Request{
		Method: http.MethodPatch, Path: reviewPath(w.ID), Body: request{before.ReviewerID, w.Rating, w.Comment},
		OK: []int{http.StatusNoContent}, Permission: reviewsWrite,
	})
	if err != nil {
		return sdk.Review{}, err
	}
	// The answer is empty. If it cannot be read back the write still happened.
	after, _, err := get[review](ctx, v.c, "reviews_read", reviewPath(w.ID), nil)
	if err != nil || after.ID == "" {
		after, after.Rating, after.Comment, after.UpdatedOn = before, w.Rating, w.Comment, nil
	}
	return after.model(me), nil
}

// DeleteReview implements sdk.ReviewDeleter. The vendor deletes only when told
// the right author.
func (v Reviews) DeleteReview(ctx context.Context, ref sdk.ReviewRef) (sdk.Done, error) {
	if ref.ID == "" {
		return sdk.Done{}, invalid("id", "the review's id is missing")
	}
	if ref.AuthorID == "" {
		me, err := v.c.whoAmI(ctx)
		if err != nil {
			return sdk.Done{}, err
		}
		ref.AuthorID = me.ID
	}
	_, err := v.c.http.Do(ctx, httpclient.Request{
		Method: http.MethodDelete, Path: reviewPath(ref.ID), Query: url.Values{"reviewerId": {ref.AuthorID}},
		OK: []int{http.StatusNoContent}, Permission: reviewsWrite,
	})
	return sdk.Done{}, absentIsDone(err)
}
