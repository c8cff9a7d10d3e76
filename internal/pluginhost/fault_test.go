package pluginhost_test

// Connectors that crash, hang, flood, lie or outlive their hub.

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/atshub/atshub/internal/pluginhost"
	"github.com/atshub/atshub/sdk"
	"github.com/atshub/atshub/sdk/transport"
)

func TestG14_KilledProcessIsReplacedWithinTwoSeconds(t *testing.T) {
	t.Parallel()
	h := host(t, pluginhost.Options{}, "name=alpha")
	a := h.abilities(t, "alpha")
	pid := h.status(t, "alpha").PID
	write, read := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := a.MoveStage(context.Background(), sdk.StageMove{To: "sleep 1h"})
		write <- err
	}()
	go func() {
		_, err := ask(context.Background(), a, "sleep 1500ms")
		read <- err
	}()
	asleep(t, h, 2)
	began := time.Now()
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))

	err := <-write
	require.Equal(t, sdk.CodeUnavailable, sdk.CodeOf(err))
	require.Equal(t, sdk.OutcomeUnknown, sdk.AsError(err).Outcome, "the write may have reached the ATS")
	_, err = ask(t.Context(), a, "again")
	require.NoError(t, err)
	require.Less(t, time.Since(began), 2*time.Second)
	require.NoError(t, <-read, "a read is repeated in the new process")

	s := h.status(t, "alpha")
	require.NotEqual(t, pid, s.PID)
	require.Equal(t, 2, s.Starts)
	require.Contains(t, s.LastExit, "signal 9")
	require.Equal(t, 1.0, h.metric(t, "atshub_plugin_exits_total", "alpha"))
}

func TestG14_NoReadFailsOverRepeatedKills(t *testing.T) {
	t.Parallel()
	h := host(t, pluginhost.Options{}, "name=alpha")
	a := h.abilities(t, "alpha")
	ctx, stop := context.WithCancel(t.Context())
	var done atomic.Int64
	var callers errgroup.Group
	for range 16 {
		callers.Go(func() error {
			for ctx.Err() == nil {
				if _, err := ask(context.Background(), a, "x"); err != nil {
					return err
				}
				done.Add(1)
			}
			return nil
		})
	}
	for kills := range 4 {
		from := done.Load()
		eventually(t, 10*time.Second, "calls answered", func() bool { return done.Load() > from+100 && h.status(t, "alpha").Starts == kills+1 })
		require.NoError(t, syscall.Kill(h.status(t, "alpha").PID, syscall.SIGKILL))
	}
	from := done.Load()
	eventually(t, 10*time.Second, "calls answered", func() bool { return done.Load() > from+100 })
	stop()
	require.NoError(t, callers.Wait())
	require.GreaterOrEqual(t, h.metric(t, "atshub_plugin_call_retries_total", "alpha"), 4.0, "kills hit calls in flight")
}

func TestG14_CrashInTheAuthorsGoroutineIsSurvived(t *testing.T) {
	t.Parallel()
	h := host(t, pluginhost.Options{}, "name=alpha")
	a := h.abilities(t, "alpha")
	_, err := a.MoveStage(t.Context(), sdk.StageMove{To: "crash"})
	require.Equal(t, sdk.OutcomeUnknown, sdk.AsError(err).Outcome)
	_, err = ask(t.Context(), a, "again")
	require.NoError(t, err)
	s := h.status(t, "alpha")
	require.Contains(t, s.LastExit, "code 2")
	require.Contains(t, s.LastLines, "panic: in a goroutine of the author")
	require.Contains(t, h.log.String(), `"connector crashes"`)
	require.LessOrEqual(t, h.metric(t, "atshub_plugin_log_lines_total", "alpha"), 3.0, "a trace is one event")
}

