// Package e2e proves the guarantees on the program itself: its built binaries
// run as processes, are driven through the REST API alone and hurt in the ways
// life hurts them. The judges are the simulators' own records and the ledger
// as it lies on disk; the hub is never asked how it did.
package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

var binDir string

func TestMain(m *testing.M) {
	// These tests wait for clocks and limits far more than they compute.
	flag.Parse()
	_ = flag.Set("test.parallel", "4")
	dir, err := os.MkdirTemp("", "atshub-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binDir = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// build makes the hub and its connectors as a user would, once, and registers
// the connectors in a catalog.
var build = sync.OnceValue(func() error {
	const module = "github.com/atshub/atshub"
	connectors := []string{"smartrecruiters-apikey", "smartrecruiters-oauth"}
	args := []string{"build", "-o", binDir + string(filepath.Separator), module + "/cmd/atshub"}
	register := []string{"connector", "register"}
	for _, c := range connectors {
		args, register = append(args, module+"/plugins/"+c), append(register, filepath.Join(binDir, c))
	}
	compile := exec.Command("go", args...)
	compile.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := compile.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	catalog := exec.Command(filepath.Join(binDir, "atshub"), register...)
	catalog.Env = []string{"ATSHUB_CATALOG=" + filepath.Join(binDir, "catalog.yaml")}
	if out, err := catalog.CombinedOutput(); err != nil {
		return fmt.Errorf("register: %w\n%s", err, out)
	}
	return nil
})

// atshub is the path of the built program.
func atshub(t *testing.T) string {
	t.Helper()
	require.NoError(t, build())
	return filepath.Join(binDir, "atshub")
}
