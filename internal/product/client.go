package product

// client.go: what the clients of both contracts share: bounded, patient HTTP
// whose every failure says whether the act was done.

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/atshub/atshub/sdk"
)

// Effect accompanies every call that changes something.
type Effect struct {
	// Key names the request for ever (see Key): the same key with the same
	// content is done once, other content is refused.
	Key string
	// NotAfter is when the product must no longer begin.
	NotAfter time.Time
	// Fence is the generation of the thing acted on; a lower one than the
	// product has seen is refused with CodeFenced.
	Fence int64
}

// Key makes an idempotency key of all that tells one request from another. For
// an invitation that is its natural key. For a PUT it is also what numbers it
// among its like (generation, revision, sync run): putting back what was there
// before is another request, and under the old key it would not be done.
func Key(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return "v1-" + hex.EncodeToString(h.Sum(nil))
}

// Receipt is what the product remembers under an idempotency key.
type Receipt struct {
	Key    string          `json:"key"`
	At     time.Time       `json:"at"`
	Status int             `json:"status"`
	Answer json.RawMessage `json:"answer,omitempty"`
}

// Options adjust a client; the zero value is right for production.
type Options struct {
	Timeout   time.Duration     // of one request, 0 = 15 s
	Transport http.RoundTripper // nil = a transport of the client's own
	Now       func() time.Time  // nil = the wall clock
	PlainHTTP bool              // accept http:// beyond this machine
}

const (
	defaultTimeout = 15 * time.Second
	maxAnswer      = 8 << 20
	maxRetryAfter  = time.Hour
)

type client struct {
	base    string
	http    *http.Client
	timeout time.Duration
	now     func() time.Time
}

func newClient(baseURL string, o Options) (*client, error) {
	if err := checkBaseURL(baseURL, o.PlainHTTP); err != nil {
		return nil, err
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Transport == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.DisableCompression = true // a bound on what is read is a bound on what is kept
		t.MaxIdleConnsPerHost = 16
		t.MaxConnsPerHost = 64
		o.Transport = t
	}
	return &client{
		base: strings.TrimRight(baseURL, "/"),
		http: &http.Client{
			Transport:     o.Transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		timeout: o.Timeout,
		now:     o.Now,
	}, nil
}

// request is one call of the contract.
type request struct {
	method string
	path   string // with its parts escaped
	query  url.Values
	header map[string]string
	bearer sdk.Secret
	effect *Effect
	in     any // nil = no body
	out    any // nil = no body expected
}

// do sends q and reads the answer into q.out.
func (c *client) do(ctx context.Context, q request) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})

	req, err := c.build(ctx, q)
	if err != nil {
		return err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return lost(ctx, err, q.effect != nil && connected.Load())
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return lost(ctx, err, q.effect != nil)
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return refusal(res, body, q.effect != nil, c.now())
	}
	if len(body) > maxAnswer || !decode(res, body, q.out) {
		return badAnswer(q, res.StatusCode)
	}
	return nil
}

func (c *client) build(ctx context.Context, q request) (*http.Request, error) {
	var body io.Reader
	if q.in != nil {
		b, err := json.Marshal(q.in)
		if err != nil {
			return nil, newError(CodeInvalid, sdk.NotDone, 0)
		}
		body = bytes.NewReader(b)
	}
	target := c.base + q.path
	if len(q.query) > 0 {
		target += "?" + q.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, q.method, target, body)
	if err != nil {
		return nil, newError(CodeInvalid, sdk.NotDone, 0)
	}
	req.Header.Set("Accept", "application/json, application/problem+json")
	if q.in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range q.header {
		req.Header.Set(k, v)
	}
	if q.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+q.bearer.Reveal())
	}
	return req, c.addEffect(req, q.effect)
}

// addEffect puts the three headers on. A process that slept past NotAfter
// finds out here.
func (c *client) addEffect(req *http.Request, e *Effect) error {
	if e == nil {
		return nil
	}
	if e.Key == "" || e.NotAfter.IsZero() || e.Fence < 0 {
		return newError(CodeInvalid, sdk.NotDone, 0)
	}
	if !c.now().Before(e.NotAfter) {
		return newError(CodeNotAfterPassed, sdk.NotDone, 0)
	}
	// net/http repeats a request by itself if it finds the header under its
	// canonical name. Whether to repeat is decided from the ledger alone, so
	// the name goes out in lower case.
	req.Header["idempotency-key"] = []string{e.Key}
	req.Header.Set("Not-After", e.NotAfter.UTC().Format(time.RFC3339Nano))
	req.Header.Set("Fence", strconv.FormatInt(e.Fence, 10))
	return nil
}

// decode reads a whole JSON answer. Members it does not know are passed over,
// so that the product may add some.
func decode(res *http.Response, body []byte, out any) bool {
	if out == nil {
		return true
	}
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	return kind == "application/json" && json.Unmarshal(body, out) == nil
}

// lost is a request that got no whole answer.
func lost(ctx context.Context, err error, mayBeDone bool) error {
	outcome := sdk.NotDone
	if mayBeDone {
		outcome = sdk.OutcomeUnknown
	}
	e := newError(CodeUnavailable, outcome, 0)
	if e.cause = ctx.Err(); e.cause == nil && errors.Is(err, context.DeadlineExceeded) {
		e.cause = context.DeadlineExceeded
	}
	return e
}

// badAnswer is a success nobody can read: the act may well be done.
func badAnswer(q request, status int) *Error {
	outcome := sdk.NotDone
	if q.effect != nil {
		outcome = sdk.OutcomeUnknown
	}
	return newError(CodeBadAnswer, outcome, status)
}

// refusal turns an answer that is no success into an Error. A 4xx did nothing;
// after anything else only the receipt knows.
func refusal(res *http.Response, body []byte, effect bool, now time.Time) *Error {
	var p struct {
		Code       Code   `json:"code"`
		Permission string `json:"permission"`
	}
	_ = json.Unmarshal(body, &p) // the status alone decides when there is no problem document
	status := res.StatusCode
	outcome := sdk.NotDone
	var code Code
	switch {
	case status == http.StatusTooManyRequests:
		code = CodeRateLimited
	case status >= 500:
		code = CodeUnavailable
		if effect {
			outcome = sdk.OutcomeUnknown
		}
	case status < 400:
		code = CodeBadAnswer
	default:
		code = codeOf(p.Code, status)
	}
	switch code {
	case CodeKeyReused:
		outcome = sdk.OutcomeDone
	case CodeInProgress:
		outcome = sdk.OutcomeUnknown
	}
	e := newError(code, outcome, status)
	e.RetryAfter = retryAfter(res.Header.Get("Retry-After"), now)
	if code == CodeMissingPermission {
		e.Permission = p.Permission
	}
	return e
}

// codeOf trusts a 4xx problem's code if the contract knows it, else the status.
func codeOf(code Code, status int) Code {
	if _, known := meanings[code]; known && code != CodeBadSignature {
		return code
	}
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return CodeUnauthorized
	case http.StatusNotFound, http.StatusGone:
		return CodeNotFound
	case http.StatusPreconditionFailed:
		return CodeNotAfterPassed
	}
	return CodeInvalid
}

func retryAfter(v string, now time.Time) time.Duration {
	var d time.Duration
	if s, err := strconv.Atoi(v); err == nil {
		d = time.Duration(min(max(s, 0), int(maxRetryAfter/time.Second))) * time.Second
	} else if at, err := http.ParseTime(v); err == nil {
		d = at.Sub(now)
	}
	return min(max(d, 0), maxRetryAfter)
}
