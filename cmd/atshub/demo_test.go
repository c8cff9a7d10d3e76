package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/config"
	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/pluginhost"
	"github.com/atshub/atshub/internal/sandbox/demo"
)

// TestG17_TheDemoEndsAsTheGuidesPromise tells the whole story once, as
// `atshub demo --once` does, with real connectors; then it searches everything
// the hub produced for secrets, and its logs and metrics for people.
func TestG17_TheDemoEndsAsTheGuidesPromise(t *testing.T) {
	t.Parallel()
	cfg := config.Default()
	cfg.Catalog, cfg.LogLevel = connectors(t), "debug"
	dir := filepath.Join(t.TempDir(), "demo")
	r, err := demoCmd{Data: dir, FreePorts: true}.open(t.Context(), cfg)
	require.NoError(t, err)
	closed := false
	defer func() {
		if !closed {
			_ = r.close()
		}
	}()
	redis := &capture{}
	r.broker.Client.AddHook(redis)
	r.serve()

	answers, told := &capture{}, &bytes.Buffer{}
	script := r.script(told)
	script.Transport = answers
	began := time.Now()
	err = r.box.Play(t.Context(), script)
	require.NoError(t, err, "%s", told)
	t.Logf("told in %s", time.Since(began).Round(time.Second))

	found := map[string][]byte{"answers": answers.all(), "redis": redis.all(), "metrics": fetch(t, r.url+"/metrics")}
	secrets := append(r.box.Secrets(), r.keys["fairec"], r.keys["pillar"])
	closed = true
	require.NoError(t, r.close())
	require.NoError(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || filepath.Base(filepath.Dir(path)) == "records" {
			return err // the records are the simulators'
		}
		found[filepath.Base(path)], err = os.ReadFile(path)
		return err
	}))
	for _, place := range []string{"answers", "redis", "metrics", "hub.log", "hub.db"} {
		require.NotEmpty(t, found[place], "there is something to search in %s", place)
	}
	require.Contains(t, string(found["answers"]), r.box.People()[0], "the search would find people")
	require.Contains(t, string(found["redis"]), "wrk_", "the search would find what tasks carry")
	for place, text := range found {
		search(t, place, text, secrets)
	}
	for _, place := range []string{"hub.log", "metrics", "redis"} {
		search(t, place, found[place], r.box.People())
	}
}

// connectors builds both connectors and answers a catalog of them.
func connectors(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"smartrecruiters-apikey", "smartrecruiters-oauth"} {
		build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(dir, name), "./plugins/"+name)
		build.Dir, build.Env = filepath.Join("..", ".."), append(os.Environ(), "CGO_ENABLED=0")
		out, err := build.CombinedOutput()
		require.NoError(t, err, "%s", out)
		_, err = pluginhost.Register(dir, filepath.Join(dir, name))
		require.NoError(t, err)
	}
	return filepath.Join(dir, pluginhost.CatalogFile)
}

// search fails for every value that is in text, plain or in a usual disguise.
func search(t *testing.T, place string, text []byte, values []string) {
	t.Helper()
	for i, value := range values {
		if value == "" {
			continue
		}
		quoted, err := json.Marshal(value)
		require.NoError(t, err)
		forms := []string{value, string(quoted[1 : len(quoted)-1]), url.QueryEscape(value), url.PathEscape(value), hex.EncodeToString([]byte(value))}
		for shift := range 3 { // base64 looks otherwise depending on what stands before
			padded := append(make([]byte, shift), value...)
			encoded := base64.StdEncoding.EncodeToString(padded[:len(padded)/3*3])[(shift+2)/3*4:]
			forms = append(forms, encoded, strings.NewReplacer("+", "-", "/", "_").Replace(encoded))
		}
		for _, form := range forms {
			if len(form) < 8 && form != value {
				continue // so short that it is found inside of ids
			}
			at := bytes.Index(text, []byte(form))
			require.Negative(t, at, "value %d is in %s: …%q", i, place, text[max(0, at-100):max(0, at)])
		}
	}
}

func fetch(t *testing.T, address string) []byte {
	t.Helper()
	res, err := http.Get(address)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return body
}

// capture keeps what passes it: the answers of the API as a transport, the
// commands to Redis as a hook.
type capture struct {
	redis.Hook
	mu   sync.Mutex
	kept bytes.Buffer
}

func (c *capture) keep(text []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept.Write(text)
	c.kept.WriteByte('\n')
}

func (c *capture) all() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.kept.Bytes())
}

func (c *capture) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	c.keep(body)
	return res, replaceBody(res, body)
}

func (c *capture) CloseIdleConnections() { http.DefaultClient.CloseIdleConnections() }

func replaceBody(res *http.Response, body []byte) error {
	err := res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(body))
	return err
}

func (c *capture) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c *capture) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.keep(fmt.Appendf(nil, "%s", cmd.Args()))
		return next(ctx, cmd)
	}
}

func (c *capture) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		for _, cmd := range cmds {
			c.keep(fmt.Appendf(nil, "%s", cmd.Args()))
		}
		return next(ctx, cmds)
	}
}

func TestADemoRemovesNothingButADemo(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "demo")
	require.NoError(t, emptyDemo(dir))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "hub.db"), []byte("old"), 0o600))
	require.NoError(t, emptyDemo(dir), "an earlier demo makes room")
	require.NoFileExists(t, filepath.Join(dir, "hub.db"))

	precious := filepath.Join(t.TempDir(), "precious")
	require.NoError(t, os.WriteFile(precious, []byte("thesis"), 0o600))
	require.Equal(t, hub.CodeInvalid, hub.CodeOf(emptyDemo(filepath.Dir(precious))))
	require.FileExists(t, precious)
}

func TestAStoryThatWentWrongHasAnExitCodeOfItsOwn(t *testing.T) {
	t.Parallel()
	require.Equal(t, 3, exitCode(fmt.Errorf("the end: %w", demo.ErrStory)))
}
