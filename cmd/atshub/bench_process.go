package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/atshub/atshub/internal/pluginhost"
	"github.com/atshub/atshub/sdk"
	"github.com/atshub/atshub/sdk/transport"
)

// Memory of processes, and what a process boundary costs.

// memory starts a hub of its own and reads what it and its plugins hold once idle.
func (b *bench) memory(ctx context.Context) ([]figure, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cfg := b.settings("idle")
	listen, err := freeAddress()
	if err != nil {
		return nil, err
	}
	hub := exec.CommandContext(ctx, self, "serve")
	hub.Env = append(os.Environ(), "ATSHUB_LISTEN="+listen, "ATSHUB_DATA_DIR="+cfg.DataDir, "ATSHUB_DATABASE="+cfg.Database.Reveal(), "ATSHUB_REDIS=embedded", "ATSHUB_CATALOG="+cfg.Catalog)
	hub.Cancel = func() error { return hub.Process.Signal(os.Interrupt) }
	if err := hub.Start(); err != nil {
		return nil, err
	}
	defer func() { _ = hub.Process.Signal(os.Interrupt); _ = hub.Wait() }()
	if err := until(ctx, 20*time.Second, func() bool { return answers("http://" + listen + "/readyz") }); err != nil {
		return nil, err
	}
	time.Sleep(5 * time.Second) // idle means after the start has settled
	figures := []figure{atMost(figure{Name: "hub, resident, idle", Value: resident(hub.Process.Pid), Unit: "MB"}, 120)}
	for _, pid := range children(hub.Process.Pid) {
		name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		figures = append(figures, atMost(figure{Name: "plugin, resident, idle", Value: resident(pid), Unit: "MB", Note: strings.TrimSpace(string(name))}, 30))
	}
	if len(figures) == 1 {
		return nil, errors.New("the hub runs no plugins")
	}
	return figures, nil
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func answers(url string) bool {
	r, err := http.Get(url)
	if err != nil {
		return false
	}
	_ = r.Body.Close()
	return r.StatusCode == http.StatusOK
}

// until polls a condition; an error says it did not come true in time.
func until(ctx context.Context, limit time.Duration, true_ func() bool) error {
	deadline := time.Now().Add(limit)
	for !true_() {
		if time.Now().After(deadline) {
			return fmt.Errorf("waited %s in vain", limit)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

// resident is a process's resident memory in MB.
func resident(pid int) float64 {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "VmRSS:"); ok {
			kb, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
			return kb / 1024
		}
	}
	return 0
}

func children(pid int) []int {
	var found []int
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, file := range tasks {
		b, _ := os.ReadFile(file)
		for _, field := range strings.Fields(string(b)) {
			if child, err := strconv.Atoi(field); err == nil {
				found = append(found, child)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// pluginCall times the same call through the plugin host and over plain gRPC
// on a Unix socket, to the same connector in another process, in alternating
// rounds.
func (b *bench) pluginCall(ctx context.Context) ([]figure, error) {
	binary := filepath.Join(filepath.Dir(b.cfg.Catalog), "bench-echo")
	plain, stop, err := b.plainEcho(ctx, binary)
	if err != nil {
		return nil, err
	}
	defer stop()
	hosted, closeHost, err := b.hostedEcho(ctx, binary)
	if err != nil {
		return nil, err
	}
	defer closeHost()
	const rounds, calls = 30, 300
	var ratios, took []float64
	for range rounds {
		p, err := timeCalls(ctx, plain, calls)
		if err != nil {
			return nil, err
		}
		h, err := timeCalls(ctx, hosted, calls)
		if err != nil {
			return nil, err
		}
		ratios, took = append(ratios, h/p), append(took, h/calls*1e6)
	}
	return []figure{
		atMost(figure{Name: "plugin call / plain gRPC call", Value: median(ratios), Unit: "×", Note: fmt.Sprintf("%.0f µs a call, mutual TLS and supervision included", median(took))}, 1.3),
	}, nil
}

func timeCalls(ctx context.Context, a *sdk.Abilities, n int) (float64, error) {
	ref := sdk.ApplicationRef{ID: "0b5c7e0e-6f0c-4f4f-9d3e-2f6a1b8d9c11", CandidateID: "3f0e", JobID: "77aa"}
	started := time.Now()
	for range n {
		if _, err := a.ReadApplication(ctx, ref); err != nil {
			return 0, err
		}
	}
	return time.Since(started).Seconds(), nil
}

func median(v []float64) float64 { return quantile(v, 0.5) }

// quantile of values in any order.
func quantile(v []float64, q float64) float64 {
	if len(v) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(v))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

func (b *bench) plainEcho(ctx context.Context, binary string) (*sdk.Abilities, func(), error) {
	socket := filepath.Join(b.dir, "echo.sock")
	process := exec.CommandContext(ctx, binary)
	process.Env = append(os.Environ(), "ECHO_SOCKET="+socket)
	if err := process.Start(); err != nil {
		return nil, nil, err
	}
	stop := func() { _ = process.Process.Kill(); _ = process.Wait() }
	if err := until(ctx, 5*time.Second, func() bool { _, err := os.Stat(socket); return err == nil }); err != nil {
		stop()
		return nil, nil, err
	}
	options := append(transport.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	connection, err := grpc.NewClient("unix://"+socket, options...)
	if err != nil {
		stop()
		return nil, nil, err
	}
	client := transport.NewClient(connection)
	settings := sdk.Settings{ConnectionID: "bench", Revision: 1}
	call := func(ctx context.Context, name string, write bool, request []byte) ([]byte, error) {
		return client.Invoke(ctx, transport.Call{Settings: settings, Ability: name, Write: write, Request: request})
	}
	return sdk.RemoteAbilities([]string{"read_application"}, call), func() { _ = connection.Close(); stop() }, nil
}

func (b *bench) hostedEcho(ctx context.Context, binary string) (*sdk.Abilities, func(), error) {
	dir := filepath.Join(b.dir, "echo")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, err
	}
	if _, err := pluginhost.Register(dir, binary); err != nil {
		return nil, nil, err
	}
	catalog, err := pluginhost.LoadCatalog(filepath.Join(dir, pluginhost.CatalogFile))
	if err != nil {
		return nil, nil, err
	}
	host, err := pluginhost.New(pluginhost.Options{Catalog: catalog, Dir: b.dir, Logger: b.log})
	if err != nil {
		return nil, nil, err
	}
	closeHost := func() { _ = host.Close(context.WithoutCancel(ctx)) }
	if err := host.Start(ctx); err != nil {
		closeHost()
		return nil, nil, err
	}
	a, err := host.Abilities("echo", sdk.Settings{ConnectionID: "bench", Revision: 1})
	return a, closeHost, err
}
