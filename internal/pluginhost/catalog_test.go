package pluginhost_test

// Registering, and what a catalog may not say.

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/pluginhost"
	"github.com/atshub/atshub/sdk"
)

func TestG14_RegisteredConnectorRuns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	inside, outside := filepath.Join(dir, "bin-of-alpha"), filepath.Join(t.TempDir(), "beta")
	require.NoError(t, os.WriteFile(inside, probe("name=alpha").binary(), 0o755))
	require.NoError(t, os.WriteFile(outside, probe("name=beta").binary(), 0o755))
	alpha, err := pluginhost.Register(dir, inside)
	require.NoError(t, err)
	require.Equal(t, "bin-of-alpha", alpha.Path, "a binary in the folder stays where it is")
	beta, err := pluginhost.Register(dir, outside)
	require.NoError(t, err)
	require.Equal(t, "beta", beta.Path, "one from elsewhere is copied into it")

	file := filepath.Join(dir, pluginhost.CatalogFile)
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(b), "sha256: "+alpha.SHA256, "sha256: "+alpha.SHA256+"\n      endpoint: https://sandbox.example", 1)), 0o644))
	require.NoError(t, os.WriteFile(inside, probe("name=alpha version=1.0.1").binary(), 0o755))
	newer, err := pluginhost.Register(dir, inside)
	require.NoError(t, err)
	require.Equal(t, "1.0.1", newer.Version)
	require.Equal(t, "https://sandbox.example", newer.Endpoint, "what the operator set is kept")

	c, err := pluginhost.LoadCatalog(file)
	require.NoError(t, err)
	require.Equal(t, []pluginhost.Entry{newer, beta}, c.Connectors)
	h, err := pluginhost.New(pluginhost.Options{Catalog: c})
	require.NoError(t, err)
	require.NoError(t, h.Start(t.Context()))
	defer h.Close(t.Context())
	for _, name := range []string{"alpha", "beta"} {
		a, err := h.Abilities(name, sdk.Settings{})
		require.NoError(t, err)
		_, err = ask(t.Context(), a, "hello")
		require.NoError(t, err)
	}
}

func TestG14_RegisterRefusesWhatIsNoConnector(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	script := filepath.Join(dir, "script")
	require.NoError(t, os.WriteFile(script, []byte("not an executable"), 0o755))
	_, err := pluginhost.Register(dir, script)
	require.ErrorContains(t, err, "does not answer \"describe\"")
	named := filepath.Join(dir, "named")
	require.NoError(t, os.WriteFile(named, probe("name=../../evil").binary(), 0o755))
	_, err = pluginhost.Register(dir, named)
	require.ErrorContains(t, err, "no connector name")
	require.NoFileExists(t, filepath.Join(dir, pluginhost.CatalogFile))
}

func TestG14_CatalogIsReadStrictly(t *testing.T) {
	t.Parallel()
	sum := strings.Repeat("a", 64)
	for name, c := range map[string]struct{ text, says string }{
		"UnknownKey":  {"connectors: [{name: a, version: 1.0.0, path: a, sha256: " + sum + ", args: [x]}]", "args"},
		"Twice":       {"connectors: [{name: a, version: 1.0.0, path: a, sha256: " + sum + "}, {name: a, version: 1.0.1, path: b, sha256: " + sum + "}]", "listed twice"},
		"ParentPath":  {"connectors: [{name: a, version: 1.0.0, path: ../a, sha256: " + sum + "}]", "out of the catalog's folder"},
		"RootPath":    {"connectors: [{name: a, version: 1.0.0, path: /bin/sh, sha256: " + sum + "}]", "out of the catalog's folder"},
		"NoSum":       {"connectors: [{name: a, version: 1.0.0, path: a}]", "register the binary again"},
		"BadName":     {"connectors: [{name: A/b, version: 1.0.0, path: a, sha256: " + sum + "}]", "no connector name"},
		"TwoDocs":     {"connectors: []\n---\nconnectors: []", "more than one document"},
		"NoYAMLatAll": {"\x00\x01", "catalog"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "c.yaml")
			require.NoError(t, os.WriteFile(file, []byte(c.text), 0o644))
			_, err := pluginhost.LoadCatalog(file)
			require.ErrorContains(t, err, c.says)
		})
	}
	t.Run("JSONIsFine", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(t.TempDir(), "c.json")
		require.NoError(t, os.WriteFile(file, []byte(`{"connectors":[{"name":"a","version":"1.0.0","path":"a","sha256":"`+sum+`"}]}`), 0o644))
		c, err := pluginhost.LoadCatalog(file)
		require.NoError(t, err)
		require.Len(t, c.Connectors, 1)
	})
}
