// Package serve turns a connector into a plugin process. The whole main of a
// connector is
//
//	func main() { serve.Serve(connector.New()) }
//
// The process is started and stopped by the hub alone: it ignores SIGINT,
// SIGTERM and SIGHUP, so that a signal to the whole group does not cut calls
// the hub is still draining, and it leaves when its stdin ends, which is how
// it learns that the hub is gone. Nothing may be printed to stdout; log with
// log/slog and the context of the call.
package serve

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/atshub/atshub/sdk"
	"github.com/atshub/atshub/sdk/transport"
)

// Serve serves c until the hub ends the process. Started by hand it answers
// "describe" (the manifest as JSON) and "version", and says else what it is.
func Serve(c sdk.Connector) {
	stderr := os.Stderr // the transport replaces os.Stderr
	manifest, err := sdk.Describe(c)
	if err != nil {
		fmt.Fprintln(stderr, err)
		os.Exit(1)
	}
	if !transport.StartedByHost() {
		os.Exit(byHand(manifest, os.Args[1:], os.Stdout, stderr))
	}
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	slog.SetDefault(newLogger(stderr, manifest))
	h := newHandler(c, manifest)
	go lifeline(os.Stdin, h, os.Exit)
	transport.Serve(h)
}

// byHand is a connector started by a person; it returns the exit code.
func byHand(m sdk.Manifest, args []string, stdout, stderr io.Writer) int {
	command := ""
	if len(args) > 0 {
		command = args[0]
	}
	switch command {
	case "describe":
		e := json.NewEncoder(stdout)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		if err := e.Encode(m); err != nil {
			fmt.Fprintln(stderr, err)
			return 1
		}
		return 0
	case "version":
		fmt.Fprintf(stdout, "%s %s (connector protocol %d, %s, %s)\n", m.Name, m.Version, transport.ProtocolVersion, revision(), runtime.Version())
		return 0
	}
	fmt.Fprintf(stderr, `%[1]s %[2]s is an atshub connector for %[3]s.
The hub starts it; by hand it only tells about itself:
  %[1]s describe   its manifest, as JSON
  %[1]s version    its version and the protocol it speaks
To use it: atshub connector register <this file>
`, m.Name, m.Version, m.ATS)
	return 2
}

// revision is the commit the binary was built from, if the build recorded it.
func revision() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "no revision"
}

// grace is how long running calls may finish once the hub is gone.
const grace = time.Second

// lifeline ends the process when stdin does: the hub holds the other end and
// never writes, so the end of it means that the hub is gone.
func lifeline(stdin io.Reader, h *handler, exit func(int)) {
	_, _ = io.Copy(io.Discard, stdin)
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	h.Drain(ctx)
	exit(0)
}
