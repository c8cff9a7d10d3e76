// Package receiver is what the product simulators have in common: the promises
// about repeated, late and outdated requests, and faults on demand.
package receiver

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"time"
)

// Receiver keeps the promises: a remembered key gets its first answer, a late
// or outdated request is refused. Safe for concurrent use; acts run one at a
// time.
type Receiver struct {
	now func() time.Time

	mu         sync.Mutex
	remembered map[string]memory
	fences     map[string]int64
	forgetful  bool

	faultMu sync.Mutex
	faults  []*Fault
	dice    *rand.Rand
}

// memory is a first answer and what it answered.
type memory struct {
	request [32]byte
	at      time.Time
	answer  Answer
}

// New is a receiver with its own clock; the seed decides when faults with a
// rate strike.
func New(now func() time.Time, seed uint64) *Receiver {
	return &Receiver{now: now, remembered: map[string]memory{}, fences: map[string]int64{}, dice: rand.New(rand.NewPCG(seed, seed))}
}

// IgnoreKeys makes the receiver break its promise about idempotency keys: it
// remembers none.
func (r *Receiver) IgnoreKeys(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forgetful = on
}

// Answer is what a request is answered with; a nil Body is an empty one.
type Answer struct {
	Status int
	Body   any
}

// Refuse is a problem document.
func Refuse(status int, code string) Answer {
	return Answer{status, map[string]any{"type": "about:blank", "title": http.StatusText(status), "status": status, "code": code}}
}

// Request is a request that changes something, its headers read.
type Request struct {
	Key      string
	NotAfter time.Time
	Fence    int64
	Body     []byte
}

var keyForm = regexp.MustCompile(`^[A-Za-z0-9._~:-]{16,200}$`)

// Effect answers a request that changes something: it calls act unless the key
// is remembered in the scope, its time has passed or subject has seen a higher
// fence. Only a success is remembered.
func (r *Receiver) Effect(w http.ResponseWriter, req *http.Request, scope, subject string, act func(Request) Answer) {
	q, ok := read(req)
	if !ok {
		Write(w, Refuse(http.StatusBadRequest, "invalid"))
		return
	}
	Write(w, r.effect(q, fingerprint(req, q.Body), scope, scope+" "+subject, act))
}

func (r *Receiver) effect(q Request, print [32]byte, scope, subject string, act func(Request) Answer) Answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := scope + " " + q.Key
	if m, ok := r.remembered[key]; ok && !r.forgetful {
		if m.request != print {
			return Refuse(http.StatusUnprocessableEntity, "idempotency_key_reused")
		}
		return m.answer
	}
	if !r.now().Before(q.NotAfter) {
		return Refuse(http.StatusPreconditionFailed, "not_after_passed")
	}
	if q.Fence < r.fences[subject] {
		return Refuse(http.StatusConflict, "fenced")
	}
	r.fences[subject] = q.Fence
	a := act(q)
	if a.Status < 300 && !r.forgetful {
		r.remembered[key] = memory{print, r.now(), a}
	}
	return a
}

// Receipt answers GET /receipts/{key}.
func (r *Receiver) Receipt(w http.ResponseWriter, scope, key string) {
	r.mu.Lock()
	m, ok := r.remembered[scope+" "+key]
	r.mu.Unlock()
	if !ok {
		Write(w, Refuse(http.StatusNotFound, "not_found"))
		return
	}
	body := map[string]any{"key": key, "at": m.at.UTC(), "status": m.answer.Status}
	if m.answer.Body != nil {
		body["answer"] = m.answer.Body
	}
	Write(w, Answer{http.StatusOK, body})
}

func read(req *http.Request) (Request, bool) {
	var q Request
	var err error
	if q.Body, err = io.ReadAll(req.Body); err != nil {
		return q, false
	}
	q.Key = req.Header.Get("Idempotency-Key")
	if q.NotAfter, err = time.Parse(time.RFC3339, req.Header.Get("Not-After")); err != nil {
		return q, false
	}
	q.Fence, err = strconv.ParseInt(req.Header.Get("Fence"), 10, 64)
	return q, err == nil && q.Fence >= 0 && keyForm.MatchString(q.Key)
}

// fingerprint is equal for two requests that mean the same.
func fingerprint(req *http.Request, body []byte) [32]byte {
	var v any
	if json.Unmarshal(body, &v) == nil {
		body, _ = json.Marshal(v) // members sorted, blanks gone
	}
	return sha256.Sum256(append([]byte(req.Method+" "+req.URL.EscapedPath()+"\n"), body...))
}

// Decode reads a JSON body strictly: one value, no member v does not have.
func Decode(body []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if d.Decode(&struct{}{}) != io.EOF {
		return errors.New("more than one value")
	}
	return nil
}

// Write sends an answer.
func Write(w http.ResponseWriter, a Answer) {
	if a.Body == nil {
		w.WriteHeader(a.Status)
		return
	}
	kind := "application/json"
	if a.Status >= 400 {
		kind = "application/problem+json"
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(a.Status)
	_ = json.NewEncoder(w).Encode(a.Body) // the caller may be gone
}
