package call

import (
	"time"

	"go.uber.org/zap"

	"maskswitch/actors/protocol"
)

// Observer watches calls. Its methods must not block.
type Observer interface {
	CallOffered()
	// CallActive counts calls in a state: setup, talking or ending.
	CallActive(state string, delta int)
	CallEnded(row protocol.Call, stuck bool)
	// CallConnected gives A rang to B answered, and our own share of it.
	CallConnected(setup, switching time.Duration)
	// PostDialDelay gives A rang to B rang.
	PostDialDelay(d time.Duration)
	LegHungUp(leg protocol.Leg, cause protocol.HangupCause, source protocol.HangupSource)
	// LegStage gives how long a leg took for answer, dial, ring or release.
	LegStage(leg protocol.Leg, stage string, ok bool, d time.Duration)
	// Reacted gives the time from reading a webhook to the command it caused.
	Reacted(of protocol.CallID, cmd protocol.CommandKind, d time.Duration)
}

// activity is the word that metrics have for a stage.
func activity(s Stage) string {
	switch {
	case s == StageTalking:
		return "talking"
	case s > StageTalking:
		return "ending"
	}
	return "setup"
}

// observe reports what a step has changed.
func (a *Actor) observe(before, after *Call) {
	o := a.config.Observer
	if before.Lines == 0 {
		o.CallOffered()
	}
	if was, is := before.Stage, after.Stage; was != is && was < StageOver {
		a.config.active(activity(was), -1)
		if is < StageOver {
			a.config.active(activity(is), +1)
		} else {
			row := after.Row()
			o.CallEnded(row, after.Stuck)
			a.logEnd(row, after.Stuck)
		}
	}
	if !after.Rung {
		return
	}
	x, y := before, after
	if happened(x.A.AnsweredAt, y.A.AnsweredAt) {
		o.LegStage(protocol.LegA, "answer", true, y.A.AnsweredAt.Sub(y.A.RangAt))
	}
	if happened(x.B.RangAt, y.B.RangAt) {
		o.PostDialDelay(y.B.RangAt.Sub(y.A.RangAt))
		if !y.A.AnsweredAt.IsZero() {
			o.LegStage(protocol.LegB, "dial", true, y.B.RangAt.Sub(y.A.AnsweredAt))
		}
	}
	if happened(x.B.AnsweredAt, y.B.AnsweredAt) {
		o.CallConnected(y.B.AnsweredAt.Sub(y.A.RangAt), a.switching)
		if !y.B.RangAt.IsZero() {
			o.LegStage(protocol.LegB, "ring", true, y.B.AnsweredAt.Sub(y.B.RangAt))
		}
	}
	a.observeEnd(protocol.LegA, x.A, y.A, y.B)
	a.observeEnd(protocol.LegB, x.B, y.B, y.A)
}

func (a *Actor) observeEnd(side protocol.Leg, before, after, other Leg) {
	if !happened(before.EndedAt, after.EndedAt) {
		return
	}
	o := a.config.Observer
	o.LegHungUp(side, after.Cause, after.Source)
	if side == protocol.LegB && after.AnsweredAt.IsZero() && !after.RangAt.IsZero() {
		o.LegStage(side, "ring", false, after.EndedAt.Sub(after.RangAt))
	}
	if !other.EndedAt.IsZero() && !after.EndedAt.Before(other.EndedAt) {
		o.LegStage(side, "release", true, after.EndedAt.Sub(other.EndedAt))
	}
}

// logEnd tells of a call that is over: aloud if the fault may be ours or the
// carrier's, since somebody has to look at that.
func (a *Actor) logEnd(row protocol.Call, stuck bool) {
	level := zap.DebugLevel
	switch row.Outcome {
	case protocol.OutcomeCarrier, protocol.OutcomeStuck, protocol.OutcomeFailed:
		level = zap.WarnLevel
	}
	if entry := a.config.Log.Check(level, "call ended"); entry != nil {
		entry.Write(zap.Stringer("call", row.ID), zap.Stringer("booking", row.Booking), zap.Stringer("num", row.Number),
			zap.Stringer("outcome", row.Outcome), zap.Stringer("cause", row.HangupCause), zap.Duration("talk", row.Talk()),
			zap.String("reason", row.Reason), zap.Bool("stuck", stuck))
	}
}

// logFailure tells of a command that the carrier would not take. A leg that is
// gone is no failure: people hang up.
func (a *Actor) logFailure(m protocol.CommandEnded) {
	if m.Reply.Result == protocol.CommandOK || m.Reply.Result == protocol.CommandLegGone {
		return
	}
	a.config.Log.Warn("command failed", zap.Stringer("call", a.call.ID), zap.Stringer("booking", a.call.Booking),
		zap.Stringer("command", m.Command), zap.Stringer("result", m.Reply.Result), zap.Int("status", m.Reply.Status),
		zap.String("code", m.Reply.Code), zap.String("detail", m.Reply.Detail), zap.Int("attempts", m.Reply.Attempts))
}

func happened(before, after time.Time) bool { return before.IsZero() && !after.IsZero() }
