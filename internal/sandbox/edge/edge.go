// Package edge is the customer's https front door in a sandbox: a TLS reverse proxy on a loopback port, with a
// certificate issued by a CA made for this run, forwarding to a hub whose address may change while it runs.
package edge

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"time"
)

// Edge listens until Close. Safe for concurrent use.
type Edge struct {
	server *http.Server
	addr   string
	target atomic.Pointer[url.URL]
	ca     *x509.Certificate
	proxy  *http.Transport
}

// New listens on addr ("127.0.0.1:0" picks a port) and forwards to target, an http URL that may be empty until
// SetTarget. The CA is fresh for every Edge and its key is forgotten at once.
func New(addr, target string) (*Edge, error) {
	ca, leaf, err := issue(time.Now())
	if err != nil {
		return nil, err
	}
	e := &Edge{ca: ca, proxy: http.DefaultTransport.(*http.Transport).Clone()}
	if err := e.SetTarget(target); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on the edge: %w", err)
	}
	e.addr = listener.Addr().String()
	quiet := log.New(io.Discard, "", 0) // refused handshakes and absent hubs are the tests' business
	e.server = &http.Server{
		ErrorLog:          quiet,
		ReadHeaderTimeout: 10 * time.Second,
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{leaf}},
		Handler: &httputil.ReverseProxy{
			Transport: e.proxy,
			ErrorLog:  quiet,
			Rewrite: func(r *httputil.ProxyRequest) {
				if to := e.target.Load(); to != nil {
					r.SetURL(to)
				}
				r.SetXForwarded()
			},
			ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
		},
	}
	go func() { _ = e.server.ServeTLS(listener, "", "") }() // ends with Close
	return e, nil
}

// SetTarget forwards to another hub from the next request on; empty answers 502, like a hub that is away.
func (e *Edge) SetTarget(target string) error {
	if target == "" {
		e.target.Store(nil)
		return nil
	}
	to, err := url.Parse(target)
	if err != nil || to.Host == "" {
		return fmt.Errorf("edge target %q is not a URL", target)
	}
	e.target.Store(to)
	return nil
}

// URL is the public https address.
func (e *Edge) URL() string { return "https://" + e.addr }

// CA is the pool a client needs to trust the edge.
func (e *Edge) CA() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(e.ca)
	return pool
}

// CAPEM is the CA certificate for other processes.
func (e *Edge) CAPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: e.ca.Raw})
}

// Client trusts the edge and nothing else.
func (e *Edge) Client() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: e.CA()}
	return &http.Client{Transport: transport}
}

// Close stops listening and ends open requests after two seconds.
func (e *Edge) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	defer e.proxy.CloseIdleConnections()
	if err := e.server.Shutdown(ctx); err != nil {
		return e.server.Close()
	}
	return nil
}

// issue makes a CA and a leaf for the loopback names.
func issue(now time.Time) (*x509.Certificate, tls.Certificate, error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, tls.Certificate{}, fmt.Errorf("make sandbox CA key: %w", err)
	}
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, tls.Certificate{}, fmt.Errorf("make edge key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "Sandbox CA"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(30 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	caDER, err := x509.CreateCertificate(rand.Reader, template, template, &caKey.PublicKey, caKey)
	if err != nil {
		return nil, tls.Certificate{}, fmt.Errorf("make sandbox CA: %w", err)
	}
	ca, err := x509.ParseCertificate(caDER)
	if err != nil {
		return nil, tls.Certificate{}, fmt.Errorf("read sandbox CA: %w", err)
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano() + 1), Subject: pkix.Name{CommonName: "localhost"},
		NotBefore: template.NotBefore, NotAfter: template.NotAfter,
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, ca, &leafKey.PublicKey, caKey)
	if err != nil {
		return nil, tls.Certificate{}, fmt.Errorf("issue edge certificate: %w", err)
	}
	return ca, tls.Certificate{Certificate: [][]byte{leafDER}, PrivateKey: leafKey}, nil
}
