package main

import (
	"testing"

	simulator "github.com/atshub/atshub/internal/sandbox/smartrecruiters"
	"github.com/atshub/atshub/plugins/internal/smartrecruiterstest"
)

var skip = map[string]string{
	"check/without candidate_status_read": "SmartRecruiters lets Access Candidates read the status history too, so the two cannot be told apart",
}

func fake(t *testing.T) *smartrecruiterstest.Fake {
	return &smartrecruiterstest.Fake{T: t, Scopes: simulator.FairecScopes}
}

func TestConformanceInProcess(t *testing.T) {
	t.Parallel()
	smartrecruiterstest.InProcess(t, newConnector(), fake(t), skip)
}

func TestConformanceAsBinary(t *testing.T) {
	t.Parallel()
	smartrecruiterstest.AsBinary(t, "smartrecruiters-apikey", fake(t), skip)
}
