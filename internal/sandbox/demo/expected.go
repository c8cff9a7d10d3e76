package demo

// expected.go: the story as it must have happened, written down before it is
// told. Whoever is not named here must have been left alone.

import "strings"

// deed is what was done to whom; a session is its candidate's, "2" the second.
type deed struct {
	job, did string
	who      string // handles
	detail   string
}

var deeds = []deed{
	{dock, didInvite, "agnes bjorn chioma dmytro emre fatima goran hana ines", ""},
	{dock, didMove, "agnes chioma", "to Interview / First Interview"},
	{dock, didMove, "bjorn", "to Rejected"},
	{dock, didReview, "agnes", "4 of 5"},
	{dock, didReview, "chioma", "5 of 5"},
	{fleet, didInvite, "siobhan", ""},
	{customs, didInvite, "bartolomeu cho eleni", ""},
	{customs, didMove, "bartolomeu", "to Interview / First Interview"},
	{data, didInvite, "kiri wanjiru@data", ""},
	{data, didMove, "kiri", "to In Review / Screening"},

	{nurse, didArm, "zoe aarav brid chinenye chinenye2 duc elodie", ""},
	{nurse, didJoin, "zoe", ""},
	{nurse, didShift, "brid", ""},
	{nurse, didCancel, "duc", ""},
	{radio, didArm, "qiang rhiannon sven", ""},
	{radio, didCancel, "qiang rhiannon sven", ""},
	{shift, didArm, "ivana jeronimo kaveh", ""},
	{shift, didCancel, "ivana jeronimo kaveh", ""},
	{fleet, didArm, "vilma", ""},
	{fleet, didCancel, "vilma", ""},
	{dock, didArm, "agnes", ""},
	{dock, didCancel, "agnes", ""},
}

// states are what must be true at the end.
var states = []fact{
	{nordwind, dock, jobPost, "", "active"},
	{nordwind, fleet, jobPost, "", "ended"},
	{nordwind, customs, jobPost, "", "active"},
	{brightwater, data, jobPost, "", "active"},

	{brightwater, nurse, roleIs, "", "on"},
	{brightwater, radio, roleIs, "", "off"},
	{nordwind, dock, roleIs, "", "off"},
	{nordwind, fleet, roleIs, "", "off"},
	{nordwind, customs, roleIs, "", "off"},
	{nordwind, shift, roleIs, "", "off"},
	{nordwind, stacker, roleIs, "", "off"},

	{nordwind, "", subscribed, "", "1"},
	{brightwater, "", subscribed, "", "1"},
}

// expected is all of it as facts.
func (w *world) expected() []fact {
	var all []fact
	for _, d := range deeds {
		for handle := range strings.FieldsSeq(d.who) {
			all = append(all, fact{Company: w.jobs[d.job].company.name, Job: d.job, Did: d.did, Who: w.whoIs(handle, d.did), Detail: d.detail})
		}
	}
	return append(all, states...)
}

// whoIs is a candidate's name, or a candidate's session.
func (w *world) whoIs(handle, did string) string {
	switch did {
	case didArm, didJoin, didShift, didCancel:
	default:
		return w.person(handle).name()
	}
	second := strings.HasSuffix(handle, "2")
	p := w.person(strings.TrimSuffix(handle, "2"))
	for _, s := range w.sessions {
		if s.person == p && !second {
			return s.text()
		}
		second = second && s.person != p
	}
	return p.name() + ", no such session"
}
