package httpclient

// Budgets: what one credential may spend, however many sessions use it.

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"github.com/atshub/atshub/sdk"
)

// DefaultFamily is the budget every request counts against, beside the one of
// its own family.
const DefaultFamily = "default"

// Pool hands out one Budget per credential, so that two connections that share
// a credential, or two revisions of one, share what the ATS allows it. The
// zero Pool is ready; a connector keeps one for its life.
type Pool struct {
	mu      sync.Mutex
	budgets map[string]*shared
}

type shared struct {
	budget *Budget
	users  int
}

// Get returns the budget of a credential, named by any string that is equal
// for equal credentials (a hash; never the credential itself), and a func that
// gives it back. Rules are looked at only for a credential not in use.
func (p *Pool) Get(credential string, rules []sdk.Budget) (*Budget, func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.budgets == nil {
		p.budgets = map[string]*shared{}
	}
	s := p.budgets[credential]
	if s == nil {
		s = &shared{budget: NewBudget(rules)}
		p.budgets[credential] = s
	}
	s.users++
	return s.budget, sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if s.users--; s.users == 0 {
			delete(p.budgets, credential)
		}
	})
}

// Budget spaces the requests of one credential. Safe for concurrent use.
type Budget struct {
	families map[string]*family

	mu    sync.Mutex
	until time.Time // nothing is sent before
}

type family struct {
	rate  *rate.Limiter       // nil = unlimited
	slots *semaphore.Weighted // nil = unlimited
}

// NewBudget makes a budget from the rules of a manifest. Tokens come at nine
// tenths of the allowed rate and at most a tenth is saved up, so that no
// rolling second ever sees more than the ATS allows, whichever way it counts.
func NewBudget(rules []sdk.Budget) *Budget {
	b := &Budget{families: map[string]*family{}}
	for _, r := range rules {
		f := &family{}
		if r.PerSecond > 0 {
			f.rate = rate.NewLimiter(rate.Limit(0.9*r.PerSecond), max(1, int(0.1*r.PerSecond)))
		}
		if r.Concurrent > 0 {
			f.slots = semaphore.NewWeighted(int64(r.Concurrent))
		}
		b.families[r.Family] = f
	}
	return b
}

// Pause holds back everything of this credential for d.
func (b *Budget) Pause(d time.Duration) {
	if d <= 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if t := time.Now().Add(d); t.After(b.until) {
		b.until = t
	}
}

func (b *Budget) paused() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Until(b.until)
}

// take waits for a slot and a token in the family and in the default one. The
// narrower family comes first, so that its queue holds no slot the others need.
func (b *Budget) take(ctx context.Context, name string) (release func(), err error) {
	var held []*semaphore.Weighted
	release = func() {
		for _, s := range held {
			s.Release(1)
		}
	}
	names := []string{name, DefaultFamily}
	if name == "" || name == DefaultFamily {
		names = names[1:]
	}
	for _, n := range names {
		f := b.families[n]
		if f == nil || f.slots == nil {
			continue
		}
		if err := f.slots.Acquire(ctx, 1); err != nil {
			release()
			return nil, err
		}
		held = append(held, f.slots)
	}
	if err := b.pace(ctx, names); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

func (b *Budget) pace(ctx context.Context, names []string) error {
	for wait := b.paused(); wait > 0; wait = b.paused() {
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
	for _, n := range names {
		if f := b.families[n]; f != nil && f.rate != nil {
			if err := f.rate.Wait(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// sleep waits for d, or fails at once when the deadline of ctx comes first.
func sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d {
		return context.DeadlineExceeded
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
