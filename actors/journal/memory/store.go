package memory

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
)

// Live implements journal.Store. It lists a copy, so the caller may commit
// while it reads.
func (e *Engine) Live(ctx context.Context, p protocol.Partition, endedSince int64) iter.Seq2[journal.Item, error] {
	return func(yield func(journal.Item, error) bool) {
		for _, item := range e.live(p, time.UnixMicro(endedSince)) {
			if err := ctx.Err(); err != nil {
				yield(journal.Item{}, err)
				return
			}
			if !yield(item, nil) {
				return
			}
		}
	}
}

func (e *Engine) live(p protocol.Partition, endedSince time.Time) []journal.Item {
	e.mu.Lock()
	defer e.mu.Unlock()
	var items []journal.Item
	for _, n := range slices.SortedFunc(maps.Values(e.numbers), byNumber) {
		if n.Partition == p {
			items = append(items, journal.Item{Number: &n})
		}
	}
	for _, b := range slices.SortedFunc(maps.Values(e.bookings), byBooking) {
		if b.Partition == p && b.State != protocol.BookingClosed {
			items = append(items, journal.Item{Booking: &b})
		}
	}
	calls := slices.SortedFunc(maps.Values(e.calls), byCall)
	for _, c := range calls {
		if c.Partition == p && c.State != "" {
			items = append(items, journal.Item{Call: &c})
		}
	}
	slices.SortFunc(calls, func(a, b protocol.Call) int {
		return cmp.Or(a.EndAt.Compare(b.EndAt), cmp.Compare(a.Session, b.Session))
	})
	for _, c := range calls {
		if c.Partition == p && c.State == "" && !c.EndAt.IsZero() && !c.EndAt.Before(endedSince) {
			items = append(items, journal.Item{Ended: &c.Session})
		}
	}
	recordings := slices.SortedFunc(maps.Values(e.recordings), byRecording)
	slices.SortStableFunc(recordings, func(a, b protocol.Recording) int { return a.NextTryAt.Compare(b.NextTryAt) })
	for _, r := range recordings {
		if r.Partition == p {
			items = append(items, journal.Item{Recording: &r})
		}
	}
	for _, o := range slices.SortedFunc(maps.Values(e.orders), byOrder) {
		if o.Partition == p && !o.Stage.Over() {
			items = append(items, journal.Item{Order: &o})
		}
	}
	return items
}

// Booking implements journal.Store.
func (e *Engine) Booking(_ context.Context, id protocol.BookingID) (protocol.Booking, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	b, there := e.bookings[id]
	if !there {
		return protocol.Booking{}, fmt.Errorf("booking %s: %w", id, journal.ErrNone)
	}
	return b, nil
}

// BookingByRef implements journal.Store.
func (e *Engine) BookingByRef(ctx context.Context, ref protocol.Ref) (protocol.Booking, error) {
	e.mu.Lock()
	id, there := e.refs[ref]
	e.mu.Unlock()
	if !there {
		return protocol.Booking{}, fmt.Errorf("booking with ref %.40q: %w", string(ref), journal.ErrNone)
	}
	return e.Booking(ctx, id)
}

// Bookings implements journal.Store.
func (e *Engine) Bookings(_ context.Context, q protocol.BookingQuery) ([]protocol.Booking, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var found []protocol.Booking
	for _, b := range slices.SortedFunc(maps.Values(e.bookings), byBooking) {
		if q.Limit > 0 && len(found) == q.Limit {
			break
		}
		if b.State == q.State && bytes.Compare(b.ID[:], q.After[:]) > 0 &&
			(!q.Party.Known() || b.PartyA == q.Party || b.PartyB == q.Party) {
			found = append(found, b)
		}
	}
	return found, nil
}

// Call implements journal.Store.
func (e *Engine) Call(_ context.Context, id protocol.CallID) (protocol.Call, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c, there := e.calls[id]
	if !there {
		return protocol.Call{}, fmt.Errorf("call %s: %w", id, journal.ErrNone)
	}
	return c, nil
}

// CallOfSession implements journal.Store.
func (e *Engine) CallOfSession(ctx context.Context, s protocol.SessionID) (protocol.Call, error) {
	e.mu.Lock()
	id, there := e.sessions[s]
	e.mu.Unlock()
	if !there {
		return protocol.Call{}, fmt.Errorf("call of session %.40q: %w", string(s), journal.ErrNone)
	}
	return e.Call(ctx, id)
}

// Story implements journal.Store.
func (e *Engine) Story(_ context.Context, id protocol.CallID) ([]protocol.Line, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.story[id]), nil
}

// Recordings implements journal.Store.
func (e *Engine) Recordings(_ context.Context, id protocol.CallID) ([]protocol.Recording, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var found []protocol.Recording
	for _, r := range slices.SortedFunc(maps.Values(e.recordings), byRecording) {
		if r.Call == id {
			found = append(found, r)
		}
	}
	return found, nil
}

// Order implements journal.Store.
func (e *Engine) Order(_ context.Context, id protocol.OrderID) (protocol.OrderRow, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	o, there := e.orders[id]
	if !there {
		return protocol.OrderRow{}, fmt.Errorf("order %s: %w", id, journal.ErrNone)
	}
	return o, nil
}

// OrderByRef implements journal.Store.
func (e *Engine) OrderByRef(_ context.Context, ref protocol.Ref) (protocol.OrderRow, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, o := range e.orders {
		if ref != "" && o.Ref == ref {
			return o, nil
		}
	}
	return protocol.OrderRow{}, fmt.Errorf("order with ref %.40q: %w", string(ref), journal.ErrNone)
}

// Orders implements journal.Store.
func (e *Engine) Orders(_ context.Context, limit int) ([]protocol.OrderRow, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := slices.SortedFunc(maps.Values(e.orders), func(a, b protocol.OrderRow) int { return byOrder(b, a) })
	return list[:min(limit, len(list))], nil
}

// byNumber is the order of the texts, as in a file.
func byNumber(a, b protocol.Number) int       { return cmp.Compare(a.Number.E164(), b.Number.E164()) }
func byOrder(a, b protocol.OrderRow) int      { return bytes.Compare(a.ID[:], b.ID[:]) }
func byBooking(a, b protocol.Booking) int     { return bytes.Compare(a.ID[:], b.ID[:]) }
func byCall(a, b protocol.Call) int           { return bytes.Compare(a.ID[:], b.ID[:]) }
func byRecording(a, b protocol.Recording) int { return cmp.Compare(a.ID, b.ID) }
