package screening

import (
	"fmt"
	"slices"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/sdk"
)

// CheckTriggers says what is wrong with triggers a person set, by field; empty
// means nothing is. statuses are the product's.
func CheckTriggers(triggers []hub.Trigger, stages []sdk.Stage, statuses []string) map[string]string {
	wrong := map[string]string{}
	invitations, seen := 0, map[string]bool{}
	for i, g := range triggers {
		field := func(name string) string { return fmt.Sprintf("triggers[%d].%s", i, name) }
		switch g.Kind {
		case hub.TriggerMailInvitation:
			if invitations++; invitations > 1 {
				wrong[field("kind")] = "there can be only one mail invitation"
			}
		case hub.TriggerStatusSync:
			switch {
			case !slices.Contains(statuses, g.Status):
				wrong[field("status")] = "the product has no such status"
			case seen[g.Status]:
				wrong[field("status")] = "this status has a stage already"
			}
			seen[g.Status] = true
		default:
			wrong[field("kind")] = "must be mail_invitation or status_sync"
		}
		if problem := checkStage(g, stages); problem != "" {
			wrong[field("stage_id")] = problem
		}
	}
	if invitations == 0 {
		wrong["triggers"] = `a "Mail invitation" with a stage is required`
	}
	return wrong
}

func checkStage(g hub.Trigger, stages []sdk.Stage) string {
	if g.StageID == "" {
		return "a stage is required"
	}
	stage, ok := FindStage(stages, g.StageID)
	switch {
	case !ok:
		return "the ATS has no such stage"
	case stage.HasSubs:
		return "choose a sub-stage of " + stage.Name
	case stage.Terminal && !g.AllowTerminal:
		return stage.Name + " ends the application; tick allow_terminal if that is meant"
	}
	return ""
}

// StageTitle is a stage as a person reads it, with its parent.
func StageTitle(stages []sdk.Stage, id string) string {
	s, ok := FindStage(stages, id)
	if !ok {
		return id
	}
	if parent, ok := FindStage(stages, s.ParentID); ok {
		return parent.Name + " / " + s.Name
	}
	return s.Name
}
