package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
)

// Jobs of a child process: this test binary with one of them in its environment.
const (
	jobVariable = "SQLITE_TEST_JOB"
	jobDir      = "SQLITE_TEST_DIR"
)

var jobs = map[string]func(dir string) error{
	"migrate": dieMigrating,
	"full":    fillDisk,
}

func runJob(t *testing.T, job, dir string) (string, error) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), jobVariable+"="+job, jobDir+"="+dir)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// dieMigrating is killed in the transaction of the first migration, with
// everything of it written.
func dieMigrating(dir string) error {
	beforeMigrated = func(int64) { syscall.Kill(os.Getpid(), syscall.SIGKILL); select {} }
	_, err := Open(context.Background(), dir)
	return err
}

func TestMigrationKilled(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		if out, err := runJob(t, "migrate", dir); err == nil || !strings.Contains(err.Error(), "killed") {
			t.Fatalf("child: %v %s", err, out)
		}
	}
	e := opened(t, dir)
	commit(t, e, journal.Change{Open: []protocol.Booking{booking("")}})
}

// copyStore makes the image that a crash at this instant would leave: the
// shared memory beside the WAL is lost with the process.
func copyStore(t *testing.T, e *Engine) string {
	t.Helper()
	dir := t.TempDir()
	for _, suffix := range []string{"", "-wal"} {
		// Another process copies: this one would drop SQLite's locks by closing.
		if out, err := exec.Command("cp", e.path+suffix, filepath.Join(dir, fileName+suffix)).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	return dir
}

// TestTornWAL cuts and garbles the last transaction in the WAL, as a power cut
// in the middle of its write does: what was acknowledged before is there, and
// the torn one is there whole or not at all.
func TestTornWAL(t *testing.T) {
	e := opened(t, t.TempDir())
	var acknowledged []protocol.Booking
	for range 20 {
		b := booking(fmt.Sprint(len(acknowledged)))
		commit(t, e, journal.Change{Open: []protocol.Booking{b}, Calls: []protocol.Call{{ID: protocol.CallID(b.ID)}}})
		acknowledged = append(acknowledged, b)
	}
	before := copyStore(t, e)
	torn := booking("torn")
	commit(t, e, journal.Change{Open: []protocol.Booking{torn}, Calls: []protocol.Call{{ID: protocol.CallID(torn.ID)}}})
	after := copyStore(t, e)
	from, to := walOf(t, before), walOf(t, after)
	if !bytes.HasPrefix(to, from) || len(to) == len(from) {
		t.Fatalf("the WAL went from %d to %d bytes and was to grow", len(from), len(to))
	}

	last := to[len(from):]
	whole := 0
	for i := range 24 {
		tail := bytes.Clone(last)
		switch cut := len(last) * (i / 3) / 8; i % 3 {
		case 0: // the rest never reached the disk
			tail = tail[:cut]
		case 1: // the size did, the bytes did not
			clear(tail[cut:])
		case 2: // a sector is something else
			for j := cut; j < min(cut+512, len(tail)); j++ {
				tail[j] = byte(rand.Int())
			}
		}
		if err := os.WriteFile(filepath.Join(after, fileName+"-wal"), append(bytes.Clone(from), tail...), 0o600); err != nil {
			t.Fatal(err)
		}
		if db, err := os.ReadFile(filepath.Join(before, fileName)); err != nil {
			t.Fatal(err)
		} else if err := os.WriteFile(filepath.Join(after, fileName), db, 0o600); err != nil {
			t.Fatal(err)
		}
		os.Remove(filepath.Join(after, fileName+"-shm"))
		again, err := Open(t.Context(), after)
		if err != nil {
			t.Fatalf("tear %d: %v", i, err)
		}
		for _, b := range acknowledged {
			if _, err := again.Booking(t.Context(), b.ID); err != nil {
				t.Errorf("tear %d: %v", i, err)
			}
		}
		_, err = again.Booking(t.Context(), torn.ID)
		_, callErr := again.Call(t.Context(), protocol.CallID(torn.ID))
		if (err == nil) != (callErr == nil) {
			t.Errorf("tear %d: booking %v, call %v", i, err, callErr)
		}
		if err == nil {
			whole++
		}
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	}
	if whole > 2 {
		t.Errorf("%d of 24 torn transactions were found whole: nothing was torn", whole)
	}
}

func walOf(t *testing.T, dir string) []byte {
	t.Helper()
	wal, err := os.ReadFile(filepath.Join(dir, fileName+"-wal"))
	if err != nil {
		t.Fatal(err)
	}
	return wal
}

// TestDiskFull lets SQLite itself run out of pages: the batch fails whole, the
// journal halts, and with space again it goes on.
func TestDiskFull(t *testing.T) {
	e := opened(t, t.TempDir())
	if err := untilFull(e, func(full bool) error {
		if full {
			return e.writer.script(context.Background(), "PRAGMA max_page_count = 60")
		}
		// Probe opens a connection of its own, without the bound.
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// TestFileSizeLimit does the same with the kernel refusing the write, in the
// middle of a commit.
func TestFileSizeLimit(t *testing.T) {
	if out, err := runJob(t, "full", t.TempDir()); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func fillDisk(dir string) error {
	signal.Ignore(syscall.SIGXFSZ)
	e, err := Open(context.Background(), dir)
	if err != nil {
		return err
	}
	defer e.Close()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	free := limit
	limit.Cur = 700_001 // in the middle of a frame
	return untilFull(e, func(full bool) error {
		if full {
			return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
		}
		return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &free)
	})
}

// untilFull writes through a Group until a commit fails, frees space and checks
// that exactly what was acknowledged is there, before and after more is written.
func untilFull(e *Engine, disk func(full bool) error) error {
	ctx := context.Background()
	g := journal.NewGroup(e, journal.Options{})
	told := make(chan error, 1)
	var acknowledged, failed []protocol.Booking
	write := func() error {
		b := booking(fmt.Sprint(len(acknowledged)) + strings.Repeat("x", 2000))
		err := g.Append(journal.Change{Open: []protocol.Booking{b}}, func(err error) { told <- err })
		if err == nil {
			err = <-told
		}
		if err == nil {
			acknowledged = append(acknowledged, b)
		} else {
			failed = append(failed, b)
		}
		return err
	}
	check := func() error {
		for _, b := range acknowledged {
			if _, err := g.Booking(ctx, b.ID); err != nil {
				return fmt.Errorf("acknowledged and lost: %w", err)
			}
		}
		for _, b := range failed {
			if _, err := g.Booking(ctx, b.ID); !errors.Is(err, journal.ErrNone) {
				return fmt.Errorf("failed, and there: %v", err)
			}
		}
		return nil
	}
	if err := write(); err != nil {
		return err
	}
	if err := disk(true); err != nil {
		return err
	}
	var err error
	for range 2000 {
		if err = write(); err != nil {
			break
		}
	}
	if !errors.Is(err, journal.ErrHalted) {
		return fmt.Errorf("the disk never filled: %v", err)
	}
	fmt.Println("full:", err)
	if err := disk(false); err != nil {
		return err
	}
	if err := g.Resume(); err != nil {
		return err
	}
	if err := check(); err != nil {
		return err
	}
	for range 50 {
		if err := write(); err != nil {
			return err
		}
	}
	return check()
}
