package main

import (
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/atshub/atshub/internal/config"
	"github.com/atshub/atshub/internal/pluginhost"
)

type connectorCmd struct {
	Register connectorRegisterCmd `cmd:"" help:"Put a connector's binary into the catalog, with its checksum."`
	List     connectorListCmd     `cmd:"" help:"List the catalog."`
}

type connectorRegisterCmd struct {
	Binary []string `arg:"" type:"existingfile" help:"The built connectors."`
}

func (c connectorRegisterCmd) Run(cfg config.Config) error {
	for _, binary := range c.Binary {
		entry, err := pluginhost.Register(filepath.Dir(cfg.Catalog), binary)
		if err != nil {
			return err
		}
		fmt.Printf("registered %s %s sha256:%s\n", entry.Name, entry.Version, entry.SHA256[:12])
	}
	return nil
}

type connectorListCmd struct{}

func (connectorListCmd) Run(cfg config.Config) error {
	catalog, err := pluginhost.LoadCatalog(cfg.Catalog)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "CONNECTOR\tVERSION\tSHA-256\tPATH")
	for _, e := range catalog.Connectors {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", e.Name, e.Version, e.SHA256[:12], e.Path)
	}
	return table.Flush()
}
