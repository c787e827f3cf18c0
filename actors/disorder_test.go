package actors_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"maskswitch/actors"
	"maskswitch/actors/actorstest"
	"maskswitch/actors/protocol"
)

func TestHangupBeforeRing(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		call := actorstest.Call("s1", 1, lent.NumberA)
		time.Sleep(3 * time.Second)
		if r := w.Tell(call.HungUp(a, protocol.CauseOriginatorCancel)); r != protocol.ReceiptAccepted {
			t.Fatalf("the hangup was %v", r)
		}
		w.Tell(call.Rings())
		wantSent(t, w) // no command follows
		row := wantOutcome(t, w, "s1", protocol.OutcomeAbandoned)
		if row.State != "" {
			t.Errorf("still open in stage %s", row.Stage)
		}
		if rang := call.Rings().Facts().At; !row.RangAt.Equal(rang) {
			t.Errorf("rang at %v, says the row; it was %v", row.RangAt, rang)
		}
	})
}

func TestHangupWithoutRing(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		w.Tell(actorstest.Call("s1", 1, lent.NumberA).HungUp(a, protocol.CauseOriginatorCancel))
		time.Sleep(5 * time.Minute)
		wantSent(t, w)
		if row := wantOutcome(t, w, "s1", protocol.OutcomeAbandoned); row.State != "" {
			t.Errorf("still open in stage %s", row.Stage)
		}
	})
}

// An answered event can overtake the ring only if a process answered and died
// before it could write: the ring comes again, and A is up already.
func TestAnsweredBeforeRing(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		call := actorstest.Call("s1", 1, lent.NumberA)
		call.Tagged([]actorstest.Sent{{Command: protocol.Answer{
			Leg: "A-s1", Tag: protocol.Tag{Booking: lent.ID, Call: protocol.NewCallID("s1", time.Now()), Leg: a},
		}}})
		w.Tell(call.Answered(a))
		wantSent(t, w)
		w.Tell(call.Rings())
		wantSent(t, w, "transfer")
	})
}

func TestLegBFirst(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		call := actorstest.Call("s1", 1, lent.NumberA)
		tag := protocol.Tag{Booking: lent.ID, Call: protocol.NewCallID("s1", time.Now()), Leg: a}
		tagB := tag
		tagB.Leg = b
		call.Tagged([]actorstest.Sent{{Command: protocol.Transfer{Leg: "A-s1", TagA: tag, TagB: tagB}}})
		w.Tell(call.Answered(b))
		w.Tell(call.Bridged(b))
		w.Tell(call.RingsAtB())
		wantSent(t, w)
		w.Tell(call.Answered(a))
		w.Tell(call.Rings())
		wantSent(t, w, "record_start") // they talk: nothing is dialled again
		w.Tell(call.HungUp(b, protocol.CauseNormalClearing))
		w.Tell(call.HungUp(a, protocol.CauseNormalClearing))
		wantOutcome(t, w, "s1", protocol.OutcomeTalked)
	})
}

// A leg of ours whose ring never comes is not left on the line.
func TestAnsweredAndNoRingEver(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		call := actorstest.Call("s1", 1, lent.NumberA)
		call.Tagged([]actorstest.Sent{{Command: protocol.Answer{
			Leg: "A-s1", Tag: protocol.Tag{Booking: lent.ID, Call: protocol.NewCallID("s1", time.Now()), Leg: a},
		}}})
		w.Tell(call.Answered(a))
		time.Sleep(92 * time.Second)
		wantSent(t, w, "hangup")
		w.Tell(call.HungUp(a, protocol.CauseNormalClearing))
		wantOutcome(t, w, "s1", protocol.OutcomeStuck)
	})
}

func TestUntaggedAndUnknownLegsStartNothing(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		call := actorstest.Call("s1", 1, lent.NumberA)
		for _, ev := range []protocol.LegEvent{
			call.Answered(a), call.Answered(b), call.RingsAtB(), call.Bridged(a), call.Spoken(), call.HungUp(b, protocol.CauseUserBusy),
		} {
			if r := w.Tell(ev); r != protocol.ReceiptUnknownCall {
				t.Errorf("%T was %v", ev, r)
			}
		}
		wantSent(t, w)
		if _, err := w.Store.CallOfSession(context.Background(), "s1"); err == nil {
			t.Error("a call was begun")
		}
	})
}

// talk brings a call to where the two talk.
func talk(t *testing.T, w *actorstest.World, session string, lent protocol.Booking) *actorstest.PhoneCall {
	t.Helper()
	call := ring(t, w, session, lent)
	w.Tell(call.Answered(b))
	settle()
	return call
}

