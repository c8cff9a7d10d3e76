package demo

// timeline.go: the story as people read it while it happens.

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode"
)

const columns = 100

// book shows pages in their order although they are written at the same time:
// the first that is not finished is shown as it is written, later ones wait.
type book struct {
	mu       sync.Mutex
	out      io.Writer
	current  int
	held     map[int][]byte
	finished map[int]bool
}

type page struct {
	book   *book
	number int
}

func (b *book) page(number int) io.Writer { return page{b, number} }

func (p page) Write(text []byte) (int, error) {
	b := p.book
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.number == b.current {
		return b.out.Write(text)
	}
	if b.held == nil {
		b.held = map[int][]byte{}
	}
	b.held[p.number] = append(b.held[p.number], text...)
	return len(text), nil
}

// finish turns the page when it is the current one.
func (b *book) finish(number int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.finished == nil {
		b.finished = map[int]bool{}
	}
	b.finished[number] = true
	for b.finished[b.current] {
		b.current++
		_, _ = b.out.Write(b.held[b.current]) // a terminal that is gone changes nothing of the story
	}
}

// timeline prints one line per step, with the time since the start.
type timeline struct {
	out   io.Writer
	start time.Time
}

// indent is where the text of a step begins: after time and mark.
const indent = 10

func (t *timeline) write(first, text string) {
	lines := wrap(text, columns-indent)
	for i, line := range lines {
		if i > 0 {
			first = strings.Repeat(" ", indent)
		}
		_, _ = fmt.Fprintln(t.out, first+line) // a terminal that is gone changes nothing of the story
	}
}

func (t *timeline) chapter(title string) {
	_, _ = fmt.Fprintf(t.out, "\n%s %s\n", title, strings.Repeat("─", max(3, columns-displayed(title)-1)))
}

// done is a step that ended as it should; more are lines below it.
func (t *timeline) done(text string, more ...string) {
	t.mark("✓", text)
	for _, line := range more {
		t.note(line)
	}
}

func (t *timeline) failed(text string) { t.mark("✗", text) }

func (t *timeline) mark(mark, text string) {
	t.write(fmt.Sprintf("%6.1fs %s ", time.Since(t.start).Seconds(), mark), text)
}

func (t *timeline) note(text string) { t.write(strings.Repeat(" ", indent), text) }

func (t *timeline) plain(text string) { _, _ = fmt.Fprintln(t.out, text) }

// wrap breaks a text at blanks; lines after the first of a text that begins
// with blanks are indented alike.
func wrap(text string, limit int) []string {
	lead := text[:len(text)-len(strings.TrimLeft(text, " "))]
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = lead + word
		case displayed(line)+1+displayed(word) > limit:
			lines = append(lines, line)
			line = lead + word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}

// displayed is how many columns a terminal needs for a text.
func displayed(text string) int {
	n := 0
	for _, r := range text {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana):
			n += 2
		default:
			n++
		}
	}
	return n
}

// pad fills a text with blanks up to n columns.
func pad(text string, n int) string { return text + strings.Repeat(" ", max(1, n-displayed(text))) }

// count is "1 session", "3 sessions".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
