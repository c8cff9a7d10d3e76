// Package screening decides what a screening product's tenant asked for: whom
// to invite, whom to move, which review to write. Preview and worker use the
// same functions, so that what a person was shown is what happens. Pure.
package screening

import (
	"fmt"
	"strings"
	"time"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/workflow/rule"
	"github.com/atshub/atshub/sdk"
)

// Facts is all a decision may look at.
type Facts struct {
	Connection  hub.Connection
	Link        hub.JobLink
	Triggers    []hub.Trigger
	Application sdk.Application   // as the ATS has it now
	History     []sdk.StageChange // oldest first; empty where the ATS does not tell
	Ledger      []hub.Action      // everything ever owed about this candidate and job
	Event       hub.Event
}

func (f Facts) trace() *rule.Trace {
	return &rule.Trace{About: hub.Trail{
		TenantID: f.Connection.TenantID, ConnectionID: f.Connection.ID, JobID: f.Link.JobID,
		CandidateID: f.candidate(), EventID: f.Event.ID,
	}}
}

func (f Facts) candidate() string {
	if f.Application.Candidate.ID != "" {
		return f.Application.Candidate.ID
	}
	return f.Event.CandidateID
}

func (f Facts) action(kind hub.ActionKind, key string) hub.Action {
	return hub.Action{
		TenantID: f.Connection.TenantID, ConnectionID: f.Connection.ID, LinkID: f.Link.ID, Kind: kind, Op: hub.OpDo, Key: key,
		Gen: f.Link.Gen, State: hub.ActionReady, JobID: f.Link.JobID, CandidateID: f.candidate(), Application: f.Application.ID, EventID: f.Event.ID,
	}
}

func (f Facts) ledger(key string) (hub.Action, bool) {
	for _, a := range f.Ledger {
		if a.Key == key {
			return a, true
		}
	}
	return hub.Action{}, false
}

// Invitation is the mail-invitation trigger among triggers.
func Invitation(triggers []hub.Trigger) (hub.Trigger, bool) {
	for _, g := range triggers {
		if g.Kind == hub.TriggerMailInvitation {
			return g, true
		}
	}
	return hub.Trigger{}, false
}

// StatusSync is the trigger that waits for a product status.
func StatusSync(triggers []hub.Trigger, status string) (hub.Trigger, bool) {
	for _, g := range triggers {
		if g.Kind == hub.TriggerStatusSync && g.Status == status {
			return g, true
		}
	}
	return hub.Trigger{}, false
}

// OnApplication decides whether a candidate whose application may have changed
// is to be invited now.
func OnApplication(f Facts) rule.Decision {
	t := f.trace()
	t.Seen("the application in the ATS", "stage "+f.Application.StageID+", "+f.Application.Status.Value)
	if !t.Ask("the job is switched on", f.Link.State == hub.LinkOn, "left alone: the job is switched off") {
		return t.Skip()
	}
	trigger, has := Invitation(f.Triggers)
	if !t.Ask("the job has a mail invitation", has, "left alone: the job has no mail invitation") {
		return t.Skip()
	}
	arrivals := f.arrivals(trigger.StageID)
	if !t.Ask("the candidate has reached "+trigger.StageName, arrivals > 0, "left alone: is not at "+trigger.StageName) {
		return t.Skip()
	}
	if !t.Ask("someone other than us moved the candidate there", arrivals > f.ownMoves(trigger.StageID),
		"left alone: our own status sync moved the candidate to "+trigger.StageName) {
		return t.Skip()
	}
	ended := f.Application.Status.Value != sdk.ApplicationActive && f.Application.StageID != trigger.StageID
	if !t.Ask("the application has not ended since", !ended, "left alone: the application has ended ("+f.Application.Status.Value+")") {
		return t.Skip()
	}
	key := hub.InviteKey(f.Link.JobID, f.candidate())
	if earlier, ok := f.ledger(key); ok {
		t.Ledger(earlier)
		if !t.Ask("it is the first time", Revivable(earlier, f.Link), earlierWords(earlier)) {
			return t.Skip()
		}
	}
	invite := f.action(hub.ActionInvite, key)
	invite.TriggerID, invite.Target = trigger.ID, trigger.StageID
	return t.Act("invited: reached "+trigger.StageName+" for the first time", invite)
}

