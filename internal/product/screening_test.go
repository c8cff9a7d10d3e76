package product_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/sandbox/fairec"
	"github.com/atshub/atshub/internal/sandbox/receiver"
	"github.com/atshub/atshub/sdk"
)

func TestScreeningFlowKeepsTheContract(t *testing.T) {
	t.Parallel()
	b := newScreening(t)
	ctx := t.Context()
	account, err := b.client.Login(ctx, b.login)
	require.NoError(t, err)
	require.Equal(t, product.Account{ID: "u1", OrganisationID: "acme", OrganisationName: "Acme"}, account)

	post := b.post(t)
	require.Equal(t, postKey, post.Key)
	require.Contains(t, post.CalibrationURL, post.ID)
	renamed := jobPost()
	renamed.Title = "Senior nurse"
	again, err := b.client.PutJobPost(ctx, b.login, b.effect(1), postKey, renamed)
	require.NoError(t, err)
	require.Equal(t, post, again)
	require.Equal(t, "Senior nurse", b.sim.JobPosts()[0].Title)

	invited, err := b.client.Invite(ctx, b.login, b.effect(1), post.ID, candidate("1"))
	require.NoError(t, err)
	require.Equal(t, b.clock.now(), invited.InvitedAt)
	email := "new@mail.example"
	require.NoError(t, b.client.UpdateCandidate(ctx, b.login, b.effect(1), post.ID, invited.CandidateID, product.CandidateProperties{Email: &email}))
	got, ok := b.sim.Candidate("app1")
	require.True(t, ok)
	require.Equal(t, email, got.Email)
	require.Equal(t, 1, got.Invitations)

	page, err := b.client.Changes(ctx, b.login, "", 1)
	require.NoError(t, err)
	require.Empty(t, page.Items)
	require.NoError(t, b.sim.SetStatus(invited.CandidateID, "Shortlist"))
	require.NoError(t, b.sim.SetResult(invited.CandidateID, 4, "Strong."))
	page, err = b.client.Changes(ctx, b.login, page.Next, 1)
	require.NoError(t, err)
	require.True(t, page.More)
	first := page.Items[0]
	require.Equal(t, product.ChangeStatus, first.Kind)
	require.Equal(t, "shortlist", first.Status)
	require.Equal(t, []string{post.ID, postKey, "cand1", "app1"}, []string{first.JobPostID, first.JobPostKey, first.ATSCandidateID, first.ATSApplicationID})
	page, err = b.client.Changes(ctx, b.login, page.Next, 0)
	require.NoError(t, err)
	require.False(t, page.More)
	require.Equal(t, 4, page.Items[0].Score)
	require.Equal(t, "Strong.", page.Items[0].Comment)

	e := b.effect(1)
	require.NoError(t, b.client.PutCallback(ctx, b.login, e, "conn-1", "https://hub.example/in", product.NewCallbackSecret()))
	require.NoError(t, b.client.DeleteCallback(ctx, b.login, b.effect(1), "conn-1"))
	receipt, err := b.client.Receipt(ctx, b.login, e.Key)
	require.NoError(t, err)
	require.Equal(t, product.Receipt{Key: e.Key, At: b.clock.now(), Status: 204}, receipt)

	require.NoError(t, b.client.EndJobPost(ctx, b.login, b.effect(2), postKey))
	require.NoError(t, b.client.EndJobPost(ctx, b.login, b.effect(2), "job:never:known"))
	require.Equal(t, "ended", b.sim.JobPosts()[0].State)
	_, err = b.client.Invite(ctx, b.login, b.effect(2), post.ID, candidate("2"))
	requireError(t, err, product.CodeJobPostEnded, sdk.NotDone)
	require.Len(t, b.sim.Log().Effects("invitation_sent"), 1)
	b.referee.requireComplete(t)
}

