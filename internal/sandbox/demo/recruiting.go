package demo

// recruiting.go: Fairec's second guide while people work: what the triggers
// do, once, and what they leave alone; then managing a job integration.

import (
	"fmt"
	"slices"

	"github.com/atshub/atshub/internal/sandbox/smartrecruiters"
)

func (s *story) recruiting() {
	s.chapter("Fairec, guide 2: recruiters at work · " + nordwind)
	at := s.sites["fairec"+nordwind].person()
	s.arrivals(at)
	s.statuses(at)
	s.results(at)
}

func (s *story) move(handle string, to smartrecruiters.Stage) *person {
	p := s.person(handle)
	s.must(p.move(to))
	return p
}

func (s *story) arrivals(at *site) {
	p := s.move("fatima", phoneScreen)
	s.invited("fatima")
	s.done(p.name() + " reaches the stage for the first time: invited")
	s.move("fatima", screening)
	s.move("fatima", phoneScreen)
	s.done("… leaves it and comes again: " + s.decided(at, p, "was invited before", 2))
	s.duplicated(at)
	s.neverSent(at)
	s.withoutAddress(at)

	p = s.move("lukasz", screening)
	s.move("lukasz", phoneScreen)
	s.done(p.name() + ", there before activation with “nobody”, leaves and comes again: " + s.decided(at, p, "before activation", 2))
	s.move("siobhan", phoneScreen)
	s.move("eleni", phoneScreen)
	s.invited("siobhan", "eleni")
	s.done("newcomers in the other two jobs are invited: " + s.named("siobhan", "eleni"))
}

func (s *story) duplicated(at *site) {
	const copies = 2
	remove := s.box.ATS.OnEvent(smartrecruiters.EventRule{Event: "application.status.updated", Company: at.ats.ID, Count: 1, Copies: copies})
	defer remove()
	p := s.move("goran", phoneScreen)
	s.invited("goran")
	s.until("all copies acknowledged", func() (bool, string) {
		byID := map[string]int{}
		for _, e := range s.box.ATS.Record().Entries(smartrecruiters.KindDelivery) {
			if e.Status == 202 && e.Company == at.ats.ID {
				byID[e.EventID]++
			}
		}
		for _, n := range byID {
			if n == copies+1 {
				return true, ""
			}
		}
		return false, fmt.Sprintf("no event was acknowledged %d times", copies+1)
	})
	heard := 0
	for _, e := range s.events(at, p) {
		if e.Source == "webhook" && e.SourceName == "application.status.updated" {
			heard++
		}
	}
	s.check(heard == 1, "the event is known once: %d times", heard)
	s.done(fmt.Sprintf("%s: the webhook arrives %d times, each answered 202; one event, one invitation", p.name(), copies+1))
}

func (s *story) neverSent(at *site) {
	remove := s.box.ATS.OnEvent(smartrecruiters.EventRule{Event: "application.status.updated", Company: at.ats.ID, Count: 1, Drop: true})
	defer remove()
	p := s.move("hana", phoneScreen)
	s.invited("hana")
	found := slices.ContainsFunc(s.events(at, p), func(e eventView) bool { return e.Source == "poll" })
	s.check(found, "the change was found by the sync")
	s.done(p.name() + ": the webhook is never sent; the hourly sync finds the move: invited")
}

func (s *story) events(at *site, p *person) []eventView {
	return ask[list[eventView]](s, at, get, "{tenant}/events?limit=200&candidate="+p.candidateID, nil).Items
}

func (s *story) withoutAddress(at *site) {
	p := s.move("ines", phoneScreen)
	reason := ""
	s.until("a parked invitation", func() (bool, string) {
		parked := ask[list[actionView]](s, at, get, "{tenant}/actions?state=parked&candidate="+p.candidateID, nil).Items
		if len(parked) == 1 {
			reason = parked[0].Reason
		}
		return len(parked) == 1, "none is parked"
	})
	s.done(p.name() + " has no e-mail address: parked, “" + reason + "”")
	s.must(p.ats.EditCandidate(p.candidateID, func(c *smartrecruiters.Candidate) { c.Email = p.email() }))
	s.invited("ines")
	s.done("… a recruiter adds the address: invited")
}

// fairecID is the product's own id of a candidate.
func (s *story) fairecID(handle string) string {
	c, ok := s.box.Fairec.Candidate(s.person(handle).applicationID)
	s.check(ok, "Fairec knows %s", s.person(handle).name())
	return c.ID
}

