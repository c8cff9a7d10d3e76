package conformance

// Check, as a person connecting sees it.

import (
	"errors"
	"fmt"

	"github.com/atshub/atshub/sdk"
)

func checkChecks(m sdk.Manifest) []check {
	all := []check{
		{"check/good credential", func(e *env) error {
			report, err := e.check(e.account.Settings())
			if err != nil {
				return err
			}
			if report.Credential != sdk.CredentialOK {
				return fmt.Errorf("credential is %q: %s", report.Credential, report.Problem)
			}
			for _, row := range report.Rows {
				if row.Status == sdk.Missing {
					return fmt.Errorf("%s is missing: %s", row.Permission, row.Detail)
				}
				if row.Status == sdk.Granted && row.Remedy != "" {
					return fmt.Errorf("%s is granted and yet has a remedy", row.Permission)
				}
			}
			return nil
		}},
		{"check/wrong credential", func(e *env) error {
			report, err := e.check(e.account.WrongCredential())
			if err != nil {
				return fmt.Errorf("a refused credential is an answer, not an error: %w", err)
			}
			if report.Credential != sdk.CredentialRefused || report.Problem == "" || report.Remedy == "" {
				return fmt.Errorf("credential is %q with problem %q and remedy %q", report.Credential, report.Problem, report.Remedy)
			}
			return nil
		}},
		{"check/the ATS is down", func(e *env) error {
			defer e.account.Fault(Fault{Status: 503})()
			report, err := e.check(e.account.Settings())
			if err != nil {
				return err
			}
			if report.Credential != sdk.CredentialUnknown {
				return fmt.Errorf("credential is %q though nobody could be asked", report.Credential)
			}
			return nil
		}},
	}
	for _, p := range m.Permissions {
		all = append(all, check{"check/without " + p.Key, func(e *env) error {
			e.account.Drop(p.Key)
			report, err := e.check(e.account.Settings())
			if err != nil {
				return err
			}
			if report.Credential != sdk.CredentialOK {
				return fmt.Errorf("credential is %q for one missing permission", report.Credential)
			}
			for _, row := range report.Rows {
				if missing := row.Status == sdk.Missing; missing != (row.Permission == p.Key) {
					return fmt.Errorf("%s is %s", row.Permission, row.Status)
				}
			}
			return nil
		}})
	}
	return all
}

// check runs Check and holds its report to the manifest.
func (e *env) check(s sdk.Settings) (sdk.CheckReport, error) {
	a, m, err := e.options.Open(e.ctx, s)
	if err != nil {
		return sdk.CheckReport{}, err
	}
	report, err := a.Check(e.ctx, sdk.CheckQuery{})
	if err != nil {
		return report, err
	}
	if len(report.Rows) != len(m.Permissions) {
		return report, fmt.Errorf("%d rows for %d permissions", len(report.Rows), len(m.Permissions))
	}
	for i, row := range report.Rows {
		p := m.Permissions[i]
		if row.Permission != p.Key || row.Name != p.Name || row.Serves == "" {
			return report, fmt.Errorf("row %d is not about %q", i, p.Name)
		}
		if row.Status != sdk.Granted && row.Remedy == "" {
			return report, errors.New("no remedy for " + row.Permission)
		}
	}
	return report, nil
}
