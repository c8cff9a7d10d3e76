package smartrecruiters

// What is promised towards the vendor: limits kept, tokens shared, records
// refused without losing the session.

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	simulator "github.com/atshub/atshub/internal/sandbox/smartrecruiters"
	"github.com/atshub/atshub/sdk"
	"github.com/atshub/atshub/sdk/httpclient"
)

// gauge counts what is in flight, all in all and per path, and when it came.
type gauge struct {
	next http.Handler

	mu         sync.Mutex
	now, most  int
	list, lmax int
	at         []time.Time
}

func (g *gauge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	list := r.Method == http.MethodGet && r.URL.Path == "/candidates"
	g.add(1, list)
	defer g.add(-1, list)
	g.next.ServeHTTP(w, r)
}

func (g *gauge) add(n int, list bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now += n
	g.most = max(g.most, g.now)
	if list {
		g.list += n
		g.lmax = max(g.lmax, g.list)
	}
	if n > 0 {
		g.at = append(g.at, time.Now())
	}
}

// busiest is the most arrivals in any rolling second.
func (g *gauge) busiest() (most int) {
	for i, t := range g.at {
		n, _ := slices.BinarySearchFunc(g.at[i:], t.Add(time.Second), time.Time.Compare)
		most = max(most, n)
	}
	return most
}

// TestG12_BudgetsAreKept lets three sessions with one credential ask as much as
// they can of a slow SmartRecruiters that answers 429 to the first one too many.
func TestG12_BudgetsAreKept(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *simulator.Options) { o.Rate = 10 })
	ada := b.apply("ada")
	g := &gauge{next: b.sim}
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	b.url = server.URL
	// Slow enough that eight at once are reached at nine a second.
	remove := b.sim.Inject(simulator.Fault{Kind: simulator.FaultDelay, Delay: 1200 * time.Millisecond})
	defer remove()

	var group errgroup.Group
	for range 3 {
		core := Core{b.client()}
		for i := range 8 {
			group.Go(func() error {
				if i%4 == 0 {
					_, err := core.ListApplications(b.ctx(), sdk.ApplicationQuery{JobID: b.job})
					return err
				}
				_, err := core.ReadApplication(b.ctx(), sdk.ApplicationRef{CandidateID: ada.CandidateID, JobID: b.job})
				return err
			})
		}
	}
	require.NoError(t, group.Wait())
	require.Equal(t, 8, g.most, "eight at once are allowed and used")
	require.Equal(t, 1, g.lmax)
	require.LessOrEqual(t, g.busiest(), 10)
	for _, e := range b.requests("", "") {
		require.NotEqual(t, http.StatusTooManyRequests, e.Status, "a budget that is kept is never refused")
	}
}

func TestG12_429IsWaitedOutAndThenTold(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	core := Core{b.client()}
	b.sim.Inject(simulator.Fault{Kind: simulator.FaultRateLimited, Path: "/jobs", Count: 2})
	_, err := core.ListJobs(b.ctx(), sdk.JobQuery{})
	require.NoError(t, err, "two refusals are waited out")
	require.Len(t, b.requests(http.MethodGet, "/jobs"), 3)

	b.sim.Inject(simulator.Fault{Kind: simulator.FaultRateLimited, Path: "/jobs"})
	ctx, cancel := context.WithTimeout(b.ctx(), 700*time.Millisecond)
	defer cancel()
	_, err = core.ListJobs(ctx, sdk.JobQuery{})
	require.Equal(t, sdk.CodeRateLimited, sdk.CodeOf(err))
	require.Positive(t, sdk.AsError(err).RetryAfter)
	require.Equal(t, sdk.NotDone, sdk.AsError(err).Outcome)
}

// grants is an OAuth client at the bench, and how often it fetched a token.
func (b *bench) grants(scopes ...string) (id, secret string, fetched func() int) {
	id, secret = b.co.NewOAuthClient(simulator.Grant{Scopes: append(scopes, simulator.PillarScopes...), Role: simulator.Administrator})
	return id, secret, func() int { return len(b.requests(http.MethodPost, tokenPath)) }
}

func TestG13_OneRefreshForManyCalls(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id, secret, fetched := b.grants()
	core := Core{b.open(OAuth(id, sdk.Secret(secret)))}
	b.sim.Inject(simulator.Fault{Kind: simulator.FaultDelay, Path: tokenPath, Delay: 300 * time.Millisecond})
	var group errgroup.Group
	for range 50 {
		group.Go(func() error {
			_, err := core.ListJobs(b.ctx(), sdk.JobQuery{})
			return err
		})
	}
	require.NoError(t, group.Wait())
	require.Equal(t, 1, fetched())

	// Every token ends at once, unannounced: one more is fetched.
	b.co.ExpireTokens(id)
	for range 20 {
		group.Go(func() error {
			_, err := core.ListJobs(b.ctx(), sdk.JobQuery{})
			return err
		})
	}
	require.NoError(t, group.Wait())
	require.Equal(t, 2, fetched())
}

