package call

import (
	"cmp"
	"time"

	"maskswitch/actors/protocol"
)

// Step notes an event and decides by all that is known. It decides by facts and
// not by their order: what has happened is noted on its leg, and the commands
// that are still missing follow from there. So an event that comes twice, late
// or early changes nothing that it should not.
func (c Call) Step(ev protocol.Event, now time.Time) (Call, Effects) {
	return c.Hear(ev, time.Time{}, now)
}

// Hear is Step with the instant at which an event's webhook was read, for the
// story; zero if there was none.
func (c Call) Hear(ev protocol.Event, read, now time.Time) (Call, Effects) {
	var fx Effects
	var side protocol.Leg
	before, heard := c, true
	switch ev := ev.(type) {
	case protocol.LegEvent:
		var known bool
		if side, known = c.legOf(ev); !known {
			return before, Effects{Unknown: true}
		}
		if !c.note(side, ev, &fx) {
			return before.repeated(side, ev, read, now)
		}
		fx.Write = true
		c.tell(&fx, happenedAt(ev, now), "") // in words below, with what follows from it
	case protocol.CommandEnded:
		c.tell(&fx, happenedAt(ev, now), "")
		heard = c.replied(ev, now, &fx)
	case protocol.BookingOver:
		if !c.bookingOver(ev, now, &fx) {
			return before, Effects{}
		}
	case protocol.DeadlinePassed:
		switch {
		case c.cutDue(now), c.consentDue(now): // decided below, as at any event
			c.tell(&fx, now, "")
		case c.Deadline.IsZero() || now.Before(c.Deadline):
			return before, Effects{}
		default:
			c.tell(&fx, now, "")
			c.overdue(now, &fx)
		}
	case protocol.PauseAsked:
		c.tell(&fx, now, "")
		heard = c.turn(ev.Paused, now, &fx)
	case protocol.Recovered:
		c.again(now, &fx)
	}
	c.decide(now, &fx)
	if !heard && c.idle(before, &fx) {
		return before, Effects{}
	}
	fx.Lines[0].What = c.inWords(&before, ev, side, read, now)
	if c.Stage != before.Stage {
		fx.Write = true
	}
	fx.Over = c.Report && before.Stage < StageOver && c.Stage >= StageOver
	// A restart leaves a gap in the story, which the row has to know of: the next
	// one would tell its lines by the same numbers.
	fx.StoryOnly = fx.Write && c.decidesLike(before) && before.Lines > 0 && c.Lines < before.Lines+storyGap
	return c, fx
}

// decide sends what is missing and names the stage.
func (c *Call) decide(now time.Time, fx *Effects) {
	switch {
	case c.Stage == StageClosed:
	case c.Stage == StageOver:
		c.awaitRecording(now, fx)
	case !c.Rung:
		c.enter(StageEarly, now.Add(earlyWait))
	case c.ended():
		c.finish(now, fx)
	case c.A.over() || c.Sent[sendHangUpA].sent(): // whom we let go is led nowhere any more
		c.enter(StageEnding, now.Add(endWait))
	case c.cutDue(now):
		c.cut(now, fx)
	case c.Refusal != protocol.OutcomeNone:
		c.refuse(now, fx)
	case !c.reached():
		c.answer(now, fx)
	case c.B.over() && c.talked():
		c.enter(StageEnding, now.Add(endWait))
	case c.B.over() || c.untransferred() || c.Outcome != protocol.OutcomeNone:
		c.release(now, fx)
	case !c.B.AnsweredAt.IsZero():
		c.talk(now, fx)
	case c.B.known():
		c.enter(StageRinging, now.Add(c.RingTimeout+dialGrace))
	default:
		c.dial(now, fx)
	}
}

// reached says that A's leg is ours to use. A leg B can only come of a transfer,
// so it shows that A was answered even before that event is here.
func (c *Call) reached() bool { return !c.A.AnsweredAt.IsZero() || c.B.known() }

// ended says that no leg is left, by the carrier's own hangup events.
func (c *Call) ended() bool {
	if c.A.EndedAt.IsZero() {
		return false
	}
	return !c.B.EndedAt.IsZero() || !c.mayHaveB()
}

// mayHaveB says whether a leg B lives or may yet turn up.
func (c *Call) mayHaveB() bool {
	t := c.Sent[sendTransfer]
	return c.B.known() || t.sent() && (!t.Ended || t.Result != protocol.CommandRefused && t.Result != protocol.CommandLegGone)
}

// untransferred says that the carrier did not take the transfer, and means it:
// its answer may be lost, but a leg B that is here was dialled.
func (c *Call) untransferred() bool { return c.Sent[sendTransfer].failed() && !c.B.known() }

func (c *Call) answer(now time.Time, fx *Effects) {
	if c.Sent[sendAnswer].failed() || c.Outcome != protocol.OutcomeNone {
		c.Outcome = cmp.Or(c.Outcome, c.Refusal, protocol.OutcomeCarrier)
		c.letGo(now, fx)
		return
	}
	c.enter(StageAnswering, now.Add(answerWait))
	if c.send(sendAnswer, now) {
		c.command(fx, now, protocol.Answer{Leg: c.A.ID, Tag: c.tag(protocol.LegA)})
	}
}

