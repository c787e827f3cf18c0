package journal_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"maskswitch/actors/journal"
	"maskswitch/actors/journal/memory"
	"maskswitch/actors/protocol"
)

var errDisk = errors.New("disk on fire")

// log notes the fate of changes in the order in which it is told.
type log struct {
	names []string
	errs  []error
}

func (l *log) done(name string) journal.Done {
	return func(err error) { l.names, l.errs = append(l.names, name), append(l.errs, err) }
}

func story(n int) journal.Change {
	return journal.Change{Story: []protocol.Line{{N: n, What: `{}`}}}
}

func append1(t *testing.T, g *journal.Group, c journal.Change, done journal.Done) {
	t.Helper()
	if err := g.Append(c, done); err != nil {
		t.Fatalf("append: %v", err)
	}
}

// held starts a group whose engine holds its first commit, with that commit
// under way.
func held(t *testing.T, o journal.Options) (*journal.Group, *memory.Engine, func()) {
	t.Helper()
	e := memory.New()
	release := e.Hold()
	g := journal.NewGroup(e, o)
	append1(t, g, story(1), nil)
	synctest.Wait()
	return g, e, release
}

func TestBatchIsWhatCameInMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, e, release := held(t, journal.Options{MaxBatch: 4})
		var l log
		want := []string{"a", "b", "c", "d", "e", "f", "g"}
		for i, name := range want {
			append1(t, g, story(2+i), l.done(name))
		}
		synctest.Wait()
		if len(l.names) != 0 || g.Pending() != 8 {
			t.Errorf("before the commit: told %v, pending %d", l.names, g.Pending())
		}
		release()
		synctest.Wait()
		if !slices.Equal(l.names, want) || errors.Join(l.errs...) != nil {
			t.Errorf("told %v, %v", l.names, l.errs)
		}
		if e.Commits() != 3 || g.Pending() != 0 {
			t.Errorf("%d commits for 1, 4 and 3 changes; pending %d", e.Commits(), g.Pending())
		}
		if err := g.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestBarrierCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, e, release := held(t, journal.Options{})
		var l log
		append1(t, g, story(2), l.done("change"))
		append1(t, g, journal.Change{Partition: 3}, l.done("barrier"))
		release()
		synctest.Wait()
		append1(t, g, journal.Change{}, l.done("alone"))
		synctest.Wait()
		if !slices.Equal(l.names, []string{"change", "barrier", "alone"}) || e.Commits() != 2 {
			t.Errorf("told %v after %d commits", l.names, e.Commits())
		}
		g.Close(t.Context())
	})
}

func TestFullQueueRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _, release := held(t, journal.Options{Queue: 3})
		var l log
		append1(t, g, story(2), l.done("second"))
		append1(t, g, story(3), l.done("third"))
		if err := g.Append(story(4), l.done("fourth")); !errors.Is(err, journal.ErrBusy) {
			t.Errorf("fourth of three: %v", err)
		}
		release()
		synctest.Wait()
		append1(t, g, story(5), l.done("fifth"))
		synctest.Wait()
		if !slices.Equal(l.names, []string{"second", "third", "fifth"}) {
			t.Errorf("told %v", l.names)
		}
		g.Close(t.Context())
	})
}

func TestFailedCommitHaltsUntilResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, e, release := held(t, journal.Options{MaxBatch: 2})
		var l log
		var halts []error
		g.OnHalt(func(err error) {
			halts = append(halts, err)
			if len(l.names) != 5 {
				t.Errorf("owner learns after %v", l.names)
			}
		})
		e.Fail(errDisk)
		for i, name := range []string{"a", "b", "c", "d"} {
			append1(t, g, story(2+i), l.done(name))
		}
		// What is refused while the failures are told was never queued.
		append1(t, g, story(9), func(err error) {
			l.done("e")(err)
			if err := g.Append(story(10), l.done("f")); !errors.Is(err, journal.ErrHalted) {
				t.Errorf("append in a halt: %v", err)
			}
		})
		release()
		synctest.Wait()
		if !slices.Equal(l.names, []string{"a", "b", "c", "d", "e"}) {
			t.Errorf("told %v", l.names)
		}
		for _, err := range append(l.errs, halts...) {
			if !errors.Is(err, journal.ErrHalted) || !errors.Is(err, errDisk) {
				t.Errorf("told %v", err)
			}
		}
		if len(halts) != 1 || g.Pending() != 0 {
			t.Errorf("%d halts, pending %d", len(halts), g.Pending())
		}

		e.FailProbe(errDisk)
		if err := g.Resume(); !errors.Is(err, errDisk) {
			t.Errorf("resume on a broken disk: %v", err)
		}
		if err := g.Append(story(11), nil); !errors.Is(err, journal.ErrHalted) {
			t.Errorf("append after a failed resume: %v", err)
		}
		if err := g.Resume(); err != nil {
			t.Fatal(err)
		}
		append1(t, g, story(12), l.done("g"))
		synctest.Wait()
		lines, _ := g.Story(t.Context(), protocol.CallID{})
		if len(lines) != 2 || lines[1].N != 12 {
			t.Errorf("on disk after the halt: %v", lines)
		}
		if len(halts) != 1 {
			t.Errorf("%d halts", len(halts))
		}
		g.Close(t.Context())
	})
}

func TestResumeFromTheNotice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := memory.New()
		g := journal.NewGroup(e, journal.Options{})
		g.OnHalt(func(error) {
			if err := g.Resume(); err != nil {
				t.Error(err)
			}
		})
		e.FailAfter(errDisk) // written, but reported as failed
		append1(t, g, story(1), nil)
		synctest.Wait()
		append1(t, g, story(2), nil)
		synctest.Wait()
		if lines, _ := g.Story(t.Context(), protocol.CallID{}); len(lines) != 2 {
			t.Errorf("lines %v", lines)
		}
		g.Close(t.Context())
	})
}

