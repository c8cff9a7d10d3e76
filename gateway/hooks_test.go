package gateway_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/reach"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/sdk"
)

// The vendor's worked example.
const (
	vectorSecret = "HeBVky2bccvvkcXPimH8c"
	vectorBody   = `{"job_id":"jid","candidate_id":"cid"}`
	vectorHash   = "2e9291f10d44ca10204a4cd81b05d73b6a316b2b605d4e2e0e0b37b40198ce1f"
)

func vectorHeaders() map[string]string {
	return map[string]string{
		"smartrecruiters-timestamp": "1574080897", "event-id": "123", "event-name": "application.created", "event-version": "v201910",
		"link": "<http://smartrecruiters.com/endpoint>; rel=self", "smartrecruiters-signature": "v1=" + vectorHash,
	}
}

// delivery is a webhook; the zero value is the vendor's example at the
// connection's own address.
type delivery struct {
	body              string
	header            map[string]string
	connection, token string
}

func (c customer) deliver(d delivery) answer {
	c.Helper()
	if d.body == "" {
		d.body = vectorBody
	}
	if d.header == nil {
		d.header = vectorHeaders()
	}
	if d.connection == "" {
		d.connection = c.connection
	}
	if d.token == "" {
		d.token = c.hub().HookToken
	}
	return c.do(request{method: "POST", path: "/hooks/ats/" + d.connection + "/" + d.token, body: d.body, header: d.header})
}

// sign signs a delivery as the ATS does.
func sign(secret, body string, h map[string]string) map[string]string {
	signed := maps.Clone(h)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(strings.Join([]string{h["smartrecruiters-timestamp"], body, h["event-id"], h["event-name"], h["event-version"], h["link"]}, ".")))
	signed["smartrecruiters-signature"] = "v1=" + hex.EncodeToString(mac.Sum(nil))
	return signed
}

func (c customer) hookSecret(name, value string) {
	c.Helper()
	c.write(func(tx *store.Tx) error {
		return c.reach.KeepSecret(tx, c.inside(tx), reach.HookSecret+name, sdk.Secret(value))
	})
}

func (c customer) inside(tx *store.Tx) hub.Connection {
	c.Helper()
	conn, err := tx.Connection(c.tenant.ID, c.connection)
	require.NoError(c, err)
	return conn
}

func (c customer) events() []hub.Event {
	c.Helper()
	var all []hub.Event
	require.NoError(c, c.store.Read(ctx, func(tx *store.Tx) (err error) {
		all, err = tx.Events(c.tenant.ID, store.EventFilter{}, store.Page{Limit: 200})
		return err
	}))
	return all
}

func TestG3_AVerifiedDeliveryIsKeptThenAcknowledged(t *testing.T) {
	t.Parallel()
	c := newRig(t).screening()
	require.Equal(t, 503, c.deliver(delivery{}).status, "no secret yet: send it again")
	c.hookSecret("1", vectorSecret)

	a := c.deliver(delivery{})
	require.Equal(t, 202, a.status, a.body)
	require.Equal(t, 202, c.deliver(delivery{}).status, "a duplicate is acknowledged")
	all := c.events()
	require.Len(t, all, 1)
	e := all[0]
	require.Equal(t, "123", e.Key)
	require.Equal(t, hub.EventRaw, e.Kind)
	require.Equal(t, vectorBody, string(e.Body))
	require.Equal(t, "application.created", e.Headers["event-name"])
	require.NotContains(t, e.Headers, "smartrecruiters-signature")
	require.NotContains(t, e.Headers, "user-agent")
	c.write(func(tx *store.Tx) error {
		_, err := tx.WorkOf(hub.WorkEvent, e.ID)
		return err
	})
}

