package journaltest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
)

// testCrowd has many append through one Group: each is told in its own order,
// and whoever was told finds what it wrote.
func testCrowd(t *testing.T, open Open) {
	const appenders, each = 16, 40
	dir := t.TempDir()
	g := journal.NewGroup(opened(t, open, dir), journal.Options{Queue: 64, MaxBatch: 20})
	var wg sync.WaitGroup
	for a := range appenders {
		wg.Go(func() {
			told := make(chan int, each) // Done must not block
			for i := range each {
				taken := i%8 == 7
				ref := fmt.Sprintf("%d-%d", a, i)
				if taken {
					ref = "0-0"
				}
				patiently(t, g, journal.Change{Open: []protocol.Booking{bookingAt(t, start, ref)}}, func(err error) {
					if errors.Is(err, journal.ErrTaken) != taken || err != nil && !taken {
						t.Errorf("appender %d, change %d: %v", a, i, err)
					}
					told <- i
				})
				if i%5 != 4 {
					continue
				}
				for want := i - 4; want <= i; want++ {
					if got := <-told; got != want {
						t.Errorf("appender %d: told of %d, should be %d", a, got, want)
					}
				}
				if _, err := g.BookingByRef(t.Context(), protocol.Ref(ref)); err != nil {
					t.Errorf("told, and not found: %v", err)
				}
			}
		})
		if a == 0 {
			wg.Wait() // so that 0-0 is the first of its name
		}
	}
	wg.Wait()
	if err := g.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	e := opened(t, open, dir)
	defer closed(t, e)
	if got, want := len(live(t, e, 7, start)), appenders*each*7/8; got != want {
		t.Errorf("%d bookings, should be %d", got, want)
	}
}

// patiently appends, and waits for those before it when the queue is full.
func patiently(t *testing.T, g *journal.Group, c journal.Change, done journal.Done) {
	for {
		err := g.Append(c, done)
		if err == nil {
			return
		}
		if !errors.Is(err, journal.ErrBusy) {
			done(err)
			return
		}
		_, err = g.Call(context.Background(), protocol.CallID{}) // gives the committer time
		if !errors.Is(err, journal.ErrNone) {
			done(err)
			return
		}
	}
}

// faulty is an engine whose next commit fails, having done its work or not.
type faulty struct {
	journal.Engine
	fail   atomic.Bool
	after  bool
	inside chan struct{} // closed when the failing commit has begun
	leave  chan struct{} // it waits for this
}

var errFault = errors.New("an ordered fault")

func (f *faulty) Commit(batch []journal.Change) ([]error, error) {
	if !f.fail.Swap(false) {
		return f.Engine.Commit(batch)
	}
	close(f.inside)
	<-f.leave
	if f.after {
		if _, err := f.Engine.Commit(batch); err != nil {
			return nil, err
		}
	}
	return nil, errFault
}

// testFail fails a commit and goes on: everything from the failing batch on is
// told so, nothing that was queued reaches the disk, and after Resume the store
// says what is true.
func testFail(t *testing.T, open Open, after bool) {
	ctx, dir := t.Context(), t.TempDir()
	f := &faulty{Engine: opened(t, open, dir), after: after, inside: make(chan struct{}), leave: make(chan struct{})}
	g := journal.NewGroup(f, journal.Options{})
	halted := make(chan error, 8)
	g.OnHalt(func(err error) { halted <- err })
	var bookings []protocol.Booking
	results := make(chan error, 8)
	add := func() error {
		b := bookingAt(t, start.Add(time.Duration(len(bookings))*time.Second), "")
		bookings = append(bookings, b)
		return g.Append(journal.Change{Open: []protocol.Booking{b}}, func(err error) { results <- err })
	}

	if err := errors.Join(add(), <-results); err != nil {
		t.Fatal(err)
	}
	f.fail.Store(true)
	if err := add(); err != nil {
		t.Fatal(err)
	}
	<-f.inside
	if err := add(); err != nil { // queued behind it
		t.Fatal(err)
	}
	close(f.leave)
	for range 2 {
		if err := <-results; !errors.Is(err, journal.ErrHalted) || !errors.Is(err, errFault) {
			t.Errorf("told %v", err)
		}
	}
	if err := <-halted; !errors.Is(err, errFault) {
		t.Errorf("owner told %v", err)
	}
	if err := add(); !errors.Is(err, journal.ErrHalted) {
		t.Errorf("append while halted: %v", err)
	}
	if err := g.Resume(); err != nil {
		t.Fatal(err)
	}
	there := []bool{true, after, false, false, true}
	check := func(s journal.Store) {
		t.Helper()
		for i, b := range bookings {
			if _, err := s.Booking(ctx, b.ID); (err == nil) != there[i] {
				t.Errorf("booking %d: %v", i, err)
			}
		}
	}
	check(g)
	if err := errors.Join(add(), <-results); err != nil {
		t.Fatal(err)
	}
	if err := g.Close(ctx); err != nil {
		t.Fatal(err)
	}
	e := opened(t, open, dir)
	defer closed(t, e)
	check(e)
}
