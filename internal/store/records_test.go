package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/internal/testenv"
)

func TestG1_ActIsOwedOncePerKeyForEver(t *testing.T) {
	t.Parallel()
	testenv.Stores(t, func(t *testing.T, s *store.Store) {
		owed := hub.Action{TenantID: "t", ConnectionID: "c", Kind: hub.ActionInvite, Key: hub.InviteKey("j", "a"), State: hub.ActionReady, Payload: []byte(`{"n":1}`)}
		var first hub.Action
		write(t, s, func(tx *store.Tx) {
			var created bool
			var err error
			first, created, err = tx.OweAction(owed)
			require.NoError(t, err)
			require.True(t, created)
			w := must[hub.Work](t)(tx.WorkOf(hub.WorkAction, first.ID))
			require.Equal(t, hub.QueueDefault, w.Queue)
		})
		for _, state := range []hub.ActionState{hub.ActionDone, hub.ActionCancelled} {
			write(t, s, func(tx *store.Tx) {
				first.State = state
				require.NoError(t, tx.SaveAction(first))
				row, created, err := tx.OweAction(owed)
				require.NoError(t, err)
				require.False(t, created)
				require.Equal(t, first.ID, row.ID)
				require.Equal(t, state, row.State)
				require.NotNil(t, row.SettledAt)
				require.JSONEq(t, `{"n":1}`, string(row.Payload))
			})
		}
		write(t, s, func(tx *store.Tx) {
			owed.TenantID = "another" // keys are a tenant's own
			_, created, err := tx.OweAction(owed)
			require.NoError(t, err)
			require.True(t, created)
			owed.Key, owed.State = "skipped", hub.ActionSkipped
			row, _, err := tx.OweAction(owed)
			require.NoError(t, err)
			_, err = tx.WorkOf(hub.WorkAction, row.ID)
			require.Equal(t, hub.CodeNotFound, hub.CodeOf(err), "nothing to do")
		})
	})
}

func TestG1_ActIsOwedOnceByManyAtOnce(t *testing.T) {
	t.Parallel()
	testenv.Stores(t, func(t *testing.T, s *store.Store) {
		results := make(chan bool)
		for range 20 {
			go func() {
				var created bool
				err := s.Write(ctx, func(tx *store.Tx) (err error) {
					_, created, err = tx.OweAction(hub.Action{TenantID: "t", Kind: hub.ActionInvite, Key: "k", State: hub.ActionReady})
					return err
				})
				results <- created && err == nil
			}()
		}
		created := 0
		for range 20 {
			if <-results {
				created++
			}
		}
		require.Equal(t, 1, created)
	})
}

func TestG9_GenerationRisesWithWhatTheRecorderCaresAbout(t *testing.T) {
	t.Parallel()
	testenv.Stores(t, func(t *testing.T, s *store.Store) {
		start := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
		slot := hub.Slot{TenantID: "t", ConnectionID: "c", InterviewID: "i", SessionID: "s", StartsAt: start, EndsAt: start.Add(time.Hour), MeetingURL: "https://m/1"}
		see := func(change func(*hub.Slot)) (gen int64, changed bool) {
			change(&slot)
			write(t, s, func(tx *store.Tx) {
				row, did, err := tx.SeeSlot(slot)
				require.NoError(t, err)
				kept := must[hub.Slot](t)(tx.Slot("t", row.ID))
				require.Equal(t, row, kept)
				gen, changed = row.Gen, did
			})
			return gen, changed
		}
		last := int64(0)
		for i, step := range []struct {
			change func(*hub.Slot)
			gen    int64
		}{
			{func(*hub.Slot) {}, 1},
			{func(*hub.Slot) {}, 1},
			{func(s *hub.Slot) { s.Title = "Second round" }, 1},
			{func(s *hub.Slot) { s.StartsAt = start.Add(time.Minute) }, 2},
			{func(s *hub.Slot) { s.MeetingURL = "https://m/2" }, 3},
			{func(s *hub.Slot) { s.Cancelled = true }, 4},
			{func(s *hub.Slot) { s.Cancelled = false }, 5},
		} {
			gen, changed := see(step.change)
			require.Equal(t, step.gen, gen, "step %d", i)
			require.Equal(t, gen != last, changed, "step %d", i)
			last = gen
		}
	})
}

func TestPlanIsUsedOnceAndInTime(t *testing.T) {
	t.Parallel()
	at := time.Now()
	s, err := store.Open(ctx, store.Options{URL: testenv.SQLite(t), Now: func() time.Time { return at }})
	require.NoError(t, err)
	defer func() { _ = s.Close() }()
	write(t, s, func(tx *store.Tx) {
		used := must[hub.Plan](t)(tx.InsertPlan(hub.Plan{TenantID: "t", Digest: "d", ExpiresAt: at.Add(time.Hour)}))
		require.NoError(t, tx.UsePlan("t", used.ID))
		require.Equal(t, hub.CodePlanExpired, hub.CodeOf(tx.UsePlan("t", used.ID)))
		require.NotNil(t, must[hub.Plan](t)(tx.Plan("t", used.ID)).UsedAt)
		old := must[hub.Plan](t)(tx.InsertPlan(hub.Plan{TenantID: "t", ExpiresAt: at.Add(-time.Hour)}))
		require.Equal(t, hub.CodePlanExpired, hub.CodeOf(tx.UsePlan("t", old.ID)))
	})
	at = at.Add(48 * time.Hour)
	write(t, s, func(tx *store.Tx) { require.EqualValues(t, 2, must[int64](t)(tx.ExpireRecords(24*time.Hour, 10))) })
}

