package smartrecruiters

// Webhook subscriptions and the log of what was sent to them.

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/atshub/atshub/sdk"
	"github.com/atshub/atshub/sdk/httpclient"
)

// Webhooks can subscribe to events and read them.
type Webhooks struct{ c *Client }

// NewWebhooks is the group of c.
func NewWebhooks(c *Client) Webhooks { return Webhooks{c} }

const webhooksManage = "webhooks_manage"

type subscription struct {
	ID          string `json:"id"`
	CallbackURL string `json:"callbackUrl"`
	Status      string `json:"status"`
	Events      []struct {
		Name string `json:"name"`
	} `json:"events"`
}

func (s subscription) model() sdk.Subscription {
	m := sdk.Subscription{ID: s.ID, CallbackURL: s.CallbackURL, Active: s.Status == "active"}
	for _, e := range s.Events {
		m.Events = append(m.Events, e.Name)
	}
	return m
}

func subscriptionPath(id string) string { return webhooksAPI + "/subscriptions/" + url.PathEscape(id) }

// Subscribe implements sdk.WebhookSubscriber. The vendor makes the signing
// secret in a second call; if that fails the subscription is taken back, so
// that none is left that nobody can verify.
func (w Webhooks) Subscribe(ctx context.Context, q sdk.SubscribeRequest) (sdk.Subscription, error) {
	none := sdk.Subscription{}
	if !strings.HasPrefix(q.CallbackURL, "https://") {
		return none, invalid("callback_url", "SmartRecruiters calls https addresses only")
	}
	if len(q.Events) == 0 {
		return none, invalid("events", "no events are named")
	}
	type request struct {
		CallbackURL string   `json:"callbackUrl"`
		Events      []string `json:"events"`
		AlertEmail  string   `json:"alertingEmailAddress,omitempty"`
	}
	s, r, err := httpclient.JSON[subscription](ctx, w.c.http, httpclient.Request{
		Method: http.MethodPost, Path: webhooksAPI + "/subscriptions", Body: request{q.CallbackURL, q.Events, q.AlertEmail},
		OK: []int{http.StatusCreated}, Permission: webhooksManage,
	})
	if err != nil {
		return none, err
	}
	if s.ID == "" {
		return none, r.Nonsense()
	}
	secret, err := w.secret(ctx, s.ID)
	if err != nil {
		return none, w.takeBack(ctx, s.ID, err)
	}
	m := s.model()
	m.Secret = secret
	return m, nil
}

func (w Webhooks) secret(ctx context.Context, id string) (sdk.Secret, error) {
	type secretKey struct {
		SecretKey sdk.Secret `json:"secretKey"`
	}
	k, r, err := httpclient.JSON[secretKey](ctx, w.c.http, httpclient.Request{
		Method: http.MethodPost, Path: subscriptionPath(id) + "/secret-key", OK: []int{http.StatusCreated}, Permission: webhooksManage,
	})
	if err == nil && k.SecretKey == "" {
		err = r.Nonsense()
	}
	return k.SecretKey, err
}

// takeBack deletes a half-made subscription and tells by the outcome of cause
// whether it is gone. It does so even when the caller has no time left.
func (w Webhooks) takeBack(ctx context.Context, id string, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	e := *sdk.AsError(cause)
	e.Outcome = sdk.NotDone
	if _, err := w.Unsubscribe(ctx, sdk.SubscriptionRef{ID: id}); err != nil {
		e.Outcome = sdk.OutcomeUnknown
	}
	return &e
}

// Activate implements sdk.WebhookSubscriber. Activating an active one succeeds.
func (w Webhooks) Activate(ctx context.Context, ref sdk.SubscriptionRef) (sdk.Done, error) {
	if ref.ID == "" {
		return sdk.Done{}, invalid("id", "the subscription's id is missing")
	}
	_, err := w.c.http.Do(ctx, httpclient.Request{
		Method: http.MethodPut, Path: subscriptionPath(ref.ID) + "/activation",
		OK: []int{http.StatusNoContent, http.StatusConflict}, Permission: webhooksManage,
	})
	return sdk.Done{}, err
}

// Unsubscribe implements sdk.WebhookSubscriber.
func (w Webhooks) Unsubscribe(ctx context.Context, ref sdk.SubscriptionRef) (sdk.Done, error) {
	if ref.ID == "" {
		return sdk.Done{}, invalid("id", "the subscription's id is missing")
	}
	_, err := w.c.http.Do(ctx, httpclient.Request{
		Method: http.MethodDelete, Path: subscriptionPath(ref.ID), OK: []int{http.StatusNoContent}, Permission: webhooksManage,
	})
	return sdk.Done{}, absentIsDone(err)
}

