package judge

import (
	"time"

	"maskswitch/loadtest/carrier"
)

// action is a set of the carrier's commands.
type action uint16

const (
	answer action = 1 << iota
	transfer
	dial
	reject
	hangup
	speak
	record
	other // anything else that makes something of a leg
)

func actionOf(c *carrier.Command) action {
	switch c.Action {
	case "answer":
		return answer
	case "transfer":
		return transfer
	case "dial", "bridge":
		return dial
	case "reject":
		return reject
	case "hangup":
		return hangup
	case "speak", "playback_start", "gather_using_speak":
		return speak
	case "record_start":
		return record
	case "status", "client_state_update":
		return 0
	}
	return other
}

// duty is a command that must follow an event.
type duty struct {
	step   step
	cause  *carrier.Event
	needs  [4]*carrier.Event // what the switch must have taken before, besides the cause
	any    action            // one of these does it, on any leg
	after  time.Time         // earlier commands do not count
	relief time.Time         // from then on nothing was owed; zero: never
	kind   Kind              // if it never came
	must   string            // what had to follow, for people
}

// duties holds what the switch did against what each event called for.
func (h *hearing) duties() {
	over := instant(h.endA)
	if h.ringA != nil {
		d := duty{step: stepAnswer, cause: h.ringA, any: answer | transfer | dial | reject | hangup | other, relief: over,
			kind: EventIgnored, must: "the caller had to be answered"}
		switch h.v.Want {
		case Refuse:
			d.step, d.must = stepReject, "the caller had to be refused"
			if h.past {
				d.must = "the caller had to be refused, or answered and told that the booking has ended"
			}
		case Either:
			d.must = "the caller had to be answered or refused"
		}
		h.must(d)
	}
	if h.answerA != nil && h.ringA != nil && (len(h.l.Connections) == 0 || h.asked("transfer")) {
		d := duty{step: stepTransfer, cause: h.answerA, needs: [4]*carrier.Event{h.ringA}, any: transfer | dial | hangup | speak | other,
			relief: over, kind: EventIgnored, must: "the call had to be transferred"}
		if h.v.Want == Refuse {
			d.step, d.must = stepTell, "the caller, who may reach nobody, had to be told or released"
		}
		if h.past {
			d.any, d.kind, d.must = speak|transfer|dial, LeftInSilence, "the caller had to be told that the booking has ended"
		}
		h.must(d)
	}
	failed := h.endB != nil && !h.l.Talked() && h.ringB != nil
	if failed {
		h.must(duty{step: stepTell, cause: h.endB, needs: [4]*carrier.Event{h.ringA, h.answerA, h.ringB},
			any: transfer | dial | speak | hangup | other, after: h.endB.At, relief: over,
			kind: EventIgnored, must: "the caller had to be told, or released: to him this is silence"})
	}
	if e := h.spoken; e != nil && (failed && e.At.After(h.endB.At) || len(h.l.Connections) == 0) {
		d := duty{step: stepRelease, cause: e, any: transfer | dial | speak | hangup | other, after: e.At, relief: over,
			kind: EventIgnored, must: "the line was said, and the caller had to be released"}
		if h.past {
			d.any, d.kind = transfer|dial|hangup, LeftOnTheLine
		}
		h.must(d)
	}
	if h.cfg.Record && h.answerB != nil && h.l.Talked() && h.rec.on {
		h.dutyToRecord(over)
	}
}

// dutyToRecord is owed until the first of two hangs up. Where the recording has to
// be announced it follows the announcement, and that the answer.
func (h *hearing) dutyToRecord(relief time.Time) {
	for i := range h.l.Connections {
		if end := h.l.Connections[i].Ended; !end.IsZero() && (relief.IsZero() || end.Before(relief)) {
			relief = end
		}
	}
	d := duty{step: stepRecord, cause: h.answerB, needs: [4]*carrier.Event{h.ringA, h.answerA, h.ringB}, any: record, relief: relief,
		kind: NotRecorded, must: "a recording had to begin"}
	if h.cfg.Consent != "" {
		said := d
		said.step, said.any, said.after, said.must = stepNotice, speak, h.answerB.At, "both had to be told that they are recorded"
		if !h.v.has(RecordedUnheard) { // which says it better
			h.must(said)
		}
		if d.cause = h.heardBoth; d.cause == nil {
			return
		}
	}
	if len(h.l.Recordings) == 0 || h.l.Effects("record_start") > 0 {
		h.must(d)
	} // else it was ordered with the answer or the transfer
}

