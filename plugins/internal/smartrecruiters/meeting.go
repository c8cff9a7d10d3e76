package smartrecruiters

// Meeting links: SmartRecruiters has no field for them, so people write them
// where the place goes.

import (
	"net/url"
	"regexp"
	"strings"
)

// meetingHosts are where calls happen; a host counts with all below it.
var meetingHosts = []string{
	"zoom.us", "zoom.com", "zoomgov.com", "meet.google.com", "teams.microsoft.com", "teams.microsoft.us", "teams.live.com", "webex.com",
	"whereby.com", "gotomeeting.com", "meet.goto.com", "bluejeans.com", "chime.aws", "meet.jit.si", "8x8.vc", "v.ringcentral.com",
	"lifesizecloud.com", "starleaf.com", "pexip.me", "meet.dialpad.com", "meeting.zoho.com", "meet.zoho.com", "join.skype.com",
	"around.co", "gather.town", "riverside.fm", "daily.co", "meet.vonage.com",
}

var webAddress = regexp.MustCompile(`(?i)https?://[^\s<>"'|\\^{}\x60]+`)

// meetingURL is the link to join: one of a known meeting host wherever it is
// written, else any https address in the place or the location. An address of
// no known host in refUrl does not count: it leads back to the system that
// made the interview, not into a call. "" = no usable link.
func meetingURL(place, location, ref string) string {
	for _, text := range []string{place, location, ref} {
		for _, u := range addresses(text) {
			if known(u) {
				return u.String()
			}
		}
	}
	for _, text := range []string{place, location} {
		if all := addresses(text); len(all) > 0 {
			return all[0].String()
		}
	}
	return ""
}

// addresses are the https addresses in a text. Sentence marks after one, and a
// bracket that was not opened in it, are not part of it. A plain http link to
// a known host is one typed carelessly: those hosts all speak https.
func addresses(text string) []*url.URL {
	var found []*url.URL
	for _, s := range webAddress.FindAllString(text, -1) {
		s = strings.TrimRight(s, ".,;:!?*_")
		for _, pair := range []string{"()", "[]"} {
			for strings.HasSuffix(s, pair[1:]) && strings.Count(s, pair[1:]) > strings.Count(s, pair[:1]) {
				s = strings.TrimRight(s[:len(s)-1], ".,;:!?")
			}
		}
		u, err := url.Parse(s)
		if err != nil || u.User != nil || !strings.Contains(u.Hostname(), ".") {
			continue
		}
		if strings.EqualFold(u.Scheme, "http") && known(u) {
			u.Scheme = "https"
		}
		if u.Scheme == "https" {
			found = append(found, u)
		}
	}
	return found
}

func known(u *url.URL) bool {
	host := strings.ToLower(u.Hostname())
	for _, h := range meetingHosts {
		if host == h || strings.HasSuffix(host, "."+h) {
			return true
		}
	}
	return false
}
