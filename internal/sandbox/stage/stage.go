// Package stage sets up everything around a hub on loopback ports: the ATS, a
// screening and a capture product, and the https edge through which they
// deliver to the hub. The demo and the end-to-end tests play on it.
package stage

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/atshub/atshub/internal/sandbox/edge"
	"github.com/atshub/atshub/internal/sandbox/fairec"
	"github.com/atshub/atshub/internal/sandbox/pillar"
	"github.com/atshub/atshub/internal/sandbox/smartrecruiters"
)

// Options of Start; the zero value works.
type Options struct {
	// Hub is the hub's http address behind the edge; Edge.SetTarget changes it.
	Hub string
	// Records is a folder for the simulators' records; "" keeps them in memory.
	Records string
	Seed    uint64
	// ATS shapes the ATS simulator; what is missing is filled in.
	ATS smartrecruiters.Options
	// Referee, if set, stands in front of the ATS and sees all of its traffic.
	Referee func(http.Handler) http.Handler
	// Ports are the loopback ports to prefer; a free one is taken where one is
	// zero or taken.
	Ports Ports
}

// Ports of everything on a stage.
type Ports struct{ Edge, ATS, Fairec, Pillar int }

// Stage is up until Close.
type Stage struct {
	Edge   *edge.Edge // its URL is the hub's public address
	ATS    *smartrecruiters.Simulator
	Fairec *fairec.Simulator
	Pillar *pillar.Simulator

	ATSURL, FairecURL, PillarURL string
	PillarToken                  string // the service token Pillar knows the hub by

	stop    context.CancelFunc
	running sync.WaitGroup
	closers []func() error
}

// Start sets the stage up. Nobody is on it yet.
func Start(o Options) (*Stage, error) {
	s := &Stage{PillarToken: "svc_" + rand.Text()}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	for _, part := range []func(context.Context, Options) error{s.startEdge, s.startATS, s.startFairec, s.startPillar} {
		if err := part(ctx, o); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// Close ends everything, in the opposite order.
func (s *Stage) Close() error {
	s.stop()
	s.running.Wait()
	var err error
	for i := len(s.closers) - 1; i >= 0; i-- {
		err = errors.Join(err, s.closers[i]())
	}
	s.closers = nil
	return err
}

func (s *Stage) startEdge(_ context.Context, o Options) (err error) {
	if s.Edge, err = edge.New(loopback(o.Ports.Edge), o.Hub); err != nil {
		s.Edge, err = edge.New(loopback(0), o.Hub)
	}
	if err == nil {
		s.closers = append(s.closers, s.Edge.Close)
	}
	return err
}

func (s *Stage) startATS(_ context.Context, o Options) (err error) {
	opt := o.ATS
	if opt.Client == nil {
		opt.Client = s.Edge.Client()
	}
	if opt.RecordPath == "" {
		opt.RecordPath = record(o, "smartrecruiters")
	}
	if opt.Seed == 0 {
		opt.Seed = o.Seed
	}
	if s.ATS, err = smartrecruiters.New(opt); err != nil {
		return err
	}
	s.closers = append(s.closers, s.ATS.Close)
	var handler http.Handler = s.ATS
	if o.Referee != nil {
		handler = o.Referee(handler)
	}
	if s.ATSURL, err = s.listen(o.Ports.ATS, handler); err == nil {
		s.ATS.SetBaseURL(s.ATSURL)
	}
	return err
}

func (s *Stage) startFairec(ctx context.Context, o Options) (err error) {
	client := s.Edge.Client()
	client.Timeout = 10 * time.Second
	if s.Fairec, err = fairec.New(fairec.Options{Record: record(o, "fairec"), Seed: o.Seed, Client: client}); err != nil {
		return err
	}
	s.closers = append(s.closers, s.Fairec.Log().Close)
	s.running.Go(func() { s.Fairec.Run(ctx) })
	s.FairecURL, err = s.listen(o.Ports.Fairec, s.Fairec)
	return err
}

func (s *Stage) startPillar(ctx context.Context, o Options) (err error) {
	if s.Pillar, err = pillar.New(pillar.Options{Token: s.PillarToken, Record: record(o, "pillar"), Seed: o.Seed}); err != nil {
		return err
	}
	s.closers = append(s.closers, s.Pillar.Log().Close)
	s.running.Go(func() { s.Pillar.Run(ctx) })
	s.PillarURL, err = s.listen(o.Ports.Pillar, s.Pillar)
	return err
}

// record is the file of a simulator's record.
func record(o Options, name string) string {
	if o.Records == "" {
		return ""
	}
	return filepath.Join(o.Records, name+".jsonl")
}

// Listen listens on a loopback port, on a free one where it is zero or taken.
func Listen(port int) (net.Listener, error) {
	l, err := net.Listen("tcp", loopback(port))
	if err != nil && port != 0 {
		l, err = net.Listen("tcp", loopback(0))
	}
	return l, err
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// listen serves on a loopback port and answers the address.
func (s *Stage) listen(port int, h http.Handler) (string, error) {
	l, err := Listen(port)
	if err != nil {
		return "", err
	}
	// Broken connections are part of the play, not news.
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = server.Serve(l) }() // ends with Close
	s.closers = append(s.closers, server.Close)
	return "http://" + l.Addr().String(), nil
}
