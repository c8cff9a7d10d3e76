package main

import (
	"testing"

	simulator "github.com/atshub/atshub/internal/sandbox/smartrecruiters"
	"github.com/atshub/atshub/plugins/internal/smartrecruiterstest"
)

var skip = map[string]string{
	"check/without candidate_status_read": "SmartRecruiters lets candidates_read read the status history too, so the two cannot be told apart",
	"check/without candidates_create":     "creating cannot be tried without creating, and the access token names no scopes",
}

func fake(t *testing.T) *smartrecruiterstest.Fake {
	return &smartrecruiterstest.Fake{T: t, OAuth: true, Scopes: smartrecruiterstest.Plus(simulator.PillarScopes, "webhooks_manage")}
}

func TestConformanceInProcess(t *testing.T) {
	t.Parallel()
	smartrecruiterstest.InProcess(t, newConnector(), fake(t), skip)
}

func TestConformanceAsBinary(t *testing.T) {
	t.Parallel()
	smartrecruiterstest.AsBinary(t, "smartrecruiters-oauth", fake(t), skip)
}
