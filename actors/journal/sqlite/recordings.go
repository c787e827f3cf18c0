package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
)

// Recording implements journal.Store.
func (e *Engine) Recording(ctx context.Context, id protocol.RecordingID) (protocol.Recording, error) {
	r, err := one(each(ctx, e.readers, "recording", recordingColumns, readRecording, "WHERE id = ?", string(id)))
	if err != nil {
		return r, fmt.Errorf("recording %.40q: %w", string(id), err)
	}
	return r, nil
}

func (e *Engine) recordings(ctx context.Context, tail string, args ...any) ([]protocol.Recording, error) {
	list, err := all(each(ctx, e.readers, "recording", recordingColumns, readRecording, tail, args...))
	if err != nil {
		return nil, fmt.Errorf("list recordings: %w", err)
	}
	return list, nil
}

// Recordings implements journal.Store.
func (e *Engine) Recordings(ctx context.Context, id protocol.CallID) ([]protocol.Recording, error) {
	if id == (protocol.CallID{}) {
		return e.recordings(ctx, "WHERE call_id IS NULL ORDER BY id")
	}
	return e.recordings(ctx, "INDEXED BY recording_call WHERE call_id = ? ORDER BY id", id.String())
}

// BookingRecordings implements journal.Store.
func (e *Engine) BookingRecordings(ctx context.Context, id protocol.BookingID) ([]protocol.Recording, error) {
	if id == (protocol.BookingID{}) {
		return e.recordings(ctx, "WHERE booking_id IS NULL ORDER BY id")
	}
	return e.recordings(ctx, "INDEXED BY recording_booking WHERE booking_id = ? ORDER BY id", id.String())
}

// DueRecordings implements journal.Store.
func (e *Engine) DueRecordings(ctx context.Context, p protocol.Partition, after protocol.RecordingDue, limit int) ([]protocol.Recording, error) {
	at := int64(math.MinInt64) // before all, those from before 1970 too
	if !after.At.IsZero() {
		at = after.At.UnixMicro()
	}
	return e.recordings(ctx, `INDEXED BY recording_due WHERE next_try_at IS NOT NULL AND part = ?
		AND (next_try_at, id) > (?, ?) ORDER BY next_try_at, id LIMIT ?`, int64(p), at, string(after.ID), limit)
}

// OldestPending implements journal.Store. It counts what may be many; whoever
// asks does so seldom.
func (e *Engine) OldestPending(ctx context.Context, p protocol.Partition) (n int, noticedAt time.Time, err error) {
	var oldest *int64
	const pending = " FROM recording INDEXED BY recording_pending WHERE status = 'pending' AND part = ?1"
	err = e.readers.QueryRowContext(ctx, "SELECT (SELECT count(*)"+pending+"), (SELECT noticed_at"+pending+
		" AND noticed_at IS NOT NULL AND id NOT LIKE 'call:%' ORDER BY noticed_at LIMIT 1)", int64(p)).Scan(&n, &oldest)
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("count pending recordings: %w", err)
	}
	if oldest != nil {
		noticedAt = time.UnixMicro(*oldest).UTC()
	}
	return n, noticedAt, nil
}

// ArchivedBefore implements journal.Store.
func (e *Engine) ArchivedBefore(ctx context.Context, p protocol.Partition, before time.Time, limit int) ([]protocol.Recording, error) {
	return e.recordings(ctx, `INDEXED BY recording_kept WHERE status = 'archived' AND hold = '' AND part = ? AND noticed_at < ?
		ORDER BY noticed_at, id LIMIT ?`, int64(p), before.UnixMicro(), limit)
}

// Text implements journal.Store.
func (e *Engine) Text(ctx context.Context, id protocol.RecordingID, s protocol.SessionID, kind protocol.TextKind) (protocol.RecordingText, error) {
	t, err := one(each(ctx, e.readers, "recording_text", textColumns, readText,
		"WHERE recording_id = ? AND recording_id <> '' AND kind = ? LIMIT 1", string(id), kind.String()))
	if errors.Is(err, journal.ErrNone) && s != "" {
		t, err = one(each(ctx, e.readers, "recording_text", textColumns, readText,
			"INDEXED BY recording_text_session WHERE recording_id = '' AND session_id = ? AND kind = ? LIMIT 1", string(s), kind.String()))
	}
	if err != nil {
		return t, fmt.Errorf("%s of recording %.40q: %w", kind, string(id), err)
	}
	return t, nil
}
