// Package problem is the one place where errors become answers: RFC 9457
// problems with a stable code, what to do next, the fields that are wrong and
// the request's id. What is not typed is "internal" and shows none of its text.
package problem

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/sdk"
)

// Codes of answers given before any rule of the domain is asked.
const (
	CodeMalformed        hub.Code = "malformed"              // the request cannot be read
	CodeUnsupportedMedia hub.Code = "unsupported_media_type" // not JSON, or encoded
	CodeTooLarge         hub.Code = "too_large"
	CodeNoSuchMethod     hub.Code = "method_not_allowed"
	CodeTimeout          hub.Code = "timeout"
	CodeTooMany          hub.Code = "too_many_requests"
	CodeKeyReused        hub.Code = "idempotency_key_reused"
	CodeInProgress       hub.Code = "in_progress" // the same Idempotency-Key is being worked on
	CodeGone             hub.Code = "gone"
)

var statuses = map[hub.Code]int{
	hub.CodeInvalid:      http.StatusUnprocessableEntity,
	hub.CodeUnauthorized: http.StatusUnauthorized,
	hub.CodeForbidden:    http.StatusForbidden,
	hub.CodeNotFound:     http.StatusNotFound,
	hub.CodeConflict:     http.StatusConflict,
	hub.CodePlanDrifted:  http.StatusConflict,
	hub.CodePlanExpired:  http.StatusConflict,
	hub.CodeCredential:   http.StatusUnprocessableEntity,
	hub.CodeATS:          http.StatusBadGateway,
	hub.CodeProduct:      http.StatusBadGateway,
	hub.CodeUnavailable:  http.StatusServiceUnavailable,
	hub.CodeInternal:     http.StatusInternalServerError,

	CodeMalformed:        http.StatusBadRequest,
	CodeUnsupportedMedia: http.StatusUnsupportedMediaType,
	CodeTooLarge:         http.StatusRequestEntityTooLarge,
	CodeNoSuchMethod:     http.StatusMethodNotAllowed,
	CodeTimeout:          http.StatusRequestTimeout,
	CodeTooMany:          http.StatusTooManyRequests,
	CodeKeyReused:        http.StatusUnprocessableEntity,
	CodeInProgress:       http.StatusConflict,
	CodeGone:             http.StatusGone,
}

// Problem is the body of every answer that is not a success.
type Problem struct {
	Type      string            `json:"type" example:"about:blank" doc:"always about:blank; tell problems apart by code"`
	Title     string            `json:"title" example:"Conflict" doc:"the status in words"`
	Status    int               `json:"status" example:"409" doc:"the HTTP status"`
	Code      hub.Code          `json:"code" example:"plan_drifted" doc:"stable; decide by it"`
	Detail    string            `json:"detail" doc:"what happened, and what was and was not done"`
	Next      string            `json:"next,omitempty" doc:"what to do"`
	Fields    map[string]string `json:"fields,omitempty" doc:"field or subject, and what about it"`
	RequestID string            `json:"request_id,omitempty" doc:"name it when asking for help"`

	retryAfter time.Duration
}

// Error makes a Problem an error that huma writes as it is.
func (p *Problem) Error() string { return string(p.Code) + ": " + p.Detail }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is that of RFC 9457.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// GetHeaders are the headers that go with it.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{"Cache-Control": {"no-store"}}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((p.retryAfter+time.Second-1)/time.Second)))
	}
	if p.Code == hub.CodeUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	return h
}

// New is a problem of that code.
func New(code hub.Code, detail, next string) *Problem {
	status, ok := statuses[code]
	if !ok {
		code, status, detail, next = hub.CodeInternal, http.StatusInternalServerError, internalDetail, internalNext
	}
	p := &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: code, Detail: detail, Next: next}
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests || status == http.StatusBadGateway {
		p.retryAfter = 5 * time.Second
	}
	return p
}

const (
	internalDetail = "something went wrong on our side"
	internalNext   = "try again; if it persists, tell the operator the request id"
)

