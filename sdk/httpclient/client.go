// Package httpclient is the HTTP client connector authors build on. It keeps
// the promises every connector makes towards an ATS: budgets per credential,
// patience with 429, repeats of reads only, bounded answers, no redirects, no
// private addresses, and errors of the contract that carry neither secrets nor
// candidate data.
//
// In order of use: a [Pool] per connector, a [Client] per session, a [Request]
// per call, [JSON] to send it and read the answer, [Pages] to walk a list.
package httpclient

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"code.dny.dev/ssrf"

	"github.com/atshub/atshub/sdk"
)

// Bounds every answer must keep.
const (
	MaxBody       = 8 << 20
	HeaderTimeout = 30 * time.Second
	TotalTimeout  = 128 * time.Second
)

// How often a request is sent again before the caller is told.
const (
	maxThrottled = 5 // answers of 429
	maxFailed    = 2 // reads: answers of 5xx and broken connections
)

// Options make a Client. Name and BaseURL are required.
type Options struct {
	Name     string  // the ATS, for messages: "SmartRecruiters"
	BaseURL  string  // the vendor's own
	Endpoint string  // Settings.Endpoint: replaces BaseURL and lifts the guard against private addresses
	Budget   *Budget // nil = unlimited

	// Authorize puts the credential on a request, before it waits for budget.
	Authorize func(context.Context, http.Header) error
	// Unauthorized is told of a 401, with the header the request carried, and
	// decides what it means: again = the credential was renewed, send the
	// request once more; an error = the answer of the call; neither = the 401
	// is classified like any status.
	Unauthorized func(ctx context.Context, sent http.Header) (again bool, err error)
	// Pause reads the rate headers of an answer: how long to hold back.
	Pause func(*Response) time.Duration
	// Classify turns an unwanted status into an error where the ATS has its
	// own way of saying things; nil = the default of Classify.
	Classify func(Request, *Response) *sdk.Error

	Backoff time.Duration // the first wait after a failure is up to this; 0 = 500 ms
}

// Client sends requests for one session. Safe for concurrent use.
type Client struct {
	options Options
	base    string
	http    *http.Client
}

// New makes a client. An endpoint that is no absolute http(s) URL is
// CodeInvalid.
func New(o Options) (*Client, error) {
	base := o.BaseURL
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	if o.Endpoint != "" {
		base = o.Endpoint
	} else {
		dialer.Control = ssrf.New().Safe
	}
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, &sdk.Error{Code: sdk.CodeInvalid, Message: "the endpoint is not an absolute http(s) address", Fault: sdk.FaultConfig, Outcome: sdk.NotDone,
			Fields: map[string]string{"endpoint": "must be an absolute http(s) address without a query"}}
	}
	if o.Budget == nil {
		o.Budget = NewBudget(nil)
	}
	if o.Backoff == 0 {
		o.Backoff = 500 * time.Millisecond
	}
	return &Client{options: o, base: strings.TrimRight(base, "/"), http: &http.Client{
		Timeout:       TotalTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:           dialer.DialContext,
			ForceAttemptHTTP2:     true,
			TLSHandshakeTimeout:   10 * time.Second,
			ResponseHeaderTimeout: HeaderTimeout,
			MaxIdleConnsPerHost:   8,
			IdleConnTimeout:       30 * time.Second,
		},
	}}, nil
}

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Do sends a request until it is answered for good. A status the request does
// not accept is an error. A write that left this machine is sent again only
// when the answer proves that it was refused (429, 401).
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	var throttled, failed int
	var renewed bool
	for {
		resp, failure := c.once(ctx, r)
		var wait time.Duration
		switch {
		case failure != nil:
			if failed++; failed > maxFailed || failure.Code != sdk.CodeUpstreamDown || failure.Outcome != sdk.NotDone || ctx.Err() != nil {
				return nil, failure
			}
			wait = c.jitter(failed)
		case r.accepts(resp.Status):
			return resp, nil
		case resp.Status == http.StatusTooManyRequests:
			throttled++
			if wait = retryAfter(resp.Header); wait == 0 {
				wait = c.jitter(throttled)
			}
			failure = c.classify(r, resp)
			failure.RetryAfter = max(wait, c.options.Backoff)
			if throttled > maxThrottled {
				return nil, failure
			}
			c.options.Budget.Pause(wait)
		case resp.Status >= 500 && r.repeatable():
			failure = c.classify(r, resp)
			if failed++; failed > maxFailed {
				return nil, failure
			}
			wait = c.jitter(failed)
		case resp.Status == http.StatusUnauthorized && c.options.Unauthorized != nil && !r.Anonymous && !resp.page():
			again, err := c.options.Unauthorized(ctx, resp.sent)
			if err != nil {
				return nil, err
			}
			if !again || renewed {
				return nil, c.classify(r, resp)
			}
			renewed = true
			continue
		default:
			return nil, c.classify(r, resp)
		}
		if sleep(ctx, wait) != nil {
			return nil, failure
		}
	}
}

