// Package rule is how a workflow decides and explains at once: a decision asks
// its rules in order, every verdict becomes a line of the trail, and the first
// "no" is the reason. Pure: no clock, no database, no network.
package rule

import "github.com/atshub/atshub/internal/hub"

// Trace collects verdicts about one thing.
type Trace struct {
	About  hub.Trail // tenant, connection, job, candidate, interview, event: copied into every line
	Lines  []hub.Trail
	Reason string // of the first "no"
}

// Ask records a rule's verdict and answers it. Reason says, in plain words,
// what a "no" means to a person.
func (t *Trace) Ask(what string, yes bool, reason string) bool {
	line := t.About
	line.Kind, line.What, line.Verdict = hub.TrailRule, what, "yes"
	if !yes {
		line.Verdict, line.Detail = "no", reason
		if t.Reason == "" {
			t.Reason = reason
		}
	}
	t.Lines = append(t.Lines, line)
	return yes
}

// Seen records a fact the rules looked at.
func (t *Trace) Seen(what, detail string) {
	line := t.About
	line.Kind, line.What, line.Detail = hub.TrailSeen, what, detail
	t.Lines = append(t.Lines, line)
}

// Ledger records a row that decided.
func (t *Trace) Ledger(a hub.Action) {
	line := t.About
	line.Kind, line.ActionID, line.What, line.Verdict, line.Detail = hub.TrailLedger, a.ID, string(a.Kind), string(a.State), a.Reason
	t.Lines = append(t.Lines, line)
}

// Decision is what a workflow concluded about an event.
type Decision struct {
	Disposition hub.Disposition
	Reason      string
	Owe         []hub.Action
	Trail       []hub.Trail
}

// Skip is the decision not to act, for the first "no" of the trace.
func (t *Trace) Skip() Decision {
	return Decision{Disposition: hub.DispositionSkipped, Reason: t.Reason, Trail: t.Lines}
}

// Act is the decision to owe actions.
func (t *Trace) Act(reason string, owe ...hub.Action) Decision {
	return Decision{Disposition: hub.DispositionActed, Reason: reason, Owe: owe, Trail: t.Lines}
}
