package handle

import (
	"context"
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

// Our callback at the ATS: made, kept alive, and made up for where it failed.

// Subscription states.
const (
	subscriptionActive      = "active"
	subscriptionUnsupported = "unsupported"
)

// handshakeWindow is how long the gateway answers the ATS's handshake; the
// vendor allows 20 s.
const handshakeWindow = 40 * time.Second

func (h *Handlers) subscribe(ctx context.Context, w hub.Work) error {
	c, err := h.connection(ctx, w.TenantID, w.Ref)
	if err != nil {
		return err
	}
	if c.State.Gone() {
		return h.end(ctx, w)
	}
	if err := held(c); err != nil {
		return err
	}
	if err := h.productCallback(ctx, &c); err != nil {
		return err
	}
	m, err := h.Reach.Manifest(c.Connector)
	if err != nil {
		return err
	}
	ats, err := h.Reach.ATS(ctx, c)
	if err != nil {
		return err
	}
	s := c.Subscription
	_, lost := c.Lost(m)["subscribe"]
	if m.Webhooks == nil || ats.Subscribe == nil || lost {
		s.State, s.Problem = subscriptionUnsupported, "this credential cannot subscribe to webhooks; changes are found by polling"
		return h.finish(ctx, w, func(tx *store.Tx) error { return tx.SaveSubscription(c.TenantID, c.ID, s) })
	}
	if s, err = h.ensureSubscription(ctx, ats, m, c); err != nil {
		return err
	}
	if err := h.makeUpDeliveries(ctx, ats, c, &s); err != nil {
		return err
	}
	return h.finish(ctx, w, func(tx *store.Tx) error {
		at := tx.Now()
		s.CheckedAt = &at
		return tx.SaveSubscription(c.TenantID, c.ID, s)
	})
}

// productCallback tells a screening product where to report changes, once per
// revision of the connection; without it they are found by polling.
func (h *Handlers) productCallback(ctx context.Context, c *hub.Connection) error {
	if c.Subscription.Callback == c.Revision {
		return nil
	}
	secrets, err := h.Reach.SigningSecrets(ctx, *c, reach.CallbackSecret)
	if err != nil || len(secrets) == 0 {
		return err
	}
	client, err := h.Reach.Screening(ctx, *c)
	if err != nil {
		return err
	}
	where := strings.TrimSuffix(h.PublicURL, "/") + "/hooks/product/" + c.ID + "/" + c.HookToken
	effect := product.Effect{Key: product.Key("callback", c.ID, fmt.Sprint(c.Revision)), NotAfter: time.Now().Add(notAfter), Fence: c.Revision}
	if err := client.PutCallback(ctx, client.Login, effect, c.ID, where, secrets[0]); err != nil {
		return err
	}
	c.Subscription.Callback = c.Revision
	return h.Store.Write(ctx, func(tx *store.Tx) error { return tx.SaveSubscription(c.TenantID, c.ID, c.Subscription) })
}

// callbackURL is where the ATS delivers to; its last part is the unguessable
// mark by which we know our own subscriptions.
func (h *Handlers) callbackURL(c hub.Connection) string {
	return strings.TrimSuffix(h.PublicURL, "/") + "/hooks/ats/" + c.ID + "/" + c.HookToken
}

// ensureSubscription leaves exactly one active subscription of ours at the
// ATS: the one we know, or a new one. Others carrying our mark are removed.
func (h *Handlers) ensureSubscription(ctx context.Context, ats *sdk.Abilities, m sdk.Manifest, c hub.Connection) (hub.Subscription, error) {
	s := c.Subscription
	all, err := ats.ListSubscriptions(ctx, sdk.SubscriptionQuery{})
	if err != nil {
		return s, err
	}
	known := false
	for _, there := range all.Items {
		switch {
		case !strings.Contains(there.CallbackURL, c.HookToken):
		case there.ID == s.ID && there.Active:
			known = true
		default: // lost track of, suspended, or never activated: it holds nothing
			if _, err := ats.Unsubscribe(ctx, sdk.SubscriptionRef{ID: there.ID}); err != nil {
				return s, err
			}
		}
	}
	if known {
		s.State, s.Problem = subscriptionActive, ""
		return s, nil
	}
	return h.newSubscription(ctx, ats, m, c)
}

func (h *Handlers) newSubscription(ctx context.Context, ats *sdk.Abilities, m sdk.Manifest, c hub.Connection) (hub.Subscription, error) {
	made, err := ats.Subscribe(ctx, sdk.SubscribeRequest{CallbackURL: h.callbackURL(c), Events: m.Webhooks.Events})
	if err != nil {
		return c.Subscription, err
	}
	s := hub.Subscription{ID: made.ID, State: "inactive", LogReadTo: c.Subscription.LogReadTo, Callback: c.Subscription.Callback}
	err = h.Store.Write(ctx, func(tx *store.Tx) error {
		now, err := tx.LockConnection(c.TenantID, c.ID)
		if err != nil {
			return err
		}
		if now.State.Gone() { // the uninstall finds it by its mark
			return &hub.Error{Code: hub.CodeConflict, Message: "the integration was uninstalled meanwhile"}
		}
		if c.Subscription.ID != "" { // what the old one signed is believed no more
			if err := tx.DeleteSecret(c.TenantID, c.ID, reach.HookSecret+c.Subscription.ID); err != nil {
				return err
			}
		}
		if made.Secret != "" {
			if err := h.Reach.KeepSecret(tx, c, reach.HookSecret+made.ID, made.Secret); err != nil {
				return err
			}
		}
		until := tx.Now().Add(handshakeWindow)
		s.ActivatingUntil = &until
		return tx.SaveSubscription(c.TenantID, c.ID, s)
	})
	if err != nil { // nobody knows of it: take it back, and its secret with it
		if _, undo := ats.Unsubscribe(ctx, sdk.SubscriptionRef{ID: made.ID}); undo != nil {
			h.Log.Warn("a subscription that was not wanted any more could not be deleted", "connection", c.ID, "reason", worker.Reason(undo))
		}
		return s, err
	}
	if _, err := ats.Activate(ctx, sdk.SubscriptionRef{ID: made.ID}); err != nil {
		return s, err
	}
	s.State, s.Problem, s.ActivatingUntil = subscriptionActive, "", nil
	return s, nil
}

// makeUpDeliveries takes up what the ATS says it could not deliver.
func (h *Handlers) makeUpDeliveries(ctx context.Context, ats *sdk.Abilities, c hub.Connection, s *hub.Subscription) error {
	if ats.ListDeliveries == nil || s.State != subscriptionActive {
		return nil
	}
	m, err := h.Reach.Manifest(c.Connector)
	if err != nil {
		return err
	}
	newest := s.LogReadTo
	query := func(cursor string) sdk.DeliveryQuery {
		q := sdk.DeliveryQuery{SubscriptionID: s.ID, FailedOnly: true, Cursor: cursor}
		if s.LogReadTo != nil { // the log may lag: read a little of it again, every event is known by its key
			after := s.LogReadTo.Add(-15 * time.Minute)
			q.After = &after
		}
		return q
	}
	err = pages(ctx, ats.ListDeliveries, query, func(r sdk.DeliveryRecord) error {
		if newest == nil || r.At.After(*newest) {
			at := r.At
			newest = &at
		}
		key := r.Delivery.Headers[m.Webhooks.EventIDHeader]
		if key == "" {
			return nil
		}
		return h.Store.Write(ctx, func(tx *store.Tx) error {
			_, _, err := tx.AddEvent(hub.Event{
				TenantID: c.TenantID, ConnectionID: c.ID, Source: hub.SourceDelivery, Key: key, Kind: hub.EventRaw, Headers: r.Delivery.Headers, Body: r.Delivery.Body,
			})
			return err
		})
	})
	s.LogReadTo = newest
	return err
}
