package actors_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"maskswitch/actors"
	"maskswitch/actors/actorstest"
	"maskswitch/actors/journal"
	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// Random histories of creates, repeats, deletes, checkouts, crashes and calls:
// no (number, party) is ever held twice, whoever is connected reaches the other
// party of a live booking of his on that number, and what is recovered is what
// was there.
func TestRandomHistories(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &history{t: t, rnd: rand.New(rand.NewPCG(seed, 1)), open: make(map[string]protocol.Booking)}
				h.w = actorstest.Start(t, func(c *actors.Config) {
					c.PairsPerNumber = 4
					c.Quarantine = time.Duration(h.rnd.IntN(3)) * time.Hour
					c.Strict = h.rnd.IntN(2) == 0
				})
				h.w.Pool(5)
				for range 120 {
					h.act()
				}
				h.check()
			})
		})
	}
}

type history struct {
	t    *testing.T
	w    *actorstest.World
	rnd  *rand.Rand
	open map[string]protocol.Booking // what we were told is live
	n    int
}

func (h *history) act() {
	ctx := context.Background()
	h.n++
	switch x := h.rnd.IntN(100); {
	case x < 40:
		name := fmt.Sprint("bk", h.rnd.IntN(60))
		asked := actorstest.Asked(name, 1+h.rnd.IntN(6), 7+h.rnd.IntN(6))
		asked.Duration = time.Duration(1+h.rnd.IntN(20)) * time.Hour
		if _, ok := h.open[name]; !ok {
			if _, err := h.w.Booking(ctx, name); err == nil {
				return // its name is used up
			}
		}
		got, err := h.w.OpenBooking(ctx, asked)
		was, known := h.open[name]
		switch {
		case known && err == nil && got.ID != was.ID:
			h.t.Fatalf("a repeat of %s made another booking", name)
		case known && err == nil && (got.PartyA != asked.PartyA || got.PartyB != asked.PartyB):
			h.t.Fatalf("%s was given to another pair", name)
		case err == nil:
			h.open[name] = got.Booking
		case protocol.KindOf(err) != protocol.Exhausted && protocol.KindOf(err) != protocol.Conflict:
			h.t.Fatal(err)
		}
	case x < 55:
		for name := range h.open {
			if _, err := h.w.CloseBooking(ctx, name); err != nil {
				h.t.Fatalf("close %s: %v", name, err)
			}
			delete(h.open, name)
			break
		}
	case x < 65:
		time.Sleep(time.Duration(h.rnd.IntN(180)) * time.Minute)
		synctest.Wait()
		for name, b := range h.open {
			if !time.Now().Before(b.CheckoutAt) {
				delete(h.open, name)
			}
		}
	case x < 70:
		before := h.count()
		h.w.Restart()
		synctest.Wait()
		if after := h.count(); after != before {
			h.t.Fatalf("recovered %+v, was %+v", after, before)
		}
	default:
		h.call()
	}
	h.check()
}

func (h *history) count() protocol.Headcount {
	c, err := h.w.Headcount(context.Background())
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

// call lets anybody dial anything, and holds who is reached against the
// bookings that are open.
func (h *history) call() {
	from, to := 1+h.rnd.IntN(14), actorstest.Number(9000+h.rnd.IntN(5))
	session := fmt.Sprint("s", h.n)
	call := actorstest.Call(session, from, to)
	sent := len(h.w.Carrier.Sent())
	h.w.Tell(call.Rings())
	synctest.Wait()
	want, wantFrom := h.other(actorstest.Number(from), to)
	first := h.w.Carrier.Sent()[sent].Command
	if _, refused := first.(protocol.Reject); refused != !want.Known() {
		h.t.Fatalf("a caller whose party is %v was met with %v", want, first.Kind())
	}
	if !want.Known() {
		h.w.Tell(call.HungUp(a, protocol.CauseCallRejected))
		return
	}
	h.w.Tell(call.Tagged(h.w.Carrier.Sent()).Answered(a))
	synctest.Wait()
	transfer, ok := h.w.Carrier.Sent()[sent+1].Command.(protocol.Transfer)
	if !ok || transfer.To != want || transfer.From != wantFrom {
		h.t.Fatalf("reached %v shown %v, want %v shown %v", transfer.To, transfer.From, want, wantFrom)
	}
	h.w.Tell(call.HungUp(a, protocol.CauseOriginatorCancel))
}

func (h *history) other(caller, number phone.Number) (other, shown phone.Number) {
	for _, b := range h.open {
		switch {
		case b.NumberA == number && b.PartyA == caller:
			return b.PartyB, b.NumberB
		case b.NumberB == number && b.PartyB == caller:
			return b.PartyA, b.NumberA
		}
	}
	return phone.Number{}, phone.Number{}
}

// check reads the store: what is live there is what we were told, and nothing
// is held twice.
func (h *history) check() {
	h.t.Helper()
	type holding struct{ number, party phone.Number }
	held := make(map[holding]protocol.BookingID)
	live := 0
	for item, err := range journal.Store(h.w.Store).Live(context.Background(), 0, 0) {
		if err != nil {
			h.t.Fatal(err)
		}
		if item.Booking == nil || item.Booking.State != protocol.BookingLive {
			continue
		}
		b := *item.Booking
		live++
		if told, ok := h.open[string(b.Ref)]; !ok || told.ID != b.ID {
			h.t.Fatalf("%s is live in the store; nobody was told", b.Ref)
		}
		for _, at := range []holding{{b.NumberA, b.PartyA}, {b.NumberB, b.PartyB}} {
			if other, twice := held[at]; twice {
				h.t.Fatalf("%s and %s hold one number for one party", other, b.ID)
			}
			held[at] = b.ID
		}
	}
	if live != len(h.open) {
		h.t.Fatalf("%d live in the store, %d told", live, len(h.open))
	}
}
