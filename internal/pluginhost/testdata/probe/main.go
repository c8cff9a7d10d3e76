// Command probe is a connector that misbehaves on demand. How it behaves at
// its start is written after the end of its own executable, since nothing else
// of the outside reaches it; how a call behaves is said by the call.
package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/atshub/atshub/sdk"
	"github.com/atshub/atshub/sdk/serve"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == "sleep" { // a child of the connector
		time.Sleep(time.Hour)
	}
	mode := mode()
	if len(os.Args) == 1 {
		switch mode["start"] {
		case "crash":
			panic("crash at start")
		case "garbage":
			fmt.Println("hello, I am a debug line")
		case "flood":
			_, _ = os.Stdout.Write(bytes.Repeat([]byte("x"), 1<<20))
		case "silent":
			time.Sleep(time.Hour)
		case "tcp":
			greet("1|1|tcp|" + mode["address"] + "|grpc|")
		case "elsewhere":
			greet("1|1|unix|" + mode["address"] + "|grpc|")
		case "protocol":
			greet("1|7|unix|/nowhere|grpc|")
		}
	}
	serve.Serve(probe{mode})
}

func greet(line string) {
	fmt.Println(line)
	time.Sleep(time.Hour)
}

func mode() map[string]string {
	out := map[string]string{"name": "probe", "version": "1.0.0"}
	b, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		panic(err)
	}
	if i := bytes.LastIndex(b, []byte("\nPROBE"+":")); i >= 0 {
		for _, f := range strings.Fields(string(b[i+7:])) {
			k, v, _ := strings.Cut(f, "=")
			out[k] = v
		}
	}
	return out
}

type probe struct{ mode map[string]string }

func (p probe) Manifest() sdk.Manifest {
	m := sdk.Manifest{Name: p.mode["name"], Version: p.mode["version"], ATS: "Probe"}
	if lie := p.mode["lie"]; lie != "" && len(os.Args) == 1 {
		m.Name = lie
	}
	return m
}

func (probe) Prototype() sdk.Session { return (*session)(nil) }

func (probe) Open(_ context.Context, s sdk.Settings) (sdk.Session, error) {
	if s.Fields["open"] == "panic" {
		panic("open")
	}
	return &session{settings: s}, nil
}

type session struct{ settings sdk.Settings }

func (s *session) Close() error { return nil }

func (s *session) Check(context.Context, sdk.CheckQuery) (sdk.CheckReport, error) {
	return sdk.CheckReport{Account: sdk.Account{Name: s.settings.Endpoint, User: s.settings.Secrets["key"].Reveal()}}, nil
}

func (s *session) ListJobs(ctx context.Context, q sdk.JobQuery) (sdk.Page[sdk.Job], error) {
	out, err := act(ctx, q.Search)
	page := sdk.Page[sdk.Job]{}
	for _, line := range out {
		page.Items = append(page.Items, sdk.Job{Name: line})
	}
	return page, err
}

func (s *session) MoveStage(ctx context.Context, m sdk.StageMove) (sdk.MoveResult, error) {
	_, err := act(ctx, m.To)
	return sdk.MoveResult{Result: sdk.MoveMoved}, err
}

// act does what a call asks for.
func act(ctx context.Context, order string) ([]string, error) {
	verb, arg, _ := strings.Cut(order, " ")
	switch verb {
	case "sleep":
		d, err := time.ParseDuration(arg)
		if err != nil {
			return nil, err
		}
		slog.InfoContext(ctx, "asleep")
		select {
		case <-time.After(d):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	case "panic":
		panic("secret of the panic")
	case "crash":
		go panic("in a goroutine of the author")
		select {}
	case "env":
		return os.Environ(), nil
	case "files":
		return openFiles()
	case "big":
		n, err := strconv.Atoi(arg)
		return []string{strings.Repeat("x", n)}, err
	case "fill":
		n, err := strconv.Atoi(arg)
		hold = append(hold, bytes.Repeat([]byte("x"), n<<20))
		return nil, err
	case "noise":
		noise(arg)
	case "child":
		cmd := exec.Command("/proc/self/exe", "sleep")
		cmd.Stdout, cmd.Stderr = os.NewFile(1, "stdout"), os.NewFile(2, "stderr")
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		return []string{strconv.Itoa(cmd.Process.Pid)}, nil
	case "error":
		return nil, &sdk.Error{Code: sdk.Code(arg), Message: "made to order", Fault: sdk.FaultVendor, Outcome: sdk.NotDone,
			Permission: "jobs_read", RetryAfter: 1500 * time.Millisecond, Fields: map[string]string{"api_key": "too short"},
			VendorStatus: 418, VendorCode: "TEAPOT"}
	case "untyped":
		return nil, fmt.Errorf("dial %s: secret-in-the-text", &net.OpError{Op: "read"})
	}
	return []string{order}, nil
}

var hold [][]byte

// noise writes what no log pipeline likes.
func noise(kind string) {
	stderr := os.NewFile(2, "stderr")
	switch kind {
	case "hclog":
		fmt.Fprintln(stderr, `{"@message":1}`)
		fmt.Fprintln(stderr, `{"@message":"x","@level":7,"@timestamp":[]}`)
		fmt.Fprintln(stderr, `{"level":{},"msg":"x"}`)
	case "long":
		_, _ = stderr.Write(append(bytes.Repeat([]byte("y"), 1<<20), '\n'))
	case "binary":
		_, _ = stderr.Write([]byte{0, 0xff, 0xfe, 0x1b, '[', '2', 'J', '\n', 0x80})
	case "flood":
		for range 20000 {
			fmt.Fprintln(stderr, "again")
		}
	case "stdout":
		_, _ = os.NewFile(1, "stdout").Write(bytes.Repeat([]byte("z"), 1<<20))
		fmt.Println("through the replaced stdout")
	}
}

func openFiles() ([]string, error) {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		target, _ := os.Readlink("/proc/self/fd/" + e.Name())
		out = append(out, e.Name()+" "+target)
	}
	return out, nil
}
