package api

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"maskswitch/actors/protocol"
)

const partiesRequired = "party_a and party_b required"

// defaultDuration is how long a booking lasts whose maker did not say.
const defaultDuration = 24 * time.Hour

// newBooking is the request. A member that may be missing may be null, and
// booking_id may be empty: the replaced application took both for missing.
type newBooking struct {
	PartyA        string   `json:"party_a"`
	PartyB        string   `json:"party_b"`
	BookingID     string   `json:"booking_id"`
	DurationHours *float64 `json:"duration_hours"`
	newTerms
}

// command checks the request and says it in the switch's words.
func (in newBooking) command(maxHours int) (protocol.OpenBooking, error) {
	var none protocol.OpenBooking
	required := verdict{http.StatusBadRequest, partiesRequired}
	switch {
	case in.PartyA == "":
		return none, refuse(required, "missing", "party_a", "party_a is missing")
	case in.PartyB == "":
		return none, refuse(required, "missing", "party_b", "party_b is missing")
	}
	a, err := parseNumber(in.PartyA, "party_a")
	if err != nil {
		return none, err
	}
	b, err := parseNumber(in.PartyB, "party_b")
	if err != nil {
		return none, err
	}
	if a == b {
		return none, refuse(invalid, "same_party", "party_b", "party_a and party_b are the same phone; a booking joins two")
	}
	if in.BookingID != "" && !isName(in.BookingID) {
		return none, badName("booking_id")
	}
	duration := defaultDuration
	if in.DurationHours != nil {
		if duration, err = hours("duration_hours", *in.DurationHours, maxHours); err != nil {
			return none, err
		}
	}
	terms, err := in.terms(maxHours)
	if err != nil {
		return none, err
	}
	return protocol.OpenBooking{Ref: protocol.Ref(in.BookingID), PartyA: a, PartyB: b, Duration: duration, Terms: terms}, nil
}

// hours reads a duration in whole milliseconds, so that the same request
// repeated asks for the same duration, whatever precision a store has.
func hours(field string, value float64, most int) (time.Duration, error) {
	ms := math.Round(value * float64(time.Hour/time.Millisecond))
	switch {
	case !(value > 0):
		return 0, refuse(invalid, "out_of_range", field, field+" must be more than 0")
	case value > float64(most):
		return 0, refuse(invalid, "out_of_range", field, fmt.Sprintf("%s may be %d at most", field, most))
	case ms < 1:
		return 0, refuse(invalid, "out_of_range", field, field+" is less than a millisecond")
	}
	return time.Duration(ms) * time.Millisecond, nil
}

// A name that a client gives, a booking_id or an order_id, is what may stand in
// a URL path as it is (RFC 3986, pchar): what was taken here can be read and
// deleted there, escaped or not.
const (
	maxName   = 128
	nameMarks = "-._~!$&'()*+,;=:@"
)

func isName(s string) bool {
	return s != "" && len(s) <= maxName && s != "." && s != ".." && strings.Trim(s, alphanumeric+nameMarks) == ""
}

func badName(field string) error {
	return refuse(invalid, "bad_"+field, field,
		fmt.Sprintf("an id has 1 to %d characters that a URL path takes as they are: "+
			"letters, digits and any of %s, but not . or .. alone", maxName, nameMarks))
}

type bookingCreated struct {
	Status       string `json:"status"`
	BookingID    string `json:"booking_id"`
	ProxyNumber  string `json:"proxy_number"`
	ProxyNumberB string `json:"proxy_number_b,omitzero"`
	ExpiresAt    int64  `json:"expires_at"`
	Repeated     bool   `json:"repeated"`
	masks
}

// createBooking gives two parties a proxy number: 200 with the booking, also
// for the same request again; 409 if its booking_id belongs to a different
// request, 503 if no number in the pool fits both.
func (s *Server) createBooking(w http.ResponseWriter, r *http.Request) error {
	var in newBooking
	if err := decode(r, &in, partiesRequired); err != nil {
		return err
	}
	cmd, err := in.command(s.config.MaxBookingHours)
	if err != nil {
		return err
	}
	opened, err := s.config.Switch.OpenBooking(r.Context(), cmd)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, bookingCreated{
		"created", opened.PublicID(), opened.NumberA.E164(), numberB(opened.Booking), end(opened.Booking).Unix(), opened.Repeated,
		masksOf(opened.Booking),
	})
}

// numberB is what party B dials, if that is not what party A dials.
func numberB(b protocol.Booking) string {
	if b.NumberB == b.NumberA {
		return ""
	}
	return b.NumberB.E164()
}

