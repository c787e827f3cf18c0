package pool

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// party is one phone's share of the ledger: its live bookings, and the ended
// ones that it remembers.
type party struct{ live, past row }

// use is a number that a party uses. The tag tells apart two bookings of the
// same two people, who get the same number again.
type use struct {
	slot int32
	tag  uint32
}

// memory is a number that a party used with another, until the end of that
// booking's quarantine.
type memory struct {
	other phone.Number
	free  int64 // unix microseconds
	slot  int32
}

// tagOf is the part of a booking's id that is random.
func tagOf(id protocol.BookingID) uint32 { return binary.BigEndian.Uint32(id[12:]) }

func (l *ledger) take(who phone.Number, u use) {
	p := l.parties[who]
	p.live = l.uses.add(p.live, u)
	l.parties[who] = p
	l.all.peak.rise(p.live.n)
	l.home(u.slot).peak.rise(l.inCountry(p, u.slot))
}

// let is false if the party does not have the use.
func (l *ledger) let(who phone.Number, u use) bool {
	p := l.parties[who]
	k := slices.Index(l.uses.items(p.live), u)
	if k < 0 {
		return false
	}
	l.all.peak.fall(p.live.n)
	l.home(u.slot).peak.fall(l.inCountry(p, u.slot))
	p.live = l.uses.cut(p.live, k)
	l.parties[who] = p
	return true
}

func (l *ledger) home(i int32) *group { return l.slots[i].places[1].group }

// inCountry counts the numbers of one country that a party uses.
func (l *ledger) inCountry(p party, i int32) (n int32) {
	if len(l.named) == 1 {
		return p.live.n
	}
	country := l.country[i]
	for _, u := range l.uses.items(p.live) {
		if l.country[u.slot] == country {
			n++
		}
	}
	return n
}

func (l *ledger) learn(who phone.Number, m memory) {
	p := l.parties[who]
	p.past = l.memories.add(p.past, m)
	l.parties[who] = p
}

func (l *ledger) unlearn(who phone.Number, m memory) bool {
	p := l.parties[who]
	k := slices.Index(l.memories.items(p.past), m)
	if k < 0 {
		return false
	}
	p.past = l.memories.cut(p.past, k)
	l.parties[who] = p
	return true
}

// tidy drops the parties of a booking who have nothing left.
func (l *ledger) tidy(b protocol.Booking) {
	for _, who := range [...]phone.Number{b.PartyA, b.PartyB} {
		if p := l.parties[who]; p.live.n == 0 && p.past.n == 0 {
			delete(l.parties, who)
		}
	}
}

// peak knows the most live bookings of any one party.
type peak struct {
	parties []int32 // how many have so many; of those who have none it says nothing
	top     int32
}

// rise says that a party has n now, one more than before.
func (p *peak) rise(n int32) {
	for int(n) >= len(p.parties) {
		p.parties = append(p.parties, 0)
	}
	p.parties[n-1]--
	p.parties[n]++
	p.top = max(p.top, n)
}

// fall says that a party who has n is about to have one less.
func (p *peak) fall(n int32) {
	p.parties[n]--
	p.parties[n-1]++
	if p.top == n && p.parties[n] == 0 {
		p.top--
	}
}

// arena keeps many short lists in few large pieces of memory. A list is a block
// whose size is the next power of two. Freed blocks are used again for lists of
// their size, and their memory is never given back.
type arena[T any] struct{ sizes []blocks[T] }

// row is a list: its length, and which of the blocks of its size it has.
type row struct{ at, n int32 }

type blocks[T any] struct {
	pages [][]T
	free  []int32
	n     int32 // blocks handed out so far
}

// pageLen is how many items a page has. A page is never moved, so no single
// booking pays for the growth of all.
const pageLen = 4096

func sizeOf(n int32) int { return bits.Len32(uint32(n - 1)) }

// items are those of a list, until it changes.
func (a *arena[T]) items(r row) []T {
	if r.n == 0 {
		return nil
	}
	return a.block(sizeOf(r.n), r.at)[:r.n]
}

func (a *arena[T]) block(size int, at int32) []T {
	perPage := max(1, int32(pageLen>>size))
	first := int(at%perPage) << size
	return a.sizes[size].pages[at/perPage][first : first+1<<size]
}

func (a *arena[T]) add(r row, v T) row {
	switch {
	case r.n == 0:
		r.at = a.alloc(0)
	case r.n&(r.n-1) == 0: // the block is full
		r.at = a.move(r, sizeOf(r.n), sizeOf(r.n+1))
	}
	r.n++
	a.items(r)[r.n-1] = v
	return r
}

// cut takes out item k; the last one takes its place.
func (a *arena[T]) cut(r row, k int) row {
	list := a.items(r)
	list[k] = list[len(list)-1]
	size := sizeOf(r.n)
	r.n--
	switch {
	case r.n == 0:
		a.sizes[size].free = append(a.sizes[size].free, r.at)
		return row{}
	case sizeOf(r.n) < size:
		r.at = a.move(r, size, sizeOf(r.n))
	}
	return r
}

// move copies a list into a block of another size.
func (a *arena[T]) move(r row, from, to int) (at int32) {
	at = a.alloc(to)
	copy(a.block(to, at), a.block(from, r.at)[:r.n])
	a.sizes[from].free = append(a.sizes[from].free, r.at)
	return at
}

func (a *arena[T]) alloc(size int) (at int32) {
	for size >= len(a.sizes) {
		a.sizes = append(a.sizes, blocks[T]{})
	}
	b := &a.sizes[size]
	if last := len(b.free) - 1; last >= 0 {
		at = b.free[last]
		b.free = b.free[:last]
		return at
	}
	at = b.n
	b.n++
	if perPage := max(1, int32(pageLen>>size)); at%perPage == 0 {
		b.pages = append(b.pages, make([]T, max(pageLen, 1<<size)))
	}
	return at
}
