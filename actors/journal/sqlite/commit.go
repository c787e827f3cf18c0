package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
)

// statements are those of a Change.
type statements struct {
	openBooking, moveBooking driver.StmtExecContext
	closeBooking             driver.StmtExecContext
	number                   driver.StmtExecContext
	callDue, call            driver.StmtExecContext
	line, recording          driver.StmtExecContext
	openOrder, moveOrder     driver.StmtExecContext
	probe                    driver.StmtExecContext
}

func (s *statements) texts() map[*driver.StmtExecContext]string {
	return map[*driver.StmtExecContext]string{
		&s.openBooking: `INSERT INTO booking (` + bookingColumns + `)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		&s.moveBooking: `UPDATE booking SET limit_at = ?2, idle_at = ?3, checkout_at = ?4, free_at = ?4
			WHERE id = ?1 AND state = 'live'`,
		&s.closeBooking: `UPDATE booking SET state = ?2, reason = coalesce(?3, reason),
			checkout_at = coalesce(?4, checkout_at), free_at = coalesce(?5, free_at)
			WHERE id = ?1 AND state <> 'closed'`,
		&s.number: `INSERT INTO proxy_number (` + numberColumns + `) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET part = excluded.part, state = excluded.state, changed_at = excluded.changed_at,
			rest_until = excluded.rest_until`,
		// Written as it is while something is due, which is nearly always, a call
		// leaves every index alone: SQLite looks at the columns that are named
		// here, not at whether they change. It changes no row if one of those
		// columns does change; then call writes them all.
		&s.callDue: `INSERT INTO call (` + callColumns + `, due)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)
			ON CONFLICT DO UPDATE SET booking_id = excluded.booking_id, number = excluded.number,
			caller = excluded.caller, stage = excluded.stage, outcome = excluded.outcome, reason = excluded.reason,
			rang_at = excluded.rang_at, answered_at = excluded.answered_at, dialed_at = excluded.dialed_at,
			talk_at = excluded.talk_at, hangup_cause = excluded.hangup_cause, hangup_source = excluded.hangup_source,
			state = excluded.state
			WHERE due = 1 AND part = excluded.part AND session_id = excluded.session_id AND end_at IS excluded.end_at`,
		&s.call: `INSERT INTO call (` + callColumns + `, due)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?17, ?17 <> '')
			ON CONFLICT DO UPDATE SET part = excluded.part, booking_id = excluded.booking_id, number = excluded.number,
			caller = excluded.caller, session_id = excluded.session_id, stage = excluded.stage,
			outcome = excluded.outcome, reason = excluded.reason, rang_at = excluded.rang_at,
			answered_at = excluded.answered_at, dialed_at = excluded.dialed_at, talk_at = excluded.talk_at,
			end_at = excluded.end_at, hangup_cause = excluded.hangup_cause, hangup_source = excluded.hangup_source,
			state = excluded.state, due = excluded.due`,
		&s.line: `INSERT INTO call_story (` + lineColumns + `) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		&s.recording: `INSERT INTO recording (` + recordingColumns + `)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		&s.moveOrder: `UPDATE number_order SET stage = ?2, changed_at = ?3, detail = ?4 WHERE id = ?1`,
		&s.openOrder: `INSERT INTO number_order (` + orderColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		&s.probe:     `UPDATE probe SET n = n + 1`,
	}
}

// errNoWriter says that the connection could not be opened again after a failure.
var errNoWriter = errors.New("no connection that writes")

// Commit implements journal.Engine.
func (e *Engine) Commit(batch []journal.Change) ([]error, error) {
	if e.writer == nil {
		return nil, errNoWriter
	}
	err := e.writer.transaction(func() error {
		for i := range batch {
			if err := e.writer.write(&batch[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if taken(err) {
		return e.writer.commitSingly(batch)
	}
	return nil, err
}

// commitSingly is for a batch in which something is taken, which is rare: the
// guilty is found and left out, its neighbours are committed.
func (w *writer) commitSingly(batch []journal.Change) ([]error, error) {
	refused := make([]error, len(batch))
	err := w.transaction(func() error {
		for i := range batch {
			if _, err := w.exec(w.savepoint); err != nil {
				return err
			}
			err := w.write(&batch[i])
			if err != nil {
				if !taken(err) {
					return err
				}
				refused[i] = fmt.Errorf("%w: %w", journal.ErrTaken, err)
				if _, err := w.exec(w.undo); err != nil {
					return err
				}
			}
			if _, err := w.exec(w.release); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return refused, nil
}

func taken(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && (e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
}

// Probe implements journal.Engine. A failed commit may have left its frames in
// the WAL, complete but not synced, where the start after a crash would find
// them. A new connection and a commit of its own overwrite them.
func (e *Engine) Probe() error {
	if e.writer != nil {
		// Whatever the old connection has to say, the commit that failed has said.
		e.writer.close()
		e.writer = nil
	}
	w, err := newWriter(context.Background(), e.path)
	if err != nil {
		return err
	}
	e.writer = w
	return w.transaction(func() error {
		_, err := w.exec(w.statements.probe)
		return err
	})
}

func (w *writer) write(c *journal.Change) error {
	for i := range c.Open {
		b := &c.Open[i]
		if _, err := w.exec(w.statements.openBooking, b.ID.String(), text(string(b.Ref)), int64(b.Partition),
			b.NumberA.E164(), b.NumberB.E164(), b.PartyA.E164(), b.PartyB.E164(), b.State.String(), b.Reason,
			instant(b.CreatedAt), instant(b.CheckoutAt), instant(b.FreeAt), b.Asked.Microseconds(),
			instant(b.LimitAt), instant(b.IdleAt), b.Terms.Text()); err != nil {
			return fmt.Errorf("open booking %s: %w", b.ID, err)
		}
	}
	for i := range c.Move {
		m := &c.Move[i]
		if _, err := w.exec(w.statements.moveBooking, m.ID.String(), instant(m.LimitAt), instant(m.IdleAt),
			instant(m.CheckoutAt)); err != nil {
			return fmt.Errorf("move booking %s: %w", m.ID, err)
		}
	}
	for i := range c.Close {
		cl := &c.Close[i]
		if _, err := w.exec(w.statements.closeBooking, cl.ID.String(), cl.State.String(), text(cl.Reason),
			instant(cl.CheckoutAt), instant(cl.FreeAt)); err != nil {
			return fmt.Errorf("close booking %s: %w", cl.ID, err)
		}
	}
	for i := range c.Numbers {
		n := &c.Numbers[i]
		if _, err := w.exec(w.statements.number, n.Number.E164(), int64(n.Partition), n.State.String(),
			instant(n.ChangedAt), instant(n.RestUntil)); err != nil {
			return fmt.Errorf("number %s: %w", n.Number, err)
		}
	}
	for i := range c.Calls {
		if err := w.call(&c.Calls[i]); err != nil {
			return fmt.Errorf("call %s: %w", c.Calls[i].ID, err)
		}
	}
	for i := range c.Story {
		l := &c.Story[i]
		if _, err := w.exec(w.statements.line, l.Call.String(), int64(l.N), instant(l.At), l.What); err != nil {
			return fmt.Errorf("story of call %s: %w", l.Call, err)
		}
	}
	for i := range c.Recordings {
		r := &c.Recordings[i]
		if _, err := w.exec(w.statements.recording, string(r.ID), id(r.Call), id(r.Booking), int64(r.Partition),
			string(r.Session), string(r.Leg), r.LegUUID, r.Format, r.Channels, instant(r.StartedAt),
			instant(r.EndedAt), instant(r.NoticedAt), instant(r.NextTryAt)); err != nil {
			return fmt.Errorf("recording %.40q: %w", string(r.ID), err)
		}
	}
	for i := range c.Orders {
		if err := w.order(&c.Orders[i]); err != nil {
			return fmt.Errorf("order %s: %w", c.Orders[i].ID, err)
		}
	}
	return nil
}

func (w *writer) call(c *protocol.Call) error {
	args := [...]driver.Value{c.ID.String(), int64(c.Partition), id(c.Booking), c.Number.E164(), c.Caller.String(),
		string(c.Session), c.Stage, c.Outcome.String(), c.Reason, instant(c.RangAt), instant(c.AnsweredAt),
		instant(c.DialedAt), instant(c.TalkAt), instant(c.EndAt), c.HangupCause.String(), c.HangupSource.String(), c.State}
	if c.State != "" {
		changed, err := w.exec(w.statements.callDue, args[:]...)
		if err != nil || changed > 0 {
			return err
		}
	}
	_, err := w.exec(w.statements.call, args[:]...)
	return err
}

func (w *writer) order(o *protocol.OrderRow) error {
	moved, err := w.exec(w.statements.moveOrder, o.ID.String(), o.Stage.String(), instant(o.ChangedAt), o.Detail)
	if err != nil || moved > 0 {
		return err
	}
	_, err = w.exec(w.statements.openOrder, o.ID.String(), text(string(o.Ref)), int64(o.Partition), o.Stage.String(),
		instant(o.CreatedAt), instant(o.ChangedAt), o.Detail)
	return err
}

// text is NULL when it is empty.
func text(s string) driver.Value {
	if s == "" {
		return nil
	}
	return s
}

// instant is in microseconds since 1970, NULL when it is zero.
func instant(t time.Time) driver.Value {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// id is NULL when it is zero.
func id[T interface {
	comparable
	String() string
}](v T) driver.Value {
	if v == *new(T) {
		return nil
	}
	return v.String()
}