// NeedsHistory tells that OnApplication cannot decide on the present stage
// alone: the candidate may have been at the stage and left, or we may have
// moved them there ourselves. It saves the ATS a call for everyone else.
func NeedsHistory(f Facts) bool {
	trigger, has := Invitation(f.Triggers)
	if !has || f.Link.State != hub.LinkOn {
		return false
	}
	if earlier, ok := f.ledger(hub.InviteKey(f.Link.JobID, f.candidate())); ok && !Revivable(earlier, f.Link) {
		return false
	}
	return f.Application.StageID != trigger.StageID || f.ownMoves(trigger.StageID) > 0
}

// Revivable tells that an earlier act never happened and nobody decided it
// should not: it was only cancelled because the job was off at the time, and
// the job has been switched on again since, perhaps by a new installation.
func Revivable(a hub.Action, l hub.JobLink) bool {
	return a.State == hub.ActionCancelled && a.Actor == "" && (a.Gen < l.Gen || a.ConnectionID != l.ConnectionID)
}

func earlierWords(a hub.Action) string {
	switch a.State {
	case hub.ActionDone:
		return "left alone: was invited before, on " + a.UpdatedAt.UTC().Format("2 January 2006")
	case hub.ActionSkipped:
		return "left alone: " + a.Reason
	case hub.ActionParked:
		return "waits for a person: " + a.Reason
	case hub.ActionCancelled:
		return "left alone: " + a.Reason
	}
	return "left alone: is being invited already"
}

// arrivals counts how often the candidate came to the stage in the time the
// decision is about: being there now counts at least once, since everyone who
// was there at activation has a row in the ledger; earlier visits count only
// when they began after the job was switched on.
func (f Facts) arrivals(stage string) int {
	n := 0
	for _, c := range f.History {
		if c.StageID == stage && f.Link.ActivatedAt != nil && !c.ChangedAt.Before(*f.Link.ActivatedAt) {
			n++
		}
	}
	if f.Application.StageID == stage && n == 0 {
		return 1
	}
	return n
}

// ownMoves counts our moves of the candidate to the stage that may have
// reached the ATS.
func (f Facts) ownMoves(stage string) int {
	n := 0
	for _, a := range f.Ledger {
		moved := a.State == hub.ActionDone || a.State == hub.ActionSending || a.State == hub.ActionUncertain
		since := f.Link.ActivatedAt == nil || !a.UpdatedAt.Before(*f.Link.ActivatedAt) // as arrivals are counted
		if a.Kind == hub.ActionMove && a.Target == stage && moved && since && a.Outcome != sdk.MoveAlreadyThere {
			n++
		}
	}
	return n
}

// OnStatus decides whether a candidate who has a product status is to be moved.
func OnStatus(f Facts, status string) rule.Decision {
	t := f.trace()
	t.Seen("the product", "status "+status)
	if !t.Ask("the job is switched on", f.Link.State == hub.LinkOn, "left alone: the job is switched off") {
		return t.Skip()
	}
	trigger, has := StatusSync(f.Triggers, status)
	if !t.Ask("the job has a status sync for "+status, has, "left alone: no status sync for "+status) {
		return t.Skip()
	}
	key := hub.MoveKey(f.Link.JobID, f.candidate(), status)
	if earlier, ok := f.ledger(key); ok {
		t.Ledger(earlier)
		if !t.Ask("it is the first time", Revivable(earlier, f.Link), "not moved again: had "+status+" before") {
			return t.Skip()
		}
	}
	move := f.action(hub.ActionMove, key)
	move.TriggerID, move.Target = trigger.ID, trigger.StageID
	move.Payload = []byte(fmt.Sprintf(`{"status":%q}`, status))
	return t.Act("moved to "+trigger.StageName+": has "+status+" for the first time", move)
}

