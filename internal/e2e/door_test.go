package e2e

import (
	"bytes"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// door is the load balancer in front of the gateways: in turn, and past one
// that does not take connections. What was sent once is not sent again.
type door struct {
	url       string
	transport *http.Transport

	mu   sync.Mutex
	live []string
	next int
}

func newDoor(t *testing.T) *door {
	t.Helper()
	d := &door{transport: &http.Transport{MaxIdleConnsPerHost: 32}}
	l := listen(t)
	d.url = "http://" + l.Addr().String()
	quiet := log.New(io.Discard, "", 0)
	server := &http.Server{ErrorLog: quiet, Handler: &httputil.ReverseProxy{
		Transport: d, ErrorLog: quiet,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", "hub", r.In.Host
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() {
		_ = server.Close()
		d.transport.CloseIdleConnections()
	})
	return d
}

func (d *door) open(addr string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.Contains(d.live, addr) {
		d.live = append(d.live, addr)
	}
}

func (d *door) shut(addr string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.live = slices.DeleteFunc(d.live, func(a string) bool { return a == addr })
}

// gateways are those to try, the one whose turn it is first.
func (d *door) gateways() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.live) == 0 {
		return nil
	}
	d.next++
	i := d.next % len(d.live)
	return append(slices.Clone(d.live[i:]), d.live[:i]...)
}

var errNoGateway = errors.New("no gateway takes connections")

// RoundTrip implements http.RoundTripper.
func (d *door) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	for _, addr := range d.gateways() {
		out := r.Clone(r.Context())
		out.URL.Host, out.Body = addr, io.NopCloser(bytes.NewReader(body))
		res, err := d.transport.RoundTrip(out)
		var op *net.OpError
		if errors.As(err, &op) && op.Op == "dial" {
			continue
		}
		return res, err
	}
	return nil, errNoGateway
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return l
}
