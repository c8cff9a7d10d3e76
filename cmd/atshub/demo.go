package main

// demo.go: both customer guides, played for real: simulators around a hub of
// this process, and the judge that reads the simulators' records.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/atshub/atshub/internal/config"
	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/sandbox/demo"
	"github.com/atshub/atshub/internal/sandbox/stage"
	"github.com/atshub/atshub/sdk"
)

// errStory is a demo whose outcome is not the expected one.
var errStory = demo.ErrStory

type demoCmd struct {
	Once      bool   `help:"Exit after the story: 0 only if the simulators' records are exactly as expected, else 3 with the difference."`
	JSON      bool   `name:"json" help:"Print the simulators' records as JSON, nothing else, on stdout; the story goes to stderr."`
	Data      string `default:"data/demo" type:"path" help:"Folder of this run; what an earlier demo left there is removed."`
	Seed      uint64 `default:"1" help:"Makes ids and random choices of the simulators repeatable."`
	FreePorts bool   `help:"Use any free ports instead of the fixed ones."`
}

// Ports of the demo; a taken one is replaced by a free one.
const (
	demoHubPort     = 8080
	demoRecordsPort = 8084
)

var demoPorts = stage.Ports{Edge: 8443, ATS: 8081, Fairec: 8082, Pillar: 8083}

// demoHour is how long an hour lasts in the demo.
const demoHour = 4 * time.Second

func (d demoCmd) Run(ctx context.Context, cfg config.Config) error {
	out := io.Writer(os.Stdout)
	if d.JSON {
		out = os.Stderr
	}
	r, err := d.open(ctx, cfg)
	if err != nil {
		return err
	}
	r.serve()
	err = r.box.Play(ctx, r.script(out))
	if d.JSON {
		err = errors.Join(err, r.box.Records().JSON(os.Stdout))
	}
	if !d.Once && ctx.Err() == nil {
		r.addresses(out)
		<-r.ctx.Done() // Ctrl-C, or the hub failed
	}
	if errors.Is(err, context.Canceled) && !d.Once {
		err = nil // someone has seen enough
	}
	return errors.Join(err, r.close())
}

// demoRun is a hub of this process with the simulators around it.
type demoRun struct {
	*app
	ctx   context.Context // until close, or a part of the hub fails
	stop  context.CancelFunc
	group *errgroup.Group
	door  net.Listener
	log   *os.File
	box   *demo.Sandbox
	url   string            // of the hub
	keys  map[string]string // API key by product
}

