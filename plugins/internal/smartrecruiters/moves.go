package smartrecruiters

// Moving an application.

import (
	"context"
	"net/http"
	"net/url"

	"github.com/atshub/atshub/sdk"
	"github.com/atshub/atshub/sdk/httpclient"
)

// Mover can move applications.
type Mover struct{ c *Client }

// NewMover is the group of c.
func NewMover(c *Client) Mover { return Mover{c} }

// MoveStage implements sdk.StageMover. Being in a sub-stage of the target
// counts as being there: a move would take the candidate back. The vendor has
// no compare-and-set, so between the read and the write someone else may move
// the candidate; the time between the two is kept to one request.
func (m Mover) MoveStage(ctx context.Context, move sdk.StageMove) (sdk.MoveResult, error) {
	none := sdk.MoveResult{}
	status, sub, err := splitStage("to", move.To)
	if err != nil {
		return none, err
	}
	if move.From == "" {
		return none, invalid("from", "the stage the move was decided on is missing")
	}
	ref, err := m.c.resolved(ctx, move.Application)
	if err != nil {
		return none, err
	}
	if err := m.c.configured(ctx, status, sub); err != nil {
		return none, err
	}
	now, err := m.c.assignment(ctx, ref.CandidateID, ref.JobID)
	if err != nil {
		return none, err
	}
	result := sdk.MoveResult{Actual: now.stage()}
	switch {
	case within(result.Actual, move.To):
		result.Result = sdk.MoveAlreadyThere
		return result, nil
	case result.Actual != move.From:
		result.Result = sdk.MovePrecondition
		return result, nil
	}
	type candidateStatus struct {
		Status    string `json:"status"`
		SubStatus string `json:"subStatus,omitempty"`
	}
	_, err = m.c.http.Do(ctx, httpclient.Request{
		Method: http.MethodPut, Path: "/candidates/" + url.PathEscape(ref.CandidateID) + "/jobs/" + url.PathEscape(ref.JobID) + "/status",
		Body: candidateStatus{status, sub}, OK: []int{http.StatusNoContent}, Permission: "candidates_manage",
	})
	if err != nil {
		return none, err
	}
	result.Result = sdk.MoveMoved
	return result, nil
}
