package number

import (
	"time"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// Number is a proxy number and who may call whom on it.
//
// Holds have no pointers: a million bookings have two million of them, and the
// garbage collector looks at none. Nearly every party has one hold, kept in
// first; the others of a party who had several bookings here are in more.
type Number struct {
	protocol.Number
	first map[phone.Number]hold
	more  map[phone.Number][]hold
}

// hold is what the number knows of one party: the booking it belongs to, or
// belonged to. Under soft quarantine a party may have ended holds and a live
// one side by side.
type hold struct {
	booking protocol.BookingID
	until   int64 // unix microseconds, end of quarantine; 0 while live
	party   protocol.Party
}

func newNumber(n protocol.Number) Number {
	return Number{Number: n, first: make(map[phone.Number]hold)}
}

// Lend lets a booking's parties call each other.
func (n *Number) Lend(m protocol.LendNumber) {
	n.hold(m.PartyA, hold{m.Booking, 0, protocol.PartyA})
	n.hold(m.PartyB, hold{m.Booking, 0, protocol.PartyB})
}

// Release ends that; until the given instant the parties are remembered.
func (n *Number) Release(m protocol.ReleaseNumber) {
	n.drop(m.PartyA, m.Booking)
	n.drop(m.PartyB, m.Booking)
	if !m.Until.IsZero() {
		n.hold(m.PartyA, hold{m.Booking, m.Until.UnixMicro(), protocol.PartyA})
		n.hold(m.PartyB, hold{m.Booking, m.Until.UnixMicro(), protocol.PartyB})
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
	case !n.State.Connects():
		return protocol.Refuse(protocol.OutcomeUnallocated, "the number is "+n.State.String())
	case withheld || !caller.Known():
		return protocol.Refuse(protocol.OutcomeWithheld, "the caller withheld his number")
	}
	route := protocol.Refuse(protocol.OutcomeStranger, "no booking of this number knows the caller")
	first, ok := n.first[caller]
	if !ok {
		return route
	}
	latest := first
	for _, h := range n.more[caller] {
		if h.until == 0 || latest.until != 0 && h.until > latest.until {
			latest = h
		}
	}
	if latest.until == 0 {
		return protocol.Route{Booking: latest.booking, Caller: latest.party}
	}
	route = protocol.Refuse(protocol.OutcomeNoBooking,
		"the caller's booking has ended; remembered until "+time.UnixMicro(latest.until).UTC().Format(time.RFC3339))
	route.Booking = latest.booking
	return route
}

// Live lists the live bookings that show the number.
func (n *Number) Live() []protocol.BookingID {
	seen := make(map[protocol.BookingID]bool)
	var list []protocol.BookingID
	add := func(h hold) {
		if h.until == 0 && !seen[h.booking] {
			seen[h.booking] = true
			list = append(list, h.booking)
		}
	}
	for party, h := range n.first {
		add(h)
		for _, h := range n.more[party] {
			add(h)
		}
	}
	return list
}

func (n *Number) hold(party phone.Number, h hold) {
	if !party.Known() {
		return
	}
	if _, ok := n.first[party]; !ok {
		n.first[party] = h
		return
	}
	if n.more == nil {
		n.more = make(map[phone.Number][]hold)
	}
	n.more[party] = append(n.more[party], h)
}

func (n *Number) drop(party phone.Number, booking protocol.BookingID) {
	first, ok := n.first[party]
	if !ok {
		return
	}
	more := n.more[party]
	last := len(more) - 1
	if first.booking == booking {
		if last < 0 {
			delete(n.first, party)
			return
		}
		n.first[party] = more[last]
		n.keep(party, more[:last])
		return
	}
	for i, h := range more {
		if h.booking == booking {
			more[i] = more[last]
			n.keep(party, more[:last])
			return
		}
	}
}

func (n *Number) keep(party phone.Number, more []hold) {
	if len(more) == 0 {
		delete(n.more, party)
		return
	}
	n.more[party] = more
}
