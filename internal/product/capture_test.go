package product_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/sandbox/receiver"
	"github.com/atshub/atshub/sdk"
)

func effects(b *capture) []string {
	var names []string
	for _, e := range b.sim.Log().Effects("") {
		names = append(names, e.Effect)
	}
	return names
}

func TestCaptureFlowKeepsTheContract(t *testing.T) {
	t.Parallel()
	b := newCapture(t)
	ctx := t.Context()
	settings, err := b.client.Settings(ctx, organisation)
	require.NoError(t, err)
	require.Equal(t, product.EngagementSettings{Record: true, MailCandidates: true}, settings)
	_, err = b.client.Settings(ctx, "nobody")
	require.True(t, requireError(t, err, product.CodeUnknownOrganisation, sdk.NotDone).Credential())

	role, err := b.client.PutRole(ctx, organisation, b.effect(1), "role:743", product.RoleProperties{ATSJobID: "743", Name: "Nurse", Engaged: true})
	require.NoError(t, err)
	require.True(t, role.Engaged)

	p := b.session(time.Hour)
	p.RoleKey = "role:743"
	join, err := b.client.PutJoin(ctx, organisation, b.effect(1), "join:1", p)
	require.NoError(t, err)
	require.Equal(t, product.JoinArmed, join.State)
	require.Equal(t, p.StartsAt, *join.StartsAt)
	_, err = b.client.Join(ctx, organisation, "join:2")
	requireError(t, err, product.CodeNotFound, sdk.NotDone)

	b.clock.add(59*time.Minute - time.Second)
	join, err = b.client.Join(ctx, organisation, "join:1")
	require.NoError(t, err)
	require.Equal(t, product.JoinArmed, join.State)
	b.clock.add(time.Second)
	join, err = b.client.Join(ctx, organisation, "join:1")
	require.NoError(t, err)
	require.Equal(t, product.JoinInCall, join.State)
	require.Equal(t, p.StartsAt.Add(-time.Minute), *join.JoinedAt, "start less lead")
	b.clock.add(time.Hour)
	join, err = b.client.Join(ctx, organisation, "join:1")
	require.NoError(t, err)
	require.Equal(t, product.JoinDone, join.State)
	require.Equal(t, []string{"role_put", "armed", "joined", "left"}, effects(b))

	_, err = b.client.PutJoin(ctx, organisation, b.effect(2), "join:1", b.session(-time.Minute))
	requireError(t, err, product.CodeJoinOver, sdk.NotDone)
	_, err = b.client.PutJoin(ctx, organisation, b.effect(2), "join:1", b.session(24*time.Hour))
	require.NoError(t, err, "nobody came; the session is held another day")
	e := b.effect(3)
	join, err = b.client.CancelJoin(ctx, organisation, e, "join:1")
	require.NoError(t, err)
	require.Equal(t, product.JoinCancelled, join.State)
	receipt, err := b.client.Receipt(ctx, organisation, e.Key)
	require.NoError(t, err)
	require.Contains(t, string(receipt.Answer), product.JoinCancelled)
	b.referee.requireComplete(t)
	late := b.session(-31 * time.Minute)
	_, err = b.client.PutJoin(ctx, organisation, b.effect(2), "join:3", late)
	requireError(t, err, product.CodeSessionOver, sdk.NotDone)
}

func TestG8_JoinKnownLateIsJoinedAtOnceAndNeverTwice(t *testing.T) {
	t.Parallel()
	b := newCapture(t)
	e, p := b.effect(1), b.session(10*time.Second)
	b.sim.Inject(receiver.Fault{Path: "/joins/", LoseAnswer: true, Times: 1})
	_, err := b.client.PutJoin(t.Context(), organisation, e, "join:1", p)
	requireError(t, err, product.CodeUnavailable, sdk.OutcomeUnknown)
	join, err := b.client.PutJoin(t.Context(), organisation, e, "join:1", p)
	require.NoError(t, err)
	require.Equal(t, product.JoinInCall, join.State)
	require.Len(t, b.sim.Log().Effects("joined"), 1)
	require.Empty(t, b.sim.Log().Effects("two_recorders"))

	_, err = b.client.PutJoin(t.Context(), organisation, b.effect(1), "join:2", p)
	require.NoError(t, err)
	require.Len(t, b.sim.Log().Effects("two_recorders"), 1, "two joins into one call are noticed")
}

func TestG8_FailedJoinIsTriedAgainUnderTheSameJoin(t *testing.T) {
	t.Parallel()
	b := newCapture(t)
	b.sim.FailJoins(1, "waiting_room")
	join, err := b.client.PutJoin(t.Context(), organisation, b.effect(1), "join:1", b.session(0))
	require.NoError(t, err)
	require.Equal(t, product.JoinFailed, join.State)
	require.Equal(t, "waiting_room", join.Reason)
	join, err = b.client.PutJoin(t.Context(), organisation, b.effect(1), "join:1", b.session(0))
	require.NoError(t, err)
	require.Equal(t, product.JoinInCall, join.State)
}

func TestG8_ArmedJoinHappensWithoutTheHub(t *testing.T) {
	t.Parallel()
	b := newCapture(t)
	_, err := b.client.PutJoin(t.Context(), organisation, b.effect(1), "join:1", b.session(time.Hour))
	require.NoError(t, err)
	go b.sim.Run(t.Context())
	b.clock.add(2 * time.Hour)
	require.Eventually(t, func() bool { return b.sim.Joins()[0].State == product.JoinFailed }, 5*time.Second, 5*time.Millisecond,
		"a recorder that slept through the session does not enter it afterwards")
	_, err = b.client.PutJoin(t.Context(), organisation, b.effect(1), "join:2", b.session(2*time.Minute))
	require.NoError(t, err)
	b.clock.add(90 * time.Second)
	require.Eventually(t, func() bool { return len(b.sim.Log().Effects("joined")) == 1 }, 5*time.Second, 5*time.Millisecond)
}

