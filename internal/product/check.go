package product

// check.go: what a product file must hold to be usable.

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"
)

var (
	nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,40}$`)
	keyForm  = regexp.MustCompile(`^[a-z0-9_]{1,60}$`)
)

// check names the first wrong field and what is wrong with it.
func (p Product) check() (field, problem string) {
	switch {
	case !nameForm.MatchString(p.Name):
		return "name", "must be lower-case letters, digits and hyphens"
	case p.DisplayName == "":
		return "display_name", "is missing"
	case p.Kind != KindScreening && p.Kind != KindCapture:
		return "kind", fmt.Sprintf("must be %s or %s", KindScreening, KindCapture)
	case len(p.Connectors) == 0:
		return "connectors", "must name at least one connector"
	case slices.ContainsFunc(p.Connectors, func(n string) bool { return !nameForm.MatchString(n) }) || hasTwice(p.Connectors):
		return "connectors", "must be different connector names"
	}
	if err := checkBaseURL(p.BaseURL, false); err != nil {
		f, _ := errors.AsType[*FileError](err)
		return f.Field, f.Problem
	}
	for _, check := range []func() (string, string){p.checkAuth, p.checkRoles, p.checkKind} {
		if field, problem := check(); problem != "" {
			return field, problem
		}
	}
	return "", ""
}

func (p Product) checkAuth() (field, problem string) {
	var keys []string
	for _, f := range p.Fields {
		if !keyForm.MatchString(f.Key) || f.Label == "" {
			return "credential_fields", "each needs a key of lower-case letters, digits and _ and a label"
		}
		if _, err := regexp.Compile(f.Pattern); err != nil {
			return "credential_fields", "the pattern of " + f.Key + " is not a regular expression"
		}
		if f.Key == FieldPassword && !f.Secret {
			return "credential_fields", "the password must be marked secret"
		}
		keys = append(keys, f.Key)
	}
	switch {
	case hasTwice(keys):
		return "credential_fields", "a key is given twice"
	case p.Auth != AuthUserLogin && p.Auth != AuthServiceToken:
		return "auth", fmt.Sprintf("must be %s or %s", AuthUserLogin, AuthServiceToken)
	case (p.Kind == KindScreening) != (p.Auth == AuthUserLogin):
		return "auth", "a screening product is logged in to by user_login, a capture product by service_token"
	case p.Auth == AuthUserLogin && (!slices.Contains(keys, FieldUsername) || !slices.Contains(keys, FieldPassword)):
		return "credential_fields", "user_login needs the fields username and password"
	}
	return "", ""
}

func (p Product) checkRoles() (field, problem string) {
	var keys, names []string
	for _, q := range p.Permissions {
		if q.Key != PermissionManageIntegration && q.Key != PermissionManageJobPosts || q.Name == "" {
			return "permissions", fmt.Sprintf("are %s and %s, each with a name", PermissionManageIntegration, PermissionManageJobPosts)
		}
		keys = append(keys, q.Key)
	}
	held := map[string]bool{}
	for _, r := range p.Roles {
		if r.Name == "" {
			return "roles", "each needs a name"
		}
		for _, q := range r.Permissions {
			if !slices.Contains(keys, q) {
				return "roles", fmt.Sprintf("%q has the permission %q, which is not declared", r.Name, q)
			}
			held[q] = true
		}
		names = append(names, r.Name)
	}
	switch {
	case hasTwice(keys) || len(keys) != 2:
		return "permissions", fmt.Sprintf("must be %s and %s", PermissionManageIntegration, PermissionManageJobPosts)
	case hasTwice(names):
		return "roles", "a name is given twice"
	case len(held) != len(keys):
		return "roles", "every permission must be held by a role, or nobody could use it"
	}
	return "", ""
}

func (p Product) checkKind() (field, problem string) {
	var keys []string
	for _, s := range p.Statuses {
		if !keyForm.MatchString(s.Key) || s.Label == "" {
			return "statuses", "each needs a key of lower-case letters, digits and _ and a label"
		}
		keys = append(keys, s.Key)
	}
	switch {
	case hasTwice(keys):
		return "statuses", "a key is given twice"
	case p.Kind == KindCapture && len(keys) > 0:
		return "statuses", "belong to screening products"
	case p.Kind == KindScreening && len(keys) == 0:
		return "statuses", "are missing"
	case p.Kind == KindScreening && p.JoinLead != 0:
		return "join_lead", "belongs to capture products"
	case p.Kind == KindCapture && (p.JoinLead < 0 || p.JoinLead > time.Hour || p.JoinLead%time.Second != 0):
		return "join_lead", "must be whole seconds, at most one hour"
	}
	return "", ""
}

func hasTwice(names []string) bool {
	s := slices.Sorted(slices.Values(names))
	return len(slices.Compact(s)) != len(names)
}
