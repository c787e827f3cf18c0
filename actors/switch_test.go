package actors_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"maskswitch/actors"
	"maskswitch/actors/actorstest"
	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

const (
	a = protocol.LegA
	b = protocol.LegB
)

// world runs a test in virtual time, on a switch with one number and a booking
// of parties 1 and 2.
func world(t *testing.T, test func(t *testing.T, w *actorstest.World, lent protocol.Booking)) {
	t.Helper()
	worldWith(t, nil, test)
}

func worldWith(t *testing.T, change func(*actors.Config), test func(t *testing.T, w *actorstest.World, lent protocol.Booking)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := actorstest.Start(t, change)
		w.Pool(1)
		test(t, w, w.Book("bk", 1, 2))
	})
}

// settle lets everything that can happen now happen.
func settle() { synctest.Wait() }

func wantSent(t *testing.T, w *actorstest.World, want ...string) {
	t.Helper()
	settle()
	if got := w.Carrier.Kinds(); !slices.Equal(got, want) {
		t.Fatalf("sent %v, want %v", got, want)
	}
}

func wantOutcome(t *testing.T, w *actorstest.World, session string, want protocol.Outcome) protocol.Call {
	t.Helper()
	settle()
	row := w.Row(session)
	if row.Outcome != want {
		t.Fatalf("outcome %v in stage %s, want %v", row.Outcome, row.Stage, want)
	}
	return row
}

func TestAMaskedCall(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		call := actorstest.Call("s1", 1, lent.NumberA)
		w.Tell(call.Rings())
		wantSent(t, w, "answer")
		call.Tagged(w.Carrier.Sent())
		time.Sleep(time.Second)
		w.Tell(call.Answered(a))
		wantSent(t, w, "answer", "transfer")
		transfer := w.Carrier.Sent()[1].Command.(protocol.Transfer)
		if transfer.To != actorstest.Number(2) || transfer.From != lent.NumberB {
			t.Fatalf("transfer to %s from %s", transfer.To.E164(), transfer.From.E164())
		}
		call.Tagged(w.Carrier.Sent())
		time.Sleep(time.Second)
		w.Tell(call.RingsAtB())
		w.Tell(call.Bridged(b))
		w.Tell(call.Bridged(a))
		wantSent(t, w, "answer", "transfer") // a bridge proves nothing
		time.Sleep(3 * time.Second)
		w.Tell(call.Answered(b))
		wantSent(t, w, "answer", "transfer", "record_start")
		time.Sleep(time.Minute)
		w.Tell(call.HungUp(a, protocol.CauseNormalClearing))
		w.Tell(call.HungUp(b, protocol.CauseNormalClearing))
		row := wantOutcome(t, w, "s1", protocol.OutcomeTalked)
		if row.Talk() != time.Minute || row.HangupCause != protocol.CauseNormalClearing || row.Caller != protocol.PartyA {
			t.Errorf("talk %v, cause %v, caller %v", row.Talk(), row.HangupCause, row.Caller)
		}
		if row.State == "" {
			t.Error("the call is closed before its recording is known")
		}
		w.Tell(call.Recorded("rec-1"))
		settle()
		if row := w.Row("s1"); row.State != "" {
			t.Errorf("still open in stage %s after its recording", row.Stage)
		}
		if recs, _ := w.Store.Recordings(context.Background(), row.ID); len(recs) != 1 || recs[0].Booking != lent.ID {
			t.Errorf("recordings %+v", recs)
		}
		wantSent(t, w, "answer", "transfer", "record_start")
	})
}

func TestTheHostCallsBack(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		call := actorstest.Call("s1", 2, lent.NumberB)
		w.Tell(call.Rings())
		settle()
		w.Tell(call.Tagged(w.Carrier.Sent()).Answered(a))
		settle()
		transfer := w.Carrier.Sent()[1].Command.(protocol.Transfer)
		if transfer.To != actorstest.Number(1) || transfer.From != lent.NumberA {
			t.Fatalf("transfer to %s from %s", transfer.To.E164(), transfer.From.E164())
		}
	})
}

func TestRefusedCallersAreNeverConnected(t *testing.T) {
	for _, test := range []struct {
		name    string
		prepare func(w *actorstest.World, lent protocol.Booking)
		from    phone.Number
		to      phone.Number // unknown: the booking's number
		want    protocol.Outcome
	}{
		{name: "a stranger", from: actorstest.Number(66), want: protocol.OutcomeStranger},
		{name: "a withheld caller", want: protocol.OutcomeWithheld},
		{name: "a number that is not ours", from: actorstest.Number(1), to: actorstest.Number(5), want: protocol.OutcomeUnallocated},
		{name: "a deleted booking", from: actorstest.Number(1), want: protocol.OutcomeNoBooking,
			prepare: func(w *actorstest.World, _ protocol.Booking) {
				if _, err := w.CloseBooking(context.Background(), "bk"); err != nil {
					t.Fatal(err)
				}
			}},
		{name: "an expired booking", from: actorstest.Number(1), want: protocol.OutcomeNoBooking,
			prepare: func(*actorstest.World, protocol.Booking) { time.Sleep(24 * time.Hour) }},
		{name: "a booking whose quarantine is over", from: actorstest.Number(1), want: protocol.OutcomeStranger,
			prepare: func(*actorstest.World, protocol.Booking) { time.Sleep(49 * time.Hour) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
				if test.prepare != nil {
					test.prepare(w, lent)
				}
				call := actorstest.Call("s1", 1, lent.NumberA)
				call.From = test.from
				if test.to.Known() {
					call.To = test.to
				}
				w.Tell(call.Rings())
				wantSent(t, w, "reject")
				w.Tell(call.HungUp(a, protocol.CauseCallRejected))
				row := wantOutcome(t, w, "s1", test.want)
				if row.State != "" {
					t.Errorf("still open in stage %s", row.Stage)
				}
				wantSent(t, w, "reject")
			})
		})
	}
}

func TestTheSameEventEightTimesAtOnce(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		call := actorstest.Call("s1", 1, lent.NumberA)
		eight := func(ev protocol.LegEvent) {
			t.Helper()
			var wg sync.WaitGroup
			var mu sync.Mutex
			counts := map[protocol.Receipt]int{}
			for range 8 {
				wg.Go(func() {
					r, err := w.Deliver(context.Background(), ev, time.Now())
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					counts[r]++
					mu.Unlock()
				})
			}
			wg.Wait()
			settle()
			if counts[protocol.ReceiptAccepted] != 1 || counts[protocol.ReceiptDuplicate] != 7 {
				t.Errorf("%T: %v", ev, counts)
			}
			call.Tagged(w.Carrier.Sent())
		}
		eight(call.Rings())
		eight(call.Answered(a))
		eight(call.RingsAtB())
		eight(call.Answered(b))
		eight(call.HungUp(b, protocol.CauseNormalClearing))
		eight(call.HungUp(a, protocol.CauseNormalClearing))
		eight(call.Recorded("rec-1"))
		wantSent(t, w, "answer", "transfer", "record_start")
		wantOutcome(t, w, "s1", protocol.OutcomeTalked)
	})
}
