package pool

import (
	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// want is what a new booking asks of the ledger.
type want struct {
	a, b         phone.Number
	homeA, homeB phone.Region // where they live
	masks        protocol.Masks
	region       phone.Region // where the numbers shall be at home; nowhere: where the parties are
	strict       bool         // and nowhere else
}

// allows says whether a number of a region may be lent at all.
func (w *want) allows(r phone.Region) bool {
	return !w.strict || !w.region.Known() || w.region.Contains(r)
}

// lent is the numbers that a booking has got: what A dials and what B dials.
// They are equal if both dial one.
type lent struct {
	a, b        phone.Number
	quarantined bool // a party remembers his number from a booking with somebody else
	choice      protocol.Choice
}

// refusal says why a booking has got no number.
type refusal uint8

// In the order in which they are looked for.
const (
	_                  refusal = iota
	refusedEmpty               // no number serves
	refusedRegion              // none serves in the one region that may be
	refusedUsed                // each is used by one of the two, at its cap, or rings too often
	refusedQuarantined         // what is free is quarantined, and the ledger strict
)

// assign picks the numbers for two parties and holds them for their booking, or
// says why there are none.
//
// The same two people get the number that they had, if nobody else has come
// between them and it. If not, what is wanted is looked for in this order:
//
//  1. wanted shared: a clean number for both;
//  2. a clean number for each, or if there is only one, that one for both;
//  3. wanted shared: a number for both that one of them remembers, the oldest
//     memory first;
//  4. a number for each, clean if there is one, else the oldest memory.
//
// A number is clean for somebody who neither uses it nor remembers it from a
// booking with somebody other than the one he is to talk to now. When he rings
// it late, believing the old booking to live, it leads to nobody wrong.
func (l *ledger) assign(id protocol.BookingID, w want) (lent, refusal) {
	if l.all.tally.serving == 0 {
		return lent{}, refusedEmpty
	}
	if w.strict && w.region.Known() {
		if g := l.groups[w.region]; g == nil || g.tally.serving == 0 {
			return lent{}, refusedRegion
		}
	}
	i, j, clean := l.choose(&w)
	switch {
	case i == none:
		return lent{}, refusedUsed
	case !clean && l.Strict:
		return lent{}, refusedQuarantined
	}
	why := l.reason(&w, i, j, clean)
	l.hold(id, w.a, w.b, i, j)
	return lent{l.slots[i].Number.Number, l.slots[j].Number.Number, !clean, why}, 0
}

// reason says why A is to dial this slot. It is asked before the slot is held.
func (l *ledger) reason(w *want, i, j int32, clean bool) protocol.Choice {
	s := &l.slots[i]
	c := protocol.Choice{
		Rested: !clean, Split: i != j && w.masks == protocol.MasksShared,
		Packed: l.Policy == protocol.AssignPack, Load: int(s.load), Of: l.all.tally.serving,
	}
	for _, x := range l.memories.items(l.parties[w.a].past) {
		c.Again = c.Again || x.slot == i && x.other == w.b
	}
	wanted := [...]phone.Region{w.region, w.homeA, w.homeB}
	if w.region.Known() {
		wanted[1], wanted[2] = phone.Region{}, phone.Region{}
	}
	for _, r := range wanted {
		switch {
		case !r.Known():
		case r.Contains(s.region) && r.Area() != 0:
			c.Near = protocol.NearArea
		case r.Country() == s.region.Country():
			c.Near = max(c.Near, protocol.NearCountry)
		}
	}
	return c
}

// side is one of the two parties in a search.
type side struct {
	party
	other phone.Number
	home  phone.Region
	marks *marks
	soft  bool // a number that rests will do
}

// scratch is what searches use again and again.
type scratch struct {
	a, b, both marks
	until      []int64 // per slot, where a search has set it
}

// choose finds the slot that A is to dial and the one for B.
func (l *ledger) choose(w *want) (i, j int32, clean bool) {
	a := side{party: l.parties[w.a], other: w.b, home: w.homeA, marks: &l.scratch.a}
	b := side{party: l.parties[w.b], other: w.a, home: w.homeB, marks: &l.scratch.b}
	both := &l.scratch.both
	if w.masks == protocol.MasksShared {
		l.mark(both, &a, &b)
		if i = l.again(both, none, w); i == none {
			i = l.find(both, none, w, a.home, b.home)
		}
		if i != none {
			return i, i, true
		}
	}
	l.mark(a.marks, &a)
	l.mark(b.marks, &b)
	if i, j = l.pair(&a, &b, w); i != none {
		return i, j, true
	}
	if w.masks == protocol.MasksShared {
		if i = l.longestRested(both, none, w, &a, &b); i != none {
			return i, i, false
		}
	}
	a.soft, b.soft = true, true
	i, j = l.pair(&a, &b, w)
	return i, j, false
}

// mark marks what sides use and remember, and notes what they had with each
// other.
func (l *ledger) mark(m *marks, sides ...*side) {
	m.begin(len(l.slots))
	for _, s := range sides {
		for _, u := range l.uses.items(s.live) {
			m.use(u.slot)
		}
		for _, x := range l.memories.items(s.past) {
			if x.other == s.other {
				m.had = append(m.had, x)
			} else {
				m.rest(x.slot)
			}
		}
	}
}

// again finds the slot but one that the two had last, of those that are clean
// and have room.
func (l *ledger) again(m *marks, but int32, w *want) int32 {
	best, last := none, int64(0)
	for _, x := range m.had {
		s := &l.slots[x.slot]
		if (best == none || x.free > last) && m.clean(x.slot) && s.open && x.slot != but && w.allows(s.region) {
			best, last = x.slot, x.free
		}
	}
	return best
}

// find takes the first clean slot but one: in the region asked for, if there is
// one, then where the parties live, then anywhere.
func (l *ledger) find(m *marks, but int32, w *want, homes ...phone.Region) int32 {
	if w.region.Known() {
		if i := l.firstIn(w.region, m, but); i != none || w.strict {
			return i
		}
		if i := l.firstIn(w.region.Country(), m, but); i != none {
			return i
		}
	}
	for k, home := range homes {
		if !home.Known() || k > 0 && home.Country() == homes[0].Country() {
			continue
		}
		if i := l.near(home, m, but); i != none {
			return i
		}
	}
	return l.all.first(m, but)
}

func (l *ledger) firstIn(r phone.Region, m *marks, but int32) int32 {
	if g := l.groups[r]; g != nil {
		return g.first(m, but)
	}
	return none
}

// near takes a slot of somebody's country, and of his area if that costs the
// country little of its evenness: if it carries at most an eighth more than the
// one that it is taken for. While all carry less than eight, that is no more.
// Packing does not mind.
func (l *ledger) near(home phone.Region, m *marks, but int32) int32 {
	i := l.firstIn(home.Country(), m, but)
	if i == none || home.Area() == 0 {
		return i
	}
	j := l.firstIn(home, m, but)
	if j == none || l.Policy == protocol.AssignSpread && l.slots[j].load > l.slots[i].load+l.slots[i].load/8 {
		return i
	}
	return j
}

// pair finds a number for each side, two if there are two. Both are none if one
// side has none.
func (l *ledger) pair(a, b *side, w *want) (i, j int32) {
	i = l.again(a.marks, none, w)
	j = l.again(b.marks, i, w)
	if i == none {
		i = l.pick(a, j, w)
	}
	if j == none {
		j = l.pick(b, i, w)
	}
	switch {
	case i == none && j == none:
		return none, none
	case i == none:
		return l.part(a, b, j, w)
	case j == none:
		j, i = l.part(b, a, i, w)
		return i, j
	}
	return i, j
}

// part settles a pair of which one side, the poor one, has nothing besides the
// number that the other is about to get. The other gets another if it can.
func (l *ledger) part(poor, other *side, taken int32, w *want) (forPoor, forOther int32) {
	if l.pick(poor, none, w) == none {
		return none, none
	}
	if k := l.pick(other, taken, w); k != none {
		return taken, k
	}
	return taken, taken
}

// pick finds a number but one for one side of a pair.
func (l *ledger) pick(s *side, but int32, w *want) int32 {
	i := l.again(s.marks, but, w)
	if i == none {
		i = l.find(s.marks, but, w, s.home)
	}
	if i == none && s.soft {
		i = l.longestRested(s.marks, but, w, s)
	}
	return i
}

// longestRested finds, among the numbers that rest and have room, the one whose
// memory is the oldest, wherever it is at home if that is not laid down.
func (l *ledger) longestRested(m *marks, but int32, w *want, sides ...*side) int32 {
	if missing := len(l.slots) - len(l.scratch.until); missing > 0 {
		l.scratch.until = append(l.scratch.until, make([]int64, missing)...)
	}
	until := l.scratch.until
	for _, s := range sides {
		for _, x := range l.memories.items(s.past) {
			until[x.slot] = 0
		}
	}
	for _, s := range sides {
		for _, x := range l.memories.items(s.past) {
			if x.other != s.other {
				until[x.slot] = max(until[x.slot], x.free)
			}
		}
	}
	best := none
	for _, s := range sides {
		for _, x := range l.memories.items(s.past) {
			i := x.slot
			if n := &l.slots[i]; m.rests(i) && n.open && i != but && w.allows(n.region) && (best == none || until[i] < until[best]) {
				best = i
			}
		}
	}
	return best
}