func (s *story) setStatus(handle, status string) {
	s.must(s.box.Fairec.SetStatus(s.fairecID(handle), status))
}

func movedTo(p *person, to smartrecruiters.Stage) fact {
	return fact{Company: p.company.name, Job: p.title, Did: didMove, Who: p.name(), Detail: "to " + stageText(to)}
}

func (s *story) statuses(at *site) {
	p := s.person("agnes")
	s.setStatus("agnes", "Shortlist")
	s.happened(movedTo(p, firstTalk))
	s.done("Fairec sets “Shortlist” for " + p.name() + ": moved to " + stageText(firstTalk) + " in the ATS")
	s.move("agnes", panel)
	s.setStatus("agnes", "Interview")
	s.setStatus("agnes", "Shortlist")
	s.done("… a recruiter moves on to Panel; “Shortlist” again: " + s.decided(at, p, "not moved again", 1))

	s.box.Fairec.MuteCallbacks(true)
	s.setStatus("chioma", "Shortlist")
	s.happened(movedTo(s.person("chioma"), firstTalk))
	s.box.Fairec.MuteCallbacks(false)
	s.done("“Shortlist” for " + s.named("chioma") + ", but Fairec's callback is lost: found in its list of changes, moved")
	s.setStatus("bjorn", "Reject")
	s.happened(movedTo(s.person("bjorn"), rejected))
	s.setStatus("bartolomeu", "Interview")
	s.happened(movedTo(s.person("bartolomeu"), firstTalk))
	s.done("“Reject” for " + s.named("bjorn") + ": moved to Rejected, because the owner ticked it")
	s.done("“Interview” for " + s.named("bartolomeu") + ": moved to " + stageText(firstTalk))
}

func reviewOf(p *person, rating int) fact {
	return fact{Company: p.company.name, Job: p.title, Did: didReview, Who: p.name(), Detail: fmt.Sprintf("%d of 5", rating)}
}

func (s *story) results(at *site) {
	p := s.person("agnes")
	const words = "Knows every berth by heart. Hire!"
	_, err := p.ats.WriteReview(p.candidateID, p.id, p.recruiter, 5, words)
	s.must(err)
	s.must(s.box.Fairec.SetResult(s.fairecID("agnes"), 4, "Strong planning, calm under load."))
	s.happened(reviewOf(p, 4))
	kept := slices.ContainsFunc(p.ats.Reviews(p.candidateID, p.id), func(r smartrecruiters.Review) bool { return r.Comment == words && r.Rating == 5 })
	s.check(kept, "the recruiter's own review is untouched")
	s.done("a result for " + p.name() + ": written as a review beside the recruiter's own, which stays as it was")

	p = s.person("chioma")
	s.must(s.box.Fairec.SetResult(s.fairecID("chioma"), 5, "Excellent."))
	s.happened(reviewOf(p, 5))
	ours := p.ats.Reviews(p.candidateID, p.id)
	s.check(len(ours) == 1, "%s has one review: %d", p.name(), len(ours))
	s.must(p.ats.EditReview(ours[0].ID, 3, "Good, but let us see the panel first."))
	s.must(s.box.Fairec.SetResult(s.fairecID("chioma"), 2, "Second thoughts."))
	why := s.decided(at, p, "a person has changed our review", 1)
	s.done("a result for " + p.name() + " is written; a person rewrites that review; the next result: " + why)
}

func (s *story) managing() {
	s.chapter("Fairec, guide 2: managing a job integration · " + nordwind)
	at := s.sites["fairec"+nordwind].person()
	s.synchronize(at)
	a := ask[offView](s, at, del, "{tenant}/job-links/"+at.links[fleet], nil)
	s.happened(fact{Company: nordwind, Job: fleet, Did: jobPost, Detail: "ended"})
	s.done(fmt.Sprintf("Delete the integration of %s: ended in Fairec; open invitations cancelled: %d", fleet, len(a.Cancelled)))
	p := s.move("tomas", phoneScreen)
	s.done("… " + p.name() + " reaches the stage afterwards: " + s.decided(at, p, "left alone", 1))
}

