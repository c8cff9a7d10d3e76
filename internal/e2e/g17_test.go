package e2e

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/sandbox/receiver"
	"github.com/atshub/atshub/internal/sandbox/smartrecruiters"
	"github.com/atshub/atshub/internal/testenv"
)

// TestG17_SecretsLeaveNoTrace: everything a run produced is searched for every
// secret that was in it, in every usual disguise; and what is kept about the
// running of the hub, for people's data.
func TestG17_SecretsLeaveNoTrace(t *testing.T) {
	t.Parallel()
	testenv.Backends(t, func(t *testing.T, b testenv.Backend) {
		w := newWorld(t, b, setup{})
		heard := w.listenToRedis()
		w.runAll(1, 1)
		secrets := map[string]string{"key of fairec": w.keys["fairec"], "key of pillar": w.keys["pillar"], "service token": w.PillarToken}
		personal := map[string]string{}
		w.playForCanaries(secrets, personal)

		places := map[string][]byte{"answers": w.answered(), "metrics": w.metrics(), "redis": heard(), "processes": w.processSecrets()}
		for name, text := range w.files(w.logs) {
			places["log "+name] = text
		}
		for name, text := range places {
			require.NotEmpty(t, text, "nothing to search in %s", name)
			for what, value := range personal {
				if name != "answers" { // people are shown whom it is about
					w.searchFor(what, value, name, text)
				}
			}
		}
		places["ledger"] = w.ledger().dump()
		for name, text := range w.files(filepath.Join(w.dir, "data")) {
			places["data "+name] = text
		}
		if path, ok := strings.CutPrefix(b.DatabaseURL, "sqlite:"); ok {
			for name, text := range w.files(filepath.Dir(path)) {
				places["database file "+name] = text
			}
		}
		for name, text := range places {
			for what, value := range secrets {
				w.searchFor(what, value, name, text)
			}
		}
		require.Contains(t, string(places["ledger"]), "Zebulon", "the search of the ledger would find what is there")
	})
}

// playForCanaries runs both products through good and bad days, with values
// that occur nowhere else.
func (w *world) playForCanaries(secrets, personal map[string]string) {
	w.t.Helper()
	c := w.screening("Secretive")
	secrets["api key"], secrets["password"] = c.apiKey, c.password
	job := c.AddJob(smartrecruiters.Job{Title: "Spy"})
	c.importJob(job, "nobody")
	var people []*candidate
	for i := range 4 {
		p := c.apply(job, "Zebulon", fmt.Sprintf("Quixworth%d", i))
		personal[fmt.Sprintf("e-mail %d", i)], personal[fmt.Sprintf("name %d", i)] = p.email, fmt.Sprintf("Quixworth%d", i)
		people = append(people, p)
	}
	personal["first name"] = "Zebulon"
	require.NoError(w.t, c.EditCandidate(people[3].CandidateID, func(p *smartrecruiters.Candidate) { p.Email = "Quixworth3 at home" }))

	// Bad days: pages of HTML, errors, lost answers, bodies that quote.
	w.ATS.Inject(smartrecruiters.Fault{Kind: smartrecruiters.FaultHTML, Path: "/candidates/**", Count: 2})
	w.ATS.Inject(smartrecruiters.Fault{Kind: smartrecruiters.FaultTruncate, Path: "/candidates/**", Skip: 2, Count: 1})
	w.Fairec.Inject(receiver.Fault{Method: "POST", Path: "/job-posts", Times: 1, Status: 500, Body: `{"detail":"cannot mail Zebulon Quixworth0 ` + people[0].email + `"}`})
	w.Fairec.Inject(receiver.Fault{Method: "POST", Path: "/job-posts", Times: 1, LoseAnswer: true})
	for _, p := range people {
		p.move(smartrecruiters.InReview, "Screening")
	}
	w.eventually("who can be is invited", func() bool { return has(w.mails(), people[:3]) })
	comment := "comment-" + rand.Text()
	personal["comment"] = comment
	for _, p := range w.Fairec.Candidates() {
		require.NoError(w.t, w.Fairec.SetStatus(p.ID, "Shortlist"))
		require.NoError(w.t, w.Fairec.SetResult(p.ID, 5, comment))
	}
	w.eventually("who was invited is moved and reviewed", func() bool { return has(w.moves(), people[:3]) && has(w.reviews(), people[:3]) })

	// Wrong credentials, refused by both sides.
	secrets["wrong key"], secrets["wrong password"] = "DCRA1-"+strings.ToLower(rand.Text()), "wrong-"+rand.Text()
	status, _ := w.request(http.MethodPut, "/v1/tenants/"+c.tenant+"/connections/"+c.connection+"/credentials", c.product, c.person, "",
		object{"credentials": object{"ats": object{"api_key": secrets["wrong key"]}, "product": object{"password": secrets["wrong password"]}}})
	require.Equal(w.t, http.StatusUnprocessableEntity, status)

	s := w.sessions("Shy")
	secrets["client secret"] = s.c.apiKey
	one := s.plan(time.Hour)
	s.c.toggleOn(s.job)
	w.eventually("the session is armed", one.is("armed"))

	for _, e := range w.ATS.Record().Entries(smartrecruiters.KindDelivery) { // whoever has the address may try to deliver
		token := e.URL[strings.LastIndex(e.URL, "/")+1:]
		require.NotEmpty(w.t, token)
		personal["callback token "+token[:4]] = token
	}
	c.RevokeKey(c.apiKey)
	people[0].move(smartrecruiters.Interviewed, "Phone interview")
	w.eventually("the dead key is noticed", func() bool {
		return c.get("/connections/" + c.connection)["state"] == "reauth_required"
	})
	c.get("/connections/" + c.connection + "/explain?candidate=" + people[0].CandidateID + "&job=" + job)
	c.get("/actions")
	c.get("/events")
}

