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

// Random histories of creates, repeats, deletes, movings, checkouts, numbers that
// rest, drain and retire, crashes and calls: no (number, party) is ever held
// twice, no party gets a number that it had with somebody else while there is a
// clean way, whoever is connected reaches the other party of a live booking of
// his on that number, and what is recovered is what was there.
func TestRandomHistories(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &history{t: t, rnd: rand.New(rand.NewPCG(seed, 1)), open: make(map[string]protocol.Booking)}
				h.w = actorstest.Start(t, func(c *actors.Config) {
					c.PairsPerNumber = 4
					c.Quarantine = time.Duration(h.rnd.IntN(3)) * time.Hour
					c.Strict = h.rnd.IntN(2) == 0
					c.Assignment = protocol.Assignment(h.rnd.IntN(2))
					h.strict = c.Strict
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
	over []protocol.Booking          // what has ended, with its quarantine
	n    int

	strict bool
}

func (h *history) act() {
	ctx := context.Background()
	h.n++
	switch x := h.rnd.IntN(100); {
	case x < 40:
		name := fmt.Sprint("bk", h.rnd.IntN(60))
		asked := actorstest.Asked(name, 1+h.rnd.IntN(6), 7+h.rnd.IntN(6))
		asked.Duration = time.Duration(1+h.rnd.IntN(20)) * time.Hour
		asked.Terms.Masks = protocol.Masks(h.rnd.IntN(2))
		if _, ok := h.open[name]; !ok {
			if _, err := h.w.Booking(ctx, name); err == nil {
				return // its name is used up
			}
		}
		numbers := h.numbers()
		got, err := h.w.OpenBooking(ctx, asked)
		was, known := h.open[name]
		if !known {
			h.judge(numbers, asked, got.Booking, err)
		}
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
			ended, err := h.w.CloseBooking(ctx, name)
			if err != nil {
				h.t.Fatalf("close %s: %v", name, err)
			}
			h.ended(ended)
			break
		}
	case x < 60:
		for name, was := range h.open {
			b, err := h.w.MoveBooking(ctx, name, protocol.MoveBooking{To: time.Now().Add(time.Duration(1+h.rnd.IntN(30)) * time.Hour)})
			if err != nil || b.ID != was.ID {
				h.t.Fatalf("move %s: %v", name, err)
			}
			h.open[name] = b
			break
		}
	case x < 65:
		h.moveNumber()
	case x < 75:
		time.Sleep(time.Duration(h.rnd.IntN(180)) * time.Minute)
		synctest.Wait()
		for name, b := range h.open {
			if time.Now().Before(b.CheckoutAt) {
				continue
			}
			ended, err := h.w.Booking(ctx, name)
			if err != nil {
				h.t.Fatal(err)
			}
			h.ended(ended)
		}
	case x < 80:
		before, numbers := h.count(), h.numbers()
		h.w.Restart()
		synctest.Wait()
		if after := h.count(); after != before {
			h.t.Fatalf("recovered %+v, was %+v", after, before)
		}
		for i, n := range h.numbers() {
			// Rates and last calls are of this process.
			n.CallsPerMinute, n.LastCallAt = numbers[i].CallsPerMinute, numbers[i].LastCallAt
			if n != numbers[i] {
				h.t.Fatalf("recovered %+v, was %+v", n, numbers[i])
			}
		}
	default:
		h.call()
	}
	h.check()
}

func (h *history) ended(b protocol.Booking) {
	delete(h.open, string(b.Ref))
	if b.State == protocol.BookingQuarantined {
		h.over = append(h.over, b)
	}
}

func (h *history) numbers() []protocol.NumberStatus {
	list, err := h.w.Numbers(context.Background(), protocol.NumberQuery{})
	if err != nil {
		h.t.Fatal(err)
	}
	return list
}

// moveNumber has an operator do something to a number.
func (h *history) moveNumber() {
	ctx, n := context.Background(), actorstest.Number(9000+h.rnd.IntN(5))
	if h.rnd.IntN(4) == 0 {
		gone, err := h.w.RetireNumber(ctx, n, h.rnd.IntN(2) == 0)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, b := range gone.Ended {
			if _, ok := h.open[string(b.Ref)]; !ok {
				h.t.Fatalf("%s was ended twice", b.Ref)
			}
			h.ended(b)
		}
		return
	}
	if h.rnd.IntN(2) == 0 {
		if _, err := h.w.AddNumbers(ctx, []phone.Number{n}); err != nil {
			h.t.Fatal(err)
		}
	}
	to := protocol.MoveNumberTo{Number: n, State: protocol.NumberState(h.rnd.IntN(3))}
	if to.State == protocol.NumberResting {
		to.RestUntil = time.Now().Add(time.Duration(1+h.rnd.IntN(10)) * time.Hour)
	}
	if _, err := h.w.MoveNumber(ctx, to); err != nil && protocol.KindOf(err) != protocol.Conflict {
		h.t.Fatal(err)
	}
}

// judge holds an assignment, or a refusal, against everything that would have
// been possible.
func (h *history) judge(numbers []protocol.NumberStatus, asked protocol.OpenBooking, got protocol.Booking, err error) {
	var cleanA, cleanB, freeA, freeB, shared, freeShared int
	state := make(map[phone.Number]protocol.NumberState)
	for _, n := range numbers {
		state[n.Number.Number] = n.State
		if n.State != protocol.NumberServing || n.Live >= 4 {
			continue
		}
		heldA, memoryA := h.on(n.Number.Number, asked.PartyA, asked.PartyB)
		heldB, memoryB := h.on(n.Number.Number, asked.PartyB, asked.PartyA)
		count := func(of *int, yes bool) {
			if yes {
				*of++
			}
		}
		count(&freeA, !heldA)
		count(&freeB, !heldB)
		count(&freeShared, !heldA && !heldB)
		count(&cleanA, !heldA && !memoryA)
		count(&cleanB, !heldB && !memoryB)
		count(&shared, !heldA && !heldB && !memoryA && !memoryB)
	}
	clean := cleanA > 0 && cleanB > 0
	if err != nil {
		if possible := freeA > 0 && freeB > 0 && !h.strict; clean || possible {
			h.t.Fatalf("refused (%v), though %d numbers are clean for A and %d for B", err, cleanA, cleanB)
		}
		return
	}
	_, memoryA := h.on(got.NumberA, asked.PartyA, asked.PartyB)
	_, memoryB := h.on(got.NumberB, asked.PartyB, asked.PartyA)
	switch {
	case state[got.NumberA] != protocol.NumberServing || state[got.NumberB] != protocol.NumberServing:
		h.t.Fatalf("lent a %s and a %s number", state[got.NumberA], state[got.NumberB])
	case (memoryA || memoryB) && (clean || h.strict):
		h.t.Fatalf("lent a number in quarantine; %d numbers are clean for A and %d for B", cleanA, cleanB)
	case asked.Terms.Masks == protocol.MasksShared && got.Masks() == protocol.MasksPair && shared > 0:
		h.t.Fatalf("lent a pair, though %d numbers are clean for both", shared)
	case asked.Terms.Masks == protocol.MasksPair && got.Masks() == protocol.MasksShared && cleanA+cleanB > 2 && clean:
		h.t.Fatalf("lent one number, though %d are clean for A and %d for B", cleanA, cleanB)
	}
}

// on says what a party has to do with a number: whether a live booking of his
// shows it to him, and whether it remembers him together with somebody else.
func (h *history) on(n, party, other phone.Number) (held, memory bool) {
	look := func(b protocol.Booking) (with phone.Number, ok bool) {
		switch {
		case b.NumberA == n && b.PartyA == party:
			return b.PartyB, true
		case b.NumberB == n && b.PartyB == party:
			return b.PartyA, true
		}
		return phone.Number{}, false
	}
	for _, b := range h.open {
		if _, ok := look(b); ok {
			held = true
		}
	}
	for _, b := range h.over {
		if with, ok := look(b); ok && with != other && time.Now().Before(b.FreeAt) {
			memory = true
		}
	}
	return held, memory
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
