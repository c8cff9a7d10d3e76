// Limits: ten requests a second per endpoint and credential, eight in flight per credential, one GET /candidates.

package smartrecruiters

import (
	"net/http"
	"strconv"
	"sync"
	"time"
)

type limiter struct {
	rate, concurrency int
	now               func() time.Time

	mu     sync.Mutex
	recent map[string][]time.Time
	active map[string]int
}

func newLimiter(o Options) *limiter {
	return &limiter{
		rate: o.Rate, concurrency: o.Concurrency, now: o.RateNow,
		recent: map[string][]time.Time{}, active: map[string]int{},
	}
}

// enter counts a request in. release must be called when it ends, more often does no harm; header goes on every
// answer, refused ones too.
func (l *limiter) enter(credential string, rt *route) (release func(), header http.Header, admitted bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	endpoint := credential + " " + rt.method + " " + rt.path
	slots, limit := credential, l.concurrency
	if rt.oneAtATime() {
		slots, limit = endpoint, 1
	}
	now := l.now()
	window := l.recent[endpoint]
	for len(window) > 0 && now.Sub(window[0]) >= time.Second {
		window = window[1:]
	}
	admitted = len(window) < l.rate && l.active[slots] < limit && l.active[credential] < l.concurrency
	if admitted {
		window = append(window, now)
		l.active[slots]++
		if slots != credential {
			l.active[credential]++
		}
	}
	l.recent[endpoint] = window
	header = http.Header{
		"X-Ratelimit-Limit":                []string{strconv.Itoa(l.rate)},
		"X-Ratelimit-Remaining":            []string{strconv.Itoa(l.rate - len(window))},
		"X-Ratelimit-Concurrent-Limit":     []string{strconv.Itoa(limit)},
		"X-Ratelimit-Concurrent-Remaining": []string{strconv.Itoa(max(0, limit-l.active[slots]))},
	}
	if !admitted {
		return func() {}, header, false
	}
	return sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.active[slots]--
		if slots != credential {
			l.active[credential]--
		}
	}), header, true
}
