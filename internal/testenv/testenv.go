// Package testenv gives tests the real things: a ledger of their own on SQLite
// and on Postgres, and a Redis of their own. Servers are found on this
// machine, started once per test process and gone with it, however it ends.
// Where a server is missing the test is skipped at home and fails in CI.
package testenv

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/store"
)

// Backend is one combination the program runs on, fresh and owned by one test.
type Backend struct {
	Name        string
	DatabaseURL string
	// RedisURL is "embedded" or the address of a real Redis that nobody else uses.
	RedisURL string
	// Redis is the server behind RedisURL; nil if it is embedded.
	Redis *Redis
}

// Backends runs fn as a parallel subtest on SQLite with the embedded Redis and
// on Postgres with a real Redis.
func Backends(t *testing.T, fn func(t *testing.T, b Backend)) {
	t.Helper()
	t.Run("sqlite+embedded", func(t *testing.T) {
		t.Parallel()
		fn(t, Backend{Name: "sqlite+embedded", DatabaseURL: SQLite(t), RedisURL: "embedded"})
	})
	t.Run("postgres+redis", func(t *testing.T) {
		t.Parallel()
		r := StartRedis(t)
		fn(t, Backend{Name: "postgres+redis", DatabaseURL: Postgres(t), RedisURL: r.URL, Redis: r})
	})
}

// Stores runs fn as a parallel subtest on a ledger on SQLite and one on Postgres.
func Stores(t *testing.T, fn func(t *testing.T, s *store.Store)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		fn(t, open(t, SQLite(t)))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		fn(t, open(t, Postgres(t)))
	})
}

// Store opens the backend's ledger, closed when the test ends. Each call is
// what another process would have.
func (b Backend) Store(t *testing.T) *store.Store {
	t.Helper()
	return open(t, b.DatabaseURL)
}

// Store is a fresh ledger on SQLite, for tests that need any.
func Store(t *testing.T) *store.Store {
	t.Helper()
	return open(t, SQLite(t))
}

func open(t *testing.T, url string) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), store.Options{URL: url})
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// SQLite is the URL of a fresh, migrated database file.
func SQLite(t *testing.T) string {
	t.Helper()
	template, err := migratedSQLite()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "ledger.db")
	require.NoError(t, os.WriteFile(path, template, 0o600))
	return "sqlite:" + path
}

// migratedSQLite is the content of a database file after migration.
var migratedSQLite = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "atshub-test-template-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "template.db")
	s, err := store.Open(context.Background(), store.Options{URL: "sqlite:" + path})
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil { // the last connection empties the write-ahead log
		return nil, err
	}
	return os.ReadFile(path)
})

// missing ends a test that cannot run here.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed, and in CI every test must run", what)
	}
	t.Skipf("%s is not installed here", what)
}