func TestG14_FrozenProcessIsKilledAndNoCallOutlivesItsDeadline(t *testing.T) {
	t.Parallel()
	h := host(t, pluginhost.Options{HealthEvery: 200 * time.Millisecond, HealthTimeout: 200 * time.Millisecond}, "name=alpha", "name=beta")
	a := h.abilities(t, "alpha")
	pid := h.status(t, "alpha").PID
	freeze(t, pid)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := a.MoveStage(ctx, sdk.StageMove{To: "x"})
	require.Less(t, time.Since(began), time.Second)
	require.Equal(t, sdk.CodeUnavailable, sdk.CodeOf(err))
	_, err = ask(t.Context(), h.abilities(t, "beta"), "unmoved")
	require.NoError(t, err)

	eventually(t, 10*time.Second, "frozen process killed", func() bool { return !running(pid) })
	eventually(t, 10*time.Second, "a new one", func() bool { _, err := ask(t.Context(), a, "again"); return err == nil })
	require.Contains(t, h.status(t, "alpha").LastExit, "did not answer three health questions")
	require.GreaterOrEqual(t, h.metric(t, "atshub_plugin_health_misses_total", "alpha"), 3.0)
}

func TestG14_FrozenProcessDoesNotHoldUpClose(t *testing.T) {
	t.Parallel()
	h := host(t, pluginhost.Options{DrainTimeout: 300 * time.Millisecond}, "name=alpha")
	pid := h.status(t, "alpha").PID
	freeze(t, pid)
	began := time.Now()
	require.NoError(t, h.Close(t.Context()))
	require.Less(t, time.Since(began), 3*time.Second)
	require.False(t, running(pid))
}

func TestG14_CrashLoopIsQuarantinedWhileOthersAnswer(t *testing.T) {
	t.Parallel()
	h := host(t, pluginhost.Options{}, "name=alpha start=crash", "name=beta")
	beta := h.abilities(t, "beta")
	eventually(t, 30*time.Second, "quarantine", func() bool {
		_, err := ask(t.Context(), beta, "here")
		require.NoError(t, err)
		return h.status(t, "alpha").State == pluginhost.StateQuarantined
	})
	s := h.status(t, "alpha")
	require.Equal(t, 5, s.Starts)
	require.Contains(t, s.LastExit, "before it greeted")
	require.Contains(t, strings.Join(s.LastLines, "\n"), "crash at start")
	_, err := h.Abilities("alpha", sdk.Settings{})
	require.Equal(t, sdk.CodeUnavailable, sdk.CodeOf(err))

	require.NoError(t, h.Reset("alpha"))
	eventually(t, 5*time.Second, "tried again", func() bool { return h.status(t, "alpha").Starts > 5 })
}

func TestG14_BadStartsAreRefusedInPlainWords(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		probe probe
		says  string
		state pluginhost.State
	}{
		"GarbageOnStdout": {"name=alpha start=garbage", "log to stderr", ""},
		"FloodOnStdout":   {"name=alpha start=flood", "the connector did not greet", ""},
		"WrongName":       {"name=alpha lie=omega", `calls itself "omega"`, pluginhost.StateQuarantined},
		"WrongVersion":    {"name=alpha version=2.0.0", `version "2.0.0"`, pluginhost.StateQuarantined},
		"OtherProtocol":   {"name=alpha start=protocol", "speaks protocol 7, this hub protocol 1", pluginhost.StateQuarantined},
		"Silent":          {"name=alpha start=silent", "did not greet", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := host(t, pluginhost.Options{StartTimeout: 2 * time.Second}, c.probe)
			s := h.status(t, "alpha")
			require.Contains(t, s.LastExit, c.says)
			if c.state != "" {
				require.Equal(t, c.state, s.State)
			}
			require.Zero(t, s.PID)
		})
	}
}

