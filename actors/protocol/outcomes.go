package protocol

// Outcome is our word for how a call ended; it names whose fault.
type Outcome uint8

// What people do (busy, no answer, declined, abandoned) is no failure of ours.
const (
	OutcomeNone        Outcome = iota // not over yet
	OutcomeTalked                     // the two talked
	OutcomeBusy                       // B was on the phone
	OutcomeNoAnswer                   // B let it ring
	OutcomeDeclined                   // B turned it down
	OutcomeUnreachable                // B's number could not be reached
	OutcomeAbandoned                  // A left before B answered
	OutcomeStranger                   // refused: no booking of this number knows the caller
	OutcomeNoBooking                  // refused: the caller's booking has ended
	OutcomeWithheld                   // refused: a caller without a number is nobody's party
	OutcomeUnallocated                // refused: the number called is not, or no longer, in the pool
	OutcomeCarrier                    // the carrier refused or failed a command we needed
	OutcomeStuck                      // no event came when one was due, and we ended the call
	OutcomeFailed                     // our own fault
)

var outcomeNames = [...]string{
	"", "talked", "busy", "no_answer", "declined", "unreachable", "abandoned",
	"stranger", "no_booking", "withheld", "unallocated_number", "carrier", "stuck", "failed",
}

func (o Outcome) String() string { return outcomeNames[o] }

// ParseOutcome reads a stored outcome.
func ParseOutcome(s string) (Outcome, bool) {
	for i, name := range outcomeNames {
		if name == s {
			return Outcome(i), true
		}
	}
	return OutcomeNone, false
}

// Outcomes lists every way a call may end.
func Outcomes() []Outcome {
	out := make([]Outcome, 0, len(outcomeNames)-1)
	for i := 1; i < len(outcomeNames); i++ {
		out = append(out, Outcome(i))
	}
	return out
}

// CommandResult is what became of a command, retries included.
type CommandResult uint8

// Only CommandOK and CommandLegGone say something for certain about the leg.
const (
	CommandOK          CommandResult = iota // taken; the effect comes as an event
	CommandLegGone                          // the leg has ended (carrier code 90018, or it is unknown)
	CommandRefused                          // for good: sending it again cannot help
	CommandThrottled                        // 429 until the deadline passed
	CommandUnavailable                      // 5xx or no connection until the deadline passed
	CommandTimeout                          // no answer until the deadline passed
)

var commandResultNames = [...]string{"ok", "leg_gone", "refused", "throttled", "unavailable", "timeout"}

func (r CommandResult) String() string { return commandResultNames[r] }

// CommandResults lists every result.
func CommandResults() []CommandResult {
	out := make([]CommandResult, len(commandResultNames))
	for i := range out {
		out[i] = CommandResult(i)
	}
	return out
}
