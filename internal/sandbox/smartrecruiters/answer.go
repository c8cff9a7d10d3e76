// Answers: the values handlers return, the vendor's error bodies and small JSON helpers.

package smartrecruiters

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

type obj = map[string]any

// answer is a whole response; handlers return it, the pipeline writes and records it.
type answer struct {
	status      int
	body        []byte
	contentType string
	header      http.Header
}

func reply(status int, v any) answer {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // only values built in this package arrive here
	}
	return answer{status: status, body: raw, contentType: "application/json; charset=utf-8"}
}

func noContent() answer { return answer{status: http.StatusNoContent} }

// fail is the vendor's general error shape.
func fail(status int, code, message string) answer {
	return reply(status, obj{"message": message, "errors": []obj{{"code": code, "message": message}}})
}

func (a answer) with(name, value string) answer {
	if a.header == nil {
		a.header = http.Header{}
	}
	a.header.Set(name, value)
	return a
}

func (a answer) write(w http.ResponseWriter) {
	a.writeHeader(w)
	_, _ = w.Write(a.body)
}

func (a answer) writeHeader(w http.ResponseWriter) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	if a.contentType != "" {
		w.Header().Set("Content-Type", a.contentType)
	}
	if a.status != http.StatusNoContent {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
}

// unauthorized is the answer to an unknown key or token. Its body is not documented, so it varies.
func (s *Simulator) unauthorized() answer {
	if s.vary()%2 == 0 {
		return answer{status: http.StatusUnauthorized}
	}
	return fail(http.StatusUnauthorized, "UNAUTHORIZED", "Unauthorized")
}

// tooManyRequests has no documented body either: empty, or a page of HTML. No Retry-After is documented.
func (s *Simulator) tooManyRequests() answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := answer{status: http.StatusTooManyRequests}
	if s.vary()%2 == 1 {
		a.contentType, a.body = "text/html", []byte("<html><body><h1>429 Too Many Requests</h1></body></html>")
	}
	return a
}

// vary counts up; what the vendor leaves open alternates with it. Callers hold the lock.
func (s *Simulator) vary() int {
	s.variant++
	return s.variant
}

func candidateDenied() answer {
	return fail(http.StatusUnauthorized, "PERMISSION_DENIED", "Candidate access denied")
}

func jobDenied() answer {
	return fail(http.StatusUnauthorized, "PERMISSION_DENIED", "Job access denied")
}

func badRequest(message string) answer { return fail(http.StatusBadRequest, "BAD_REQUEST", message) }

// stamp writes a time as the vendor does: UTC with milliseconds.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// put sets a field only when it has a value, as the vendor omits empty ones.
func put(o obj, name, value string) {
	if value != "" {
		o[name] = value
	}
}

func (s *Simulator) action(method, path string) obj {
	return obj{"url": s.opt.BaseURL + path, "method": method}
}

// read decodes a JSON request body.
func (c *call) read(v any) (answer, bool) {
	if err := json.Unmarshal(c.body, v); err != nil {
		return badRequest("request body is not valid JSON"), false
	}
	return answer{}, true
}
