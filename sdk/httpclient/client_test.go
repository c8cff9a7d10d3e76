package httpclient_test

// The promises every connector inherits.

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/sdk"
	"github.com/atshub/atshub/sdk/httpclient"
)

// server answers by f and counts.
func server(t *testing.T, f http.HandlerFunc) (url string, asked *atomic.Int64) {
	t.Helper()
	asked = &atomic.Int64{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		f(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, asked
}

func client(t *testing.T, o httpclient.Options) *httpclient.Client {
	t.Helper()
	o.Name = "Acme"
	if o.Backoff == 0 {
		o.Backoff = time.Millisecond
	}
	c, err := httpclient.New(o)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// times answers with first for n requests, then with 200.
func times(n int64, first http.HandlerFunc) http.HandlerFunc {
	var seen atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) {
		if seen.Add(1) <= n {
			first(w, r)
			return
		}
		_, _ = io.WriteString(w, `{"id":"1"}`)
	}
}

func cut(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func TestReadsAreRepeatedAFewTimes(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]http.HandlerFunc{"503": status(503), "cut": cut} {
		url, asked := server(t, times(2, f))
		_, err := client(t, httpclient.Options{Endpoint: url}).Do(t.Context(), httpclient.Request{Path: "/x"})
		require.NoError(t, err, name)
		require.EqualValues(t, 3, asked.Load())

		url, asked = server(t, f)
		_, err = client(t, httpclient.Options{Endpoint: url}).Do(t.Context(), httpclient.Request{Path: "/x"})
		require.Equal(t, sdk.CodeUpstreamDown, sdk.CodeOf(err), name)
		require.Equal(t, sdk.NotDone, sdk.AsError(err).Outcome)
		require.EqualValues(t, 3, asked.Load())
	}
}

func TestG2_WritesThatLeftAreNeverRepeated(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]http.HandlerFunc{"503": status(503), "cut": cut,
		"late": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }} {
		url, asked := server(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			f(w, r)
		})
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			before := asked.Load()
			_, err := client(t, httpclient.Options{Endpoint: url}).Do(ctx, httpclient.Request{Method: method, Path: "/x", Body: 1})
			cancel()
			require.Equal(t, sdk.OutcomeUnknown, sdk.AsError(err).Outcome, name+" "+method)
			require.EqualValues(t, 1, asked.Load()-before, name+" "+method)
		}
	}
}

func TestWritesThatNeverLeftAreNotDone(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(status(200))
	s.Close()
	_, err := client(t, httpclient.Options{Endpoint: s.URL}).Do(t.Context(), httpclient.Request{Method: "POST", Path: "/x", Body: 1})
	require.Equal(t, sdk.CodeUpstreamDown, sdk.CodeOf(err))
	require.Equal(t, sdk.NotDone, sdk.AsError(err).Outcome)
}

func TestRefusedWritesMayBeRepeated(t *testing.T) {
	t.Parallel()
	url, asked := server(t, times(3, status(429)))
	_, err := client(t, httpclient.Options{Endpoint: url}).Do(t.Context(), httpclient.Request{Method: "POST", Path: "/x", Body: 1})
	require.NoError(t, err)
	require.EqualValues(t, 4, asked.Load())

	url, asked = server(t, status(429))
	_, err = client(t, httpclient.Options{Endpoint: url}).Do(t.Context(), httpclient.Request{Method: "POST", Path: "/x"})
	require.Equal(t, sdk.CodeRateLimited, sdk.CodeOf(err))
	require.Equal(t, sdk.NotDone, sdk.AsError(err).Outcome)
	require.EqualValues(t, 6, asked.Load(), "patience has an end")
}

func TestRetryAfterIsHandedOnWhenThereIsNoTime(t *testing.T) {
	t.Parallel()
	for _, v := range []string{"7", time.Now().Add(8 * time.Second).UTC().Format(http.TimeFormat)} {
		url, asked := server(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", v)
			w.WriteHeader(429)
		})
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		start := time.Now()
		_, err := client(t, httpclient.Options{Endpoint: url}).Do(ctx, httpclient.Request{Path: "/x"})
		require.Equal(t, sdk.CodeRateLimited, sdk.CodeOf(err))
		require.InDelta(t, 7, sdk.AsError(err).RetryAfter.Seconds(), 1.1)
		require.Less(t, time.Since(start), time.Second, "not waited for in vain")
		require.EqualValues(t, 1, asked.Load())
	}
}

