package conformance

// Writes and webhooks.

import (
	"errors"
	"fmt"
	"maps"

	"github.com/atshub/atshub/sdk"
)

func writeChecks(m sdk.Manifest) []check {
	var all []check
	if has(m, "move_stage", "read_application") {
		all = append(all,
			check{"writes/a move can be read back", moveReadBack},
			check{"writes/the same move again is already there", moveAgain},
			check{"writes/a move from elsewhere is not made", moveElsewhere},
			check{"writes/a move to an unknown stage is refused", moveNowhere},
			check{"writes/an unanswered move has an unknown outcome", moveUnanswered},
		)
	}
	if has(m, "write_review", "list_reviews", "delete_review") {
		all = append(all, check{"writes/a review is written, changed and deleted", reviewLife})
	}
	if has(m, "subscribe", "list_subscriptions", "unsubscribe") {
		all = append(all, check{"writes/a subscription is made, listed and deleted", subscriptionLife})
	}
	return all
}

// move is an application and the move from its stage to the next.
func (e *env) move() (*sdk.Abilities, sdk.StageMove, error) {
	job := e.account.Jobs(1)[0]
	first, second, _ := e.account.Stages(job)
	m := sdk.StageMove{Application: e.account.Applications(job, 1)[0], From: first, To: second, Key: "conformance"}
	a, err := e.open()
	return a, m, err
}

// moved makes a move and holds the answer and the stage after it to what is wanted.
func (e *env) moved(a *sdk.Abilities, m sdk.StageMove, result, actual, after string) error {
	got, err := a.MoveStage(e.ctx, m)
	if err != nil {
		return err
	}
	if got.Result != result || got.Actual != actual {
		return fmt.Errorf("answer is %s from %q, want %s from %q", got.Result, got.Actual, result, actual)
	}
	app, err := a.ReadApplication(e.ctx, m.Application)
	if err != nil {
		return err
	}
	if app.StageID != after {
		return fmt.Errorf("the application is in %q, want %q", app.StageID, after)
	}
	return nil
}

func moveReadBack(e *env) error {
	a, m, err := e.move()
	if err != nil {
		return err
	}
	return e.moved(a, m, sdk.MoveMoved, m.From, m.To)
}

func moveAgain(e *env) error {
	a, m, err := e.move()
	if err != nil {
		return err
	}
	if err := e.moved(a, m, sdk.MoveMoved, m.From, m.To); err != nil {
		return err
	}
	return e.moved(a, m, sdk.MoveAlreadyThere, m.To, m.To)
}

func moveElsewhere(e *env) error {
	a, m, err := e.move()
	if err != nil {
		return err
	}
	_, _, third := e.account.Stages(m.Application.JobID)
	e.account.Move(m.Application, third)
	return e.moved(a, m, sdk.MovePrecondition, third, third)
}

func moveNowhere(e *env) error {
	a, m, err := e.move()
	if err != nil {
		return err
	}
	m.To = "no such stage"
	_, err = a.MoveStage(e.ctx, m)
	if code := sdk.CodeOf(err); code != sdk.CodeInvalid && code != sdk.CodePreconditionFailed {
		return fmt.Errorf("got %w", err)
	}
	return nil
}

func moveUnanswered(e *env) error {
	for _, fault := range []Fault{{Writes: true, Cut: true}, {Writes: true, Status: 502}} {
		a, m, err := e.move()
		if err != nil {
			return err
		}
		remove := e.account.Fault(fault)
		_, err = a.MoveStage(e.ctx, m)
		remove()
		if err == nil || sdk.AsError(err).Outcome != sdk.OutcomeUnknown {
			return fmt.Errorf("status %d, cut %v: got %w, want an unknown outcome", fault.Status, fault.Cut, err)
		}
	}
	return nil
}

func reviewLife(e *env) error {
	job := e.account.Jobs(1)[0]
	ref := e.account.Applications(job, 1)[0]
	a, err := e.open()
	if err != nil {
		return err
	}
	w := sdk.ReviewWrite{CandidateID: ref.CandidateID, JobID: ref.JobID, Rating: 4, Comment: "Good answers.", Key: "conformance"}
	made, err := a.WriteReview(e.ctx, w)
	if err != nil {
		return err
	}
	w.ID, w.Rating, w.Comment = made.ID, 2, "Less good on a second look."
	if _, err := a.WriteReview(e.ctx, w); err != nil {
		return err
	}
	all, err := a.ListReviews(e.ctx, ref)
	if err != nil {
		return err
	}
	if len(all.Items) != 1 {
		return fmt.Errorf("%d reviews after writing one twice", len(all.Items))
	}
	if r := all.Items[0]; r.ID != made.ID || r.Rating != 2 || r.Comment != w.Comment || !r.Ours || r.CandidateID != ref.CandidateID {
		return errors.New("the review does not read as it was written")
	}
	for range 2 { // deleting what is gone succeeds
		if _, err := a.DeleteReview(e.ctx, sdk.ReviewRef{ID: made.ID, AuthorID: made.AuthorID}); err != nil {
			return err
		}
	}
	all, err = a.ListReviews(e.ctx, ref)
	if err == nil && len(all.Items) != 0 {
		err = errors.New("the review is still there")
	}
	return err
}

