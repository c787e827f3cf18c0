package actors_test

import (
	"context"
	"testing"
	"time"

	"maskswitch/actors/actorstest"
	"maskswitch/actors/protocol"
)

// "No such booking" says that it has ended, and is as much a promise as "ended".
func TestASecondDeleteIsNotAnsweredBeforeTheFirstIsOnDisk(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		release := w.Store.Hold()
		answers := make(chan error, 2)
		for range 2 {
			go func() {
				_, err := w.CloseBooking(context.Background(), "bk")
				answers <- err
			}()
		}
		settle()
		if n := len(answers); n > 0 {
			t.Errorf("%d deletes answered before the disk knew", n)
		}
		release()
		found := 0
		for range 2 {
			if err := <-answers; err == nil {
				found++
			} else if protocol.KindOf(err) != protocol.NotFound {
				t.Error(err)
			}
		}
		if found != 1 {
			t.Errorf("%d deletes found the booking", found)
		}
	})
}

// The process dies with record_start on its way, after both have hung up. Only
// the carrier can say that there is no recording to wait for.
func TestNoRecordingIsAwaitedThatWasNeverBegun(t *testing.T) {
	for name, over := range map[string]bool{"both legs over": true, "one leg over": false} {
		t.Run(name, func(t *testing.T) {
			world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
				w.Carrier.Answers(func(ctx context.Context, cmd protocol.Command) protocol.Reply {
					if cmd.Kind() == protocol.CommandRecordStart {
						<-ctx.Done()
						return protocol.Reply{Result: protocol.CommandTimeout}
					}
					return protocol.Reply{Result: protocol.CommandOK, Alive: true}
				})
				call := dial(t, w, "s1", lent)
				w.Tell(call.RingsAtB())
				w.Tell(call.Answered(b))
				w.Tell(call.HungUp(a, protocol.CauseNormalClearing))
				if over {
					w.Tell(call.HungUp(b, protocol.CauseNormalClearing))
				}
				w.Crash()
				w.Carrier.Answers(func(context.Context, protocol.Command) protocol.Reply {
					return protocol.Reply{Result: protocol.CommandLegGone}
				})
				if err := w.Boot(); err != nil {
					t.Fatal(err)
				}
				if !over {
					w.Tell(call.HungUp(b, protocol.CauseNormalClearing))
				}
				time.Sleep(time.Second)
				if row := wantOutcome(t, w, "s1", protocol.OutcomeTalked); row.State != "" {
					t.Errorf("still open in stage %s", row.Stage)
				}
			})
		})
	}
}

// The carrier forgets a command id a minute after it took effect, however often
// it was repeated since: the third process must not dial again.
func TestATransferIsNotRepeatedForEver(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		w.Carrier.Answers(func(ctx context.Context, cmd protocol.Command) protocol.Reply {
			if cmd.Kind() == protocol.CommandTransfer {
				<-ctx.Done()
				return protocol.Reply{Result: protocol.CommandTimeout}
			}
			return protocol.Reply{Result: protocol.CommandOK, Alive: true}
		})
		dial(t, w, "s1", lent)
		for range 3 {
			w.Crash()
			time.Sleep(40 * time.Second)
			if err := w.Boot(); err != nil {
				t.Fatal(err)
			}
			settle()
		}
		transfers := 0
		for _, kind := range w.Carrier.Kinds() {
			if kind == "transfer" {
				transfers++
			}
		}
		if transfers != 2 {
			t.Errorf("sent %v", w.Carrier.Kinds())
		}
	})
}
