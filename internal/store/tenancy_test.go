package store_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/internal/testenv"
)

// world is one tenant with a row of every kind, and the ids a stranger may
// have got hold of.
type world struct {
	tenant hub.Tenant
	con    hub.Connection
	link   hub.JobLink
	act    hub.Action
	join   hub.Action
	event  hub.Event
	app    hub.Application
	slot   hub.Slot
	plan   hub.Plan
	sync   hub.Sync
}

func newWorld(t *testing.T, s *store.Store, org string) (w world) {
	t.Helper()
	write(t, s, func(tx *store.Tx) {
		w.tenant = must[hub.Tenant](t)(tx.PutTenant("fairec", org, org))
		id := w.tenant.ID
		w.con = hub.Connection{ID: hub.NewID("con"), TenantID: id, Product: "fairec", Connector: "x", State: hub.ConnectionActive}
		require.NoError(t, tx.InsertConnection(w.con))
		require.NoError(t, tx.PutSecret(id, w.con.ID, "key", []byte("sealed"), "1234"))
		w.link = must[hub.JobLink](t)(tx.PutLink(hub.JobLink{TenantID: id, ConnectionID: w.con.ID, JobID: "job", JobName: "Baker"}))
		w.link.State, w.link.ProductRef = hub.LinkOn, "post_1"
		require.NoError(t, tx.SaveLink(w.link))
		require.NoError(t, tx.ReplaceTriggers(id, w.link.ID, []hub.Trigger{{Kind: hub.TriggerMailInvitation, StageID: "stage"}}))
		w.app = hub.Application{TenantID: id, ConnectionID: w.con.ID, JobID: "job", CandidateID: "cand", ApplicationID: "app", ProductCandidate: "pc", DisplayName: "Ada"}
		require.NoError(t, tx.SeeApplication(w.app))
		slot := hub.Slot{TenantID: id, ConnectionID: w.con.ID, LinkID: w.link.ID, JobID: "job", CandidateID: "cand", Application: "app", InterviewID: "int", SessionID: "ses",
			StartsAt: tx.Now().Add(time.Hour), EndsAt: tx.Now().Add(2 * time.Hour), MeetingURL: "https://meet/1"}
		var err error
		w.slot, _, err = tx.SeeSlot(slot)
		require.NoError(t, err)
		owed := hub.Action{TenantID: id, ConnectionID: w.con.ID, LinkID: w.link.ID, Kind: hub.ActionInvite, Key: "k1", State: hub.ActionReady, JobID: "job", CandidateID: "cand"}
		w.act, _, err = tx.OweAction(owed)
		require.NoError(t, err)
		owed.Kind, owed.Key, owed.SlotID = hub.ActionJoin, "k2", w.slot.ID
		w.join, _, err = tx.OweAction(owed)
		require.NoError(t, err)
		w.event = hub.Event{TenantID: id, ConnectionID: w.con.ID, Key: "e1", Kind: hub.EventRaw, Body: []byte("body")}
		w.event.ID, _, err = tx.AddEvent(w.event)
		require.NoError(t, err)
		w.plan = must[hub.Plan](t)(tx.InsertPlan(hub.Plan{TenantID: id, ConnectionID: w.con.ID, ExpiresAt: tx.Now().Add(time.Hour)}))
		w.sync = must[hub.Sync](t)(tx.InsertSync(hub.Sync{TenantID: id, ConnectionID: w.con.ID, LinkID: w.link.ID}))
		require.NoError(t, tx.AddTrail(hub.Trail{TenantID: id, ConnectionID: w.con.ID, Kind: hub.TrailSeen, CandidateID: "cand", JobID: "job", What: "seen"}))
	})
	return w
}

// probe asks for, or changes, what is w's in the name of a tenant; found tells
// whether it got at anything.
type probe func(tx *store.Tx, tenant string, w world) (found bool, err error)

func found[T any](v T, err error) (bool, error) {
	return err == nil && !reflect.ValueOf(v).IsZero(), err
}

func listed[T any](v []T, err error) (bool, error) { return len(v) > 0, err }

func changed(err error) (bool, error) { return err == nil, err }

