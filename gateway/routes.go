package gateway

// routes.go: every address outside the API; those of the API are one table in
// api/routes.go.

import (
	"github.com/atshub/atshub/gateway/api"
	"github.com/atshub/atshub/gateway/auth"
	"github.com/atshub/atshub/gateway/hooks"
)

func (s *Server) routes(deliveries *hooks.Hooks, keys *auth.Auth) {
	s.app.Use(s.observe, framing, plain)

	s.app.Get("/healthz", s.healthz)
	s.app.Get("/readyz", s.readyz)
	s.app.Get("/metrics", s.scrape())

	// Open to the world: the token in the path and the signature let in.
	s.app.Post("/hooks/ats/:connection/:token", deliveries.ATS)
	s.app.Post("/hooks/product/:connection/:token", deliveries.Product)

	s.api = api.Mount(s.app, api.Options{
		Store: s.opt.Store, Service: s.opt.Service, Auth: keys, PublicURL: s.opt.PublicURL, Version: s.opt.Version,
	})
}
