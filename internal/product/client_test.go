package product_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/sandbox/receiver"
	"github.com/atshub/atshub/sdk"
)

// TestG12_BadAnswersAreToldByWhatWasDone puts a product that misbehaves behind
// a read and a write.
func TestG12_BadAnswersAreToldByWhatWasDone(t *testing.T) {
	t.Parallel()
	const plain, problem = "application/json", "application/problem+json"
	for name, c := range map[string]struct {
		status     int
		kind, body string
		code       product.Code
		write      sdk.Outcome
	}{
		"nonsense":          {200, plain, "<html>canary", product.CodeBadAnswer, sdk.OutcomeUnknown},
		"half":              {200, plain, `{"key":"join:1","state":"ar`, product.CodeBadAnswer, sdk.OutcomeUnknown},
		"two values":        {200, plain, `{"state":"armed"}{"state":"done"}`, product.CodeBadAnswer, sdk.OutcomeUnknown},
		"unknown state":     {200, plain, `{"key":"join:1","state":"canary","fence":1}`, product.CodeBadAnswer, sdk.OutcomeUnknown},
		"not JSON":          {200, "text/html", `{"key":"join:1","state":"armed","fence":1}`, product.CodeBadAnswer, sdk.OutcomeUnknown},
		"too big":           {200, plain, `{"state":"armed","reason":"` + strings.Repeat("x", 9<<20) + `"}`, product.CodeBadAnswer, sdk.OutcomeUnknown},
		"redirect":          {302, "", "", product.CodeBadAnswer, sdk.NotDone},
		"down":              {503, problem, `{"code":"not_found","detail":"canary"}`, product.CodeUnavailable, sdk.OutcomeUnknown},
		"proxy":             {502, "text/html", "canary", product.CodeUnavailable, sdk.OutcomeUnknown},
		"too many":          {429, problem, `{"code":"rate_limited"}`, product.CodeRateLimited, sdk.NotDone},
		"in progress":       {409, problem, `{"code":"in_progress"}`, product.CodeInProgress, sdk.OutcomeUnknown},
		"unknown code":      {422, problem, `{"code":"canary","detail":"canary@mail.example"}`, product.CodeInvalid, sdk.NotDone},
		"no problem at all": {404, "text/html", "canary", product.CodeNotFound, sdk.NotDone},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				require.NotEqual(t, "/elsewhere", r.URL.Path, "redirects are not followed")
				w.Header().Set("Content-Type", c.kind)
				w.Header().Set("Location", "/elsewhere")
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			}))
			client, err := product.NewCapture(target, serviceToken, product.Options{})
			require.NoError(t, err)
			_, err = client.Join(t.Context(), organisation, "join:1")
			read := c.write
			if read == sdk.OutcomeUnknown && c.code != product.CodeInProgress {
				read = sdk.NotDone
			}
			requireError(t, err, c.code, read)
			_, err = client.CancelJoin(t.Context(), organisation, product.Effect{Key: "v1-0123456789abcdef", NotAfter: time.Now().Add(time.Minute), Fence: 1}, "join:1")
			e := requireError(t, err, c.code, c.write)
			require.Equal(t, c.status, e.Status)
			if c.status >= 400 {
				require.Equal(t, 7*time.Second, e.RetryAfter)
			}
		})
	}
}

func TestG12_SilentProductIsGivenUpOn(t *testing.T) {
	t.Parallel()
	b := newCapture(t)
	impatient, err := product.NewCapture(serve(t, b.referee), serviceToken, product.Options{Now: b.clock.now, Timeout: 30 * time.Millisecond})
	require.NoError(t, err)
	b.sim.Inject(receiver.Fault{Delay: 200 * time.Millisecond, Times: 1})
	_, err = impatient.CancelJoin(t.Context(), organisation, b.effect(1), "join:1")
	requireError(t, err, product.CodeUnavailable, sdk.OutcomeUnknown)
	require.ErrorIs(t, err, context.DeadlineExceeded)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = impatient.CancelJoin(ctx, organisation, b.effect(1), "join:1")
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, sdk.NotDone, product.AsError(err).Outcome)

	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	gone, err := product.NewCapture("http://"+l.Addr().String(), serviceToken, product.Options{Now: b.clock.now})
	require.NoError(t, err)
	_, err = gone.CancelJoin(t.Context(), organisation, b.effect(1), "join:1")
	requireError(t, err, product.CodeUnavailable, sdk.NotDone)
}

