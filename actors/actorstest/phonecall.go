package actorstest

import (
	"time"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// PhoneCall makes the carrier's events of one call.
type PhoneCall struct {
	Session  string
	From, To phone.Number // the caller, and the proxy number he dials
	began    time.Time
	tagA     protocol.Tag
	tagB     protocol.Tag
}

// Call begins one, at the instant it is now.
func Call(session string, from int, to phone.Number) *PhoneCall {
	return &PhoneCall{Session: session, From: Number(from), To: to, began: time.Now()}
}

// Tagged makes the events carry the tags of the commands that the switch sent,
// as the carrier would.
func (p *PhoneCall) Tagged(sent []Sent) *PhoneCall {
	for _, s := range sent {
		if string(s.Command.Target()) != "A-"+p.Session {
			continue
		}
		switch cmd := s.Command.(type) {
		case protocol.Answer:
			p.tagA = cmd.Tag
		case protocol.Transfer:
			p.tagA, p.tagB = cmd.TagA, cmd.TagB
		}
	}
	return p
}

func (p *PhoneCall) about(side protocol.Leg, what string) protocol.About {
	a := protocol.About{
		EventID: what + "-" + side.String() + "-" + p.Session, Session: protocol.SessionID(p.Session),
		Leg: protocol.LegID("A-" + p.Session), Connection: "77", Tag: p.tagA, From: p.From, To: p.To, At: time.Now(), Attempt: 1,
	}
	if side == protocol.LegB {
		a.Leg, a.Tag, a.From, a.To = protocol.LegID("B-"+p.Session), p.tagB, p.To, phone.Number{}
	}
	return a
}

// Rings is the caller's leg at the door.
func (p *PhoneCall) Rings() protocol.LegEvent {
	about := p.about(protocol.LegA, "ring")
	about.At, about.Tag = p.began, protocol.Tag{}
	return protocol.LegRang{About: about, Incoming: true, Withheld: !p.From.Known()}
}

// RingsAtB is the leg that a transfer makes.
func (p *PhoneCall) RingsAtB() protocol.LegEvent {
	return protocol.LegRang{About: p.about(protocol.LegB, "ring")}
}

// Answered is a leg picked up.
func (p *PhoneCall) Answered(side protocol.Leg) protocol.LegEvent {
	return protocol.LegAnswered{About: p.about(side, "answered")}
}

// Bridged is a leg joined.
func (p *PhoneCall) Bridged(side protocol.Leg) protocol.LegEvent {
	return protocol.LegBridged{About: p.about(side, "bridged")}
}

// HungUp is a leg over.
func (p *PhoneCall) HungUp(side protocol.Leg, cause protocol.HangupCause) protocol.LegEvent {
	return protocol.LegHungUp{About: p.about(side, "hangup"), Cause: cause, Source: protocol.SourceCaller}
}

// Spoken is a sentence over that was said to A.
func (p *PhoneCall) Spoken() protocol.LegEvent { return p.SpokenTo(protocol.LegA) }

// SpokenTo is a sentence over on one of the legs that it was said to.
func (p *PhoneCall) SpokenTo(side protocol.Leg) protocol.LegEvent {
	return protocol.SpeechEnded{About: p.about(side, "spoken")}
}

// Recorded is a recording ready.
func (p *PhoneCall) Recorded(id string) protocol.LegEvent {
	return protocol.LegRecorded{
		About: p.about(protocol.LegA, "recorded"), Recording: protocol.RecordingID(id),
		Format: "mp3", Channels: "dual", StartedAt: p.began, EndedAt: time.Now(),
	}
}
