package screening

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/sdk"
)

// Verdicts of a preview row.
const (
	WouldInvite = "would_invite" // if chosen
	WasInvited  = "was_invited"  // before; never again by itself
	CannotReach = "cannot_reach" // the product would refuse
)

// Person is one person already at the invitation stage.
type Person struct {
	CandidateID   string     `json:"candidate_id"`
	ApplicationID string     `json:"application_id,omitempty"`
	Name          string     `json:"name"`
	StageID       string     `json:"stage_id"`
	Since         *time.Time `json:"since,omitempty"`
	Verdict       string     `json:"verdict"`
	Why           string     `json:"why,omitempty"`
}

// People is a preview: everyone already at the invitation stage and what choosing them
// would do.
type People struct {
	Rows        []Person `json:"rows"`
	WouldInvite int      `json:"would_invite"`
	Digest      string   `json:"digest"`
}

// PreviewInput is what a preview is made from. Applications are all of the
// job; Ledger holds what was ever owed, by candidate id.
type PreviewInput struct {
	Connection   hub.Connection
	JobID        string
	Triggers     []hub.Trigger
	Applications []sdk.Application
	Ledger       map[string][]hub.Action
}

// MakePreview lists everyone already at the stage of the mail invitation. Its
// digest changes exactly when someone enters or leaves the stage, or when what
// would happen to someone changes, or the triggers do.
func MakePreview(in PreviewInput) People {
	p := People{Rows: []Person{}}
	trigger, ok := Invitation(in.Triggers)
	for _, app := range in.Applications {
		if !ok || app.StageID != trigger.StageID {
			continue
		}
		row := Person{CandidateID: app.Candidate.ID, ApplicationID: app.ID, Name: FullName(app.Candidate), StageID: app.StageID, Since: app.StageEnteredAt, Verdict: WouldInvite}
		key := hub.InviteKey(in.JobID, app.Candidate.ID)
		for _, a := range in.Ledger[app.Candidate.ID] {
			if a.Key == key && a.State != hub.ActionSkipped && a.State != hub.ActionCancelled {
				row.Verdict, row.Why = WasInvited, earlierWords(a)
			}
		}
		if row.Verdict == WouldInvite && app.Candidate.Email == "" {
			row.Verdict, row.Why = CannotReach, "e-mail address is missing for this candidate"
		}
		if row.Verdict == WouldInvite {
			p.WouldInvite++
		}
		p.Rows = append(p.Rows, row)
	}
	slices.SortFunc(p.Rows, func(a, b Person) int { return strings.Compare(a.CandidateID, b.CandidateID) })
	p.Digest = digest(in.Triggers, p.Rows)
	return p
}

func digest(triggers []hub.Trigger, rows []Person) string {
	type rule struct {
		Kind          hub.TriggerKind
		Status, Stage string
		Terminal      bool
	}
	type person struct{ ID, Verdict string }
	var covered struct {
		Rules  []rule
		People []person
	}
	for _, g := range triggers {
		covered.Rules = append(covered.Rules, rule{g.Kind, g.Status, g.StageID, g.AllowTerminal})
	}
	for _, r := range rows {
		covered.People = append(covered.People, person{r.CandidateID, r.Verdict})
	}
	b, _ := json.Marshal(covered) // only strings and booleans
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:16])
}

// Backfill turns a choice about those already there into ledger rows: the
// chosen are owed an invitation, everyone else gets a row that keeps them from
// ever being invited by themselves. chosen counts only for BackfillChosen.
func Backfill(c hub.Connection, l hub.JobLink, trigger hub.Trigger, p People, choice string, chosen []string) []hub.Action {
	var all []hub.Action
	for _, r := range p.Rows {
		if r.Verdict == WasInvited {
			continue
		}
		a := hub.Action{
			TenantID: c.TenantID, ConnectionID: c.ID, LinkID: l.ID, Kind: hub.ActionInvite, Op: hub.OpDo, Gen: l.Gen,
			Key: hub.InviteKey(l.JobID, r.CandidateID), JobID: l.JobID, CandidateID: r.CandidateID,
			Application: r.ApplicationID, TriggerID: trigger.ID, Target: trigger.StageID,
			State: hub.ActionSkipped, Reason: "was at " + trigger.StageName + " before activation",
		}
		if choice == hub.BackfillEveryone || choice == hub.BackfillChosen && slices.Contains(chosen, r.CandidateID) {
			a.State, a.Reason = hub.ActionReady, ""
		}
		all = append(all, a)
	}
	return all
}

// FullName is how a person reads a candidate's name.
func FullName(c sdk.Candidate) string {
	return strings.TrimSpace(c.FirstName + " " + c.LastName)
}
