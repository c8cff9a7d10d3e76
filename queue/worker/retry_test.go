package worker

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/sdk"
)

func TestG15_EveryErrorHasItsVerdict(t *testing.T) {
	t.Parallel()
	now := time.Now()
	b := Backoff{}
	b.defaults()
	for name, c := range map[string]struct {
		err     error
		outcome string
		least   time.Duration
		most    time.Duration
		counts  bool
		free    bool
	}{
		"rate limit":           {&sdk.Error{Code: sdk.CodeRateLimited, RetryAfter: time.Minute}, "limited", time.Minute, 80 * time.Second, false, true},
		"rate limit, no time":  {&sdk.Error{Code: sdk.CodeRateLimited}, "limited", time.Second, 2 * time.Second, false, true},
		"product's rate limit": {&product.Error{Code: product.CodeRateLimited, RetryAfter: time.Second}, "limited", time.Second, 3 * time.Second, false, true},
		"down":                 {&sdk.Error{Code: sdk.CodeUpstreamDown}, "retry", 0, 4*time.Second + time.Millisecond, false, false},
		"no connector":         {fmt.Errorf("move: %w", &sdk.Error{Code: sdk.CodeUnavailable}), "retry", 0, 4*time.Second + time.Millisecond, false, false},
		"product down":         {&product.Error{Code: product.CodeUnavailable}, "retry", 0, 4*time.Second + time.Millisecond, false, false},
		"database":             {&hub.Error{Code: hub.CodeUnavailable}, "retry", 0, 4*time.Second + time.Millisecond, false, false},
		"timeout":              {fmt.Errorf("ask: %w", context.DeadlineExceeded), "retry", 0, 4*time.Second + time.Millisecond, false, false},
		"invalid":              {&sdk.Error{Code: sdk.CodeInvalid}, "retry", 0, 4*time.Second + time.Millisecond, true, false},
		"nonsense":             {&sdk.Error{Code: sdk.CodeUpstreamBug}, "retry", 0, 4*time.Second + time.Millisecond, true, false},
		"unsupported":          {&sdk.Error{Code: sdk.CodeUnsupported}, "retry", 0, 4*time.Second + time.Millisecond, true, false},
		"product's nonsense":   {&product.Error{Code: product.CodeBadAnswer}, "retry", 0, 4*time.Second + time.Millisecond, true, false},
		"unknown":              {errors.New("jane.doe@example.com"), "retry", 0, 4*time.Second + time.Millisecond, true, false},
		"panic":                {errPanic, "panic", 0, 4*time.Second + time.Millisecond, true, false},
		"expired":              {&sdk.Error{Code: sdk.CodeAuthExpired}, "credential", 5 * time.Minute, 10 * time.Minute, false, true},
		"permission":           {&hub.Error{Code: hub.CodeATS, Cause: &sdk.Error{Code: sdk.CodePermissionMissing}}, "credential", 5 * time.Minute, 10 * time.Minute, false, true},
		"product's password":   {&product.Error{Code: product.CodeWrongPassword}, "credential", 5 * time.Minute, 10 * time.Minute, false, true},
		"later":                {&Later{After: time.Minute, Reason: "paused"}, "later", time.Minute, 72 * time.Second, false, true},
	} {
		for range 50 {
			v := b.judge(hub.Work{Attempt: 3, Failures: 2}, c.err, now)
			require.Equal(t, c.outcome, v.outcome, name)
			require.GreaterOrEqual(t, v.retry.After, c.least, name)
			require.LessOrEqual(t, v.retry.After, c.most, name)
			require.Equal(t, c.counts, v.retry.Deterministic, name)
			require.Equal(t, c.free, v.retry.Free, name)
			require.Equal(t, c.outcome == "credential", v.refused, name)
			require.Empty(t, v.park, name)
			require.NotContains(t, v.retry.Error, "jane", name)
			require.NotEmpty(t, v.retry.Error, name)
		}
	}
}

func TestG15_WhatCannotSucceedIsGivenUp(t *testing.T) {
	t.Parallel()
	now := time.Now()
	b := Backoff{}
	b.defaults()
	down, invalid := &sdk.Error{Code: sdk.CodeUpstreamDown, Message: "no answer"}, &sdk.Error{Code: sdk.CodeInvalid}
	ago := func(d time.Duration) *time.Time { at := now.Add(-d); return &at }
	require.Empty(t, b.judge(hub.Work{Failures: 3, Attempt: 500}, invalid, now).park)
	require.NotEmpty(t, b.judge(hub.Work{Failures: 4}, invalid, now).park)
	require.Empty(t, b.judge(hub.Work{Failures: 4}, down, now).park, "an outage says nothing about the work")
	require.Empty(t, b.judge(hub.Work{Attempt: 600, FailingSince: ago(71 * time.Hour)}, down, now).park)
	require.Equal(t, "it has been failing for 73 hours: upstream_down: no answer", b.judge(hub.Work{FailingSince: ago(73 * time.Hour)}, down, now).park)
	limited := &sdk.Error{Code: sdk.CodeRateLimited}
	require.Empty(t, b.judge(hub.Work{FailingSince: ago(1000 * time.Hour), Failures: 100, Attempt: 900}, limited, now).park)

	require.Empty(t, poisonous(hub.Work{Attempt: 50}))
	require.NotEmpty(t, poisonous(hub.Work{Attempt: 51}))
	require.Empty(t, poisonous(hub.Work{Attempt: 600, FailingSince: ago(70 * time.Hour)}), "retries of an outage are no crashes")
}

func TestPausesGrowAndEnd(t *testing.T) {
	t.Parallel()
	b := Backoff{}
	b.defaults()
	for n, most := range map[int]time.Duration{-1: time.Second, 0: time.Second, 1: 2 * time.Second, 4: 16 * time.Second, 10: 15 * time.Minute, 1000: 15 * time.Minute} {
		longest := time.Duration(0)
		for range 300 {
			d := b.jitter(n)
			require.Positive(t, d)
			require.LessOrEqual(t, d, most+time.Millisecond)
			longest = max(longest, d)
		}
		require.Greater(t, longest, most/2, "attempt %d", n)
	}
}

func TestTableIsCheckedWhenItIsMade(t *testing.T) {
	t.Parallel()
	run := func(context.Context, hub.Work) error { return nil }
	_, err := newTable([]Row{{Kind: "a", Run: run, Timeout: time.Second}, {Kind: "a", Run: run, Timeout: time.Second}})
	require.ErrorContains(t, err, "two rows")
	_, err = newTable([]Row{{Kind: "a", Run: run}})
	require.ErrorContains(t, err, "Timeout")
}
