package main

import (
	"context"

	"github.com/atshub/atshub/internal/config"
	"github.com/atshub/atshub/internal/store"
)

type serveCmd struct{}

func (serveCmd) Run(ctx context.Context, cfg config.Config) error {
	return run(ctx, cfg, gatewayRole, workerRole)
}

type gatewayCmd struct{}

func (gatewayCmd) Run(ctx context.Context, cfg config.Config) error {
	return run(ctx, cfg, gatewayRole)
}

type workerCmd struct{}

func (workerCmd) Run(ctx context.Context, cfg config.Config) error {
	return run(ctx, cfg, workerRole)
}

type migrateCmd struct{}

// Run migrates by opening: every start does the same.
func (migrateCmd) Run(ctx context.Context, cfg config.Config) error {
	s, err := store.Open(ctx, store.Options{URL: cfg.Database.Reveal()})
	if err != nil {
		return err
	}
	return s.Close()
}
