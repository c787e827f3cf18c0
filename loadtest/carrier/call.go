package carrier

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"

	"maskswitch/actors/phone"
	"maskswitch/loadtest/party"
)

// Call is one caller's call: leg A, and each leg that a transfer dialled.
type Call struct {
	carrier  *Carrier
	order    uint64 // 1 for the first call placed
	number   uint64 // its key, or else its order
	session  string
	from, to string // as dialled
	script   party.Script
	placed   time.Time // when it was due
	done     chan struct{}

	mu          sync.Mutex
	legs        []*leg // A first
	events      []*event
	commands    []*Command
	connections []*Connection
	recordings  []*recording
	leaks       []Leak
	causes      [causes]cause
	tag         any
	owed        int // events not settled yet, and recordings not saved yet
	closed      bool
	told        bool          // the observer knows that it is closed
	changed     chan struct{} // closed at the next change; nil while nobody awaits one
}

type stage uint8

const (
	ringing stage = iota
	up
	gone
)

// leg is one party's side. Its Call's mutex guards it.
type leg struct {
	call        *Call
	name        string // A, B, then B2
	control, id string
	from, to    string
	made        uint64 // its place among all legs, for lists
	state       *string
	stage       stage
	started     time.Time // by the carrier's clock, as all instants that are sent
	answered    time.Time
	ended       time.Time
	tasks       []*task

	ringTimeout time.Duration // leg B
	timeLimit   time.Duration // leg B
	onAnswer    *recordOrder  // the "record" member of answer and transfer
	answering   bool          // leg A: the answer is under way
	bridged     bool
	parks       bool // leg A: stays when the other leaves
	connection  *Connection

	speech    *speech
	recording []*recording
	repeats   map[string]time.Time // by command id: when it took effect
	policies  map[string][]time.Duration
}

func (l *leg) inbound() bool { return l.name == "A" }
func (l *leg) alive() bool   { return l.stage != gone }

func newCall(c *Carrier, number uint64, from, to string, script party.Script) *Call {
	return &Call{carrier: c, number: number, session: newID(), from: from, to: to,
		script: script, placed: time.Now(), done: make(chan struct{})}
}

func (k *Call) newLeg(name, from, to string) *leg {
	var token [40]byte
	for i := 0; i < len(token); i += 8 {
		binary.LittleEndian.PutUint64(token[i:], rand.Uint64())
	}
	l := &leg{call: k, name: name, control: "v3:" + base64.RawURLEncoding.EncodeToString(token[:]),
		id: newID(), from: from, to: to, started: k.carrier.now()}
	k.legs = append(k.legs, l)
	k.carrier.addLeg(l)
	return l
}

// begin lets leg A ring.
func (k *Call) begin() {
	k.mu.Lock()
	defer k.unlock()
	a := k.newLeg("A", k.from, k.to)
	k.emit(a, "call.initiated", nil)
	if p := k.script.Patience; p > 0 {
		k.later(a, p, func() {
			if !k.talking() {
				k.leave(a, party.Caller)
			}
		})
	}
}

// later runs f under the mutex after d of the world's time, unless the leg has
// ended by then.
func (k *Call) later(l *leg, d time.Duration, f func()) {
	l.tasks = append(l.tasks, k.carrier.clock.after(k.carrier.world(d), func() {
		k.mu.Lock()
		defer k.unlock()
		if l.alive() {
			f()
		}
	}))
}

func (k *Call) talking() bool {
	for _, l := range k.legs[1:] {
		if l.stage == up {
			return true
		}
	}
	return false
}

// pickUp answers a leg: A for the switch, B for its person.
func (k *Call) pickUp(l *leg) {
	if l.stage != ringing {
		return
	}
	if !l.inbound() {
		k.bridge(l)
	}
	l.stage, l.answered = up, k.carrier.now()
	k.emit(l, "call.answered", nil)
	if l.onAnswer != nil {
		k.record(l, l.onAnswer)
	}
	if l.inbound() {
		return
	}
	l.connection.Talked = time.Now()
	k.later(l, l.timeLimit, func() { k.release(l, "time_limit", "unknown", "200") })
	if k.script.Talk > 0 {
		k.later(l, k.script.Talk, func() {
			if k.script.Leaves == party.Callee {
				k.leave(l, party.Callee)
			} else {
				k.leave(k.legs[0], party.Caller)
			}
		})
	}
}