// OnResult decides whether a result of the product is to be written as a review.
func OnResult(f Facts, resultID string) rule.Decision {
	t := f.trace()
	t.Seen("the product", "a result")
	if !t.Ask("the job is switched on", f.Link.State == hub.LinkOn, "not written: the job is switched off") {
		return t.Skip()
	}
	key := hub.ReviewKey(f.Link.JobID, f.candidate(), resultID)
	if earlier, ok := f.ledger(key); ok {
		t.Ledger(earlier)
		if !t.Ask("it was not written before", Revivable(earlier, f.Link), "not written again: this result was handled before") {
			return t.Skip()
		}
	}
	review := f.action(hub.ActionReview, key)
	review.Target = resultID
	return t.Act("review written", review)
}

// Gate says what is to become of an action about to be begun, under the rules
// of now.
type Gate struct {
	Go     bool
	State  hub.ActionState // when not Go: cancelled, skipped, parked
	Reason string
}

// MayBegin is the gate every screening act passes in its claim. An invitation
// that an event caused needs its trigger as it was; one a person asked for does not.
func MayBegin(c hub.Connection, l hub.JobLink, triggers []hub.Trigger, a hub.Action) Gate {
	switch {
	case c.State.Gone():
		return Gate{State: hub.ActionCancelled, Reason: "the integration was uninstalled"}
	case l.State != hub.LinkOn:
		return Gate{State: hub.ActionCancelled, Reason: "the job is switched off"}
	}
	if a.Kind == hub.ActionInvite && a.Actor == "" && a.PlanID == "" {
		if trigger, ok := Invitation(triggers); !ok || trigger.StageID != a.Target {
			return Gate{State: hub.ActionCancelled, Reason: "the mail invitation was set to another stage"}
		}
	}
	return Gate{Go: true}
}

// Move is what a move looks like once the application was read: where from,
// where to.
type Move struct {
	From, To string
	Done     bool // is there already
	Skip     string
	Park     bool // Skip is for a person to mend
}

// PlanMove decides a move under the triggers of now and the application as it
// is: the stage of today's trigger counts, an ended application is not
// reopened, a stage that ends it needs the owner's tick.
func PlanMove(triggers []hub.Trigger, stages []sdk.Stage, status string, app sdk.Application) Move {
	trigger, ok := StatusSync(triggers, status)
	if !ok {
		return Move{Skip: "the status sync for " + status + " was removed"}
	}
	m := Move{From: app.StageID, To: trigger.StageID, Done: app.StageID == trigger.StageID}
	if m.Done {
		return m
	}
	stage, known := FindStage(stages, trigger.StageID)
	switch {
	case !known:
		m.Skip, m.Park = "the stage "+trigger.StageName+" no longer exists in the ATS", true
	case stage.Terminal && !trigger.AllowTerminal:
		m.Skip = trigger.StageName + " ends the application and was not allowed for this trigger"
	case app.Status.Value != sdk.ApplicationActive:
		m.Skip = "the application has ended in the ATS (" + app.Status.Value + ") and is not reopened"
	}
	return m
}

// LostStages says which triggers name a stage the ATS no longer has, "" if
// none: renaming a sub-stage there breaks a trigger without a word.
func LostStages(triggers []hub.Trigger, stages []sdk.Stage) string {
	var lost []string
	for _, g := range triggers {
		if _, ok := FindStage(stages, g.StageID); !ok {
			lost = append(lost, g.StageName)
		}
	}
	if len(lost) == 0 {
		return ""
	}
	return "no longer in the ATS, perhaps renamed: " + strings.Join(lost, ", ") + ". Set the triggers anew."
}

// FindStage finds a stage by its id.
func FindStage(stages []sdk.Stage, id string) (sdk.Stage, bool) {
	for _, s := range stages {
		if s.ID == id {
			return s, true
		}
	}
	return sdk.Stage{}, false
}

// Since is when the application came to its stage, as well as it is known.
func Since(app sdk.Application, history []sdk.StageChange) *time.Time {
	if app.StageEnteredAt != nil {
		return app.StageEnteredAt
	}
	for i := len(history) - 1; i >= 0; i-- {
		if history[i].StageID == app.StageID {
			return &history[i].ChangedAt
		}
	}
	return nil
}