func TestG14_HubDialsNoAddressOfTheConnectorsChoice(t *testing.T) {
	t.Parallel()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	socket := filepath.Join(shortDir(t), "s")
	unix, err := net.Listen("unix", socket)
	require.NoError(t, err)
	dialled := make(chan string, 10)
	for _, l := range []net.Listener{tcp, unix} {
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				dialled <- l.Addr().String()
				conn.Close()
			}
		}()
	}
	h := host(t, pluginhost.Options{}, probe("name=alpha start=tcp address="+tcp.Addr().String()), probe("name=beta start=elsewhere address="+socket))
	for _, name := range []string{"alpha", "beta"} {
		s := h.status(t, name)
		require.Equal(t, pluginhost.StateQuarantined, s.State)
		require.Contains(t, s.LastExit, "outside its own socket directory")
	}
	require.Empty(t, dialled)
}

func TestG14_NothingOnStderrOrStdoutHarmsTheHub(t *testing.T) {
	t.Parallel()
	h := host(t, pluginhost.Options{}, "name=alpha")
	a := h.abilities(t, "alpha")
	for _, kind := range []string{"hclog", "long", "binary", "stdout"} {
		_, err := ask(t.Context(), a, "noise "+kind)
		require.NoError(t, err, kind)
	}
	eventually(t, 5*time.Second, "what the author prints is seen", func() bool { return strings.Contains(h.log.String(), "through the replaced stdout") })
	_, err := ask(t.Context(), a, "noise flood")
	require.NoError(t, err)
	_, err = ask(t.Context(), a, "still there")
	require.NoError(t, err)
	eventually(t, 5*time.Second, "flood dropped", func() bool { return h.metric(t, "atshub_plugin_log_lines_dropped_total", "alpha") > 1000 })
	s := h.status(t, "alpha")
	require.Equal(t, 1, s.Starts)
	require.LessOrEqual(t, len(s.LastLines), 50)
	for line := range strings.Lines(h.log.String()) {
		require.Less(t, len(line), 20<<10)
	}
	require.Contains(t, h.log.String(), `"cut":true`)
}

func TestG14_OnlyRegisteredBytesAreExecuted(t *testing.T) {
	t.Parallel()
	h := host(t, pluginhost.Options{}, "name=alpha", "name=beta")
	path := filepath.Join(h.dir, "alpha")
	pid := h.status(t, "alpha").PID
	require.NoError(t, os.Remove(path)) // another file under the same name: the running process keeps its own bytes
	require.NoError(t, os.WriteFile(path, probe("name=alpha evil=yes").binary(), 0o755))
	_, err := ask(t.Context(), h.abilities(t, "alpha"), "runs the old bytes")
	require.NoError(t, err)

	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	eventually(t, 5*time.Second, "refused", func() bool { return h.status(t, "alpha").State == pluginhost.StateQuarantined })
	require.Contains(t, h.status(t, "alpha").LastExit, "is not the one registered")
	_, err = ask(t.Context(), h.abilities(t, "beta"), "unmoved")
	require.NoError(t, err)

	require.NoError(t, os.Remove(path))
	require.NoError(t, os.WriteFile(path, probe("name=alpha").binary(), 0o755))
	require.NoError(t, h.Reset("alpha"))
	eventually(t, 5*time.Second, "restored", func() bool { return h.status(t, "alpha").State == pluginhost.StateReady })
}

func TestG14_SymlinkOutOfTheCatalogsFolderIsRefused(t *testing.T) {
	t.Parallel()
	dir := catalog(t, "name=alpha")
	outside := filepath.Join(t.TempDir(), "alpha")
	require.NoError(t, os.Rename(filepath.Join(dir, "alpha"), outside))
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "alpha")))
	c, err := pluginhost.LoadCatalog(filepath.Join(dir, pluginhost.CatalogFile))
	require.NoError(t, err)
	h, err := pluginhost.New(pluginhost.Options{Catalog: c})
	require.NoError(t, err)
	require.NoError(t, h.Start(t.Context()))
	defer h.Close(context.Background())
	require.Equal(t, pluginhost.StateQuarantined, h.Status()[0].State)
	require.Contains(t, h.Status()[0].LastExit, "inside the catalog's folder")
}

