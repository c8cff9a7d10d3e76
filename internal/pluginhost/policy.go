package pluginhost

// When to start a crashed connector again.

import (
	"math/rand/v2"
	"slices"
	"time"
)

const (
	firstDelay      = 250 * time.Millisecond
	maxDelay        = time.Minute
	crashWindow     = 5 * time.Minute // this many crashes within it: quarantine
	maxCrashes      = 5
	steadyAfter     = 5 * time.Minute  // ready this long: earlier crashes are forgotten
	quarantineRetry = 10 * time.Minute // one try, without a person
)

// restarts remembers the crashes of one connector.
type restarts struct {
	crashes []time.Time
	streak  int
	jitter  func(time.Duration) time.Duration // a random share of it
}

func newRestarts() *restarts {
	return &restarts{jitter: func(d time.Duration) time.Duration { return rand.N(d + 1) }}
}

// crashed notes a crash at now of a process ready since readyAt (zero: never).
// The first restart is at once, later ones wait ever longer; after too many
// the connector is to be quarantined.
func (r *restarts) crashed(now, readyAt time.Time) (delay time.Duration, quarantine bool) {
	if !readyAt.IsZero() && now.Sub(readyAt) >= steadyAfter {
		r.clear()
	}
	r.crashes = slices.DeleteFunc(r.crashes, func(t time.Time) bool { return now.Sub(t) >= crashWindow })
	r.crashes = append(r.crashes, now)
	if len(r.crashes) >= maxCrashes {
		return 0, true
	}
	if r.streak > 0 {
		delay = r.jitter(min(maxDelay, firstDelay<<min(r.streak-1, 20)))
	}
	r.streak++
	return delay, false
}

// halfOpen is the try after a quarantine: one more crash and it is back.
func (r *restarts) halfOpen(now time.Time) {
	r.crashes, r.streak = slices.Repeat([]time.Time{now}, maxCrashes-1), 0
}

func (r *restarts) clear() { r.crashes, r.streak = nil, 0 }
