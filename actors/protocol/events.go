package protocol

import (
	"time"

	"maskswitch/actors/phone"
)

// Event has happened, and may not be refused. Sealed: this file lists them all.
type Event interface{ event() }

// LegEvent is an event of the carrier's about one leg.
type LegEvent interface {
	Event
	Facts() About
	Kind() EventKind
}

// About is what every event of the carrier says.
type About struct {
	EventID    string // the carrier's, the same on each redelivery
	Session    SessionID
	Leg        LegID // may be missing on LegRecorded
	Connection string
	Tag        Tag // ours, if the leg carried one
	From, To   phone.Number
	At         time.Time // by the carrier's clock
	Attempt    int       // 1 on the first delivery
}

// LegRang says that a leg began to ring.
type LegRang struct {
	About
	Incoming bool // a caller rings a proxy number; otherwise it is the leg we dialled
	Withheld bool // the carrier sent no number that could be a party's
}

// LegAnswered says that the party on the leg picked up. Only leg B's shows that
// two people talk: the carrier reports a bridge while B still rings.
type LegAnswered struct{ About }

// LegBridged says that the carrier joined the legs. It proves nothing about
// people.
type LegBridged struct{ About }

// LegHungUp says that the leg is over.
type LegHungUp struct {
	About
	Cause  HangupCause
	Source HangupSource
	SIP    string // the SIP status behind it, "200" or "486"; may be empty
}

// SpeechEnded says that a spoken line is over.
type SpeechEnded struct {
	About
	Broken bool // it was not said to the end
}

// LegRecorded says that a recording is ready to be fetched.
type LegRecorded struct {
	About
	Recording          RecordingID // may be missing; the leg and session then name it
	LegUUID            string      // the carrier's call leg id
	Format, Channels   string
	StartedAt, EndedAt time.Time
	// Link leads to the audio for ten minutes. Whoever has it can listen: it is
	// not stored, logged or told.
	Link Secret
}

// LegTranscribed brings what the carrier understood of a recording.
type LegTranscribed struct {
	About
	Recording RecordingID // may be missing; the session then names it
	ID        string      // the transcription's, by the carrier
	Text      string      // cut at MaxTranscript bytes
}

// MaxTranscript is how much of a transcription is kept, in bytes: four hours of
// quick talk have a quarter of it.
const MaxTranscript = 1 << 20

// RecordingFailed says that the carrier could not keep a recording.
type RecordingFailed struct {
	About
	Reason string
}

// LegNoted is an event on which nothing is decided; the story mentions it.
type LegNoted struct {
	About
	What string // the carrier's event type
}

func (a About) Facts() About { return a }

func (LegRang) Kind() EventKind         { return EventInitiated }
func (LegAnswered) Kind() EventKind     { return EventAnswered }
func (LegBridged) Kind() EventKind      { return EventBridged }
func (LegHungUp) Kind() EventKind       { return EventHangup }
func (SpeechEnded) Kind() EventKind     { return EventSpeakEnded }
func (LegRecorded) Kind() EventKind     { return EventRecordingSaved }
func (RecordingFailed) Kind() EventKind { return EventRecordingError }
func (LegTranscribed) Kind() EventKind  { return EventTranscriptionSaved }
func (LegNoted) Kind() EventKind        { return EventOther }

func (LegRang) event()         {}
func (LegAnswered) event()     {}
func (LegBridged) event()      {}
func (LegHungUp) event()       {}
func (SpeechEnded) event()     {}
func (LegRecorded) event()     {}
func (RecordingFailed) event() {}
func (LegTranscribed) event()  {}
func (LegNoted) event()        {}

// CommandEnded says what the carrier made of a command of ours.
type CommandEnded struct {
	Command CommandKind
	Step    string
	Leg     LegID
	Reply   Reply
	Read    time.Time // when the webhook that caused it was read; zero if none did
	At      time.Time
}

// PauseAsked says that the recording shall be paused, or go on.
type PauseAsked struct{ Paused bool }

// DeadlinePassed says that the instant a call was waiting for has come.
type DeadlinePassed struct{ At time.Time }

// Recovered says that the call was built again from its row, by a process that
// does not know which of its commands went out.
type Recovered struct{ At time.Time }

func (CommandEnded) event()   {}
func (PauseAsked) event()     {}
func (DeadlinePassed) event() {}
func (Recovered) event()      {}
func (BookingOver) event()    {}
