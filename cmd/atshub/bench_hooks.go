package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/atshub/atshub/gateway"
	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/reach"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/sdk"
)

// Durable acknowledgements: the real route on a real socket, against the same
// route with the same signature check that keeps nothing.

const (
	hookClients = 64
	hookRound   = 2 * time.Second
	hookRounds  = 4
	hookSecret  = "HeBVky2bccvvkcXPimH8c"
)

func (b *bench) acknowledge(ctx context.Context) ([]figure, error) {
	cfg := b.settings("hooks")
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return nil, err
	}
	a, err := wire(ctx, cfg, b.log)
	if err != nil {
		return nil, err
	}
	defer a.close()
	path, err := a.benchConnection(ctx)
	if err != nil {
		return nil, err
	}
	durable, stopDurable, err := serveOn(a.gateway)
	if err != nil {
		return nil, err
	}
	defer stopDurable()
	bare, err := gateway.New(gateway.Options{
		Store: a.store, Reach: a.reach, Service: a.service, Logger: b.log, PublicURL: cfg.PublicURL,
		Keep: func(context.Context, hub.Event) (store.Receipt, error) { return store.Receipt{Fresh: true}, nil },
	})
	if err != nil {
		return nil, err
	}
	unkept, stopBare, err := serveOn(bare)
	if err != nil {
		return nil, err
	}
	defer stopBare()
	var ratios, rates []float64
	var waits []float64
	for range hookRounds {
		kept, latency, err := hammer(ctx, durable, path)
		if err != nil {
			return nil, err
		}
		dropped, _, err := hammer(ctx, unkept, path)
		if err != nil {
			return nil, err
		}
		ratios, rates, waits = append(ratios, kept/dropped), append(rates, kept), append(waits, latency...)
	}
	return []figure{
		atLeast(figure{Name: "durable / unkept acknowledgements", Value: median(ratios), Unit: "×", Note: "SQLite, every commit fsynced, load on the same cores"}, 0.25),
		{Name: "durable acknowledgements", Value: median(rates), Unit: "/s"},
		{Name: "acknowledgement p50", Value: quantile(waits, 0.5) * 1000, Unit: "ms", Note: fmt.Sprintf("%d senders at once", hookClients)},
		{Name: "acknowledgement p99", Value: quantile(waits, 0.99) * 1000, Unit: "ms"},
	}, nil
}

// benchConnection puts an active connection with a signing secret into the
// ledger and answers the path its webhooks come to.
func (a *app) benchConnection(ctx context.Context) (path string, err error) {
	c := hub.Connection{ID: hub.NewID("con"), Product: "fairec", Connector: "smartrecruiters-apikey", State: hub.ConnectionActive, Revision: 1, HookToken: "bench-token-that-nobody-guesses"}
	err = a.store.Write(ctx, func(tx *store.Tx) error {
		tenant, err := tx.PutTenant(c.Product, "bench", "Bench")
		if err != nil {
			return err
		}
		c.TenantID = tenant.ID
		if err := tx.InsertConnection(c); err != nil {
			return err
		}
		return a.reach.KeepSecret(tx, c, reach.HookSecret+"1", sdk.Secret(hookSecret))
	})
	return "/hooks/ats/" + c.ID + "/" + c.HookToken, err
}

func serveOn(g *gateway.Server) (addr string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = g.Serve(l) }()
	return l.Addr().String(), func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = g.Shutdown(ctx)
		<-done
	}, nil
}

var hookNumber atomic.Int64

// hammer sends deliveries for one round and answers acknowledgements per
// second and each one's wait in seconds.
func hammer(ctx context.Context, addr, path string) (rate float64, waits []float64, err error) {
	client := &fasthttp.HostClient{Addr: addr, MaxConns: hookClients, ReadTimeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	all := make([][]float64, hookClients)
	failed := make(chan error, hookClients)
	var senders sync.WaitGroup
	started := time.Now()
	for i := range hookClients {
		senders.Go(func() {
			for time.Since(started) < hookRound && ctx.Err() == nil {
				wait, err := deliver(client, addr, path)
				if err != nil {
					failed <- err
					return
				}
				all[i] = append(all[i], wait.Seconds())
			}
		})
	}
	senders.Wait()
	took := time.Since(started).Seconds()
	close(failed)
	for err := range failed {
		return 0, nil, err
	}
	for _, w := range all {
		waits = append(waits, w...)
	}
	return float64(len(waits)) / took, waits, ctx.Err()
}

// deliver sends one signed webhook, as the vendor does.
func deliver(client *fasthttp.HostClient, addr, path string) (time.Duration, error) {
	id := strconv.FormatInt(hookNumber.Add(1), 10)
	body := `{"job_id":"4f7c1c2e-38a5-4b1e-8d4e-0f5a5d0a9b11","candidate_id":"` + id + `","application_id":"2b1f6a0e-7d1c-4b6f-9a55-1c2d3e4f5a6b"}`
	const name, version, link = "application.status.updated", "v201910", "<https://api.smartrecruiters.com/candidates/1>; rel=self"
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(hookSecret))
	mac.Write([]byte(stamp + "." + body + "." + id + "." + name + "." + version + "." + link))
	request, answer := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(request)
	defer fasthttp.ReleaseResponse(answer)
	request.SetRequestURI("http://" + addr + path)
	request.Header.SetMethod("POST")
	for header, value := range map[string]string{
		"Content-Type": "application/json", "event-id": id, "event-name": name, "event-version": version, "Link": link,
		"smartrecruiters-timestamp": stamp, "smartrecruiters-signature": "v1=" + hex.EncodeToString(mac.Sum(nil)),
	} {
		request.Header.Set(header, value)
	}
	request.SetBodyString(body)
	sent := time.Now()
	if err := client.Do(request, answer); err != nil {
		return 0, err
	}
	if answer.StatusCode() != 202 {
		return 0, errors.New("a delivery was answered " + strconv.Itoa(answer.StatusCode()))
	}
	return time.Since(sent), nil
}
