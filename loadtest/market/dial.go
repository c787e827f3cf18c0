package market

import (
	"time"

	"maskswitch/loadtest/party"
)

// dial is the call that is due now.
func (m *Market) dial(now time.Duration) Op {
	c := &m.cfg
	// A pair of twins is two calls of one throw; divided by the calls of a throw,
	// the shares are those of all calls.
	pairs := c.Twins / (2 - c.Twins)
	u := m.people.Float64() / (1 + pairs)
	fromHost := m.people.Float64() < c.FromHost
	others := c.Strangers + c.Withheld + c.Late
	switch {
	case u < c.Strangers:
		return m.call(now, Stranger, m.live.pick(m.people), fromHost)
	case u < c.Strangers+c.Withheld:
		return m.call(now, Withheld, m.live.pick(m.people), fromHost)
	case u < others:
		if b := m.past.pick(m.people, now); b != nil {
			return m.call(now, Late, nil, fromHost).about(b)
		}
	case u < others+pairs/(1+pairs) && m.nextCall <= m.end:
		if l := m.live.pick(m.people); l != nil {
			m.nextCall = due(m.calls) // the second takes the place of the next
			one, two := m.call(now, Party, l, fromHost), m.call(now, Party, l, !fromHost)
			one.Call.Twin, two.Call.Twin = true, true
			m.twin = two
			return one
		}
	}
	if r, ok := m.again(now); ok {
		op := m.call(now, Party, r.life, r.host)
		op.Call.Redial = true
		return op
	}
	return m.call(now, Party, m.live.pick(m.people), fromHost)
}

// refused is what becomes of callers who must not be connected. The callee
// would answer, so that a switch that connects them is seen to; else the caller
// leaves by themselves.
var refused = party.Mix{{Weight: 1, After: party.Range{Min: time.Second, Max: 2 * time.Second},
	Talk:     party.Range{Min: 3 * time.Second, Max: 8 * time.Second},
	Patience: party.Range{Min: 4 * time.Second, Max: 9 * time.Second}, AfterSpeech: party.Range{Min: time.Second}}}

// late is refused, but for people who stay on the line after a spoken line, so
// that a switch that does not release them is seen to.
var late = party.Mix{{Weight: 1, After: refused[0].After, Talk: refused[0].Talk,
	Patience:    party.Range{Min: 7 * time.Second, Max: 12 * time.Second},
	AfterSpeech: party.Range{Min: 3 * time.Second, Max: 8 * time.Second}}}

// call draws one call about a live booking; nil: there is none.
func (m *Market) call(now time.Duration, who Caller, l *life, fromHost bool) Op {
	m.dialled++
	k := &Call{N: m.dialled, Caller: who, Host: fromHost, Habit: who.String()}
	switch who {
	case Party:
		k.Habit, k.Script = m.cfg.Mix.Script(m.seed, k.N)
	case Stranger:
		k.From = numberIn(strangerBlock, m.people.IntN(strangers))
		_, k.Script = refused.Script(m.seed, k.N)
	case Withheld:
		k.From = anonymous
		_, k.Script = refused.Script(m.seed, k.N)
	case Late:
		_, k.Script = late.Script(m.seed, k.N)
	}
	op := Op{At: now, Kind: Dial, Call: k}
	if l == nil {
		return op
	}
	if who == Party {
		m.mayRedial(now, l, k)
	}
	return op.about(l.Booking)
}

// about says what a call is about, and with that who a party is.
func (op Op) about(b *Booking) Op {
	op.Booking = b
	if k := op.Call; k.From == "" && k.Host {
		k.From = b.Host
	} else if k.From == "" {
		k.From = b.Guest
	}
	return op
}

// redial is a caller who will dial again.
type redial struct {
	at   time.Duration // no sooner
	n    uint64        // the call before
	life *life
	host bool
}

func (r redial) before(o redial) bool {
	if r.at != o.at {
		return r.at < o.at
	}
	return r.n < o.n
}

// mayRedial throws for a caller without an answer.
func (m *Market) mayRedial(now time.Duration, l *life, k *Call) {
	wants := m.people.Float64() < m.cfg.Redials
	pause := draw(m.people, m.cfg.RedialAfter)
	up, answered := outcome(k.Script)
	if !wants || answered {
		return
	}
	at := now + time.Duration(float64(up)/m.cfg.Speed) + pause
	if at < l.quiet && at <= m.end {
		m.redials.push(redial{at, k.N, l, k.Host})
	}
}

// again is the first caller who is ready to dial again, about a booking that
// can still be called.
func (m *Market) again(now time.Duration) (redial, bool) {
	for len(m.redials) > 0 && m.redials[0].at <= now {
		if r := m.redials.pop(); r.life.place >= 0 {
			return r, true
		}
	}
	return redial{}, false
}

// How long a switch is taken to let a phone ring, and a spoken line to last:
// the contract's default, and the fake carrier's.
const (
	rings  = 30 * time.Second
	speech = 2 * time.Second
)

// outcome is how a call must go by its script: whether the callee answers, and
// if not, for how long the caller is on the line.
func outcome(s party.Script) (up time.Duration, answered bool) {
	ring := s.After
	if s.Callee == party.RingOut {
		ring = rings
	}
	if s.Callee == party.Answer && (s.Patience <= 0 || s.After < s.Patience) {
		return 0, true
	}
	up = ring + speech + s.AfterSpeech
	if s.Patience > 0 {
		up = min(up, s.Patience)
	}
	return up, false
}
