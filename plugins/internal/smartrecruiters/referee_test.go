package smartrecruiters

// Every request the client sends and every answer it gets, over all endpoints
// it uses, against the vendor's own OpenAPI documents.

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/sandbox/referee"
	simulator "github.com/atshub/atshub/internal/sandbox/smartrecruiters"
	"github.com/atshub/atshub/sdk"
)

// refereed are the operations the client uses, with the answer a good one gets.
var refereed = []string{
	"GET /jobs 200", "GET /jobs/{jobId} 200",
	"GET /candidates 200", "GET /candidates/{id} 200", "GET /candidates/{id}/jobs/{jobId} 200",
	"PUT /candidates/{id}/jobs/{jobId}/status 204", "PUT /candidates/{id}/jobs/{jobId}/status 404",
	"GET /candidates/{id}/jobs/{jobId}/status/history 200",
	"GET /configuration/company 200", "GET /configuration/hiring-processes 200",
	"GET /job-applications/{jobApplicationId} 200", "GET /job-applications/{jobApplicationId} 404",
	"GET /reviews 200", "POST /reviews 201", "GET /reviews/{reviewId} 200",
	"PATCH /reviews/{reviewId} 204", "PATCH /reviews/{reviewId} 404", "DELETE /reviews/{reviewId} 204",
	"GET /interviews 200", "GET /interviews 404", "GET /interviews/{interviewId} 200", "PATCH /interviews/{interviewId} 404", "GET /interview-types 200",
	"GET /users 200", "GET /users/me 200",
	"POST /subscriptions 201", "GET /subscriptions 200", "DELETE /subscriptions/{id} 204", "PUT /subscriptions/{id}/activation 204",
	"POST /subscriptions/{id}/secret-key 201", "GET /subscriptions/{id}/callbacks-log 200",
}

func TestRefereeAgreesWithEveryEndpoint(t *testing.T) {
	t.Parallel()
	ref := referee.FromEnv(t)
	scheme := WebhookScheme("application.created", "application.status.updated", "interview.created", "interview.updated", "interview.canceled", "candidate.deleted")
	callback, got := hook(t, scheme, func() int { return http.StatusAccepted })
	b := newBench(t, func(o *simulator.Options) {
		client := *callback.Client()
		client.Transport = ref.Transport(client.Transport)
		o.Client = &client
	})
	server := httptest.NewServer(ref.Handler(b.sim))
	t.Cleanup(server.Close)
	b.url = server.URL
	id, secret, _ := b.grants()
	key, grant := b.client(), b.open(OAuth(id, sdk.Secret(secret)))
	for _, s := range simulator.FairecScopes {
		key.permissions = append(key.permissions, sdk.Permission{Key: s})
	}
	for _, s := range simulator.PillarScopes {
		grant.permissions = append(grant.permissions, sdk.Permission{Key: s})
	}
	ok := func(_ any, err error) { t.Helper(); require.NoError(t, err) }
	ctx, now := b.ctx(), time.Now()

	hooks := NewWebhooks(key)
	sub, err := hooks.Subscribe(ctx, sdk.SubscribeRequest{CallbackURL: callback.URL, Events: scheme.Events, AlertEmail: "ops@example.com"})
	require.NoError(t, err)
	ok(hooks.Activate(ctx, sdk.SubscriptionRef{ID: sub.ID}))
	ok(hooks.ListSubscriptions(ctx, sdk.SubscriptionQuery{}))

	ada := b.apply("ada")
	other := b.co.AddJob(simulator.Job{Title: "Other"})
	_, err = b.co.ApplyAlso(ada.CandidateID, other)
	require.NoError(t, err)
	app := sdk.ApplicationRef{ID: ada.ApplicationID}
	start := now.Add(time.Hour)
	interview, err := b.co.ScheduleInterview(simulator.Interview{CandidateID: ada.CandidateID, JobID: b.job,
		Timeslots: []simulator.Timeslot{{Place: "https://zoom.us/j/1", StartsOn: start, EndsOn: start.Add(time.Hour)}}})
	require.NoError(t, err)

	for _, c := range []*Client{key, grant} {
		core := Core{c}
		page, err := core.ListJobs(ctx, sdk.JobQuery{Limit: 1, Search: "e", UpdatedSince: new(now.Add(-time.Hour))})
		require.NoError(t, err)
		ok(core.ListJobs(ctx, sdk.JobQuery{Limit: 1, Search: "e", UpdatedSince: new(now.Add(-time.Hour)), Cursor: page.Next}))
		ok(core.ListStages(ctx, sdk.JobRef{ID: b.job}))
		ok(core.ListApplications(ctx, sdk.ApplicationQuery{JobID: other, UpdatedSince: new(now.Add(-time.Hour))}))
		ok(core.ReadApplication(ctx, app))
		ok(core.ReadStageHistory(ctx, app))
		ok(core.Check(ctx, sdk.CheckQuery{}))
	}
	ok(NewMover(key).MoveStage(ctx, sdk.StageMove{Application: app, From: "NEW", To: "IN_REVIEW/Screening"}))

	reviews := NewReviews(key)
	w := sdk.ReviewWrite{CandidateID: ada.CandidateID, JobID: b.job, Rating: 4, Comment: "Scored 87"}
	made, err := reviews.WriteReview(ctx, w)
	require.NoError(t, err)
	w.ID = made.ID
	ok(reviews.WriteReview(ctx, w))
	ok(reviews.ListReviews(ctx, app))
	ok(reviews.DeleteReview(ctx, sdk.ReviewRef{ID: made.ID}))

	interviews := NewInterviews(grant)
	ok(interviews.ListInterviews(ctx, app))
	ok(interviews.ReadInterview(ctx, sdk.InterviewRef{ID: interview}))
	ok(NewUsers(grant).ListUsers(ctx, sdk.UserQuery{}))

	require.NoError(t, b.sim.Settle(ctx))
	require.NotEmpty(t, got)
	ok(hooks.ListDeliveries(ctx, sdk.DeliveryQuery{SubscriptionID: sub.ID, After: new(now.Add(-time.Hour))}))
	ok(hooks.Unsubscribe(ctx, sdk.SubscriptionRef{ID: sub.ID}))

	ref.Assert(t)
	checked := ref.Checked()
	for _, operation := range refereed {
		require.Positive(t, checked[operation], "%s was not seen; seen: %v", operation, checked)
	}
}