func subscriptionLife(e *env) error {
	a, m, err := e.options.Open(e.ctx, e.account.Settings())
	if err != nil {
		return err
	}
	const callback = "https://hub.example/hooks/conformance"
	made, err := a.Subscribe(e.ctx, sdk.SubscribeRequest{CallbackURL: callback, Events: m.Webhooks.Events})
	if err != nil {
		return err
	}
	if made.ID == "" || made.Secret.Reveal() == "" || made.Active {
		return errors.New("a new subscription has an id and a secret and is not active")
	}
	all, err := a.ListSubscriptions(e.ctx, sdk.SubscriptionQuery{})
	if err != nil {
		return err
	}
	if len(all.Items) != 1 || all.Items[0].ID != made.ID || all.Items[0].CallbackURL != callback || all.Items[0].Secret != "" || len(all.Items[0].Events) != len(m.Webhooks.Events) {
		return errors.New("the subscription does not read as it was made")
	}
	for range 2 {
		if _, err := a.Unsubscribe(e.ctx, sdk.SubscriptionRef{ID: made.ID}); err != nil {
			return err
		}
	}
	all, err = a.ListSubscriptions(e.ctx, sdk.SubscriptionQuery{})
	if err == nil && len(all.Items) != 0 {
		err = errors.New("the subscription is still there")
	}
	return err
}

func webhookChecks(m sdk.Manifest) []check {
	if !has(m, "parse_webhook") {
		return nil
	}
	return []check{
		{"webhooks/a delivery and its repeat have one key", func(e *env) error {
			a, err := e.open()
			if err != nil {
				return err
			}
			d, want := e.account.Delivery()
			for range 2 {
				got, err := a.ParseWebhook(e.ctx, d)
				if err != nil {
					return err
				}
				if len(got.Items) != 1 || got.Items[0] != want {
					return fmt.Errorf("got %+v, want %+v", got.Items, want)
				}
			}
			if want.Key == "" {
				return errors.New("the event has no key")
			}
			return nil
		}},
		{"webhooks/an event nobody knows is other", func(e *env) error {
			a, err := e.open()
			if err != nil {
				return err
			}
			d, want := e.account.Delivery()
			for k, v := range d.Headers {
				if v == want.Source {
					d.Headers[k] = "thing.happened"
				}
			}
			got, err := a.ParseWebhook(e.ctx, d)
			if err != nil {
				return err
			}
			if len(got.Items) != 1 || got.Items[0].Kind != sdk.EventOther || got.Items[0].Key != want.Key {
				return fmt.Errorf("got %+v", got.Items)
			}
			return nil
		}},
		{"webhooks/garbage is invalid", func(e *env) error {
			a, err := e.open()
			if err != nil {
				return err
			}
			good, _ := e.account.Delivery()
			for _, body := range []string{"", "null", "[]", "{", `"x"`, "<html></html>", `{"id":7}`, string(make([]byte, 1<<20))} {
				if _, err := a.ParseWebhook(e.ctx, sdk.Delivery{Headers: good.Headers, Body: []byte(body)}); wantCode(err, sdk.CodeInvalid) != nil {
					return fmt.Errorf("body %.20q: %w", body, wantCode(err, sdk.CodeInvalid))
				}
			}
			_, err = a.ParseWebhook(e.ctx, sdk.Delivery{Body: good.Body})
			return wantCode(err, sdk.CodeInvalid)
		}},
		{"webhooks/parsing does not ask the ATS", func(e *env) error {
			a, err := e.open()
			if err != nil {
				return err
			}
			d, _ := e.account.Delivery()
			headers := maps.Clone(d.Headers)
			before := e.account.Requests()
			if _, err := a.ParseWebhook(e.ctx, d); err != nil {
				return err
			}
			if e.account.Requests() != before || !maps.Equal(headers, d.Headers) {
				return errors.New("parsing made requests, or changed the delivery")
			}
			return nil
		}},
	}
}
