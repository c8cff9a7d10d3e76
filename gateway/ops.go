package gateway

// ops.go: for whoever operates the hub.

import (
	"context"
	"net/http"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// healthz: the process runs.
func (s *Server) healthz(c *fiber.Ctx) error { return c.JSON(fiber.Map{"status": "ok"}) }

// readyz: deliveries can be kept. That needs the database alone; a broker that
// is away or a connector that is down is shown, but turns nobody away.
func (s *Server) readyz(c *fiber.Ctx) error {
	ctx, cancel := context.WithTimeout(c.UserContext(), 3*time.Second)
	defer cancel()
	answer := struct {
		Status     string           `json:"status"`
		Database   string           `json:"database"`
		Broker     string           `json:"broker,omitempty"`
		Connectors []ConnectorState `json:"connectors,omitempty"`
	}{Status: "ready", Database: "ok"}
	if s.opt.Broker != nil {
		answer.Broker = "ok"
		if s.opt.Broker(ctx) != nil {
			answer.Status, answer.Broker = "degraded", "away"
		}
	}
	if s.opt.Connectors != nil {
		answer.Connectors = s.opt.Connectors()
		for _, k := range answer.Connectors {
			if k.State != "ready" {
				answer.Status = "degraded"
			}
		}
	}
	if s.opt.Store.Ping(ctx) != nil {
		answer.Status, answer.Database = "unavailable", "cannot commit"
		c.Status(http.StatusServiceUnavailable)
	}
	return c.JSON(answer)
}

func (s *Server) scrape() fiber.Handler {
	return adaptor.HTTPHandler(promhttp.HandlerFor(s.opt.Gatherer, promhttp.HandlerOpts{}))
}
