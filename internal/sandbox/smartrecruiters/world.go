// The world: companies and what is in them, as the tests and the demo describe it.

package smartrecruiters

import (
	"encoding/hex"
	"fmt"
	"slices"
	"time"
)

// Main statuses of an application, as /candidates spells them.
const (
	Lead        = "LEAD"
	Started     = "NEW"
	InReview    = "IN_REVIEW"
	Interviewed = "INTERVIEW"
	Offered     = "OFFERED"
	Hired       = "HIRED"
	Rejected    = "REJECTED"
	Withdrawn   = "WITHDRAWN"
	Transferred = "TRANSFERRED"
)

// statusOrder is the vendor's enum; the first six are the way through a hiring process.
var statusOrder = []string{Lead, Started, InReview, Interviewed, Offered, Hired, Rejected, Withdrawn, Transferred}

func terminal(status string) bool { return slices.Index(statusOrder, status) >= 5 }

// User is an employee. ID is 24 hex characters; empty is filled in.
type User struct {
	ID, FirstName, LastName, Email, Role string
	Inactive                             bool

	updatedOn time.Time
}

// Stage is a main status with an optional sub-status.
type Stage struct{ Status, SubStatus string }

// HiringProcess holds display strings only; the vendor gives sub-statuses no ids.
type HiringProcess struct {
	ID, Name                     string
	Inactive                     bool
	InReview, Interview, Offered []string
	// Required stages must have been visited before any later one (REQUIRED_SUB_STATUS_OMITTED).
	Required []Stage
}

func (p *HiringProcess) subStatuses(status string) *[]string {
	switch status {
	case InReview:
		return &p.InReview
	case Interviewed:
		return &p.Interview
	case Offered:
		return &p.Offered
	}
	return nil
}

// rank orders stages along the process; -1 means outside of it.
func (p *HiringProcess) rank(st Stage) int {
	i := slices.Index(statusOrder, st.Status)
	if i < 0 || i > 5 {
		return -1
	}
	if subs := p.subStatuses(st.Status); subs != nil {
		return i*1000 + 1 + slices.Index(*subs, st.SubStatus)
	}
	return i * 1000
}

// Member is one person of a job's hiring team.
type Member struct{ UserID, Role string }

// Job is an opening. Empty fields get believable defaults; Process empty is the company's first.
type Job struct {
	ID, Title, RefNumber, Department, City, Country, CountryCode string
	Status, PostingStatus, Language, Description, Process        string
	Remote                                                       bool
	Properties                                                   map[string]string
	HiringTeam                                                   []Member
	CreatedOn                                                    time.Time

	updatedOn, lastActivityOn time.Time
}

// Candidate is a person. Her applications are made by Apply.
type Candidate struct {
	ID, FirstName, LastName, Email, Phone, City, Country, CountryCode string
	Tags                                                              []string
	Internal                                                          bool

	createdOn, updatedOn time.Time
	applications         []*application // the first is the primary assignment
	deleted              bool
}

type change struct {
	at time.Time
	Stage
	by string
}

type application struct {
	id, sourceID string
	job          *Job
	candidate    *Candidate
	Stage
	startsOn, reason string
	createdOn        time.Time
	history          []change
	properties       map[string]string
}

// Company is one customer of the vendor with everything it owns. All methods are safe for concurrent use.
type Company struct {
	// ID is the vendor's company identifier, Name what people read.
	ID, Name string

	sim           *Simulator
	users         []*User
	processes     []*HiringProcess
	jobs          []*Job
	candidates    []*Candidate
	reviews       []*review
	interviews    []*Interview
	types         []string
	rejections    []reason
	withdrawals   []reason
	subscriptions []*subscription
}

type reason struct{ id, label string }

// newID is a version 4 UUID from the seed.
func (s *Simulator) newID() string {
	b := s.randomBytes(16)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func (s *Simulator) newUserID() string { return hex.EncodeToString(s.randomBytes(12)) }

func (s *Simulator) randomBytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(s.rng.Uint32())
	}
	return b
}

func orElse(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}

func find[T any](all []*T, match func(*T) bool) *T {
	for _, one := range all {
		if match(one) {
			return one
		}
	}
	return nil
}

func (co *Company) user(id string) *User {
	return find(co.users, func(u *User) bool { return u.ID == id })
}

func (co *Company) job(id string) *Job { return find(co.jobs, func(j *Job) bool { return j.ID == id }) }

func (co *Company) process(id string) *HiringProcess {
	return find(co.processes, func(p *HiringProcess) bool { return p.ID == id })
}

func (co *Company) candidate(id string) *Candidate {
	return find(co.candidates, func(c *Candidate) bool { return c.ID == id && !c.deleted })
}

func (c *Candidate) application(jobID string) *application {
	return find(c.applications, func(a *application) bool { return a.job.ID == jobID })
}

func (co *Company) application(candidateID, jobID string) *application {
	cand := co.candidate(candidateID)
	if cand == nil {
		return nil
	}
	return cand.application(jobID)
}

func (co *Company) applicationByID(id string) *application {
	for _, cand := range co.candidates {
		if cand.deleted {
			continue
		}
		if app := find(cand.applications, func(a *application) bool { return a.id == id }); app != nil {
			return app
		}
	}
	return nil
}