func TestG13_ExpiryInTheMiddleOfAListIsNotNoticed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id, secret, fetched := b.grants()
	want := 1
	for range 8 {
		b.co.AddJob(simulator.Job{Title: "More"})
		want++
	}
	core := Core{b.open(OAuth(id, sdk.Secret(secret)))}
	var got int
	var cursor string
	for {
		page, err := core.ListJobs(b.ctx(), sdk.JobQuery{Limit: 3, Cursor: cursor})
		require.NoError(t, err)
		got += len(page.Items)
		if cursor = page.Next; cursor == "" {
			break
		}
		b.co.ExpireTokens(id)
	}
	require.Equal(t, want, got)
	require.Equal(t, 3, fetched())
}

func TestG13_ExpiresInIsObeyed(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *simulator.Options) { o.TokenLifetime = time.Second })
	id, secret, fetched := b.grants()
	core := Core{b.open(OAuth(id, sdk.Secret(secret)))}
	require.Eventually(t, func() bool {
		_, err := core.ListJobs(b.ctx(), sdk.JobQuery{})
		require.NoError(t, err)
		return fetched() >= 3
	}, 10*time.Second, 200*time.Millisecond)
	for _, e := range b.requests(http.MethodGet, "/jobs") {
		require.Equal(t, http.StatusOK, e.Status, "no call is made with a token known to have ended")
	}
}

func TestG13_FailedRefreshKeepsAWorkingToken(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id, secret, fetched := b.grants()
	auth := OAuth(id, sdk.Secret(secret)).(*oauth)
	core := Core{b.open(auth)}
	_, err := core.ListJobs(b.ctx(), sdk.JobQuery{})
	require.NoError(t, err)

	auth.mu.Lock()
	auth.token.renewAt = time.Now() // the margin before its end has come
	auth.mu.Unlock()
	remove := b.sim.Inject(simulator.Fault{Kind: simulator.FaultStatus, Path: tokenPath, Status: http.StatusUnauthorized})
	for range 3 {
		_, err = core.ListJobs(b.ctx(), sdk.JobQuery{})
		require.NoError(t, err)
	}
	require.Equal(t, 2, fetched(), "a refresh that fails is not tried again at every call")
	remove()

	b.co.RevokeKey(id)
	_, err = core.ListJobs(b.ctx(), sdk.JobQuery{})
	require.Equal(t, sdk.CodeAuthExpired, sdk.CodeOf(err))
	require.Equal(t, sdk.FaultConfig, sdk.AsError(err).Fault)
}

func TestG12_ARefusedRecordIsNotADeadCredential(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ada := b.apply("ada")
	ref := sdk.ApplicationRef{CandidateID: ada.CandidateID, JobID: b.job}
	id, secret, fetched := b.grants("candidates_manage")
	for name, auth := range map[string]Auth{"key": APIKey(sdk.Secret(b.key)), "oauth": OAuth(id, sdk.Secret(secret))} {
		c := b.open(auth)
		remove := b.sim.Inject(simulator.Fault{Kind: simulator.FaultRecordDenied, Path: "/candidates/**"})
		_, err := Core{c}.ReadApplication(b.ctx(), ref)
		require.Equal(t, sdk.CodeNotFound, sdk.CodeOf(err), name)
		require.Equal(t, http.StatusUnauthorized, sdk.AsError(err).VendorStatus)
		remove()
		b.sim.Inject(simulator.Fault{Kind: simulator.FaultRecordDenied, Method: http.MethodPut, Count: 1})
		_, err = NewMover(c).MoveStage(b.ctx(), sdk.StageMove{Application: ref, From: "NEW", To: "INTERVIEW"})
		require.Equal(t, sdk.CodeNotFound, sdk.CodeOf(err), name)
		require.Equal(t, sdk.NotDone, sdk.AsError(err).Outcome)
		_, err = Core{c}.ReadApplication(b.ctx(), ref)
		require.NoError(t, err, "the session goes on")
	}
	require.Equal(t, 1, fetched(), "no refresh for the sake of a record")

	b.co.RevokeKey(b.key)
	_, err := Core{b.client()}.ReadApplication(b.ctx(), ref)
	require.Equal(t, sdk.CodeAuthExpired, sdk.CodeOf(err), "a dead key is one")
}

func TestG2_AnUnansweredMoveIsNotRepeated(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	m := NewMover(b.client())
	for _, kind := range []simulator.FaultKind{simulator.FaultReset, simulator.FaultAnswerLost} {
		ada := b.apply("ada")
		b.sim.Inject(simulator.Fault{Kind: kind, Method: http.MethodPut, Count: 1})
		path := "/candidates/" + ada.CandidateID + "/jobs/" + b.job + "/status"
		_, err := m.MoveStage(b.ctx(), sdk.StageMove{Application: sdk.ApplicationRef{CandidateID: ada.CandidateID, JobID: b.job}, From: "NEW", To: "INTERVIEW"})
		require.Equal(t, sdk.OutcomeUnknown, sdk.AsError(err).Outcome, kind)
		require.Len(t, b.requests(http.MethodPut, path), 1, kind)
	}
}

