// Command echo is a connector that does nothing, served in two ways, so that
// the benchmark can tell what plugin hosting costs: as a plugin process, or,
// with ECHO_SOCKET set, over plain gRPC on that Unix socket.
package main

import (
	"context"
	"fmt"
	"net"
	"os"

	"github.com/atshub/atshub/sdk"
	"github.com/atshub/atshub/sdk/serve"
	"github.com/atshub/atshub/sdk/transport"
)

type connector struct{}

func (connector) Manifest() sdk.Manifest {
	return sdk.Manifest{Name: "echo", Version: "1.0.0", ATS: "Echo", Summary: "Answers every call at once."}
}

func (connector) Open(context.Context, sdk.Settings) (sdk.Session, error) { return session{}, nil }
func (connector) Prototype() sdk.Session                                  { return session{} }

type session struct{}

func (session) Check(context.Context, sdk.CheckQuery) (sdk.CheckReport, error) {
	return sdk.CheckReport{Credential: sdk.CredentialOK}, nil
}

func (session) Close() error { return nil }

// ReadApplication answers about as much as a real one.
func (session) ReadApplication(_ context.Context, r sdk.ApplicationRef) (sdk.Application, error) {
	return sdk.Application{ID: r.ID, JobID: r.JobID, StageID: "IN_REVIEW/Phone Screen", Candidate: sdk.Candidate{ID: r.CandidateID, FirstName: "Ada", LastName: "Nwosu", Email: "ada@example.com"}}, nil
}

func main() {
	socket := os.Getenv("ECHO_SOCKET")
	if socket == "" {
		serve.Serve(connector{})
		return
	}
	if err := plain(socket); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func plain(socket string) error {
	h, err := serve.Handler(connector{})
	if err != nil {
		return err
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	return transport.ServeGRPC(h).Serve(l)
}
