package pluginhost

// What a connector writes to stderr: one bounded, rate-limited pipeline into
// the hub's log. A line may be anything; none can crash or flood the hub.

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"

	"golang.org/x/time/rate"
)

const (
	maxLine      = 16 << 10 // longer lines are cut
	linesPerSec  = 200
	linesBurst   = 1000
	tailLines    = 50
	tailLine     = 512
	maxAttrs     = 20
	maxAttrValue = 512
)

// logSink takes the lines of one connector, over all its processes.
type logSink struct {
	logger  *slog.Logger
	count   func(level string)
	dropped func()
	limit   *rate.Limiter

	mu   sync.Mutex
	last []string
}

// crash is a Go crash being written: its first line names the cause, the
// hundreds that follow are kept only as far as the tail has room for them.
type crash struct {
	begun bool
	lines int
}

func newLogSink(l *slog.Logger, count func(level string), dropped func()) *logSink {
	return &logSink{logger: l, count: count, dropped: dropped, limit: rate.NewLimiter(linesPerSec, linesBurst)}
}

// read takes lines until r ends.
func (s *logSink) read(r io.Reader) {
	b := bufio.NewReaderSize(r, maxLine)
	var c crash
	for {
		line, err := b.ReadSlice('\n')
		cut := errors.Is(err, bufio.ErrBufferFull)
		if len(bytes.TrimSpace(line)) > 0 {
			s.line(bytes.TrimSpace(line), cut, &c)
		}
		for errors.Is(err, bufio.ErrBufferFull) { // the rest of a cut line
			_, err = b.ReadSlice('\n')
		}
		if err != nil {
			return
		}
	}
}

// beginsCrash matches how the Go runtime begins to tell of its end.
var beginsCrash = regexp.MustCompile(`^(panic: |fatal|runtime: |unexpected fault|SIG[A-Z]+: )`)

func (s *logSink) line(line []byte, cut bool, c *crash) {
	text := strings.ToValidUTF8(string(line), "�")
	if line[0] == '{' {
		*c = crash{}
	} else if c.begun {
		if c.lines++; c.lines < tailLines {
			s.keep(text)
		}
		return
	}
	if !s.limit.Allow() {
		s.dropped()
		return
	}
	s.keep(text)
	level, msg, attrs := parseLine(line, text, cut)
	if beginsCrash.MatchString(text) {
		c.begun = true
		level, msg = slog.LevelError, "connector crashes"
	}
	s.count(strings.ToLower(level.String()))
	s.logger.LogAttrs(context.Background(), level, msg, attrs...)
}

func (s *logSink) keep(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.last) == tailLines {
		s.last = s.last[1:]
	}
	s.last = append(s.last, shorten(text, tailLine))
}

func (s *logSink) tail() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.last)
}

// parseLine understands the shape of sdk/serve; anything else is a warning
// with the raw line.
func parseLine(line []byte, text string, cut bool) (slog.Level, string, []slog.Attr) {
	var fields map[string]json.RawMessage
	var head struct {
		Level slog.Level `json:"level"`
		Msg   string     `json:"msg"`
	}
	if cut || json.Unmarshal(line, &fields) != nil || json.Unmarshal(line, &head) != nil || head.Msg == "" {
		raw := []slog.Attr{slog.String("line", shorten(text, maxAttrValue*4))}
		if cut {
			raw = append(raw, slog.Bool("cut", true))
		}
		return known(slog.LevelWarn), "connector wrote an unstructured line", raw
	}
	keys := make([]string, 0, len(fields))
	for k := range fields {
		if !slices.Contains([]string{"time", "level", "msg", "connector", "version"}, k) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	attrs := make([]slog.Attr, 0, min(len(keys), maxAttrs))
	for _, k := range keys[:min(len(keys), maxAttrs)] {
		attrs = append(attrs, slog.String(shorten(k, 64), shorten(plainValue(fields[k]), maxAttrValue)))
	}
	return known(head.Level), shorten(head.Msg, maxAttrValue), attrs
}

// known is the nearest level that has a name, so that metrics stay few.
func known(l slog.Level) slog.Level {
	switch {
	case l < slog.LevelInfo:
		return slog.LevelDebug
	case l < slog.LevelWarn:
		return slog.LevelInfo
	case l < slog.LevelError:
		return slog.LevelWarn
	}
	return slog.LevelError
}

func plainValue(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
