// Package conformance is the suite every connector must pass. A connector's
// test implements [ATS] over a fake of its ATS and runs the suite twice: in
// process and as a built binary under its host.
//
//	conformance.Run(t, conformance.Options{Open: open, ATS: fake{…}})
//
// A check whose abilities the connector lacks does not apply. A check the
// connector cannot pass for a good reason is named in Skip with that reason,
// which the summary prints. A run without a single check fails.
package conformance

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atshub/atshub/sdk"
)

// Options say what is tested.
type Options struct {
	// Open gives the abilities and the manifest of the connector for one
	// connection. In process that is Connector.Open and sdk.Describe; through a
	// host it is whatever the host offers.
	Open func(context.Context, sdk.Settings) (*sdk.Abilities, sdk.Manifest, error)
	// Describe gives the manifest alone, without any connection.
	Describe func() (sdk.Manifest, error)
	ATS      ATS
	// Skip holds a reason for each check left out, by its full name.
	Skip map[string]string
}

// ATS is a fake of the vendor's service.
type ATS interface {
	// Account makes a new company with a credential of its own that holds every
	// permission of the manifest.
	Account() Account
}

// Account is one company at the fake. Its methods may panic when the fake
// itself fails.
type Account interface {
	Settings() sdk.Settings        // good; each account its own connection id
	WrongCredential() sdk.Settings // well-formed, and unknown to the ATS
	Canaries() []string            // secrets and candidate data that no error may show
	Requests() int                 // how many requests the ATS got from this account
	Fault(Fault) (remove func())

	Drop(permission string) // takes a permission of the manifest away
	Jobs(n int) (ids []string)
	Users(n int) (ids []string) // all there are then
	Applications(job string, n int) []sdk.ApplicationRef
	Move(application sdk.ApplicationRef, stage string) // as a recruiter would
	Stages(job string) (first, second, third string)   // first: where new applications are
	Delivery() (d sdk.Delivery, want sdk.Event)        // a good one, and what it tells
}

// Fault is a way to misbehave towards the calls of an account. A token
// endpoint is left alone.
type Fault struct {
	Writes bool // only requests that are not GET
	Status int  // 0 = 200
	Header http.Header
	Body   string
	Delay  time.Duration // before answering; the request is still counted at once
	Cut    bool          // break the connection instead of answering
}

// Result is the outcome of one check.
type Result struct {
	Name    string // "lists/jobs resume from every cursor"
	Err     error
	Skipped string // why it was not run; "" = it was
}

// Run runs every check as a subtest.
func Run(t *testing.T, o Options) {
	t.Helper()
	var mu sync.Mutex
	var results []Result
	m, err := o.Describe()
	if err != nil {
		t.Fatalf("the connector cannot be described: %v", err)
	}
	all := checks(m)
	for name, reason := range o.Skip {
		if strings.TrimSpace(reason) == "" {
			t.Errorf("the check %q is skipped without a reason", name)
		}
		if !slices.ContainsFunc(all, func(c check) bool { return c.name == name }) {
			t.Errorf("the skipped check %q does not exist or does not apply", name)
		}
	}
	t.Cleanup(func() {
		if err := judge(results); err != nil {
			t.Error(err)
		}
		t.Log(Summary(m, results))
	})
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := c.result(o)
			mu.Lock()
			results = append(results, r)
			mu.Unlock()
			if r.Skipped != "" {
				t.Skip(r.Skipped)
			}
			if r.Err != nil {
				t.Error(r.Err)
			}
		})
	}
}

// judge fails a run that proves nothing.
func judge(results []Result) error {
	for _, r := range results {
		if r.Skipped == "" {
			return nil
		}
	}
	return fmt.Errorf("no check was run")
}

// Summary tells the outcome of a run in a few lines.
func Summary(m sdk.Manifest, results []Result) string {
	var passed, failed int
	var skipped []string
	for _, r := range results {
		switch {
		case r.Skipped != "":
			skipped = append(skipped, "  skipped "+r.Name+": "+r.Skipped)
		case r.Err != nil:
			failed++
		default:
			passed++
		}
	}
	slices.Sort(skipped)
	head := fmt.Sprintf("conformance of %s %s (%d abilities): %d checks passed, %d failed, %d skipped", m.Name, m.Version, len(m.Abilities), passed, failed, len(skipped))
	return strings.Join(append([]string{head}, skipped...), "\n")
}

// check is one promise.
type check struct {
	name string
	run  func(*env) error
}

// within is how long a check may take.
const within = 90 * time.Second

func (c check) result(o Options) (r Result) {
	r.Name = c.name
	if r.Skipped = o.Skip[c.name]; r.Skipped != "" {
		return r
	}
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	r.Err = c.run(&env{ctx: ctx, options: o, account: o.ATS.Account()})
	return r
}

// env is what a check works with: an account of its own.
type env struct {
	ctx     context.Context
	options Options
	account Account
}

// open opens the account's connection.
func (e *env) open() (*sdk.Abilities, error) {
	a, _, err := e.options.Open(e.ctx, e.account.Settings())
	if err != nil {
		return nil, fmt.Errorf("open with good settings: %w", err)
	}
	return a, nil
}

// checks are all that apply to a connector.
func checks(m sdk.Manifest) []check {
	all := slices.Concat(manifestChecks(), settingsChecks(m), checkChecks(m), listChecks(m), writeChecks(m), webhookChecks(m), errorChecks(m), contextChecks(m))
	return all
}

func has(m sdk.Manifest, abilities ...string) bool {
	return !slices.ContainsFunc(abilities, func(a string) bool { return !slices.Contains(m.Abilities, a) })
}

// wantCode fails unless err is an error of the contract with the code.
func wantCode(err error, code sdk.Code) error {
	if err == nil {
		return fmt.Errorf("no error, want %s", code)
	}
	if got := sdk.CodeOf(err); got != code {
		return fmt.Errorf("got %w, want %s", err, code)
	}
	return nil
}
