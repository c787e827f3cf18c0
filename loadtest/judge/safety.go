package judge

import (
	"time"

	"maskswitch/actors/phone"
	"maskswitch/loadtest/carrier"
	"maskswitch/loadtest/market"
)

// connections looks at who was called, and what they saw. No fault excuses
// anything here.
func (h *hearing) connections() {
	for i := range h.l.Connections {
		c := &h.l.Connections[i]
		how, back := h.reaches(h.c, c.Callee, h.from, c.Rang)
		verb := "rang"
		if !c.Talked.IsZero() {
			verb = "was answered"
		}
		switch how {
		case right:
			h.shown(c, back)
			continue
		case wrong:
			h.find(WrongPerson, c.Rang, "%s dialled %s, where a booking leads to somebody else; the phone of %s %s at %s",
				h.caller(), h.l.Proxy, known(c.Callee), verb, h.since(c.Rang))
		default:
			h.find(h.nobody(how), c.Rang, "%s dialled %s and had to be refused; the phone of %s %s at %s",
				h.caller(), h.l.Proxy, known(c.Callee), verb, h.since(c.Rang))
		}
		if c.Shown.Known() && (c.Shown == c.Caller || c.Shown == c.Callee) {
			h.shown(c, phone.Number{})
		}
	}
	for _, leak := range h.l.Leaks {
		h.find(NumberShown, h.l.Placed, "%s of leg %s has the party's number %s in its member %s; only the \"to\" of a transfer may have one",
			leak.Action, leak.Leg, leak.Number, leak.Member)
	}
	if h.v.Want != Refuse || len(h.l.Connections) > 0 {
		return
	}
	for i := range h.l.Commands {
		if c := &h.l.Commands[i]; c.Action == "transfer" && c.Effective {
			how, _ := h.reaches(h.c, phone.Number{}, h.from, c.At)
			h.find(h.nobody(how), c.At, "%s dialled %s and had to be refused; a transfer was carried out at %s, and only the caller's leaving kept a phone from ringing",
				h.caller(), h.l.Proxy, h.since(c.At))
		}
	}
}

// nobody names the connection of a caller who may reach nobody.
func (h *hearing) nobody(how reach) Kind {
	switch {
	case !h.l.Caller.Known():
		return WithheldConnected
	case how == past, h.e.Who == market.Late:
		return LateConnected
	}
	return StrangerConnected
}

// shown looks at the caller id of a connection; back is what the callee dials
// to reach the caller, zero if nobody knows.
func (h *hearing) shown(c *carrier.Connection, back phone.Number) {
	switch {
	case c.Shown.Known() && (c.Shown == c.Caller || c.Shown == c.Callee):
		h.find(NumberShown, c.Rang, "the phone of %s showed %s, which is a party's own number; it had to show %s", c.Callee, c.Shown, known(back))
	case back.Known() && c.Shown != back:
		h.find(WrongCallerID, c.Rang, "the phone of %s showed %s; the number that leads back to the caller is %s", c.Callee, known(c.Shown), back)
	}
}

// twice looks for commands that took effect twice.
func (h *hearing) twice() {
	var answered, transferred *carrier.Command
	for i := range h.l.Commands {
		c := &h.l.Commands[i]
		switch {
		case c.Action == "answer" && answered != nil && c.Leg == answered.Leg && (c.Effective || h.again(c)):
			h.find(AnsweredTwice, c.At, "leg %s was answered at %s, and again at %s under another command id or after the carrier had forgotten the first",
				c.Leg, h.since(answered.At), h.since(c.At))
		case c.Action == "transfer" && transferred != nil && c.Effective:
			h.find(TransferredTwice, c.At, "leg %s was transferred at %s, and again at %s: the carrier dials anew for each transfer that it does not know as a repeat",
				c.Leg, h.since(transferred.At), h.since(c.At))
		case c.Action == "answer" && c.Effective:
			answered = c
		case c.Action == "transfer" && c.Effective:
			transferred = c
		}
	}
	for i := range h.l.Recordings {
		for j := range i {
			a, b := &h.l.Recordings[j], &h.l.Recordings[i]
			if a.Ended.IsZero() || b.Started.Before(a.Ended) {
				h.find(RecordedTwice, b.Started, "a recording began at %s while one that had begun at %s still ran", h.since(b.Started), h.since(a.Started))
			}
		}
	}
}

// again says that a second answer was turned down by the carrier only because
// the leg was up already. A switch that comes back from a kill may ask so.
func (h *hearing) again(c *carrier.Command) bool {
	return c.Code == "10015" && !c.Repeat && !c.Faulted && !h.touched
}

