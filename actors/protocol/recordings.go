package protocol

import (
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"maskswitch/actors/phone"
)

// RecordingStatus says where a recording is.
type RecordingStatus uint8

// Pending, archived, erasing have something due; the others never again.
const (
	RecordingPending  RecordingStatus = iota // with the carrier, not in the archive yet
	RecordingArchived                        // in the archive, read back and found whole
	RecordingErasing                         // to be erased, here and at the carrier
	RecordingErased                          // nowhere any more
	RecordingLost                            // given up, and Why says why
	RecordingReplaced                        // stood for recordings that have rows of their own now
)

var recordingStatusNames = [...]string{"pending", "archived", "erasing", "erased", "lost", "replaced"}

func (s RecordingStatus) String() string { return recordingStatusNames[s] }

// ParseRecordingStatus reads a stored status.
func ParseRecordingStatus(s string) (RecordingStatus, bool) {
	return parseName[RecordingStatus](recordingStatusNames[:], s)
}

// RecordingStatuses lists every status.
func RecordingStatuses() []RecordingStatus {
	out := make([]RecordingStatus, len(recordingStatusNames))
	for i := range out {
		out[i] = RecordingStatus(i)
	}
	return out
}

// SummaryStatus says how far the summary of a recording is.
type SummaryStatus uint8

// Most recordings get none.
const (
	SummaryNone    SummaryStatus = iota // nobody asked for one
	SummaryWaiting                      // for the archive, the transcript or the model
	SummaryDone
	SummaryFailed // given up; SummaryWhy says why
)

var summaryStatusNames = [...]string{"none", "waiting", "done", "failed"}

func (s SummaryStatus) String() string { return summaryStatusNames[s] }

// ParseSummaryStatus reads a stored status.
func ParseSummaryStatus(s string) (SummaryStatus, bool) {
	return parseName[SummaryStatus](summaryStatusNames[:], s)
}

// Recording is the row of a recording. The carrier's links are not kept: they
// die after ten minutes, and a new one can be asked for by these facts.
type Recording struct {
	// ID is the carrier's. A recording of which it has not told one goes by
	// "leg:" and what names it, one that is only expected by "call:" and its call.
	ID        RecordingID
	Call      CallID // zero if the call is unknown to us
	Booking   BookingID
	Partition Partition
	Caller    Party // who dialled: of two channels, his is the first
	Session   SessionID
	Leg       LegID  // may be empty
	LegUUID   string // the carrier's call leg id
	Format    string // mp3 or wav; empty: not told
	Channels  string // single or dual; empty: not told
	StartedAt time.Time
	EndedAt   time.Time
	NoticedAt time.Time // by the carrier's clock

	Status    RecordingStatus
	Why       string    // it is lost or erased, in words; of others the last trouble
	NextTryAt time.Time // something is due then; zero: nothing is
	Tries     int       // of what is due now

	Object      string // its name in the archive; empty until it is there
	Bytes       int64
	SHA256      string // of the bytes as they came and as they were read back, hexadecimal
	ContentType string
	ArchivedAt  time.Time
	ErasedAt    time.Time
	CarrierGone bool   // the carrier's own copy is deleted
	Hold        string // why it must not be erased; empty: it may be

	Summary    SummaryStatus
	SummaryWhy string
}

// Duration is how long it lasts, pauses included; 0 if the carrier has not told.
func (r Recording) Duration() time.Duration {
	if r.StartedAt.IsZero() || r.EndedAt.Before(r.StartedAt) {
		return 0
	}
	return r.EndedAt.Sub(r.StartedAt)
}

// RecordingDue is a place in the order of what is due.
type RecordingDue struct {
	At time.Time
	ID RecordingID
}

// CallQuery selects calls in the order of their ids, which is that of time.
type CallQuery struct {
	Booking BookingID // zero: any
	After   CallID    // zero: from the first
	Limit   int
}

// TextKind is what a text about a recording is.
type TextKind uint8

// Both are made by machines.
const (
	TextTranscript TextKind = iota // the carrier's
	TextSummary
)

var textKindNames = [...]string{"transcript", "summary"}

func (k TextKind) String() string { return textKindNames[k] }

// ParseTextKind reads a stored kind.
func ParseTextKind(s string) (TextKind, bool) { return parseName[TextKind](textKindNames[:], s) }

// RecordingText is a text about a recording: one of each kind at most.
type RecordingText struct {
	Recording RecordingID
	Session   SessionID // of a transcript that came without the recording's id
	Kind      TextKind
	Text      string
	MadeBy    string // the carrier's transcription id, or the model
	At        time.Time
}

// CarrierRecording is a recording as the carrier's API tells of it.
type CarrierRecording struct {
	ID                 RecordingID
	Session            SessionID
	Leg                LegID
	LegUUID            string
	Channels           string
	StartedAt, EndedAt time.Time
	Links              map[string]Secret // by format, signed anew
}

// RecordingSearch selects recordings at the carrier. One member is set.
type RecordingSearch struct {
	Session SessionID
	LegUUID string
}

// CarrierTranscription is a transcription as the carrier's API tells of it.
type CarrierTranscription struct {
	ID        string
	Recording RecordingID
	Text      string
	Done      bool
}

// Object is what an archive says of what it keeps.
type Object struct {
	Name        string
	Bytes       int64
	ContentType string
}

// Audio is what a link led to.
type Audio struct {
	io.ReadCloser
	Bytes       int64  // as announced; -1: not announced
	ContentType string // as announced
}

