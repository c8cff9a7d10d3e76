package api

import (
	"context"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/service"
	"github.com/atshub/atshub/internal/store"
)

// InAction is a path below an action.
type InAction struct {
	InTenant
	Action string `path:"action" maxLength:"64"`
}

// Reasoned is a person's act that must say why.
type Reasoned struct {
	InAction
	Body struct {
		Reason string `json:"reason" minLength:"3" maxLength:"500" doc:"kept on record"`
	}
}

func (a *API) listActions(ctx context.Context, who hub.Actor, in *struct {
	InTenant
	Paged
	Connection string `query:"connection" maxLength:"64"`
	Link       string `query:"job_link" maxLength:"64"`
	Job        string `query:"job" maxLength:"200"`
	Candidate  string `query:"candidate" maxLength:"200"`
	Kind       string `query:"kind" enum:"invite,move,review,join"`
	State      string `query:"state" enum:"ready,sending,uncertain,armed,done,missed,parked,cancelled,skipped"`
}) (service.List[service.ActionView], error) {
	return a.Actions(ctx, who, store.ActionFilter{
		ConnectionID: in.Connection, LinkID: in.Link, JobID: in.Job, CandidateID: in.Candidate, Kind: in.Kind, State: in.State,
	}, in.page())
}

func (a *API) readAction(ctx context.Context, who hub.Actor, in *InAction) (service.ActionView, error) {
	return a.Action(ctx, who, in.Action)
}

func (a *API) cancelAction(ctx context.Context, who hub.Actor, in *Reasoned) (service.ActionView, error) {
	return a.Cancel(ctx, who, in.Action, in.Body.Reason)
}

func (a *API) againAction(ctx context.Context, who hub.Actor, in *Reasoned) (service.ActionView, error) {
	return a.Again(ctx, who, in.Action, in.Body.Reason)
}

func (a *API) retryAction(ctx context.Context, who hub.Actor, in *Reasoned) (service.ActionView, error) {
	return a.Retry(ctx, who, in.Action, in.Body.Reason)
}
