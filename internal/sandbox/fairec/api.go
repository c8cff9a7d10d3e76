package fairec

// api.go: the contract, as the product answers it.

import (
	"fmt"
	"io"
	"net/http"
	"net/mail"
	"slices"
	"strconv"
	"strings"

	"github.com/atshub/atshub/internal/sandbox/receiver"
)

func (s *Simulator) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", s.login)
	mux.HandleFunc("PUT /job-posts/{key}", s.signedIn(s.putJobPost))
	mux.HandleFunc("DELETE /job-posts/{key}", s.signedIn(s.endJobPost))
	mux.HandleFunc("POST /job-posts/{id}/candidates", s.signedIn(s.invite))
	mux.HandleFunc("PATCH /job-posts/{id}/candidates/{candidate}", s.signedIn(s.updateCandidate))
	mux.HandleFunc("GET /changes", s.signedIn(s.listChanges))
	mux.HandleFunc("PUT /callbacks/{key}", s.signedIn(s.putCallback))
	mux.HandleFunc("DELETE /callbacks/{key}", s.signedIn(s.deleteCallback))
	mux.HandleFunc("GET /receipts/{key}", s.signedIn(func(w http.ResponseWriter, r *http.Request, u User) {
		s.Receipt(w, u.OrganisationID, r.PathValue("key"))
	}))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		receiver.Write(w, receiver.Refuse(http.StatusNotFound, "not_found"))
	})
	return mux
}

// signedIn lets a request pass whose token is good.
func (s *Simulator) signedIn(next func(http.ResponseWriter, *http.Request, User)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		s.mu.Lock()
		got, ok := s.sessions[token]
		s.mu.Unlock()
		if !ok || !s.options.Now().Before(got.expires) {
			receiver.Write(w, receiver.Refuse(http.StatusUnauthorized, "unauthorized"))
			return
		}
		next(w, r, got.user)
	}
}

