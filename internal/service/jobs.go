package service

import (
	"context"
	"time"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/internal/workflow/screening"
	"github.com/atshub/atshub/sdk"
)

// JobLink is a connection engaged with one job: a job integration with its
// triggers, or a role with its toggle.
type JobLink struct {
	ID             string        `json:"id"`
	ConnectionID   string        `json:"connection_id"`
	JobID          string        `json:"job_id"`
	JobName        string        `json:"job_name"`
	JobCode        string        `json:"job_code,omitempty"`
	State          hub.LinkState `json:"state" doc:"on, off, removed"`
	Origin         string        `json:"origin" doc:"person or import_all"`
	ProductRef     string        `json:"product_ref,omitempty" doc:"the product's id of the job post or role"`
	CalibrationURL string        `json:"calibration_url,omitempty"`
	Triggers       []Trigger     `json:"triggers,omitempty"`
	ActivatedAt    *time.Time    `json:"activated_at,omitempty"`
	SyncedAt       *time.Time    `json:"synced_at,omitempty"`
	Problem        string        `json:"problem,omitempty" doc:"for a person to mend, found by the last sync"`
}

// Trigger is a rule of a job link.
type Trigger struct {
	Kind          hub.TriggerKind `json:"kind" enum:"mail_invitation,status_sync"`
	Status        string          `json:"status,omitempty" maxLength:"60" doc:"of a status sync: the product status it waits for"`
	StageID       string          `json:"stage_id" minLength:"1" maxLength:"300" doc:"stage or sub-stage of the ATS"`
	StageName     string          `json:"stage_name,omitempty" readOnly:"true" maxLength:"300"`
	AllowTerminal bool            `json:"allow_terminal,omitempty" doc:"the stage ends the application, and that is meant"`
}

func linkView(l hub.JobLink, triggers []hub.Trigger) JobLink {
	v := JobLink{
		ID: l.ID, ConnectionID: l.ConnectionID, JobID: l.JobID, JobName: l.JobName, JobCode: l.JobCode, State: l.State, Origin: l.Origin,
		ProductRef: l.ProductRef, CalibrationURL: l.CalibrationURL, ActivatedAt: l.ActivatedAt, SyncedAt: l.SyncedAt, Problem: l.Problem,
	}
	for _, g := range triggers {
		v.Triggers = append(v.Triggers, Trigger{Kind: g.Kind, Status: g.Status, StageID: g.StageID, StageName: g.StageName, AllowTerminal: g.AllowTerminal})
	}
	return v
}

// JobQuery narrows Jobs.
type JobQuery struct {
	Search, Status string
	Page           Page
}

// Jobs lists the jobs of the ATS, live.
func (s *Service) Jobs(ctx context.Context, a hub.Actor, id string, q JobQuery) (l List[sdk.Job], err error) {
	ats, err := s.ats(ctx, a, id, View)
	if err != nil {
		return l, err
	}
	if ats.ListJobs == nil {
		return l, cannot("list jobs")
	}
	page, err := ats.ListJobs(ctx, sdk.JobQuery{Search: q.Search, Status: q.Status, Cursor: q.Page.Cursor, Limit: min(max(q.Page.Limit, 0), 100)})
	if page.Items == nil {
		page.Items = []sdk.Job{}
	}
	return List[sdk.Job]{Items: page.Items, Next: page.Next}, err
}

// Stages lists the stages and sub-stages of a job, live.
func (s *Service) Stages(ctx context.Context, a hub.Actor, id, jobID string) (l List[sdk.Stage], err error) {
	ats, err := s.ats(ctx, a, id, View)
	if err != nil {
		return l, err
	}
	if ats.ListStages == nil {
		return l, cannot("list stages")
	}
	stages, err := ats.ListStages(ctx, sdk.JobRef{ID: jobID})
	if stages.Items == nil {
		stages.Items = []sdk.Stage{}
	}
	return List[sdk.Stage]{Items: stages.Items}, err
}

// ats is the ATS of a connection the actor may ask.
func (s *Service) ats(ctx context.Context, a hub.Actor, id, permission string) (*sdk.Abilities, error) {
	if err := s.need(a, permission); err != nil {
		return nil, err
	}
	c, err := s.live(ctx, a, id)
	if err != nil {
		return nil, err
	}
	return s.reach.ATS(ctx, c)
}

func cannot(what string) error {
	return &hub.Error{Code: hub.CodeConflict, Message: "this connector cannot " + what}
}

// Links lists the job links of a tenant, or of one connection.
func (s *Service) Links(ctx context.Context, a hub.Actor, connection string, page Page) (l List[JobLink], err error) {
	if err := s.need(a, View); err != nil {
		return l, err
	}
	p := page.of()
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		rows, err := tx.Links(a.TenantID, connection, p)
		l = listOf(p, rows, func(l hub.JobLink) string { return l.ID }, func(l hub.JobLink) JobLink { return linkView(l, nil) })
		return err
	})
	return l, err
}

// Link is one job link with its triggers.
func (s *Service) Link(ctx context.Context, a hub.Actor, id string) (v JobLink, err error) {
	if err := s.need(a, View); err != nil {
		return v, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		l, err := tx.Link(a.TenantID, id)
		if err != nil {
			return err
		}
		triggers, err := tx.Triggers(a.TenantID, id)
		v = linkView(l, triggers)
		return err
	})
	return v, err
}

