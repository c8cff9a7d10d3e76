// Package witness is the simulators' own memory: an append-only record of every
// request a simulator got and of everything it did because of it. Tests and the
// demo judge by it and never ask the hub.
package witness

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"sync"
	"time"
)

// Kinds of entries.
const (
	KindRequest = "request" // written before the request is looked at
	KindAnswer  = "answer"  // what was answered to it
	KindEffect  = "effect"  // something happened in the simulated world
)

// Entry is one line of the record.
type Entry struct {
	Seq     int64          `json:"seq"`
	At      time.Time      `json:"at"`
	System  string         `json:"system"`
	Kind    string         `json:"kind"`
	Request *Request       `json:"request,omitempty"`
	Answer  *Answer        `json:"answer,omitempty"`
	Effect  string         `json:"effect,omitempty"`
	Fields  map[string]any `json:"fields,omitempty"`
}

// Request is a request as received, its secrets redacted.
type Request struct {
	Method string      `json:"method"`
	URL    string      `json:"url"`
	Header http.Header `json:"header"`
	Body   string      `json:"body,omitempty"`
}

// Answer tells how the request with number Request ended. Lost means that the
// connection was cut instead of an answer.
type Answer struct {
	Request int64 `json:"request"`
	Status  int   `json:"status,omitempty"`
	Lost    bool  `json:"lost,omitempty"`
}

// Log is the record of one simulator, safe for concurrent use.
type Log struct {
	system string
	now    func() time.Time

	mu      sync.Mutex
	file    *os.File // nil = memory only
	entries []Entry
}

// New starts the record of the named system. An empty path keeps it in memory
// only; otherwise lines are appended to the file. A nil now is the wall clock.
func New(system, path string, now func() time.Time) (*Log, error) {
	if now == nil {
		now = time.Now
	}
	l := &Log{system: system, now: now}
	if path == "" {
		return l, nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the record of %s: %w", system, err)
	}
	l.file = f
	return l, nil
}

// Close closes the file; the record in memory stays readable.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	f := l.file
	l.file = nil
	return f.Close()
}

// Effect records that something happened in the simulated world.
func (l *Log) Effect(name string, fields map[string]any) {
	l.add(Entry{Kind: KindEffect, Effect: name, Fields: maps.Clone(fields)})
}

// Entries is the whole record so far, oldest first.
func (l *Log) Entries() []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries)
}

// Effects are the effects with that name, oldest first; "" means all.
func (l *Log) Effects(name string) []Entry {
	return slices.DeleteFunc(l.Entries(), func(e Entry) bool {
		return e.Kind != KindEffect || name != "" && e.Effect != name
	})
}

// Requests are the requests received, oldest first.
func (l *Log) Requests() []Entry {
	return slices.DeleteFunc(l.Entries(), func(e Entry) bool { return e.Kind != KindRequest })
}

// add numbers, times and writes an entry. A record that cannot be written is
// worthless as a witness, so that is a panic.
func (l *Log) add(e Entry) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.Seq, e.At, e.System = int64(len(l.entries)+1), l.now().UTC(), l.system
	l.entries = append(l.entries, e)
	if l.file != nil {
		line, err := json.Marshal(e)
		if err == nil {
			_, err = l.file.Write(append(line, '\n'))
		}
		if err != nil {
			panic(fmt.Sprintf("the record of %s cannot be written: %v", l.system, err))
		}
	}
	return e.Seq
}

// maxBody bounds what a simulator reads of one request.
const maxBody = 16 << 20

// Middleware records every request before next sees it, and its end.
func (l *Log) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
		if err != nil {
			return // the caller is gone
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		seq := l.add(Entry{Kind: KindRequest, Request: &Request{
			Method: r.Method, URL: r.URL.RequestURI(), Header: redactHeader(r.Header), Body: redactBody(body),
		}})
		sw := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		ended := false
		defer func() {
			l.add(Entry{Kind: KindAnswer, Answer: answer(seq, sw.status, !ended)})
		}()
		next.ServeHTTP(sw, r)
		ended = true
	})
}

func answer(seq int64, status int, lost bool) *Answer {
	if lost {
		return &Answer{Request: seq, Lost: true}
	}
	return &Answer{Request: seq, Status: status}
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

const redacted = "[redacted]"

var (
	secretHeaders = []string{"Authorization", "Cookie", "X-Smarttoken"}
	secretJSON    = regexp.MustCompile(`("(?:password|secret|secretKey|client_secret|access_token|token)"\s*:\s*)"(?:[^"\\]|\\.)*"`)
	secretForm    = regexp.MustCompile(`((?:^|&)(?:password|client_secret|token)=)[^&]*`)
)

func redactHeader(h http.Header) http.Header {
	c := h.Clone()
	for _, name := range secretHeaders {
		if _, ok := c[name]; ok {
			c[name] = []string{redacted}
		}
	}
	return c
}

func redactBody(b []byte) string {
	b = secretJSON.ReplaceAll(b, []byte(`$1"`+redacted+`"`))
	return string(secretForm.ReplaceAll(b, []byte(`${1}`+redacted)))
}