// ErrNoObject says that the archive has nothing by a name.
var ErrNoObject = errors.New("no such object")

// Secret is a text that only code may read: printed, it is dots.
type Secret string

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "…"
}

// LogValue keeps it out of logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// GoString keeps it out of %#v.
func (s Secret) GoString() string { return s.String() }

// FetchRecording tells the queue of a recording that is on disk as pending. Link
// works for ten minutes from Since, if there is one.
type FetchRecording struct {
	Row   Recording
	Link  Secret
	Since time.Time
}

// Transcribed brings the queue a transcript. Done is called when it is on disk.
type Transcribed struct {
	Event LegTranscribed
	Done  func(Receipt, error)
}

// LogValue keeps a dead letter's log line free of what was said.
func (m Transcribed) LogValue() slog.Value { return slog.StringValue("a transcript") }

// HoldRecording forbids to erase a recording, for the reason given; without one
// it allows it again.
type HoldRecording struct {
	ID     RecordingID
	Reason string
	Done   func(Recording, error)
}

// EraseRecording has a recording erased, in the archive and at the carrier: Done
// is called when that is promised (status erasing, on disk) or has been done
// already. Conflict if it is held.
type EraseRecording struct {
	ID     RecordingID
	Reason string // "asked for", "retention", "erasure <id>"
	Done   func(Recording, error)
}

// PauseCall pauses the recording of a call, or resumes it. Done is called when
// the carrier has said yes and the disk knows it, or with what went wrong.
type PauseCall struct {
	Call    CallID
	Session SessionID
	Paused  bool
	Done    func(RecordingSwitch, error)
}

// RecordingSwitch is how the recording of a live call stands.
type RecordingSwitch struct {
	Call   CallID
	Paused bool
	Since  time.Time
}

// ErasureID names a request to erase: a UUIDv7, so that rows append.
type ErasureID uuid.UUID

// NewErasureID makes an id whose order is the order of now.
func NewErasureID(now time.Time) ErasureID {
	id := uuid.New()
	stampV7(&id, now)
	return ErasureID(id)
}

func (id ErasureID) String() string { return uuid.UUID(id).String() }

// ParseErasureID reads the 36-character form only.
func ParseErasureID(s string) (ErasureID, error) {
	id, err := parseUUID(s)
	return ErasureID(id), err
}

// AskErasure asks for a person or a booking to be forgotten. One of Party and
// Booking is set.
type AskErasure struct {
	Party   phone.Number
	Booking BookingID
}

// ErasureRow is an erasure as the store keeps it. Detail is JSON; it holds the
// party's number until the erasure is done, and not a digit of it afterwards.
type ErasureRow struct {
	ID        ErasureID
	Partition Partition
	CreatedAt time.Time
	DoneAt    time.Time // zero: under way
	Detail    string
}

// Erasure is the receipt of an erasure.
type Erasure struct {
	ID         ErasureID
	CreatedAt  time.Time
	DoneAt     time.Time // zero: under way
	Subject    string    // the booking's public id, or the party, masked
	Bookings   int       // bookings that hold the party no more
	Recordings int       // recordings erased
	Waiting    int       // recordings that are being erased
	Refused    []ErasureRefusal
	Trouble    string // what it waits for, in words
}

// ErasureRefusal says what was left, and why.
type ErasureRefusal struct {
	Booking   string // its public id
	Recording RecordingID
	Code      string // booking_live, call_under_way, recording_held
	Detail    string
}

// PlaceErasure hands an erasure over. Done is called when it is on disk.
type PlaceErasure struct {
	Asked   AskErasure
	Subject string // for people: what was asked for, and no number
	Done    func(Erasure, error)
}

// EndQuarantine has a booking in quarantine forgotten by its numbers now. Done
// is called when the disk knows it; a booking that is closed already is fine.
type EndQuarantine struct {
	Booking Booking
	Done    func(error)
}

// RestoreErasure gives back an erasure that is under way.
type RestoreErasure struct{ Row ErasureRow }

// SummaryRequest is what a summary may be made of, and nothing else.
type SummaryRequest struct {
	Transcript string
	Caller     Party
	Channels   string
	StartedAt  time.Time
	Duration   time.Duration
}

// Summary is what a machine made of a transcript.
type Summary struct {
	Text  string
	Model string
}

// RecordingTrouble says what can be done about a failure on a recording's way.
type RecordingTrouble uint8

// What to do: the same again later; ask for another link; stop, since there is
// nothing; the same again, since what came was not what was announced; call the
// operator, and try again all the same.
const (
	TroubleLater RecordingTrouble = iota
	TroubleLink
	TroubleGone
	TroubleBroken
	TroubleRefused
)

var recordingTroubleNames = [...]string{"later", "link", "gone", "broken", "refused"}

func (t RecordingTrouble) String() string { return recordingTroubleNames[t] }

// RecordingTroubles lists every one.
func RecordingTroubles() []RecordingTrouble {
	return []RecordingTrouble{TroubleLater, TroubleLink, TroubleGone, TroubleBroken, TroubleRefused}
}

// RecordingError is why a step on a recording's way failed.
type RecordingError struct {
	Trouble RecordingTrouble
	Status  int           // HTTP status; 0 if there was no answer
	After   time.Duration // not before; 0: whenever
	Detail  string        // for people: no link, no key, no party's number
}

func (e *RecordingError) Error() string { return e.Detail }