// once sends the request a single time. Its error tells by Outcome whether the
// request may have left.
func (c *Client) once(ctx context.Context, r Request) (*Response, *sdk.Error) {
	header := http.Header{}
	if c.options.Authorize != nil && !r.Anonymous {
		if err := c.options.Authorize(ctx, header); err != nil {
			return nil, sdk.AsError(err)
		}
	}
	release, err := c.options.Budget.take(ctx, r.Family)
	if err != nil {
		return nil, c.noBudget(ctx)
	}
	defer release()

	var left atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { left.Store(true) }})
	request, failure := r.build(traced, c.base, header)
	if failure != nil {
		return nil, failure
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return nil, c.broken(ctx, err, left.Load() && !r.repeatable())
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, MaxBody+1))
	if err != nil {
		return nil, c.broken(ctx, err, !r.repeatable())
	}
	resp := &Response{Status: answer.StatusCode, Header: answer.Header, Body: body, name: c.options.Name, write: !r.repeatable(), sent: header}
	if len(body) > MaxBody {
		return nil, resp.nonsense("an answer larger than 8 MiB")
	}
	if c.options.Pause != nil {
		c.options.Budget.Pause(c.options.Pause(resp))
	}
	return resp, nil
}

func (c *Client) classify(r Request, resp *Response) *sdk.Error {
	if c.options.Classify != nil {
		if e := c.options.Classify(r, resp); e != nil {
			return e
		}
	}
	return Classify(c.options.Name, r, resp)
}

// noBudget is the error of a request that was never sent because the
// credential's own budget is used up until the deadline, or the caller left.
func (c *Client) noBudget(ctx context.Context) *sdk.Error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return gaveUp(false)
	}
	return &sdk.Error{Code: sdk.CodeRateLimited, Message: "the requests allowed to this credential at " + c.options.Name + " are used up for the moment",
		Fault: sdk.FaultHub, Outcome: sdk.NotDone, RetryAfter: max(c.options.Budget.paused(), time.Second)}
}

// broken is the error of a request without an answer. The text of err is left
// out: it holds the address and with it ids and parameters.
func (c *Client) broken(ctx context.Context, err error, unknown bool) *sdk.Error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return gaveUp(unknown)
	}
	e := &sdk.Error{Code: sdk.CodeUpstreamDown, Fault: sdk.FaultVendor, Outcome: sdk.NotDone}
	if unknown {
		e.Outcome = sdk.OutcomeUnknown
	}
	var timeout net.Error
	switch {
	case errors.Is(err, ssrf.ErrProhibitedIP), errors.Is(err, ssrf.ErrProhibitedPort), errors.Is(err, ssrf.ErrProhibitedNetwork):
		e.Fault = sdk.FaultConfig
		e.Message = "the address of " + c.options.Name + " is not a public one"
	case errors.As(err, &timeout) && timeout.Timeout():
		e.Message = c.options.Name + " did not answer in time"
	default:
		e.Message = "the connection to " + c.options.Name + " failed"
	}
	return e
}

func gaveUp(unknown bool) *sdk.Error {
	e := &sdk.Error{Code: sdk.CodeUnavailable, Message: "the caller gave up waiting", Fault: sdk.FaultHub, Outcome: sdk.NotDone}
	if unknown {
		e.Outcome = sdk.OutcomeUnknown
	}
	return e
}

// jitter is a random wait of at most Backoff·2ⁿ⁻¹, capped at 8 s.
func (c *Client) jitter(n int) time.Duration {
	return rand.N(min(c.options.Backoff<<(n-1), 8*time.Second)) + time.Millisecond
}

// retryAfter reads a Retry-After header, seconds or a date, and takes no more
// than a quarter of an hour for true; 0 if there is none.
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if s, err := strconv.Atoi(v); err == nil && s > 0 {
		return min(time.Duration(s)*time.Second, 15*time.Minute)
	}
	if t, err := http.ParseTime(v); err == nil {
		return min(max(time.Until(t), 0), 15*time.Minute)
	}
	return 0
}
