package actors

import (
	"cmp"
	"context"
	"errors"

	"maskswitch/actors/journal"
	"maskswitch/actors/phone"
	"maskswitch/actors/pool"
	"maskswitch/actors/protocol"
)

// Calls lists the calls of a booking in the order in which they came.
func (s *Switch) Calls(ctx context.Context, booking string, after protocol.CallID, limit int) ([]protocol.Call, error) {
	b, err := s.Booking(ctx, booking)
	if err != nil {
		return nil, err
	}
	rows, err := s.journal.Calls(ctx, protocol.CallQuery{Booking: b.ID, After: after, Limit: limit})
	if err != nil {
		return nil, journal.Refusal(err)
	}
	return rows, nil
}

// FindCalls looks for calls by their own facts, at scanMost of them at a time.
func (s *Switch) FindCalls(ctx context.Context, q protocol.CallSearch) (protocol.CallPage, error) {
	q.Scan = scanMost
	page, err := s.journal.FindCalls(ctx, q)
	if err != nil {
		return page, journal.Refusal(err)
	}
	return page, nil
}

// scanMost is how many calls one search looks at: a quarter of a second's worth.
const scanMost = 50_000

// Explain says what would happen if somebody rang a number now, and why. It asks
// the number and the booking as a ring does, and changes nothing.
func (s *Switch) Explain(ctx context.Context, from, to phone.Number, withheld bool) (protocol.Explanation, error) {
	m, err := ask(ctx, s, func(p *pool.Partition, done func(protocol.Explain, error)) {
		s.system.Root.Send(p.Pool, protocol.Explain{
			From: from, To: to, Withheld: withheld, Done: func(m protocol.Explain) { done(m, nil) },
		})
	})
	if err != nil {
		return protocol.Explanation{}, err
	}
	e := protocol.Explanation{InPool: m.InPool, State: m.State, Route: m.Route}
	if m.Route.Booking != (protocol.BookingID{}) {
		if e.Booking, err = s.Booking(ctx, m.Route.Booking.String()); err != nil {
			return e, err
		}
	}
	set := s.config.Calls
	switch m.Route.Refusal {
	case protocol.OutcomeNone:
		e.Recording = cmp.Or(m.Route.Recording, set.Recording)
		e.Consent = set.Consent != "" && e.Recording != protocol.RecordOff
	case protocol.OutcomeNoBooking:
		e.Told = set.Ended != ""
	}
	return e, nil
}

// Call reads a call and its story.
func (s *Switch) Call(ctx context.Context, id protocol.CallID) (protocol.Call, []protocol.Line, error) {
	row, err := s.journal.Call(ctx, id)
	switch {
	case errors.Is(err, journal.ErrNone):
		return row, nil, protocol.Errorf(protocol.NotFound, "call_not_found", "no call goes by this id")
	case err != nil:
		return row, nil, journal.Refusal(err)
	}
	story, err := s.journal.Story(ctx, id)
	if err != nil {
		return row, nil, journal.Refusal(err)
	}
	return row, story, nil
}
