package service

import (
	"context"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the zones are known wherever the program runs

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/internal/workflow/capture"
)

// Event is a fact heard or found, and what became of it. Bodies are not shown.
type Event struct {
	ID            string          `json:"id"`
	ConnectionID  string          `json:"connection_id"`
	Source        string          `json:"source" doc:"webhook, poll, deliveries, product, activation"`
	Kind          string          `json:"kind"`
	SourceName    string          `json:"source_name,omitempty" doc:"the sender's own name of it"`
	JobID         string          `json:"job_id,omitempty"`
	CandidateID   string          `json:"candidate_id,omitempty"`
	ApplicationID string          `json:"application_id,omitempty"`
	InterviewID   string          `json:"interview_id,omitempty"`
	Status        string          `json:"status,omitempty" doc:"product status, or result id"`
	Disposition   hub.Disposition `json:"disposition,omitempty" doc:"acted, skipped, parked; absent while open"`
	Reason        string          `json:"reason,omitempty"`
	ReceivedAt    time.Time       `json:"received_at"`
	OccurredAt    *time.Time      `json:"occurred_at,omitempty"`
	SettledAt     *time.Time      `json:"settled_at,omitempty"`
}

func eventView(e hub.Event) Event {
	return Event{
		ID: e.ID, ConnectionID: e.ConnectionID, Source: e.Source, Kind: e.Kind, SourceName: e.SourceName, JobID: e.JobID,
		CandidateID: e.CandidateID, ApplicationID: e.Application, InterviewID: e.InterviewID, Status: e.Status,
		Disposition: e.Disposition, Reason: e.Reason, ReceivedAt: e.ReceivedAt, OccurredAt: e.OccurredAt, SettledAt: e.SettledAt,
	}
}

// Events lists a tenant's events, newest first.
func (s *Service) Events(ctx context.Context, a hub.Actor, f store.EventFilter, page Page) (l List[Event], err error) {
	if err := s.need(a, View); err != nil {
		return l, err
	}
	p := page.of()
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		rows, err := tx.Events(a.TenantID, f, p)
		l = listOf(p, rows, func(e hub.Event) string { return e.ID }, eventView)
		return err
	})
	return l, err
}

// Event is one event.
func (s *Service) Event(ctx context.Context, a hub.Actor, id string) (v Event, err error) {
	if err := s.need(a, View); err != nil {
		return v, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		e, err := tx.Event(a.TenantID, id)
		v = eventView(e)
		return err
	})
	return v, err
}

// Interview is a session to come, and whether it will be joined.
type Interview struct {
	ID            string      `json:"id" doc:"the hub's id of the session"`
	ConnectionID  string      `json:"connection_id"`
	LinkID        string      `json:"job_link_id"`
	JobID         string      `json:"job_id"`
	InterviewID   string      `json:"interview_id"`
	SessionID     string      `json:"session_id"`
	CandidateID   string      `json:"candidate_id,omitempty"`
	Title         string      `json:"title,omitempty"`
	StartsAt      time.Time   `json:"starts_at"`
	EndsAt        time.Time   `json:"ends_at"`
	Timezone      string      `json:"timezone,omitempty" doc:"as the ATS gave it"`
	StartsAtLocal string      `json:"starts_at_local,omitempty" doc:"in the time zone asked for"`
	HasLink       bool        `json:"has_meeting_link"`
	Readiness     string      `json:"readiness" doc:"ready, not_joined, needs_decision"`
	Reason        string      `json:"reason,omitempty"`
	Join          *ActionView `json:"join,omitempty"`
}

// InterviewQuery narrows Interviews.
type InterviewQuery struct {
	ConnectionID string
	From         time.Time
	Timezone     string
	Page         Page
}

// Zone is the time zone of an IANA name. The machine's own and the empty name
// are refused: they are not the person's.
func Zone(name string) (*time.Location, error) {
	if name == "Local" || strings.TrimSpace(name) == "" {
		return nil, hub.Invalid("timezone", "must be an IANA name such as Europe/Berlin")
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, hub.Invalid("timezone", "must be an IANA name such as Europe/Berlin")
	}
	return zone, nil
}

// Interviews lists sessions to come, soonest first.
func (s *Service) Interviews(ctx context.Context, a hub.Actor, q InterviewQuery) (l List[Interview], err error) {
	if err := s.need(a, View); err != nil {
		return l, err
	}
	var zone *time.Location
	if q.Timezone != "" {
		if zone, err = Zone(q.Timezone); err != nil {
			return l, err
		}
	}
	p, from := q.Page.of(), q.From
	if from.IsZero() {
		from = s.now()
	}
	if p.After != "" {
		if from, p.After, err = slotCursor(p.After); err != nil {
			return l, err
		}
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		rows, err := tx.Slots(a.TenantID, q.ConnectionID, from, p)
		if err != nil {
			return err
		}
		l = List[Interview]{Items: make([]Interview, 0, len(rows))}
		for _, slot := range rows {
			v, err := interviewView(tx, slot, zone)
			if err != nil {
				return err
			}
			l.Items = append(l.Items, v)
		}
		if n := len(rows); n == p.Limit {
			l.Next = strconv.FormatInt(rows[n-1].StartsAt.UnixMilli(), 10) + "." + rows[n-1].ID
		}
		return nil
	})
	return l, err
}

func slotCursor(cursor string) (time.Time, string, error) {
	at, id, ok := strings.Cut(cursor, ".")
	ms, err := strconv.ParseInt(at, 10, 64)
	if !ok || err != nil {
		return time.Time{}, "", hub.Invalid("cursor", "is not one of this list")
	}
	return time.UnixMilli(ms).UTC(), id, nil
}

func interviewView(tx *store.Tx, slot hub.Slot, zone *time.Location) (Interview, error) {
	v := Interview{
		ID: slot.ID, ConnectionID: slot.ConnectionID, LinkID: slot.LinkID, JobID: slot.JobID, InterviewID: slot.InterviewID,
		SessionID: slot.SessionID, CandidateID: slot.CandidateID, Title: slot.Title, StartsAt: slot.StartsAt, EndsAt: slot.EndsAt,
		Timezone: slot.Timezone, HasLink: slot.MeetingURL != "",
	}
	if zone != nil {
		v.StartsAtLocal = slot.StartsAt.In(zone).Format("2006-01-02T15:04:05-07:00")
	}
	f := capture.Facts{Slot: slot, Now: tx.Now()}
	var err error
	if f.Connection, err = tx.Connection(slot.TenantID, slot.ConnectionID); err != nil {
		return v, err
	}
	if f.Link, err = tx.Link(slot.TenantID, slot.LinkID); err != nil && hub.CodeOf(err) != hub.CodeNotFound {
		return v, err
	}
	others, err := tx.InSameCall(slot, 0)
	if err != nil {
		return v, err
	}
	f.SameCall = len(others) > 0
	verdict := capture.Judge(f)
	v.Readiness, v.Reason = verdict.Readiness, verdict.Reason
	join, err := tx.JoinOfSlot(slot.TenantID, slot.ID)
	switch {
	case err == nil:
		view := actionView(join)
		v.Join = &view
	case hub.CodeOf(err) != hub.CodeNotFound:
		return v, err
	}
	return v, nil
}
