// Webhook delivery: ids-only bodies, signed headers, 202 within five seconds or it failed, ten redeliveries,
// no order and no promise.

package smartrecruiters

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// redelivery are the waits after each failed attempt. The vendor publishes the first five and the ninth (24 h).
var redelivery = []time.Duration{
	1 * time.Minute, 3 * time.Minute, 10 * time.Minute, 45 * time.Minute, 120 * time.Minute,
	240 * time.Minute, 480 * time.Minute, 960 * time.Minute, 1440 * time.Minute, 1440 * time.Minute,
}

type delivery struct {
	sub                 *subscription
	company             *Company
	eventID, name, link string
	body                []byte
	delay               time.Duration
}

// EventRule bends the delivery of events that happen from now on.
type EventRule struct {
	// Event is a name or a pattern ("application.*"); empty is every event.
	Event string
	// Company is a company id; empty is every company.
	Company string
	// Count ends the rule after so many events; 0 means until removed.
	Count int
	// Drop never sends: the vendor promises nothing.
	Drop bool
	// Delay sends later, as it is: not divided by TimeScale.
	Delay time.Duration
	// Copies sends so many extra copies under the same event-id.
	Copies int

	hits int
}

// OnEvent adds a rule; of several that match, the oldest acts. The returned func removes it.
func (s *Simulator) OnEvent(rule EventRule) (remove func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	added := &rule
	s.rules = append(s.rules, added)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.rules = slices.DeleteFunc(s.rules, func(r *EventRule) bool { return r == added })
	}
}

func (s *Simulator) eventRule(co *Company, name string) EventRule {
	for _, rule := range s.rules {
		if matched, _ := path.Match(rule.Event, name); !matched && rule.Event != "" {
			continue
		}
		if rule.Company != "" && rule.Company != co.ID || rule.Count > 0 && rule.hits >= rule.Count {
			continue
		}
		rule.hits++
		return *rule
	}
	return EventRule{}
}

// fault names in the record what the rule does to an event.
func (rule EventRule) fault() string {
	switch {
	case rule.Drop:
		return "dropped"
	case rule.Delay > 0:
		return "delayed"
	case rule.Copies > 0:
		return "duplicated"
	}
	return ""
}

// HoldEvents keeps first deliveries back until ReleaseEvents.
func (s *Simulator) HoldEvents() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holding = true
}

// ReleaseEvents sends what was held, one after the other, newest first when reversed.
func (s *Simulator) ReleaseEvents(reversed bool) {
	s.mu.Lock()
	held := s.held
	s.held, s.holding = nil, false
	s.pending += len(held)
	s.mu.Unlock()
	if reversed {
		slices.Reverse(held)
	}
	s.wg.Go(func() {
		for _, d := range held {
			s.deliver(d)
		}
	})
}

// Redeliver sends an event again under its old event-id, to every subscription it was meant for.
func (s *Simulator) Redeliver(eventID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.sent[eventID] {
		s.launch(d)
	}
}

// Settle waits until no delivery is under way: acknowledged, given up or dropped. Held events do not count.
func (s *Simulator) Settle(ctx context.Context) error {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		s.mu.Lock()
		pending := s.pending
		s.mu.Unlock()
		if pending == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d deliveries still under way: %w", pending, ctx.Err())
		case <-tick.C:
		}
	}
}

func (co *Company) emitJob(name string, j *Job) {
	co.emit(name, "/jobs/"+j.ID, "id", j.ID)
}

func (co *Company) emitCandidate(name string, cand *Candidate) {
	link := "/candidates/" + cand.ID
	if name == "candidate.deleted" {
		link = "" // documented: nothing to link to
	}
	co.emit(name, link, "id", cand.ID)
}

func (co *Company) emitApplication(name string, app *application) {
	co.emit(name, "/candidates/"+app.candidate.ID+"/jobs/"+app.job.ID,
		"job_id", app.job.ID, "candidate_id", app.candidate.ID, "application_id", app.id)
}

// emit records an event and sends it to every active subscription of the company. Callers hold the lock.
func (co *Company) emit(name, link string, ids ...string) {
	s := co.sim
	fields := map[string]string{}
	for i := 0; i+1 < len(ids); i += 2 {
		fields[ids[i]] = ids[i+1]
	}
	body, err := json.Marshal(fields)
	if err != nil {
		panic(err) // strings only
	}
	if link != "" {
		link = "<" + s.opt.BaseURL + link + ">; rel=self"
	}
	eventID := newSecret(32)
	rule := s.eventRule(co, name)
	s.record.add(Entry{
		Kind: KindEvent, Company: co.ID, Event: name, EventID: eventID, Body: string(body), Fault: rule.fault(),
	})
	for _, sub := range co.subscriptions {
		if !sub.active || !slices.Contains(sub.events, name) {
			continue
		}
		d := &delivery{sub: sub, company: co, eventID: eventID, name: name, link: link, body: body, delay: rule.Delay}
		if s.opt.Jitter > 0 {
			d.delay += time.Duration(s.rng.Int64N(int64(s.opt.Jitter)))
		}
		s.sent[eventID] = append(s.sent[eventID], d)
		if rule.Drop {
			continue
		}
		for range 1 + rule.Copies {
			s.launch(d)
		}
	}
}