// ring starts leg B and the person behind it.
func (k *Call) ring(b *leg) {
	k.emit(b, "call.initiated", nil)
	k.later(b, k.carrier.cfg.Timing.Bridge, func() { k.bridge(b) })
	k.later(b, b.ringTimeout, func() {
		if b.stage == ringing {
			k.end(b, "timeout", "unknown", "487") // A stays up, and hears nothing
		}
	})
	how, known := failures[k.script.Callee]
	switch {
	case k.script.Callee == party.Answer:
		k.later(b, k.script.After, func() { k.pickUp(b) })
	case known:
		k.later(b, k.script.After, func() {
			if b.stage == ringing {
				k.end(b, how.cause, how.source, how.sip)
			}
		})
	}
}

// failures are the carrier's words for the ways a person is not reached; the
// SIP codes are those of its samples.
var failures = map[party.Reaction]struct{ cause, source, sip string }{
	party.Busy:        {"user_busy", "callee", "486"},
	party.Decline:     {"call_rejected", "callee", "603"},
	party.NoAnswer:    {"no_answer", "callee", "480"},
	party.Unreachable: {"not_found", "callee", "404"},
	party.Failed:      {"unspecified", "unknown", "unspecified"},
}

// bridge reports both legs as bridged, once; it does so while B still rings.
func (k *Call) bridge(b *leg) {
	if b.bridged || !k.legs[0].alive() {
		return
	}
	b.bridged = true
	k.emit(b, "call.bridged", nil)
	k.emit(k.legs[0], "call.bridged", nil)
}

// leave is a person hanging up.
func (k *Call) leave(l *leg, who party.Side) {
	if l.inbound() && l.stage != up {
		k.release(l, "originator_cancel", "caller", "487")
		return
	}
	k.release(l, "normal_clearing", who.String(), "200")
}

// release ends a leg and, a moment later, those that hang on it. Of two that
// talked either may be first.
func (k *Call) release(l *leg, cause, source, sip string) {
	if !l.alive() {
		return
	}
	ends := []func(){func() { k.end(l, cause, source, sip) }}
	follow := func(other *leg, cause, sip string) {
		ends = append(ends, func() { k.end(other, cause, source, sip) })
	}
	talked := false
	switch a := k.legs[0]; {
	case l != a:
		if talked = l.stage == up && a.alive() && !a.parks; talked {
			follow(a, "normal_clearing", "200")
		}
	default:
		for _, b := range k.legs[1:] {
			switch b.stage {
			case ringing:
				follow(b, "originator_cancel", "487")
			case up:
				talked = true
				follow(b, "normal_clearing", "200")
			}
		}
	}
	if talked && k.carrier.draw("hangup order", k.number, "", "", 0) < .5 {
		ends[0], ends[1] = ends[1], ends[0]
	}
	k.owed += len(ends) - 1 // the call is not over before its last leg is
	for _, end := range ends[1:] {
		k.carrier.clock.after(k.carrier.world(k.carrier.cfg.Timing.Release), func() {
			k.mu.Lock()
			defer k.unlock()
			end()
			k.abandon(source)
			k.settle()
		})
	}
	ends[0]()
}

// abandon ends the legs that a second transfer left behind, once leg A is over.
func (k *Call) abandon(source string) {
	if k.legs[0].alive() {
		return
	}
	for _, b := range k.legs[1:] {
		switch b.stage {
		case ringing:
			k.end(b, "originator_cancel", source, "487")
		case up:
			k.end(b, "normal_clearing", source, "200")
		}
	}
}

