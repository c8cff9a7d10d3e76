package pluginhost_test

// The probe connector, built once, and hosts around variants of it.

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/atshub/atshub/internal/pluginhost"
	"github.com/atshub/atshub/sdk"
)

var probeBinary []byte

func TestMain(m *testing.M) {
	if dir := os.Getenv("PLUGINHOST_TEST_HOST"); dir != "" {
		hostProcess(dir)
		return
	}
	dir, err := os.MkdirTemp("", "probe")
	if err == nil {
		path := filepath.Join(dir, "probe")
		build := exec.Command("go", "build", "-o", path, "./testdata/probe")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		var out []byte
		if out, err = build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%s\n", out)
		} else {
			probeBinary, err = os.ReadFile(path)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "build the probe connector:", err)
		os.Exit(1)
	}
	_ = os.RemoveAll(dir)
	goleak.VerifyTestMain(m)
}

// probe is one variant: "name=a start=crash lie=b".
type probe string

func (p probe) value(key, other string) string {
	for _, f := range strings.Fields(string(p)) {
		if k, v, _ := strings.Cut(f, "="); k == key {
			return v
		}
	}
	return other
}

// binary is the probe with the variant written after its end.
func (p probe) binary() []byte {
	return append(bytes.Clone(probeBinary), []byte("\nPROBE"+":"+string(p))...)
}

// catalog writes the variants and a catalog of them into a new folder.
func catalog(t testing.TB, probes ...probe) string {
	t.Helper()
	dir := t.TempDir()
	var file strings.Builder
	file.WriteString("connectors:\n")
	for _, p := range probes {
		name, b := p.value("name", "probe"), p.binary()
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), b, 0o755))
		sum := sha256.Sum256(b)
		fmt.Fprintf(&file, "  - {name: %s, version: 1.0.0, path: %s, sha256: %s, endpoint: %q}\n", name, name, hex.EncodeToString(sum[:]), p.value("endpoint", ""))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, pluginhost.CatalogFile), []byte(file.String()), 0o644))
	return dir
}

type bundle struct {
	*pluginhost.Host
	dir     string // of the catalog
	log     *safeBuffer
	metrics *prometheus.Registry
}

// host starts a host of the variants, closed with the test.
func host(t testing.TB, opt pluginhost.Options, probes ...probe) *bundle {
	t.Helper()
	b := &bundle{dir: catalog(t, probes...), log: &safeBuffer{}, metrics: prometheus.NewRegistry()}
	c, err := pluginhost.LoadCatalog(filepath.Join(b.dir, pluginhost.CatalogFile))
	require.NoError(t, err)
	opt.Catalog, opt.Registerer = c, b.metrics
	opt.Logger = slog.New(slog.NewJSONHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	b.Host, err = pluginhost.New(opt)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, b.Close(ctx))
	})
	require.NoError(t, b.Start(t.Context()))
	return b
}

func (b *bundle) status(t testing.TB, name string) pluginhost.Status {
	t.Helper()
	for _, s := range b.Status() {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no connector %s", name)
	return pluginhost.Status{}
}

func (b *bundle) abilities(t testing.TB, name string) *sdk.Abilities {
	t.Helper()
	a, err := b.Abilities(name, sdk.Settings{ConnectionID: "c1", Revision: 1, Secrets: map[string]sdk.Secret{"key": "s3cret-canary"}})
	require.NoError(t, err)
	return a
}

// ask makes a read that carries an order for the probe.
func ask(ctx context.Context, a *sdk.Abilities, order string) ([]string, error) {
	page, err := a.ListJobs(ctx, sdk.JobQuery{Search: order})
	var out []string
	for _, j := range page.Items {
		out = append(out, j.Name)
	}
	return out, err
}

// eventually waits for a condition; the bound is the promise being tested.
func eventually(t testing.TB, within time.Duration, what string, cond func() bool) {
	t.Helper()
	require.Eventually(t, cond, within, 5*time.Millisecond, what)
}

// running tells that a process exists and is no zombie.
func running(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, ok := bytes.Cut(b, []byte(") "))
	return ok && len(rest) > 0 && rest[0] != 'Z' && rest[0] != 'X'
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// hostProcess is a whole hub that only hosts: it says that it is ready and
// waits to be killed.
func hostProcess(dir string) {
	c, err := pluginhost.LoadCatalog(filepath.Join(dir, pluginhost.CatalogFile))
	if err != nil {
		panic(err)
	}
	h, err := pluginhost.New(pluginhost.Options{Catalog: c, Dir: os.Getenv("PLUGINHOST_TEST_DIR"), Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		panic(err)
	}
	if err := h.Start(context.Background()); err != nil {
		panic(err)
	}
	for _, s := range h.Status() {
		fmt.Println(s.PID)
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
}
