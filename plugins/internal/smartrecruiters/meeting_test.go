package smartrecruiters

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMeetingLinkIsFoundWherePeopleWriteIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ place, location, ref, want string }{
		"place":                        {place: "https://acme.zoom.us/j/123?pwd=a%20b", want: "https://acme.zoom.us/j/123?pwd=a%20b"},
		"location":                     {location: "https://meet.google.com/abc-defg-hij", want: "https://meet.google.com/abc-defg-hij"},
		"reference":                    {place: "Room 4", ref: "https://teams.microsoft.com/l/meetup-join/19%3ameeting", want: "https://teams.microsoft.com/l/meetup-join/19%3ameeting"},
		"known before other":           {place: "https://wiki.acme.example/interview-guide", location: "https://acme.webex.com/meet/ada", want: "https://acme.webex.com/meet/ada"},
		"known before other, one text": {place: "Guide: https://wiki.acme.example/g Call: https://whereby.com/ada", want: "https://whereby.com/ada"},
		"place before location":        {place: "https://zoom.us/j/1", location: "https://zoom.us/j/2", want: "https://zoom.us/j/1"},
		"other https":                  {place: "Join at https://video.acme.example/r/9.", want: "https://video.acme.example/r/9"},
		"in brackets":                  {place: "Zoom (https://zoom.us/j/5?x=(1)), ask for Ada", want: "https://zoom.us/j/5?x=(1)"},
		"in angle brackets":            {location: "<https://zoom.us/j/5>", want: "https://zoom.us/j/5"},
		"in a link of mark-up":         {location: `<a href="https://zoom.us/j/5">Zoom</a>`, want: "https://zoom.us/j/5"},
		"upper case":                   {place: "HTTPS://ZOOM.US/j/5", want: "https://ZOOM.US/j/5"},
		"careless http":                {place: "http://zoom.us/j/5", want: "https://zoom.us/j/5"},
		"street address":               {place: "12 Zoom Street, 10115 Berlin", location: "zoom.us office, 3rd floor"},
		"mail address":                 {place: "mailto:ada@zoom.us", location: "ask ada@acme.example"},
		"phone":                        {place: "tel:+49301234"},
		"no https":                     {place: "http://video.acme.example/r/9", location: "ftp://zoom.us/j/5"},
		"way back to its maker":        {place: "Room 4", ref: "https://calendar.acme.example/event/7"},
		"not the host it looks like":   {place: "https://zoom.us.evil.example/j/1", location: "https://teams.live.com/meet/9", want: "https://teams.live.com/meet/9"},
		"a name and password in it":    {place: "https://zoom.us:pw@evil.example/"},
		"internal name":                {place: "https://localhost/j"},
		"nothing":                      {},
	} {
		require.Equal(t, c.want, meetingURL(c.place, c.location, c.ref), name)
	}
}
