package service

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/reach"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/sdk"
)

// Credentials are what a person types when connecting, by field key.
type Credentials = reach.Credentials

// Install connects the tenant's ATS. Both sides are tried live first; when one
// refuses, nothing is stored. A missing permission does not refuse: the
// connection is degraded and says what stops.
func (s *Service) Install(ctx context.Context, a hub.Actor, connector string, given Credentials) (v Connection, err error) {
	if err := s.need(a, product.PermissionManageIntegration); err != nil {
		return v, err
	}
	p, err := s.productOf(a)
	if err != nil {
		return v, err
	}
	if !slices.Contains(p.Connectors, connector) {
		return v, hub.Invalid("connector", "the product has no such connector")
	}
	manifest, err := s.reach.Manifest(connector)
	if err != nil {
		return v, nothingStored(errConnectorAway(err))
	}
	if err := checkFields(manifest, p, given, true); err != nil {
		return v, err
	}
	c := hub.Connection{
		ID: hub.NewID("con"), TenantID: a.TenantID, Product: p.Name, Connector: connector, State: hub.ConnectionChecking,
		Revision: 1, Epoch: 1, HookToken: newHookToken(), Fields: map[string]string{},
	}
	if p.Kind == product.KindCapture {
		c.Mode = hub.CaptureChoose
	}
	report, err := s.try(ctx, p, manifest, c, given)
	if err != nil {
		return v, err
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		if err := keepOthersOut(tx, a, c, report.Account); err != nil {
			return err
		}
		if err := s.storeConnection(tx, p, &c, given, report); err != nil {
			return err
		}
		if err := tx.AddTrail(human(a, c.ID, "installed the integration")); err != nil {
			return err
		}
		v, err = readConnection(tx, a.TenantID, c.ID)
		return err
	})
	return v, err
}

// storeConnection writes a connection that was tried, with its secrets and chores.
func (s *Service) storeConnection(tx *store.Tx, p product.Product, c *hub.Connection, given Credentials, report sdk.CheckReport) error {
	if err := tx.InsertConnection(*c); err != nil {
		return err
	}
	if err := s.reach.Keep(tx, c, given); err != nil {
		return err
	}
	at := tx.Now()
	c.Account, c.Report, c.CheckedAt = report.Account, &report, &at
	c.State, c.Problem = hub.StateAfterCheck(report, "")
	if err := tx.SaveConnection(*c); err != nil {
		return err
	}
	if p.Kind == product.KindScreening {
		if err := s.reach.KeepSecret(tx, *c, reach.CallbackSecret+"1", product.NewCallbackSecret()); err != nil {
			return err
		}
	}
	for _, w := range s.chores(*c) {
		w.DueAt = at
		if w.Kind == hub.WorkCheck { // it was just checked
			w.DueAt = at.Add(w.Every)
		}
		if err := tx.AddWork(w); err != nil {
			return err
		}
	}
	return nil
}

// keepOthersOut refuses a second connection to what may be the same company:
// two would act side by side. It holds the tenant against a second install.
func keepOthersOut(tx *store.Tx, a hub.Actor, c hub.Connection, account sdk.Account) error {
	t, err := tx.Tenant(a.Product, a.TenantID)
	if err != nil {
		return err
	}
	if _, err := tx.PutTenant(t.Product, t.ExternalRef, t.Name); err != nil { // writes nothing new; the row is locked
		return err
	}
	others, err := tx.Connections(a.TenantID, store.Page{Limit: 200})
	for _, o := range others {
		same := o.Account.ID == account.ID || o.Account.ID == "" || account.ID == ""
		if o.Connector == c.Connector && same && !o.State.Gone() {
			return &hub.Error{
				Code: hub.CodeConflict, Message: "this tenant is connected already; nothing was stored",
				Next: "enter the new credential at the existing connection, or uninstall it first", Fields: map[string]string{"connection": o.ID},
			}
		}
	}
	return err
}

