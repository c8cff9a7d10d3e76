package transport

// The host's side: values to messages, and whether a failed request had left.

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"

	"github.com/atshub/atshub/sdk"
	"github.com/atshub/atshub/sdk/transport/connectorv1"
)

// Client calls a connector. Every method returns an *sdk.Error when the
// connector spoke and a *Lost when the process or the line failed.
type Client struct{ rpc connectorv1.ConnectorClient }

// NewClient is a client on a connection dialled with DialOptions.
func NewClient(cc grpc.ClientConnInterface) *Client {
	return &Client{rpc: connectorv1.NewConnectorClient(cc)}
}

func (c *Client) Describe(ctx context.Context) (sdk.Manifest, error) {
	var m sdk.Manifest
	r, err := c.rpc.Describe(ctx, &connectorv1.DescribeRequest{})
	if err != nil {
		return m, fromStatus(err, false, true)
	}
	if err := json.Unmarshal(r.GetManifest(), &m); err != nil {
		return m, fmt.Errorf("the connector's manifest cannot be read: %w", err)
	}
	return m, nil
}

func (c *Client) Health(ctx context.Context) (Health, error) {
	r, err := c.rpc.Health(ctx, &connectorv1.HealthRequest{})
	if err != nil {
		return Health{}, fromStatus(err, false, true)
	}
	return Health{Draining: r.GetDraining(), InFlight: r.GetInFlight(), Sessions: r.GetSessions(),
		Goroutines: r.GetGoroutines(), HeapBytes: r.GetHeapBytes(), UptimeSeconds: r.GetUptimeSeconds()}, nil
}

// Drain returns the number of calls still running.
func (c *Client) Drain(ctx context.Context) (int64, error) {
	r, err := c.rpc.Drain(ctx, &connectorv1.DrainRequest{})
	if err != nil {
		return 0, fromStatus(err, false, true)
	}
	return r.GetInFlight(), nil
}

func (c *Client) Invoke(ctx context.Context, call Call) ([]byte, error) {
	if len(call.Request) > MaxMessage-64<<10 {
		return nil, &sdk.Error{Code: sdk.CodeInvalid, Message: "the request is larger than 8 MiB", Fault: sdk.FaultHub, Outcome: sdk.NotDone}
	}
	var sent atomic.Bool
	ctx = context.WithValue(ctx, sentKey{}, &sent)
	r, err := c.rpc.Invoke(ctx, &connectorv1.InvokeRequest{
		Settings: toSettings(call.Settings), RequestId: call.RequestID, Attempt: int32(call.Attempt),
		Ability: call.Ability, Write: call.Write, Request: call.Request,
	})
	if err != nil {
		return nil, fromStatus(err, call.Write, sent.Load())
	}
	return r.GetAnswer(), nil
}

// sentWatch notes that the headers of a request went to the line. A request
// whose headers never did was never seen by the connector.
type sentWatch struct{}

type sentKey struct{}

func (sentWatch) HandleRPC(ctx context.Context, s stats.RPCStats) {
	if _, ok := s.(*stats.OutHeader); !ok {
		return
	}
	if sent, ok := ctx.Value(sentKey{}).(*atomic.Bool); ok {
		sent.Store(true)
	}
}

func (sentWatch) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (sentWatch) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (sentWatch) HandleConn(context.Context, stats.ConnStats)                       {}
