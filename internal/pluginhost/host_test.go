package pluginhost_test

// A connector that behaves, end to end.

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/atshub/atshub/internal/pluginhost"
	"github.com/atshub/atshub/sdk"
)

func TestG14_ConnectorIsCalledThroughItsProcess(t *testing.T) {
	t.Parallel()
	h := host(t, pluginhost.Options{}, "name=alpha endpoint=https://sandbox.example")

	m, err := h.Manifest("alpha")
	require.NoError(t, err)
	require.Equal(t, []string{"check", "list_jobs", "move_stage"}, m.Abilities)

	a := h.abilities(t, "alpha")
	require.Nil(t, a.WriteReview, "an ability the connector lacks is nil")
	out, err := ask(t.Context(), a, "hello")
	require.NoError(t, err)
	require.Equal(t, []string{"hello"}, out)

	report, err := a.Check(t.Context(), sdk.CheckQuery{})
	require.NoError(t, err)
	require.Equal(t, sdk.Account{Name: "https://sandbox.example", User: "s3cret-canary"}, report.Account,
		"the catalog's endpoint and the connection's secret reach the session")

	s := h.status(t, "alpha")
	require.Equal(t, pluginhost.StateReady, s.State)
	require.True(t, running(s.PID))
	_, err = h.Manifest("beta")
	require.Equal(t, sdk.CodeNotFound, sdk.CodeOf(err))
}

func TestG14_ErrorsOfEveryCodeCrossTheLineIntact(t *testing.T) {
	t.Parallel()
	h := host(t, pluginhost.Options{}, "name=alpha")
	a := h.abilities(t, "alpha")
	for _, code := range []sdk.Code{sdk.CodeAuthExpired, sdk.CodePermissionMissing, sdk.CodeNotFound, sdk.CodeRateLimited, sdk.CodePreconditionFailed,
		sdk.CodeConflict, sdk.CodeInvalid, sdk.CodeUnsupported, sdk.CodeUpstreamDown, sdk.CodeUpstreamBug, sdk.CodeUnavailable, sdk.CodeInternal} {
		_, err := ask(t.Context(), a, "error "+string(code))
		got, ok := errors.AsType[*sdk.Error](err)
		require.True(t, ok, code)
		require.Equal(t, &sdk.Error{Code: code, Message: "made to order", Fault: sdk.FaultVendor, Outcome: sdk.NotDone,
			Permission: "jobs_read", RetryAfter: 1500 * time.Millisecond, Fields: map[string]string{"api_key": "too short"},
			VendorStatus: 418, VendorCode: "TEAPOT"}, got)
		require.ErrorIs(t, err, &sdk.Error{Code: code})
	}
	_, err := ask(t.Context(), a, "error made_up")
	require.Equal(t, sdk.CodeInternal, sdk.CodeOf(err), "a code that is not of the contract is a bug of the connector")
	_, err = ask(t.Context(), a, "untyped")
	require.Equal(t, sdk.CodeInternal, sdk.CodeOf(err))
	require.NotContains(t, err.Error(), "secret-in-the-text")
	require.Equal(t, 1, h.status(t, "alpha").Starts, "a connector that speaks is not restarted")
	families, err := h.metrics.Gather()
	require.NoError(t, err)
	for _, f := range families {
		require.True(t, strings.HasPrefix(f.GetName(), "atshub_plugin_"))
		require.LessOrEqual(t, len(f.GetMetric()), 13, "a connector cannot make series: %s", f.GetName())
	}
}

func TestG14_PanicInACallLeavesTheProcessAlive(t *testing.T) {
	t.Parallel()
	h := host(t, pluginhost.Options{}, "name=alpha")
	a := h.abilities(t, "alpha")
	pid := h.status(t, "alpha").PID
	_, err := a.MoveStage(t.Context(), sdk.StageMove{To: "panic"})
	require.Equal(t, sdk.CodeInternal, sdk.CodeOf(err))
	require.Equal(t, sdk.OutcomeUnknown, sdk.AsError(err).Outcome)
	opens, err := h.Abilities("alpha", sdk.Settings{ConnectionID: "c2", Fields: map[string]string{"open": "panic"}})
	require.NoError(t, err)
	_, err = ask(t.Context(), opens, "x")
	require.Equal(t, sdk.CodeInternal, sdk.CodeOf(err))
	_, err = ask(t.Context(), a, "still there")
	require.NoError(t, err)
	require.Equal(t, pid, h.status(t, "alpha").PID)
	require.NotContains(t, h.log.String(), "secret of the panic")
}