func TestG1_RepeatedInvitationIsMailedOnce(t *testing.T) {
	t.Parallel()
	b := newScreening(t)
	ctx := t.Context()
	post, e := b.post(t), b.effect(1)

	b.sim.Inject(receiver.Fault{Path: "/job-posts/" + post.ID, LoseAnswer: true, Times: 1})
	_, err := b.client.Invite(ctx, b.login, e, post.ID, candidate("1"))
	requireError(t, err, product.CodeUnavailable, sdk.OutcomeUnknown)
	require.True(t, product.AsError(err).Temporary())
	receipt, err := b.client.Receipt(ctx, b.login, e.Key)
	require.NoError(t, err)
	require.Equal(t, 201, receipt.Status)
	_, err = b.client.Receipt(ctx, b.login, "v1-never-used-key")
	requireError(t, err, product.CodeNotFound, sdk.NotDone)

	invited := b.clock.now()
	b.clock.add(89 * 24 * time.Hour) // the fence has risen and the first permission to send is long over
	_, err = b.client.PutJobPost(ctx, b.login, b.effect(7), postKey, jobPost())
	require.NoError(t, err)
	e.NotAfter = b.clock.now().Add(time.Second)
	first, err := b.client.Invite(ctx, b.login, e, post.ID, candidate("1"))
	require.NoError(t, err)
	require.Equal(t, invited, first.InvitedAt, "the first answer is repeated")
	require.JSONEq(t, string(receipt.Answer), `{"candidate_id":"`+first.CandidateID+`","invited_at":"2026-03-02T09:00:00Z"}`)

	_, err = b.client.Invite(ctx, b.login, e, post.ID, candidate("2"))
	requireError(t, err, product.CodeKeyReused, sdk.OutcomeDone)
	require.Len(t, b.sim.Log().Effects("invitation_sent"), 1)

	again, err := b.client.Invite(ctx, b.login, b.effect(7), post.ID, candidate("1"))
	require.NoError(t, err)
	require.Equal(t, first.CandidateID, again.CandidateID)
	require.Len(t, b.sim.Log().Effects("invitation_sent"), 2, "another key is another mail")
}

func TestG1_RefusalIsNotRemembered(t *testing.T) {
	t.Parallel()
	b := newScreening(t)
	post, e := b.post(t), b.effect(1)
	c := candidate("1")
	c.Email = ""
	_, err := b.client.Invite(t.Context(), b.login, e, post.ID, c)
	requireError(t, err, product.CodeEmailMissing, sdk.NotDone)
	c.Email = "canary"
	_, err = b.client.Invite(t.Context(), b.login, e, post.ID, c)
	requireError(t, err, product.CodeEmailInvalid, sdk.NotDone)
	c.Email = "ok@mail.example"
	_, err = b.client.Invite(t.Context(), b.login, e, post.ID, c)
	require.NoError(t, err)
}

func TestG1_WithoutTheReceiverAssumptionTheRecordShowsTheSecondMail(t *testing.T) {
	t.Parallel()
	b := newScreening(t)
	post, e := b.post(t), b.effect(1)
	b.sim.IgnoreKeys(true)
	for range 2 {
		_, err := b.client.Invite(t.Context(), b.login, e, post.ID, candidate("1"))
		require.NoError(t, err)
	}
	require.Len(t, b.sim.Log().Effects("invitation_sent"), 2)
}

func TestG1_ClientNeverRepeatsARequestByItself(t *testing.T) {
	t.Parallel()
	b := newScreening(t)
	post := b.post(t)
	before := len(b.sim.Log().Requests())
	b.sim.Inject(receiver.Fault{Reset: true}) // on a connection that was used before
	requireError(t, b.client.EndJobPost(t.Context(), b.login, b.effect(1), postKey), product.CodeUnavailable, sdk.OutcomeUnknown)
	require.Len(t, b.sim.Log().Requests(), before+1)
	b.sim.Clear()
	_, err := b.client.Receipt(t.Context(), b.login, "v1-never-used-key") // opens a connection
	requireError(t, err, product.CodeNotFound, sdk.NotDone)
	before = len(b.sim.Log().Requests())
	b.sim.Inject(receiver.Fault{Reset: true})
	_, err = b.client.Invite(t.Context(), b.login, b.effect(1), post.ID, candidate("1"))
	requireError(t, err, product.CodeUnavailable, sdk.OutcomeUnknown)
	require.Len(t, b.sim.Log().Requests(), before+1)
}

func TestG6_LateRequestIsRefusedByTheReceiversClock(t *testing.T) {
	t.Parallel()
	b := newScreening(t)
	post, e := b.post(t), b.effect(1)
	before := len(b.sim.Log().Requests())
	e.NotAfter = b.clock.now()
	_, err := b.client.Invite(t.Context(), b.login, e, post.ID, candidate("1"))
	requireError(t, err, product.CodeNotAfterPassed, sdk.NotDone)
	require.Len(t, b.sim.Log().Requests(), before, "a process that slept sends nothing")

	hub := newClock() // slower than the product's
	slow, err := product.NewScreening(serve(t, b.referee), product.Options{Now: hub.now})
	require.NoError(t, err)
	b.clock.add(time.Minute)
	e.NotAfter = hub.now().Add(15 * time.Second)
	_, err = slow.Invite(t.Context(), b.login, e, post.ID, candidate("1"))
	require.Equal(t, 412, requireError(t, err, product.CodeNotAfterPassed, sdk.NotDone).Status)
	require.Empty(t, b.sim.Log().Effects("invitation_sent"))
}

