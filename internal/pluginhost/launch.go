package pluginhost

// Launching: sealed bytes → process → handshake → Describe → an instance that
// may take calls. Whatever is wrong is said in a sentence that names the cure.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"

	"github.com/atshub/atshub/sdk"
	"github.com/atshub/atshub/sdk/transport"
)

// refusal is a start that cannot succeed until a person changes something.
type refusal struct{ err error }

func (r refusal) Error() string { return r.err.Error() }
func (r refusal) Unwrap() error { return r.err }

func refuse(format string, args ...any) error { return refusal{fmt.Errorf(format, args...)} }

// plugged is a running connector process with its client.
type plugged struct {
	dir      string
	process  *process
	plugin   *plugin.Client
	calls    counter
	prints   *io.PipeWriter // closed by end
	client   *transport.Client
	manifest sdk.Manifest
	limit    int64 // bytes of memory
}

// launch starts the connector of e; the result takes calls. On an error
// nothing is left running.
func (c *connector) launch(ctx context.Context) (_ *plugged, err error) {
	binary, err := c.host.opt.Catalog.binary(c.entry)
	if err != nil {
		return nil, refusal{err}
	}
	defer binary.Close() // a running process keeps its own hold on the bytes
	dir, err := c.host.run.spawn()
	if err != nil {
		return nil, err
	}
	p := &plugged{dir: dir, limit: c.host.opt.MemoryLimit,
		process: newProcess(c.entry.Name, binary, filepath.Join(dir, "tmp"), c.host.opt.MemoryLimit, c.logs)}
	defer func() {
		if err != nil {
			p.end("the start failed")
		}
	}()
	// What the author prints after the handshake arrives by gRPC.
	printed, prints := io.Pipe()
	p.prints = prints
	go c.logs.read(printed)
	config := &plugin.ClientConfig{
		SkipHostEnv:      true,
		SyncStdout:       prints,
		SyncStderr:       prints,
		StartTimeout:     c.host.opt.StartTimeout,
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: dir},
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, socketDir string) (runner.Runner, error) {
			p.process.env, p.process.socketDir = append(c.host.environment(p.process.home), cmd.Env...), socketDir
			return p.process, nil
		},
	}
	transport.Configure(config)
	p.plugin = plugin.NewClient(config)
	stop := context.AfterFunc(ctx, func() { p.process.kill("the hub is stopping") })
	defer stop()
	if _, err := p.plugin.Start(); err != nil {
		return nil, p.explain(err)
	}
	protocol, err := p.plugin.Client()
	if err != nil {
		return nil, fmt.Errorf("connect to the connector: %w", err)
	}
	if p.client, err = transport.Dispense(protocol); err != nil {
		return nil, err
	}
	if err := p.introduce(ctx, c.entry, c.host.opt.StartTimeout); err != nil {
		return nil, err
	}
	return p, nil
}

// introduce compares what the process says of itself with the catalog.
func (p *plugged) introduce(ctx context.Context, e Entry, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	m, err := p.client.Describe(ctx)
	if err != nil {
		return fmt.Errorf("the connector started but does not describe itself: %w", err)
	}
	if m.Name != e.Name || m.Version != e.Version {
		return refuse("the connector calls itself %q version %q, the catalog says %q version %q; register the binary again under its own name",
			shorten(m.Name, 64), shorten(m.Version, 64), e.Name, e.Version)
	}
	p.manifest = m
	return nil
}

// explain turns a failed handshake into a sentence.
func (p *plugged) explain(err error) error {
	if errors.Is(err, errForeignAddress) {
		return refuse("%w; the hub did not dial it: this is no connector built with sdk/serve", errForeignAddress)
	}
	greeting := p.process.greeting.Load()
	if greeting == nil {
		select {
		case <-p.process.dead:
			if exit, byUs := p.process.reason(); !byUs {
				return fmt.Errorf("the connector %s before it greeted", exit)
			}
		case <-time.After(time.Second):
		}
		return fmt.Errorf("the connector did not greet: %w", firstSentence(err))
	}
	parts := strings.Split(*greeting, "|")
	if len(parts) < 5 {
		return fmt.Errorf("the connector printed something else than the handshake on stdout (%d bytes); nothing may be printed there: log to stderr with log/slog", len(*greeting))
	}
	if spoken, convErr := strconv.Atoi(parts[1]); convErr == nil && spoken != transport.ProtocolVersion {
		cure := "rebuild the connector with the sdk of this release"
		if spoken > transport.ProtocolVersion {
			cure = "upgrade the hub, or build the connector with the sdk of this release"
		}
		return refuse("the connector speaks protocol %d, this hub protocol %d: %s", spoken, transport.ProtocolVersion, cure)
	}
	return fmt.Errorf("the handshake failed: %w", firstSentence(err))
}

// firstSentence withholds what go-plugin quotes from the process.
func firstSentence(err error) error {
	s, _, _ := strings.Cut(err.Error(), "\n")
	s, _, _ = strings.Cut(s, ": ")
	return errors.New(shorten(s, 200))
}

// environment is all a connector gets to see: a few public facts, never the
// hub's own variables unless the operator names them.
func (h *Host) environment(home string) []string {
	env := []string{"TMPDIR=" + home, "HOME=" + home,
		// The soft limit makes the collector work harder before the hard one kills.
		"GOMEMLIMIT=" + strconv.FormatInt(h.opt.MemoryLimit*6/10, 10)}
	for _, name := range append([]string{"TZ", "SSL_CERT_FILE", "SSL_CERT_DIR"}, h.opt.PassEnv...) {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}
