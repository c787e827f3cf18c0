package booking

import (
	"time"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// kept is a live booking as its actor keeps it. A million of them rest in
// memory, so it has what its row has and nothing that can be said otherwise: a
// protocol.Booking is more than twice as large, and each of its instants has a
// pointer for the garbage collector to follow.
type kept struct {
	id               protocol.BookingID
	ref              protocol.Ref
	numberA, numberB phone.Number
	partyA, partyB   phone.Number
	created          int64 // unix microseconds, as are the others
	checkout         int64
	asked            time.Duration
	special          *special // nil: nothing special
}

// special is what few bookings have.
type special struct {
	terms protocol.Terms
	limit int64                           // with terms.Idle, as in the row
	idle  int64                           // the same
	armed int64                           // when the pool tells it of a checkout next
	calls map[protocol.SessionID]struct{} // in progress, of those that report
	last  protocol.SessionID              // the call that was over last: its ring may be delivered again
}

func keep(b protocol.Booking) kept {
	k := kept{
		id: b.ID, ref: b.Ref, numberA: b.NumberA, numberB: b.NumberB, partyA: b.PartyA, partyB: b.PartyB,
		created: b.CreatedAt.UnixMicro(), checkout: b.CheckoutAt.UnixMicro(), asked: b.Asked,
	}
	if b.Terms != (protocol.Terms{}) {
		k.special = &special{terms: b.Terms, armed: k.checkout, calls: make(map[protocol.SessionID]struct{})}
		k.special.ends(b)
	}
	return k
}

func (s *special) ends(b protocol.Booking) {
	if b.Terms.Idle > 0 {
		s.limit, s.idle = b.LimitAt.UnixMicro(), b.IdleAt.UnixMicro()
	}
}

// booking is what keep was given.
func (k *kept) booking(p protocol.Partition) protocol.Booking {
	b := protocol.Booking{
		ID: k.id, Ref: k.ref, Partition: p,
		NumberA: k.numberA, NumberB: k.numberB, PartyA: k.partyA, PartyB: k.partyB,
		CreatedAt: time.UnixMicro(k.created).UTC(), CheckoutAt: time.UnixMicro(k.checkout).UTC(), Asked: k.asked,
	}
	b.FreeAt = b.CheckoutAt
	if k.special != nil {
		b.Terms = k.special.terms
		if b.Terms.Idle > 0 {
			b.LimitAt, b.IdleAt = time.UnixMicro(k.special.limit).UTC(), time.UnixMicro(k.special.idle).UTC()
		}
	}
	return b
}

// move takes over the end that a booking has now, and says whether the pool has
// to be told. If it will tell of a checkout earlier than that anyway, it need
// not be: the booking answers then with the right instant. So a booking that
// moves its end with each call has one entry among the pool's deadlines.
func (k *kept) move(b protocol.Booking) (tell bool) {
	before := k.checkout
	k.checkout = b.CheckoutAt.UnixMicro()
	if k.special == nil {
		return k.checkout < before
	}
	k.special.ends(b)
	if k.checkout >= k.special.armed {
		return false
	}
	k.special.armed = k.checkout
	return true
}
