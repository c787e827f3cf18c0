package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// Columns in the order in which commit.go writes and row reads them. The first
// names the row.
const (
	numberColumns    = "number, part, state, changed_at, rest_until"
	bookingColumns   = "id, ref, part, number_a, number_b, party_a, party_b, state, reason, created_at, checkout_at, free_at, asked_us, limit_at, idle_at, terms, choice"
	callColumns      = "id, part, booking_id, number, caller, session_id, stage, outcome, reason, rang_at, answered_at, dialed_at, talk_at, end_at, hangup_cause, hangup_source, consent_at, state"
	lineColumns      = "call_id, n, at, what"
	recordingColumns = "id, call_id, booking_id, part, caller, session_id, leg_id, leg_uuid, format, channels, started_at, ended_at, noticed_at, status, why, next_try_at, tries, object, bytes, sha256, content_type, archived_at, erased_at, carrier_gone, hold, summary, summary_why"
	textColumns      = "recording_id, session_id, kind, text, made_by, at"
	erasureColumns   = "id, part, created_at, done_at, detail"
	orderColumns     = "id, ref, part, stage, created_at, changed_at, detail"
)

var errType = errors.New("wrong type")

// row reads the columns of a row one after the other and checks each: files are
// edited, and disks rot. The first fault is kept, with the names of the table,
// the row and the column; what is read after it is zero.
type row struct {
	table   string
	columns []string
	values  []any
	scan    []any // pointers to values
	next    int
	err     error
}

func newRow(table, columns string) *row {
	r := &row{table: table, columns: strings.Split(columns, ", ")}
	r.values = make([]any, len(r.columns))
	for i := range r.values {
		r.scan = append(r.scan, &r.values[i])
	}
	return r
}

// load takes the row that rows stands on.
func (r *row) load(rows *sql.Rows) error {
	r.next, r.err = 0, nil
	return rows.Scan(r.scan...)
}

func (r *row) fail(err error) {
	if r.err == nil {
		r.err = fmt.Errorf("broken row in table %s, %s %.40q, column %s: %w",
			r.table, r.columns[0], fmt.Sprint(r.values[0]), r.columns[r.next-1], err)
	}
}

func (r *row) value() any {
	r.next++
	return r.values[r.next-1]
}

// text reads NULL as empty.
func (r *row) text() string {
	v := r.value()
	s, ok := v.(string)
	if !ok && v != nil {
		r.fail(errType)
	}
	return s
}

func (r *row) integer() int64 {
	n, ok := r.value().(int64)
	if !ok {
		r.fail(errType)
	}
	return n
}

func (r *row) partition() protocol.Partition {
	n := r.integer()
	if n < 0 || n > int64(^protocol.Partition(0)) {
		r.fail(fmt.Errorf("%d is no partition", n))
	}
	return protocol.Partition(n)
}

