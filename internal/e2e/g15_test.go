package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/sandbox/smartrecruiters"
	"github.com/atshub/atshub/internal/testenv"
)

// TestG15_ABacklogIsNobodyElsesWait: one tenant has far more to do than its ATS
// allows at once; another's only invitation passes it.
func TestG15_ABacklogIsNobodyElsesWait(t *testing.T) {
	t.Parallel()
	testenv.Backends(t, func(t *testing.T, b testenv.Backend) {
		w := newWorld(t, b, setup{})
		w.runAll(1, 1)
		big, small := w.screening("Big"), w.screening("Small")
		jobs := map[*company]string{}
		for _, c := range []*company{big, small} {
			jobs[c] = c.AddJob(smartrecruiters.Job{Title: "Clerk"})
			c.importJob(jobs[c], "nobody")
		}
		crowd := big.applyMany(jobs[big], 200)
		one := small.apply(jobs[small], "Only", "One")
		for _, p := range crowd {
			p.move(smartrecruiters.InReview, "Screening")
		}
		w.settleDeliveries()
		w.eventually("the backlog is being worked on", func() bool { return len(w.mails()) > 0 })
		before := len(w.mails())
		one.move(smartrecruiters.InReview, "Screening")
		w.eventually("the one is invited", func() bool { return w.mails()[one.CandidateID] == 1 })
		passed := len(w.mails()) - 1 - before
		t.Logf("%d of %d others were invited between arrival and invitation", passed, len(crowd))
		require.Less(t, before, len(crowd)/2, "there was a backlog")
		require.Less(t, passed, len(crowd)/4, "the one waited for the crowd")
	})
}
