// The simulator itself: its options, its one lock and the pipeline every request passes.

package smartrecruiters

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Options shape a simulator. The zero value behaves as the vendor documents.
type Options struct {
	// BaseURL stands in links and actions. Default https://api.smartrecruiters.com.
	BaseURL string
	// Now is the vendor's clock: time stamps, token expiry, key rotation, log retention. Default time.Now.
	Now func() time.Time
	// RateNow measures the rate window. Default time.Now, so that a frozen Now does not stop the traffic.
	RateNow func() time.Time
	// Seed makes record ids and every random choice repeatable. Secrets, tokens and event ids never repeat.
	Seed uint64
	// RecordPath is the append-only JSONL witness. Empty keeps it in memory only.
	RecordPath string
	// TokenLifetime is the expires_in of OAuth tokens. Default 30 minutes.
	TokenLifetime time.Duration
	// Rate is the requests per second per endpoint and credential. Default 10.
	Rate int
	// Concurrency is the requests in flight per credential. Default 8; GET /candidates always allows one.
	Concurrency int
	// Client delivers webhooks; give it the sandbox CA. Redirects are never followed.
	Client *http.Client
	// TimeScale divides the redelivery waits: 60 turns a minute into a second. Default 1.
	TimeScale float64
	// AckTimeout is how long a receiver has to answer 202. Default 5 s.
	AckTimeout time.Duration
	// HandshakeTimeout is how long a receiver has to echo the hook secret. Default 20 s.
	HandshakeTimeout time.Duration
	// Jitter delays every first delivery by a random time below it, so that order is lost.
	Jitter time.Duration
	// SuspendAfter failed deliveries in a row make a subscription inactive. 0 never suspends.
	SuspendAfter int
	// Policies decide what the vendor's documents leave open.
	Policies Policies
}

// Policies are the behaviours the vendor does not document. Each zero value is the lenient reading.
type Policies struct {
	// RefuseFromTerminal refuses to move a hired, rejected or withdrawn application (403 PERMISSION_DENIED).
	RefuseFromTerminal bool
	// RefuseUnknownSubStatus refuses a sub-status the job's hiring process does not hold (400).
	RefuseUnknownSubStatus bool
	// IgnoreRequiredSubStatus switches REQUIRED_SUB_STATUS_OMITTED off although a process requires sub-statuses.
	IgnoreRequiredSubStatus bool
	// RecordSameStatus writes history and fires an event even when a move changes nothing.
	RecordSameStatus bool
	// ReasonRequired refuses REJECTED and WITHDRAWN without a reason (400 REASON_NOT_FOUND).
	ReasonRequired bool
	// StatusKeepsUpdatedOn leaves a candidate's updatedOn alone when the status moves.
	StatusKeepsUpdatedOn bool
	// OnlyAPIInterviews hides interviews made in the user interface from the API.
	OnlyAPIInterviews bool
	// ForeignReviewsWritable lets the API change reviews written in the user interface
	// instead of answering 400 INVALID_SOURCE.
	ForeignReviewsWritable bool
}

// Simulator plays the SmartRecruiters Customer API for any number of companies. Safe for concurrent use.
type Simulator struct {
	opt    Options
	mux    *http.ServeMux
	record *Record
	limits *limiter
	client *http.Client

	ctx  context.Context
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu        sync.Mutex // guards everything below and all companies
	rng       *rand.Rand
	companies []*Company
	keys      map[string]*credential
	clients   map[string]*credential
	tokens    map[string]token
	faults    []*activeFault
	rules     []*EventRule
	held      []*delivery
	holding   bool
	pending   int
	sent      map[string][]*delivery
	variant   int
}

// New starts a simulator. Close it to stop its deliveries and its record.
func New(opt Options) (*Simulator, error) {
	opt = withDefaults(opt)
	record, err := openRecord(opt.RecordPath, opt.Now)
	if err != nil {
		return nil, err
	}
	s := &Simulator{
		opt: opt, mux: http.NewServeMux(), record: record,
		limits: newLimiter(opt), client: noRedirects(opt.Client),
		rng:  rand.New(rand.NewPCG(opt.Seed, 0x5eed)),
		keys: map[string]*credential{}, clients: map[string]*credential{},
		tokens: map[string]token{}, sent: map[string][]*delivery{},
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	for _, rt := range routes() {
		s.mux.HandleFunc(rt.method+" "+rt.path, func(w http.ResponseWriter, r *http.Request) { s.serve(rt, w, r) })
	}
	unknown := &route{public: true, do: func(*call) answer { return fail(404, "NOT_FOUND", "no such resource") }}
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.serve(unknown, w, r) })
	return s, nil
}

