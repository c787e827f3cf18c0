package archive

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"maskswitch/actors/protocol"
)

func TestDirectoryIsPrivateAndClean(t *testing.T) {
	d, dir := newDirectory(t)
	if err := put(t.Context(), d, "2026/11/23/x/a.mp3", "x"); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if entry.IsDir() {
			want = 0o700
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Delete(t.Context(), "2026/11/23/x/a.mp3"); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != parts {
		t.Errorf("after the only object is gone there are %v, %v", entries, err)
	}
}

func TestDirectoryRemovesWhatWasLeft(t *testing.T) {
	d, dir := newDirectory(t)
	if err := put(t.Context(), d, "a.mp3", "x"); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(dir, parts, "of an earlier life.part")
	if err := os.WriteFile(left, []byte("half of a recording"), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := OpenDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if files := filesIn(t, dir); len(files) != 1 || get(t, d, "a.mp3") != "x" {
		t.Errorf("there are %q", files)
	}
}

func TestDirectoryThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	taken := t.TempDir()
	if err := os.Mkdir(filepath.Join(taken, "recordings"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/proc/self", filepath.Join(taken, "readonly")); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{
		file:                             "directory for recordings",
		filepath.Join(file, "below"):     "directory for recordings",
		filepath.Join(taken, "readonly"): "this user (uid",
	} {
		d, err := OpenDirectory(dir)
		if err == nil {
			d.Close()
			t.Errorf("%s was opened", dir)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: want %q in: %v", dir, want, err)
		}
	}
}

func TestDirectoryIsNotLeft(t *testing.T) {
	d, dir := newDirectory(t)
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "way")); err != nil {
		t.Fatal(err)
	}
	if err := put(t.Context(), d, "way/new", "x"); err == nil {
		t.Error("put through a link that leads outside")
	}
	if _, err := d.Open(t.Context(), "way/secret", 0, -1); err == nil {
		t.Error("opened through a link that leads outside")
	}
	if err := d.Delete(t.Context(), "way/secret"); err == nil {
		t.Error("deleted through a link that leads outside")
	}
	if files := filesIn(t, outside); len(files) != 1 {
		t.Errorf("outside there are %q", files)
	}
}

// TestDirectoryFoldersComeAndGo has deletions take away the folders that others
// are about to put something in.
func TestDirectoryFoldersComeAndGo(t *testing.T) {
	d, _ := newDirectory(t)
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			name := fmt.Sprintf("deep/er/still/%d", i)
			for range 200 {
				err := put(t.Context(), d, name, "x")
				if _, gone := d.Stat(t.Context(), name); err != nil || gone != nil {
					t.Errorf("put: %v, %v", err, gone)
				}
				if err := d.Delete(t.Context(), name); err != nil {
					t.Errorf("delete: %v", err)
				}
			}
		})
	}
	all.Wait()
}

// TestDirectorySyncs sees what is brought to the disk, and in what order.
func TestDirectorySyncs(t *testing.T) {
	d, dir := newDirectory(t)
	var synced []string
	broken := errors.New("the disk is broken")
	failing := -1
	d.fsync = func(f *os.File) error {
		name, _ := filepath.Rel(dir, f.Name())
		if strings.HasPrefix(name, parts+"/") {
			name = "part"
		}
		synced = append(synced, name)
		if len(synced)-1 == failing {
			return broken
		}
		return f.Sync()
	}
	const name = "2026/11/a.mp3"
	for _, test := range []struct {
		what string
		do   func() error
		want []string
	}{
		{"put", func() error { return put(t.Context(), d, name, "x") }, []string{"part", "2026/11", "2026", "."}},
		{"put once more", func() error { return put(t.Context(), d, name, "y") }, []string{"part", "2026/11", "2026", "."}},
		{"put beside it", func() error { return put(t.Context(), d, "2026/b.mp3", "y") }, []string{"part", "2026", "."}},
		{"delete", func() error { return d.Delete(t.Context(), name) }, []string{"2026"}},
		{"delete once more", func() error { return d.Delete(t.Context(), name) }, []string{"2026"}},
		{"delete the last", func() error { return d.Delete(t.Context(), "2026/b.mp3") }, []string{"."}},
	} {
		for failing = range test.want {
			if strings.HasPrefix(test.what, "put") {
				synced = nil
				if err := test.do(); !strings.Contains(fmt.Sprint(err), broken.Error()) {
					t.Errorf("%s, as %s could not be synced: %v", test.what, test.want[failing], err)
				}
			}
		}
		synced, failing = nil, -1
		if err := test.do(); err != nil || !slices.Equal(synced, test.want) {
			t.Errorf("%s has synced %q, %v; want %q", test.what, synced, err, test.want)
		}
		synced, failing = nil, 0
		if err := test.do(); !strings.Contains(fmt.Sprint(err), broken.Error()) {
			t.Errorf("%s, as nothing could be synced: %v", test.what, err)
		}
		failing = -1
	}
}

func TestDirectoryTroubles(t *testing.T) {
	d, _ := newDirectory(t)
	for _, test := range []struct {
		op   string
		err  error
		kind protocol.RecordingTrouble
		want string
	}{
		{"put", syscall.ENOSPC, protocol.TroubleRefused, "make room"},
		{"put", syscall.EDQUOT, protocol.TroubleRefused, "make room"},
		{"open", syscall.EACCES, protocol.TroubleRefused, "may not"},
		{"put", syscall.EROFS, protocol.TroubleRefused, "may not"},
		{"open", syscall.EIO, protocol.TroubleRefused, "replace"},
		{"put", syscall.ENOENT, protocol.TroubleRefused, "taken away"},
		{"put", syscall.ENOTDIR, protocol.TroubleRefused, "out of the way"},
		{"open", syscall.EMFILE, protocol.TroubleLater, "too many open files"},
	} {
		for _, err := range []error{
			&fs.PathError{Op: "x", Path: "/secret/path", Err: test.err},
			&os.LinkError{Op: "rename", Old: "/secret/path", New: "b", Err: test.err},
		} {
			got := d.trouble(test.op, "a.mp3", err)
			refused(t, got, test.kind, test.want, test.op, "a.mp3", test.err.Error())
			if strings.Contains(got.Error(), "/secret/path") {
				t.Errorf("a path of no concern in: %v", got)
			}
		}
	}
}
