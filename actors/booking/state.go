package booking

import (
	"time"

	"maskswitch/actors/protocol"
)

// Route completes the way of a ring: whom the caller reaches, and which number
// that party is shown, the one he can dial himself. It compares the clock with
// the checkout, so that a checkout told late is no open door.
func Route(b protocol.Booking, r protocol.Route, now time.Time) protocol.Route {
	if b.State != protocol.BookingLive || !now.Before(b.CheckoutAt) {
		refused := protocol.Refuse(protocol.OutcomeNoBooking, "the caller's booking has ended")
		refused.Booking, refused.Caller = r.Booking, r.Caller
		return refused
	}
	switch r.Caller {
	case protocol.PartyA:
		r.To, r.From = b.PartyB, b.NumberB
	case protocol.PartyB:
		r.To, r.From = b.PartyA, b.NumberA
	}
	r.Cut, r.Grace = b.Terms.OnCheckout == protocol.CutCalls, b.Terms.Grace
	r.Report = r.Cut || b.Terms.Idle > 0
	r.Recording, r.Summary = b.Terms.Recording, b.Terms.Summary
	return r
}

// Limit is the end that a booking may not outlive, whatever its calls do.
func Limit(b protocol.Booking) time.Time {
	if b.Terms.Idle > 0 {
		return b.LimitAt
	}
	return b.CheckoutAt
}

// Idle counts the idle time of a booking from an instant on.
func Idle(b protocol.Booking, from time.Time) protocol.Booking {
	b.IdleAt = from.Add(b.Terms.Idle).Truncate(time.Microsecond)
	return settle(b)
}

// Move gives a booking another end. It is no call: idle time is counted on.
func Move(b protocol.Booking, to time.Time) protocol.Booking {
	b.LimitAt = to.Truncate(time.Microsecond)
	return settle(b)
}

// settle makes the checkout what follows from limit and idle time.
func settle(b protocol.Booking) protocol.Booking {
	b.CheckoutAt = b.LimitAt
	if b.Terms.Idle == 0 {
		b.LimitAt = time.Time{}
	} else if b.IdleAt.Before(b.LimitAt) {
		b.CheckoutAt = b.IdleAt
	}
	b.FreeAt = b.CheckoutAt
	return b
}

// End closes a booking: at its checkout, or now if somebody ends it early.
func End(b protocol.Booking, reason string, now time.Time, quarantine time.Duration) protocol.Booking {
	b.Reason = reason
	b.CheckoutAt = now.Truncate(time.Microsecond)
	b.FreeAt = b.CheckoutAt.Add(quarantine)
	b.State = protocol.BookingQuarantined
	if quarantine <= 0 {
		b.State = protocol.BookingClosed
	}
	return b
}

// Repeat says whether a create is the one that made this booking.
func Repeat(b protocol.Booking, asked protocol.OpenBooking) error {
	switch {
	case b.PartyA != asked.PartyA || b.PartyB != asked.PartyB:
		return protocol.Errorf(protocol.Conflict, "booking_conflict", "a booking with this booking_id has another pair of parties")
	case b.Asked != asked.Duration:
		return protocol.Errorf(protocol.Conflict, "booking_conflict",
			"a booking with this booking_id was created with duration_hours %g", b.Asked.Hours())
	case b.Terms != asked.Terms:
		return protocol.Errorf(protocol.Conflict, "booking_conflict", "a booking with this booking_id was created with other terms: %s",
			describe(b.Terms))
	case b.State != protocol.BookingLive:
		return protocol.Errorf(protocol.Conflict, "booking_ended",
			"the booking with this booking_id has ended; choose another booking_id")
	}
	return nil
}

func describe(t protocol.Terms) string {
	if text := t.Text(); text != "" {
		return text
	}
	return "none"
}