func TestG12_AnswersAreBounded(t *testing.T) {
	t.Parallel()
	big := func(w http.ResponseWriter, r *http.Request) {
		var out io.Writer = w
		if r.URL.Path == "/bomb" {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			defer z.Close()
			out = z
		}
		chunk := []byte(strings.Repeat(" ", 1<<20))
		for range 9 {
			if _, err := out.Write(chunk); err != nil {
				return
			}
		}
	}
	url, _ := server(t, big)
	for _, path := range []string{"/big", "/bomb"} {
		_, err := client(t, httpclient.Options{Endpoint: url}).Do(t.Context(), httpclient.Request{Path: path})
		require.Equal(t, sdk.CodeUpstreamBug, sdk.CodeOf(err), path)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	other, followed := server(t, status(200))
	url, _ := server(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other, http.StatusTemporaryRedirect) })
	_, err := client(t, httpclient.Options{Endpoint: url}).Do(t.Context(), httpclient.Request{Path: "/x"})
	require.Equal(t, sdk.CodeUpstreamBug, sdk.CodeOf(err))
	require.Zero(t, followed.Load())
}

func TestNonsenseIsNeverAnEmptyList(t *testing.T) {
	t.Parallel()
	for _, body := range []string{``, `null`, ` null `, `{`, `"x"`, `{}`, `[1]`, `[] []`, `<html>`} {
		url, _ := server(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		_, _, err := httpclient.JSON[[]struct{ ID string }](t.Context(), client(t, httpclient.Options{Endpoint: url}), httpclient.Request{Path: "/x"})
		require.Equal(t, sdk.CodeUpstreamBug, sdk.CodeOf(err), body)
		_, _, err = httpclient.JSON[[]struct{ ID string }](t.Context(), client(t, httpclient.Options{Endpoint: url}), httpclient.Request{Method: "POST", Path: "/x"})
		require.Equal(t, sdk.OutcomeUnknown, sdk.AsError(err).Outcome, "a write so answered may have happened")
	}
}

func TestPrivateAddressesAreOutOfReach(t *testing.T) {
	t.Parallel()
	url, asked := server(t, status(200))
	for _, base := range []string{url, "http://169.254.169.254", "http://[::1]:80", "http://10.0.0.1"} {
		_, err := client(t, httpclient.Options{BaseURL: base}).Do(t.Context(), httpclient.Request{Path: "/x"})
		require.Equal(t, sdk.FaultConfig, sdk.AsError(err).Fault, base)
		require.NotContains(t, err.Error(), "169.254")
	}
	require.Zero(t, asked.Load())
	_, err := client(t, httpclient.Options{BaseURL: "https://unused.example", Endpoint: url}).Do(t.Context(), httpclient.Request{Path: "/x"})
	require.NoError(t, err, "the operator's own endpoint is trusted")
	for _, bad := range []string{"ftp://x", "x", "http://", "http://u:p@x", "http://x?y=1"} {
		_, err := httpclient.New(httpclient.Options{Endpoint: bad})
		require.Equal(t, sdk.CodeInvalid, sdk.CodeOf(err), bad)
	}
}

func TestG17_ErrorsShowNothing(t *testing.T) {
	t.Parallel()
	const canary = "s3cret-canary"
	for _, f := range []http.HandlerFunc{cut, status(302), status(401), status(403), status(404), status(409), status(418), status(422), status(500),
		func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, canary) },
		func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }} {
		url, _ := server(t, f)
		c := client(t, httpclient.Options{Endpoint: url, Authorize: func(_ context.Context, h http.Header) error { h.Set("X-Key", canary); return nil }})
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		_, _, err := httpclient.JSON[[]int](ctx, c, httpclient.Request{Path: "/" + canary, Query: map[string][]string{"email": {canary}}})
		cancel()
		require.Error(t, err)
		require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, *sdk.AsError(err), err), canary)
		require.NotContains(t, err.Error(), strings.TrimPrefix(url, "http://"))
	}
}

func TestUnauthorizedIsDecidedOnce(t *testing.T) {
	t.Parallel()
	mine := errors.New("mine")
	for name, c := range map[string]struct {
		again bool
		err   error
		asked int64
		code  sdk.Code
	}{
		"renewed in vain": {again: true, asked: 2, code: sdk.CodeAuthExpired},
		"not renewed":     {asked: 1, code: sdk.CodeAuthExpired},
		"explained":       {err: mine, asked: 1, code: sdk.CodeInternal},
	} {
		url, asked := server(t, status(401))
		_, err := client(t, httpclient.Options{Endpoint: url, Unauthorized: func(context.Context, http.Header) (bool, error) { return c.again, c.err }}).
			Do(t.Context(), httpclient.Request{Method: "PUT", Path: "/x"})
		require.Equal(t, c.code, sdk.CodeOf(err), name)
		require.Equal(t, c.asked, asked.Load(), name)
	}
}