// try asks both sides live whether the credentials are good. What is wrong is
// said by field; both sides are tried, so that a person corrects all at once.
func (s *Service) try(ctx context.Context, p product.Product, m sdk.Manifest, c hub.Connection, given Credentials) (sdk.CheckReport, error) {
	var report sdk.CheckReport
	var ats, prod error
	var both errgroup.Group
	both.Go(func() error { report, ats = s.tryATS(ctx, m, c, given); return nil })
	both.Go(func() error { prod = s.tryProduct(ctx, p, c, given); return nil })
	_ = both.Wait()
	return report, nothingStored(joined(ats, prod))
}

// nothingStored adds to a refusal that it left no trace.
func nothingStored(err error) error {
	if e, ok := err.(*hub.Error); ok {
		e.Message = strings.TrimSuffix(e.Message, ".") + ". Nothing was stored."
	}
	return err
}

// joined is one error for what both sides said; a refusal outweighs a silence.
func joined(ats, prod error) error {
	a, aok := ats.(*hub.Error)
	b, bok := prod.(*hub.Error)
	switch {
	case ats == nil:
		return prod
	case prod == nil, !aok, !bok:
		return ats
	case a.Code != hub.CodeCredential:
		return b
	case b.Code != hub.CodeCredential:
		return a
	}
	fields := map[string]string{}
	for _, e := range []*hub.Error{a, b} {
		for k, v := range e.Fields {
			fields[k] = v
		}
	}
	return &hub.Error{Code: hub.CodeCredential, Message: strings.TrimSuffix(a.Message, ".") + ". " + b.Message, Next: strings.TrimSpace(a.Next + " " + b.Next), Fields: fields}
}

func (s *Service) tryATS(ctx context.Context, m sdk.Manifest, c hub.Connection, given Credentials) (sdk.CheckReport, error) {
	abilities, err := s.reach.ATSWith(c, given)
	if err != nil {
		return sdk.CheckReport{}, errConnectorAway(err)
	}
	report, err := abilities.Check(ctx, sdk.CheckQuery{})
	if err != nil {
		return report, refusedATS(m, err)
	}
	if report.Rows == nil {
		report.Rows = []sdk.CheckRow{}
	}
	switch report.Credential {
	case sdk.CredentialOK:
		return report, nil
	case sdk.CredentialUnknown:
		return report, unknownCredential(report)
	case sdk.CredentialRefused, sdk.CredentialNoRole:
		e := &hub.Error{Code: hub.CodeCredential, Message: m.ATS + " refused the credential: " + report.Problem, Next: report.Remedy, Fields: map[string]string{}}
		for _, f := range m.Fields {
			if f.Secret || report.Credential == sdk.CredentialRefused {
				e.Fields["credentials.ats."+f.Key] = report.Problem
			}
		}
		return report, e
	}
	return report, &hub.Error{Code: hub.CodeATS, Message: "the connector's answer cannot be understood.", Next: "report it to the hub's operator"}
}

func unknownCredential(r sdk.CheckReport) error {
	return &hub.Error{Code: hub.CodeATS, Message: strings.TrimSpace("the ATS could not be asked about the credential. " + r.Problem), Next: "try again in a few minutes"}
}

// refusedATS is an error of the check as the person reads it.
func refusedATS(m sdk.Manifest, err error) error {
	e := sdk.AsError(err)
	switch e.Code {
	case sdk.CodeAuthExpired:
		out := &hub.Error{Code: hub.CodeCredential, Message: m.ATS + " refused the credential: " + e.Message, Next: "copy it from the ATS again", Fields: map[string]string{}, Cause: err}
		for _, f := range m.Fields {
			if f.Secret {
				out.Fields["credentials.ats."+f.Key] = "refused"
			}
		}
		return out
	case sdk.CodeInvalid:
		out := &hub.Error{Code: hub.CodeInvalid, Message: e.Message, Fields: map[string]string{}, Cause: err}
		for k, v := range e.Fields {
			out.Fields["credentials.ats."+k] = v
		}
		return out
	}
	return &hub.Error{Code: hub.CodeATS, Message: "the ATS could not be asked: " + e.Message, Next: "try again in a few minutes", Cause: err}
}

