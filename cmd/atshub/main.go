// Command atshub is the hub: a gateway between hiring products and applicant
// tracking systems. main reads the command line and forwards signals; wire.go
// puts the parts together; every other file is one subcommand.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	_ "time/tzdata" // interviews carry zone names; do not depend on the machine's

	"github.com/alecthomas/kong"

	"github.com/atshub/atshub/internal/config"
	"github.com/atshub/atshub/internal/hub"
)

type cli struct {
	Config string `help:"YAML file with settings; ATSHUB_… variables come after it." type:"path" placeholder:"FILE"`

	Serve     serveCmd     `cmd:"" help:"Run gateway and workers in one process."`
	Gateway   gatewayCmd   `cmd:"" help:"Run a gateway only; scale out on Postgres and Redis."`
	Worker    workerCmd    `cmd:"" help:"Run workers only."`
	Migrate   migrateCmd   `cmd:"" help:"Bring the database schema up to date and exit."`
	Key       keyCmd       `cmd:"" help:"Make an API key for a product's backend."`
	Connector connectorCmd `cmd:"" help:"Register connectors in the catalog, or list them."`
	Demo      demoCmd      `cmd:"" help:"Play both customer guides against simulators."`
	Bench     benchCmd     `cmd:"" help:"Measure the hub as ratios taken in one run."`
	Version   versionCmd   `cmd:"" help:"Print the version."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c cli
	parser := kong.Must(&c, kong.Name("atshub"), kong.Description("A gateway between hiring products and applicant tracking systems."), kong.UsageOnError(),
		kong.BindTo(ctx, (*context.Context)(nil)))
	command, err := parser.Parse(os.Args[1:])
	parser.FatalIfErrorf(err)
	settings, err := config.Load(c.Config)
	if err == nil {
		err = command.Run(settings)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "atshub:", explain(err))
		os.Exit(exitCode(err))
	}
}

// explain is an error for the person at the terminal, with what to do next.
func explain(err error) string {
	if e, ok := errors.AsType[*hub.Error](err); ok && e.Next != "" {
		return e.Message + "; " + e.Next
	}
	return err.Error()
}

// exitCode: 2 for wrong settings, 3 for a demo whose outcome is not the
// expected one, 1 for everything else.
func exitCode(err error) int {
	switch {
	case hub.CodeOf(err) == hub.CodeInvalid:
		return 2
	case errors.Is(err, errStory):
		return 3
	}
	return 1
}

type versionCmd struct{}

func (versionCmd) Run() error {
	fmt.Println(version())
	return nil
}

// version is the module's version, or the commit it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return info.Main.Version
}
