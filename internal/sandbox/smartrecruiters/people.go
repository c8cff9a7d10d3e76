// What people do in the SmartRecruiters user interface: each act changes the world, fires the vendor's events
// and leaves an effect in the record.

package smartrecruiters

import (
	"fmt"
	"slices"
	"time"
)

// AddCompany opens a company with one administrator, one hiring process and the usual reasons.
func (s *Simulator) AddCompany(name string) *Company {
	s.mu.Lock()
	defer s.mu.Unlock()
	co := &Company{ID: s.newID(), Name: name, sim: s, types: []string{"Phone screen", "Onsite interview"}}
	co.addUser(User{FirstName: "Admin", LastName: name, Role: Administrator})
	co.addProcess(HiringProcess{
		Name: "Default", InReview: []string{"Screening", "Shortlisted"},
		Interview: []string{"Phone interview", "Onsite interview"}, Offered: []string{"Offer sent"},
	})
	co.rejections = []reason{{s.newID(), "Not enough experience"}, {s.newID(), "Position filled"}}
	co.withdrawals = []reason{{s.newID(), "Took another offer"}}
	s.companies = append(s.companies, co)
	return co
}

// Admin is the id of the administrator every company starts with.
func (co *Company) Admin() string {
	co.sim.mu.Lock()
	defer co.sim.mu.Unlock()
	return co.users[0].ID
}

// DefaultProcess is the id of the hiring process every company starts with.
func (co *Company) DefaultProcess() string {
	co.sim.mu.Lock()
	defer co.sim.mu.Unlock()
	return co.processes[0].ID
}

// AddUser adds an employee and returns the user id.
func (co *Company) AddUser(u User) string {
	co.sim.mu.Lock()
	defer co.sim.mu.Unlock()
	return co.addUser(u)
}

func (co *Company) addUser(u User) string {
	u.ID = orElse(u.ID, co.sim.newUserID())
	u.Email = orElse(u.Email, u.ID[:8]+"@example.com")
	u.Role = orElse(u.Role, "STANDARD")
	u.updatedOn = co.sim.now()
	co.users = append(co.users, &u)
	return u.ID
}

// AddHiringProcess adds a process; jobs name it by the returned id.
func (co *Company) AddHiringProcess(p HiringProcess) string {
	co.sim.mu.Lock()
	defer co.sim.mu.Unlock()
	return co.addProcess(p)
}

func (co *Company) addProcess(p HiringProcess) string {
	p.ID = orElse(p.ID, co.sim.newID())
	co.processes = append(co.processes, &p)
	return p.ID
}

// RenameSubStatus renames a sub-status: process and candidates there carry the new string, history keeps the old.
func (co *Company) RenameSubStatus(processID, status, from, to string) error {
	co.sim.mu.Lock()
	defer co.sim.mu.Unlock()
	p := co.process(processID)
	if p == nil || p.subStatuses(status) == nil {
		return fmt.Errorf("no process %s with sub-statuses under %s", processID, status)
	}
	subs := *p.subStatuses(status)
	i := slices.Index(subs, from)
	if i < 0 {
		return fmt.Errorf("no sub-status %q under %s", from, status)
	}
	subs[i] = to
	for _, cand := range co.candidates {
		for _, app := range cand.applications {
			if app.job.Process == processID && app.Stage == (Stage{status, from}) {
				app.SubStatus = to
			}
		}
	}
	co.effect("sub-status renamed", byPerson, "process", processID, "status", status, "from", from, "to", to)
	return nil
}

// AddJob opens a job and returns its id.
func (co *Company) AddJob(j Job) string {
	co.sim.mu.Lock()
	defer co.sim.mu.Unlock()
	j.ID = orElse(j.ID, co.sim.newID())
	j.RefNumber = orElse(j.RefNumber, fmt.Sprintf("REF%dA", len(co.jobs)+1))
	j.Department = orElse(j.Department, "Engineering")
	if j.City == "" {
		j.City, j.Country, j.CountryCode = "Berlin", "Germany", "de"
	}
	j.Status, j.PostingStatus = orElse(j.Status, "SOURCING"), orElse(j.PostingStatus, "PUBLIC")
	j.Language = orElse(j.Language, "en")
	j.Process = orElse(j.Process, co.processes[0].ID)
	if j.CreatedOn.IsZero() {
		j.CreatedOn = co.sim.now()
	}
	j.updatedOn, j.lastActivityOn = j.CreatedOn, j.CreatedOn
	co.jobs = append(co.jobs, &j)
	co.emitJob("job.created", &j)
	return j.ID
}

