package journal

import (
	"errors"

	"maskswitch/actors/protocol"
)

// Refusal puts an error of Append, of a Done or of a Store into words for
// whoever asked; nil stays nil, and what is in words already stays as it is.
func Refusal(err error) error {
	var said *protocol.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &said):
		return said
	case errors.Is(err, ErrTaken):
		return &protocol.Error{Kind: protocol.Conflict, Code: "booking_conflict", Detail: "a booking with this booking_id exists", Field: "booking_id", Err: err}
	case errors.Is(err, ErrBusy):
		return &protocol.Error{Kind: protocol.Unavailable, Code: "overloaded", Detail: "too much is waiting to be written; try again", Err: err}
	}
	return &protocol.Error{Kind: protocol.Unavailable, Code: "store_unavailable", Detail: "the store does not work right now; try again", Err: err}
}
