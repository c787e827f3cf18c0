package actors_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"maskswitch/actors/actorstest"
	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
)

const grace = 30 * time.Second

// cutting runs a test on a switch with one number and a booking, of a day, that
// cuts its calls half a minute after its end.
func cutting(t *testing.T, test func(t *testing.T, w *actorstest.World, lent protocol.Booking)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := actorstest.Start(t, sentences)
		w.Pool(1)
		asked := actorstest.Asked("bk", 1, 2)
		asked.Terms = protocol.Terms{OnCheckout: protocol.CutCalls, Grace: grace}
		opened, err := w.OpenBooking(context.Background(), asked)
		if err != nil {
			t.Fatal(err)
		}
		test(t, w, opened.Booking)
	})
}

// last is the latest command sent.
func last(w *actorstest.World) protocol.Command {
	settle()
	sent := w.Carrier.Sent()
	return sent[len(sent)-1].Command
}

func wantNotice(t *testing.T, w *actorstest.World, session string) {
	t.Helper()
	if cmd, ok := last(w).(protocol.Speak); !ok || !cmd.Both || cmd.Text != "Your booking ends now." || string(cmd.Leg) != "A-"+session {
		t.Fatalf("%+v is no notice; sent %v", last(w), w.Carrier.Kinds())
	}
}

func wantNoHangup(t *testing.T, w *actorstest.World) {
	t.Helper()
	settle()
	if n := w.Carrier.Effective(protocol.CommandHangUp); n != 0 {
		t.Fatalf("hung up: %v", w.Carrier.Kinds())
	}
}

// wantCut checks that the switch hung A up just now, and what comes of it.
func wantCut(t *testing.T, w *actorstest.World, call *actorstest.PhoneCall, want protocol.Outcome) {
	t.Helper()
	if cmd, ok := last(w).(protocol.HangUp); !ok || string(cmd.Leg) != "A-"+call.Session {
		t.Fatalf("not cut: sent %v", w.Carrier.Kinds())
	}
	cause := protocol.CauseNormalClearing
	if want != protocol.OutcomeTalked {
		cause = protocol.CauseOriginatorCancel
	}
	w.Tell(call.HungUp(a, protocol.CauseNormalClearing))
	w.Tell(call.HungUp(b, cause))
	if row := wantOutcome(t, w, call.Session, want); !strings.Contains(row.Reason, "cut by the checkout") {
		t.Errorf("the reason is %q", row.Reason)
	}
}

// However the booking ends and whenever there is a restart: the two are warned,
// and cut off when the grace is over and no sooner.
func TestCheckoutCutsTheTalk(t *testing.T) {
	for _, byClock := range []bool{true, false} {
		for _, restart := range []string{"never", "before the end", "in the grace"} {
			t.Run(map[bool]string{true: "checkout", false: "deleted"}[byClock]+", restart "+restart, func(t *testing.T) {
				cutting(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
					time.Sleep(time.Until(lent.CheckoutAt.Add(-time.Minute)))
					call := talk(t, w, "s1", lent)
					if restart == "before the end" {
						w.Restart()
					}
					time.Sleep(time.Until(lent.CheckoutAt) - time.Second)
					wantNoHangup(t, w)
					if byClock {
						time.Sleep(time.Second)
					} else if _, err := w.CloseBooking(context.Background(), "bk"); err != nil {
						t.Fatal(err)
					}
					end := time.Now()
					wantNotice(t, w, "s1")
					time.Sleep(5 * time.Second)
					w.Tell(call.Spoken())
					w.Tell(call.SpokenTo(b))
					if restart == "in the grace" {
						w.Restart()
					}
					time.Sleep(time.Until(end.Add(grace)) - time.Millisecond)
					wantNoHangup(t, w)
					time.Sleep(2 * time.Millisecond)
					wantCut(t, w, call, protocol.OutcomeTalked)
					if n := w.Carrier.Effective(protocol.CommandSpeak); n != 1 {
						t.Errorf("%d sentences: %v", n, w.Carrier.Kinds())
					}
				})
			})
		}
	}
}