func TestOnlySignedDeliveriesLeaveATrace(t *testing.T) {
	t.Parallel()
	c := newRig(t).screening()
	c.hookSecret("1", "an older secret")
	c.hookSecret("2", vectorSecret)
	with := func(name, value string) map[string]string {
		h := vectorHeaders()
		if value == "" {
			delete(h, name)
		} else {
			h[name] = value
		}
		return h
	}
	other := sign("somebody else's", vectorBody, vectorHeaders())["smartrecruiters-signature"]
	for name, d := range map[string]struct {
		delivery
		status int
	}{
		"the vendor's example":              {delivery{}, 202},
		"one of several segments":           {delivery{header: with("smartrecruiters-signature", other+";v1="+vectorHash)}, 202},
		"a future scheme beside ours":       {delivery{header: with("smartrecruiters-signature", "v2=00;v1="+vectorHash)}, 202},
		"signed with the older secret":      {delivery{header: sign("an older secret", vectorBody, vectorHeaders())}, 202},
		"an absent header counts as empty":  {delivery{header: sign(vectorSecret, vectorBody, with("link", ""))}, 202},
		"the body as the docs print it":     {delivery{body: `{"job_id":"jid","candidate_id": "cid"}`}, 401},
		"no signature":                      {delivery{header: with("smartrecruiters-signature", "")}, 401},
		"another's signature":               {delivery{header: with("smartrecruiters-signature", other)}, 401},
		"without its scheme":                {delivery{header: with("smartrecruiters-signature", vectorHash)}, 401},
		"upper case":                        {delivery{header: with("smartrecruiters-signature", "v1="+strings.ToUpper(vectorHash))}, 401},
		"another event id":                  {delivery{header: with("event-id", "124")}, 401},
		"another event name":                {delivery{header: with("event-name", "job.updated")}, 401},
		"another time":                      {delivery{header: with("smartrecruiters-timestamp", "1574080898")}, 401},
		"another link":                      {delivery{header: with("link", "<http://evil.example>; rel=self")}, 401},
		"unknown connection":                {delivery{connection: "con_unknown"}, 404},
		"wrong token":                       {delivery{token: strings.Repeat("A", 32)}, 404},
		"compressed":                        {delivery{header: with("content-encoding", "gzip")}, 415},
		"a handshake nobody is waiting for": {delivery{header: with("x-hook-secret", "prove it")}, 404},
	} {
		require.Equal(t, d.status, c.deliver(d.delivery).status, name)
	}
	for _, e := range c.events() {
		require.Equal(t, "123", e.Key, "nothing unverified was recorded")
	}
	require.Len(t, c.events(), 1)

	unknown := c.deliver(delivery{connection: "con_unknown"})
	wrong := c.deliver(delivery{token: "wrong"})
	require.Equal(t, unknown.problem(404, "not_found").Detail, wrong.problem(404, "not_found").Detail)
	metrics := c.do(request{method: "GET", path: "/metrics"}).body
	require.Contains(t, metrics, `atshub_deliveries_total{outcome="bad_signature",source="webhook"} 9`)
	require.NotContains(t, metrics, c.connection)
}

func TestAnUnsignedEventIDCannotUseUpAnother(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.ats.scheme.SignedParts = []string{"body"}
	c := r.screening()
	c.hookSecret("1", vectorSecret)
	signBody := func(body string) string {
		mac := hmac.New(sha256.New, []byte(vectorSecret))
		mac.Write([]byte(body))
		return "v1=" + hex.EncodeToString(mac.Sum(nil))
	}
	h := map[string]string{"event-id": "125", "smartrecruiters-signature": signBody(vectorBody)}
	require.Equal(t, 202, c.deliver(delivery{header: h}).status, "a captured delivery under a future id")
	real := `{"job_id":"real"}`
	h = map[string]string{"event-id": "125", "smartrecruiters-signature": signBody(real)}
	require.Equal(t, 202, c.deliver(delivery{header: h, body: real}).status)
	require.Len(t, c.events(), 2)
}

func TestG3_NoFalse202(t *testing.T) {
	t.Parallel()
	c := newRig(t).screening()
	c.hookSecret("1", vectorSecret)
	d := delivery{token: c.hub().HookToken}
	require.Equal(t, 202, c.deliver(d).status)
	require.NoError(t, c.store.Close())
	for i := range 3 {
		h := vectorHeaders()
		h["event-id"] = fmt.Sprint("later-", i)
		d.header = sign(vectorSecret, vectorBody, h)
		a := c.deliver(d)
		a.problem(503, "unavailable")
		require.NotEmpty(t, a.header.Get("Retry-After"))
	}
	a := c.do(request{method: "GET", path: "/readyz"})
	require.Equal(t, 503, a.status)
	require.Equal(t, 200, c.do(request{method: "GET", path: "/healthz"}).status)
}

func TestG3_AFloodWhileTheDatabaseGoesAwayAcknowledgesOnlyWhatIsKept(t *testing.T) {
	t.Parallel()
	c := newRig(t).screening()
	c.hookSecret("1", vectorSecret)
	token := c.hub().HookToken
	var mu sync.Mutex
	acknowledged := map[string]bool{}
	var all sync.WaitGroup
	began := make(chan struct{})
	for n := range 8 {
		all.Go(func() {
			for i := range 20 {
				h := vectorHeaders()
				h["event-id"] = fmt.Sprint(n, "-", i)
				a := c.deliver(delivery{header: sign(vectorSecret, vectorBody, h), token: token})
				if a.status == 202 {
					mu.Lock()
					acknowledged[h["event-id"]] = true
					if len(acknowledged) == 40 {
						close(began)
					}
					mu.Unlock()
				} else if a.status != 503 {
					t.Errorf("status %d", a.status)
				}
			}
		})
	}
	<-began
	require.NoError(t, c.store.Close())
	all.Wait()

	var err error
	c.store, err = store.Open(ctx, store.Options{URL: c.url})
	require.NoError(t, err)
	defer func() { _ = c.store.Close() }()
	for _, e := range c.events() {
		delete(acknowledged, e.Key)
	}
	require.Empty(t, acknowledged, "acknowledged, but not kept")
}