// synchronize presses the button after a job was renamed.
func (s *story) synchronize(at *site) {
	const renamed = "Dock & Yard Planner"
	remove := s.box.ATS.OnEvent(smartrecruiters.EventRule{Event: "job.updated", Company: at.ats.ID, Count: 1, Drop: true})
	defer remove()
	before := s.syncs(at, dock)
	s.must(at.ats.EditJob(s.jobs[dock].id, func(j *smartrecruiters.Job) { j.Title = renamed }))
	// An hourly sync may be a moment faster, or be under way since before the
	// renaming: then the button answers that one, and is pressed again.
	var changed *syncView
	s.until("a sync that says the job was changed", func() (bool, string) {
		pressed := ask[syncView](s, at, post, "{tenant}/job-links/"+at.links[dock]+"/syncs", nil)
		s.synced(at, pressed.ID)
		for _, one := range s.syncs(at, dock) {
			if one.Summary.JobChanged && !slices.ContainsFunc(before, func(b syncView) bool { return b.ID == one.ID && b.Summary.JobChanged }) {
				changed = &one
			}
		}
		return changed != nil, "none does"
	})
	s.until("the new title in Fairec", func() (bool, string) {
		for _, p := range s.box.Fairec.JobPosts() {
			if p.ATSJobID == s.jobs[dock].id {
				return p.Title == renamed, "it is " + p.Title
			}
		}
		return false, "there is no job post"
	})
	s.done(fmt.Sprintf("the job is renamed %q; Synchronize: job changed, %s read, %s missed", renamed,
		count(changed.Summary.Applications, "application"), count(changed.Summary.Missed, "change")))
}

func (s *story) syncs(at *site, title string) []syncView {
	return ask[list[syncView]](s, at, get, "{tenant}/job-links/"+at.links[title]+"/syncs?limit=200", nil).Items
}

func (s *story) synced(at *site, id string) (now syncView) {
	s.until("the end of the sync", func() (bool, string) {
		now = ask[syncView](s, at, get, "{tenant}/syncs/"+id, nil)
		s.check(now.State != "failed", "the sync failed: %s", now.Problem)
		return now.State == "finished", "it is " + now.State
	})
	return now
}

func (s *story) secondCompany() {
	s.chapter("Fairec at the second company · " + brightwater)
	at := s.sites["fairec"+brightwater]
	co := at.company
	c := ask[connectionView](s, at.owner(), post, "{tenant}/connections", fairecInstall(co.apiKey, co.fairecUser, co.password))
	at.connection = c.ID
	s.check(c.State == "active", "the connection is active: %s", c.State)
	s.done("installed with all ten permissions: active at once")
	s.listening(at)
	s.loop(at.person())
}

// foreign asks for what is another company's, and for what does not exist.
func (s *story) foreign(at *site) {
	theirs, nobodys := *at, *at
	theirs.connection = s.sites["fairec"+nordwind].connection
	nobodys.connection = "con_00000000000000000000000000"
	a := s.refused(&theirs, get, "{connection}", nil, "not_found")
	b := s.refused(&nobodys, get, "{connection}", nil, "not_found")
	s.check(a.Detail == b.Detail, "both answers are the same: %q and %q", a.Detail, b.Detail)
	s.done(brightwater + " asks for " + nordwind + "'s connection: “" + a.Detail + "”, the answer for one that does not exist")
}

// loop is a status sync that leads back to the stage that invites.
func (s *story) loop(at *site) {
	preview := s.preview(at, s.importPlan(data, mailInvitation(screening), statusSync("shortlist", screening)), "ibrahim", "jadwiga")
	s.done(data+", “Shortlist” leads back to the stage that invites:", preview.warned()...)
	r := s.refused(at, post, "{tenant}/plans/"+preview.ID+"/activation", obj{"backfill": "nobody"}, "invalid")
	s.done("Import: "+r.said(), r.rows()...)
	s.activate(at, preview, data, obj{"backfill": "nobody", "acknowledge_loops": true})
	s.done("confirmed and imported, “nobody, only from now on”: " + s.named("ibrahim", "jadwiga") + " are left alone")

	p := s.move("kiri", screening)
	s.invited("kiri")
	s.done(p.name() + " arrives: invited")
	s.must(p.move(smartrecruiters.Stage{Status: smartrecruiters.InReview, SubStatus: "Portfolio Review"}))
	s.setStatus("kiri", "Shortlist")
	s.happened(movedTo(p, screening))
	s.done("… is shortlisted later and moved back by us: our own move invites nobody, " + s.decided(at, p, "our own status sync moved", 1))
	s.secondApplication()
}

// secondApplication is one person in two jobs, of which the ATS's list shows
// only one.
func (s *story) secondApplication() {
	p := s.move("wanjiru@data", screening)
	s.invited("wanjiru@data")
	s.done(p.name() + " has applied to two jobs and reaches the stage in this one: invited for it alone")
}
