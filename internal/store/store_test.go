package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/store"
)

func TestWorkRunsOnceAndLeaves(t *testing.T) {
	t.Parallel()
	s, err := store.Open(context.Background(), store.Options{URL: "sqlite:" + t.TempDir() + "/a.db"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	var ten hub.Tenant
	ctx := context.Background()
	require.NoError(t, s.Write(ctx, func(tx *store.Tx) error {
		ten, err = tx.PutTenant("fairec", "o1", "Acme")
		require.NoError(t, err)
		c := hub.Connection{ID: hub.NewID("con"), TenantID: ten.ID, Product: "fairec", Connector: "x", State: hub.ConnectionChecking}
		require.NoError(t, tx.InsertConnection(c))
		c.State = hub.ConnectionActive
		require.NoError(t, tx.SaveConnection(c))
		l, err := tx.PutLink(hub.JobLink{TenantID: ten.ID, ConnectionID: c.ID, JobID: "j"})
		require.NoError(t, err)
		require.NoError(t, tx.ReplaceTriggers(ten.ID, l.ID, []hub.Trigger{{Kind: hub.TriggerMailInvitation, StageID: "s"}}))
		_, err = tx.TriggersOfTenant(ten.ID)
		require.NoError(t, err)
		a, created, err := tx.OweAction(hub.Action{TenantID: ten.ID, ConnectionID: c.ID, LinkID: l.ID, Kind: hub.ActionInvite, Key: "k", State: hub.ActionReady})
		require.NoError(t, err)
		require.True(t, created)
		_, created, err = tx.OweAction(a)
		require.NoError(t, err)
		require.False(t, created)
		a.State = hub.ActionDone
		require.NoError(t, tx.SaveAction(a))
		require.NoError(t, tx.SeeApplication(hub.Application{TenantID: ten.ID, ConnectionID: c.ID, JobID: "j", CandidateID: "c"}))
		_, _, err = tx.SeeSlot(hub.Slot{TenantID: ten.ID, ConnectionID: c.ID, InterviewID: "i", SessionID: "s", StartsAt: tx.Now(), EndsAt: tx.Now().Add(time.Hour)})
		require.NoError(t, err)
		s2, changed, err := tx.SeeSlot(hub.Slot{TenantID: ten.ID, ConnectionID: c.ID, InterviewID: "i", SessionID: "s", StartsAt: tx.Now(), EndsAt: tx.Now().Add(time.Hour)})
		require.NoError(t, err)
		require.False(t, changed)
		require.EqualValues(t, 1, s2.Gen)
		tenants, err := tx.ReadyTenants(hub.QueueDefault)
		require.NoError(t, err)
		require.Equal(t, []string{ten.ID}, tenants)
		ws, err := tx.ReadyWork(hub.QueueDefault, ten.ID, 10)
		require.NoError(t, err)
		require.Len(t, ws, 1)
		_, ok, err := tx.DispatchWork(ws[0].ID, time.Minute)
		require.NoError(t, err)
		require.True(t, ok)
		w, ok, err := tx.ClaimWork(ws[0].ID, time.Minute)
		require.NoError(t, err)
		require.True(t, ok)
		require.NoError(t, tx.FinishWork(w))
		require.Equal(t, hub.CodeConflict, hub.CodeOf(tx.FinishWork(w)))
		require.NoError(t, tx.AddTrail(hub.Trail{TenantID: ten.ID, CandidateID: "c", What: "x"}))
		tr, err := tx.TrailOf(ten.ID, store.TrailFilter{CandidateID: "c", JobID: "j"}, store.Page{})
		require.NoError(t, err)
		require.Len(t, tr, 1)
		return nil
	}))
	r, err := s.Receive(ctx, hub.Event{TenantID: ten.ID, ConnectionID: "c", Key: "1", Kind: hub.EventRaw})
	require.NoError(t, err)
	require.True(t, r.Fresh)
	r, err = s.Receive(ctx, hub.Event{TenantID: ten.ID, ConnectionID: "c", Key: "1", Kind: hub.EventRaw})
	require.NoError(t, err)
	require.False(t, r.Fresh)
}
