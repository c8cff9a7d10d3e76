// Package fairec simulates a screening product: it fulfils the screening
// contract strictly, keeps its own record of what it received and did, and
// lets tests act as the people who use it. It shares no type with the hub.
package fairec

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/atshub/atshub/internal/sandbox/receiver"
	"github.com/atshub/atshub/internal/sandbox/witness"
)

// Options of a simulator; the zero value works.
type Options struct {
	Now       func() time.Time // its own clock; nil = the wall clock
	Record    string           // file of the record; "" = memory only
	Seed      uint64           // for faults with a rate
	TokenLife time.Duration    // 0 = one hour
	Client    *http.Client     // sends callbacks; nil = http.DefaultClient with a timeout
}

// User is somebody who can log in. SystemAccess is the permission
// "Smartrecruiters system access".
type User struct {
	ID               string
	OrganisationID   string
	OrganisationName string
	Email            string
	Password         string
	SSOOnly          bool
	SystemAccess     bool
}

// JobPost is a job post as the product holds it.
type JobPost struct {
	ID, Key, Organisation string
	Title, Code           string
	Location, Department  string
	ATSJobID, ATSStatus   string
	State                 string // active, paused, ended
}

// Candidate is a candidate of a job post.
type Candidate struct {
	ID, JobPostID       string
	ATSCandidateID      string
	ATSApplicationID    string
	FirstName, LastName string
	Email, Phone        string
	Status              string
	Invitations         int // mails sent
}

// change is one line of the list of changes.
type change struct {
	ID               string    `json:"id"`
	Kind             string    `json:"kind"`
	JobPostID        string    `json:"job_post_id"`
	JobPostKey       string    `json:"job_post_key"`
	CandidateID      string    `json:"candidate_id"`
	ATSCandidateID   string    `json:"ats_candidate_id"`
	ATSApplicationID string    `json:"ats_application_id"`
	Status           string    `json:"status,omitempty"`
	Score            int       `json:"score,omitempty"`
	Comment          string    `json:"comment,omitempty"`
	At               time.Time `json:"at"`
}

type session struct {
	user    User
	expires time.Time
}

// Simulator is the product. Safe for concurrent use.
type Simulator struct {
	*receiver.Receiver // IgnoreKeys, Inject, Clear
	log                *witness.Log
	options            Options
	handler            http.Handler
	wake               chan struct{} // a callback may be due

	mu         sync.Mutex
	users      map[string]User // by e-mail, lower case
	sessions   map[string]session
	posts      []*JobPost
	candidates []*Candidate
	changes    map[string][]change // by organisation
	callbacks  map[string]*callback
	muted      bool
}

// New is an empty product.
func New(o Options) (*Simulator, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.TokenLife == 0 {
		o.TokenLife = time.Hour
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: 10 * time.Second}
	}
	log, err := witness.New("fairec", o.Record, o.Now)
	if err != nil {
		return nil, err
	}
	s := &Simulator{
		Receiver: receiver.New(o.Now, o.Seed), log: log, options: o, wake: make(chan struct{}, 1),
		users: map[string]User{}, sessions: map[string]session{}, changes: map[string][]change{}, callbacks: map[string]*callback{},
	}
	s.handler = log.Middleware(s.Faults(s.routes()))
	return s, nil
}

// ServeHTTP answers the contract.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Log is the record.
func (s *Simulator) Log() *witness.Log { return s.log }

// AddUser adds a user, or replaces the one with the same e-mail address.
func (s *Simulator) AddUser(u User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[strings.ToLower(u.Email)] = u
}

// RevokeTokens makes every token given out so far worthless.
func (s *Simulator) RevokeTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.sessions)
}

// JobPosts are all job posts.
func (s *Simulator) JobPosts() []JobPost {
	s.mu.Lock()
	defer s.mu.Unlock()
	return values(s.posts)
}

// Candidates are all candidates, in the order of their first invitation.
func (s *Simulator) Candidates() []Candidate {
	s.mu.Lock()
	defer s.mu.Unlock()
	return values(s.candidates)
}

// Candidate finds a candidate by the application in the ATS.
func (s *Simulator) Candidate(atsApplicationID string) (Candidate, bool) {
	all := s.Candidates()
	i := slices.IndexFunc(all, func(c Candidate) bool { return c.ATSApplicationID == atsApplicationID })
	if i < 0 {
		return Candidate{}, false
	}
	return all[i], true
}

// SetStatus does what a person does who gives the candidate a status, named as
// on the screen: "Shortlist".
func (s *Simulator) SetStatus(candidateID, status string) error {
	key := strings.ReplaceAll(strings.ToLower(status), " ", "_")
	return s.change(candidateID, change{Kind: "status", Status: key})
}

// SetResult does what the screening does when it has a result: score 1 to 5.
func (s *Simulator) SetResult(candidateID string, score int, comment string) error {
	if score < 1 || score > 5 {
		return fmt.Errorf("score %d is not 1 to 5", score)
	}
	return s.change(candidateID, change{Kind: "result", Score: score, Comment: comment})
}

func (s *Simulator) change(candidateID string, c change) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.candidates, func(c *Candidate) bool { return c.ID == candidateID })
	if i < 0 {
		return errors.New("there is no candidate " + candidateID)
	}
	who := s.candidates[i]
	post := s.postByID(who.JobPostID)
	if c.Kind == "status" {
		who.Status = c.Status
	}
	c.ID, c.At = "chg_"+random(8), s.options.Now().UTC()
	c.JobPostID, c.JobPostKey, c.CandidateID = post.ID, post.Key, who.ID
	c.ATSCandidateID, c.ATSApplicationID = who.ATSCandidateID, who.ATSApplicationID
	s.changes[post.Organisation] = append(s.changes[post.Organisation], c)
	s.log.Effect(c.Kind+"_set", fields(c))
	s.poke()
	return nil
}

// postByID is the job post with that id, or nil. The caller holds mu.
func (s *Simulator) postByID(id string) *JobPost {
	for _, p := range s.posts {
		if p.ID == id {
			return p
		}
	}
	return nil
}

func (s *Simulator) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// fields turns a value into the fields of a line of the record.
func fields(v any) map[string]any {
	var m map[string]any
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	if err != nil {
		panic(err) // only plain structs are recorded
	}
	return m
}

func values[T any](in []*T) []T {
	out := make([]T, len(in))
	for i, v := range in {
		out[i] = *v
	}
	return out
}

func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
