package call

import (
	"time"

	"maskswitch/actors/protocol"
)

// replied notes what the carrier made of a command; false if nothing is waiting
// for that.
func (c *Call) replied(ev protocol.CommandEnded, now time.Time, fx *Effects) bool {
	which, side := c.sending(ev)
	if which < 0 || !c.Sent[which].sent() || c.Sent[which].Ended {
		return false
	}
	c.Sent[which].Ended, c.Sent[which].Result = true, ev.Reply.Result
	gone := ev.Reply.Result == protocol.CommandLegGone ||
		ev.Command == protocol.CommandFind && ev.Reply.Result == protocol.CommandOK && !ev.Reply.Alive
	switch {
	case gone:
		c.leg(side).Gone = true
		fx.Write = true
	case ev.Command == protocol.CommandFind:
		c.found(ev.Reply, now, fx)
	case which == sendPause, which == sendResume:
		c.noteTurn(which, ev.Reply.Result, now, fx)
	case ev.Reply.Result != protocol.CommandOK:
		c.because(ev.Reply.Detail)
		fx.Write = true
	case ev.Command == protocol.CommandRecordStart:
		// Nothing else will show that it was taken, and a restart in a long talk
		// would record twice.
		fx.Write = true
	}
	return true
}

func (c *Call) sending(ev protocol.CommandEnded) (which int, side protocol.Leg) {
	side = protocol.LegA
	if ev.Leg == c.B.ID && ev.Leg != "" {
		side = protocol.LegB
	}
	switch ev.Command {
	case protocol.CommandAnswer:
		return sendAnswer, side
	case protocol.CommandReject:
		return sendReject, side
	case protocol.CommandTransfer:
		return sendTransfer, side
	case protocol.CommandRecordStart:
		return sendRecord, side
	case protocol.CommandSpeak:
		switch ev.Step {
		case protocol.Speak{What: checkoutNotice}.Step():
			return sendNotice, side
		case protocol.Speak{What: consentLine}.Step():
			return sendConsent, side
		}
		return sendSpeak, side
	case protocol.CommandRecordPause:
		return sendPause, side
	case protocol.CommandRecordResume:
		return sendResume, side
	case protocol.CommandHangUp:
		return pick(side, sendHangUpA, sendHangUpB), side
	case protocol.CommandFind:
		return pick(side, sendFindA, sendFindB), side
	}
	return -1, side
}

func pick(side protocol.Leg, a, b int) int {
	if side == protocol.LegB {
		return b
	}
	return a
}

// found acts on a leg that lives although it has been silent for too long, or
// of which the carrier will not say.
func (c *Call) found(r protocol.Reply, now time.Time, fx *Effects) {
	switch {
	case c.Stage == StageTalking:
		// They still talk, or the carrier does not say: it keeps the limit, and
		// two people are not cut off on a guess. Look again later.
		c.Sent[sendFindA] = Sending{}
		c.Patience, c.Stuck = 0, false
		c.Deadline = now.Add(lookAgain)
	case c.Stage < StageTelling:
		c.giveUp(now, fx)
	}
}

// overdue acts on a stage that took longer than it may.
func (c *Call) overdue(now time.Time, fx *Effects) {
	c.Patience++
	switch c.Stage {
	case StageEarly:
		c.abortEarly(now, fx)
	case StageRefusing:
		c.Outcome = c.Refusal
		c.letGo(now, fx)
	case StageAnswering, StageDialing, StageRinging, StageTalking:
		c.Stuck = true
		if c.Patience > 1 || !c.find(protocol.LegA, now, fx) {
			c.giveUp(now, fx)
			return
		}
		c.Deadline = now.Add(askWait)
	case StageTelling:
		c.letGo(now, fx)
	case StageEnding:
		c.overdueEnd(now, fx)
	}
}

// abortEarly ends a call whose ring never came. A leg of it that carries our tag
// was answered or dialled by us, so it is ours to end.
func (c *Call) abortEarly(now time.Time, fx *Effects) {
	c.Rung = true
	c.because("the ring of this call never came")
	c.Outcome = protocol.OutcomeAbandoned
	if !c.A.over() || c.B.known() && !c.B.over() {
		c.Outcome, c.Stuck = protocol.OutcomeStuck, true
	}
	if !c.A.known() {
		c.A.Gone = true // it never showed itself; there is nothing to end
	}
	c.hangUp(protocol.LegA, now, fx)
	c.hangUp(protocol.LegB, now, fx)
	c.enter(StageEnding, now.Add(endWait))
}

