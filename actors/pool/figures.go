package pool

import (
	"cmp"
	"slices"
	"time"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// figures are those of the whole pool.
func (l *ledger) figures() protocol.PoolFigures { return l.all.figures() }

// figures do not ask whether numbers ring too often at the moment, since they
// come back.
func (g *group) figures() protocol.PoolFigures {
	return protocol.PoolFigures{Numbers: g.tally.states, Idle: g.tally.idle, Live: g.booked, Room: g.tally.room}
}

// news tells the figures of each country that may have changed since the last
// time.
func (l *ledger) news(tell func(country string, f protocol.PoolFigures)) {
	for _, g := range l.named {
		if g.moved {
			g.moved = false
			tell(g.name, g.figures())
		}
	}
}

// countryName says where a number is at home; empty if the pool lacks it, or nobody
// knows.
func (l *ledger) countryName(n phone.Number) string {
	if i, ok := l.index[n]; ok {
		return l.home(i).name
	}
	return ""
}

// wanted names the country in which a booking that got nothing looked first; empty
// if the pool has no number there.
func (l *ledger) wanted(r, home phone.Region) string {
	if !r.Known() {
		r = home
	}
	if g, ok := l.groups[r.Country()]; ok {
		return g.name
	}
	return ""
}

// headroom says how much more fits into the serving numbers of each country that
// has some, and into all.
//
// Live counts what the numbers show, so a booking on two counts twice. Room is
// what their caps leave, and is an upper bound: a party who uses them all fits
// nowhere, however little they carry. Busiest is how near that is: it is the most
// live bookings of any one party on numbers at home there, those included that
// serve no more. When it comes near Serving, the pool needs numbers, whatever the
// Room.
func (l *ledger) headroom() protocol.Headroom {
	h := protocol.Headroom{All: l.all.headroom(), PairsPerNumber: l.PairsPerNumber}
	for _, g := range l.named {
		if g.tally.serving > 0 {
			h.Regions = append(h.Regions, g.headroom())
		}
	}
	slices.SortFunc(h.Regions, func(x, y protocol.RegionRoom) int {
		return cmp.Compare(x.Region.String(), y.Region.String())
	})
	return h
}

func (g *group) headroom() protocol.RegionRoom {
	return protocol.RegionRoom{
		Region: g.region, Serving: g.tally.serving, Live: g.tally.live, Room: g.tally.room, Busiest: int(g.peak.top),
	}
}

// status says what a number is and carries; false if the pool lacks it.
func (l *ledger) status(n phone.Number, now time.Time) (protocol.NumberStatus, bool) {
	i, ok := l.index[n]
	if !ok {
		return protocol.NumberStatus{}, false
	}
	return l.slots[i].status(now), true
}

func (s *slot) status(now time.Time) protocol.NumberStatus {
	status := protocol.NumberStatus{Number: s.Number, Region: s.region, Live: int(s.load), Quarantined: int(s.past)}
	if s.rangAt != 0 {
		status.CallsPerMinute = s.rateAt(now.UnixMicro())
		status.LastCallAt = time.UnixMicro(s.rangAt)
	}
	return status
}

// list selects numbers in the order of their digits. The first list after
// numbers were added sorts them.
func (l *ledger) list(q protocol.NumberQuery, now time.Time) []protocol.NumberStatus {
	if known := len(l.sorted); known < len(l.slots) {
		for i := known; i < len(l.slots); i++ {
			l.sorted = append(l.sorted, int32(i))
		}
		slices.SortFunc(l.sorted, func(i, j int32) int { return l.compare(i, l.slots[j].Number.Number) })
	}
	from := 0
	if q.After.Known() {
		var there bool
		if from, there = slices.BinarySearchFunc(l.sorted, q.After, l.compare); there {
			from++
		}
	}
	var list []protocol.NumberStatus
	for _, i := range l.sorted[from:] {
		s := &l.slots[i]
		if q.States && s.State != q.State || q.Region.Known() && !q.Region.Contains(s.region) {
			continue
		}
		list = append(list, s.status(now))
		if len(list) == q.Limit {
			break
		}
	}
	return list
}

func (l *ledger) compare(i int32, n phone.Number) int { return l.slots[i].Number.Number.Compare(n) }
