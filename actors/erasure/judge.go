package erasure

import (
	"fmt"

	"maskswitch/actors/protocol"
)

// verdict is what may be done about a booking now.
type verdict struct {
	refused *protocol.ErasureRefusal
	calls   int                  // of its calls wait for their recording: look again
	erase   []protocol.Recording // not erased yet
	erased  int
}

// judge decides about one booking by its rows.
func judge(b protocol.Booking, calls []protocol.Call, recordings []protocol.Recording) verdict {
	no := func(id protocol.RecordingID, code, format string, args ...any) verdict {
		return verdict{refused: &protocol.ErasureRefusal{Booking: b.PublicID(), Recording: id, Code: code, Detail: fmt.Sprintf(format, args...)}}
	}
	if b.State == protocol.BookingLive {
		return no("", "booking_live", "the booking lives until %s; end it first", b.CheckoutAt.UTC().Format("2006-01-02 15:04:05 MST"))
	}
	var v verdict
	for _, c := range calls {
		switch {
		case c.State != "" && c.EndAt.IsZero():
			return no("", "call_under_way", "call %s is under way", c.ID)
		case c.State != "":
			v.calls++
		}
	}
	for _, r := range recordings {
		if r.Hold != "" {
			return no(r.ID, "recording_held", "%s", r.Hold)
		}
		switch r.Status {
		case protocol.RecordingErased:
			v.erased++
		case protocol.RecordingReplaced:
		default: // also one that is being erased: to ask again does no harm
			v.erase = append(v.erase, r)
		}
	}
	return v
}
