package judge

import (
	"time"

	"maskswitch/actors/phone"
	"maskswitch/loadtest/carrier"
	"maskswitch/loadtest/market"
	"maskswitch/loadtest/party"
)

// Dialling is somebody about to dial.
type Dialling struct {
	Call    uint64
	Habit   string
	Who     market.Caller // by the plan
	From    string        // what their phone sends
	Booking string        // whose number is dialled
	Host    bool          // the number of the booking's host, where the sides differ
	Script  party.Script
	At      time.Time
}

// Want is what must come of a call.
type Want uint8

// Either: the booking was beginning or ending, so that only the switch knows
// whether it lived. Even then nobody but its other party may be reached.
const (
	Either Want = iota
	Connect
	Refuse
)

func (w Want) String() string { return [...]string{"either", "connect", "refuse"}[w] }

// Expected is a call that is under way, until it is judged.
type Expected struct {
	Number string // to dial; E.164
	Want   Want   // as it looked when they dialled; Judge decides
	Dialling
}

// Dial says what number is dialled, and what must come of it as things stand.
// It reports false if the booking was never acknowledged, or is long forgotten:
// then there is no number.
func (r *Register) Dial(d Dialling) (Expected, bool) {
	k := r.known(d.Booking)
	if k == nil {
		return Expected{}, false
	}
	k.mu.Lock()
	opened, number := k.opened, k.guestDial
	if d.Host {
		number = k.hostDial
	}
	k.mu.Unlock()
	if opened.IsZero() {
		return Expected{}, false
	}
	e := Expected{Number: number, Dialling: d}
	c := r.chances(phone.FromCarrier(number), phone.FromCarrier(d.From))
	c.dialled(d.Call, d.At, r.cfg.Fuzz)
	e.Want = c.want(d.At, d.At, r.cfg.Fuzz)
	return e, true
}

// chances are the bookings by which one caller may reach somebody at one
// number. Four are enough for nearly every call without an allocation.
type chances struct {
	at      key
	first   [4]*booking
	held    []*booking // under this key
	pending bool       // a booking of the caller has a number that is not known
}

func (r *Register) chances(number, caller phone.Number) *chances {
	c := &chances{at: key{number, caller}}
	c.held = c.first[:0]
	if !caller.Known() {
		return c
	}
	w := r.pendingOf(caller) // first: a booking goes from there to here
	w.mu.Lock()
	c.pending = len(w.bookings[caller]) > 0
	w.mu.Unlock()
	s := r.keyOf(c.at)
	s.mu.Lock()
	c.held = append(c.held, s.bookings[c.at]...)
	s.mu.Unlock()
	return c
}

// want says what must come of a call that was dialled at a and decided at b.
func (c *chances) want(a, b time.Time, fuzz time.Duration) Want {
	may := c.pending
	for _, k := range c.held {
		if k.liveThrough(a, b, fuzz) {
			return Connect
		}
		may = may || k.mayLive(a, b, fuzz)
	}
	if may {
		return Either
	}
	return Refuse
}

// reach is whether a caller may reach a callee between two instants.
type reach uint8

const (
	stranger reach = iota // no booking there at all
	past                  // there was one
	wrong                 // there is one, with somebody else
	right
)

// reaches also says which number the callee can dial back; zero if that is not
// known.
func (r *Register) reaches(c *chances, callee phone.Number, a, b time.Time) (how reach, back phone.Number) {
	for _, k := range c.held {
		other, number := k.other(c.at.party, c.at.number)
		switch {
		case !k.mayLive(a, b, r.cfg.Fuzz):
			how = max(how, past)
		case other == callee:
			return right, number
		default:
			how = wrong
		}
	}
	if !c.at.party.Known() {
		return how, phone.Number{}
	}
	w := r.pendingOf(c.at.party)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, k := range w.bookings[c.at.party] {
		if (k.guest == callee || k.host == callee) && k.mayLive(a, b, r.cfg.Fuzz) {
			return right, phone.Number{}
		}
	}
	return how, phone.Number{}
}

// decided is when the switch showed what it made of the caller; over if it
// never did.
func decided(l *carrier.Ledger, over time.Time) time.Time {
	for i := range l.Commands {
		switch c := &l.Commands[i]; c.Action {
		case "reject", "hangup", "transfer", "dial", "bridge", "speak", "playback_start":
			return c.At
		}
	}
	return over
}
