package gateway_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/reach"
	"github.com/atshub/atshub/internal/sandbox/fairec"
	"github.com/atshub/atshub/internal/service"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/sdk"
)

func TestInstallTriesBothSidesAndStartsItsChores(t *testing.T) {
	t.Parallel()
	c := newRig(t).screening()
	var got service.Connection
	c.call("GET", "/connections/"+c.connection, nil).into(200, &got)
	require.Equal(t, hub.ConnectionActive, got.State)
	require.Equal(t, "acme", got.ATSAccount.ID)
	require.Len(t, got.Check.Rows, 2)
	require.Equal(t, "Access Candidates", got.Check.Rows[0].Name)
	c.write(func(tx *store.Tx) error {
		for _, kind := range []hub.WorkKind{hub.WorkCheck, hub.WorkSubscribe, hub.WorkProductPoll} {
			w, err := tx.WorkOf(kind, c.connection)
			require.NoError(t, err, kind)
			require.Positive(t, w.Every)
		}
		return nil
	})
	secrets, err := c.reach.SigningSecrets(ctx, c.hub(), reach.CallbackSecret)
	require.NoError(t, err)
	require.Len(t, secrets, 1)
	stored, err := c.reach.Stored(ctx, c.hub())
	require.NoError(t, err)
	require.Equal(t, canaryKey, stored.ATS["api_key"].Reveal())
}

func TestInstallRefusalsSayWhatAndWhereAndStoreNothing(t *testing.T) {
	t.Parallel()
	report := func(verdict, problem, remedy string) func(*rig) {
		return func(r *rig) {
			r.ats.report = sdk.CheckReport{Credential: verdict, Problem: problem, Remedy: remedy}
		}
	}
	user := func(u fairec.User) func(*rig) {
		return func(r *rig) { u.Email, u.OrganisationID, u.ID = fairecUser, "org-1", "u"; r.fairec.AddUser(u) }
	}
	for name, c := range map[string]struct {
		change func(*rig)
		status int
		code   string
		fields []string
		says   string
	}{
		"wrong key":        {report(sdk.CredentialRefused, "The API key is not valid.", "Copy it again."), 422, "credential", []string{"credentials.ats.api_key"}, "API key is not valid"},
		"no System role":   {report(sdk.CredentialNoRole, "The credential lacks the System role.", "Give it the role."), 422, "credential", []string{"credentials.ats.api_key"}, "System role"},
		"ATS away":         {report(sdk.CredentialUnknown, "", ""), 502, "ats", nil, "could not be asked"},
		"key expired":      {func(r *rig) { r.ats.checkErr = &sdk.Error{Code: sdk.CodeAuthExpired, Message: "The key has expired."} }, 422, "credential", []string{"credentials.ats.api_key"}, "expired"},
		"connector down":   {func(r *rig) { r.ats.down = true }, 502, "ats", nil, "not running"},
		"wrong password":   {user(fairec.User{Password: "another", SystemAccess: true}), 422, "credential", []string{"credentials.product.username", "credentials.product.password"}, "password is wrong"},
		"single sign-on":   {user(fairec.User{SSOOnly: true, SystemAccess: true}), 422, "credential", []string{"credentials.product.username"}, "single sign-on"},
		"no system access": {user(fairec.User{Password: canaryPassword}), 422, "credential", []string{"credentials.product.username"}, "permission"},
		"both sides refuse": {func(r *rig) {
			report(sdk.CredentialRefused, "The API key is not valid.", "")(r)
			user(fairec.User{SSOOnly: true})(r)
		}, 422, "credential", []string{"credentials.ats.api_key", "credentials.product.username"}, "Nothing was stored"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.ats.change(func() { c.change(r) })
			customer := r.customer("fairec", "org-1")
			p := customer.call("POST", "/connections", object{"connector": "smartrecruiters-apikey", "credentials": screeningCredentials()}).problem(c.status, c.code)
			require.Contains(t, p.Detail, c.says)
			require.Contains(t, p.Detail, "Nothing was stored")
			for _, f := range c.fields {
				require.Contains(t, p.Fields, f)
			}
			if c.status == 422 {
				require.Len(t, p.Fields, len(c.fields))
			}
			var list service.List[service.Connection]
			customer.call("GET", "/connections", nil).into(200, &list)
			require.Empty(t, list.Items)
		})
	}
}

func TestAMissingPermissionDegradesAndNamesWhatStops(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.ats.report.Rows[1].Status = sdk.Missing
	c := r.screening()
	var got service.Connection
	c.call("GET", "/connections/"+c.connection, nil).into(200, &got)
	require.Equal(t, hub.ConnectionDegraded, got.State)
	require.Equal(t, []string{"Create, update, and delete reviews is missing: writing results as reviews"}, got.Check.Stopped)

	r.ats.change(func() { r.ats.report.Rows[1].Status = sdk.Granted })
	c.call("POST", "/connections/"+c.connection+"/check", nil).into(200, &got)
	require.Equal(t, hub.ConnectionActive, got.State)
}

func TestOneConnectionPerCompany(t *testing.T) {
	t.Parallel()
	c := newRig(t).screening()
	p := c.call("POST", "/connections", object{"connector": "smartrecruiters-apikey", "credentials": screeningCredentials()}).problem(409, "conflict")
	require.Equal(t, c.connection, p.Fields["connection"])
}

