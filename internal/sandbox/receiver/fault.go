package receiver

// fault.go: what can go wrong between a hub and a product, on demand.

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault goes wrong with matching requests: it waits Delay, then does the first
// that is set of Reset, LoseAnswer, Status, or lets the request through.
type Fault struct {
	Method string  // "" = any
	Path   string  // prefix of the path
	Times  int     // how often it strikes; 0 = until Clear
	Rate   float64 // probability to strike; 0 = always

	Delay      time.Duration
	Reset      bool // the connection breaks before anything is done
	LoseAnswer bool // it is done, then the connection breaks
	Status     int  // answered instead of doing it
	RetryAfter time.Duration
	Body       string // with Status: a body in place of the problem document

	struck int
}

// Inject adds a fault; the first that matches strikes.
func (r *Receiver) Inject(f Fault) {
	r.faultMu.Lock()
	defer r.faultMu.Unlock()
	r.faults = append(r.faults, &f)
}

// Clear takes all faults away.
func (r *Receiver) Clear() {
	r.faultMu.Lock()
	defer r.faultMu.Unlock()
	r.faults = nil
}

// strike is the fault for the request, if one strikes.
func (r *Receiver) strike(req *http.Request) (Fault, bool) {
	r.faultMu.Lock()
	defer r.faultMu.Unlock()
	for i, f := range r.faults {
		if f.Method != "" && f.Method != req.Method || !strings.HasPrefix(req.URL.Path, f.Path) {
			continue
		}
		if f.Rate > 0 && r.dice.Float64() >= f.Rate {
			continue
		}
		if f.struck++; f.struck == f.Times {
			r.faults = slices.Delete(r.faults, i, i+1)
		}
		return *f, true
	}
	return Fault{}, false
}

// Faults lets faults strike before and after next.
func (r *Receiver) Faults(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		f, ok := r.strike(req)
		if !ok {
			next.ServeHTTP(w, req)
			return
		}
		if f.Delay > 0 {
			<-time.After(f.Delay) // also when the caller gives up: what it sent still arrives
		}
		switch {
		case f.Reset:
			panic(http.ErrAbortHandler)
		case f.LoseAnswer:
			next.ServeHTTP(&discard{header: http.Header{}}, req)
			panic(http.ErrAbortHandler)
		case f.Status != 0:
			fail(w, f)
		default:
			next.ServeHTTP(w, req)
		}
	})
}

func fail(w http.ResponseWriter, f Fault) {
	if f.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(f.RetryAfter/time.Second)))
	}
	if f.Body != "" {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(f.Status)
		_, _ = w.Write([]byte(f.Body))
		return
	}
	code := "internal"
	switch f.Status {
	case http.StatusTooManyRequests:
		code = "rate_limited"
	case http.StatusUnauthorized:
		code = "unauthorized"
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		code = "unavailable"
	}
	Write(w, Refuse(f.Status, code))
}

// discard is a ResponseWriter nobody reads.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}
