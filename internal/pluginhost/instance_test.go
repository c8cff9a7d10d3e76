package pluginhost

// A process that says it is drained while an answer is still on its way.

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/atshub/atshub/sdk"
	"github.com/atshub/atshub/sdk/transport"
)

type hasty struct{ began, answer chan struct{} }

func (hasty) Describe(context.Context) (sdk.Manifest, error) { return sdk.Manifest{}, nil }
func (hasty) Health(context.Context) transport.Health        { return transport.Health{} }
func (hasty) Drain(context.Context) int64                    { return 0 }
func (h hasty) Invoke(context.Context, transport.Call) ([]byte, error) {
	close(h.began)
	<-h.answer
	return []byte("{}"), nil
}

func TestG14_DrainWaitsForAnswersNotForWords(t *testing.T) {
	t.Parallel()
	h := hasty{make(chan struct{}), make(chan struct{})}
	l, server := bufconn.Listen(1<<20), transport.ServeGRPC(h)
	go server.Serve(l) //nolint:errcheck // ends with the test
	defer server.Stop()
	cc, err := grpc.NewClient("passthrough:///x", append(transport.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))...)
	require.NoError(t, err)
	defer cc.Close()
	p := &plugged{client: transport.NewClient(cc)}
	answered, drained := make(chan error, 1), make(chan struct{})
	go func() {
		_, err := p.invoke(context.Background(), transport.Call{})
		answered <- err
	}()
	<-h.began
	go func() {
		defer close(drained)
		p.drain(context.Background())
	}()
	require.Eventually(t, func() bool {
		p.calls.mu.Lock()
		defer p.calls.mu.Unlock()
		return p.calls.zero != nil
	}, 5*time.Second, time.Millisecond, "drain waits for the answer although the process says it is done")
	close(h.answer)
	require.NoError(t, <-answered)
	<-drained
}
