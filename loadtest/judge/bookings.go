package judge

import (
	"fmt"
	"hash/maphash"
	"slices"
	"time"

	"maskswitch/actors/phone"
)

// Answer is what the switch told the marketplace about a booking.
type Answer struct {
	ID    string // empty: as asked for
	Proxy string // what both parties dial; E.164
	// ProxyGuest and ProxyHost are what each party dials, when the switch gives
	// one number for each side; empty: Proxy.
	ProxyGuest, ProxyHost string
	// Expires is when it ends. Without it nothing is certain about the booking.
	Expires time.Time
}

// Listed is a live booking as the switch shows it. Empty members, and an
// Expires that is not after 1970, were not shown and are not compared.
type Listed struct {
	ID, Guest, Host string
	Proxy           string // what the guest dials
	ProxyHost       string // what the host dials
	Expires         time.Time
}

// Terms are what was asked for with a booking, as far as it decides what is
// right. The zero value is the default.
type Terms struct {
	Pair  bool // a number for each side
	Cut   bool // the talk ends with the booking, Grace later
	Grace time.Duration
	Idle  time.Duration // it also ends when nobody has called for so long; 0: it does not
	Lasts time.Duration // asked for; with Idle only, when the end that is told moves with each call

	Recording string // "off", "dual-mp3", "dual-wav", "single-mp3"; empty: as the switch does it
	Summary   bool   // what was said is to be summed up
}

func (r *Register) idOf(id string) *idShard { return &r.byID[maphash.String(r.seed, id)%shards] }

func (r *Register) keyOf(k key) *keyShard {
	return &r.byKey[maphash.Comparable(r.seed, k)%shards]
}

func (r *Register) pendingOf(p phone.Number) *pendingShard {
	return &r.pending[maphash.Comparable(r.seed, p)%shards]
}

