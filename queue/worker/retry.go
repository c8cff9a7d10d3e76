package worker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/sdk"
)

// The one place where an error becomes a decision: when to try again, what it
// burns, and when to stop.

const (
	maxFailures   = 5              // deterministic ones, in all
	maxFailing    = 72 * time.Hour // of transient ones
	maxUnreported = 50             // claims that ended without any verdict: it kills its worker
	maxClaims     = 1000           // the same for work that also reported failures
)

// Backoff are the pauses between attempts; zero fields get their defaults.
type Backoff struct {
	First      time.Duration // most before the second attempt, doubled each time; 1 s
	Max        time.Duration // never more than this; 15 min
	Credential time.Duration // after a refused credential, and up to twice this; 5 min
}

func (b *Backoff) defaults() {
	if b.First == 0 {
		b.First = time.Second
	}
	if b.Max == 0 {
		b.Max = 15 * time.Minute
	}
	if b.Credential == 0 {
		b.Credential = 5 * time.Minute
	}
}

// Later is what Run returns to be run again after a while for a reason that is
// no failure. It burns nothing, however often.
type Later struct {
	After  time.Duration
	Reason string // a plain sentence, kept with the work
}

func (l *Later) Error() string { return "later: " + l.Reason }

// class is what kind of failure an error is.
type class int

const (
	transient     class = iota // may pass, nobody doing anything
	deterministic              // the same again, unless something changes
	limited                    // we were asked to wait
	credential                 // a person must correct an account or a permission
	postponed                  // the handler asked for it
)

// verdict is how a failed run ends.
type verdict struct {
	outcome string
	retry   store.Retry
	park    string // the reason; empty: try again
	refused bool   // a credential was refused
}

// errPanic and errLeftOpen are failures of our own code.
var (
	errPanic    = errors.New("panic")
	errLeftOpen = errors.New("claim left open")
)

// judge decides what becomes of w after err at now.
func (b Backoff) judge(w hub.Work, err error, now time.Time) verdict {
	kind, after := classify(err)
	v := verdict{outcome: "retry", retry: store.Retry{Error: describe(err)}}
	switch kind {
	case postponed:
		v.outcome, v.retry.Free, v.retry.After = "later", true, after+rand.N(max(after/5, time.Millisecond))
	case limited:
		v.outcome, v.retry.Free = "limited", true
		v.retry.After = max(after, b.First) + rand.N(max(after/5, b.First)) // spread, never early
	case credential:
		v.outcome, v.retry.Free, v.refused = "credential", true, true
		v.retry.After = b.Credential + rand.N(b.Credential)
	case deterministic:
		v.retry.Deterministic, v.retry.After = true, b.jitter(w.Failures)
		if w.Failures+1 >= maxFailures {
			v.park = fmt.Sprintf("it failed %d times in the same way: %s", w.Failures+1, v.retry.Error)
		}
	case transient:
		v.retry.After = b.jitter(w.Attempt - 1)
		if w.FailingSince != nil && now.Sub(*w.FailingSince) > maxFailing {
			v.park = fmt.Sprintf("it has been failing for %d hours: %s", int(now.Sub(*w.FailingSince).Hours()), v.retry.Error)
		}
	}
	if errors.Is(err, errPanic) {
		v.outcome = "panic"
	}
	return v
}

// poisonous is the reason to park work that keeps killing its worker, "" if
// there is none.
func poisonous(w hub.Work) string {
	limit := maxUnreported
	if w.FailingSince != nil {
		limit = maxClaims
	}
	if w.Attempt <= limit {
		return ""
	}
	return fmt.Sprintf("it was begun %d times and never ended", w.Attempt-1)
}

// jitter is a random pause up to First doubled n times, at most Max.
func (b Backoff) jitter(n int) time.Duration {
	ceiling := b.First
	for range max(n, 0) {
		if ceiling *= 2; ceiling >= b.Max {
			ceiling = b.Max
			break
		}
	}
	return rand.N(ceiling) + time.Millisecond
}

// classify looks for a typed error: a handler's wish, a connector's, a
// product's, then ours.
func classify(err error) (class, time.Duration) {
	if e, ok := errors.AsType[*Later](err); ok {
		return postponed, e.After
	}
	if e, ok := errors.AsType[*sdk.Error](err); ok {
		return classifySDK(e), e.RetryAfter
	}
	if e, ok := errors.AsType[*product.Error](err); ok {
		return classifyProduct(e), e.RetryAfter
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return transient, 0
	}
	switch hub.CodeOf(err) {
	case hub.CodeUnavailable, hub.CodeATS, hub.CodeProduct:
		return transient, 0
	case hub.CodeCredential:
		return credential, 0
	}
	return deterministic, 0
}

func classifySDK(e *sdk.Error) class {
	switch e.Code {
	case sdk.CodeRateLimited:
		return limited
	case sdk.CodeUpstreamDown, sdk.CodeUnavailable:
		return transient
	case sdk.CodeAuthExpired, sdk.CodePermissionMissing:
		return credential
	}
	return deterministic
}

func classifyProduct(e *product.Error) class {
	switch {
	case e.Code == product.CodeRateLimited:
		return limited
	case e.Credential():
		return credential
	case e.Code == product.CodeUnavailable, e.Code == product.CodeInProgress, e.Code == product.CodeNotAfterPassed:
		return transient
	}
	return deterministic
}

// describe is code and safe message of a typed error. The text of any other
// may quote anything, so only its type is told.
func describe(err error) string {
	if e, ok := errors.AsType[*Later](err); ok {
		return e.Error()
	}
	if e, ok := errors.AsType[*sdk.Error](err); ok {
		return e.Error()
	}
	if e, ok := errors.AsType[*product.Error](err); ok {
		return e.Error()
	}
	if e, ok := errors.AsType[*hub.Error](err); ok {
		return e.Error()
	}
	switch {
	case errors.Is(err, errPanic):
		return "internal: a bug of the hub stopped it"
	case errors.Is(err, errLeftOpen):
		return "internal: a bug of the hub left it unfinished"
	case errors.Is(err, context.DeadlineExceeded):
		return "unavailable: it took too long"
	case errors.Is(err, context.Canceled):
		return "unavailable: it was interrupted"
	}
	innermost := err
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(next) {
		innermost = next
	}
	return fmt.Sprintf("internal: an unexpected error (%T)", innermost)
}
