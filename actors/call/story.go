package call

import (
	"strconv"
	"strings"
	"time"

	"maskswitch/actors/protocol"
)

// A story is told in lines, each a JSON object: one of what happened, then one of
// each command that it brought about. Their members, of which those that would
// say nothing are left out:
//
//	event     the carrier's name for what it reports
//	send      a command of ours, as it is decided
//	reply     what the carrier made of a command
//	note      what is neither: deadline, booking over, pause asked, resume asked,
//	          recovered, given up
//	leg       a or b
//
// of what happened:
//
//	stage     where the call stands now, if it has moved
//	outcome   how it ends, as soon as that is decided
//	why       the reason, or what is added to it
//	wait      from our reading it until the call took it up
//	settings  of the operator, on the first line and after a restart
//
// of an event, whose instant is the carrier's:
//
//	id        the carrier's, the same on each delivery
//	lag       from that instant until we read the webhook; clocks may differ
//	attempt   which delivery it is, from the second on
//	repeat    it was known, and changed nothing
//	connect, or refused with an outcome; caller, policy (of recording), summary,
//	report, cut and grace: where the ring leads, by the booking's terms
//	cause, source, sip: of a hangup; broken: of a sentence; recording: its id
//
// of a command and its reply:
//
//	what, turn, mode, transcribe: which sentence, pause or kind of recording
//	own       from reading the webhook that caused it until it was on the wire
//	took      from then until the carrier's last answer
//	attempts  if they were several; result, status, code, and of find: alive
//
// of a note: of, which deadline; since, how long ago the booking ended.
//
// Spans are whole microseconds. The instant of an event is by the carrier's
// clock, of a reply when it came; both are taken up lag and wait later. There is
// never a number of a party's, nor an address. Lines of earlier versions have
// fewer members, and notes of their own (cut, not recorded).

// repeatsMost is how many repeated events the story of a call mentions: a carrier
// may repeat itself without end.
const repeatsMost = 32

// tell adds a line to the call's story.
func (c *Call) tell(fx *Effects, at time.Time, what string) {
	c.Lines++
	fx.Lines = append(fx.Lines, protocol.Line{Call: c.ID, N: c.Lines, At: at, What: what})
}

// idle says that news have changed nothing, so that they need no line.
func (c Call) idle(before Call, fx *Effects) bool {
	c.Lines = before.Lines
	return len(fx.Lines) == 1 && c == before
}

// happenedAt is when an event happened, as its line has it.
func happenedAt(ev protocol.Event, now time.Time) time.Time {
	at := now
	switch ev := ev.(type) {
	case protocol.LegEvent:
		at = ev.Facts().At
	case protocol.CommandEnded:
		at = ev.At
	}
	if at.IsZero() {
		return now
	}
	return at
}

// repeated is the step of an event that is known: it changes nothing but the story.
func (c Call) repeated(side protocol.Leg, ev protocol.LegEvent, read, now time.Time) (Call, Effects) {
	fx := Effects{Duplicate: true}
	if c.Repeats++; c.Repeats <= repeatsMost {
		var buf [lineRoom]byte
		b := appendEvent(buf[:0], side, ev, true)
		b = appendSpans(b, ev, read, now)
		c.tell(&fx, happenedAt(ev, now), string(append(b, '}')))
	}
	return c, fx
}

// command adds a command, and the line that tells of it.
func (c *Call) command(fx *Effects, now time.Time, cmd protocol.Command) {
	fx.Commands = append(fx.Commands, cmd)
	var buf [lineRoom]byte
	b := append(buf[:0], `{"send":"`...)
	b = append(b, cmd.Kind().String()...)
	b = appendLegName(append(b, '"'), c.side(cmd.Target()))
	switch cmd := cmd.(type) {
	case protocol.Speak:
		b = appendText(b, `,"what":`, cmd.What)
	case protocol.PauseRecording:
		b = appendNumber(b, `,"turn":`, int64(cmd.Turn))
	case protocol.ResumeRecording:
		b = appendNumber(b, `,"turn":`, int64(cmd.Turn))
	case protocol.StartRecording:
		b = appendText(b, `,"mode":`, cmd.Mode.String())
		b = appendTrue(b, `,"transcribe":true`, cmd.Transcribe)
	}
	c.tell(fx, now, string(append(b, '}')))
}