func errConnectorAway(err error) error {
	if code := hub.CodeOf(err); code != hub.CodeInternal && code != hub.CodeNotFound {
		return err
	}
	return &hub.Error{Code: hub.CodeATS, Message: "the connector is not running.", Next: "try again in a minute", Cause: err}
}

func (s *Service) tryProduct(ctx context.Context, p product.Product, c hub.Connection, given Credentials) error {
	var err error
	if p.Kind == product.KindScreening {
		var side reach.Screening
		if side, err = s.reach.ScreeningWith(c, given); err == nil {
			_, err = side.Screening.Login(ctx, side.Login)
		}
	} else {
		var side reach.Capture
		if side, err = s.reach.Capture(ctx, c); err == nil {
			_, err = side.Settings(ctx, side.Org)
		}
	}
	e := product.AsError(err)
	if e == nil {
		return err
	}
	out := &hub.Error{Code: hub.CodeProduct, Message: p.DisplayName + ": " + e.Message, Fields: map[string]string{}, Cause: err}
	field := func(key, problem string) { out.Fields["credentials.product."+key] = problem }
	if e.Credential() {
		out.Code = hub.CodeCredential
	}
	switch e.Code {
	case product.CodeWrongPassword:
		out.Next = "check user name and password by signing in to " + p.DisplayName
		field(product.FieldUsername, "user name or password is wrong")
		field(product.FieldPassword, "user name or password is wrong")
	case product.CodeSSOOnlyAccount:
		out.Next = "use a system user who signs in with a password"
		field(product.FieldUsername, "signs in by single sign-on only")
	case product.CodeMissingPermission:
		out.Next = fmt.Sprintf("grant the user the permission %q in %s", e.Permission, p.DisplayName)
		field(product.FieldUsername, fmt.Sprintf("lacks the permission %q", e.Permission))
	default:
		if e.Temporary() {
			out.Next = "try again in a few minutes"
		}
	}
	return out
}

// checkFields says which fields are missing, unknown or badly formed. all asks
// for every field, else only those given are looked at.
func checkFields(m sdk.Manifest, p product.Product, given Credentials, all bool) error {
	wrong := map[string]string{}
	side := func(place string, fields []sdk.Field, values map[string]sdk.Secret) {
		known := map[string]bool{}
		for _, f := range fields {
			known[f.Key] = true
			value, ok := values[f.Key]
			switch {
			case !ok && all:
				wrong[place+f.Key] = f.Label + " is required"
			case ok:
				if problem := checkValue(f, value.Reveal()); problem != "" {
					wrong[place+f.Key] = problem
				}
			}
		}
		for key := range values {
			if !known[key] {
				wrong[place+key] = "there is no such field"
			}
		}
	}
	side("credentials.ats.", m.Fields, given.ATS)
	side("credentials.product.", p.CredentialFields(), given.Product)
	if len(wrong) == 0 {
		return nil
	}
	return &hub.Error{Code: hub.CodeInvalid, Message: "some fields are missing or wrong; nothing was stored", Next: "correct the fields named", Fields: wrong}
}

const maxValue = 4096

func checkValue(f sdk.Field, value string) string {
	switch {
	case value == "":
		return f.Label + " is required"
	case len(value) > maxValue:
		return "is too long"
	case !utf8.ValidString(value), strings.IndexFunc(value, unicode.IsControl) >= 0:
		return "holds characters that cannot be typed"
	case f.Pattern == "":
		return ""
	}
	form, err := regexp.Compile(`\A(?:` + f.Pattern + `)\z`)
	if err != nil || form.MatchString(value) {
		return ""
	}
	return f.Label + " does not look like one; copy it again"
}

func newHookToken() string {
	b := make([]byte, 24)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}
