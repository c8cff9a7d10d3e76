package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/atshub/atshub/internal/config"
	"github.com/atshub/atshub/sdk"
)

// The benchmark. Every figure is taken in this one run, ratios against a
// baseline that alternates with what is measured, so that a busy machine slows
// both.

type benchCmd struct {
	JSON      bool   `name:"json" help:"Print the figures as JSON."`
	Customers int    `default:"100" help:"Companies with a job each; the vendor allows each 10 requests a second."`
	Only      string `help:"Measure only the part whose name contains this."`
}

// figure is one line of the result.
type figure struct {
	Name   string  `json:"name"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`
	Target string  `json:"target,omitempty"`
	Met    *bool   `json:"met,omitempty"`
	Note   string  `json:"note,omitempty"`
}

func atLeast(f figure, target float64) figure {
	met := f.Value >= target
	f.Met, f.Target = &met, fmt.Sprintf("≥ %g", target)
	return f
}

func atMost(f figure, target float64) figure {
	met := f.Value <= target
	f.Met, f.Target = &met, fmt.Sprintf("≤ %g", target)
	return f
}

// bench is one run.
type bench struct {
	cfg config.Config
	dir string
	log *slog.Logger
	cmd benchCmd
}

func (b benchCmd) Run(ctx context.Context, cfg config.Config) error {
	dir, err := os.MkdirTemp("", "atshub-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	run := &bench{cfg: cfg, dir: dir, log: slog.New(slog.DiscardHandler), cmd: b}
	var all []figure
	for _, part := range []struct {
		what string
		run  func(context.Context) ([]figure, error)
	}{
		{"memory, idle", run.memory},
		{"a plugin call against plain gRPC", run.pluginCall},
		{"durable acknowledgements against none kept", run.acknowledge},
		{"webhook to effect, then a backlog", run.flow},
	} {
		if !strings.Contains(part.what, b.Only) {
			continue
		}
		started := time.Now()
		fmt.Fprintf(os.Stderr, "measuring %s …", part.what)
		figures, err := part.run(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", part.what, err)
		}
		fmt.Fprintf(os.Stderr, " %.0f s\n", time.Since(started).Seconds())
		all = append(all, figures...)
	}
	if b.JSON {
		return json.NewEncoder(os.Stdout).Encode(all)
	}
	return printFigures(all)
}

func printFigures(all []figure) error {
	fmt.Printf("\n%d cores, %s\n\n", runtime.NumCPU(), runtime.Version())
	table := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "FIGURE\tVALUE\tTARGET\t\tNOTE")
	for _, f := range all {
		verdict := ""
		if f.Met != nil {
			verdict = map[bool]string{true: "met", false: "MISSED"}[*f.Met]
		}
		_, _ = fmt.Fprintf(table, "%s\t%.4g %s\t%s\t%s\t%s\n", f.Name, f.Value, f.Unit, f.Target, verdict, f.Note)
	}
	return table.Flush()
}

// settings are those of a hub in a folder of its own.
func (b *bench) settings(name string) config.Config {
	cfg := b.cfg
	cfg.DataDir = filepath.Join(b.dir, name)
	cfg.Redis = "embedded"
	cfg.Database = sdk.Secret("sqlite:" + filepath.Join(cfg.DataDir, "hub.db"))
	return cfg
}
