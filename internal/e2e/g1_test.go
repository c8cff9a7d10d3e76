package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/sandbox/receiver"
	"github.com/atshub/atshub/internal/sandbox/smartrecruiters"
	"github.com/atshub/atshub/internal/testenv"
)

// dice are random by a seed that is printed and can be set.
func dice(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if given := os.Getenv("ATSHUB_E2E_SEED"); given != "" {
		var err error
		seed, err = strconv.ParseUint(given, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("seed %d (set ATSHUB_E2E_SEED to repeat)", seed)
	return rand.New(rand.NewPCG(seed, 1))
}

// kills is how many workers die, over both backends.
func kills(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv("ATSHUB_E2E_KILLS"))
	if err != nil {
		n = 200
	}
	return n
}

// TestG1_KilledWorkerLosesAndDoublesNothing: while recruiters move candidates
// and the product decides about them, workers die at random moments.
func TestG1_KilledWorkerLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	testenv.Backends(t, func(t *testing.T, b testenv.Backend) {
		random := dice(t)
		w := newWorld(t, b, setup{})
		w.runAll(1, 2)
		var arriving, others []*candidate
		for i := range 4 {
			c := w.screening(fmt.Sprintf("Company%d", i))
			job := c.AddJob(smartrecruiters.Job{Title: "Nurse"})
			c.importJob(job, "nobody")
			arriving = append(arriving, c.applyMany(job, 8)...)
			others = append(others, c.applyMany(job, 3)...)
		}
		random.Shuffle(len(arriving), func(i, j int) { arriving[i], arriving[j] = arriving[j], arriving[i] })
		// Slow receivers that sometimes lose their answers: more moments in
		// which a request is on the wire.
		w.Fairec.Inject(receiver.Fault{Method: "POST", Path: "/job-posts", Rate: 0.1, LoseAnswer: true, Delay: 50 * time.Millisecond})
		w.Fairec.Inject(receiver.Fault{Method: "POST", Path: "/job-posts", Delay: 80 * time.Millisecond})
		w.ATS.Inject(smartrecruiters.Fault{Kind: smartrecruiters.FaultDelay, Method: "PUT", Path: "/candidates/**", Delay: 80 * time.Millisecond})
		w.ATS.Inject(smartrecruiters.Fault{Kind: smartrecruiters.FaultDelay, Method: "POST", Path: "/reviews-api/**", Delay: 80 * time.Millisecond})

		var product sync.WaitGroup
		product.Go(func() { w.decide(arriving) })
		w.killWorkers(random, kills(t)/2, arriving, others)
		product.Wait()
		w.eventually("everyone is invited, moved and reviewed", func() bool {
			return has(w.mails(), arriving) && has(w.moves(), arriving) && has(w.reviews(), arriving)
		})
		w.ledger().settled()
		w.exactlyOnce("invitations", w.mails(), arriving)
		w.exactlyOnce("moves", w.moves(), arriving)
		w.exactlyOnce("reviews", w.reviews(), arriving)
	})
}

// killWorkers kills n workers, one after the other, while people arrive at the
// invitation stage and others elsewhere. Every other kill waits for an act to
// be on its way first, so that the moments that matter are hit.
func (w *world) killWorkers(random *rand.Rand, n int, arriving, others []*candidate) {
	w.t.Helper()
	const onItsWay = `select count(*) from actions where state = 'sending'`
	ledger, begun, hard, role := w.ledger(), time.Now(), 0, "serve"
	if w.backend.Redis != nil {
		role = "worker"
	}
	for i := range n {
		for _, p := range arriving[i*len(arriving)/n : (i+1)*len(arriving)/n] {
			p.move(smartrecruiters.InReview, "Screening")
		}
		for _, p := range others[i*len(others)/n : (i+1)*len(others)/n] {
			p.move(smartrecruiters.Interviewed, "Phone interview")
		}
		victims := w.running(role)
		victim := w.up(victims[random.IntN(len(victims))])
		if random.IntN(2) == 0 {
			for wait := time.Now().Add(time.Second); ledger.number(onItsWay) == 0 && time.Now().Before(wait); {
				time.Sleep(5 * time.Millisecond)
			}
		}
		time.Sleep(time.Duration(random.Int64N(int64(120 * time.Millisecond)))) // the random moment
		w.kill(victim)
		if ledger.number(onItsWay) > 0 {
			hard++
		}
		w.start(role)
	}
	w.t.Logf("%d kills in %s, %d of them while an act was on its way", n, time.Since(begun).Round(time.Second), hard)
	require.NotZero(w.t, hard, "no kill hit an act on its way: the run proves nothing")
	for _, p := range w.running(role) {
		w.up(p)
	}
}

// decide gives everybody who was invited a status and a result.
func (w *world) decide(people []*candidate) {
	decided := map[string]bool{}
	for deadline := time.Now().Add(4 * patience); len(decided) < len(people) && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		for _, c := range w.Fairec.Candidates() {
			if decided[c.ID] {
				continue
			}
			decided[c.ID] = true
			if w.Fairec.SetStatus(c.ID, "Shortlist") != nil || w.Fairec.SetResult(c.ID, 4, "Calm and precise.") != nil {
				w.t.Error("the product refused a decision")
			}
		}
	}
}
