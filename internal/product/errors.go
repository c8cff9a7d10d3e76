package product

// errors.go: the one error of the clients, and what each code means to a person.

import (
	"errors"
	"fmt"
	"time"

	"github.com/atshub/atshub/sdk"
)

// Code classifies an Error; stable, and equal to the contract's where it has one.
type Code string

const (
	CodeInvalid             Code = "invalid"                // the request breaks the contract: a bug of the hub
	CodeUnauthorized        Code = "unauthorized"           // the token is refused
	CodeWrongPassword       Code = "wrong_password"         // user name or password is wrong
	CodeSSOOnlyAccount      Code = "sso_only_account"       // the user has no password
	CodeMissingPermission   Code = "missing_permission"     // Permission names it
	CodeUnknownOrganisation Code = "unknown_organisation"   // the product does not know the tenant
	CodeNotFound            Code = "not_found"              // no such job post, candidate, join or receipt
	CodeFenced              Code = "fenced"                 // a later generation has been seen
	CodeInProgress          Code = "in_progress"            // the same key is being worked on
	CodeJobPostPaused       Code = "job_post_paused"        // not inviting now
	CodeJobPostEnded        Code = "job_post_ended"         // not inviting any more
	CodeCursorExpired       Code = "cursor_expired"         // begin the changes anew
	CodeRoleDisengaged      Code = "role_disengaged"        // the role is off at the recorder
	CodeJoinOver            Code = "join_over"              // the recorder has been and gone
	CodeSessionOver         Code = "session_over"           // the session has ended
	CodeNotAfterPassed      Code = "not_after_passed"       // too late by the product's clock, or ours
	CodeKeyReused           Code = "idempotency_key_reused" // done before, with another request
	CodeEmailMissing        Code = "email_missing"          // the candidate has no e-mail address
	CodeEmailInvalid        Code = "email_invalid"          // the candidate's e-mail address is none
	CodeRateLimited         Code = "rate_limited"           // wait RetryAfter; burns no attempt
	CodeUnavailable         Code = "unavailable"            // no answer, or 5xx
	CodeBadAnswer           Code = "bad_answer"             // an answer outside the contract
	CodeBadSignature        Code = "bad_signature"          // a callback that is not the product's, or too old
)

// Error is the one error of the clients. Message is safe to show: it is never
// the product's own text, and holds no secret and no candidate data.
type Error struct {
	Code       Code
	Message    string
	Fault      sdk.Fault // FaultVendor means the product
	Outcome    sdk.Outcome
	Status     int // of the HTTP answer, 0 without one
	RetryAfter time.Duration
	Permission string

	cause error // a context's error, for errors.Is; its text is not shown
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Code, e.Message) }
func (e *Error) Unwrap() error { return e.cause }

// Is makes errors.Is(err, &Error{Code: c}) match by code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// Temporary tells that the same request may succeed later, nobody doing anything.
func (e *Error) Temporary() bool {
	switch e.Code {
	case CodeRateLimited, CodeUnavailable, CodeInProgress, CodeBadAnswer:
		return true
	}
	return false
}

// Credential tells that nothing will work until a person corrects the account.
func (e *Error) Credential() bool {
	switch e.Code {
	case CodeWrongPassword, CodeSSOOnlyAccount, CodeMissingPermission, CodeUnauthorized, CodeUnknownOrganisation:
		return true
	}
	return false
}

// AsError is err as an error of the clients, or nil if it is none.
func AsError(err error) *Error {
	e, _ := errors.AsType[*Error](err)
	return e
}

// meaning is what a code says to a person and whose doing it is.
type meaning struct {
	fault sdk.Fault
	text  string
}

var meanings = map[Code]meaning{
	CodeInvalid:             {sdk.FaultHub, "The product says the request is not well-formed. Nothing was done. Report it to the hub's operator."},
	CodeUnauthorized:        {sdk.FaultConfig, "The product does not accept the hub's token. Nothing was done. The operator must check the service token."},
	CodeWrongPassword:       {sdk.FaultConfig, "The product says that user name or password is wrong. Enter them again."},
	CodeSSOOnlyAccount:      {sdk.FaultConfig, "This user signs in by single sign-on only. Use a user who has a password."},
	CodeMissingPermission:   {sdk.FaultConfig, "The user lacks a permission in the product. Grant it to the user, or enter another user."},
	CodeUnknownOrganisation: {sdk.FaultConfig, "The product does not know this organisation. Nothing was done. Check the reference the tenant was created with."},
	CodeNotFound:            {sdk.FaultVendor, "The product does not know the thing. Nothing was done."},
	CodeFenced:              {sdk.FaultHub, "A later decision about the same thing has reached the product already. Nothing was done, rightly."},
	CodeInProgress:          {sdk.FaultVendor, "The product is still working on the same request. Ask again."},
	CodeJobPostPaused:       {sdk.FaultConfig, "The job post is paused in the product. Nobody was contacted."},
	CodeJobPostEnded:        {sdk.FaultConfig, "The job post has ended in the product. Nobody was contacted."},
	CodeCursorExpired:       {sdk.FaultVendor, "The product no longer keeps changes from that long ago. They are read from the beginning."},
	CodeRoleDisengaged:      {sdk.FaultConfig, "The role is switched off at the recorder. No recorder will join."},
	CodeJoinOver:            {sdk.FaultConfig, "The recorder has already been in this session. Nothing was done."},
	CodeSessionOver:         {sdk.FaultConfig, "The session has already ended. No recorder will join."},
	CodeNotAfterPassed:      {sdk.FaultHub, "The request came after the time it was allowed for. Nothing was done; it is decided anew."},
	CodeKeyReused:           {sdk.FaultHub, "The product has already done something else under this key. It was not done again."},
	CodeEmailMissing:        {sdk.FaultConfig, "The candidate has no e-mail address. Nobody was contacted. Add one in the ATS."},
	CodeEmailInvalid:        {sdk.FaultConfig, "The candidate's e-mail address is not valid. Nobody was contacted. Correct it in the ATS."},
	CodeRateLimited:         {sdk.FaultVendor, "The product asks to wait. Nothing was done; it is tried again."},
	CodeUnavailable:         {sdk.FaultVendor, "The product does not answer. It is asked again."},
	CodeBadAnswer:           {sdk.FaultVendor, "The product's answer is not what its contract says."},
	CodeBadSignature:        {sdk.FaultVendor, "The callback is not signed as agreed, or too old. It was ignored."},
}

// newError is an error of that code with its usual words.
func newError(code Code, outcome sdk.Outcome, status int) *Error {
	m := meanings[code]
	return &Error{Code: code, Message: m.text, Fault: m.fault, Outcome: outcome, Status: status}
}
