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
	callDue, callSame, call  driver.StmtExecContext
	line                     driver.StmtExecContext
	newRecording, recording  driver.StmtExecContext
	putText, dropText        driver.StmtExecContext
	newErasure, erasure      driver.StmtExecContext
	forget                   driver.StmtExecContext
	openOrder, moveOrder     driver.StmtExecContext
	probe                    driver.StmtExecContext
}

func (s *statements) texts() map[*driver.StmtExecContext]string {
	return map[*driver.StmtExecContext]string{
		&s.openBooking: `INSERT INTO booking (` + bookingColumns + `)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
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
		// columns does change; then callSame writes those that do so at a call's
		// end, and call those that hardly ever do: the indexes on them are random.
		&s.callDue: `INSERT INTO call (` + callColumns + `, due)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)
			ON CONFLICT DO UPDATE SET number = excluded.number,
			caller = excluded.caller, stage = excluded.stage, outcome = excluded.outcome, reason = excluded.reason,
			rang_at = excluded.rang_at, answered_at = excluded.answered_at, dialed_at = excluded.dialed_at,
			talk_at = excluded.talk_at, hangup_cause = excluded.hangup_cause, hangup_source = excluded.hangup_source,
			consent_at = excluded.consent_at, state = excluded.state
			WHERE due = 1 AND part = excluded.part AND session_id = excluded.session_id AND end_at IS excluded.end_at
			AND booking_id IS excluded.booking_id`,
		&s.callSame: `UPDATE call SET number = ?4, caller = ?5, stage = ?7, outcome = ?8, reason = ?9, rang_at = ?10,
			answered_at = ?11, dialed_at = ?12, talk_at = ?13, end_at = ?14, hangup_cause = ?15, hangup_source = ?16,
			consent_at = ?17, state = ?18, due = ?18 <> ''
			WHERE id = ?1 AND part = ?2 AND booking_id IS ?3 AND session_id = ?6`,
		&s.call: `INSERT INTO call (` + callColumns + `, due)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?18, ?18 <> '')
			ON CONFLICT DO UPDATE SET part = excluded.part, booking_id = excluded.booking_id, number = excluded.number,
			caller = excluded.caller, session_id = excluded.session_id, stage = excluded.stage,
			outcome = excluded.outcome, reason = excluded.reason, rang_at = excluded.rang_at,
			answered_at = excluded.answered_at, dialed_at = excluded.dialed_at, talk_at = excluded.talk_at,
			end_at = excluded.end_at, hangup_cause = excluded.hangup_cause, hangup_source = excluded.hangup_source,
			consent_at = excluded.consent_at, state = excluded.state, due = excluded.due`,
		&s.line: `INSERT INTO call_story (` + lineColumns + `) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		&s.newRecording: `INSERT INTO recording (` + recordingColumns + `)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		&s.recording: `UPDATE recording SET caller = ?2, session_id = ?3, leg_id = ?4, leg_uuid = ?5, format = ?6,
			channels = ?7, started_at = ?8, ended_at = ?9, noticed_at = ?10, status = ?11, why = ?12, next_try_at = ?13,
			tries = ?14, object = ?15, bytes = ?16, sha256 = ?17, content_type = ?18, archived_at = ?19, erased_at = ?20,
			carrier_gone = ?21, hold = ?22, summary = ?23, summary_why = ?24
			WHERE id = ?1`,
		&s.putText: `INSERT INTO recording_text (` + textColumns + `) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		&s.dropText: `DELETE FROM recording_text WHERE kind = ?3
			AND (recording_id = ?1 AND ?1 <> '' OR recording_id = '' AND session_id = ?2 AND ?2 <> '')`,
		&s.newErasure: `INSERT INTO erasure (` + erasureColumns + `) VALUES (?, ?, ?, ?, ?)`,
		&s.erasure:    `UPDATE erasure SET done_at = ?2, detail = ?3 WHERE id = ?1`,
		&s.forget: `UPDATE booking SET party_a = iif(?2, '', party_a), party_b = iif(?3, '', party_b)
			WHERE id = ?1 AND state = 'closed'`,
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
			instant(b.LimitAt), instant(b.IdleAt), b.Terms.Text(), b.Choice.String()); err != nil {
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
	if err := w.recordings(c); err != nil {
		return err
	}
	for i := range c.Orders {
		if err := w.order(&c.Orders[i]); err != nil {
			return fmt.Errorf("order %s: %w", c.Orders[i].ID, err)
		}
	}
	return w.erasures(c)
}