// ring brings a call to where B rings.
func ring(t *testing.T, w *actorstest.World, session string, lent protocol.Booking) *actorstest.PhoneCall {
	t.Helper()
	call := dial(t, w, session, lent)
	w.Tell(call.RingsAtB())
	settle()
	return call
}

// dial brings a call to where the carrier has been asked to reach B.
func dial(t *testing.T, w *actorstest.World, session string, lent protocol.Booking) *actorstest.PhoneCall {
	t.Helper()
	call := actorstest.Call(session, 1, lent.NumberA)
	w.Tell(call.Rings())
	settle()
	w.Tell(call.Tagged(w.Carrier.Sent()).Answered(a))
	settle()
	return call.Tagged(w.Carrier.Sent())
}

func TestWhenBCannotBeHad(t *testing.T) {
	for _, test := range []struct {
		cause protocol.HangupCause
		want  protocol.Outcome
	}{
		{protocol.CauseUserBusy, protocol.OutcomeBusy},
		{protocol.CauseTimeout, protocol.OutcomeNoAnswer},
		{protocol.CauseNoAnswer, protocol.OutcomeNoAnswer},
		{protocol.CauseCallRejected, protocol.OutcomeDeclined},
		{protocol.CauseNotFound, protocol.OutcomeUnreachable},
		{protocol.CauseUnspecified, protocol.OutcomeUnreachable},
	} {
		t.Run(test.cause.String(), func(t *testing.T) {
			world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
				call := ring(t, w, "s1", lent)
				w.Tell(call.HungUp(b, test.cause))
				wantSent(t, w, "answer", "transfer", "speak")
				time.Sleep(4 * time.Second)
				w.Tell(call.Spoken())
				wantSent(t, w, "answer", "transfer", "speak", "hangup")
				w.Tell(call.HungUp(a, protocol.CauseNormalClearing))
				row := wantOutcome(t, w, "s1", test.want)
				if row.HangupCause != test.cause || row.State != "" {
					t.Errorf("cause %v, stage %s", row.HangupCause, row.Stage)
				}
			})
		})
	}
}

func TestNobodyIsLeftInSilence(t *testing.T) {
	t.Run("without a sentence A is hung up at once", func(t *testing.T) {
		worldWith(t, func(c *actors.Config) { c.Calls.Unreachable = "" }, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
			call := ring(t, w, "s1", lent)
			w.Tell(call.HungUp(b, protocol.CauseUserBusy))
			wantSent(t, w, "answer", "transfer", "hangup")
		})
	})
	t.Run("the end of the sentence is never reported", func(t *testing.T) {
		world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
			call := ring(t, w, "s1", lent)
			w.Tell(call.HungUp(b, protocol.CauseUserBusy))
			time.Sleep(time.Minute)
			wantSentFirst(t, w, "answer", "transfer", "speak", "hangup")
		})
	})
	t.Run("the sentence is refused", func(t *testing.T) {
		world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
			w.Carrier.Answers(refuse(protocol.CommandSpeak, protocol.CommandRefused))
			call := ring(t, w, "s1", lent)
			w.Tell(call.HungUp(b, protocol.CauseUserBusy))
			wantSent(t, w, "answer", "transfer", "speak", "hangup")
		})
	})
}

func TestALeavesWhileBRings(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		call := ring(t, w, "s1", lent)
		w.Tell(call.HungUp(a, protocol.CauseOriginatorCancel))
		w.Tell(call.HungUp(b, protocol.CauseOriginatorCancel))
		wantSent(t, w, "answer", "transfer")
		wantOutcome(t, w, "s1", protocol.OutcomeAbandoned)
	})
}

// The carrier should end B by itself; if it does not, we do.
func TestALegThatTheCarrierForgets(t *testing.T) {
	for _, left := range []protocol.Leg{a, b} {
		t.Run("leg "+left.String(), func(t *testing.T) {
			world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
				call := talk(t, w, "s1", lent)
				w.Tell(call.HungUp(left.Other(), protocol.CauseNormalClearing))
				time.Sleep(6 * time.Second)
				wantSent(t, w, "answer", "transfer", "record_start", "hangup")
				hangup := w.Carrier.Sent()[3].Command.(protocol.HangUp)
				if want := map[protocol.Leg]protocol.LegID{a: "A-s1", b: "B-s1"}[left]; hangup.Leg != want {
					t.Errorf("hung up %s, want %s", hangup.Leg, want)
				}
				time.Sleep(time.Hour) // its hangup never comes
				wantOutcome(t, w, "s1", protocol.OutcomeTalked)
				if row := w.Row("s1"); row.State != "" {
					t.Errorf("still open in stage %s", row.Stage)
				}
			})
		})
	}
}

