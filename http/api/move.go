package api

import (
	"errors"
	"net/http"
	"time"

	"maskswitch/actors/protocol"
)

// bookingMove is a request for another end. Null is absent.
type bookingMove struct {
	ExpiresAt    *float64 `json:"expires_at"`
	ExtendHours  *float64 `json:"extend_hours"`
	ShortenHours *float64 `json:"shorten_hours"`
}

// command checks the request and says it in the switch's words, and names the
// member that has the new end.
func (in bookingMove) command(maxHours int) (to protocol.MoveBooking, field string, err error) {
	given := 0
	if in.ExpiresAt != nil {
		given, field = given+1, "expires_at"
		to.To, err = instant(field, *in.ExpiresAt)
	}
	if in.ExtendHours != nil {
		given, field = given+1, "extend_hours"
		to.By, err = hours(field, *in.ExtendHours, maxHours)
	}
	if in.ShortenHours != nil {
		given, field = given+1, "shorten_hours"
		to.By, err = hours(field, *in.ShortenHours, maxHours)
		to.By = -to.By
	}
	switch {
	case given == 0:
		err = refuse(invalid, "missing", "expires_at", "send the new end: expires_at, extend_hours or shorten_hours")
	case given > 1:
		err = refuse(invalid, "several_ends", field, "send only one of expires_at, extend_hours and shorten_hours")
	}
	return to, field, err
}

// instant reads Unix seconds, up to the year 9999. That catches milliseconds.
func instant(field string, value float64) (time.Time, error) {
	seconds, err := whole(field, value, 0, 253402300799)
	if err != nil {
		return time.Time{}, refuse(invalid, "out_of_range", field, field+" is an instant in whole seconds since 1970")
	}
	return time.Unix(seconds, 0), nil
}

// moveBooking gives a booking another end: 404 if it has ended already, 400 if
// the new end is not in the future, or too far. What that is, the switch says:
// it has the end that hours are counted from.
func (s *Server) moveBooking(w http.ResponseWriter, r *http.Request) error {
	id, err := bookingID(r)
	if err != nil {
		return err
	}
	var in bookingMove
	if err := decode(r, &in, invalid.text); err != nil {
		return err
	}
	to, field, err := in.command(s.config.MaxBookingHours)
	if err != nil {
		return err
	}
	moved, err := s.config.Switch.MoveBooking(r.Context(), id, to)
	if err != nil {
		return blame(err, field)
	}
	return reply(w, http.StatusOK, rowOf(moved))
}

// blame names the member at fault in a refusal of the switch's that names none:
// only the door knows by which one the new end was given.
func blame(err error, field string) error {
	var e *protocol.Error
	if !errors.As(err, &e) || e.Kind != protocol.Invalid || e.Field != "" {
		return err
	}
	named := *e
	named.Field = field
	return &named
}