// commands looks for requests that the carrier's own rules turned down.
func (h *hearing) commands() {
	for i := range h.l.Commands {
		c := &h.l.Commands[i]
		if c.Faulted || c.Repeat || c.Action == "status" || c.Status < 400 || c.Status >= 500 || c.Status == 408 || c.Status == 429 {
			continue
		}
		switch c.Code {
		case "90018": // the leg had ended: a race that nobody can win
			continue
		case "90034", "90020": // not answered yet, no audio yet: ask again, and it works
			if h.touched || h.worked(c) {
				continue
			}
		case "10015":
			if c.Action == "answer" && (h.touched || h.v.has(AnsweredTwice)) {
				continue
			}
		}
		h.find(BadCommand, c.At, "%s on leg %s was answered %d with code %s at %s; the ladder shows when, and the carrier's documents say what the command may hold and when it may come",
			c.Action, c.Leg, c.Status, c.Code, h.since(c.At))
	}
}

// worked says that the same action was carried out later on the same leg, or
// that the leg ended before it could be asked for again.
func (h *hearing) worked(c *carrier.Command) bool {
	for i := range h.l.Commands {
		if o := &h.l.Commands[i]; o.Action == c.Action && o.Leg == c.Leg && o.Effective && o.At.After(c.At) {
			return true
		}
	}
	end := h.endA
	if c.Leg != "A" {
		end = h.endB
	}
	return end != nil && end.At.Before(c.At.Add(h.cfg.React))
}

func (v *Verdict) has(k Kind) bool {
	for i := range v.Findings {
		if v.Findings[i].Kind == k {
			return true
		}
	}
	return false
}

// ending looks for legs that live although nobody has a reason to wait any
// longer. No fault excuses that, as long as the switch could know of the call
// and the carrier would let it hang up.
func (h *hearing) ending() {
	if h.l.Over {
		return
	}
	alive := h.l.Alive()
	if len(alive) == 0 || h.forbidden() || h.at.Before(h.until().Add(h.cfg.React)) {
		return
	}
	h.find(NeverEnded, h.at, "leg %s is still up %s after the dialling, and by the script nobody waits for anything but the switch since %s; hang up what nobody talks on",
		alive[0], h.at.Sub(h.l.Placed).Round(time.Millisecond), h.since(h.until()))
}

// forbidden says that a fault turned the switch's own hangup down for good.
func (h *hearing) forbidden() bool {
	for i := range h.l.Commands {
		c := &h.l.Commands[i]
		if c.Faulted && c.Action == "hangup" && c.Status >= 400 && c.Status < 500 && c.Status != 408 && c.Status != 429 {
			return true
		}
	}
	return false
}

// forever is the end of what ends by somebody else only.
const forever = 1000 * time.Hour

// until is when a call that goes on had to end by itself, or when the switch
// last heard of something that it must act on.
func (h *hearing) until() time.Time {
	at, s := h.l.Placed, h.e.Script
	knows := false
	for i := range h.l.Events {
		e := &h.l.Events[i]
		from, _ := h.heard(e) // one that it turned away is its own doing
		at = later(at, e.At)
		if !from.IsZero() {
			at, knows = later(at, from), true
		}
	}
	if !knows {
		return at.Add(forever) // the switch has not heard of the call
	}
	for _, d := range h.t.Down {
		if d.To.IsZero() {
			return at.Add(forever)
		}
		at = later(at, d.To)
	}
	for i := range h.l.Connections {
		switch c := &h.l.Connections[i]; {
		case !c.Ended.IsZero():
		case !c.Talked.IsZero() && s.Talk == 0:
			return at.Add(forever)
		case !c.Talked.IsZero():
			at = later(at, c.Talked.Add(h.world(s.Talk)))
		default: // the longest ring that a transfer can ask for is ten minutes; few take more than one
			at = later(at, c.Rang.Add(h.world(time.Minute)))
		}
	}
	for i := range h.l.Commands { // a line takes its time, and the caller's leaving after it too
		if c := &h.l.Commands[i]; c.Effective && (c.Action == "speak" || c.Action == "playback_start") && h.spoken == nil {
			at = later(at, c.At.Add(h.world(time.Minute)))
		}
	}
	if h.spoken != nil {
		at = later(at, h.spoken.At.Add(h.world(s.AfterSpeech)))
	}
	return later(at, h.l.Placed.Add(h.world(s.Patience)))
}
