package demo

// facts.go: what happened, read from the simulators' records alone.

import (
	"fmt"
	"slices"
	"strings"

	"github.com/atshub/atshub/internal/sandbox/smartrecruiters"
	"github.com/atshub/atshub/internal/sandbox/witness"
)

// fact is one outside act as a simulator saw it. Two equal facts are the same
// act done twice.
type fact struct {
	Company string
	Job     string
	Did     string
	Who     string // a candidate, or a candidate's session
	Detail  string
}

func (f fact) String() string {
	text := f.Company
	for _, part := range []string{f.Job, strings.TrimSpace(f.Did + " " + f.Who), f.Detail} {
		if part != "" {
			text += " · " + part
		}
	}
	return text
}

// What can be done.
const (
	didInvite   = "invited"
	didMove     = "moved"
	didReview   = "review written"
	didArm      = "recorder armed"
	didJoin     = "session joined"
	didShift    = "join moved"
	didCancel   = "join cancelled"
	jobPost     = "job post"
	roleIs      = "role"
	subscribed  = "webhook subscriptions left"
	unexplained = "UNKNOWN"
)

// facts reads the records. Whatever the products or the API did that has no
// name here comes out as UNKNOWN, so that nothing passes unseen.
func (w *world) facts(r Records) []fact {
	var all []fact
	all = append(all, w.atsFacts(r.ATS)...)
	all = append(all, w.fairecFacts(r.Fairec)...)
	return append(all, w.pillarFacts(r.Pillar)...)
}

func (w *world) atsFacts(entries []smartrecruiters.Entry) []fact {
	var all []fact
	subscriptions := map[string]int{}
	for _, e := range entries {
		if e.Kind != smartrecruiters.KindEffect || e.Data["by"] == "person" {
			continue
		}
		co := w.companyOfATS(e.Company)
		f := fact{Company: co, Did: unexplained, Detail: e.Effect}
		if p := w.personOf(e.Data["candidate"], e.Data["job"]); p != nil {
			f.Job, f.Who = p.title, p.name()
		}
		switch e.Effect {
		case "subscription created":
			subscriptions[co]++
			continue
		case "subscription deleted":
			subscriptions[co]--
			continue
		case "subscription activated", "secret key created":
			continue
		case "moved":
			f.Did, f.Detail = didMove, "to "+stageText(smartrecruiters.Stage{Status: e.Data["to"], SubStatus: e.Data["toSub"]})
		case "review created":
			f.Did, f.Detail = didReview, e.Data["rating"]+" of 5"
		}
		all = append(all, f)
	}
	for co, n := range subscriptions {
		all = append(all, fact{Company: co, Did: subscribed, Detail: fmt.Sprint(n)})
	}
	return all
}

func (w *world) fairecFacts(entries []witness.Entry) []fact {
	var all []fact
	posts := map[string]fact{} // by key: their last state
	titles := map[string]string{}
	for _, e := range entries {
		field := func(name string) string { return text(e.Fields[name]) }
		switch e.Effect {
		case "job_post_put":
			j := w.jobOf(field("ATSJobID"))
			titles[field("Key")] = field("Title")
			posts[field("Key")] = fact{Company: w.companyOfOrg(field("Organisation")), Job: j, Did: jobPost, Detail: field("State")}
		case "job_post_ended":
			f := posts[field("key")]
			f.Detail = "ended"
			posts[field("key")] = f
		case "invitation_sent":
			all = append(all, w.invitation(field))
		}
	}
	for _, f := range posts {
		all = append(all, f)
	}
	return all
}

// invitation is the mail as it went out, compared with the person it is for.
func (w *world) invitation(field func(string) string) fact {
	f := fact{Company: w.companyOfOrg(field("organisation")), Job: w.jobOf(field("ats_job_id")), Did: didInvite, Who: field("first_name") + " " + field("last_name")}
	p := w.personOf(field("ats_candidate_id"), field("ats_job_id"))
	switch {
	case p == nil:
		f.Detail = "somebody unknown"
	case p.first != field("first_name") || p.last != field("last_name"):
		f.Detail = "by a name that is not " + p.name()
	case p.email() != field("email"):
		f.Detail = "at somebody else's address"
	}
	f.Who = strings.TrimSpace(f.Who)
	return f
}

// recorderActs are the effects of the recorder that matter; "left" and "kept"
// follow from them.
var recorderActs = map[string]string{
	"armed": didArm, "joined": didJoin, "moved": didShift, "cancelled": didCancel,
}

func (w *world) pillarFacts(entries []witness.Entry) []fact {
	var all []fact
	roles := map[string]fact{}
	for _, e := range entries {
		field := func(name string) string { return text(e.Fields[name]) }
		co := w.companyOfOrg(field("organisation"))
		did, known := recorderActs[e.Effect]
		switch {
		case e.Kind != witness.KindEffect || e.Effect == "left" || e.Effect == "kept":
		case e.Effect == "role_put":
			state := map[string]string{"true": "on", "false": "off"}[field("engaged")]
			roles[field("organisation")+" "+field("key")] = fact{Company: co, Job: w.jobOf(field("ats_job_id")), Did: roleIs, Detail: state}
		case !known:
			all = append(all, fact{Company: co, Did: unexplained, Detail: e.Effect + " " + field("reason")})
		default:
			f := fact{Company: co, Did: did, Who: "an unknown session"}
			if s := w.sessionOf(field("meeting_url")); s != nil {
				f.Job, f.Who = s.person.title, s.text()
			}
			all = append(all, f)
		}
	}
	for _, f := range roles {
		all = append(all, f)
	}
	return all
}

func (s *session) text() string { return s.person.name() + ", " + s.title }

func text(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// stageText is a stage as people read it.
func stageText(s smartrecruiters.Stage) string {
	name := map[string]string{
		smartrecruiters.InReview: "In Review", smartrecruiters.Interviewed: "Interview", smartrecruiters.Offered: "Offered",
		smartrecruiters.Rejected: "Rejected", smartrecruiters.Hired: "Hired", smartrecruiters.Started: "New",
	}[s.Status]
	if s.SubStatus == "" {
		return name
	}
	return name + " / " + s.SubStatus
}

func (w *world) companyOfATS(id string) string {
	for _, co := range w.companies {
		if co.ats.ID == id {
			return co.name
		}
	}
	return "an unknown company"
}

func (w *world) companyOfOrg(org string) string {
	for _, co := range w.companies {
		if co.org == org {
			return co.name
		}
	}
	return "an unknown company"
}

func (w *world) jobOf(id string) string {
	for _, j := range w.jobs {
		if j.id == id {
			return j.title
		}
	}
	return "an unknown job"
}

// personOf is the candidate of a job.
func (w *world) personOf(candidateID, jobID string) *person {
	i := slices.IndexFunc(w.people, func(p *person) bool { return p.candidateID == candidateID && p.id == jobID })
	if i < 0 {
		return nil
	}
	return w.people[i]
}

func (w *world) sessionOf(link string) *session {
	for _, s := range w.sessions {
		if slices.Contains(s.links, link) {
			return s
		}
	}
	return nil
}
