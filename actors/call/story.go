package call

import (
	"strconv"
	"time"

	"maskswitch/actors/protocol"
)

// tell adds a line to the call's story.
func (c *Call) tell(fx *Effects, at time.Time, what string) {
	c.Lines++
	fx.Lines = append(fx.Lines, protocol.Line{Call: c.ID, N: c.Lines, At: at, What: what})
}

// command adds a command, and the line that tells of it.
func (c *Call) command(fx *Effects, now time.Time, cmd protocol.Command) {
	fx.Commands = append(fx.Commands, cmd)
	c.tell(fx, now, `{"send":"`+cmd.Kind().String()+`","leg":"`+c.side(cmd.Target()).String()+`"}`)
}

func (c *Call) side(id protocol.LegID) protocol.Leg {
	if id == c.B.ID && id != "" {
		return protocol.LegB
	}
	return protocol.LegA
}

// eventLine tells an event by its kind and the carrier's id, never by a number.
func eventLine(side protocol.Leg, ev protocol.LegEvent) string {
	about := ev.Facts()
	buf := make([]byte, 0, 160)
	buf = append(buf, `{"event":`...)
	if noted, ok := ev.(protocol.LegNoted); ok {
		buf = strconv.AppendQuote(buf, noted.What)
	} else {
		buf = strconv.AppendQuote(buf, ev.Kind().String())
	}
	buf = append(buf, `,"leg":"`...)
	buf = append(buf, side.String()...)
	buf = append(buf, `","id":`...)
	buf = strconv.AppendQuoteToASCII(buf, about.EventID)
	switch ev := ev.(type) {
	case Rang:
		if ev.Route.Refusal != protocol.OutcomeNone {
			buf = append(buf, `,"refused":"`...)
			buf = append(buf, ev.Route.Refusal.String()...)
			buf = append(buf, '"')
		}
	case protocol.LegHungUp:
		buf = append(buf, `,"cause":"`...)
		buf = append(buf, ev.Cause.String()...)
		buf = append(buf, `","source":"`...)
		buf = append(buf, ev.Source.String()...)
		buf = append(buf, '"')
	}
	if about.Attempt > 1 {
		buf = append(buf, `,"attempt":`...)
		buf = strconv.AppendInt(buf, int64(about.Attempt), 10)
	}
	return string(append(buf, '}'))
}

func replyLine(ev protocol.CommandEnded) string {
	buf := make([]byte, 0, 96)
	buf = append(buf, `{"reply":"`...)
	buf = append(buf, ev.Command.String()...)
	buf = append(buf, `","result":"`...)
	buf = append(buf, ev.Reply.Result.String()...)
	buf = append(buf, '"')
	if ev.Reply.Attempts > 1 {
		buf = append(buf, `,"attempts":`...)
		buf = strconv.AppendInt(buf, int64(ev.Reply.Attempts), 10)
	}
	if ev.Reply.Code != "" {
		buf = append(buf, `,"code":`...)
		buf = strconv.AppendQuoteToASCII(buf, ev.Reply.Code)
	}
	return string(append(buf, '}'))
}
