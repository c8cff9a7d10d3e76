package pluginhost

// The run directory of one host: sockets and temporary files of its
// connectors, 0700. It holds a lock as long as the host lives, so that the
// next host can tell what a killed one left and sweep it.

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	runPrefix = "atshub-run-"
	// maxSocketBase keeps <base>/atshub-run-N/N/plugin-dirN/pluginN below the
	// 108 bytes of a Unix socket address.
	maxSocketBase = 30
)

type runDir struct {
	path string
	lock *os.File
}

// newRunDir sweeps what dead hosts left in dir and makes a directory of our
// own there. A dir too long for socket addresses is replaced by the system's.
func newRunDir(dir string) (*runDir, error) {
	for _, candidate := range []string{dir, os.TempDir(), "/tmp"} {
		abs, err := filepath.Abs(candidate)
		if err != nil {
			return nil, err
		}
		if dir = abs; candidate != "" && len(abs) <= maxSocketBase {
			break
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the run directory: %w", err)
	}
	sweep(dir)
	for {
		path, err := os.MkdirTemp(dir, runPrefix)
		if err != nil {
			return nil, fmt.Errorf("make the run directory: %w", err)
		}
		lock, err := lockDir(path)
		if err != nil {
			continue // a host that starts at the same moment swept it
		}
		if _, err := os.Stat(path); err == nil {
			return &runDir{path: path, lock: lock}, nil
		}
		_ = lock.Close()
	}
}

// spawn is a new directory for one process.
func (r *runDir) spawn() (string, error) {
	dir, err := os.MkdirTemp(r.path, "")
	if err != nil {
		return "", err
	}
	return dir, os.Mkdir(filepath.Join(dir, "tmp"), 0o700)
}

func (r *runDir) remove() error {
	return errors.Join(os.RemoveAll(r.path), r.lock.Close())
}

// sweep removes the run directories whose host is gone.
func sweep(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if !e.IsDir() || !strings.HasPrefix(e.Name(), runPrefix) {
			continue
		}
		if lock, err := lockDir(path); err == nil {
			_ = os.RemoveAll(path)
			_ = lock.Close()
		}
	}
}

// lockDir takes the lock of a run directory; it fails while a host lives in it.
func lockDir(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