func TestSilenceIsAskedAbout(t *testing.T) {
	t.Run("the leg is gone", func(t *testing.T) {
		world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
			w.Carrier.Answers(func(_ context.Context, cmd protocol.Command) protocol.Reply {
				return protocol.Reply{Result: protocol.CommandOK, Alive: false}
			})
			dial(t, w, "s1", lent)
			time.Sleep(10 * time.Minute)
			wantSent(t, w, "answer", "transfer", "find")
			if row := w.Row("s1"); row.State != "" {
				t.Errorf("still open in stage %s", row.Stage)
			}
		})
	})
	t.Run("the leg lives and hears nothing", func(t *testing.T) {
		world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
			dial(t, w, "s1", lent)
			time.Sleep(10 * time.Minute)
			wantSentFirst(t, w, "answer", "transfer", "find", "speak", "hangup")
			wantOutcome(t, w, "s1", protocol.OutcomeStuck)
		})
	})
	t.Run("two people who talk for longer than they may are not cut off", func(t *testing.T) {
		world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
			call := talk(t, w, "s1", lent)
			time.Sleep(5 * time.Hour)
			for _, sent := range w.Carrier.Sent()[3:] {
				if sent.Command.Kind() != protocol.CommandFind {
					t.Fatalf("sent %v", w.Carrier.Kinds())
				}
			}
			w.Tell(call.HungUp(b, protocol.CauseTimeLimit))
			w.Tell(call.HungUp(a, protocol.CauseTimeLimit))
			wantOutcome(t, w, "s1", protocol.OutcomeTalked)
		})
	})
}

func wantSentFirst(t *testing.T, w *actorstest.World, want ...string) {
	t.Helper()
	settle()
	got := w.Carrier.Kinds()
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			t.Fatalf("sent %v, want %v first", got, want)
		}
	}
}

func refuse(kind protocol.CommandKind, with protocol.CommandResult) func(context.Context, protocol.Command) protocol.Reply {
	return func(_ context.Context, cmd protocol.Command) protocol.Reply {
		if cmd.Kind() == kind {
			return protocol.Reply{Result: with, Status: 422, Attempts: 1}
		}
		return protocol.Reply{Result: protocol.CommandOK, Alive: true, Attempts: 1}
	}
}

// A command that fails for good, each kind and each way, ends with both people
// off the line and the call closed.
func TestEveryCommandMayFail(t *testing.T) {
	for _, kind := range protocol.CommandKinds() {
		for _, result := range protocol.CommandResults()[1:] {
			t.Run(kind.String()+" "+result.String(), func(t *testing.T) {
				world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
					w.Carrier.Answers(refuse(kind, result))
					call := actorstest.Call("s1", 1, lent.NumberA)
					if kind == protocol.CommandReject {
						call.From = actorstest.Number(66)
					}
					w.Tell(call.Rings())
					settle()
					call.Tagged(w.Carrier.Sent())
					if kind != protocol.CommandAnswer && kind != protocol.CommandReject {
						w.Tell(call.Answered(a))
						settle()
						call.Tagged(w.Carrier.Sent())
						if kind != protocol.CommandTransfer {
							w.Tell(call.RingsAtB())
							w.Tell(call.HungUp(b, protocol.CauseUserBusy))
						}
					}
					time.Sleep(time.Hour)
					settle()
					row := w.Row("s1")
					if row.State != "" {
						t.Errorf("still open in stage %s after %v", row.Stage, w.Carrier.Kinds())
					}
					want := protocol.OutcomeBusy
					switch {
					case kind == protocol.CommandReject:
						want = protocol.OutcomeStranger
					case kind == protocol.CommandAnswer || kind == protocol.CommandTransfer:
						want = protocol.OutcomeCarrier
						if result == protocol.CommandLegGone {
							want = protocol.OutcomeAbandoned
						}
					}
					if row.Outcome != want {
						t.Errorf("outcome %v, want %v", row.Outcome, want)
					}
					if result != protocol.CommandLegGone && kind != protocol.CommandHangUp {
						if n := w.Carrier.Effective(protocol.CommandHangUp); n != 1 {
							t.Errorf("%d hangups: %v", n, w.Carrier.Kinds())
						}
					}
				})
			})
		}
	}
}

func TestCheckoutDuringACall(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		time.Sleep(24*time.Hour - time.Minute)
		call := talk(t, w, "s1", lent)
		time.Sleep(2 * time.Minute)
		if h, _ := w.Headcount(context.Background()); h.Active != 0 || h.Pool != 1 {
			t.Errorf("headcount %+v", h)
		}
		wantSent(t, w, "answer", "transfer", "record_start") // the call goes on
		w.Tell(call.HungUp(b, protocol.CauseNormalClearing))
		w.Tell(call.HungUp(a, protocol.CauseNormalClearing))
		wantOutcome(t, w, "s1", protocol.OutcomeTalked)
	})
}

