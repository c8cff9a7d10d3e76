package e2e

import (
	"context"
	"fmt"
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/sandbox/smartrecruiters"
	"github.com/atshub/atshub/internal/sandbox/witness"
)

// The judges read what the simulators wrote down.

// mails are the invitations Fairec sent, by candidate of the ATS.
func (w *world) mails() map[string]int {
	return w.count(w.Fairec.Log(), "invitation_sent", "ats_candidate_id")
}

func (w *world) count(log *witness.Log, effect, field string) map[string]int {
	n := map[string]int{}
	for _, e := range log.Effects(effect) {
		n[fmt.Sprint(e.Fields[field])]++
	}
	return n
}

// moves are the moves the hub made in the ATS, by candidate.
func (w *world) moves() map[string]int { return w.byHub("moved") }

// reviews are the reviews the hub wrote in the ATS, by candidate.
func (w *world) reviews() map[string]int { return w.byHub("review created") }

func (w *world) byHub(effect string) map[string]int {
	n := map[string]int{}
	for _, e := range w.ATS.Record().Effects(effect) {
		if e.Data["by"] == "api" {
			n[e.Data["candidate"]]++
		}
	}
	return n
}

// exactlyOnce holds a count against the people it must hold, once each.
func (w *world) exactlyOnce(what string, got map[string]int, people []*candidate) {
	w.t.Helper()
	got = copyOf(got)
	lost, doubled := 0, 0
	for _, p := range people {
		switch got[p.CandidateID] {
		case 1:
		case 0:
			lost++
		default:
			doubled++
		}
		delete(got, p.CandidateID)
	}
	if lost+doubled+len(got) > 0 {
		w.t.Errorf("%s: of %d people %d lost, %d doubled; %d others", what, len(people), lost, doubled, len(got))
	}
}

func copyOf(m map[string]int) map[string]int {
	c := map[string]int{}
	for k, v := range m {
		c[k] = v
	}
	return c
}

// has tells that everybody is in the count.
func has(got map[string]int, people []*candidate) bool {
	return !slices.ContainsFunc(people, func(p *candidate) bool { return got[p.CandidateID] == 0 })
}

// deliveries are webhook deliveries by their answer.
func (w *world) deliveries() (all []smartrecruiters.Entry) {
	return w.ATS.Record().Entries(smartrecruiters.KindDelivery)
}

// settleDeliveries waits until every delivery of the ATS is acknowledged.
func (w *world) settleDeliveries() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	require.NoError(w.t, w.ATS.Settle(ctx))
}
