package demo

// world.go: the two companies, their jobs, people and credentials.

import (
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/atshub/atshub/internal/sandbox/fairec"
	"github.com/atshub/atshub/internal/sandbox/pillar"
	"github.com/atshub/atshub/internal/sandbox/smartrecruiters"
	"github.com/atshub/atshub/internal/sandbox/stage"
)

// Jobs by their titles.
const (
	dock    = "Dock Planner"
	fleet   = "Fleet Electrician"
	customs = "Customs Broker"
	shift   = "Night Shift Lead"
	nurse   = "Theatre Nurse"
	data    = "Clinical Data Analyst"
	radio   = "Radiographer"
	ward    = "Ward Pharmacist"
	stacker = "Reach Stacker Operator" // opened in the course of the story
)

const (
	nordwind    = "Nordwind Logistik"
	brightwater = "Brightwater Health"
)

// world is who and what there is, findable by what the records call it.
type world struct {
	stage     *stage.Stage
	companies map[string]*company
	jobs      map[string]*job // by title
	people    []*person
	sessions  []*session
	secrets   []string
}

// company is a customer of the ATS and of both products.
type company struct {
	name, org  string // org is the products' own id of it
	ats        *smartrecruiters.Company
	recruiter  string // user id in the ATS
	system     string // user id in the ATS the credentials act as
	apiKey     string
	oauth      [2]string // client id and secret
	fairecUser string
	password   string
}

type job struct {
	*company
	title, id string
}

type person struct {
	seat
	*job
	candidateID, applicationID string
	noEmail                    bool
}

func (p *person) name() string { return strings.TrimSpace(p.first + " " + p.last) }

// email is the same in every job a person applied to.
func (p *person) email() string {
	who, _, _ := strings.Cut(p.handle, "@")
	return who + ".candidate@mail.example"
}

// session is an interview session and the links it ever had.
type session struct {
	person      *person
	title       string
	interviewID string
	links       []string
}

func newWorld(st *stage.Stage) (*world, error) {
	w := &world{stage: st, companies: map[string]*company{}, jobs: map[string]*job{}}
	for _, plan := range []struct {
		name, org, city, country, code string
		processes                      []smartrecruiters.HiringProcess
		jobs                           [][3]string // title, department, city
	}{
		{nordwind, "nordwind", "Hamburg", "Germany", "de", []smartrecruiters.HiringProcess{
			{Name: "Operations", InReview: []string{"Screening", "Phone Screen"}, Interview: []string{"First Interview", "Panel"}, Offered: []string{"Verbal Offer", "Contract Sent"}},
			{Name: "Leadership", InReview: []string{"Screening", "Executive Review"}, Interview: []string{"First Interview", "Case Study", "Panel"}, Offered: []string{"Contract Sent"}},
		}, [][3]string{{dock, "Terminal", "Hamburg"}, {fleet, "Fleet", "Gdańsk"}, {customs, "Trade", "Rotterdam"}, {shift, "Terminal", "Malmö"}}},
		{brightwater, "brightwater", "Bristol", "United Kingdom", "gb", []smartrecruiters.HiringProcess{
			{Name: "Clinical", InReview: []string{"Screening", "Phone Screen"}, Interview: []string{"First Interview", "Panel"}, Offered: []string{"Verbal Offer"}},
			{Name: "Research", InReview: []string{"Screening", "Portfolio Review"}, Interview: []string{"First Interview", "Lab Visit", "Panel"}, Offered: []string{"Verbal Offer"}},
		}, [][3]string{{nurse, "Surgery", "Leeds"}, {data, "Research", "Bristol"}, {radio, "Imaging", "Cork"}, {ward, "Pharmacy", "Cardiff"}}},
	} {
		co := w.addCompany(plan.name, plan.org)
		var processes []string
		for _, p := range plan.processes {
			processes = append(processes, co.ats.AddHiringProcess(p))
		}
		for i, j := range plan.jobs {
			process := processes[0]
			if j[0] == shift || j[0] == data {
				process = processes[1]
			}
			id := co.ats.AddJob(smartrecruiters.Job{
				Title: j[0], Department: j[1], City: j[2], Country: plan.country, CountryCode: plan.code, Process: process,
				RefNumber: fmt.Sprintf("%s-%d", strings.ToUpper(plan.org[:2]), 101+i),
			})
			w.jobs[j[0]] = &job{company: co, title: j[0], id: id}
		}
	}
	w.jobs[stacker] = &job{company: w.companies[nordwind], title: stacker, id: "5eed0000-0000-4000-8000-0057acce4000"}
	return w, w.seatEveryone()
}

