package httpclient

// Requests and answers, and how an answer becomes a value or an error.

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/atshub/atshub/sdk"
)

// Request is one call of the ATS.
type Request struct {
	Method     string // "" = GET
	Path       string // after the base URL, escaped by the caller (url.PathEscape)
	Query      url.Values
	Body       any        // sent as JSON; nil = none
	Form       url.Values // sent as a form, instead of Body
	Header     http.Header
	OK         []int  // statuses that are success; empty = 200
	Family     string // Budget.Family beside the default one
	Permission string // Permission.Key a 403 is about
	Repeatable bool   // may be sent again though it is not a GET
	Anonymous  bool   // goes without the credential, and its 401 is final
}

func (r Request) repeatable() bool {
	return r.Repeatable || r.Method == "" || r.Method == http.MethodGet
}

func (r Request) accepts(status int) bool {
	for _, s := range r.OK {
		if s == status {
			return true
		}
	}
	return len(r.OK) == 0 && status == http.StatusOK
}

func (r Request) build(ctx context.Context, base string, header http.Header) (*http.Request, *sdk.Error) {
	bug := &sdk.Error{Code: sdk.CodeInternal, Message: "the request cannot be encoded", Fault: sdk.FaultConnector, Outcome: sdk.NotDone}
	var body io.Reader
	switch {
	case r.Form != nil:
		body = strings.NewReader(r.Form.Encode())
		header.Set("Content-Type", "application/x-www-form-urlencoded")
	case r.Body != nil:
		encoded, err := json.Marshal(r.Body)
		if err != nil {
			return nil, bug
		}
		body = bytes.NewReader(encoded)
		header.Set("Content-Type", "application/json")
	}
	address := base + r.Path
	if len(r.Query) > 0 {
		address += "?" + r.Query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, r.Method, address, body)
	if err != nil {
		return nil, bug
	}
	for k, v := range r.Header {
		header[k] = v
	}
	header.Set("Accept", "application/json")
	header.Set("User-Agent", "atshub")
	request.Header = header
	return request, nil
}

// Response is an answer, its body read.
type Response struct {
	Status int
	Header http.Header
	Body   []byte

	name  string
	write bool
	sent  http.Header
}

// page tells an answer made for a browser: a proxy, a maintenance or a login
// page. It is never the ATS's API that speaks so, whatever the status.
func (r *Response) page() bool {
	return strings.HasPrefix(strings.ToLower(r.Header.Get("Content-Type")), "text/html")
}

// nonsense is the error of an answer that cannot be meant: never read as an
// empty one. A write so answered may have happened.
func (r *Response) nonsense(what string) *sdk.Error {
	e := &sdk.Error{Code: sdk.CodeUpstreamBug, Message: r.name + " sent " + what, Fault: sdk.FaultVendor, Outcome: sdk.NotDone, VendorStatus: r.Status}
	if r.write {
		e.Outcome = sdk.OutcomeUnknown
	}
	return e
}

// Nonsense is the error for an answer that parses but lacks what it must have.
func (r *Response) Nonsense() error { return r.nonsense("an answer that makes no sense") }

// Decode reads the body as JSON. Anything that is not one JSON value of the
// right shape, null included, is CodeUpstreamBug.
func Decode[T any](r *Response) (T, error) {
	var v T
	if bytes.Equal(bytes.TrimSpace(r.Body), []byte("null")) || json.Unmarshal(r.Body, &v) != nil {
		var none T
		return none, r.nonsense("an answer that is not the expected JSON")
	}
	return v, nil
}

// JSON sends a request and decodes its answer.
func JSON[T any](ctx context.Context, c *Client, r Request) (T, *Response, error) {
	resp, err := c.Do(ctx, r)
	if err != nil {
		var none T
		return none, nil, err
	}
	v, err := Decode[T](resp)
	return v, resp, err
}

// Classify is the default meaning of a status that is not success. It never
// quotes the answer, whose text may hold candidate data.
func Classify(name string, r Request, resp *Response) *sdk.Error {
	e := &sdk.Error{Outcome: sdk.NotDone, VendorStatus: resp.Status}
	set := func(code sdk.Code, fault sdk.Fault, message string) {
		e.Code, e.Fault, e.Message = code, fault, message
	}
	switch s := resp.Status; {
	case s < 500 && s != http.StatusTooManyRequests && resp.page():
		return resp.nonsense("a web page instead of an answer")
	case s == http.StatusUnauthorized:
		set(sdk.CodeAuthExpired, sdk.FaultConfig, name+" does not accept the credential")
	case s == http.StatusForbidden:
		set(sdk.CodePermissionMissing, sdk.FaultConfig, "the credential lacks a permission at "+name)
		e.Permission = r.Permission
	case s == http.StatusNotFound, s == http.StatusGone:
		set(sdk.CodeNotFound, sdk.FaultHub, name+" does not know it")
	case s == http.StatusConflict:
		set(sdk.CodeConflict, sdk.FaultHub, name+" says it exists already or is in use")
	case s == http.StatusPreconditionFailed, s == http.StatusFailedDependency:
		set(sdk.CodePreconditionFailed, sdk.FaultConfig, name+" is not in the state the call needs")
	case s == http.StatusBadRequest, s == http.StatusUnprocessableEntity, s == http.StatusRequestEntityTooLarge:
		set(sdk.CodeInvalid, sdk.FaultHub, name+" refuses the values sent")
	case s == http.StatusTooManyRequests:
		set(sdk.CodeRateLimited, sdk.FaultVendor, name+" asks to slow down")
	case s == http.StatusRequestTimeout, s >= 500:
		set(sdk.CodeUpstreamDown, sdk.FaultVendor, name+" cannot answer at the moment")
		if !r.repeatable() {
			e.Outcome = sdk.OutcomeUnknown
		}
	default: // 1xx to 3xx that are not success, and statuses no one agreed on
		return resp.nonsense("an unexpected status")
	}
	return e
}
