package call

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
)

// Tape is how the recording of a call stands: it can be paused, as when a card
// number is read aloud.
type Tape struct {
	Paused bool      // as the carrier last said
	Since  time.Time // by our clock; zero: never paused
	Doubt  bool      // the carrier did not answer since, so it may be otherwise
	Turn   int       // pauses and resumptions asked for so far
}

// pausable says whether the recording can be paused or resumed: Conflict if
// nothing is being recorded, NotFound if the call is over.
func (c *Call) pausable() error {
	switch r := c.Sent[sendRecord]; {
	case c.Stage >= StageEnding:
		return notLive()
	case c.Stage != StageTalking, !r.Ended, r.failed():
		return protocol.Errorf(protocol.Conflict, "not_recording", "the call is not being recorded")
	}
	return nil
}

func notLive() error {
	return protocol.Errorf(protocol.NotFound, "call_not_live", "the call is over")
}

// turning says that the carrier has not answered yet.
func (c *Call) turning() bool {
	open := func(s Sending) bool { return s.sent() && !s.Ended }
	return open(c.Sent[sendPause]) || open(c.Sent[sendResume])
}

// as says that the recording is known to stand as somebody wants it.
func (t Tape) as(paused bool) bool { return t.Paused == paused && !t.Doubt }

// turn asks the carrier; false if there is nothing to ask. What went without an
// answer is asked again under the same id, as long as the carrier takes that for
// a repeat.
func (c *Call) turn(paused bool, now time.Time, fx *Effects) bool {
	if c.pausable() != nil || c.turning() || c.Tape.as(paused) {
		return false
	}
	which := sendResume
	if paused {
		which = sendPause
	}
	last := c.Sent[which]
	if !c.Tape.Doubt || !last.unanswered() || now.Sub(last.At) >= repeatWindow {
		last.At = now
		c.Tape.Turn++
	}
	c.Sent[sendPause], c.Sent[sendResume] = Sending{}, Sending{}
	c.Sent[which].At = last.At
	fx.Write = true
	c.command(fx, now, c.turnCommand(which))
	return true
}

// unanswered says that a command may have been taken or not.
func (s Sending) unanswered() bool {
	return s.Ended && (s.Result == protocol.CommandTimeout || s.Result == protocol.CommandUnavailable)
}

func (c *Call) turnCommand(which int) protocol.Command {
	if which == sendPause {
		return protocol.PauseRecording{Leg: c.A.ID, Turn: c.Tape.Turn}
	}
	return protocol.ResumeRecording{Leg: c.A.ID, Turn: c.Tape.Turn}
}

func (c *Call) noteTurn(which int, result protocol.CommandResult, now time.Time, fx *Effects) {
	fx.Write = true
	switch result {
	case protocol.CommandOK:
		c.Tape.Paused, c.Tape.Since, c.Tape.Doubt = which == sendPause, now, false
	case protocol.CommandTimeout, protocol.CommandUnavailable:
		c.Tape.Doubt = true
	}
}

// turnAgain sends once more what went out before a crash, if the carrier takes
// it for a repeat; otherwise nobody knows what it did.
func (c *Call) turnAgain(now time.Time, fx *Effects) {
	for _, which := range [...]int{sendPause, sendResume} {
		s := &c.Sent[which]
		switch {
		case !s.sent() || s.Ended:
		case c.pausable() != nil:
			s.Ended, s.Result = true, protocol.CommandLegGone
		case now.Sub(s.At) < repeatWindow:
			c.command(fx, now, c.turnCommand(which))
		default:
			s.Ended, s.Result, c.Tape.Doubt = true, protocol.CommandTimeout, true
		}
	}
}

// pausesMost is how many may wait for one call's recording to be paused.
const pausesMost = 16

// pause has the recording paused or resumed, one request after the other.
func (a *Actor) pause(c actor.Context, m protocol.PauseCall) {
	switch {
	case a.void || !a.begun:
		m.Done(protocol.RecordingSwitch{}, notLive())
	case len(a.pauses) >= pausesMost:
		m.Done(protocol.RecordingSwitch{}, journal.Refusal(journal.ErrBusy))
	default:
		a.pauses = append(a.pauses, m)
		a.answerPauses(c, "")
	}
}

// answerPauses answers whoever waits, as far as the carrier has answered. why is
// what it said last.
func (a *Actor) answerPauses(c actor.Context, why string) {
	for len(a.pauses) > 0 && !a.call.turning() {
		m := a.pauses[0]
		err := a.call.pausable()
		switch {
		case err != nil:
		case a.call.Tape.as(m.Paused):
			a.confirm(m)
		case !a.turning:
			waits := protocol.Delivery{Done: func(protocol.Receipt, error) {}}
			if a.turning = a.apply(c, protocol.PauseAsked{Paused: m.Paused}, &waits); a.turning {
				return
			}
			err = journal.Refusal(journal.ErrBusy)
		default:
			err = protocol.Errorf(protocol.Unavailable, "carrier_refused", "the carrier has not done it: %s", why)
		}
		if err != nil {
			m.Done(protocol.RecordingSwitch{}, err)
		}
		a.pauses, a.turning = a.pauses[1:], false
	}
}

// confirm answers when the disk has what the carrier said.
func (a *Actor) confirm(m protocol.PauseCall) {
	stands := protocol.RecordingSwitch{Call: a.call.ID, Paused: a.call.Tape.Paused, Since: a.call.Tape.Since}
	done := func(err error) {
		if err != nil {
			m.Done(protocol.RecordingSwitch{}, journal.Refusal(err))
			return
		}
		m.Done(stands, nil)
	}
	if err := a.config.Journal.Append(journal.Change{Partition: a.config.Partition}, done); err != nil {
		done(err)
	}
}

// stopPauses answers whoever still waits when the actor stops.
func (a *Actor) stopPauses() {
	for _, m := range a.pauses {
		m.Done(protocol.RecordingSwitch{}, protocol.Errorf(protocol.Unavailable, "call_recovering", "the call is being built again; try again"))
	}
	a.pauses = nil
}
