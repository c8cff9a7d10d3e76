package smartrecruiters

// Webhooks: the scheme a hub verifies by, what deliveries tell, subscriptions.

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	simulator "github.com/atshub/atshub/internal/sandbox/smartrecruiters"
	"github.com/atshub/atshub/sdk"
)

// verified is what a hub does with a scheme, by the words of sdk.WebhookScheme.
func verified(s *sdk.WebhookScheme, secret string, headers map[string]string, body string) bool {
	var parts []string
	for _, p := range s.SignedParts {
		if header, ok := strings.CutPrefix(p, "header:"); ok {
			parts = append(parts, headers[header])
		} else {
			parts = append(parts, body)
		}
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(strings.Join(parts, s.PartSep)))
	want := hex.EncodeToString(mac.Sum(nil))
	for segment := range strings.SplitSeq(headers[s.SignatureHeader], s.SegmentSep) {
		if got, ok := strings.CutPrefix(segment, s.SegmentPrefix); ok && hmac.Equal([]byte(got), []byte(want)) {
			return true
		}
	}
	return false
}

func TestSchemeVerifiesTheVendorsExample(t *testing.T) {
	t.Parallel()
	scheme := WebhookScheme("application.created")
	headers := map[string]string{
		"smartrecruiters-timestamp": "1574080897", "event-id": "123", "event-name": "application.created", "event-version": "v201910",
		"link":                      "<http://smartrecruiters.com/endpoint>; rel=self",
		"smartrecruiters-signature": "v1=0000;v1=2e9291f10d44ca10204a4cd81b05d73b6a316b2b605d4e2e0e0b37b40198ce1f",
	}
	const key = "HeBVky2bccvvkcXPimH8c"
	require.True(t, verified(scheme, key, headers, `{"job_id":"jid","candidate_id":"cid"}`))
	require.False(t, verified(scheme, key, headers, `{"job_id":"jid","candidate_id": "cid"}`), "as the vendor prints it")
	require.False(t, verified(scheme, key+"x", headers, `{"job_id":"jid","candidate_id":"cid"}`))
	delete(headers, "link")
	require.False(t, verified(scheme, key, headers, `{"job_id":"jid","candidate_id":"cid"}`))
	require.Equal(t, 202, scheme.SuccessStatus)
	require.Equal(t, 200, scheme.HandshakeStatus)
}

func TestG4_DeliveriesTellIdsAndOneKey(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		event, body string
		want        sdk.Event
	}{
		{"application.status.updated", `{"job_id":"j","candidate_id":"c","application_id":"a"}`, sdk.Event{Kind: sdk.EventApplicationChanged, JobID: "j", CandidateID: "c", ApplicationID: "a"}},
		{"application.attachment.created", `{"job_id":"j","candidate_id":"c","application_id":"a","attachment_id":"x"}`, sdk.Event{Kind: sdk.EventOther, JobID: "j", CandidateID: "c", ApplicationID: "a"}},
		{"job.updated", `{"id":"j"}`, sdk.Event{Kind: sdk.EventJobChanged, JobID: "j"}},
		{"candidate.updated", `{"id":"c"}`, sdk.Event{Kind: sdk.EventCandidateChanged, CandidateID: "c"}},
		{"candidate.deleted", `{"id":"c"}`, sdk.Event{Kind: sdk.EventCandidateDeleted, CandidateID: "c"}},
		{"review.created", `{"application_id":"a","review_id":"r"}`, sdk.Event{Kind: sdk.EventReviewChanged, ApplicationID: "a", ReviewID: "r"}},
		{"interview.canceled", `{"interview_id":"i","application_id":"a","candidate_id":"c","company_id":"x"}`, sdk.Event{Kind: sdk.EventInterviewChanged, InterviewID: "i", ApplicationID: "a", CandidateID: "c"}},
		{"position.created", `{"job_id":"j","position_id":"p"}`, sdk.Event{Kind: sdk.EventOther, JobID: "j"}},
		{"something.new", `{"x":1}`, sdk.Event{Kind: sdk.EventOther}},
	} {
		c.want.Key, c.want.Source = "e-1", c.event
		for _, attempt := range []string{"1", "2"} {
			got, err := Webhooks{}.ParseWebhook(t.Context(), sdk.Delivery{Body: []byte(c.body),
				Headers: map[string]string{"event-id": "e-1", "event-name": c.event, "smartrecruiters-timestamp": attempt}})
			require.NoError(t, err, c.event)
			require.Equal(t, []sdk.Event{c.want}, got.Items)
		}
	}
	for _, body := range []string{`{}`, `{"id":"c"}`, `{"job_id":"j"}`, `{"application_id":["a"]}`, `{"application_id":"` + strings.Repeat("a", 300) + `"}`, `{`, ``} {
		_, err := Webhooks{}.ParseWebhook(t.Context(), sdk.Delivery{Body: []byte(body), Headers: map[string]string{"event-id": "e", "event-name": "application.created"}})
		require.Equal(t, sdk.CodeInvalid, sdk.CodeOf(err), body)
	}
}

