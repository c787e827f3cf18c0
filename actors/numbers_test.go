package actors_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"maskswitch/actors"
	"maskswitch/actors/actorstest"
	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// A draining number whose last booking is over waits until nobody remembers it.
func TestADrainingNumberWaitsForThoseWhoRememberIt(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		ctx, n := context.Background(), lent.NumberA
		w.Book("later", 3, 4)
		for _, ref := range []string{"bk", "later"} {
			if _, err := w.CloseBooking(ctx, ref); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
		}
		if _, err := w.MoveNumber(ctx, protocol.MoveNumberTo{Number: n, State: protocol.NumberDraining}); err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			wait  time.Duration
			state protocol.NumberState
			past  int
		}{{0, protocol.NumberDraining, 2}, {22*time.Hour + time.Minute, protocol.NumberDraining, 1}, {time.Hour, protocol.NumberRetired, 0}} {
			time.Sleep(step.wait)
			settle()
			if s, err := w.Number(ctx, n); err != nil || s.State != step.state || s.Quarantined != step.past {
				t.Errorf("%s, remembered by %d, %v; want %s, %d", s.State, s.Quarantined, err, step.state, step.past)
			}
		}
	})
}

// Who puts a number back into service while it is being retired by force wins,
// and the other is told.
func TestAForcedRetirementMeetsAnotherWill(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		ctx, n := context.Background(), lent.NumberA
		answers := make(chan error, 2)
		release := w.Store.Hold() // until then the booking has not ended for good
		go func() {
			_, err := w.RetireNumber(ctx, n, true)
			answers <- err
		}()
		settle()
		go func() {
			_, err := w.MoveNumber(ctx, protocol.MoveNumberTo{Number: n, State: protocol.NumberServing})
			answers <- err
		}()
		settle()
		release()
		refused := 0
		for range 2 {
			if err := <-answers; protocol.KindOf(err) == protocol.Conflict {
				refused++
			} else if err != nil {
				t.Error(err)
			}
		}
		s, err := w.Number(ctx, n)
		if err != nil || s.State != protocol.NumberServing || refused != 1 {
			t.Errorf("%s, %v; %d refused", s.State, err, refused)
		}
		w.Restart()
		if again, err := w.Number(ctx, n); err != nil || again.State != s.State {
			t.Errorf("recovered as %s, %v", again.State, err)
		}
	})
}

func TestAddingNumbers(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, _ protocol.Booking) {
		ctx, fresh := context.Background(), actorstest.Number(9001)
		if _, err := w.AddNumbers(ctx, []phone.Number{fresh, actorstest.Number(1)}); protocol.KindOf(err) != protocol.Conflict {
			t.Errorf("a party as a proxy number: %v", err)
		}
		for _, want := range []protocol.Added{{New: 1, Pool: 2}, {New: 0, Pool: 2}} {
			if got, err := w.AddNumbers(ctx, []phone.Number{fresh, actorstest.Number(9000), fresh}); err != nil || got != want {
				t.Errorf("%+v, %v; want %+v", got, err, want)
			}
		}
		for field, asked := range map[string]protocol.OpenBooking{
			"party_a": actorstest.Asked("a", 9001, 5), "party_b": actorstest.Asked("b", 5, 9001),
		} {
			_, err := w.OpenBooking(ctx, asked)
			if refusal, ok := err.(*protocol.Error); !ok || refusal.Code != "party_is_proxy" || refusal.Field != field {
				t.Errorf("a proxy number as %s: %v", field, err)
			}
		}
	})
}

// A number that rings too often gets no new bookings until it has calmed down;
// those it has are served.
func TestABusyNumber(t *testing.T) {
	worldWith(t, func(c *actors.Config) { c.CallsPerMinute = 3 }, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		ctx := context.Background()
		for i := range 20 {
			call := actorstest.Call(fmt.Sprint("s", i), 1, lent.NumberA)
			w.Tell(call.Rings())
			settle()
			if row := w.Row(call.Session); row.Caller == protocol.PartyNone {
				t.Fatalf("ring %d: %s", i, row.Reason)
			}
		}
		if s, err := w.Number(ctx, lent.NumberA); err != nil || s.CallsPerMinute < 3 || s.LastCallAt.IsZero() {
			t.Errorf("%+v, %v", s, err)
		}
		if _, err := w.OpenBooking(ctx, actorstest.Asked("too much", 3, 4)); protocol.KindOf(err) != protocol.Exhausted {
			t.Errorf("a new booking: %v", err)
		}
		time.Sleep(time.Hour)
		w.Book("calm", 3, 4)
	})
}
