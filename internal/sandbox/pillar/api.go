package pillar

// api.go: the contract, as the product answers it.

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"net/url"
	"time"

	"github.com/atshub/atshub/internal/sandbox/receiver"
)

func (s *Simulator) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /settings", s.known(s.getSettings))
	mux.HandleFunc("PUT /roles/{key}", s.known(s.putRole))
	mux.HandleFunc("PUT /joins/{key}", s.known(s.putJoin))
	mux.HandleFunc("DELETE /joins/{key}", s.known(s.cancelJoin))
	mux.HandleFunc("GET /joins/{key}", s.known(s.getJoin))
	mux.HandleFunc("GET /receipts/{key}", s.known(func(w http.ResponseWriter, r *http.Request, org string) {
		s.Receipt(w, org, r.PathValue("key"))
	}))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		receiver.Write(w, receiver.Refuse(http.StatusNotFound, "not_found"))
	})
	return mux
}

// known lets a request pass that has the service token and names an
// organisation of ours.
func (s *Simulator) known(next func(http.ResponseWriter, *http.Request, string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		given, want := []byte(r.Header.Get("Authorization")), []byte("Bearer "+s.options.Token)
		if s.options.Token == "" || subtle.ConstantTimeCompare(given, want) != 1 {
			receiver.Write(w, receiver.Refuse(http.StatusUnauthorized, "unauthorized"))
			return
		}
		org := r.Header.Get("Organisation")
		s.mu.Lock()
		_, ok := s.settings[org]
		s.mu.Unlock()
		if !ok {
			receiver.Write(w, receiver.Refuse(http.StatusForbidden, "unknown_organisation"))
			return
		}
		next(w, r, org)
	}
}

func (s *Simulator) getSettings(w http.ResponseWriter, _ *http.Request, org string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	receiver.Write(w, receiver.Answer{Status: http.StatusOK, Body: s.settings[org]})
}

