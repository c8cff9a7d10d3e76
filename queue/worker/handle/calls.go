package handle

import (
	"context"
	"strings"
	"sync"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/reach"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/queue/worker"
)

// calls notes every call to the ATS that a decision or an act needed, so that
// the trail tells them in order. They are written with what they led to.
type calls struct {
	mu    sync.Mutex
	about hub.Trail
	lines []hub.Trail
}

type callsKey struct{}

// noteCalls begins to note the calls made under the context, about a thing.
func noteCalls(ctx context.Context, about hub.Trail) context.Context {
	c := &calls{about: about}
	ctx = context.WithValue(ctx, callsKey{}, c)
	return reach.Observe(ctx, c.note)
}

// aboutCalls says what the calls under the context turned out to be about.
func aboutCalls(ctx context.Context, about hub.Trail) {
	if c, ok := ctx.Value(callsKey{}).(*calls); ok {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.about = about
	}
}

func (c *calls) note(ability string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	line := hub.Trail{Kind: hub.TrailCall, What: "ATS: " + strings.ReplaceAll(ability, "_", " "), Verdict: "done"}
	if err != nil {
		line.Verdict, line.Detail = "failed", worker.Reason(err)
	}
	c.lines = append(c.lines, line)
}

// writeCalls writes the calls noted so far into the trail, once.
func writeCalls(ctx context.Context, tx *store.Tx) error {
	c, ok := ctx.Value(callsKey{}).(*calls)
	if !ok {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.lines {
		line := c.about
		line.Kind, line.What, line.Verdict, line.Detail = l.Kind, l.What, l.Verdict, l.Detail
		if err := tx.AddTrail(line); err != nil {
			return err
		}
	}
	return nil
}
