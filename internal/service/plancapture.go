package service

import (
	"context"
	"slices"
	"time"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/workflow/capture"
	"github.com/atshub/atshub/sdk"
)

// Plans of a capture product: which sessions switching on would join, and what
// it activates.

func (s *Service) draftCapture(ctx context.Context, d *draft) error {
	if d.ats.ReadJob == nil || d.ats.ListStages == nil || d.ats.ListApplications == nil || d.ats.ListInterviews == nil {
		return cannot("list interviews")
	}
	side, err := s.reach.Capture(ctx, d.connection)
	if err != nil {
		return err
	}
	settings, err := side.Settings(ctx, side.Org)
	if err != nil {
		return err
	}
	d.content.Activates = &settings
	jobs, err := d.plannedJobs(ctx)
	if err != nil {
		return err
	}
	all := []hub.Slot{}
	for _, job := range jobs {
		r, err := s.readRole(ctx, d.connection, d.ats, job)
		if err != nil {
			return err
		}
		d.roles = append(d.roles, r)
		all = append(all, r.slots...)
	}
	slices.SortFunc(all, func(a, b hub.Slot) int {
		if c := a.StartsAt.Compare(b.StartsAt); c != 0 {
			return c
		}
		if a.InterviewID+a.SessionID < b.InterviewID+b.SessionID {
			return -1
		}
		return 1
	})
	preview := capture.MakePreview(d.connection, all, s.now())
	d.content.Jobs, d.content.Sessions, d.digest = jobs, &preview, preview.Digest
	for _, row := range preview.Rows {
		if row.Readiness == capture.NeedsDecision {
			d.content.Warnings = append(d.content.Warnings, "a session on "+row.StartsAt.UTC().Format("2 January 15:04 UTC")+" would not be joined: "+row.Reason)
		}
	}
	return nil
}

func (d *draft) plannedJobs(ctx context.Context) ([]sdk.Job, error) {
	if d.input.Kind == hub.PlanToggle {
		job, err := d.ats.ReadJob(ctx, sdk.JobRef{ID: d.input.JobID})
		if sdk.CodeOf(err) == sdk.CodeNotFound {
			return nil, hub.Invalid("job_id", "the ATS has no such job")
		}
		return []sdk.Job{job}, err
	}
	if d.ats.ListJobs == nil {
		return nil, cannot("list jobs")
	}
	jobs, err := allPages(func(cursor string) (sdk.Page[sdk.Job], error) {
		return d.ats.ListJobs(ctx, sdk.JobQuery{Cursor: cursor, Limit: 100})
	})
	return slices.DeleteFunc(jobs, func(j sdk.Job) bool { return j.Confidential || j.Status.Value == sdk.JobClosed }), err
}

// readRole reads the sessions to come of a job as the polling does: those of
// its applications between screening and offer. The ATS has no list of
// interviews.
func (s *Service) readRole(ctx context.Context, c hub.Connection, ats *sdk.Abilities, job sdk.Job) (role, error) {
	r := role{job: job}
	stages, err := ats.ListStages(ctx, sdk.JobRef{ID: job.ID})
	if err != nil {
		return r, err
	}
	apps, err := allPages(func(cursor string) (sdk.Page[sdk.Application], error) {
		return ats.ListApplications(ctx, sdk.ApplicationQuery{JobID: job.ID, Cursor: cursor})
	})
	if err != nil {
		return r, err
	}
	for _, app := range apps {
		if !capture.MayInterview(stages.Items, app.StageID) {
			continue
		}
		if err := r.add(ctx, c, ats, app, s.now()); err != nil && sdk.CodeOf(err) != sdk.CodeNotFound {
			return r, err
		}
	}
	return r, nil
}

func (r *role) add(ctx context.Context, c hub.Connection, ats *sdk.Abilities, app sdk.Application, now time.Time) error {
	if app.ID == "" && ats.ReadApplication != nil { // a list may not tell it
		full, err := ats.ReadApplication(ctx, sdk.ApplicationRef{CandidateID: app.Candidate.ID, JobID: r.job.ID})
		if err != nil {
			return err
		}
		app.ID = full.ID
	}
	interviews, err := ats.ListInterviews(ctx, sdk.ApplicationRef{ID: app.ID, CandidateID: app.Candidate.ID, JobID: r.job.ID})
	if err != nil {
		return err
	}
	seen := hub.Application{
		TenantID: c.TenantID, ConnectionID: c.ID, JobID: r.job.ID, CandidateID: app.Candidate.ID, ApplicationID: app.ID, StageID: app.StageID,
		StageEnteredAt: app.StageEnteredAt, Status: app.Status.Value, DisplayName: displayName(app), UpdatedAt: app.UpdatedAt,
	}
	r.apps = append(r.apps, seen)
	for _, interview := range interviews.Items {
		for _, slot := range capture.Slots(c, hub.JobLink{JobID: r.job.ID}, seen, interview) {
			if slot.EndsAt.After(now) {
				r.slots = append(r.slots, slot)
			}
		}
	}
	return nil
}