func TestG9_MovedJoinLeavesTheOldCallFirst(t *testing.T) {
	t.Parallel()
	b := newCapture(t)
	p := b.session(0)
	_, err := b.client.PutJoin(t.Context(), organisation, b.effect(1), "join:1", p)
	require.NoError(t, err)
	longer := p
	longer.EndsAt = p.EndsAt.Add(time.Hour)
	join, err := b.client.PutJoin(t.Context(), organisation, b.effect(2), "join:1", longer)
	require.NoError(t, err)
	require.Equal(t, product.JoinInCall, join.State, "the same call, only longer")
	other := longer
	other.MeetingURL = "https://meet.example/other"
	join, err = b.client.PutJoin(t.Context(), organisation, b.effect(3), "join:1", other)
	require.NoError(t, err)
	require.Equal(t, product.JoinInCall, join.State)
	require.Equal(t, []string{"armed", "joined", "kept", "left", "moved", "joined"}, effects(b))

	_, err = b.client.PutJoin(t.Context(), organisation, b.effect(2), "join:1", p)
	requireError(t, err, product.CodeFenced, sdk.NotDone)
	join, err = b.client.PutJoin(t.Context(), organisation, b.effect(4), "join:1", b.session(time.Hour))
	require.NoError(t, err)
	require.Equal(t, product.JoinArmed, join.State)
}

func TestG6_CancelledJoinStaysAwayWhateverComesLate(t *testing.T) {
	t.Parallel()
	b := newCapture(t)
	p, late := b.session(time.Minute), b.effect(1)
	join, err := b.client.CancelJoin(t.Context(), organisation, b.effect(2), "join:1")
	require.NoError(t, err)
	require.Equal(t, product.JoinCancelled, join.State)
	require.Equal(t, int64(2), join.Fence)
	_, err = b.client.PutJoin(t.Context(), organisation, late, "join:1", p)
	requireError(t, err, product.CodeFenced, sdk.NotDone)

	_, err = b.client.PutJoin(t.Context(), organisation, b.effect(3), "join:1", p)
	require.NoError(t, err)
	join, err = b.client.CancelJoin(t.Context(), organisation, b.effect(3), "join:1")
	require.NoError(t, err)
	require.Equal(t, product.JoinCancelled, join.State)
	require.NotNil(t, join.LeftAt, "it was in the call and left")
	b.clock.add(time.Hour)
	b.sim.Settle()
	require.Len(t, b.sim.Log().Effects("joined"), 1)

	b.sim.FailJoins(1, "waiting_room")
	_, err = b.client.PutJoin(t.Context(), organisation, b.effect(1), "join:2", b.session(0))
	require.NoError(t, err)
	join, err = b.client.CancelJoin(t.Context(), organisation, b.effect(2), "join:2")
	require.NoError(t, err)
	require.Equal(t, product.JoinCancelled, join.State, "a failed one is not tried again")
	_, err = b.client.PutJoin(t.Context(), organisation, b.effect(1), "join:3", b.session(0))
	require.NoError(t, err)
	b.clock.add(time.Hour)
	_, err = b.client.CancelJoin(t.Context(), organisation, b.effect(2), "join:3")
	requireError(t, err, product.CodeJoinOver, sdk.NotDone)

	receipt, err := b.client.Receipt(t.Context(), organisation, late.Key)
	requireError(t, err, product.CodeNotFound, sdk.NotDone)
	require.Empty(t, receipt)
}

func TestG6_JoinOfADisengagedRoleIsNotBegun(t *testing.T) {
	t.Parallel()
	b := newCapture(t)
	role := product.RoleProperties{ATSJobID: "7", Name: "Nurse"}
	p := b.session(time.Hour)
	p.RoleKey = "role:7"
	_, err := b.client.PutJoin(t.Context(), organisation, b.effect(1), "join:1", p)
	requireError(t, err, product.CodeRoleDisengaged, sdk.NotDone)
	for _, engaged := range []bool{true, false} {
		role.Engaged = engaged
		_, err = b.client.PutRole(t.Context(), organisation, b.effect(1), "role:7", role)
		require.NoError(t, err)
		if engaged {
			_, err = b.client.PutJoin(t.Context(), organisation, b.effect(1), "join:1", p)
			require.NoError(t, err)
		}
	}
	b.clock.add(time.Hour)
	join, err := b.client.Join(t.Context(), organisation, "join:1")
	require.NoError(t, err)
	require.Equal(t, product.JoinCancelled, join.State)
	require.Equal(t, "role_disengaged", join.Reason)
	require.Empty(t, b.sim.Log().Effects("joined"))
}

func TestWrongServiceTokenIsTheOperatorsFault(t *testing.T) {
	t.Parallel()
	b := newCapture(t)
	c, err := product.NewCapture(serve(t, b.referee), "canary-wrong", product.Options{})
	require.NoError(t, err)
	_, err = c.Settings(t.Context(), organisation)
	require.Equal(t, sdk.FaultConfig, requireError(t, err, product.CodeUnauthorized, sdk.NotDone).Fault)
}
