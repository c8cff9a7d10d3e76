// Webhooks: handshake, signature, the 202 rule, redelivery and everything that is not promised.

package smartrecruiters

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The vendor's worked example; its printed body with a blank does not verify.
func TestSignatureOfTheVendorsExample(t *testing.T) {
	t.Parallel()
	sign := func(body string) string {
		return Sign("HeBVky2bccvvkcXPimH8c", "1574080897", body, "123", "application.created", "v201910",
			"<http://smartrecruiters.com/endpoint>; rel=self")
	}
	const documented = "2e9291f10d44ca10204a4cd81b05d73b6a316b2b605d4e2e0e0b37b40198ce1f"
	require.Equal(t, documented, sign(`{"job_id":"jid","candidate_id":"cid"}`))
	require.NotEqual(t, documented, sign(`{"job_id":"jid","candidate_id": "cid"}`))
}

func TestStatusMoveIsDeliveredAsIdsOnly(t *testing.T) {
	t.Parallel()
	hook := newReceiver(t)
	w := newWorld(t, trusting(hook))
	ada := w.apply("Ada")
	id := w.subscribe(hook.URL, "application.status.updated", "candidate.deleted")
	var key struct{ SecretKey string }
	w.do("POST", webhooksAPI+"/subscriptions/"+id+"/secret-key", nil).json(t, &key)

	require.NoError(t, w.co.Move(ada.CandidateID, w.job, InReview, "Screening"))
	w.settle()
	require.NoError(t, w.co.DeleteCandidate(ada.CandidateID))
	w.settle()

	got := hook.all()
	require.Len(t, got, 2)
	h := got[0].header
	require.JSONEq(t, `{"job_id":"`+w.job+`","candidate_id":"`+ada.CandidateID+`","application_id":"`+ada.ApplicationID+`"}`, got[0].body)
	require.Equal(t, "application.status.updated", h.Get("event-name"))
	require.True(t, strings.HasPrefix(h.Get("Link"), "<https://api.smartrecruiters.com/candidates/"), h.Get("Link"))
	require.Equal(t, "v1="+Sign(key.SecretKey, h.Get("smartrecruiters-timestamp"), got[0].body, h.Get("event-id"),
		h.Get("event-name"), h.Get("event-version"), h.Get("Link")), h.Get("smartrecruiters-signature"))
	require.Empty(t, got[1].header.Get("Link"), "candidate.deleted has no Link")
}

func TestOnly202Acknowledges(t *testing.T) {
	t.Parallel()
	hook := newReceiver(t)
	hook.statuses = []int{200, 204, 302, 500}
	w := newWorld(t, trusting(hook))
	w.subscribe(hook.URL, "candidate.created")
	w.apply("Ada")
	w.settle()
	got := hook.all()
	require.Len(t, got, 5)
	for _, one := range got {
		require.Equal(t, got[0].header.Get("event-id"), one.header.Get("event-id"), "redeliveries keep the event-id")
	}
}

func TestDeliveryGivesUpAfterTenRedeliveries(t *testing.T) {
	t.Parallel()
	hook := newReceiver(t)
	for range 20 {
		hook.statuses = append(hook.statuses, 500)
	}
	w := newWorld(t, trusting(hook), func(o *Options) { o.TimeScale = 6e6 })
	id := w.subscribe(hook.URL, "candidate.created")
	w.apply("Ada")
	w.settle()
	require.Len(t, hook.all(), 11)
	var log []struct{ Status string }
	w.do("GET", webhooksAPI+"/subscriptions/"+id+"/callbacks-log?limit=100&callbackStatus=failed", nil).json(t, &log)
	require.Len(t, log, 11)
}

func TestSlowAcknowledgementIsAFailureAndADuplicate(t *testing.T) {
	t.Parallel()
	hook := newReceiver(t)
	release := make(chan struct{})
	hook.stall = release
	w := newWorld(t, trusting(hook), func(o *Options) { o.AckTimeout = 50 * time.Millisecond })
	w.subscribe(hook.URL, "candidate.created")
	w.apply("Ada")
	w.settle()
	close(release)
	require.Eventually(t, func() bool { return len(hook.all()) == 2 }, 5*time.Second, time.Millisecond)
	got := hook.all()
	require.Equal(t, got[0].header.Get("event-id"), got[1].header.Get("event-id"))
}

