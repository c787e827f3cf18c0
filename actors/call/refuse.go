package call

import (
	"time"

	"maskswitch/actors/protocol"
)

// refuse turns A away. Whoever had a booking here hears first that it has ended;
// nobody else is answered, since a caller pays for that.
func (c *Call) refuse(now time.Time, fx *Effects) {
	switch {
	case !c.late():
		c.reject(now, fx)
	case c.B.known() && !c.B.over():
		// Dialled by a process that died before it could write that, and while
		// the booking lived. He is not told in the middle of his talk.
		c.letGo(now, fx)
	case c.reached() || c.A.spoken(): // who has heard a sentence was answered
		c.say("ended", c.Ended, now, fx)
	default:
		c.answer(now, fx)
	}
}

// late says that A is to be told that his booking has ended. That is settled
// when he rings: a restart with another setting turns nobody away whom it finds
// answered, and answers nobody whom it finds turned away.
func (c *Call) late() bool {
	return c.Refusal == protocol.OutcomeNoBooking && (c.Stage > StageRefusing || c.Stage == StageEarly && c.Ended != "")
}

func (c *Call) reject(now time.Time, fx *Effects) {
	c.enter(StageRefusing, now.Add(refuseWait))
	if c.send(sendReject, now) {
		c.command(fx, now, protocol.Reject{Leg: c.A.ID, Tag: c.tag(protocol.LegA)})
	}
	if c.Sent[sendReject].failed() {
		c.letGo(now, fx)
	}
}
