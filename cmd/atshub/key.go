package main

import (
	"context"
	"fmt"

	"github.com/atshub/atshub/internal/config"
	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/secret"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/sdk"
)

type keyCmd struct {
	Product string `arg:"" help:"Name of the product whose backend gets the key."`
	Name    string `default:"backend" help:"What people call the key."`
}

// Run prints the key, the only time it is shown.
func (k keyCmd) Run(ctx context.Context, cfg config.Config) error {
	products, err := product.Load(cfg.ProductsDir)
	if err != nil {
		return err
	}
	if _, ok := products.Get(k.Product); !ok {
		return hub.Invalid("product", "there is no product "+k.Product)
	}
	s, err := store.Open(ctx, store.Options{URL: cfg.Database.Reveal()})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	key, err := makeKey(ctx, s, k.Product, k.Name)
	if err != nil {
		return err
	}
	fmt.Println(key.Reveal())
	return nil
}

// makeKey makes a key for the whole product.
func makeKey(ctx context.Context, s *store.Store, product, name string) (sdk.Secret, error) {
	key, hash := secret.NewAPIKey()
	return key, s.Write(ctx, func(tx *store.Tx) error {
		return tx.InsertAPIKey(hub.APIKey{ID: hub.NewID("key"), Product: product, Name: name}, hash)
	})
}
