// Package capture decides which interview sessions a recorder joins. Preview
// and worker use the same functions. Pure.
package capture

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/workflow/rule"
)

// Facts is all a decision may look at. Link is of the session's job.
type Facts struct {
	Connection hub.Connection
	Link       hub.JobLink
	Slot       hub.Slot
	Join       *hub.Action // the earlier decision, if any
	SameCall   bool        // another session of this tenant joins the same call at the same time
	Now        time.Time
	EventID    string
}

// Readiness of a session.
const (
	Ready         = "ready"          // would be, or is, joined
	NotJoined     = "not_joined"     // rightly left alone
	NeedsDecision = "needs_decision" // a person must do something, or it will be missed
)

// Verdict is whether a session is to be joined and, if not, why.
type Verdict struct {
	Readiness string
	Reason    string
	Trail     []hub.Trail
}

// Judge asks the rules about one session.
func Judge(f Facts) Verdict {
	t := &rule.Trace{About: hub.Trail{
		TenantID: f.Connection.TenantID, ConnectionID: f.Connection.ID, JobID: f.Slot.JobID,
		CandidateID: f.Slot.CandidateID, InterviewID: f.Slot.InterviewID, EventID: f.EventID,
	}}
	t.Seen("the session in the ATS", fmt.Sprintf("starts %s, link %s", f.Slot.StartsAt.UTC().Format(time.RFC3339), presence(f.Slot.MeetingURL)))
	leave := func() Verdict { return Verdict{Readiness: NotJoined, Reason: t.Reason, Trail: t.Lines} }
	decide := func() Verdict { return Verdict{Readiness: NeedsDecision, Reason: t.Reason, Trail: t.Lines} }
	switch {
	case !t.Ask("the integration is installed", !f.Connection.State.Gone(), "the integration was uninstalled"),
		!t.Ask("the integration is not paused", f.Connection.State != hub.ConnectionPaused, "the integration is paused"),
		!t.Ask("the role is switched on", f.Link.State == hub.LinkOn, "the role is switched off"),
		!t.Ask("the session is still planned", !f.Slot.Cancelled, f.Slot.Reason),
		!t.Ask("the session has not ended", f.Slot.EndsAt.After(f.Now), "the session has ended"):
		return leave()
	case !t.Ask("the session has a meeting link", UsableLink(f.Slot.MeetingURL), "no meeting link: add one to the interview in the ATS"),
		!t.Ask("no other recorder of ours is in that call", !f.SameCall, "another session at the same time has the same meeting link"):
		return decide()
	}
	return Verdict{Readiness: Ready, Trail: t.Lines}
}

func presence(s string) string {
	if s == "" {
		return "missing"
	}
	return "present"
}

// UsableLink tells that a recorder can follow the link.
func UsableLink(link string) bool {
	u, err := url.Parse(link)
	return err == nil && u.Scheme == "https" && u.Hostname() != ""
}

// Change is what is to become of the join of a session.
type Change struct {
	Owe    *hub.Action // a join to be written for the first time
	Update *hub.Action // the earlier join, changed
	Ring   bool        // its work is due now
	Reason string
	Trail  []hub.Trail
}

// Decide turns the verdict about a session into a change of its join. Every
// instruction to the recorder gets a higher Gen, so that a late one of before
// is refused there.
func Decide(f Facts) Change {
	v := Judge(f)
	c := Change{Reason: v.Reason, Trail: v.Trail}
	if f.Join == nil {
		c.first(f, v)
		return c
	}
	join := *f.Join
	join.LinkID, join.EventID = f.Link.ID, f.EventID
	switch {
	case join.State == hub.ActionDone:
		// The recorder has been there: history.
	case join.State == hub.ActionMissed && (v.Readiness != Ready || payloadOf(join).SlotGen == f.Slot.Gen):
		// The time has passed; only a session that was moved gets another chance.
	case join.State == hub.ActionParked && join.Attempts > 0 && join.Op == hub.OpDo && v.Readiness == Ready && payloadOf(join).SlotGen == f.Slot.Gen:
		// Given up after failures: a person decides, not the next poll.
	case join.Actor != "" && v.Readiness != NotJoined && (join.Op == hub.OpUndo || join.State == hub.ActionCancelled):
		// A person took it back: only a person wants it again.
	case v.Readiness == Ready && (join.Op == hub.OpUndo || !join.State.Open() || payloadOf(join).SlotGen != f.Slot.Gen):
		join.Op, join.State, join.Reason, join.Gen = hub.OpDo, hub.ActionReady, "", join.Gen+1
		join.Payload = payload(f.Slot)
		c.Update, c.Ring = &join, true
	case v.Readiness != Ready && join.Op == hub.OpDo && join.State.Open() && everSent(join):
		join.Op, join.State, join.Reason, join.Gen = hub.OpUndo, hub.ActionReady, v.Reason, join.Gen+1
		c.Update, c.Ring = &join, true
	case v.Readiness != Ready && join.State != hub.ActionCancelled || join.Reason != v.Reason && v.Readiness == NeedsDecision:
		if join.Op == hub.OpUndo && join.State.Open() {
			break // is being taken back already
		}
		join.State, join.Reason = closed(v), v.Reason
		c.Update = &join
	}
	return c
}

