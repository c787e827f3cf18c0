package archive

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
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

// killChild tells the test binary that it is the process that is killed.
const killChild = "MASKSWITCH_ARCHIVE_CHILD"

// TestKillChild puts one recording after the other until it is killed.
func TestKillChild(t *testing.T) {
	dir := os.Getenv(killChild)
	if dir == "" {
		t.Skip("not a test: the process that TestDirectoryKilledAtAnyInstant kills")
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { // it does not outlive who started it
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	d, err := OpenDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	fmt.Println("ready")
	for i := 0; ctx.Err() == nil; i++ {
		text := content(i % 7)
		half := strings.NewReader(text[len(text)/2:])
		audio := io.MultiReader(strings.NewReader(text[:len(text)/2]), says{"half"}, half)
		if _, err := d.Put(ctx, fmt.Sprintf("day/%d/%d.wav", i%3, i%7), "", int64(len(text)), audio); err != nil && ctx.Err() == nil {
			t.Fatal(err)
		}
		if i%5 == 0 {
			_ = d.Delete(ctx, fmt.Sprintf("day/%d/%d.wav", i%3, i%7))
		}
		fmt.Println("whole")
	}
}

// says is no audio: it tells that it is its turn.
type says struct{ what string }

func (s says) Read([]byte) (int, error) {
	fmt.Println(s.what)
	return 0, io.EOF
}

// content is a recording that shows whether it is whole.
func content(i int) string {
	text := strings.Repeat(fmt.Sprintf("recording %d. ", i), 20_000+i)
	return fmt.Sprintf("%s%x", text, sha256.Sum256([]byte(text)))
}

func TestDirectoryKilledAtAnyInstant(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "recordings")
	dice := rand.New(rand.NewPCG(1, 2))
	unfinished := 0
	for range 25 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKillChild$", "-test.count=1")
		cmd.Env = append(os.Environ(), killChild+"="+dir)
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(stdout)
		for range 2 + dice.IntN(12) {
			if !lines.Scan() {
				t.Fatalf("the process has ended by itself: %v", cmd.Wait())
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed
		stdin.Close()
		unfinished += len(filesIn(t, filepath.Join(dir, parts)))
		objectsAreWhole(t, dir)
	}
	t.Logf("%d of 25 were killed with something unfinished", unfinished)
	if unfinished == 0 {
		t.Error("none was killed in the middle, which proves nothing")
	}
	d, err := OpenDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if left := filesIn(t, filepath.Join(dir, parts)); len(left) > 0 {
		t.Errorf("left unfinished: %q", left)
	}
}

func objectsAreWhole(t *testing.T, dir string) {
	t.Helper()
	for _, file := range filesIn(t, dir) {
		if strings.Contains(file, "/"+parts+"/") {
			continue
		}
		var i int
		if _, err := fmt.Sscanf(filepath.Base(file), "%d.wav", &i); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != content(i) {
			t.Errorf("%s is not whole: %d bytes, %v", file, len(got), err)
		}
	}
}
