// Faults on demand: what networks, gateways and a bad day do to requests.

package smartrecruiters

import (
	"context"
	"net"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

// FaultKind is what goes wrong.
type FaultKind string

// The kinds. Those marked * happen after the request had its full effect.
const (
	FaultStatus       FaultKind = "status"        // answer Status with an error body, do nothing
	FaultDelay        FaultKind = "delay"         // answer normally, Delay later
	FaultHTML         FaultKind = "html"          // a page of HTML (status Status, default 200) instead of JSON, do nothing
	FaultReset        FaultKind = "reset"         // drop the connection, do nothing
	FaultTruncate     FaultKind = "truncate"      // * half of the body, then drop the connection
	FaultAnswerLost   FaultKind = "answer lost"   // * drop the connection instead of answering
	FaultRecordDenied FaultKind = "record denied" // 401 about this record, not about the credential
	FaultRateLimited  FaultKind = "rate limited"  // 429
)

// Fault says which requests go wrong, how often and how. Delay, when set, comes first with every kind.
type Fault struct {
	Kind   FaultKind
	Method string // empty: any
	// Path is a pattern of the request path: * is one segment, a trailing ** any rest, empty is every path.
	Path string
	// Skip leaves the first matching requests alone.
	Skip int
	// Count ends the fault after so many hits; 0 means until removed.
	Count int
	// Probability below 1 hits only some, by the simulator's seed; 0 means always.
	Probability float64
	Status      int
	Delay       time.Duration
}

// FaultHeader marks answers spoiled on purpose, so that whoever referees the traffic leaves them alone.
const FaultHeader = "Sandbox-Fault"

type activeFault struct {
	Fault
	seen, hits int
}

// Inject adds a fault; of several that match, the oldest acts. The returned func removes it.
func (s *Simulator) Inject(f Fault) (remove func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	active := &activeFault{Fault: f}
	s.faults = append(s.faults, active)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.faults = slices.DeleteFunc(s.faults, func(a *activeFault) bool { return a == active })
	}
}

// takeFault finds the fault for a request and uses it up.
func (s *Simulator) takeFault(r *http.Request) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if f.Count > 0 && f.hits >= f.Count || !f.matches(r) {
			continue
		}
		f.seen++
		if f.seen <= f.Skip || f.Probability > 0 && s.rng.Float64() >= f.Probability {
			continue
		}
		f.hits++
		hit := f.Fault
		return &hit
	}
	return nil
}

func (f *Fault) matches(r *http.Request) bool {
	if f.Method != "" && f.Method != r.Method {
		return false
	}
	if prefix, open := strings.CutSuffix(f.Path, "**"); open || f.Path == "" {
		return strings.HasPrefix(r.URL.Path, prefix)
	}
	ok, _ := path.Match(f.Path, r.URL.Path)
	return ok
}

func (f *Fault) wait(ctx context.Context) {
	if f.Delay == 0 {
		return
	}
	timer := time.NewTimer(f.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// before reports whether the fault replaces the handler.
func (f *Fault) before() bool {
	return !slices.Contains([]FaultKind{FaultDelay, FaultTruncate, FaultAnswerLost}, f.Kind)
}

// breaks reports whether the connection ends without a whole answer.
func (f *Fault) breaks() bool {
	return slices.Contains([]FaultKind{FaultReset, FaultTruncate, FaultAnswerLost}, f.Kind)
}

func (f *Fault) answer(s *Simulator, r *http.Request) answer {
	switch f.Kind {
	case FaultStatus:
		return fail(f.Status, "SIMULATED_FAULT", "simulated fault")
	case FaultHTML:
		status := f.Status
		if status == 0 {
			status = http.StatusOK
		}
		return answer{status: status, contentType: "text/html", body: []byte("<html><body>Scheduled maintenance</body></html>")}
	case FaultRecordDenied:
		if strings.HasPrefix(r.URL.Path, "/jobs") {
			return jobDenied()
		}
		return candidateDenied()
	case FaultRateLimited:
		return s.tooManyRequests()
	}
	return answer{}
}

// breakAnswer ends the connection: with half an answer when truncating, with none otherwise.
func (f *Fault) breakAnswer(w http.ResponseWriter, a answer) {
	control := http.NewResponseController(w)
	if f.Kind == FaultTruncate {
		a.writeHeader(w)
		_, _ = w.Write(a.body[:len(a.body)/2])
		_ = control.Flush()
	}
	if f.Kind == FaultReset {
		resetConnection(control)
	}
	panic(http.ErrAbortHandler)
}

// resetConnection makes the kernel answer RST instead of an orderly end, where the connection is plain TCP.
func resetConnection(control *http.ResponseController) {
	conn, _, err := control.Hijack()
	if err != nil {
		return // not a real connection, or HTTP/2: the panic ends it
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
