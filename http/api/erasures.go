package api

import (
	"net/http"

	"github.com/gorilla/mux"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// newErasure is a request to forget a person or a booking.
type newErasure struct {
	Party     string `json:"party"`
	BookingID string `json:"booking_id"`
}

// erasureRow is the receipt. It shows no digit of a party's number that could
// tell whose it was.
type erasureRow struct {
	ErasureID  string       `json:"erasure_id"`
	CreatedAt  stamp        `json:"created_at"`
	DoneAt     stamp        `json:"done_at,omitzero"`
	Subject    string       `json:"subject"`
	Bookings   int          `json:"bookings"`
	Recordings int          `json:"recordings"`
	Waiting    int          `json:"waiting"`
	Refused    []refusedRow `json:"refused"`
	Trouble    string       `json:"trouble,omitzero"`
}

type refusedRow struct {
	BookingID   string `json:"booking_id"`
	RecordingID string `json:"recording_id,omitzero"`
	Code        string `json:"code"`
	Detail      string `json:"detail"`
}

func erasureRowOf(e protocol.Erasure) erasureRow {
	row := erasureRow{
		ErasureID: e.ID.String(), CreatedAt: at(e.CreatedAt), DoneAt: at(e.DoneAt), Subject: e.Subject,
		Bookings: e.Bookings, Recordings: e.Recordings, Waiting: e.Waiting, Trouble: e.Trouble,
		Refused: make([]refusedRow, len(e.Refused)),
	}
	for i, r := range e.Refused {
		row.Refused[i] = refusedRow{r.Booking, string(r.Recording), r.Code, r.Detail}
	}
	return row
}

// placeErasure promises to forget somebody: 202 with a receipt, which fills as
// that goes on.
func (s *Server) placeErasure(w http.ResponseWriter, r *http.Request) error {
	var in newErasure
	if err := decode(r, &in, invalid.text); err != nil {
		return err
	}
	var party phone.Number
	switch {
	case in.Party == "" && in.BookingID == "":
		return refuse(invalid, "missing", "party", "send a party, or a booking_id")
	case in.Party != "" && in.BookingID != "":
		return refuse(invalid, "several_subjects", "booking_id", "send only one of party and booking_id")
	case in.Party != "":
		var err error
		if party, err = parseNumber(in.Party, "party"); err != nil {
			return err
		}
	case !isName(in.BookingID):
		return badName("booking_id")
	}
	e, err := s.config.Switch.PlaceErasure(r.Context(), party, in.BookingID)
	if err != nil {
		return err
	}
	s.audit(r, "erasure", e.ID.String())
	w.Header().Set("Location", "/erasures/"+e.ID.String())
	return reply(w, http.StatusAccepted, erasureRowOf(e))
}

// readErasure shows how far an erasure is.
func (s *Server) readErasure(w http.ResponseWriter, r *http.Request) error {
	id, err := protocol.ParseErasureID(mux.Vars(r)["id"])
	if err != nil {
		return refuse(notFound, "erasure_not_found", "", "no erasure has this id")
	}
	e, err := s.config.Switch.Erasure(r.Context(), id)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, erasureRowOf(e))
}
