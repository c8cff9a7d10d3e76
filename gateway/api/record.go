package api

import (
	"context"
	"time"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/service"
	"github.com/atshub/atshub/internal/store"
)

func (a *API) listEvents(ctx context.Context, who hub.Actor, in *struct {
	InTenant
	Paged
	Connection  string `query:"connection" maxLength:"64"`
	Job         string `query:"job" maxLength:"200"`
	Candidate   string `query:"candidate" maxLength:"200"`
	Interview   string `query:"interview" maxLength:"200"`
	Disposition string `query:"disposition" enum:"acted,skipped,parked"`
}) (service.List[service.Event], error) {
	return a.Events(ctx, who, store.EventFilter{
		ConnectionID: in.Connection, JobID: in.Job, CandidateID: in.Candidate, InterviewID: in.Interview, Disposition: in.Disposition,
	}, in.page())
}

func (a *API) readEvent(ctx context.Context, who hub.Actor, in *struct {
	InTenant
	Event string `path:"event" maxLength:"64"`
}) (service.Event, error) {
	return a.Event(ctx, who, in.Event)
}

func (a *API) listInterviews(ctx context.Context, who hub.Actor, in *struct {
	InTenant
	Paged
	Connection string    `query:"connection" maxLength:"64"`
	From       time.Time `query:"from" doc:"default: now"`
	Timezone   string    `query:"timezone" maxLength:"64" example:"Europe/Berlin" doc:"IANA name; adds the start as the clock shows it there"`
}) (service.List[service.Interview], error) {
	return a.Interviews(ctx, who, service.InterviewQuery{ConnectionID: in.Connection, From: in.From, Timezone: in.Timezone, Page: in.page()})
}

func (a *API) explain(ctx context.Context, who hub.Actor, in *struct {
	InConnection
	Candidate string `query:"candidate" maxLength:"200" doc:"with job"`
	Job       string `query:"job" maxLength:"200"`
	Interview string `query:"interview" maxLength:"200"`
}) (service.Explanation, error) {
	return a.Explain(ctx, who, service.ExplainQuery{ConnectionID: in.Connection, CandidateID: in.Candidate, JobID: in.Job, InterviewID: in.Interview})
}
