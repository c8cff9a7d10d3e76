package transport_test

// The line without a process: a server and a client over memory.

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/atshub/atshub/sdk"
	"github.com/atshub/atshub/sdk/transport"
	"github.com/atshub/atshub/sdk/transport/connectorv1"
)

type handler struct {
	invoke func(context.Context, transport.Call) ([]byte, error)
}

func (handler) Describe(context.Context) (sdk.Manifest, error) {
	return sdk.Manifest{Name: "x"}, nil
}
func (handler) Health(context.Context) transport.Health { return transport.Health{InFlight: 3} }
func (handler) Drain(context.Context) int64             { return 2 }
func (h handler) Invoke(ctx context.Context, c transport.Call) ([]byte, error) {
	return h.invoke(ctx, c)
}

// line is a client of h and the server behind it.
func line(t *testing.T, invoke func(context.Context, transport.Call) ([]byte, error)) (*transport.Client, *grpc.Server) {
	t.Helper()
	l := bufconn.Listen(1 << 20)
	s := transport.ServeGRPC(handler{invoke})
	go s.Serve(l) //nolint:errcheck // ends with the test
	t.Cleanup(s.Stop)
	cc, err := grpc.NewClient("passthrough:///x", append(transport.DialOptions(),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))...)
	require.NoError(t, err)
	t.Cleanup(func() { cc.Close() })
	return transport.NewClient(cc), s
}

func TestG14_CallArrivesWhole(t *testing.T) {
	t.Parallel()
	sent := transport.Call{RequestID: "r1", Attempt: 2, Ability: "move_stage", Write: true, Request: []byte(`{"to":"x"}`),
		Settings: sdk.Settings{ConnectionID: "c", Revision: 7, Endpoint: "https://e", Fields: map[string]string{"a": "b"}, Secrets: map[string]sdk.Secret{"k": "s3cret \xff"}}}
	c, _ := line(t, func(_ context.Context, got transport.Call) ([]byte, error) {
		require.Equal(t, sent, got)
		return []byte(`{}`), nil
	})
	answer, err := c.Invoke(t.Context(), sent)
	require.NoError(t, err)
	require.Equal(t, `{}`, string(answer))
	health, err := c.Health(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 3, health.InFlight)
	left, err := c.Drain(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 2, left)
}

func TestG14_OutcomeOfALostCall(t *testing.T) {
	t.Parallel()
	started := make(chan struct{}, 1)
	c, s := line(t, func(ctx context.Context, _ transport.Call) ([]byte, error) {
		started <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	})
	result := make(chan error, 1)
	go func() {
		_, err := c.Invoke(context.Background(), transport.Call{})
		result <- err
	}()
	<-started
	s.Stop()
	lost, ok := errors.AsType[*transport.Lost](<-result)
	require.True(t, ok)
	require.True(t, lost.Sent)
	require.Equal(t, codes.Unavailable, lost.Code)
	require.Equal(t, sdk.OutcomeUnknown, lost.Typed(true).Outcome)
	require.Equal(t, sdk.NotDone, lost.Typed(false).Outcome, "a read leaves nothing behind")
	require.Equal(t, sdk.CodeUnavailable, lost.Typed(true).Code)

	_, err := c.Invoke(t.Context(), transport.Call{})
	lost, ok = errors.AsType[*transport.Lost](err)
	require.True(t, ok)
	require.False(t, lost.Sent, "nobody listens any more")
	require.Equal(t, sdk.NotDone, lost.Typed(true).Outcome, "the write provably never left")
}

func TestG14_ErrorsAreBoundedOnTheLine(t *testing.T) {
	t.Parallel()
	c, _ := line(t, func(context.Context, transport.Call) ([]byte, error) {
		fields := map[string]string{"bad \xff": strings.Repeat("v", 1<<20)}
		for i := range 1000 {
			fields[fmt.Sprint(i)] = strings.Repeat("v", 1<<10)
		}
		return nil, fmt.Errorf("wrapped: %w", &sdk.Error{Code: "never heard", Fault: "whose", Outcome: "maybe", Message: strings.Repeat("m", 1<<20), Fields: fields})
	})
	_, err := c.Invoke(t.Context(), transport.Call{Write: true})
	e, ok := errors.AsType[*sdk.Error](err)
	require.True(t, ok, err)
	require.Equal(t, sdk.CodeInternal, e.Code)
	require.Equal(t, sdk.FaultConnector, e.Fault)
	require.Equal(t, sdk.OutcomeUnknown, e.Outcome)
	require.Len(t, e.Fields, 50)
	require.LessOrEqual(t, len(e.Message), 2<<10)
}

func TestG14_PanicIsAnInternalError(t *testing.T) {
	t.Parallel()
	c, _ := line(t, func(context.Context, transport.Call) ([]byte, error) { panic("x") })
	for range 2 {
		_, err := c.Invoke(t.Context(), transport.Call{})
		require.Equal(t, sdk.CodeInternal, sdk.AsError(err).Code)
		require.ErrorContains(t, err, "panicked")
	}
}

func TestG17_MessagesDoNotPrintWhatTheyCarry(t *testing.T) {
	t.Parallel()
	settings := &connectorv1.Settings{ConnectionId: "c1", Secrets: map[string][]byte{"key": []byte("canary")}, Fields: map[string]string{"user": "canary"}}
	for _, m := range []any{settings, &connectorv1.InvokeRequest{Settings: settings, Request: []byte("canary")}, &connectorv1.InvokeResponse{Answer: []byte("canary")}} {
		var log strings.Builder
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "message", m)
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "message", m)
		printed := fmt.Sprintf("%v %+v %#v %s %q %d %x", m, m, m, m, m, m, m) + m.(fmt.Stringer).String() + log.String()
		require.NotContains(t, printed, "canary")
		require.NotContains(t, printed, "63616e617279")
		require.NotContains(t, printed, "99 97 110")
	}
}
