package e2e

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/sandbox/smartrecruiters"
	"github.com/atshub/atshub/internal/testenv"
)

// TestG3_RedisMayForgetEverything: Redis is emptied at random moments, killed,
// and brought back with and without what it held. Nothing is lost, what waited
// happens within 10 s of its return, and joins already armed never notice.
func TestG3_RedisMayForgetEverything(t *testing.T) {
	t.Parallel()
	b := testenv.Backend{Name: "postgres+redis", DatabaseURL: testenv.Postgres(t), Redis: testenv.StartRedis(t)}
	b.RedisURL = b.Redis.URL
	random := dice(t)
	w := newWorld(t, b, setup{leases: true}) // the loss is noticed, not waited out
	w.runAll(1, 1)
	c := w.screening("Redless")
	job := c.AddJob(smartrecruiters.Job{Title: "Baker"})
	c.importJob(job, "nobody")
	s := w.sessions("Recorded")
	role := s.c.toggleOn(s.job)
	first := s.plan(time.Hour)
	w.eventually("the first session is armed", func() bool { return first.recorder().State == "armed" })

	people := c.applyMany(job, 20)
	w.flush(random, people[:8])
	w.eventually("everyone is invited", func() bool { return has(w.mails(), people[:8]) })
	w.inRedis(people[8:12])
	w.redis(func(ctx context.Context, r *redis.Client) error { return r.FlushAll(ctx).Err() })
	w.within(10*time.Second, "invitations whose bell lay in Redis when it was emptied", func() bool { return has(w.mails(), people[8:12]) })

	for i, forget := range []bool{false, true} {
		waiting := people[12+4*i : 16+4*i]
		before := len(w.Pillar.Log().Effects(""))
		w.inRedis(waiting[:2])
		b.Redis.Kill()
		for _, p := range waiting[2:] {
			p.move(smartrecruiters.InReview, "Screening")
		}
		added := s.plan(2 * time.Hour)
		w.eventually("the ATS has its answers", func() bool { return w.acknowledged(waiting) })
		require.Equal(t, "armed", first.recorder().State)
		require.Len(t, w.Pillar.Log().Effects(""), before, "an armed join was touched while Redis was away")
		if forget {
			b.Redis.Forget(t)
		}
		b.Redis.Start(t)
		w.letGo()
		w.within(10*time.Second, "invitations and joins that waited for Redis", func() bool {
			return has(w.mails(), waiting) && added.recorder().State == "armed"
		})
	}
	w.ledger().settled()
	w.exactlyOnce("invitations", w.mails(), people)
	require.Empty(t, role.off().OnTheWire)
}

// redis does something to the hub's Redis.
func (w *world) redis(do func(context.Context, *redis.Client) error) {
	w.t.Helper()
	options, err := redis.ParseURL(w.backend.RedisURL)
	require.NoError(w.t, err)
	client := redis.NewClient(options)
	defer func() { _ = client.Close() }()
	require.NoError(w.t, do(context.Background(), client))
}

// flush empties Redis again and again while people arrive.
func (w *world) flush(random *rand.Rand, people []*candidate) {
	w.t.Helper()
	for _, p := range people {
		p.move(smartrecruiters.InReview, "Screening")
		time.Sleep(time.Duration(random.Int64N(int64(60 * time.Millisecond)))) // the random moment
		w.redis(func(ctx context.Context, r *redis.Client) error { return r.FlushAll(ctx).Err() })
	}
}

// inRedis has the bells of people's arrival lie in Redis, answered by nobody.
func (w *world) inRedis(people []*candidate) {
	w.t.Helper()
	w.redis(func(ctx context.Context, r *redis.Client) error {
		if err := r.Set(ctx, "asynq:{webhooks}:paused", 1, 0).Err(); err != nil {
			return err
		}
		for _, p := range people {
			p.move(smartrecruiters.InReview, "Screening")
		}
		w.eventually("the bells lie in Redis", func() bool {
			return r.LLen(ctx, "asynq:{webhooks}:pending").Val() >= int64(len(people))
		})
		return nil
	})
}

// letGo has bells answered again.
func (w *world) letGo() {
	w.t.Helper()
	w.redis(func(ctx context.Context, r *redis.Client) error { return r.Del(ctx, "asynq:{webhooks}:paused").Err() })
}

// acknowledged tells that the hub has answered 202 to an event about each.
func (w *world) acknowledged(people []*candidate) bool {
	answered := map[string]int{}
	for _, d := range w.deliveries() {
		if d.Status != http.StatusAccepted || !strings.HasPrefix(d.Event, "application.status") {
			continue
		}
		for _, p := range people {
			if strings.Contains(d.Body, p.CandidateID) {
				answered[p.CandidateID]++
			}
		}
	}
	return has(answered, people)
}

// TestG3_NoFalseAcknowledgement: while the database cannot commit, webhooks
// are answered 503 and never 2xx; all that was acknowledged before and is sent
// again after gets its disposition.
func TestG3_NoFalseAcknowledgement(t *testing.T) {
	t.Parallel()
	testenv.Backends(t, func(t *testing.T, b testenv.Backend) {
		w := newWorld(t, b, setup{})
		w.runAll(1, 1)
		c := w.screening("Dataless")
		job := c.AddJob(smartrecruiters.Job{Title: "Baker"})
		c.importJob(job, "nobody")
		people := c.applyMany(job, 9)
		arrive := func(some []*candidate) {
			for _, p := range some {
				p.move(smartrecruiters.InReview, "Screening")
			}
		}
		arrive(people[:3])
		w.settleDeliveries()
		giveBack := w.cutOff()
		from := len(w.deliveries())
		arrive(people[3:6])
		w.eventually("the ATS is told to come again", func() bool {
			refused := 0
			for _, d := range w.deliveries()[from:] {
				require.False(t, d.Status >= 200 && d.Status < 300, "acknowledged without a database")
				if d.Status == http.StatusServiceUnavailable {
					refused++
				}
			}
			return refused >= 3
		})
		giveBack()
		arrive(people[6:])
		w.eventually("everyone is invited", func() bool { return has(w.mails(), people) })
		w.settleDeliveries()
		w.ledger().settled()
		w.exactlyOnce("invitations", w.mails(), people)
		acknowledged := map[string]bool{}
		for _, d := range w.deliveries() {
			if d.Status == http.StatusAccepted {
				acknowledged[d.EventID] = true
			}
		}
		known := w.ledger().number(`select count(*) from events where source = 'webhook' and disposition <> ''`)
		require.Equal(t, len(acknowledged), known, "acknowledged deliveries with a disposition")
	})
}

// cutOff takes the database away from the hub until the answered function is
// called: Postgres stops taking connections; SQLite's disk is full.
func (w *world) cutOff() (giveBack func()) {
	w.t.Helper()
	if w.backend.Redis != nil {
		return testenv.CutOff(w.t, w.backend.DatabaseURL)
	}
	p := w.running("serve")[0]
	fillDisk(w.t, p.cmd.Process.Pid, true)
	return func() { fillDisk(w.t, p.cmd.Process.Pid, false) }
}
