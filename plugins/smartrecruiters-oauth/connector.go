// Command smartrecruiters-oauth connects SmartRecruiters by OAuth client
// credentials: jobs, candidates, interviews and users, for products that
// capture interviews.
package main

import (
	"context"

	"github.com/atshub/atshub/plugins/internal/smartrecruiters"
	"github.com/atshub/atshub/sdk"
	"github.com/atshub/atshub/sdk/httpclient"
)

const version = "1.0.0"

// connector is one for the process, so that connections which share a
// credential share what SmartRecruiters allows it.
type connector struct{ pool *httpclient.Pool }

func newConnector() connector { return connector{pool: &httpclient.Pool{}} }

// session is what an OAuth client with the nine scopes can do, and with the
// optional one for webhooks.
type session struct {
	smartrecruiters.Core
	smartrecruiters.Interviews
	smartrecruiters.Users
	smartrecruiters.Webhooks
}

const where = "In SmartRecruiters, as an Administrator: Settings > Apps & Integrations > Credentials > New credential > OAuth client ID. Both values are shown once it is generated."

var fields = []sdk.Field{
	{Key: "client_id", Label: "Client Id", Pattern: `[!-~]{4,200}`, Help: where},
	{Key: "client_secret", Label: "Client Secret", Secret: true, Pattern: `[!-~]{8,400}`, Help: where},
}

const remedy = `In SmartRecruiters, Settings > Apps & Integrations > Credentials, generate an OAuth client ID with the scope %s selected (and a System Role), and enter its Client Id and Client Secret here.`

// Manifest implements sdk.Connector.
func (connector) Manifest() sdk.Manifest {
	var scopes [][2]string
	for _, s := range []string{
		"candidates_read", "candidates_create", "candidate_status_read", "interviews_read", "interviews_write",
		"interview_types_read", "job_applications_read", "jobs_read", "users_read", "webhooks_manage",
	} {
		scopes = append(scopes, [2]string{s, s})
	}
	permissions := smartrecruiters.Permissions(session{}, remedy, scopes...)
	// The nine are what the guide asks for; with the tenth, changes are heard
	// of instead of polled for.
	permissions[len(permissions)-1].Optional = true
	return sdk.Manifest{
		Name:        "smartrecruiters-oauth",
		Version:     version,
		ATS:         "SmartRecruiters",
		Summary:     "Finds the interviews scheduled in SmartRecruiters, with an OAuth client.",
		Fields:      fields,
		Permissions: permissions,
		Webhooks: smartrecruiters.WebhookScheme(
			"job.updated", "job.status.updated",
			"application.created", "application.status.updated", "candidate.deleted",
			"interview.created", "interview.updated", "interview.canceled",
		),
		Budgets: smartrecruiters.Budgets,
		DocsURL: "https://developers.smartrecruiters.com/docs/authentication-oauth-client-credential",
	}
}

// Prototype implements sdk.Prototyper.
func (connector) Prototype() sdk.Session { return session{} }

// Open implements sdk.Connector.
func (c connector) Open(_ context.Context, s sdk.Settings) (sdk.Session, error) {
	values, err := smartrecruiters.ReadSettings(fields, s)
	if err != nil {
		return nil, err
	}
	client, err := smartrecruiters.Open(smartrecruiters.Config{
		Endpoint:    s.Endpoint,
		Auth:        smartrecruiters.OAuth(values["client_id"], sdk.Secret(values["client_secret"])),
		Permissions: c.Manifest().Permissions,
		Pool:        c.pool,
	})
	if err != nil {
		return nil, err
	}
	return session{
		smartrecruiters.Core{Client: client}, smartrecruiters.NewInterviews(client),
		smartrecruiters.NewUsers(client), smartrecruiters.NewWebhooks(client),
	}, nil
}

var (
	_ sdk.JobLister          = session{}
	_ sdk.JobReader          = session{}
	_ sdk.StageLister        = session{}
	_ sdk.ApplicationLister  = session{}
	_ sdk.ApplicationReader  = session{}
	_ sdk.StageHistoryReader = session{}
	_ sdk.InterviewLister    = session{}
	_ sdk.InterviewReader    = session{}
	_ sdk.UserLister         = session{}
	_ sdk.WebhookParser      = session{}
	_ sdk.WebhookSubscriber  = session{}
	_ sdk.DeliveryLister     = session{}
)
