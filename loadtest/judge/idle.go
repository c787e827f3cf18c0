package judge

import "time"

// use is when a booking was last in use, which decides the end of one that also
// ends when nobody has called for some time. since is an instant at which it
// certainly was, until the last at which it may have been.
type use struct {
	since, until time.Time
	calls        map[uint64]struct{} // under way, that may keep it up
	endless      bool                // the switch may not know when a call was over
}

// soonestEnd is when the booking may first end by the clock.
func (k *booking) soonestEnd() time.Time {
	if k.terms.Idle > 0 {
		return earlier(k.soonest, k.use.since.Add(k.terms.Idle))
	}
	return k.soonest
}

// latestEnd is when the booking has certainly ended by the clock. The time of a
// call does not count as idle.
func (k *booking) latestEnd() time.Time {
	if k.terms.Idle > 0 && len(k.use.calls) == 0 && !k.use.endless {
		return earlier(k.latest, k.use.until.Add(k.terms.Idle))
	}
	return k.latest
}

// Restarted notes that the switch was killed: it may not have kept when the last
// call of a booking was over, and lets it live longer.
func (r *Register) Restarted() {
	for i := range r.byID {
		s := &r.byID[i]
		s.mu.Lock()
		for _, k := range s.bookings {
			k.mu.Lock()
			k.use.endless = true
			k.mu.Unlock()
		}
		s.mu.Unlock()
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// dialled notes that a call is about to begin that may keep bookings up.
func (c *chances) dialled(call uint64, at time.Time, fuzz time.Duration) {
	for _, k := range c.held {
		k.mu.Lock()
		if k.terms.Idle > 0 && !k.ended(at, fuzz) {
			if k.use.calls == nil {
				k.use.calls = map[uint64]struct{}{}
			}
			k.use.calls[call] = struct{}{}
		}
		k.mu.Unlock()
	}
}

// used notes what a call that is over did for the bookings that it may have
// kept up: one by which somebody was called certainly lived until the last leg
// was over.
func (h *hearing) used() {
	if !h.l.Over {
		return
	}
	for _, k := range h.c.held {
		k.mu.Lock()
		if k.terms.Idle > 0 {
			h.uses(k)
		}
		k.mu.Unlock()
	}
}

func (h *hearing) uses(k *booking) {
	delete(k.use.calls, h.e.Call)
	k.use.endless = k.use.endless || h.touched
	callee := k.host
	if k.host == h.l.Caller {
		callee = k.guest
	}
	for i := range h.l.Connections {
		if h.l.Connections[i].Callee != callee {
			continue
		}
		k.use.until = later(k.use.until, h.at)
		for j := range h.l.Events {
			e := &h.l.Events[j]
			if e.Kind == "call.hangup" {
				k.use.since = later(k.use.since, e.At)
				k.use.endless = k.use.endless || !e.Accepted
			}
		}
		return
	}
	// Nobody's phone rang. A call that the switch did not refuse may have been one
	// to the booking.
	if h.v.Want != Refuse && !h.turnedAway() {
		k.use.until = later(k.use.until, h.at)
		k.use.endless = k.use.endless || h.endA == nil || !h.endA.Accepted
	}
}
