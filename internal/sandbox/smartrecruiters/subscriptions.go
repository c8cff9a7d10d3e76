// Webhook subscriptions: inactive when made, activated by a handshake, keys that rotate, a log of 30 days.

package smartrecruiters

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	maxSubscriptions = 20
	maxSecretKeys    = 16
	keyOverlap       = 24 * time.Hour
	logRetention     = 30 * 24 * time.Hour
)

// eventNames are the 47 of the vendor's document plus the later interview events.
var eventNames = strings.Fields(`job.created job.updated job.status.updated job.hiring-team.updated job.ad.created
	job.ad.updated job.ad.postings.updated position.created position.updated position.deleted application.created
	application.status.updated application.fields.updated application.onboarding-status.updated
	application.attachment.created application.source.updated application.screening-answers.created
	application.screening-answers.updated candidate.created candidate.updated candidate.deleted offer.created
	offer.updated offer.approval.created offer.approval.approved offer.approval.rejected offer.approval.abandoned
	offer.approval.step.approved offer.approval.step.rejected offer.approval.comment.created offer.approver.skipped
	offer.approver.delegated job.approval.created job.approval.approved job.approval.rejected job.approval.abandoned
	job.approval.step.approved job.approval.step.rejected job.approval.comment.created job.approver.skipped
	job.approver.delegated review.created review.updated review.deleted onboarding.process.started
	onboarding.assignments.high-priority.completed onboarding.assignments.completed
	interview.created interview.updated interview.canceled`)

const eventVersion = "v201910"

type secretKey struct {
	value   string
	expires time.Time // zero: the current key
}

type callbackAuthentication struct {
	Type, Username, Password                string
	HeaderName, HeaderValue                 string
	ClientID, ClientSecret, TokenServiceURL string
}

type subscription struct {
	id, callbackURL, owner string
	company                *Company
	events                 []string
	auth                   *callbackAuthentication
	active, deleted        bool
	keys                   []secretKey
	failures               int
	log                    []logEntry // newest last
}

type logEntry struct {
	id      string
	at      time.Time
	success bool
	headers map[string]string
	body    string
}

func (sub *subscription) object() obj {
	events := []obj{}
	for _, name := range sub.events {
		events = append(events, obj{"name": name, "version": eventVersion})
	}
	status := "inactive"
	if sub.active {
		status = "active"
	}
	return obj{"id": sub.id, "callbackUrl": sub.callbackURL, "events": events, "status": status}
}

func unprocessable(message string) answer {
	return fail(http.StatusUnprocessableEntity, "VALIDATION_FAILED", message)
}

// createSubscription takes event names as strings and answers them as objects.
func createSubscription(c *call) answer {
	var in struct {
		CallbackURL            string
		Events                 []string
		AlertingEmailAddress   string
		CallbackAuthentication *callbackAuthentication
	}
	if err := json.Unmarshal(c.body, &in); err != nil {
		return badRequest("request body is not valid")
	}
	if !httpsURL(in.CallbackURL) {
		return unprocessable("callbackUrl must be an https URL")
	}
	if len(in.Events) == 0 {
		return badRequest("events must not be empty")
	}
	for _, name := range in.Events {
		if !slices.Contains(eventNames, name) {
			return unprocessable("unknown event name")
		}
	}
	if !in.CallbackAuthentication.valid() {
		return unprocessable("invalid callbackAuthentication")
	}
	mine := 0
	for _, sub := range c.co.subscriptions {
		if sub.owner == c.cred.user {
			mine++
		}
	}
	if mine >= maxSubscriptions {
		return fail(http.StatusForbidden, "SUBSCRIPTIONS_LIMIT_EXCEEDED", "Subscriptions limit exceeded")
	}
	sub := &subscription{
		id: c.newID(), callbackURL: in.CallbackURL, owner: c.cred.user, company: c.co,
		events: in.Events, auth: in.CallbackAuthentication,
	}
	c.co.subscriptions = append(c.co.subscriptions, sub)
	c.co.effect("subscription created", byAPI, "subscription", sub.id)
	return reply(http.StatusCreated, sub.object())
}

func httpsURL(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && u.Scheme == "https" && u.Host != ""
}

var callbackHeaderName = regexp.MustCompile(`^[Xx]-`)

func (a *callbackAuthentication) valid() bool {
	if a == nil {
		return true
	}
	switch a.Type {
	case "basic":
		return a.Username != ""
	case "header":
		return callbackHeaderName.MatchString(a.HeaderName)
	case "oauth2":
		return a.ClientID != "" && httpsURL(a.TokenServiceURL)
	}
	return false
}

func listSubscriptions(c *call) answer {
	var ids []string
	var items []obj
	for _, sub := range c.co.subscriptions {
		ids, items = append(ids, sub.id), append(items, sub.object())
	}
	return c.barePage("subscription", ids, items)
}

func (c *call) subscription() *subscription {
	return find(c.co.subscriptions, func(sub *subscription) bool { return sub.id == c.r.PathValue("id") })
}

func noSubscription() answer {
	return fail(http.StatusNotFound, "SUBSCRIPTION_NOT_FOUND", "Subscription not found")
}

