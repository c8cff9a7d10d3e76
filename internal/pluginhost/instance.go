package pluginhost

// A running process as its supervisor uses it. Every step has a bound:
// go-plugin's own Ping and Kill have none.

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/atshub/atshub/sdk/transport"
)

// instance is what supervision needs of a process.
type instance interface {
	// health answers nil if the process answered within ctx.
	health(ctx context.Context) error
	// exited is closed when the process is gone; reason then says how.
	exited() <-chan struct{}
	reason() string
	// drain refuses new calls and waits for the running ones, within ctx.
	drain(ctx context.Context)
	// end kills the process with all it started and frees what it held.
	end(why string)
	pid() int
}

// tooBig is a process over its memory limit.
type tooBig struct{ used, limit int64 }

func (t tooBig) Error() string {
	return fmt.Sprintf("held %d MiB of memory, over its limit of %d MiB", t.used>>20, t.limit>>20)
}

func (p *plugged) health(ctx context.Context) error {
	if used := resident(p.pid()); used > p.limit {
		return tooBig{used, p.limit}
	}
	_, err := p.client.Health(ctx)
	return err
}

func (p *plugged) exited() <-chan struct{} { return p.process.dead }

func (p *plugged) reason() string {
	exit, _ := p.process.reason()
	return exit
}

func (p *plugged) pid() int {
	pid, _ := strconv.Atoi(p.process.ID())
	return pid
}

// invoke is one call, counted for drain.
func (p *plugged) invoke(ctx context.Context, c transport.Call) ([]byte, error) {
	p.calls.add(1)
	defer p.calls.add(-1)
	return p.client.Invoke(ctx, c)
}

// The process counts a call as finished before its answer is on the line, so
// the answers are waited for on this side.
func (p *plugged) drain(ctx context.Context) {
	_, _ = p.client.Drain(ctx)
	p.calls.wait(ctx)
}

// counter counts what is going on; its zero value is ready.
type counter struct {
	mu   sync.Mutex
	n    int
	zero chan struct{} // of the waiters
}

func (c *counter) add(d int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n += d; c.n == 0 && c.zero != nil {
		close(c.zero)
		c.zero = nil
	}
}

// wait returns when nothing goes on, or ctx ends.
func (c *counter) wait(ctx context.Context) {
	c.mu.Lock()
	if c.n == 0 {
		c.mu.Unlock()
		return
	}
	if c.zero == nil {
		c.zero = make(chan struct{})
	}
	zero := c.zero
	c.mu.Unlock()
	select {
	case <-zero:
	case <-ctx.Done():
	}
}

// freeWithin bounds go-plugin's clean-up, which has waits of its own.
const freeWithin = 3 * time.Second

func (p *plugged) end(why string) {
	p.process.kill(why)
	freed := make(chan struct{})
	go func() {
		defer close(freed)
		p.plugin.Kill()
	}()
	select {
	case <-freed:
	case <-time.After(freeWithin):
	}
	_ = p.prints.Close()
	_ = os.RemoveAll(p.dir)
}

// resident is the memory a process holds that is its own, 0 where the system
// does not tell: field 2 of statm without the pages shared with files.
func resident(pid int) int64 {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "statm"))
	if err != nil {
		return 0
	}
	f := bytes.Fields(b)
	if len(f) < 3 {
		return 0
	}
	all, err1 := strconv.ParseInt(string(f[1]), 10, 64)
	shared, err2 := strconv.ParseInt(string(f[2]), 10, 64)
	if err1 != nil || err2 != nil {
		return 0
	}
	return (all - shared) * int64(os.Getpagesize())
}

var _ instance = (*plugged)(nil)