func (c *Call) dial(now time.Time, fx *Effects) {
	c.enter(StageDialing, now.Add(c.RingTimeout+dialGrace))
	if c.send(sendTransfer, now) {
		c.command(fx, now, c.transfer())
	}
}

func (c *Call) transfer() protocol.Transfer {
	return protocol.Transfer{
		Leg: c.A.ID, To: c.To, From: c.From,
		TagA: c.tag(protocol.LegA), TagB: c.tag(protocol.LegB),
		RingTimeout: c.RingTimeout, Limit: c.Limit,
	}
}

func (c *Call) talk(now time.Time, fx *Effects) {
	c.enter(StageTalking, now.Add(c.Limit+talkGrace))
	if c.informed(now, fx) {
		c.record(now, fx)
		c.notice(now, fx)
	}
}

// release tells A that B cannot be had, and lets him go: nobody is left in
// silence, and nobody pays for it.
func (c *Call) release(now time.Time, fx *Effects) {
	if c.Outcome == protocol.OutcomeNone {
		c.Outcome = c.whyNot()
	}
	switch {
	case c.Stage == StageEnding:
		return
	case c.Outcome == protocol.OutcomeAbandoned: // the carrier cancelled B because A left
		c.enter(StageEnding, now.Add(endWait))
		return
	}
	c.say("unreachable", c.Unreachable, now, fx)
}

// say tells A one sentence, and lets him go when it is over or cannot be said.
func (c *Call) say(what, text string, now time.Time, fx *Effects) {
	if text == "" || c.A.spoken() || c.Sent[sendSpeak].failed() {
		c.letGo(now, fx)
		return
	}
	c.enter(StageTelling, now.Add(tellWait))
	if c.send(sendSpeak, now) {
		c.command(fx, now, protocol.Speak{Leg: c.A.ID, Tag: c.tag(protocol.LegA), Text: text, What: what})
	}
}

// letGo hangs A up. The carrier ends B with him; the deadline sees to that.
func (c *Call) letGo(now time.Time, fx *Effects) {
	c.hangUp(protocol.LegA, now, fx)
	c.enter(StageEnding, now.Add(endWait))
}

func (c *Call) whyNot() protocol.Outcome {
	if !c.B.over() || c.B.Cause == protocol.CauseNone {
		return protocol.OutcomeCarrier // the transfer itself was refused
	}
	switch c.B.Cause {
	case protocol.CauseUserBusy:
		return protocol.OutcomeBusy
	case protocol.CauseTimeout, protocol.CauseNoAnswer:
		return protocol.OutcomeNoAnswer
	case protocol.CauseCallRejected:
		return protocol.OutcomeDeclined
	case protocol.CauseOriginatorCancel:
		return protocol.OutcomeAbandoned
	default:
		return protocol.OutcomeUnreachable
	}
}

// finish closes the books on both legs.
func (c *Call) finish(now time.Time, fx *Effects) {
	switch {
	case c.Refusal != protocol.OutcomeNone:
		c.Outcome = c.Refusal
	case c.talked():
		c.Outcome = protocol.OutcomeTalked
	case c.Outcome != protocol.OutcomeNone:
	case c.B.Cause != protocol.CauseNone && c.B.EndedAt.Before(c.A.EndedAt):
		c.Outcome = c.whyNot()
	case c.A.EndedAt.IsZero() && c.Stuck:
		c.Outcome = protocol.OutcomeStuck
	default:
		c.Outcome = protocol.OutcomeAbandoned
	}
	wait := recordingWait
	if c.B.AnsweredAt.IsZero() {
		wait = earlyWait // the carrier's retries of a late event are over by then
	}
	c.enter(StageOver, now.Add(wait))
	c.awaitRecording(now, fx)
}

// talked says that B answered. A leg B that was cleared in the normal way, and
// not by us, had answered too: that event is only late. Other ends have causes
// of their own.
func (c *Call) talked() bool {
	return !c.B.AnsweredAt.IsZero() || c.B.Cause == protocol.CauseNormalClearing && !c.Sent[sendHangUpB].sent()
}

// enter names the stage; a stage that is entered has its own deadline.
func (c *Call) enter(s Stage, deadline time.Time) {
	if c.Stage == s && !c.Deadline.IsZero() {
		return
	}
	c.Stage, c.Deadline, c.Patience = s, deadline, 0
}

func (c *Call) send(which int, now time.Time) bool { return set(&c.Sent[which].At, now) }

func (c *Call) hangUp(side protocol.Leg, now time.Time, fx *Effects) {
	which := sendHangUpA
	if side == protocol.LegB {
		which = sendHangUpB
	}
	leg := c.leg(side)
	if leg.known() && !leg.over() && c.send(which, now) {
		c.command(fx, now, protocol.HangUp{Leg: leg.ID})
	}
}

func (c *Call) tag(side protocol.Leg) protocol.Tag {
	return protocol.Tag{Booking: c.Booking, Call: c.ID, Leg: side}
}

// decidesLike says whether two calls differ in nothing that a decision or a row
// depends on: a bridge, or an event that is only told.
func (c Call) decidesLike(before Call) bool {
	before.Lines, before.A.Bridged, before.B.Bridged = c.Lines, c.A.Bridged, c.B.Bridged
	before.B.SpokenAt = c.B.SpokenAt
	return c == before
}
