package relay

import (
	"testing"

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
