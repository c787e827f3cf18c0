package actors_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"maskswitch/actors"
	"maskswitch/actors/actorstest"
	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// Whatever has happened to bookings and numbers: what explain says of a call is
// what becomes of it when it rings the next moment, and asking changes nothing.
func TestExplainIsWhatHappens(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			limited := func(c *actors.Config) { c.Calls.Ended = "It has ended."; c.Quarantine = time.Hour }
			worldWith(t, limited, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
				w.Pool(3)
				ctx := context.Background()
				live := []string{"bk"}
				decisions := make(map[protocol.Outcome]int)
				for i := range 120 {
					switch random.IntN(6) {
					case 0:
						name := fmt.Sprint("b", i)
						if _, err := w.OpenBooking(ctx, actorstest.Asked(name, 1+random.IntN(4), 5+random.IntN(4))); err == nil {
							live = append(live, name)
						}
					case 1:
						_, _ = w.CloseBooking(ctx, live[random.IntN(len(live))])
					case 2:
						time.Sleep(time.Duration(random.IntN(90)) * time.Minute)
					}
					settle()
					caller, number := 1+random.IntN(9), lent.NumberA
					switch random.IntN(8) {
					case 0:
						number = actorstest.Number(9999) // not in the pool
					case 1, 2, 3:
						numbers, err := w.Numbers(ctx, protocol.NumberQuery{Limit: 10})
						if err != nil {
							t.Fatal(err)
						}
						number = numbers[random.IntN(len(numbers))].Number.Number
					}
					ringing := actorstest.Call(fmt.Sprint("s", i), caller, number)
					from := ringing.Rings().Facts().From
					if random.IntN(9) == 0 {
						from = phone.Number{}
					}
					explained := explainTwice(t, w, from, number)
					if !from.Known() {
						if explained.InPool && explained.Route.Refusal != protocol.OutcomeWithheld {
							t.Errorf("withheld: %+v", explained.Route)
						}
						continue
					}
					w.Tell(ringing.Rings())
					settle()
					row := w.Row(fmt.Sprint("s", i))
					decisions[explained.Route.Refusal]++
					if refused := explained.Route.Refusal != protocol.OutcomeNone; refused != (row.AnsweredAt.IsZero() && row.Stage == "refusing" || row.Reason != "") {
						t.Fatalf("%d: explained %+v, and the call is %+v", i, explained.Route, row)
					}
					if explained.Route.Reason != row.Reason || explained.Route.Booking != row.Booking || explained.Route.Caller != row.Caller {
						t.Fatalf("%d: explained %+v, and the call is %+v", i, explained.Route, row)
					}
					shown(t, w, ringing, explained.Route)
				}
				for _, outcome := range []protocol.Outcome{protocol.OutcomeNone, protocol.OutcomeStranger, protocol.OutcomeUnallocated} {
					if decisions[outcome] == 0 {
						t.Errorf("no call came to %q: %v", outcome, decisions)
					}
				}
			})
		})
	}
}

// explainTwice asks the same again: the first answer has changed nothing.
func explainTwice(t *testing.T, w *actorstest.World, from, to phone.Number) protocol.Explanation {
	t.Helper()
	first, err := w.Explain(context.Background(), from, to, !from.Known())
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.Explain(context.Background(), from, to, !from.Known())
	if err != nil || again != first {
		t.Fatalf("explained %+v, and then %+v, %v", first, again, err)
	}
	return first
}

// shown holds the number that B is shown, of a call that is connected, against
// what was explained.
func shown(t *testing.T, w *actorstest.World, call *actorstest.PhoneCall, route protocol.Route) {
	t.Helper()
	if route.Refusal != protocol.OutcomeNone {
		return
	}
	before := len(w.Carrier.Sent())
	w.Tell(call.Tagged(w.Carrier.Sent()).Answered(a))
	settle()
	for _, sent := range w.Carrier.Sent()[before:] {
		if transfer, ok := sent.Command.(protocol.Transfer); ok {
			if transfer.From != route.From || transfer.To != route.To {
				t.Fatalf("explained %+v, and dialled %+v", route, transfer)
			}
			return
		}
	}
	t.Fatalf("explained %+v, and nobody was dialled", route)
}
