package service

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/internal/workflow/capture"
	"github.com/atshub/atshub/internal/workflow/screening"
	"github.com/atshub/atshub/sdk"
)

// planLife is how long a preview may be acted on.
const planLife = time.Hour

// PlanInput is what a person considers switching on.
type PlanInput struct {
	Kind     hub.PlanKind `json:"kind"`
	JobID    string       `json:"job_id,omitempty"`
	Triggers []Trigger    `json:"triggers,omitempty"`
}

// Plan is a preview: what switching on would do, and to whom. Nothing is
// changed by making one.
type Plan struct {
	ID           string       `json:"id"`
	ConnectionID string       `json:"connection_id"`
	Kind         hub.PlanKind `json:"kind"`
	JobID        string       `json:"job_id,omitempty"`
	LinkID       string       `json:"job_link_id,omitempty" doc:"set when the job is linked already"`
	Content      PlanContent  `json:"content"`
	CreatedAt    time.Time    `json:"created_at"`
	ExpiresAt    time.Time    `json:"expires_at"`
	UsedAt       *time.Time   `json:"used_at,omitempty"`
}

// PlanContent is what was shown. Of a screening job: candidates, what happens
// to each, and what the triggers could set off. Of capture: sessions, and what
// is activated.
type PlanContent struct {
	Job        *sdk.Job                    `json:"job,omitempty"`
	Triggers   []Trigger                   `json:"triggers,omitempty"`
	Candidates *screening.People           `json:"candidates,omitempty"`
	Cascade    *screening.Cascade          `json:"cascade,omitempty"`
	Jobs       []sdk.Job                   `json:"jobs,omitempty" doc:"of capture: the roles that would be on"`
	Sessions   *capture.Sessions           `json:"sessions,omitempty"`
	Activates  *product.EngagementSettings `json:"activates,omitempty" doc:"what switching on activates in the organisation"`
	Warnings   []string                    `json:"warnings"`
}

func planView(p hub.Plan) (Plan, error) {
	v := Plan{ID: p.ID, ConnectionID: p.ConnectionID, Kind: p.Kind, JobID: p.JobID, LinkID: p.LinkID, CreatedAt: p.CreatedAt, ExpiresAt: p.ExpiresAt, UsedAt: p.UsedAt}
	return v, json.Unmarshal(p.Content, &v.Content)
}

// draft is a plan being made, or made again to see whether it still holds.
type draft struct {
	connection hub.Connection
	product    product.Product
	ats        *sdk.Abilities
	input      PlanInput
	content    PlanContent
	digest     string

	link     hub.JobLink // of an import, once its job post was made
	triggers []hub.Trigger
	apps     []sdk.Application // at the invitation stage
	roles    []role
}

// role is a job of a capture plan with its sessions to come.
type role struct {
	job   sdk.Job
	slots []hub.Slot
	apps  []hub.Application
}

// MakePlan previews what switching on would do.
func (s *Service) MakePlan(ctx context.Context, a hub.Actor, connection string, in PlanInput) (v Plan, err error) {
	d, err := s.draft(ctx, a, connection, in)
	if err != nil {
		return v, err
	}
	request, err := json.Marshal(in)
	if err != nil {
		return v, err
	}
	content, err := json.Marshal(d.content)
	if err != nil {
		return v, err
	}
	row := hub.Plan{TenantID: a.TenantID, ConnectionID: connection, Kind: in.Kind, JobID: in.JobID, Request: request, Content: content, Digest: d.digest, Actor: who(a)}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		if link, err := tx.LinkOfJob(a.TenantID, connection, in.JobID); err == nil {
			row.LinkID = link.ID
		}
		row.ExpiresAt = tx.Now().Add(planLife)
		if row, err = tx.InsertPlan(row); err != nil {
			return err
		}
		line := human(a, connection, "previewed")
		line.JobID, line.Detail = in.JobID, row.ID
		return tx.AddTrail(line)
	})
	if err != nil {
		return v, err
	}
	return planView(row)
}

// Plan is a preview as it was shown.
func (s *Service) Plan(ctx context.Context, a hub.Actor, id string) (v Plan, err error) {
	if err := s.need(a, product.PermissionManageJobPosts); err != nil {
		return v, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		row, err := tx.Plan(a.TenantID, id)
		if err != nil {
			return err
		}
		v, err = planView(row)
		return err
	})
	return v, err
}

// draft reads everything a plan is made from, live.
func (s *Service) draft(ctx context.Context, a hub.Actor, connection string, in PlanInput) (*draft, error) {
	permission := product.PermissionManageJobPosts
	if in.Kind == hub.PlanCaptureAll {
		permission = product.PermissionManageIntegration
	}
	if err := s.need(a, permission); err != nil {
		return nil, err
	}
	c, err := s.live(ctx, a, connection)
	if err != nil {
		return nil, err
	}
	if !c.State.Working() {
		return nil, errNotWorking(c)
	}
	d := &draft{connection: c, input: in, content: PlanContent{Warnings: []string{}}}
	if d.product, err = s.productOf(a); err != nil {
		return nil, err
	}
	if (in.Kind == hub.PlanImport) != (d.product.Kind == product.KindScreening) {
		return nil, hub.Invalid("kind", "this product takes "+map[bool]string{true: "import", false: "toggle or capture_all"}[d.product.Kind == product.KindScreening])
	}
	if in.JobID == "" && in.Kind != hub.PlanCaptureAll {
		return nil, hub.Invalid("job_id", "is required")
	}
	if d.ats, err = s.reach.ATS(ctx, c); err != nil {
		return nil, err
	}
	if m, err := s.reach.Manifest(c.Connector); err == nil {
		for _, row := range uniqueRows(c.Lost(m)) {
			d.content.Warnings = append(d.content.Warnings, row.Name+" is missing: "+row.Serves)
		}
	}
	if in.Kind == hub.PlanImport {
		return d, s.draftImport(ctx, d)
	}
	return d, s.draftCapture(ctx, d)
}

