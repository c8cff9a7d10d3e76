package demo

// capturing.go: Pillar's guide: installing, choosing jobs one by one or all at
// once, and uninstalling.

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/atshub/atshub/internal/sandbox/smartrecruiters"
)

// talk is an interview session a recruiter plans.
type talk struct {
	handle, title string
	in            time.Duration
	zone          string
	location      string // links are found in location, place and refUrl
	place         string
	ref           string
	link          string // the one a recorder can follow; "" = none
}

var brightwaterTalks = []talk{
	{handle: "zoe", title: "First Interview", in: 40 * time.Second, zone: "Europe/London",
		location: "https://teams.microsoft.com/l/meetup-join/19%3ameeting_ZoeNurse%40thread.v2/0",
		link:     "https://teams.microsoft.com/l/meetup-join/19%3ameeting_ZoeNurse%40thread.v2/0"},
	{handle: "aarav", title: "First Interview", in: 26 * time.Hour, zone: "Asia/Kolkata", location: "Online",
		place: "Zoom: https://us02web.zoom.us/j/81234567890?pwd=Aarav (code 4711).", link: "https://us02web.zoom.us/j/81234567890?pwd=Aarav"},
	{handle: "brid", title: "First Interview", in: 3 * time.Hour, zone: "Europe/Dublin",
		location: "Google Meet, http://meet.google.com/bri-nurs-one", link: "https://meet.google.com/bri-nurs-one"},
	{handle: "chinenye", title: "Panel, ward team", in: 5 * time.Hour, zone: "Africa/Lagos",
		place: "https://brightwater.webex.com/meet/ward-team", link: "https://brightwater.webex.com/meet/ward-team"},
	{handle: "chinenye", title: "Panel, surgeons", in: 7 * time.Hour, zone: "Africa/Lagos",
		place: "https://brightwater.zoom.us/j/99887766", link: "https://brightwater.zoom.us/j/99887766"},
	{handle: "duc", title: "First Interview", in: 2 * time.Hour, zone: "Asia/Ho_Chi_Minh",
		location: "https://whereby.com/brightwater-duc", link: "https://whereby.com/brightwater-duc"},
	{handle: "elodie", title: "Panel", in: 4 * time.Hour, zone: "Europe/Paris", location: "Theatre wing, Beckett Street, Leeds LS9 7TF"},

	{handle: "qiang", title: "First Interview", in: 3 * time.Hour, zone: "America/St_Johns",
		location: "https://meet.google.com/qia-radi-one", link: "https://meet.google.com/qia-radi-one"},
	{handle: "rhiannon", title: "First Interview", in: 50 * time.Hour, zone: "Asia/Kathmandu",
		location: "https://meet.google.com/rhi-radi-one", link: "https://meet.google.com/rhi-radi-one"},
	{handle: "sven", title: "Panel", in: 6 * time.Hour, zone: "Pacific/Chatham",
		place: "Teams <https://teams.microsoft.com/l/meetup-join/19%3ameeting_Sven/0>", link: "https://teams.microsoft.com/l/meetup-join/19%3ameeting_Sven/0"},

	{handle: "xenia", title: "First Interview", in: 2 * time.Hour, zone: "Europe/Athens",
		location: "https://meet.google.com/xen-ward-one", link: "https://meet.google.com/xen-ward-one"},
}

var nordwindTalks = []talk{
	{handle: "ivana", title: "Case Study", in: 4 * time.Hour, zone: "Europe/Zagreb",
		location: "https://teams.microsoft.com/l/meetup-join/19%3ameeting_Ivana/0", link: "https://teams.microsoft.com/l/meetup-join/19%3ameeting_Ivana/0"},
	{handle: "jeronimo", title: "First Interview", in: 28 * time.Hour, zone: "America/Mexico_City",
		place: "https://nordwind.zoom.us/my/jeronimo", link: "https://nordwind.zoom.us/my/jeronimo"},
	{handle: "kaveh", title: "Panel", in: 72 * time.Hour, zone: "Asia/Tehran", location: "Online",
		ref: "https://meet.google.com/kav-shif-one", link: "https://meet.google.com/kav-shif-one"},
	{handle: "vilma", title: "First Interview", in: 5 * time.Hour, zone: "Europe/Helsinki",
		location: "https://meet.google.com/vil-flee-one", link: "https://meet.google.com/vil-flee-one"},
	{handle: "agnes", title: "Panel", in: 30 * time.Hour, zone: "Europe/Berlin",
		location: "Pier 4, Überseering 12, Hamburg – https://nordwind.zoom.us/j/5550123", link: "https://nordwind.zoom.us/j/5550123"},
}

