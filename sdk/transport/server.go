package transport

// The connector's side: messages to values, panics to typed errors.

import (
	"context"
	"encoding/json"
	"log/slog"
	"runtime/debug"

	"google.golang.org/grpc"

	"github.com/atshub/atshub/sdk"
	"github.com/atshub/atshub/sdk/transport/connectorv1"
)

type server struct {
	connectorv1.UnimplementedConnectorServer
	handler Handler
}

func (s *server) Describe(ctx context.Context, _ *connectorv1.DescribeRequest) (*connectorv1.DescribeResponse, error) {
	m, err := s.handler.Describe(ctx)
	if err != nil {
		return nil, toStatus(ctx, err)
	}
	b, err := json.Marshal(m)
	if err != nil {
		return nil, toStatus(ctx, err)
	}
	return &connectorv1.DescribeResponse{Manifest: b}, nil
}

func (s *server) Health(ctx context.Context, _ *connectorv1.HealthRequest) (*connectorv1.HealthResponse, error) {
	h := s.handler.Health(ctx)
	return &connectorv1.HealthResponse{Draining: h.Draining, InFlight: h.InFlight, Sessions: h.Sessions,
		Goroutines: h.Goroutines, HeapBytes: h.HeapBytes, UptimeSeconds: h.UptimeSeconds}, nil
}

func (s *server) Drain(ctx context.Context, _ *connectorv1.DrainRequest) (*connectorv1.DrainResponse, error) {
	return &connectorv1.DrainResponse{InFlight: s.handler.Drain(ctx)}, nil
}

func (s *server) Invoke(ctx context.Context, r *connectorv1.InvokeRequest) (*connectorv1.InvokeResponse, error) {
	answer, err := s.handler.Invoke(ctx, Call{
		Settings: fromSettings(r.GetSettings()), RequestID: r.GetRequestId(), Attempt: int(r.GetAttempt()),
		Ability: r.GetAbility(), Write: r.GetWrite(), Request: r.GetRequest(),
	})
	if err == nil && len(answer) > MaxMessage-1024 {
		err = &sdk.Error{Code: sdk.CodeInternal, Message: "the connector's answer is larger than 8 MiB",
			Fault: sdk.FaultConnector, Outcome: doneOf(r.GetWrite())}
	}
	if err != nil {
		return nil, toStatus(ctx, err)
	}
	return &connectorv1.InvokeResponse{Answer: answer}, nil
}

// doneOf is the outcome of a call that succeeded but whose answer is lost.
func doneOf(write bool) sdk.Outcome {
	if write {
		return sdk.OutcomeDone
	}
	return sdk.NotDone
}

// recovered answers CodeInternal for a panic in a handler. The process lives
// on. The panic's value stays out of the log: it may hold what a call carried.
func recovered(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (_ any, err error) {
	defer func() {
		if v := recover(); v != nil {
			slog.ErrorContext(ctx, "panic in a call", "stack", string(debug.Stack()))
			err = toStatus(ctx, &sdk.Error{Code: sdk.CodeInternal, Message: "the connector panicked",
				Fault: sdk.FaultConnector, Outcome: sdk.OutcomeUnknown})
		}
	}()
	return next(ctx, req)
}

func fromSettings(s *connectorv1.Settings) sdk.Settings {
	out := sdk.Settings{ConnectionID: s.GetConnectionId(), Revision: s.GetRevision(), Endpoint: s.GetEndpoint(),
		Fields: s.GetFields(), Secrets: make(map[string]sdk.Secret, len(s.GetSecrets()))}
	for k, v := range s.GetSecrets() {
		out.Secrets[k] = sdk.Secret(v)
	}
	return out
}

func toSettings(s sdk.Settings) *connectorv1.Settings {
	out := &connectorv1.Settings{ConnectionId: s.ConnectionID, Revision: s.Revision, Endpoint: s.Endpoint,
		Fields: s.Fields, Secrets: make(map[string][]byte, len(s.Secrets))}
	for k, v := range s.Secrets {
		out.Secrets[k] = []byte(v.Reveal())
	}
	return out
}
