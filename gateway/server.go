// Package gateway is everything that answers HTTP: the ATS's and the products'
// deliveries (hooks), the REST API (api) and the pages for operators. It
// decides nothing: what a person does goes through internal/service, what is
// delivered goes into the inbox.
package gateway

import (
	"context"
	"log/slog"
	"net"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/atshub/atshub/gateway/api"
	"github.com/atshub/atshub/gateway/auth"
	"github.com/atshub/atshub/gateway/hooks"
	"github.com/atshub/atshub/gateway/problem"
	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/reach"
	"github.com/atshub/atshub/internal/service"
	"github.com/atshub/atshub/internal/store"
)

// Options of New.
type Options struct {
	Store   *store.Store
	Reach   *reach.Reach
	Service *service.Service

	Logger     *slog.Logger          // default slog.Default()
	Registerer prometheus.Registerer // default a registry of its own
	Gatherer   prometheus.Gatherer   // what /metrics shows; default that registry
	PublicURL  string                // where the world reaches this server, shown in the API's description
	Version    string

	// Broker tells whether Redis can be reached, Connectors how the plugin
	// processes are; either may be nil.
	Broker     func(context.Context) error
	Connectors func() []ConnectorState
	Now        func() time.Time // default time.Now
	// Keep replaces Store.Receive under the hooks, for the benchmark.
	Keep func(context.Context, hub.Event) (store.Receipt, error)
}

// ConnectorState is a plugin process as /readyz shows it.
type ConnectorState struct {
	Name  string `json:"name"`
	State string `json:"state"`
}

const bodyLimit = 1 << 20

// Server is the gateway. Listen may be called once.
type Server struct {
	opt     Options
	app     *fiber.App
	api     *api.API
	log     *slog.Logger
	metrics *metrics
}

// New builds the server; nothing listens yet.
func New(o Options) (*Server, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Registerer == nil {
		registry := prometheus.NewRegistry()
		o.Registerer, o.Gatherer = registry, registry
	}
	if o.Gatherer == nil {
		o.Gatherer = prometheus.DefaultGatherer
	}
	m, err := newMetrics(o.Registerer)
	if err != nil {
		return nil, err
	}
	s := &Server{opt: o, log: o.Logger, metrics: m}
	s.app = fiber.New(fiber.Config{
		AppName:               "atshub",
		Immutable:             true, // what a handler keeps must not change under it
		BodyLimit:             bodyLimit,
		ReadBufferSize:        16 << 10,
		ReadTimeout:           5 * time.Second,
		WriteTimeout:          requestTimeout + 5*time.Second,
		IdleTimeout:           time.Minute,
		CaseSensitive:         true,
		StrictRouting:         true,
		DisableStartupMessage: true,
		RequestMethods:        []string{fiber.MethodGet, fiber.MethodHead, fiber.MethodPost, fiber.MethodPut, fiber.MethodDelete, fiber.MethodPatch, fiber.MethodOptions},
		// Reached only by what fails before observe runs.
		ErrorHandler: func(c *fiber.Ctx, err error) error { return problem.Write(c, err, hub.NewID("req")) },
	})
	deliveries, err := hooks.New(hooks.Options{Store: o.Store, Reach: o.Reach, Registerer: o.Registerer, Logger: o.Logger, Now: o.Now, Keep: o.Keep})
	if err != nil {
		return nil, err
	}
	keys, err := auth.New(auth.Options{Store: o.Store, Products: o.Reach.Products, Registerer: o.Registerer})
	if err != nil {
		return nil, err
	}
	s.routes(deliveries, keys)
	return s, nil
}

// App is the Fiber application, for tests and for mounting more pages before
// Listen.
func (s *Server) App() *fiber.App { return s.app }

// Routes are those of the API with what each asks for.
func (s *Server) Routes() []api.Route { return s.api.Routes() }

// Listen serves on addr until Shutdown.
func (s *Server) Listen(addr string) error { return s.app.Listen(addr) }

// Serve is Listen on a listener that is open already.
func (s *Server) Serve(l net.Listener) error { return s.app.Listener(l) }

// Shutdown takes no new requests and waits for those under way, until ctx ends.
func (s *Server) Shutdown(ctx context.Context) error { return s.app.ShutdownWithContext(ctx) }