// plan puts interviews into the ATS; sessions of one person are one interview.
func (w *world) plan(talks []talk) error {
	for i := 0; i < len(talks); i++ {
		p := w.person(talks[i].handle)
		iv := smartrecruiters.Interview{
			CandidateID: p.candidateID, JobID: p.id, OrganizerID: p.recruiter, Location: talks[i].location, Timezone: talks[i].zone, RefURL: talks[i].ref,
		}
		var planned []*session
		for {
			t := talks[i]
			start := time.Now().Add(t.in).Truncate(time.Second)
			iv.Timeslots = append(iv.Timeslots, smartrecruiters.Timeslot{
				Type: "Onsite interview", Title: t.title, Place: t.place, StartsOn: start, EndsOn: start.Add(45 * time.Minute), Interviewers: []string{p.recruiter},
			})
			planned = append(planned, &session{person: p, title: t.title, links: []string{t.link}})
			if i+1 == len(talks) || talks[i+1].handle != t.handle {
				break
			}
			i++
		}
		id, err := p.ats.ScheduleInterview(iv)
		if err != nil {
			return err
		}
		for _, one := range planned {
			one.interviewID = id
		}
		w.sessions = append(w.sessions, planned...)
	}
	return nil
}

// session is a candidate's session; the first where there are several.
func (s *story) session(handle string) *session {
	p := s.person(handle)
	i := slices.IndexFunc(s.sessions, func(one *session) bool { return one.person == p })
	s.check(i >= 0, "%s has an interview", p.name())
	return s.sessions[i]
}

func recorded(did string, one *session) fact {
	return fact{Company: one.person.company.name, Job: one.person.title, Did: did, Who: one.text()}
}

func (s *story) recordedAll(did string, sessions ...*session) {
	var all []fact
	for _, one := range sessions {
		all = append(all, recorded(did, one))
	}
	s.happened(all...)
}

func (s *story) ofJob(title string) (all []*session) {
	for _, one := range s.sessions {
		if one.person.title == title {
			all = append(all, one)
		}
	}
	return all
}

func pillarInstall(co *company) obj {
	return obj{"connector": "smartrecruiters-oauth", "credentials": obj{"ats": obj{"client_id": co.oauth[0], "client_secret": co.oauth[1]}}}
}

func (s *story) capturing() {
	s.chapter("Pillar's guide: Choose Jobs Individually · " + brightwater)
	at := s.sites["pillar"+brightwater]
	c := ask[connectionView](s, at.owner(), post, "{tenant}/connections", pillarInstall(at.company))
	at.connection = c.ID
	granted, untried := rowsWith(c, "granted"), rowsWith(c, "unknown")
	s.check(c.State == "active" && len(granted)+len(untried) == 9, "all nine scopes are there: the connection is %s with %d granted", c.State, len(granted))
	s.done(fmt.Sprintf("installed by client id and secret: active; %d of the nine scopes are proven by trying:", len(granted)), "  "+names(granted),
		"  not tried, because trying would write: "+names(untried))
	s.check(c.CaptureMode == "choose", "jobs are chosen individually by default: %s", c.CaptureMode)
	s.hidden(at)

	at = at.owner()
	roles := ask[list[linkView]](s, at, post, "{connection}/roles", obj{"job_ids": []string{s.jobs[nurse].id, s.jobs[radio].id, s.jobs[ward].id}}).Items
	for _, l := range roles {
		s.check(l.State == "off", "the toggle of %s is off at first: %s", l.JobName, l.State)
		at.links[l.JobName] = l.ID
	}
	s.done(fmt.Sprintf("%d roles are chosen; each has a toggle, off at first: nothing is joined", len(roles)))
	s.toggleOn(at, nurse)
	s.joined(at)
	s.changes(at)
	s.toggleOff(at)
}

// preview says what switching on would join and activate.
func (s *story) sessionsPreview(at *site, plan obj) planView {
	p := ask[planView](s, at, post, "{connection}/plans", plan)
	var on []string
	for _, name := range []string{"record", "transcribe", "mail_candidates", "mail_interviewers"} {
		if p.Content.Activates[name] {
			on = append(on, strings.ReplaceAll(name, "_", " "))
		}
	}
	s.done(fmt.Sprintf("the preview: %d of %s would be joined; switched on with it: %s",
		p.Content.Sessions.WouldJoin, count(len(p.Content.Sessions.Rows), "session"), strings.Join(on, ", ")))
	for _, row := range p.Content.Sessions.Rows {
		zone, err := time.LoadLocation(row.Timezone)
		s.must(err)
		s.plain(strings.Repeat(" ", indent+2) + pad(row.StartsAt.In(zone).Format("Mon 15:04")+" "+row.Timezone, 31) + pad(row.Title, 19) + strings.ReplaceAll(row.Readiness, "_", " "))
		if row.Reason != "" {
			s.note("    " + row.Reason)
		}
	}
	return p
}

func (s *story) toggleOn(at *site, title string) {
	preview := s.sessionsPreview(at, obj{"kind": "toggle", "job_id": s.jobs[title].id})
	a := ask[activatedView](s, at, post, "{tenant}/plans/"+preview.ID+"/activation", obj{})
	s.imported(at, title, a)
	s.done(fmt.Sprintf("%s is switched on: %s", title, count(len(a.Actions), "join")))
}