func (c *Call) side(id protocol.LegID) protocol.Leg {
	if id == c.B.ID && id != "" {
		return protocol.LegB
	}
	return protocol.LegA
}

// lineRoom holds all but the rarest lines.
const lineRoom = 512

// inWords tells what happened, of an event on which leg, and what follows from it.
func (c *Call) inWords(before *Call, ev protocol.Event, side protocol.Leg, read, now time.Time) string {
	var buf [lineRoom]byte
	b := buf[:0]
	restarted := false
	switch ev := ev.(type) {
	case protocol.LegEvent:
		b = appendEvent(b, side, ev, false)
	case protocol.CommandEnded:
		b = appendReply(b, c.side(ev.Leg), ev)
	case protocol.BookingOver:
		b = append(b, `{"note":"booking over"`...)
		if !ev.At.IsZero() {
			b = strconv.AppendInt(append(b, `,"since":`...), span(ev.At, now), 10)
		}
	case protocol.DeadlinePassed:
		b = append(b, `{"note":"deadline","of":"`...)
		b = append(append(b, before.dueFor(now)...), '"')
	case protocol.PauseAsked:
		b = append(b, `{"note":"`...)
		if ev.Paused {
			b = append(b, `pause asked"`...)
		} else {
			b = append(b, `resume asked"`...)
		}
	case protocol.Recovered:
		b = append(b, `{"note":"recovered"`...)
		restarted = true
	}
	b = appendSpans(b, ev, read, now)
	if c.Stage != before.Stage || before.Lines == 0 {
		b = append(append(append(b, `,"stage":"`...), c.Stage.String()...), '"')
	}
	if c.Outcome != before.Outcome {
		b = append(append(append(b, `,"outcome":"`...), c.Outcome.String()...), '"')
	}
	if len(c.Reason) > len(before.Reason) { // it only grows
		b = appendText(b, `,"why":`, strings.TrimPrefix(c.Reason[len(before.Reason):], "; "))
	}
	if restarted || before.Lines == 0 {
		b = appendSettings(b, &c.Settings)
	}
	return string(append(b, '}'))
}

// dueFor names what a call was waiting for until now.
func (c *Call) dueFor(now time.Time) string {
	switch {
	case c.cutDue(now):
		return "cut"
	case c.consentDue(now):
		return consentLine
	}
	return c.Stage.String()
}

func appendEvent(b []byte, side protocol.Leg, ev protocol.LegEvent, repeat bool) []byte {
	about := ev.Facts()
	name := ev.Kind().String()
	if noted, ok := ev.(protocol.LegNoted); ok {
		name = noted.What
	}
	b = appendText(b, `{"event":`, name)
	b = appendLegName(b, side)
	b = appendText(b, `,"id":`, about.EventID)
	b = appendTrue(b, `,"repeat":true`, repeat)
	if about.Attempt > 1 {
		b = appendNumber(b, `,"attempt":`, int64(about.Attempt))
	}
	switch ev := ev.(type) {
	case Rang:
		if side == protocol.LegA && !repeat {
			b = appendRoute(b, &ev.Route)
		}
	case protocol.LegHungUp:
		b = append(append(append(b, `,"cause":"`...), ev.Cause.String()...), '"')
		b = append(append(append(b, `,"source":"`...), ev.Source.String()...), '"')
		b = appendText(b, `,"sip":`, ev.SIP)
	case protocol.SpeechEnded:
		b = appendTrue(b, `,"broken":true`, ev.Broken)
	case protocol.LegRecorded:
		b = appendText(b, `,"recording":`, string(protocol.SavedRecording(ev).ID))
	}
	return b
}