func (s *Simulator) login(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Username string `json:"username"`
		Password string `json:"password"`
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || receiver.Decode(body, &in) != nil || in.Username == "" || in.Password == "" {
		receiver.Write(w, receiver.Refuse(http.StatusBadRequest, "invalid"))
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := s.users[strings.ToLower(in.Username)]
	switch {
	case ok && u.SSOOnly:
		receiver.Write(w, receiver.Refuse(http.StatusForbidden, "sso_only_account"))
		return
	case !ok || u.Password != in.Password:
		receiver.Write(w, receiver.Refuse(http.StatusUnauthorized, "wrong_password"))
		return
	case !u.SystemAccess:
		a := receiver.Refuse(http.StatusForbidden, "missing_permission")
		a.Body.(map[string]any)["permission"] = "Smartrecruiters system access"
		receiver.Write(w, a)
		return
	}
	token, expires := random(24), s.options.Now().Add(s.options.TokenLife).UTC()
	s.sessions[token] = session{u, expires}
	s.log.Effect("login", map[string]any{"user": u.ID, "organisation": u.OrganisationID})
	receiver.Write(w, receiver.Answer{Status: http.StatusOK, Body: map[string]any{
		"token": token, "expires_at": expires,
		"account": map[string]any{"id": u.ID, "organisation_id": u.OrganisationID, "organisation_name": u.OrganisationName},
	}})
}

func (s *Simulator) putJobPost(w http.ResponseWriter, r *http.Request, u User) {
	key := r.PathValue("key")
	s.Effect(w, r, u.OrganisationID, "job post "+key, func(q receiver.Request) receiver.Answer {
		var in struct {
			Title      string `json:"title"`
			Code       string `json:"code"`
			Location   string `json:"location"`
			Department string `json:"department"`
			ATSJobID   string `json:"ats_job_id"`
			ATSStatus  string `json:"ats_status"`
			State      string `json:"state"`
		}
		if receiver.Decode(q.Body, &in) != nil || in.Title == "" || in.ATSJobID == "" || in.State != "active" && in.State != "paused" {
			return receiver.Refuse(http.StatusBadRequest, "invalid")
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		p := s.postByKey(u.OrganisationID, key)
		if p == nil {
			p = &JobPost{ID: "jp_" + random(6), Key: key, Organisation: u.OrganisationID}
			s.posts = append(s.posts, p)
		}
		p.Title, p.Code, p.Location, p.Department = in.Title, in.Code, in.Location, in.Department
		p.ATSJobID, p.ATSStatus, p.State = in.ATSJobID, in.ATSStatus, in.State
		s.log.Effect("job_post_put", fields(*p))
		return receiver.Answer{Status: http.StatusOK, Body: map[string]any{
			"id": p.ID, "key": p.Key, "state": p.State, "calibration_url": "https://platform.fairec.io/job-posts/" + p.ID + "/calibration",
		}}
	})
}

func (s *Simulator) endJobPost(w http.ResponseWriter, r *http.Request, u User) {
	key := r.PathValue("key")
	s.Effect(w, r, u.OrganisationID, "job post "+key, func(receiver.Request) receiver.Answer {
		s.mu.Lock()
		defer s.mu.Unlock()
		if p := s.postByKey(u.OrganisationID, key); p != nil && p.State != "ended" {
			p.State = "ended"
			s.log.Effect("job_post_ended", map[string]any{"id": p.ID, "key": key})
		}
		return receiver.Answer{Status: http.StatusNoContent}
	})
}

func (s *Simulator) invite(w http.ResponseWriter, r *http.Request, u User) {
	post := s.postOf(r, u)
	s.Effect(w, r, u.OrganisationID, post.subject(r), func(q receiver.Request) receiver.Answer {
		var in struct {
			ATSCandidateID   string  `json:"ats_candidate_id"`
			ATSApplicationID string  `json:"ats_application_id"`
			FirstName        *string `json:"first_name"`
			LastName         *string `json:"last_name"`
			Email            *string `json:"email"`
			Phone            string  `json:"phone"`
		}
		if receiver.Decode(q.Body, &in) != nil || in.ATSCandidateID == "" || in.ATSApplicationID == "" ||
			in.FirstName == nil || in.LastName == nil || in.Email == nil {
			return receiver.Refuse(http.StatusBadRequest, "invalid")
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		p := s.postByID(post.ID)
		if code := refuseInvitation(p, *in.Email); code.Status != 0 {
			return code
		}
		c := s.candidateOf(p.ID, in.ATSApplicationID)
		if c == nil {
			c = &Candidate{ID: "cand_" + random(6), JobPostID: p.ID, ATSApplicationID: in.ATSApplicationID, Status: "invited"}
			s.candidates = append(s.candidates, c)
		}
		c.ATSCandidateID, c.FirstName, c.LastName, c.Email, c.Phone = in.ATSCandidateID, *in.FirstName, *in.LastName, *in.Email, in.Phone
		c.Invitations++
		s.log.Effect("invitation_sent", map[string]any{
			"candidate_id": c.ID, "job_post_id": p.ID, "job_post_key": p.Key, "title": p.Title, "ats_job_id": p.ATSJobID, "organisation": p.Organisation,
			"ats_candidate_id": c.ATSCandidateID, "ats_application_id": c.ATSApplicationID,
			"first_name": c.FirstName, "last_name": c.LastName, "email": c.Email, "idempotency_key": q.Key, "number": c.Invitations,
		})
		return receiver.Answer{Status: http.StatusCreated, Body: map[string]any{"candidate_id": c.ID, "invited_at": s.options.Now().UTC()}}
	})
}

// refuseInvitation is why nobody is mailed, or nothing.
func refuseInvitation(p *JobPost, email string) receiver.Answer {
	switch {
	case p == nil:
		return receiver.Refuse(http.StatusNotFound, "not_found")
	case p.State == "ended":
		return receiver.Refuse(http.StatusConflict, "job_post_ended")
	case p.State == "paused":
		return receiver.Refuse(http.StatusConflict, "job_post_paused")
	case strings.TrimSpace(email) == "":
		return receiver.Refuse(http.StatusUnprocessableEntity, "email_missing")
	}
	if a, err := mail.ParseAddress(email); err != nil || a.Address != email {
		return receiver.Refuse(http.StatusUnprocessableEntity, "email_invalid")
	}
	return receiver.Answer{}
}

func (s *Simulator) updateCandidate(w http.ResponseWriter, r *http.Request, u User) {
	post := s.postOf(r, u)
	s.Effect(w, r, u.OrganisationID, post.subject(r), func(q receiver.Request) receiver.Answer {
		var in struct {
			FirstName *string `json:"first_name"`
			LastName  *string `json:"last_name"`
			Email     *string `json:"email"`
			Phone     *string `json:"phone"`
		}
		if receiver.Decode(q.Body, &in) != nil || in.FirstName == nil && in.LastName == nil && in.Email == nil && in.Phone == nil {
			return receiver.Refuse(http.StatusBadRequest, "invalid")
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		i := slices.IndexFunc(s.candidates, func(c *Candidate) bool { return c.JobPostID == post.ID && c.ID == r.PathValue("candidate") })
		if i < 0 || post.ID == "" {
			return receiver.Refuse(http.StatusNotFound, "not_found")
		}
		c := s.candidates[i]
		for to, from := range map[*string]*string{&c.FirstName: in.FirstName, &c.LastName: in.LastName, &c.Email: in.Email, &c.Phone: in.Phone} {
			if from != nil {
				*to = *from
			}
		}
		s.log.Effect("candidate_updated", fields(*c))
		return receiver.Answer{Status: http.StatusNoContent}
	})
}

func (s *Simulator) listChanges(w http.ResponseWriter, r *http.Request, u User) {
	from, limit := 0, 100
	var err error
	if v := r.URL.Query().Get("cursor"); v != "" {
		from, err = strconv.Atoi(strings.TrimPrefix(v, "after-"))
	}
	if v := r.URL.Query().Get("limit"); v != "" && err == nil {
		limit, err = strconv.Atoi(v)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.changes[u.OrganisationID]
	if err != nil || from < 0 || from > len(all) || limit < 1 || limit > 500 {
		receiver.Write(w, receiver.Refuse(http.StatusBadRequest, "invalid"))
		return
	}
	to := min(from+limit, len(all))
	receiver.Write(w, receiver.Answer{Status: http.StatusOK, Body: map[string]any{
		"items": append([]change{}, all[from:to]...), "next": fmt.Sprintf("after-%d", to), "more": to < len(all),
	}})
}

// subject is what the fence of a request about the job post is kept for.
func (p JobPost) subject(r *http.Request) string {
	if p.ID == "" {
		return "no job post " + r.PathValue("id")
	}
	return "job post " + p.Key
}

// postOf is the organisation's job post the path names; the zero value when it
// is not theirs.
func (s *Simulator) postOf(r *http.Request, u User) JobPost {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.postByID(r.PathValue("id")); p != nil && p.Organisation == u.OrganisationID {
		return *p
	}
	return JobPost{}
}

// postByKey is the organisation's job post with that key, or nil. The caller
// holds mu.
func (s *Simulator) postByKey(organisation, key string) *JobPost {
	for _, p := range s.posts {
		if p.Organisation == organisation && p.Key == key {
			return p
		}
	}
	return nil
}

// candidateOf is the job post's candidate with that application, or nil. The
// caller holds mu.
func (s *Simulator) candidateOf(postID, applicationID string) *Candidate {
	for _, c := range s.candidates {
		if c.JobPostID == postID && c.ATSApplicationID == applicationID {
			return c
		}
	}
	return nil
}