func TestG14_EnvironmentHoldsNothingOfTheHubsAndNoSecrets(t *testing.T) {
	t.Setenv("HUB_MASTER_KEY", "canary-of-the-hub") // Setenv forbids t.Parallel
	t.Setenv("PASSED_ON_PURPOSE", "yes")
	h := host(t, pluginhost.Options{PassEnv: []string{"PASSED_ON_PURPOSE"}}, "name=alpha")
	a := h.abilities(t, "alpha")
	env, err := ask(t.Context(), a, "env")
	require.NoError(t, err)
	allowed := map[string]bool{"TMPDIR": true, "HOME": true, "GOMEMLIMIT": true, "TZ": true, "SSL_CERT_FILE": true, "SSL_CERT_DIR": true,
		"PASSED_ON_PURPOSE": true, "ATSHUB_CONNECTOR": true}
	for _, kv := range env {
		name, _, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(name, "PLUGIN_") || strings.HasPrefix(kv, " ") || allowed[name] {
			continue
		}
		require.Failf(t, "leak", "the connector sees %s", name)
	}
	require.Contains(t, env, "PASSED_ON_PURPOSE=yes")
	_, err = a.Check(t.Context(), sdk.CheckQuery{})
	require.NoError(t, err)
	pid := h.status(t, "alpha").PID
	for _, file := range []string{"environ", "cmdline"} {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
		require.NoError(t, err)
		require.NotEmpty(t, b)
		require.NotContains(t, string(b), "canary")
	}
	files, err := ask(t.Context(), a, "files")
	require.NoError(t, err)
	for _, f := range files {
		require.NotContains(t, f, h.dir, "no file of the hub is inherited")
		require.NotContains(t, f, "memfd")
	}
	require.NotContains(t, h.log.String(), "canary")
}

func TestG14_MemoryIsBounded(t *testing.T) {
	t.Parallel()
	t.Run("ByTheWatch", func(t *testing.T) {
		t.Parallel()
		h := host(t, pluginhost.Options{HealthEvery: 50 * time.Millisecond, MemoryLimit: 128 << 20}, "name=alpha")
		_, err := h.abilities(t, "alpha").MoveStage(t.Context(), sdk.StageMove{To: "fill 160"})
		if err != nil {
			require.Equal(t, sdk.OutcomeUnknown, sdk.AsError(err).Outcome)
		}
		eventually(t, 5*time.Second, "replaced", func() bool { return h.status(t, "alpha").Starts == 2 })
		require.Contains(t, h.status(t, "alpha").LastExit, "over its limit of 128 MiB")
	})
	t.Run("ByTheKernelBetweenTwoLooks", func(t *testing.T) {
		t.Parallel()
		h := host(t, pluginhost.Options{HealthEvery: time.Hour, MemoryLimit: 128 << 20}, "name=alpha")
		a := h.abilities(t, "alpha")
		_, err := a.MoveStage(t.Context(), sdk.StageMove{To: "fill 600"})
		require.Equal(t, sdk.OutcomeUnknown, sdk.AsError(err).Outcome)
		_, err = ask(t.Context(), a, "again")
		require.NoError(t, err)
		require.Contains(t, h.status(t, "alpha").LastExit, "exited by itself with code 2", "the Go runtime gave up")
		require.Regexp(t, "^(fatal|runtime|unexpected|SIG)", h.status(t, "alpha").LastLines[0])
	})
}

func TestG14_GrandchildrenDieWithTheConnector(t *testing.T) {
	t.Parallel()
	h := host(t, pluginhost.Options{}, "name=alpha")
	out, err := ask(t.Context(), h.abilities(t, "alpha"), "child")
	require.NoError(t, err)
	child, err := strconv.Atoi(out[0])
	require.NoError(t, err)
	require.True(t, running(child))
	began := time.Now()
	require.NoError(t, syscall.Kill(h.status(t, "alpha").PID, syscall.SIGKILL))
	eventually(t, 2*time.Second, "noticed although the child holds the pipes", func() bool { return h.status(t, "alpha").Starts == 2 })
	eventually(t, 2*time.Second, "child gone", func() bool { return !running(child) })
	require.Less(t, time.Since(began), 2*time.Second)
}

