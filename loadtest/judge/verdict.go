package judge

import (
	"fmt"
	"time"

	"maskswitch/actors/phone"
	"maskswitch/loadtest/carrier"
)

// Verdict is what became of a call.
type Verdict struct {
	// Outcome: "talked", "busy", "no answer", "declined", "unreachable",
	// "abandoned", "refused: stranger" (withheld, late, party), "told: late" (that
	// the booking has ended), "cut at checkout", "unfinished", "failed".
	Outcome string
	Want    Want
	// Failed: it did not go as planned. With Excused a fault did it, and not
	// the switch.
	Failed, Excused bool
	Told            bool // that the booking has ended
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

	rec       policy
	saidBoth  *carrier.Command // with Config.Consent: announces the recording
	heardBoth *carrier.Event   // and its end

	past       bool // wasParty
	atCheckout bool // the booking ended the call, as was agreed
}

// Judge holds a call against what was promised. The call is over, or the run's
// patience with it is. It takes about a microsecond for each event.
func (r *Register) Judge(e Expected, l carrier.Ledger, t Trouble) Verdict {
	var v Verdict
	h := hearing{Register: r, e: &e, l: &l, t: &t, v: &v, at: r.now(), rush: r.cfg.Speed}
	h.read()
	h.c = r.chances(l.Proxy, l.Caller)
	v.Want = h.c.want(h.from, decided(&l, h.last), r.cfg.Fuzz)
	h.past = h.wasParty()
	h.rec = h.policy()
	if r.cfg.Consent != "" {
		h.saidBoth, h.heardBoth = h.consent()
	}
	h.strike()
	h.connections()
	h.twice()
	h.commands()
	h.events()
	h.recorded()
	h.duties()
	h.refused()
	h.inVain()
	h.unsaid()
	h.cut()
	h.overtime()
	h.recordings()
	h.owe()
	h.ending()
	h.outcome()
	h.climb()
	h.used()
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

// known masks a number, or says that there is none.
func known(n phone.Number) string {
	if !n.Known() {
		return "no number"
	}
	return n.String()
}
