package demo

// enabling.go: Fairec's first guide, and the first half of its second one:
// the integration is installed and jobs are imported.

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/atshub/atshub/internal/sandbox/smartrecruiters"
)

const (
	get  = http.MethodGet
	post = http.MethodPost
	del  = http.MethodDelete
)

type obj = map[string]any

// fairecInstall is what a person types to connect SmartRecruiters to Fairec.
func fairecInstall(apiKey, user, password string) obj {
	return obj{"connector": "smartrecruiters-apikey", "credentials": obj{
		"ats": obj{"api_key": apiKey}, "product": obj{"username": user, "password": password},
	}}
}

func (s *story) enabling() {
	s.chapter("Fairec, guide 1: enabling the integration · " + nordwind)
	at := s.sites["fairec"+nordwind]
	co := at.company
	wrong := "DCRA1-" + strings.Repeat("0badc0de", 4)
	s.secrets = append(s.secrets, wrong)

	r := s.refused(at.person(), post, "{tenant}/connections", fairecInstall(co.apiKey, co.fairecUser, co.password), "forbidden")
	s.done("a Recruiter may not install: " + r.said())
	r = s.refused(at.owner(), post, "{tenant}/connections", fairecInstall(wrong, co.fairecUser, co.password), "credential")
	s.done("a wrong API key: " + r.said())
	r = s.refused(at.owner(), post, "{tenant}/connections", fairecInstall(co.apiKey, "sso@"+co.org+".example", co.password), "credential")
	s.done("a single-sign-on-only Fairec account: " + r.said())
	r = s.refused(at.owner(), post, "{tenant}/connections", fairecInstall(co.apiKey, "plain@"+co.org+".example", co.password), "credential")
	s.done("a Fairec account without system access: " + r.said())

	co.ats.RevokePermission(co.apiKey, "reviews_write")
	c := ask[connectionView](s, at.owner(), post, "{tenant}/connections", fairecInstall(co.apiKey, co.fairecUser, co.password))
	at.connection = c.ID
	missing := rowsWith(c, "missing")
	s.check(c.State == "degraded" && len(missing) == 1, "one permission is missing: the connection is %s with %d rows missing", c.State, len(missing))
	s.done("installed with a key that lacks one permission: degraded, the rest works",
		"  missing: "+missing[0].Name+" ("+missing[0].Serves+")", "  remedy:  "+missing[0].Remedy)

	co.ats.GrantPermission(co.apiKey, "reviews_write")
	c = ask[connectionView](s, at.owner(), post, "{connection}/check", nil)
	granted := rowsWith(c, "granted")
	s.check(c.State == "active" && len(granted) == 10, "the key has all ten permissions: the connection is %s with %d rows granted", c.State, len(granted))
	s.done("the administrator grants it, check again: active, all 10 permissions granted:", "  "+names(granted))
	s.hidden(at)
	s.listening(at)
}

// hidden checks that no secret is ever shown again.
func (s *story) hidden(at *site) {
	var shown []string
	for _, f := range ask[connectionView](s, at.owner(), get, "{connection}", nil).Credentials {
		value := f.Value
		if value == "" {
			value = "…" + strings.TrimLeft(f.Hint, "…•* ")
		}
		for _, secret := range s.box.Secrets() {
			s.check(value != secret, "the field %s shows its secret", f.Name)
		}
		shown = append(shown, f.Name+" "+value)
	}
	s.done("what was typed is not shown again: " + strings.Join(shown, ", "))
}

// listening waits until the ATS delivers to us.
func (s *story) listening(at *site) {
	s.until("an active webhook subscription", func() (bool, string) {
		c := ask[connectionView](s, at.owner(), get, "{connection}", nil)
		return c.Webhooks.State == "active", "it is " + c.Webhooks.State + " " + c.Webhooks.Problem
	})
	s.done("the ATS delivers webhooks through the https edge: subscription made, handshake answered")
}

