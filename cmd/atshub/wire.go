package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"github.com/atshub/atshub/gateway"
	"github.com/atshub/atshub/internal/config"
	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/pluginhost"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/reach"
	"github.com/atshub/atshub/internal/secret"
	"github.com/atshub/atshub/internal/service"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/queue/broker"
	"github.com/atshub/atshub/queue/relay"
	"github.com/atshub/atshub/queue/worker"
	"github.com/atshub/atshub/queue/worker/handle"
	"github.com/atshub/atshub/sdk"
)

// app is the hub put together. What runs of it is up to the subcommand.
type app struct {
	cfg     config.Config
	log     *slog.Logger
	metrics *prometheus.Registry
	store   *store.Store
	broker  *broker.Broker
	host    *pluginhost.Host
	reach   *reach.Reach
	service *service.Service
	gateway *gateway.Server
	relay   *relay.Relay
	worker  *worker.Worker
}

// role is one of the two things a process can be.
type role struct {
	build func(*app, context.Context) error
	serve func(*app, context.Context, *errgroup.Group)
}

var (
	gatewayRole = role{(*app).buildGateway, (*app).serveGateway}
	workerRole  = role{(*app).buildWorker, (*app).serveWorker}
)

// wire builds what the roles need, from the database up; without roles, all
// of it. Nothing serves yet. Close what it returns.
func wire(ctx context.Context, cfg config.Config, log *slog.Logger, roles ...role) (*app, error) {
	a := &app{cfg: cfg, log: log, metrics: prometheus.NewRegistry()}
	a.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if len(roles) == 0 {
		roles = []role{gatewayRole, workerRole}
	}
	parts := []func(*app, context.Context) error{(*app).openStore, (*app).openBroker, (*app).startConnectors, (*app).openReach}
	for _, r := range roles {
		parts = append(parts, r.build)
	}
	for _, part := range parts {
		if err := part(a, ctx); err != nil {
			a.close()
			return nil, err
		}
	}
	return a, nil
}

func (a *app) openStore(ctx context.Context) (err error) {
	a.store, err = store.Open(ctx, store.Options{URL: a.cfg.Database.Reveal(), Logger: a.log})
	return err
}

func (a *app) openBroker(ctx context.Context) (err error) {
	a.broker, err = broker.Open(ctx, a.cfg.Redis.Reveal(), a.log)
	return err
}

func (a *app) startConnectors(ctx context.Context) error {
	catalog, err := pluginhost.LoadCatalog(a.cfg.Catalog)
	if err != nil {
		return err
	}
	for i, entry := range catalog.Connectors {
		if set, ok := a.cfg.Connectors[entry.Name]; ok && set.Endpoint != "" {
			catalog.Connectors[i].Endpoint = set.Endpoint
		}
	}
	a.host, err = pluginhost.New(pluginhost.Options{Catalog: catalog, Dir: filepath.Join(a.cfg.DataDir, "run"), Logger: a.log, Registerer: a.metrics})
	if err != nil {
		return err
	}
	return a.host.Start(ctx)
}

func (a *app) openReach(context.Context) error {
	products, err := product.Load(a.cfg.ProductsDir)
	if err != nil {
		return err
	}
	tokens := map[string]sdk.Secret{}
	for name, p := range a.cfg.Products {
		tokens[name] = p.ServiceToken
		if p.BaseURL == "" {
			continue
		}
		if err := products.SetBaseURL(name, p.BaseURL, false); err != nil {
			return err
		}
	}
	sealer, err := secret.OpenSealer(filepath.Join(a.cfg.DataDir, "keys.json"))
	if err != nil {
		return err
	}
	a.reach = reach.New(reach.Options{Store: a.store, Connectors: a.host, Products: products, Sealer: sealer, ServiceTokens: tokens})
	a.service = service.New(service.Options{Store: a.store, Reach: a.reach, Cadence: a.cfg.Cadence.Hub()})
	return nil
}

