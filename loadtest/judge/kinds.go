package judge

// Kind is one way to break a promise.
type Kind string

// All that is looked for.
const (
	StrangerConnected Kind = "stranger_connected"
	WithheldConnected Kind = "withheld_connected"
	LateConnected     Kind = "late_connected"
	WrongPerson       Kind = "wrong_person"
	NumberShown       Kind = "number_shown"
	WrongCallerID     Kind = "wrong_caller_id"

	AnsweredInVain Kind = "answered_in_vain"
	LeftInSilence  Kind = "left_in_silence"
	LeftOnTheLine  Kind = "left_on_the_line"

	AnsweredTwice    Kind = "answered_twice"
	TransferredTwice Kind = "transferred_twice"
	RecordedTwice    Kind = "recorded_twice"

	CallerRefused Kind = "caller_refused"
	CallCut       Kind = "call_cut"
	FinishCut     Kind = "finish_cut"
	TalkedOn      Kind = "talked_on"
	EventIgnored  Kind = "event_ignored"
	LateReaction  Kind = "late_reaction"
	EventRefused  Kind = "event_refused"
	NeverEnded    Kind = "never_ended"
	BadCommand    Kind = "bad_command"
	StrayCommand  Kind = "stray_command"

	NotRecorded       Kind = "not_recorded"
	RecordedUnasked   Kind = "recorded_unasked"
	RecordedOtherwise Kind = "recorded_otherwise"
	RecordedUnheard   Kind = "recorded_before_consent"
	SummaryUnasked    Kind = "summary_unasked"
	RecordingLost     Kind = "recording_lost"
	RecordingMissing  Kind = "recording_missing"
	RecordingAltered  Kind = "recording_altered"
	RecordingTwice    Kind = "recording_twice"
	KeyLeaked         Kind = "key_leaked"

	NumberGivenTwice Kind = "number_given_twice"
	BookingForgotten Kind = "booking_forgotten"
	BookingUndead    Kind = "booking_undead"
	RepeatDiffers    Kind = "repeat_differs"
	MasksIgnored     Kind = "masks_ignored"
)

var titles = []struct {
	kind  Kind
	title string
}{
	{StrangerConnected, "somebody was connected who has no booking on that number"},
	{WithheldConnected, "a caller who hid the number was connected"},
	{LateConnected, "a caller was connected whose booking had ended"},
	{WrongPerson, "a caller was connected to somebody else than the other party of the booking"},
	{NumberShown, "a party's own number was shown to the other side, or to the carrier's logs"},
	{WrongCallerID, "the callee saw a number that does not lead back to the caller"},
	{AnsweredInVain, "a caller who never had a booking on that number was answered, and pays for it"},
	{LeftInSilence, "a caller whose booking has ended was answered, and not told so to the end"},
	{LeftOnTheLine, "a caller was told that his booking has ended, and was not released"},
	{AnsweredTwice, "a caller was answered twice"},
	{TransferredTwice, "a call was transferred twice, so that a phone rang twice"},
	{RecordedTwice, "a call was recorded twice at once"},
	{CallerRefused, "a caller with a live booking was turned away without the callee's phone having rung"},
	{CallCut, "the switch hung up on a call that was going well"},
	{FinishCut, "the switch hung up at checkout on people whom their booking lets finish"},
	{TalkedOn, "people talked on long after their booking had to cut them off"},
	{EventIgnored, "an event was taken and the command that had to follow never came"},
	{LateReaction, "the command that had to follow an event came too late"},
	{EventRefused, "an event of the carrier was turned away, and is lost by that"},
	{NeverEnded, "a call did not end"},
	{BadCommand, "a command broke the carrier's rules"},
	{StrayCommand, "a command named a leg that never was"},
	{NotRecorded, "two people talked and were not recorded"},
	{RecordedUnasked, "two people were recorded whose booking says that they are not"},
	{RecordedOtherwise, "a call was recorded in another way than its booking says"},
	{RecordedUnheard, "two people were recorded before both had heard that they are"},
	{SummaryUnasked, "what was said was transcribed or summed up, for a booking that did not ask for it"},
	{RecordingLost, "a recording was lost"},
	{RecordingMissing, "a recording is not in the archive"},
	{RecordingAltered, "a recording in the archive is not what the carrier made"},
	{RecordingTwice, "a recording is in the archive twice"},
	{KeyLeaked, "the key of the carrier's API was shown to the storage that recordings are fetched from"},
	{NumberGivenTwice, "two live bookings hold one number for the same party"},
	{BookingForgotten, "the switch does not know a booking that it acknowledged, or knows another one"},
	{BookingUndead, "a booking that has ended is still listed as live"},
	{RepeatDiffers, "the same request again gave another booking or another number"},
	{MasksIgnored, "a booking that asked for a number for each side got one for both"},
}

// Kinds are all kinds that are looked for, in the order of a report.
func Kinds() []Kind {
	all := make([]Kind, len(titles))
	for i, t := range titles {
		all[i] = t.kind
	}
	return all
}

// Title names the broken promise for people.
func (k Kind) Title() string {
	for _, t := range titles {
		if t.kind == k {
			return t.title
		}
	}
	return string(k)
}