// launch starts a delivery, or holds it. Callers hold the lock.
func (s *Simulator) launch(d *delivery) {
	if s.holding {
		s.held = append(s.held, d)
		return
	}
	s.pending++
	s.wg.Go(func() { s.deliver(d) })
}

// deliver attempts until acknowledged, given up, unsubscribed, suspended or closed.
func (s *Simulator) deliver(d *delivery) {
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.pending--
	}()
	wait := d.delay
	for attempt := 1; ; attempt++ {
		if !s.sleep(wait) || s.attempt(d, attempt) || attempt > len(redelivery) {
			return
		}
		wait = time.Duration(float64(redelivery[attempt-1]) / s.opt.TimeScale)
	}
}

// sleep reports false when the simulator closes meanwhile.
func (s *Simulator) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return s.ctx.Err() == nil
	case <-s.ctx.Done():
		return false
	}
}

// attempt sends once and reports whether the delivery is over.
func (s *Simulator) attempt(d *delivery, number int) (over bool) {
	s.mu.Lock()
	if d.sub.deleted || !d.sub.active {
		s.mu.Unlock()
		return true
	}
	now := s.now()
	header := d.header(d.sub.activeKeys(now), now)
	s.mu.Unlock()

	status, err := s.send(d, header)
	if err == nil && status != http.StatusAccepted {
		err = fmt.Errorf("answered %d, want 202", status)
	}
	entry := Entry{
		Kind: KindDelivery, Company: d.company.ID, Subscription: d.sub.id, URL: d.sub.callbackURL, Event: d.name,
		EventID: d.eventID, Attempt: number, Header: header, Body: string(d.body), Status: status,
	}
	if err != nil {
		entry.Error = err.Error()
	}
	s.record.add(entry)

	s.mu.Lock()
	defer s.mu.Unlock()
	d.sub.log = append(d.sub.log, logEntry{id: newSecret(16), at: now, success: err == nil, headers: header, body: string(d.body)})
	if err == nil {
		d.sub.failures = 0
		return true
	}
	d.sub.failures++
	if s.opt.SuspendAfter > 0 && d.sub.failures >= s.opt.SuspendAfter {
		d.sub.active = false
		d.company.effect("subscription suspended", "vendor", "subscription", d.sub.id)
		return true
	}
	return false
}

// header builds the vendor's headers under their own lower-case names.
func (d *delivery) header(keys []secretKey, now time.Time) map[string]string {
	h := map[string]string{
		"content-type": "application/json", "event-id": d.eventID, "event-name": d.name, "event-version": eventVersion,
	}
	if d.link != "" {
		h["Link"] = d.link
	}
	if len(keys) > 0 {
		timestamp := strconv.FormatInt(now.Unix(), 10)
		var segments []string
		for _, key := range keys {
			segments = append(segments, "v1="+Sign(key.value, timestamp, string(d.body), d.eventID, d.name, eventVersion, d.link))
		}
		h["smartrecruiters-timestamp"] = timestamp
		h["smartrecruiters-signature"] = strings.Join(segments, ";")
	}
	return h
}

// Sign is the vendor's v1 signature over body and headers; an absent header counts as "".
func Sign(secretKey, timestamp, body, eventID, eventName, eventVersion, link string) string {
	mac := hmac.New(sha256.New, []byte(secretKey))
	mac.Write([]byte(strings.Join([]string{timestamp, body, eventID, eventName, eventVersion, link}, ".")))
	return hex.EncodeToString(mac.Sum(nil))
}

func (s *Simulator) send(d *delivery, header map[string]string) (status int, err error) {
	ctx, cancel := context.WithTimeout(s.ctx, s.opt.AckTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.sub.callbackURL, bytes.NewReader(d.body))
	if err != nil {
		return 0, err
	}
	for name, value := range header {
		req.Header[name] = []string{value}
	}
	if err := s.authorize(ctx, req, d.sub.auth); err != nil {
		return 0, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, err
}

// authorize adds the subscription's own authentication to a callback.
func (s *Simulator) authorize(ctx context.Context, req *http.Request, auth *callbackAuthentication) error {
	if auth == nil {
		return nil
	}
	switch auth.Type {
	case "basic":
		req.SetBasicAuth(auth.Username, auth.Password)
	case "header":
		req.Header.Set(auth.HeaderName, auth.HeaderValue)
	case "oauth2":
		value, err := s.callbackToken(ctx, auth)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+value)
	}
	return nil
}

func (s *Simulator) callbackToken(ctx context.Context, auth *callbackAuthentication) (string, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {auth.ClientID}, "client_secret": {auth.ClientSecret}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, auth.TokenServiceURL, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := s.client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var out struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&out); err != nil {
		return "", fmt.Errorf("callback token: %w", err)
	}
	return out.AccessToken, nil
}

// noRedirects copies a client so that a redirect is what it is for the vendor: not a 202.
func noRedirects(c *http.Client) *http.Client {
	if c == nil {
		c = &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}
	}
	strict := *c
	strict.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &strict
}
