package judge

import (
	"fmt"
	"time"

	"maskswitch/actors/phone"
	"maskswitch/loadtest/carrier"
	"maskswitch/loadtest/party"
)

// Verdict is what became of a call.
type Verdict struct {
	// Outcome: "talked", "busy", "no answer", "declined", "unreachable",
	// "abandoned", "refused: stranger" (withheld, late, party), "unfinished",
	// "failed".
	Outcome string
	Want    Want
	// Failed: it did not go as planned. With Excused a fault did it, and not
	// the switch.
	Failed, Excused bool
	Findings        []Finding
	Rungs           Rungs
}

// slack is how far two instants of the ledger may be apart that belong
// together: the carrier sends the hangup of a leg up to 50 ms after its end.
const slack = 100 * time.Millisecond

// hearing is one call in court.
type hearing struct {
	*Register
	e *Expected
	l *carrier.Ledger
	t *Trouble
	v *Verdict

	at   time.Time // when it is judged, for a call that is not over
	from time.Time // when they really dialled: Placed is when they had to, by the plan
	last time.Time // the last thing that happened
	c    *chances
	rush float64 // Config.Speed

	// The first event of each kind; nil: has not come. B is any leg but A.
	ringA, answerA, endA, ringB, answerB, endB, spoken *carrier.Event

	// touched: a fault struck the call, so that it may fail. late: events came
	// so late, for no fault of the switch, that it may have given up on them.
	touched, late bool
}

// Judge holds a call against what was promised. The call is over, or the run's
// patience with it is. It takes about a microsecond for each event.
func (r *Register) Judge(e Expected, l carrier.Ledger, t Trouble) Verdict {
	var v Verdict
	h := hearing{Register: r, e: &e, l: &l, t: &t, v: &v, at: r.now(), rush: r.cfg.Speed}
	h.read()
	h.c = r.chances(l.Proxy, l.Caller)
	v.Want = h.c.want(h.from, decided(&l, h.last), r.cfg.Fuzz)
	h.strike()
	h.connections()
	h.twice()
	h.commands()
	h.events()
	h.duties()
	h.refused()
	h.cut()
	h.recordings()
	h.ending()
	h.outcome()
	h.climb()
	r.judged.note(&l, h.at)
	if len(v.Findings) > 0 {
		v.Failed, v.Excused = true, false
		ladder := l.Ladder()
		for i := range v.Findings {
			v.Findings[i].Ladder = ladder
		}
	}
	return v
}

// read finds the events that everything else asks for.
func (h *hearing) read() {
	h.from = later(h.l.Placed, h.e.At)
	h.last = h.from
	for i := range h.l.Events {
		e := &h.l.Events[i]
		h.last = later(h.last, e.At)
		a := e.Leg == "A"
		switch e.Kind {
		case "call.initiated":
			first(e, a, &h.ringA, &h.ringB)
		case "call.answered":
			first(e, a, &h.answerA, &h.answerB)
		case "call.hangup":
			first(e, a, &h.endA, &h.endB)
		case "call.speak.ended", "call.playback.ended":
			if a && e.Cause == "completed" {
				h.spoken = e // the last
			}
		}
	}
	for i := range h.l.Commands {
		h.last = later(h.last, h.l.Commands[i].At)
	}
	if !h.l.Over {
		h.last = later(h.last, h.at)
	}
}

