package api

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

const partiesRequired = "party_a and party_b required"

// defaultHours is how long a booking lasts whose maker did not say.
const defaultHours = 24

// newBooking is the request. A member that may be missing may be null, and
// booking_id may be empty: the replaced application took both for missing.
type newBooking struct {
	PartyA        string   `json:"party_a"`
	PartyB        string   `json:"party_b"`
	BookingID     string   `json:"booking_id"`
	DurationHours *float64 `json:"duration_hours"`
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
	if in.BookingID != "" && !isBookingID(in.BookingID) {
		return none, refuse(invalid, "bad_booking_id", "booking_id",
			fmt.Sprintf("a booking_id has 1 to %d characters that a URL path takes as they are: "+
				"letters, digits and any of %s, but not . or .. alone", maxBookingID, bookingIDMarks))
	}
	duration, err := in.duration(maxHours)
	if err != nil {
		return none, err
	}
	return protocol.OpenBooking{Ref: protocol.Ref(in.BookingID), PartyA: a, PartyB: b, Duration: duration}, nil
}

// duration is in whole milliseconds, so that the same request repeated asks for
// the same duration, whatever precision a store has.
func (in newBooking) duration(maxHours int) (time.Duration, error) {
	hours := float64(defaultHours)
	if in.DurationHours != nil {
		hours = *in.DurationHours
	}
	ms := math.Round(hours * float64(time.Hour/time.Millisecond))
	switch {
	case !(hours > 0):
		return 0, refuse(invalid, "out_of_range", "duration_hours", "duration_hours must be more than 0")
	case hours > float64(maxHours):
		return 0, refuse(invalid, "out_of_range", "duration_hours", fmt.Sprintf("duration_hours may be %d at most", maxHours))
	case ms < 1:
		return 0, refuse(invalid, "out_of_range", "duration_hours", "duration_hours is less than a millisecond")
	}
	return time.Duration(ms) * time.Millisecond, nil
}

// A booking_id is what may stand in a URL path as it is (RFC 3986, pchar): an
// id that was taken here can be read and deleted there, escaped or not.
const (
	maxBookingID   = 128
	bookingIDMarks = "-._~!$&'()*+,;=:@"
)

func isBookingID(s string) bool {
	return s != "" && len(s) <= maxBookingID && s != "." && s != ".." &&
		strings.Trim(s, alphanumeric+bookingIDMarks) == ""
}

type bookingCreated struct {
	Status       string `json:"status"`
	BookingID    string `json:"booking_id"`
	ProxyNumber  string `json:"proxy_number"`
	ProxyNumberB string `json:"proxy_number_b,omitzero"`
	ExpiresAt    int64  `json:"expires_at"`
	Repeated     bool   `json:"repeated"`
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
		"created", opened.PublicID(), opened.NumberA.E164(), numberB(opened.Booking), opened.CheckoutAt.Unix(), opened.Repeated,
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
}

func rowOf(b protocol.Booking) bookingRow {
	return bookingRow{
		b.PublicID(), b.State.String(), b.Reason, b.NumberA.E164(), b.NumberA.E164(), numberB(b),
		b.PartyA.E164(), b.PartyB.E164(), b.CreatedAt.Unix(), b.CheckoutAt.Unix(),
	}
}

// readBooking shows one booking, live or ended.
func (s *Server) readBooking(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
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
	id, err := pathID(r)
	if err != nil {
		return err
	}
	ended, err := s.config.Switch.CloseBooking(r.Context(), id)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, bookingDeleted{"expired", ended.PublicID(), ended.NumberA.E164()})
}

// pathID is the id in the path. One that no booking can have is not found.
func pathID(r *http.Request) (string, error) {
	id := mux.Vars(r)["id"]
	if !isBookingID(id) {
		return "", refuse(notFound, "no_such_booking", "", "no booking has this id")
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
	query, err := parseQuery(r.URL.RawQuery)
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

const (
	defaultLimit = 100
	maxLimit     = 1000
)

// parseQuery reads the list's parameters, as strictly as a body: a misspelt
// filter that is ignored shows somebody else's bookings.
func parseQuery(raw string) (protocol.BookingQuery, error) {
	query := protocol.BookingQuery{State: protocol.BookingLive, Limit: defaultLimit}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return query, refuse(invalid, "malformed_query", "", "the query is not a form: name=value pairs, escaped, with & between them")
	}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names) // of several faults, the same one is told each time
	for _, name := range names {
		if len(values[name]) > 1 {
			return query, refuse(invalid, "duplicate_parameter", clip(name), "the parameter is there more than once")
		}
		if err := setParameter(&query, name, values[name][0]); err != nil {
			return query, err
		}
	}
	return query, nil
}

func setParameter(query *protocol.BookingQuery, name, value string) error {
	var err error
	switch name {
	case "limit":
		n, err := strconv.ParseUint(value, 10, 16)
		if err != nil || n < 1 || n > maxLimit {
			return refuse(invalid, "out_of_range", name, fmt.Sprintf("limit is a whole number from 1 to %d", maxLimit))
		}
		query.Limit = int(n)
	case "cursor":
		if query.After, err = protocol.ParseBookingID(value); err != nil {
			return refuse(invalid, "bad_cursor", name, "cursor takes the next_cursor of an earlier answer")
		}
	case "status":
		var ok bool
		if query.State, ok = protocol.ParseBookingState(value); !ok {
			return refuse(invalid, "unknown_status", name, "status is live, quarantine or closed")
		}
	case "party":
		query.Party, err = partyParameter(value)
	default:
		return refuse(invalid, "unknown_parameter", clip(name), "this list takes limit, cursor, status and party")
	}
	return err
}

// partyParameter takes a space for the plus sign that a client forgot to
// escape: no number has a space, so nothing else can be meant.
func partyParameter(value string) (phone.Number, error) {
	if rest, ok := strings.CutPrefix(value, " "); ok {
		value = "+" + rest
	}
	return parseNumber(value, "party")
}
