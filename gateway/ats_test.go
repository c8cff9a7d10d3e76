package gateway_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/atshub/atshub/sdk"
)

// ats is an ATS in memory, reached as if through a connector.
type ats struct {
	mu         sync.Mutex
	report     sdk.CheckReport
	checkErr   error
	jobs       []sdk.Job
	stages     []sdk.Stage
	apps       map[string][]sdk.Application // by job
	interviews map[string][]sdk.Interview   // by application
	scheme     *sdk.WebhookScheme
	down       bool
	settings   []sdk.Settings // of every session asked for
}

func newATS() *ats {
	return &ats{
		report: sdk.CheckReport{Credential: sdk.CredentialOK, Account: sdk.Account{ID: "acme", Name: "Acme Inc"}, Rows: []sdk.CheckRow{
			{Permission: "candidates_read", Name: "Access Candidates", Status: sdk.Granted, Serves: "finding candidates"},
			{Permission: "reviews_write", Name: "Create, update, and delete reviews", Status: sdk.Granted, Serves: "writing results as reviews"},
		}},
		jobs: []sdk.Job{
			{ID: "job-1", Name: "Baker", Code: "REF1", Status: sdk.Enum{Value: sdk.JobOpen}},
			{ID: "job-2", Name: "Miller", Code: "REF2", Status: sdk.Enum{Value: sdk.JobOpen}},
		},
		stages: []sdk.Stage{
			{ID: "NEW", Name: "New", Kind: sdk.Enum{Value: sdk.StageNew}},
			{ID: "IN_REVIEW", Name: "In Review", Kind: sdk.Enum{Value: sdk.StageScreen}, HasSubs: true},
			{ID: "IN_REVIEW:Fairec", Name: "Fairec", ParentID: "IN_REVIEW", Kind: sdk.Enum{Value: sdk.StageScreen}},
			{ID: "INTERVIEW", Name: "Interview", Kind: sdk.Enum{Value: sdk.StageInterview}},
			{ID: "REJECTED", Name: "Rejected", Kind: sdk.Enum{Value: sdk.StageRejected}, Terminal: true},
		},
		apps: map[string][]sdk.Application{}, interviews: map[string][]sdk.Interview{},
		scheme: &sdk.WebhookScheme{
			Events: []string{"application.created"}, SuccessStatus: 202, HandshakeHeader: "x-hook-secret", HandshakeStatus: 200,
			SignatureHeader: "smartrecruiters-signature", SegmentSep: ";", SegmentPrefix: "v1=", PartSep: ".",
			SignedParts:   []string{"header:smartrecruiters-timestamp", "body", "header:event-id", "header:event-name", "header:event-version", "header:link"},
			EventIDHeader: "event-id",
		},
	}
}

// Manifest implements reach.Connectors.
func (a *ats) Manifest(name string) (sdk.Manifest, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.down {
		return sdk.Manifest{}, &sdk.Error{Code: sdk.CodeUnavailable, Message: "down"}
	}
	m := sdk.Manifest{Name: name, Version: "1.0.0", ATS: "SmartRecruiters", Webhooks: a.scheme, Permissions: []sdk.Permission{
		{Key: "candidates_read", Name: "Access Candidates", NeededBy: []string{"list_applications"}, Serves: "finding candidates"},
	}}
	switch name {
	case "smartrecruiters-apikey":
		m.Fields = []sdk.Field{{Key: "api_key", Label: "API Key", Secret: true, Pattern: `[A-Za-z0-9-]{8,200}`}}
	case "smartrecruiters-oauth":
		m.Fields = []sdk.Field{{Key: "client_id", Label: "Client ID"}, {Key: "client_secret", Label: "Client Secret", Secret: true}}
	default:
		return m, &sdk.Error{Code: sdk.CodeNotFound, Message: "none"}
	}
	return m, nil
}

// Abilities implements reach.Connectors.
func (a *ats) Abilities(_ string, s sdk.Settings) (*sdk.Abilities, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.settings = append(a.settings, s)
	return sdk.AbilitiesOf(session{a}), nil
}

// change alters the ATS as its users do.
func (a *ats) change(fn func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	fn()
}

func (a *ats) arrive(job, candidate, stage string) {
	a.change(func() {
		a.apps[job] = append(a.apps[job], sdk.Application{
			ID: "app-" + candidate, JobID: job, StageID: stage, Status: sdk.Enum{Value: sdk.ApplicationActive},
			Candidate: sdk.Candidate{ID: candidate, FirstName: "Zoë", LastName: candidate, Email: candidate + "@example.org"},
		})
	})
}

func (a *ats) schedule(candidate, link string, start time.Time) {
	a.change(func() {
		a.interviews["app-"+candidate] = append(a.interviews["app-"+candidate], sdk.Interview{
			ID: "iv-" + candidate, Status: sdk.Enum{Value: sdk.InterviewScheduled}, Timezone: "Europe/Berlin",
			Sessions: []sdk.InterviewSession{{ID: "s1", Title: "First", StartAt: start, EndAt: start.Add(time.Hour), MeetingURL: link}},
		})
	})
}

type session struct{ *ats }

func (s session) Close() error { return nil }

func (s session) Check(context.Context, sdk.CheckQuery) (sdk.CheckReport, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.report, s.checkErr
}

func (s session) ListJobs(_ context.Context, q sdk.JobQuery) (sdk.Page[sdk.Job], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q.Cursor == "" && len(s.jobs) > 1 && q.Limit == 1 {
		return sdk.Page[sdk.Job]{Items: s.jobs[:1], Next: "second"}, nil
	}
	if q.Cursor == "second" {
		return sdk.Page[sdk.Job]{Items: s.jobs[1:]}, nil
	}
	return sdk.Page[sdk.Job]{Items: slices.Clone(s.jobs)}, nil
}

func (s session) ReadJob(_ context.Context, r sdk.JobRef) (sdk.Job, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range s.jobs {
		if j.ID == r.ID {
			return j, nil
		}
	}
	return sdk.Job{}, &sdk.Error{Code: sdk.CodeNotFound, Message: "no such job", Outcome: sdk.NotDone}
}

func (s session) ListStages(context.Context, sdk.JobRef) (sdk.List[sdk.Stage], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return sdk.List[sdk.Stage]{Items: slices.Clone(s.stages)}, nil
}

func (s session) ListApplications(_ context.Context, q sdk.ApplicationQuery) (sdk.Page[sdk.Application], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var page sdk.Page[sdk.Application]
	for _, app := range s.apps[q.JobID] {
		if q.StageID == "" || app.StageID == q.StageID {
			page.Items = append(page.Items, app)
		}
	}
	return page, nil
}

func (s session) ListInterviews(_ context.Context, r sdk.ApplicationRef) (sdk.List[sdk.Interview], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return sdk.List[sdk.Interview]{Items: slices.Clone(s.interviews[r.ID])}, nil
}
