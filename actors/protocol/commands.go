package protocol

import (
	"strconv"
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
	Mode RecordingMode // never RecordDefault or RecordOff
	// Transcribe has the carrier write down what is said, by its own engine and
	// nobody else's: the text comes as an event of its own.
	Transcribe bool
}

// PauseRecording stops recording for a while, as when a card number is read
// aloud. Turn counts the pauses and resumptions of the call, from 1: each is a
// command of its own.
type PauseRecording struct {
	Leg  LegID
	Turn int
}

// ResumeRecording ends a pause.
type ResumeRecording struct {
	Leg  LegID
	Turn int
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

func (Answer) Kind() CommandKind          { return CommandAnswer }
func (Reject) Kind() CommandKind          { return CommandReject }
func (Transfer) Kind() CommandKind        { return CommandTransfer }
func (StartRecording) Kind() CommandKind  { return CommandRecordStart }
func (Speak) Kind() CommandKind           { return CommandSpeak }
func (HangUp) Kind() CommandKind          { return CommandHangUp }
func (Find) Kind() CommandKind            { return CommandFind }
func (PauseRecording) Kind() CommandKind  { return CommandRecordPause }
func (ResumeRecording) Kind() CommandKind { return CommandRecordResume }

func (c Answer) Target() LegID          { return c.Leg }
func (c Reject) Target() LegID          { return c.Leg }
func (c Transfer) Target() LegID        { return c.Leg }
func (c StartRecording) Target() LegID  { return c.Leg }
func (c Speak) Target() LegID           { return c.Leg }
func (c HangUp) Target() LegID          { return c.Leg }
func (c Find) Target() LegID            { return c.Leg }
func (c PauseRecording) Target() LegID  { return c.Leg }
func (c ResumeRecording) Target() LegID { return c.Leg }

func (Answer) Step() string            { return "answer" }
func (Reject) Step() string            { return "reject" }
func (Transfer) Step() string          { return "transfer" }
func (StartRecording) Step() string    { return "record_start" }
func (c Speak) Step() string           { return "speak:" + c.What }
func (HangUp) Step() string            { return "hangup" }
func (Find) Step() string              { return "find" }
func (c PauseRecording) Step() string  { return "record_pause:" + strconv.Itoa(c.Turn) }
func (c ResumeRecording) Step() string { return "record_resume:" + strconv.Itoa(c.Turn) }

func (Answer) command()          {}
func (Reject) command()          {}
func (Transfer) command()        {}
func (StartRecording) command()  {}
func (Speak) command()           {}
func (HangUp) command()          {}
func (Find) command()            {}
func (PauseRecording) command()  {}
func (ResumeRecording) command() {}

// Reply is what the carrier made of a command.
type Reply struct {
	Result   CommandResult
	Status   int    // HTTP status of the last attempt; 0 if there was no answer
	Code     string // the carrier's error code, such as 90018
	Detail   string // the carrier's words, with digits of numbers masked
	Attempts int
	Sent     time.Time // when the first attempt went on the wire; zero if none did
	Alive    bool      // for Find: the leg lives
}