func (c *Change) first(f Facts, v Verdict) {
	if v.Readiness == NotJoined {
		return
	}
	join := hub.Action{
		TenantID: f.Connection.TenantID, ConnectionID: f.Connection.ID, LinkID: f.Link.ID, Kind: hub.ActionJoin, Op: hub.OpDo,
		Key: hub.JoinKey(f.Slot.InterviewID, f.Slot.SessionID), Gen: 1, State: hub.ActionReady,
		JobID: f.Slot.JobID, CandidateID: f.Slot.CandidateID, Application: f.Slot.Application, SlotID: f.Slot.ID,
		EventID: f.EventID, Payload: payload(f.Slot),
	}
	if v.Readiness == NeedsDecision {
		join.State, join.Reason = hub.ActionParked, v.Reason
	}
	c.Owe = &join
}

func closed(v Verdict) hub.ActionState {
	if v.Readiness == NeedsDecision {
		return hub.ActionParked
	}
	return hub.ActionCancelled
}

// everSent tells that the recorder may know of the join.
func everSent(a hub.Action) bool { return a.Attempts > 0 || a.State != hub.ActionReady }

type joinPayload struct {
	SlotGen int64 `json:"slot_gen"`
	Again   bool  `json:"again,omitempty"` // the one more attempt was made
}

func payload(s hub.Slot) []byte {
	b, _ := json.Marshal(joinPayload{SlotGen: s.Gen}) // a number
	return b
}

func payloadOf(a hub.Action) (p joinPayload) {
	_ = json.Unmarshal(a.Payload, &p) // written here; anything else is generation 0 and decided anew
	return p
}

// SecondTry tells that the one more attempt at a join was made.
func SecondTry(a hub.Action) bool { return payloadOf(a).Again }

// TryAgain makes a join the one more attempt it gets when the recorder is not
// in the call.
func TryAgain(a *hub.Action) {
	p := payloadOf(*a)
	p.Again = true
	a.Payload, _ = json.Marshal(p) // a number and a flag
	a.State, a.Gen = hub.ActionReady, a.Gen+1
}

// Rereads are the instants at which a session is read again before it starts.
func Rereads(start, now time.Time) (next time.Time, ok bool) {
	for _, before := range []time.Duration{60 * time.Minute, 15 * time.Minute, 2 * time.Minute} {
		if at := start.Add(-before); at.After(now) {
			return at, true
		}
	}
	return time.Time{}, false
}

// Session is a session in a preview.
type Session struct {
	InterviewID string    `json:"interview_id"`
	SessionID   string    `json:"session_id"`
	JobID       string    `json:"job_id"`
	Title       string    `json:"title,omitempty"`
	StartsAt    time.Time `json:"starts_at"`
	EndsAt      time.Time `json:"ends_at"`
	Timezone    string    `json:"timezone,omitempty"`
	Readiness   string    `json:"readiness"`
	Reason      string    `json:"reason,omitempty"`
}

// Sessions is a preview: the sessions that switching on would join.
type Sessions struct {
	Rows      []Session `json:"rows"`
	WouldJoin int       `json:"would_join"`
	Digest    string    `json:"digest"`
}

// MakePreview judges sessions as if their roles were on. The digest covers
// what would be joined and when.
func MakePreview(c hub.Connection, slots []hub.Slot, now time.Time) Sessions {
	p := Sessions{Rows: []Session{}}
	h := sha256.New()
	for _, s := range slots {
		v := Judge(Facts{Connection: c, Link: hub.JobLink{State: hub.LinkOn}, Slot: s, Now: now})
		row := Session{InterviewID: s.InterviewID, SessionID: s.SessionID, JobID: s.JobID, Title: s.Title, StartsAt: s.StartsAt, EndsAt: s.EndsAt, Timezone: s.Timezone, Readiness: v.Readiness, Reason: v.Reason}
		if v.Readiness == Ready {
			p.WouldJoin++
			_, _ = fmt.Fprintln(h, s.JobID, s.InterviewID, s.SessionID, s.StartsAt.UnixMilli(), s.MeetingURL)
		}
		p.Rows = append(p.Rows, row)
	}
	p.Digest = hex.EncodeToString(h.Sum(nil)[:16])
	return p
}
