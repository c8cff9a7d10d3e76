package demo

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/sandbox/smartrecruiters"
	"github.com/atshub/atshub/internal/sandbox/witness"
)

// told is a small story with the records that tell it.
type told struct {
	*world
	expected []fact
	records  Records
}

func tell(t *testing.T) told {
	t.Helper()
	co := &company{name: "Acme", org: "acme", ats: &smartrecruiters.Company{ID: "co1"}}
	j := &job{company: co, title: "Welder", id: "j1"}
	ada := &person{seat: seat{handle: "ada", first: "Ada", last: "Ñandú"}, job: j, candidateID: "c1", applicationID: "a1"}
	bob := &person{seat: seat{handle: "bob", first: "Bob", last: "Ōta"}, job: j, candidateID: "c2", applicationID: "a2"}
	talk := &session{person: ada, title: "Panel", links: []string{"https://meet.google.com/ada"}}
	w := &world{companies: map[string]*company{"Acme": co}, jobs: map[string]*job{"Welder": j}, people: []*person{ada, bob}, sessions: []*session{talk}}
	mail := func(p *person) witness.Entry {
		return witness.Entry{Kind: witness.KindEffect, Effect: "invitation_sent", Fields: map[string]any{
			"organisation": "acme", "ats_job_id": "j1", "ats_candidate_id": p.candidateID, "first_name": p.first, "last_name": p.last, "email": p.email(),
		}}
	}
	recorder := func(effect string) witness.Entry {
		return witness.Entry{Kind: witness.KindEffect, Effect: effect, Fields: map[string]any{"organisation": "acme", "meeting_url": "https://meet.google.com/ada"}}
	}
	ats := func(effect string, data map[string]string) smartrecruiters.Entry {
		return smartrecruiters.Entry{Kind: smartrecruiters.KindEffect, Company: "co1", Effect: effect, Data: data}
	}
	return told{
		world: w,
		expected: []fact{
			{"Acme", "Welder", didInvite, "Ada Ñandú", ""},
			{"Acme", "Welder", didMove, "Ada Ñandú", "to Interview / Panel"},
			{"Acme", "Welder", didReview, "Ada Ñandú", "4 of 5"},
			{"Acme", "Welder", didArm, "Ada Ñandú, Panel", ""},
			{"Acme", "Welder", didJoin, "Ada Ñandú, Panel", ""},
		},
		records: Records{
			ATS: []smartrecruiters.Entry{
				ats("moved", map[string]string{"by": "person", "candidate": "c2", "job": "j1", "to": "IN_REVIEW"}),
				ats("moved", map[string]string{"by": "api", "candidate": "c1", "job": "j1", "to": "INTERVIEW", "toSub": "Panel"}),
				ats("review created", map[string]string{"by": "api", "candidate": "c1", "job": "j1", "rating": "4"}),
			},
			Fairec: []witness.Entry{mail(ada)},
			Pillar: []witness.Entry{recorder("armed"), recorder("joined"), recorder("left")},
		},
	}
}

func (s told) verdict() []string { return judge(s.expected, s.facts(s.records)) }

func TestTheJudgeAgreesWithTheExpectedStory(t *testing.T) {
	t.Parallel()
	require.Empty(t, tell(t).verdict())
}

// Every record that tells of an act matters: without it, and with it twice,
// the verdict names it.
func TestTheJudgeHasTeeth(t *testing.T) {
	t.Parallel()
	acts := 0
	for _, times := range []int{0, 2} {
		for i := 0; ; i++ {
			s := tell(t)
			about := s.at(i)
			if !s.repeat(i, times) {
				break
			}
			diff := s.verdict()
			if about == "" {
				require.Empty(t, diff, "a record that tells of no act of ours changes nothing")
				continue
			}
			acts++
			require.Len(t, diff, 1, "%s, %d times", about, times)
			require.Contains(t, diff[0], about)
		}
	}
	require.Equal(t, 10, acts)
}

// at is what the record at i tells of, "" if of no act of ours.
func (s told) at(i int) string {
	one := s
	one.records = Records{}
	for n, set := range s.each() {
		if n == i {
			set(&one.records)
		}
	}
	if facts := one.facts(one.records); len(facts) > 0 {
		return facts[0].Who
	}
	return ""
}

// each are the records, as what puts one into others.
func (s told) each() (all []func(*Records)) {
	for _, e := range s.records.ATS {
		all = append(all, func(r *Records) { r.ATS = append(r.ATS, e) })
	}
	for _, e := range s.records.Fairec {
		all = append(all, func(r *Records) { r.Fairec = append(r.Fairec, e) })
	}
	for _, e := range s.records.Pillar {
		all = append(all, func(r *Records) { r.Pillar = append(r.Pillar, e) })
	}
	return all
}

// repeat has the record at i so many times; false when there is none.
func (s *told) repeat(i, times int) bool {
	all := s.each()
	if i >= len(all) {
		return false
	}
	changed := Records{}
	for at, set := range all {
		n := 1
		if at == i {
			n = times
		}
		for range n {
			set(&changed)
		}
	}
	s.records = changed
	return true
}

func TestTheJudgeSeesWhatNobodyAskedFor(t *testing.T) {
	t.Parallel()
	for name, add := range map[string]func(*told){
		"another person invited": func(s *told) {
			e := s.records.Fairec[0]
			e.Fields = map[string]any{"organisation": "acme", "ats_job_id": "j1", "ats_candidate_id": "c2", "first_name": "Bob", "last_name": "Ōta", "email": "bob.candidate@mail.example"}
			s.records.Fairec = append(s.records.Fairec, e)
		},
		"a mail at the wrong address": func(s *told) { s.records.Fairec[0].Fields["email"] = "eve@mail.example" },
		"a mail by the wrong name":    func(s *told) { s.records.Fairec[0].Fields["last_name"] = "Nandu" },
		"another stage":               func(s *told) { s.records.ATS[1].Data["toSub"] = "Board" },
		"another rating":              func(s *told) { s.records.ATS[2].Data["rating"] = "1" },
		"a deed without a name": func(s *told) {
			s.records.ATS = append(s.records.ATS, smartrecruiters.Entry{Kind: smartrecruiters.KindEffect, Company: "co1", Effect: "candidate created", Data: map[string]string{"by": "api"}})
		},
		"two recorders in one call": func(s *told) {
			s.records.Pillar = append(s.records.Pillar, witness.Entry{Kind: witness.KindEffect, Effect: "two_recorders", Fields: map[string]any{"organisation": "acme"}})
		},
		"a call nobody knows": func(s *told) { s.records.Pillar[0].Fields["meeting_url"] = "https://meet.google.com/eve" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := tell(t)
			add(&s)
			require.True(t, slices.ContainsFunc(s.verdict(), func(line string) bool { return strings.HasPrefix(line, "+ nobody asked for") }))
		})
	}
}

// The expected story names only people, jobs and sessions there are.
func TestTheExpectedStoryIsAboutThisWorld(t *testing.T) {
	t.Parallel()
	box, err := Open(Options{Dir: t.TempDir(), Hub: "http://127.0.0.1:1"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, box.Close()) })
	require.GreaterOrEqual(t, len(box.world.people), 60)
	handles := map[string]bool{}
	for _, p := range box.world.people {
		require.False(t, handles[p.handle], p.handle)
		handles[p.handle] = true
	}
	for _, d := range deeds {
		require.Contains(t, box.world.jobs, d.job)
		for handle := range strings.FieldsSeq(d.who) {
			who, _, _ := strings.Cut(strings.TrimSuffix(handle, "2"), "@")
			require.True(t, handles[who], handle)
		}
	}
}
