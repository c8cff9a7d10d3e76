package smartrecruiters

// Check: the credential and each of its permissions, tried live.

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/atshub/atshub/sdk"
)

// Check implements sdk.Session. A wrong credential, a missing System Role and
// a missing permission are three different answers.
func (c Core) Check(ctx context.Context, _ sdk.CheckQuery) (sdk.CheckReport, error) {
	p := &probe{c: c.Client, candidate: noID(), job: noID(), me: strings.Repeat("0", 24)}
	report := sdk.CheckReport{Credential: sdk.CredentialOK, Rows: make([]sdk.CheckRow, len(c.permissions))}
	outcomes := make([]error, len(c.permissions))

	// The list of candidates first: it finds out whether the credential is
	// accepted at all, and ids for the others.
	first := p.candidates(ctx)
	if sdk.CodeOf(first) == sdk.CodeAuthExpired {
		for i := range outcomes {
			outcomes[i] = first
		}
	} else {
		report.Account = c.account(ctx, p)
		g, gctx := errgroup.WithContext(ctx)
		g.SetLimit(readsAtOnce)
		for i, permission := range c.permissions {
			switch try := rights[permission.Key].probe; {
			case permission.Key == "candidates_read":
				outcomes[i] = first
			case try != nil:
				g.Go(func() error { outcomes[i] = try(gctx, p); return nil })
			}
		}
		_ = g.Wait()
	}
	for i, permission := range c.permissions {
		report.Rows[i] = c.row(permission, outcomes[i])
	}
	c.verdict(&report, outcomes)
	return report, nil
}

// account tells whose credential it is, as far as it may know.
func (c Core) account(ctx context.Context, p *probe) sdk.Account {
	type company struct {
		ID   string `json:"identifier"`
		Name string `json:"name"`
	}
	var a sdk.Account
	if co, _, err := get[company](ctx, c.Client, "configuration_read", "/configuration/company", nil); err == nil {
		a.ID, a.Name = co.ID, co.Name
	}
	if me, err := c.whoAmI(ctx); err == nil {
		a.User, p.me = me.name(), me.ID
	}
	return a
}

// row is the verdict on one permission by the answer to its probe.
func (c Core) row(p sdk.Permission, err error) sdk.CheckRow {
	row := sdk.CheckRow{Permission: p.Key, Name: p.Name, Serves: p.Serves, Status: sdk.Unknown, Remedy: p.Remedy, Optional: p.Optional}
	grant := func(detail string) { row.Status, row.Remedy, row.Detail = sdk.Granted, "", detail }
	if rights[p.Key].probe == nil {
		scopes := c.auth.scopes()
		switch {
		case slices.Contains(scopes, p.Key):
			grant("named in the access token")
		case len(scopes) > 0:
			row.Status, row.Detail = sdk.Missing, "not named in the access token"
		default:
			row.Detail = "cannot be tried without writing; nothing here needs it"
		}
		return row
	}
	e := sdk.AsError(err)
	switch {
	case e == nil:
		grant("tried by reading")
		if p.Key == webhooksManage {
			row.Detail = "viewing was tried; creating shows when the subscription is made"
		}
	case roleDenied(e):
		row.Status, row.Detail = sdk.Missing, "refused without naming a scope: most likely the System Role does not allow it"
		row.Remedy = "Give the credential a System Role that allows it (Administrator does), or: " + p.Remedy
	case e.Code == sdk.CodePermissionMissing:
		row.Status, row.Detail = sdk.Missing, "refused by SmartRecruiters"
	case e.VendorStatus == http.StatusUnauthorized && e.Code == sdk.CodeNotFound:
		row.Detail = "SmartRecruiters refused one record, which says nothing about the permission"
	case e.VendorStatus >= 400 && e.VendorStatus < 500 && e.Code != sdk.CodeAuthExpired && e.Code != sdk.CodeRateLimited && e.Code != sdk.CodeUpstreamBug:
		grant("tried on something that does not exist; SmartRecruiters said so instead of refusing")
	default:
		row.Detail = e.Message
	}
	return row
}

// roleDenied tells a refusal by the System Role: a 403 that names no scope.
func roleDenied(e *sdk.Error) bool {
	return e.VendorStatus == http.StatusForbidden && e.VendorCode != "" && e.VendorCode != insufficientScope
}

// needsNoRole are permissions SmartRecruiters honours without a System Role;
// they do not show that there is one.
var needsNoRole = []string{"user_me_read"}

// verdict judges the credential as a whole.
func (c Core) verdict(r *sdk.CheckReport, outcomes []error) {
	var denied, granted, unanswered int
	var down *sdk.Error
	for i, err := range outcomes {
		e := sdk.AsError(err)
		switch {
		case e != nil && e.Code == sdk.CodeAuthExpired:
			r.Credential, r.Problem = sdk.CredentialRefused, e.Message
			r.Remedy = "Copy the credential again from SmartRecruiters (Settings > Apps & Integrations > Credentials), or make a new one, and enter it here"
			return
		case e != nil && roleDenied(e):
			denied++
		case r.Rows[i].Status == sdk.Granted && !slices.Contains(needsNoRole, r.Rows[i].Permission):
			granted++
		case e != nil && r.Rows[i].Status == sdk.Unknown:
			unanswered++
			down = e
		}
	}
	switch {
	case denied > 0 && granted == 0:
		r.Credential = sdk.CredentialNoRole
		r.Problem = "SmartRecruiters accepts the credential but it has no System Role, so everything is refused"
		r.Remedy = "In SmartRecruiters, Settings > Apps & Integrations > Credentials, assign the credential a System Role (Administrator)"
	case unanswered > 0 && granted == 0 && denied == 0:
		r.Credential, r.Problem = sdk.CredentialUnknown, down.Message
		r.Remedy = "Try again in a few minutes"
	}
}
