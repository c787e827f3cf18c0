package number

import (
	"time"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// Number is a proxy number and who may call whom on it.
type Number struct {
	protocol.Number
	pairs map[phone.Number][]hold
}

// hold is what the number knows of one party: the booking it belongs to, or
// belonged to. Under soft quarantine a party may have ended holds and a live
// one side by side.
type hold struct {
	booking protocol.BookingID
	party   protocol.Party
	until   int64 // unix microseconds, end of quarantine; 0 while live
}

func newNumber(n protocol.Number) Number {
	return Number{Number: n, pairs: make(map[phone.Number][]hold)}
}

// Lend lets a booking's parties call each other.
func (n *Number) Lend(m protocol.LendNumber) {
	n.hold(m.PartyA, hold{m.Booking, protocol.PartyA, 0})
	n.hold(m.PartyB, hold{m.Booking, protocol.PartyB, 0})
}

// Release ends that; until the given instant the parties are remembered.
func (n *Number) Release(m protocol.ReleaseNumber) {
	n.drop(m.PartyA, m.Booking)
	n.drop(m.PartyB, m.Booking)
	if !m.Until.IsZero() {
		n.hold(m.PartyA, hold{m.Booking, protocol.PartyA, m.Until.UnixMicro()})
		n.hold(m.PartyB, hold{m.Booking, protocol.PartyB, m.Until.UnixMicro()})
	}
}

// Forget ends the memory too.
func (n *Number) Forget(m protocol.ForgetParties) {
	n.drop(m.PartyA, m.Booking)
	n.drop(m.PartyB, m.Booking)
}

// Route says which booking a caller means. Only a live hold connects; a caller
// who has none is told apart by what he was: late, or a stranger. Nobody is
// ever connected by guess.
func (n *Number) Route(caller phone.Number, withheld bool) protocol.Route {
	switch {
	case n.State == protocol.NumberRetired:
		return protocol.Refuse(protocol.OutcomeUnallocated, "the number is retired")
	case withheld || !caller.Known():
		return protocol.Refuse(protocol.OutcomeWithheld, "the caller withheld his number")
	}
	route := protocol.Refuse(protocol.OutcomeStranger, "no booking of this number knows the caller")
	for _, h := range n.pairs[caller] {
		if h.until == 0 {
			return protocol.Route{Booking: h.booking, Caller: h.party}
		}
		route = protocol.Refuse(protocol.OutcomeNoBooking,
			"the caller's booking has ended; remembered until "+time.UnixMicro(h.until).UTC().Format(time.RFC3339))
		route.Booking = h.booking
	}
	return route
}

func (n *Number) hold(party phone.Number, h hold) {
	if party.Known() {
		n.pairs[party] = append(n.pairs[party], h)
	}
}

func (n *Number) drop(party phone.Number, booking protocol.BookingID) {
	holds := n.pairs[party]
	for i, h := range holds {
		if h.booking != booking {
			continue
		}
		if len(holds) == 1 {
			delete(n.pairs, party)
			return
		}
		holds[i] = holds[len(holds)-1]
		n.pairs[party] = holds[:len(holds)-1]
		return
	}
}
