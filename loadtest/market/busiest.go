package market

import "time"

// Peak is the most bookings that are live at once.
type Peak struct {
	All   int // of everybody together
	Party int // of one host or one guest: so many proxy numbers are needed at least
}

// Busiest goes through the bookings that the market of this config and seed will
// have, without its calls. A booking counts until Settle after its end, since a
// switch may be that late with ending it. A switch that gives both parties one
// number, and takes bookings as they come, may need some numbers more than
// Peak.Party.
//
// The error is New's. The cost is that of the whole stream of bookings: about a
// second for a million.
func (c Config) Busiest(seed uint64) (Peak, error) {
	m, err := New(c, nil, seed)
	if err != nil {
		return Peak{}, err
	}
	var peak Peak
	var going heap[leaving]
	of := map[string]int{}
	come := func(b *Booking) {
		for len(going) > 0 && going[0].at <= b.Opens {
			gone := going.pop()
			for _, p := range []string{gone.Host, gone.Guest} {
				if of[p]--; of[p] == 0 {
					delete(of, p)
				}
			}
		}
		going.push(leaving{b.Ends + m.cfg.Settle, b})
		for _, p := range []string{b.Host, b.Guest} {
			of[p]++
			peak.Party = max(peak.Party, of[p])
		}
		peak.All = max(peak.All, len(going))
	}
	for _, b := range m.WarmUp() {
		come(b)
	}
	for op, ok := m.Next(); ok; op, ok = m.Next() {
		if op.Kind == Open {
			come(op.Booking)
		}
	}
	return peak, nil
}

type leaving struct {
	at time.Duration
	*Booking
}

func (l leaving) before(o leaving) bool { return l.at < o.at }
