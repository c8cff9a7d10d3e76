package pluginhost

// The supervisor's states under a clock that costs no time.

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestG14_RestartPolicy(t *testing.T) {
	t.Parallel()
	type crash struct {
		at, upFor  time.Duration // upFor 0: never ready
		delay      time.Duration
		quarantine bool
	}
	for name, crashes := range map[string][]crash{
		"FirstRestartAtOnceThenLaterAndLater": {{at: 0}, {at: time.Second, delay: 250 * time.Millisecond}, {at: 2 * time.Second, delay: 500 * time.Millisecond}, {at: 3 * time.Second, delay: time.Second}},
		"FiveInFiveMinutesIsTooMany":          {{at: 0}, {at: 60 * time.Second, delay: 250 * time.Millisecond}, {at: 120 * time.Second, delay: 500 * time.Millisecond}, {at: 180 * time.Second, delay: time.Second}, {at: 299 * time.Second, quarantine: true}},
		"FiveInMoreThanFiveMinutesIsNot":      {{at: 0}, {at: 60 * time.Second, delay: 250 * time.Millisecond}, {at: 120 * time.Second, delay: 500 * time.Millisecond}, {at: 180 * time.Second, delay: time.Second}, {at: 300 * time.Second, delay: 2 * time.Second}},
		"FiveSteadyMinutesForget":             {{at: 0}, {at: time.Second, delay: 250 * time.Millisecond}, {at: 302 * time.Second, upFor: 300 * time.Second, delay: 0}, {at: 303 * time.Second, delay: 250 * time.Millisecond}},
		"LessThanSteadyDoesNot":               {{at: 0}, {at: 200 * time.Second, upFor: 200 * time.Second, delay: 250 * time.Millisecond}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &restarts{jitter: func(d time.Duration) time.Duration { return d }}
			epoch := time.Unix(0, 0)
			for i, c := range crashes {
				var readyAt time.Time
				if c.upFor > 0 {
					readyAt = epoch.Add(c.at - c.upFor)
				}
				delay, quarantine := r.crashed(epoch.Add(c.at), readyAt)
				require.Equal(t, c.delay, delay, "crash %d", i)
				require.Equal(t, c.quarantine, quarantine, "crash %d", i)
			}
		})
	}
	t.Run("DelaysAreCappedAndJittered", func(t *testing.T) {
		t.Parallel()
		r := newRestarts()
		r.streak = 40
		for range 100 {
			delay, _ := (&restarts{streak: r.streak, jitter: r.jitter}).crashed(time.Unix(0, 0), time.Time{})
			require.LessOrEqual(t, delay, time.Minute)
		}
	})
	t.Run("AfterQuarantineOneCrashIsEnough", func(t *testing.T) {
		t.Parallel()
		r := newRestarts()
		now := time.Unix(0, 0)
		r.halfOpen(now)
		_, quarantine := r.crashed(now.Add(time.Second), now)
		require.True(t, quarantine)
		r.halfOpen(now)
		_, quarantine = r.crashed(now.Add(time.Hour), now)
		require.False(t, quarantine, "unless it was steady before")
	})
}

// fake is a process under the test's control.
type fake struct {
	mu      sync.Mutex
	healthy error
	gone    chan struct{}
	calls   []string
}

func newFake() *fake { return &fake{gone: make(chan struct{})} }

func (f *fake) health(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.healthy
}
func (f *fake) exited() <-chan struct{} { return f.gone }
func (f *fake) reason() string          { return "ended as told" }
func (f *fake) drain(context.Context)   { f.note("drain") }
func (f *fake) pid() int                { return 1 }
func (f *fake) end(why string) {
	f.note(why)
	f.mu.Lock()
	defer f.mu.Unlock()
	if !isClosed(f.gone) {
		close(f.gone)
	}
}
func (f *fake) note(s string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, s)
}
func (f *fake) sick(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.healthy = err
}
func (f *fake) crash() { close(f.gone) }

// supervised runs a supervisor whose launches are answered by launch.
func supervised(t *testing.T, launch func(n int) (instance, error)) *supervisor {
	m, err := newMetrics(nil)
	require.NoError(t, err)
	n := 0
	s := newSupervisor("alpha", Options{Logger: slog.New(slog.DiscardHandler)}.withDefaults(), slog.New(slog.DiscardHandler), m,
		func(context.Context) (instance, error) { n++; return launch(n) })
	require.Equal(t, StateRegistered, s.status().State)
	s.start()
	synctest.Wait()
	return s
}

func (s *supervisor) is(t *testing.T, want State) {
	t.Helper()
	synctest.Wait()
	require.Equal(t, want, s.status().State)
}

