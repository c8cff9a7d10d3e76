package screening

import (
	"slices"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/sdk"
)

// The cascade check: what our own triggers could set off one after the other,
// over all jobs a tenant has switched on and the one being planned.

// Edge is one trigger as an arrow. A mail invitation leads from its stage to
// the product, a status sync from the product to its stage.
type Edge struct {
	LinkID  string          `json:"link_id"`
	JobID   string          `json:"job_id"`
	JobName string          `json:"job_name"`
	Kind    hub.TriggerKind `json:"kind"`
	Status  string          `json:"status,omitempty"`
	StageID string          `json:"stage_id"`
	Stage   string          `json:"stage"`
	Planned bool            `json:"planned,omitempty"`
}

// Kinds of findings.
const (
	FindingLoop     = "loop"     // a status sync leads back to the stage that invites
	FindingArrival  = "arrival"  // two statuses lead to one stage
	FindingTerminal = "terminal" // a status sync ends applications
	FindingATS      = "ats"      // the ATS's own automation on the stage starts too
)

// Finding is one thing a person should know before activating.
type Finding struct {
	Kind string   `json:"kind"`
	Text string   `json:"text"`
	Path []string `json:"path"`
}

// Cascade is the picture and what is remarkable in it.
type Cascade struct {
	Edges    []Edge    `json:"edges"`
	Findings []Finding `json:"findings"`
}

// Loops tells that the owner must acknowledge before activation.
func (c Cascade) Loops() bool {
	return slices.ContainsFunc(c.Findings, func(f Finding) bool { return f.Kind == FindingLoop })
}

// CheckCascade looks at edges of every job that is on and of the plan. stages
// are those of the planned job, to tell which end an application.
func CheckCascade(edges []Edge, stages []sdk.Stage) Cascade {
	c := Cascade{Edges: edges, Findings: []Finding{}}
	for _, job := range jobsOf(edges) {
		c.Findings = append(c.Findings, findIn(job, stages)...)
	}
	return c
}

func jobsOf(edges []Edge) [][]Edge {
	var order []string
	byJob := map[string][]Edge{}
	for _, e := range edges {
		if _, ok := byJob[e.JobID]; !ok {
			order = append(order, e.JobID)
		}
		byJob[e.JobID] = append(byJob[e.JobID], e)
	}
	jobs := make([][]Edge, 0, len(order))
	for _, id := range order {
		jobs = append(jobs, byJob[id])
	}
	return jobs
}

func findIn(job []Edge, stages []sdk.Stage) []Finding {
	var found []Finding
	invites, leads := map[string]bool{}, map[string][]string{}
	for _, e := range job {
		if e.Kind == hub.TriggerMailInvitation {
			invites[e.StageID] = true
		}
	}
	for _, e := range job {
		if e.Kind != hub.TriggerStatusSync {
			continue
		}
		if invites[e.StageID] {
			found = append(found, Finding{Kind: FindingLoop, Path: []string{e.Stage, "invitation", e.Status, e.Stage},
				Text: e.JobName + ": " + e.Status + " moves candidates back to " + e.Stage + ", the stage that invites. Our own moves never invite, so it ends there; other automation on the stage starts again."})
		}
		leads[e.StageID] = append(leads[e.StageID], e.Status)
		if len(leads[e.StageID]) == 2 {
			found = append(found, Finding{Kind: FindingArrival, Path: append(slices.Clone(leads[e.StageID]), e.Stage),
				Text: e.JobName + ": several statuses move candidates to " + e.Stage + "."})
		}
		if s, ok := FindStage(stages, e.StageID); ok && s.Terminal {
			found = append(found, Finding{Kind: FindingTerminal, Path: []string{e.Status, e.Stage},
				Text: e.JobName + ": " + e.Status + " ends applications (" + e.Stage + ")."})
		}
		found = append(found, Finding{Kind: FindingATS, Path: []string{e.Status, e.Stage},
			Text: e.JobName + ": if " + e.Stage + " has automation of its own in the ATS, it starts when " + e.Status + " moves a candidate there."})
	}
	return found
}
