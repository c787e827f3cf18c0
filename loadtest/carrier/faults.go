package carrier

import (
	"math"
	"net/http"
	"time"
)

// Faults is all that goes wrong by itself, as shares between 0 and 1. What
// befalls an event or a command depends on Config.Seed and on what it is, so
// one seed gives one set of faults.
type Faults struct {
	Duplicate float64 // share of events that arrive several times at once
	Copies    int     // how often such an event arrives in all; 0: 2

	Reorder float64       // share of events held back, so that later ones overtake them
	Delay   time.Duration // the longest hold; 0: 1 s

	Loss float64 // share of events whose first delivery vanishes; they come again late

	Skew   time.Duration // the carrier's clock is ahead by this (behind, if negative)
	Jitter time.Duration // occurred_at of each event strays by at most this either way

	RecordingEarly  float64 // share of recordings whose saved event precedes the hangup
	RecordingBare   float64 // share with the official members only: no call_control_id, no recording_id
	RecordingFailed float64 // share that ends in call.recording.error
	RecordingUntold float64 // share whose saved event never comes; the API knows of them
	RecordingAgain  float64 // share whose saved event comes again under an id of its own
	RecordingSplit  float64 // share that ends in the middle of the talk, and another one begins

	TranscriptUntold float64 // share of transcriptions whose event never comes

	// Files strike the files of recordings: a recording has one of these at most,
	// so their rates add up to 1 or less.
	Files []FileFault

	// RateLimit is how many requests about legs the carrier takes in a second; 0:
	// any number. One second's worth may come at once, and what exceeds it is
	// answered 429 with code 10011. While it is set every answer tells the
	// limit. It strikes before Commands, and after Config.OnCommand.
	RateLimit int

	// Commands lists failures by action ("transfer", "status" for the look-up
	// of a leg, "recording", "recordings", "recording_delete", "transcriptions",
	// "completions" for what is about no leg, "" for every one). Of a list at
	// most one strikes a request, so its rates add up to 1 or less.
	Commands map[string][]Failure
}

// Failure is a Reply that strikes a share of the requests. Each request is
// drawn for itself, a repeat of a failed command among them.
type Failure struct {
	Rate float64
	Reply
}

// Cut is where a connection breaks.
type Cut uint8

// CutAfter is the cruel one: the command took effect and nobody heard of it.
const (
	CutNever Cut = iota
	CutBefore
	CutAfter
)

// Reply replaces the carrier's own behaviour for one request. In its zero value
// it changes nothing.
type Reply struct {
	Hold  time.Duration   // nothing happens for so long ...
	Until <-chan struct{} // ... and until this is closed, if it is set

	// Status refuses the request with this HTTP status and no effect. 0: the
	// carrier goes on and does what was asked, even if the asker has gone.
	Status     int
	Code       string        // the carrier's error code; empty: the usual one of the status
	Detail     string        // empty: the usual words
	RetryAfter time.Duration // told in whole seconds, with a 429 or 503

	Cut Cut
}

// Plan says how one event travels. In its zero value it is delivered at once.
type Plan struct {
	Hold   time.Duration   // held back for so long ...
	Until  <-chan struct{} // ... and until this is closed, if it is set
	Copies int             // how often it arrives, all at once; 0: 1
	Lose   int             // so many first deliveries of each copy vanish
	Drop   bool            // it never arrives
}

// plan draws what befalls an event.
func (c *Carrier) plan(ev *event) *Plan {
	if c.cfg.OnDelivery != nil {
		if p := c.cfg.OnDelivery(ev.call.event(ev)); p != nil {
			return p
		}
	}
	f := c.faults.Load()
	if f.Duplicate <= 0 && f.Reorder <= 0 && f.Loss <= 0 {
		return &noPlan
	}
	p := &Plan{}
	draw := func(fault string) float64 {
		return c.draw(fault, ev.call.number, ev.Leg, ev.Kind, uint64(ev.nth))
	}
	if draw("duplicate") < f.Duplicate {
		p.Copies = max(f.Copies, 2)
	}
	if draw("reorder") < f.Reorder {
		longest := f.Delay
		set(&longest, time.Second)
		p.Hold = time.Duration(draw("delay") * float64(longest))
	}
	if draw("loss") < f.Loss {
		p.Lose = 1
	}
	return p
}

// Nothing goes wrong: shared, and never written to.
var (
	noPlan  Plan
	noReply Reply
)

// fault draws what befalls a request.
func (c *Carrier) fault(k *Call, cmd *Command, f *Faults) *Reply {
	if c.cfg.OnCommand != nil {
		if r := c.cfg.OnCommand(k.copyOf(cmd)); r != nil {
			return r
		}
	}
	if wait := c.bucket.take(f.RateLimit); wait > 0 {
		return &Reply{Status: http.StatusTooManyRequests, Code: "10011", RetryAfter: wait}
	}
	return c.drawReply(f, cmd.Action, k.number, cmd.Leg, uint64(cmd.Attempt))
}

// drawReply draws what befalls the nth request of an action about something.
func (c *Carrier) drawReply(f *Faults, asked string, call uint64, about string, nth uint64) *Reply {
	for _, action := range []string{asked, ""} {
		list := f.Commands[action]
		if len(list) == 0 {
			continue
		}
		at := c.draw("command "+action, call, about, asked, nth)
		for i := range list {
			if at -= list[i].Rate; at < 0 {
				return &list[i].Reply
			}
		}
	}
	return &noReply
}

// SetFaults changes what goes wrong from now on: for events that happen and
// requests that arrive after it. Do not change the map of f afterwards.
func (c *Carrier) SetFaults(f Faults) { c.faults.Store(&f) }

// draw gives a number in [0, 1) that depends on the seed and its arguments
// alone: FNV-1a with the finish of splitmix64, which spreads close inputs.
func (c *Carrier) draw(fault string, call uint64, leg, kind string, nth uint64) float64 {
	h := uint64(14695981039346656037)
	number := func(v uint64) {
		for range 8 {
			h = (h ^ v&0xff) * 1099511628211
			v >>= 8
		}
	}
	text := func(s string) {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * 1099511628211
		}
		h = (h ^ 0xff) * 1099511628211 // keeps "ab","c" apart from "a","bc"
	}
	number(c.cfg.Seed)
	text(fault)
	number(call)
	text(leg)
	text(kind)
	number(nth)
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	h ^= h >> 31
	return math.Ldexp(float64(h>>11), -53)
}
