package carrier

import (
	"slices"
	"time"
)

// Observer hears what happens on the wire while it happens. Its methods are
// called from many goroutines, without any lock of the carrier, and must not
// block: a delivery or an answer waits for them.
type Observer interface {
	// Delivered is called after each attempt to deliver an event was answered,
	// timed out, or was lost by a fault, and before the ledger has it: so each
	// one comes before Ended.
	Delivered(k *Call, leg, kind string, d Delivery)

	// Commanded is called after each request about a leg was answered, held
	// until the carrier closed, or cut. Requests that come after the end of a
	// call come after Ended.
	Commanded(k *Call, c Command, r Reaction)

	// Ended is called once for each call, when Done closes. The call may be
	// forgotten in it.
	Ended(k *Call)
}

// Reaction is how long the switch took from an event to the command that it
// calls for. Each cause has one: that of the first request that follows it,
// whatever the answer.
type Reaction struct {
	// Step names the request, by its cause:
	//
	//	answer, reject   of leg A, after its call.initiated
	//	transfer         of leg A, after its call.answered
	//	record_start     of any leg, after a callee's call.answered, or after the
	//	                 end of a line that announces it to the two
	//	tell             speak, playback_start or hangup of the living leg A,
	//	                 after the call.hangup of a callee who was not reached,
	//	                 or after its call.answered where no transfer follows
	//
	// It is empty for a request without cause, for one whose cause has been
	// reacted to, and for one that came before its cause was sent.
	Step string

	// Both end when the request arrived. Corrected begins when the delivery
	// that told the switch was due, so that a late tester does not flatter the
	// switch; Uncorrected when it was sent. That delivery is the first of the
	// event that a fault did not lose.
	Corrected, Uncorrected time.Duration
}

// cause is a step's event, and whether the switch has reacted to it.
type cause struct {
	event   *event
	reacted bool
}

// Steps of a call, as places among its causes.
const (
	toAnswer = iota
	toTransfer
	toRecord
	toTell
	causes
)

// causeOf is the step that an event calls for.
func causeOf(l *leg, kind string, detail any) (int, bool) {
	switch {
	case l.inbound() && kind == "call.initiated":
		return toAnswer, true
	case l.inbound() && kind == "call.answered":
		return toTransfer, true
	case kind == "call.answered":
		return toRecord, true
	case kind == "call.speak.ended":
		s, ok := detail.(*speech)
		return toRecord, ok && s.status == "completed" && l.call.talking()
	case kind == "call.hangup" && !l.inbound():
		end, ok := detail.(*ending)
		return toTell, ok && !end.talked
	}
	return 0, false
}

// calls notes an event as the cause of what should follow. Of several causes of
// one step the first is kept until the switch has reacted to it; but a line that
// two people hear before they are recorded is what the recording waits for.
func (k *Call) calls(ev *event, l *leg, detail any) {
	step, ok := causeOf(l, ev.Kind, detail)
	c := &k.causes[step]
	if waits := ev.Kind == "call.speak.ended" && c.event != nil && c.event.Kind != ev.Kind; ok && (c.event == nil || c.reacted || waits) {
		*c = cause{event: ev}
	}
}

// reaction finds what a request reacts to.
func (k *Call) reaction(l *leg, action string, at time.Time) Reaction {
	var step int
	name := action
	switch {
	case l.inbound() && (action == "answer" || action == "reject"):
		step = toAnswer
	case l.inbound() && action == "transfer":
		step = toTransfer
	case action == "record_start":
		step = toRecord
	case l.inbound() && l.alive() && slices.Contains([]string{"speak", "playback_start", "hangup"}, action):
		step, name = toTell, "tell"
		if k.causes[toTell].event == nil {
			step = toTransfer
		}
	default:
		return Reaction{}
	}
	c := &k.causes[step]
	if c.event == nil || c.reacted {
		return Reaction{}
	}
	c.reacted = true
	if c.event.sent.IsZero() {
		return Reaction{}
	}
	return Reaction{Step: name, Corrected: at.Sub(c.event.due), Uncorrected: at.Sub(c.event.sent)}
}

// leaves notes the first delivery of an event that really goes out.
func (k *Call) leaves(ev *event, d *Delivery) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if ev.sent.IsZero() {
		ev.due, ev.sent = d.Due, d.Sent
	}
}

// unlock ends a critical section in which the call may have ended.
func (k *Call) unlock() {
	tell := k.closed && !k.told
	k.told = k.closed
	k.mu.Unlock()
	if o := k.carrier.cfg.Observer; tell && o != nil {
		o.Ended(k)
	}
}