func (w *writer) call(c *protocol.Call) error {
	args := [...]driver.Value{c.ID.String(), int64(c.Partition), id(c.Booking), c.Number.E164(), c.Caller.String(),
		string(c.Session), c.Stage, c.Outcome.String(), c.Reason, instant(c.RangAt), instant(c.AnsweredAt),
		instant(c.DialedAt), instant(c.TalkAt), instant(c.EndAt), c.HangupCause.String(), c.HangupSource.String(),
		instant(c.ConsentAt), c.State}
	if c.State != "" {
		changed, err := w.exec(w.statements.callDue, args[:]...)
		if err != nil || changed > 0 {
			return err
		}
	}
	changed, err := w.exec(w.statements.callSame, args[:]...)
	if err != nil || changed > 0 {
		return err
	}
	_, err = w.exec(w.statements.call, args[:]...)
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

// recordings writes all that a change says about recordings.
func (w *writer) recordings(c *journal.Change) error {
	for i := range c.Recordings {
		r := &c.Recordings[i]
		whose := []driver.Value{string(r.ID), id(r.Call), id(r.Booking), int64(r.Partition)}
		if _, err := w.exec(w.statements.newRecording, append(whose, recorded(r)...)...); err != nil {
			return fmt.Errorf("recording %.40q: %w", string(r.ID), err)
		}
	}
	for i := range c.Recorded {
		r := &c.Recorded[i]
		if _, err := w.exec(w.statements.recording, append([]driver.Value{string(r.ID)}, recorded(r)...)...); err != nil {
			return fmt.Errorf("recording %.40q: %w", string(r.ID), err)
		}
	}
	for i := range c.Texts {
		if err := w.text(&c.Texts[i]); err != nil {
			return fmt.Errorf("%s of recording %.40q: %w", c.Texts[i].Kind, string(c.Texts[i].Recording), err)
		}
	}
	return nil
}

// recorded is what may change of a recording's row.
func recorded(r *protocol.Recording) []driver.Value {
	return []driver.Value{r.Caller.String(), string(r.Session), string(r.Leg), r.LegUUID, r.Format, r.Channels,
		instant(r.StartedAt), instant(r.EndedAt), instant(r.NoticedAt), r.Status.String(), r.Why, instant(r.NextTryAt),
		int64(r.Tries), r.Object, r.Bytes, r.SHA256, r.ContentType, instant(r.ArchivedAt), instant(r.ErasedAt),
		truth(r.CarrierGone), r.Hold, r.Summary.String(), r.SummaryWhy}
}

// text keeps one under its recording or, if the carrier has told only that, under
// its session.
func (w *writer) text(t *protocol.RecordingText) error {
	if t.Text == "" {
		_, err := w.exec(w.statements.dropText, string(t.Recording), string(t.Session), t.Kind.String())
		return err
	}
	session := t.Session
	if t.Recording != "" {
		session = ""
	}
	_, err := w.exec(w.statements.putText, string(t.Recording), string(session), t.Kind.String(), t.Text, t.MadeBy, instant(t.At))
	return err
}

// erasures writes all that a change says about them.
func (w *writer) erasures(c *journal.Change) error {
	for i := range c.Erasures {
		x := &c.Erasures[i]
		changed, err := w.exec(w.statements.erasure, x.ID.String(), instant(x.DoneAt), x.Detail)
		if err == nil && changed == 0 {
			_, err = w.exec(w.statements.newErasure, x.ID.String(), int64(x.Partition), instant(x.CreatedAt), instant(x.DoneAt), x.Detail)
		}
		if err != nil {
			return fmt.Errorf("erasure %s: %w", x.ID, err)
		}
	}
	for i := range c.Forget {
		f := &c.Forget[i]
		if _, err := w.exec(w.statements.forget, f.ID.String(), truth(f.A), truth(f.B)); err != nil {
			return fmt.Errorf("forget parties of booking %s: %w", f.ID, err)
		}
	}
	return nil
}

func truth(b bool) driver.Value {
	if b {
		return int64(1)
	}
	return int64(0)
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
