package market

import (
	"math"
	"math/rand/v2"
	"time"

	"maskswitch/loadtest/party"
)

// life is a booking on its way from its opening until nobody remembers it.
type life struct {
	*Booking
	repeats, reads, extends time.Duration // when; never if not
	calls                   time.Duration // it can be called from here on
	quiet                   time.Duration // and not from here on
	place                   int           // among those that can be called; -1: it cannot
}

const never = time.Duration(math.MaxInt64)

// turn is something that happens to a booking by itself. Of turns at one
// instant the smaller comes first.
type turn uint8

const (
	opened    turn = iota
	repeats        // its POST is sent again
	callable       // from now on it can be called
	reads          // GET
	extends        // PATCH
	quiets         // from now on it cannot be called
	ends           // DELETE, or it expires
	lateness       // from now on its parties call late
	forgotten      // nothing more
)

func (l *life) at(t turn, settle time.Duration) time.Duration {
	switch t {
	case repeats:
		return l.repeats
	case callable:
		if l.calls >= l.quiet {
			return never
		}
		return l.calls
	case reads:
		return l.reads
	case extends:
		return l.extends
	case quiets:
		if l.calls >= l.quiet {
			return never
		}
		return l.quiet
	case ends:
		return l.Ends
	}
	return l.Ends + settle
}

// after is the turn that follows one of an instant.
func (l *life) after(done turn, now, settle time.Duration) (next turn, at time.Duration) {
	next, at = forgotten, never
	for t := repeats; t < forgotten; t++ {
		when := l.at(t, settle)
		if (when > now || when == now && t > done) && when < at {
			next, at = t, when
		}
	}
	return next, at
}

// terms draws what a booking asks for, and the share of what it lasts that is
// taken off later, 0 for most. Its dice are their own, so that the plans from
// before there were terms have the bookings that they had.
func (c *Config) terms(dice *rand.Rand) (t Terms, shorter float64) {
	chance := func(share float64) bool { return dice.Float64() < share }
	t.Pair = chance(c.Pairs)
	t.Cut = chance(c.Cuts)
	grace := draw(dice, c.Grace).Truncate(time.Second)
	idle, idleAfter := chance(c.Idle), draw(dice, c.IdleAfter)
	regional, region := chance(c.Regional), dice.Uint64()
	shortened, share := chance(c.Shortened), .1+.2*dice.Float64()
	if t.Cut {
		t.Grace = grace
	}
	if idle {
		t.Idle = idleAfter
	}
	if regional {
		t.Region = c.Regions[region%uint64(len(c.Regions))]
	}
	if shortened {
		shorter = share
	}
	return t, shorter
}

// The ways to record that a booking may ask for, as the switch writes them.
const (
	RecordOff  = "off"
	RecordWav  = "dual-wav"
	RecordMono = "single-mp3"
)

// policy draws how a booking is recorded, with dice of its own as for terms.
func (c *Config) policy(dice *rand.Rand) (recording string, summary bool) {
	u, sums := dice.Float64(), dice.Float64() < c.Summaries
	switch {
	case u < c.Unrecorded:
		return RecordOff, false
	case u < c.Unrecorded+c.Wav:
		recording = RecordWav
	case u < c.Unrecorded+c.Wav+c.Mono:
		recording = RecordMono
	}
	return recording, sums
}

// plan draws all that will ever happen to a booking that asks for lasts at
// first, of which shorter may be taken off. Every die is thrown whether it is
// wanted or not, so that a change of one share leaves the rest of the booking as
// it was.
func (c *Config) plan(dice *rand.Rand, b *Booking, lasts time.Duration, shorter float64, warm bool) *life {
	chance := func(share float64) bool { return dice.Float64() < share }
	part := func(least, most float64) float64 { return least + (most-least)*dice.Float64() }
	of := func(share float64, d time.Duration) time.Duration { return time.Duration(share * float64(d)) }

	extended, longer, extendAt := chance(c.Extended), part(.25, 1), part(.25, .5)
	closed, closeAt := chance(c.Closed), part(.2, .9)
	read, readAt := chance(c.Read), part(.1, .9)
	repeated, repeatAt := chance(c.Repeated), part(0, 1)
	short := lasts < c.Settle

	b.Lasts = lasts
	if extended && !short {
		b.Extends = of(longer, lasts)
	}
	// The new end must be well ahead when it is asked for.
	if cut := of(shorter, lasts); b.Extends == 0 && lasts-cut-of(extendAt, lasts) >= 2*c.Settle {
		b.Extends = -cut
	}
	whole := b.Lasts + b.Extends
	if closed && !short {
		b.Closed = true
		whole = of(closeAt, whole)
		if b.Extends != 0 { // first one, then the other
			from := of(extendAt, b.Lasts)
			whole = from + of(closeAt, b.Lasts+b.Extends-from)
		}
	}
	old := b.Opens + c.Settle
	if warm {
		old = b.Opens
	}
	for _, s := range c.Storms { // in order of time: what the first one ends is over for the second
		struck := chance(s.Share)
		if !struck || s.At < old || s.At >= b.Opens+whole {
			continue
		}
		whole = s.At - b.Opens
		b.Closed = s.Closed
		switch {
		case s.Closed && of(extendAt, b.Lasts) >= whole:
			b.Extends = 0 // it would have been prolonged later
		case s.Closed:
		case b.Extends > 0:
			b.Lasts = of(float64(b.Lasts)/float64(b.Lasts+b.Extends), whole)
			b.Extends = whole - b.Lasts
		default:
			b.Lasts, b.Extends = whole, 0
		}
	}
	b.Ends = b.Opens + whole

	l := &life{Booking: b, repeats: never, reads: never, extends: never, calls: old, quiet: b.Ends - c.Settle, place: -1}
	if repeated && !warm {
		// Before anything else is done about it, and so soon that some repeats
		// overtake the first answer.
		l.repeats = b.Opens + of(repeatAt, min(whole/20, 200*time.Millisecond))
	}
	if read && !short {
		l.reads = b.Opens + of(readAt, whole)
	}
	if b.Extends != 0 {
		l.extends = b.Opens + of(extendAt, b.Lasts)
	}
	return l
}

// draw is uniform in a range, both ends included.
func draw(dice *rand.Rand, r party.Range) time.Duration {
	u := dice.Uint64()
	if r.Max <= r.Min {
		return r.Min
	}
	return r.Min + time.Duration(u%uint64(r.Max-r.Min+1))
}

// remaining draws how long a booking has left that is met at some instant in a
// marketplace of long standing. A booking is the more likely to be met the
// longer it lasts, and any part of it may be over.
func remaining(dice *rand.Rand, r party.Range) time.Duration {
	low, high := float64(r.Min), float64(max(r.Min, r.Max))
	u := dice.Float64()
	whole := math.Sqrt(low*low + u*(high*high-low*low))
	return max(time.Duration(whole*(1-dice.Float64())), time.Millisecond)
}