// instant reads NULL as the zero time.
func (r *row) instant() time.Time {
	v := r.value()
	if v == nil {
		return time.Time{}
	}
	n, ok := v.(int64)
	if !ok {
		r.fail(errType)
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

func (r *row) phone() phone.Number {
	n, err := phone.FromStore(r.text())
	if err != nil {
		r.fail(err)
	}
	return n
}

// parsed reads a word or an id that may not be empty.
func parsed[T any](r *row, parse func(string) (T, error)) T {
	v, err := parse(r.text())
	if err != nil {
		r.fail(err)
	}
	return v
}

// optional reads NULL and the empty text as zero.
func optional[T any](r *row, parse func(string) (T, error)) (v T) {
	if s := r.text(); s != "" {
		var err error
		if v, err = parse(s); err != nil {
			r.fail(err)
		}
	}
	return v
}

// word makes a parser of one that only says yes or no.
func word[T any](parse func(string) (T, bool)) func(string) (T, error) {
	return func(s string) (T, error) {
		v, ok := parse(s)
		if !ok {
			return v, fmt.Errorf("unknown word %.20q", s)
		}
		return v, nil
	}
}

func readNumber(r *row) protocol.Number {
	return protocol.Number{
		Number: r.phone(), Partition: r.partition(),
		State: parsed(r, word(protocol.ParseNumberState)), ChangedAt: r.instant(), RestUntil: r.instant(),
	}
}

func readBooking(r *row) protocol.Booking {
	return protocol.Booking{
		ID: parsed(r, protocol.ParseBookingID), Ref: protocol.Ref(r.text()), Partition: r.partition(),
		NumberA: r.phone(), NumberB: r.phone(), PartyA: r.phone(), PartyB: r.phone(),
		State: parsed(r, word(protocol.ParseBookingState)), Reason: r.text(),
		CreatedAt: r.instant(), CheckoutAt: r.instant(), FreeAt: r.instant(),
		Asked: time.Duration(r.integer()) * time.Microsecond, LimitAt: r.instant(), IdleAt: r.instant(),
		Terms: optional(r, protocol.ParseTerms), Choice: optional(r, protocol.ParseChoice),
	}
}

func readCall(r *row) protocol.Call {
	return protocol.Call{
		ID: parsed(r, protocol.ParseCallID), Partition: r.partition(), Booking: optional(r, protocol.ParseBookingID),
		Number: r.phone(), Caller: optional(r, word(protocol.ParseParty)), Session: protocol.SessionID(r.text()),
		Stage: r.text(), Outcome: parsed(r, word(protocol.ParseOutcome)), Reason: r.text(),
		RangAt: r.instant(), AnsweredAt: r.instant(), DialedAt: r.instant(), TalkAt: r.instant(), EndAt: r.instant(),
		HangupCause:  optional(r, word(protocol.ParseHangupCause)),
		HangupSource: parsed(r, word(parseSource)), ConsentAt: r.instant(), State: r.text(),
	}
}

// parseSource is stricter than the carrier's door: what we wrote is a word of
// the list.
func parseSource(s string) (protocol.HangupSource, bool) {
	v := protocol.ParseHangupSource(s)
	return v, v.String() == s
}

func readLine(r *row) protocol.Line {
	return protocol.Line{
		Call: parsed(r, protocol.ParseCallID), N: int(r.integer()), At: r.instant(), What: r.text(),
	}
}

func readRecording(r *row) protocol.Recording {
	return protocol.Recording{
		ID: protocol.RecordingID(r.text()), Call: optional(r, protocol.ParseCallID),
		Booking: optional(r, protocol.ParseBookingID), Partition: r.partition(),
		Caller:  optional(r, word(protocol.ParseParty)),
		Session: protocol.SessionID(r.text()), Leg: protocol.LegID(r.text()), LegUUID: r.text(),
		Format: r.text(), Channels: r.text(), StartedAt: r.instant(), EndedAt: r.instant(), NoticedAt: r.instant(),
		Status: parsed(r, word(protocol.ParseRecordingStatus)), Why: r.text(), NextTryAt: r.instant(), Tries: int(r.integer()),
		Object: r.text(), Bytes: r.integer(), SHA256: r.text(), ContentType: r.text(),
		ArchivedAt: r.instant(), ErasedAt: r.instant(), CarrierGone: r.integer() != 0, Hold: r.text(),
		Summary: parsed(r, word(protocol.ParseSummaryStatus)), SummaryWhy: r.text(),
	}
}

func readText(r *row) protocol.RecordingText {
	return protocol.RecordingText{
		Recording: protocol.RecordingID(r.text()), Session: protocol.SessionID(r.text()),
		Kind: parsed(r, word(protocol.ParseTextKind)), Text: r.text(), MadeBy: r.text(), At: r.instant(),
	}
}

func readErasure(r *row) protocol.ErasureRow {
	return protocol.ErasureRow{
		ID: parsed(r, protocol.ParseErasureID), Partition: r.partition(),
		CreatedAt: r.instant(), DoneAt: r.instant(), Detail: r.text(),
	}
}

func readOrder(r *row) protocol.OrderRow {
	return protocol.OrderRow{
		ID: parsed(r, protocol.ParseOrderID), Ref: protocol.Ref(r.text()), Partition: r.partition(),
		Stage: parsed(r, word(protocol.ParseOrderStage)), CreatedAt: r.instant(), ChangedAt: r.instant(), Detail: r.text(),
	}
}

func readSession(r *row) protocol.SessionID { return protocol.SessionID(r.text()) }
