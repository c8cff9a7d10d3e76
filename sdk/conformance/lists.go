package conformance

// Lists: whole, once, resumable.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/atshub/atshub/sdk"
	"github.com/atshub/atshub/sdk/httpclient"
)

// list is one pageable ability: how to fill it and how to read a page of it.
type list struct {
	name string
	fill func(Account) (want []string, scope string)
	page func(ctx context.Context, a *sdk.Abilities, scope, cursor string) (ids []string, times []*time.Time, next string, err error)
}

const (
	few  = 7   // records of a list whose pages can be small
	many = 120 // records of a list whose page size is the connector's
)

var lists = map[string]list{
	"list_jobs": {"jobs", func(a Account) ([]string, string) { return a.Jobs(few), "" },
		func(ctx context.Context, a *sdk.Abilities, _, cursor string) (ids []string, times []*time.Time, next string, err error) {
			p, err := a.ListJobs(ctx, sdk.JobQuery{Limit: 2, Cursor: cursor})
			for _, j := range p.Items {
				ids, times = append(ids, j.ID), append(times, j.UpdatedAt, j.CreatedAt)
			}
			return ids, times, p.Next, err
		}},
	"list_users": {"users", func(a Account) ([]string, string) { return a.Users(few), "" },
		func(ctx context.Context, a *sdk.Abilities, _, cursor string) (ids []string, times []*time.Time, next string, err error) {
			p, err := a.ListUsers(ctx, sdk.UserQuery{Limit: 2, Cursor: cursor})
			for _, u := range p.Items {
				ids = append(ids, u.ID)
			}
			return ids, nil, p.Next, err
		}},
	"list_applications": {"applications", func(a Account) ([]string, string) {
		job := a.Jobs(1)[0]
		var ids []string
		for _, r := range a.Applications(job, many) {
			ids = append(ids, r.CandidateID)
		}
		return ids, job
	},
		func(ctx context.Context, a *sdk.Abilities, job, cursor string) (ids []string, times []*time.Time, next string, err error) {
			p, err := a.ListApplications(ctx, sdk.ApplicationQuery{JobID: job, Cursor: cursor})
			for _, app := range p.Items {
				ids, times = append(ids, app.Candidate.ID), append(times, app.UpdatedAt)
				if app.JobID != job || app.StageID == "" {
					err = errors.Join(err, errors.New("an application without its stage, or of another job"))
				}
			}
			return ids, times, p.Next, err
		}},
}

func listChecks(m sdk.Manifest) []check {
	var all []check
	for _, ability := range m.Abilities {
		l, ok := lists[ability]
		if !ok {
			continue
		}
		all = append(all,
			check{"lists/" + l.name + " all once over many pages", l.allOnce},
			check{"lists/" + l.name + " resume from every cursor", l.resumes},
			check{"lists/" + l.name + " refuse a garbage cursor", l.garbage},
		)
	}
	if has(m, "list_applications") {
		all = append(all, check{"lists/a change on an old application is in the next delta", delta})
	}
	if has(m, "list_jobs", "read_job") {
		all = append(all, check{"lists/ids are stable", stable})
	}
	if has(m, "list_stages", "list_applications") {
		all = append(all, check{"lists/stages hold where applications are", stagesKnown})
	}
	if has(m, "read_stage_history") {
		all = append(all, check{"lists/history oldest first", history})
	}
	return all
}

// walk reads all pages, and the cursors on the way.
func (l list) walk(ctx context.Context, a *sdk.Abilities, scope, from string) (ids, cursors []string, err error) {
	for page, err := range httpclient.Pages(ctx, func(ctx context.Context, cursor string) (sdk.Page[string], error) {
		if cursor == "" {
			cursor = from
		}
		ids, times, next, err := l.page(ctx, a, scope, cursor)
		for _, t := range times {
			if t != nil && t.Location() != time.UTC {
				return sdk.Page[string]{}, errors.New("a time is not UTC")
			}
		}
		return sdk.Page[string]{Items: ids, Next: next}, err
	}) {
		if err != nil {
			return nil, nil, err
		}
		ids = append(ids, page.Items...)
		if page.Next != "" {
			cursors = append(cursors, page.Next)
		}
	}
	return ids, cursors, nil
}

func (l list) allOnce(e *env) error {
	want, scope := l.fill(e.account)
	a, err := e.open()
	if err != nil {
		return err
	}
	got, cursors, err := l.walk(e.ctx, a, scope, "")
	if err != nil {
		return err
	}
	if len(cursors) < 2 {
		return fmt.Errorf("%d records in %d pages prove nothing", len(want), len(cursors)+1)
	}
	return sameSet(got, want)
}

func sameSet(got, want []string) error {
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		return fmt.Errorf("%d records listed (%d different), want %d", len(got), len(slices.Compact(slices.Clone(got))), len(want))
	}
	return nil
}

