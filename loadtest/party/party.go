// Package party says what the two people of a call do: when the callee picks
// up, whether they do at all, how long they talk and who hangs up.
//
// A Script is data and has no clock: whoever plays it (the fake carrier) owns
// the timers. A Mix draws scripts for many calls. The nth script of a mix
// depends on the seed and n alone, never on what was drawn before, so that two
// runs with one seed meet the same people whatever order they ring in.
package party

import "time"

// Reaction is what becomes of a ringing callee.
type Reaction uint8

// Every reaction but Answer and RingOut ends the callee's leg, with the hangup
// cause that the carrier has for it.
const (
	Answer      Reaction = iota // picks up
	RingOut                     // rings until the ring timeout of the transfer
	Busy                        // is on the phone
	Decline                     // presses the red button
	NoAnswer                    // the callee's network gives up before our timeout
	Unreachable                 // the number is not in service
	Failed                      // anything else; the carrier says "unspecified"
)

var reactions = [...]string{"answers", "rings out", "is busy", "declines", "does not answer", "is not reachable", "fails"}

func (r Reaction) String() string {
	if int(r) < len(reactions) {
		return reactions[r]
	}
	return "unknown reaction"
}

// Side is one of the two people.
type Side uint8

// Caller dialled the proxy number; Callee is whoever the switch connects.
const (
	Caller Side = iota
	Callee
)

func (s Side) String() string {
	if s == Callee {
		return "callee"
	}
	return "caller"
}

// Script is what the people of one call do. In its zero value the callee
// answers at once and nobody ever hangs up: the one who plays it, or the
// switch, ends the call.
type Script struct {
	// Callee reacts After their phone began to ring. Each transfer of the call
	// meets the same reaction.
	Callee Reaction
	After  time.Duration

	// Talk counts from the callee's answer; then the side named by Leaves hangs
	// up. 0: they talk until somebody is told to leave.
	Talk   time.Duration
	Leaves Side

	// Patience counts from the dialling; a caller who talks to nobody by then
	// hangs up. 0: waits for ever.
	Patience time.Duration

	// AfterSpeech: the caller hangs up this long after a spoken line has ended,
	// unless they are talking. 0: waits for the switch to do it.
	AfterSpeech time.Duration
}

// Talks is the call that goes well: an answer after ring, then talk, and the
// caller hangs up.
func Talks(ring, talk time.Duration) Script {
	return Script{After: ring, Talk: talk}
}

// CalleeLeaves is Talks with the callee hanging up first.
func CalleeLeaves(ring, talk time.Duration) Script {
	return Script{After: ring, Talk: talk, Leaves: Callee}
}

// Refused is a callee who does not pick up, for the reason given, after ring.
// The caller hangs up a second after a spoken line, or waits for the switch.
func Refused(reason Reaction, ring time.Duration) Script {
	return Script{Callee: reason, After: ring, AfterSpeech: time.Second}
}

// GivesUp is a caller who leaves while the callee still rings.
func GivesUp(patience time.Duration) Script {
	return Script{Callee: RingOut, Patience: patience}
}