func TestRelinkKeepsTheConnectionAndItsCompany(t *testing.T) {
	t.Parallel()
	c := newRig(t).screening()
	path := "/connections/" + c.connection + "/credentials"
	body := object{"credentials": object{"ats": object{"api_key": "another-key-12345678"}}}

	c.ats.change(func() { c.ats.report.Account.ID = "umbrella" })
	require.Contains(t, c.call("PUT", path, body).problem(409, "conflict").Detail, "another company")
	require.EqualValues(t, 1, c.hub().Revision)

	c.ats.change(func() { c.ats.report.Account.ID = "acme" })
	var got service.Connection
	c.call("PUT", path, body).into(200, &got)
	require.Equal(t, c.connection, got.ID)
	require.EqualValues(t, 2, c.hub().Revision)
	stored, err := c.reach.Stored(ctx, c.hub())
	require.NoError(t, err)
	require.Equal(t, "another-key-12345678", stored.ATS["api_key"].Reveal())
	require.Equal(t, canaryPassword, stored.Product["password"].Reveal(), "what was not given stays")

	c.ats.change(func() {
		c.ats.report = sdk.CheckReport{Credential: sdk.CredentialRefused, Problem: "no", Account: sdk.Account{ID: "acme"}}
	})
	c.call("PUT", path, body).problem(422, "credential")
	require.EqualValues(t, 2, c.hub().Revision)
}

func TestRelinkAsksForAKnownJobWhereTheATSDoesNotTellTheCompany(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.ats.report.Account = sdk.Account{}
	c := r.screening()
	c.activate("job-1", "nobody")
	body := object{"credentials": object{"ats": object{"api_key": "another-key-12345678"}}}
	c.ats.change(func() { c.ats.jobs = c.ats.jobs[1:] })
	c.call("PUT", "/connections/"+c.connection+"/credentials", body).problem(409, "conflict")
}

func TestG7_UninstallEndsEverythingInOneTransaction(t *testing.T) {
	t.Parallel()
	c := newRig(t).capture()
	start := time.Now().Add(2 * time.Hour)
	c.ats.arrive("job-1", "ann", "INTERVIEW")
	c.ats.schedule("ann", "https://meet.example/1", start)
	on := c.toggleOn("job-1")
	c.arm(on.Actions[0].ID)

	var got service.Connection
	c.call("DELETE", "/connections/"+c.connection, nil).into(http.StatusAccepted, &got)
	require.Equal(t, hub.ConnectionUninstalling, got.State)
	require.NotEmpty(t, got.UninstallSteps)
	require.EqualValues(t, 2, c.hub().Epoch)
	c.write(func(tx *store.Tx) error {
		join, err := tx.Action(c.tenant.ID, on.Actions[0].ID)
		require.NoError(t, err)
		require.Equal(t, hub.OpUndo, join.Op)
		require.Equal(t, hub.ActionReady, join.State)
		_, err = tx.WorkOf(hub.WorkAction, join.ID)
		require.NoError(t, err, "taking back is owed")
		_, err = tx.WorkOf(hub.WorkUninstall, c.connection)
		require.NoError(t, err)
		_, err = tx.WorkOf(hub.WorkCheck, c.connection)
		require.Equal(t, hub.CodeNotFound, hub.CodeOf(err), "other work is dropped")
		link, err := tx.Link(c.tenant.ID, on.Links[0].ID)
		require.NoError(t, err)
		require.Equal(t, hub.LinkOff, link.State)
		require.EqualValues(t, 2, link.Gen)
		return nil
	})
	c.call("DELETE", "/connections/"+c.connection, nil).into(http.StatusAccepted, &got)
	c.call("POST", "/connections/"+c.connection+"/check", nil).problem(409, "conflict")
	require.Equal(t, 410, c.deliver(delivery{}).status)
}

func TestG17_SecretsAreInNoAnswerAndNoLog(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.screening()
	bodies := []string{}
	keep := func(a answer) { bodies = append(bodies, a.body) }
	for _, path := range []string{"/connections", "/connections/" + c.connection, "/connections/" + c.connection + "/jobs", "/actions", "/events", "/job-links", "/interviews"} {
		a := c.call("GET", path, nil)
		require.Equal(t, 200, a.status, a.body)
		keep(a)
	}
	keep(c.call("POST", "/connections/"+c.connection+"/check", nil))
	keep(c.call("PUT", "/connections/"+c.connection+"/credentials", object{"credentials": screeningCredentials()}))
	keep(c.call("POST", "/connections", object{"connector": "smartrecruiters-apikey", "credentials": screeningCredentials()}))
	keep(c.call("POST", "/connections", object{"connector": canaryKey + strings.Repeat("x", 100), "credentials": screeningCredentials()}))
	keep(c.call("POST", "/connections", object{"connector": "smartrecruiters-apikey", "credentials": object{"ats": object{"api_key": object{"nested": canaryKey}}}}))
	keep(c.call("DELETE", "/connections/"+c.connection, nil))
	keep(r.do(request{method: "GET", path: "/metrics"}))
	all := strings.Join(bodies, "\n") + r.logs.String()
	for _, canary := range []string{canaryKey, canaryPassword, canaryToken, c.hub().HookToken, c.key, "Zoë"} {
		require.NotContains(t, all, canary)
	}
	require.Contains(t, all, `"hint":"`+canaryKey[len(canaryKey)-4:]+`"`)
}
