package handle

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/reach"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/queue/worker"
	"github.com/atshub/atshub/sdk"
)

// The uninstall saga: what the person's one transaction left to be undone at
// others, step by step, each noted in the receipt. It may be interrupted
// anywhere and goes on where it was.

// destroyAfter is when the credential is destroyed even if the others could
// not be told.
const destroyAfter = 24 * time.Hour

type sagaStep struct {
	what string
	run  func(context.Context, hub.Connection) (detail string, err error)
	// byHand is what a person must do where the step could not be done.
	byHand string
}

func (h *Handlers) uninstall(ctx context.Context, w hub.Work) error {
	c, err := h.connection(ctx, w.TenantID, w.Ref)
	if err != nil {
		return err
	}
	if c.State == hub.ConnectionDeleted {
		return h.finish(ctx, w, func(*store.Tx) error { return nil })
	}
	steps := []sagaStep{
		{"cancel armed joins", h.joinsCancelled, "look at the recorder: a join may still be armed"},
		{"delete our webhook subscriptions at the ATS", h.unsubscribe, "delete the subscription at the ATS whose callback URL contains " + c.ID},
		{"end the job integrations at the product", h.disengage, "end the job posts or roles in the product"},
	}
	overdue := len(c.Receipt) > 0 && time.Since(c.Receipt[0].At) > destroyAfter // the first step is the person's own
	for _, s := range steps {
		if noted(c.Receipt, s.what) {
			continue
		}
		step := hub.Step{What: s.what, Result: "done"}
		detail, err := s.run(ctx, c)
		switch {
		case err != nil && !overdue:
			return err
		case err != nil:
			step.Result, detail = "failed", s.byHand+" ("+worker.Reason(err)+")"
		}
		step.Detail = detail
		if c, err = h.note(ctx, c, step); err != nil {
			return err
		}
	}
	return h.finish(ctx, w, func(tx *store.Tx) error { return h.destroy(tx, c) })
}

func noted(receipt []hub.Step, what string) bool {
	for _, s := range receipt {
		if s.What == what {
			return true
		}
	}
	return false
}

func (h *Handlers) note(ctx context.Context, c hub.Connection, step hub.Step) (hub.Connection, error) {
	err := h.Store.Write(ctx, func(tx *store.Tx) (err error) {
		if c, err = tx.LockConnection(c.TenantID, c.ID); err != nil || noted(c.Receipt, step.What) {
			return err
		}
		step.At = tx.Now()
		c.Receipt = append(c.Receipt, step)
		return tx.SaveConnection(c)
	})
	return c, err
}

// joinsCancelled waits until every join has been taken back: the actions do
// it, this only looks.
func (h *Handlers) joinsCancelled(ctx context.Context, c hub.Connection) (string, error) {
	var open, parked []hub.Action
	if err := h.Store.Read(ctx, func(tx *store.Tx) (err error) {
		if open, err = tx.OpenActionsOfConnection(c.TenantID, c.ID); err != nil {
			return err
		}
		parked, err = tx.Actions(c.TenantID, store.ActionFilter{ConnectionID: c.ID, Kind: string(hub.ActionJoin), State: string(hub.ActionParked)}, store.Page{Limit: 200})
		return err
	}); err != nil {
		return "", err
	}
	for _, a := range parked {
		if a.Op == hub.OpUndo {
			open = append(open, a)
		}
	}
	if len(open) > 0 {
		return "", &product.Error{Code: product.CodeInProgress, Message: fmt.Sprintf("%d acts are still being taken back.", len(open)), Fault: sdk.FaultHub, Outcome: sdk.NotDone}
	}
	return "", nil
}

// unsubscribe deletes every subscription that carries our mark, also ones we
// had lost track of.
func (h *Handlers) unsubscribe(ctx context.Context, c hub.Connection) (string, error) {
	ats, err := h.Reach.ATS(ctx, c)
	if err != nil {
		return "", err
	}
	if ats.ListSubscriptions == nil || ats.Unsubscribe == nil {
		return "there were none", nil
	}
	all, err := ats.ListSubscriptions(ctx, sdk.SubscriptionQuery{}) // also when we know of none: one may have been lost track of
	if sdk.CodeOf(err) == sdk.CodePermissionMissing && c.Subscription.ID == "" {
		return "there were none: this credential could never make one", nil
	}
	if err != nil {
		return "", err
	}
	n := 0
	for _, s := range all.Items {
		if !strings.Contains(s.CallbackURL, c.HookToken) {
			continue
		}
		if _, err := ats.Unsubscribe(ctx, sdk.SubscriptionRef{ID: s.ID}); err != nil {
			return "", err
		}
		n++
	}
	return fmt.Sprintf("%d deleted", n), nil
}

