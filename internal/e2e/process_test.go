package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// process is one running atshub.
type process struct {
	role  string
	addr  string // where it listens; "" for a worker
	cmd   *exec.Cmd
	out   *output
	ended chan struct{}
}

// output keeps what a process prints and tells when it is up.
type output struct {
	file *os.File
	mu   sync.Mutex
	tail []byte
	up   chan struct{}
	once sync.Once
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	o.tail = append(o.tail, b...)
	if bytes.Contains(o.tail, []byte("atshub is up")) {
		o.once.Do(func() { close(o.up) })
	}
	o.tail = o.tail[max(0, len(o.tail)-4096):]
	o.mu.Unlock()
	return o.file.Write(b)
}

// start runs "atshub <role>" and does not wait for it. A gateway gets a port
// of its own.
func (w *world) start(role string) *process {
	w.t.Helper()
	p := &process{role: role, out: &output{up: make(chan struct{})}, ended: make(chan struct{})}
	w.mu.Lock()
	w.started++
	name := fmt.Sprintf("%s-%d.log", role, w.started)
	w.processes = append(w.processes, p)
	w.mu.Unlock()
	var err error
	p.out.file, err = os.Create(filepath.Join(w.logs, name))
	require.NoError(w.t, err)
	p.cmd = exec.Command(atshub(w.t), "--config", w.config, role)
	p.cmd.Stderr, p.cmd.Stdout = p.out, p.out
	p.cmd.SysProcAttr = lifeline()
	if role != "worker" {
		p.addr = freeAddress(w.t)
		p.cmd.Env = []string{"ATSHUB_LISTEN=" + p.addr}
	} else {
		p.cmd.Env = []string{"ATSHUB_LISTEN=127.0.0.1:1"} // it does not listen
	}
	require.NoError(w.t, p.cmd.Start())
	go func() {
		_ = p.cmd.Wait()
		_ = p.out.file.Close()
		close(p.ended)
	}()
	return p
}

// up waits until the process does its job.
func (w *world) up(p *process) *process {
	w.t.Helper()
	select {
	case <-p.out.up:
	case <-p.ended:
		w.t.Fatalf("%s ended at once: %s", p.role, p.last())
	case <-time.After(patience):
		w.t.Fatalf("%s is not up: %s", p.role, p.last())
	}
	if p.addr != "" {
		w.eventually("the gateway answers", func() bool {
			res, err := w.plain.Get("http://" + p.addr + "/healthz")
			if err != nil {
				return false
			}
			_ = res.Body.Close()
			return res.StatusCode == http.StatusOK
		})
		w.door.open(p.addr)
	}
	return p
}

// run starts a process and waits until it is up.
func (w *world) run(role string) *process {
	w.t.Helper()
	return w.up(w.start(role))
}

func (p *process) last() string {
	p.out.mu.Lock()
	defer p.out.mu.Unlock()
	return string(p.out.tail)
}

// kill ends the process as kill -9 does.
func (w *world) kill(p *process) {
	w.door.shut(p.addr)
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// stop asks the process to end and waits for it.
func (w *world) stop(p *process) {
	w.t.Helper()
	w.door.shut(p.addr)
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		<-p.ended
		w.t.Errorf("%s did not end when asked: %s", p.role, p.last())
	}
}

func (p *process) alive() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l := listen(t)
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