// overdueEnd hangs up what is left, then asks, then stops waiting.
func (c *Call) overdueEnd(now time.Time, fx *Effects) {
	c.Deadline = now.Add(askWait)
	switch left := c.left(); {
	case !left:
		c.finish(now, fx)
	case c.Patience == 1:
		c.hangUp(protocol.LegA, now, fx)
		c.hangUp(protocol.LegB, now, fx)
	case c.Patience == 2:
		c.find(protocol.LegA, now, fx)
		c.find(protocol.LegB, now, fx)
	default:
		c.Stuck = true
		c.finish(now, fx)
	}
}

// left says whether a leg may still live.
func (c *Call) left() bool {
	return c.A.known() && !c.A.over() || c.B.known() && !c.B.over()
}

// find asks the carrier whether a leg lives; false if it has been asked.
func (c *Call) find(side protocol.Leg, now time.Time, fx *Effects) bool {
	leg := c.leg(side)
	if !leg.known() || leg.over() || !c.send(pick(side, sendFindA, sendFindB), now) {
		return false
	}
	c.command(fx, now, protocol.Find{Leg: leg.ID})
	return true
}

// giveUp ends a call in which nothing moves any more. A caller who was answered
// is told before he is let go.
func (c *Call) giveUp(now time.Time, fx *Effects) {
	if c.Outcome == protocol.OutcomeNone {
		c.Outcome = protocol.OutcomeStuck
	}
	if c.Stage == StageTalking || c.Stage == StageAnswering {
		c.hangUp(protocol.LegA, now, fx)
		c.hangUp(protocol.LegB, now, fx)
		c.enter(StageEnding, now.Add(endWait))
		return
	}
	c.hangUp(protocol.LegB, now, fx)
	c.release(now, fx)
}

// abandon ends what lives of a call that cannot be run, and tells so.
func (c Call) abandon(now time.Time) Effects {
	var fx Effects
	c.Lines += storyGap
	c.tell(&fx, now, `{"note":"given up","stage":"`+StageClosed.String()+`","outcome":"`+protocol.OutcomeFailed.String()+`"}`)
	for _, leg := range [...]Leg{c.A, c.B} {
		if leg.known() && !leg.over() {
			c.command(&fx, now, protocol.HangUp{Leg: leg.ID})
		}
	}
	return fx
}

// again sends once more what went out before a crash and shows no effect. The
// carrier ignores a repeated id for a minute. After that only what does no harm
// twice is repeated: a second transfer would dial B again, so A is told and let
// go instead; a second recording is started only if the first was never taken;
// what was to be said then has been heard, or comes too late.
func (c *Call) again(now time.Time, fx *Effects) {
	// Lines may have been written since the row was: the story leaves a gap for
	// them, and none is written over.
	c.Lines += storyGap
	c.tell(fx, now, "")
	fx.Write = true
	open := func(which int) bool { return c.Sent[which].sent() && !c.Sent[which].Ended }
	young := func(which int) bool { return now.Sub(c.Sent[which].At) < repeatWindow }
	resend := func(which int) { c.Sent[which] = Sending{} }
	asked := open(sendFindA) || open(sendFindB)
	if open(sendRecord) && c.Recordings == "" {
		// Also on a leg that is over: then the carrier says so, and nobody waits
		// for a recording that was never begun.
		resend(sendRecord)
		c.record(now, fx)
	}
	if c.Stage >= StageOver {
		return
	}
	if open(sendTransfer) && !c.B.known() && !c.A.over() && c.Stage < StageTelling && !c.cutDue(now) {
		switch {
		case young(sendTransfer) && c.Stage == StageDialing:
			// Its instant stays that of the first, from which the carrier counts.
			c.command(fx, now, c.transfer())
		case !young(sendTransfer) && c.find(protocol.LegA, now, fx):
			c.Stuck = true
			c.Deadline = now.Add(askWait)
		}
	}
	for _, which := range [...]int{sendAnswer, sendReject, sendSpeak, sendNotice, sendConsent} {
		said := which == sendSpeak || which == sendNotice || which == sendConsent
		if open(which) && !c.A.over() && (young(which) || !said) {
			resend(which)
		}
	}
	c.turnAgain(now, fx)
	for _, side := range [...]protocol.Leg{protocol.LegA, protocol.LegB} {
		if which := pick(side, sendHangUpA, sendHangUpB); open(which) && !c.leg(side).over() {
			resend(which)
			c.hangUp(side, now, fx)
		}
	}
	if asked {
		resend(sendFindA)
		resend(sendFindB)
		c.Patience, c.Deadline = 0, now
	}
	if c.Stage == StageTalking {
		// The end of the talk may have been missed: ask when the carrier's own
		// retries have had their time.
		c.Deadline = earlier(c.Deadline, now.Add(recoverWait))
	}
}

// storyGap is more lines than a call tells between two writes of its row.
const storyGap = 100

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
