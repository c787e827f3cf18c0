package actors_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"maskswitch/actors"
	"maskswitch/actors/actorstest"
	"maskswitch/actors/protocol"
)

// termed runs a test in virtual time on a switch with two numbers.
func termed(t *testing.T, test func(t *testing.T, w *actorstest.World, open func(ref string, a, b int, terms protocol.Terms) protocol.Booking)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := actorstest.Start(t, func(c *actors.Config) { c.Calls.Ended = "" })
		w.Pool(2)
		test(t, w, func(ref string, a, b int, terms protocol.Terms) protocol.Booking {
			t.Helper()
			asked := actorstest.Asked(ref, a, b)
			asked.Terms = terms
			opened, err := w.OpenBooking(context.Background(), asked)
			if err != nil {
				t.Fatal(err)
			}
			return opened.Booking
		})
	})
}

func wantLive(t *testing.T, w *actorstest.World, ref string, live bool, reason string) {
	t.Helper()
	settle()
	row, err := w.Booking(context.Background(), ref)
	if err != nil || (row.State == protocol.BookingLive) != live || row.Reason != reason {
		t.Fatalf("%s is %s %q, %v; want live %v %q", ref, row.State, row.Reason, err, live, reason)
	}
}

// Each party dials his own number, and is shown that one.
func TestAPairOfNumbers(t *testing.T) {
	termed(t, func(t *testing.T, w *actorstest.World, open func(string, int, int, protocol.Terms) protocol.Booking) {
		lent := open("bk", 1, 2, protocol.Terms{Masks: protocol.MasksPair})
		if lent.NumberA == lent.NumberB || lent.Masks() != protocol.MasksPair {
			t.Fatalf("lent %v and %v", lent.NumberA, lent.NumberB)
		}
		for life := range 2 {
			for _, side := range []struct {
				from, to int
				dials    protocol.Booking
			}{{1, 2, lent}, {2, 1, lent}} {
				dialled, shown := lent.NumberA, lent.NumberB
				if side.from == 2 {
					dialled, shown = shown, dialled
				}
				sent := len(w.Carrier.Sent())
				call := actorstest.Call(fmt.Sprint("s", life, side.from), side.from, dialled)
				w.Tell(call.Rings())
				settle()
				w.Tell(call.Tagged(w.Carrier.Sent()).Answered(a))
				settle()
				transfer, ok := w.Carrier.Sent()[sent+1].Command.(protocol.Transfer)
				if !ok || transfer.To != actorstest.Number(side.to) || transfer.From != shown {
					t.Fatalf("party %d: transfer to %v from %v", side.from, transfer.To, transfer.From)
				}
				w.Tell(call.HungUp(a, protocol.CauseOriginatorCancel))
				// The number that he does not dial does not know him.
				wantMet(t, w, side.from, shown, false, protocol.OutcomeStranger)
			}
			w.Restart()
		}
		if _, err := w.CloseBooking(context.Background(), "bk"); err != nil {
			t.Fatal(err)
		}
		wantMet(t, w, 1, lent.NumberA, false, protocol.OutcomeNoBooking)
		wantMet(t, w, 2, lent.NumberB, false, protocol.OutcomeNoBooking)
	})
}

// The same two with two bookings have two numbers; a third booking of theirs has
// none, not even as a pair.
func TestTheSameTwoTwice(t *testing.T) {
	termed(t, func(t *testing.T, w *actorstest.World, open func(string, int, int, protocol.Terms) protocol.Booking) {
		one, two := open("one", 1, 2, protocol.Terms{}), open("two", 2, 1, protocol.Terms{})
		if one.NumberA == two.NumberA {
			t.Fatal("one number for both")
		}
		_, err := w.OpenBooking(context.Background(), actorstest.Asked("three", 1, 2))
		if protocol.KindOf(err) != protocol.Exhausted {
			t.Fatalf("a third: %v", err)
		}
		// Both ended: the same two get one of their numbers again at once.
		for _, ref := range []string{"one", "two"} {
			if _, err := w.CloseBooking(context.Background(), ref); err != nil {
				t.Fatal(err)
			}
		}
		open("again", 1, 2, protocol.Terms{})
	})
}

