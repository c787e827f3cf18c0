package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"

	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
)

// querier is a pool of readers, or one reader in a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// each yields the rows of a table that tail selects: INDEXED BY, WHERE, ORDER.
func each[T any](ctx context.Context, q querier, table, columns string, read func(*row) T, tail string, args ...any) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		rows, err := q.QueryContext(ctx, "SELECT "+columns+" FROM "+table+" "+tail, args...)
		if err != nil {
			yield(none, err)
			return
		}
		defer rows.Close()
		r := newRow(table, columns)
		for rows.Next() {
			err := r.load(rows)
			v := none
			if err == nil {
				v = read(r)
				err = r.err
			}
			if err != nil {
				yield(none, err)
				return
			}
			if !yield(v, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(none, err)
		}
	}
}

// one finds the first row, and ErrNone if there is none.
func one[T any](rows iter.Seq2[T, error]) (T, error) {
	for v, err := range rows {
		return v, err
	}
	return *new(T), journal.ErrNone
}

func all[T any](rows iter.Seq2[T, error]) ([]T, error) {
	var list []T
	for v, err := range rows {
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

// Live implements journal.Store. It reads one snapshot. INDEXED BY makes a plan
// that would scan a table an error.
func (e *Engine) Live(ctx context.Context, p protocol.Partition, endedSince int64) iter.Seq2[journal.Item, error] {
	return func(yield func(journal.Item, error) bool) {
		fail := func(err error) { yield(journal.Item{}, fmt.Errorf("read partition %d: %w", p, err)) }
		tx, err := e.readers.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
		if err != nil {
			fail(err)
			return
		}
		defer tx.Rollback()
		for item, err := range live(ctx, tx, int64(p), endedSince) {
			if err != nil {
				fail(err)
				return
			}
			if !yield(item, nil) {
				return
			}
		}
	}
}

func live(ctx context.Context, tx *sql.Tx, part, endedSince int64) iter.Seq2[journal.Item, error] {
	return func(yield func(journal.Item, error) bool) {
		_ = items(yield, each(ctx, tx, "proxy_number", numberColumns, readNumber,
			"WHERE part = ? ORDER BY number", part),
			func(v *protocol.Number) journal.Item { return journal.Item{Number: v} }) &&
			items(yield, each(ctx, tx, "booking", bookingColumns, readBooking,
				"INDEXED BY booking_held WHERE state <> 'closed' AND part = ? ORDER BY id", part),
				func(v *protocol.Booking) journal.Item { return journal.Item{Booking: v} }) &&
			items(yield, each(ctx, tx, "call", callColumns, readCall,
				"INDEXED BY call_open WHERE due = 1 AND part = ? ORDER BY id", part),
				func(v *protocol.Call) journal.Item { return journal.Item{Call: v} }) &&
			items(yield, each(ctx, tx, "call", "session_id", readSession,
				`INDEXED BY call_ended WHERE due = 0 AND end_at IS NOT NULL AND part = ? AND end_at >= ?
				ORDER BY end_at, session_id`, part, endedSince),
				func(v *protocol.SessionID) journal.Item { return journal.Item{Ended: v} }) &&
			items(yield, each(ctx, tx, "number_order", orderColumns, readOrder,
				"INDEXED BY number_order_due WHERE stage NOT IN ('done', 'failed') AND part = ? ORDER BY id", part),
				func(v *protocol.OrderRow) journal.Item { return journal.Item{Order: v} }) &&
			items(yield, each(ctx, tx, "erasure", erasureColumns, readErasure,
				"INDEXED BY erasure_due WHERE done_at IS NULL AND part = ? ORDER BY id", part),
				func(v *protocol.ErasureRow) journal.Item { return journal.Item{Erasure: v} })
	}
}

// items yields each row as an item. It returns false when that is the end of it.
func items[T any](yield func(journal.Item, error) bool, rows iter.Seq2[T, error], item func(*T) journal.Item) bool {
	for v, err := range rows {
		if err != nil {
			yield(journal.Item{}, err)
			return false
		}
		if !yield(item(&v), nil) {
			return false
		}
	}
	return true
}

// Booking implements journal.Store.
func (e *Engine) Booking(ctx context.Context, id protocol.BookingID) (protocol.Booking, error) {
	b, err := one(each(ctx, e.readers, "booking", bookingColumns, readBooking, "WHERE id = ?", id.String()))
	if err != nil {
		return b, fmt.Errorf("booking %s: %w", id, err)
	}
	return b, nil
}

// BookingByRef implements journal.Store.
func (e *Engine) BookingByRef(ctx context.Context, ref protocol.Ref) (protocol.Booking, error) {
	b, err := one(each(ctx, e.readers, "booking", bookingColumns, readBooking, "WHERE ref = ?", string(ref)))
	if err != nil {
		return b, fmt.Errorf("booking with ref %.40q: %w", string(ref), err)
	}
	return b, nil
}

// Bookings implements journal.Store. A party is looked for among all rows of
// the state: an index on parties would cost the writer too much.
func (e *Engine) Bookings(ctx context.Context, q protocol.BookingQuery) ([]protocol.Booking, error) {
	tail := "INDEXED BY booking_held WHERE state <> 'closed' AND"
	if q.State == protocol.BookingClosed {
		tail = "WHERE"
	}
	tail += " state = ? AND id > ?"
	args := []any{q.State.String(), q.After.String()}
	if q.Party.Known() {
		tail += " AND ? IN (party_a, party_b)"
		args = append(args, q.Party.E164())
	}
	list, err := all(each(ctx, e.readers, "booking", bookingColumns, readBooking, tail+" ORDER BY id LIMIT ?",
		append(args, most(q.Limit))...))
	if err != nil {
		return nil, fmt.Errorf("list bookings: %w", err)
	}
	return list, nil
}

// Call implements journal.Store.
func (e *Engine) Call(ctx context.Context, id protocol.CallID) (protocol.Call, error) {
	c, err := one(each(ctx, e.readers, "call", callColumns, readCall, "WHERE id = ?", id.String()))
	if err != nil {
		return c, fmt.Errorf("call %s: %w", id, err)
	}
	return c, nil
}

// CallOfSession implements journal.Store.
func (e *Engine) CallOfSession(ctx context.Context, s protocol.SessionID) (protocol.Call, error) {
	c, err := one(each(ctx, e.readers, "call", callColumns, readCall,
		"INDEXED BY call_session WHERE session_id = ? ORDER BY id DESC LIMIT 1", string(s)))
	if err != nil {
		return c, fmt.Errorf("call of session %.40q: %w", string(s), err)
	}
	return c, nil
}

// Story implements journal.Store.
func (e *Engine) Story(ctx context.Context, id protocol.CallID) ([]protocol.Line, error) {
	list, err := all(each(ctx, e.readers, "call_story", lineColumns, readLine,
		"WHERE call_id = ? ORDER BY n", id.String()))
	if err != nil {
		return nil, fmt.Errorf("story of call %s: %w", id, err)
	}
	return list, nil
}

// most is a limit as SQLite has it, where -1 is none.
func most(limit int) int {
	if limit <= 0 {
		return -1
	}
	return limit
}

// Calls implements journal.Store.
func (e *Engine) Calls(ctx context.Context, q protocol.CallQuery) ([]protocol.Call, error) {
	tail, args := "WHERE id > ?", []any{q.After.String()}
	if q.Booking != (protocol.BookingID{}) {
		tail, args = "INDEXED BY call_booking WHERE booking_id = ? AND id > ?", []any{q.Booking.String(), q.After.String()}
	}
	list, err := all(each(ctx, e.readers, "call", callColumns, readCall, tail+" ORDER BY id LIMIT ?", append(args, most(q.Limit))...))
	if err != nil {
		return nil, fmt.Errorf("list calls: %w", err)
	}
	return list, nil
}

// FindCalls implements journal.Store. Ids are in the order of time, so there is no
// index for it: what lies between two instants is read, q.Scan rows at most.
func (e *Engine) FindCalls(ctx context.Context, q protocol.CallSearch) (page protocol.CallPage, err error) {
	from, to := q.Range()
	where, args, order, until := "WHERE id >= ? AND id < ?", []any{from.String(), to.String()}, "id", "id <= ?"
	if q.Newest {
		order, until = "id DESC", "id >= ?"
	}
	if q.After != (protocol.CallID{}) {
		where, args = where+map[bool]string{false: " AND id > ?", true: " AND id < ?"}[q.Newest], append(args, q.After.String())
	}
	if q.Scan > 0 {
		var last string
		err := e.readers.QueryRowContext(ctx, "SELECT id FROM call "+where+" ORDER BY "+order+" LIMIT 1 OFFSET ?", append(args, q.Scan-1)...).Scan(&last)
		switch {
		case err == nil:
			where, args = where+" AND "+until, append(args, last)
			if page.Next, err = protocol.ParseCallID(last); err != nil {
				return page, fmt.Errorf("find calls: %w", err)
			}
		case !errors.Is(err, sql.ErrNoRows):
			return page, fmt.Errorf("find calls: %w", err)
		}
	}
	fits := func(condition string, arg any) { where, args = where+" AND "+condition, append(args, arg) }
	if !q.From.IsZero() {
		fits("rang_at >= ?", q.From.UnixMicro())
	}
	if !q.To.IsZero() {
		fits("rang_at < ?", q.To.UnixMicro())
	}
	if q.Outcome != protocol.OutcomeNone {
		fits("outcome = ?", q.Outcome.String())
	}
	if q.Live {
		where += " AND end_at IS NULL"
	}
	if q.Number.Known() {
		fits("number = ?", q.Number.E164())
	}
	page.Calls, err = all(each(ctx, e.readers, "call", callColumns, readCall, where+" ORDER BY "+order+" LIMIT ?", append(args, most(q.Limit))...))
	if err != nil {
		return page, fmt.Errorf("find calls: %w", err)
	}
	if n := len(page.Calls); n > 0 && n == q.Limit {
		page.Next = page.Calls[n-1].ID
	}
	return page, nil
}

// Order implements journal.Store.
func (e *Engine) Order(ctx context.Context, id protocol.OrderID) (protocol.OrderRow, error) {
	o, err := one(each(ctx, e.readers, "number_order", orderColumns, readOrder, "WHERE id = ?", id.String()))
	if err != nil {
		return o, fmt.Errorf("order %s: %w", id, err)
	}
	return o, nil
}

// OrderByRef implements journal.Store.
func (e *Engine) OrderByRef(ctx context.Context, ref protocol.Ref) (protocol.OrderRow, error) {
	o, err := one(each(ctx, e.readers, "number_order", orderColumns, readOrder, "WHERE ref = ?", string(ref)))
	if err != nil {
		return o, fmt.Errorf("order with ref %.40q: %w", string(ref), err)
	}
	return o, nil
}

// Orders implements journal.Store.
func (e *Engine) Orders(ctx context.Context, limit int) ([]protocol.OrderRow, error) {
	list, err := all(each(ctx, e.readers, "number_order", orderColumns, readOrder, "ORDER BY id DESC LIMIT ?", limit))
	if err != nil {
		return nil, fmt.Errorf("list orders: %w", err)
	}
	return list, nil
}

// Erasure implements journal.Store.
func (e *Engine) Erasure(ctx context.Context, id protocol.ErasureID) (protocol.ErasureRow, error) {
	x, err := one(each(ctx, e.readers, "erasure", erasureColumns, readErasure, "WHERE id = ?", id.String()))
	if err != nil {
		return x, fmt.Errorf("erasure %s: %w", id, err)
	}
	return x, nil
}
