package receiver_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/sandbox/receiver"
)

// door is a receiver that counts what it does.
type door struct {
	*receiver.Receiver
	url  string
	acts atomic.Int64
}

func newDoor(t *testing.T, seed uint64) *door {
	t.Helper()
	d := &door{Receiver: receiver.New(time.Now, seed)}
	srv := httptest.NewServer(d.Faults(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.Effect(w, r, "org", "thing", func(receiver.Request) receiver.Answer {
			return receiver.Answer{Status: http.StatusOK, Body: map[string]int64{"act": d.acts.Add(1)}}
		})
	})))
	t.Cleanup(srv.Close)
	d.url = srv.URL
	return d
}

// put sends a PUT; 0 means that the connection broke.
func (d *door) put(t *testing.T, key, notAfter, fence, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, d.url+"/thing", strings.NewReader(body))
	require.NoError(t, err)
	req.GetBody = nil // never repeated unseen
	req.Header.Set("Idempotency-Key", key)
	req.Header.Set("Not-After", notAfter)
	req.Header.Set("Fence", fence)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, ""
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(b)
}

const key1, key2 = "0123456789abcdef", "fedcba9876543210"

func TestReceiverAssumptionIsKept(t *testing.T) {
	t.Parallel()
	d := newDoor(t, 1)
	soon := time.Now().Add(time.Minute).Format(time.RFC3339)
	for _, c := range []struct {
		key, notAfter, fence, body string
		status                     int
		says                       string
	}{
		{"", soon, "1", "{}", 400, "invalid"},
		{"short", soon, "1", "{}", 400, "invalid"},
		{key1, "", "1", "{}", 400, "invalid"},
		{key1, "tomorrow", "1", "{}", 400, "invalid"},
		{key1, soon, "", "{}", 400, "invalid"},
		{key1, soon, "-1", "{}", 400, "invalid"},
		{key1, "2020-01-01T00:00:00Z", "9", "{}", 412, "not_after_passed"},
		{key1, soon, "5", `{"a":1,"b":2}`, 200, `"act":1`},
		{key1, soon, "5", `{"b":2, "a":1}`, 200, `"act":1`},
		{key1, "2020-01-01T00:00:00Z", "0", `{"a":1,"b":2}`, 200, `"act":1`},
		{key1, soon, "5", `{"a":2}`, 422, "idempotency_key_reused"},
		{key2, soon, "4", "{}", 409, "fenced"},
		{key2, soon, "5", "{}", 200, `"act":2`},
	} {
		status, body := d.put(t, c.key, c.notAfter, c.fence, c.body)
		require.Equal(t, c.status, status, c)
		require.Contains(t, body, c.says, c)
	}
	require.EqualValues(t, 2, d.acts.Load())
	d.IgnoreKeys(true)
	status, _ := d.put(t, key1, soon, "5", `{"a":1,"b":2}`)
	require.Equal(t, 200, status)
	require.EqualValues(t, 3, d.acts.Load())
}

func TestFaultsStrikeAsAsked(t *testing.T) {
	t.Parallel()
	d := newDoor(t, 1)
	d.IgnoreKeys(true)
	soon := time.Now().Add(time.Minute).Format(time.RFC3339)
	do := func() int {
		status, _ := d.put(t, key1, soon, "1", "{}")
		return status
	}
	d.Inject(receiver.Fault{Method: http.MethodGet, Reset: true})
	d.Inject(receiver.Fault{Path: "/other", Reset: true})
	d.Inject(receiver.Fault{Reset: true, Times: 1})
	d.Inject(receiver.Fault{LoseAnswer: true, Times: 2})
	d.Inject(receiver.Fault{Status: 503, Times: 1})
	require.Equal(t, 0, do())
	require.EqualValues(t, 0, d.acts.Load())
	require.Equal(t, 0, do())
	require.Equal(t, 0, do())
	require.EqualValues(t, 2, d.acts.Load())
	require.Equal(t, 503, do())
	require.Equal(t, 200, do())
	require.EqualValues(t, 3, d.acts.Load())
	d.Inject(receiver.Fault{Status: 500})
	require.Equal(t, 500, do())
	d.Clear()
	require.Equal(t, 200, do())
}

func TestFaultsWithARateFollowTheirSeed(t *testing.T) {
	t.Parallel()
	soon := time.Now().Add(time.Minute).Format(time.RFC3339)
	run := func(seed uint64) (struck []bool) {
		d := newDoor(t, seed)
		d.Inject(receiver.Fault{Status: 500, Rate: 0.5})
		for range 40 {
			status, _ := d.put(t, key1, soon, "1", "{}")
			struck = append(struck, status == 500)
		}
		return struck
	}
	first := run(7)
	require.Equal(t, first, run(7))
	require.NotEqual(t, first, run(8))
	require.Contains(t, first, true)
	require.Contains(t, first, false)
}
