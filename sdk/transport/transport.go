// Package transport carries the connector contract over the process line:
// gRPC on go-plugin, mutual TLS, one Unix socket. Both sides use it, connectors
// through sdk/serve, the hub through its plugin host; an author never needs it.
package transport

import (
	"context"
	"errors"
	"os"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/atshub/atshub/sdk"
	"github.com/atshub/atshub/sdk/transport/connectorv1"
)

const (
	// ProtocolVersion is the major version: the proto package atshub.connector.v1.
	ProtocolVersion = 1
	// MaxMessage bounds a request and an answer, in both directions.
	MaxMessage = 8 << 20

	maxHeaders = 64 << 10 // bounds a typed error, which travels in the trailers
	pluginName = "connector"
)

// Handshake tells a connector that a hub started it. The cookie is no secret.
var Handshake = plugin.HandshakeConfig{
	ProtocolVersion:  ProtocolVersion,
	MagicCookieKey:   "ATSHUB_CONNECTOR",
	MagicCookieValue: "c7d5b0b2-5d3d-4d38-9a0f-6f2b7d1f0a11",
}

// StartedByHost tells whether the process was started by a hub.
func StartedByHost() bool {
	return os.Getenv(Handshake.MagicCookieKey) == Handshake.MagicCookieValue
}

// Call is one call of an ability.
type Call struct {
	Settings  sdk.Settings
	RequestID string
	Attempt   int
	Ability   string
	Write     bool
	Request   []byte // JSON
}

// Health is what a connector process says of itself.
type Health struct {
	Draining      bool
	InFlight      int64
	Sessions      int64
	Goroutines    int64
	HeapBytes     int64
	UptimeSeconds int64
}

// Handler is the connector's side of the line.
type Handler interface {
	Describe(ctx context.Context) (sdk.Manifest, error)
	Health(ctx context.Context) Health
	// Drain refuses new calls and returns the number still running when the
	// last is finished or ctx ends.
	Drain(ctx context.Context) int64
	// Invoke answers JSON or an error, which crosses the line as sdk.AsError sees it.
	Invoke(ctx context.Context, c Call) ([]byte, error)
}

// Serve answers a hub until the hub ends it. Nothing may have been written to
// stdout before.
func Serve(h Handler) {
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig:  Handshake,
		VersionedPlugins: map[int]plugin.PluginSet{ProtocolVersion: {pluginName: &grpcPlugin{handler: h}}},
		GRPCServer:       newGRPCServer,
		Logger:           hclog.NewNullLogger(),
	})
}

// ServeGRPC registers h on a new gRPC server with the limits and the panic
// recovery of Serve, for use without a process.
func ServeGRPC(h Handler, opts ...grpc.ServerOption) *grpc.Server {
	s := newGRPCServer(opts)
	connectorv1.RegisterConnectorServer(s, &server{handler: h})
	return s
}

func newGRPCServer(opts []grpc.ServerOption) *grpc.Server {
	return grpc.NewServer(append(opts,
		grpc.MaxRecvMsgSize(MaxMessage), grpc.MaxSendMsgSize(MaxMessage),
		grpc.ChainUnaryInterceptor(recovered))...)
}

// Configure sets what the host's side of the line needs in c.
func Configure(c *plugin.ClientConfig) {
	c.HandshakeConfig = Handshake
	c.VersionedPlugins = map[int]plugin.PluginSet{ProtocolVersion: {pluginName: &grpcPlugin{}}}
	c.AllowedProtocols = []plugin.Protocol{plugin.ProtocolGRPC}
	c.AutoMTLS = true
	c.GRPCDialOptions = DialOptions()
	c.Logger = hclog.NewNullLogger()
}

// DialOptions are the limits of the host's side, and what tells it whether a
// request left.
func DialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(MaxMessage), grpc.MaxCallSendMsgSize(MaxMessage)),
		grpc.WithMaxHeaderListSize(maxHeaders),
		grpc.WithStatsHandler(sentWatch{}),
		grpc.WithDisableServiceConfig(),
	}
}

// Dispense is the client of a started plugin.
func Dispense(p plugin.ClientProtocol) (*Client, error) {
	raw, err := p.Dispense(pluginName)
	if err != nil {
		return nil, err
	}
	client, ok := raw.(*Client)
	if !ok {
		return nil, errors.New("the plugin is not a connector")
	}
	return client, nil
}

// grpcPlugin is go-plugin's view of a connector; handler is nil in the host.
type grpcPlugin struct {
	plugin.NetRPCUnsupportedPlugin
	handler Handler
}

func (p *grpcPlugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	connectorv1.RegisterConnectorServer(s, &server{handler: p.handler})
	return nil
}

func (p *grpcPlugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, cc *grpc.ClientConn) (any, error) {
	return NewClient(cc), nil
}

var _ plugin.GRPCPlugin = (*grpcPlugin)(nil)