func errNotWorking(c hub.Connection) error {
	return &hub.Error{Code: hub.CodeConflict, Message: "the integration is " + string(c.State) + "; nothing was switched on", Next: c.Problem}
}

func uniqueRows(lost map[string]sdk.CheckRow) []sdk.CheckRow {
	byName := map[string]sdk.CheckRow{}
	for _, row := range lost {
		byName[row.Name] = row
	}
	rows := make([]sdk.CheckRow, 0, len(byName))
	for _, row := range byName {
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b sdk.CheckRow) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return rows
}

func (s *Service) draftImport(ctx context.Context, d *draft) error {
	if d.ats.ReadJob == nil || d.ats.ListStages == nil || d.ats.ListApplications == nil {
		return cannot("list the candidates of a job")
	}
	job, err := d.ats.ReadJob(ctx, sdk.JobRef{ID: d.input.JobID})
	if sdk.CodeOf(err) == sdk.CodeNotFound {
		return hub.Invalid("job_id", "the ATS has no such job")
	}
	if err != nil {
		return err
	}
	stages, err := d.ats.ListStages(ctx, sdk.JobRef{ID: job.ID})
	if err != nil {
		return err
	}
	for _, g := range d.input.Triggers {
		d.triggers = append(d.triggers, hub.Trigger{
			TenantID: d.connection.TenantID, Kind: g.Kind, Status: g.Status, StageID: g.StageID,
			StageName: screening.StageTitle(stages.Items, g.StageID), AllowTerminal: g.AllowTerminal,
		})
	}
	var statuses []string
	for _, st := range d.product.Statuses {
		statuses = append(statuses, st.Key)
	}
	if wrong := screening.CheckTriggers(d.triggers, stages.Items, statuses); len(wrong) > 0 {
		return &hub.Error{Code: hub.CodeInvalid, Message: "the triggers cannot be set like that; nothing was done", Next: "correct the fields named", Fields: wrong}
	}
	invitation, _ := screening.Invitation(d.triggers) // CheckTriggers requires one
	d.apps, err = allPages(func(cursor string) (sdk.Page[sdk.Application], error) {
		return d.ats.ListApplications(ctx, sdk.ApplicationQuery{JobID: job.ID, StageID: invitation.StageID, Cursor: cursor})
	})
	if err != nil {
		return err
	}
	return s.judgeImport(ctx, d, job, stages.Items)
}

// judgeImport asks the ledger and the rules about what was read.
func (s *Service) judgeImport(ctx context.Context, d *draft, job sdk.Job, stages []sdk.Stage) error {
	c := d.connection
	ledger := map[string][]hub.Action{}
	var edges []screening.Edge
	err := s.store.Read(ctx, func(tx *store.Tx) (err error) {
		for _, app := range d.apps {
			// By key, not by connection: a reinstall has another connection
			// and the same ledger.
			row, err := tx.ActionByKey(c.TenantID, hub.InviteKey(job.ID, app.Candidate.ID))
			if err == nil {
				ledger[app.Candidate.ID] = []hub.Action{row}
			} else if hub.CodeOf(err) != hub.CodeNotFound {
				return err
			}
		}
		edges, err = otherEdges(tx, c, job.ID)
		return err
	})
	if err != nil {
		return err
	}
	for _, g := range d.triggers {
		edges = append(edges, screening.Edge{JobID: job.ID, JobName: job.Name, Kind: g.Kind, Status: g.Status, StageID: g.StageID, Stage: g.StageName, Planned: true})
		d.content.Triggers = append(d.content.Triggers, Trigger{Kind: g.Kind, Status: g.Status, StageID: g.StageID, StageName: g.StageName, AllowTerminal: g.AllowTerminal})
	}
	preview := screening.MakePreview(screening.PreviewInput{Connection: c, JobID: job.ID, Triggers: d.triggers, Applications: d.apps, Ledger: ledger})
	cascade := screening.CheckCascade(edges, stages)
	d.content.Job, d.content.Candidates, d.content.Cascade, d.digest = &job, &preview, &cascade, preview.Digest
	return nil
}

// otherEdges are the triggers of every job of the tenant that is on, but the
// one planned: its triggers would be replaced.
func otherEdges(tx *store.Tx, c hub.Connection, jobID string) ([]screening.Edge, error) {
	triggers, err := tx.TriggersOfTenant(c.TenantID)
	if err != nil {
		return nil, err
	}
	edges := []screening.Edge{}
	links := map[string]hub.JobLink{}
	for _, g := range triggers {
		l, ok := links[g.LinkID]
		if !ok {
			if l, err = tx.Link(c.TenantID, g.LinkID); err != nil {
				return nil, err
			}
			links[g.LinkID] = l
		}
		if l.ConnectionID == c.ID && l.JobID == jobID {
			continue
		}
		edges = append(edges, screening.Edge{LinkID: l.ID, JobID: l.JobID, JobName: l.JobName, Kind: g.Kind, Status: g.Status, StageID: g.StageID, Stage: g.StageName})
	}
	return edges, nil
}