func instant(e *carrier.Event) time.Time {
	if e == nil {
		return time.Time{}
	}
	return e.At
}

// must judges one duty.
func (h *hearing) must(d duty) {
	from, taken := h.heard(d.cause)
	for _, e := range d.needs {
		if e == nil {
			continue
		}
		at, ok := h.heard(e)
		from, taken = later(from, at), taken && ok
	}
	if !taken {
		return // if that is the switch's doing, the event was refused
	}
	due := from.Add(h.cfg.React)
	var came *carrier.Command
	for i := range h.l.Commands {
		c := &h.l.Commands[i]
		if actionOf(c)&d.any != 0 && !c.At.Before(d.after) && (came == nil || c.At.Before(came.At)) {
			came = c
		}
	}
	switch {
	case came != nil && came.At.After(due):
		if !d.relief.IsZero() && d.relief.Before(due.Add(slack)) {
			return // nothing was owed any more when it came
		}
		h.v.Rungs[d.step].Late++
		if !h.touched {
			h.find(LateReaction, came.At, "%s of leg %s was taken at %s; %s within %s, and %s came at %s",
				d.cause.Kind, d.cause.Leg, h.since(from), d.must, h.cfg.React, came.Action, h.since(came.At))
		}
	case came != nil:
	case !d.relief.IsZero() && d.relief.Before(due.Add(slack)):
	case !h.l.Over && h.at.Before(due.Add(slack)):
	default:
		h.v.Rungs[d.step].Missing++
		if !h.touched {
			h.find(d.kind, due, "%s of leg %s was taken at %s; %s within %s, and nothing came", d.cause.Kind, d.cause.Leg, h.since(from), d.must, h.cfg.React)
		}
	}
}

// refused looks for a caller who had to be connected and was turned away. A
// switch that heard of the call too late, or met a fault, may give up.
func (h *hearing) refused() {
	if h.v.Want != Connect || h.touched || h.late || !h.turnedAway() || h.endA == nil {
		return
	}
	h.find(CallerRefused, h.endA.At, "%s is a party of a live booking on %s; the call was ended by the switch at %s and nobody was called",
		h.caller(), h.l.Proxy, h.since(h.endA.At))
}

// events looks for those that the switch turned away for good.
func (h *hearing) events() {
	for i := range h.l.Events {
		e := &h.l.Events[i]
		if e.Accepted || (!e.Refused && !e.GivenUp) || !h.left(e) {
			continue
		}
		var last *carrier.Delivery
		trouble := false
		for j := range e.Deliveries {
			d := &e.Deliveries[j]
			if !d.Lost {
				last = d
				trouble = trouble || h.t.overlaps(d.Sent, d.Sent.Add(d.Took), h.cfg.React)
			}
		}
		if trouble || last == nil {
			continue
		}
		kind, how := EventRefused, "given up after the last delivery"
		if e.Kind == "call.recording.saved" {
			kind = RecordingLost
		}
		if e.Refused {
			how = "not delivered again"
		}
		h.find(kind, last.Sent, "%s of leg %s at %s was answered %s and is %s; answer 2xx to what is genuine, and 503 to what cannot be taken now",
			e.Kind, e.Leg, h.since(e.At), status(last), how)
	}
}

// recordings looks at what the carrier kept of a call that is over.
func (h *hearing) recordings() {
	if !h.l.Over {
		return
	}
	for i := range h.l.Recordings {
		if rec := &h.l.Recordings[i]; rec.Size == 0 && !rec.Failed {
			h.find(RecordingLost, h.last, "recording %s began at %s and was never saved", rec.ID, h.since(rec.Started))
		}
	}
}

// asked says whether an action was asked for on leg A.
func (h *hearing) asked(action string) bool {
	for i := range h.l.Commands {
		if c := &h.l.Commands[i]; c.Action == action && c.Leg == "A" {
			return true
		}
	}
	return false
}
