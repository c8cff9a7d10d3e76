// Command smartrecruiters-apikey connects SmartRecruiters by API key: jobs,
// stages, candidates, moves, reviews and webhooks, for products that screen
// candidates.
package main

import (
	"context"

	"github.com/atshub/atshub/plugins/internal/smartrecruiters"
	"github.com/atshub/atshub/sdk"
	"github.com/atshub/atshub/sdk/httpclient"
)

const version = "1.0.0"

// connector is one for the process, so that connections which share a key
// share what SmartRecruiters allows it.
type connector struct{ pool *httpclient.Pool }

func newConnector() connector { return connector{pool: &httpclient.Pool{}} }

// session is what an API key with the ten permissions can do.
type session struct {
	smartrecruiters.Core
	smartrecruiters.Mover
	smartrecruiters.Reviews
	smartrecruiters.Webhooks
}

var fields = []sdk.Field{{
	Key: "api_key", Label: "API Key", Secret: true, Pattern: `[!-~]{8,200}`,
	Help: "In SmartRecruiters, as an Administrator: Settings > Apps & Integrations > Credentials > New credential > API Key. It is shown once.",
}}

const remedy = `In SmartRecruiters, Settings > Apps & Integrations > Credentials, give the API key the permission "%s", directly or through a role assigned to it.`

// Manifest implements sdk.Connector.
func (connector) Manifest() sdk.Manifest {
	return sdk.Manifest{
		Name:    "smartrecruiters-apikey",
		Version: version,
		ATS:     "SmartRecruiters",
		Summary: "Screens SmartRecruiters candidates: watches stages, moves candidates and writes reviews, with an API key.",
		Fields:  fields,
		Permissions: smartrecruiters.Permissions(session{}, remedy,
			[2]string{"candidates_read", "Access Candidates"},
			[2]string{"candidates_manage", "Manage Candidate Status and Properties"},
			[2]string{"candidate_status_read", "Access Candidate's status"},
			[2]string{"job_applications_read", "Access job applications"},
			[2]string{"configuration_read", "Access Company Settings"},
			[2]string{"jobs_read", "Access Jobs"},
			[2]string{"user_me_read", "Access information about my user"},
			[2]string{"reviews_read", "Access Reviews"},
			[2]string{"reviews_write", "Create, update, and delete reviews"},
			[2]string{"webhooks_manage", "View, create and delete webhook subscriptions"},
		),
		Webhooks: smartrecruiters.WebhookScheme(
			"job.updated", "job.status.updated",
			"application.created", "application.status.updated", "application.fields.updated",
			"candidate.updated", "candidate.deleted",
		),
		Budgets: smartrecruiters.Budgets,
		DocsURL: "https://developers.smartrecruiters.com/docs/authentication-api-key",
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
		Endpoint:      s.Endpoint,
		Auth:          smartrecruiters.APIKey(sdk.Secret(values["api_key"])),
		Permissions:   c.Manifest().Permissions,
		Pool:          c.pool,
		Configuration: true,
	})
	if err != nil {
		return nil, err
	}
	return session{
		smartrecruiters.Core{Client: client}, smartrecruiters.NewMover(client),
		smartrecruiters.NewReviews(client), smartrecruiters.NewWebhooks(client),
	}, nil
}

var (
	_ sdk.JobLister          = session{}
	_ sdk.JobReader          = session{}
	_ sdk.StageLister        = session{}
	_ sdk.ApplicationLister  = session{}
	_ sdk.ApplicationReader  = session{}
	_ sdk.StageHistoryReader = session{}
	_ sdk.StageMover         = session{}
	_ sdk.ReviewLister       = session{}
	_ sdk.ReviewWriter       = session{}
	_ sdk.ReviewDeleter      = session{}
	_ sdk.WebhookParser      = session{}
	_ sdk.WebhookSubscriber  = session{}
	_ sdk.DeliveryLister     = session{}
)