func (s *story) joined(*site) {
	s.recordedAll(didJoin, s.session("zoe"))
	s.done("starts within the lead: the recorder is in the call at once: " + s.session("zoe").text())
	later := slices.DeleteFunc(s.ofJob(nurse), func(one *session) bool { return one.links[0] == "" || one == s.session("zoe") })
	s.recordedAll(didArm, later...)
	s.done(fmt.Sprintf("%s later are armed at the recorder now: an outage of ours at their minute costs nothing", count(len(later), "session")))
}

func (s *story) changes(at *site) {
	moved := s.session("brid")
	s.must(moved.person.ats.Reschedule(moved.interviewID, 24*time.Hour))
	s.recordedAll(didShift, moved)
	s.done("rescheduled by a day: " + moved.text() + ": the join is moved, one recorder")

	gone := s.session("duc")
	s.must(gone.person.ats.CancelInterview(gone.interviewID))
	s.recordedAll(didCancel, gone)
	s.done("cancelled: " + gone.text() + ": the join is cancelled at the recorder")

	open := s.session("elodie")
	var view interviewView
	s.until("a session that needs a decision", func() (bool, string) {
		for _, one := range ask[list[interviewView]](s, at, get, "{tenant}/interviews?limit=200", nil).Items {
			if one.InterviewID == open.interviewID {
				view = one
			}
		}
		return view.Readiness == "needs_decision", "it is " + view.Readiness
	})
	s.done(open.text() + " needs a decision: “" + view.Reason + "”")
	const link = "https://teams.microsoft.com/l/meetup-join/19%3ameeting_Elodie/0"
	open.links = append(open.links, link)
	s.must(open.person.ats.ChangeInterviewLink(open.interviewID, "Theatre wing, or "+link))
	s.recordedAll(didArm, open)
	s.done("… a recruiter adds a link: armed")
	pressed := s.synced(at, ask[syncView](s, at, post, "{tenant}/job-links/"+at.links[nurse]+"/syncs", nil).ID)
	s.done(fmt.Sprintf("Synchronize: %s read again, nothing changes", count(pressed.Summary.Applications, "application")))
}

func (s *story) toggleOff(at *site) {
	s.toggleOn(at, radio)
	s.recordedAll(didArm, s.ofJob(radio)...)
	a := ask[offView](s, at, post, "{tenant}/job-links/"+at.links[radio]+"/off", nil)
	s.recordedAll(didCancel, s.ofJob(radio)...)
	s.done(fmt.Sprintf("%s is switched off again: %s cancelled at the recorder, confirmed", radio, count(len(a.CancelledJoins)+len(a.Cancelled), "join")))
}

func (s *story) importingAll() {
	s.chapter("Pillar's guide: Import All, then uninstall · " + nordwind)
	at := s.sites["pillar"+nordwind]
	at.ats.RevokePermission(at.oauth[0], "users_read")
	c := ask[connectionView](s, at.owner(), post, "{tenant}/connections", pillarInstall(at.company))
	at.connection = c.ID
	missing := rowsWith(c, "missing")
	s.check(c.State == "degraded" && len(missing) == 1, "one scope is missing: %s, %d rows", c.State, len(missing))
	s.done("installed with a client that lacks one scope: degraded, the rest works",
		"  missing: "+missing[0].Name+" ("+missing[0].Serves+")", "  remedy:  "+missing[0].Remedy)

	at = at.owner()
	preview := s.sessionsPreview(at, obj{"kind": "capture_all"})
	a := ask[activatedView](s, at, post, "{tenant}/plans/"+preview.ID+"/activation", obj{})
	s.recordedAll(didArm, s.sessionsOf(nordwind)...)
	s.done(fmt.Sprintf("Import All: %s switched on, %s armed at the recorder", count(len(a.Links), "role"), count(len(a.Actions), "session")))

	at.ats.AddJob(smartrecruiters.Job{ID: s.jobs[stacker].id, Title: stacker, City: "Hamburg", Country: "Germany", CountryCode: "de"})
	s.happened(fact{Company: nordwind, Job: stacker, Did: roleIs, Detail: "on"})
	s.done("a job is opened in the ATS: " + stacker + " is switched on by itself, as Import All says")
	s.uninstall(at)
}

func (s *story) sessionsOf(company string) (all []*session) {
	for _, one := range s.sessions {
		if one.person.company.name == company {
			all = append(all, one)
		}
	}
	return all
}

func (s *story) uninstall(at *site) {
	ask[connectionView](s, at, del, "{connection}", nil)
	s.recordedAll(didCancel, s.sessionsOf(nordwind)...)
	var c connectionView
	s.until("the end of the uninstall", func() (bool, string) {
		c = ask[connectionView](s, at, get, "{connection}", nil)
		return c.State == "deleted", "it is " + c.State
	})
	s.check(len(c.Credentials) == 0, "no credential is left: %v", c.Credentials)
	s.done("uninstalled; its receipt:")
	for _, step := range c.UninstallSteps {
		text := step.What
		if step.Detail != "" {
			text += ": " + step.Detail
		}
		s.note("  " + step.Result + ": " + text)
	}
}
