package wrongswitch

import "time"

// leave lets the booking go when the last leg is over.
func (c *call) leave() {
	if c.booking == nil || c.over || !c.a.ended || c.b.control != "" && !c.b.ended {
		return
	}
	c.over = true
	c.booking.calls--
	c.booking.used = time.Now()
}

// look is how often a call looks whether its booking has ended.
const look = 10 * time.Millisecond

// watch ends the call at the checkout of its booking, if that is agreed. Call it
// with the mutex held.
func (s *Switch) watch(c *call, k *booking) {
	s.jobs.Go(func() {
		noticed, told := false, false
		for s.pause(look) {
			s.mu.Lock()
			over := c.over || c.a.ended
			if !over && !noticed && !k.live(time.Now()) {
				noticed = true
				over = !s.cuts(k)
			}
			if !over && noticed && !told && !c.announcing() && k.grace >= time.Second && c.b.answered {
				told = true
				s.command(c, "speak", c.a.control, map[string]any{"payload": "Your booking has ended.", "voice": "female",
					"target_legs": "both"}, 0, false)
			}
			if !over && noticed && time.Since(k.ends()) >= k.grace {
				c.cut, over = true, true
				s.once(c, "hangup", &c.a, nil)
			}
			s.mu.Unlock()
			if over {
				return
			}
		}
	})
}

// cuts says whether the checkout of a booking ends its calls.
func (s *Switch) cuts(k *booking) bool {
	switch {
	case !k.cut && s.wrong.strikes(CutsFinish):
		return true
	case !k.cut, s.wrong.strikes(NeverCuts):
		return false
	}
	if k.grace > 0 && s.wrong.strikes(CutsAtOnce) {
		k.grace = 0
	}
	return true
}

// tellLate answers a caller whose booking has ended, says so and hangs up.
func (s *Switch) tellLate(c *call) {
	switch {
	case c.to != "": // connected all the same
	case !c.a.answered:
		s.answer(c)
	case c.muted:
	case !c.asked["speak"] && s.wrong.strikes(SilencesLate):
		c.muted = true
	case !c.spoken:
		hush := !c.asked["speak"] && s.wrong.strikes(HushesLate)
		s.once(c, "speak", &c.a, map[string]any{"payload": "Your booking has ended.", "voice": "female"})
		if hush {
			s.command(c, "hangup", c.a.control, nil, hushAfter, false)
		}
	case s.wrong.strikes(KeepsLate):
	case s.wrong.strikes(ConnectsToldLate):
		if next := s.anybody(c.number, c.caller, time.Now()); next != nil {
			c.to = next.a
			s.transfer(c)
			return
		}
		s.once(c, "hangup", &c.a, nil)
	default:
		s.once(c, "hangup", &c.a, nil)
	}
}

// hushAfter is well within a spoken line, even of people who are fast.
const hushAfter = 10 * time.Millisecond
