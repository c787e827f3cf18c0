package protocol

// Leg is one party's side of a call: A is the caller's, B the one we dial.
type Leg uint8

// LegUnknown is a leg that no event has placed yet.
const (
	LegUnknown Leg = iota
	LegA
	LegB
)

func (l Leg) String() string { return [...]string{"", "a", "b"}[l] }

// ParseLeg reads "a" or "b".
func ParseLeg(s string) (Leg, bool) {
	switch s {
	case "a":
		return LegA, true
	case "b":
		return LegB, true
	}
	return LegUnknown, false
}

// Other is the leg across.
func (l Leg) Other() Leg {
	switch l {
	case LegA:
		return LegB
	case LegB:
		return LegA
	}
	return LegUnknown
}

// Party is a role in a booking. Either may call: party B on leg A is the host
// who rings the guest.
type Party uint8

// PartyNone is nobody of the booking.
const (
	PartyNone Party = iota
	PartyA
	PartyB
)

func (p Party) String() string { return [...]string{"", "a", "b"}[p] }

// ParseParty reads "a" or "b".
func ParseParty(s string) (Party, bool) {
	leg, ok := ParseLeg(s)
	return Party(leg), ok
}

// HangupCause is the carrier's word for the end of a leg.
type HangupCause uint8

// The carrier's nine causes. A value we do not know is CauseUnspecified, as
// its contract advises.
const (
	CauseNone HangupCause = iota // the leg has not ended
	CauseUnspecified
	CauseCallRejected
	CauseNormalClearing
	CauseOriginatorCancel
	CauseTimeout
	CauseTimeLimit
	CauseUserBusy
	CauseNotFound
	CauseNoAnswer
)

var causeNames = [...]string{
	"", "unspecified", "call_rejected", "normal_clearing", "originator_cancel",
	"timeout", "time_limit", "user_busy", "not_found", "no_answer",
}

func (c HangupCause) String() string { return causeNames[c] }

// ParseHangupCause reads the carrier's spelling; ok is false for a word that
// is not in its list, which then counts as unspecified.
func ParseHangupCause(s string) (c HangupCause, ok bool) {
	for i, name := range causeNames {
		if i > 0 && name == s {
			return HangupCause(i), true
		}
	}
	return CauseUnspecified, s == ""
}

// HangupCauses lists every cause a leg may end with.
func HangupCauses() []HangupCause {
	out := make([]HangupCause, 0, len(causeNames)-1)
	for i := 1; i < len(causeNames); i++ {
		out = append(out, HangupCause(i))
	}
	return out
}

// HangupSource says who ended a leg, as the carrier saw it.
type HangupSource uint8

// The carrier's three sources; SourceUnknown stands for a missing one too.
const (
	SourceUnknown HangupSource = iota
	SourceCaller
	SourceCallee
)

var sourceNames = [...]string{"unknown", "caller", "callee"}

func (s HangupSource) String() string { return sourceNames[s] }

// ParseHangupSource reads the carrier's spelling.
func ParseHangupSource(s string) HangupSource {
	for i, name := range sourceNames {
		if name == s {
			return HangupSource(i)
		}
	}
	return SourceUnknown
}

// HangupSources lists every source.
func HangupSources() []HangupSource {
	return []HangupSource{SourceUnknown, SourceCaller, SourceCallee}
}

// NumberState is where a proxy number stands in its life.
type NumberState uint8

// Only a serving number is lent to new bookings.
const (
	NumberServing NumberState = iota
	NumberDraining
	NumberResting
	NumberRetired
)

var numberStateNames = [...]string{"serving", "draining", "resting", "retired"}

func (s NumberState) String() string { return numberStateNames[s] }

// ParseNumberState reads a stored state.
func ParseNumberState(s string) (NumberState, bool) {
	for i, name := range numberStateNames {
		if name == s {
			return NumberState(i), true
		}
	}
	return 0, false
}

// NumberStates lists every state.
func NumberStates() []NumberState {
	return []NumberState{NumberServing, NumberDraining, NumberResting, NumberRetired}
}

// Assignment is the policy by which the pool picks numbers.
type Assignment uint8

// Spreading keeps the load of all numbers even, so that none of them gets marked
// as spam. Packing fills one number before it begins the next.
const (
	AssignSpread Assignment = iota
	AssignPack
)

var assignmentNames = [...]string{"spread", "pack"}

func (a Assignment) String() string { return assignmentNames[a] }

// ParseAssignment reads the configured word.
func ParseAssignment(s string) (Assignment, bool) {
	return parseName[Assignment](assignmentNames[:], s)
}

// Masks says how many numbers stand between the two of a booking.
type Masks uint8

// Shared is one number that both dial; a pair is one number for each.
const (
	MasksShared Masks = iota
	MasksPair
)

var masksNames = [...]string{"shared", "pair"}

func (m Masks) String() string { return masksNames[m] }

// ParseMasks reads the word.
func ParseMasks(s string) (Masks, bool) { return parseName[Masks](masksNames[:], s) }

// OnCheckout says what the end of a booking means for a call in progress.
type OnCheckout uint8

// The two may finish their call, or it is cut after a grace.
const (
	FinishCalls OnCheckout = iota
	CutCalls
)

