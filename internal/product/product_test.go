package product_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/product"
)

func TestContractsAreValidOpenAPI(t *testing.T) {
	t.Parallel()
	for _, kind := range []product.Kind{product.KindScreening, product.KindCapture} {
		raw, err := product.Contract(kind)
		require.NoError(t, err)
		doc, err := openapi3.NewLoader().LoadFromData(raw)
		require.NoError(t, err, kind)
		require.NoError(t, doc.Validate(t.Context()), kind)
	}
}

func TestDefaultProductsSayWhatTheGuidesSay(t *testing.T) {
	t.Parallel()
	c, err := product.Default()
	require.NoError(t, err)
	require.Len(t, c.All(), 2)

	fairec, ok := c.Get("fairec")
	require.True(t, ok)
	require.Equal(t, product.KindScreening, fairec.Kind)
	require.Equal(t, []string{"smartrecruiters-apikey"}, fairec.Connectors)
	fields := fairec.CredentialFields()
	require.Equal(t, "Fairec username (email)", fields[0].Label)
	require.Equal(t, "Fairec password", fields[1].Label)
	require.True(t, fields[1].Secret)
	owner, recruiter := []string{"Tenant owner"}, []string{"recruiter"}
	require.True(t, fairec.Allows(owner, product.PermissionManageIntegration))
	require.True(t, fairec.Allows(owner, product.PermissionManageJobPosts))
	require.True(t, fairec.Allows(recruiter, product.PermissionManageJobPosts))
	require.False(t, fairec.Allows(recruiter, product.PermissionManageIntegration))
	require.False(t, fairec.Allows([]string{"Owner", ""}, product.PermissionManageJobPosts))
	require.Equal(t, "Manage ATS integration", fairec.PermissionName(product.PermissionManageIntegration))
	shortlist, ok := fairec.Status("shortlist")
	require.True(t, ok)
	require.Equal(t, "Shortlist", shortlist.Label)

	pillar, ok := c.Get("pillar")
	require.True(t, ok)
	require.Equal(t, product.KindCapture, pillar.Kind)
	require.Empty(t, pillar.CredentialFields())
	require.Positive(t, pillar.JoinLead)
	require.True(t, pillar.Allows([]string{"Owner"}, product.PermissionManageIntegration))
}

func TestProductFileIsReadStrictly(t *testing.T) {
	t.Parallel()
	good, err := os.ReadFile("products/fairec.yaml")
	require.NoError(t, err)
	replace := func(old, new string) string {
		require.Contains(t, string(good), old)
		return strings.Replace(string(good), old, new, 1)
	}
	for name, c := range map[string]struct{ file, field string }{
		"unknown member":          {string(good) + "colour: red\n", ""},
		"member twice":            {string(good) + "name: other\n", ""},
		"two documents":           {string(good) + "---\nname: x\n", ""},
		"not YAML":                {"\t{", ""},
		"empty":                   {"", ""},
		"bad name":                {replace("name: fairec", "name: Fair/ec"), "name"},
		"unknown kind":            {replace("kind: screening", "kind: magic"), "kind"},
		"plain http":              {replace("https://platform", "http://platform"), "base_url"},
		"user in the address":     {replace("https://platform", "https://a:b@platform"), "base_url"},
		"no connector":            {replace("[smartrecruiters-apikey]", "[]"), "connectors"},
		"wrong auth":              {replace("user_login", "service_token"), "auth"},
		"password shown":          {replace("secret: true", "secret: false"), "credential_fields"},
		"no user name":            {replace("key: username", "key: user"), "credential_fields"},
		"bad pattern":             {replace(`'[^@\s]+@[^@\s]+'`, `'['`), "credential_fields"},
		"undeclared permission":   {replace("permissions: [manage_job_posts]", "permissions: [fly]"), "roles"},
		"unknown permission":      {replace("- key: manage_job_posts", "- key: fly"), "permissions"},
		"status twice":            {replace("key: shortlist", "key: hire"), "statuses"},
		"a lead without recorder": {string(good) + "join_lead: 60s\n", "join_lead"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := product.Parse("x.yaml", []byte(c.file))
			var f *product.FileError
			require.ErrorAs(t, err, &f)
			require.Equal(t, c.field, f.Field, f.Error())
			require.NotEmpty(t, f.Problem)
		})
	}
}

func TestAThirdProductIsAFile(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("products/pillar.yaml")
	require.NoError(t, err)
	dir := t.TempDir()
	third := strings.Replace(string(raw), "name: pillar", "name: notetaker", 1)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "notetaker.yaml"), []byte(third), 0o600))
	shorter := strings.Replace(string(raw), "join_lead: 60s", "join_lead: 30s", 1)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "pillar.yaml"), []byte(shorter), 0o600))

	c, err := product.Load(dir)
	require.NoError(t, err)
	require.Len(t, c.All(), 3)
	pillar, _ := c.Get("pillar")
	require.Equal(t, "30s", pillar.JoinLead.String(), "the operator's file wins")

	require.NoError(t, c.SetBaseURL("notetaker", "http://127.0.0.1:9000", false))
	require.Error(t, c.SetBaseURL("notetaker", "http://elsewhere:9000", false))
	require.NoError(t, c.SetBaseURL("notetaker", "http://elsewhere:9000", true))
	require.Error(t, c.SetBaseURL("nobody", "https://x", false))

	require.NoError(t, os.WriteFile(filepath.Join(dir, "again.yaml"), []byte(third), 0o600))
	_, err = product.Load(dir)
	require.ErrorContains(t, err, "again.yaml")
	_, err = product.Load(filepath.Join(dir, "absent"))
	var f *product.FileError
	require.ErrorAs(t, err, &f)
}
