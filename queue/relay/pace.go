package relay

import (
	"time"

	"github.com/atshub/atshub/internal/hub"
)

// How much of one tenant may be in flight. A tenant begins with fewer rows
// than a worker has slots; while they are worked off quickly the allowance
// grows up to a quarter of the window, and while they are not, because its ATS
// is slow, it shrinks. So a slow ATS never takes all the slots of a queue.

// firstPace is about half the slots of one worker.
var firstPace = map[hub.Queue]int{hub.QueueCritical: 8, hub.QueueWebhooks: 8, hub.QueueDefault: 8, hub.QueueBulk: 2}

// slow is how long an allowance may stay used up before it is halved.
const slow = time.Second

// pace is the allowance of one tenant in one queue, kept while it has ready rows.
type pace struct {
	allowed int
	used    bool      // all of it was in flight
	since   time.Time // when it last changed, or was last not used up
}

// adjust looks at how many rows are in flight now and answers how many may be.
func (p *pace) adjust(inFlight, first, most int, now time.Time) int {
	switch {
	case p.allowed == 0:
		p.allowed, p.since = min(first, most), now
	case p.used && inFlight <= p.allowed/2:
		p.allowed, p.since = min(2*p.allowed, most), now
	case inFlight < p.allowed:
		p.since = now
	case now.Sub(p.since) >= slow:
		p.allowed, p.since = max(p.allowed/2, (first+3)/4, 1), now
	}
	p.used = inFlight >= p.allowed
	return p.allowed
}

// paces are those of one queue by tenant.
type paces map[string]*pace

// of is the pace of a tenant, a new one if it has none.
func (p paces) of(tenant string) *pace {
	if p[tenant] == nil {
		p[tenant] = &pace{}
	}
	return p[tenant]
}

// keep forgets the paces of all but these tenants.
func (p paces) keep(tenants []string) {
	if len(p) <= len(tenants) {
		return
	}
	stay := make(map[string]bool, len(tenants))
	for _, t := range tenants {
		stay[t] = true
	}
	for t := range p {
		if !stay[t] {
			delete(p, t)
		}
	}
}