func (s *Simulator) putRole(w http.ResponseWriter, r *http.Request, org string) {
	key := r.PathValue("key")
	s.Effect(w, r, org, "role "+key, func(q receiver.Request) receiver.Answer {
		var in struct {
			ATSJobID string `json:"ats_job_id"`
			Name     string `json:"name"`
			Engaged  *bool  `json:"engaged"`
		}
		if receiver.Decode(q.Body, &in) != nil || in.ATSJobID == "" || in.Name == "" || in.Engaged == nil {
			return receiver.Refuse(http.StatusBadRequest, "invalid")
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.settle() // what was due before the switch happened before it
		now, ok := s.roles[org+" "+key]
		if !ok {
			now.id = newID("role_")
		}
		now.engaged = *in.Engaged
		s.roles[org+" "+key] = now
		s.log.Effect("role_put", map[string]any{
			"organisation": org, "key": key, "name": in.Name, "ats_job_id": in.ATSJobID, "engaged": now.engaged, "fence": q.Fence,
		})
		return receiver.Answer{Status: http.StatusOK, Body: map[string]any{"id": now.id, "key": key, "engaged": now.engaged}}
	})
}

func (s *Simulator) putJoin(w http.ResponseWriter, r *http.Request, org string) {
	key := r.PathValue("key")
	s.Effect(w, r, org, "join "+key, func(q receiver.Request) receiver.Answer {
		want, ok := readJoin(q, org, key)
		if !ok {
			return receiver.Refuse(http.StatusBadRequest, "invalid")
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		defer s.poke()
		s.settle()
		now := s.options.Now().UTC()
		old := s.joins[org+" "+key]
		switch {
		case !now.Before(want.EndsAt):
			return receiver.Refuse(http.StatusUnprocessableEntity, "session_over")
		case want.RoleKey != "" && !s.roles[org+" "+want.RoleKey].engaged:
			return receiver.Refuse(http.StatusConflict, "role_disengaged")
		case old != nil && old.State == done && !want.due().After(old.LeftAt):
			return receiver.Refuse(http.StatusConflict, "join_over")
		}
		return joinAnswer(s.arm(old, want, now))
	})
}

// arm puts want in the place of old, as one step.
func (s *Simulator) arm(old, want *Join, now time.Time) *Join {
	effect := "armed"
	if old != nil {
		if old.State == inCall && old.MeetingURL == want.MeetingURL && !now.Before(want.due()) {
			want.State, want.ArmedAt, want.JoinedAt = inCall, old.ArmedAt, old.JoinedAt
			*old = *want
			s.record("kept", old, nil)
			return old
		}
		if old.State == inCall {
			s.leave(old, now, cancelled, "moved")
		}
		if old.State == armed || old.Reason == "moved" {
			effect = "moved"
		}
	}
	want.ArmedAt = now
	s.joins[want.Organisation+" "+want.Key] = want
	s.record(effect, want, nil)
	s.settle() // a start that has passed is now
	return want
}

func readJoin(q receiver.Request, org, key string) (*Join, bool) {
	var in struct {
		RoleKey     string    `json:"role_key"`
		MeetingURL  string    `json:"meeting_url"`
		StartsAt    time.Time `json:"starts_at"`
		EndsAt      time.Time `json:"ends_at"`
		LeadSeconds *int      `json:"lead_seconds"`
		Title       string    `json:"title"`
	}
	if receiver.Decode(q.Body, &in) != nil || in.LeadSeconds == nil || *in.LeadSeconds < 0 || *in.LeadSeconds > 3600 {
		return nil, false
	}
	target, err := url.Parse(in.MeetingURL)
	if err != nil || target.Scheme != "https" || target.Host == "" || in.StartsAt.IsZero() || !in.EndsAt.After(in.StartsAt) {
		return nil, false
	}
	return &Join{
		Organisation: org, Key: key, RoleKey: in.RoleKey, MeetingURL: in.MeetingURL, Title: in.Title,
		StartsAt: in.StartsAt.UTC(), EndsAt: in.EndsAt.UTC(), Lead: time.Duration(*in.LeadSeconds) * time.Second,
		State: armed, Fence: q.Fence,
	}, true
}

func (s *Simulator) cancelJoin(w http.ResponseWriter, r *http.Request, org string) {
	key := r.PathValue("key")
	s.Effect(w, r, org, "join "+key, func(q receiver.Request) receiver.Answer {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.settle()
		now := s.options.Now().UTC()
		j := s.joins[org+" "+key]
		if j == nil {
			j = &Join{Organisation: org, Key: key, State: armed} // so that it is cancelled below
			s.joins[org+" "+key] = j
		}
		j.Fence = q.Fence
		switch j.State {
		case done:
			return receiver.Refuse(http.StatusConflict, "join_over")
		case inCall:
			s.leave(j, now, cancelled, "cancelled")
			s.record("cancelled", j, nil)
		case armed, failed:
			j.State, j.Reason, j.CancelledAt = cancelled, "cancelled", now
			s.record("cancelled", j, nil)
		}
		return joinAnswer(j)
	})
}

func (s *Simulator) getJoin(w http.ResponseWriter, r *http.Request, org string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	j := s.joins[org+" "+r.PathValue("key")]
	if j == nil {
		receiver.Write(w, receiver.Refuse(http.StatusNotFound, "not_found"))
		return
	}
	receiver.Write(w, joinAnswer(j))
}

// joinAnswer is the join as the contract words it.
func joinAnswer(j *Join) receiver.Answer {
	body := map[string]any{"key": j.Key, "state": j.State, "fence": j.Fence}
	if j.Reason != "" {
		body["reason"] = j.Reason
	}
	for name, at := range map[string]time.Time{
		"starts_at": j.StartsAt, "ends_at": j.EndsAt, "armed_at": j.ArmedAt, "joined_at": j.JoinedAt,
		"left_at": j.LeftAt, "cancelled_at": j.CancelledAt, "failed_at": j.FailedAt,
	} {
		if !at.IsZero() {
			body[name] = at.UTC()
		}
	}
	return receiver.Answer{Status: http.StatusOK, Body: body}
}

func newID(prefix string) string {
	b := make([]byte, 6)
	_, _ = rand.Read(b) // never fails
	return prefix + hex.EncodeToString(b)
}
