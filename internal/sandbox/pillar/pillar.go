// Package pillar simulates a capture product: it fulfils the capture contract
// strictly, sends its recorders into calls by its own clock and keeps its own
// record of what it received and did. It shares no type with the hub.
package pillar

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/atshub/atshub/internal/sandbox/receiver"
	"github.com/atshub/atshub/internal/sandbox/witness"
)

// Options of a simulator.
type Options struct {
	Token  string           // the service token it accepts
	Now    func() time.Time // its own clock; nil = the wall clock
	Record string           // file of the record; "" = memory only
	Seed   uint64           // for faults with a rate
}

// Settings are an organisation's engagement settings.
type Settings struct {
	Record           bool `json:"record"`
	Transcribe       bool `json:"transcribe"`
	MailCandidates   bool `json:"mail_candidates"`
	MailInterviewers bool `json:"mail_interviewers"`
}

// Join states.
const (
	armed     = "armed"
	inCall    = "in_call"
	done      = "done"
	cancelled = "cancelled"
	failed    = "failed"
)

// Join is a join as the recorder holds it. Times that have not come are zero.
type Join struct {
	Organisation, Key string
	RoleKey           string
	MeetingURL, Title string
	StartsAt, EndsAt  time.Time
	Lead              time.Duration
	State, Reason     string
	Fence             int64

	ArmedAt, JoinedAt, LeftAt, CancelledAt, FailedAt time.Time
}

// due is when the recorder has to do something by itself; zero = never.
func (j *Join) due() time.Time {
	switch j.State {
	case armed:
		return j.StartsAt.Add(-j.Lead)
	case inCall:
		return j.EndsAt
	}
	return time.Time{}
}

// before tells that j is due before o; at the same instant recorders leave
// before others come.
func (j *Join) before(o *Join) bool {
	if c := j.due().Compare(o.due()); c != 0 {
		return c < 0
	}
	if (j.State == inCall) != (o.State == inCall) {
		return j.State == inCall
	}
	return j.Organisation+" "+j.Key < o.Organisation+" "+o.Key
}

type role struct {
	id      string
	engaged bool
}

// Simulator is the product. Safe for concurrent use.
type Simulator struct {
	*receiver.Receiver // IgnoreKeys, Inject, Clear
	log                *witness.Log
	options            Options
	handler            http.Handler
	wake               chan struct{} // something may be due earlier

	mu        sync.Mutex
	settings  map[string]Settings
	roles     map[string]role
	joins     map[string]*Join
	failures  int
	failCause string
}

// New is a product without customers.
func New(o Options) (*Simulator, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	log, err := witness.New("pillar", o.Record, o.Now)
	if err != nil {
		return nil, err
	}
	s := &Simulator{
		Receiver: receiver.New(o.Now, o.Seed), log: log, options: o, wake: make(chan struct{}, 1),
		settings: map[string]Settings{}, roles: map[string]role{}, joins: map[string]*Join{},
	}
	s.handler = log.Middleware(s.Faults(s.routes()))
	return s, nil
}

// ServeHTTP answers the contract.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Log is the record.
func (s *Simulator) Log() *witness.Log { return s.log }

// SetOrganisation adds an organisation, or changes its settings.
func (s *Simulator) SetOrganisation(id string, settings Settings) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settings[id] = settings
}

// FailJoins keeps the recorder out of the next n calls it tries to enter, for
// the reason: "waiting_room", "meeting_not_found".
func (s *Simulator) FailJoins(n int, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures, s.failCause = n, reason
}

// Joins are all joins ever heard of, by start; those that were only ever
// cancelled come first.
func (s *Simulator) Joins() []Join {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Join, 0, len(s.joins))
	for _, j := range s.joins {
		all = append(all, *j)
	}
	slices.SortFunc(all, func(a, b Join) int { return a.StartsAt.Compare(b.StartsAt) })
	return all
}

// Run sends recorders in and out as their times come, until ctx ends.
func (s *Simulator) Run(ctx context.Context) {
	for ctx.Err() == nil {
		wait := s.Settle()
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-time.After(wait):
		}
	}
}

// longest is how long Run waits at most: its clock may be one that is set.
const longest = 200 * time.Millisecond

// Settle does everything that is due by now, in order of time, and tells how
// long nothing will be. Run calls it; a test with a clock of its own may too.
func (s *Simulator) Settle() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settle()
}

func (s *Simulator) settle() time.Duration {
	for {
		now := s.options.Now().UTC()
		var first *Join
		for _, j := range s.joins {
			if !j.due().IsZero() && (first == nil || j.before(first)) {
				first = j
			}
		}
		switch {
		case first == nil:
			return longest
		case first.due().After(now):
			return min(first.due().Sub(now), longest)
		case first.State == inCall:
			s.leave(first, now, done, "")
		default:
			s.enter(first, now)
		}
	}
}

// enter sends the recorder into the call, if it may and can.
func (s *Simulator) enter(j *Join, now time.Time) {
	switch {
	case j.RoleKey != "" && !s.roles[j.Organisation+" "+j.RoleKey].engaged:
		j.State, j.Reason, j.CancelledAt = cancelled, "role_disengaged", now
		s.record("cancelled", j, nil)
		return
	case !now.Before(j.EndsAt):
		j.State, j.Reason, j.FailedAt = failed, "session_over", now
		s.record("failed", j, nil)
		return
	case s.failures > 0:
		s.failures--
		j.State, j.Reason, j.FailedAt = failed, s.failCause, now
		s.record("failed", j, nil)
		return
	}
	due := j.due()
	j.State, j.Reason, j.JoinedAt, j.LeftAt = inCall, "", now, time.Time{}
	s.record("joined", j, map[string]any{"due": due, "late_ms": now.Sub(due).Milliseconds()})
	for _, other := range s.joins {
		if other != j && other.State == inCall && other.Organisation == j.Organisation && other.MeetingURL == j.MeetingURL {
			s.record("two_recorders", j, map[string]any{"other": other.Key})
		}
	}
}

// leave takes the recorder out of the call.
func (s *Simulator) leave(j *Join, now time.Time, state, reason string) {
	j.State, j.Reason, j.LeftAt = state, reason, now
	if state == cancelled {
		j.CancelledAt = now
	}
	s.record("left", j, nil)
}

// record writes a line about a join.
func (s *Simulator) record(effect string, j *Join, more map[string]any) {
	fields := map[string]any{
		"organisation": j.Organisation, "key": j.Key, "role_key": j.RoleKey, "state": j.State, "fence": j.Fence,
		"meeting_url": j.MeetingURL, "title": j.Title, "starts_at": j.StartsAt, "ends_at": j.EndsAt,
	}
	if j.Reason != "" {
		fields["reason"] = j.Reason
	}
	for k, v := range more {
		fields[k] = v
	}
	s.log.Effect(effect, fields)
}

func (s *Simulator) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