// absentIsDone forgives the 404 of a deletion. A record hidden by a 401 is not
// forgiven: it is still there.
func absentIsDone(err error) error {
	if e := sdk.AsError(err); e != nil && e.Code == sdk.CodeNotFound && e.VendorStatus == http.StatusNotFound {
		return nil
	}
	return err
}

// ListSubscriptions implements sdk.WebhookSubscriber: all pages.
func (w Webhooks) ListSubscriptions(ctx context.Context, _ sdk.SubscriptionQuery) (sdk.List[sdk.Subscription], error) {
	items, err := httpclient.All(ctx, func(ctx context.Context, cursor string) (sdk.Page[sdk.Subscription], error) {
		query := url.Values{"limit": {"100"}}
		if cursor != "" {
			query.Set("page_id", cursor)
		}
		all, r, err := get[[]subscription](ctx, w.c, webhooksManage, webhooksAPI+"/subscriptions", query)
		p := sdk.Page[sdk.Subscription]{}
		if err != nil {
			return p, err
		}
		for _, s := range all {
			if s.ID == "" {
				return p, r.Nonsense()
			}
			p.Items = append(p.Items, s.model())
		}
		p.Next = nextPage(r.Header)
		return p, nil
	})
	return sdk.List[sdk.Subscription]{Items: items}, err
}

// ListDeliveries implements sdk.DeliveryLister. The vendor keeps 30 days.
func (w Webhooks) ListDeliveries(ctx context.Context, q sdk.DeliveryQuery) (sdk.Page[sdk.DeliveryRecord], error) {
	none := sdk.Page[sdk.DeliveryRecord]{}
	if q.SubscriptionID == "" {
		return none, invalid("subscription_id", "the subscription's id is missing")
	}
	list := "deliveries " + q.SubscriptionID
	pageID, err := unseal(list, q.Cursor)
	if err != nil {
		return none, err
	}
	query := url.Values{"limit": {"100"}}
	if q.FailedOnly {
		query.Set("callbackStatus", "failed")
	}
	if q.After != nil {
		query.Set("after", boundary(*q.After))
	}
	if pageID != "" {
		query.Set("page_id", pageID)
	}
	log, r, err := get[[]callback](ctx, w.c, webhooksManage, subscriptionPath(q.SubscriptionID)+"/callbacks-log", query)
	if err != nil {
		return none, err
	}
	next, ok := following(list, pageID, nextPage(r.Header))
	if !ok {
		return none, r.Nonsense()
	}
	p := sdk.Page[sdk.DeliveryRecord]{Items: make([]sdk.DeliveryRecord, 0, len(log)), Next: next}
	for _, entry := range log {
		if entry.At == nil {
			return none, r.Nonsense()
		}
		p.Items = append(p.Items, entry.model())
	}
	return p, nil
}

// callback is an entry of the callbacks-log.
type callback struct {
	Status  string   `json:"status"`
	At      *instant `json:"timestamp"`
	Request struct {
		Body    string                     `json:"body"` // the body sent, as a string
		Headers map[string]json.RawMessage `json:"headers"`
	} `json:"requestDetails"`
}

func (c callback) model() sdk.DeliveryRecord {
	headers := make(map[string]string, len(c.Request.Headers))
	for k, raw := range c.Request.Headers {
		var one string
		var many []string
		if json.Unmarshal(raw, &one) != nil && json.Unmarshal(raw, &many) == nil && len(many) > 0 {
			one = many[0]
		}
		headers[strings.ToLower(k)] = one
	}
	return sdk.DeliveryRecord{At: c.At.Time, OK: c.Status == "successful", Delivery: sdk.Delivery{Headers: headers, Body: []byte(c.Request.Body)}}
}

var linkNext = regexp.MustCompile(`<([^>]*)>\s*;\s*rel="?next"?`)

// nextPage is the page_id of the next page, which the webhooks API tells in
// the Link header alone. Only the id is taken: the address is not followed.
func nextPage(h http.Header) string {
	for _, v := range h.Values("Link") {
		if m := linkNext.FindStringSubmatch(v); m != nil {
			if u, err := url.Parse(m[1]); err == nil {
				return u.Query().Get("page_id")
			}
		}
	}
	return ""
}
