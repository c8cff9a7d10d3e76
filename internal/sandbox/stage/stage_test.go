package stage

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEverythingAnswersAndEnds(t *testing.T) {
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	defer hub.Close()
	s, err := Start(Options{Hub: hub.URL, Records: t.TempDir()})
	require.NoError(t, err)
	defer http.DefaultClient.CloseIdleConnections()
	for url, want := range map[string]int{s.ATSURL: 404, s.FairecURL: 404, s.PillarURL: 404} {
		res, err := http.Get(url)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, want, res.StatusCode, url)
	}
	client := s.Edge.Client()
	defer client.CloseIdleConnections()
	res, err := client.Get(s.Edge.URL())
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusTeapot, res.StatusCode, "the edge leads to the hub")
	client.CloseIdleConnections()
	require.NoError(t, s.Close())
	require.NoError(t, s.Close(), "closing twice is harmless")
}

func TestAPortThatIsTakenIsReplaced(t *testing.T) {
	taken, err := Listen(0)
	require.NoError(t, err)
	defer func() { _ = taken.Close() }()
	port := taken.Addr().(*net.TCPAddr).Port
	s, err := Start(Options{Ports: Ports{Edge: port, ATS: port}})
	require.NoError(t, err)
	require.NotContains(t, s.Edge.URL(), strconv.Itoa(port))
	require.NotContains(t, s.ATSURL, strconv.Itoa(port))
	require.NoError(t, s.Close())
}
