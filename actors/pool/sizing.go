package pool

import (
	"fmt"
	"math"

	"maskswitch/actors/protocol"
)

// headroomFactor is how many times the least numbers are advised. The least ones
// would do, as ECONOMY.md shows, if the busiest party were known to a booking.
const headroomFactor = 1.1

// Size says how many numbers a marketplace needs, when each may show so many
// live bookings, and why. What is not a positive, finite amount is refused as
// Invalid, with its field.
func Size(q protocol.SizingQuestion, pairsPerNumber int) (protocol.Sizing, error) {
	amounts := [...]struct {
		field string
		value float64
	}{{"bookings", q.Bookings}, {"hours", q.Hours}, {"busiest", float64(q.Busiest)}}
	for _, x := range amounts {
		if !(x.value > 0) || x.value > 1e9 {
			err := protocol.Errorf(protocol.Invalid, "out_of_range", "%s must be above 0 and at most 1000000000", x.field)
			err.Field = x.field
			return protocol.Sizing{}, err
		}
	}
	live := max(ceil(q.Bookings*q.Hours/24), q.Busiest)
	byParty, byCap := ceil(headroomFactor*float64(q.Busiest)), ceil(headroomFactor*float64(live)/float64(pairsPerNumber))
	s := protocol.Sizing{
		Numbers:    max(byParty, byCap),
		LowerBound: max(q.Busiest, ceil(float64(live)/float64(pairsPerNumber))),
		OnePerBook: live,
		Live:       live,
	}
	s.Reasoning = []string{
		fmt.Sprintf("By Little's law, %g bookings a day that live for %g hours are %d live bookings at a time, on average over the day; "+
			"for a peak, ask with the bookings of its hours.", q.Bookings, q.Hours, live),
		fmt.Sprintf("A party's live bookings all have different numbers, so the busiest party's %d need %d numbers, whatever the policy. "+
			"So many would do; %g times as many leave room for a party who turns out to be busier, and let nearly all bookings show both "+
			"parties one number: %d.", q.Busiest, q.Busiest, headroomFactor, byParty),
		fmt.Sprintf("A number shows at most %d live bookings (PAIRS_PER_NUMBER), so %d bookings and a tenth more need %d numbers.",
			pairsPerNumber, live, byCap),
		fmt.Sprintf("The larger of the two counts: %d. One number for each booking would be %d.", s.Numbers, s.OnePerBook),
		fmt.Sprintf("Quarantine costs no numbers, since it gives way when nothing else is free. For it never to give way, and with "+
			"QUARANTINE_STRICT=true, the busiest party needs his ended bookings' numbers as well: %d × (1 + quarantine / %g hours), "+
			"which for a quarantine of 24 hours is %d.", q.Busiest, q.Hours, ceil(float64(q.Busiest)*(1+24/q.Hours))),
	}
	return s, nil
}

// ceil rounds up what is more than a rounding error above a whole number.
func ceil(x float64) int { return int(math.Ceil(x - 1e-6)) }