// resumes continues from each cursor in a session of its own: a cursor is all
// that is kept between two pages.
func (l list) resumes(e *env) error {
	want, scope := l.fill(e.account)
	a, err := e.open()
	if err != nil {
		return err
	}
	whole, cursors, err := l.walk(e.ctx, a, scope, "")
	if err != nil {
		return err
	}
	if err := sameSet(whole, want); err != nil {
		return err
	}
	if len(cursors) == 0 {
		return errors.New("one page proves nothing")
	}
	for i, cursor := range cursors {
		fresh, err := e.open()
		if err != nil {
			return err
		}
		rest, _, err := l.walk(e.ctx, fresh, scope, cursor)
		if err != nil {
			return fmt.Errorf("resume after page %d: %w", i+1, err)
		}
		if len(rest) == 0 || len(rest) >= len(whole) || !slices.Equal(rest, whole[len(whole)-len(rest):]) {
			return fmt.Errorf("resume after page %d gives %d of %d records, or others", i+1, len(rest), len(whole))
		}
	}
	return nil
}

func (l list) garbage(e *env) error {
	_, scope := l.fill(e.account)
	a, err := e.open()
	if err != nil {
		return err
	}
	for _, cursor := range []string{"garbage", "%%%", "MTIz", "0"} {
		if _, _, _, err := l.page(e.ctx, a, scope, cursor); wantCode(err, sdk.CodeInvalid) != nil {
			return fmt.Errorf("cursor %q: %w", cursor, wantCode(err, sdk.CodeInvalid))
		}
	}
	_, _, next, err := l.page(e.ctx, a, scope, "")
	if err != nil || next == "" {
		return fmt.Errorf("no second page: %w", err)
	}
	if _, _, _, err := l.page(e.ctx, a, scope, next[:len(next)-1]); err == nil {
		return errors.New("a cursor cut short is taken")
	}
	return nil
}

func delta(e *env) error {
	job := e.account.Jobs(1)[0]
	old := e.account.Applications(job, 3)
	_, second, _ := e.account.Stages(job)
	a, err := e.open()
	if err != nil {
		return err
	}
	page, err := a.ListApplications(e.ctx, sdk.ApplicationQuery{JobID: job})
	if err != nil {
		return err
	}
	var since time.Time
	for _, app := range page.Items {
		if app.UpdatedAt == nil {
			return errors.New("an application without the time of its last change")
		}
		if app.UpdatedAt.After(since) {
			since = *app.UpdatedAt
		}
	}
	e.account.Move(old[0], second)
	page, err = a.ListApplications(e.ctx, sdk.ApplicationQuery{JobID: job, UpdatedSince: &since})
	if err != nil {
		return err
	}
	for _, app := range page.Items {
		if app.Candidate.ID == old[0].CandidateID {
			if app.StageID != second {
				return fmt.Errorf("the application is in %q, want %q", app.StageID, second)
			}
			return nil
		}
	}
	return errors.New("the change is not in the delta")
}

func stable(e *env) error {
	id := e.account.Jobs(1)[0]
	for range 2 {
		a, err := e.open()
		if err != nil {
			return err
		}
		page, err := a.ListJobs(e.ctx, sdk.JobQuery{})
		if err != nil {
			return err
		}
		job, err := a.ReadJob(e.ctx, sdk.JobRef{ID: id})
		if err != nil {
			return err
		}
		if len(page.Items) != 1 || page.Items[0].ID != id || job.ID != id || job.Name == "" || page.Items[0].Name != job.Name {
			return errors.New("the job is not the same in list and read")
		}
	}
	return nil
}

func stagesKnown(e *env) error {
	job := e.account.Jobs(1)[0]
	app := e.account.Applications(job, 1)[0]
	first, second, _ := e.account.Stages(job)
	a, err := e.open()
	if err != nil {
		return err
	}
	stages, err := a.ListStages(e.ctx, sdk.JobRef{ID: job})
	if err != nil {
		return err
	}
	ids := map[string]bool{}
	for _, s := range stages.Items {
		if s.ID == "" || s.Name == "" || ids[s.ID] || s.ParentID != "" && !ids[s.ParentID] {
			return fmt.Errorf("stage %q is nameless, doubled, or before its parent", s.ID)
		}
		ids[s.ID] = true
	}
	for _, stage := range []string{first, second} {
		if stage != first {
			e.account.Move(app, stage)
		}
		if !ids[stage] {
			return fmt.Errorf("stage %q is not listed", stage)
		}
		page, err := a.ListApplications(e.ctx, sdk.ApplicationQuery{JobID: job, StageID: stage})
		if err != nil {
			return err
		}
		if len(page.Items) != 1 || page.Items[0].StageID != stage {
			return fmt.Errorf("the list of stage %q does not hold the application there", stage)
		}
	}
	return nil
}

func history(e *env) error {
	job := e.account.Jobs(1)[0]
	app := e.account.Applications(job, 1)[0]
	first, second, third := e.account.Stages(job)
	e.account.Move(app, second)
	e.account.Move(app, third)
	a, err := e.open()
	if err != nil {
		return err
	}
	changes, err := a.ReadStageHistory(e.ctx, app)
	if err != nil {
		return err
	}
	var got []string
	for _, c := range changes.Items {
		got = append(got, c.StageID)
	}
	if want := []string{first, second, third}; !slices.Equal(got, want) {
		return fmt.Errorf("history is %q, want %q", got, want)
	}
	return nil
}