// TestResumeWaitsForTheTold holds the Done of a failed change: whoever resumes
// then may still have actors that do not know, so Resume waits.
func TestResumeWaitsForTheTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := memory.New()
		g := journal.NewGroup(e, journal.Options{})
		tell, resumed, notices := make(chan struct{}), false, 0
		g.OnHalt(func(error) { notices++ })
		e.Fail(errDisk)
		append1(t, g, story(1), func(error) { <-tell })
		synctest.Wait()
		go func() {
			if err := g.Resume(); err != nil {
				t.Error(err)
			}
			resumed = true
		}()
		synctest.Wait()
		if resumed || notices != 0 {
			t.Errorf("resumed %v, %d notices, and a change not told", resumed, notices)
		}
		close(tell)
		synctest.Wait()
		if !resumed || notices != 1 {
			t.Errorf("resumed %v, %d notices", resumed, notices)
		}
		g.OnHalt(func(error) { t.Error("not halted") })
		g.Close(t.Context())
	})
}

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := memory.New()
		g := journal.NewGroup(e, journal.Options{Pace: 2 * time.Millisecond})
		began := time.Now()
		var at []time.Duration
		done := func(error) { at = append(at, time.Since(began)) }
		patient := func(n int) journal.Change {
			c := story(n)
			c.Patient = true
			return c
		}
		time.Sleep(time.Millisecond)
		append1(t, g, patient(1), done) // alone: at once
		synctest.Wait()
		append1(t, g, patient(2), done)
		time.Sleep(time.Millisecond)
		append1(t, g, patient(3), done)
		time.Sleep(time.Hour)
		append1(t, g, patient(4), done)
		synctest.Wait()
		append1(t, g, patient(5), done)
		append1(t, g, story(6), done) // in a hurry, and takes the other along
		synctest.Wait()
		append1(t, g, patient(7), done) // the hurry is over
		time.Sleep(time.Hour)
		synctest.Wait()
		end := time.Hour + 2*time.Millisecond
		want := []time.Duration{1e6, 3e6, 3e6, end, end, end, end + 2e6}
		if !slices.Equal(at, want) || e.Commits() != 5 {
			t.Errorf("told at %v in %d commits", at, e.Commits())
		}
		g.Close(t.Context())
	})
}

func TestCloseFlushes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, e, release := held(t, journal.Options{})
		var l log
		append1(t, g, story(2), l.done("queued"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := g.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("close while a commit hangs: %v", err)
		}
		if err := g.Append(story(3), l.done("late")); !errors.Is(err, journal.ErrClosed) {
			t.Errorf("append after close: %v", err)
		}
		if e.Closes() != 0 {
			t.Error("engine closed under its committer")
		}
		release()
		if err := g.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if !slices.Equal(l.names, []string{"queued"}) || e.Closes() != 1 {
			t.Errorf("told %v, engine closed %d times", l.names, e.Closes())
		}
		if err := g.Resume(); !errors.Is(err, journal.ErrClosed) {
			t.Errorf("resume after close: %v", err)
		}
	})
}

func TestRefusalConcernsOneChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _, release := held(t, journal.Options{})
		id := protocol.NewBookingID(time.Now())
		open := journal.Change{Open: []protocol.Booking{{ID: id, Ref: "r"}}}
		twice := journal.Change{Open: []protocol.Booking{{ID: id, Ref: "s"}}}
		var l log
		append1(t, g, open, l.done("open"))
		append1(t, g, twice, l.done("twice"))
		append1(t, g, story(2), l.done("neighbour"))
		release()
		synctest.Wait()
		if l.errs[0] != nil || !errors.Is(l.errs[1], journal.ErrTaken) || l.errs[2] != nil {
			t.Errorf("told %v %v", l.names, l.errs)
		}
		g.Close(t.Context())
	})
}

type counts struct {
	appended, commits, changes int
	failed                     []string
	slowest                    time.Duration
}

func (c *counts) Appended(d time.Duration)         { c.appended, c.slowest = c.appended+1, max(c.slowest, d) }
func (c *counts) Committed(n int, _ time.Duration) { c.commits, c.changes = c.commits+1, c.changes+n }
func (c *counts) Failed(op string)                 { c.failed = append(c.failed, op) }

func TestObserver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counts
		g, e, release := held(t, journal.Options{Observer: &c})
		append1(t, g, story(2), nil)
		append1(t, g, journal.Change{}, nil)
		time.Sleep(time.Minute)
		release()
		synctest.Wait()
		if c.appended != 3 || c.commits != 2 || c.changes != 2 || c.slowest != time.Minute {
			t.Errorf("%+v", c)
		}
		e.Fail(errDisk)
		e.FailProbe(errDisk)
		append1(t, g, story(3), nil)
		synctest.Wait()
		g.Resume()
		if !slices.Equal(c.failed, []string{"commit", "probe"}) {
			t.Errorf("failed: %v", c.failed)
		}
		g.Close(t.Context())
	})
}

func BenchmarkGroup(b *testing.B) {
	g := journal.NewGroup(nothing{}, journal.Options{})
	defer g.Close(context.Background())
	var told atomic.Int64
	done := func(error) { told.Add(1) }
	c := story(1)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			for g.Append(c, done) != nil {
				wait := make(chan struct{})
				for g.Append(journal.Change{}, func(error) { close(wait) }) != nil {
				}
				<-wait
			}
		}
	})
}

// nothing is an engine that does nothing, so that the benchmark shows the
// group's own cost.
type nothing struct{ journal.Engine }

func (nothing) Commit([]journal.Change) ([]error, error) { return nil, nil }
func (nothing) Close() error                             { return nil }
