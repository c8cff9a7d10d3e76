package demo

// ending.go: an hour later nothing happens twice; then the tables, and the
// verdict.

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// nothingTwice lets everything be looked at once more.
func (s *story) nothingTwice() {
	s.chapter("Afterwards")
	s.foreign(s.sites["fairec"+brightwater].owner())
	for _, co := range []string{nordwind, brightwater} {
		at := s.sites["fairec"+co].person()
		for _, title := range slices.Sorted(maps.Keys(at.links)) {
			if title == fleet {
				continue // deleted
			}
			s.synced(at, ask[syncView](s, at, post, "{tenant}/job-links/"+at.links[title]+"/syncs", nil).ID)
		}
	}
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	s.must(s.box.ATS.Settle(ctx))
	var acted, skipped, parked int
	s.until("a disposition for every event", func() (bool, string) {
		acted, skipped, parked = 0, 0, 0
		open := 0
		for _, e := range s.allEvents() {
			switch e.Disposition {
			case "acted":
				acted++
			case "skipped":
				skipped++
			case "parked":
				parked++
			default:
				open++
			}
		}
		return open == 0, count(open, "event") + " open"
	})
	s.until("the end of everything under way", func() (bool, string) {
		n := 0
		for _, at := range s.sites {
			for _, state := range []string{"ready", "sending", "uncertain"} {
				n += len(ask[list[actionView]](s, at.owner(), get, "{tenant}/actions?state="+state, nil).Items)
			}
		}
		return n == 0, count(n, "action") + " under way"
	})
	s.done(fmt.Sprintf("every job is synchronized once more; every event has its disposition: %d acted, %d skipped with a reason, %d parked", acted, skipped, parked))
}

func (s *story) allEvents() (all []eventView) {
	for _, at := range s.sites {
		for cursor := ""; ; {
			page := ask[list[eventView]](s, at.owner(), get, "{tenant}/events?limit=200&cursor="+cursor, nil)
			all = append(all, page.Items...)
			if cursor = page.Next; cursor == "" {
				break
			}
		}
	}
	return all
}

// verdict prints what the simulators saw and compares it with what had to
// happen.
func (s *story) verdict() {
	records := s.box.Records()
	happened := s.facts(records)
	s.chapter("What the simulators saw")
	s.tables(happened)
	s.chapter("Verdict")
	expected := s.expected()
	diff := judge(expected, happened)
	if len(diff) > 0 {
		for _, line := range diff {
			s.note(line)
		}
		s.check(false, "%d differences between the simulators' records and the expected story", len(diff))
	}
	requests := 0
	for _, e := range records.ATS {
		if e.Kind == "request" {
			requests++
		}
	}
	s.done(fmt.Sprintf("all %d expected facts happened, each exactly once, and nothing else; %.0f s, %d requests to the ATS",
		len(expected), time.Since(s.start).Seconds(), requests))
}

// tables are the records, by company and job, and who was left alone with the
// hub's own explanation.
func (s *story) tables(happened []fact) {
	for _, co := range []string{nordwind, brightwater} {
		for _, title := range []string{dock, fleet, customs, shift, stacker, nurse, data, radio, ward} {
			if s.jobs[title].company.name == co {
				s.table(s.jobs[title], happened)
			}
		}
	}
}

// columnOf is where the text of a table's row begins.
const columnOf = 22

func (s *story) row(label string, n int, entries ...string) {
	head := "  " + pad(fmt.Sprintf("%s %d", label, n), columnOf-2)
	for _, entry := range entries {
		for _, line := range wrap(entry, columns-columnOf) {
			s.plain(head + line)
			head = strings.Repeat(" ", columnOf)
		}
	}
}

func (s *story) table(j *job, happened []fact) {
	did := map[string]map[string]string{} // act → whom → detail
	state := map[string]string{}
	for _, f := range happened {
		if f.Company != j.company.name || f.Job != j.title {
			continue
		}
		if did[f.Did] == nil {
			did[f.Did] = map[string]string{}
		}
		did[f.Did][f.Who] = f.Detail
		state[f.Did] = f.Detail
	}
	s.plain("")
	s.plain(j.company.name + " · " + j.title + stateText(state))
	s.screened(j, did)
	s.captured(j, did)
}

func stateText(state map[string]string) string {
	text := ""
	if is, ok := state[jobPost]; ok {
		text += ", Fairec job post " + is
	}
	if is, ok := state[roleIs]; ok {
		text += ", Pillar toggle " + is
	}
	if text == "" {
		return ", connected to nothing"
	}
	return text
}

// screened is who was invited, moved and reviewed, and who was left alone,
// with the hub's own reason.
func (s *story) screened(j *job, did map[string]map[string]string) {
	alone := groups{}
	at := s.sites["fairec"+j.company.name]
	rows := map[string][]string{}
	for _, p := range s.people {
		if p.job != j {
			continue
		}
		for _, act := range []string{didInvite, didMove, didReview} {
			if detail, ok := did[act][p.name()]; ok {
				rows[act] = append(rows[act], strings.TrimSpace(p.name()+" "+detail))
			}
		}
		if _, ok := did[didInvite][p.name()]; ok {
			continue
		}
		if at.links[j.title] == "" {
			alone.add("the job was never imported into Fairec", p.name())
		} else {
			alone.add(s.reason(at.person(), p), p.name())
		}
	}
	for _, act := range []string{didInvite, didMove, didReview} {
		if len(rows[act]) > 0 {
			s.row(act, len(rows[act]), strings.Join(rows[act], " · "))
		}
	}
	alone.print(s, "left alone")
}

// reason is the hub's, in its explanation of the candidate.
func (s *story) reason(at *site, p *person) string {
	why := s.explain(at, p).why()
	if why == "" {
		return "has not reached the stage"
	}
	return strings.TrimPrefix(why, "left alone: ")
}

// captured is what became of each session.
func (s *story) captured(j *job, did map[string]map[string]string) {
	rows := map[string][]string{}
	none := groups{}
	for _, one := range s.ofJob(j.title) {
		name := one.text()
		_, armed := did[didArm][name]
		_, joined := did[didJoin][name]
		_, cancelled := did[didCancel][name]
		if _, moved := did[didShift][name]; moved {
			name += " (moved once)"
		}
		switch {
		case cancelled:
			none.add("armed, then cancelled: "+s.whyNotJoined(j, one), name)
		case joined:
			rows["session joined"] = append(rows["session joined"], name)
		case armed:
			rows["recorder armed"] = append(rows["recorder armed"], name)
		default:
			none.add(s.whyNotJoined(j, one), name)
		}
	}
	for _, label := range []string{"session joined", "recorder armed"} {
		if len(rows[label]) > 0 {
			s.row(label, len(rows[label]), strings.Join(rows[label], " · "))
		}
	}
	none.print(s, "not joined")
}

func (s *story) whyNotJoined(j *job, one *session) string {
	at := s.sites["pillar"+j.company.name].owner()
	if why := s.explained(at, url.Values{"interview": {one.interviewID}}).why(); why != "" {
		return why
	}
	return "the role was never switched on"
}

// groups are names by reason.
type groups map[string][]string

func (g groups) add(reason, name string) { g[reason] = append(g[reason], name) }

func (g groups) print(s *story, label string) {
	n := 0
	var entries []string
	for _, reason := range slices.Sorted(maps.Keys(g)) {
		n += len(g[reason])
		entries = append(entries, reason+":", "  "+strings.Join(g[reason], " · "))
	}
	if n > 0 {
		s.row(label, n, entries...)
	}
}