// hook is a customer's callback that knows the handshake.
func hook(t *testing.T, scheme *sdk.WebhookScheme, answer func() int) (*httptest.Server, chan sdk.Delivery) {
	got := make(chan sdk.Delivery, 16)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if v := r.Header.Get(scheme.HandshakeHeader); v != "" {
			w.Header().Set(scheme.HandshakeHeader, v)
			w.WriteHeader(scheme.HandshakeStatus)
			return
		}
		body, _ := io.ReadAll(r.Body)
		d := sdk.Delivery{Headers: map[string]string{}, Body: body}
		for k := range r.Header {
			d.Headers[strings.ToLower(k)] = r.Header.Get(k)
		}
		w.WriteHeader(answer())
		got <- d
	}))
	t.Cleanup(server.Close)
	return server, got
}

func TestSubscriptionFromCreationToLog(t *testing.T) {
	t.Parallel()
	scheme := WebhookScheme("application.created", "application.status.updated")
	var calls atomic.Int64
	server, got := hook(t, scheme, func() int {
		if calls.Add(1) == 1 {
			return http.StatusInternalServerError
		}
		return http.StatusAccepted
	})
	b := newBench(t, func(o *simulator.Options) { o.Client, o.TimeScale = server.Client(), 6000 })
	w := NewWebhooks(b.client())

	sub, err := w.Subscribe(b.ctx(), sdk.SubscribeRequest{CallbackURL: server.URL + "/h", Events: scheme.Events, AlertEmail: "ops@example.com"})
	require.NoError(t, err)
	require.False(t, sub.Active)
	for range 2 { // activating again succeeds
		_, err = w.Activate(b.ctx(), sdk.SubscriptionRef{ID: sub.ID})
		require.NoError(t, err)
	}
	all, err := w.ListSubscriptions(b.ctx(), sdk.SubscriptionQuery{})
	require.NoError(t, err)
	require.True(t, all.Items[0].Active)
	require.Equal(t, scheme.Events, all.Items[0].Events)

	ada := b.apply("ada")
	first, second := <-got, <-got
	for _, d := range []sdk.Delivery{first, second} {
		require.True(t, verified(scheme, sub.Secret.Reveal(), d.Headers, string(d.Body)))
		events, err := w.ParseWebhook(b.ctx(), d)
		require.NoError(t, err)
		require.Equal(t, ada.ApplicationID, events.Items[0].ApplicationID)
		require.Equal(t, first.Headers["event-id"], events.Items[0].Key)
	}
	require.NoError(t, b.sim.Settle(b.ctx()))
	log, err := w.ListDeliveries(b.ctx(), sdk.DeliveryQuery{SubscriptionID: sub.ID})
	require.NoError(t, err)
	require.Equal(t, []bool{true, false}, []bool{log.Items[0].OK, log.Items[1].OK}, "newest first")
	failed, err := w.ListDeliveries(b.ctx(), sdk.DeliveryQuery{SubscriptionID: sub.ID, FailedOnly: true})
	require.NoError(t, err)
	require.Len(t, failed.Items, 1)
	events, err := w.ParseWebhook(b.ctx(), failed.Items[0].Delivery)
	require.NoError(t, err)
	require.Equal(t, first.Headers["event-id"], events.Items[0].Key, "a logged delivery reads like a received one")
}

