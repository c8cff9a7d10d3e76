package service

import (
	"context"
	"slices"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/store"
)

// Explanation is everything about one candidate of a job, or one interview:
// what was seen, each rule and its verdict, each row of the ledger, each call,
// each human act, in order.
type Explanation struct {
	Application *Application `json:"application,omitempty"`
	Sessions    []Interview  `json:"sessions"`
	Actions     []ActionView `json:"actions"`
	Trail       []hub.Trail  `json:"trail"`
}

// ExplainQuery says what is to be explained: a candidate of a job, or an interview.
type ExplainQuery struct {
	ConnectionID, CandidateID, JobID, InterviewID string
}

// maxTrail bounds an explanation; a story of more lines is read by its events.
const maxTrail = 2000

// Explain tells the whole story in order.
func (s *Service) Explain(ctx context.Context, a hub.Actor, q ExplainQuery) (e Explanation, err error) {
	if err := s.need(a, View); err != nil {
		return e, err
	}
	switch {
	case q.InterviewID == "" && (q.CandidateID == "" || q.JobID == ""):
		return e, hub.Invalid("query.candidate", "give candidate and job, or interview")
	case q.InterviewID != "" && q.CandidateID+q.JobID != "":
		return e, hub.Invalid("query.interview", "give candidate and job, or interview")
	}
	e = Explanation{Sessions: []Interview{}, Actions: []ActionView{}, Trail: []hub.Trail{}}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		if _, err := tx.Connection(a.TenantID, q.ConnectionID); err != nil {
			return err
		}
		if q.InterviewID != "" {
			err = e.interview(tx, a.TenantID, q)
		} else {
			err = e.candidate(tx, a.TenantID, q)
		}
		if err != nil {
			return err
		}
		filter := store.TrailFilter{ConnectionID: q.ConnectionID, JobID: q.JobID, CandidateID: q.CandidateID, InterviewID: q.InterviewID}
		return e.trail(tx, a.TenantID, filter)
	})
	if err == nil && e.Application == nil && len(e.Sessions)+len(e.Actions)+len(e.Trail) == 0 {
		return e, hub.NotFound("candidate or interview")
	}
	return e, err
}

func (e *Explanation) candidate(tx *store.Tx, tenant string, q ExplainQuery) error {
	app, err := tx.Application(tenant, q.ConnectionID, q.JobID, q.CandidateID)
	switch {
	case err == nil:
		var triggers []hub.Trigger
		if link, err := tx.LinkOfJob(tenant, q.ConnectionID, q.JobID); err == nil {
			if triggers, err = tx.Triggers(tenant, link.ID); err != nil {
				return err
			}
		}
		v, err := applicationView(tx, app, triggers)
		if err != nil {
			return err
		}
		e.Application = &v
	case hub.CodeOf(err) != hub.CodeNotFound:
		return err
	}
	actions, err := tx.ActionsOf(tenant, q.JobID, q.CandidateID)
	for _, action := range actions {
		e.Actions = append(e.Actions, actionView(action))
	}
	return err
}

func (e *Explanation) interview(tx *store.Tx, tenant string, q ExplainQuery) error {
	slots, err := tx.SlotsOfInterview(tenant, q.ConnectionID, q.InterviewID)
	for _, slot := range slots {
		v, err := interviewView(tx, slot, nil)
		if err != nil {
			return err
		}
		e.Sessions = append(e.Sessions, v)
		if v.Join != nil {
			e.Actions = append(e.Actions, *v.Join)
		}
	}
	return err
}

// trail is what was written about the thing, and what was written about its
// actions without naming it.
func (e *Explanation) trail(tx *store.Tx, tenant string, f store.TrailFilter) error {
	seen := map[string]bool{}
	add := func(f store.TrailFilter) error {
		for after := ""; len(e.Trail) < maxTrail; {
			lines, err := tx.TrailOf(tenant, f, store.Page{After: after, Limit: 200})
			if err != nil {
				return err
			}
			for _, l := range lines {
				after = l.ID
				if !seen[l.ID] {
					seen[l.ID] = true
					e.Trail = append(e.Trail, l)
				}
			}
			if len(lines) < 200 {
				return nil
			}
		}
		return nil
	}
	if err := add(f); err != nil {
		return err
	}
	for _, action := range e.Actions {
		if err := add(store.TrailFilter{ActionID: action.ID}); err != nil {
			return err
		}
	}
	slices.SortStableFunc(e.Trail, func(a, b hub.Trail) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return nil
}
