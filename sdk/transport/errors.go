package transport

// Errors across the line. A status with a ConnectorError detail is what the
// connector says; a status without one means that process or line failed.

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/atshub/atshub/sdk"
	"github.com/atshub/atshub/sdk/transport/connectorv1"
)

// Lost is the failure of the connector's process or of the line to it.
type Lost struct {
	Code codes.Code // what gRPC saw; for logs, not for decisions about the ATS
	Sent bool       // false: the request provably never left
}

func (l *Lost) Error() string { return "the connector's process cannot be reached: " + l.Code.String() }

// Typed is the error a caller sees: not done for a read and for a request
// that never left, unknown for a write that may have.
func (l *Lost) Typed(write bool) *sdk.Error {
	e := &sdk.Error{Code: sdk.CodeUnavailable, Fault: sdk.FaultConnector, Outcome: sdk.NotDone,
		Message: "the connector's process failed during the call"}
	switch {
	case l.Code == codes.DeadlineExceeded:
		e.Message = "the connector did not answer in time"
	case l.Code == codes.Canceled:
		e.Message, e.Fault = "the call was cancelled before the connector answered", sdk.FaultHub
	case !l.Sent:
		e.Message = "the connector's process could not be reached"
	}
	if write && l.Sent {
		e.Outcome = sdk.OutcomeUnknown
	}
	return e
}

// Bounds of what an error may carry: it travels in HTTP/2 trailers.
const (
	maxText   = 2 << 10
	maxFields = 50
)

var grpcCodes = map[sdk.Code]codes.Code{
	sdk.CodeAuthExpired:        codes.Unauthenticated,
	sdk.CodePermissionMissing:  codes.PermissionDenied,
	sdk.CodeNotFound:           codes.NotFound,
	sdk.CodeRateLimited:        codes.ResourceExhausted,
	sdk.CodePreconditionFailed: codes.FailedPrecondition,
	sdk.CodeConflict:           codes.AlreadyExists,
	sdk.CodeInvalid:            codes.InvalidArgument,
	sdk.CodeUnsupported:        codes.Unimplemented,
	sdk.CodeUpstreamDown:       codes.Aborted,
	sdk.CodeUpstreamBug:        codes.DataLoss,
	sdk.CodeUnavailable:        codes.Aborted,
	sdk.CodeInternal:           codes.Internal,
}

// toStatus is err on the wire. The text of an error that is not of the
// contract is withheld: it may hold what must not be shown.
func toStatus(ctx context.Context, err error) error {
	e := sdk.AsError(err)
	if _, typed := errors.AsType[*sdk.Error](err); !typed && ctx.Err() != nil {
		e = &sdk.Error{Code: sdk.CodeUnavailable, Message: "the call was cut short by its deadline", Fault: sdk.FaultHub, Outcome: sdk.OutcomeUnknown}
	}
	d := &connectorv1.ConnectorError{
		Code: string(e.Code), Message: cut(e.Message), Fault: string(e.Fault), Outcome: string(e.Outcome),
		Permission: cut(e.Permission), VendorStatus: int32(e.VendorStatus), VendorCode: cut(e.VendorCode),
	}
	for k, v := range e.Fields {
		if d.Fields == nil {
			d.Fields = map[string]string{}
		}
		if len(d.Fields) < maxFields {
			d.Fields[valid(k, 128)] = valid(v, 256)
		}
	}
	grpcCode, ok := grpcCodes[e.Code]
	if !ok {
		grpcCode = codes.Internal
	}
	st, detailErr := status.New(grpcCode, d.Message).WithDetails(d)
	if detailErr != nil {
		return status.Error(codes.Internal, "the error cannot be encoded")
	}
	if e.RetryAfter > 0 {
		if with, detailErr := st.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(e.RetryAfter)}); detailErr == nil {
			st = with
		}
	}
	return st.Err()
}

// fromStatus is the error of a call, seen by the host. What a connector claims
// is bounded to the words of the contract, so that metrics stay few.
func fromStatus(err error, write, sent bool) error {
	st, _ := status.FromError(err)
	var e *sdk.Error
	var retryAfter time.Duration
	for _, d := range st.Details() {
		switch d := d.(type) {
		case *connectorv1.ConnectorError:
			e = &sdk.Error{Code: sdk.Code(d.GetCode()), Message: cut(d.GetMessage()), Fault: sdk.Fault(d.GetFault()),
				Outcome: sdk.Outcome(d.GetOutcome()), Permission: d.GetPermission(), Fields: d.GetFields(),
				VendorStatus: int(d.GetVendorStatus()), VendorCode: d.GetVendorCode()}
		case *errdetails.RetryInfo:
			retryAfter = max(0, d.GetRetryDelay().AsDuration())
		}
	}
	if e == nil {
		return &Lost{Code: st.Code(), Sent: sent}
	}
	e.RetryAfter = retryAfter
	if _, known := grpcCodes[e.Code]; !known {
		e.Code = sdk.CodeInternal
	}
	if !slices.Contains([]sdk.Fault{sdk.FaultVendor, sdk.FaultConnector, sdk.FaultConfig, sdk.FaultHub}, e.Fault) {
		e.Fault = sdk.FaultConnector
	}
	if !slices.Contains([]sdk.Outcome{sdk.NotDone, sdk.OutcomeUnknown, sdk.OutcomeDone}, e.Outcome) {
		e.Outcome = sdk.NotDone
		if write {
			e.Outcome = sdk.OutcomeUnknown
		}
	}
	return e
}

func cut(s string) string { return valid(s, maxText) }

// valid is s cut to n bytes and made valid UTF-8, as protobuf demands.
func valid(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "")
}
