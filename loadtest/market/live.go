package market

import (
	"math/rand/v2"
	"time"
)

// live is the bookings that can be called. Adding, removing and choosing cost
// the same however many there are.
type live []*life

func (l *live) add(b *life) {
	b.place = len(*l)
	*l = append(*l, b)
}

// remove puts the last one into the gap.
func (l *live) remove(b *life) {
	all := *l
	last := all[len(all)-1]
	all[b.place], last.place = last, b.place
	all[len(all)-1] = nil
	*l, b.place = all[:len(all)-1], -1
}

// pick chooses any, all alike; nil if there is none.
func (l live) pick(dice *rand.Rand) *life {
	if len(l) == 0 {
		return nil
	}
	return l[dice.IntN(len(l))]
}

// past is the bookings that ended lately: a ring, so that a storm does not
// make it grow.
type past struct {
	ring  [4096]*Booking
	first int // the oldest
	n     int
}

// add puts in a booking whose parties are late from now on, and puts out the
// oldest one if the ring is full.
func (p *past) add(b *Booking) {
	if p.n == len(p.ring) {
		p.drop()
	}
	p.ring[(p.first+p.n)%len(p.ring)] = b
	p.n++
}

func (p *past) drop() {
	p.ring[p.first] = nil
	p.first = (p.first + 1) % len(p.ring)
	p.n--
}

// pick chooses any that ended no longer than longAgo before now; nil if there
// is none.
func (p *past) pick(dice *rand.Rand, now time.Duration) *Booking {
	for p.n > 0 && p.ring[p.first].Ends < now-longAgo {
		p.drop()
	}
	if p.n == 0 {
		return nil
	}
	return p.ring[(p.first+dice.IntN(p.n))%len(p.ring)]
}