func TestG14_ConnectorsLeaveWithAKilledHubAndTheNextSweeps(t *testing.T) {
	t.Parallel()
	dir, run := catalog(t, "name=alpha", "name=beta"), shortDir(t)
	hub := exec.Command(os.Args[0])
	hub.Env = append(os.Environ(), "PLUGINHOST_TEST_HOST="+dir, "PLUGINHOST_TEST_DIR="+run)
	stdin, err := hub.StdinPipe()
	require.NoError(t, err)
	defer stdin.Close()
	stdout, err := hub.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, hub.Start())
	lines := bufio.NewScanner(stdout)
	var pids []int
	for len(pids) < 2 && lines.Scan() {
		pid, err := strconv.Atoi(lines.Text())
		require.NoError(t, err)
		require.True(t, running(pid))
		pids = append(pids, pid)
	}
	require.Len(t, pids, 2)
	left, err := os.ReadDir(run)
	require.NoError(t, err)
	require.Len(t, left, 1)

	require.NoError(t, hub.Process.Kill())
	_ = hub.Wait()
	for _, pid := range pids {
		eventually(t, 3*time.Second, "connector gone with its hub", func() bool { return !running(pid) })
	}
	h := host(t, pluginhost.Options{Dir: run}, "name=alpha")
	require.NoDirExists(t, filepath.Join(run, left[0].Name()))
	require.NoError(t, h.Close(t.Context()))
	left, err = os.ReadDir(run)
	require.NoError(t, err)
	require.Empty(t, left, "a host that closes leaves nothing")
}

func TestG14_OnlyTheHubMayCallAConnector(t *testing.T) {
	t.Parallel()
	run := shortDir(t)
	h := host(t, pluginhost.Options{Dir: run}, "name=alpha")
	sockets, err := filepath.Glob(filepath.Join(run, "*", "*", "plugin-dir*", "plugin*"))
	require.NoError(t, err)
	require.Len(t, sockets, 1)
	for _, creds := range []credentials.TransportCredentials{insecure.NewCredentials(), credentials.NewTLS(&tls.Config{InsecureSkipVerify: true})} {
		conn, err := grpc.NewClient("unix://"+sockets[0], append(transport.DialOptions(), grpc.WithTransportCredentials(creds))...)
		require.NoError(t, err)
		_, err = transport.NewClient(conn).Describe(t.Context())
		require.Error(t, err, "another process of the same user has no certificate")
		require.NoError(t, conn.Close())
	}
	_, err = ask(t.Context(), h.abilities(t, "alpha"), "the hub has")
	require.NoError(t, err)
}

func TestG14_SignalsToTheWholeGroupDoNotStopAConnector(t *testing.T) {
	t.Parallel()
	h := host(t, pluginhost.Options{}, "name=alpha")
	pid := h.status(t, "alpha").PID
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		require.NoError(t, syscall.Kill(pid, sig))
	}
	_, err := ask(t.Context(), h.abilities(t, "alpha"), "the hub decides")
	require.NoError(t, err)
	require.Equal(t, pid, h.status(t, "alpha").PID)
}

// freeze stops a process and waits until each of its threads has stopped.
func freeze(t *testing.T, pid int) {
	t.Helper()
	require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
	eventually(t, 5*time.Second, "all threads stopped", func() bool {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		require.NoError(t, err)
		for _, file := range threads {
			b, err := os.ReadFile(file)
			_, rest, _ := strings.Cut(string(b), ") ")
			if err != nil || !strings.HasPrefix(rest, "T") {
				return false
			}
		}
		return len(threads) > 0
	})
}

// shortDir is a temporary directory short enough for socket addresses.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ph")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
