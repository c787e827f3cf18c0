package sqlite

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

//go:embed migrations/*.sql
var migrations embed.FS

// applicationID marks the file as ours: "mask" in ASCII. The first migration
// sets it.
const applicationID = 0x6d61736b

// errForeign says that the file belongs to somebody else.
var errForeign = errors.New("not a store of maskswitch")

// beforeMigrated is called in a migration's transaction, just before its end.
// Tests stop the process there.
var beforeMigrated = func(version int64) {}

// inspect reads what the file is without changing it: the version of its
// schema, 0 for a new file.
func (w *writer) inspect() (version int64, err error) {
	id, err := w.number("PRAGMA application_id")
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errForeign, err)
	}
	tables, err := w.number("SELECT count(*) FROM sqlite_schema")
	switch {
	case err != nil:
		return 0, err
	case tables == 0:
		return 0, nil
	case id != applicationID:
		return 0, errForeign
	}
	return w.number("SELECT coalesce(max(version), 0) FROM schema_version")
}

// script is one migration. Its version is its place in the list, from 1.
type script struct{ name, text string }

// scriptsOf lists the migrations in files, which are named by their version:
// 0001_first.sql.
func scriptsOf(files fs.FS) ([]script, error) {
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var scripts []script
	for i, name := range names {
		if base := path.Base(name); !strings.HasPrefix(base, fmt.Sprintf("%04d_", i+1)) {
			return nil, fmt.Errorf("migration %s: version %04d is due", base, i+1)
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		scripts = append(scripts, script{path.Base(name), string(text)})
	}
	return scripts, nil
}

// migrate brings the schema from version have to the newest, each script in a
// transaction of its own.
func (w *writer) migrate(ctx context.Context, have int64, scripts []script) error {
	for version := have + 1; version <= int64(len(scripts)); version++ {
		s := scripts[version-1]
		if err := w.migrateOne(ctx, version, s); err != nil {
			return fmt.Errorf("migration %s: %w", s.name, err)
		}
	}
	return nil
}

func (w *writer) migrateOne(ctx context.Context, version int64, s script) error {
	return w.transaction(func() error {
		if err := w.script(ctx, `CREATE TABLE IF NOT EXISTS schema_version (
			version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT`); err != nil {
			return err
		}
		if err := w.script(ctx, s.text); err != nil {
			return err
		}
		if err := w.script(ctx, "INSERT INTO schema_version VALUES (?, ?, ?)",
			version, s.name, time.Now().UnixMicro()); err != nil {
			return err
		}
		beforeMigrated(version)
		return nil
	})
}
