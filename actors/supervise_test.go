package actors_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"maskswitch/actors"
	"maskswitch/actors/actorstest"
	"maskswitch/actors/pool"
	"maskswitch/actors/protocol"
)

// panics counts them by kind of actor.
type panics struct {
	actors.Observer
	mu     sync.Mutex
	counts map[protocol.ActorKind]int
}

func (p *panics) Panicked(kind protocol.ActorKind) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts[kind]++
}

// An actor that panics loses the message in hand and nothing else: what hangs
// below it is built again from the store, calls go on, and no number is given
// twice.
func TestActorsThatPanic(t *testing.T) {
	for _, test := range []struct {
		kind protocol.ActorKind
		poke func(w *actorstest.World)
	}{
		{protocol.ActorPool, func(w *actorstest.World) { w.ToPool(pool.Count{}) }},
		{protocol.ActorBooking, func(w *actorstest.World) {
			// The name is another pair's, and nobody is there to be told so.
			w.ToPool(pool.Open{Asked: actorstest.Asked("bk", 1, 3)})
		}},
		{protocol.ActorCall, func(w *actorstest.World) {
			w.ToCall("s1", protocol.Delivery{Event: protocol.LegBridged{About: protocol.About{Session: "s1", Leg: "none of ours"}}})
		}},
		{protocol.ActorCallShard, func(w *actorstest.World) { w.ToCall("s1", protocol.Delivery{}) }},
	} {
		t.Run(test.kind.String(), func(t *testing.T) {
			counted := &panics{Observer: actors.Unobserved(), counts: make(map[protocol.ActorKind]int)}
			watch := func(c *actors.Config) { c.Observer = counted }
			worldWith(t, watch, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
				call := ring(t, w, "s1", lent)
				test.poke(w)
				settle()
				time.Sleep(time.Second)
				if counted.counts[test.kind] != 1 {
					t.Fatalf("panics: %v", counted.counts)
				}
				if err := w.Ready(); err != nil {
					t.Fatalf("not ready a second later: %v", err)
				}
				again, err := w.OpenBooking(context.Background(), actorstest.Asked("bk", 1, 2))
				if err != nil || !again.Repeated || again.ID != lent.ID {
					t.Errorf("the booking is %+v, %v", again, err)
				}
				if _, err := w.OpenBooking(context.Background(), actorstest.Asked("bk2", 1, 4)); protocol.KindOf(err) != protocol.Exhausted {
					t.Errorf("the number was given twice: %v", err)
				}
				w.Tell(call.RingsAtB())
				w.Tell(call.Answered(b))
				w.Tell(call.HungUp(a, protocol.CauseNormalClearing))
				w.Tell(call.HungUp(b, protocol.CauseNormalClearing))
				wantOutcome(t, w, "s1", protocol.OutcomeTalked)
				for _, kind := range []protocol.CommandKind{protocol.CommandAnswer, protocol.CommandTransfer, protocol.CommandRecordStart} {
					if n := w.Carrier.Effective(kind); n != 1 {
						t.Errorf("%v took effect %d times", kind, n)
					}
				}
				if _, err := w.CloseBooking(context.Background(), "bk"); err != nil {
					t.Errorf("close: %v", err)
				}
			})
		})
	}
}