func TestClientRefusesWhatIsNotSafeToSend(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "ftp://x", "http://elsewhere.example", "https://a:b@x.example", "https://x.example?a=b", "https://"} {
		_, err := product.NewCapture(address, serviceToken, product.Options{})
		var f *product.FileError
		require.True(t, errors.As(err, &f), address)
	}
	c, err := product.NewCapture("https://x.example", serviceToken, product.Options{})
	require.NoError(t, err)
	soon := time.Now().Add(time.Minute)
	for _, e := range []product.Effect{{NotAfter: soon}, {Key: "v1-0123456789abcdef"}, {Key: "v1-0123456789abcdef", NotAfter: soon, Fence: -1}} {
		_, err := c.CancelJoin(t.Context(), organisation, e, "join:1")
		require.Equal(t, sdk.FaultHub, requireError(t, err, product.CodeInvalid, sdk.NotDone).Fault)
	}
}

func TestKeysOfDifferentRequestsDiffer(t *testing.T) {
	t.Parallel()
	require.Equal(t, product.Key("a", "b"), product.Key("a", "b"))
	require.NotEqual(t, product.Key("ab", "c"), product.Key("a", "bc"))
	require.Regexp(t, `^[A-Za-z0-9._~:-]{16,200}$`, product.Key())
}

// TestG4_CallbacksAreSignedRetriedAndVerified lets the product post changes to
// a hub that first is down.
func TestG4_CallbacksAreSignedRetriedAndVerified(t *testing.T) {
	t.Parallel()
	b := newScreening(t)
	secret := product.NewCallbackSecret()
	type delivery struct {
		header http.Header
		body   []byte
	}
	got := make(chan delivery, 8)
	var tries atomic.Int32
	hub := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- delivery{r.Header.Clone(), body}
		if tries.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	require.NoError(t, b.client.PutCallback(t.Context(), b.login, b.effect(1), "conn-1", hub+"/in", secret))
	invited, err := b.client.Invite(t.Context(), b.login, b.effect(1), b.post(t).ID, candidate("1"))
	require.NoError(t, err)
	go b.sim.Run(t.Context())
	b.sim.MuteCallbacks(true)
	require.NoError(t, b.sim.SetStatus(invited.CandidateID, "Interview"))
	b.sim.MuteCallbacks(false)
	require.NoError(t, b.sim.SetStatus(invited.CandidateID, "Shortlist"))

	first, second := <-got, <-got
	require.Equal(t, first.header.Get("Webhook-Id"), second.header.Get("Webhook-Id"))
	change, err := product.VerifyCallback(secret, second.header, second.body, b.clock.now())
	require.NoError(t, err)
	require.Equal(t, "shortlist", change.Status, "the muted one is in the list only")
	page, err := b.client.Changes(t.Context(), b.login, "", 0)
	require.NoError(t, err)
	require.Len(t, page.Items, 2)
	require.Equal(t, change, page.Items[1])
	requireCallbackInContract(t, second.body)

	bad := func(h http.Header, body []byte, s sdk.Secret, at time.Time) {
		_, err := product.VerifyCallback(s, h, body, at)
		requireError(t, err, product.CodeBadSignature, sdk.NotDone)
	}
	with := func(name, value string) http.Header {
		h := second.header.Clone()
		h.Set(name, value)
		return h
	}
	now := b.clock.now()
	bad(second.header, second.body, product.NewCallbackSecret(), now)
	bad(second.header, second.body, "", now)
	bad(second.header, append([]byte(" "), second.body...), secret, now)
	bad(second.header, second.body, secret, now.Add(6*time.Minute))
	bad(second.header, second.body, secret, now.Add(-6*time.Minute))
	bad(with("Webhook-Id", "chg_other"), second.body, secret, now)
	bad(with("Webhook-Timestamp", "soon"), second.body, secret, now)
	bad(with("Webhook-Signature", ""), second.body, secret, now)
	bad(with("Webhook-Signature", strings.Replace(second.header.Get("Webhook-Signature"), "v1,", "v2,", 1)), second.body, secret, now)
	rotated := "v1," + base64.StdEncoding.EncodeToString(make([]byte, 32)) + " " + second.header.Get("Webhook-Signature")
	_, err = product.VerifyCallback(secret, with("Webhook-Signature", rotated), second.body, now)
	require.NoError(t, err, "one good signature of several is enough")

	require.NoError(t, b.client.DeleteCallback(t.Context(), b.login, b.effect(1), "conn-1"))
	require.NoError(t, b.client.DeleteCallback(t.Context(), b.login, b.effect(1), "conn-1"))
	require.NoError(t, b.sim.SetStatus(invited.CandidateID, "Hire"))
	require.Empty(t, got)
}

func requireCallbackInContract(t *testing.T, body []byte) {
	t.Helper()
	raw, err := product.Contract(product.KindScreening)
	require.NoError(t, err)
	doc, err := openapi3.NewLoader().LoadFromData(raw)
	require.NoError(t, err)
	var v any
	require.NoError(t, json.Unmarshal(body, &v))
	require.NoError(t, doc.Components.Schemas["CallbackBody"].Value.VisitJSON(v))
}
