package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/atshub/atshub/internal/config"
	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/reach"
	"github.com/atshub/atshub/internal/sandbox/fairec"
	"github.com/atshub/atshub/internal/sandbox/smartrecruiters"
	"github.com/atshub/atshub/internal/sandbox/stage"
	"github.com/atshub/atshub/internal/service"
	"github.com/atshub/atshub/sdk"
)

// The whole way: a recruiter moves a card in the ATS, the product sends the
// invitation. Hub, simulators and load share the same cores; the simulator
// keeps the vendor's limits, so the load is spread over many customers.

const (
	flowRate    = 100 // events a second
	flowSeconds = 20
	backlogEach = 40 // people who arrive at once at each customer
)

// customer is a company in the ATS with one job switched on.
type customer struct {
	company *smartrecruiters.Company
	job     string
	waiting []string // candidates not yet at the stage
}

func (b *bench) flow(ctx context.Context) ([]figure, error) {
	scene, err := stage.Start(stage.Options{Seed: 1})
	if err != nil {
		return nil, err
	}
	defer func() { _ = scene.Close() }()
	cfg := b.settings("flow")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	scene.Edge.SetTarget("http://" + l.Addr().String())
	cfg.PublicURL = scene.Edge.URL()
	cfg.Connectors = map[string]config.Connector{"smartrecruiters-apikey": {Endpoint: scene.ATSURL}}
	cfg.Products = map[string]config.Product{"fairec": {BaseURL: scene.FairecURL}}
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return nil, err
	}
	a, err := wire(ctx, cfg, b.log)
	if err != nil {
		return nil, err
	}
	defer a.close()
	ctx, stop := context.WithCancel(ctx)
	group, serving := errgroup.WithContext(ctx)
	group.Go(func() error { return a.gateway.Serve(l) })
	a.serveWorker(serving, group)
	defer func() {
		stop()
		_ = a.gateway.Shutdown(context.WithoutCancel(ctx))
		_ = group.Wait()
	}()
	customers, err := b.connect(ctx, a, scene)
	if err != nil {
		return nil, err
	}
	steady, err := b.steady(ctx, scene, customers)
	if err != nil {
		return nil, err
	}
	backlog, err := b.backlog(ctx, scene, customers)
	return append(steady, backlog...), err
}

// connect sets up the customers and waits until each is told of changes.
func (b *bench) connect(ctx context.Context, a *app, scene *stage.Stage) ([]*customer, error) {
	each := flowRate*flowSeconds/b.cmd.Customers + 1 + backlogEach
	customers := make([]*customer, b.cmd.Customers)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i := range customers {
		customers[i] = newCustomer(scene, i, each)
		group.Go(func() error { return customers[i].connect(ctx, a, scene, i) })
	}
	return customers, group.Wait()
}

func newCustomer(scene *stage.Stage, n, people int) *customer {
	c := &customer{company: scene.ATS.AddCompany(fmt.Sprintf("Company %d", n))}
	c.job = c.company.AddJob(smartrecruiters.Job{Title: "Engineer"})
	for i := range people {
		applied, err := c.company.Apply(c.job, smartrecruiters.Candidate{FirstName: "Ada", LastName: fmt.Sprint(i), Email: fmt.Sprintf("ada%d.%d@example.com", n, i)})
		if err != nil {
			panic(err) // the simulator refuses only what does not exist
		}
		c.waiting = append(c.waiting, applied.CandidateID)
	}
	return c
}

const (
	benchPassword = "bench-password-1"
	benchStage    = "Screening" // of the process every simulated company begins with
)

