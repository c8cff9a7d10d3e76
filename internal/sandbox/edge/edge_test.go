// The edge serves trusted https, follows a moved hub and refuses those who do not know its CA.

package edge

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEdgeFollowsTheHub(t *testing.T) {
	t.Parallel()
	hub := func(name string) *httptest.Server {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			w.WriteHeader(http.StatusAccepted)
			_, _ = io.WriteString(w, name+" "+r.URL.Path+" "+string(body)+" "+r.Header.Get("event-id")+" "+r.Header.Get("X-Forwarded-Proto"))
		}))
		t.Cleanup(s.Close)
		return s
	}
	e, err := New("127.0.0.1:0", "")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	client := e.Client()
	post := func() (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, e.URL()+"/hooks/1", strings.NewReader("ids"))
		require.NoError(t, err)
		req.Header["event-id"] = []string{"7"}
		resp, err := client.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(body)
	}
	status, _ := post()
	require.Equal(t, http.StatusBadGateway, status, "no hub yet")
	for _, name := range []string{"first", "second"} {
		require.NoError(t, e.SetTarget(hub(name).URL))
		status, body := post()
		require.Equal(t, http.StatusAccepted, status)
		require.Equal(t, name+" /hooks/1 ids 7 https", body)
	}
}

func TestEdgeIsTrustedOnlyThroughItsCA(t *testing.T) {
	t.Parallel()
	e, err := New("127.0.0.1:0", "")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	_, err = (&http.Client{Transport: &http.Transport{}}).Get(e.URL())
	require.ErrorContains(t, err, "certificate")

	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(e.CAPEM()))
	named := strings.Replace(e.URL(), "127.0.0.1", "localhost", 1)
	resp, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}).Get(named)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
}
