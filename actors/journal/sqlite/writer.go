package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	"maskswitch/actors/journal"
)

// writer is the one connection that writes. It speaks to the driver itself:
// database/sql costs a commit of one change a tenth more, and a pool, locks and
// contexts are of no use here.
type writer struct {
	conn       driver.Conn
	begin      driver.StmtExecContext
	commit     driver.StmtExecContext
	rollback   driver.StmtExecContext
	savepoint  driver.StmtExecContext
	release    driver.StmtExecContext
	undo       driver.StmtExecContext
	statements statements
	open       []driver.Stmt // all of them, to be closed
	args       []driver.NamedValue
}

// checkpointPages is how long the WAL gets before it is copied into the
// database, in pages of 4 KiB.
const checkpointPages = 1000

func newWriter(ctx context.Context, path string) (_ *writer, err error) {
	conn, err := connect(ctx, path, "busy_timeout(5000)")
	if err != nil {
		return nil, err
	}
	w := &writer{conn: conn}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	have, err := w.inspect()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := w.prepare(map[*driver.StmtExecContext]string{
		&w.begin: "BEGIN IMMEDIATE", &w.commit: "COMMIT", &w.rollback: "ROLLBACK",
		&w.savepoint: "SAVEPOINT change", &w.release: "RELEASE change", &w.undo: "ROLLBACK TO change",
	}); err != nil {
		return nil, err
	}
	scripts, err := scriptsOf(migrations)
	if err != nil {
		return nil, err
	}
	if have > int64(len(scripts)) {
		return nil, fmt.Errorf("%s: %w: it has schema version %d, this program knows %d",
			path, journal.ErrNewer, have, len(scripts))
	}
	for _, pragma := range []string{
		"journal_mode = WAL",
		"synchronous = FULL",
		// What is erased is overwritten with zeros; measured, it costs nothing.
		"secure_delete = ON",
		"cache_size = -32000", // KiB
		fmt.Sprintf("wal_autocheckpoint = %d", checkpointPages),
		// The WAL keeps its size and is written over: a growing file doubles the
		// cost of an fsync. Beyond this, a long reader has blown it up.
		"journal_size_limit = 268435456",
	} {
		if err := w.script(ctx, "PRAGMA "+pragma); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", path, pragma, err)
		}
	}
	if err := w.migrate(ctx, have, scripts); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return w, w.prepare(w.statements.texts())
}

func (w *writer) close() error {
	var errs []error
	for _, s := range w.open {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, w.conn.Close())...)
}

func (w *writer) prepare(texts map[*driver.StmtExecContext]string) error {
	for to, text := range texts {
		s, err := w.conn.Prepare(text)
		if err != nil {
			return fmt.Errorf("prepare %.40q: %w", text, err)
		}
		w.open = append(w.open, s)
		*to = s.(driver.StmtExecContext)
	}
	return nil
}

// transaction commits what f has written, or nothing.
func (w *writer) transaction(f func() error) error {
	if _, err := w.exec(w.begin); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	err := f()
	if err == nil {
		if _, err = w.exec(w.commit); err == nil {
			return nil
		}
		err = fmt.Errorf("commit: %w", err)
	}
	// SQLite may have rolled back by itself, and says so with an error that
	// tells nothing new.
	w.exec(w.rollback)
	return err
}

// exec runs a prepared statement and returns how many rows it changed.
func (w *writer) exec(s driver.StmtExecContext, args ...driver.Value) (int64, error) {
	w.args = w.args[:0]
	for i, v := range args {
		w.args = append(w.args, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	result, err := s.ExecContext(context.Background(), w.args)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// script runs SQL that is not worth preparing: one statement or several.
func (w *writer) script(ctx context.Context, text string, args ...driver.Value) error {
	named := make([]driver.NamedValue, len(args))
	for i, v := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	_, err := w.conn.(driver.ExecerContext).ExecContext(ctx, text, named)
	return err
}

// number asks for one integer.
func (w *writer) number(text string) (int64, error) {
	rows, err := w.conn.(driver.QueryerContext).QueryContext(context.Background(), text, nil)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	value := make([]driver.Value, 1)
	if err := rows.Next(value); err != nil {
		if errors.Is(err, io.EOF) {
			return 0, fmt.Errorf("%s: no row", text)
		}
		return 0, err
	}
	n, ok := value[0].(int64)
	if !ok {
		return 0, fmt.Errorf("%s: not an integer", text)
	}
	return n, nil
}
