package testenv

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Redis is a real Redis of one test's own, that can be killed and come back.
type Redis struct {
	URL    string
	data   string // outlives the server
	bin    string
	args   []string
	server *server
}

// StartRedis starts a Redis that keeps an append-only file; args are settings
// beyond that.
func StartRedis(t *testing.T, args ...string) *Redis {
	t.Helper()
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		missing(t, "redis-server")
	}
	data, err := newDir("data")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(data) })
	r := &Redis{URL: "unix://" + filepath.Join(data, "sock"), data: data, bin: bin, args: args}
	r.Start(t)
	t.Cleanup(r.Kill)
	return r
}

// Start brings a killed server back with what it had written to its file.
func (r *Redis) Start(t *testing.T) {
	t.Helper()
	dir, err := newDir("redis")
	require.NoError(t, err)
	argv := append([]string{r.bin, "--port", "0", "--unixsocket", r.socket(), "--dir", r.data,
		"--save", "", "--appendonly", "yes", "--appendfsync", "everysec"}, r.args...)
	r.server, err = launch(dir, "KILL", argv...)
	require.NoError(t, err)
	require.NoError(t, r.server.await(r.answers))
}

// Kill ends the server as a power cut would.
func (r *Redis) Kill() { r.server.stop() }

// Forget removes what a killed server had written.
func (r *Redis) Forget(t *testing.T) {
	t.Helper()
	require.NoError(t, os.RemoveAll(filepath.Join(r.data, "appendonlydir")))
}

func (r *Redis) socket() string { return filepath.Join(r.data, "sock") }

func (r *Redis) answers() bool {
	c, err := net.DialTimeout("unix", r.socket(), time.Second)
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	if _, err := c.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	line, _ := bufio.NewReader(c).ReadString('\n')
	return strings.HasPrefix(line, "+PONG")
}
