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
	for _, o := range slices.SortedFunc(maps.Values(e.orders), byOrder) {
		if o.Partition == p && !o.Stage.Over() {
			items = append(items, journal.Item{Order: &o})
		}
	}
	for _, x := range slices.SortedFunc(maps.Values(e.erasures), byErasure) {
		if x.Partition == p && x.DoneAt.IsZero() {
			items = append(items, journal.Item{Erasure: &x})
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
	slow := e.slow
	e.slow = nil
	e.mu.Unlock()
	if slow != nil {
		<-slow
	}
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

// Calls implements journal.Store.
func (e *Engine) Calls(_ context.Context, q protocol.CallQuery) ([]protocol.Call, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var found []protocol.Call
	for _, c := range slices.SortedFunc(maps.Values(e.calls), byCall) {
		if q.Limit > 0 && len(found) == q.Limit {
			break
		}
		if bytes.Compare(c.ID[:], q.After[:]) > 0 && (q.Booking == (protocol.BookingID{}) || c.Booking == q.Booking) {
			found = append(found, c)
		}
	}
	return found, nil
}

// FindCalls implements journal.Store.
func (e *Engine) FindCalls(_ context.Context, q protocol.CallSearch) (page protocol.CallPage, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	rows := slices.SortedFunc(maps.Values(e.calls), byCall)
	if q.Newest {
		slices.Reverse(rows)
	}
	from, to := q.Range()
	seen := 0
	for _, c := range rows {
		order := bytes.Compare(c.ID[:], q.After[:])
		if q.Newest {
			order = -order
		}
		if q.After != (protocol.CallID{}) && order <= 0 || bytes.Compare(c.ID[:], from[:]) < 0 || bytes.Compare(c.ID[:], to[:]) >= 0 {
			continue
		}
		seen++
		if q.Fits(c) {
			page.Calls = append(page.Calls, c)
		}
		if len(page.Calls) == q.Limit || seen == q.Scan {
			page.Next = c.ID
			break
		}
	}
	return page, nil
}

// Recording implements journal.Store.
func (e *Engine) Recording(_ context.Context, id protocol.RecordingID) (protocol.Recording, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r, there := e.recordings[id]
	if !there {
		return protocol.Recording{}, fmt.Errorf("recording %.40q: %w", string(id), journal.ErrNone)
	}
	return r, nil
}

// selected lists the recordings that are wanted, in an order.
func (e *Engine) selected(wanted func(protocol.Recording) bool, order func(a, b protocol.Recording) int) []protocol.Recording {
	e.mu.Lock()
	defer e.mu.Unlock()
	var found []protocol.Recording
	for _, r := range e.recordings {
		if wanted(r) {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, order)
	return found
}

// Recordings implements journal.Store.
func (e *Engine) Recordings(_ context.Context, id protocol.CallID) ([]protocol.Recording, error) {
	return e.selected(func(r protocol.Recording) bool { return r.Call == id }, byRecording), nil
}

// BookingRecordings implements journal.Store.
func (e *Engine) BookingRecordings(_ context.Context, id protocol.BookingID) ([]protocol.Recording, error) {
	return e.selected(func(r protocol.Recording) bool { return r.Booking == id }, byRecording), nil
}

// DueRecordings implements journal.Store.
func (e *Engine) DueRecordings(_ context.Context, p protocol.Partition, after protocol.RecordingDue, limit int) ([]protocol.Recording, error) {
	due := e.selected(func(r protocol.Recording) bool {
		return r.Partition == p && !r.NextTryAt.IsZero() &&
			cmp.Or(r.NextTryAt.Compare(after.At), cmp.Compare(r.ID, after.ID)) > 0
	}, func(a, b protocol.Recording) int {
		return cmp.Or(a.NextTryAt.Compare(b.NextTryAt), byRecording(a, b))
	})
	return due[:min(limit, len(due))], nil
}

// OldestPending implements journal.Store.
func (e *Engine) OldestPending(_ context.Context, p protocol.Partition) (n int, noticedAt time.Time, err error) {
	waiting := e.selected(func(r protocol.Recording) bool { return r.Partition == p && r.Status == protocol.RecordingPending }, byNotice)
	for _, r := range waiting {
		if !r.NoticedAt.IsZero() && !r.ID.Expected() {
			return len(waiting), r.NoticedAt, nil
		}
	}
	return len(waiting), time.Time{}, nil
}

// ArchivedBefore implements journal.Store.
func (e *Engine) ArchivedBefore(_ context.Context, p protocol.Partition, before time.Time, limit int) ([]protocol.Recording, error) {
	old := e.selected(func(r protocol.Recording) bool {
		return r.Partition == p && r.Status == protocol.RecordingArchived && r.Hold == "" && !r.NoticedAt.IsZero() && r.NoticedAt.Before(before)
	}, byNotice)
	return old[:min(limit, len(old))], nil
}

// Text implements journal.Store.
func (e *Engine) Text(_ context.Context, id protocol.RecordingID, s protocol.SessionID, kind protocol.TextKind) (protocol.RecordingText, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var found protocol.RecordingText
	for _, t := range e.texts {
		if t.Kind == kind && about(t, id, s) && (found.Text == "" || t.Recording != "") {
			found = t // the recording's own goes before one of its session
		}
	}
	if found.Text != "" {
		return found, nil
	}
	return protocol.RecordingText{}, fmt.Errorf("%s of recording %.40q: %w", kind, string(id), journal.ErrNone)
}

// Erasure implements journal.Store.
func (e *Engine) Erasure(_ context.Context, id protocol.ErasureID) (protocol.ErasureRow, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	x, there := e.erasures[id]
	if !there {
		return protocol.ErasureRow{}, fmt.Errorf("erasure %s: %w", id, journal.ErrNone)
	}
	return x, nil
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
func byErasure(a, b protocol.ErasureRow) int  { return bytes.Compare(a.ID[:], b.ID[:]) }

func byNotice(a, b protocol.Recording) int {
	return cmp.Or(a.NoticedAt.Compare(b.NoticedAt), byRecording(a, b))
}
