package wrongswitch

import "sync/atomic"

// Kind is one way to be wrong.
type Kind string

// The ways to be wrong. What is said of a caller or booking holds for each nth
// that comes along, as Defect.Every says.
const (
	ConnectsStrangers  Kind = "connects_strangers"   // to party_a of some booking on that number
	ConnectsWithheld   Kind = "connects_withheld"    // the same for callers who hide the number
	ConnectsLate       Kind = "connects_late"        // by a booking that has ended
	ConnectsToldLate   Kind = "connects_told_late"   // tells late callers, then connects them by the number's next booking
	SilencesLate       Kind = "silences_late"        // answers late callers and says nothing
	HushesLate         Kind = "hushes_late"          // hangs up on late callers in mid-sentence
	KeepsLate          Kind = "keeps_late"           // tells late callers and does not release them
	AnswersStrangers   Kind = "answers_strangers"    // tells callers without any booking what it tells late ones
	WrongPerson        Kind = "wrong_person"         // connects to a party of another booking
	ShowsNumber        Kind = "shows_number"         // the caller's own number is the caller id
	ShowsAnotherNumber Kind = "shows_another_number" // a proxy number that does not lead back is the caller id
	ShowsCallersProxy  Kind = "shows_callers_proxy"  // with a number for each side: the one that the caller dialled
	LeaksNumber        Kind = "leaks_number"         // the caller's own number travels in client_state
	AnswersTwice       Kind = "answers_twice"        // under two command ids, as the next two
	TransfersTwice     Kind = "transfers_twice"
	RecordsTwice       Kind = "records_twice"
	ForgetsBooking     Kind = "forgets_booking"     // acknowledges it and does not keep it
	UndeadBooking      Kind = "undead_booking"      // shows it as live after its end
	GivesNumberTwice   Kind = "gives_number_twice"  // to a party who holds it
	RepeatsDifferently Kind = "repeats_differently" // a repeated create gives another number
	IgnoresMasks       Kind = "ignores_masks"       // gives one number where one for each side was asked for
	ForgetsChange      Kind = "forgets_change"      // acknowledges another end and keeps the old one
	EndsIdleEarly      Kind = "ends_idle_early"     // after a fiftieth of the time
	IgnoresIdle        Kind = "ignores_idle"        // keeps a booking that nobody uses
	AnswersLate        Kind = "answers_late"        // after Config.Lateness
	DropsWebhook       Kind = "drops_webhook"       // acknowledges it and does nothing
	RefusesWebhook     Kind = "refuses_webhook"     // answers 400
	RefusesRecordings  Kind = "refuses_recordings"  // the same, for call.recording.saved only
	RefusesCallers     Kind = "refuses_callers"
	CutsCalls          Kind = "cuts_calls"   // hangs up as soon as two people talk
	NeverCuts          Kind = "never_cuts"   // lets people talk on whose booking ends the talk
	CutsAtOnce         Kind = "cuts_at_once" // without the grace
	CutsFinish         Kind = "cuts_finish"  // the talk of bookings that let people finish, at their checkout
	NeverRecords       Kind = "never_records"
	RecordsUnasked     Kind = "records_unasked"        // bookings that say off
	RecordsOtherwise   Kind = "records_otherwise"      // in single channel what the booking wants dual, and the other way round
	RecordsUnheard     Kind = "records_before_consent" // without telling the two
	TranscribesUnasked Kind = "transcribes_unasked"    // and sums up, for bookings that want no summary
	TellsNumbers       Kind = "tells_numbers"          // to the language model, as they were told in the call
	SkipsRecordings    Kind = "skips_recordings"       // does not archive them
	AltersRecordings   Kind = "alters_recordings"      // archives other bytes
	ServesOtherAudio   Kind = "serves_other_audio"     // than it tells the SHA-256 of
	StoresTwice        Kind = "stores_twice"           // archives a recording under two ids
	SendsKey           Kind = "sends_key"              // to where recordings are fetched from
	LeavesInSilence    Kind = "leaves_in_silence"      // does nothing when the callee is not reached
	NeverHangsUp       Kind = "never_hangs_up"         // not after a spoken line
	ParksCallers       Kind = "parks_callers"          // keeps the caller's leg when the callee has left
	BadCommand         Kind = "bad_command"            // rejects with a cause that the carrier does not know
	CommandsStrays     Kind = "commands_strays"        // hangs up a leg that never was
)

// Kinds are all ways to be wrong.
func Kinds() []Kind {
	return []Kind{ConnectsStrangers, ConnectsWithheld, ConnectsLate, ConnectsToldLate, SilencesLate, HushesLate, KeepsLate, AnswersStrangers,
		WrongPerson, ShowsNumber, ShowsAnotherNumber, ShowsCallersProxy, LeaksNumber,
		AnswersTwice, TransfersTwice, RecordsTwice, ForgetsBooking, UndeadBooking, GivesNumberTwice, RepeatsDifferently,
		IgnoresMasks, ForgetsChange, EndsIdleEarly, IgnoresIdle, NeverCuts, CutsAtOnce, CutsFinish,
		AnswersLate, DropsWebhook, RefusesWebhook, RefusesRecordings, RefusesCallers, CutsCalls, NeverRecords,
		RecordsUnasked, RecordsOtherwise, RecordsUnheard, TranscribesUnasked, TellsNumbers,
		SkipsRecordings, AltersRecordings, ServesOtherAudio, StoresTwice, SendsKey, LeavesInSilence, NeverHangsUp,
		ParksCallers, BadCommand, CommandsStrays}
}

// Defect asks for one way to be wrong.
type Defect struct {
	Kind  Kind
	Every int // strikes each nth chance; 0 and 1: always
}

// defects counts the chances of each defect that was asked for.
type defects map[Kind]*defect

type defect struct {
	every   int64
	chances atomic.Int64
	struck  atomic.Int64
}

func newDefects(asked []Defect) defects {
	all := defects{}
	for _, d := range asked {
		all[d.Kind] = &defect{every: int64(max(d.Every, 1))}
	}
	return all
}

// strikes says whether this chance is one of those.
func (all defects) strikes(k Kind) bool {
	d := all[k]
	if d == nil || d.chances.Add(1)%d.every != 0 {
		return false
	}
	d.struck.Add(1)
	return true
}