func first(e *carrier.Event, a bool, ofA, ofB **carrier.Event) {
	of := ofA
	if !a {
		of = ofB
	}
	if *of == nil {
		*of = e
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// strike looks for what excuses a failure. Copies and delays of events excuse
// little: what the switch owes runs from when it took an event.
func (h *hearing) strike() {
	h.touched = h.t.overlaps(h.l.Placed, h.last, h.cfg.React)
	for i := range h.l.Commands {
		if h.l.Commands[i].Faulted {
			h.touched = true
		}
	}
	for i := range h.l.Events {
		e := &h.l.Events[i]
		if !e.Faulted {
			continue
		}
		from, taken := h.heard(e)
		switch {
		case !taken && !h.left(e):
			h.touched = true // dropped: the switch cannot know
		case from.Sub(e.At) > h.cfg.React:
			h.late = true
		}
	}
}

// left says whether any delivery of an event left the carrier.
func (h *hearing) left(e *carrier.Event) bool {
	for i := range e.Deliveries {
		if !e.Deliveries[i].Lost {
			return true
		}
	}
	return false
}

// heard is the instant from which an event obliges the switch: when it was
// first taken, or first turned away without need. It reports false for one
// that was never taken.
func (h *hearing) heard(e *carrier.Event) (time.Time, bool) {
	var from time.Time
	for i := range e.Deliveries {
		d := &e.Deliveries[i]
		if d.Lost {
			continue
		}
		at := d.Sent.Add(d.Took)
		if d.Status/100 != 2 && h.t.overlaps(d.Sent, at, h.cfg.React) {
			continue
		}
		if from.IsZero() || at.Before(from) {
			from = at
		}
	}
	return from, e.Accepted && !from.IsZero()
}

// find notes a finding, one of a kind for each call.
func (h *hearing) find(k Kind, at time.Time, format string, args ...any) {
	for i := range h.v.Findings {
		if h.v.Findings[i].Kind == k {
			return
		}
	}
	h.v.Findings = append(h.v.Findings, Finding{Kind: k, Call: h.e.Call, Booking: h.e.Booking, At: at, Text: fmt.Sprintf(format, args...)})
}

// since is an instant as people read it: since the dialling.
func (h *hearing) since(t time.Time) string {
	return fmt.Sprintf("+%d ms", t.Sub(h.l.Placed).Milliseconds())
}

// world is how long d of people's time takes here.
func (h *hearing) world(d time.Duration) time.Duration { return time.Duration(float64(d) / h.rush) }

// caller is who dialled, for people.
func (h *hearing) caller() string {
	if !h.l.Caller.Known() {
		return "a caller who hides the number"
	}
	return h.l.Caller.String()
}

// outcome names what became of the call, and says whether that was the plan.
func (h *hearing) outcome() {
	v, talked := h.v, h.l.Talked()
	planned := true
	switch {
	case talked:
		v.Outcome = "talked"
	case !h.l.Over && h.endA == nil:
		v.Outcome = "unfinished"
	case h.endB != nil && h.endB.Cause != "originator_cancel" && len(h.l.Connections) > 0:
		v.Outcome, planned = h.reaction()
	case h.turnedAway():
		v.Outcome = "refused: " + h.e.Who.String()
		planned = v.Want != Connect
	case v.Want == Connect && h.e.Script.Patience == 0 && len(h.l.Connections) == 0:
		v.Outcome, planned = "failed", false
	default:
		v.Outcome = "abandoned"
		// Whoever would have waited for an answer was kept waiting.
		planned = v.Want != Connect || h.e.Script.Callee != party.Answer || h.leavesFirst()
	}
	if !planned {
		v.Failed, v.Excused = true, h.touched || h.late
	}
}

// leavesFirst says that by the script the caller leaves before the answer, or
// so near to it that the network decides.
func (h *hearing) leavesFirst() bool {
	s := h.e.Script
	return s.Patience > 0 && h.world(s.Patience-s.After) < h.cfg.React
}

// reaction is how the callee was not reached, and whether the script says so.
func (h *hearing) reaction() (string, bool) {
	want := h.e.Script.Callee
	switch h.endB.Cause {
	case "user_busy":
		return "busy", want == party.Busy
	case "call_rejected":
		return "declined", want == party.Decline
	case "timeout", "no_answer":
		return "no answer", want == party.RingOut || want == party.NoAnswer
	}
	return "unreachable", want == party.Unreachable || want == party.Failed
}

// turnedAway says that the switch ended leg A without having called anybody, or
// told the caller something and let him go.
func (h *hearing) turnedAway() bool {
	if len(h.l.Connections) > 0 || h.endA == nil {
		return false
	}
	told := false
	for i := range h.l.Commands {
		c := &h.l.Commands[i]
		switch c.Action {
		case "transfer", "dial":
			return false
		case "reject", "hangup":
			if c.Effective && c.Leg == "A" {
				told = true
			}
		}
	}
	if h.spoken != nil && !h.spoken.At.After(h.endA.At) && !h.impatient(h.endA.At) {
		told = true
	}
	return told
}

// impatient says that a caller who left then did so by the script's patience.
func (h *hearing) impatient(left time.Time) bool {
	p := h.e.Script.Patience
	return p > 0 && left.After(h.l.Placed.Add(h.world(p)-slack))
}

// known masks a number, or says that there is none.
func known(n phone.Number) string {
	if !n.Known() {
		return "no number"
	}
	return n.String()
}
