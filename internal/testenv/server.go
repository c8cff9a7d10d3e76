package testenv

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// guardian runs a server and waits for the end of its input, which comes when
// the test process ends, however that happens. Then it ends the server and
// removes its folder.
const guardian = `dir=$1 signal=$2; shift 2
"$@" >>"$dir/log" 2>&1 &
pid=$!
cat >/dev/null
kill -s "$signal" $pid 2>/dev/null
wait $pid
rm -rf "$dir"`

// server is a child process with a folder of its own.
type server struct {
	dir      string
	lifeline io.Closer
	ended    chan struct{}
}

// newDir makes a folder short enough for sockets, owned by whom servers run as.
func newDir(kind string) (string, error) {
	sweep()
	dir, err := os.MkdirTemp("/tmp", "atshub-test-"+kind+"-")
	if err != nil {
		return "", err
	}
	return dir, giveAway(dir)
}

// sweep removes what guardians killed together with their tests left behind.
var sweep = sync.OnceFunc(func() {
	old, _ := filepath.Glob("/tmp/atshub-test-*")
	for _, dir := range old {
		if info, err := os.Stat(dir); err == nil && time.Since(info.ModTime()) > 24*time.Hour {
			_ = os.RemoveAll(dir)
		}
	}
})

// launch starts a server in dir; signal is what ends it at once.
func launch(dir, signal string, argv ...string) (*server, error) {
	cmd := exec.Command("/bin/sh", append([]string{"-c", guardian, "guardian", dir, signal}, argv...)...)
	cmd.Dir = dir
	detach(cmd)
	lifeline, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &server{dir: dir, lifeline: lifeline, ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		close(s.ended)
	}()
	return s, nil
}

// stop ends the server and its folder.
func (s *server) stop() {
	_ = s.lifeline.Close()
	<-s.ended
}

// await polls until ready answers true.
func (s *server) await(ready func() bool) error {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if ready() {
			return nil
		}
	}
	log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	return fmt.Errorf("the server did not start: %s", bytes.TrimSpace(log))
}

// once makes a server at its first use; it ends with the process.
type once[T any] struct {
	sync.Once
	value T
	err   error
}

func (o *once[T]) get(t *testing.T, make func() (T, error)) T {
	t.Helper()
	o.Do(func() { o.value, o.err = make() })
	if o.err != nil {
		t.Fatal(o.err)
	}
	return o.value
}