// ChooseRoles puts jobs on the list of roles, each switched off: nothing
// happens until someone switches one on through a plan.
func (s *Service) ChooseRoles(ctx context.Context, a hub.Actor, id string, jobIDs []string) (l List[JobLink], err error) {
	if err := s.need(a, product.PermissionManageJobPosts); err != nil {
		return l, err
	}
	c, err := s.live(ctx, a, id)
	if err != nil {
		return l, err
	}
	if p, err := s.productOf(a); err != nil || p.Kind != product.KindCapture {
		return l, wrongKind(err)
	}
	ats, err := s.reach.ATS(ctx, c)
	if err != nil {
		return l, err
	}
	if ats.ReadJob == nil {
		return l, cannot("read a job")
	}
	jobs := make([]sdk.Job, 0, len(jobIDs))
	for _, jobID := range jobIDs {
		job, err := ats.ReadJob(ctx, sdk.JobRef{ID: jobID})
		if sdk.CodeOf(err) == sdk.CodeNotFound {
			return l, hub.Invalid("job_ids", "the ATS has no job "+jobID)
		}
		if err != nil {
			return l, err
		}
		jobs = append(jobs, job)
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		l.Items = []JobLink{}
		if c, err = tx.ShareConnection(a.TenantID, id); err != nil {
			return err
		}
		if c.State.Gone() {
			return errGone()
		}
		for _, job := range jobs {
			link, err := chooseRole(tx, a, c, job)
			if err != nil {
				return err
			}
			l.Items = append(l.Items, linkView(link, nil))
		}
		return nil
	})
	return l, err
}

func chooseRole(tx *store.Tx, a hub.Actor, c hub.Connection, job sdk.Job) (hub.JobLink, error) {
	link, err := tx.PutLink(hub.JobLink{TenantID: c.TenantID, ConnectionID: c.ID, JobID: job.ID, JobName: job.Name, JobCode: job.Code, Origin: hub.OriginPerson})
	if err != nil {
		return link, err
	}
	link.JobName, link.JobCode, link.Origin = job.Name, job.Code, hub.OriginPerson
	if link.State == hub.LinkRemoved {
		link.State = hub.LinkOff
	}
	if err := tx.SaveLink(link); err != nil {
		return link, err
	}
	line := human(a, c.ID, "put the role on the list")
	line.JobID = job.ID
	return link, tx.AddTrail(line)
}

func wrongKind(err error) error {
	if err != nil {
		return err
	}
	return &hub.Error{Code: hub.CodeConflict, Message: "this product does not work that way", Next: "see /v1/products for its kind"}
}

// Application is what is known of a candidate of a job, with what the hub did.
type Application struct {
	CandidateID   string       `json:"candidate_id"`
	ApplicationID string       `json:"application_id,omitempty"`
	Name          string       `json:"name,omitempty"`
	StageID       string       `json:"stage_id"`
	Stage         string       `json:"stage,omitempty" doc:"the stage by its name, where a trigger knows it"`
	Status        string       `json:"status"`
	SeenAt        time.Time    `json:"seen_at"`
	Summary       string       `json:"summary" doc:"where it stands, in words"`
	Actions       []ActionView `json:"actions"`
}

// Applications lists what is known of a job link's candidates.
func (s *Service) Applications(ctx context.Context, a hub.Actor, linkID string, page Page) (l List[Application], err error) {
	if err := s.need(a, View); err != nil {
		return l, err
	}
	p := page.of()
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		link, err := tx.Link(a.TenantID, linkID)
		if err != nil {
			return err
		}
		triggers, err := tx.Triggers(a.TenantID, linkID)
		if err != nil {
			return err
		}
		rows, err := tx.Applications(a.TenantID, link.ConnectionID, link.JobID, p)
		if err != nil {
			return err
		}
		views := make(map[string]Application, len(rows))
		for _, r := range rows {
			if views[r.CandidateID], err = applicationView(tx, r, triggers); err != nil {
				return err
			}
		}
		l = listOf(p, rows, func(r hub.Application) string { return r.CandidateID }, func(r hub.Application) Application { return views[r.CandidateID] })
		return nil
	})
	return l, err
}

func applicationView(tx *store.Tx, r hub.Application, triggers []hub.Trigger) (Application, error) {
	v := Application{
		CandidateID: r.CandidateID, ApplicationID: r.ApplicationID, Name: r.DisplayName, StageID: r.StageID, Status: r.Status,
		SeenAt: r.SeenAt, Summary: "nothing done", Actions: []ActionView{},
	}
	for _, g := range triggers {
		if g.StageID == r.StageID {
			v.Stage = g.StageName
		}
	}
	actions, err := tx.ActionsOf(r.TenantID, r.JobID, r.CandidateID)
	for _, action := range actions {
		view := actionView(action)
		v.Actions = append(v.Actions, view)
		v.Summary = view.Summary
	}
	return v, err
}

// allPages reads every page of a list. A cursor that comes twice would never
// end; an ATS that does that is not understood.
func allPages[T any](get func(cursor string) (sdk.Page[T], error)) ([]T, error) {
	var all []T
	seen := map[string]bool{}
	for cursor := ""; ; {
		page, err := get(cursor)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if page.Next == "" {
			return all, nil
		}
		if cursor = page.Next; seen[cursor] || len(seen) > 10_000 {
			return nil, &hub.Error{Code: hub.CodeATS, Message: "the ATS's list does not end; nothing was done", Next: "report it to the hub's operator"}
		}
		seen[cursor] = true
	}
}

func displayName(app sdk.Application) string { return screening.FullName(app.Candidate) }