func rowsWith(c connectionView, status string) (rows []checkRow) {
	for _, r := range c.Check.Rows {
		if r.Status == status && !r.Optional {
			rows = append(rows, r)
		}
	}
	return rows
}

func names(rows []checkRow) string {
	var all []string
	for _, r := range rows {
		all = append(all, r.Name)
	}
	return strings.Join(all, " · ")
}

func stageID(st smartrecruiters.Stage) string {
	return strings.TrimSuffix(st.Status+"/"+st.SubStatus, "/")
}

func mailInvitation(st smartrecruiters.Stage) trigger {
	return trigger{Kind: "mail_invitation", StageID: stageID(st)}
}

func statusSync(status string, st smartrecruiters.Stage) trigger {
	return trigger{Kind: "status_sync", Status: status, StageID: stageID(st)}
}

func (s *story) importPlan(title string, triggers ...trigger) obj {
	return obj{"kind": "import", "job_id": s.jobs[title].id, "triggers": triggers}
}

func (s *story) configuring() {
	s.chapter("Fairec, guide 2: configuring a job integration · " + nordwind)
	at := s.sites["fairec"+nordwind].person()
	s.choosing(at)
	s.everyone(at)
	s.nobody(at)
	s.chosen(at)
}

// choosing picks job, stage and sub-stage, with every mistake on the way.
func (s *story) choosing(at *site) {
	jobs := ask[list[jobView]](s, at, get, "{connection}/jobs", nil).Items
	stages := ask[list[stageView]](s, at, get, "{connection}/jobs/"+s.jobs[dock].id+"/stages", nil).Items
	subs := 0
	for _, st := range stages {
		if st.ParentID != "" {
			subs++
		}
	}
	s.check(len(jobs) == 4 && subs > 0, "the ATS has 4 jobs and sub-stages: %d jobs, %d sub-stages", len(jobs), subs)
	s.done(fmt.Sprintf("pick a job: %d are offered; %q has %d stages with %d sub-stages", len(jobs), dock, len(stages)-subs, subs))

	r := s.refused(at, post, "{connection}/plans", obj{"kind": "import", "job_id": s.jobs[dock].id, "triggers": []obj{{"kind": "mail_invitation"}}}, "invalid")
	s.done("“Mail invitation” without a stage: "+r.said(), r.rows()...)
	r = s.refused(at, post, "{connection}/plans", s.importPlan(dock, mailInvitation(smartrecruiters.Stage{Status: smartrecruiters.InReview})), "invalid")
	s.done("a stage without its sub-stage: "+r.said(), r.rows()...)
	r = s.refused(at, post, "{connection}/plans", s.importPlan(dock, mailInvitation(phoneScreen), statusSync("reject", rejected)), "invalid")
	s.done("“Status sync” into a stage that ends applications: "+r.said(), r.rows()...)
}

// everyone imports the first job with the guide's own behaviour.
func (s *story) everyone(at *site) {
	end := statusSync("reject", rejected)
	end.AllowTerminal = true
	plan := s.importPlan(dock, mailInvitation(phoneScreen), statusSync("shortlist", firstTalk), end)
	preview := s.preview(at, plan, "agnes", "bjorn", "chioma", "dmytro")
	s.done(dock+", allow_terminal ticked: "+preview.told(), preview.warned()...)

	r := s.refused(at, post, "{tenant}/plans/"+preview.ID+"/activation", obj{}, "invalid")
	s.done("nothing is preselected; Import without a choice: "+r.said(), r.rows()...)
	s.must(s.person("emre").move(phoneScreen))
	r = s.refused(at, post, "{tenant}/plans/"+preview.ID+"/activation", obj{"backfill": "everyone"}, "plan_drifted")
	s.done("meanwhile a recruiter moves " + s.named("emre") + " there; Import: " + r.said())
	preview = s.preview(at, plan, "agnes", "bjorn", "chioma", "dmytro", "emre")
	s.done("previewed again: " + preview.told())

	twice := *at
	ctx := pressing(s.ctx)
	var first, second activatedView
	for _, answer := range []*activatedView{&first, &second} {
		s.must(twice.call(ctx, post, at.path("{tenant}/plans/"+preview.ID+"/activation"), obj{"backfill": "everyone"}, answer))
	}
	s.check(len(first.Actions) == 5 && len(second.Actions) == 5 && first.Actions[0].ID == second.Actions[0].ID,
		"the second press of Import gives the first answer: %d and %d invitations", len(first.Actions), len(second.Actions))
	s.imported(at, dock, first)
	s.invited("agnes", "bjorn", "chioma", "dmytro", "emre")
	s.done("Import with “everyone now”, pressed twice: imported once; 5 invitations have arrived at Fairec")
	if url := ask[linkView](s, at, get, "{tenant}/job-links/"+at.links[dock], nil).CalibrationURL; url != "" {
		s.note("  calibrate the job in Fairec: " + url)
	}
}

