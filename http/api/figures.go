package api

import (
	"net/http"

	"maskswitch/actors/protocol"
)

type headroom struct {
	Regions        []regionRoom `json:"regions"`
	All            regionRoom   `json:"all"`
	PairsPerNumber int          `json:"pairs_per_number"`
}

type regionRoom struct {
	Region  string `json:"region,omitzero"`
	Serving int    `json:"serving"`
	Live    int    `json:"live"`
	Room    int    `json:"room"`
	Busiest int    `json:"busiest"`
}

func regionRoomOf(r protocol.RegionRoom) regionRoom {
	return regionRoom{r.Region.String(), r.Serving, r.Live, r.Room, r.Busiest}
}

// headroom says how many more bookings fit.
func (s *Server) headroom(w http.ResponseWriter, r *http.Request) error {
	found, err := s.config.Switch.Headroom(r.Context())
	if err != nil {
		return err
	}
	out := headroom{make([]regionRoom, len(found.Regions)), regionRoomOf(found.All), found.PairsPerNumber}
	for i := range found.Regions {
		out.Regions[i] = regionRoomOf(found.Regions[i])
	}
	return reply(w, http.StatusOK, out)
}

type sizing struct {
	Numbers       int      `json:"numbers"`
	LowerBound    int      `json:"lower_bound"`
	OnePerBooking int      `json:"one_per_booking"`
	Live          int      `json:"live"`
	Reasoning     []string `json:"reasoning"`
}

// Bounds of a question that still has an answer in whole numbers.
const (
	mostBookings = 1e9
	mostHours    = 1e6
	mostBusiest  = 1_000_000
)

// sizing says how many numbers a marketplace needs.
func (s *Server) sizing(w http.ResponseWriter, r *http.Request) error {
	var q protocol.SizingQuestion
	err := parameters(r, func(name, value string) (err error) {
		switch name {
		case "bookings":
			q.Bookings, err = amountParameter(name, value, mostBookings)
		case "hours":
			q.Hours, err = amountParameter(name, value, mostHours)
		case "busiest":
			q.Busiest, err = countParameter(name, value, mostBusiest)
		default:
			return unknownParameter(name, "this request takes bookings, hours and busiest")
		}
		return err
	})
	if err != nil {
		return err
	}
	switch { // a value that was given is above 0
	case q.Bookings == 0:
		return refuse(invalid, "missing", "bookings", "bookings is missing: new bookings a day")
	case q.Hours == 0:
		return refuse(invalid, "missing", "hours", "hours is missing: how long a booking lives")
	case q.Busiest == 0:
		return refuse(invalid, "missing", "busiest", "busiest is missing: live bookings of the busiest party at his busiest")
	}
	found, err := s.config.Switch.Sizing(r.Context(), q)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, sizing{found.Numbers, found.LowerBound, found.OnePerBook, found.Live, found.Reasoning})
}