var probes = map[string]probe{
	"Tenant": func(tx *store.Tx, tenant string, w world) (bool, error) {
		return found(tx.Tenant(map[bool]string{true: "fairec", false: "pillar"}[tenant == w.tenant.ID], w.tenant.ID))
	},
	"Connection": func(tx *store.Tx, tenant string, w world) (bool, error) {
		return found(tx.Connection(tenant, w.con.ID))
	},
	"LockConnection": func(tx *store.Tx, tenant string, w world) (bool, error) {
		return found(tx.LockConnection(tenant, w.con.ID))
	},
	"ShareConnection": func(tx *store.Tx, tenant string, w world) (bool, error) {
		return found(tx.ShareConnection(tenant, w.con.ID))
	},
	"SaveConnection": func(tx *store.Tx, tenant string, w world) (bool, error) {
		w.con.TenantID, w.con.Problem = tenant, "changed"
		return changed(tx.SaveConnection(w.con))
	},
	"SaveSubscription": func(tx *store.Tx, tenant string, w world) (bool, error) {
		return changed(tx.SaveSubscription(tenant, w.con.ID, hub.Subscription{ID: "s"}))
	},
	"SaveProductCursor": func(tx *store.Tx, tenant string, w world) (bool, error) {
		return changed(tx.SaveProductCursor(tenant, w.con.ID, "c"))
	},
	"PutSecret": func(tx *store.Tx, tenant string, w world) (bool, error) {
		return changed(tx.PutSecret(tenant, w.con.ID, "key", []byte("other"), "9999"))
	},
	"Secrets": func(tx *store.Tx, tenant string, w world) (bool, error) { return listed(tx.Secrets(tenant, w.con.ID)) },
	"DeleteSecrets": func(tx *store.Tx, tenant string, w world) (bool, error) {
		return found(tx.DeleteSecrets(tenant, w.con.ID))
	},
	"DeleteSecret": func(tx *store.Tx, tenant string, w world) (bool, error) {
		if err := tx.DeleteSecret(tenant, w.con.ID, "key"); err != nil {
			return false, err
		}
		left, err := tx.Secrets(w.tenant.ID, w.con.ID)
		return len(left) == 0, err
	},
	"ForgetPayloads": func(tx *store.Tx, tenant string, w world) (bool, error) {
		return found(tx.ForgetPayloads(tenant, w.con.ID))
	},
	"PutLink": func(tx *store.Tx, tenant string, w world) (bool, error) {
		_, err := tx.PutLink(hub.JobLink{TenantID: tenant, ConnectionID: w.con.ID, JobID: "another"})
		return changed(err)
	},
	"Link":     func(tx *store.Tx, tenant string, w world) (bool, error) { return found(tx.Link(tenant, w.link.ID)) },
	"LockLink": func(tx *store.Tx, tenant string, w world) (bool, error) { return found(tx.LockLink(tenant, w.link.ID)) },
	"ShareLink": func(tx *store.Tx, tenant string, w world) (bool, error) {
		return found(tx.ShareLink(tenant, w.link.ID))
	},
	"LinkOfJob": func(tx *store.Tx, tenant string, w world) (bool, error) {
		return found(tx.LinkOfJob(tenant, w.con.ID, "job"))
	},
	"Links": func(tx *store.Tx, tenant string, w world) (bool, error) {
		return listed(tx.Links(tenant, w.con.ID, store.Page{}))
	},
	"SaveLink": func(tx *store.Tx, tenant string, w world) (bool, error) {
		w.link.TenantID = tenant
		return changed(tx.SaveLink(w.link))
	},
	"SaveLinkSynced": func(tx *store.Tx, tenant string, w world) (bool, error) {
		w.link.TenantID = tenant
		return changed(tx.SaveLinkSynced(w.link))
	},
	"ReplaceTriggers": func(tx *store.Tx, tenant string, w world) (bool, error) {
		return changed(tx.ReplaceTriggers(tenant, w.link.ID, []hub.Trigger{{Kind: hub.TriggerStatusSync}}))
	},
	"Triggers": func(tx *store.Tx, tenant string, w world) (bool, error) {
		return listed(tx.Triggers(tenant, w.link.ID))
	},
	"TriggersOfTenant": func(tx *store.Tx, tenant string, w world) (bool, error) {
		all, err := tx.TriggersOfTenant(tenant)
		return anyOf(all, func(g hub.Trigger) bool { return g.LinkID == w.link.ID }), err
	},
	"Connections": func(tx *store.Tx, tenant string, w world) (bool, error) {
		all, err := tx.Connections(tenant, store.Page{})
		return anyOf(all, func(c hub.Connection) bool { return c.ID == w.con.ID }), err
	},
	"Action": func(tx *store.Tx, tenant string, w world) (bool, error) { return found(tx.Action(tenant, w.act.ID)) },
	"LockAction": func(tx *store.Tx, tenant string, w world) (bool, error) {
		return found(tx.LockAction(tenant, w.act.ID))
	},
	"ActionByKey": func(tx *store.Tx, tenant string, w world) (bool, error) {
		a, err := tx.ActionByKey(tenant, "k1") // every tenant may have a key like it
		return a.ID == w.act.ID, err
	},
	"SaveAction": func(tx *store.Tx, tenant string, w world) (bool, error) {
		w.act.TenantID, w.act.State = tenant, hub.ActionCancelled
		return changed(tx.SaveAction(w.act))
	},
	"Actions": func(tx *store.Tx, tenant string, w world) (bool, error) {
		return listed(tx.Actions(tenant, store.ActionFilter{ConnectionID: w.con.ID}, store.Page{}))
	},
	"ActionsOf": func(tx *store.Tx, tenant string, w world) (bool, error) {
		all, err := tx.ActionsOf(tenant, "job", "cand") // every tenant may have a candidate like it
		for _, a := range all {
			if a.ID == w.act.ID {
				return true, err
			}
		}
		return false, err
	},
	"OpenActionsOfLink": func(tx *store.Tx, tenant string, w world) (bool, error) {
		return listed(tx.OpenActionsOfLink(tenant, w.link.ID))
	},
	"OpenActionsOfConnection": func(tx *store.Tx, tenant string, w world) (bool, error) {
		return listed(tx.OpenActionsOfConnection(tenant, w.con.ID))
	},
	"CancelParked": func(tx *store.Tx, tenant string, w world) (bool, error) {
		if tenant == w.tenant.ID {
			w.act.State = hub.ActionParked
			if err := tx.SaveAction(w.act); err != nil {
				return false, err
			}
		}
		return found(tx.CancelParked(tenant, w.con.ID, "gone"))
	},
	"JoinOfSlot": func(tx *store.Tx, tenant string, w world) (bool, error) {
		return found(tx.JoinOfSlot(tenant, w.slot.ID))
	},
	"Event": func(tx *store.Tx, tenant string, w world) (bool, error) { return found(tx.Event(tenant, w.event.ID)) },
	"Events": func(tx *store.Tx, tenant string, w world) (bool, error) {
		return listed(tx.Events(tenant, store.EventFilter{ConnectionID: w.con.ID}, store.Page{}))
	},
	"ParsedEvent": func(tx *store.Tx, tenant string, w world) (bool, error) {
		w.event.TenantID = tenant
		return changed(tx.ParsedEvent(w.event))
	},
	"SettleEvent": func(tx *store.Tx, tenant string, w world) (bool, error) {
		return changed(tx.SettleEvent(tenant, w.event.ID, hub.DispositionActed, ""))
	},
	"SeeApplication": func(tx *store.Tx, tenant string, w world) (bool, error) {
		w.app.TenantID, w.app.DisplayName = tenant, "Eve"
		return changed(tx.SeeApplication(w.app))
	},
	"Application": func(tx *store.Tx, tenant string, w world) (bool, error) {
		return found(tx.Application(tenant, w.con.ID, "job", "cand"))
	},
	"Applications": func(tx *store.Tx, tenant string, w world) (bool, error) {
		return listed(tx.Applications(tenant, w.con.ID, "job", store.Page{}))
	},
	"SeeSlot": func(tx *store.Tx, tenant string, w world) (bool, error) {
		w.slot.TenantID, w.slot.MeetingURL = tenant, "https://meet/evil"
		_, _, err := tx.SeeSlot(w.slot)
		return changed(err)
	},
	"Slot": func(tx *store.Tx, tenant string, w world) (bool, error) { return found(tx.Slot(tenant, w.slot.ID)) },
	"SlotsOfInterview": func(tx *store.Tx, tenant string, w world) (bool, error) {
		return listed(tx.SlotsOfInterview(tenant, w.con.ID, "int"))
	},
	"SlotsOfApplication": func(tx *store.Tx, tenant string, w world) (bool, error) {
		return listed(tx.SlotsOfApplication(tenant, w.con.ID, "app"))
	},
	"SlotsOfLink": func(tx *store.Tx, tenant string, w world) (bool, error) {
		return listed(tx.SlotsOfLink(tenant, w.link.ID))
	},
	"Slots": func(tx *store.Tx, tenant string, w world) (bool, error) {
		return listed(tx.Slots(tenant, w.con.ID, tx.Now(), store.Page{}))
	},
	"InSameCall": func(tx *store.Tx, tenant string, w world) (bool, error) {
		all, err := tx.InSameCall(hub.Slot{ID: "mine", TenantID: tenant, MeetingURL: w.slot.MeetingURL, StartsAt: w.slot.StartsAt, EndsAt: w.slot.EndsAt}, time.Minute)
		return anyOf(all, func(s hub.Slot) bool { return s.ID == w.slot.ID }), err
	},
	"Plan": func(tx *store.Tx, tenant string, w world) (bool, error) { return found(tx.Plan(tenant, w.plan.ID)) },
	"UsePlan": func(tx *store.Tx, tenant string, w world) (bool, error) {
		return changed(tx.UsePlan(tenant, w.plan.ID))
	},
	"Sync":     func(tx *store.Tx, tenant string, w world) (bool, error) { return found(tx.Sync(tenant, w.sync.ID)) },
	"OpenSync": func(tx *store.Tx, tenant string, w world) (bool, error) { return found(tx.OpenSync(tenant, w.link.ID)) },
	"Syncs": func(tx *store.Tx, tenant string, w world) (bool, error) {
		return listed(tx.Syncs(tenant, w.link.ID, store.Page{}))
	},
	"FinishSync": func(tx *store.Tx, tenant string, w world) (bool, error) {
		w.sync.TenantID = tenant
		return changed(tx.FinishSync(w.sync))
	},
	"TrailOf": func(tx *store.Tx, tenant string, w world) (bool, error) {
		return listed(tx.TrailOf(tenant, store.TrailFilter{ConnectionID: w.con.ID, CandidateID: "cand"}, store.Page{}))
	},
	"DropWorkOf": func(tx *store.Tx, tenant string, w world) (bool, error) {
		if err := tx.DropWorkOf(tenant, w.con.ID); err != nil {
			return false, err
		}
		_, err := tx.WorkOf(hub.WorkEvent, w.event.ID)
		return hub.CodeOf(err) == hub.CodeNotFound, nil
	},
}

