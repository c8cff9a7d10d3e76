package smartrecruiters

// Reviews, interviews and users.

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	simulator "github.com/atshub/atshub/internal/sandbox/smartrecruiters"
	"github.com/atshub/atshub/sdk"
)

func TestReviewsOfPeopleAreLeftAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ada := b.apply("ada")
	ref := sdk.ApplicationRef{ID: ada.ApplicationID}
	grace := b.co.AddUser(simulator.User{FirstName: "Grace", LastName: "Hopper"})
	hers, err := b.co.WriteReview(ada.CandidateID, b.job, grace, 5, "Hire her")
	require.NoError(t, err)
	admins, err := b.co.WriteReview(ada.CandidateID, b.job, "", 3, "Typed by the administrator the key acts as")
	require.NoError(t, err)
	v := NewReviews(b.client())

	w := sdk.ReviewWrite{CandidateID: ada.CandidateID, JobID: b.job, Rating: 4, Comment: "Scored 87"}
	made, err := v.WriteReview(b.ctx(), w)
	require.NoError(t, err)
	require.True(t, made.Ours)
	w.Rating, w.Comment = 2, "Scored 40"
	for _, id := range []string{hers, admins} {
		w.ID = id
		_, err = v.WriteReview(b.ctx(), w)
		require.Equal(t, sdk.CodePreconditionFailed, sdk.CodeOf(err))
		require.Equal(t, sdk.NotDone, sdk.AsError(err).Outcome)
	}
	w.ID = made.ID
	changed, err := v.WriteReview(b.ctx(), w)
	require.NoError(t, err)
	require.Equal(t, []any{2, "Scored 40", true}, []any{changed.Rating, changed.Comment, changed.Ours})

	all, err := v.ListReviews(b.ctx(), ref)
	require.NoError(t, err)
	require.Len(t, all.Items, 3)
	require.Equal(t, "Hire her", all.Items[0].Comment)
	require.False(t, all.Items[0].Ours)
	_, err = v.DeleteReview(b.ctx(), sdk.ReviewRef{ID: hers, AuthorID: made.AuthorID})
	require.Equal(t, sdk.CodePreconditionFailed, sdk.CodeOf(err), "the author must match")

	// Without the right to know who we are nothing is changed.
	b.co.RevokePermission(b.key, "user_me_read")
	_, err = NewReviews(b.client()).WriteReview(b.ctx(), w)
	require.Equal(t, sdk.CodePermissionMissing, sdk.CodeOf(err))
	require.Equal(t, "user_me_read", sdk.AsError(err).Permission)
}

func TestInterviewsWithTheirSessions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ada := b.apply("ada")
	start := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	id, err := b.co.ScheduleInterview(simulator.Interview{CandidateID: ada.CandidateID, JobID: b.job, Location: "https://meet.google.com/abc-defg-hij", Timezone: "Asia/Kolkata",
		Timeslots: []simulator.Timeslot{
			{Title: "Intro", Place: "https://zoom.us/j/7", StartsOn: start, EndsOn: start.Add(time.Hour)},
			{Type: "Onsite interview", Place: "Room 4", StartsOn: start.Add(time.Hour), EndsOn: start.Add(2 * time.Hour)},
		}})
	require.NoError(t, err)
	v := NewInterviews(b.client())
	for _, ref := range []sdk.ApplicationRef{{ID: ada.ApplicationID}, {CandidateID: ada.CandidateID, JobID: b.job}} {
		all, err := v.ListInterviews(b.ctx(), ref)
		require.NoError(t, err)
		require.Len(t, all.Items, 1)
		require.Equal(t, ada.ApplicationID, all.Items[0].ApplicationID)
		require.Equal(t, sdk.Enum{Value: sdk.InterviewScheduled}, all.Items[0].Status)
	}
	one, err := v.ReadInterview(b.ctx(), sdk.InterviewRef{ID: id})
	require.NoError(t, err)
	require.Equal(t, "Asia/Kolkata", one.Timezone)
	require.Equal(t, []string{"Intro", "Onsite interview"}, []string{one.Sessions[0].Title, one.Sessions[1].Title})
	require.Equal(t, []string{"https://zoom.us/j/7", "https://meet.google.com/abc-defg-hij"}, []string{one.Sessions[0].MeetingURL, one.Sessions[1].MeetingURL})
	require.Equal(t, start, one.Sessions[0].StartAt)
	require.Equal(t, "pending", one.Sessions[0].Interviewers[0].Response)

	remove := b.sim.Inject(simulator.Fault{Kind: simulator.FaultRecordDenied, Path: interviewsAPI + "/**"})
	_, err = v.ReadInterview(b.ctx(), sdk.InterviewRef{ID: id})
	require.Equal(t, sdk.CodePermissionMissing, sdk.CodeOf(err), "hidden is not cancelled")
	remove()

	require.NoError(t, b.co.CancelInterview(id))
	_, err = v.ReadInterview(b.ctx(), sdk.InterviewRef{ID: id})
	require.Equal(t, sdk.CodeNotFound, sdk.CodeOf(err))
	all, err := v.ListInterviews(b.ctx(), sdk.ApplicationRef{ID: ada.ApplicationID})
	require.NoError(t, err)
	require.Empty(t, all.Items)
}

func TestUsersKeepTheVendorsRole(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.co.AddUser(simulator.User{FirstName: "Grace", LastName: "Hopper", Inactive: true})
	page, err := NewUsers(b.client()).ListUsers(b.ctx(), sdk.UserQuery{})
	require.NoError(t, err)
	roles := map[string]sdk.User{}
	for _, u := range page.Items {
		roles[u.Role.Source] = u
	}
	require.Equal(t, "admin", roles["ADMINISTRATOR"].Role.Value)
	require.Equal(t, sdk.Unmapped, roles["STANDARD"].Role.Value)
	require.False(t, roles["STANDARD"].Active)
}
