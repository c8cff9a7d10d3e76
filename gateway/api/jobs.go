package api

import (
	"context"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/service"
	"github.com/atshub/atshub/sdk"
)

func (a *API) listJobs(ctx context.Context, who hub.Actor, in *struct {
	InConnection
	Paged
	Search string `query:"search" maxLength:"200" doc:"words of the title"`
	Status string `query:"status" enum:"draft,open,on_hold,closed"`
}) (service.List[sdk.Job], error) {
	return a.Jobs(ctx, who, in.Connection, service.JobQuery{Search: in.Search, Status: in.Status, Page: in.page()})
}

func (a *API) listStages(ctx context.Context, who hub.Actor, in *struct {
	InConnection
	Job string `path:"job" maxLength:"200" pattern:"^[A-Za-z0-9._~-]+$"`
}) (service.List[sdk.Stage], error) {
	return a.Stages(ctx, who, in.Connection, in.Job)
}

func (a *API) chooseRoles(ctx context.Context, who hub.Actor, in *struct {
	InConnection
	Body struct {
		JobIDs []string `json:"job_ids" minItems:"1" maxItems:"50"`
	}
}) (service.List[service.JobLink], error) {
	return a.ChooseRoles(ctx, who, in.Connection, in.Body.JobIDs)
}

func (a *API) listLinks(ctx context.Context, who hub.Actor, in *struct {
	InTenant
	Paged
	Connection string `query:"connection" maxLength:"64"`
}) (service.List[service.JobLink], error) {
	return a.Links(ctx, who, in.Connection, in.page())
}

func (a *API) readLink(ctx context.Context, who hub.Actor, in *InLink) (service.JobLink, error) {
	return a.Link(ctx, who, in.Link)
}

func (a *API) removeLink(ctx context.Context, who hub.Actor, in *InLink) (service.SwitchedOff, error) {
	return a.Remove(ctx, who, in.Link)
}

func (a *API) switchOff(ctx context.Context, who hub.Actor, in *InLink) (service.SwitchedOff, error) {
	return a.SwitchOff(ctx, who, in.Link)
}

func (a *API) syncNow(ctx context.Context, who hub.Actor, in *InLink) (service.Sync, error) {
	return a.SyncNow(ctx, who, in.Link)
}

func (a *API) listSyncs(ctx context.Context, who hub.Actor, in *struct {
	InLink
	Paged
}) (service.List[service.Sync], error) {
	return a.Syncs(ctx, who, in.Link, in.page())
}

func (a *API) readSync(ctx context.Context, who hub.Actor, in *struct {
	InTenant
	Sync string `path:"sync" maxLength:"64"`
}) (service.Sync, error) {
	return a.Sync(ctx, who, in.Sync)
}

func (a *API) listApplications(ctx context.Context, who hub.Actor, in *struct {
	InLink
	Paged
}) (service.List[service.Application], error) {
	return a.Applications(ctx, who, in.Link, in.page())
}
