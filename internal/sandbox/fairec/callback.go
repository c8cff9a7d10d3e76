package fairec

// callback.go: changes posted to the hub, signed as Standard Webhooks say.

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/atshub/atshub/internal/sandbox/receiver"
)

// callback is a registered address. Its changes are posted one after the
// other, so that one that fails holds back the next.
type callback struct {
	organisation, url string
	secret            []byte
	delivered         int // of the organisation's changes
	attempts          int
	next              time.Time
}

const (
	firstRetry = time.Second
	lastRetry  = time.Minute
)

// MuteCallbacks loses the callbacks of changes made while on: the hub has to
// find those in the list.
func (s *Simulator) MuteCallbacks(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skipMuted() // what happened under the old setting is settled under it
	s.muted = on
}

// skipMuted passes over what must not be posted. The caller holds mu.
func (s *Simulator) skipMuted() {
	if !s.muted {
		return
	}
	for _, c := range s.callbacks {
		c.delivered = len(s.changes[c.organisation])
	}
}

func (s *Simulator) putCallback(w http.ResponseWriter, r *http.Request, u User) {
	key := u.OrganisationID + " " + r.PathValue("key")
	s.Effect(w, r, u.OrganisationID, "callback "+key, func(q receiver.Request) receiver.Answer {
		var in struct {
			URL    string `json:"url"`
			Secret string `json:"secret"`
		}
		err := receiver.Decode(q.Body, &in)
		encoded, prefixed := strings.CutPrefix(in.Secret, "whsec_")
		secret, err2 := base64.StdEncoding.DecodeString(encoded)
		target, err3 := url.Parse(in.URL)
		if err != nil || err2 != nil || err3 != nil || !prefixed || len(secret) < 24 || len(secret) > 64 || target.Host == "" {
			return receiver.Refuse(http.StatusBadRequest, "invalid")
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		c := s.callbacks[key]
		if c == nil {
			c = &callback{organisation: u.OrganisationID, delivered: len(s.changes[u.OrganisationID])}
			s.callbacks[key] = c
		}
		c.url, c.secret, c.attempts, c.next = in.URL, secret, 0, time.Time{}
		s.log.Effect("callback_registered", map[string]any{"key": r.PathValue("key"), "host": target.Host})
		s.poke()
		return receiver.Answer{Status: http.StatusNoContent}
	})
}

func (s *Simulator) deleteCallback(w http.ResponseWriter, r *http.Request, u User) {
	key := u.OrganisationID + " " + r.PathValue("key")
	s.Effect(w, r, u.OrganisationID, "callback "+key, func(receiver.Request) receiver.Answer {
		s.mu.Lock()
		defer s.mu.Unlock()
		if _, ok := s.callbacks[key]; ok {
			delete(s.callbacks, key)
			s.log.Effect("callback_removed", map[string]any{"key": r.PathValue("key")})
		}
		return receiver.Answer{Status: http.StatusNoContent}
	})
}

// Run posts callbacks until ctx ends.
func (s *Simulator) Run(ctx context.Context) {
	for ctx.Err() == nil {
		wait := s.deliver(ctx)
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-time.After(wait):
		}
	}
}

// deliver posts what is due and tells how long nothing will be.
func (s *Simulator) deliver(ctx context.Context) time.Duration {
	wait := lastRetry
	s.mu.Lock()
	keys := make([]string, 0, len(s.callbacks))
	for key := range s.callbacks {
		keys = append(keys, key)
	}
	s.mu.Unlock()
	for _, key := range keys {
		for ctx.Err() == nil {
			due, more := s.post(ctx, key)
			if !more {
				break
			}
			if due > 0 {
				wait = min(wait, due)
				break
			}
		}
	}
	return wait
}

// post posts the next change of a callback, if one is due; more tells that
// there is another one, due from now.
func (s *Simulator) post(ctx context.Context, key string) (due time.Duration, more bool) {
	s.mu.Lock()
	s.skipMuted()
	c := s.callbacks[key]
	if c == nil || c.delivered >= len(s.changes[c.organisation]) {
		s.mu.Unlock()
		return 0, false
	}
	if due := time.Until(c.next); due > 0 {
		s.mu.Unlock()
		return due, true
	}
	number, ch, target, secret := c.delivered, s.changes[c.organisation][c.delivered], c.url, c.secret
	c.attempts++
	attempt := c.attempts
	s.mu.Unlock()

	status := s.send(ctx, target, secret, ch)
	s.log.Effect("callback_posted", map[string]any{"change": ch.ID, "attempt": attempt, "status": status})

	s.mu.Lock()
	defer s.mu.Unlock()
	if status >= 200 && status < 300 {
		c.delivered, c.attempts, c.next = max(c.delivered, number+1), 0, time.Time{}
		return 0, true
	}
	pause := min(firstRetry<<min(attempt-1, 10), lastRetry)
	c.next = time.Now().Add(pause)
	return pause, true
}

// send posts one change and answers the status, 0 when there was none.
func (s *Simulator) send(ctx context.Context, target string, secret []byte, c change) int {
	now := s.options.Now().UTC()
	body, err := json.Marshal(map[string]any{"type": "candidate." + c.Kind, "timestamp": now, "data": c})
	if err != nil {
		return 0
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return 0
	}
	stamp := strconv.FormatInt(now.Unix(), 10)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(c.ID + "." + stamp + "."))
	mac.Write(body)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Webhook-Id", c.ID)
	req.Header.Set("Webhook-Timestamp", stamp)
	req.Header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	res, err := s.options.Client.Do(req)
	if err != nil {
		return 0
	}
	_ = res.Body.Close()
	return res.StatusCode
}