// open sets up the simulators and a hub that points at them; it serves when
// told to.
func (d demoCmd) open(ctx context.Context, cfg config.Config) (_ *demoRun, err error) {
	if err := emptyDemo(d.Data); err != nil {
		return nil, err
	}
	hubPort, recordsPort, ports := demoHubPort, demoRecordsPort, demoPorts
	if d.FreePorts {
		hubPort, recordsPort, ports = 0, 0, stage.Ports{}
	}
	r := &demoRun{keys: map[string]string{}}
	r.ctx, r.stop = context.WithCancel(ctx)
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	if r.door, err = stage.Listen(hubPort); err != nil {
		return nil, fmt.Errorf("listen for the hub: %w", err)
	}
	r.url = "http://" + r.door.Addr().String()
	if r.box, err = demo.Open(demo.Options{Dir: filepath.Join(d.Data, "records"), Hub: r.url, Ports: ports, RecordPort: recordsPort, Seed: d.Seed}); err != nil {
		return nil, err
	}
	if r.log, err = os.OpenFile(filepath.Join(d.Data, "hub.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return nil, err
	}
	return r, r.wireHub(demoConfig(cfg, d.Data, r.box))
}

// demoConfig is the operator's configuration, pointed at the simulators.
func demoConfig(cfg config.Config, dir string, box *demo.Sandbox) config.Config {
	cfg.PublicURL, cfg.DataDir, cfg.Redis = box.Edge.URL(), dir, "embedded"
	cfg.Database = sdk.Secret("sqlite:" + filepath.Join(dir, "hub.db"))
	cfg.Products = map[string]config.Product{
		"fairec": {BaseURL: box.FairecURL},
		"pillar": {BaseURL: box.PillarURL, ServiceToken: sdk.Secret(box.PillarToken)},
	}
	at := config.Connector{Endpoint: box.ATSURL}
	cfg.Connectors = map[string]config.Connector{"smartrecruiters-apikey": at, "smartrecruiters-oauth": at}
	cfg.Cadence = config.Cadence{
		Subscribe: demoHour, JobSync: demoHour, ProductPoll: demoHour / 2, Interviews: demoHour / 2, ImportAll: demoHour / 2,
	}
	return cfg
}

func (r *demoRun) wireHub(cfg config.Config) (err error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.LogLevel)); err != nil {
		return hub.Invalid("log_level", "must be debug, info, warn or error")
	}
	log := slog.New(slog.NewJSONHandler(r.log, &slog.HandlerOptions{Level: level}))
	if r.app, err = wire(r.ctx, cfg, log); err != nil {
		return err
	}
	for _, product := range []string{"fairec", "pillar"} {
		key, err := makeKey(r.ctx, r.store, product, "demo")
		if err != nil {
			return err
		}
		r.keys[product] = key.Reveal()
	}
	return nil
}

// serve runs the hub until close, or until a part of it fails.
func (r *demoRun) serve() {
	r.group, r.ctx = errgroup.WithContext(r.ctx)
	r.group.Go(func() error { return r.gateway.Serve(r.door) })
	r.group.Go(func() error {
		<-r.ctx.Done()
		stop, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), 2*time.Second)
		defer cancel()
		_ = r.gateway.Shutdown(stop) // a request someone no longer waits for is cut off
		return nil
	})
	r.serveWorker(r.ctx, r.group)
}

func (r *demoRun) script(out io.Writer) demo.Script {
	return demo.Script{API: r.url, Keys: r.keys, Out: out, Hour: demoHour}
}

// close ends the hub, then the world around it.
func (r *demoRun) close() error {
	r.stop()
	var err error
	if r.group != nil {
		if err = r.group.Wait(); errors.Is(err, context.Canceled) {
			err = nil
		}
	}
	if r.app != nil {
		r.app.close()
	}
	if r.box != nil {
		err = errors.Join(err, r.box.Close())
	}
	if r.door != nil {
		_ = r.door.Close() // closed already where it served
	}
	if r.log != nil {
		err = errors.Join(err, r.log.Close())
	}
	return err
}

// addresses says where to look while it keeps serving.
func (r *demoRun) addresses(out io.Writer) {
	_, _ = fmt.Fprintf(out, `
Everything keeps running; Ctrl-C ends it. Look at
  API, its pages       %[1]s/docs
  health, metrics      %[1]s/readyz  %[1]s/metrics
  simulators' records  %[2]s/smartrecruiters  …/fairec  …/pillar
  the hub's log        %[3]s
Try the API with a key made for this run:
  curl -H 'Authorization: Bearer %[4]s' \
    %[1]s/v1/tenants
`, r.url, r.box.RecordsURL, r.log.Name(), r.keys["fairec"])
}

// demoMark is the file by which a demo knows a folder of its own.
const demoMark = ".atshub-demo"

// emptyDemo removes what an earlier demo left in dir. A folder that holds
// anything else is refused.
func emptyDemo(dir string) error {
	found, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read the demo's folder: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, demoMark)); err != nil && len(found) > 0 {
		return hub.Invalid("data", dir+" holds something that is not of a demo; name another folder")
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("empty the demo's folder: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the demo's folder: %w", err)
	}
	return os.WriteFile(filepath.Join(dir, demoMark), nil, 0o600)
}