func TestMovingTheEnd(t *testing.T) {
	termed(t, func(t *testing.T, w *actorstest.World, open func(string, int, int, protocol.Terms) protocol.Booking) {
		ctx, began := context.Background(), time.Now()
		open("bk", 1, 2, protocol.Terms{})
		move := func(to protocol.MoveBooking, want time.Duration) {
			t.Helper()
			b, err := w.MoveBooking(ctx, "bk", to)
			if err != nil || !b.CheckoutAt.Equal(began.Add(want)) {
				t.Fatalf("moved to %v after its beginning, %v; want %v", b.CheckoutAt.Sub(began), err, want)
			}
			row, err := w.Booking(ctx, "bk")
			if err != nil || !row.CheckoutAt.Equal(b.CheckoutAt) {
				t.Fatalf("on disk %v, %v", row.CheckoutAt, err)
			}
		}
		for _, to := range []protocol.MoveBooking{{To: began}, {By: -24 * time.Hour}, {To: began.Add(400 * 24 * time.Hour)}} {
			var refused *protocol.Error
			if _, err := w.MoveBooking(ctx, "bk", to); !errors.As(err, &refused) || refused.Kind != protocol.Invalid || refused.Field == "" {
				t.Errorf("%+v: %v", to, err)
			}
		}
		move(protocol.MoveBooking{By: time.Hour}, 25*time.Hour)
		move(protocol.MoveBooking{By: -2 * time.Hour}, 23*time.Hour)
		move(protocol.MoveBooking{To: began.Add(48 * time.Hour)}, 48*time.Hour)
		w.Restart()
		time.Sleep(47 * time.Hour)
		wantLive(t, w, "bk", true, "")
		move(protocol.MoveBooking{To: began.Add(50 * time.Hour)}, 50*time.Hour)
		time.Sleep(2 * time.Hour)
		wantLive(t, w, "bk", true, "")
		time.Sleep(time.Hour)
		wantLive(t, w, "bk", false, "checkout")
		if _, err := w.MoveBooking(ctx, "bk", protocol.MoveBooking{By: time.Hour}); protocol.KindOf(err) != protocol.NotFound {
			t.Errorf("after its end: %v", err)
		}
		// Shorter than it was, and back and forth: it ends once, at the last word.
		open("bk2", 1, 2, protocol.Terms{})
		again := time.Now()
		for _, hours := range []time.Duration{2, 9, 3, 30, 1} {
			if _, err := w.MoveBooking(ctx, "bk2", protocol.MoveBooking{To: again.Add(hours * time.Hour)}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Hour - time.Second)
		wantLive(t, w, "bk2", true, "")
		time.Sleep(time.Second)
		wantLive(t, w, "bk2", false, "checkout")
	})
}

// A booking with idle time ends when nobody has called for that long, never
// under a call, and never after its limit.
func TestIdleBookings(t *testing.T) {
	idle := protocol.Terms{Idle: 2 * time.Hour}
	for _, restart := range []bool{false, true} {
		termed(t, func(t *testing.T, w *actorstest.World, open func(string, int, int, protocol.Terms) protocol.Booking) {
			lent := open("bk", 1, 2, idle)
			pause := func(d time.Duration) {
				if restart {
					time.Sleep(d / 2)
					w.Restart()
					d -= d / 2
				}
				time.Sleep(d)
			}
			pause(time.Hour)
			call := talk(t, w, "s1", lent) // its talk is longer than the idle time
			pause(3 * time.Hour)
			wantLive(t, w, "bk", true, "")
			w.Tell(call.HungUp(a, protocol.CauseNormalClearing))
			w.Tell(call.HungUp(b, protocol.CauseNormalClearing))
			settle()
			w.Tell(call.Rings()) // a late duplicate is no call
			pause(2*time.Hour - time.Second)
			wantLive(t, w, "bk", true, "")
			time.Sleep(2 * time.Second)
			wantLive(t, w, "bk", false, "idle")
			wantMet(t, w, 1, lent.NumberA, false, protocol.OutcomeNoBooking)

			// Its limit comes first, whatever its calls.
			lent = open("short", 1, 2, protocol.Terms{Idle: 20 * time.Hour})
			pause(10 * time.Hour)
			talk(t, w, "s2", lent)
			pause(14*time.Hour - 10*time.Minute)
			wantLive(t, w, "short", true, "")
			time.Sleep(10 * time.Minute)
			wantLive(t, w, "short", false, "checkout")

			// Moving its end is no call, and may bring out the idle end that was
			// hidden behind the limit.
			asked := actorstest.Asked("moved", 1, 2)
			asked.Duration, asked.Terms = time.Hour, idle
			if _, err := w.OpenBooking(context.Background(), asked); err != nil {
				t.Fatal(err)
			}
			pause(30 * time.Minute)
			if _, err := w.MoveBooking(context.Background(), "moved", protocol.MoveBooking{By: 9 * time.Hour}); err != nil {
				t.Fatal(err)
			}
			pause(90*time.Minute - time.Second)
			wantLive(t, w, "moved", true, "")
			time.Sleep(time.Second)
			wantLive(t, w, "moved", false, "idle")
		})
	}
}

// Of two calls at once the one that ends last ends the talking.
func TestIdleWithTwoCalls(t *testing.T) {
	termed(t, func(t *testing.T, w *actorstest.World, open func(string, int, int, protocol.Terms) protocol.Booking) {
		lent := open("bk", 1, 2, protocol.Terms{Idle: 20 * time.Minute})
		first, second := talk(t, w, "s1", lent), talk(t, w, "s2", lent)
		for i, call := range []*actorstest.PhoneCall{first, second} {
			w.Tell(call.HungUp(a, protocol.CauseNormalClearing))
			w.Tell(call.HungUp(b, protocol.CauseNormalClearing))
			settle()
			if i == 0 {
				time.Sleep(time.Hour)
				wantLive(t, w, "bk", true, "")
			}
		}
		time.Sleep(20*time.Minute - time.Second)
		wantLive(t, w, "bk", true, "")
		time.Sleep(2 * time.Second)
		wantLive(t, w, "bk", false, "idle")
	})
}
