package handle

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/reach"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/sdk"
)

// Reviews: written once per result, changed only while the text is still ours.

// reviewReceipt is what we remember of a review we wrote: which it is, and a
// mark of its text, to notice that a person has changed it.
type reviewReceipt struct {
	ReviewID string `json:"review_id"`
	Mark     string `json:"mark"`
}

func markOf(rating int, comment string) string {
	h := sha256.Sum256([]byte(strconv.Itoa(rating) + "\x00" + comment))
	return hex.EncodeToString(h[:8])
}

func (h *Handlers) review(ctx context.Context, w hub.Work, c hub.Connection, a hub.Action) error {
	ats, err := h.Reach.ATS(ctx, c)
	if err != nil {
		return err
	}
	if ats.WriteReview == nil || ats.ListReviews == nil {
		return unsupported("write reviews")
	}
	body, earlier, err := h.reviewFacts(ctx, a)
	if err != nil {
		return err
	}
	existing, err := ats.ListReviews(ctx, sdk.ApplicationRef{ID: a.Application, CandidateID: a.CandidateID, JobID: a.JobID})
	if err != nil {
		return err
	}
	k, err := h.begin(ctx, w, a.ID)
	if err != nil || k == nil {
		return err
	}
	mark := markOf(body.Score, body.Comment)
	write := sdk.ReviewWrite{CandidateID: a.CandidateID, JobID: a.JobID, Rating: body.Score, Comment: body.Comment, Key: a.IdempotencyKey()}
	for _, r := range existing.Items {
		switch {
		case r.Ours && markOf(r.Rating, r.Comment) == mark: // also the answer to any doubt
			return h.reviewed(ctx, w, k.action, reviewReceipt{r.ID, mark}, "already there")
		case r.ID == earlier.ReviewID && markOf(r.Rating, r.Comment) != earlier.Mark:
			k.action.State, k.action.Reason = hub.ActionSkipped, "a person has changed our review; it is not written over"
			return h.settled(ctx, w, k.action, "write the review", "not wanted", k.action.Reason, nil)
		case r.ID == earlier.ReviewID:
			write.ID = r.ID
		}
	}
	if k.settleOnly != "" {
		k.action.State, k.action.Reason = k.settleOnly, k.why
		return h.settled(ctx, w, k.action, "read the reviews", "was not written", k.why, nil)
	}
	k.doubt = false
	if err := k.fresh(); err != nil {
		return h.unsent(ctx, w, k, "write the review", err)
	}
	written, err := ats.WriteReview(ctx, write)
	if err != nil {
		return h.unsent(ctx, w, k, "write the review", err)
	}
	return h.reviewed(ctx, w, k.action, reviewReceipt{written.ID, mark}, "done")
}

func (h *Handlers) reviewed(ctx context.Context, w hub.Work, a hub.Action, r reviewReceipt, verdict string) error {
	a.State, a.Reason, a.Receipt = hub.ActionDone, "", receipt(r)
	return h.settled(ctx, w, a, "write the review", verdict, "", nil)
}

// reviewFacts are the result to write and what we wrote about the candidate before.
func (h *Handlers) reviewFacts(ctx context.Context, a hub.Action) (body reach.ChangeBody, earlier reviewReceipt, err error) {
	err = h.Store.Read(ctx, func(tx *store.Tx) error {
		e, err := tx.Event(a.TenantID, a.EventID)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(e.Body, &body); err != nil {
			return hub.Invalid("result", "the text of this result is no longer kept")
		}
		all, err := tx.ActionsOf(a.TenantID, a.JobID, a.CandidateID)
		if err != nil {
			return err
		}
		for _, other := range all {
			if other.Kind == hub.ActionReview && other.State == hub.ActionDone && other.ID != a.ID {
				if err := json.Unmarshal(other.Receipt, &earlier); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return body, earlier, err
}
