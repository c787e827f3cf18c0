package protocol

import (
	"time"

	"maskswitch/actors/phone"
)

// Command asks the carrier for something, and may be refused. Sealed: the kinds
// in this file are all there are.
type Command interface {
	// Kind is the carrier's name for it.
	Kind() CommandKind
	// Target is the leg it is sent on.
	Target() LegID
	// Step is what makes its command id: one step on one leg is one command,
	// however often it is sent.
	Step() string
	command()
}

// Answer takes an incoming leg, which parks until then.
type Answer struct {
	Leg LegID
	Tag Tag
}

// Reject turns an incoming leg down before it is answered. The carrier's cause
// is CALL_REJECTED for every reason of ours: its list has no finer word.
type Reject struct {
	Leg LegID
	Tag Tag
}

// Transfer dials B from a leg that has answered.
type Transfer struct {
	Leg         LegID
	To          phone.Number // the other party
	From        phone.Number // the proxy number that this party knows
	TagA, TagB  Tag
	RingTimeout time.Duration // 5 s to 600 s
	Limit       time.Duration // 30 s to 4 h
}

// StartRecording records from now on, both directions.
type StartRecording struct {
	Leg  LegID
	Tag  Tag
	Mode RecordingMode // never RecordOff
}

// Speak says a sentence to a leg.
type Speak struct {
	Leg  LegID
	Tag  Tag
	Text string
	What string // what is said, for the command id: each sentence once
	Both bool   // to the leg across as well
}

// HangUp ends a leg.
type HangUp struct {
	Leg LegID
}

// Find asks whether a leg is alive; it changes nothing.
type Find struct {
	Leg LegID
}

func (Answer) Kind() CommandKind         { return CommandAnswer }
func (Reject) Kind() CommandKind         { return CommandReject }
func (Transfer) Kind() CommandKind       { return CommandTransfer }
func (StartRecording) Kind() CommandKind { return CommandRecordStart }
func (Speak) Kind() CommandKind          { return CommandSpeak }
func (HangUp) Kind() CommandKind         { return CommandHangUp }
func (Find) Kind() CommandKind           { return CommandFind }

func (c Answer) Target() LegID         { return c.Leg }
func (c Reject) Target() LegID         { return c.Leg }
func (c Transfer) Target() LegID       { return c.Leg }
func (c StartRecording) Target() LegID { return c.Leg }
func (c Speak) Target() LegID          { return c.Leg }
func (c HangUp) Target() LegID         { return c.Leg }
func (c Find) Target() LegID           { return c.Leg }

func (Answer) Step() string         { return "answer" }
func (Reject) Step() string         { return "reject" }
func (Transfer) Step() string       { return "transfer" }
func (StartRecording) Step() string { return "record_start" }
func (c Speak) Step() string        { return "speak:" + c.What }
func (HangUp) Step() string         { return "hangup" }
func (Find) Step() string           { return "find" }

func (Answer) command()         {}
func (Reject) command()         {}
func (Transfer) command()       {}
func (StartRecording) command() {}
func (Speak) command()          {}
func (HangUp) command()         {}
func (Find) command()           {}

// Reply is what the carrier made of a command.
type Reply struct {
	Result   CommandResult
	Status   int    // HTTP status of the last attempt; 0 if there was no answer
	Code     string // the carrier's error code, such as 90018
	Detail   string // the carrier's words, with digits of numbers masked
	Attempts int
	Alive    bool // for Find: the leg lives
}