func TestG14_SupervisorStates(t *testing.T) {
	t.Parallel()
	bad := errors.New("no answer")
	for name, play := range map[string]func(t *testing.T){
		"ReadyThenDrainedAndStopped": func(t *testing.T) {
			f := newFake()
			s := supervised(t, func(int) (instance, error) { return f, nil })
			s.is(t, StateReady)
			s.stop(t.Context())
			s.is(t, StateStopped)
			require.Equal(t, []string{"drain", "stopped"}, f.calls)
			_, err := s.ready(t.Context())
			require.ErrorContains(t, err, "stopping")
		},
		"LostCallIsForgivenWhenHealthAnswers": func(t *testing.T) {
			f := newFake()
			s := supervised(t, func(int) (instance, error) { return f, nil })
			began := time.Now()
			s.lostCall(f)
			require.Equal(t, StateSuspect, s.status().State)
			i, err := s.ready(t.Context())
			require.NoError(t, err)
			require.Same(t, f, i)
			require.Zero(t, time.Since(began), "asked at once")
			s.stop(t.Context())
		},
		"OneMissIsSuspectThenReady": func(t *testing.T) {
			f := newFake()
			s := supervised(t, func(int) (instance, error) { return f, nil })
			f.sick(bad)
			time.Sleep(5 * time.Second)
			s.is(t, StateSuspect)
			f.sick(nil)
			time.Sleep(time.Second)
			s.is(t, StateReady)
			s.stop(t.Context())
		},
		"ThreeMissesKillAndRestartAtOnce": func(t *testing.T) {
			f, g := newFake(), newFake()
			s := supervised(t, func(n int) (instance, error) { return map[int]instance{1: f, 2: g}[n], nil })
			f.sick(bad)
			time.Sleep(7 * time.Second)
			s.is(t, StateReady)
			require.Equal(t, "killed by the hub: it did not answer three health questions", f.calls[0])
			require.Equal(t, 2, s.status().Starts)
			s.stop(t.Context())
		},
		"TooMuchMemoryKillsAtOnce": func(t *testing.T) {
			f, g := newFake(), newFake()
			s := supervised(t, func(n int) (instance, error) { return map[int]instance{1: f, 2: g}[n], nil })
			f.sick(tooBig{300 << 20, 256 << 20})
			time.Sleep(5 * time.Second)
			s.is(t, StateReady)
			require.Contains(t, s.status().LastExit, "held 300 MiB of memory, over its limit of 256 MiB")
			s.stop(t.Context())
		},
		"CrashesBackOffThenQuarantineThenHalfOpen": func(t *testing.T) {
			healthy := newFake()
			s := supervised(t, func(n int) (instance, error) {
				if n == 6 {
					return healthy, nil
				}
				return nil, bad
			})
			s.is(t, StateBackoff)
			time.Sleep(5 * time.Second)
			s.is(t, StateQuarantined)
			require.Equal(t, 5, s.status().Starts)
			began := time.Now()
			_, err := s.ready(t.Context())
			require.ErrorContains(t, err, "quarantined")
			require.Zero(t, time.Since(began), "calls fail at once")
			time.Sleep(10 * time.Minute)
			s.is(t, StateReady)
			healthy.crash()
			s.is(t, StateQuarantined)
			s.stop(t.Context())
		},
		"RefusedIsQuarantinedAtOnceUntilReset": func(t *testing.T) {
			f := newFake()
			s := supervised(t, func(n int) (instance, error) {
				if n == 1 {
					return nil, refuse("wrong bytes")
				}
				return f, nil
			})
			s.is(t, StateQuarantined)
			require.Equal(t, "wrong bytes", s.status().LastExit)
			s.reset()
			s.is(t, StateReady)
			s.stop(t.Context())
		},
		"CallersWaitForReadyTwoSecondsAtMost": func(t *testing.T) {
			never := make(chan struct{})
			s := supervised(t, func(int) (instance, error) { <-never; return nil, bad })
			s.is(t, StateStarting)
			began := time.Now()
			_, err := s.ready(t.Context())
			require.ErrorContains(t, err, "not ready: starting")
			require.Equal(t, 2*time.Second, time.Since(began))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err = s.ready(ctx)
			require.ErrorContains(t, err, "deadline")
			require.Equal(t, 3*time.Second, time.Since(began))
			close(never)
			s.stop(t.Context())
		},
		"StopDuringBackoffAndQuarantine": func(t *testing.T) {
			for _, wait := range []time.Duration{0, time.Minute} {
				s := supervised(t, func(int) (instance, error) { return nil, bad })
				time.Sleep(wait)
				s.stop(t.Context())
				s.is(t, StateStopped)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, play)
		})
	}
}