func (w *world) addCompany(name, org string) *company {
	co := &company{name: name, org: org, ats: w.stage.ATS.AddCompany(name)}
	w.companies[name] = co
	co.recruiter = co.ats.AddUser(smartrecruiters.User{FirstName: "Renate", LastName: "Recruiter", Role: smartrecruiters.Administrator})
	co.system = co.ats.AddUser(smartrecruiters.User{FirstName: "Integration", LastName: "User", Role: smartrecruiters.Administrator})
	co.apiKey = co.ats.NewAPIKey(smartrecruiters.Grant{Scopes: smartrecruiters.FairecScopes, Role: smartrecruiters.Administrator, User: co.system})
	id, secret := co.ats.NewOAuthClient(smartrecruiters.Grant{Scopes: smartrecruiters.PillarScopes, Role: smartrecruiters.Administrator, User: co.system})
	co.oauth = [2]string{id, secret}
	co.fairecUser, co.password = "ats-system@"+org+".example", w.newPassword()
	w.secrets = append(w.secrets, co.apiKey, secret)
	user := fairec.User{ID: org + "-system", OrganisationID: org, OrganisationName: name, Email: co.fairecUser, Password: co.password, SystemAccess: true}
	w.stage.Fairec.AddUser(user)
	sso := user
	sso.ID, sso.Email, sso.SSOOnly = org+"-sso", "sso@"+org+".example", true
	w.stage.Fairec.AddUser(sso)
	plain := user
	plain.ID, plain.Email, plain.SystemAccess = org+"-plain", "plain@"+org+".example", false
	w.stage.Fairec.AddUser(plain)
	w.stage.Pillar.SetOrganisation(org, pillar.Settings{Record: true, Transcribe: true, MailCandidates: org == "brightwater", MailInterviewers: true})
	return co
}

// newPassword holds characters that every encoding writes in its own way.
func (w *world) newPassword() string {
	p := "Kräne&" + rand.Text() + `/"+<ø>`
	w.secrets = append(w.secrets, p)
	return p
}

func (w *world) seatEveryone() error {
	for _, s := range seats {
		p := &person{seat: s, job: w.jobs[s.job], noEmail: s.handle == "ines"}
		c := smartrecruiters.Candidate{FirstName: s.first, LastName: s.last, Email: p.email()}
		if p.noEmail {
			c.Email = ""
		}
		made, err := p.ats.Apply(p.id, c)
		if err != nil {
			return err
		}
		p.candidateID, p.applicationID = made.CandidateID, made.ApplicationID
		if s.stage != applied {
			if err := p.move(s.stage); err != nil {
				return err
			}
		}
		w.people = append(w.people, p)
	}
	return w.applyAlso("wanjiru", data)
}

// applyAlso is a second application of somebody. The ATS's list of candidates
// tells only the first one's stage.
func (w *world) applyAlso(handle, title string) error {
	also := *w.person(handle)
	also.handle, also.job = handle+"@data", w.jobs[title]
	made, err := also.ats.ApplyAlso(also.candidateID, also.id)
	if err != nil {
		return err
	}
	also.applicationID = made.ApplicationID
	w.people = append(w.people, &also)
	return nil
}

// move is a recruiter dragging the candidate's card.
func (p *person) move(to smartrecruiters.Stage) error {
	return p.ats.Move(p.candidateID, p.id, to.Status, to.SubStatus)
}

func (w *world) person(handle string) *person {
	for _, p := range w.people {
		if p.handle == handle {
			return p
		}
	}
	panic("there is no " + handle + " in this story")
}

// named is what people are called, for a line of the timeline.
func (w *world) named(handles ...string) string {
	names := make([]string, 0, len(handles))
	for _, h := range handles {
		names = append(names, w.person(h).name())
	}
	return strings.Join(names, ", ")
}
