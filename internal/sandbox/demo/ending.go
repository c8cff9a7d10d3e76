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

func (s *story) row(label string, entries []string) {
	if len(entries) == 0 {
		return
	}
	head := fmt.Sprintf("  %s", pad(fmt.Sprintf("%s %d", label, len(entries)), columnOf-2))
	lines := wrap(strings.Join(entries, " · "), columns-columnOf)
	for i, line := range lines {
		if i > 0 {
			head = strings.Repeat(" ", columnOf)
		}
		s.plain(head + line)
	}
}

func (s *story) table(j *job, happened []fact) {
	byDeed := map[string][]string{}
	touched := map[string]bool{}
	state := map[string]string{}
	for _, f := range happened {
		if f.Company != j.company.name || f.Job != j.title {
			continue
		}
		switch f.Did {
		case jobPost, roleIs:
			state[f.Did] = f.Detail
			continue
		}
		touched[f.Did+f.Who] = true
		byDeed[f.Did] = append(byDeed[f.Did], strings.TrimSpace(f.Who+" "+f.Detail))
	}
	s.plain("")
	s.plain(fmt.Sprintf("%s · %s%s", j.company.name, j.title, stateText(state)))
	for _, did := range []string{didInvite, didMove, didReview, didJoin, didArm, didShift, didCancel, unexplained} {
		s.row(did, byDeed[did])
	}
	s.aloneByReason(j, touched)
	s.notJoined(j, touched)
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

// aloneByReason is who was not invited, with the hub's reason.
func (s *story) aloneByReason(j *job, touched map[string]bool) {
	at := s.sites["fairec"+j.company.name]
	linked := at.links[j.title] != ""
	byReason := map[string][]string{}
	for _, p := range s.people {
		if p.job != j || touched[didInvite+p.name()] {
			continue
		}
		why := "the job was never imported into Fairec"
		if linked {
			why = s.reason(at.person(), p)
		}
		byReason[why] = append(byReason[why], p.name())
	}
	var entries []string
	n := 0
	for _, why := range slices.Sorted(maps.Keys(byReason)) {
		names := byReason[why]
		n += len(names)
		if !linked {
			entries = append(entries, fmt.Sprintf("all %d: %s", len(names), why))
			continue
		}
		entries = append(entries, strings.Join(names, ", ")+": "+why)
	}
	for i, entry := range entries {
		label := ""
		if i == 0 {
			label = fmt.Sprintf("left alone %d", n)
		}
		head := "  " + pad(label, columnOf-2)
		for _, line := range wrap(entry, columns-columnOf) {
			s.plain(head + line)
			head = strings.Repeat(" ", columnOf)
		}
	}
}

// reason is the hub's, in its explanation of the candidate.
func (s *story) reason(at *site, p *person) string {
	e := s.explain(at, p)
	why := e.why()
	if why == "" {
		return "was not at the stage since the job was imported"
	}
	return strings.TrimPrefix(why, "left alone: ")
}

// notJoined is which sessions no recorder goes to, and why.
func (s *story) notJoined(j *job, touched map[string]bool) {
	var entries []string
	for _, one := range s.ofJob(j.title) {
		if touched[didArm+one.text()] && !touched[didCancel+one.text()] {
			continue
		}
		entries = append(entries, one.text()+": "+s.whyNotJoined(j, one))
	}
	s.row("not joined", entries)
}

func (s *story) whyNotJoined(j *job, one *session) string {
	at := s.sites["pillar"+j.company.name].owner()
	e := s.explained(at, url.Values{"interview": {one.interviewID}})
	if why := e.why(); why != "" {
		return why
	}
	return "the role was never switched on"
}