// searchFor looks for a value as it is and as programs dress it up.
func (w *world) searchFor(what, value, place string, text []byte) {
	w.t.Helper()
	for form, needle := range disguises(value) {
		if at := bytes.Index(text, []byte(needle)); at >= 0 {
			w.t.Errorf("%s is in %s (%s): …%q…", what, place, form, text[max(0, at-120):min(len(text), at+len(needle)+20)])
		}
	}
}

// disguises are the forms a value may take in what a program writes.
func disguises(value string) map[string]string {
	quoted, _ := json.Marshal(value) // a string always encodes
	forms := map[string]string{
		"as it is": value, "JSON": string(quoted[1 : len(quoted)-1]), "URL query": url.QueryEscape(value), "URL path": url.PathEscape(value),
		"hex": hex.EncodeToString([]byte(value)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(value))),
	}
	for shift := range 3 { // base64 looks otherwise depending on what stands before
		padded := append(bytes.Repeat([]byte{0}, shift), value...)
		padded = padded[:len(padded)/3*3]
		encoded := base64.StdEncoding.EncodeToString(padded)[(shift+2)/3*4:]
		forms[fmt.Sprintf("base64 %d", shift)] = encoded
		forms[fmt.Sprintf("base64url %d", shift)] = strings.NewReplacer("+", "-", "/", "_").Replace(encoded)
	}
	return forms
}

func TestDisguisesAreSeenThrough(t *testing.T) {
	t.Parallel()
	const secret = `p%w"<é secret?>~`
	quoted, err := json.Marshal(object{"password": secret})
	require.NoError(t, err)
	hidden := []string{"x" + secret, string(quoted), "a=1&b=" + url.QueryEscape(secret), hex.EncodeToString([]byte("ab" + secret)), fmt.Sprintf("%X", secret)}
	for _, before := range []string{"", "u", "u:", "user:"} {
		hidden = append(hidden, base64.StdEncoding.EncodeToString([]byte(before+secret)), base64.RawURLEncoding.EncodeToString([]byte(before+secret+"?")))
	}
	for _, text := range hidden {
		seen := false
		for _, needle := range disguises(secret) {
			seen = seen || strings.Contains(text, needle)
		}
		require.True(t, seen, text)
	}
}

// listenToRedis hears every command sent to the real Redis; of the embedded
// one nothing can be heard from outside.
func (w *world) listenToRedis() (heard func() []byte) {
	w.t.Helper()
	if w.backend.Redis == nil {
		return func() []byte { return []byte("embedded") }
	}
	conn, err := net.Dial("unix", strings.TrimPrefix(w.backend.RedisURL, "unix://"))
	require.NoError(w.t, err)
	_, err = conn.Write([]byte("MONITOR\r\n"))
	require.NoError(w.t, err)
	var mu sync.Mutex
	var all []byte
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewReader(conn); ; {
			line, err := lines.ReadBytes('\n')
			mu.Lock()
			all = append(all, line...)
			mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return func() []byte {
		_ = conn.Close()
		<-ended
		require.Contains(w.t, string(all), "wrk_", "work was heard on its way through Redis")
		return all
	}
}

// metrics are those of every gateway.
func (w *world) metrics() (all []byte) {
	w.t.Helper()
	for _, p := range w.running("") {
		if p.addr == "" {
			continue
		}
		res, err := w.plain.Get("http://" + p.addr + "/metrics")
		require.NoError(w.t, err)
		text, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		require.NoError(w.t, err)
		all = append(all, text...)
	}
	return all
}

// files are the contents of all files below a folder.
func (w *world) files(folder string) map[string][]byte {
	w.t.Helper()
	found := map[string][]byte{}
	require.NoError(w.t, filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		found[strings.TrimPrefix(path, folder)] = text
		return err
	}))
	require.NotEmpty(w.t, found)
	return found
}

// dump is every cell of every table.
func (l ledger) dump() (all []byte) {
	l.w.t.Helper()
	tables := `select name from sqlite_master where type = 'table' and name not like 'sqlite_%'`
	if l.w.backend.Redis != nil {
		tables = `select tablename from pg_tables where schemaname = 'public'`
	}
	for _, table := range l.rows(tables) {
		for _, row := range l.rows(`select * from ` + table[0]) {
			all = append(append(all, strings.Join(row, "\x00")...), '\n')
		}
	}
	return all
}
