package service

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/ledger"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/reach"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/internal/workflow/screening"
)

// Choice is what the person decided on a preview. Nothing is preselected.
type Choice struct {
	Backfill         string
	Chosen           []string
	AcknowledgeLoops bool
}

// Activated says what is on now and what was begun by it.
type Activated struct {
	Links     []JobLink    `json:"job_links"`
	Actions   []ActionView `json:"actions" doc:"invitations or joins that follow at once"`
	LeftAlone int          `json:"left_alone" doc:"people at the stage who will never be invited by themselves"`
}

// Activate switches on what a preview showed. The ATS is read again first;
// when anything that was shown is no longer so, nothing is switched on and the
// difference is told.
func (s *Service) Activate(ctx context.Context, a hub.Actor, planID string, choice Choice) (r Activated, err error) {
	if err := s.need(a, product.PermissionManageJobPosts); err != nil {
		return r, err
	}
	var plan hub.Plan
	if err := s.store.Read(ctx, func(tx *store.Tx) (err error) {
		plan, err = tx.Plan(a.TenantID, planID)
		if err == nil && (plan.UsedAt != nil || !plan.ExpiresAt.After(tx.Now())) {
			err = &hub.Error{Code: hub.CodePlanExpired, Message: "this plan was used already or is too old; nothing was switched on", Next: "make a new preview"}
		}
		return err
	}); err != nil {
		return r, err
	}
	var input PlanInput
	if err := json.Unmarshal(plan.Request, &input); err != nil {
		return r, err
	}
	shown, err := planView(plan)
	if err != nil {
		return r, err
	}
	if err := checkChoice(shown, choice); err != nil {
		return r, err
	}
	d, err := s.draft(ctx, a, plan.ConnectionID, input)
	if err != nil {
		return r, err
	}
	if d.digest != plan.Digest || deref(d.content.Activates) != deref(shown.Content.Activates) || !sameJobs(shown.Content, d.content) {
		return r, drift(shown.Content, d.content)
	}
	// Another job switched on meanwhile may have closed a circle.
	if err := checkChoice(Plan{Kind: plan.Kind, Content: d.content}, choice); err != nil {
		return r, err
	}
	if plan.Kind == hub.PlanImport {
		if err := s.makeJobPost(ctx, a, d, planID); err != nil {
			return r, err
		}
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		r = Activated{Links: []JobLink{}, Actions: []ActionView{}}
		c, err := tx.LockConnection(a.TenantID, plan.ConnectionID)
		if err != nil {
			return err
		}
		if !c.State.Working() {
			return errNotWorking(c)
		}
		if err := tx.UsePlan(a.TenantID, planID); err != nil {
			return err
		}
		if plan.Kind == hub.PlanImport {
			return s.activateImport(tx, a, c, d, plan, choice, &r)
		}
		return s.activateCapture(tx, a, c, d, &r)
	})
	return r, err
}

// makeJobPost makes the product's side of the job, or finds it as it is. That
// contacts nobody: the job link is still off.
func (s *Service) makeJobPost(ctx context.Context, a hub.Actor, d *draft, planID string) error {
	c, job := d.connection, *d.content.Job
	err := s.store.Write(ctx, func(tx *store.Tx) (err error) {
		if _, err := tx.ShareConnection(c.TenantID, c.ID); err != nil {
			return err
		}
		d.link, err = tx.PutLink(hub.JobLink{TenantID: c.TenantID, ConnectionID: c.ID, JobID: job.ID, JobName: job.Name, JobCode: job.Code, Origin: hub.OriginPerson})
		if err != nil {
			return err
		}
		d.link.Gen++ // here first: the product never hears of a generation the hub could forget
		return tx.SaveLink(d.link)
	})
	if err != nil {
		return err
	}
	side, err := s.reach.Screening(ctx, c)
	if err != nil {
		return err
	}
	effect := product.Effect{
		Key:      product.Key("import", planID, d.link.ID, job.Name, job.Code, job.Location, job.Department, job.Status.Source),
		NotAfter: s.now().Add(effectLife), Fence: d.link.Gen,
	}
	made, err := side.PutJobPost(ctx, side.Login, effect, d.link.ID, reach.JobPost(job))
	if e := product.AsError(err); e != nil {
		return &hub.Error{Code: hub.CodeProduct, Message: d.product.DisplayName + " could not make the job post: " + e.Message + " Nothing was switched on.", Next: "try again; the preview still holds", Cause: err}
	}
	d.link.ProductRef, d.link.CalibrationURL = made.ID, made.CalibrationURL
	return err
}

