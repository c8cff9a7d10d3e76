package hub_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/sdk"
)

func TestACheckMakesTheState(t *testing.T) {
	t.Parallel()
	report := func(credential string, rows ...sdk.CheckRow) sdk.CheckReport {
		return sdk.CheckReport{Credential: credential, Problem: "wrong key", Rows: rows}
	}
	granted, missing := sdk.CheckRow{Status: sdk.Granted}, sdk.CheckRow{Status: sdk.Missing}
	optional := sdk.CheckRow{Status: sdk.Missing, Optional: true}
	for name, c := range map[string]struct {
		report  sdk.CheckReport
		product string
		state   hub.ConnectionState
		problem string
	}{
		"all granted":        {report(sdk.CredentialOK, granted, granted), "", hub.ConnectionActive, ""},
		"one missing":        {report(sdk.CredentialOK, granted, missing), "", hub.ConnectionDegraded, "one permission is missing at the ATS"},
		"an optional one":    {report(sdk.CredentialOK, granted, optional), "", hub.ConnectionActive, ""},
		"two missing":        {report(sdk.CredentialOK, missing, missing), "", hub.ConnectionDegraded, "several permissions are missing at the ATS"},
		"refused":            {report(sdk.CredentialRefused), "", hub.ConnectionReauth, "wrong key"},
		"no role":            {report(sdk.CredentialNoRole), "", hub.ConnectionReauth, "wrong key"},
		"refused by product": {report(sdk.CredentialOK, granted), "wrong password", hub.ConnectionReauth, "wrong password"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			state, problem := hub.StateAfterCheck(c.report, c.product)
			require.Equal(t, c.state, state)
			require.Equal(t, c.problem, problem)
		})
	}
}

func TestKeysAreNaturalAndUnambiguous(t *testing.T) {
	t.Parallel()
	require.Equal(t, "invite:job:ada", hub.InviteKey("job", "ada"))
	require.NotEqual(t, hub.MoveKey("a:b", "c", "d"), hub.MoveKey("a", "b:c", "d"))
	a, b := hub.Action{TenantID: "one", Key: "k"}, hub.Action{TenantID: "two", Key: "k"}
	require.NotEqual(t, a.IdempotencyKey(), b.IdempotencyKey(), "two tenants of one product never share a key")
}