func TestG7_AllSubscriptionsAreFoundAndGone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := NewWebhooks(b.client())
	request := sdk.SubscribeRequest{CallbackURL: "https://hub.example/h", Events: []string{"job.updated"}}
	// Without a secret nothing stays behind.
	remove := b.sim.Inject(simulator.Fault{Kind: simulator.FaultStatus, Path: webhooksAPI + "/subscriptions/*/secret-key", Status: http.StatusInternalServerError})
	_, err := w.Subscribe(b.ctx(), request)
	require.Equal(t, sdk.CodeUpstreamDown, sdk.CodeOf(err))
	require.Equal(t, sdk.NotDone, sdk.AsError(err).Outcome)
	remove()
	all, err := w.ListSubscriptions(b.ctx(), sdk.SubscriptionQuery{})
	require.NoError(t, err)
	require.Empty(t, all.Items)

	sub, err := w.Subscribe(b.ctx(), request)
	require.NoError(t, err)
	_, err = w.Activate(b.ctx(), sdk.SubscriptionRef{ID: sub.ID})
	require.Equal(t, sdk.CodePreconditionFailed, sdk.CodeOf(err), "nobody answers the handshake")
	for range 2 {
		_, err = w.Unsubscribe(b.ctx(), sdk.SubscriptionRef{ID: sub.ID})
		require.NoError(t, err)
	}
	for range 20 {
		_, err = w.Subscribe(b.ctx(), request)
		require.NoError(t, err)
	}
	_, err = w.Subscribe(b.ctx(), request)
	require.Equal(t, sdk.CodeConflict, sdk.CodeOf(err))
	require.ErrorContains(t, err, "20")
}

func TestSubscriptionsOverManyPages(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("page_id") {
		case "":
			w.Header().Set("Link", `<https://elsewhere.example/subscriptions?limit=100&page_id=p%2B2>; rel="next"`)
			_, _ = w.Write([]byte(`[{"id":"1","callbackUrl":"https://a.example","events":[],"status":"active"}]`))
		case "p+2":
			_, _ = w.Write([]byte(`[{"id":"2","callbackUrl":"https://b.example","events":[],"status":"inactive"}]`))
		default:
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	t.Cleanup(server.Close)
	b := newBench(t)
	b.url = server.URL
	all, err := NewWebhooks(b.client()).ListSubscriptions(b.ctx(), sdk.SubscriptionQuery{})
	require.NoError(t, err)
	require.Len(t, all.Items, 2)
	require.Equal(t, []string{"1", "2"}, []string{all.Items[0].ID, all.Items[1].ID})
}

func TestTimesAreInstants(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 3, 2, 9, 0, 0, 5e6, time.UTC)
	for _, s := range []string{`"2026-03-02T09:00:00.005Z"`, `"2026-03-02T10:00:00.005+01:00"`, `"2026-03-02T10:00:00.005+0100"`} {
		var i instant
		require.NoError(t, i.UnmarshalJSON([]byte(s)), s)
		require.Equal(t, want, i.Time, s)
	}
	for _, s := range []string{`"2026-03-02T09:00:00.005"`, `"soon"`, `1772442000`} {
		require.Error(t, new(instant).UnmarshalJSON([]byte(s)), s)
	}
}
