package actors_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"maskswitch/actors"
	"maskswitch/actors/actorstest"
	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// crammed runs a test with a journal that has room for nothing, until release
// is called.
func crammed(t *testing.T, prepare func(w *actorstest.World, lent protocol.Booking), test func(t *testing.T, w *actorstest.World, lent protocol.Booking, release func())) {
	t.Helper()
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		w.Options.Queue = 3
		w.Restart()
		prepare(w, lent)
		release := w.Store.Hold()
		defer release()
		filled := make(chan error, w.Options.Queue)
		for i := range cap(filled) {
			go func() {
				_, err := w.OpenBooking(context.Background(), actorstest.Asked("", 100+2*i, 101+2*i))
				filled <- err
			}()
		}
		settle()
		test(t, w, lent, func() {
			release()
			for range cap(filled) {
				if err := <-filled; err != nil {
					t.Error(err)
				}
			}
			settle()
		})
	})
}

// What cannot be queued for the disk has not happened: it is refused, changes
// nothing, and succeeds when it comes again.
func TestAFullJournal(t *testing.T) {
	overloaded := func(t *testing.T, what string, err error) {
		t.Helper()
		if protocol.KindOf(err) != protocol.Unavailable {
			t.Errorf("%s with a full journal: %v", what, err)
		}
	}
	ctx := context.Background()
	nothing := func(*actorstest.World, protocol.Booking) {}
	t.Run("numbers and bookings", func(t *testing.T) {
		crammed(t, nothing, func(t *testing.T, w *actorstest.World, lent protocol.Booking, release func()) {
			more := []phone.Number{actorstest.Number(9500)}
			_, err := w.AddNumbers(ctx, more)
			overloaded(t, "add", err)
			_, err = w.OpenBooking(ctx, actorstest.Asked("bk2", 3, 4))
			overloaded(t, "open", err)
			_, err = w.CloseBooking(ctx, "bk")
			overloaded(t, "close", err)
			release()
			if h, _ := w.Headcount(ctx); h.Active != 4 || h.Pool != 0 {
				t.Errorf("headcount %+v", h)
			}
			if again := w.Book("bk2", 3, 4); again.NumberA != lent.NumberA {
				t.Error("the refused booking still holds its number")
			}
			if added, err := w.AddNumbers(ctx, more); err != nil || added.New != 1 || added.Pool != 2 {
				t.Errorf("add again: %+v, %v", added, err)
			}
			if _, err := w.CloseBooking(ctx, "bk"); err != nil {
				t.Errorf("close again: %v", err)
			}
		})
	})
	t.Run("a ring", func(t *testing.T) {
		crammed(t, nothing, func(t *testing.T, w *actorstest.World, lent protocol.Booking, release func()) {
			call := actorstest.Call("s1", 1, lent.NumberA)
			_, err := w.Deliver(ctx, call.Rings(), time.Now())
			overloaded(t, "ring", err)
			wantSent(t, w)
			release()
			if r := w.Tell(call.Rings()); r != protocol.ReceiptAccepted {
				t.Errorf("the ring came again and was %v", r)
			}
			wantSent(t, w, "answer")
		})
	})
	t.Run("an event of a call", func(t *testing.T) {
		var call *actorstest.PhoneCall
		crammed(t, func(w *actorstest.World, lent protocol.Booking) { call = ring(t, w, "s1", lent) },
			func(t *testing.T, w *actorstest.World, lent protocol.Booking, release func()) {
				_, err := w.Deliver(ctx, call.Answered(b), time.Now())
				overloaded(t, "answer", err)
				wantSent(t, w, "answer", "transfer")
				release()
				if r := w.Tell(call.Answered(b)); r != protocol.ReceiptAccepted {
					t.Errorf("the answer came again and was %v", r)
				}
				wantSent(t, w, "answer", "transfer", "record_start")
			})
	})
	t.Run("the outcome of a command", func(t *testing.T) {
		crammed(t, func(w *actorstest.World, lent protocol.Booking) {
			w.Tell(talk(t, w, "s1", lent).HungUp(b, protocol.CauseNormalClearing))
		}, func(t *testing.T, w *actorstest.World, lent protocol.Booking, release func()) {
			w.Carrier.Answers(refuse(protocol.CommandHangUp, protocol.CommandLegGone))
			time.Sleep(6 * time.Second) // the hangup goes out, and its outcome cannot be written
			wantSent(t, w, "answer", "transfer", "record_start", "hangup")
			release()
			time.Sleep(time.Minute)
			wantOutcome(t, w, "s1", protocol.OutcomeTalked)
			wantSent(t, w, "answer", "transfer", "record_start", "hangup") // nothing was asked again
		})
	})
	t.Run("a checkout", func(t *testing.T) {
		crammed(t, func(*actorstest.World, protocol.Booking) { time.Sleep(24*time.Hour - time.Second) },
			func(t *testing.T, w *actorstest.World, lent protocol.Booking, release func()) {
				time.Sleep(time.Minute)
				release()
				time.Sleep(2 * time.Second)
				if b, err := w.Booking(ctx, "bk"); err != nil || b.State == protocol.BookingLive {
					t.Errorf("a minute after its checkout: %+v, %v", b, err)
				}
			})
	})
}

// Lines that are written without the row are not written over after a crash.
func TestTheStoryGoesOnAfterACrash(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		call := ring(t, w, "s1", lent)
		w.Tell(call.Bridged(b))
		w.Tell(call.Bridged(a))
		w.Restart()
		settle()
		w.Tell(call.Answered(b))
		settle()
		lines, err := w.Store.Story(context.Background(), w.Row("s1").ID)
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		for _, line := range lines {
			told = append(told, line.What)
		}
		story := strings.Join(told, "\n")
		for what, want := range map[string]int{
			"call.bridged": 2, `"note":"recovered"`: 1, `"event":"call.answered","leg":"b"`: 1, `"send":"record_start"`: 1,
		} {
			if n := strings.Count(story, what); n != want {
				t.Errorf("%s is told %d times, want %d:\n%s", what, n, want, story)
			}
		}
	})
}

// active counts calls as the metrics do.
type active struct {
	actors.Observer
	calls atomic.Int64
}

func (a *active) CallActive(_ string, delta int) { a.calls.Add(int64(delta)) }

// A ring that could not be written and never comes again leaves nothing behind.
func TestACallThatNeverWas(t *testing.T) {
	watch := &active{Observer: actors.Unobserved()}
	worldWith(t, func(c *actors.Config) { c.Observer = watch }, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		w.Options.Queue = 1
		w.Restart()
		release := w.Store.Hold()
		defer release()
		go func() { _, _ = w.OpenBooking(context.Background(), actorstest.Asked("", 3, 4)) }()
		settle()
		if _, err := w.Deliver(context.Background(), actorstest.Call("s1", 1, lent.NumberA).Rings(), time.Now()); err == nil {
			t.Fatal("acknowledged")
		}
		settle()
		if n := watch.calls.Load(); n != 0 {
			t.Errorf("%d calls are active", n)
		}
	})
}