func (c *customer) connect(ctx context.Context, a *app, scene *stage.Stage, n int) error {
	email := fmt.Sprintf("system%d@example.com", n)
	scene.Fairec.AddUser(fairec.User{ID: fmt.Sprint("user", n), OrganisationID: fmt.Sprint("org", n), OrganisationName: "Bench", Email: email, Password: benchPassword, SystemAccess: true})
	key := c.company.NewAPIKey(smartrecruiters.Grant{Scopes: smartrecruiters.FairecScopes, Role: smartrecruiters.Administrator})
	everything := map[string]bool{service.Backend: true, service.View: true, product.PermissionManageIntegration: true, product.PermissionManageJobPosts: true}
	actor := hub.Actor{Product: "fairec", User: "bench", Role: "Tenant owner", Permissions: everything}
	tenant, err := a.service.PutTenant(ctx, actor, fmt.Sprint("org", n), "Bench")
	if err != nil {
		return err
	}
	actor.TenantID = tenant.ID
	connection, err := a.service.Install(ctx, actor, "smartrecruiters-apikey", reach.Credentials{
		ATS:     map[string]sdk.Secret{"api_key": sdk.Secret(key)},
		Product: map[string]sdk.Secret{product.FieldUsername: sdk.Secret(email), product.FieldPassword: benchPassword},
	})
	if err != nil {
		return err
	}
	plan, err := a.service.MakePlan(ctx, actor, connection.ID, service.PlanInput{
		Kind: hub.PlanImport, JobID: c.job, Triggers: []service.Trigger{{Kind: hub.TriggerMailInvitation, StageID: smartrecruiters.InReview + "/" + benchStage}},
	})
	if err != nil {
		return err
	}
	if _, err := a.service.Activate(ctx, actor, plan.ID, service.Choice{Backfill: hub.BackfillNobody}); err != nil {
		return err
	}
	return until(ctx, time.Minute, func() bool {
		now, err := a.service.Connection(ctx, actor, connection.ID)
		return err == nil && now.Webhooks.State == "active"
	})
}

// next takes n people who have not moved yet and moves them to the stage.
func (c *customer) next(n int) (moved []string, err error) {
	moved, c.waiting = c.waiting[:n], c.waiting[n:]
	for _, candidate := range moved {
		if err := c.company.Move(candidate, c.job, smartrecruiters.InReview, benchStage); err != nil {
			return nil, err
		}
	}
	return moved, nil
}

// steady moves people at an even rate and measures each one's way.
func (b *bench) steady(ctx context.Context, scene *stage.Stage, customers []*customer) ([]figure, error) {
	began := map[string]time.Time{}
	tick := time.NewTicker(time.Second / flowRate)
	defer tick.Stop()
	for i := range flowRate * flowSeconds {
		<-tick.C
		at := time.Now()
		moved, err := customers[i%len(customers)].next(1)
		if err != nil {
			return nil, err
		}
		began[moved[0]] = at
	}
	sent, err := arrived(ctx, scene, len(began))
	if err != nil {
		return nil, err
	}
	var waits []float64
	for candidate, at := range began {
		waits = append(waits, sent[candidate].Sub(at).Seconds())
	}
	return []figure{
		{Name: "webhook to effect p50", Value: quantile(waits, 0.5) * 1000, Unit: "ms", Note: fmt.Sprintf("%d events/s over %d customers, simulators on the same cores", flowRate, len(customers))},
		atMost(figure{Name: "webhook to effect p99", Value: quantile(waits, 0.99) * 1000, Unit: "ms"}, 1000),
	}, nil
}

// arrived waits for the n-th invitation and answers when each was sent.
func arrived(ctx context.Context, scene *stage.Stage, n int) (map[string]time.Time, error) {
	sent := map[string]time.Time{}
	err := until(ctx, 2*time.Minute, func() bool { return len(scene.Fairec.Log().Effects("invitation_sent")) >= n })
	for _, e := range scene.Fairec.Log().Effects("invitation_sent") {
		sent[fmt.Sprint(e.Fields["ats_candidate_id"])] = e.At
	}
	if err != nil {
		return nil, fmt.Errorf("%d of %d invitations were sent: %w", len(sent), n, err)
	}
	return sent, nil
}

// backlog lets many people arrive at once and measures how fast the hub works
// it off.
func (b *bench) backlog(ctx context.Context, scene *stage.Stage, customers []*customer) ([]figure, error) {
	before := len(scene.Fairec.Log().Effects("invitation_sent"))
	started := time.Now()
	for _, c := range customers {
		if _, err := c.next(backlogEach); err != nil {
			return nil, err
		}
	}
	total := backlogEach * len(customers)
	if _, err := arrived(ctx, scene, before+total); err != nil {
		return nil, err
	}
	return []figure{{
		Name: "actions end to end", Value: float64(total) / time.Since(started).Seconds(), Unit: "/s",
		Note: fmt.Sprintf("%d at once; the vendor allows %d customers %d requests/s, an invitation needs three", total, len(customers), 10*len(customers)),
	}}, nil
}
