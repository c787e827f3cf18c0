package pool

import (
	"math/bits"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// group is the numbers of an area, of a country, or all, and among them those
// that have room, in the order in which they are to be taken: by load and then
// by how long they wait, or, when the pool packs, as they were added.
type group struct {
	region  phone.Region
	name    string // of the region
	id      uint16 // of a country: its index in ledger.named
	members []int32
	tally   tally
	booked  int  // of a country, and of all: live bookings whose first party dials a number of it
	moved   bool // of a country: its figures may have changed since they were last told
	peak    peak // of a country, and of all

	packs bool
	room  bitset // packing: members that have room

	links []link // spreading: each member's place in its list
	lists []list // members that have room, by load
	low   int32  // no list before this one has any
}

type link struct{ prev, next int32 }

type list struct{ head, tail int32 }

func newGroup(policy protocol.Assignment) *group { return &group{packs: policy == protocol.AssignPack} }

// admit makes a slot a member. It waits only when it joins.
func (g *group) admit(slot int32) place {
	at := int32(len(g.members))
	g.members = append(g.members, slot)
	if g.packs {
		g.room.grow()
	} else {
		g.links = append(g.links, link{})
	}
	return place{g, at}
}

func (g *group) join(at, load int32) {
	if g.packs {
		g.room.set(at)
		return
	}
	for int(load) >= len(g.lists) {
		g.lists = append(g.lists, list{none, none})
	}
	l := &g.lists[load]
	g.links[at] = link{l.tail, none}
	if l.tail == none {
		l.head = at
	} else {
		g.links[l.tail].next = at
	}
	l.tail = at
	g.low = min(g.low, load)
}

func (g *group) leave(at, load int32) {
	if g.packs {
		g.room.clear(at)
		return
	}
	l, k := &g.lists[load], g.links[at]
	if k.prev == none {
		l.head = k.next
	} else {
		g.links[k.prev].next = k.next
	}
	if k.next == none {
		l.tail = k.prev
	} else {
		g.links[k.next].prev = k.prev
	}
}

// first finds the first waiting slot that has no mark and is not the one
// excluded; none if there is none.
func (g *group) first(m *marks, but int32) int32 {
	if g.packs {
		for at := g.room.next(0); at != none; at = g.room.next(at + 1) {
			if i := g.members[at]; m.clean(i) && i != but {
				return i
			}
		}
		return none
	}
	for int(g.low) < len(g.lists) && g.lists[g.low].head == none {
		g.low++
	}
	for load := int(g.low); load < len(g.lists); load++ {
		for at := g.lists[load].head; at != none; at = g.links[at].next {
			if i := g.members[at]; m.clean(i) && i != but {
				return i
			}
		}
	}
	return none
}

// tally counts the members of a group, and what its serving ones have.
type tally struct {
	states  [4]int
	serving int
	idle    int // those that show no live booking
	live    int // live bookings that they show; one on two numbers counts twice
	room    int // how many more they could show
}

func (t *tally) count(s *slot, by, most int) {
	t.states[s.State] += by
	if s.State != protocol.NumberServing {
		return
	}
	t.serving += by
	if s.load == 0 {
		t.idle += by
	}
	t.live += by * int(s.load)
	t.room += by * max(0, most-int(s.load))
}

// bitset is a set of small integers whose least member after another is found
// quickly, though the set be sparse.
type bitset struct {
	words []uint64
	heads []uint64 // which words are not empty
	n     int32
}

func (b *bitset) grow() {
	if b.n&63 == 0 {
		b.words = append(b.words, 0)
	}
	if b.n&4095 == 0 {
		b.heads = append(b.heads, 0)
	}
	b.n++
}

func (b *bitset) set(i int32) {
	b.words[i>>6] |= 1 << (i & 63)
	b.heads[i>>12] |= 1 << (i >> 6 & 63)
}

func (b *bitset) clear(i int32) {
	b.words[i>>6] &^= 1 << (i & 63)
	if b.words[i>>6] == 0 {
		b.heads[i>>12] &^= 1 << (i >> 6 & 63)
	}
}

// next is the least member that is at least i, none if there is none.
func (b *bitset) next(i int32) int32 {
	if i >= b.n {
		return none
	}
	if w := b.words[i>>6] >> (i & 63); w != 0 {
		return i + int32(bits.TrailingZeros64(w))
	}
	word := i>>6 + 1
	for head := word >> 6; int(head) < len(b.heads); head++ {
		h := b.heads[head]
		if head == word>>6 {
			h &= ^uint64(0) << (word & 63)
		}
		if h != 0 {
			word := head<<6 + int32(bits.TrailingZeros64(h))
			return word<<6 + int32(bits.TrailingZeros64(b.words[word]))
		}
	}
	return none
}

// marks say which slots a search must not take, and which the two had before.
// Beginning a new search clears them all at once.
type marks struct {
	at  []uint32
	now uint32
	had []memory
}

func (m *marks) begin(slots int) {
	if len(m.at) < slots {
		m.at = append(m.at, make([]uint32, slots-len(m.at))...)
	}
	m.had = m.had[:0]
	m.now += 2
	if m.now == 0 {
		clear(m.at)
		m.now = 2
	}
}

// rest marks a slot as remembered, use as used.
func (m *marks) rest(i int32) { m.at[i] = max(m.at[i], m.now) }
func (m *marks) use(i int32)  { m.at[i] = m.now + 1 }

func (m *marks) clean(i int32) bool { return m.at[i] < m.now }
func (m *marks) rests(i int32) bool { return m.at[i] == m.now }