// tenantless are the methods that take no foreign id from a request, by why.
var tenantless = map[string][]string{
	"writes a new row of the tenant it is given":                {"InsertConnection", "AddEvent", "OweAction", "InsertPlan", "InsertSync", "AddTrail"},
	"belongs to a product, not a tenant":                        {"PutTenant", "Tenants", "InsertAPIKey", "APIKeyByHash", "APIKeys", "RevokeAPIKey"},
	"the sender of a delivery names no tenant":                  {"ConnectionForHook"},
	"the scope names the tenant":                                {"ReserveAnswer", "SaveAnswer", "ReleaseAnswer"},
	"the work list and the books: ids come from the ledger":     {"AddWork", "DropWork", "RingAction", "WorkOf", "OpenEvents"},
	"the relay's and the worker's, over all tenants on purpose": {"PromoteWork", "ReadyTenants", "InFlight", "ReadyWork", "DispatchWork", "UndispatchWork", "RedispatchAll", "ReclaimWork", "ClaimWork", "RenewWork", "HoldWork", "FinishWork", "RetryWork", "WorkCounts", "BrokerEpoch", "SetBrokerEpoch"},
	"upkeep over all tenants":                                   {"ExpireEvents", "ExpireRecords", "Now"},
}

func anyOf[T any](all []T, is func(T) bool) bool {
	for _, v := range all {
		if is(v) {
			return true
		}
	}
	return false
}