func getSubscription(c *call) answer {
	sub := c.subscription()
	if sub == nil {
		return noSubscription()
	}
	return reply(http.StatusOK, sub.object())
}

func deleteSubscription(c *call) answer {
	sub := c.subscription()
	if sub == nil {
		return noSubscription()
	}
	sub.deleted = true
	c.co.subscriptions = slices.DeleteFunc(c.co.subscriptions, func(s *subscription) bool { return s == sub })
	c.co.effect("subscription deleted", byAPI, "subscription", sub.id)
	return noContent()
}

// activateSubscription runs the handshake while the caller waits, without holding the lock:
// the receiver may call the API meanwhile.
func activateSubscription(c *call) answer {
	c.mu.Lock()
	sub := c.subscription()
	active := sub != nil && sub.active
	c.mu.Unlock()
	if sub == nil {
		return noSubscription()
	}
	if active {
		return fail(http.StatusConflict, "SUBSCRIPTION_ALREADY_ACTIVATED", "Subscription is already activated")
	}
	err := c.handshake(c.r.Context(), sub)
	entry := Entry{Kind: KindHandshake, Company: c.co.ID, Subscription: sub.id, URL: sub.callbackURL}
	if err != nil {
		entry.Error = err.Error()
		c.record.add(entry)
		return fail(http.StatusFailedDependency, "ACTIVATION_FAILED", "Activation handshake failed")
	}
	entry.Status = http.StatusOK
	c.record.add(entry)
	c.mu.Lock()
	defer c.mu.Unlock()
	sub.active, sub.failures = true, 0
	c.co.effect("subscription activated", byAPI, "subscription", sub.id)
	return noContent()
}

// handshake posts X-Hook-Secret and wants 200 with the same header. The body is not documented: it is empty.
func (s *Simulator) handshake(ctx context.Context, sub *subscription) error {
	ctx, cancel := context.WithTimeout(ctx, s.opt.HandshakeTimeout)
	defer cancel()
	secret := newSecret(32)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, sub.callbackURL, http.NoBody)
	if err != nil {
		return err
	}
	req.Header.Set("X-Hook-Secret", secret)
	if err := s.authorize(ctx, req, sub.auth); err != nil {
		return err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("handshake answered %d, want 200", resp.StatusCode)
	}
	if resp.Header.Get("X-Hook-Secret") != secret {
		return fmt.Errorf("handshake did not echo X-Hook-Secret")
	}
	return nil
}

// activeKeys are the keys a delivery is signed with now: the current one and those rotated out less than 24 h ago.
func (sub *subscription) activeKeys(now time.Time) []secretKey {
	sub.keys = slices.DeleteFunc(sub.keys, func(k secretKey) bool { return !k.expires.IsZero() && !now.Before(k.expires) })
	return sub.keys
}

func createSecretKey(c *call) answer {
	sub := c.subscription()
	if sub == nil {
		return noSubscription()
	}
	now := c.now()
	keys := sub.activeKeys(now)
	if len(keys) >= maxSecretKeys {
		return fail(http.StatusForbidden, "SECRET_KEYS_LIMIT_EXCEEDED", "Secret keys limit exceeded")
	}
	for i := range keys {
		if keys[i].expires.IsZero() {
			keys[i].expires = now.Add(keyOverlap)
		}
	}
	key := secretKey{value: newSecret(22)}
	sub.keys = append(keys, key)
	c.co.effect("secret key created", byAPI, "subscription", sub.id)
	return reply(http.StatusCreated, obj{"secretKey": key.value})
}

func getSecretKey(c *call) answer {
	sub := c.subscription()
	if sub == nil {
		return noSubscription()
	}
	if len(sub.keys) == 0 {
		return fail(http.StatusNotFound, "SECRET_KEY_NOT_FOUND", "Secret key not found")
	}
	return reply(http.StatusOK, obj{"secretKey": sub.keys[len(sub.keys)-1].value})
}

// getCallbacksLog lists attempts of the last 30 days, newest first; the body is a JSON string.
func getCallbacksLog(c *call) answer {
	sub := c.subscription()
	if sub == nil {
		return noSubscription()
	}
	after, ok := c.timeParam("after")
	before, ok2 := c.timeParam("before")
	wanted := c.r.URL.Query().Get("callbackStatus")
	if !ok || !ok2 || !slices.Contains([]string{"", "successful", "failed"}, wanted) {
		return badRequest("invalid query parameter")
	}
	oldest := c.now().Add(-logRetention)
	var ids []string
	var items []obj
	for _, entry := range slices.Backward(sub.log) {
		status := "failed"
		if entry.success {
			status = "successful"
		}
		if entry.at.Before(oldest) || entry.at.Before(after) || !before.IsZero() && entry.at.After(before) ||
			wanted != "" && wanted != status {
			continue
		}
		ids = append(ids, entry.id)
		items = append(items, obj{"status": status, "timestamp": stamp(entry.at), "requestDetails": obj{
			"url": sub.callbackURL, "body": entry.body, "headers": entry.headers,
		}})
	}
	return c.barePage("callback", ids, items)
}