func TestCheckTellsWrongKeySecretRoleAndScopeApart(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.apply("ada")
	check := func(auth Auth, scopes []string) sdk.CheckReport {
		c := b.open(auth)
		for _, s := range scopes {
			c.permissions = append(c.permissions, sdk.Permission{Key: s, Name: s, Remedy: "tick it"})
		}
		report, err := Core{c}.Check(b.ctx(), sdk.CheckQuery{})
		require.NoError(t, err)
		return report
	}
	id, secret, _ := b.grants()
	roleless := b.co.NewAPIKey(simulator.Grant{Scopes: simulator.FairecScopes})
	rolelessID, rolelessSecret := b.co.NewOAuthClient(simulator.Grant{Scopes: simulator.PillarScopes})

	wrongKey := check(APIKey("DCRA1-00000000000000000000000000000000"), simulator.FairecScopes)
	require.Equal(t, sdk.CredentialRefused, wrongKey.Credential)
	require.Contains(t, wrongKey.Problem, "API key")
	wrongSecret := check(OAuth(id, "not-the-secret"), simulator.PillarScopes)
	require.Equal(t, sdk.CredentialRefused, wrongSecret.Credential)
	require.Contains(t, wrongSecret.Problem, "Client Secret")
	for _, report := range []sdk.CheckReport{check(APIKey(sdk.Secret(roleless)), simulator.FairecScopes), check(OAuth(rolelessID, sdk.Secret(rolelessSecret)), simulator.PillarScopes)} {
		require.Equal(t, sdk.CredentialNoRole, report.Credential)
		require.Contains(t, report.Remedy, "System Role")
	}
	b.co.RevokePermission(b.key, "jobs_read")
	missing := check(APIKey(sdk.Secret(b.key)), simulator.FairecScopes)
	require.Equal(t, sdk.CredentialOK, missing.Credential)
	for _, row := range missing.Rows {
		require.Equal(t, row.Permission == "jobs_read", row.Status == sdk.Missing, row.Permission+" "+row.Status+" "+row.Detail)
	}
	require.Equal(t, sdk.Account{ID: b.co.ID, Name: "Acme", User: "Admin Acme"}, missing.Account)

	good := check(OAuth(id, sdk.Secret(secret)), simulator.PillarScopes)
	require.Equal(t, sdk.CredentialOK, good.Credential)
	require.Equal(t, sdk.Account{}, good.Account, "the nine scopes do not tell whose credential it is")
	for _, row := range good.Rows {
		want := sdk.Granted
		if row.Permission == "candidates_create" {
			want = sdk.Unknown
		}
		require.Equal(t, want, row.Status, row.Permission)
	}
	for _, kind := range []string{"moved", "review created", "review updated", "candidate created", "interview created", "interview updated"} {
		for _, e := range b.sim.Record().Effects(kind) {
			require.NotEqual(t, "api", e.Data["by"], "checking writes nothing")
		}
	}
}

// TestG12_PoisonedPagesEnd serves lists that never do.
func TestG12_PoisonedPagesEnd(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if strings.HasPrefix(r.URL.Path, webhooksAPI) {
			w.Header().Set("Link", `</subscriptions?page_id=again>; rel="next"`)
			_, _ = w.Write([]byte(`[]`))
			return
		}
		_, _ = w.Write([]byte(`{"content":[],"nextPageId":"again"}`))
	}))
	t.Cleanup(server.Close)
	b := newBench(t)
	b.url = server.URL
	c := b.client()
	first, err := Core{c}.ListJobs(b.ctx(), sdk.JobQuery{})
	require.NoError(t, err)
	_, err = Core{c}.ListJobs(b.ctx(), sdk.JobQuery{Cursor: first.Next})
	require.Equal(t, sdk.CodeUpstreamBug, sdk.CodeOf(err))
	_, err = NewWebhooks(c).ListSubscriptions(b.ctx(), sdk.SubscriptionQuery{})
	require.Equal(t, sdk.CodeUpstreamBug, sdk.CodeOf(err))
	require.LessOrEqual(t, asked.Load(), int64(4))
}

// TestG11_TwoProcessesShareACredential: neither knows of the other, so the rate
// is exceeded, refused and waited out, and every call is answered.
func TestG11_TwoProcessesShareACredential(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *simulator.Options) { o.Rate = 10 })
	one := Core{b.client()}
	b.pool = &httpclient.Pool{}
	two := Core{b.client()}
	var group errgroup.Group
	for range 20 {
		for _, core := range []Core{one, two} {
			group.Go(func() error {
				_, err := core.ReadJob(b.ctx(), sdk.JobRef{ID: b.job})
				return err
			})
		}
	}
	require.NoError(t, group.Wait())
}
