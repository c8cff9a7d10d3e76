package testenv

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/store"
)

// Postgres is the URL of a fresh, migrated database on this process's server.
func Postgres(t *testing.T) string {
	t.Helper()
	bin := postgresBin()
	if bin == "" {
		missing(t, "Postgres")
	}
	p := sharedPostgres.get(t, func() (*postgresServer, error) { return startPostgres(bin) })
	name := strings.ReplaceAll(hub.NewID("test"), "-", "")
	require.NoError(t, p.exec("create database "+name+" template ledger"))
	t.Cleanup(func() { _ = p.exec("drop database " + name + " with (force)") })
	return p.url(name)
}

var sharedPostgres once[*postgresServer]

type postgresServer struct {
	*server
	admin *sql.DB
	copy  sync.Mutex // a template is copied by one at a time
}

// postgresBin is the folder of the newest Postgres of this machine, "" if none.
func postgresBin() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) > 0 {
		return filepath.Dir(slices.MaxFunc(found, func(a, b string) int {
			if len(a) != len(b) {
				return len(a) - len(b)
			}
			return strings.Compare(a, b)
		}))
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path)
	}
	return ""
}

// startPostgres makes a cluster that keeps what it confirms, reached by a Unix
// socket only, and a migrated database to copy.
func startPostgres(bin string) (*postgresServer, error) {
	dir, err := newDir("pg")
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "--auth=trust", "--no-sync", "--no-instructions", "-E", "UTF8", "--locale=C")
	initdb.Dir = dir
	runAs(initdb)
	if out, err := initdb.CombinedOutput(); err != nil {
		_ = os.RemoveAll(dir)
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	s, err := launch(dir, "QUIT", filepath.Join(bin, "postgres"), "-D", data, "-k", dir,
		"-c", "listen_addresses=", "-c", "fsync=on", "-c", "synchronous_commit=on",
		"-c", "max_connections=600", "-c", "shared_buffers=64MB", "-c", "autovacuum_naptime=10s", "-c", "log_min_messages=fatal")
	if err != nil {
		return nil, err
	}
	p := &postgresServer{server: s}
	if p.admin, err = sql.Open("pgx", p.url("postgres")); err != nil {
		return nil, err
	}
	p.admin.SetMaxOpenConns(2)
	if err := s.await(func() bool { return p.admin.Ping() == nil }); err != nil {
		return nil, err
	}
	return p, p.makeTemplate()
}

func (p *postgresServer) makeTemplate() error {
	if err := p.exec("create database ledger"); err != nil {
		return err
	}
	s, err := store.Open(context.Background(), store.Options{URL: p.url("ledger")})
	if err != nil {
		return err
	}
	return s.Close()
}

func (p *postgresServer) exec(statement string) error {
	p.copy.Lock()
	defer p.copy.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err := p.admin.ExecContext(ctx, statement)
	return err
}

func (p *postgresServer) url(database string) string {
	return "postgres://postgres@/" + database + "?host=" + p.dir
}

// CutOff takes the database of a Postgres URL away from everyone, as if its
// server were down, until the answered function gives it back.
func CutOff(t *testing.T, url string) (giveBack func()) {
	t.Helper()
	name := strings.TrimPrefix(url[:strings.IndexByte(url, '?')], "postgres://postgres@/")
	p := sharedPostgres.value
	require.NoError(t, p.exec("alter database "+name+" with allow_connections false"))
	require.NoError(t, p.exec("select pg_terminate_backend(pid) from pg_stat_activity where datname = '"+name+"'"))
	return func() { require.NoError(t, p.exec("alter database "+name+" with allow_connections true")) }
}