// B's answer may be reported after both have hung up. How B's leg ended shows
// that they talked, and the talk is timed when the answer comes.
func TestBAnsweredLast(t *testing.T) {
	for _, first := range []protocol.Leg{a, b} {
		t.Run(first.String()+" hung up first", func(t *testing.T) {
			world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
				call := ring(t, w, "s1", lent)
				answered := call.Answered(b)
				time.Sleep(20 * time.Second)
				w.Tell(call.HungUp(first, protocol.CauseNormalClearing))
				w.Tell(call.HungUp(first.Other(), protocol.CauseNormalClearing))
				w.Tell(answered)
				wantSent(t, w, "answer", "transfer") // nobody is told that B cannot be reached
				row := wantOutcome(t, w, "s1", protocol.OutcomeTalked)
				if row.Talk() != 20*time.Second || row.State != "" {
					t.Errorf("talked %v, stage %s", row.Talk(), row.Stage)
				}
			})
		})
	}
}

// The event of a hangup may overtake the carrier's answer to the command. The
// answer is waited for: a request that is cut off would count as a failure.
func TestAHangupThatOvertakesItsAnswer(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		answered := make(chan struct{})
		cut := false
		w.Carrier.Answers(func(ctx context.Context, cmd protocol.Command) protocol.Reply {
			if cmd.Kind() == protocol.CommandReject {
				select {
				case <-answered:
				case <-ctx.Done():
					cut = true
				}
			}
			return protocol.Reply{Result: protocol.CommandOK, Attempts: 1}
		})
		call := actorstest.Call("s1", 66, lent.NumberA)
		w.Tell(call.Rings())
		w.Tell(call.HungUp(a, protocol.CauseCallRejected))
		time.Sleep(time.Second)
		if row := wantOutcome(t, w, "s1", protocol.OutcomeStranger); row.State != "" {
			t.Errorf("still open in stage %s", row.Stage)
		}
		close(answered)
		settle()
		if cut {
			t.Error("the request was cut off")
		}
		story, err := w.Store.Story(context.Background(), w.Row("s1").ID)
		if err != nil || !strings.Contains(story[len(story)-1].What, `"reply":"reject"`) {
			t.Errorf("the story ends with %+v, %v", story[len(story)-1:], err)
		}
		if r := w.Tell(call.Rings()); r != protocol.ReceiptDuplicate {
			t.Errorf("the ring came again and was %v", r)
		}
	})
}

func TestAnEventThatIsOnlyTold(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		call := talk(t, w, "s1", lent)
		noted := protocol.LegNoted{About: call.Recorded("x").Facts(), What: "call.dtmf.received"}
		before, _ := w.Store.Story(context.Background(), w.Row("s1").ID)
		for i, want := range []protocol.Receipt{protocol.ReceiptAccepted, protocol.ReceiptDuplicate, protocol.ReceiptDuplicate} {
			if r := w.Tell(noted); r != want {
				t.Errorf("delivery %d was %v", i+1, r)
			}
		}
		after, _ := w.Store.Story(context.Background(), w.Row("s1").ID)
		if n := len(after) - len(before); n != 1 {
			t.Errorf("%d lines more", n)
		}
	})
}

// Another leg may turn up in the session of a call: of another application, or
// dialled by hand. It is acknowledged, and changes nothing.
func TestAForeignLegInASessionOfOurs(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		call := ring(t, w, "s1", lent)
		about := call.Answered(b).Facts()
		about.Leg, about.Tag = "C-s1", protocol.Tag{}
		for _, ev := range []protocol.LegEvent{
			protocol.LegRang{About: about}, protocol.LegRang{About: about, Incoming: true}, protocol.LegAnswered{About: about},
			protocol.LegHungUp{About: about, Cause: protocol.CauseUserBusy},
		} {
			if r := w.Tell(ev); r != protocol.ReceiptUnknownCall {
				t.Errorf("%T was %v", ev, r)
			}
		}
		wantSent(t, w, "answer", "transfer")
		recorded := protocol.LegRecorded{About: about, Recording: "rec-c"}
		if r := w.Tell(recorded); r != protocol.ReceiptAccepted {
			t.Errorf("its recording was %v", r)
		}
		if recs, _ := w.Store.Recordings(context.Background(), w.Row("s1").ID); len(recs) != 1 {
			t.Errorf("recordings %+v", recs)
		}
	})
}