func TestG16_EveryMethodIsProbedOrSaysWhyNot(t *testing.T) {
	t.Parallel()
	listed := map[string]int{}
	for name := range probes {
		listed[name]++
	}
	for _, names := range tenantless {
		for _, name := range names {
			listed[name]++
		}
	}
	methods := reflect.TypeFor[*store.Tx]()
	for i := range methods.NumMethod() {
		name := methods.Method(i).Name
		require.Equal(t, 1, listed[name], "%s must be probed, or listed with a reason", name)
		delete(listed, name)
	}
	require.Empty(t, listed, "no such methods")
}

var errUndo = errors.New("undo")

func TestG16_ForeignRowsAnswerLikeMissingOnes(t *testing.T) {
	t.Parallel()
	testenv.Stores(t, func(t *testing.T, s *store.Store) {
		mine, theirs := newWorld(t, s, "mine"), newWorld(t, s, "theirs")
		missing := mine
		missing.con.ID, missing.link.ID, missing.act.ID, missing.event.ID, missing.slot.ID = "none", "none", "none", "none", "none"
		missing.plan.ID, missing.sync.ID = "none", "none"
		for name, ask := range probes {
			var got bool
			err := s.Write(ctx, func(tx *store.Tx) (err error) {
				if got, err = ask(tx, mine.tenant.ID, mine); err != nil {
					return err
				}
				return errUndo
			})
			require.ErrorIs(t, err, errUndo, name)
			require.True(t, got, "%s finds one's own", name)

			before := picture(t, s, mine)
			err = s.Write(ctx, func(tx *store.Tx) (err error) {
				got, err = ask(tx, theirs.tenant.ID, mine)
				return err
			})
			require.False(t, got, "%s got at a foreign row", name)
			require.Contains(t, []hub.Code{"", hub.CodeNotFound, hub.CodePlanExpired}, hub.CodeOf(err), name)
			require.Equal(t, before, picture(t, s, mine), "%s changed a foreign row", name)

			if name == "Tenant" || name == "DropWorkOf" || name == "SeeApplication" || name == "SeeSlot" || name == "InSameCall" {
				continue // keyed otherwise
			}
			unknown := s.Write(ctx, func(tx *store.Tx) error { _, err := ask(tx, theirs.tenant.ID, missing); return err })
			require.Equal(t, unknown, err, "%s tells a foreign row from a missing one", name)
		}
	})
}