func (s *story) imported(at *site, title string, a activatedView) {
	s.check(len(a.Links) == 1 && a.Links[0].State == "on", "%s is imported and on: %+v", title, a.Links)
	at.links[title] = a.Links[0].ID
}

func (s *story) activate(at *site, preview planView, title string, choice obj) activatedView {
	a := ask[activatedView](s, at, post, "{tenant}/plans/"+preview.ID+"/activation", choice)
	s.imported(at, title, a)
	return a
}

func (s *story) nobody(at *site) {
	preview := s.preview(at, s.importPlan(fleet, mailInvitation(phoneScreen)), "kwabena", "lukasz", "mai")
	a := s.activate(at, preview, fleet, obj{"backfill": "nobody"})
	s.check(len(a.Actions) == 0 && a.LeftAlone == 3, "nobody is invited, 3 are left alone: %d and %d", len(a.Actions), a.LeftAlone)
	s.done(fleet + ": " + preview.told() + "; “nobody, only from now on”: all 3 are left alone for good")
}

func (s *story) chosen(at *site) {
	preview := s.preview(at, s.importPlan(customs, mailInvitation(phoneScreen), statusSync("interview", firstTalk)), "anais", "bartolomeu", "cho", "dagny")
	picked := []string{s.person("bartolomeu").candidateID, s.person("cho").candidateID}
	a := s.activate(at, preview, customs, obj{"backfill": "chosen", "chosen": picked})
	s.check(len(a.Actions) == 2 && a.LeftAlone == 2, "2 are invited, 2 left alone: %d and %d", len(a.Actions), a.LeftAlone)
	s.invited("bartolomeu", "cho")
	s.done(customs+": "+preview.told()+"; two are picked by hand and invited:", "  "+s.named("bartolomeu", "cho"))
}

// preview makes a plan and checks that it names exactly these people.
func (s *story) preview(at *site, plan obj, handles ...string) planView {
	p := ask[planView](s, at, post, "{connection}/plans", plan)
	shown := map[string]bool{}
	for _, row := range p.Content.Candidates.Rows {
		shown[row.Name] = row.Verdict == "would_invite"
	}
	s.check(len(shown) == len(handles) && p.Content.Candidates.WouldInvite == len(handles), "the preview names %d people: it shows %v", len(handles), shown)
	for _, h := range handles {
		s.check(shown[s.person(h).name()], "the preview names %s: it shows %v", s.person(h).name(), shown)
	}
	return p
}

// told is whom a preview names.
func (p planView) told() string {
	var names []string
	for _, row := range p.Content.Candidates.Rows {
		names = append(names, row.Name)
	}
	return fmt.Sprintf("the preview names %d at the stage: %s", len(names), strings.Join(names, ", "))
}

// warned are the findings of the cascade check, but for those every status
// sync has.
func (p planView) warned() []string {
	var lines []string
	for _, f := range p.Content.Cascade.Findings {
		if f.Kind != "ats" {
			lines = append(lines, "  cascade check: "+f.Text)
		}
	}
	return lines
}
