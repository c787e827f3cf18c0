package pool

import (
	"time"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// A ledger knows how loaded each number is and which numbers each party uses.
// It decides every assignment of its partition.
//
// Assignment is online edge colouring: bookings are edges, numbers are colours,
// and no two edges of one party have the same. The colour taken is the least
// loaded one that neither party uses. Numbers hang in lists by load, the longest
// waiting first, so the search passes at most the numbers of the two parties
// before it finds one: its cost is that of their bookings, not of the pool.
type ledger struct {
	most    int32 // live pairs on one number
	strict  bool  // never lend a quarantined number to the same party
	slots   []slot
	index   map[phone.Number]int32
	parties map[phone.Number][]use
	lists   []list // serving slots by load
	serving int
	live    int      // live bookings
	seen    []uint32 // per slot: the search that marked it
	search  uint32
}

type slot struct {
	number     phone.Number
	state      protocol.NumberState
	load       int32 // live pairs
	prev, next int32 // in its list; -1 ends it
}

// use is one party's hold on a number: live, or remembered until an instant.
type use struct {
	slot int32
	free int64 // unix microseconds; 0 while live
}

type list struct{ head, tail, n int32 }

const none = int32(-1)

func newLedger(pairsPerNumber int, strict bool) *ledger {
	return &ledger{
		most:    int32(pairsPerNumber),
		strict:  strict,
		index:   make(map[phone.Number]int32),
		parties: make(map[phone.Number][]use),
	}
}

// add takes in a number that is not there yet.
func (l *ledger) add(n phone.Number, state protocol.NumberState) {
	i := int32(len(l.slots))
	l.index[n] = i
	l.slots = append(l.slots, slot{number: n, state: state, prev: none, next: none})
	l.seen = append(l.seen, 0)
	if state == protocol.NumberServing {
		l.serving++
		l.hang(i)
	}
}

// assign picks a number for two parties and holds it for them: the second
// result is false if every number that has room is in use by one of them.
func (l *ledger) assign(a, b phone.Number) (phone.Number, bool) {
	l.search++
	for _, u := range l.parties[a] {
		l.seen[u.slot] = l.search
	}
	for _, u := range l.parties[b] {
		l.seen[u.slot] = l.search
	}
	i := l.leastLoaded()
	if i == none && !l.strict {
		i = l.longestRested(a, b)
	}
	if i == none {
		return phone.Number{}, false
	}
	l.hold(i, a, b)
	return l.slots[i].number, true
}

func (l *ledger) leastLoaded() int32 {
	for load := int32(0); load < min(l.most, int32(len(l.lists))); load++ {
		for i := l.lists[load].head; i != none; i = l.slots[i].next {
			if l.seen[i] != l.search {
				return i
			}
		}
	}
	return none
}

// longestRested finds, among the numbers that the two only remember, the one
// whose memory is the oldest.
func (l *ledger) longestRested(a, b phone.Number) int32 {
	best, oldest := none, int64(0)
	for _, party := range [...]phone.Number{a, b} {
		for _, u := range l.parties[party] {
			s := &l.slots[u.slot]
			if s.state != protocol.NumberServing || s.load >= l.most {
				continue
			}
			freeA, liveA := l.memory(a, u.slot)
			freeB, liveB := l.memory(b, u.slot)
			if liveA || liveB {
				continue
			}
			if free := max(freeA, freeB); best == none || free < oldest {
				best, oldest = u.slot, free
			}
		}
	}
	return best
}

// memory says until when a party remembers a number, and whether it is in use.
func (l *ledger) memory(party phone.Number, slot int32) (free int64, live bool) {
	for _, u := range l.parties[party] {
		if u.slot == slot {
			live = live || u.free == 0
			free = max(free, u.free)
		}
	}
	return free, live
}

// restore holds a number for a booking read from the store; false if the pool
// does not have the number.
func (l *ledger) restore(n, a, b phone.Number) bool {
	i, ok := l.index[n]
	if ok {
		l.hold(i, a, b)
	}
	return ok
}

func (l *ledger) hold(i int32, a, b phone.Number) {
	l.parties[a] = append(l.parties[a], use{slot: i})
	l.parties[b] = append(l.parties[b], use{slot: i})
	l.shift(i, +1)
	l.live++
}

// release frees a number for others at once. The two parties remember it until
// free; a zero instant leaves no memory.
func (l *ledger) release(n, a, b phone.Number, free time.Time) bool {
	i, ok := l.index[n]
	if !ok || !l.let(i, a, free) {
		return false
	}
	l.let(i, b, free)
	l.shift(i, -1)
	l.live--
	return true
}

func (l *ledger) let(i int32, party phone.Number, free time.Time) bool {
	uses := l.parties[party]
	for k := range uses {
		if uses[k].slot != i || uses[k].free != 0 {
			continue
		}
		if free.IsZero() {
			l.drop(party, k)
		} else {
			uses[k].free = free.UnixMicro()
		}
		return true
	}
	return false
}

// remember takes in a quarantined booking read from the store.
func (l *ledger) remember(n, a, b phone.Number, free time.Time) bool {
	i, ok := l.index[n]
	if ok {
		l.parties[a] = append(l.parties[a], use{i, free.UnixMicro()})
		l.parties[b] = append(l.parties[b], use{i, free.UnixMicro()})
	}
	return ok
}

// forget ends one quarantine.
func (l *ledger) forget(n, a, b phone.Number, free time.Time) {
	i, ok := l.index[n]
	if !ok {
		return
	}
	for _, party := range [...]phone.Number{a, b} {
		for k, u := range l.parties[party] {
			if u.slot == i && u.free == free.UnixMicro() {
				l.drop(party, k)
				break
			}
		}
	}
}

func (l *ledger) drop(party phone.Number, k int) {
	uses := l.parties[party]
	last := len(uses) - 1
	uses[k] = uses[last]
	if last == 0 {
		delete(l.parties, party)
		return
	}
	l.parties[party] = uses[:last]
}

// idle counts the serving numbers with no live booking.
func (l *ledger) idle() int {
	if len(l.lists) == 0 {
		return 0
	}
	return int(l.lists[0].n)
}

func (l *ledger) shift(i, by int32) {
	serving := l.slots[i].state == protocol.NumberServing
	if serving {
		l.unhang(i)
	}
	l.slots[i].load += by
	if serving {
		l.hang(i)
	}
}

func (l *ledger) hang(i int32) {
	s := &l.slots[i]
	for int(s.load) >= len(l.lists) {
		l.lists = append(l.lists, list{head: none, tail: none})
	}
	at := &l.lists[s.load]
	s.prev, s.next = at.tail, none
	if at.tail == none {
		at.head = i
	} else {
		l.slots[at.tail].next = i
	}
	at.tail = i
	at.n++
}

func (l *ledger) unhang(i int32) {
	s := &l.slots[i]
	at := &l.lists[s.load]
	if s.prev == none {
		at.head = s.next
	} else {
		l.slots[s.prev].next = s.next
	}
	if s.next == none {
		at.tail = s.prev
	} else {
		l.slots[s.next].prev = s.prev
	}
	at.n--
}
