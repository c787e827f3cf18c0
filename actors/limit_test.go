package actors_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"maskswitch/actors"
	"maskswitch/actors/actorstest"
	"maskswitch/actors/protocol"
)

// When as many calls are in progress as there may be, one more ring is refused
// for the carrier to repeat; whoever talks goes on, and when somebody has hung up
// there is room again. It is so after a restart, too.
func TestMaxCalls(t *testing.T) {
	limited := func(c *actors.Config) { c.MostCalls = 2 }
	worldWith(t, limited, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		first := ring(t, w, "s1", lent)
		ring(t, w, "s2", lent)
		third := actorstest.Call("s3", 1, lent.NumberA)
		refused := func(when string) {
			t.Helper()
			_, err := w.Deliver(context.Background(), third.Rings(), time.Now())
			var e *protocol.Error
			if !errors.As(err, &e) || e.Kind != protocol.Unavailable || e.Code != "too_many_calls" {
				t.Errorf("%s: %v", when, err)
			}
		}
		refused("two are in progress")
		w.Restart()
		settle()
		refused("two were in progress when it died")
		w.Tell(first.Answered(b))
		w.Tell(first.HungUp(b, protocol.CauseNormalClearing))
		w.Tell(first.HungUp(a, protocol.CauseNormalClearing))
		settle()
		if r := w.Tell(third.Rings()); r != protocol.ReceiptAccepted {
			t.Errorf("one has hung up, and the ring is %v", r)
		}
	})
}

func TestCommandsOnTheirWayAreCounted(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		answer := make(chan struct{})
		w.Carrier.Answers(func(context.Context, protocol.Command) protocol.Reply {
			<-answer
			return protocol.Reply{Result: protocol.CommandOK, Attempts: 1}
		})
		if n, oldest := w.OnTheirWay(); n != 0 || !oldest.IsZero() {
			t.Errorf("%d on their way since %v, and nothing was sent", n, oldest)
		}
		began := time.Now()
		w.Tell(actorstest.Call("s1", 1, lent.NumberA).Rings())
		time.Sleep(time.Second)
		w.Tell(actorstest.Call("s2", 2, lent.NumberA).Rings())
		settle()
		if n, oldest := w.OnTheirWay(); n != 2 || !oldest.Equal(began) {
			t.Errorf("%d on their way since %v, want 2 since %v", n, oldest, began)
		}
		answer <- struct{}{}
		settle()
		if n, _ := w.OnTheirWay(); n != 1 {
			t.Errorf("%d on their way, want 1", n)
		}
		close(answer)
		settle()
		if n, oldest := w.OnTheirWay(); n != 0 || !oldest.IsZero() {
			t.Errorf("%d on their way since %v, and all are answered", n, oldest)
		}
	})
}
