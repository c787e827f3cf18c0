package api

import (
	"bytes"
	"encoding/csv"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"maskswitch/actors/protocol"
)

// searchCalls shows calls by their own facts, the newest first. A page may have
// fewer calls than it could and still not be the last: what is looked through for
// one is bounded.
func (s *Server) searchCalls(w http.ResponseWriter, r *http.Request) error {
	media, err := negotiate(r, mediaJSON, mediaCSV)
	if err != nil {
		return err
	}
	q := protocol.CallSearch{Newest: true, Limit: defaultLimit}
	if err := parameters(r, func(name, value string) error { return searchParameter(&q, name, value) }); err != nil {
		return err
	}
	if !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To) {
		return refuse(invalid, "out_of_range", "to", "to is after from")
	}
	page, err := s.config.Switch.FindCalls(r.Context(), q)
	if err != nil {
		return err
	}
	list := callList{Calls: make([]callRow, len(page.Calls))}
	if page.Next != (protocol.CallID{}) {
		list.NextCursor = page.Next.String()
	}
	names := make(map[protocol.BookingID]string)
	for i, c := range page.Calls {
		name, known := names[c.Booking]
		if !known {
			if name, err = s.publicName(r, c.Booking); err != nil {
				return err
			}
			names[c.Booking] = name
		}
		list.Calls[i] = callRowOf(c, name)
	}
	return s.replyCalls(w, r, media, list)
}

func searchParameter(q *protocol.CallSearch, name, value string) (err error) {
	switch name {
	case "limit":
		q.Limit, err = limitParameter(value)
	case "cursor":
		if q.After, err = protocol.ParseCallID(value); err != nil {
			return badCursor()
		}
	case "from":
		q.From, err = timeParameter(name, value)
	case "to":
		q.To, err = timeParameter(name, value)
	case "outcome":
		if value == "live" {
			q.Live = true
			return nil
		}
		var ok bool
		if q.Outcome, ok = protocol.ParseOutcome(value); !ok || value == "" {
			return refuse(invalid, "unknown_outcome", name, "outcome is live, or one of "+outcomes())
		}
	case "number":
		q.Number, err = numberParameter(name, value)
	case "order":
		if value != "newest" && value != "oldest" {
			return refuse(invalid, "unknown_order", name, "order is newest or oldest")
		}
		q.Newest = value == "newest"
	default:
		return unknownParameter(name, "this list takes limit, cursor, from, to, outcome, number and order")
	}
	return err
}

func outcomes() string {
	var words []string
	for _, o := range protocol.Outcomes() {
		words = append(words, o.String())
	}
	return strings.Join(words, ", ")
}

// timeParameter reads an instant: RFC 3339, or seconds since 1970. A space stands
// for the plus sign of an offset that a client forgot to escape.
func timeParameter(name, value string) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339Nano, strings.Replace(value, " ", "+", 1)); err == nil && at.Year() >= 1970 && at.Year() < 9999 {
		return at, nil
	}
	if n, err := strconv.ParseFloat(value, 64); err == nil && n >= 0 && n < 253_370_764_800 {
		return time.UnixMicro(int64(n * 1e6)), nil
	}
	return time.Time{}, refuse(invalid, "malformed_time", name, name+" is a time such as 2026-03-01T12:00:00Z, or seconds since 1970")
}

// replyCalls answers in the form that was asked for. In CSV the next page is in
// the header Link (RFC 8288), because rows have no place for it.
func (s *Server) replyCalls(w http.ResponseWriter, r *http.Request, media string, list callList) error {
	w.Header().Add("Vary", "Accept")
	if media != mediaCSV {
		return reply(w, http.StatusOK, list)
	}
	var b bytes.Buffer
	rows := csv.NewWriter(&b)
	rows.UseCRLF = true // RFC 4180
	if err := rows.Write(callColumns); err != nil {
		return err
	}
	for _, c := range list.Calls {
		if err := rows.Write(c.cells()); err != nil {
			return err
		}
	}
	if rows.Flush(); rows.Error() != nil {
		return rows.Error()
	}
	if list.NextCursor != "" {
		next := r.URL.Query()
		next.Set("cursor", list.NextCursor)
		w.Header().Set("Link", "<"+(&url.URL{Path: r.URL.Path, RawQuery: next.Encode()}).String()+`>; rel="next"`)
	}
	w.Header().Set("Content-Type", mediaCSV+"; charset=utf-8; header=present")
	w.Header().Set("Content-Disposition", `attachment; filename="calls.csv"`)
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(b.Bytes()) // the client has left; nothing can be told
	return nil
}

// callColumns are those of a call in CSV. New ones go last.
var callColumns = []string{
	"call_id", "booking_id", "caller", "proxy_number", "session_id", "stage", "outcome", "reason", "rang_at", "answered_at",
	"ringing_at", "talk_at", "ended_at", "talk_seconds", "hangup_cause", "hangup_source", "consent_at",
}

func (c callRow) cells() []string {
	return []string{
		c.CallID, inert(c.BookingID), c.Caller, c.ProxyNumber, inert(c.SessionID), c.Stage, c.Outcome, inert(c.Reason),
		string(c.RangAt), string(c.AnsweredAt), string(c.RingingAt), string(c.TalkAt), string(c.EndedAt),
		strconv.FormatFloat(c.TalkSeconds, 'f', -1, 64), c.HangupCause, c.HangupSource, string(c.ConsentAt),
	}
}

// inert keeps a spreadsheet from taking somebody else's words for a formula. A
// proxy number, which begins with a plus sign, stays what it is: to a spreadsheet
// it is a number, and to a program no other text would be one.
func inert(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
