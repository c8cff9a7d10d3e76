package conformance

// Errors and contexts: what the ATS does wrong reaches the hub as the right
// code, soon, and without secrets.

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/atshub/atshub/sdk"
)

var (
	page       = http.Header{"Content-Type": {"text/html"}}
	jsonHeader = http.Header{"Content-Type": {"application/json"}}
)

// faults is the table of what an ATS answers and what it means for a read of
// something everybody with the credential may read.
var faults = []struct {
	name  string
	fault Fault
	code  sdk.Code
}{
	{"403", Fault{Status: 403, Header: jsonHeader, Body: `{"message":"no","errors":[]}`}, sdk.CodePermissionMissing},
	{"401", Fault{Status: 401}, sdk.CodeAuthExpired},
	{"429", Fault{Status: 429, Header: http.Header{"Retry-After": {"3"}}}, sdk.CodeRateLimited},
	{"500", Fault{Status: 500}, sdk.CodeUpstreamDown},
	{"503 as a page", Fault{Status: 503, Header: page, Body: "<html>maintenance</html>"}, sdk.CodeUpstreamDown},
	{"a broken connection", Fault{Cut: true}, sdk.CodeUpstreamDown},
	{"a page instead of JSON", Fault{Header: page, Body: "<html>log in</html>"}, sdk.CodeUpstreamBug},
	{"JSON cut short", Fault{Header: jsonHeader, Body: `{"content":[{"id":"1`}, sdk.CodeUpstreamBug},
	{"null", Fault{Header: jsonHeader, Body: `null`}, sdk.CodeUpstreamBug},
	{"an empty object", Fault{Header: jsonHeader, Body: `{}`}, sdk.CodeUpstreamBug},
	{"nothing", Fault{}, sdk.CodeUpstreamBug},
	{"a redirect", Fault{Status: 302, Header: http.Header{"Location": {"https://elsewhere.example/"}}}, sdk.CodeUpstreamBug},
	{"a 404 as a page", Fault{Status: 404, Header: page, Body: "<html>not found</html>"}, sdk.CodeUpstreamBug},
}

func errorChecks(m sdk.Manifest) []check {
	var all []check
	if has(m, "list_jobs") {
		for _, f := range faults {
			all = append(all, check{"errors/" + f.name, func(e *env) error {
				_, err := e.failing(f.fault)
				return wantCode(err, f.code)
			}})
		}
		all = append(all, check{"errors/429 tells when to come back, and soon", rateLimited},
			check{"errors/no secret in any", noSecret})
	}
	if has(m, "read_job") {
		all = append(all, check{"errors/404", func(e *env) error {
			a, err := e.open()
			if err != nil {
				return err
			}
			defer e.account.Fault(Fault{Status: 404, Header: jsonHeader, Body: `{"errors":[{"code":"NOT_FOUND"}]}`})()
			_, err = a.ReadJob(e.ctx, sdk.JobRef{ID: "nothing"})
			return wantCode(err, sdk.CodeNotFound)
		}})
	}
	return all
}

// failing lists jobs while the ATS misbehaves, within a few seconds.
func (e *env) failing(f Fault) (took time.Duration, err error) {
	a, err := e.open()
	if err != nil {
		return 0, err
	}
	defer e.account.Fault(f)()
	ctx, cancel := context.WithTimeout(e.ctx, 15*time.Second)
	defer cancel()
	if f.Status == http.StatusTooManyRequests { // no time to wait as long as asked
		ctx, cancel = context.WithTimeout(e.ctx, time.Second)
		defer cancel()
	}
	start := time.Now()
	_, err = a.ListJobs(ctx, sdk.JobQuery{})
	return time.Since(start), err
}

func rateLimited(e *env) error {
	took, err := e.failing(Fault{Status: 429, Header: http.Header{"Retry-After": {"3"}}})
	if err := wantCode(err, sdk.CodeRateLimited); err != nil {
		return err
	}
	if after := sdk.AsError(err).RetryAfter; after < 2*time.Second || after > 4*time.Second {
		return fmt.Errorf("retry after %v, the ATS said 3 s", after)
	}
	if took > time.Second+slack {
		return fmt.Errorf("told after %v, the deadline was 1 s", took)
	}
	return nil
}

// noSecret makes the ATS answer with the account's own secrets and candidate
// data, and looks for them in the errors.
func noSecret(e *env) error {
	canaries := e.account.Canaries()
	if len(canaries) == 0 {
		return errors.New("the fake has no canaries")
	}
	echo := `{"message":"` + strings.Join(canaries, " ") + `","errors":[{"code":"` + canaries[0] + `","message":"` + strings.Join(canaries, " ") + `"}]}`
	for _, status := range []int{0, 400, 401, 403, 404, 409, 422, 500} {
		_, err := e.failing(Fault{Status: status, Header: jsonHeader, Body: echo})
		if err == nil {
			return fmt.Errorf("no error for status %d", status)
		}
		for _, canary := range canaries {
			if text := fmt.Sprintf("%v %+v", err, *sdk.AsError(err)); strings.Contains(text, canary) {
				return fmt.Errorf("the error of status %d shows a secret or candidate data", status)
			}
		}
	}
	return nil
}

// slack is how late a call may come back after its deadline or its end: a
// process line and a busy machine lie between.
const slack = 750 * time.Millisecond

func contextChecks(m sdk.Manifest) []check {
	if !has(m, "list_jobs") {
		return nil
	}
	return []check{
		{"context/the deadline is kept", func(e *env) error {
			a, err := e.open()
			if err != nil {
				return err
			}
			// A first call, so that nothing is still being set up.
			if _, err := a.ListJobs(e.ctx, sdk.JobQuery{}); err != nil {
				return err
			}
			defer e.account.Fault(Fault{Delay: 20 * time.Second})()
			ctx, cancel := context.WithTimeout(e.ctx, 500*time.Millisecond)
			defer cancel()
			start := time.Now()
			_, err = a.ListJobs(ctx, sdk.JobQuery{})
			if took := time.Since(start); took > 500*time.Millisecond+slack {
				return fmt.Errorf("came back after %v", took)
			}
			if code := sdk.CodeOf(err); code != sdk.CodeUpstreamDown && code != sdk.CodeUnavailable {
				return fmt.Errorf("got %w", err)
			}
			return nil
		}},
		{"context/the end of a call stops its requests", func(e *env) error {
			a, err := e.open()
			if err != nil {
				return err
			}
			defer e.account.Fault(Fault{Status: 500, Delay: 300 * time.Millisecond})() // what is repeated, while it is under way
			ctx, cancel := context.WithCancel(e.ctx)
			done := make(chan error, 1)
			before := e.account.Requests()
			go func() {
				_, err := a.ListJobs(ctx, sdk.JobQuery{})
				done <- err
			}()
			for e.account.Requests() == before && e.ctx.Err() == nil {
				pause(5 * time.Millisecond)
			}
			cancel()
			select {
			case err := <-done:
				if err == nil {
					return errors.New("a call that was ended succeeded")
				}
			case <-time.After(slack):
				return errors.New("the call goes on after its end")
			}
			pause(100 * time.Millisecond) // what was under way arrives
			seen := e.account.Requests()
			pause(time.Second) // longer than the first waits of any backoff
			if n := e.account.Requests() - seen; n != 0 {
				return fmt.Errorf("%d more requests after the end of the call", n)
			}
			return nil
		}},
	}
}

// pause is for waiting on things that must not happen.
func pause(d time.Duration) { <-time.After(d) }