// effectLife is how long a product may still begin what it was asked.
const effectLife = 15 * time.Second

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func checkChoice(shown Plan, choice Choice) error {
	if shown.Kind != hub.PlanImport {
		if choice.Backfill != "" || len(choice.Chosen) > 0 {
			return hub.Invalid("backfill", "belongs to plans of kind import")
		}
		return nil
	}
	switch choice.Backfill {
	case hub.BackfillEveryone, hub.BackfillNobody:
		if len(choice.Chosen) > 0 {
			return hub.Invalid("chosen", "belongs to backfill chosen")
		}
	case hub.BackfillChosen:
		for _, id := range choice.Chosen {
			if !slices.ContainsFunc(shown.Content.Candidates.Rows, func(row screening.Person) bool {
				return row.CandidateID == id && row.Verdict == screening.WouldInvite
			}) {
				return hub.Invalid("chosen", "names someone the preview would not invite")
			}
		}
	default:
		return hub.Invalid("backfill", "choose what happens to those already at the stage: everyone, nobody or chosen")
	}
	if shown.Content.Cascade.Loops() && !choice.AcknowledgeLoops {
		return hub.Invalid("acknowledge_loops", "the triggers lead in a circle; confirm that this is meant")
	}
	return nil
}

func sameJobs(shown, now PlanContent) bool {
	ids := func(c PlanContent) (all []string) {
		for _, j := range c.Jobs {
			all = append(all, j.ID)
		}
		slices.Sort(all)
		return all
	}
	return slices.Equal(ids(shown), ids(now))
}

// drift tells what is no longer as it was shown.
func drift(shown, now PlanContent) error {
	fields := map[string]string{}
	was, is := subjects(shown), subjects(now)
	var came, left, changed []string
	for id, verdict := range is {
		before, ok := was[id]
		switch {
		case !ok:
			came = append(came, id)
		case before != verdict:
			changed = append(changed, id)
		}
	}
	for id := range was {
		if _, ok := is[id]; !ok {
			left = append(left, id)
		}
	}
	for name, ids := range map[string][]string{"now_also": came, "no_longer": left, "changed": changed} {
		if len(ids) > 0 {
			slices.Sort(ids)
			fields[name] = strings.Join(ids, ", ")
		}
	}
	if deref(shown.Activates) != deref(now.Activates) {
		fields["activates"] = "what switching on activates was changed in the product"
	}
	return &hub.Error{Code: hub.CodePlanDrifted, Message: "what was previewed is no longer true; nothing was switched on", Next: "make a new preview", Fields: fields}
}

// subjects are whom or what a preview is about, with what would happen.
func subjects(c PlanContent) map[string]string {
	all := map[string]string{}
	if c.Candidates != nil {
		for _, row := range c.Candidates.Rows {
			all[row.CandidateID] = row.Verdict
		}
	}
	if c.Sessions != nil {
		for _, row := range c.Sessions.Rows {
			all[row.InterviewID+"/"+row.SessionID] = row.Readiness + row.StartsAt.String()
		}
	}
	for _, j := range c.Jobs {
		all["job "+j.ID] = ""
	}
	return all
}

// turnOn switches a link on, whose generation the caller has raised. Its time
// of activation is now: what happened before is left alone.
func turnOn(tx *store.Tx, link *hub.JobLink) error {
	at := tx.Now()
	link.State, link.ActivatedAt = hub.LinkOn, &at
	return tx.SaveLink(*link)
}

func (s *Service) activateImport(tx *store.Tx, a hub.Actor, c hub.Connection, d *draft, plan hub.Plan, choice Choice, r *Activated) error {
	job := d.content.Job
	link, err := tx.LockLink(c.TenantID, d.link.ID)
	if err != nil {
		return err
	}
	if link.Gen != d.link.Gen {
		return &hub.Error{Code: hub.CodeConflict, Message: "someone else switched this job meanwhile; nothing was switched on", Next: "make a new preview"}
	}
	link.JobName, link.JobCode, link.ProductRef, link.CalibrationURL = job.Name, job.Code, d.link.ProductRef, d.link.CalibrationURL
	if err := turnOn(tx, &link); err != nil {
		return err
	}
	if err := tx.ReplaceTriggers(c.TenantID, link.ID, d.triggers); err != nil {
		return err
	}
	triggers, err := tx.Triggers(c.TenantID, link.ID)
	if err != nil {
		return err
	}
	for _, app := range d.apps {
		if err := tx.SeeApplication(hub.Application{
			TenantID: c.TenantID, ConnectionID: c.ID, JobID: job.ID, CandidateID: app.Candidate.ID, ApplicationID: app.ID, StageID: app.StageID,
			StageEnteredAt: app.StageEnteredAt, Status: app.Status.Value, DisplayName: displayName(app), UpdatedAt: app.UpdatedAt,
		}); err != nil {
			return err
		}
	}
	invitation, _ := screening.Invitation(triggers) // CheckTriggers required one
	for _, owed := range screening.Backfill(c, link, invitation, *d.content.Candidates, choice.Backfill, choice.Chosen) {
		owed.PlanID, owed.Actor = plan.ID, who(a)
		row, err := oweOrRevive(tx, owed)
		if err != nil {
			return err
		}
		if row.State == hub.ActionReady {
			r.Actions = append(r.Actions, actionView(row))
		} else {
			r.LeftAlone++
		}
		line := human(a, c.ID, "decided about someone already at "+invitation.StageName)
		line.JobID, line.CandidateID, line.ActionID, line.Verdict = job.ID, owed.CandidateID, row.ID, string(row.State)
		if err := tx.AddTrail(line); err != nil {
			return err
		}
	}
	if err := tx.AddWork(s.linkChore(d.product, link, tx.Now())); err != nil {
		return err
	}
	r.Links = append(r.Links, linkView(link, triggers))
	line := human(a, c.ID, "imported the job")
	line.JobID, line.Detail = job.ID, "backfill: "+choice.Backfill
	return tx.AddTrail(line)
}

