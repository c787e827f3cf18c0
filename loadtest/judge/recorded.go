package judge

import (
	"encoding/json"
	"strings"
	"time"

	"maskswitch/loadtest/carrier"
	"maskswitch/loadtest/market"
)

// policy is what the bookings that may have led to a call's connections say
// about its recording. Of whom nobody knows what they want, everything may have
// been asked for, and nothing is owed.
type policy struct {
	// on and off are certain; neither: nobody can say.
	on, off   bool
	recording string // how; empty: nobody can say, or as the switch does it
	summary   bool   // some of them want one
	bookings  []string
}

// policy asks the bookings, of which there is one as a rule.
func (h *hearing) policy() policy {
	var p policy
	unclear := h.c.pending
	first, same, unrecorded, candidates := "", true, 0, 0
	for i := range h.l.Connections {
		c := &h.l.Connections[i]
		led := false
		for _, k := range h.c.held {
			if callee, _ := k.other(h.c.at.party, h.c.at.number); callee != c.Callee || !k.mayLive(h.from, c.Rang, h.cfg.Fuzz) {
				continue
			}
			candidates++ // its terms never change
			led = true
			p.summary = p.summary || k.terms.Summary
			p.bookings = append(p.bookings, k.id)
			if k.terms.Recording == market.RecordOff {
				unrecorded++
			}
			if candidates == 1 {
				first = k.terms.Recording
			}
			same = same && k.terms.Recording == first
		}
		unclear = unclear || !led // to somebody else, which is found elsewhere
	}
	if candidates == 0 || unclear {
		return policy{bookings: p.bookings, summary: true}
	}
	p.on, p.off = unrecorded == 0, unrecorded == candidates
	if same {
		p.recording = first
	}
	return p
}

// consent finds the sentence that announces the recording: the command that has
// it said to both, and the event of its end.
func (h *hearing) consent() (said *carrier.Command, end *carrier.Event) {
	for i := range h.l.Commands {
		if c := &h.l.Commands[i]; c.Effective && h.announces(c) {
			said = c
			break
		}
	}
	if said == nil {
		return nil, nil
	}
	for i := range h.l.Events {
		e := &h.l.Events[i]
		if e.Kind == "call.speak.ended" && e.Cause == "completed" && e.At.After(said.At) && !h.spokeBetween(said, e.At) && (end == nil || e.At.Before(end.At)) {
			end = e
		}
	}
	return said, end
}

// announces says whether a command has the sentence said to both.
func (h *hearing) announces(c *carrier.Command) bool {
	if c.Action != "speak" || h.answerB == nil || c.At.Before(h.answerB.At) {
		return false
	}
	var in struct {
		Payload string `json:"payload"`
		Targets string `json:"target_legs"`
	}
	return json.Unmarshal(c.Body, &in) == nil && in.Targets == "both" && strings.Contains(in.Payload, h.cfg.Consent)
}

// spokeBetween says whether another line was begun after one, before an instant.
func (h *hearing) spokeBetween(one *carrier.Command, until time.Time) bool {
	for i := range h.l.Commands {
		if c := &h.l.Commands[i]; c != one && c.Action == "speak" && c.Effective && c.At.After(one.At) && c.At.Before(until) {
			return true
		}
	}
	return false
}

// recorded holds each recording against what the booking asked for and what the
// two were told.
func (h *hearing) recorded() {
	for i := range h.l.Commands {
		if c := &h.l.Commands[i]; c.Action == "record_start" && h.rec.off {
			h.find(RecordedUnasked, c.At, "the booking of the call is not to be recorded (recording: off); record_start came at %s", h.since(c.At))
		}
	}
	for i := range h.l.Recordings {
		r := &h.l.Recordings[i]
		how := r.Channels + "-" + r.Format
		switch {
		case h.rec.off:
			h.find(RecordedUnasked, r.Started, "the booking of the call is not to be recorded (recording: off); a recording began at %s", h.since(r.Started))
		case h.rec.recording != "" && h.rec.recording != how:
			h.find(RecordedOtherwise, r.Started, "the booking of the call is to be recorded as %s; it was recorded as %s", h.rec.recording, how)
		}
		if r.Transcribed && !h.rec.summary {
			h.find(SummaryUnasked, r.Started, "the booking of the call wants no summary; the recording that began at %s was given to the carrier to be transcribed", h.since(r.Started))
		}
		if h.cfg.Consent != "" && (h.heardBoth == nil || r.Started.Before(h.heardBoth.At)) {
			h.find(RecordedUnheard, r.Started, "both have to hear to the end that they are recorded, before they are; a recording began at %s, %s", h.since(r.Started), h.announced())
		}
	}
}

// announced tells how far the announcement came, for people.
func (h *hearing) announced() string {
	switch {
	case h.heardBoth != nil:
		return "and the sentence ended at " + h.since(h.heardBoth.At)
	case h.saidBoth != nil:
		return "and the sentence that was begun at " + h.since(h.saidBoth.At) + " did not come to its end"
	}
	return "and the sentence was never said to both"
}

// unrecorded says that two people talked and a fault kept the recording from
// beginning: it was refused, or they talked long enough for it.
func (h *hearing) unrecorded() bool {
	if !h.cfg.Record || len(h.l.Recordings) > 0 || !h.rec.on {
		return false
	}
	refused := h.refusedToRecord()
	if !refused && !h.touched && !h.late {
		return false
	}
	for i := range h.l.Connections {
		c := &h.l.Connections[i]
		end := c.Ended
		if end.IsZero() {
			end = h.at
		}
		from := c.Talked
		if h.heardBoth != nil {
			from = later(from, h.heardBoth.At)
		} else if h.saidBoth != nil {
			continue // they left while it was said
		}
		if !c.Talked.IsZero() && (refused || end.Sub(from) > h.cfg.React) {
			return true
		}
	}
	return false
}

// refusedToRecord says that the carrier turned a record_start down, or the
// announcement before it, and not for want of a live leg.
func (h *hearing) refusedToRecord() bool {
	refused := false
	for i := range h.l.Commands {
		c := &h.l.Commands[i]
		if c.Action != "record_start" && (h.cfg.Consent == "" || !h.announces(c)) {
			continue
		}
		switch {
		case c.Effective && c.Action == "record_start":
			return false
		case c.Effective, c.Repeat:
		case c.Faulted, c.Status >= 400 && c.Code != "90018" && c.Code != "90034" && c.Code != "90020":
			refused = true
		}
	}
	return refused
}
