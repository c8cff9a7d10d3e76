package hub

import (
	"errors"
	"fmt"
)

// Code classifies an Error. The API's problem types and the program's exit
// codes are made from it, each in one place.
type Code string

const (
	CodeInvalid      Code = "invalid"      // Fields says what is wrong
	CodeUnauthorized Code = "unauthorized" // no valid API key
	CodeForbidden    Code = "forbidden"    // the role lacks the permission named
	CodeNotFound     Code = "not_found"    // unknown, or another tenant's: the same answer
	CodeConflict     Code = "conflict"     // the state does not allow it
	CodePlanDrifted  Code = "plan_drifted" // what was previewed is no longer true
	CodePlanExpired  Code = "plan_expired"
	CodeCredential   Code = "credential"  // the ATS or the product refused the credential
	CodeATS          Code = "ats"         // the ATS or its connector could not do it
	CodeProduct      Code = "product"     // the product could not do it
	CodeUnavailable  Code = "unavailable" // we cannot, for now; nothing was done
	CodeInternal     Code = "internal"
)

// Error is the one error people see: what happened, what was and was not done,
// what to do next. Nothing in it is secret or about a candidate.
type Error struct {
	Code    Code
	Message string
	Next    string            // what to do, a sentence; may be empty
	Fields  map[string]string // field → what is wrong with it
	Cause   error             // for the log, never shown
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Code, e.Message) }
func (e *Error) Unwrap() error { return e.Cause }

// CodeOf is the code of err, CodeInternal for an untyped one, "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return CodeInternal
}

// NotFound is the answer for what does not exist and for what is another
// tenant's.
func NotFound(kind string) *Error {
	return &Error{Code: CodeNotFound, Message: "no such " + kind}
}

// Invalid names one wrong field.
func Invalid(field, problem string) *Error {
	return &Error{Code: CodeInvalid, Message: field + ": " + problem, Fields: map[string]string{field: problem}}
}