func TestTheHandshakeIsAnsweredOnlyInFlight(t *testing.T) {
	t.Parallel()
	c := newRig(t).screening()
	window := func(d time.Duration) {
		until := time.Now().Add(d)
		c.write(func(tx *store.Tx) error {
			return tx.SaveSubscription(c.tenant.ID, c.connection, hub.Subscription{ID: "sub", State: "inactive", ActivatingUntil: &until})
		})
	}
	shake := func(value string) answer {
		return c.deliver(delivery{body: "{}", header: map[string]string{"X-Hook-Secret": value}})
	}
	require.Equal(t, 404, shake("prove-it").status)
	window(time.Minute)
	a := shake("prove-it")
	require.Equal(t, 200, a.status)
	require.Equal(t, "prove-it", a.header.Get("X-Hook-Secret"))
	require.Equal(t, 404, shake(strings.Repeat("x", 257)).status)
	require.Equal(t, 404, shake("two words").status)
	require.Equal(t, 404, c.deliver(delivery{token: "wrong", header: map[string]string{"X-Hook-Secret": "prove-it"}}).status)
	window(-time.Second)
	require.Equal(t, 404, shake("prove-it").status)
	require.Empty(t, c.events())
}

func TestG7_AnUninstalledConnectionAnswersGoneWithinASecond(t *testing.T) {
	t.Parallel()
	c := newRig(t).screening()
	c.hookSecret("1", vectorSecret)
	require.Equal(t, 202, c.deliver(delivery{}).status)
	token := c.hub().HookToken
	require.Equal(t, 202, c.call("DELETE", "/connections/"+c.connection, nil).status)
	require.Eventually(t, func() bool { return c.deliver(delivery{token: token}).status == 410 }, time.Second, 20*time.Millisecond)
}

// callback is a change as the product signs it.
func (c customer) callback(secret sdk.Secret, ch product.Change, at time.Time) answer {
	c.Helper()
	body, err := json.Marshal(map[string]any{"type": "candidate." + ch.Kind, "data": ch})
	require.NoError(c, err)
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret.Reveal(), "whsec_"))
	require.NoError(c, err)
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, key)
	mac.Write(bytes.Join([][]byte{[]byte(ch.ID), []byte(stamp), body}, []byte(".")))
	return c.do(request{method: "POST", path: "/hooks/product/" + c.connection + "/" + c.hub().HookToken, body: string(body), header: map[string]string{
		"webhook-id": ch.ID, "webhook-timestamp": stamp, "webhook-signature": "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)),
	}})
}

func TestG4_ACallbackAndTheListGiveTheSameEvent(t *testing.T) {
	t.Parallel()
	c := newRig(t).screening()
	secrets, err := c.reach.SigningSecrets(ctx, c.hub(), reach.CallbackSecret)
	require.NoError(t, err)
	change := product.Change{ID: "chg-1", Kind: product.ChangeResult, JobPostID: "jp", JobPostKey: "lnk_1", CandidateID: "pc", ATSCandidateID: "ann", ATSApplicationID: "app-ann", Score: 4, Comment: "calm", At: time.Now().UTC()}
	require.Equal(t, http.StatusAccepted, c.callback(secrets[0], change, time.Now()).status)
	require.Equal(t, http.StatusAccepted, c.callback(secrets[0], change, time.Now()).status)
	c.write(func(tx *store.Tx) error {
		_, fresh, err := tx.AddEvent(reach.ChangeEvent(c.inside(tx), change))
		require.False(t, fresh)
		return err
	})
	all := c.events()
	require.Len(t, all, 1)
	require.Equal(t, hub.EventProductResult, all[0].Kind)
	require.Equal(t, "ann", all[0].CandidateID)
	require.Equal(t, "chg-1", all[0].Status)
	require.NotContains(t, c.call("GET", "/events", nil).body, "calm", "a comment is about a person")

	require.Equal(t, 401, c.callback(product.NewCallbackSecret(), change, time.Now()).status)
	require.Equal(t, 401, c.callback(secrets[0], change, time.Now().Add(-time.Hour)).status)
	change.Score = 9
	c.callback(secrets[0], change, time.Now()).problem(422, "invalid")
	change.ID = "chg-2"
	require.Equal(t, 1, len(c.events()))
}
