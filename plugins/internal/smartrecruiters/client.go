// Package smartrecruiters is the client of the SmartRecruiters Customer API
// that its connectors share. A connector opens a [Client] with its way to
// authenticate and composes its session of the groups of abilities its
// credential is made for: [Core], [Mover], [Reviews], [Interviews], [Users],
// [Webhooks].
package smartrecruiters

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/atshub/atshub/sdk"
	"github.com/atshub/atshub/sdk/httpclient"
)

const (
	name   = "SmartRecruiters"
	vendor = "https://api.smartrecruiters.com"

	// Each API has its own prefix under the one host; jobs, candidates and
	// configuration have none.
	applicationsAPI = "/job-applications-api/v202112"
	reviewsAPI      = "/reviews-api/v201910"
	interviewsAPI   = "/interviews-api/v201904"
	usersAPI        = "/user-api/v201804"
	webhooksAPI     = "/webhooks-api/v201907"

	candidatesList = "candidates.list" // the family GET /candidates counts in
)

// Budgets are what SmartRecruiters allows one credential: 10 requests a second
// and 8 at once, of which one may list candidates.
var Budgets = []sdk.Budget{
	{Family: httpclient.DefaultFamily, PerSecond: 10, Concurrent: 8},
	{Family: candidatesList, PerSecond: 10, Concurrent: 1},
}

// Config is how a connector opens a client.
type Config struct {
	Endpoint    string           // Settings.Endpoint
	Auth        Auth             // APIKey or OAuth
	Permissions []sdk.Permission // of the manifest, in its order
	Pool        *httpclient.Pool // of the connector
	// Configuration tells that the credential is made to read the company's
	// settings. Without it stages have no sub-stages.
	Configuration bool
}

// Client talks to one SmartRecruiters company with one credential. Safe for
// concurrent use.
type Client struct {
	http          *httpclient.Client
	auth          Auth
	permissions   []sdk.Permission
	configuration bool
	release       func()

	processes cached[[]hiringProcess]
	me        cached[user]
}

// Open makes a client. It does not talk to SmartRecruiters.
func Open(c Config) (*Client, error) {
	sum := sha256.Sum256([]byte(c.Endpoint + "\x00" + c.Auth.identity()))
	budget, release := c.Pool.Get(hex.EncodeToString(sum[:]), Budgets)
	client := &Client{auth: c.Auth, permissions: c.Permissions, configuration: c.Configuration, release: release}
	h, err := httpclient.New(httpclient.Options{
		Name: name, BaseURL: vendor, Endpoint: c.Endpoint, Budget: budget,
		Authorize: func(ctx context.Context, header http.Header) error {
			return client.auth.authorize(ctx, client.http, header)
		},
		Unauthorized: client.unauthorized,
		Pause:        pause,
		Classify:     classify,
	})
	if err != nil {
		release()
		return nil, err
	}
	client.http = h
	return client, nil
}

// Close gives back what Open took. Safe to call twice.
func (c *Client) Close() error {
	c.release()
	c.http.Close()
	return nil
}

// pause holds back for the time in which about three requests are allowed, once
// an answer says that none remains. The vendor tells no time of reset, and this
// credential alone stays below the rate: so somebody else uses it as well.
func pause(r *httpclient.Response) time.Duration {
	remaining, err := strconv.Atoi(r.Header.Get("X-RateLimit-Remaining"))
	if err != nil || remaining > 0 {
		return 0
	}
	limit, err := strconv.Atoi(r.Header.Get("X-RateLimit-Limit"))
	if err != nil || limit < 1 {
		return time.Second
	}
	return 3 * time.Second / time.Duration(limit)
}

// unauthorized decides what a 401 means. SmartRecruiters uses it for a dead
// credential and for a single record that is not ours, so the credential is
// tried once on something every credential may ask for.
func (c *Client) unauthorized(ctx context.Context, sent http.Header) (again bool, err error) {
	if c.auth.replaced(sent) {
		return true, nil
	}
	_, err = c.http.Do(ctx, httpclient.Request{Path: "/jobs", Query: url.Values{"limit": {"1"}}, Header: c.auth.only(sent), Anonymous: true})
	switch e := sdk.AsError(err); {
	case e == nil, e.VendorStatus == http.StatusForbidden:
		return false, &sdk.Error{Code: sdk.CodeNotFound, Message: "SmartRecruiters does not show this record to the credential (its Access Group or System Role leaves it out)",
			Fault: sdk.FaultConfig, Outcome: sdk.NotDone, VendorStatus: http.StatusUnauthorized}
	case e.VendorStatus == http.StatusUnauthorized:
		return c.auth.renew(ctx, c.http, sent)
	default:
		return false, err
	}
}

// page is the answer of a paged list.
type page[T any] struct {
	Next    string `json:"nextPageId"` // absent, null or "" on the last page
	Content *[]T   `json:"content"`
}

func get[T any](ctx context.Context, c *Client, permission, path string, query url.Values) (T, *httpclient.Response, error) {
	return httpclient.JSON[T](ctx, c.http, httpclient.Request{Path: path, Query: query, Permission: permission})
}

// content is the list of a page, which must be there even when empty.
func content[T any](p page[T], r *httpclient.Response, err error) ([]T, error) {
	if err != nil {
		return nil, err
	}
	if p.Content == nil {
		return nil, r.Nonsense()
	}
	return *p.Content, nil
}

// cached keeps the answer to a read that seldom changes for a minute.
type cached[T any] struct {
	mu    sync.Mutex
	value T
	at    time.Time
}

// get answers from the cache, or from read when the cache is older than age.
// An error is not kept.
func (c *cached[T]) get(ctx context.Context, age time.Duration, read func(context.Context) (T, error)) (T, error) {
	c.mu.Lock()
	value, at := c.value, c.at
	c.mu.Unlock()
	if !at.IsZero() && time.Since(at) < age {
		return value, nil
	}
	value, err := read(ctx)
	if err != nil {
		return value, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.value, c.at = value, time.Now()
	return value, nil
}

const fresh = time.Minute

func invalid(field, message string) *sdk.Error {
	return &sdk.Error{Code: sdk.CodeInvalid, Message: message, Fault: sdk.FaultHub, Outcome: sdk.NotDone, Fields: map[string]string{field: message}}
}

func precondition(message string) *sdk.Error {
	return &sdk.Error{Code: sdk.CodePreconditionFailed, Message: message, Fault: sdk.FaultConfig, Outcome: sdk.NotDone}
}
