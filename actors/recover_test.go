package actors_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"maskswitch/actors"
	"maskswitch/actors/actorstest"
	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
)

var errDisk = errors.New("disk full")

func TestBookingsAndNumbersSurviveARestart(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		w.Book("bk2", 3, 4)
		if _, err := w.CloseBooking(context.Background(), "bk2"); err != nil {
			t.Fatal(err)
		}
		w.Restart()
		if h, _ := w.Headcount(context.Background()); h.Active != 1 || h.Pool != 0 {
			t.Errorf("headcount %+v", h)
		}
		again, err := w.OpenBooking(context.Background(), actorstest.Asked("bk", 1, 2))
		if err != nil || !again.Repeated || again.ID != lent.ID || !again.CheckoutAt.Equal(lent.CheckoutAt) {
			t.Errorf("repeat after restart: %+v, %v", again, err)
		}
		late := actorstest.Call("late", 3, lent.NumberA)
		w.Tell(late.Rings())
		w.Tell(late.HungUp(a, protocol.CauseCallRejected))
		wantOutcome(t, w, "late", protocol.OutcomeNoBooking) // remembered, not a stranger
		talk(t, w, "s1", lent)
	})
}

func TestACheckoutMissedWhileDownHappensAtOnce(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		w.Crash()
		time.Sleep(25 * time.Hour)
		if err := w.Boot(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if h, _ := w.Headcount(context.Background()); h.Active != 0 || h.Pool != 1 {
			t.Errorf("headcount %+v", h)
		}
		b, err := w.Booking(context.Background(), "bk")
		if err != nil || b.State != protocol.BookingQuarantined || b.Reason != "checkout" {
			t.Errorf("%+v, %v", b, err)
		}
	})
}

// A call goes on after a crash at each of its stages, and no command takes
// effect twice.
func TestACallSurvivesARestartAtEveryStage(t *testing.T) {
	for stage := range 7 {
		for _, crashes := range []int{1, 2} {
			t.Run(fmt.Sprintf("after step %d, %d crashes", stage, crashes), func(t *testing.T) {
				world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
					call := actorstest.Call("s1", 1, lent.NumberA)
					steps := []func() protocol.LegEvent{
						call.Rings,
						func() protocol.LegEvent { return call.Answered(a) },
						call.RingsAtB,
						func() protocol.LegEvent { return call.Bridged(b) },
						func() protocol.LegEvent { return call.Answered(b) },
						func() protocol.LegEvent { return call.HungUp(b, protocol.CauseNormalClearing) },
						func() protocol.LegEvent { return call.HungUp(a, protocol.CauseNormalClearing) },
					}
					for i, step := range steps {
						ev := step()
						w.Tell(ev)
						settle()
						if i == stage {
							for range crashes {
								w.Restart()
								settle()
							}
							w.Tell(ev) // delivered again: the answer was lost in the crash
						}
						call.Tagged(w.Carrier.Sent())
						time.Sleep(time.Second)
					}
					w.Tell(call.Recorded("rec-1"))
					row := wantOutcome(t, w, "s1", protocol.OutcomeTalked)
					if row.State != "" {
						t.Errorf("still open in stage %s", row.Stage)
					}
					for _, kind := range []protocol.CommandKind{protocol.CommandAnswer, protocol.CommandTransfer, protocol.CommandRecordStart} {
						if n := w.Carrier.Effective(kind); n != 1 {
							t.Errorf("%v took effect %d times: %v", kind, n, w.Carrier.Kinds())
						}
					}
					if n := w.Carrier.Effective(protocol.CommandHangUp); n != 0 {
						t.Errorf("hung up: %v", w.Carrier.Kinds())
					}
				})
			})
		}
	}
}