func appendRoute(b []byte, r *protocol.Route) []byte {
	if r.Refusal != protocol.OutcomeNone {
		b = appendText(b, `,"refused":`, r.Refusal.String())
	} else {
		b = append(b, `,"connect":true`...)
	}
	b = appendText(b, `,"caller":`, r.Caller.String())
	if r.Recording != protocol.RecordDefault {
		b = appendText(b, `,"policy":`, r.Recording.String())
	}
	b = appendTrue(b, `,"summary":true`, r.Summary)
	b = appendTrue(b, `,"report":true`, r.Report)
	b = appendTrue(b, `,"cut":true`, r.Cut)
	return appendNumber(b, `,"grace":`, r.Grace.Microseconds())
}

func appendReply(b []byte, side protocol.Leg, ev protocol.CommandEnded) []byte {
	b = append(append(append(b, `{"reply":"`...), ev.Command.String()...), '"')
	b = appendLegName(b, side)
	if _, which, ok := strings.Cut(ev.Step, ":"); ok {
		if ev.Command == protocol.CommandSpeak {
			b = appendText(b, `,"what":`, which)
		} else {
			b = append(append(b, `,"turn":`...), which...)
		}
	}
	r := ev.Reply
	b = append(append(append(b, `,"result":"`...), r.Result.String()...), '"')
	if r.Attempts > 1 {
		b = appendNumber(b, `,"attempts":`, int64(r.Attempts))
	}
	if r.Result != protocol.CommandOK {
		b = appendNumber(b, `,"status":`, int64(r.Status))
		b = appendText(b, `,"code":`, r.Code)
	}
	return appendTrue(b, `,"alive":true`, r.Alive && ev.Command == protocol.CommandFind)
}

// appendSpans tells how long news were under way.
func appendSpans(b []byte, ev protocol.Event, read, now time.Time) []byte {
	switch ev := ev.(type) {
	case protocol.LegEvent:
		if read.IsZero() {
			read = now
		}
		b = appendNumber(b, `,"lag":`, span(happenedAt(ev, now), read))
		b = appendNumber(b, `,"wait":`, span(read, now))
	case protocol.CommandEnded:
		if sent := ev.Reply.Sent; !sent.IsZero() {
			if !ev.Read.IsZero() {
				b = appendNumber(b, `,"own":`, span(ev.Read, sent))
			}
			b = appendNumber(b, `,"took":`, span(sent, happenedAt(ev, now)))
		}
		b = appendNumber(b, `,"wait":`, span(happenedAt(ev, now), now))
	}
	return b
}

// span counts the microseconds between two instants as rows keep them, so that
// the instant of a line and its spans give the later one exactly.
func span(from, to time.Time) int64 { return to.UnixMicro() - from.UnixMicro() }

func appendSettings(b []byte, s *Settings) []byte {
	b = append(append(append(b, `,"settings":{"recording":"`...), s.Recording.String()...), '"')
	b = appendNumber(b, `,"ring":`, s.RingTimeout.Microseconds())
	b = appendNumber(b, `,"limit":`, s.Limit.Microseconds())
	b = appendTrue(b, `,"unreachable":true`, s.Unreachable != "")
	b = appendTrue(b, `,"ended":true`, s.Ended != "")
	b = appendTrue(b, `,"checkout":true`, s.Checkout != "")
	b = appendTrue(b, `,"consent":true`, s.Consent != "")
	b = appendTrue(b, `,"summaries":true`, s.Summaries)
	return append(b, '}')
}

func appendLegName(b []byte, side protocol.Leg) []byte {
	return append(append(append(b, `,"leg":"`...), side.String()...), '"')
}

// Again is the step of an event that only its sender can know for a repeat.
func (c Call) Again(ev protocol.LegEvent, read, now time.Time) (Call, Effects) {
	side, known := c.legOf(ev)
	if !known {
		return c, Effects{Unknown: true}
	}
	return c.repeated(side, ev, read, now)
}
