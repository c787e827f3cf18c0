package pool

import (
	"time"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// A ledger knows what each number of a partition carries and which numbers each
// party uses, and decides every assignment. It has no clock, does no I/O and is
// one actor's own.
//
// Assignment is online edge colouring: parties are nodes, a booking is an edge
// between two of them, numbers are colours. No party has two live bookings on
// one number, a colour once given never changes, and the next edge is not known.
// Fewer than D numbers cannot do, when the busiest party has D live bookings.
//
// What a number or a party has is found without looking at the rest. Numbers
// that have room wait in groups: those of an area, of a country, and all. To
// assign is to mark what the two parties use and remember, and to take the first
// in the right group that has no mark, so the search passes over no more numbers
// than the two have bookings, and its cost does not grow with the pool.
//
// A million bookings have no pointers here: parties' lists are blocks in arenas,
// so that the garbage collector passes them by.
type ledger struct {
	ledgerConfig
	slots    []slot
	index    map[phone.Number]int32 // into slots
	sorted   []int32                // slots by digits; those added since the last list are missing
	country  []uint16               // per slot: its country, an index into countries
	all      *group
	groups   map[phone.Region]*group // areas and countries; nowhere is a country here
	named    []*group                // the countries among them
	parties  map[phone.Number]party
	uses     arena[use]
	memories arena[memory]
	hot      deadlines[int32]
	scratch  scratch
}

type ledgerConfig struct {
	PairsPerNumber int     // live bookings that one number may show
	CallsPerMinute float64 // a number that rings so often gets no new bookings; 0: it does
	Policy         protocol.Assignment
	Strict         bool // quarantined numbers are never lent to the same party for somebody else
}

// slot is a number and what it carries.
type slot struct {
	protocol.Number
	region phone.Region
	places [3]place // in the groups of all, of its country, of its area
	levels int      // how many of them it has
	load   int32    // live bookings that show it
	past   int32    // ended ones whose parties remember it
	open   bool     // it waits in its groups for bookings
	hot    bool     // its rate is, or was when last looked at, above the cap
	rate   float64  // rings a minute, as of rangAt
	rangAt int64    // unix microseconds; 0: never
}

// place is where a slot stands in a group.
type place struct {
	group *group
	at    int32
}

// none is no slot, and no place in a list.
const none = int32(-1)

func newLedger(c ledgerConfig) *ledger {
	return &ledger{
		ledgerConfig: c,
		index:        make(map[phone.Number]int32),
		all:          newGroup(c.Policy),
		groups:       make(map[phone.Region]*group),
		parties:      make(map[phone.Number]party),
	}
}

// add takes in a number that is not there yet, in whatever state.
func (l *ledger) add(n protocol.Number) {
	i := int32(len(l.slots))
	region := n.Number.Region()
	s := slot{Number: n, region: region, levels: 2}
	s.places[0] = l.all.admit(i)
	s.places[1] = l.countryOf(region).admit(i)
	if region.Area() != 0 {
		s.places[2] = l.area(region).admit(i)
		s.levels = 3
	}
	l.country = append(l.country, s.places[1].group.id)
	l.index[n.Number] = i
	l.slots = append(l.slots, s)
	l.on(i)
}

func (l *ledger) countryOf(r phone.Region) *group {
	g, ok := l.groups[r.Country()]
	if !ok {
		g = newGroup(l.Policy)
		g.region, g.name, g.id = r.Country(), r.Country().String(), uint16(len(l.named))
		l.groups[g.region] = g
		l.named = append(l.named, g)
	}
	return g
}

func (l *ledger) area(r phone.Region) *group {
	g, ok := l.groups[r]
	if !ok {
		g = newGroup(l.Policy)
		g.region, g.name = r, r.String()
		l.groups[r] = g
	}
	return g
}

// move gives a number the row that it has now: another state, another rest. What
// it carries stays.
func (l *ledger) move(n protocol.Number) {
	i, ok := l.index[n.Number]
	if !ok {
		return
	}
	l.off(i)
	l.slots[i].Number = n
	l.on(i)
}

// isParty says whether a phone is a party of a booking that lives or is
// remembered.
func (l *ledger) isParty(n phone.Number) bool {
	_, ok := l.parties[n]
	return ok
}

// off takes a number out of its groups, to change what its place there depends
// on: state, load, rate. on puts it back, behind those that wait already.
func (l *ledger) off(i int32) {
	s := &l.slots[i]
	for _, p := range s.places[:s.levels] {
		if s.open {
			p.group.leave(p.at, s.load)
		}
		p.group.tally.count(s, -1, l.PairsPerNumber)
	}
}

func (l *ledger) on(i int32) {
	s := &l.slots[i]
	s.open = s.State.Lends() && int(s.load) < l.PairsPerNumber && !s.hot
	for _, p := range s.places[:s.levels] {
		if s.open {
			p.group.join(p.at, s.load)
		}
		p.group.tally.count(s, +1, l.PairsPerNumber)
	}
	l.home(i).moved = true
}

func (l *ledger) shift(i, by int32) {
	l.off(i)
	l.slots[i].load += by
	l.on(i)
}

// restore holds the numbers of a live booking read from the store. It is false,
// and changes nothing, if the pool lacks one of them or another booking holds
// one for the same party. A number may carry more than its cap after this, if
// the cap was lowered.
func (l *ledger) restore(b protocol.Booking) bool {
	i, okA := l.index[b.NumberA]
	j, okB := l.index[b.NumberB]
	if !okA || !okB || l.holds(b.PartyA, i) || l.holds(b.PartyB, j) {
		return false
	}
	l.hold(b.ID, b.PartyA, b.PartyB, i, j)
	return true
}

func (l *ledger) holds(party phone.Number, i int32) bool {
	for _, u := range l.uses.items(l.parties[party].live) {
		if u.slot == i {
			return true
		}
	}
	return false
}

// hold lends number i to a and number j, mostly the same, to b.
func (l *ledger) hold(id protocol.BookingID, a, b phone.Number, i, j int32) {
	l.take(a, use{i, tagOf(id)})
	l.take(b, use{j, tagOf(id)})
	l.shift(i, +1)
	if j != i {
		l.shift(j, +1)
	}
	l.book(i, +1)
}

// book counts live bookings, where the first of their two parties dials.
func (l *ledger) book(i int32, by int) {
	l.all.booked += by
	l.home(i).booked += by
}

// release frees the numbers of a booking for others at once. Its parties
// remember them until free; a zero instant leaves no memory. It is false, and
// changes nothing, if the booking holds none.
func (l *ledger) release(b protocol.Booking, free time.Time) bool {
	i, okA := l.index[b.NumberA]
	j, okB := l.index[b.NumberB]
	if !okA || !okB {
		return false
	}
	tag := tagOf(b.ID)
	if !l.let(b.PartyA, use{i, tag}) {
		return false
	}
	l.let(b.PartyB, use{j, tag})
	l.shift(i, -1)
	if j != i {
		l.shift(j, -1)
	}
	l.book(i, -1)
	if !free.IsZero() {
		l.recall(b, i, j, free)
	}
	l.tidy(b)
	return true
}

// remember takes in a booking in quarantine read from the store: its parties
// remember its numbers until b.FreeAt.
func (l *ledger) remember(b protocol.Booking) {
	i, okA := l.index[b.NumberA]
	j, okB := l.index[b.NumberB]
	if okA && okB {
		l.recall(b, i, j, b.FreeAt)
	}
}

func (l *ledger) recall(b protocol.Booking, i, j int32, free time.Time) {
	l.learn(b.PartyA, memory{b.PartyB, free.UnixMicro(), i})
	l.learn(b.PartyB, memory{b.PartyA, free.UnixMicro(), j})
	l.slots[i].past++
	if j != i {
		l.slots[j].past++
	}
}

// forget ends the quarantine that release or remember began: b.FreeAt is its
// end. One that is not there changes nothing.
func (l *ledger) forget(b protocol.Booking) {
	i, okA := l.index[b.NumberA]
	j, okB := l.index[b.NumberB]
	if !okA || !okB || !l.unlearn(b.PartyA, memory{b.PartyB, b.FreeAt.UnixMicro(), i}) {
		return
	}
	l.unlearn(b.PartyB, memory{b.PartyA, b.FreeAt.UnixMicro(), j})
	l.slots[i].past--
	if j != i {
		l.slots[j].past--
	}
	l.tidy(b)
}