func (a *app) buildGateway(context.Context) (err error) {
	a.gateway, err = gateway.New(gateway.Options{
		Store: a.store, Reach: a.reach, Service: a.service, Logger: a.log, Registerer: a.metrics, Gatherer: a.metrics,
		PublicURL: a.cfg.PublicURL, Version: version(),
		Broker: func(ctx context.Context) error { return a.broker.Client.Ping(ctx).Err() },
		Connectors: func() []gateway.ConnectorState {
			var states []gateway.ConnectorState
			for _, s := range a.host.Status() {
				states = append(states, gateway.ConnectorState{Name: s.Name, State: string(s.State)})
			}
			return states
		},
	})
	return err
}

func (a *app) buildWorker(ctx context.Context) (err error) {
	handlers := &handle.Handlers{Store: a.store, Reach: a.reach, Cadence: a.cfg.Cadence.Hub(), PublicURL: a.cfg.PublicURL, Log: a.log}
	lease, pause := a.cfg.Work.Lease, a.cfg.Work.MaxPause
	a.relay = relay.New(relay.Options{
		Store: a.store, Broker: a.broker, Logger: a.log, Metrics: a.metrics, Patience: everyQueue(lease), Reclaim: min(lease/2, 2*time.Second),
	})
	a.worker, err = worker.New(worker.Options{
		Store: a.store, Broker: a.broker, Rows: handlers.Table(), Logger: a.log, Metrics: a.metrics, OnCredential: handlers.Refused,
		Leases: everyQueue(lease), Backoff: worker.Backoff{First: min(pause, time.Second), Max: pause},
	})
	return err
}

// everyQueue gives each queue the same time; none leaves each its default.
func everyQueue(d time.Duration) map[hub.Queue]time.Duration {
	if d == 0 {
		return nil
	}
	all := map[hub.Queue]time.Duration{}
	for _, q := range hub.Queues {
		all[q] = d
	}
	return all
}

// serveGateway answers HTTP until ctx ends, then lets requests under way finish.
func (a *app) serveGateway(ctx context.Context, group *errgroup.Group) {
	group.Go(func() error { return a.gateway.Listen(a.cfg.Listen) })
	group.Go(func() error {
		<-ctx.Done()
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
		defer cancel()
		return a.gateway.Shutdown(stop)
	})
}

// serveWorker works until ctx ends, then lets work under way finish.
func (a *app) serveWorker(ctx context.Context, group *errgroup.Group) {
	group.Go(func() error { a.relay.Run(ctx); return nil })
	group.Go(func() error { return a.worker.Run(ctx) })
	group.Go(func() error {
		return a.store.Write(ctx, func(tx *store.Tx) error {
			return tx.AddWork(hub.Work{Queue: hub.QueueBulk, Kind: hub.WorkHousekeep, Ref: "hub", DueAt: tx.Now(), Every: time.Hour})
		})
	})
}

// close ends what wire opened, the connectors after everything that calls
// them, the database last.
func (a *app) close() {
	if a.host != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
		defer cancel()
		if err := a.host.Close(ctx); err != nil {
			a.log.Error("connectors did not stop in time", "error", err)
		}
	}
	if a.broker != nil {
		_ = a.broker.Close()
	}
	if a.store != nil {
		_ = a.store.Close()
	}
}

// newLogger writes JSON lines to stderr.
func newLogger(level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, hub.Invalid("log_level", "must be debug, info, warn or error")
	}
	return slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: l})), nil
}

// run wires, serves the roles asked for and closes.
func run(ctx context.Context, cfg config.Config, roles ...role) error {
	log, err := newLogger(cfg.LogLevel)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	a, err := wire(ctx, cfg, log, roles...)
	if err != nil {
		return err
	}
	defer a.close()
	group, ctx := errgroup.WithContext(ctx)
	for _, r := range roles {
		r.serve(a, ctx, group)
	}
	log.Info("atshub is up", "listen", cfg.Listen, "public_url", cfg.PublicURL, "version", version())
	if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}