// The process is down when the booking ends, or dies when the call has not been
// told yet: it is told after the restart.
func TestACutThatComesInAnOutage(t *testing.T) {
	t.Run("the booking ended meanwhile", func(t *testing.T) {
		cutting(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
			time.Sleep(time.Until(lent.CheckoutAt.Add(-time.Minute)))
			call := talk(t, w, "s1", lent)
			w.Crash()
			time.Sleep(time.Hour)
			if err := w.Boot(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			wantNotice(t, w, "s1")
			time.Sleep(grace)
			wantCut(t, w, call, protocol.OutcomeTalked)
		})
	})
	t.Run("only the end of the booking was written", func(t *testing.T) {
		cutting(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
			call := talk(t, w, "s1", lent)
			w.Crash()
			end := journal.Closing{ID: lent.ID, State: protocol.BookingQuarantined, Reason: "deleted", CheckoutAt: time.Now(), FreeAt: time.Now().Add(time.Hour)}
			if _, err := w.Store.Commit([]journal.Change{{Close: []journal.Closing{end}}}); err != nil {
				t.Fatal(err)
			}
			if err := w.Boot(); err != nil {
				t.Fatal(err)
			}
			wantNotice(t, w, "s1")
			time.Sleep(grace)
			wantCut(t, w, call, protocol.OutcomeTalked)
		})
	})
	t.Run("the grace ended meanwhile", func(t *testing.T) {
		cutting(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
			call := talk(t, w, "s1", lent)
			if _, err := w.CloseBooking(context.Background(), "bk"); err != nil {
				t.Fatal(err)
			}
			wantNotice(t, w, "s1")
			w.Crash()
			time.Sleep(time.Hour)
			if err := w.Boot(); err != nil {
				t.Fatal(err)
			}
			wantCut(t, w, call, protocol.OutcomeTalked)
		})
	})
}

// Nobody is kept on the line for a call that has not begun to be one.
func TestCheckoutCutsWhatIsNoTalkYet(t *testing.T) {
	for _, test := range []struct {
		name string
		to   func(*testing.T, *actorstest.World, string, protocol.Booking) *actorstest.PhoneCall
	}{{"dialled", dial}, {"ringing", ring}} {
		t.Run(test.name, func(t *testing.T) {
			cutting(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
				call := test.to(t, w, "s1", lent)
				if _, err := w.CloseBooking(context.Background(), "bk"); err != nil {
					t.Fatal(err)
				}
				time.Sleep(grace)
				wantCut(t, w, call, protocol.OutcomeAbandoned)
				wantSent(t, w, "answer", "transfer", "hangup") // no notice
			})
		})
	}
}

// Every call of the booking is cut, and none of another.
func TestCheckoutCutsItsOwnCallsOnly(t *testing.T) {
	cutting(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		other := w.Book("other", 3, 4)
		theirs := actorstest.Call("theirs", 3, other.NumberA)
		w.Tell(theirs.Rings())
		settle()
		w.Tell(theirs.Tagged(w.Carrier.Sent()).Answered(a))
		for _, session := range []string{"s1", "s2", "over"} {
			call := talk(t, w, session, lent)
			if session == "over" {
				w.Tell(call.HungUp(a, protocol.CauseNormalClearing))
				w.Tell(call.HungUp(b, protocol.CauseNormalClearing))
			}
		}
		for _, ref := range []string{"bk", "other"} {
			if _, err := w.CloseBooking(context.Background(), ref); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(grace)
		settle()
		cut := map[protocol.LegID]bool{}
		for _, sent := range w.Carrier.Sent() {
			if sent.Command.Kind() == protocol.CommandHangUp {
				cut[sent.Command.Target()] = true
			}
		}
		if len(cut) != 2 || !cut["A-s1"] || !cut["A-s2"] {
			t.Errorf("cut %v", cut)
		}
	})
}