// EditJob changes a job and fires job.updated. f must not call the simulator.
func (co *Company) EditJob(jobID string, f func(*Job)) error {
	co.sim.mu.Lock()
	defer co.sim.mu.Unlock()
	j := co.job(jobID)
	if j == nil {
		return fmt.Errorf("no job %s", jobID)
	}
	status := j.Status
	f(j)
	j.updatedOn, j.lastActivityOn = co.sim.now(), co.sim.now()
	co.emitJob("job.updated", j)
	if j.Status != status {
		co.emitJob("job.status.updated", j)
	}
	return nil
}

// Applied is what an application to a job made: the candidate, and the application id no list ever shows.
type Applied struct{ CandidateID, ApplicationID string }

// Apply adds a candidate with a first application in NEW.
func (co *Company) Apply(jobID string, c Candidate) (Applied, error) {
	co.sim.mu.Lock()
	defer co.sim.mu.Unlock()
	j := co.job(jobID)
	if j == nil {
		return Applied{}, fmt.Errorf("no job %s", jobID)
	}
	cand := co.addCandidate(c)
	return Applied{cand.ID, co.apply(cand, j).id}, nil
}

// ApplyAlso adds a further, secondary application of a candidate already there.
func (co *Company) ApplyAlso(candidateID, jobID string) (Applied, error) {
	co.sim.mu.Lock()
	defer co.sim.mu.Unlock()
	cand, j := co.candidate(candidateID), co.job(jobID)
	if cand == nil || j == nil || cand.application(jobID) != nil {
		return Applied{}, fmt.Errorf("candidate %s cannot apply to job %s", candidateID, jobID)
	}
	return Applied{cand.ID, co.apply(cand, j).id}, nil
}

func (co *Company) addCandidate(c Candidate) *Candidate {
	c.ID = orElse(c.ID, co.sim.newID())
	c.createdOn, c.updatedOn = co.sim.now(), co.sim.now()
	c.applications = nil
	co.candidates = append(co.candidates, &c)
	co.emitCandidate("candidate.created", &c)
	return &c
}

func (co *Company) apply(cand *Candidate, j *Job) *application {
	now := co.sim.now()
	app := &application{
		id: co.sim.newID(), sourceID: co.sim.newID(), job: j, candidate: cand, Stage: Stage{Status: Started},
		createdOn: now, properties: map[string]string{},
	}
	app.history = []change{{at: now, Stage: app.Stage, by: co.users[0].ID}}
	cand.applications = append(cand.applications, app)
	cand.updatedOn, j.lastActivityOn = now, now
	co.effect("applied", byPerson, "candidate", cand.ID, "job", j.ID, "application", app.id)
	co.emitApplication("application.created", app)
	return app
}

// MakePrimary makes one application the candidate's primary assignment, the only one GET /candidates gives a status for.
func (co *Company) MakePrimary(candidateID, jobID string) error {
	co.sim.mu.Lock()
	defer co.sim.mu.Unlock()
	app := co.application(candidateID, jobID)
	if app == nil {
		return fmt.Errorf("candidate %s has no application to job %s", candidateID, jobID)
	}
	all := app.candidate.applications
	i := slices.Index(all, app)
	copy(all[1:i+1], all[:i])
	all[0] = app
	return nil
}

// Move is a recruiter dragging a candidate. The user interface knows no refusals.
func (co *Company) Move(candidateID, jobID, status, subStatus string) error {
	co.sim.mu.Lock()
	defer co.sim.mu.Unlock()
	app := co.application(candidateID, jobID)
	if app == nil {
		return fmt.Errorf("candidate %s has no application to job %s", candidateID, jobID)
	}
	if !slices.Contains(statusOrder, status) {
		return fmt.Errorf("unknown status %q", status)
	}
	co.move(app, Stage{status, subStatus}, byPerson, co.users[0].ID)
	return nil
}

