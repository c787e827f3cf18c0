package actors_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"maskswitch/actors/actorstest"
	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
)

func TestRecordingOfAnUnknownCallIsKept(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		call := actorstest.Call("s1", 1, lent.NumberA)
		ev := call.Recorded("rec-9").(protocol.LegRecorded)
		ev.Leg = ""
		ev.Tag = protocol.Tag{Booking: lent.ID, Call: protocol.NewCallID("s1", time.Now()), Leg: a}
		if r := w.Tell(ev); r != protocol.ReceiptAccepted {
			t.Fatalf("the recording was %v", r)
		}
		recs, err := w.Store.Recordings(context.Background(), ev.Tag.Call)
		if err != nil || len(recs) != 1 || recs[0].Booking != lent.ID {
			t.Errorf("recordings %+v, %v", recs, err)
		}
	})
}

// A process dies before anything of a call is on disk, and its events come again
// to the next one, the recording first: the call does not wait for it then.
func TestTheRecordingComesFirst(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		call := talkForgotten(t, w, lent)
		for _, ev := range []protocol.LegEvent{
			call.Recorded("rec-1"), call.Rings(), call.Answered(a), call.RingsAtB(), call.Answered(b),
			call.HungUp(a, protocol.CauseNormalClearing), call.HungUp(b, protocol.CauseNormalClearing),
		} {
			w.Tell(ev)
		}
		wantOneRecording(t, w, lent)
	})
}

// The same with all of them at once: the store is asked for the recording's call
// when there is none yet, and by the time that it answers the call is over.
func TestTheCallIsOverWhileItsRecordingIsLookedUp(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		call := talkForgotten(t, w, lent)
		release := w.Store.HoldAnswer()
		taken := make(chan error, 1)
		go func() {
			_, err := w.Deliver(context.Background(), call.Recorded("rec-1"), time.Now())
			taken <- err
		}()
		settle()
		for _, ev := range []protocol.LegEvent{
			call.HungUp(a, protocol.CauseNormalClearing), call.HungUp(b, protocol.CauseNormalClearing),
			call.Rings(), call.Answered(b),
		} {
			w.Tell(ev)
		}
		settle()
		release()
		if err := <-taken; err != nil {
			t.Fatal(err)
		}
		wantOneRecording(t, w, lent)
	})
}

// talkForgotten brings a call to where the two talk, and kills the process before
// anything of it is on disk.
func talkForgotten(t *testing.T, w *actorstest.World, lent protocol.Booking) *actorstest.PhoneCall {
	t.Helper()
	w.Store.Fail(errors.New("killed"))
	release := w.Store.Hold()
	call := actorstest.Call("s1", 1, lent.NumberA)
	var taken atomic.Int32
	for _, next := range []func() protocol.LegEvent{
		call.Rings, func() protocol.LegEvent { return call.Answered(a) }, call.RingsAtB, func() protocol.LegEvent { return call.Answered(b) },
	} {
		ev := next()
		go func() {
			if _, err := w.Deliver(context.Background(), ev, time.Now()); err == nil {
				taken.Add(1)
			}
		}()
		settle()
		call = call.Tagged(w.Carrier.Sent())
	}
	wantSent(t, w, "answer", "transfer", "record_start")
	release()
	settle()
	if n := taken.Load(); n > 0 {
		t.Fatalf("%d events acknowledged, and not on disk", n)
	}
	w.Restart()
	return call
}

func wantOneRecording(t *testing.T, w *actorstest.World, lent protocol.Booking) {
	t.Helper()
	if row := wantOutcome(t, w, "s1", protocol.OutcomeTalked); row.State != "" {
		t.Errorf("the call is still open, in stage %s", row.Stage)
	}
	recs, err := w.Store.Recordings(context.Background(), w.Row("s1").ID)
	if err != nil || len(recs) != 1 || recs[0].ID != "rec-1" || recs[0].Booking != lent.ID {
		t.Errorf("recordings %+v, %v", recs, err)
	}
}

// A recording may come long after its call, and names no leg.
func TestRecordingAfterTheCallWasForgotten(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		call := talk(t, w, "s1", lent)
		w.Tell(call.HungUp(a, protocol.CauseNormalClearing))
		w.Tell(call.HungUp(b, protocol.CauseNormalClearing))
		time.Sleep(3 * time.Hour)
		ev := call.Recorded("rec-1").(protocol.LegRecorded)
		ev.Leg, ev.Tag = "", protocol.Tag{}
		w.Tell(ev)
		row := w.Row("s1")
		// The first stands for what was awaited in vain; the queue, which there is
		// none of here, will find that it was the second.
		recs, _ := w.Store.Recordings(context.Background(), row.ID)
		if len(recs) != 2 || !recs[0].ID.Expected() || recs[1].ID != "rec-1" || recs[1].Booking != lent.ID {
			t.Errorf("recordings %+v", recs)
		}
	})
}

func TestARecordingThatFailed(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		call := talk(t, w, "s1", lent)
		w.Tell(call.HungUp(a, protocol.CauseNormalClearing))
		w.Tell(call.HungUp(b, protocol.CauseNormalClearing))
		failed := protocol.RecordingFailed{About: call.Recorded("x").Facts(), Reason: "Internal server error"}
		w.Tell(failed)
		settle()
		if row := w.Row("s1"); row.State != "" || row.Reason != failed.Reason {
			t.Errorf("stage %s, reason %q", row.Stage, row.Reason)
		}
	})
}

// A recording that comes after its booking was erased is erased as well.
func TestRecordingAfterItsBookingWasErased(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		call := talk(t, w, "s1", lent)
		w.Tell(call.HungUp(a, protocol.CauseNormalClearing))
		w.Tell(call.HungUp(b, protocol.CauseNormalClearing))
		time.Sleep(3 * time.Hour)
		if _, err := w.Store.Commit([]journal.Change{{
			Close:  []journal.Closing{{ID: lent.ID, State: protocol.BookingClosed}},
			Forget: []journal.Forgetting{{ID: lent.ID, A: true, B: true}},
		}}); err != nil {
			t.Fatal(err)
		}
		w.Tell(call.Recorded("rec-1"))
		rec, err := w.Store.Recording(context.Background(), "rec-1")
		if err != nil || rec.Status != protocol.RecordingErasing || rec.Why == "" || rec.NextTryAt.IsZero() {
			t.Errorf("%+v, %v", rec, err)
		}
	})
}
