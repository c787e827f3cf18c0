package call

import (
	"strings"
	"time"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// Settings are the choices that an operator makes for all calls.
type Settings struct {
	RingTimeout time.Duration          // how long B may ring
	Limit       time.Duration          // how long the two may talk
	Unreachable string                 // said to A when B cannot be had; empty: just hang up
	Ended       string                 // said to a caller whose booking has ended; empty: he is rejected
	Checkout    string                 // said to both when their booking will cut them off; empty: nothing is
	Recording   protocol.RecordingMode // how talk is recorded, where the booking does not say
	Consent     string                 // said to both before they are recorded; empty: nothing is
	Summaries   bool                   // the carrier transcribes what bookings want summed up
}

// Stage is where a call stands. It follows from the facts; nothing sets it.
type Stage uint8

// The stages in the order of a call's life. An incident is told in these words.
const (
	StageEarly     Stage = iota // events came before the ring
	StageRefusing               // A is turned away
	StageAnswering              // A rings, and we answer
	StageDialing                // the carrier is asked to reach B
	StageRinging                // B rings
	StageTalking                // B answered
	StageTelling                // B cannot be had, and A is told
	StageEnding                 // one leg is over, the other is about to be
	StageOver                   // both legs are over; a recording may still come
	StageClosed                 // nothing is due any more
)

var stageNames = [...]string{
	"early", "refusing", "answering", "dialing", "ringing", "talking", "telling", "ending", "over", "closed",
}

func (s Stage) String() string { return stageNames[s] }

// How long a stage may take before the carrier is asked. The ring itself has
// RingTimeout, the talk Limit.
const (
	earlyWait     = 90 * time.Second // the carrier's retries of the missing ring are over by then
	refuseWait    = 15 * time.Second
	answerWait    = 30 * time.Second
	dialGrace     = 15 * time.Second // beyond the ring timeout, which the carrier keeps
	talkGrace     = time.Minute      // beyond the limit, which the carrier keeps
	tellWait      = 20 * time.Second // longer than any sentence takes to say
	endWait       = 5 * time.Second  // for the carrier to end the other leg by itself
	askWait       = 15 * time.Second // for the answer to a question
	recordingWait = 15 * time.Minute
	lookAgain     = 10 * time.Minute // at a talk that is longer than it may be
	recoverWait   = 75 * time.Second // the carrier's retries span a minute
	repeatWindow  = time.Minute      // the carrier ignores a repeated command id that long
)

// Leg is what is known of one side.
type Leg struct {
	ID         protocol.LegID
	RangAt     time.Time // all instants of a leg are by the carrier's clock
	AnsweredAt time.Time
	EndedAt    time.Time
	Bridged    bool
	SpokenAt   time.Time // a sentence for it is over
	Gone       bool      // the carrier says so, but its hangup event has not come
	Cause      protocol.HangupCause
	Source     protocol.HangupSource
}

func (l Leg) known() bool  { return l.ID != "" }
func (l Leg) spoken() bool { return !l.SpokenAt.IsZero() }
func (l Leg) over() bool   { return !l.EndedAt.IsZero() || l.Gone }

// Each command of a call is sent once, whatever comes twice.
const (
	sendAnswer = iota
	sendReject
	sendTransfer
	sendRecord
	sendSpeak
	sendHangUpA
	sendHangUpB
	sendFindA
	sendFindB
	sendNotice
	sendConsent
	sendPause
	sendResume
	sends // rows have them by position: a new one goes last
)

// Sending is how far a command is.
type Sending struct {
	At     time.Time // our clock; zero: not sent
	Ended  bool      // the carrier has answered, or will not
	Result protocol.CommandResult
}

func (s Sending) sent() bool   { return !s.At.IsZero() }
func (s Sending) failed() bool { return s.Ended && s.Result != protocol.CommandOK }

// Call is one call: the facts, and the commands sent. It is a value; Step makes
// the next one.
type Call struct {
	Settings
	ID         protocol.CallID
	Partition  protocol.Partition
	Session    protocol.SessionID
	Connection string
	Number     phone.Number // the proxy number that was dialled
	Booking    protocol.BookingID
	Caller     protocol.Party
	To, From   phone.Number // the other party, and what he is shown
	Refusal    protocol.Outcome
	Reason     string
	Rung       bool // A's ring has come, and with it the route
	Report     bool // its booking is told when it is over
	Cut        bool // it ends with its booking,
	Grace      time.Duration
	A, B       Leg
	Sent       [sends]Sending
	Policy     protocol.RecordingMode // of its booking
	Summary    bool                   // its booking wants it summed up
	ConsentAt  time.Time              // both had heard by then that they are recorded, by the carrier's clock
	Unheard    bool                   // they cannot have heard it, so they are not
	Unsaved    bool                   // the carrier could not keep a recording
	Tape       Tape
	Recordings string // the ids of those that were saved, a line each
	Stage      Stage
	Outcome    protocol.Outcome
	StartedAt  time.Time // the ring, or the first event until that is here, by the carrier's clock
	Deadline   time.Time // when to look again, by our clock
	CutAt      time.Time // when its booking cuts it off, by our clock; zero: that lives
	Patience   int       // how often a deadline has passed in this stage
	Stuck      bool      // an event that was due did not come
	Lines      int       // of the story so far
	Repeats    int       // events that were known
}

// Rang is a ring together with where it leads.
type Rang struct {
	protocol.LegRang
	Route protocol.Route
}

// Effects are what a step asks of the world.
type Effects struct {
	Commands  []protocol.Command
	Lines     []protocol.Line
	Recording *protocol.FetchRecording // its row goes to disk, and then it to the queue
	Duplicate bool                     // the event was known: nothing has changed but the story
	Unknown   bool                     // the event is about a leg that is none of ours
	Over      bool                     // its booking is to be told that the last leg has ended
	Write     bool                     // what has changed must be on disk before anybody is told
	StoryOnly bool                     // nothing that is decided by has changed: the row stays as it is
}

// Begin makes a call of the first event that is known of it.
func Begin(about protocol.About, p protocol.Partition, s Settings) Call {
	c := Call{
		Settings: s, ID: about.Tag.Call, Partition: p, Session: about.Session,
		Booking: about.Tag.Booking, StartedAt: about.At, Connection: about.Connection, Number: about.To,
	}
	if about.Tag.Leg == protocol.LegB {
		c.Number = about.From
	}
	if !about.Tag.Known() {
		c.ID = protocol.NewCallID(about.Session, about.At)
	}
	return c
}

// legOf says which side an event is about: that of a leg whose id is known, or
// what our tag says, or the direction of a ring. Any other leg is none of this
// call's. A recording is, whatever leg its document names.
func (c *Call) legOf(ev protocol.LegEvent) (protocol.Leg, bool) {
	about := ev.Facts()
	if ev.Kind() == protocol.EventRecordingSaved {
		return protocol.LegA, true
	}
	side := about.Tag.Leg
	switch ring, isRing := ev.(Rang); {
	case c.A.known() && about.Leg == c.A.ID:
		return protocol.LegA, true
	case c.B.known() && about.Leg == c.B.ID:
		return protocol.LegB, true
	case side != protocol.LegUnknown:
	case isRing && ring.Incoming, !isRing && !c.Rung && !c.A.known():
		side = protocol.LegA // or an early event on a number of ours, by a leg we never tagged
	default:
		return protocol.LegUnknown, false
	}
	id := c.leg(side).ID
	return side, id == "" || about.Leg == "" || id == about.Leg
}

func (c *Call) leg(side protocol.Leg) *Leg {
	if side == protocol.LegB {
		return &c.B
	}
	return &c.A
}

// note writes an event down on its leg; false if it was there already.
func (c *Call) note(side protocol.Leg, ev protocol.LegEvent, fx *Effects) bool {
	leg, about := c.leg(side), ev.Facts()
	fresh := false
	switch ev := ev.(type) {
	case Rang:
		fresh = c.noteRing(side, ev)
	case protocol.LegAnswered:
		fresh = set(&leg.AnsweredAt, about.At)
	case protocol.LegBridged:
		fresh, leg.Bridged = !leg.Bridged, true
	case protocol.LegHungUp:
		if fresh = set(&leg.EndedAt, about.At); fresh {
			leg.Cause, leg.Source = ev.Cause, ev.Source
		}
	case protocol.SpeechEnded:
		if fresh = set(&leg.SpokenAt, about.At); fresh && ev.Broken && side == protocol.LegA {
			c.Unheard = true
		}
	case protocol.LegRecorded:
		return c.noteRecording(ev, fx)
	case protocol.RecordingFailed:
		fresh, c.Unsaved = !c.Unsaved, true
		c.because(ev.Reason)
		if r := &c.Sent[sendRecord]; fresh && r.sent() && !r.failed() {
			r.Ended, r.Result = true, protocol.CommandRefused // taken, and come to nothing
			c.unsaved(fx, about.At, ev.Reason)
		}
	case protocol.LegNoted:
		fresh = true
	}
	if leg.ID == "" {
		leg.ID = about.Leg
	}
	return fresh
}

func (c *Call) noteRing(side protocol.Leg, ev Rang) bool {
	if side == protocol.LegB {
		return set(&c.B.RangAt, ev.At)
	}
	if c.Rung {
		return false
	}
	c.Rung = true
	c.A.RangAt, c.StartedAt = ev.At, ev.At
	c.Number, c.Connection = ev.About.To, ev.Connection
	c.Refusal = ev.Route.Refusal
	c.because(ev.Route.Reason)
	c.Booking, c.Caller = ev.Route.Booking, ev.Route.Caller
	c.To, c.From = ev.Route.To, ev.Route.From
	c.Report, c.Cut, c.Grace = ev.Route.Report, ev.Route.Cut, ev.Route.Grace
	c.Policy, c.Summary = ev.Route.Recording, ev.Route.Summary
	return true
}

// because adds to the reason, in words; false if it says so already.
func (c *Call) because(why string) bool {
	switch {
	case strings.Contains(c.Reason, why):
		return false
	case c.Reason == "":
		c.Reason = why
	default:
		c.Reason += "; " + why
	}
	return true
}

func set(at *time.Time, when time.Time) bool {
	if !at.IsZero() {
		return false
	}
	*at = when
	return true
}
