package relay

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/hub"
)

func TestTurnsBeginAfterTheTenantServedLast(t *testing.T) {
	t.Parallel()
	tenants := []string{"a", "b", "d"}
	for last, want := range map[string][]string{
		"": {"a", "b", "d"}, "a": {"b", "d", "a"}, "c": {"d", "a", "b"}, "d": {"a", "b", "d"}, "z": {"a", "b", "d"},
	} {
		require.Equal(t, want, startAfter(tenants, last), "after %q", last)
	}
	require.Equal(t, []string{"a", "b", "d"}, tenants)
	require.Empty(t, startAfter(nil, "a"))
}

func TestLanesAreTakenInTurn(t *testing.T) {
	t.Parallel()
	lane := func(ids ...string) (all []hub.Work) {
		for _, id := range ids {
			all = append(all, hub.Work{ID: id})
		}
		return all
	}
	var ids []string
	for _, w := range inTurn([][]hub.Work{lane("a1", "a2", "a3"), nil, lane("c1"), lane("d1", "d2")}) {
		ids = append(ids, w.ID)
	}
	require.Equal(t, []string{"a1", "c1", "d1", "a2", "d2", "a3"}, ids)
}

func TestG12_PaceFollowsHowFastATenantIsWorkedOff(t *testing.T) {
	t.Parallel()
	at := time.Now()
	p := &pace{}
	look := func(inFlight int, later time.Duration) int {
		at = at.Add(later)
		return p.adjust(inFlight, 8, 250, at)
	}
	require.Equal(t, 8, look(0, 0), "begins with half the slots")
	require.Equal(t, 8, look(0, time.Hour), "does not grow unused")
	for _, want := range []int{16, 32, 64, 128, 250, 250} {
		look(p.allowed, 20*time.Millisecond)
		require.Equal(t, want, look(p.allowed/2, 20*time.Millisecond), "grows while it is worked off")
	}
	require.Equal(t, 250, look(250, 900*time.Millisecond))
	for _, want := range []int{125, 62, 31, 15, 7, 3, 2, 2} {
		require.Equal(t, want, look(250, time.Second), "shrinks while it is not")
	}
	require.Equal(t, 4, look(1, 0), "grows again")
	require.Equal(t, 4, look(1, time.Hour), "a trickle changes nothing")

	tiny := &pace{}
	require.Equal(t, 1, tiny.adjust(0, 2, 1, at))
	require.Equal(t, 1, tiny.adjust(1, 2, 1, at.Add(time.Hour)))
}

func TestPacesOfTenantsWithoutWorkAreForgotten(t *testing.T) {
	t.Parallel()
	p := paces{}
	for _, tenant := range []string{"a", "b", "c"} {
		p.of(tenant).allowed = 5
	}
	p.keep([]string{"b"})
	require.Len(t, p, 1)
	require.Equal(t, 5, p.of("b").allowed)
}
