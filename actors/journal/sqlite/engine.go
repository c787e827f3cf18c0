// Package sqlite is the journal engine in the process: one directory, one
// writer.
//
// The file is SQLite in WAL mode with synchronous=FULL: what was committed
// survives a power cut. One connection writes, from the committer of the Group;
// readers have connections of their own and never hold it up. Views (bookings,
// calls, recordings) are there for people who open the file while the switch
// runs.
//
// The directory belongs to one process at a time, by a flock on the file named
// lock, which the kernel releases however the process dies. SQLite's own
// exclusive mode would do that too, but would keep people's readers out.
package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"modernc.org/sqlite"

	"maskswitch/actors/journal"
)

// fileName is the database in its directory; SQLite adds -wal and -shm.
const fileName = "journal.db"

// readerCount bounds the connections that answer questions.
const readerCount = 4

// Engine is a journal.Engine.
type Engine struct {
	path    string
	lock    *os.File
	writer  *writer // nil after a failure that closed it; used by Commit and Probe only
	readers *sql.DB
}

var _ journal.Engine = (*Engine)(nil)

// Open opens the store in dir, and makes both if they are missing (0700, files
// 0600). It returns journal.ErrNewer if a newer program wrote the store, and
// other errors if another process has it or the file is not one of ours; the
// file is untouched then.
func Open(ctx context.Context, dir string) (*Engine, error) {
	e, err := open(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	return e, nil
}

func open(ctx context.Context, dir string) (_ *Engine, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	lock, err := claim(dir)
	if err != nil {
		return nil, err
	}
	e := &Engine{path: filepath.Join(dir, fileName), lock: lock}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.Close())
		}
	}()
	if err := create(e.path); err != nil {
		return nil, err
	}
	if e.writer, err = newWriter(ctx, e.path); err != nil {
		return nil, err
	}
	connector, err := sqlite.NewConnector(dsn(e.path, "busy_timeout(5000)", "query_only(1)", "cache_size(-8000)"))
	if err != nil {
		return nil, err
	}
	e.readers = sql.OpenDB(connector)
	e.readers.SetMaxOpenConns(readerCount)
	e.readers.SetMaxIdleConns(readerCount)
	return e, e.readers.PingContext(ctx)
}

// Close implements journal.Engine.
func (e *Engine) Close() error {
	var errs []error
	if e.readers != nil {
		errs = append(errs, e.readers.Close())
	}
	if e.writer != nil {
		errs = append(errs, e.writer.close())
		e.writer = nil
	}
	errs = append(errs, e.lock.Close())
	return errors.Join(errs...)
}

// Size implements journal.Store: the database and its WAL.
func (e *Engine) Size() int64 {
	var n int64
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(e.path + suffix); err == nil {
			n += info.Size()
		}
	}
	return n
}

// dsn names the file to the driver, whatever characters its directory has.
func dsn(path string, pragmas ...string) string {
	u := url.URL{Scheme: "file", Path: path, RawQuery: url.Values{"_pragma": pragmas}.Encode()}
	return u.String()
}

// connect opens a connection below database/sql, whose pool and locks the
// writer does not need.
func connect(ctx context.Context, path string, pragmas ...string) (driver.Conn, error) {
	connector, err := sqlite.NewConnector(dsn(path, pragmas...))
	if err != nil {
		return nil, err
	}
	return connector.Connect(ctx)
}
