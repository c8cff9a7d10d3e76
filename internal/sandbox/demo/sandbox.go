package demo

// sandbox.go: the stage with both companies on it, and pages to read the
// simulators' records.

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"time"

	"github.com/atshub/atshub/internal/sandbox/smartrecruiters"
	"github.com/atshub/atshub/internal/sandbox/stage"
	"github.com/atshub/atshub/internal/sandbox/witness"
)

// Options of Open.
type Options struct {
	Dir        string // where the simulators keep their records
	Hub        string // http address of the hub behind the edge
	Ports      stage.Ports
	RecordPort int // of the pages that show the records
	Seed       uint64
}

// Sandbox is the world around the hub.
type Sandbox struct {
	*stage.Stage
	RecordsURL string // pages: RecordsURL + "/smartrecruiters", "/fairec", "/pillar"

	world *world
	pages *http.Server
}

// Open sets the stage up and puts both companies on it.
func Open(o Options) (*Sandbox, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, err
	}
	// A redelivery after a minute comes after a second.
	st, err := stage.Start(stage.Options{Hub: o.Hub, Records: o.Dir, Seed: o.Seed, Ports: o.Ports, ATS: smartrecruiters.Options{TimeScale: 60}})
	if err != nil {
		return nil, err
	}
	s := &Sandbox{Stage: st}
	if s.world, err = newWorld(st); err == nil {
		err = s.showRecords(o.RecordPort)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// showRecords serves the records, read-only.
func (s *Sandbox) showRecords(port int) error {
	l, err := stage.Listen(port)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	show := func(path string, record func() any) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(record()) // the reader may be gone
		})
	}
	show("/smartrecruiters", func() any { return s.Records().ATS })
	show("/fairec", func() any { return s.Records().Fairec })
	show("/pillar", func() any { return s.Records().Pillar })
	s.RecordsURL = "http://" + l.Addr().String()
	s.pages = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.pages.Serve(l) }() // ends with Close
	return nil
}

// Close ends everything.
func (s *Sandbox) Close() error {
	var err error
	if s.pages != nil {
		err = s.pages.Close()
	}
	return errors.Join(err, s.Stage.Close())
}

// Records is what the simulators wrote down: every request they got and every
// effect it had.
type Records struct {
	ATS    []smartrecruiters.Entry `json:"smartrecruiters"`
	Fairec []witness.Entry         `json:"fairec"`
	Pillar []witness.Entry         `json:"pillar"`
}

// Records are the records so far.
func (s *Sandbox) Records() Records {
	return Records{ATS: s.ATS.Record().Entries(), Fairec: s.Fairec.Log().Entries(), Pillar: s.Pillar.Log().Entries()}
}

// Secrets are all secrets that people typed or the operator set: none of them
// may be found in anything the hub produced.
func (s *Sandbox) Secrets() []string { return append([]string{s.PillarToken}, s.world.secrets...) }

// People are the candidates' names, whole and in parts, and their e-mail
// addresses: none of them may be found in the hub's logs and metrics.
func (s *Sandbox) People() []string {
	var all []string
	for _, p := range s.world.people {
		all = append(all, p.name(), p.email())
		for _, part := range []string{p.first, p.last} {
			if len([]rune(part)) > 5 { // shorter ones are found inside of other words
				all = append(all, part)
			}
		}
	}
	return all
}
