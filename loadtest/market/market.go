package market

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"maskswitch/loadtest/pace"
)

// Market is a stream of operations. It is not safe for concurrent use.
type Market struct {
	cfg   Config
	calls *pace.Pace // nil: nobody dials
	opens *pace.Pace
	end   time.Duration

	plans         *rand.Rand // draws bookings
	terms         *rand.Rand // draws what they ask for
	policies      *rand.Rand // draws how they are recorded
	hosts, guests zipf
	bookings      int // so far
	begun         bool

	agenda   heap[entry] // one entry for each booking that something will happen to
	live     live
	past     past
	nextOpen time.Duration // never: no more
	nextCall time.Duration

	people  *rand.Rand // draws calls
	seed    uint64     // of the scripts
	dialled uint64     // calls so far
	redials heap[redial]
	twin    Op // to come next, if it has a Call
}

// entry is the next turn of a booking.
type entry struct {
	at   time.Duration
	what turn
	life *life
}

// before puts turns of one instant in the order of opening, so that a stream is
// the same each time.
func (e entry) before(o entry) bool {
	if e.at != o.at {
		return e.at < o.at
	}
	return e.life.N < o.life.N
}

// Sequences that are drawn from one seed and have nothing to do with each other.
const (
	drawBookings = 0x626f6f6b
	drawPeople   = 0x64696172
	drawOpenings = 0x6f70656e5f5f5f5f
	drawTerms    = 0x7465726d73
	drawPolicies = 0x7265636f7264
)

// New makes a market whose calls are due when calls says; nil: nobody dials.
// The market takes the pace for itself. The error says all that is wrong with
// the config.
//
// It costs little: the bookings of the warm-up are drawn by WarmUp.
func New(cfg Config, calls *pace.Pace, seed uint64) (*Market, error) {
	cfg = cfg.filled()
	if err := cfg.check(calls); err != nil {
		return nil, err
	}
	cfg.Storms = slices.Clone(cfg.Storms)
	slices.SortStableFunc(cfg.Storms, func(a, b Storm) int { return cmp.Compare(a.At, b.At) })
	cfg.Mix = slices.Clone(cfg.Mix)
	m := &Market{
		cfg: cfg, calls: calls, opens: pace.New(cfg.Opens, pace.Poisson, seed^drawOpenings), end: cfg.end(calls),
		plans: rand.New(rand.NewPCG(seed, drawBookings)), terms: rand.New(rand.NewPCG(seed, drawTerms)),
		policies: rand.New(rand.NewPCG(seed, drawPolicies)), people: rand.New(rand.NewPCG(seed, drawPeople)), seed: seed,
		hosts: newZipf(cfg.Hosts, cfg.HostSkew), guests: newZipf(cfg.Guests, cfg.GuestSkew),
	}
	m.nextOpen = due(m.opens)
	m.nextCall = due(calls)
	return m, nil
}

// due is the next instant of a pace, or never.
func due(p *pace.Pace) time.Duration {
	if p != nil {
		if at, ok := p.Next(); ok {
			return at
		}
	}
	return never
}

// WarmUp draws the bookings that are live when the measured part begins. Their
// Opens is 0; open them before that. It gives them once, and nothing after the
// first Next.
func (m *Market) WarmUp() []*Booking {
	if m.begun {
		return nil
	}
	m.begun = true
	all := make([]*Booking, m.cfg.Live)
	m.agenda = make(heap[entry], 0, m.cfg.Live)
	for i := range all {
		all[i] = m.open(0, true)
	}
	return all
}

// Next is the next operation, in order of At. It reports false at the end of
// the last stage of calls and of openings; bookings that are live then, and
// those that end later, are left to the caller.
//
// A Dial for which there was no live booking has a Booking of nil: somebody was
// to dial, and there is nobody to dial about. The caller counts it.
func (m *Market) Next() (Op, bool) {
	if !m.begun {
		m.WarmUp()
	}
	if op := m.twin; op.Call != nil {
		m.twin = Op{}
		return op, true
	}
	for {
		turn := never
		if len(m.agenda) > 0 {
			turn = m.agenda[0].at
		}
		// At one instant what happens to bookings comes first: a call must not
		// reach one that was about to end.
		switch now := min(turn, m.nextOpen, m.nextCall); {
		case now > m.end:
			return Op{}, false
		case now == turn:
			if op, ok := m.turn(); ok {
				return op, true
			}
		case now == m.nextOpen:
			m.nextOpen = due(m.opens)
			return Op{At: now, Kind: Open, Booking: m.open(now, false)}, true
		default:
			m.nextCall = due(m.calls)
			return m.dial(now), true
		}
	}
}

// open draws a booking and what will become of it.
func (m *Market) open(now time.Duration, warm bool) *Booking {
	m.bookings++
	b := &Booking{N: m.bookings, Host: numberIn(hostBlock, m.hosts.draw(m.plans)),
		Guest: numberIn(guestBlock, m.guests.draw(m.plans)), Opens: now}
	lasts := draw(m.plans, m.cfg.Lasts)
	if warm {
		lasts = remaining(m.plans, m.cfg.Lasts)
	}
	var shorter float64
	b.Terms, shorter = m.cfg.terms(m.terms)
	b.Recording, b.Summary = m.cfg.policy(m.policies)
	l := m.cfg.plan(m.plans, b, lasts, shorter, warm)
	next, at := l.after(opened, now, m.cfg.Settle)
	m.agenda.push(entry{at, next, l})
	return b
}

// turn does what is next on the agenda. It reports false if that is nothing
// that a marketplace asks for.
func (m *Market) turn() (Op, bool) {
	e := m.agenda[0]
	if next, at := e.life.after(e.what, e.at, m.cfg.Settle); next == forgotten {
		m.agenda.pop()
	} else {
		m.agenda.replace(entry{at, next, e.life})
	}
	op := Op{At: e.at, Booking: e.life.Booking}
	switch e.what {
	case repeats:
		op.Kind = Repeat
	case reads:
		op.Kind = Read
	case extends:
		op.Kind = Extend
	case ends:
		op.Kind = Close
		return op, e.life.Closed
	case callable:
		m.live.add(e.life)
		return op, false
	case quiets:
		m.live.remove(e.life)
		return op, false
	case lateness:
		m.past.add(e.life.Booking)
		return op, false
	}
	return op, true
}
