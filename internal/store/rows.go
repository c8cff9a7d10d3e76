package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/atshub/atshub/internal/hub"
)

// Shared by all queries: running a statement, scanning rows, and the three
// column shapes that differ from Go (times, JSON, flags).

type scanner interface{ Scan(dest ...any) error }

// one runs a query for a single row; a missing row is hub.NotFound(kind).
func one[T any](t *Tx, kind string, scan func(scanner) (T, error), query string, args ...any) (T, error) {
	v, err := scan(t.sql.QueryRowContext(t.ctx, query, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return v, hub.NotFound(kind)
	}
	if err != nil {
		return v, fault("read "+kind, err)
	}
	return v, nil
}

// many runs a query for any number of rows.
func many[T any](t *Tx, kind string, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := t.sql.QueryContext(t.ctx, query, args...)
	if err != nil {
		return nil, fault("list "+kind, err)
	}
	defer func() { _ = rows.Close() }()
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, fault("list "+kind, err)
		}
		all = append(all, v)
	}
	if err := rows.Err(); err != nil {
		return nil, fault("list "+kind, err)
	}
	return all, nil
}

// exec runs a statement and tells how many rows it touched.
func (t *Tx) exec(what, query string, args ...any) (int64, error) {
	result, err := t.sql.ExecContext(t.ctx, query, args...)
	if err != nil {
		return 0, fault(what, err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return 0, fault(what, err)
	}
	return n, nil
}

// execOne is exec of a statement that must touch exactly one row of kind.
func (t *Tx) execOne(kind, query string, args ...any) error {
	n, err := t.exec("write "+kind, query, args...)
	if err != nil {
		return err
	}
	if n != 1 {
		return hub.NotFound(kind)
	}
	return nil
}

func fault(what string, err error) error { return unavailable(fmt.Errorf("%s: %w", what, err)) }

func text(row scanner) (string, error) {
	var s string
	err := row.Scan(&s)
	return s, err
}

func number(row scanner) (int64, error) {
	var n int64
	err := row.Scan(&n)
	return n, err
}

func millis(t time.Time) int64 { return t.UnixMilli() }

func fromMillis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// maybe is a nullable time column, both ways.
type maybe struct{ t **time.Time }

func (m maybe) Scan(src any) error {
	var n sql.NullInt64
	if err := n.Scan(src); err != nil {
		return err
	}
	*m.t = nil
	if n.Valid {
		t := fromMillis(n.Int64)
		*m.t = &t
	}
	return nil
}

func maybeMillis(t *time.Time) any {
	if t == nil {
		return nil
	}
	return t.UnixMilli()
}

// instant scans a time column that is never null.
type instant struct{ t *time.Time }

func (i instant) Scan(src any) error {
	var n sql.NullInt64
	if err := n.Scan(src); err != nil {
		return err
	}
	*i.t = fromMillis(n.Int64)
	return nil
}

// document scans a JSON column; null leaves the target as it is.
type document struct{ into any }

func (d document) Scan(src any) error {
	var s sql.NullString
	if err := s.Scan(src); err != nil {
		return err
	}
	if !s.Valid || s.String == "" {
		return nil
	}
	return json.Unmarshal([]byte(s.String), d.into)
}

// jsonText is a value as JSON text; a value that cannot be encoded is a bug.
func jsonText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("encode %T: %v", v, err))
	}
	return string(b)
}

// flag scans a 0/1 column.
type flag struct{ b *bool }

func (f flag) Scan(src any) error {
	var n sql.NullInt64
	if err := n.Scan(src); err != nil {
		return err
	}
	*f.b = n.Int64 != 0
	return nil
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// Page asks for rows after a cursor (an id), newest or oldest first as the
// query says.
type Page struct {
	After string
	Limit int // 1..200, 0 = 50
}

func (p Page) limit() int {
	switch {
	case p.Limit <= 0:
		return 50
	case p.Limit > 200:
		return 200
	}
	return p.Limit
}

func placeholder(n int) string { return "$" + strconv.Itoa(n) }
