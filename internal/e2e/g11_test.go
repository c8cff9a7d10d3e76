package e2e

import (
	"sync"
	"testing"

	"github.com/atshub/atshub/internal/sandbox/smartrecruiters"
	"github.com/atshub/atshub/internal/testenv"
)

// TestG11_TwoOfEverything: two gateways and two workers share the work; one of
// each dies in the middle of it.
func TestG11_TwoOfEverything(t *testing.T) {
	t.Parallel()
	b := testenv.Backend{Name: "postgres+redis", DatabaseURL: testenv.Postgres(t), Redis: testenv.StartRedis(t)}
	b.RedisURL = b.Redis.URL
	w := newWorld(t, b, setup{})
	w.runAll(2, 2)
	var people []*candidate
	for _, name := range []string{"North", "South"} {
		c := w.screening(name)
		job := c.AddJob(smartrecruiters.Job{Title: "Cook"})
		c.importJob(job, "nobody")
		people = append(people, c.applyMany(job, 8)...)
	}
	var product sync.WaitGroup
	product.Go(func() { w.decide(people) })
	for i, p := range people {
		p.move(smartrecruiters.InReview, "Screening")
		switch i {
		case len(people) / 3:
			w.kill(w.running("gateway")[0])
		case len(people) / 2:
			w.eventually("some are invited", func() bool { return len(w.mails()) > 2 })
			w.kill(w.running("worker")[0])
		}
	}
	product.Wait()
	w.eventually("everyone is invited, moved and reviewed", func() bool {
		return has(w.mails(), people) && has(w.moves(), people) && has(w.reviews(), people)
	})
	w.settleDeliveries()
	w.ledger().settled()
	w.exactlyOnce("invitations", w.mails(), people)
	w.exactlyOnce("moves", w.moves(), people)
	w.exactlyOnce("reviews", w.reviews(), people)
}