func TestG6_RequestOfAnEarlierGenerationIsRefused(t *testing.T) {
	t.Parallel()
	b := newScreening(t)
	post, late := b.post(t), b.effect(1)
	paused := jobPost()
	paused.State = product.JobPostPaused
	_, err := b.client.PutJobPost(t.Context(), b.login, b.effect(2), postKey, paused)
	require.NoError(t, err)
	_, err = b.client.Invite(t.Context(), b.login, late, post.ID, candidate("1"))
	requireError(t, err, product.CodeFenced, sdk.NotDone)
	_, err = b.client.Invite(t.Context(), b.login, b.effect(2), post.ID, candidate("1"))
	requireError(t, err, product.CodeJobPostPaused, sdk.NotDone)
	require.NoError(t, b.client.EndJobPost(t.Context(), b.login, b.effect(3), postKey))
	_, err = b.client.PutJobPost(t.Context(), b.login, b.effect(2), postKey, jobPost())
	requireError(t, err, product.CodeFenced, sdk.NotDone)
	require.Empty(t, b.sim.Log().Effects("invitation_sent"))
}

func TestLoginRefusalsAreToldApart(t *testing.T) {
	t.Parallel()
	b := newScreening(t)
	b.sim.AddUser(fairec.User{ID: "u2", OrganisationID: "acme", OrganisationName: "Acme", Email: "sso@acme.example", SSOOnly: true, SystemAccess: true})
	b.sim.AddUser(fairec.User{ID: "u3", OrganisationID: "acme", OrganisationName: "Acme", Email: "plain@acme.example", Password: password.Reveal()})
	for name, code := range map[string]product.Code{
		"system@acme.example": product.CodeWrongPassword,
		"nobody@acme.example": product.CodeWrongPassword,
		"sso@acme.example":    product.CodeSSOOnlyAccount,
		"plain@acme.example":  product.CodeMissingPermission,
	} {
		l := product.Login{Username: name, Password: password}
		if name == "system@acme.example" {
			l.Password = "canary-wrong"
		}
		_, err := b.client.Login(t.Context(), l)
		e := requireError(t, err, code, sdk.NotDone)
		require.True(t, e.Credential())
		require.Equal(t, sdk.FaultConfig, e.Fault)
		if code == product.CodeMissingPermission {
			require.Equal(t, "Smartrecruiters system access", e.Permission)
		}
	}
}

func TestG13_ManyCallsCauseOneLogin(t *testing.T) {
	t.Parallel()
	b := newScreening(t)
	logins := func() int { return len(b.sim.Log().Effects("login")) }
	b.sim.Inject(receiver.Fault{Path: "/login", Delay: 20 * time.Millisecond})
	burst := func() {
		var wg sync.WaitGroup
		errs := make([]error, 16)
		for i := range errs {
			wg.Go(func() { _, errs[i] = b.client.Changes(t.Context(), b.login, "", 0) })
		}
		wg.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
	}
	burst()
	require.Equal(t, 1, logins())
	b.clock.add(time.Hour)
	burst()
	require.Equal(t, 2, logins(), "an old token is replaced before it is refused")
	b.sim.RevokeTokens()
	_, err := b.client.Changes(t.Context(), b.login, "", 0)
	require.NoError(t, err)
	require.Equal(t, 3, logins(), "a refused token is replaced at once")

	other := product.Login{Username: b.login.Username, Password: "canary-guess"}
	_, err = b.client.Changes(t.Context(), other, "", 0)
	requireError(t, err, product.CodeWrongPassword, sdk.NotDone)
}

func TestG17_RecordOfTheProductHoldsNoPassword(t *testing.T) {
	t.Parallel()
	b := newScreening(t)
	require.NoError(t, b.client.PutCallback(t.Context(), b.login, b.effect(1), "conn-1", "https://hub.example/in", product.NewCallbackSecret()))
	for _, e := range b.sim.Log().Requests() {
		require.NotContains(t, e.Request.Body, "canary")
		require.NotContains(t, e.Request.Body, "whsec_")
		require.False(t, strings.HasPrefix(e.Request.Header.Get("Authorization"), "Bearer"))
	}
}
