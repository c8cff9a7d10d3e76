package smartrecruiters

// Stages. SmartRecruiters has nine statuses, the same everywhere, and under
// three of them sub-statuses: display strings without ids, set per hiring
// process. A stage id here is "IN_REVIEW" or "IN_REVIEW/Phone Screen".

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/atshub/atshub/sdk"
)

// status is one of the vendor's statuses of a candidate in a job.
type status struct {
	id, name    string
	kind        string
	application string
	terminal    bool
}

var statuses = []status{
	{"LEAD", "Lead", sdk.StageLead, sdk.ApplicationActive, false},
	{"NEW", "New", sdk.StageNew, sdk.ApplicationActive, false},
	{"IN_REVIEW", "In Review", sdk.StageScreen, sdk.ApplicationActive, false},
	{"INTERVIEW", "Interview", sdk.StageInterview, sdk.ApplicationActive, false},
	{"OFFERED", "Offered", sdk.StageOffer, sdk.ApplicationActive, false},
	{"HIRED", "Hired", sdk.StageHired, sdk.ApplicationHired, true},
	{"REJECTED", "Rejected", sdk.StageRejected, sdk.ApplicationRejected, true},
	{"WITHDRAWN", "Withdrawn", sdk.StageWithdrawn, sdk.ApplicationWithdrawn, true},
	// Moved to another job: the application ends here, in a way the model has no word for.
	{"TRANSFERRED", "Transferred", sdk.Unmapped, sdk.Unmapped, true},
}

// applicationWords are words some versions of the vendor's application answers
// use for statuses that lists, histories and writes call otherwise. (OFFER is
// also a status of jobs; that table is another.)
var applicationWords = map[string]string{"OFFER": "OFFERED", "HIRE": "HIRED"}

func statusOf(id string) (status, bool) {
	i := slices.IndexFunc(statuses, func(s status) bool { return s.id == id })
	if i < 0 {
		return status{}, false
	}
	return statuses[i], true
}

// applicationStatus maps a word of the candidates API.
func applicationStatus(source string) sdk.Enum {
	if s, ok := statusOf(source); ok {
		return sdk.Enum{Value: s.application, Source: source}
	}
	return sdk.Enum{Value: sdk.Unmapped, Source: source}
}

// stageID joins a status and its sub-status, if any.
func stageID(status, sub string) string {
	if sub == "" {
		return status
	}
	return status + "/" + sub
}

// splitStage takes a stage id apart; CodeInvalid unless its status exists.
func splitStage(field, id string) (status, sub string, err error) {
	status, sub, _ = strings.Cut(id, "/")
	if _, ok := statusOf(status); !ok {
		return "", "", invalid(field, "SmartRecruiters has no stage with this id")
	}
	return status, sub, nil
}

// within tells that stage is the wanted one or a sub-stage of it.
func within(stage, wanted string) bool {
	return stage == wanted || strings.HasPrefix(stage, wanted+"/") && !strings.Contains(wanted, "/")
}

type hiringProcess struct {
	Name        string              `json:"name"`
	Active      bool                `json:"active"`
	SubStatuses map[string][]string `json:"subStatuses"`
}

// activeProcesses are the hiring processes jobs can follow now, at most age old.
func (c *Client) activeProcesses(ctx context.Context, age time.Duration) ([]hiringProcess, error) {
	return c.processes.get(ctx, age, func(ctx context.Context) ([]hiringProcess, error) {
		p, r, err := get[page[hiringProcess]](ctx, c, "configuration_read", "/configuration/hiring-processes", nil)
		all, err := content(p, r, err)
		return slices.DeleteFunc(all, func(p hiringProcess) bool { return !p.Active }), err
	})
}

// ListStages implements sdk.StageLister. No field of a job names its hiring
// process, so with several active ones the answer is their union, and a
// sub-stage that not all of them have names those that do.
func (c Core) ListStages(ctx context.Context, ref sdk.JobRef) (sdk.List[sdk.Stage], error) {
	none := sdk.List[sdk.Stage]{}
	if _, err := c.ReadJob(ctx, ref); err != nil {
		return none, err
	}
	var processes []hiringProcess
	if c.configuration {
		var err error
		if processes, err = c.activeProcesses(ctx, 0); err != nil {
			return none, err
		}
	}
	var stages []sdk.Stage
	for _, s := range statuses {
		subs := subStages(s, processes)
		stages = append(stages, sdk.Stage{ID: s.id, Name: s.name, Kind: sdk.Enum{Value: s.kind, Source: s.id}, Terminal: s.terminal, HasSubs: len(subs) > 0})
		stages = append(stages, subs...)
	}
	for i := range stages {
		stages[i].Order = i
	}
	return sdk.List[sdk.Stage]{Items: stages}, nil
}

// subStages are the sub-statuses of a status over all processes, each once, in
// the order of the process that has it first.
func subStages(s status, processes []hiringProcess) []sdk.Stage {
	var subs []sdk.Stage
	seen := map[string]bool{}
	for _, p := range processes {
		for _, sub := range p.SubStatuses[s.id] {
			if sub == "" || seen[sub] {
				continue
			}
			seen[sub] = true
			stage := sdk.Stage{ID: stageID(s.id, sub), Name: sub, ParentID: s.id, Kind: sdk.Enum{Value: s.kind, Source: s.id}, Terminal: s.terminal}
			var in []string
			for _, p := range processes {
				if slices.Contains(p.SubStatuses[s.id], sub) {
					in = append(in, p.Name)
				}
			}
			if len(in) < len(processes) {
				stage.Processes = in
			}
			subs = append(subs, stage)
		}
	}
	return subs
}

// configured answers CodePreconditionFailed when no active hiring process has
// the sub-stage: it was renamed or removed after someone chose it. A cached
// answer is read again before anything is refused by it.
func (c *Client) configured(ctx context.Context, status, sub string) error {
	if sub == "" || !c.configuration {
		return nil
	}
	var now []string
	for _, age := range []time.Duration{fresh, 0} {
		processes, err := c.activeProcesses(ctx, age)
		if err != nil {
			return err
		}
		now = nil
		for _, p := range processes {
			if slices.Contains(p.SubStatuses[status], sub) {
				return nil
			}
			for _, s := range p.SubStatuses[status] {
				if !slices.Contains(now, s) {
					now = append(now, s)
				}
			}
		}
	}
	have := "it has none now"
	if len(now) > 0 {
		have = `now there are "` + strings.Join(now, `", "`) + `"`
	}
	return precondition(`SmartRecruiters has no sub-status "` + sub + `" under ` + status + ` any more (renamed or removed): ` + have)
}