// bookingRow is a booking as it is shown. `proxy` is what the replaced
// application's list calls proxy_number.
type bookingRow struct {
	BookingID    string `json:"booking_id"`
	Status       string `json:"status"`
	Reason       string `json:"reason,omitzero"`
	Proxy        string `json:"proxy"`
	ProxyNumber  string `json:"proxy_number"`
	ProxyNumberB string `json:"proxy_number_b,omitzero"`
	PartyA       string `json:"party_a"`
	PartyB       string `json:"party_b"`
	Created      int64  `json:"created"`
	ExpiresAt    int64  `json:"expires_at"`
	masks
	shownTerms
	Assignment *assignment `json:"assignment,omitzero"`
}

// assignment is why the booking got its number.
type assignment struct {
	Why   string `json:"why"`
	Near  string `json:"near"`
	Load  int    `json:"load"`
	Of    int    `json:"of"`
	Split bool   `json:"split,omitzero"`
}

func assignmentOf(c protocol.Choice) *assignment {
	if c.Of == 0 {
		return nil
	}
	why := "the least loaded that both could have"
	switch {
	case c.Again:
		why = "the two had it before"
	case c.Rested:
		why = "one of them remembers it, and no other was free"
	case c.Split:
		why = "one each, since none was free for both"
	case c.Packed:
		why = "the first with room that both could have"
	}
	return &assignment{why, c.Near.String(), c.Load, c.Of, c.Split}
}

func rowOf(b protocol.Booking) bookingRow {
	return bookingRow{
		b.PublicID(), b.State.String(), b.Reason, b.NumberA.E164(), b.NumberA.E164(), numberB(b),
		b.PartyA.E164(), b.PartyB.E164(), b.CreatedAt.Unix(), end(b).Unix(), masksOf(b), termsOf(b), assignmentOf(b.Choice),
	}
}

// readBooking shows one booking, live or ended.
func (s *Server) readBooking(w http.ResponseWriter, r *http.Request) error {
	id, err := bookingID(r)
	if err != nil {
		return err
	}
	found, err := s.config.Switch.Booking(r.Context(), id)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, rowOf(found))
}

type bookingDeleted struct {
	Status        string `json:"status"`
	BookingID     string `json:"booking_id"`
	ProxyReturned string `json:"proxy_returned"`
}

// deleteBooking checks a booking out now: 404 if it has ended already.
func (s *Server) deleteBooking(w http.ResponseWriter, r *http.Request) error {
	id, err := bookingID(r)
	if err != nil {
		return err
	}
	ended, err := s.config.Switch.CloseBooking(r.Context(), id)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, bookingDeleted{"expired", ended.PublicID(), ended.NumberA.E164()})
}

// bookingID is the id in the path. One that no booking can have is not found.
func bookingID(r *http.Request) (string, error) {
	id := mux.Vars(r)["id"]
	if !isName(id) {
		return "", refuse(notFound, "booking_not_found", "", "no booking has this id")
	}
	return id, nil
}

type bookingList struct {
	Bookings      []bookingRow `json:"bookings"`
	PoolAvailable int          `json:"pool_available"`
	NextCursor    string       `json:"next_cursor,omitzero"`
}

// listBookings shows bookings in the order in which they were made.
func (s *Server) listBookings(w http.ResponseWriter, r *http.Request) error {
	query := protocol.BookingQuery{State: protocol.BookingLive, Limit: defaultLimit}
	err := parameters(r, func(name, value string) (err error) {
		switch name {
		case "limit":
			query.Limit, err = limitParameter(value)
		case "cursor":
			if query.After, err = protocol.ParseBookingID(value); err != nil {
				return badCursor()
			}
		case "status":
			var ok bool
			if query.State, ok = protocol.ParseBookingState(value); !ok {
				return refuse(invalid, "unknown_status", name, "status is live, quarantine or closed")
			}
		case "party":
			query.Party, err = numberParameter(name, value)
		default:
			return unknownParameter(name, "this list takes limit, cursor, status and party")
		}
		return err
	})
	if err != nil {
		return err
	}
	limit := query.Limit
	query.Limit++ // one more than is shown tells whether there is a next page
	found, err := s.config.Switch.Bookings(r.Context(), query)
	if err != nil {
		return err
	}
	count, err := s.config.Switch.Headcount(r.Context())
	if err != nil {
		return err
	}
	list := bookingList{PoolAvailable: count.Pool}
	if len(found) > limit {
		found = found[:limit]
		list.NextCursor = found[limit-1].ID.String()
	}
	list.Bookings = make([]bookingRow, len(found))
	for i := range found {
		list.Bookings[i] = rowOf(found[i])
	}
	return reply(w, http.StatusOK, list)
}