func TestBudgetIsSharedByCredential(t *testing.T) {
	t.Parallel()
	var pool httpclient.Pool
	rules := []sdk.Budget{{Family: httpclient.DefaultFamily, Concurrent: 3}, {Family: "list", Concurrent: 1}}
	one, release := pool.Get("a", rules)
	same, releaseSame := pool.Get("a", rules)
	other, releaseOther := pool.Get("b", rules)
	require.Same(t, one, same)
	require.NotSame(t, one, other)
	release()
	release() // twice is once
	still, releaseStill := pool.Get("a", rules)
	require.Same(t, one, still, "kept while someone uses it")
	for _, f := range []func(){releaseSame, releaseOther, releaseStill} {
		f()
	}
	fresh, releaseFresh := pool.Get("a", rules)
	defer releaseFresh()
	require.NotSame(t, one, fresh)

	var now, most, listing atomic.Int64
	gate := make(chan struct{})
	url, asked := server(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/list" && listing.Add(1) > 1 {
			t.Error("two lists at once")
		}
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		<-gate
		now.Add(-1)
		if r.URL.Path == "/list" {
			listing.Add(-1)
		}
	})
	var group sync.WaitGroup
	for _, family := range []string{"", "list", "", "list", "", "list", "", ""} {
		c := client(t, httpclient.Options{Endpoint: url, Budget: fresh})
		group.Go(func() {
			_, err := c.Do(t.Context(), httpclient.Request{Path: "/" + family, Family: family})
			if err != nil {
				t.Error(err)
			}
		})
	}
	require.Eventually(t, func() bool { return now.Load() == 3 }, 5*time.Second, time.Millisecond)
	close(gate)
	group.Wait()
	require.EqualValues(t, 3, most.Load())
	require.EqualValues(t, 8, asked.Load())
}

func TestBudgetUsedUpIsToldBeforeTheDeadline(t *testing.T) {
	t.Parallel()
	url, asked := server(t, status(200))
	budget := httpclient.NewBudget([]sdk.Budget{{Family: httpclient.DefaultFamily, PerSecond: 10}})
	c := client(t, httpclient.Options{Endpoint: url, Budget: budget})
	budget.Pause(time.Minute)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	start := time.Now()
	_, err := c.Do(ctx, httpclient.Request{Method: "POST", Path: "/x"})
	require.Equal(t, sdk.CodeRateLimited, sdk.CodeOf(err))
	require.Greater(t, sdk.AsError(err).RetryAfter, 50*time.Second)
	require.Equal(t, sdk.NotDone, sdk.AsError(err).Outcome)
	require.Less(t, time.Since(start), 500*time.Millisecond)
	require.Zero(t, asked.Load())
}

func TestRateHeadersHoldBackEveryone(t *testing.T) {
	t.Parallel()
	url, asked := server(t, status(200))
	budget := httpclient.NewBudget(nil)
	o := httpclient.Options{Endpoint: url, Budget: budget, Pause: func(*httpclient.Response) time.Duration { return time.Minute }}
	_, err := client(t, o).Do(t.Context(), httpclient.Request{Path: "/x"})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err = client(t, o).Do(ctx, httpclient.Request{Path: "/x"})
	require.Equal(t, sdk.CodeRateLimited, sdk.CodeOf(err))
	require.EqualValues(t, 1, asked.Load())
}

func TestEndOfTheCallerIsNotTheVendorsFault(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	url, _ := server(t, func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
	_, err := client(t, httpclient.Options{Endpoint: url}).Do(ctx, httpclient.Request{Path: "/x"})
	require.Equal(t, sdk.CodeUnavailable, sdk.CodeOf(err))
	require.Equal(t, sdk.FaultHub, sdk.AsError(err).Fault)
}

func TestG12_PagesEnd(t *testing.T) {
	t.Parallel()
	fetch := func(next func(n int) string) (calls *int, err error) {
		calls = new(int)
		_, err = httpclient.All(t.Context(), func(_ context.Context, cursor string) (sdk.Page[int], error) {
			*calls++
			return sdk.Page[int]{Items: []int{*calls}, Next: next(*calls)}, nil
		})
		return calls, err
	}
	calls, err := fetch(func(n int) string { return []string{"a", "b", ""}[n-1] })
	require.NoError(t, err)
	require.Equal(t, 3, *calls)
	calls, err = fetch(func(n int) string { return []string{"a", "b", "a"}[n-1] })
	require.Equal(t, sdk.CodeUpstreamBug, sdk.CodeOf(err))
	require.Equal(t, 3, *calls)
	calls, err = fetch(func(n int) string { return fmt.Sprint(n) })
	require.Equal(t, sdk.CodeUpstreamBug, sdk.CodeOf(err))
	require.Equal(t, httpclient.MaxPages, *calls)
}
