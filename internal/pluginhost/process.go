package pluginhost

// process is one connector process from exec to the last byte of its output,
// and go-plugin's runner. It executes sealed bytes only, in an environment of
// our choosing, reads stderr itself (go-plugin's parser panics on lines it
// does not expect) and tells of the exit at once, whoever still holds a pipe.

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-plugin/runner"
)

// drainOutput is how long output is still read after the process is gone; a
// descendant that left the group could hold the pipes for ever.
const drainOutput = 200 * time.Millisecond

type process struct {
	name      string
	binary    *sealed  // needed until Start has returned
	env       []string // set before Start
	home      string   // working and temporary directory
	socketDir string   // the only place its socket may be; set before Start
	memory    int64    // bytes
	logs      *logSink

	lifeline  *os.File // its stdin: closed when we are gone
	handshake *io.PipeReader
	greeting  atomic.Pointer[string] // first line of stdout

	dead chan struct{} // closed when the process has exited
	done chan struct{} // closed when its output is read too

	mu      sync.Mutex
	pid     int
	reaped  bool
	verdict string // why we killed it
	exit    string // how it ended, set before dead is closed
	byUs    bool
}

func newProcess(name string, binary *sealed, home string, memory int64, logs *logSink) *process {
	return &process{name: name, binary: binary, home: home, memory: memory, logs: logs,
		dead: make(chan struct{}), done: make(chan struct{})}
}

// Start executes the binary. On an error nothing is left behind.
func (p *process) Start(context.Context) (err error) {
	var pipes [3]struct{ r, w *os.File }
	defer func() {
		for i, pipe := range pipes {
			ours, theirs := pipe.r, pipe.w
			if i == 0 {
				ours, theirs = pipe.w, pipe.r
			}
			_ = theirs.Close()
			if err != nil {
				_ = ours.Close()
			}
		}
	}()
	for i := range pipes {
		if pipes[i].r, pipes[i].w, err = os.Pipe(); err != nil {
			return fmt.Errorf("open pipes: %w", err)
		}
	}
	cmd := &exec.Cmd{Path: p.binary.path, Args: []string{p.name}, Env: p.env, Dir: p.home,
		Stdin: pipes[0].r, Stdout: pipes[1].w, Stderr: pipes[2].w}
	ownGroup(cmd)
	p.mu.Lock()
	if p.verdict != "" {
		err = errors.New("killed before it was started: " + p.verdict)
	} else if err = cmd.Start(); err == nil {
		p.pid, p.lifeline = cmd.Process.Pid, pipes[0].w
	}
	p.mu.Unlock()
	if err != nil {
		return fmt.Errorf("execute the binary: %w", err)
	}
	limitProcess(cmd.Process.Pid, p.memory)
	var toGoPlugin *io.PipeWriter
	p.handshake, toGoPlugin = io.Pipe()
	var readers sync.WaitGroup
	readers.Go(func() { p.readStdout(pipes[1].r, toGoPlugin) })
	readers.Go(func() { p.logs.read(pipes[2].r) })
	go p.wait(cmd, &readers, pipes[1].r, pipes[2].r)
	return nil
}

// readStdout hands go-plugin the first line alone; nothing else has a meaning
// there, and nothing may ever block the process.
func (p *process) readStdout(r *os.File, out *io.PipeWriter) {
	b := bufio.NewReaderSize(r, 16<<10)
	line, err := b.ReadSlice('\n')
	if err == nil {
		greeting := strings.TrimSpace(string(line))
		p.greeting.Store(&greeting)
		_, _ = out.Write(line)
	}
	_ = out.Close()
	_, _ = io.Copy(io.Discard, b)
}

func (p *process) wait(cmd *exec.Cmd, readers *sync.WaitGroup, pipes ...*os.File) {
	_ = cmd.Wait()
	p.mu.Lock()
	p.reaped = true
	p.exit = exitReason(cmd.ProcessState)
	// A process that ended by itself while we were about to kill it tells more.
	if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); p.verdict != "" && (!ok || ws.Signaled()) {
		p.exit, p.byUs = p.verdict, true
	}
	p.mu.Unlock()
	_ = killGroup(cmd.Process.Pid)
	close(p.dead)
	_ = p.lifeline.Close()
	for _, pipe := range pipes {
		_ = pipe.SetReadDeadline(time.Now().Add(drainOutput))
	}
	readers.Wait()
	for _, pipe := range pipes {
		_ = pipe.Close()
	}
	close(p.done)
}

func exitReason(s *os.ProcessState) string {
	ws, ok := s.Sys().(syscall.WaitStatus)
	if ok && ws.Signaled() {
		return "ended by " + ws.Signal().String() + " (signal " + strconv.Itoa(int(ws.Signal())) + "), not sent by the hub"
	}
	return "exited by itself with code " + strconv.Itoa(s.ExitCode())
}

// kill ends the process and all it started, or forbids its start; why becomes
// its exit reason unless it is gone already. Safe to call at any time, any number of times.
func (p *process) kill(why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reaped {
		return
	}
	if p.verdict == "" {
		p.verdict = why
	}
	if p.pid != 0 {
		_ = killGroup(p.pid)
	}
}

// reason is how the process ended, and whether it was our doing.
func (p *process) reason() (exit string, byUs bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exit, p.byUs
}

// What follows is go-plugin's runner.Runner.

func (p *process) Kill(context.Context) error {
	p.kill("was ended by the hub")
	return nil
}

func (p *process) Wait(ctx context.Context) error {
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *process) ID() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pid == 0 {
		return ""
	}
	return strconv.Itoa(p.pid)
}

func (p *process) Name() string                    { return p.name }
func (p *process) Stdout() io.ReadCloser           { return p.handshake }
func (p *process) Stderr() io.ReadCloser           { return io.NopCloser(strings.NewReader("")) }
func (p *process) Diagnose(context.Context) string { return "" }

var errForeignAddress = errors.New("the connector names an address outside its own socket directory")

// PluginToHost accepts a socket in the process's own directory and nothing
// else, so that a connector cannot make the hub dial where it likes.
func (p *process) PluginToHost(network, address string) (string, string, error) {
	if network != "unix" || filepath.Dir(address) != filepath.Clean(p.socketDir) {
		return "", "", errForeignAddress
	}
	info, err := os.Lstat(address)
	if err != nil || info.Mode().Type() != fs.ModeSocket {
		return "", "", errForeignAddress
	}
	return network, address, nil
}

func (p *process) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}

var _ runner.Runner = (*process)(nil)