// oweOrRevive writes what a person decided about someone. An earlier decision
// not to act, or an act that was cancelled, gives way to it; an act that was
// begun does not.
func oweOrRevive(tx *store.Tx, owed hub.Action) (hub.Action, error) {
	row, created, err := tx.OweAction(owed)
	if err != nil || created || row.State != hub.ActionSkipped && row.State != hub.ActionCancelled {
		return row, err
	}
	row.ConnectionID, row.LinkID, row.TriggerID, row.PlanID, row.Actor = owed.ConnectionID, owed.LinkID, owed.TriggerID, owed.PlanID, owed.Actor
	row.State, row.Reason, row.Gen, row.Target = owed.State, owed.Reason, owed.Gen, owed.Target
	if err := tx.SaveAction(row); err != nil || row.State != hub.ActionReady {
		return row, err
	}
	return row, tx.RingAction(row)
}

func (s *Service) activateCapture(tx *store.Tx, a hub.Actor, c hub.Connection, d *draft, r *Activated) error {
	origin := hub.OriginPerson
	if d.input.Kind == hub.PlanCaptureAll {
		origin = hub.OriginImportAll
		c.Mode = hub.CaptureImportAll
		if err := tx.SaveConnection(c); err != nil {
			return err
		}
		if err := s.wake(tx, c); err != nil { // jobs that come later are found by a chore
			return err
		}
		if err := tx.AddTrail(human(a, c.ID, "switched on Import All")); err != nil {
			return err
		}
	}
	for _, role := range d.roles {
		link, err := tx.PutLink(hub.JobLink{TenantID: c.TenantID, ConnectionID: c.ID, JobID: role.job.ID, JobName: role.job.Name, JobCode: role.job.Code, Origin: origin})
		if err != nil {
			return err
		}
		if link.State == hub.LinkOn && origin == hub.OriginImportAll {
			continue // a person chose it; it stays theirs
		}
		link.JobName, link.JobCode, link.Origin = role.job.Name, role.job.Code, origin
		if link.State != hub.LinkOn {
			link.Gen++
			if err := turnOn(tx, &link); err != nil {
				return err
			}
		} else if err := tx.SaveLink(link); err != nil {
			return err
		}
		if err := s.activateRole(tx, a, c, d, role, link, r); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) activateRole(tx *store.Tx, a hub.Actor, c hub.Connection, d *draft, role role, link hub.JobLink, r *Activated) error {
	for _, app := range role.apps {
		if err := tx.SeeApplication(app); err != nil {
			return err
		}
	}
	for _, slot := range role.slots {
		slot.LinkID = link.ID
		row, _, err := tx.SeeSlot(slot)
		if err != nil {
			return err
		}
		join, err := ledger.DecideSession(tx, c, link, row, "")
		if err != nil {
			return err
		}
		if join != nil && join.State.Open() && join.Op == hub.OpDo {
			r.Actions = append(r.Actions, actionView(*join))
		}
	}
	due := tx.Now().Add(s.cadence.Interviews) // its interviews were just read
	if err := tx.AddWork(s.linkChore(d.product, link, due)); err != nil {
		return err
	}
	if err := engage(tx, link); err != nil {
		return err
	}
	r.Links = append(r.Links, linkView(link, nil))
	line := human(a, c.ID, "switched the role on")
	line.JobID = link.JobID
	return tx.AddTrail(line)
}
