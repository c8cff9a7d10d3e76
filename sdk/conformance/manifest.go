package conformance

// The manifest and the settings.

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/atshub/atshub/sdk"
)

var (
	nameShape = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	semver    = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)
)

func manifestChecks() []check {
	over := func(name string, f func(m sdk.Manifest) error) check {
		return check{"manifest/" + name, func(e *env) error {
			m, err := e.options.Describe()
			if err != nil {
				return err
			}
			return f(m)
		}}
	}
	return []check{
		{"manifest/equal every time", func(e *env) error {
			first, err := e.options.Describe()
			if err != nil {
				return err
			}
			second, err := e.options.Describe()
			if err != nil {
				return err
			}
			_, opened, err := e.options.Open(e.ctx, e.account.Settings())
			if err != nil {
				return err
			}
			if !reflect.DeepEqual(first, second) || !reflect.DeepEqual(first, opened) {
				return errors.New("the manifest differs from one call to the next")
			}
			if e.account.Requests() != 0 {
				return errors.New("describing or opening talks to the ATS")
			}
			return nil
		}},
		over("name and version", func(m sdk.Manifest) error {
			if !nameShape.MatchString(m.Name) {
				return fmt.Errorf("name %q is not lower-case words joined by -", m.Name)
			}
			if !semver.MatchString(m.Version) {
				return fmt.Errorf("version %q is not semver", m.Version)
			}
			if m.ATS == "" || m.Summary == "" {
				return errors.New("the ATS or the summary is missing")
			}
			return nil
		}),
		over("texts trimmed", func(m sdk.Manifest) error { return trimmed(m) }),
		over("fields", fields),
		over("permissions name abilities", permissions),
		over("budgets and webhooks complete", declarations),
		{"manifest/abilities are those implemented", func(e *env) error {
			a, m, err := e.options.Open(e.ctx, e.account.Settings())
			if err != nil {
				return err
			}
			claimed := sdk.RemoteAbilities(m.Abilities, nil)
			got, want := reflect.ValueOf(*a), reflect.ValueOf(*claimed)
			for i := range got.NumField() {
				if got.Field(i).IsNil() != want.Field(i).IsNil() {
					return fmt.Errorf("%s is claimed: %v, implemented: %v", got.Type().Field(i).Name, !want.Field(i).IsNil(), !got.Field(i).IsNil())
				}
			}
			return nil
		}},
	}
}

// trimmed walks every string of v through its JSON.
func trimmed(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	var tree any
	if err := json.Unmarshal(b, &tree); err != nil {
		return err
	}
	var walk func(any) error
	walk = func(n any) error {
		switch n := n.(type) {
		case string:
			if n != strings.TrimSpace(n) {
				return fmt.Errorf("%q has blanks around it", n)
			}
		case []any:
			for _, c := range n {
				if err := walk(c); err != nil {
					return err
				}
			}
		case map[string]any:
			for k, c := range n {
				// What separates is not a text.
				if k == "part_sep" || k == "segment_sep" {
					continue
				}
				if err := walk(c); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return walk(tree)
}

var soundsSecret = regexp.MustCompile(`(?i)secret|password|token|api.?key`)

func fields(m sdk.Manifest) error {
	seen := map[string]bool{}
	for _, f := range m.Fields {
		switch {
		case f.Key == "" || f.Label == "" || f.Help == "":
			return fmt.Errorf("field %q lacks key, label or help", f.Key)
		case seen[f.Key]:
			return fmt.Errorf("field %q is declared twice", f.Key)
		case soundsSecret.MatchString(f.Key) && !f.Secret:
			return fmt.Errorf("field %q is not marked secret", f.Key)
		}
		if _, err := regexp.Compile(f.Pattern); err != nil {
			return fmt.Errorf("field %q: %w", f.Key, err)
		}
		seen[f.Key] = true
	}
	if !slices.ContainsFunc(m.Fields, func(f sdk.Field) bool { return f.Secret }) {
		return errors.New("no field is secret")
	}
	return nil
}

func permissions(m sdk.Manifest) error {
	seen := map[string]bool{}
	for _, p := range m.Permissions {
		if p.Key == "" || p.Name == "" || p.Serves == "" || p.Remedy == "" || seen[p.Key] {
			return fmt.Errorf("permission %q is incomplete or named twice", p.Key)
		}
		seen[p.Key] = true
		for _, a := range p.NeededBy {
			if !slices.Contains(m.Abilities, a) {
				return fmt.Errorf("permission %q is needed by %q, which the connector lacks", p.Key, a)
			}
		}
	}
	return nil
}

func declarations(m sdk.Manifest) error {
	for _, b := range m.Budgets {
		if b.Family == "" || b.PerSecond < 0 || b.Concurrent < 0 || b.PerSecond == 0 && b.Concurrent == 0 {
			return fmt.Errorf("budget %q allows nothing that can be kept", b.Family)
		}
	}
	w := m.Webhooks
	if (w != nil) != has(m, "parse_webhook") {
		return errors.New("a webhook scheme and parse_webhook go together")
	}
	if w != nil && (len(w.Events) == 0 || w.SuccessStatus < 200 || w.SuccessStatus > 299 || w.SignatureHeader == "" || w.EventIDHeader == "" || !slices.Contains(w.SignedParts, "body")) {
		return errors.New("the webhook scheme is incomplete")
	}
	return nil
}

func settingsChecks(m sdk.Manifest) []check {
	var all []check
	for _, f := range m.Fields {
		all = append(all, check{"settings/without " + f.Key, func(e *env) error {
			s := e.account.Settings()
			delete(s.Fields, f.Key)
			delete(s.Secrets, f.Key)
			err := e.use(s)
			if err := wantCode(err, sdk.CodeInvalid); err != nil {
				return err
			}
			if _, ok := sdk.AsError(err).Fields[f.Key]; !ok {
				return fmt.Errorf("the error does not name the field: %w", err)
			}
			return nil
		}})
	}
	if has(m, "list_jobs") {
		all = append(all, check{"settings/two connections never mix", neverMix})
	}
	return all
}

// use opens a connection and makes one call, because a host may open late.
func (e *env) use(s sdk.Settings) error {
	a, _, err := e.options.Open(e.ctx, s)
	if err != nil {
		return err
	}
	_, err = a.Check(e.ctx, sdk.CheckQuery{})
	return err
}

func neverMix(e *env) error {
	accounts := []Account{e.account, e.options.ATS.Account()}
	const calls = 6
	failures := make(chan error, len(accounts)*calls)
	for _, account := range accounts {
		want := account.Jobs(1)
		a, _, err := e.options.Open(e.ctx, account.Settings())
		if err != nil {
			return err
		}
		for range calls {
			go func() {
				p, err := a.ListJobs(e.ctx, sdk.JobQuery{})
				if err == nil && (len(p.Items) != 1 || p.Items[0].ID != want[0]) {
					err = errors.New("a connection sees the jobs of another")
				}
				failures <- err
			}()
		}
	}
	var all []error
	for range cap(failures) {
		all = append(all, <-failures)
	}
	return errors.Join(all...)
}
