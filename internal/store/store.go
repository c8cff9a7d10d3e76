// Package store is the ledger on disk: one set of SQL for SQLite (the embedded
// default) and Postgres. Everything happens inside Write or Read; a Tx has one
// method per question, takes the tenant wherever a row belongs to one, and
// answers a foreign row exactly like a missing one (hub.CodeNotFound).
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"

	"github.com/atshub/atshub/internal/hub"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is safe for concurrent use; several processes may share one Postgres.
type Store struct {
	dialect dialect
	write   *sql.DB
	read    *sql.DB
	now     func() time.Time // only for SQLite and tests; Postgres tells its own time
	bell    chan struct{}
	group   *groupWriter // of SQLite; nil for Postgres, which commits in groups by itself
	inbox   *committer
	log     *slog.Logger
}

// Options of Open.
type Options struct {
	// URL is "sqlite:<path of the file>" or "postgres://…".
	URL    string
	Logger *slog.Logger
	// Now replaces the database's clock in tests.
	Now func() time.Time
}

// Open connects and brings the schema up to date. A database that would not
// keep what it confirmed (fsync or synchronous_commit off) is refused.
func Open(ctx context.Context, o Options) (*Store, error) {
	s := &Store{now: o.Now, bell: make(chan struct{}, 1), log: o.Logger}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	var err error
	switch {
	case strings.HasPrefix(o.URL, "sqlite:"):
		err = s.openSQLite(strings.TrimPrefix(o.URL, "sqlite:"))
	case strings.HasPrefix(o.URL, "postgres://"), strings.HasPrefix(o.URL, "postgresql://"):
		err = s.openPostgres(ctx, o.URL)
	default:
		err = hub.Invalid("database.url", "must begin with sqlite: or postgres://")
	}
	if err != nil {
		return nil, err
	}
	if err := s.migrate(ctx); err != nil {
		_ = s.Close()
		return nil, err
	}
	if s.dialect == sqlite {
		if s.group, err = newGroupWriter(ctx, s); err != nil {
			_ = s.Close()
			return nil, err
		}
	}
	s.inbox = newCommitter(s)
	return s, nil
}

func (s *Store) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	gooseDialect := database.DialectSQLite3
	if s.dialect == postgres {
		gooseDialect = database.DialectPostgres
	}
	unlock, err := s.lockMigration(ctx)
	if err != nil {
		return fmt.Errorf("lock for migration: %w", err)
	}
	defer unlock()
	provider, err := goose.NewProvider(gooseDialect, s.write, files)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// Close ends the committer and the connections. Webhooks not yet committed are
// answered with an error.
func (s *Store) Close() error {
	if s.inbox != nil {
		s.inbox.close()
	}
	var err error
	if s.group != nil {
		err = s.group.close()
	}
	err = errors.Join(err, s.write.Close())
	if s.read != s.write {
		err = errors.Join(err, s.read.Close())
	}
	return err
}

// Bell is rung after a commit that left work due now. It holds one ring; a
// process that misses it finds the work by its own timer.
func (s *Store) Bell() <-chan struct{} { return s.bell }

func (s *Store) ring() {
	select {
	case s.bell <- struct{}{}:
	default:
	}
}

// Ping tells whether the database can commit.
func (s *Store) Ping(ctx context.Context) error {
	return s.Write(ctx, func(*Tx) error { return nil })
}

// Write runs fn in one transaction and commits it durably. fn's error rolls
// back and is returned as it is. Rows locked by fn are held to the end.
func (s *Store) Write(ctx context.Context, fn func(*Tx) error) error {
	if s.group != nil {
		return s.group.do(ctx, fn)
	}
	tx, raw, err := s.begin(ctx, s.write)
	if err != nil {
		return unavailable(err)
	}
	defer func() { _ = raw.Rollback() }()
	if err := fn(tx); err != nil {
		return err
	}
	if err := raw.Commit(); err != nil {
		return unavailable(fmt.Errorf("commit: %w", err))
	}
	if tx.rings {
		s.ring()
	}
	return nil
}

// Read runs fn on a consistent view; fn must not write.
func (s *Store) Read(ctx context.Context, fn func(*Tx) error) error {
	tx, raw, err := s.begin(ctx, s.read)
	if err != nil {
		return unavailable(err)
	}
	defer func() { _ = raw.Rollback() }()
	return fn(tx)
}

func unavailable(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &hub.Error{Code: hub.CodeUnavailable, Message: "the database cannot be reached; nothing was changed", Next: "try again in a few seconds", Cause: err}
}

// Tx is one transaction. Now is the database's clock, read once.
type Tx struct {
	ctx     context.Context
	sql     querier
	dialect dialect
	now     time.Time
	rings   bool
}

// Now is the instant of this transaction.
func (t *Tx) Now() time.Time { return t.now }

func (s *Store) begin(ctx context.Context, db *sql.DB) (*Tx, *sql.Tx, error) {
	raw, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, nil, err
	}
	tx := &Tx{ctx: ctx, sql: raw, dialect: s.dialect, now: s.clock()}
	if s.now == nil && s.dialect == postgres {
		var millis int64
		if err := raw.QueryRowContext(ctx, postgresClock).Scan(&millis); err != nil {
			_ = raw.Rollback()
			return nil, nil, err
		}
		tx.now = fromMillis(millis)
	}
	return tx, raw, nil
}
