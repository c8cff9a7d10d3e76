package handle

import (
	"context"
	"errors"
	"strings"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/reach"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/sdk"
)

// Invitations: the one act that contacts a person.

// Why an invitation waits for the candidate's data; candidateChanged takes
// those up again.
const (
	reasonNoEmail  = "e-mail address is missing for this candidate"
	reasonBadEmail = "e-mail address of this candidate is not valid"
)

func curable(reason string) bool { return reason == reasonNoEmail || reason == reasonBadEmail }

func (h *Handlers) invite(ctx context.Context, w hub.Work, c hub.Connection, a hub.Action) error {
	client, err := h.Reach.Screening(ctx, c)
	if err != nil {
		return err
	}
	app, err := h.readFor(ctx, c, a)
	switch {
	case sdk.CodeOf(err) == sdk.CodeNotFound && a.State == hub.ActionReady:
		return h.stop(ctx, w, a, hub.ActionSkipped, "the ATS no longer knows the application")
	case err != nil:
		return err
	case app.Status.Value != sdk.ApplicationActive && app.StageID != a.Target && a.State == hub.ActionReady:
		return h.stop(ctx, w, a, hub.ActionSkipped, "the application has ended ("+app.Status.Value+")")
	}
	k, err := h.begin(ctx, w, a.ID)
	if err != nil || k == nil {
		return err
	}
	if k.doubt {
		done, err := h.inviteReceipt(ctx, w, client, k)
		if err != nil || done {
			return err
		}
	}
	if err := k.fresh(); err != nil {
		return h.unsent(ctx, w, k, "send the invitation", err)
	}
	person := app.Candidate
	sent, err := client.Invite(ctx, client.Login, k.effect(), k.link.ProductRef, product.NewCandidate{
		ATSCandidateID: person.ID, ATSApplicationID: app.ID, FirstName: person.FirstName, LastName: person.LastName, Email: person.Email, Phone: person.Phone,
	})
	if err != nil {
		return h.inviteRefused(ctx, w, client, k, err)
	}
	return h.invited(ctx, w, k.action, sent.CandidateID, "send the invitation")
}

// readFor reads the application an action is about, as it is now.
func (h *Handlers) readFor(ctx context.Context, c hub.Connection, a hub.Action) (sdk.Application, error) {
	ats, err := h.Reach.ATS(ctx, c)
	if err != nil {
		return sdk.Application{}, err
	}
	if ats.ReadApplication == nil {
		return sdk.Application{}, unsupported("read applications")
	}
	return ats.ReadApplication(ctx, sdk.ApplicationRef{ID: a.Application, CandidateID: a.CandidateID, JobID: a.JobID})
}

// invited records an invitation the product confirmed.
func (h *Handlers) invited(ctx context.Context, w hub.Work, a hub.Action, productCandidate, what string) error {
	a.State, a.Reason, a.Receipt = hub.ActionDone, "", receipt(map[string]string{"product_candidate": productCandidate})
	return h.settled(ctx, w, a, what, "done", "", func(tx *store.Tx) error {
		seen, err := tx.Application(a.TenantID, a.ConnectionID, a.JobID, a.CandidateID)
		if hub.CodeOf(err) == hub.CodeNotFound {
			seen = hub.Application{TenantID: a.TenantID, ConnectionID: a.ConnectionID, JobID: a.JobID, CandidateID: a.CandidateID, ApplicationID: a.Application}
		} else if err != nil {
			return err
		}
		seen.ProductCandidate = productCandidate
		return tx.SeeApplication(seen)
	})
}

// inviteReceipt finds out about an invitation in doubt. done: it was made, or
// it was not and must not be any more; either way it is settled.
func (h *Handlers) inviteReceipt(ctx context.Context, w hub.Work, client reach.Screening, k *claimed) (done bool, err error) {
	got, err := client.Receipt(ctx, client.Login, k.action.IdempotencyKey())
	switch {
	case err == nil && got.Status < 300:
		var answer struct {
			CandidateID string `json:"candidate_id"`
		}
		if err := decode(got.Answer, &answer); err != nil {
			return false, err
		}
		return true, h.invited(ctx, w, k.action, answer.CandidateID, "ask the product for the receipt")
	case err != nil && !errors.Is(err, &product.Error{Code: product.CodeNotFound}):
		return false, h.unsent(ctx, w, k, "ask the product for the receipt", err)
	case k.settleOnly != "":
		k.action.State, k.action.Reason = k.settleOnly, k.why
		return true, h.settled(ctx, w, k.action, "ask the product for the receipt", "was not sent", k.why, nil)
	}
	k.doubt = false // the product never heard of it
	return false, nil
}

// inviteRefused sorts the product's refusals: what a person must mend is
// parked, what became pointless is ended, the rest is tried again.
func (h *Handlers) inviteRefused(ctx context.Context, w hub.Work, client reach.Screening, k *claimed, err error) error {
	const what = "send the invitation"
	e := product.AsError(err)
	if e == nil {
		return h.unsent(ctx, w, k, what, err)
	}
	state, reason := hub.ActionState(""), ""
	switch e.Code {
	case product.CodeEmailMissing:
		state, reason = hub.ActionParked, reasonNoEmail
	case product.CodeEmailInvalid:
		state, reason = hub.ActionParked, reasonBadEmail
	case product.CodeJobPostPaused, product.CodeJobPostEnded:
		state, reason = hub.ActionParked, strings.TrimSuffix(e.Message, ".")
	case product.CodeKeyReused: // done before, when the candidate's data read otherwise
		k.doubt = true
		if done, err := h.inviteReceipt(ctx, w, client, k); err != nil || done {
			return err
		}
		return h.unsent(ctx, w, k, what, err)
	default:
		return h.unsent(ctx, w, k, what, err)
	}
	k.action.State, k.action.Reason = state, reason
	return h.settled(ctx, w, k.action, what, "refused", reason, nil)
}
