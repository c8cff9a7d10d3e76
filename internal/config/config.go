// Package config reads the operator's settings: built-in defaults, then a YAML
// file, then ATSHUB_… environment variables. A setting that is wrong or unknown
// stops the program with the name of the setting; none is guessed.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	"github.com/caarlos0/env/v11"
	"gopkg.in/yaml.v3"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/sdk"
)

// Config is everything an operator can set.
type Config struct {
	// Listen is the address the gateway answers on.
	Listen string `yaml:"listen" env:"LISTEN"`
	// PublicURL is where ATSs and products reach the gateway: https, no path.
	PublicURL string `yaml:"public_url" env:"PUBLIC_URL"`
	// Database is "sqlite:<file>" or "postgres://…".
	Database sdk.Secret `yaml:"database" env:"DATABASE"`
	// Redis is "embedded" or "redis://…".
	Redis sdk.Secret `yaml:"redis" env:"REDIS"`
	// DataDir holds the key file and the connectors' sockets.
	DataDir string `yaml:"data_dir" env:"DATA_DIR"`
	// Catalog lists the connectors that may run.
	Catalog string `yaml:"catalog" env:"CATALOG"`
	// ProductsDir holds product files beside the built-in ones; may be empty.
	ProductsDir string `yaml:"products_dir" env:"PRODUCTS_DIR"`
	// LogLevel is debug, info, warn or error.
	LogLevel string `yaml:"log_level" env:"LOG_LEVEL"`

	// Products by name.
	Products map[string]Product `yaml:"products" env:"-"`
	// Connectors by name.
	Connectors map[string]Connector `yaml:"connectors" env:"-"`
	// Cadence says how often chores repeat.
	Cadence Cadence `yaml:"cadence" envPrefix:"CADENCE_"`
	// Work says how long work rests after a failure or a worker's death.
	Work Work `yaml:"work" envPrefix:"WORK_"`
}

// Product is what an operator sets of a product.
type Product struct {
	BaseURL      string     `yaml:"base_url"`
	ServiceToken sdk.Secret `yaml:"service_token"`
}

// Connector is what an operator sets of a connector.
type Connector struct {
	Endpoint string `yaml:"endpoint"` // base URL of the ATS instead of the vendor's own
}

// Cadence is hub.Cadence as it is written.
type Cadence struct {
	Check       time.Duration `yaml:"check" env:"CHECK"`
	Subscribe   time.Duration `yaml:"subscribe" env:"SUBSCRIBE"`
	ProductPoll time.Duration `yaml:"product_poll" env:"PRODUCT_POLL"`
	JobSync     time.Duration `yaml:"job_sync" env:"JOB_SYNC"`
	Interviews  time.Duration `yaml:"interviews" env:"INTERVIEWS"`
	ImportAll   time.Duration `yaml:"import_all" env:"IMPORT_ALL"`
}

// Work is what an operator sets of the workers; zero is each queue's default.
type Work struct {
	// Lease is how long a claim lasts without renewal: after that another
	// worker takes up what a dead one held.
	Lease time.Duration `yaml:"lease" env:"LEASE"`
	// MaxPause is the longest pause between two attempts.
	MaxPause time.Duration `yaml:"max_pause" env:"MAX_PAUSE"`
}

// Hub is the cadence with its defaults filled in.
func (c Cadence) Hub() hub.Cadence { return hub.Cadence(c).WithDefaults() }

// Default needs nothing but a folder to write to.
func Default() Config {
	return Config{
		Listen: "127.0.0.1:8080", PublicURL: "https://localhost:8443", Database: "sqlite:data/atshub.db", Redis: "embedded",
		DataDir: "data", Catalog: "bin/catalog.yaml", LogLevel: "info",
	}
}

// Load reads the file, if one is named, and the environment.
func Load(file string) (Config, error) {
	c := Default()
	if file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return c, fmt.Errorf("read the configuration: %w", err)
		}
		d := yaml.NewDecoder(bytes.NewReader(b))
		d.KnownFields(true)
		if err := d.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
			return c, fmt.Errorf("configuration %s: %w", file, err)
		}
	}
	if err := env.ParseWithOptions(&c, env.Options{Prefix: "ATSHUB_"}); err != nil {
		return c, fmt.Errorf("environment: %w", err)
	}
	return c, c.check()
}

func (c Config) check() error {
	if u, err := url.Parse(c.PublicURL); err != nil || u.Scheme != "https" || u.Host == "" || u.Path != "" && u.Path != "/" {
		return hub.Invalid("public_url", "must be https://<host>: ATSs deliver webhooks to nothing else")
	}
	for name, p := range map[string]time.Duration{
		"cadence.check": c.Cadence.Check, "cadence.subscribe": c.Cadence.Subscribe, "cadence.product_poll": c.Cadence.ProductPoll,
		"cadence.job_sync": c.Cadence.JobSync, "cadence.interviews": c.Cadence.Interviews, "cadence.import_all": c.Cadence.ImportAll,
		"work.lease": c.Work.Lease, "work.max_pause": c.Work.MaxPause,
	} {
		if p != 0 && p < time.Second {
			return hub.Invalid(name, "must be at least 1s")
		}
	}
	return nil
}
