package witness_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/sandbox/witness"
)

func TestG17_TheRecordHoldsRequestsWithoutTheirSecrets(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "record.jsonl")
	log, err := witness.New("fairec", path, nil)
	require.NoError(t, err)
	var seen string
	srv := httptest.NewServer(log.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		seen = string(b)
		if r.URL.Path == "/lost" {
			panic(http.ErrAbortHandler)
		}
		log.Effect("logged_in", map[string]any{"user": "u1"})
		w.WriteHeader(http.StatusCreated)
	})))
	defer srv.Close()

	body := `{"username":"u1","password":"cana\"ry-1"}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/login?x=1", strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer canary-2")
	req.Header.Set("X-SmartToken", "canary-3")
	res, err := srv.Client().Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, body, seen, "the handler sees what was sent")

	form := "grant_type=client_credentials&client_secret=canary-4"
	res, err = srv.Client().Post(srv.URL+"/lost", "application/x-www-form-urlencoded", strings.NewReader(form))
	if err == nil {
		require.NoError(t, res.Body.Close())
	}
	require.Error(t, err)

	require.Len(t, log.Requests(), 2)
	require.Equal(t, "/login?x=1", log.Requests()[0].Request.URL)
	require.Len(t, log.Effects("logged_in"), 1)
	srv.Close()
	require.NoError(t, log.Close())

	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	var lines []witness.Entry
	for s := bufio.NewScanner(f); s.Scan(); {
		require.NotContains(t, s.Text(), "canary-")
		require.NotContains(t, s.Text(), "ry-1")
		var e witness.Entry
		require.NoError(t, json.Unmarshal(s.Bytes(), &e))
		lines = append(lines, e)
	}
	require.Len(t, lines, 5)
	require.Equal(t, &witness.Answer{Request: 1, Status: 201}, lines[2].Answer)
	require.Equal(t, &witness.Answer{Request: 4, Lost: true}, lines[4].Answer)
}
