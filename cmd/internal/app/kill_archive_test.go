package app_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"maskswitch/actors/journal/sqlite"
	"maskswitch/actors/protocol"
	"maskswitch/loadtest/carrier"
)

// archived waits until nothing is due for any recording any more, and returns
// what still is. The last to come may be one whose try failed just before.
func (m *market) archived(ctx context.Context, h *home) (due []string) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(h.dir, "journal.db")+"?mode=ro")
	if err != nil {
		m.t.Fatal(err)
	}
	defer db.Close()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for late := time.After(60 * time.Second); ; {
		if due = m.texts(ctx, db, "SELECT id || ' ' || status || ' ' || why FROM recordings WHERE next_try IS NOT NULL"); len(due) == 0 {
			return nil
		}
		select {
		case <-look.C:
		case <-late:
			return due
		case <-ctx.Done():
			return due
		}
	}
}

func (m *market) texts(ctx context.Context, db *sql.DB, query string) (texts []string) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		m.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			m.t.Fatal(err)
		}
		texts = append(texts, text)
	}
	if err := rows.Err(); err != nil {
		m.t.Fatal(err)
	}
	return texts
}

// auditArchive holds what is in the archive against what the carrier recorded:
// all of it, as it was, once, and nothing else. fake tells each recording that
// somebody was told of.
func (m *market) auditArchive(ctx context.Context, t *testing.T, dir string, fake *carrier.Carrier) {
	store, err := sqlite.Open(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	objects := make(map[string]bool)
	for _, want := range fake.Recordings() {
		row, err := store.Recording(ctx, protocol.RecordingID(want.ID))
		if err != nil {
			t.Errorf("recording %s: %v", want.ID, err)
			continue
		}
		if row.Status != protocol.RecordingArchived || row.SHA256 != want.SHA256 || row.Bytes != want.Size {
			t.Errorf("recording %s is %v, %d bytes, %q: %s; the carrier has %d bytes", want.ID, row.Status, row.Bytes, row.SHA256, row.Why, want.Size)
			continue
		}
		objects[row.Object] = true
		audio, err := os.ReadFile(filepath.Join(dir, "recordings", filepath.FromSlash(row.Object)))
		if sum := sha256.Sum256(audio); err != nil || hex.EncodeToString(sum[:]) != want.SHA256 {
			t.Errorf("recording %s in the archive: %d bytes, %v", want.ID, len(audio), err)
		}
	}
	files := 0
	err = fs.WalkDir(os.DirFS(filepath.Join(dir, "recordings")), ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || d.IsDir():
			return err
		case strings.HasPrefix(path, "."):
			t.Errorf("a part was left: %s", path)
		case !objects[path]:
			t.Errorf("nobody knows of %s", path)
		default:
			files++
		}
		return nil
	})
	if err != nil || files != len(objects) {
		t.Errorf("%d objects in %d files: %v", len(objects), files, err)
	}
	if leaks := fake.KeyLeaks(); len(leaks) > 0 {
		t.Errorf("the API key was shown to the storage: %v", leaks)
	}
	t.Logf("%d recordings archived", files)
	if files == 0 {
		t.Error("nothing was archived")
	}
}
