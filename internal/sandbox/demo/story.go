package demo

// story.go: how the story is told: steps, waiting, people, and its end.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// Script is what Play needs.
type Script struct {
	API  string            // the hub's address
	Keys map[string]string // API key by product
	Out  io.Writer         // where people read along
	Hour time.Duration     // how long the hub was told an hour lasts

	Transport http.RoundTripper // carries the requests; nil = http.DefaultTransport
}

// story is one strand of the telling; strands share the world and the sites.
type story struct {
	*world
	*timeline
	ctx   context.Context
	box   *Sandbox
	sites map[string]*site // by product and company
}

// site is a company at a product: a tenant with its connection.
type site struct {
	caller
	*company
	product    string
	tenant     string
	connection string
	links      map[string]string // job link id by job title
}

// stop ends a strand early; tell turns it into an error.
type stop struct{ err error }

// Play tells both guides and then judges by the simulators' records. ErrStory:
// it went another way than it should.
func (s *Sandbox) Play(ctx context.Context, script Script) error {
	client := &http.Client{Transport: script.Transport}
	defer client.CloseIdleConnections()
	start := time.Now()
	book := &book{out: script.Out}
	strand := func(ctx context.Context, page int) *story {
		return &story{world: s.world, box: s, ctx: ctx, sites: map[string]*site{}, timeline: &timeline{out: book.page(page), start: start}}
	}
	first := strand(ctx, 0)
	if err := first.tell(func() { first.opening(script, client) }); err != nil {
		return err
	}
	// The customers do not wait for each other; their chapters are shown one
	// after the other.
	tellers := []func(*story){
		func(s *story) { s.enabling(); s.configuring(); s.recruiting(); s.managing() },
		(*story).secondCompany, (*story).capturing, (*story).importingAll,
	}
	group, together := errgroup.WithContext(ctx)
	for i, teller := range tellers {
		one := strand(together, i)
		one.sites = first.sites
		group.Go(func() error {
			defer book.finish(i)
			return one.tell(func() { teller(one) })
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	last := strand(ctx, len(tellers))
	last.sites = first.sites
	if err := last.tell(last.nothingTwice); err != nil {
		return err
	}
	return last.tell(last.verdict)
}

// tell runs a part of the story to its end or to the first thing that goes
// another way than it should.
func (s *story) tell(part func()) (err error) {
	defer func() {
		switch end := recover().(type) {
		case nil:
		case stop:
			err = fmt.Errorf("%w: %w", ErrStory, end.err)
			if cause := s.ctx.Err(); cause != nil { // ended by another strand, or by someone who has seen enough
				err = cause
				return
			}
			s.failed(end.err.Error())
		default:
			panic(end)
		}
	}()
	part()
	return nil
}

func (s *story) opening(script Script, client *http.Client) {
	s.plain(fmt.Sprintf("Two companies, %d candidates, both customer guides, through the public API of %s.", len(s.people), script.API))
	s.plain(fmt.Sprintf("What is hourly in life comes every %s here; the ATS keeps its real limits (10 requests/s, 8 at once).", script.Hour))
	s.plain("The chapters happen side by side and are shown one after the other, with the time since the start.")
	s.plain(fmt.Sprintf("SmartRecruiters: %s  Fairec: %s  Pillar: %s", s.box.ATSURL, s.box.FairecURL, s.box.PillarURL))
	s.plain(fmt.Sprintf("They reach the hub through %s, an https edge with a certificate of its own CA.", s.box.Edge.URL()))
	for _, co := range []string{nordwind, brightwater} {
		for _, product := range []string{"fairec", "pillar"} {
			c := caller{client: client, base: script.API, key: script.Keys[product]}
			in := map[string]string{"external_ref": s.companies[co].org, "name": co}
			var out struct{ ID string }
			s.must(c.call(s.ctx, http.MethodPost, "/v1/tenants", in, &out))
			s.sites[product+co] = &site{caller: c, company: s.companies[co], product: product, tenant: out.ID, links: map[string]string{}}
		}
	}
	s.must(s.plan(brightwaterTalks))
	s.must(s.plan(nordwindTalks))
}

// must ends the story on an error.
func (s *story) must(err error) {
	if err != nil {
		panic(stop{err})
	}
}

func (s *story) check(ok bool, format string, args ...any) {
	if !ok {
		panic(stop{fmt.Errorf(format, args...)})
	}
}

// ask sends a request of a site's person and reads the answer.
func ask[T any](s *story, at *site, method, path string, in any) (out T) {
	if err := at.call(s.ctx, method, at.path(path), in, &out); err != nil {
		panic(stop{fmt.Errorf("%s %s: %w", method, path, err)})
	}
	return out
}

// refused sends a request that has to be refused with the code.
func (s *story) refused(at *site, method, path string, in any, code string) *refusal {
	err := at.call(s.ctx, method, at.path(path), in, nil)
	r, ok := errors.AsType[*refusal](err)
	s.check(ok && r.Code == code, "%s %s had to be refused as %s; it was answered: %v", method, path, code, err)
	return r
}

// path fills in the tenant and the connection.
func (at *site) path(p string) string {
	p = strings.Replace(p, "{connection}", "/v1/tenants/"+at.tenant+"/connections/"+at.connection, 1)
	return strings.Replace(p, "{tenant}", "/v1/tenants/"+at.tenant, 1)
}

// by is the site with another person at the keyboard.
func (at *site) by(user, role string) *site {
	other := *at
	other.caller = at.as(user, role)
	return &other
}

func (at *site) owner() *site {
	if at.product == "pillar" {
		return at.by("user-oda", "Owner")
	}
	return at.by("user-oda", "Tenant owner")
}

func (at *site) person() *site {
	if at.product == "pillar" {
		return at.owner()
	}
	return at.by("user-remi", "Recruiter")
}

// patience is how long a step may take; far more than any should.
const patience = 30 * time.Second

// until waits for a condition; ok tells whether it holds, or what is there
// instead.
func (s *story) until(what string, ok func() (bool, string)) {
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(40 * time.Millisecond)
	defer tick.Stop()
	for {
		done, instead := ok()
		if done {
			return
		}
		s.check(time.Now().Before(deadline), "waited %s for: %s; %s", patience, what, instead)
		select {
		case <-tick.C:
		case <-s.ctx.Done():
			s.must(s.ctx.Err())
		}
	}
}

// happened waits until the records hold the fact.
func (s *story) happened(want ...fact) {
	s.until(want[0].String(), func() (bool, string) {
		all := s.facts(s.box.Records())
		for _, f := range want {
			if !slices.Contains(all, f) {
				return false, "no simulator has seen: " + f.String()
			}
		}
		return true, ""
	})
}

// invited waits until Fairec has mailed them.
func (s *story) invited(handles ...string) {
	var want []fact
	for _, h := range handles {
		want = append(want, invitationOf(s.person(h)))
	}
	s.happened(want...)
}

func invitationOf(p *person) fact {
	return fact{Company: p.company.name, Job: p.title, Did: didInvite, Who: p.name()}
}

// explain asks the hub for everything about one candidate of a job.
func (s *story) explain(at *site, p *person) explanation {
	return s.explained(at, url.Values{"candidate": {p.candidateID}, "job": {p.id}})
}

// explained is empty where the hub knows of nothing.
func (s *story) explained(at *site, q url.Values) (e explanation) {
	err := at.call(s.ctx, http.MethodGet, at.path("{connection}/explain?"+q.Encode()), nil, &e)
	if r, ok := errors.AsType[*refusal](err); ok && r.Status == http.StatusNotFound {
		return e
	}
	s.must(err)
	return e
}

// decided waits until the hub explains about the candidate, at least n times,
// that it does not act, in words that hold part. It answers those words.
func (s *story) decided(at *site, p *person, part string, n int) string {
	var words string
	s.until("the decision about "+p.name()+": "+part, func() (bool, string) {
		found, last := 0, ""
		for _, line := range s.explain(at, p).Trail {
			if line.Detail == "" || line.Verdict == "yes" {
				continue
			}
			last = line.Detail
			if strings.Contains(line.Detail, part) {
				found, words = found+1, line.Detail
			}
		}
		return found >= n, fmt.Sprintf("explained %d times so far; last: %s", found, last)
	})
	return "“" + words + "”"
}

// rows are the fields a refusal names, one line each.
func (r *refusal) rows() []string {
	var lines []string
	for name, problem := range r.Fields {
		if !strings.Contains(r.Detail, problem) {
			lines = append(lines, "  "+name+": "+problem)
		}
	}
	slices.Sort(lines)
	return lines
}

// said quotes a refusal, with what to do next.
func (r *refusal) said() string {
	text := "“" + strings.TrimSuffix(r.Detail, ".") + "”"
	if r.Next != "" {
		text += " → " + r.Next
	}
	return text
}

// JSON is the records as a document.
func (r Records) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(r)
}
