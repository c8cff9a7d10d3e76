// Wrappers that put the referee in the way of traffic.

package referee

import (
	"bytes"
	"io"
	"net/http"
)

// Handler referees requests and answers of a server.
func (r *Referee) Handler(next http.Handler) http.Handler { return r.handler(next, true) }

// Answers referees only the answers: for tests that send wrong requests on purpose.
func (r *Referee) Answers(next http.Handler) http.Handler { return r.handler(next, false) }

func (r *Referee) handler(next http.Handler, judgeRequests bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			next.ServeHTTP(w, req)
			return
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		ex := r.checkRequest(req, body, judgeRequests)
		capture := &capture{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(capture, req) // a broken connection panics through: there is no whole answer to referee
		r.checkResponse(ex, capture.status, w.Header(), capture.body.Bytes())
	})
}

// capture passes an answer on and keeps a copy.
type capture struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (c *capture) WriteHeader(status int) {
	c.status = status
	c.ResponseWriter.WriteHeader(status)
}

func (c *capture) Write(p []byte) (int, error) {
	c.body.Write(p)
	return c.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the real writer.
func (c *capture) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// Transport referees what a client sends and gets: a connector's calls, and the webhooks a simulator posts.
// Activation handshakes pass unchecked; the documents do not describe them. Nil next is http.DefaultTransport.
func (r *Referee) Transport(next http.RoundTripper) http.RoundTripper {
	if next == nil {
		next = http.DefaultTransport
	}
	return transport{r, next}
}

type transport struct {
	referee *Referee
	next    http.RoundTripper
}

func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Header.Get("X-Hook-Secret") != "" {
		return t.next.RoundTrip(req)
	}
	req, body, err := rewound(req)
	if err != nil {
		return nil, err
	}
	if _, webhook := req.Header["event-name"]; webhook || req.Header.Get("event-name") != "" {
		t.referee.checkCallback(req, body)
		return t.next.RoundTrip(req)
	}
	ex := t.referee.checkRequest(req, body, true)
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		// Half an answer is the caller's to notice: give back what came, then the same error.
		resp.Body = readCloser{io.MultiReader(bytes.NewReader(answer), failing{err}), resp.Body}
		return resp, nil
	}
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(answer))
	t.referee.checkResponse(ex, resp.StatusCode, resp.Header, answer)
	return resp, nil
}

// rewound reads the body of a request and returns a copy whose body can still be sent.
func rewound(req *http.Request) (*http.Request, []byte, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return req, nil, nil
	}
	body, err := io.ReadAll(req.Body)
	_ = req.Body.Close()
	if err != nil {
		return nil, nil, err
	}
	copied := req.Clone(req.Context())
	copied.Body = io.NopCloser(bytes.NewReader(body))
	return copied, body, nil
}

type readCloser struct {
	io.Reader
	io.Closer
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
