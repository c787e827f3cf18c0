package judge

import (
	"strconv"

	"maskswitch/loadtest/carrier"
	"maskswitch/loadtest/report"
)

// step is one rung of a ladder, in the order in which a call climbs it.
type step uint8

const (
	stepRingA step = iota
	stepReject
	stepAnswer
	stepAnsweredA
	stepTransfer
	stepRingB
	stepBridged
	stepAnsweredB
	stepRecord
	stepNotice
	stepEndB
	stepTell
	stepSpoken
	stepRelease
	stepEndA
	stepSaved
	stepOther
	stepCount
)

var stepNames = [stepCount]struct {
	name    string
	command bool
}{
	{"A call.initiated", false}, {"reject A", true}, {"answer A", true}, {"A call.answered", false}, {"transfer A", true},
	{"B call.initiated", false}, {"A, B call.bridged", false}, {"B call.answered", false}, {"record_start", true},
	{"speak, while they talk", true},
	{"B call.hangup", false}, {"speak A", true}, {"call.speak.started, ended", false}, {"hangup", true},
	{"A call.hangup", false}, {"call.recording.saved, error", false}, {"other commands", true},
}

// Rungs count what one call did on each step of the ladder.
type Rungs [stepCount]struct {
	Sent, Received, Duplicate, Late, Missing, Unexpected uint16
}

func eventStep(e *carrier.Event) (step, bool) {
	a := e.Leg == "A"
	switch e.Kind {
	case "call.initiated":
		return either(a, stepRingA, stepRingB), true
	case "call.answered":
		return either(a, stepAnsweredA, stepAnsweredB), true
	case "call.hangup":
		return either(a, stepEndA, stepEndB), true
	case "call.bridged":
		return stepBridged, true
	case "call.speak.started", "call.speak.ended", "call.playback.started", "call.playback.ended":
		return stepSpoken, true
	case "call.recording.saved", "call.recording.error":
		return stepSaved, true
	}
	return 0, false
}

func either(a bool, ofA, ofB step) step {
	if a {
		return ofA
	}
	return ofB
}

func (h *hearing) commandStep(c *carrier.Command) step {
	switch c.Action {
	case "answer":
		return stepAnswer
	case "reject":
		return stepReject
	case "transfer":
		return stepTransfer
	case "record_start":
		return stepRecord
	case "speak", "playback_start":
		if h.talking(c.At) {
			return stepNotice
		}
		return stepTell
	case "hangup":
		return stepRelease
	}
	return stepOther
}

// climb counts the call on its ladder. Late and missing commands were counted
// where they were found.
func (h *hearing) climb() {
	r := &h.v.Rungs
	for i := range h.l.Events {
		e := &h.l.Events[i]
		s, known := eventStep(e)
		if !known {
			continue
		}
		taken := 0
		for j := range e.Deliveries {
			d := &e.Deliveries[j]
			if d.Copy > 1 || d.Attempt > 1 {
				r[s].Duplicate++
			}
			if !d.Lost {
				r[s].Sent++
				if d.Status/100 == 2 {
					taken++
				}
			}
		}
		r[s].Received += uint16(taken)
		switch from, ok := h.heard(e); {
		case !ok:
			r[s].Missing++
		case from.Sub(e.At) > h.cfg.React:
			r[s].Late++
		}
		if e.Leg != "A" && (h.v.Want == Refuse || e.Leg != "B") {
			r[s].Unexpected++
		}
	}
	for i := range h.l.Commands {
		c := &h.l.Commands[i]
		s := h.commandStep(c)
		r[s].Received++
		switch {
		case c.Attempt > 1 || c.Repeat:
			r[s].Duplicate++
		case h.unexpected(c, s):
			r[s].Unexpected++
		}
	}
}

// unexpected says that a command has no place on the ladder of its call.
func (h *hearing) unexpected(c *carrier.Command, s step) bool {
	switch s {
	case stepTransfer, stepRecord:
		return h.v.Want == Refuse
	case stepAnswer:
		return h.v.Want == Refuse && !h.past
	case stepReject:
		return h.v.Want == Connect
	case stepOther:
		return c.Action != "status"
	}
	return false
}

// status is how a delivery was answered, for people.
func status(d *carrier.Delivery) string {
	if d.Status == 0 {
		return "not at all"
	}
	return strconv.Itoa(d.Status)
}

// rung is a step as the report has it.
func (s step) rung() report.Rung {
	return report.Rung{Step: stepNames[s].name, Command: stepNames[s].command}
}
