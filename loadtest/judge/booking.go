package judge

import (
	"sync"
	"time"

	"maskswitch/actors/phone"
)

// booking is what the marketplace knows of one booking: when each thing was
// asked for, and when it was told to be done. A zero instant has not come.
type booking struct {
	id          string
	guest, host phone.Number
	terms       Terms

	mu      sync.Mutex
	opening time.Time // first asked for
	asked   int       // requests to open it
	told    int       // answers to those
	opened  time.Time // first acknowledged
	refused bool      // for certain, and never acknowledged

	answerID          string // the id that the switch gave it
	guestNum, hostNum phone.Number
	guestDial         string // the same as they are dialled
	hostDial          string

	// The end by the clock is somewhere between these two: equal, unless a
	// change was asked for and not answered.
	soonest, latest time.Time
	doubt           Span      // a time in which it may have ended, and been revived
	moving          time.Time // the end that was asked for last
	use             use       // with Terms.Idle

	closing, closed time.Time
	// unsure: it was opened and closed in an order that only the switch knows.
	unsure bool
}

// liveThrough says that the booking certainly lived from a to b.
func (k *booking) liveThrough(a, b time.Time, fuzz time.Duration) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.lives(a, b, fuzz) && (k.closing.IsZero() || k.closing.After(b))
}

// lives is liveThrough but for being closed.
func (k *booking) lives(a, b time.Time, fuzz time.Duration) bool {
	if k.opened.IsZero() || k.opened.After(a) || k.unsure || !b.Before(k.soonestEnd().Add(-fuzz)) {
		return false
	}
	return k.doubt.From.IsZero() || b.Before(k.doubt.From) || a.After(k.doubt.To)
}

// deadAt says that the booking had certainly ended at an instant, or never was.
func (k *booking) deadAt(at time.Time, fuzz time.Duration) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.ended(at, fuzz)
}

func (k *booking) ended(at time.Time, fuzz time.Duration) bool {
	switch {
	case k.opened.IsZero():
		return k.refused
	case at.After(k.latestEnd().Add(fuzz)):
		return true
	}
	return !k.unsure && !k.closed.IsZero() && !k.closed.After(at)
}

// mayLive says that the booking may have lived at some instant from a to b.
func (k *booking) mayLive(a, b time.Time, fuzz time.Duration) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return !k.ended(a, fuzz) && !k.opening.After(b)
}

// old says that nobody needs the booking any more.
func (k *booking) old(now time.Time, fuzz, keep time.Duration) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.opened.IsZero() {
		return k.refused
	}
	return k.ended(now.Add(-keep), fuzz)
}

// other is who the caller of a number reaches by this booking, and the number
// that they dial back.
func (k *booking) other(caller, dialled phone.Number) (callee, back phone.Number) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if caller == k.guest && dialled == k.guestNum {
		return k.host, k.hostNum
	}
	return k.guest, k.guestNum
}

// key is what a switch must tell bookings by: the number, and who dials it.
type key struct{ number, party phone.Number }

func (k *booking) keys() [2]key {
	return [2]key{{k.guestNum, k.guest}, {k.hostNum, k.host}}
}

type idShard struct {
	mu       sync.Mutex
	bookings map[string]*booking
	sweep    int // at this size it is swept
}

// keyShard lists the bookings of each key, ended ones among them.
type keyShard struct {
	mu       sync.Mutex
	bookings map[key][]*booking
	sweep    int
}

// pendingShard lists bookings that were asked for and not answered, by party:
// their number is not known, so any may be theirs.
type pendingShard struct {
	mu       sync.Mutex
	bookings map[phone.Number][]*booking
}

// leastSweep is below which a sweep saves nothing.
const leastSweep = 512