func TestActivationNeedsTheEchoedSecret(t *testing.T) {
	t.Parallel()
	hook := newReceiver(t)
	hook.noEcho = true
	w := newWorld(t, trusting(hook))
	var sub struct{ ID string }
	w.do("POST", webhooksAPI+"/subscriptions", obj{"callbackUrl": hook.URL, "events": []string{"job.created"}}).json(t, &sub)
	path := webhooksAPI + "/subscriptions/" + sub.ID + "/activation"
	require.Equal(t, 424, w.do("PUT", path, nil).status)
	hook.mu.Lock()
	hook.noEcho = false
	hook.mu.Unlock()
	require.Equal(t, 204, w.do("PUT", path, nil).status)
	require.Equal(t, 409, w.do("PUT", path, nil).status)
}

func TestSlowHandshakeFails(t *testing.T) {
	t.Parallel()
	never := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(never.Close)
	w := newWorld(t, func(o *Options) { o.Client, o.HandshakeTimeout = never.Client(), 20*time.Millisecond })
	var sub struct{ ID string }
	w.do("POST", webhooksAPI+"/subscriptions", obj{"callbackUrl": never.URL, "events": []string{"job.created"}}).json(t, &sub)
	require.Equal(t, 424, w.do("PUT", webhooksAPI+"/subscriptions/"+sub.ID+"/activation", nil).status)
	require.NotEmpty(t, w.sim.Record().Entries(KindHandshake)[0].Error)
}

func TestSelfSignedReceiverIsRefused(t *testing.T) {
	t.Parallel()
	hook := newReceiver(t)
	w := newWorld(t) // does not trust the receiver's certificate
	var sub struct{ ID string }
	w.do("POST", webhooksAPI+"/subscriptions", obj{"callbackUrl": hook.URL, "events": []string{"job.created"}}).json(t, &sub)
	require.Equal(t, 424, w.do("PUT", webhooksAPI+"/subscriptions/"+sub.ID+"/activation", nil).status)
}

func TestSubscriptionRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	create := func(body obj) int { return w.do("POST", webhooksAPI+"/subscriptions", body).status }
	require.Equal(t, 422, create(obj{"callbackUrl": "http://example.com", "events": []string{"job.created"}}))
	require.Equal(t, 422, create(obj{"callbackUrl": "https://example.com", "events": []string{"job.exploded"}}))
	require.Equal(t, 400, create(obj{"callbackUrl": "https://example.com", "events": []string{}}))
	require.Equal(t, 422, create(obj{"callbackUrl": "https://example.com", "events": []string{"job.created"},
		"callbackAuthentication": obj{"type": "header", "headerName": "Authorization", "headerValue": "v"}}))
	for range 20 {
		require.Equal(t, 201, create(obj{"callbackUrl": "https://example.com", "events": []string{"job.created"}}))
	}
	r := w.do("POST", webhooksAPI+"/subscriptions", obj{"callbackUrl": "https://example.com", "events": []string{"job.created"}})
	require.Equal(t, 403, r.status)
	require.Contains(t, r.body, "SUBSCRIPTIONS_LIMIT_EXCEEDED")

	var seen int
	for path := webhooksAPI + "/subscriptions?limit=7"; path != ""; {
		r := w.do("GET", path, nil)
		var page []struct{ ID string }
		r.json(t, &page)
		seen += len(page)
		path, _, _ = strings.Cut(strings.TrimPrefix(r.header.Get("Link"), "<"), ">")
		require.True(t, path == "" || strings.Contains(path, "page_id="), path)
	}
	require.Equal(t, 20, seen)
}

func TestOldSecretKeySignsForOneMoreDay(t *testing.T) {
	t.Parallel()
	hook := newReceiver(t)
	w := newWorld(t, trusting(hook))
	id := w.subscribe(hook.URL, "candidate.created")
	path := webhooksAPI + "/subscriptions/" + id + "/secret-key"
	for range 2 {
		require.Equal(t, 201, w.do("POST", path, nil).status)
	}
	segments := func() int {
		w.apply("Ada")
		w.settle()
		got := hook.all()
		return len(strings.Split(got[len(got)-1].header.Get("smartrecruiters-signature"), ";"))
	}
	require.Equal(t, 2, segments())
	w.clock.advance(25 * time.Hour)
	require.Equal(t, 1, segments())
	for range 15 {
		require.Equal(t, 201, w.do("POST", path, nil).status)
	}
	require.Contains(t, w.do("POST", path, nil).body, "SECRET_KEYS_LIMIT_EXCEEDED")
}

