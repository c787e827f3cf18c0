package protocol

import (
	"log/slog"
	"time"

	"maskswitch/actors/phone"
)

// A Delivery carries one event of the carrier's from the door to the actor that
// decides. A ring goes by its number and its booking, each of which writes its
// share of the Route; all others go straight to the call.
type Delivery struct {
	Event LegEvent
	Route Route
	Early bool      // the store does not know the session: begin a call with this event
	Read  time.Time // when the webhook was read, for the latency of our own reaction
	// Done is called once, from any goroutine, when the event is on disk or
	// refused. It must not block.
	Done func(Receipt, error)
}

// LogValue keeps a dead letter's log line free of everything private.
func (d Delivery) LogValue() slog.Value {
	return slog.StringValue("delivery of " + d.Event.Kind().String())
}

// Route says what a ring leads to.
type Route struct {
	Refusal Outcome // OutcomeNone: connect
	Reason  string  // in words, for the story
	Booking BookingID
	Caller  Party        // the party who rings
	To      phone.Number // the other party
	From    phone.Number // the proxy number that the other party knows
	// Report has the call tell its booking when it is over, and after a restart
	// that it is there. Cut has it end with the booking, Grace later.
	Report bool
	Cut    bool
	Grace  time.Duration
	// Recording and Summary are what the booking chose.
	Recording RecordingMode
	Summary   bool
}

// Refuse makes a route that leads nowhere.
func Refuse(why Outcome, reason string) Route { return Route{Refusal: why, Reason: reason} }

// BookingEnded is a booking's last word: its numbers are free for others now.
// Done, if not nil, is called when they are and the disk knows it.
type BookingEnded struct {
	Booking Booking
	Done    func(Booking, error)
}

// LendNumber tells a number that a booking's parties may call each other on it.
type LendNumber struct {
	Booking        BookingID
	PartyA, PartyB phone.Number // unknown: this number is not the one that party dials
}

// ReleaseNumber tells a number that a booking has ended. Until the end of
// quarantine it remembers the parties; a zero instant leaves no memory.
type ReleaseNumber struct {
	Booking        BookingID
	PartyA, PartyB phone.Number
	Until          time.Time
}

// ForgetParties tells a number that the quarantine of a booking is over.
type ForgetParties struct {
	Booking        BookingID
	PartyA, PartyB phone.Number
}

// CheckOut tells a booking that the checkout it had at an instant has come. A
// booking whose checkout has moved since takes no notice.
type CheckOut struct {
	Booking BookingID
	At      time.Time
}

// CallLives tells a booking, after a restart, of a call that it may have to end.
type CallLives struct {
	Booking BookingID
	Session SessionID
}

// CallOver tells a booking that the last leg of a call of its has ended.
type CallOver struct {
	Booking BookingID
	Session SessionID
	At      time.Time // by the carrier's clock
}

// BookingOver tells a call whose booking cuts it that the booking has ended, at
// the given instant. A zero instant is some time ago.
type BookingOver struct {
	Session SessionID
	At      time.Time
}

// MoveCheckout asks a booking for another end: To, or By later (earlier if
// negative) than the one it has.
type MoveCheckout struct {
	Booking BookingID
	To      time.Time
	By      time.Duration
	Done    func(Booking, error)
}

// CheckoutMoved tells the pool when a booking wants to be told of its checkout.
type CheckoutMoved struct {
	Booking BookingID
	At      time.Time
}

// MoveNumber tells a number the state it has now.
type MoveNumber struct{ State NumberState }

// Evict has a number end the bookings it is lent to. Done gets those that were
// ended; an error means that some may still live.
type Evict struct {
	Reason string
	Done   func([]Booking, error)
}

func (m LendNumber) LogValue() slog.Value { return slog.StringValue("lend " + m.Booking.String()) }
func (m ReleaseNumber) LogValue() slog.Value {
	return slog.StringValue("release " + m.Booking.String())
}
func (m ForgetParties) LogValue() slog.Value { return slog.StringValue("forget " + m.Booking.String()) }
func (m BookingEnded) LogValue() slog.Value {
	return slog.StringValue("ended " + m.Booking.ID.String())
}

// StartBooking gives a booking its actor: its numbers are chosen, nothing is on
// disk yet. Done is called when it is.
type StartBooking struct {
	Booking Booking
	Done    func(Opened, error)
}

// RepeatBooking asks a booking whether a create with its name is the same
// create again.
type RepeatBooking struct {
	Booking BookingID
	Asked   OpenBooking
	Done    func(Opened, error)
}

// EndBooking ends a booking before its checkout.
type EndBooking struct {
	Booking BookingID
	Reason  string
	Done    func(Booking, error)
}

// RestoreBooking gives a live booking read from the store its actor back.
type RestoreBooking struct{ Booking Booking }

// RestoreCall gives an unfinished call read from the store its actor back.
type RestoreCall struct{ Call Call }

// RememberEnded tells the calls of a session that is over, so that a late
// delivery for it is known for what it is.
type RememberEnded struct{ Session SessionID }

func (m MoveCheckout) LogValue() slog.Value { return slog.StringValue("move " + m.Booking.String()) }
func (m StartBooking) LogValue() slog.Value {
	return slog.StringValue("start " + m.Booking.ID.String())
}
func (m RepeatBooking) LogValue() slog.Value {
	return slog.StringValue("repeat " + m.Booking.String())
}
func (m EndBooking) LogValue() slog.Value { return slog.StringValue("end " + m.Booking.String()) }
func (m RestoreBooking) LogValue() slog.Value {
	return slog.StringValue("restore " + m.Booking.ID.String())
}
func (m RestoreCall) LogValue() slog.Value {
	return slog.StringValue("restore call " + m.Call.ID.String())
}
