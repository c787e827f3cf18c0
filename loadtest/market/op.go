package market

import (
	"time"

	"maskswitch/loadtest/party"
)

// Op is one thing that a marketplace, or somebody with a phone, does.
type Op struct {
	At   time.Duration // when it is due, since the start of the run
	Kind Kind
	// Booking is what the request or the call is about; of a stranger's call it is
	// the booking whose number is dialled. It is nil of a Dial for which there was
	// no live booking: that call cannot be started, and is to be counted.
	Booking *Booking
	Call    *Call // of Dial only
}

// Kind is what is done.
type Kind uint8

// The requests, and a call.
const (
	Open   Kind = iota // POST /bookings
	Repeat             // the same POST /bookings again, with the same id: the answer must be the same
	Read               // GET /bookings/{id}
	Extend             // PATCH /bookings/{id}
	Close              // DELETE /bookings/{id}
	Dial               // somebody dials a proxy number
)

// Booking is one booking as the marketplace plans it. It never changes: how it
// went is the runner's to note.
type Booking struct {
	N           int    // from 1, in the order of their opening
	Host, Guest string // E.164; the guest is party_a
	Opens       time.Duration
	Lasts       time.Duration // as asked for at first
	Extends     time.Duration // asked for by Extend, on top of Lasts; below 0: it is shortened; 0: never
	// Ends is when it ends by plan: closed early, or expired. With Idle it may end
	// sooner, which depends on how calls go.
	Ends   time.Duration
	Closed bool // by Close at Ends; else it expires by itself
	Terms
}

// Terms are what a booking asks for besides two parties and an end. The zero
// value asks for nothing.
type Terms struct {
	Pair   bool          // a number for each side
	Cut    bool          // the talk ends with the booking, Grace later
	Grace  time.Duration // whole seconds
	Idle   time.Duration // it also ends when nobody has called for so long; 0: it does not
	Region string        // its numbers are best at home there; empty: anywhere

	Recording string // "off", or how: see RecordWav; empty: as the switch does it
	Summary   bool   // what was said is to be summed up
}

// Call is one call as it is planned.
type Call struct {
	N      uint64 // from 1, in the order of dialling
	Caller Caller
	// From is what the caller's phone sends: E.164, or "anonymous".
	From   string
	Host   bool   // the caller is, or pretends to be, the host of the booking
	Habit  string // the name of the kind of call, for reports: "talks", "stranger"
	Script party.Script
	Redial bool // the same caller again, who did not get through
	// Twin: the other party dials at the same time.
	Twin bool
}

// Caller is who dials.
type Caller uint8

// A Party of the live booking is to be connected, everybody else refused.
const (
	Party    Caller = iota
	Stranger        // has no booking with anybody on this number
	Withheld        // a party who hides the number
	Late            // a party of a booking that has ended
)

func (c Caller) String() string {
	return [...]string{"party", "stranger", "withheld", "late"}[c]
}

func (k Kind) String() string {
	return [...]string{"open", "repeat", "read", "extend", "close", "dial"}[k]
}
