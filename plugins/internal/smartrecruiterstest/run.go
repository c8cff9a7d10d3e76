package smartrecruiterstest

// The suite run for a connector, in process and as a built binary.

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/pluginhost"
	"github.com/atshub/atshub/internal/sandbox/referee"
	"github.com/atshub/atshub/sdk"
	"github.com/atshub/atshub/sdk/conformance"
)

// InProcess runs the suite on the connector as it is.
func InProcess(t *testing.T, c sdk.Connector, fake *Fake, skip map[string]string) {
	t.Helper()
	describe := func() (sdk.Manifest, error) { return sdk.Describe(c) }
	referees(t, fake)
	conformance.Run(t, conformance.Options{ATS: fake, Skip: skip, Describe: describe,
		Open: func(ctx context.Context, s sdk.Settings) (*sdk.Abilities, sdk.Manifest, error) {
			session, err := c.Open(ctx, s)
			if err != nil {
				return nil, sdk.Manifest{}, err
			}
			t.Cleanup(func() { require.NoError(t, session.Close()) })
			m, err := describe()
			return sdk.AbilitiesOf(session), m, err
		}})
}

// AsBinary builds the connector in the working directory and runs the suite on
// it as a process under the hub's own host.
func AsBinary(t *testing.T, name string, fake *Fake, skip map[string]string) {
	t.Helper()
	dir := t.TempDir()
	binary := filepath.Join(dir, name)
	build := exec.Command("go", "build", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	_, err = pluginhost.Register(dir, binary)
	require.NoError(t, err)
	catalog, err := pluginhost.LoadCatalog(filepath.Join(dir, pluginhost.CatalogFile))
	require.NoError(t, err)
	host, err := pluginhost.New(pluginhost.Options{Catalog: catalog, Dir: t.TempDir(), Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, host.Close(ctx))
	})
	require.NoError(t, host.Start(t.Context()))
	referees(t, fake)
	conformance.Run(t, conformance.Options{ATS: fake, Skip: skip,
		Describe: func() (sdk.Manifest, error) { return host.Manifest(name) },
		Open: func(_ context.Context, s sdk.Settings) (*sdk.Abilities, sdk.Manifest, error) {
			a, err := host.Abilities(name, s)
			if err != nil {
				return nil, sdk.Manifest{}, err
			}
			m, err := host.Manifest(name)
			return a, m, err
		}})
}

// referees holds all undisturbed traffic against the vendor's documents when
// their place is known. That they are known in CI is another test's to insist.
func referees(t *testing.T, fake *Fake) {
	dir := os.Getenv("SMARTRECRUITERS_OPENAPI")
	if dir == "" {
		return
	}
	r, err := referee.Load(dir)
	require.NoError(t, err)
	fake.Wrap = r.Handler
	t.Cleanup(func() { r.Assert(t) })
}
