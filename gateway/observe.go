package gateway

// observe.go: around every request: its id, its deadline, its one log line,
// its numbers, and a net under panics.

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/atshub/atshub/gateway/problem"
	"github.com/atshub/atshub/gateway/request"
	"github.com/atshub/atshub/internal/hub"
)

// requestTimeout bounds everything a request may wait for: a preview reads
// every candidate of a stage from the ATS.
const requestTimeout = 2 * time.Minute

type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	panics   prometheus.Counter
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "atshub_http_requests_total", Help: "Requests answered, by route template, method and status.",
		}, []string{"route", "method", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "atshub_http_request_seconds", Help: "Time to the answer, by route template.",
			Buckets: []float64{.005, .02, .05, .25, 1, 3, 10},
		}, []string{"route"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "atshub_http_panics_total", Help: "Requests that ended in a panic.",
		}),
	}
	for _, c := range []prometheus.Collector{m.requests, m.seconds, m.panics} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return m, nil
}

func (s *Server) observe(c *fiber.Ctx) error {
	began := time.Now()
	ctx, info := request.With(context.Background(), hub.NewID("req"))
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	c.SetUserContext(ctx)
	c.Set("X-Request-Id", info.ID)
	c.Set("X-Content-Type-Options", "nosniff")

	err := s.caught(c)
	if err != nil {
		p := problem.From(err)
		info.Code, info.Cause = string(p.Code), err
		if werr := problem.Write(c, p, info.ID); werr != nil {
			return werr
		}
	}
	s.account(c, info, time.Since(began))
	return nil
}

// caught runs the rest of the chain; a panic becomes an error without text,
// because what was being handled may be in it.
func (s *Server) caught(c *fiber.Ctx) (err error) {
	defer func() {
		if r := recover(); r != nil {
			s.metrics.panics.Inc()
			s.log.Error("panic", "request", request.Of(c.UserContext()).ID, "type", fmt.Sprintf("%T", r), "stack", string(debug.Stack()))
			c.Response().Reset()
			err = problem.New(hub.CodeInternal, "something went wrong on our side", "try again; if it persists, tell the operator the request id")
		}
	}()
	return c.Next()
}

func (s *Server) account(c *fiber.Ctx, info *request.Info, took time.Duration) {
	status, route := c.Response().StatusCode(), c.Route().Path
	if route == "/" { // only middleware matched
		route = "unmatched"
	}
	s.metrics.requests.WithLabelValues(route, c.Method(), strconv.Itoa(status)).Inc()
	s.metrics.seconds.WithLabelValues(route).Observe(took.Seconds())

	level := slog.LevelInfo
	switch {
	case status >= 500:
		level = slog.LevelError
	case quiet[route]:
		level = slog.LevelDebug
	}
	if !s.log.Enabled(c.UserContext(), level) {
		return
	}
	attrs := []any{"request", info.ID, "method", c.Method(), "route", route, "status", status, "ms", took.Milliseconds()}
	for _, a := range []struct{ name, value string }{
		{"code", info.Code}, {"product", info.Product}, {"tenant", info.Tenant}, {"key", info.Key}, {"connection", info.Connection},
	} {
		if a.value != "" {
			attrs = append(attrs, a.name, a.value)
		}
	}
	if status >= 500 && info.Cause != nil {
		attrs = append(attrs, "error", causes(info.Cause))
	}
	s.log.Log(c.UserContext(), level, "request", attrs...)
}

// quiet routes are routine; their success is a number, not a line.
var quiet = map[string]bool{"/healthz": true, "/readyz": true, "/metrics": true, "/hooks/ats/:connection/:token": true, "/hooks/product/:connection/:token": true}

// causes is what an error says, and what it keeps from people.
func causes(err error) string {
	if e, ok := errors.AsType[*hub.Error](err); ok && e.Cause != nil {
		return e.Error() + ": " + causes(e.Cause)
	}
	return err.Error()
}
