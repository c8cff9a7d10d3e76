package api

import (
	"context"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/service"
)

func (a *API) makePlan(ctx context.Context, who hub.Actor, in *struct {
	InConnection
	Body struct {
		Kind     hub.PlanKind      `json:"kind" enum:"import,toggle,capture_all" doc:"import: a job with triggers; toggle: a role; capture_all: Import All"`
		JobID    string            `json:"job_id,omitempty" maxLength:"200" doc:"of import and toggle"`
		Triggers []service.Trigger `json:"triggers,omitempty" maxItems:"30" doc:"of import"`
	}
}) (service.Plan, error) {
	return a.MakePlan(ctx, who, in.Connection, service.PlanInput{Kind: in.Body.Kind, JobID: in.Body.JobID, Triggers: in.Body.Triggers})
}

// InPlan is a path below a plan.
type InPlan struct {
	InTenant
	Plan string `path:"plan" maxLength:"64"`
}

func (a *API) readPlan(ctx context.Context, who hub.Actor, in *InPlan) (service.Plan, error) {
	return a.Plan(ctx, who, in.Plan)
}

func (a *API) activatePlan(ctx context.Context, who hub.Actor, in *struct {
	InPlan
	Body struct {
		Backfill         string   `json:"backfill,omitempty" enum:"everyone,nobody,chosen" doc:"of import, required: what happens to those already at the stage"`
		Chosen           []string `json:"chosen,omitempty" maxItems:"5000" doc:"candidate ids, with backfill chosen"`
		AcknowledgeLoops bool     `json:"acknowledge_loops,omitempty" doc:"required when the preview names a loop"`
	}
}) (service.Activated, error) {
	return a.Activate(ctx, who, in.Plan, service.Choice{Backfill: in.Body.Backfill, Chosen: in.Body.Chosen, AcknowledgeLoops: in.Body.AcknowledgeLoops})
}
