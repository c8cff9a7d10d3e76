// The record: an append-only witness of everything the simulator was asked, sent and changed.

package smartrecruiters

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"sync"
	"time"
)

// Kinds of record entries.
const (
	KindRequest   = "request"   // a request answered (or broken off) by the simulator
	KindEvent     = "event"     // something happened that the vendor has an event for, whether or not it was delivered
	KindDelivery  = "delivery"  // one webhook attempt
	KindHandshake = "handshake" // one activation handshake
	KindEffect    = "effect"    // the world changed
)

// Entry is one line of the record. Only the fields of its kind are set.
type Entry struct {
	Seq     int       `json:"seq"`
	At      time.Time `json:"at"`
	Kind    string    `json:"kind"`
	Company string    `json:"company,omitempty"`

	// Requests. Credential is CredentialHash of what was presented. Status 0: no whole answer was sent.
	Method     string            `json:"method,omitempty"`
	Path       string            `json:"path,omitempty"`
	Query      string            `json:"query,omitempty"`
	Credential string            `json:"credential,omitempty"`
	Header     map[string]string `json:"header,omitempty"`
	Body       string            `json:"body,omitempty"`
	Status     int               `json:"status,omitempty"`
	// Fault names what was spoiled on purpose: of a request its FaultKind, of an event dropped, delayed or duplicated.
	Fault string `json:"fault,omitempty"`

	// Events, deliveries and handshakes.
	Event        string `json:"event,omitempty"`
	EventID      string `json:"eventId,omitempty"`
	Subscription string `json:"subscription,omitempty"`
	URL          string `json:"url,omitempty"`
	Attempt      int    `json:"attempt,omitempty"`
	Error        string `json:"error,omitempty"`

	// Effects: what happened, and to whom.
	Effect string            `json:"effect,omitempty"`
	Data   map[string]string `json:"data,omitempty"`
}

// Record keeps entries in memory and, when it has a path, as JSON lines in a file only ever appended to.
type Record struct {
	now func() time.Time

	mu      sync.Mutex
	entries []Entry
	file    *os.File
	err     error
}

func openRecord(path string, now func() time.Time) (*Record, error) {
	r := &Record{now: now}
	if path == "" {
		return r, nil
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open record: %w", err)
	}
	r.file = file
	return r, nil
}

// add writes one entry as one write call, so that a line is whole or absent.
func (r *Record) add(e Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.Seq, e.At = len(r.entries)+1, r.now().UTC()
	r.entries = append(r.entries, e)
	if r.file == nil {
		return
	}
	line, err := json.Marshal(e)
	if err == nil {
		_, err = r.file.Write(append(line, '\n'))
	}
	r.err = errors.Join(r.err, err)
}

// Entries returns a copy of all entries so far, optionally only of the given kinds.
func (r *Record) Entries(kinds ...string) []Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(r.entries), func(e Entry) bool {
		return len(kinds) > 0 && !slices.Contains(kinds, e.Kind)
	})
}

// Effects returns the effects of one name, e.g. "moved" or "review created".
func (r *Record) Effects(name string) []Entry {
	return slices.DeleteFunc(r.Entries(KindEffect), func(e Entry) bool { return e.Effect != name })
}

// close ends the file and reports any line that could not be written.
func (r *Record) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file == nil {
		return r.err
	}
	err := errors.Join(r.err, r.file.Close())
	r.file = nil
	return err
}

// ReadRecord reads a record file; a torn last line, left by a killed simulator, is ignored.
func ReadRecord(path string) ([]Entry, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read record: %w", err)
	}
	defer file.Close()
	var all []Entry
	lines := bufio.NewReader(file)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read record: %w", err)
		}
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("read record line %d: %w", len(all)+1, err)
		}
		all = append(all, e)
	}
}

var (
	formSecret = regexp.MustCompile(`(client_secret=)[^&]*`)
	jsonSecret = regexp.MustCompile(`("(?:password|headerValue|clientSecret)"\s*:\s*)"(?:[^"\\]|\\.)*"`)
)

// withoutSecrets keeps a body as it came, except for the values that would let a reader act as someone.
func withoutSecrets(body []byte) string {
	body = formSecret.ReplaceAll(body, []byte("${1}***"))
	return string(jsonSecret.ReplaceAll(body, []byte(`${1}"***"`)))
}

func requestEntry(r *http.Request, body []byte, presented string, co *Company) Entry {
	e := Entry{
		Kind: KindRequest, Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Credential: presented,
		Body: withoutSecrets(body), Header: map[string]string{},
	}
	if co != nil {
		e.Company = co.ID
	}
	for name := range r.Header {
		switch name {
		case "Authorization", "X-Smarttoken", "Cookie", "Proxy-Authorization":
		default:
			e.Header[name] = r.Header.Get(name)
		}
	}
	return e
}