// known finds a booking; nil if it was never asked for, or is long over.
func (r *Register) known(id string) *booking {
	s := r.idOf(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bookings[id]
}

// Opening notes that a request to open a booking is about to be sent. Say so of
// a repeat as well, with the same terms: what is asked for twice may be there
// again after its end.
func (r *Register) Opening(id, guest, host string, t Terms, at time.Time) {
	s := r.idOf(id)
	s.mu.Lock()
	if s.bookings[id] == nil {
		s.sweepAt(at, r.cfg)
		k := &booking{id: id, guest: phone.FromCarrier(guest), host: phone.FromCarrier(host), terms: t, opening: at}
		k.use.since = at
		s.bookings[id] = k
		for _, p := range []phone.Number{k.guest, k.host} {
			w := r.pendingOf(p)
			w.mu.Lock()
			w.bookings[p] = append(w.bookings[p], k)
			w.mu.Unlock()
		}
	}
	k := s.bookings[id]
	s.mu.Unlock()
	k.mu.Lock()
	k.asked++
	k.mu.Unlock()
}

// sweepAt drops what is old, each time the shard has doubled.
func (s *idShard) sweepAt(now time.Time, cfg Config) {
	if len(s.bookings) < max(s.sweep, leastSweep) {
		return
	}
	for id, k := range s.bookings {
		if k.old(now, cfg.Fuzz, cfg.Keep) {
			delete(s.bookings, id)
		}
	}
	s.sweep = 2 * len(s.bookings)
}

func (s *keyShard) sweepAt(now time.Time, cfg Config) {
	if len(s.bookings) < max(s.sweep, leastSweep) {
		return
	}
	for at, list := range s.bookings {
		list = slices.DeleteFunc(list, func(k *booking) bool { return k.old(now, cfg.Fuzz, cfg.Keep) })
		if s.bookings[at] = list; len(list) == 0 {
			delete(s.bookings, at)
		}
	}
	s.sweep = 2 * len(s.bookings)
}

// settled takes a booking off the list of those whose number is not known.
func (r *Register) settled(k *booking) {
	for _, p := range []phone.Number{k.guest, k.host} {
		w := r.pendingOf(p)
		w.mu.Lock()
		list := slices.DeleteFunc(w.bookings[p], func(o *booking) bool { return o == k })
		if w.bookings[p] = list; len(list) == 0 {
			delete(w.bookings, p)
		}
		w.mu.Unlock()
	}
}

// Opened notes that the switch acknowledged a booking, for the first time or
// again.
func (r *Register) Opened(id string, a Answer, at time.Time) []Finding {
	k := r.known(id)
	if k == nil {
		return nil
	}
	set(&a.ID, id)
	set(&a.ProxyGuest, a.Proxy)
	set(&a.ProxyHost, a.Proxy)
	guestNum, hostNum := phone.FromCarrier(a.ProxyGuest), phone.FromCarrier(a.ProxyHost)
	k.mu.Lock()
	k.told++
	if !k.opened.IsZero() {
		defer k.mu.Unlock()
		return k.repeated(a, guestNum, hostNum, at, r.cfg.Fuzz)
	}
	k.opened, k.refused = at, false
	k.answerID, k.guestDial, k.hostDial, k.guestNum, k.hostNum = a.ID, a.ProxyGuest, a.ProxyHost, guestNum, hostNum
	k.soonest, k.latest, k.use.until = a.Expires, a.Expires, at
	if k.terms.Idle > 0 {
		// What the switch tells as the end is the earlier of two, or the later. It
		// counts in whole seconds.
		k.soonest, k.latest = k.opening.Add(k.terms.Lasts-time.Second), at.Add(k.terms.Lasts)
	}
	if a.Expires.Unix() <= 0 {
		k.soonest, k.latest, k.unsure = at, at.Add(100*365*24*time.Hour), true
	}
	if !k.closing.IsZero() {
		k.unsure = true
	}
	k.mu.Unlock()
	var found []Finding
	if k.terms.Pair && guestNum == hostNum {
		found = append(found, Finding{Kind: MasksIgnored, Booking: id, At: at,
			Text: fmt.Sprintf("the booking asked for a number for each side (masks: pair); both were given %s", guestNum)})
	}
	for _, at1 := range k.keys() {
		if f, clash := r.hold(k, at1, at); clash {
			found = append(found, f)
		}
	}
	r.settled(k) // only now: in between it is found in both places, never in none
	return found
}

// repeated compares a second acknowledgement with the first. Only while the
// booking certainly lives must they be equal.
func (k *booking) repeated(a Answer, guestNum, hostNum phone.Number, at time.Time, fuzz time.Duration) []Finding {
	if !k.closing.IsZero() || !k.lives(k.opened, at, fuzz) {
		// It may be the same booking, or a new one under the old id.
		k.unsure = true
		k.latest, k.use.until = later(k.latest, a.Expires), later(k.use.until, at)
		return nil
	}
	f := Finding{Kind: RepeatDiffers, Booking: k.id, At: at}
	switch {
	case a.ID != k.answerID:
		f.Text = fmt.Sprintf("the same request gave booking %q at first and %q when repeated", k.answerID, a.ID)
	case guestNum != k.guestNum || hostNum != k.hostNum:
		f.Text = fmt.Sprintf("the same request gave the numbers %s and %s at first, and %s and %s when repeated", k.guestNum, k.hostNum, guestNum, hostNum)
	default:
		return nil
	}
	return []Finding{f}
}

// hold enters a booking under one key, and finds another that certainly lives
// there.
func (r *Register) hold(k *booking, at1 key, at time.Time) (Finding, bool) {
	s := r.keyOf(at1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bookings[at1] == nil {
		s.sweepAt(at, r.cfg)
	}
	if len(s.bookings[at1]) >= leastPrune {
		s.bookings[at1] = slices.DeleteFunc(s.bookings[at1], func(o *booking) bool { return o.old(at, r.cfg.Fuzz, r.cfg.Keep) })
	}
	var f Finding
	clash := false
	for _, o := range s.bookings[at1] {
		if o != k && o.liveThrough(at, at, r.cfg.Fuzz) && k.liveThrough(at, at, r.cfg.Fuzz) {
			clash = true
			f = Finding{Kind: NumberGivenTwice, Booking: k.id, At: at,
				Text: fmt.Sprintf("%s dials %s for booking %s, which lives; booking %s was given the same number for the same party", at1.party, at1.number, o.id, k.id)}
		}
	}
	s.bookings[at1] = append(s.bookings[at1], k)
	return f, clash
}

// leastPrune is below which a list is left to the sweeps.
const leastPrune = 8

// Refused notes that the switch said no for certain: the booking is not there.
func (r *Register) Refused(id string, _ time.Time) {
	k := r.known(id)
	if k == nil {
		return
	}
	k.mu.Lock()
	k.told++
	k.refused = k.opened.IsZero()
	gone := k.refused && k.told >= k.asked
	k.mu.Unlock()
	if gone {
		r.settled(k)
	}
}

// Extending notes that another end is about to be asked for.
func (r *Register) Extending(id string, until, _ time.Time) {
	if k := r.known(id); k != nil {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.moving = until
		if until.Before(k.soonest) {
			k.soonest = until
		}
		if until.After(k.latest) {
			k.latest = until
		}
	}
}

// Extended notes the end that the switch acknowledged. If that came when the
// old end was near or over, the booking may have ended and come back.
func (r *Register) Extended(id string, expires, at time.Time) {
	if k := r.known(id); k != nil {
		k.mu.Lock()
		defer k.mu.Unlock()
		if edge := k.soonestEnd().Add(-r.cfg.Fuzz); at.After(edge) {
			if k.doubt.From.IsZero() || edge.Before(k.doubt.From) {
				k.doubt.From = edge
			}
			k.doubt.To = at
		}
		if k.terms.Idle > 0 {
			expires = k.moving
		}
		k.soonest, k.latest = expires, expires
	}
}

// Closing notes that the end of a booking is about to be asked for.
func (r *Register) Closing(id string, at time.Time) {
	if k := r.known(id); k != nil {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.closing.IsZero() {
			k.closing = at
		}
	}
}

// Closed notes that the switch acknowledged the end.
func (r *Register) Closed(id string, at time.Time) {
	if k := r.known(id); k != nil {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.closing.IsZero() {
			k.closing = at
		}
		if k.closed.IsZero() {
			k.closed = at
		}
		if k.asked > k.told { // a request to open it may still arrive
			k.unsure = true
		}
	}
}