// move applies a status change, whoever asked for it.
func (co *Company) move(app *application, to Stage, by, user string) {
	if app.Stage == to && !co.sim.opt.Policies.RecordSameStatus {
		return
	}
	now := co.sim.now()
	from := app.Stage
	app.Stage = to
	app.reason = ""
	app.history = append(app.history, change{at: now, Stage: to, by: user})
	app.job.lastActivityOn = now
	if !co.sim.opt.Policies.StatusKeepsUpdatedOn {
		app.candidate.updatedOn = now
	}
	co.effect("moved", by, "candidate", app.candidate.ID, "job", app.job.ID, "application", app.id,
		"from", from.Status, "fromSub", from.SubStatus, "to", to.Status, "toSub", to.SubStatus)
	co.emitApplication("application.status.updated", app)
}

// SetProperty sets a text property of an application and fires application.fields.updated.
func (co *Company) SetProperty(candidateID, jobID, label, value string) error {
	co.sim.mu.Lock()
	defer co.sim.mu.Unlock()
	app := co.application(candidateID, jobID)
	if app == nil {
		return fmt.Errorf("candidate %s has no application to job %s", candidateID, jobID)
	}
	app.properties[label] = value
	co.emitApplication("application.fields.updated", app)
	return nil
}

// EditCandidate changes a candidate and fires candidate.updated. f must not call the simulator.
func (co *Company) EditCandidate(id string, f func(*Candidate)) error {
	co.sim.mu.Lock()
	defer co.sim.mu.Unlock()
	cand := co.candidate(id)
	if cand == nil {
		return fmt.Errorf("no candidate %s", id)
	}
	f(cand)
	cand.updatedOn = co.sim.now()
	co.emitCandidate("candidate.updated", cand)
	return nil
}

// DeleteCandidate removes a candidate; its event carries no Link header.
func (co *Company) DeleteCandidate(id string) error {
	co.sim.mu.Lock()
	defer co.sim.mu.Unlock()
	cand := co.candidate(id)
	if cand == nil {
		return fmt.Errorf("no candidate %s", id)
	}
	cand.deleted = true
	co.effect("candidate deleted", byPerson, "candidate", id)
	co.emitCandidate("candidate.deleted", cand)
	return nil
}

// DeactivateUser makes a user inactive: reviews and interviews naming her are refused from now on.
func (co *Company) DeactivateUser(id string) error {
	co.sim.mu.Lock()
	defer co.sim.mu.Unlock()
	u := co.user(id)
	if u == nil {
		return fmt.Errorf("no user %s", id)
	}
	u.Inactive, u.updatedOn = true, co.sim.now()
	return nil
}

// ApplicationState is what the record keeper sees of one application.
type ApplicationState struct {
	ApplicationID string
	Stage         Stage
	History       []Stage // oldest first
	ChangedOn     time.Time
}

// Application reads the truth about a candidate's application, bypassing the API.
func (co *Company) Application(candidateID, jobID string) (ApplicationState, bool) {
	co.sim.mu.Lock()
	defer co.sim.mu.Unlock()
	app := co.application(candidateID, jobID)
	if app == nil {
		return ApplicationState{}, false
	}
	st := ApplicationState{ApplicationID: app.id, Stage: app.Stage}
	for _, ch := range app.history {
		st.History, st.ChangedOn = append(st.History, ch.Stage), ch.at
	}
	return st, true
}

// Who acted, in effects.
const (
	byPerson = "person"
	byAPI    = "api"
)

// effect records a change of the world: kind, who, then key and value pairs.
func (co *Company) effect(kind, by string, pairs ...string) {
	data := map[string]string{"by": by}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			data[pairs[i]] = pairs[i+1]
		}
	}
	co.sim.record.add(Entry{Kind: KindEffect, Company: co.ID, Effect: kind, Data: data})
}