var onCheckoutNames = [...]string{"finish", "cut"}

func (o OnCheckout) String() string { return onCheckoutNames[o] }

// ParseOnCheckout reads the word.
func ParseOnCheckout(s string) (OnCheckout, bool) {
	return parseName[OnCheckout](onCheckoutNames[:], s)
}

func parseName[T ~uint8](names []string, s string) (T, bool) {
	for i, name := range names {
		if name == s {
			return T(i), true
		}
	}
	return 0, false
}

// BookingState is where a booking stands in its life.
type BookingState uint8

// A booking in quarantine has ended, but its number still remembers its
// parties, so that a late caller is not taken for a stranger or for the next.
const (
	BookingLive BookingState = iota
	BookingQuarantined
	BookingClosed
)

var bookingStateNames = [...]string{"live", "quarantine", "closed"}

func (s BookingState) String() string { return bookingStateNames[s] }

// ParseBookingState reads a stored state.
func ParseBookingState(s string) (BookingState, bool) {
	for i, name := range bookingStateNames {
		if name == s {
			return BookingState(i), true
		}
	}
	return 0, false
}

// RecordingMode says how a call is recorded.
type RecordingMode uint8

// RecordDefault is the operator's choice. The dual ones keep the two parties on
// channels of their own.
const (
	RecordDefault RecordingMode = iota
	RecordDualMP3
	RecordDualWAV
	RecordSingleMP3
	RecordOff
)

var recordingModeNames = [...]string{"default", "dual-mp3", "dual-wav", "single-mp3", "off"}

func (m RecordingMode) String() string { return recordingModeNames[m] }

// ParseRecordingMode reads the word, "default" among them.
func ParseRecordingMode(s string) (RecordingMode, bool) {
	return parseName[RecordingMode](recordingModeNames[:], s)
}

// RecordingModes lists every mode that a call can be recorded in, or not.
func RecordingModes() []RecordingMode {
	return []RecordingMode{RecordDualMP3, RecordDualWAV, RecordSingleMP3, RecordOff}
}

// CommandKind is what a command asks of the carrier, by the carrier's name.
type CommandKind uint8

// The carrier's names of the commands we send.
const (
	CommandAnswer CommandKind = iota
	CommandReject
	CommandTransfer
	CommandRecordStart
	CommandSpeak
	CommandHangUp
	CommandFind // a look-up: is the leg alive?
	CommandRecordPause
	CommandRecordResume
)

var commandKindNames = [...]string{
	"answer", "reject", "transfer", "record_start", "speak", "hangup", "find",
	"record_pause", "record_resume",
}

func (k CommandKind) String() string { return commandKindNames[k] }

// CommandKinds lists every kind.
func CommandKinds() []CommandKind {
	out := make([]CommandKind, len(commandKindNames))
	for i := range out {
		out[i] = CommandKind(i)
	}
	return out
}

// EventKind is what a webhook reports, by the carrier's name.
type EventKind uint8

// EventOther stands for every event that no decision depends on.
const (
	EventOther EventKind = iota
	EventInitiated
	EventAnswered
	EventBridged
	EventHangup
	EventSpeakEnded
	EventRecordingSaved
	EventRecordingError
	EventTranscriptionSaved
)

var eventKindNames = [...]string{
	"other", "call.initiated", "call.answered", "call.bridged", "call.hangup",
	"call.speak.ended", "call.recording.saved", "call.recording.error",
	"call.recording.transcription.saved",
}

func (k EventKind) String() string { return eventKindNames[k] }

// EventKinds lists every kind.
func EventKinds() []EventKind {
	out := make([]EventKind, len(eventKindNames))
	for i := range out {
		out[i] = EventKind(i)
	}
	return out
}

// Receipt says what became of a delivered event.
type Receipt uint8

// An event is acknowledged with each of these except ReceiptOverloaded.
const (
	ReceiptAccepted Receipt = iota
	ReceiptDuplicate
	ReceiptUnknownCall
	ReceiptOverloaded
)

var receiptNames = [...]string{"accepted", "duplicate", "unknown_call", "overloaded"}

func (r Receipt) String() string { return receiptNames[r] }

// Receipts lists every receipt.
func Receipts() []Receipt {
	return []Receipt{ReceiptAccepted, ReceiptDuplicate, ReceiptUnknownCall, ReceiptOverloaded}
}

// ActorKind is a kind of actor, by the name that metrics and logs have for it.
type ActorKind uint8

// The kinds, from the root down.
const (
	ActorGuardian ActorKind = iota
	ActorPool
	ActorNumber
	ActorBookingShard
	ActorBooking
	ActorCallShard
	ActorCall
	ActorOrderDesk
	ActorOrder
	ActorRecordingDesk
	ActorRecording
	ActorErasureDesk
)

var actorKindNames = [...]string{
	"guardian", "pool", "number", "booking_shard", "booking", "call_shard", "call",
	"order_desk", "order", "recording_desk", "recording", "erasure_desk",
}

func (k ActorKind) String() string { return actorKindNames[k] }

// ActorKinds lists every kind.
func ActorKinds() []ActorKind {
	out := make([]ActorKind, len(actorKindNames))
	for i := range out {
		out[i] = ActorKind(i)
	}
	return out
}