func TestG14_MessagesAreBoundedBothWays(t *testing.T) {
	t.Parallel()
	h := host(t, pluginhost.Options{}, "name=alpha")
	a := h.abilities(t, "alpha")
	_, err := ask(t.Context(), a, "big 7000000")
	require.NoError(t, err)
	_, err = ask(t.Context(), a, "big 9000000")
	require.Equal(t, sdk.CodeInternal, sdk.CodeOf(err))
	_, err = ask(t.Context(), a, string(make([]byte, 9<<20)))
	require.Equal(t, sdk.CodeInvalid, sdk.CodeOf(err))
	require.Equal(t, sdk.NotDone, sdk.AsError(err).Outcome)
	require.Equal(t, 1, h.status(t, "alpha").Starts)
}

func TestG14_DrainFinishesTheRunningCalls(t *testing.T) {
	t.Parallel()
	h := host(t, pluginhost.Options{}, "name=alpha")
	a := h.abilities(t, "alpha")
	pid := h.status(t, "alpha").PID
	const calls = 60
	var atWork errgroup.Group
	for range calls {
		atWork.Go(func() error {
			_, err := a.MoveStage(context.Background(), sdk.StageMove{To: "sleep 500ms"})
			return err
		})
	}
	asleep(t, h, calls)
	require.NoError(t, h.Close(t.Context()))
	require.NoError(t, atWork.Wait(), "the calls that ran when the hub stopped were finished and answered")
	require.False(t, running(pid))
	_, err := ask(t.Context(), a, "late")
	require.Equal(t, sdk.CodeUnavailable, sdk.CodeOf(err))
	require.Equal(t, sdk.NotDone, sdk.AsError(err).Outcome)
	require.Equal(t, pluginhost.StateStopped, h.status(t, "alpha").State)
}

func TestG14_CloseIsBoundedWhenACallDoesNotEnd(t *testing.T) {
	t.Parallel()
	h := host(t, pluginhost.Options{DrainTimeout: 200 * time.Millisecond}, "name=alpha")
	a := h.abilities(t, "alpha")
	result := make(chan error, 1)
	go func() {
		_, err := a.MoveStage(context.Background(), sdk.StageMove{To: "sleep 1h"})
		result <- err
	}()
	asleep(t, h, 1)
	began := time.Now()
	require.NoError(t, h.Close(t.Context()))
	require.Less(t, time.Since(began), 5*time.Second)
	err := <-result
	require.Equal(t, sdk.OutcomeUnknown, sdk.AsError(err).Outcome)
}

func TestG14_QueueIsBounded(t *testing.T) {
	t.Parallel()
	h := host(t, pluginhost.Options{Concurrent: 1, Queue: 1}, "name=alpha", "name=beta")
	a := h.abilities(t, "alpha")
	ctx, cancel := context.WithCancel(t.Context())
	results := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := ask(ctx, a, "sleep 1h")
			results <- err
		}()
	}
	asleep(t, h, 1)
	eventually(t, 5*time.Second, "one waits", func() bool { return h.metric(t, "atshub_plugin_waiting", "alpha") == 1 })
	_, err := ask(t.Context(), a, "one too many")
	require.Equal(t, sdk.CodeUnavailable, sdk.CodeOf(err))
	require.Equal(t, sdk.NotDone, sdk.AsError(err).Outcome)
	_, err = ask(t.Context(), h.abilities(t, "beta"), "other connectors do not notice")
	require.NoError(t, err)
	cancel()
	require.Error(t, <-results)
	require.Error(t, <-results)
}

// asleep waits until n calls that sleep are at work in the connector's process.
func asleep(t testing.TB, h *bundle, n int) {
	t.Helper()
	eventually(t, 5*time.Second, "calls at work", func() bool { return strings.Count(h.log.String(), `"asleep"`) >= n })
}

// metric is the sum of a metric's series of one connector.
func (b *bundle) metric(t testing.TB, name, connector string) float64 {
	t.Helper()
	families, err := b.metrics.Gather()
	require.NoError(t, err)
	sum := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "connector" && l.GetValue() == connector {
					sum += m.GetGauge().GetValue() + m.GetCounter().GetValue()
				}
			}
		}
	}
	return sum
}