// The carrier forgets command ids after a minute: a transfer that old is not
// repeated, since it would ring B a second time.
func TestAnOldTransferIsNotRepeated(t *testing.T) {
	for _, test := range []struct {
		down time.Duration
		want int
	}{{30 * time.Second, 2}, {2 * time.Minute, 1}} {
		t.Run(test.down.String(), func(t *testing.T) {
			world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
				w.Carrier.Answers(func(ctx context.Context, cmd protocol.Command) protocol.Reply {
					if cmd.Kind() == protocol.CommandTransfer {
						<-ctx.Done() // its fate is not known when the process dies
						return protocol.Reply{Result: protocol.CommandTimeout}
					}
					return protocol.Reply{Result: protocol.CommandOK, Alive: true}
				})
				dial(t, w, "s1", lent)
				w.Crash()
				time.Sleep(test.down)
				w.Carrier.Answers(nil)
				if err := w.Boot(); err != nil {
					t.Fatal(err)
				}
				settle()
				transfers := 0
				for _, kind := range w.Carrier.Kinds() {
					if kind == "transfer" {
						transfers++
					}
				}
				if transfers != test.want {
					t.Errorf("sent %v", w.Carrier.Kinds())
				}
				time.Sleep(10 * time.Minute)
				if row := w.Row("s1"); row.State != "" {
					t.Errorf("still open in stage %s: %v", row.Stage, w.Carrier.Kinds())
				}
			})
		})
	}
}

func TestALongTalkIsNotRecordedTwice(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		call := talk(t, w, "s1", lent)
		time.Sleep(10 * time.Minute)
		w.Restart()
		time.Sleep(time.Second)
		wantSent(t, w, "answer", "transfer", "record_start")
		w.Tell(call.HungUp(b, protocol.CauseNormalClearing))
		w.Tell(call.HungUp(a, protocol.CauseNormalClearing))
		wantOutcome(t, w, "s1", protocol.OutcomeTalked)
	})
}

// The end of a talk may be lost with the process: the carrier is asked.
func TestATalkThatEndedWhileDown(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		talk(t, w, "s1", lent)
		w.Crash()
		w.Carrier.Answers(refuse(protocol.CommandFind, protocol.CommandLegGone))
		time.Sleep(time.Hour)
		if err := w.Boot(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Minute)
		wantSentFirst(t, w, "answer", "transfer", "record_start", "find")
		if row := wantOutcome(t, w, "s1", protocol.OutcomeTalked); row.State != "" {
			t.Errorf("still open in stage %s", row.Stage)
		}
	})
}

// When a commit fails, memory is ahead of the disk: nobody is told "done", the
// partition is built again from what is on disk, and goes on.
func TestAFailedCommit(t *testing.T) {
	for name, fail := range map[string]func(w *actorstest.World){
		"before it wrote": func(w *actorstest.World) { w.Store.Fail(errDisk) },
		"after it wrote":  func(w *actorstest.World) { w.Store.FailAfter(errDisk) },
		"twice, and the probe too": func(w *actorstest.World) {
			w.Store.Fail(errDisk)
			w.Store.FailProbe(errDisk)
		},
	} {
		t.Run("a booking, "+name, func(t *testing.T) {
			world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
				w.Pool(2)
				fail(w)
				_, err := w.OpenBooking(context.Background(), actorstest.Asked("bk2", 1, 3))
				if protocol.KindOf(err) != protocol.Unavailable || !errors.Is(err, journal.ErrHalted) {
					t.Fatalf("open: %v", err)
				}
				time.Sleep(time.Minute)
				if err := w.Ready(); err != nil {
					t.Fatalf("not ready a minute later: %v", err)
				}
				again := w.Book("bk2", 1, 3) // the client repeats itself
				if again.NumberA == lent.NumberA {
					t.Error("party 1 has two bookings on one number")
				}
				if h, _ := w.Headcount(context.Background()); h.Active != 2 {
					t.Errorf("headcount %+v", h)
				}
			})
		})
		t.Run("a webhook, "+name, func(t *testing.T) {
			world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
				call := dial(t, w, "s1", lent)
				fail(w)
				if _, err := w.Deliver(context.Background(), call.RingsAtB(), time.Now()); err == nil {
					t.Fatal("acknowledged")
				}
				time.Sleep(8 * time.Second)
				w.Tell(call.RingsAtB()) // the carrier's next attempt
				w.Tell(call.Answered(b))
				settle()
				if n := w.Carrier.Effective(protocol.CommandTransfer); n != 1 {
					t.Errorf("%d transfers", n)
				}
				w.Tell(call.HungUp(a, protocol.CauseNormalClearing))
				w.Tell(call.HungUp(b, protocol.CauseNormalClearing))
				wantOutcome(t, w, "s1", protocol.OutcomeTalked)
			})
		})
	}
}

