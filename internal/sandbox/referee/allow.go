// The allow-list: where the documents are known to be behind the vendor, or silent.

package referee

import (
	"bytes"
	_ "embed"
	"fmt"
	"regexp"
	"slices"

	"gopkg.in/yaml.v3"
)

//go:embed allowed.yaml
var allowedYAML []byte

// allowance lets one kind of deviation pass. Empty conditions match everything.
type allowance struct {
	Name    string `yaml:"name"`
	Facts   string `yaml:"facts"`
	Reason  string `yaml:"reason"`
	Kind    string `yaml:"kind"`
	Method  string `yaml:"method"`
	Path    string `yaml:"path"`
	Status  []int  `yaml:"status"`
	Problem string `yaml:"problem"`

	path, problem *regexp.Regexp
}

func loadAllowed() ([]allowance, error) {
	var all []allowance
	decoder := yaml.NewDecoder(bytes.NewReader(allowedYAML))
	decoder.KnownFields(true)
	if err := decoder.Decode(&all); err != nil {
		return nil, fmt.Errorf("read allowed.yaml: %w", err)
	}
	for i := range all {
		a := &all[i]
		if a.Name == "" || a.Facts == "" || a.Reason == "" || a.Kind == "" || a.Problem == "" {
			return nil, fmt.Errorf("allowance %d (%s) needs name, facts, reason, kind and problem", i+1, a.Name)
		}
		var err error
		if a.path, err = regexp.Compile(a.Path); err != nil {
			return nil, fmt.Errorf("allowance %s: %w", a.Name, err)
		}
		if a.problem, err = regexp.Compile(a.Problem); err != nil {
			return nil, fmt.Errorf("allowance %s: %w", a.Name, err)
		}
	}
	return all, nil
}

func (a allowance) covers(d Deviation) bool {
	return a.Kind == d.Kind && (a.Method == "" || a.Method == d.Method) && a.path.MatchString(d.Path) &&
		(len(a.Status) == 0 || slices.Contains(a.Status, d.Status)) && a.problem.MatchString(d.Problem)
}