// disengage tells the product that its job posts or roles are no longer fed.
func (h *Handlers) disengage(ctx context.Context, c hub.Connection) (string, error) {
	p, err := h.Reach.Product(c.Product)
	if err != nil {
		return "", err
	}
	var links []hub.JobLink
	if err := h.Store.Read(ctx, func(tx *store.Tx) error {
		for page := (store.Page{Limit: 200}); ; page.After = links[len(links)-1].ID {
			some, err := tx.Links(c.TenantID, c.ID, page)
			links = append(links, some...)
			if err != nil || len(some) < page.Limit {
				return err
			}
		}
	}); err != nil {
		return "", err
	}
	for _, l := range links {
		if l.ProductRef == "" && p.Kind == product.KindScreening {
			continue
		}
		if err := h.tellLink(ctx, p.Kind, c, l); err != nil {
			return "", err
		}
	}
	if c.Subscription.Callback != 0 {
		client, err := h.Reach.Screening(ctx, c)
		if err != nil {
			return "", err
		}
		effect := product.Effect{Key: product.Key("callback end", c.ID), NotAfter: time.Now().Add(notAfter), Fence: c.Revision + 1}
		if err := client.DeleteCallback(ctx, client.Login, effect, c.ID); err != nil && !errors.Is(err, &product.Error{Code: product.CodeNotFound}) {
			return "", err
		}
	}
	return fmt.Sprintf("%d ended", len(links)), nil
}

// tellLink tells the product where a job link stands.
func (h *Handlers) tellLink(ctx context.Context, kind product.Kind, c hub.Connection, l hub.JobLink) error {
	if kind == product.KindCapture {
		recorder, err := h.Reach.Capture(ctx, c)
		if err != nil {
			return err
		}
		return h.putRole(ctx, recorder, c, l)
	}
	client, err := h.Reach.Screening(ctx, c)
	if err != nil {
		return err
	}
	return client.EndJobPost(ctx, client.Login, linkEffect(l, "end"), l.ID)
}

// putRole tells the recorder whether a role is on.
func (h *Handlers) putRole(ctx context.Context, recorder reach.Capture, c hub.Connection, l hub.JobLink) error {
	on := l.State == hub.LinkOn && !c.State.Gone()
	_, err := recorder.PutRole(ctx, recorder.Org, linkEffect(l, fmt.Sprintf("role-%t", on)), l.ID, product.RoleProperties{ATSJobID: l.JobID, Name: l.JobName, Engaged: on})
	return err
}

// linkEffect is of an act about a job link as it was last switched.
func linkEffect(l hub.JobLink, what string) product.Effect {
	return product.Effect{Key: fmt.Sprintf("%s-%s-%d", l.ID, what, l.Gen), NotAfter: time.Now().Add(notAfter), Fence: l.Gen}
}

// destroy removes the secrets and what is held of people; the facts stay.
func (h *Handlers) destroy(tx *store.Tx, c hub.Connection) error {
	secrets, err := tx.DeleteSecrets(c.TenantID, c.ID)
	if err != nil {
		return err
	}
	rows, err := tx.ForgetPayloads(c.TenantID, c.ID)
	if err != nil {
		return err
	}
	c.Receipt = append(c.Receipt,
		hub.Step{At: tx.Now(), What: "destroy the credentials", Result: "done", Detail: fmt.Sprintf("%d secrets", secrets)},
		hub.Step{At: tx.Now(), What: "forget names, links and payloads", Result: "done", Detail: fmt.Sprintf("%d rows", rows)})
	c.State, c.Fields = hub.ConnectionDeleted, nil
	if err := tx.SaveConnection(c); err != nil {
		return err
	}
	return tx.AddTrail(hub.Trail{TenantID: c.TenantID, ConnectionID: c.ID, Kind: hub.TrailSeen, What: "the uninstall", Verdict: "finished"})
}