// picture is everything of a tenant that a stranger might have changed.
func picture(t *testing.T, s *store.Store, w world) (all []any) {
	t.Helper()
	one := func(v any, err error) {
		require.NoError(t, err)
		all = append(all, v)
	}
	write(t, s, func(tx *store.Tx) {
		id := w.tenant.ID
		one(wide(tx.Connection(id, w.con.ID)))
		one(wide(tx.Secrets(id, w.con.ID)))
		one(wide(tx.Links(id, "", store.Page{})))
		one(wide(tx.Triggers(id, w.link.ID)))
		one(wide(tx.Actions(id, store.ActionFilter{}, store.Page{})))
		one(wide(tx.Events(id, store.EventFilter{}, store.Page{})))
		one(wide(tx.Applications(id, w.con.ID, "job", store.Page{})))
		one(wide(tx.Slot(id, w.slot.ID)))
		one(wide(tx.Plan(id, w.plan.ID)))
		one(wide(tx.Sync(id, w.sync.ID)))
		one(wide(tx.WorkOf(hub.WorkEvent, w.event.ID)))
	})
	return all
}

func wide[T any](v T, err error) (any, error) { return v, err }

func TestG16_KeysOfAProductStayInIt(t *testing.T) {
	t.Parallel()
	testenv.Stores(t, func(t *testing.T, s *store.Store) {
		write(t, s, func(tx *store.Tx) {
			key := hub.APIKey{ID: "key_1", Product: "fairec", Name: "backend", Roles: []string{"Owner"}}
			require.NoError(t, tx.InsertAPIKey(key, []byte("hash")))
			require.Empty(t, must[[]hub.APIKey](t)(tx.APIKeys("pillar")))
			require.Equal(t, hub.CodeNotFound, hub.CodeOf(tx.RevokeAPIKey("pillar", "key_1")))
			require.Equal(t, key.Roles, must[hub.APIKey](t)(tx.APIKeyByHash([]byte("hash"))).Roles)
			require.NoError(t, tx.RevokeAPIKey("fairec", "key_1"))
			require.NoError(t, tx.RevokeAPIKey("fairec", "key_1"))
			_, err := tx.APIKeyByHash([]byte("hash"))
			require.Equal(t, hub.CodeNotFound, hub.CodeOf(err))
		})
	})
}