func TestAnswerIsRememberedUnderItsKey(t *testing.T) {
	t.Parallel()
	testenv.Stores(t, func(t *testing.T, s *store.Store) {
		key, request := []byte("key"), []byte("request")
		reserve := func() (a store.Answer, fresh bool) {
			write(t, s, func(tx *store.Tx) {
				var err error
				a, fresh, err = tx.ReserveAnswer("scope", key, request)
				require.NoError(t, err)
			})
			return a, fresh
		}
		_, fresh := reserve()
		require.True(t, fresh)
		a, fresh := reserve()
		require.False(t, fresh)
		require.Equal(t, store.Answer{Request: request}, a, "still running")
		write(t, s, func(tx *store.Tx) { require.NoError(t, tx.ReleaseAnswer("scope", key)) })
		_, fresh = reserve()
		require.True(t, fresh)
		write(t, s, func(tx *store.Tx) { require.NoError(t, tx.SaveAnswer("scope", key, 201, []byte("body"))) })
		a, _ = reserve()
		require.Equal(t, store.Answer{Request: request, Status: 201, Body: []byte("body")}, a)
	})
}

func TestG18_TrailIsInOrderAndNarrowed(t *testing.T) {
	t.Parallel()
	testenv.Stores(t, func(t *testing.T, s *store.Store) {
		line := func(job, candidate, what string) hub.Trail {
			return hub.Trail{TenantID: "t", ConnectionID: "c", JobID: job, CandidateID: candidate, Kind: hub.TrailRule, What: what}
		}
		write(t, s, func(tx *store.Tx) {
			require.NoError(t, tx.AddTrail(line("j1", "ada", "1"), line("j2", "ada", "2"), line("", "ada", "3"), line("j1", "bob", "4"), line("j1", "ada", "5")))
		})
		write(t, s, func(tx *store.Tx) {
			var whats []string
			filter, page := store.TrailFilter{ConnectionID: "c", JobID: "j1", CandidateID: "ada"}, store.Page{Limit: 2}
			for {
				lines := must[[]hub.Trail](t)(tx.TrailOf("t", filter, page))
				for _, l := range lines {
					whats = append(whats, l.What)
					page.After = l.ID
				}
				if len(lines) < 2 {
					break
				}
			}
			require.Equal(t, []string{"1", "3", "5"}, whats)
		})
	})
}

func TestPagesNeitherSkipNorRepeat(t *testing.T) {
	t.Parallel()
	testenv.Stores(t, func(t *testing.T, s *store.Store) {
		start := time.Now().UTC().Truncate(time.Millisecond)
		write(t, s, func(tx *store.Tx) {
			for i := range 25 {
				_, _, err := tx.OweAction(hub.Action{TenantID: "t", Kind: hub.ActionMove, Key: fmt.Sprint(i), State: hub.ActionSkipped})
				require.NoError(t, err)
				_, _, err = tx.SeeSlot(hub.Slot{TenantID: "t", ConnectionID: "c", InterviewID: "i", SessionID: fmt.Sprint(i),
					StartsAt: start.Add(time.Duration(i/4) * time.Hour), EndsAt: start.Add(24 * time.Hour)})
				require.NoError(t, err)
			}
		})
		write(t, s, func(tx *store.Tx) {
			seen, page := map[string]bool{}, store.Page{Limit: 7}
			for {
				rows := must[[]hub.Action](t)(tx.Actions("t", store.ActionFilter{Kind: "move"}, page))
				for _, a := range rows {
					require.False(t, seen[a.ID])
					seen[a.ID], page.After = true, a.ID
				}
				if len(rows) < 7 {
					break
				}
			}
			require.Len(t, seen, 25)
			sessions, from, after := map[string]bool{}, start, ""
			for {
				rows := must[[]hub.Slot](t)(tx.Slots("t", "c", from, store.Page{After: after, Limit: 7}))
				for _, v := range rows {
					require.False(t, sessions[v.ID])
					sessions[v.ID], from, after = true, v.StartsAt, v.ID
				}
				if len(rows) < 7 {
					break
				}
			}
			require.Len(t, sessions, 25)
		})
	})
}

func TestWhatOnlyWeKnowOfAnApplicationStays(t *testing.T) {
	t.Parallel()
	testenv.Stores(t, func(t *testing.T, s *store.Store) {
		full := hub.Application{TenantID: "t", ConnectionID: "c", JobID: "j", CandidateID: "ada", ApplicationID: "app", StageID: "s1", DisplayName: "Ada", PropertiesHash: "h", ProductCandidate: "p"}
		read := hub.Application{TenantID: "t", ConnectionID: "c", JobID: "j", CandidateID: "ada", StageID: "s2", Status: "in"}
		write(t, s, func(tx *store.Tx) {
			require.NoError(t, tx.SeeApplication(full))
			require.NoError(t, tx.SeeApplication(read))
			kept := must[hub.Application](t)(tx.Application("t", "c", "j", "ada"))
			kept.SeenAt = time.Time{}
			full.StageID, full.Status = "s2", "in"
			require.Equal(t, full, kept)
		})
	})
}
