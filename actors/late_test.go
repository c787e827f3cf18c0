package actors_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"maskswitch/actors"
	"maskswitch/actors/actorstest"
	"maskswitch/actors/protocol"
)

// sentences has a switch say all that it can.
func sentences(c *actors.Config) {
	c.Calls.Ended = "Your booking has ended."
	c.Calls.Checkout = "Your booking ends now."
}

// late runs a test on a switch whose one booking has ended, and which says so.
func late(t *testing.T, change func(*actors.Config), test func(t *testing.T, w *actorstest.World, ended protocol.Booking)) {
	t.Helper()
	both := func(c *actors.Config) {
		sentences(c)
		if change != nil {
			change(c)
		}
	}
	worldWith(t, both, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		if _, err := w.CloseBooking(context.Background(), "bk"); err != nil {
			t.Fatal(err)
		}
		test(t, w, lent)
	})
}

// Whoever rings after his booking has ended hears so, once, and is let go,
// whatever restarts there are in between.
func TestALateCallerIsTold(t *testing.T) {
	for crash := range 5 {
		t.Run(fmt.Sprintf("%d of 4 steps before a restart, if there is one", crash), func(t *testing.T) {
			late(t, nil, func(t *testing.T, w *actorstest.World, ended protocol.Booking) {
				call := actorstest.Call("s1", 1, ended.NumberA)
				for i, step := range []func() protocol.LegEvent{
					call.Rings, func() protocol.LegEvent { return call.Answered(a) }, call.Spoken,
					func() protocol.LegEvent { return call.HungUp(a, protocol.CauseNormalClearing) },
				} {
					ev := step()
					w.Tell(ev)
					settle()
					if i+1 == crash {
						w.Restart()
						settle()
						w.Tell(ev) // delivered again: the answer was lost in the crash
						settle()
					}
					call.Tagged(w.Carrier.Sent())
					time.Sleep(2 * time.Second)
				}
				row := wantOutcome(t, w, "s1", protocol.OutcomeNoBooking)
				if row.State != "" || row.AnsweredAt.IsZero() || row.Booking != ended.ID || row.Talk() != 0 {
					t.Errorf("%+v", row)
				}
				kinds := w.Carrier.Kinds()
				if got := slices.Compact(kinds); !slices.Equal(got, []string{"answer", "speak", "hangup"}) {
					t.Errorf("sent %v", got)
				}
				for _, kind := range []protocol.CommandKind{protocol.CommandAnswer, protocol.CommandSpeak, protocol.CommandHangUp} {
					if n := w.Carrier.Effective(kind); n != 1 {
						t.Errorf("%v took effect %d times", kind, n)
					}
				}
				for _, sent := range w.Carrier.Sent() {
					if cmd, ok := sent.Command.(protocol.Speak); ok && (cmd.Text != "Your booking has ended." || cmd.Both || cmd.Leg != "A-s1") {
						t.Errorf("said %+v", cmd)
					}
				}
			})
		})
	}
}

// The number is the next pair's already: he is told all the same, and they talk.
func TestALateCallerIsNotLedToTheNextPair(t *testing.T) {
	late(t, nil, func(t *testing.T, w *actorstest.World, ended protocol.Booking) {
		next := w.Book("next", 3, 4)
		if next.NumberA != ended.NumberA {
			t.Fatal("another number")
		}
		call := actorstest.Call("late", 1, ended.NumberA)
		w.Tell(call.Rings())
		settle()
		w.Tell(call.Tagged(w.Carrier.Sent()).Answered(a))
		wantSent(t, w, "answer", "speak")
		theirs := actorstest.Call("theirs", 3, ended.NumberA)
		w.Tell(theirs.Rings())
		settle()
		w.Tell(theirs.Tagged(w.Carrier.Sent()).Answered(a))
		wantSent(t, w, "answer", "speak", "answer", "transfer")
		w.Tell(call.Spoken())
		wantSent(t, w, "answer", "speak", "answer", "transfer", "hangup")
		if hangup := w.Carrier.Sent()[4].Command; hangup.Target() != "A-late" {
			t.Errorf("hung up %s", hangup.Target())
		}
	})
}

// A late caller who cannot be answered, or cannot be told, is hung up.
func TestALateCallerWhoCannotBeTold(t *testing.T) {
	for kind, want := range map[protocol.CommandKind][]string{
		protocol.CommandAnswer: {"answer", "hangup"},
		protocol.CommandSpeak:  {"answer", "speak", "hangup"},
		protocol.CommandHangUp: {"answer", "speak"}, // who says that the leg is over
	} {
		for _, result := range []protocol.CommandResult{protocol.CommandRefused, protocol.CommandTimeout} {
			t.Run(kind.String()+" "+result.String(), func(t *testing.T) {
				late(t, nil, func(t *testing.T, w *actorstest.World, ended protocol.Booking) {
					w.Carrier.Answers(refuse(kind, result))
					call := actorstest.Call("s1", 1, ended.NumberA)
					w.Tell(call.Rings())
					settle()
					if kind != protocol.CommandAnswer {
						w.Tell(call.Tagged(w.Carrier.Sent()).Answered(a))
					}
					wantSent(t, w, want...)
					time.Sleep(time.Hour)
					if row := wantOutcome(t, w, "s1", protocol.OutcomeNoBooking); row.State != "" {
						t.Errorf("still open in stage %s", row.Stage)
					}
					if n := w.Carrier.Effective(protocol.CommandHangUp); n != 1 {
						t.Errorf("%d hangups: %v", n, w.Carrier.Kinds())
					}
				})
			})
		}
	}
}

// watching keeps what metrics are told.
type watching struct {
	actors.Observer
	mu   sync.Mutex
	told []string
	live int
}

func (w *watching) tell(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, fmt.Sprintf(format, args...))
}

func (w *watching) CallOffered() { w.tell("offered") }

func (w *watching) CallActive(_ string, delta int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.live += delta
}

func (w *watching) CallEnded(row protocol.Call, stuck bool) {
	w.tell("ended %v, stuck %v", row.Outcome, stuck)
}

func (w *watching) LegStage(leg protocol.Leg, stage string, ok bool, d time.Duration) {
	w.tell("leg %v %s %v after %v", leg, stage, ok, d)
}

func (w *watching) LegHungUp(leg protocol.Leg, cause protocol.HangupCause, _ protocol.HangupSource) {
	w.tell("leg %v over, %v", leg, cause)
}

func (w *watching) CallConnected(time.Duration, time.Duration) { w.tell("connected") }

// A caller who was told counts as one who was refused, and the answer of his leg
// as an answer.
func TestMetricsOfALateCaller(t *testing.T) {
	watch := &watching{Observer: actors.Unobserved()}
	late(t, func(c *actors.Config) { c.Observer = watch }, func(t *testing.T, w *actorstest.World, ended protocol.Booking) {
		call := actorstest.Call("s1", 1, ended.NumberA)
		w.Tell(call.Rings())
		settle()
		time.Sleep(time.Second)
		w.Tell(call.Tagged(w.Carrier.Sent()).Answered(a))
		w.Tell(call.Spoken())
		w.Tell(call.HungUp(a, protocol.CauseNormalClearing))
		settle()
		want := []string{"offered", "leg a answer true after 1s", "ended no_booking, stuck false", "leg a over, normal_clearing"}
		if !slices.Equal(watch.told, want) || watch.live != 0 {
			t.Errorf("told %q, %d live", watch.told, watch.live)
		}
	})
}
