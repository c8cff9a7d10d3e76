package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Group commit for SQLite: one goroutine owns the one connection that writes.
// It runs whatever waits, each in a savepoint of its own, in one transaction
// that is fsynced once, and only then answers. Statements stay prepared.

type groupWriter struct {
	store *Store
	conn  *sql.Conn
	stmts statements
	queue chan *writeJob
	stop  chan struct{}
	done  chan struct{}
	once  sync.Once
}

type writeJob struct {
	ctx   context.Context
	fn    func(*Tx) error
	err   error
	panic any
	rings bool
	ended chan struct{}
}

func newGroupWriter(ctx context.Context, s *Store) (*groupWriter, error) {
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return nil, unavailable(err)
	}
	w := &groupWriter{
		store: s, conn: conn, stmts: statements{conn: conn, prepared: map[string]*sql.Stmt{}},
		queue: make(chan *writeJob, batchLimit), stop: make(chan struct{}), done: make(chan struct{}),
	}
	go w.run()
	return w, nil
}

// do answers once fn is committed and fsynced, or undone.
func (w *groupWriter) do(ctx context.Context, fn func(*Tx) error) error {
	j := &writeJob{ctx: ctx, fn: fn, ended: make(chan struct{})}
	select {
	case w.queue <- j:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.stop:
		return unavailable(errClosed)
	}
	select {
	case <-j.ended:
	case <-w.done:
		return unavailable(errClosed)
	}
	if j.panic != nil {
		panic(j.panic)
	}
	return j.err
}

// close lets the batch under way end. Safe to call twice.
func (w *groupWriter) close() (err error) {
	w.once.Do(func() {
		close(w.stop)
		<-w.done
		w.stmts.close()
		err = w.conn.Close()
	})
	return err
}

func (w *groupWriter) run() {
	defer close(w.done)
	for {
		select {
		case first := <-w.queue:
			w.commit(w.gather(first))
		case <-w.stop:
			return
		}
	}
}

func (w *groupWriter) gather(first *writeJob) []*writeJob {
	batch := []*writeJob{first}
	for len(batch) < batchLimit {
		select {
		case j := <-w.queue:
			batch = append(batch, j)
		default:
			return batch
		}
	}
	return batch
}

// commit runs a batch. When SQLite itself gives up (disk full, I/O error) the
// whole transaction is gone: then everyone in the batch is told so.
func (w *groupWriter) commit(batch []*writeJob) {
	err := w.exec("begin immediate")
	for _, j := range batch {
		if err != nil {
			break
		}
		err = w.runOne(j)
	}
	if err == nil {
		err = w.exec("commit")
	}
	if err != nil {
		_ = w.exec("rollback") // may have happened by itself
	}
	for _, j := range batch {
		if err != nil && j.err == nil {
			j.err = unavailable(fmt.Errorf("commit: %w", err))
		}
		if j.rings && j.err == nil {
			w.store.ring() // before the caller goes on
		}
		close(j.ended)
	}
}

// runOne runs one fn in its savepoint. Its own failure is undone and is the
// caller's; the error answered is that of the transaction. The caller's
// context is looked at before, not during: interrupting a statement would make
// SQLite undo the whole batch.
func (w *groupWriter) runOne(j *writeJob) error {
	if j.err = j.ctx.Err(); j.err != nil {
		return nil
	}
	if err := w.exec("savepoint one"); err != nil {
		return err
	}
	tx := &Tx{ctx: context.WithoutCancel(j.ctx), sql: w.stmts, dialect: sqlite, now: w.store.clock()}
	j.err = j.run(tx)
	j.rings = tx.rings
	if j.err != nil || j.panic != nil {
		if err := w.exec("rollback to one"); err != nil {
			return err
		}
	}
	return w.exec("release one")
}

func (j *writeJob) run(tx *Tx) error {
	defer func() { j.panic = recover() }()
	return j.fn(tx)
}

func (w *groupWriter) exec(statement string) error {
	_, err := w.stmts.ExecContext(context.Background(), statement)
	return err
}

// clock is the time of a database that has none of its own.
func (s *Store) clock() time.Time {
	if s.now != nil {
		return s.now().UTC().Truncate(time.Millisecond)
	}
	return time.Now().UTC().Truncate(time.Millisecond)
}

// querier is what a Tx needs of the database.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// statements keeps what was prepared on one connection: the texts are few and
// come again and again.
type statements struct {
	conn     *sql.Conn
	prepared map[string]*sql.Stmt
}

func (s statements) prepare(query string) (*sql.Stmt, error) {
	if stmt, ok := s.prepared[query]; ok {
		return stmt, nil
	}
	stmt, err := s.conn.PrepareContext(context.Background(), query)
	if err == nil {
		s.prepared[query] = stmt
	}
	return stmt, err
}

func (s statements) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	stmt, err := s.prepare(query)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

func (s statements) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	stmt, err := s.prepare(query)
	if err != nil {
		return s.conn.QueryRowContext(ctx, query, args...) // carries the same error
	}
	return stmt.QueryRowContext(ctx, args...)
}

func (s statements) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	stmt, err := s.prepare(query)
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(ctx, args...)
}

func (s statements) close() {
	for _, stmt := range s.prepared {
		_ = stmt.Close()
	}
}

var errClosed = errors.New("the store is closed")
