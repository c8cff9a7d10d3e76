package sdk

import (
	"errors"
	"fmt"
	"time"
)

// Code classifies an Error; the hub decides what to do next by it alone.
type Code string

const (
	CodeAuthExpired        Code = "auth_expired"        // the credential as a whole is refused
	CodePermissionMissing  Code = "permission_missing"  // Permission names it
	CodeNotFound           Code = "not_found"           // the ATS does not know the thing, or not for us
	CodeRateLimited        Code = "rate_limited"        // wait RetryAfter; burns no attempt
	CodePreconditionFailed Code = "precondition_failed" // the ATS's state is not what the call assumed
	CodeConflict           Code = "conflict"            // exists already, or limit of the ATS reached
	CodeInvalid            Code = "invalid"             // Fields names what is wrong
	CodeUnsupported        Code = "unsupported"         // the ability is absent
	CodeUpstreamDown       Code = "upstream_down"       // the ATS does not answer, or answers 5xx
	CodeUpstreamBug        Code = "upstream_bug"        // the ATS answered nonsense
	CodeUnavailable        Code = "unavailable"         // the connector's process could not be reached in time
	CodeInternal           Code = "internal"            // a bug of the connector
)

// Fault says whose doing an error is; alerts look at it.
type Fault string

const (
	FaultVendor    Fault = "vendor"
	FaultConnector Fault = "connector"
	FaultConfig    Fault = "config" // the tenant's credential, permission or setting
	FaultHub       Fault = "hub"
)

// Outcome says whether a write happened.
type Outcome string

const (
	NotDone        Outcome = "not_done"
	OutcomeUnknown Outcome = "unknown" // the request may have reached the ATS
	OutcomeDone    Outcome = "done"
)

// Error is the one error of the contract. It crosses the process line whole.
// Message is safe to show: no secret, no candidate data.
type Error struct {
	Code         Code              `json:"code"`
	Message      string            `json:"message"`
	Fault        Fault             `json:"fault"`
	Outcome      Outcome           `json:"outcome"`
	Permission   string            `json:"permission,omitempty"`
	RetryAfter   time.Duration     `json:"retry_after,omitempty"`
	Fields       map[string]string `json:"fields,omitempty"`
	VendorStatus int               `json:"vendor_status,omitempty"`
	VendorCode   string            `json:"vendor_code,omitempty"`
}

func (e *Error) Error() string {
	if e.VendorCode != "" {
		return fmt.Sprintf("%s: %s (%s)", e.Code, e.Message, e.VendorCode)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

// Is makes errors.Is(err, &Error{Code: c}) match by code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// CodeOf is the code of err: CodeInternal for an error that is not of the
// contract, "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return CodeInternal
}

// AsError is err as an error of the contract; one that is not becomes
// CodeInternal, its text withheld.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Code: CodeInternal, Message: "the connector failed unexpectedly", Fault: FaultConnector, Outcome: OutcomeUnknown}
}