func TestNothingIsAcknowledgedBeforeItIsOnDisk(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		release := w.Store.Hold()
		defer release()
		call := actorstest.Call("s1", 1, lent.NumberA)
		deliveries, bookings, closes := make(chan error, 9), make(chan error, 1), make(chan error, 1)
		for range 3 {
			go func() {
				_, err := w.Deliver(context.Background(), call.Rings(), time.Now())
				deliveries <- err
			}()
		}
		settle()
		go func() { _, err := w.OpenBooking(context.Background(), actorstest.Asked("bk2", 3, 4)); bookings <- err }()
		go func() { _, err := w.CloseBooking(context.Background(), "bk"); closes <- err }()
		time.Sleep(10 * time.Second)
		if len(deliveries)+len(bookings)+len(closes) > 0 {
			t.Fatal("acknowledged while the disk was held")
		}
		wantSent(t, w, "answer") // but the caller did not wait for the disk
		release()
		settle()
		if len(deliveries) != 3 || len(bookings) != 1 || len(closes) != 1 {
			t.Errorf("%d deliveries, %d bookings, %d closes came back", len(deliveries), len(bookings), len(closes))
		}
	})
}

// Two rows that hold one (number, party) are a store that contradicts itself:
// whichever were believed, somebody might be connected to a stranger.
func TestTwoHoldersStopTheStart(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		w.Crash()
		second := lent
		second.ID, second.Ref, second.PartyB = protocol.NewBookingID(time.Now()), "bk-double", actorstest.Number(7)
		if _, err := w.Store.Commit([]journal.Change{{Open: []protocol.Booking{second}}}); err != nil {
			t.Fatal(err)
		}
		err := w.Boot()
		if err == nil {
			t.Fatal("started")
		}
		for _, id := range []protocol.BookingID{lent.ID, second.ID} {
			if !strings.Contains(err.Error(), id.String()) {
				t.Errorf("%v does not name %s", err, id)
			}
		}
	})
}

// A panic in an actor loses the message in hand and nothing else.
func TestACallThatCannotBeBuiltAgain(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		dial(t, w, "s1", lent)
		row := w.Row("s1")
		w.Crash()
		row.State = `{"v":99}`
		if _, err := w.Store.Commit([]journal.Change{{Calls: []protocol.Call{row}}}); err != nil {
			t.Fatal(err)
		}
		if err := w.Boot(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if row := wantOutcome(t, w, "s1", protocol.OutcomeFailed); row.State != "" {
			t.Error("still open")
		}
		talk(t, w, "s2", lent) // others go on
	})
}

func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := actorstest.Start(t, nil)
		w.Pool(1)
		w.Drain()
		if _, err := w.OpenBooking(context.Background(), actorstest.Asked("", 1, 2)); protocol.KindOf(err) != protocol.Unavailable {
			t.Errorf("open while draining: %v", err)
		}
		if w.Ready() == nil {
			t.Error("ready while draining")
		}
	})
}

func TestTooManyWaiting(t *testing.T) {
	worldWith(t, func(c *actors.Config) { c.MostInFlight = 4 }, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		release := w.Store.Hold()
		defer release()
		results := make(chan error, 10)
		for i := range 10 {
			go func() {
				_, err := w.OpenBooking(context.Background(), actorstest.Asked("", 10+2*i, 11+2*i))
				results <- err
			}()
		}
		settle()
		if len(results) != 6 {
			t.Fatalf("%d were refused at once, want 6", len(results))
		}
		for range 6 {
			if err := <-results; protocol.KindOf(err) != protocol.Unavailable {
				t.Error(err)
			}
		}
		release()
		settle()
		if len(results) != 4 {
			t.Errorf("%d of the rest came back", len(results))
		}
	})
}

// A name that an ended booking has is refused to everybody who asks for it at
// the same time: a second create is not told the success that the first one
// hoped for.
func TestANameThatIsUsedUp(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		if _, err := w.CloseBooking(context.Background(), "bk"); err != nil {
			t.Fatal(err)
		}
		release := w.Store.Hold()
		defer release()
		results := make(chan error, 3)
		for range cap(results) {
			go func() {
				_, err := w.OpenBooking(context.Background(), actorstest.Asked("bk", 1, 2))
				results <- err
			}()
			settle()
		}
		release()
		for range cap(results) {
			if err := <-results; protocol.KindOf(err) != protocol.Conflict {
				t.Errorf("create with a used name: %v", err)
			}
		}
		settle()
		if h, _ := w.Headcount(context.Background()); h.Active != 0 || h.Pool != 1 {
			t.Errorf("headcount %+v", h)
		}
	})
}
