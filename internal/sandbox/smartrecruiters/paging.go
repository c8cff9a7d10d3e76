// Paging: opaque cursors that need URL-encoding, Link headers and the empty nextPageId of a last page.

package smartrecruiters

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// cursorPrefix makes every cursor start with "+//", so that a client that does not encode it is found out.
var cursorPrefix = []byte{0xfb, 0xff, 0xff}

func encodeCursor(kind, id string) string {
	raw := slices.Concat(cursorPrefix, []byte(kind+":"+id))
	for i := len(cursorPrefix); i < len(raw); i++ {
		raw[i] ^= 0x5a
	}
	return base64.StdEncoding.EncodeToString(raw)
}

// decodeCursor returns the id a page ended with.
func decodeCursor(kind, value string) (string, bool) {
	raw, err := base64.StdEncoding.DecodeString(value)
	if err != nil || len(raw) < len(cursorPrefix) || !slices.Equal(raw[:len(cursorPrefix)], cursorPrefix) {
		return "", false
	}
	raw = raw[len(cursorPrefix):]
	for i := range raw {
		raw[i] ^= 0x5a
	}
	return strings.CutPrefix(string(raw), kind+":")
}

func invalidPageID() answer {
	return fail(http.StatusBadRequest, "INVALID_PAGE_ID", "provided page id is invalid")
}

// limit reads the limit parameter: 1..100.
func (c *call) limit(fallback int) (int, bool) {
	raw := c.r.URL.Query().Get("limit")
	if raw == "" {
		return fallback, true
	}
	n, err := strconv.Atoi(raw)
	return n, err == nil && n >= 1 && n <= 100
}

// timeParam reads an ISO 8601 query parameter; absent is the zero time.
func (c *call) timeParam(name string) (time.Time, bool) {
	raw := c.r.URL.Query().Get(name)
	if raw == "" {
		return time.Time{}, true
	}
	t, err := time.Parse(time.RFC3339, raw)
	return t, err == nil
}

// nextLink is the same request with another page id.
func (c *call) nextLink(param, cursor string) string {
	q := c.r.URL.Query()
	q.Set(param, cursor)
	return "<" + c.r.URL.Path + "?" + q.Encode() + `>; rel="next"`
}

// page answers a list. The last page sometimes carries nextPageId "" and sometimes none: both mean the end.
func (c *call) page(o obj, cursor string) answer {
	if cursor != "" {
		o["nextPageId"] = cursor
		return reply(http.StatusOK, o).with("Link", c.nextLink("pageId", cursor))
	}
	if c.vary()%2 == 0 {
		o["nextPageId"] = ""
	}
	return reply(http.StatusOK, o)
}

// barePage answers a list of the webhooks API: an array, the next page only in the Link header, page_id in snake
// case. ids[i] identifies items[i].
func (c *call) barePage(kind string, ids []string, items []obj) answer {
	limit, ok := c.limit(10)
	if !ok {
		return badRequest("limit must be between 1 and 100")
	}
	if q := c.r.URL.Query(); q.Has("page_id") {
		after, ok := decodeCursor(kind, q.Get("page_id"))
		at := slices.Index(ids, after)
		if !ok || at < 0 {
			return invalidPageID()
		}
		ids, items = ids[at+1:], items[at+1:]
	}
	if len(items) <= limit {
		return reply(http.StatusOK, append([]obj{}, items...))
	}
	return reply(http.StatusOK, items[:limit]).with("Link", c.nextLink("page_id", encodeCursor(kind, ids[limit-1])))
}

// cut takes one page out of a list already positioned and tells the cursor of the next.
func cut[T any](all []*T, limit int, kind string, id func(*T) string) (page []*T, cursor string) {
	if len(all) <= limit {
		return all, ""
	}
	return all[:limit], encodeCursor(kind, id(all[limit-1]))
}

func anyOf(wanted []string, value string) bool {
	return len(wanted) == 0 || slices.Contains(wanted, value)
}

func containsFold(s, part string) bool {
	return strings.Contains(strings.ToLower(s), strings.ToLower(part))
}