func TestEventsCanBeDroppedDuplicatedHeldAndSentAgain(t *testing.T) {
	t.Parallel()
	hook := newReceiver(t)
	w := newWorld(t, trusting(hook))
	w.subscribe(hook.URL, "candidate.created")
	w.sim.OnEvent(EventRule{Event: "candidate.*", Drop: true, Count: 1})
	w.sim.OnEvent(EventRule{Event: "candidate.*", Copies: 2, Count: 1})
	w.apply("Dropped")
	w.apply("Doubled")
	w.settle()
	got := hook.all()
	require.Len(t, got, 3)
	require.Equal(t, got[0].header.Get("event-id"), got[2].header.Get("event-id"))

	w.sim.HoldEvents()
	first, second := w.apply("First"), w.apply("Second")
	w.sim.ReleaseEvents(true)
	w.settle()
	got = hook.all()
	require.Contains(t, got[3].body, second.CandidateID)
	require.Contains(t, got[4].body, first.CandidateID)
	w.sim.Redeliver(got[4].header.Get("event-id"))
	w.settle()
	require.Equal(t, got[4].body, hook.all()[5].body)
}

func TestCallbacksCarryTheSubscribersOwnAuthentication(t *testing.T) {
	t.Parallel()
	hook := newReceiver(t)
	tokens := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("client_secret") == "cs" {
			_, _ = w.Write([]byte(`{"access_token":"abc","token_type":"bearer"}`))
		}
	}))
	t.Cleanup(tokens.Close)
	// httptest servers share one certificate, so the receiver's client trusts both.
	w := newWorld(t, trusting(hook))
	for _, auth := range []obj{
		{"type": "basic", "username": "u", "password": "p"},
		{"type": "header", "headerName": "X-Door", "headerValue": "open"},
		{"type": "oauth2", "clientId": "ci", "clientSecret": "cs", "tokenServiceUrl": tokens.URL},
	} {
		var sub struct{ ID string }
		w.do("POST", webhooksAPI+"/subscriptions", obj{"callbackUrl": hook.URL, "events": []string{"candidate.created"},
			"callbackAuthentication": auth}).json(t, &sub)
		require.Equal(t, 204, w.do("PUT", webhooksAPI+"/subscriptions/"+sub.ID+"/activation", nil).status)
	}
	w.apply("Ada")
	w.settle()
	seen := map[string]bool{}
	for _, one := range hook.all() {
		seen[one.header.Get("Authorization")+one.header.Get("X-Door")] = true
	}
	require.Equal(t, map[string]bool{"Basic dTpw": true, "open": true, "Bearer abc": true}, seen)
}

func TestFailingSubscriptionIsSuspended(t *testing.T) {
	t.Parallel()
	hook := newReceiver(t)
	hook.statuses = []int{500, 500, 500}
	w := newWorld(t, trusting(hook), func(o *Options) { o.SuspendAfter = 3 })
	id := w.subscribe(hook.URL, "candidate.created")
	w.apply("Ada")
	w.settle()
	require.Len(t, hook.all(), 3)
	require.Contains(t, w.do("GET", webhooksAPI+"/subscriptions/"+id, nil).body, `"status":"inactive"`)
	require.Equal(t, 204, w.do("PUT", webhooksAPI+"/subscriptions/"+id+"/activation", nil).status)
}

func TestCallbacksLogReachesThirtyDaysBack(t *testing.T) {
	t.Parallel()
	hook := newReceiver(t)
	w := newWorld(t, trusting(hook))
	id := w.subscribe(hook.URL, "candidate.created")
	count := func() int {
		var log []obj
		w.do("GET", webhooksAPI+"/subscriptions/"+id+"/callbacks-log", nil).json(t, &log)
		return len(log)
	}
	w.apply("Old")
	w.settle()
	require.Equal(t, 1, count())
	w.clock.advance(31 * 24 * time.Hour)
	require.Equal(t, 0, count())
}
