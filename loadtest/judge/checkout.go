package judge

import (
	"time"

	"maskswitch/loadtest/carrier"
	"maskswitch/loadtest/party"
)

// agreed is what the bookings that may have led to a connection say about its
// end.
type agreed struct {
	cut, finish bool // some of them are so
	// A cut may come from one on, and people still talk until the other. Where
	// nobody is cut, from is when the booking may first have ended.
	from, until time.Time
}

// agreed asks the bookings, of which there is one as a rule. It reports false
// if not all are known.
func (h *hearing) agreed(c *carrier.Connection) (agreed, bool) {
	var a agreed
	for _, k := range h.c.held {
		if callee, _ := k.other(h.c.at.party, h.c.at.number); callee != c.Callee || !k.mayLive(h.from, c.Rang, h.cfg.Fuzz) {
			continue
		}
		k.mu.Lock()
		cut, grace := k.terms.Cut, k.terms.Grace
		from, until := k.ends(h.cfg.Fuzz)
		k.mu.Unlock()
		if a.from.IsZero() || from.Add(grace).Before(a.from) {
			a.from = from.Add(grace)
		}
		a.until = later(a.until, until.Add(grace))
		a.cut, a.finish = a.cut || cut, a.finish || !cut
	}
	return a, a.cut != a.finish && !h.c.pending
}

// ends is between which instants the booking ends, by the clock or by request.
func (k *booking) ends(fuzz time.Duration) (from, until time.Time) {
	from, until = k.soonestEnd().Add(-fuzz), k.latestEnd().Add(fuzz)
	if !k.doubt.From.IsZero() {
		from = earlier(from, k.doubt.From)
	}
	if !k.closing.IsZero() {
		from = earlier(from, k.closing)
	}
	if !k.closed.IsZero() && !k.unsure {
		until = earlier(until, k.closed)
	}
	return from, until
}

// leastRing is the shortest ring that a transfer can ask for.
const leastRing = 5 * time.Second

// cut looks for a hangup by the switch while people talked, or while a phone
// had hardly begun to ring, that no checkout called for. The carrier names the
// persons who hung up; it does not know the source of a hangup that was
// commanded. A person who hung up at the same moment may be told of a little
// later.
func (h *hearing) cut() {
	if h.touched || h.late || h.v.Want != Connect {
		return
	}
	by := h.hungUp()
	if by == nil {
		return
	}
	for i := range h.l.Events {
		e := &h.l.Events[i]
		if e.Kind == "call.hangup" && e.Source != "unknown" && e.At.Before(by.At.Add(slack)) {
			return
		}
	}
	for i := range h.l.Connections {
		c := &h.l.Connections[i]
		a, known := h.agreed(c)
		talked := !c.Talked.IsZero() && c.Talked.Before(by.At)
		switch {
		case !known, !c.Ended.IsZero() && c.Ended.Before(by.At):
		case a.cut && !by.At.Before(a.from.Add(-slack)):
			h.atCheckout = true
		case !talked && (by.At.Sub(c.Rang) >= h.world(leastRing) || h.e.Script.Callee != party.Answer):
		default:
			h.cutShort(c, by, a, talked)
		}
	}
}

// cutShort finds one connection that was cut, and says why it may not have been.
func (h *hearing) cutShort(c *carrier.Connection, by *carrier.Command, a agreed, talked bool) {
	kind, why := CallCut, "; its booking lives until "+h.since(a.from)
	switch {
	case a.cut:
		why = "; its booking cuts calls, no sooner than " + h.since(a.from)
	case !by.At.Before(a.from):
		kind, why = FinishCut, "; its booking lets people finish (on_checkout)"
	}
	if talked {
		h.find(kind, by.At, "two people had talked since %s when the switch hung up leg %s at %s%s", h.since(c.Talked), by.Leg, h.since(by.At), why)
		return
	}
	h.find(kind, by.At, "the phone of %s had rung since %s when the switch hung up leg %s at %s%s", c.Callee, h.since(c.Rang), by.Leg, h.since(by.At), why)
}

// hungUp is the first hangup of any leg that the switch asked for and got.
func (h *hearing) hungUp() *carrier.Command {
	var by *carrier.Command
	for i := range h.l.Commands {
		if c := &h.l.Commands[i]; c.Action == "hangup" && c.Effective && (by == nil || c.At.Before(by.At)) {
			by = c
		}
	}
	return by
}

// overtime looks for people who talk on although their booking had to cut them
// off. A fault excuses that only while it lasts.
func (h *hearing) overtime() {
	if h.late || h.ringA == nil {
		return
	}
	if _, taken := h.heard(h.ringA); !taken {
		return // the switch does not know of the call
	}
	for i := range h.l.Commands {
		if c := &h.l.Commands[i]; c.Action == "hangup" && c.Faulted {
			return
		}
	}
	for i := range h.l.Connections {
		c := &h.l.Connections[i]
		if c.Talked.IsZero() {
			continue
		}
		a, known := h.agreed(c)
		if !known || !a.cut {
			continue
		}
		end := c.Ended
		if end.IsZero() {
			end = h.at
		}
		due := a.until
		for _, d := range h.t.Down {
			switch {
			case d.From.After(end):
			case d.To.IsZero():
				due = end
			default:
				due = later(due, d.To)
			}
		}
		if end.After(due.Add(h.cfg.React + slack)) {
			h.find(TalkedOn, due, "the booking of the call ends the talk, which had to be over at %s; %s and %s talked until %s",
				h.since(due), h.caller(), c.Callee, h.since(end))
		}
	}
}

// talking says whether two people were connected at an instant.
func (h *hearing) talking(at time.Time) bool {
	for i := range h.l.Connections {
		if c := &h.l.Connections[i]; !c.Talked.IsZero() && c.Talked.Before(at) && (c.Ended.IsZero() || c.Ended.After(at)) {
			return true
		}
	}
	return false
}
