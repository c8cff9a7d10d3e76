package store

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
	_ "modernc.org/sqlite"             // driver "sqlite"

	"github.com/atshub/atshub/internal/hub"
)

// What differs between the two databases, and nothing else does.

type dialect int

const (
	sqlite dialect = iota
	postgres
)

const postgresClock = `select cast(extract(epoch from clock_timestamp()) * 1000 as bigint)`

// lockRow and shareRow end a select that must hold its row against others to
// the end of the transaction. SQLite has one writer at a time and needs none.
func (t *Tx) lockRow() string {
	if t.dialect == postgres {
		return " for update"
	}
	return ""
}

func (t *Tx) shareRow() string {
	if t.dialect == postgres {
		return " for share"
	}
	return ""
}

// skipLocked ends a select for the relay: it takes what nobody else holds and
// never waits for a lock, so it can neither stall nor be part of a ring.
func (t *Tx) skipLocked() string {
	if t.dialect == postgres {
		return " for update skip locked"
	}
	return ""
}

// openSQLite opens a file twice: one connection that writes (WAL, every commit
// fsynced), and a few that only read, so that a long read never holds up the
// inbox. A log of 4,000 pages before it is folded into the file, and 16 MB of
// cache, are worth about a sixth of the acknowledgements (make bench).
func (s *Store) openSQLite(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make the database folder: %w", err)
	}
	const pragmas = "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&_pragma=wal_autocheckpoint(4000)&_pragma=cache_size(-16000)"
	file := "file:" + (&url.URL{Path: path}).EscapedPath() // a # in a path must not end it
	write, err := sql.Open("sqlite", file+pragmas+"&_txlock=immediate")
	if err != nil {
		return fmt.Errorf("open sqlite: %w", err)
	}
	write.SetMaxOpenConns(1)
	if err := write.Ping(); err != nil {
		_ = write.Close()
		return fmt.Errorf("open sqlite %s: %w", path, err)
	}
	read, err := sql.Open("sqlite", file+pragmas+"&_pragma=query_only(1)")
	if err != nil {
		_ = write.Close()
		return fmt.Errorf("open sqlite for reading: %w", err)
	}
	read.SetMaxOpenConns(4)
	s.dialect, s.write, s.read = sqlite, write, read
	return nil
}

func (s *Store) openPostgres(ctx context.Context, url string) error {
	db, err := sql.Open("pgx", url)
	if err != nil {
		return fmt.Errorf("open postgres: %w", err)
	}
	db.SetMaxOpenConns(24)
	db.SetMaxIdleConns(24)
	db.SetConnMaxIdleTime(5 * time.Minute)
	for _, setting := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
		var value string
		if err := db.QueryRowContext(ctx, "select current_setting($1)", setting).Scan(&value); err != nil {
			_ = db.Close()
			return unavailable(err)
		}
		if value == "off" {
			_ = db.Close()
			return &hub.Error{Code: hub.CodeInvalid, Message: "postgres runs with " + setting + " = off and would lose what it confirmed", Next: "switch it on; the ledger is only as durable as its database"}
		}
	}
	s.dialect, s.write, s.read = postgres, db, db
	return nil
}

// lockMigration lets one process at a time change the schema.
func (s *Store) lockMigration(ctx context.Context) (func(), error) {
	if s.dialect == sqlite {
		return func() {}, nil
	}
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return nil, err
	}
	const lock = 0x61747368 // "atsh"
	if _, err := conn.ExecContext(ctx, "select pg_advisory_lock($1)", lock); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return func() {
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), "select pg_advisory_unlock($1)", lock)
		_ = conn.Close()
	}, nil
}