// end is the only way a leg ends.
func (k *Call) end(l *leg, cause, source, sip string) {
	if !l.alive() {
		return
	}
	wasUp := l.stage == up
	l.stage, l.ended = gone, k.carrier.now()
	for _, t := range l.tasks {
		t.stop()
	}
	if l.connection != nil {
		l.connection.Ended = time.Now()
	}
	k.endSpeech(l, "call_hangup")
	early := false
	for _, r := range l.recording {
		early = k.finish(r) || early
	}
	hangup := func() {
		k.emit(l, "call.hangup", &ending{cause: cause, source: source, sip: sip, talked: wasUp})
	}
	if !early {
		hangup()
		k.checkDone()
		return
	}
	k.owed++
	k.carrier.clock.after(earlyLead, func() {
		k.mu.Lock()
		defer k.unlock()
		hangup()
		k.settle()
	})
}

// earlyLead is how much sooner than the hangup an early recording is reported.
const earlyLead = 50 * time.Millisecond

// settle takes back one debt.
func (k *Call) settle() {
	k.owed--
	k.checkDone()
}

func (k *Call) checkDone() {
	k.note()
	if k.closed || k.owed > 0 {
		return
	}
	for _, l := range k.legs {
		if l.alive() {
			return
		}
	}
	k.closed = true
	k.carrier.totals.done.Add(1)
	k.carrier.live.Add(-1)
	close(k.done)
}

// note wakes those who await a change.
func (k *Call) note() {
	if k.changed != nil {
		close(k.changed)
		k.changed = nil
	}
}

// Number is the key that the call was placed with. Calls without one are
// numbered from 1, in the order they were placed.
func (k *Call) Number() uint64 { return k.number }

// Session is the carrier's call session id, which both legs share.
func (k *Call) Session() string { return k.session }

// Done is closed when every leg is over and every event of the call has been
// taken, refused or given up.
func (k *Call) Done() <-chan struct{} { return k.done }

func (k *Call) over() bool {
	select {
	case <-k.done:
		return true
	default:
		return false
	}
}

// Wait waits for Done.
func (k *Call) Wait(ctx context.Context) error {
	select { // being done counts more than being cancelled
	case <-k.done:
		return nil
	default:
	}
	select {
	case <-k.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-k.carrier.ctx.Done():
		return ErrClosed
	}
}

// Await returns as soon as the ledger satisfies holds, which it asks at once
// and after each change.
func (k *Call) Await(ctx context.Context, holds func(Ledger) bool) error {
	for {
		k.mu.Lock()
		if k.changed == nil {
			k.changed = make(chan struct{})
		}
		changed := k.changed
		ledger := k.ledger()
		k.mu.Unlock()
		if holds(ledger) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-k.carrier.ctx.Done():
			return ErrClosed
		}
	}
}

// HangUp lets one of the two people hang up now, whatever the script says; a
// callee whose phone still rings declines. It does nothing if that person has
// no live leg.
func (k *Call) HangUp(who party.Side) {
	k.mu.Lock()
	defer k.unlock()
	if who == party.Caller {
		if len(k.legs) > 0 {
			k.leave(k.legs[0], who)
		}
		return
	}
	for _, l := range k.legs {
		switch {
		case l.inbound():
		case l.stage == up:
			k.leave(l, who)
		case l.stage == ringing:
			k.end(l, "call_rejected", "callee", "603")
		}
	}
}

// PickUp lets the callee answer now, if a phone rings.
func (k *Call) PickUp() {
	k.mu.Lock()
	defer k.unlock()
	for _, l := range k.legs {
		if !l.inbound() && l.stage == ringing {
			k.pickUp(l)
			return
		}
	}
}

// number reads a wire number for people: masked when printed, zero if withheld.
func number(s string) phone.Number { return phone.FromCarrier(s) }

// newID is a random UUID of version 4. Ids are secrets of nobody here: they must
// differ, within a run and between runs, and math/rand/v2 sees to that.
func newID() string {
	var id uuid.UUID
	binary.LittleEndian.PutUint64(id[:8], rand.Uint64())
	binary.LittleEndian.PutUint64(id[8:], rand.Uint64())
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id.String()
}
