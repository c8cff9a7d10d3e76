package handle

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/internal/testenv"
	"github.com/atshub/atshub/internal/workflow/rule"
	"github.com/atshub/atshub/sdk"
)

// ground is a connection with a job link that is on.
type ground struct {
	h    *Handlers
	conn hub.Connection
	link hub.JobLink
}

func newGround(t *testing.T, s *store.Store) ground {
	t.Helper()
	g := ground{h: &Handlers{Store: s, Log: slog.New(slog.DiscardHandler)}}
	g.write(t, func(tx *store.Tx) error {
		tenant, err := tx.PutTenant("pillar", "org", "Org")
		if err != nil {
			return err
		}
		g.conn = hub.Connection{ID: hub.NewID("con"), TenantID: tenant.ID, Product: "pillar", State: hub.ConnectionActive}
		if err := tx.InsertConnection(g.conn); err != nil {
			return err
		}
		if g.link, err = tx.PutLink(hub.JobLink{TenantID: tenant.ID, ConnectionID: g.conn.ID, JobID: "job"}); err != nil {
			return err
		}
		g.link.State, g.link.Gen = hub.LinkOn, 1
		return tx.SaveLink(g.link)
	})
	return g
}

func (g ground) write(t *testing.T, fn func(*store.Tx) error) {
	t.Helper()
	require.NoError(t, g.h.Store.Write(t.Context(), fn))
}

func (g ground) action(t *testing.T, id string) (a hub.Action) {
	t.Helper()
	g.write(t, func(tx *store.Tx) (err error) {
		a, err = tx.Action(g.conn.TenantID, id)
		return err
	})
	return a
}

// owed is an action as first written, its work claimed.
func (g ground) owed(t *testing.T, kind hub.ActionKind, key string) (a hub.Action, w hub.Work) {
	t.Helper()
	g.write(t, func(tx *store.Tx) (err error) {
		a, _, err = tx.OweAction(hub.Action{TenantID: g.conn.TenantID, ConnectionID: g.conn.ID, LinkID: g.link.ID, Kind: kind, Key: key, Gen: 1, State: hub.ActionReady, JobID: "job", CandidateID: "ada"})
		if err != nil {
			return err
		}
		if w, err = tx.WorkOf(hub.WorkAction, a.ID); err != nil {
			return err
		}
		w, _, err = tx.ClaimWork(w.ID, time.Minute)
		return err
	})
	return a, w
}

// A role is switched off while the request to arm its recorder is on the wire;
// that request then fails. The decision to take the join back must stand.
func TestG6_ATakeBackOutlivesAFailedArm(t *testing.T) {
	t.Parallel()
	testenv.Stores(t, func(t *testing.T, s *store.Store) {
		g := newGround(t, s)
		join, w := g.owed(t, hub.ActionJoin, hub.JoinKey("iv", "s"))
		sent := join
		sent.State, sent.Attempts = hub.ActionSending, 1
		g.write(t, func(tx *store.Tx) error { return tx.SaveAction(sent) })

		back := sent
		back.Op, back.State, back.Gen = hub.OpUndo, hub.ActionReady, 2
		g.write(t, func(tx *store.Tx) error { return tx.SaveAction(back) })

		lost := &product.Error{Code: product.CodeUnavailable, Outcome: sdk.OutcomeUnknown}
		require.ErrorIs(t, g.h.unsent(t.Context(), w, &claimed{action: sent}, "arm the recorder", lost), lost)
		after := g.action(t, join.ID)
		require.Equal(t, hub.OpUndo, after.Op)
		require.Equal(t, hub.ActionReady, after.State)
		require.EqualValues(t, 2, after.Gen)
	})
}

func TestG1_AnUnansweredSendIsInDoubtARefusedOneIsNot(t *testing.T) {
	t.Parallel()
	testenv.Stores(t, func(t *testing.T, s *store.Store) {
		g := newGround(t, s)
		for outcome, want := range map[sdk.Outcome]hub.ActionState{sdk.NotDone: hub.ActionReady, sdk.OutcomeUnknown: hub.ActionUncertain} {
			invite, w := g.owed(t, hub.ActionInvite, hub.InviteKey("job", string(outcome)))
			failed := &product.Error{Code: product.CodeUnavailable, Outcome: outcome}
			require.Error(t, g.h.unsent(t.Context(), w, &claimed{action: invite}, "send the invitation", failed))
			require.Equal(t, want, g.action(t, invite.ID).State)
		}
	})
}

// What an earlier installation did is not done again, and is not told as done
// now; what its end cancelled is taken up.
func TestG1_ReinstallingInvitesOnlyWhoNeverWas(t *testing.T) {
	t.Parallel()
	testenv.Stores(t, func(t *testing.T, s *store.Store) {
		for _, c := range []struct {
			before      hub.ActionState
			disposition hub.Disposition
			after       hub.ActionState
		}{
			{hub.ActionDone, hub.DispositionSkipped, hub.ActionDone},
			{hub.ActionSkipped, hub.DispositionSkipped, hub.ActionSkipped},
			{hub.ActionCancelled, hub.DispositionActed, hub.ActionReady},
		} {
			g := newGround(t, s)
			earlier, _ := g.owed(t, hub.ActionInvite, hub.InviteKey("job", string(c.before)))
			earlier.State, earlier.ConnectionID, earlier.Gen = c.before, "con_before", 7
			var e hub.Event
			g.write(t, func(tx *store.Tx) error {
				if err := tx.SaveAction(earlier); err != nil {
					return err
				}
				id, _, err := tx.AddEvent(hub.Event{TenantID: g.conn.TenantID, ConnectionID: g.conn.ID, Key: string(c.before), Kind: sdk.EventApplicationChanged})
				if err != nil {
					return err
				}
				e, err = tx.Event(g.conn.TenantID, id)
				return err
			})
			again := earlier
			again.State, again.ConnectionID, again.Gen = hub.ActionReady, g.conn.ID, 1
			g.write(t, func(tx *store.Tx) error {
				return g.h.record(tx, e, rule.Decision{Disposition: hub.DispositionActed, Reason: "invited", Owe: []hub.Action{again}})
			})
			require.Equal(t, c.after, g.action(t, earlier.ID).State, c.before)
			g.write(t, func(tx *store.Tx) (err error) {
				e, err = tx.Event(g.conn.TenantID, e.ID)
				return err
			})
			require.Equal(t, c.disposition, e.Disposition, c.before)
		}
	})
}

func TestListsThatGoRoundAreAnError(t *testing.T) {
	t.Parallel()
	next := map[string]string{"": "a", "a": "b", "b": "a"}
	round := func(_ context.Context, q sdk.JobQuery) (sdk.Page[sdk.Job], error) {
		return sdk.Page[sdk.Job]{Next: next[q.Cursor]}, nil
	}
	err := pages(t.Context(), round, func(cursor string) sdk.JobQuery { return sdk.JobQuery{Cursor: cursor} }, func(sdk.Job) error { return nil })
	require.Equal(t, sdk.CodeUpstreamBug, sdk.CodeOf(err))
}
