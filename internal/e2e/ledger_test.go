package e2e

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
)

// ledger is the database as it lies there, read past the hub.
type ledger struct {
	w  *world
	db *sql.DB
}

func (w *world) ledger() ledger {
	w.t.Helper()
	driver, dsn := "pgx", w.backend.DatabaseURL
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		driver, dsn = "sqlite", "file:"+path+"?_pragma=busy_timeout(10000)&_pragma=query_only(1)"
	}
	db, err := sql.Open(driver, dsn)
	require.NoError(w.t, err)
	db.SetMaxOpenConns(2)
	w.t.Cleanup(func() { _ = db.Close() })
	return ledger{w, db}
}

// number answers a question that has one number for an answer; -1 while the
// database is away.
func (l ledger) number(query string, args ...any) int {
	l.w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	n := -1
	if err := l.db.QueryRowContext(ctx, query, args...).Scan(&n); err != nil {
		return -1
	}
	return n
}

// rows answers a question with text columns.
func (l ledger) rows(query string, args ...any) (all [][]string) {
	l.w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	found, err := l.db.QueryContext(ctx, query, args...)
	require.NoError(l.w.t, err)
	defer func() { _ = found.Close() }()
	columns, err := found.Columns()
	require.NoError(l.w.t, err)
	for found.Next() {
		row, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		require.NoError(l.w.t, found.Scan(into...))
		text := make([]string, len(columns))
		for i := range row {
			text[i] = row[i].String
		}
		all = append(all, text)
	}
	require.NoError(l.w.t, found.Err())
	return all
}

// settled waits until nothing is open: every event has its disposition, every
// action its end, and neither has work left.
func (l ledger) settled() {
	l.w.t.Helper()
	open := func() string {
		events := l.number(`select count(*) from events where disposition = ''`)
		actions := l.number(`select count(*) from actions where state in ('ready', 'sending', 'uncertain')`)
		work := l.number(`select count(*) from work where kind in ('event', 'action')`)
		if events == 0 && actions == 0 && work == 0 {
			return ""
		}
		return fmt.Sprintf("%d events, %d actions, %d rows of work", events, actions, work)
	}
	deadline := time.Now().Add(patience)
	for what := open(); what != ""; what = open() {
		if time.Now().After(deadline) {
			l.w.t.Fatalf("still open: %s; work: %v", what, l.rows(`select kind, ref, state, last_error from work where kind in ('event', 'action')`))
		}
		time.Sleep(10 * time.Millisecond)
	}
}