// From is the problem that answers err.
func From(err error) *Problem {
	var p *Problem
	var h *hub.Error
	var f *fiber.Error
	switch {
	case errors.As(err, &p):
		copied := *p
		return &copied
	case errors.As(err, &h):
		p = New(h.Code, h.Message, h.Next)
		if h.Code != hub.CodeInternal {
			p.Fields = h.Fields
		}
		if wait := waitOf(h.Cause); wait > 0 {
			p.retryAfter = wait
		}
		return p
	case errors.As(err, &f):
		return fromFiber(f)
	}
	if e, ok := errors.AsType[*sdk.Error](err); ok {
		return fromATS(e)
	}
	if e := product.AsError(err); e != nil {
		return fromProduct(e)
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return New(hub.CodeUnavailable, "it took too long and was given up", "try again")
	}
	return New(hub.CodeInternal, internalDetail, internalNext)
}

func waitOf(cause error) time.Duration {
	if e, ok := errors.AsType[*sdk.Error](cause); ok {
		return e.RetryAfter
	}
	if e := product.AsError(cause); e != nil {
		return e.RetryAfter
	}
	return 0
}

func fromATS(e *sdk.Error) *Problem {
	p := New(hub.CodeATS, e.Message, "try again in a few minutes")
	switch e.Code {
	case sdk.CodeAuthExpired:
		p = New(hub.CodeCredential, e.Message, "enter the credential again")
	case sdk.CodePermissionMissing:
		p = New(hub.CodeCredential, e.Message, "grant the permission in the ATS, then check the connection again")
		p.Fields = map[string]string{"permission": e.Permission}
	case sdk.CodeNotFound:
		p = New(hub.CodeNotFound, "the ATS does not know it", "")
	case sdk.CodeRateLimited:
		p = New(hub.CodeUnavailable, "the ATS asks to wait", "try again in a moment")
	case sdk.CodeInvalid:
		p = New(hub.CodeInvalid, e.Message, "")
		p.Fields = e.Fields
	case sdk.CodeConflict, sdk.CodePreconditionFailed, sdk.CodeUnsupported:
		p = New(hub.CodeConflict, e.Message, "")
	case sdk.CodeUpstreamDown, sdk.CodeUnavailable, sdk.CodeUpstreamBug, sdk.CodeInternal:
	}
	if e.RetryAfter > 0 {
		p.retryAfter = e.RetryAfter
	}
	return p
}

func fromProduct(e *product.Error) *Problem {
	p := New(hub.CodeProduct, e.Message, "")
	switch {
	case e.Credential():
		p = New(hub.CodeCredential, e.Message, "")
	case e.Code == product.CodeRateLimited || e.Code == product.CodeUnavailable:
		p = New(hub.CodeProduct, e.Message, "try again in a few minutes")
	}
	if e.RetryAfter > 0 {
		p.retryAfter = e.RetryAfter
	}
	return p
}

// fromFiber answers what the server itself refuses. Its own words may quote
// the request and are not used.
func fromFiber(e *fiber.Error) *Problem {
	switch e.Code {
	case http.StatusNotFound:
		return New(hub.CodeNotFound, "no such address", "see /openapi.json for those there are")
	case http.StatusMethodNotAllowed:
		return New(CodeNoSuchMethod, "this address does not take that method", "see /openapi.json")
	case http.StatusRequestEntityTooLarge:
		return New(CodeTooLarge, "the request is larger than 1 MiB", "")
	case http.StatusRequestTimeout:
		return New(CodeTimeout, "the request did not arrive in time", "send it again")
	case http.StatusUnsupportedMediaType:
		return New(CodeUnsupportedMedia, "the body must be JSON, not compressed", "")
	}
	if e.Code >= 400 && e.Code < 500 {
		return New(CodeMalformed, "the request cannot be read", "")
	}
	return New(hub.CodeInternal, internalDetail, internalNext)
}

// Write answers with the problem of err.
func Write(c *fiber.Ctx, err error, requestID string) error {
	p := From(err)
	p.RequestID = requestID
	body, e := json.Marshal(p)
	if e != nil {
		return e
	}
	for name, values := range p.GetHeaders() {
		c.Set(name, values[0])
	}
	c.Set(fiber.HeaderContentType, p.ContentType(""))
	return c.Status(p.Status).Send(body)
}
