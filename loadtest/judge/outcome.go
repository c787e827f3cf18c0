package judge

import (
	"time"

	"maskswitch/loadtest/party"
)

// outcome names what became of the call, and says whether that was the plan.
func (h *hearing) outcome() {
	v, talked := h.v, h.l.Talked()
	planned := true
	switch {
	case h.atCheckout:
		v.Outcome = "cut at checkout"
	case talked:
		v.Outcome, planned = "talked", !h.unrecorded()
	case !h.l.Over && h.endA == nil:
		v.Outcome = "unfinished"
	case h.endB != nil && h.endB.Cause != "originator_cancel" && len(h.l.Connections) > 0:
		v.Outcome, planned = h.reaction()
	case h.turnedAway() && h.wasTold():
		v.Outcome, v.Told = "told: "+h.e.Who.String(), true
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
