// Package archtest keeps the arrows of the tree pointing down. A failure means
// that something is in the wrong place: move it, do not widen the rule.
package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/atshub/atshub/"

type pkg struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	list := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...")
	out, err := list.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, list.Start())
	var all []pkg
	for d := json.NewDecoder(out); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else {
			require.NoError(t, err)
		}
		all = append(all, p)
	}
	require.NoError(t, list.Wait())
	require.Greater(t, len(all), 20, "go list found the module's packages")
	return all
}

// mayImport says which of our folders a folder's packages may import beside
// themselves; the longest matching row counts.
var mayImport = []struct {
	from string
	to   []string
}{
	{"cmd/", []string{"gateway", "queue/", "internal/", "sdk"}},
	{"gateway", []string{"gateway/", "internal/", "sdk"}},
	{"queue/task", []string{"internal/hub"}},
	{"queue/", []string{"queue/", "internal/", "sdk"}},
	{"plugins/", []string{"plugins/internal/", "sdk"}},
	{"sdk", []string{"sdk"}},
	{"internal/hub", []string{"sdk"}},
	{"internal/workflow", []string{"internal/workflow/rule", "internal/hub", "sdk"}},
	{"internal/store", []string{"internal/hub", "sdk"}},
	{"internal/secret", []string{"sdk"}},
	{"internal/product", []string{"internal/hub", "sdk"}},
	{"internal/config", []string{"internal/hub", "sdk"}},
	{"internal/pluginhost", []string{"internal/hub", "sdk"}},
	{"internal/reach", []string{"internal/hub", "internal/product", "internal/secret", "internal/store", "sdk"}},
	{"internal/ledger", []string{"internal/hub", "internal/store", "internal/workflow", "sdk"}},
	{"internal/service", []string{"internal/hub", "internal/ledger", "internal/product", "internal/reach", "internal/secret", "internal/store", "internal/workflow", "sdk"}},
	// The simulators and their demo share nothing with what they test.
	{"internal/sandbox", []string{"internal/sandbox"}},
	{"internal/bench", []string{"sdk"}},
	// What tests share.
	{"internal/testenv", []string{"internal/hub", "internal/store", "queue/broker"}},
	{"plugins/internal/smartrecruiterstest", []string{"internal/pluginhost", "internal/sandbox/", "plugins/internal/", "sdk"}},
}

func rule(path string) (to []string, ok bool) {
	longest := ""
	for _, r := range mayImport {
		if strings.HasPrefix(path, r.from) && len(r.from) > len(longest) {
			longest, to, ok = r.from, r.to, true
		}
	}
	return to, ok
}

func TestArrowsPointDown(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		from := strings.TrimPrefix(p.ImportPath, module)
		to, ok := rule(from)
		if !ok {
			if !strings.HasPrefix(from, "internal/archtest") && !strings.HasPrefix(from, "internal/e2e") {
				t.Errorf("%s: no rule says what it may import; decide and add a row", from)
			}
			continue
		}
		for _, i := range p.Imports {
			imported, ours := strings.CutPrefix(i, module)
			if ours && !hasAnyPrefix(imported, to) {
				t.Errorf("%s imports %s", from, imported)
			}
		}
	}
}

// onlyUnder says where a library may be used.
var onlyUnder = map[string][]string{
	"github.com/gofiber/fiber":       {"gateway"},
	"github.com/hibiken/asynq":       {"queue/", "cmd/"},
	"database/sql":                   {"internal/store", "internal/testenv", "internal/e2e"},
	"github.com/hashicorp/go-plugin": {"sdk/transport", "sdk/serve", "internal/pluginhost"},
}

func TestLibrariesStayInTheirFolders(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		from := strings.TrimPrefix(p.ImportPath, module)
		for _, i := range p.Imports {
			for library, folders := range onlyUnder {
				if (i == library || strings.HasPrefix(i, library+"/")) && !hasAnyPrefix(from, folders) {
					t.Errorf("%s imports %s, which belongs under %s", from, i, strings.Join(folders, ", "))
				}
			}
		}
	}
}

func hasAnyPrefix(s string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}
