package protocol

import (
	"time"

	"maskswitch/actors/phone"
)

// Booking is a pair of parties, the proxy numbers lent to them, and an end. It
// is what the store keeps and what a marketplace is told.
type Booking struct {
	ID               BookingID
	Ref              Ref // the marketplace's name for it; empty if it gave none
	Partition        Partition
	NumberA, NumberB phone.Number // what A dials and what B dials; usually the same
	PartyA, PartyB   phone.Number
	State            BookingState
	Reason           string // why it ended: "checkout", "idle", "deleted" or "number_retired"
	CreatedAt        time.Time
	LimitAt          time.Time     // with Terms.Idle: the end that was asked for or moved to,
	IdleAt           time.Time     // and the one that comes earlier if nobody calls
	CheckoutAt       time.Time     // planned, and once it has ended the real one
	FreeAt           time.Time     // end of quarantine; the checkout while it lives
	Asked            time.Duration // the duration first asked for: part of what makes a repeat a repeat
	Terms            Terms
	Choice           Choice // why these numbers; not kept in memory
}

// Masks says how many numbers the booking has got, which may be two where one
// was asked for.
func (b Booking) Masks() Masks {
	if b.NumberA == b.NumberB {
		return MasksShared
	}
	return MasksPair
}

// Terms are what a marketplace chose for its booking. The zero value is the
// default.
type Terms struct {
	Idle         time.Duration // it also ends when nobody has called for so long; 0: never
	Grace        time.Duration // with CutCalls: from checkout to the cut
	Region       phone.Region  // where its numbers shall be at home; nowhere: where its parties are
	RegionStrict bool          // and nowhere else
	Masks        Masks
	OnCheckout   OnCheckout
	Recording    RecordingMode // of its calls
	Summary      bool          // of its calls, where the operator has switched summaries on
}

// PublicID is the name the marketplace uses: its own if it gave one.
func (b Booking) PublicID() string {
	if b.Ref != "" {
		return string(b.Ref)
	}
	return b.ID.String()
}

// OpenBooking asks for a proxy number for two parties.
type OpenBooking struct {
	Ref            Ref // may be empty
	PartyA, PartyB phone.Number
	Duration       time.Duration
	Terms          Terms
}

// Opened is the answer to OpenBooking.
type Opened struct {
	Booking
	Repeated bool // it was there already: the request is a repeat
}

// Added is the answer to a request to add numbers to the pool.
type Added struct {
	New  int // how many were not in the pool before
	Pool int // how many the pool has now
}

// Headcount is the pool in two figures.
type Headcount struct {
	Pool   int // serving numbers with no live booking
	Active int // live bookings
}

// BookingQuery selects rows in the order of their ids, which is that of time.
type BookingQuery struct {
	State BookingState
	Party phone.Number // unknown: any
	After BookingID    // zero: from the first
	Limit int
}

// Number is a proxy number's row.
type Number struct {
	Number    phone.Number
	Partition Partition
	State     NumberState
	ChangedAt time.Time
	RestUntil time.Time // of a resting number: it serves again then; zero: when it is told to
}

// Call is the row of a call: its detail record, and the state from which its
// actor is built again.
type Call struct {
	ID           CallID
	Partition    Partition
	Booking      BookingID    // zero if the caller was refused before one was found
	Number       phone.Number // the proxy number that was dialled
	Caller       Party        // which party rang; PartyNone if refused
	Session      SessionID
	Stage        string
	Outcome      Outcome
	Reason       string    // in words, when the outcome needs them
	RangAt       time.Time // A's leg rang here; all instants by the carrier's clock
	AnsweredAt   time.Time // A's leg was answered by us
	DialedAt     time.Time // B's leg was set up
	TalkAt       time.Time // B answered
	ConsentAt    time.Time // both had heard that they are recorded; zero: nothing was said
	EndAt        time.Time // the last leg was over
	HangupCause  HangupCause
	HangupSource HangupSource
	State        string // the actor's snapshot, JSON; empty once nothing is due any more
}

// Talk is how long the two were connected.
func (c Call) Talk() time.Duration {
	if c.TalkAt.IsZero() || c.EndAt.Before(c.TalkAt) {
		return 0
	}
	return c.EndAt.Sub(c.TalkAt)
}

// Line is one line of a call's story: what happened, for people and disputes.
type Line struct {
	Call CallID
	N    int // from 1, rising; a restart leaves a gap
	At   time.Time
	What string // JSON
}
