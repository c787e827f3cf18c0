package call

import (
	"time"

	"maskswitch/actors/protocol"
)

// noticeable is the shortest grace in which a notice can be heard.
const noticeable = time.Second

// cutReason is what the row of a call says that its booking has cut.
const cutReason = "cut by the checkout of its booking"

// bookingOver sets the instant at which the call is cut; false if it is none of
// the calls that are. The first word stands: a booking that is asked again after
// a restart may not know when it ended, and grants no second grace.
func (c *Call) bookingOver(ev protocol.BookingOver, now time.Time, fx *Effects) bool {
	if !c.Cut || !c.CutAt.IsZero() || c.Stage >= StageEnding {
		return false
	}
	c.CutAt = now
	if end := ev.At.Add(c.Grace); ev.At.IsZero() {
		c.CutAt = now.Add(c.Grace)
	} else if end.After(now) {
		c.CutAt = end
	}
	fx.Write = true
	c.tell(fx, now, "")
	return true
}

// cutDue says that the grace is over, and the call is not.
func (c *Call) cutDue(now time.Time) bool {
	return !c.CutAt.IsZero() && !now.Before(c.CutAt) && c.Stage < StageEnding
}

// cut ends the call wherever it stands. What it came to is told by what had
// happened before.
func (c *Call) cut(now time.Time, fx *Effects) {
	c.because(cutReason)
	c.letGo(now, fx)
}

// notice warns the two that they will be cut off, unless they could not even
// hear that they are recorded: whose sentence has ended is never in doubt. It has
// no tag, which the carrier might hang on both legs. The event of its end decides
// nothing.
func (c *Call) notice(now time.Time, fx *Effects) {
	if !c.CutAt.IsZero() && c.Grace >= noticeable && c.Checkout != "" && c.send(sendNotice, now) {
		c.command(fx, now, protocol.Speak{Leg: c.A.ID, Text: c.Checkout, What: checkoutNotice, Both: true})
	}
}

const checkoutNotice = "checkout"

// Due is when to look at the call again, if nothing happens before; zero: never.
func (c *Call) Due() time.Time {
	due := c.Deadline
	if c.Stage >= StageEnding {
		return due
	}
	if !c.CutAt.IsZero() {
		due = earlier(due, c.CutAt)
	}
	if by := c.consentBy(); !by.IsZero() {
		due = earlier(due, by)
	}
	return due
}