func withDefaults(o Options) Options {
	if o.BaseURL == "" {
		o.BaseURL = "https://api.smartrecruiters.com"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.RateNow == nil {
		o.RateNow = time.Now
	}
	if o.TokenLifetime == 0 {
		o.TokenLifetime = 30 * time.Minute
	}
	if o.Rate == 0 {
		o.Rate = 10
	}
	if o.Concurrency == 0 {
		o.Concurrency = 8
	}
	if o.TimeScale == 0 {
		o.TimeScale = 1
	}
	if o.AckTimeout == 0 {
		o.AckTimeout = 5 * time.Second
	}
	if o.HandshakeTimeout == 0 {
		o.HandshakeTimeout = 20 * time.Second
	}
	return o
}

// Close stops deliveries, waits for those in flight and closes the record.
func (s *Simulator) Close() error {
	s.stop()
	s.wg.Wait()
	s.client.CloseIdleConnections()
	return s.record.close()
}

// Record is the witness: every request, delivery and effect since New.
func (s *Simulator) Record() *Record { return s.record }

// SetBaseURL changes the address in links and actions, for a server whose port is known only after it listens.
func (s *Simulator) SetBaseURL(u string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opt.BaseURL = u
}

// SetPolicies replaces the policies while running.
func (s *Simulator) SetPolicies(p Policies) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opt.Policies = p
}

func (s *Simulator) now() time.Time { return s.opt.Now().UTC() }

// ServeHTTP answers as api.smartrecruiters.com does.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// call is one request on its way through the pipeline.
type call struct {
	*Simulator
	r    *http.Request
	body []byte
	cred *credential
	co   *Company
}

// maxBody bounds what the simulator reads; the vendor's largest documented field is below 14 MB.
const maxBody = 16 << 20

// serve runs one request: credential, limits, fault, scope, role, handler; then answers and records, in that order.
func (s *Simulator) serve(rt *route, w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	c := &call{Simulator: s, r: r, body: body}
	presented := presentedCredential(r, body)
	release, header, admitted := s.limits.enter(presented, rt)
	defer release()

	var fault *Fault
	if admitted {
		if fault = s.takeFault(r); fault != nil {
			fault.wait(r.Context())
		}
	}
	var a answer
	switch {
	case err != nil:
		a = fail(413, "PAYLOAD_TOO_LARGE", "request body is too large")
	case !admitted:
		a = s.tooManyRequests()
	case fault != nil && fault.before():
		a = fault.answer(s, r)
	default:
		a = c.run(rt)
	}
	release() // before the client can have the whole answer, or its next request would meet its last one
	for name, values := range header {
		w.Header()[name] = values
	}
	entry := requestEntry(r, body, presented, c.co)
	if fault != nil {
		entry.Fault = string(fault.Kind)
		if fault.before() {
			w.Header().Set(FaultHeader, string(fault.Kind))
		}
	}
	if fault != nil && fault.breaks() {
		s.record.add(entry) // status 0: no whole answer left the house
		fault.breakAnswer(w, a)
		return
	}
	entry.Status = a.status
	s.record.add(entry)
	a.write(w)
}

// run authenticates and authorises, then lets the handler act under the lock.
func (c *call) run(rt *route) answer {
	s := c.Simulator
	s.mu.Lock()
	if !rt.public {
		c.cred = s.authenticate(c.r)
		if c.cred == nil {
			defer s.mu.Unlock()
			return s.unauthorized()
		}
		c.co = c.cred.company
		if a, refused := c.cred.refuse(rt); refused {
			defer s.mu.Unlock()
			return a
		}
	}
	if rt.unlocked {
		s.mu.Unlock()
		return rt.do(c)
	}
	defer s.mu.Unlock()
	return rt.do(c)
}
