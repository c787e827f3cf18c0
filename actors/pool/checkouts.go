package pool

import (
	"bytes"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"go.uber.org/zap"

	"maskswitch/actors/journal"
	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// portion is how many due bookings are told at once. Everybody checks out at
// eleven: the next portion waits until the disk has taken what came before it,
// so that the events of calls, which go by the same journal, never wait behind
// more than two.
const portion = 128

// gathered is how many due bookings are put in order at once.
const gathered = 1 << 14

// rested is what is left of a booking in quarantine.
type rested struct {
	id                               protocol.BookingID
	numberA, numberB, partyA, partyB phone.Number
}

func (r rested) booking(free time.Time) protocol.Booking {
	return protocol.Booking{
		ID: r.id, NumberA: r.numberA, NumberB: r.numberB, PartyA: r.partyA, PartyB: r.partyB,
		State: protocol.BookingQuarantined, FreeAt: free,
	}
}

func (a *Actor) rest(c actor.Context, b protocol.Booking) {
	a.quarantine.push(b.FreeAt, rested{b.ID, b.NumberA, b.NumberB, b.PartyA, b.PartyB})
	a.arm(c)
}

// bury notes a booking that has ended before its checkout, and with it left an
// entry among the deadlines. When those are half of all they are thrown out: a
// marketplace that books for a day and deletes after an hour would else fill
// the memory with a day of them.
func (a *Actor) bury(b protocol.Booking) {
	if b.Reason == "checkout" || b.Reason == "idle" {
		return
	}
	a.dead[b.ID] = struct{}{}
	if len(a.dead) < 1024 || 2*len(a.dead) < a.checkouts.len() {
		return
	}
	a.checkouts.keep(func(id protocol.BookingID) bool {
		_, dead := a.dead[id]
		return !dead
	})
	a.dead = make(map[protocol.BookingID]struct{})
}

// sweep does what is due by the clock, a portion of it.
func (a *Actor) sweep(c actor.Context) {
	a.timerAt, a.sweeping = time.Time{}, false
	now := time.Now()
	told := a.checkOut(c, now)
	over := a.endQuarantines(c, now)
	a.wakeRested(c, now)
	if told < portion && over < portion {
		a.arm(c)
		return
	}
	a.sweeping = true
	a.timerN++
	next := wake{a.timerN}
	self, root := c.Self(), c.ActorSystem().Root
	again := func(error) { root.Send(self, next) }
	if err := a.Journal.Append(journal.Change{Partition: a.Partition, Patient: true}, again); err != nil {
		time.AfterFunc(retryWait, func() { again(nil) })
	}
}

// retryWait is how long work that nobody waits for waits for room in the journal.
const retryWait = time.Second

// checkOut tells due bookings that their time has come, in the order in which
// they were made. It gathers what is due first: the rows of neighbours are on
// one page of the store, and those of a crowd that leaves at one instant are all
// over it.
func (a *Actor) checkOut(c actor.Context, now time.Time) (told int) {
	for len(a.due) < gathered {
		id, at, ok := a.checkouts.due(now)
		if !ok {
			break
		}
		if _, dead := a.dead[id]; dead {
			delete(a.dead, id)
			continue
		}
		a.due = append(a.due, protocol.CheckOut{Booking: id, At: at})
		a.unsorted = true
	}
	if a.unsorted {
		slices.SortFunc(a.due, func(x, y protocol.CheckOut) int { return bytes.Compare(y.Booking[:], x.Booking[:]) })
		a.unsorted = false
	}
	for told < portion && len(a.due) > 0 {
		last := len(a.due) - 1
		c.Send(a.booking(a.due[last].Booking), a.due[last])
		a.due = a.due[:last]
		told++
	}
	return told
}

func (a *Actor) endQuarantines(c actor.Context, now time.Time) int {
	var over []journal.Closing
	for len(over) < portion {
		r, free, ok := a.quarantine.due(now)
		if !ok {
			break
		}
		a.forget(c, r.booking(free))
		over = append(over, journal.Closing{ID: r.id, State: protocol.BookingClosed})
	}
	if len(over) == 0 {
		return 0
	}
	// A change that cannot be queued now is made up for by the next recovery,
	// which finds these quarantines over.
	if err := a.Journal.Append(journal.Change{Partition: a.Partition, Close: over, Patient: true}, nil); err != nil {
		a.Log.Warn("end of quarantine not written", zap.Int("bookings", len(over)), zap.Error(err))
	}
	return len(over)
}

// forget ends the quarantine of a booking in memory; one whose quarantine is over
// is forgotten already.
func (a *Actor) forget(c actor.Context, b protocol.Booking) {
	a.ledger.forget(b)
	a.onNumbers(b, func(number, partyA, partyB phone.Number) {
		c.Send(a.numbers[number], protocol.ForgetParties{Booking: b.ID, PartyA: partyA, PartyB: partyB})
	})
	a.retireIfEmpty(c, b.NumberA, b.NumberB)
}

// endQuarantine is for somebody who wants to be forgotten. The deadline stays in
// the heap and finds nothing to do.
func (a *Actor) endQuarantine(c actor.Context, m protocol.EndQuarantine) {
	if m.Booking.State == protocol.BookingQuarantined {
		a.forget(c, m.Booking)
	}
	over := []journal.Closing{{ID: m.Booking.ID, State: protocol.BookingClosed}}
	if m.Booking.State == protocol.BookingLive { // it was asked of the wrong one: nothing is closed behind its actor's back
		over = nil
	}
	if err := a.Journal.Append(journal.Change{Partition: a.Partition, Close: over}, m.Done); err != nil {
		m.Done(err)
	}
}

// arm sets the one timer to the earliest instant. It looks again at least once
// an hour, because wall clocks are set.
func (a *Actor) arm(c actor.Context) {
	at := min(a.checkouts.next(), a.quarantine.next(), a.rests.next())
	if at == never || a.sweeping || !a.timerAt.IsZero() && at >= a.timerAt.UnixMicro() {
		return
	}
	if a.timer != nil {
		a.timer.Stop()
	}
	wait := min(max(time.Until(time.UnixMicro(at)), time.Millisecond), time.Hour)
	a.timerAt = time.Now().Add(wait)
	a.timerN++
	n, self, root := a.timerN, c.Self(), c.ActorSystem().Root
	a.timer = time.AfterFunc(wait, func() { root.Send(self, wake{n}) })
}
