// Package booking has the actor of one booking: two parties, the number lent to
// them, and the instant at which it forgets them.
//
// It writes its own row, answers rings for its parties, and ends itself when
// the pool's clock tells it that its checkout has come, or when somebody ends
// it early. From that message on it connects nobody. A call in progress is the
// call's own and goes on.
package booking

import (
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
)

// Config is what the bookings of a partition share.
type Config struct {
	Journal    journal.Appender
	Store      journal.Store
	Quarantine time.Duration
	Pool       *actor.PID
	Calls      func(protocol.SessionID) *actor.PID
	Child      *actor.Props // of one booking; shared, since a million of their own would cost
	Observer   Observer
}

// Observer watches bookings. Its methods must not block.
type Observer interface {
	BookingEnded(reason string)
	BookingRepeated(conflict bool)
}

// Actor is one booking.
type Actor struct {
	config  *Config
	booking protocol.Booking
	taken   atomic.Bool // the committer says that another row has this booking's name
}

// New makes an actor that learns from its first message which booking it is.
func New(c *Config) *Actor { return &Actor{config: c} }

// Receive handles one message.
func (a *Actor) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case protocol.StartBooking:
		a.start(c, m)
	case protocol.RestoreBooking:
		a.booking = m.Booking
	case protocol.Delivery:
		m.Route = Route(a.booking, m.Route, time.Now())
		c.Send(a.config.Calls(m.Event.Facts().Session), m)
	case protocol.RepeatBooking:
		a.repeat(m)
	case protocol.CheckOut:
		// A checkout that has moved since, or an end that came before it.
		if a.booking.State == protocol.BookingLive && a.booking.CheckoutAt.Equal(m.At) {
			a.end(c, "checkout", nil)
		}
	case protocol.EndBooking:
		if a.booking.State != protocol.BookingLive {
			m.Done(protocol.Booking{}, notFound())
			return
		}
		a.end(c, m.Reason, m.Done)
	case refused:
		a.undo(c)
	}
}

// refused says that the row could not be written, because another has its name.
type refused struct{}

func (a *Actor) start(c actor.Context, m protocol.StartBooking) {
	a.booking = m.Booking
	self, root := c.Self(), c.ActorSystem().Root
	change := journal.Change{Partition: a.booking.Partition, Open: []protocol.Booking{a.booking}}
	err := a.config.Journal.Append(change, func(err error) {
		if err != nil {
			a.taken.Store(true)
			root.Send(self, refused{})
		}
		m.Done(protocol.Opened{Booking: m.Booking}, journal.Refusal(err))
	})
	if err != nil {
		m.Done(protocol.Opened{}, journal.Refusal(err))
		a.undo(c)
	}
}

// undo gives the number back, as if it had never been lent: nobody was told.
func (a *Actor) undo(c actor.Context) {
	a.booking.State = protocol.BookingClosed
	c.Send(c.Parent(), protocol.BookingEnded{Booking: a.booking})
}

// repeat answers a create that may be the same again, when the fate of the first
// one is known: the committer learns that before it comes to this barrier.
func (a *Actor) repeat(m protocol.RepeatBooking) {
	b := a.booking
	if err := Repeat(b, m.Asked); err != nil {
		a.config.Observer.BookingRepeated(true)
		m.Done(protocol.Opened{}, err)
		return
	}
	a.config.Observer.BookingRepeated(false)
	err := a.config.Journal.Append(journal.Change{Partition: b.Partition}, func(err error) {
		if err == nil && a.taken.Load() {
			err = journal.ErrTaken
		}
		m.Done(protocol.Opened{Booking: b, Repeated: true}, journal.Refusal(err))
	})
	if err != nil {
		m.Done(protocol.Opened{}, journal.Refusal(err))
	}
}

// end writes the booking's end and passes the word on. Whoever asked for it is
// answered by the pool: when he hears of it the number is free, and the disk
// knows, since the pool's barrier comes after this change.
func (a *Actor) end(c actor.Context, reason string, done func(protocol.Booking, error)) {
	ended := End(a.booking, reason, time.Now(), a.config.Quarantine)
	change := journal.Change{Partition: ended.Partition, Close: []journal.Closing{{
		ID: ended.ID, State: ended.State, Reason: ended.Reason, CheckoutAt: ended.CheckoutAt, FreeAt: ended.FreeAt,
	}}}
	if err := a.config.Journal.Append(change, nil); err != nil {
		// Nothing has changed. Whoever asked asks again; a checkout does so itself.
		if done != nil {
			done(protocol.Booking{}, journal.Refusal(err))
			return
		}
		self, root, again := c.Self(), c.ActorSystem().Root, protocol.CheckOut{Booking: ended.ID, At: a.booking.CheckoutAt}
		time.AfterFunc(time.Second, func() { root.Send(self, again) })
		return
	}
	a.booking = ended
	a.config.Observer.BookingEnded(reason)
	// By way of the shard, which stops this actor after everything that it has
	// sent here already is answered.
	c.Send(c.Parent(), protocol.BookingEnded{Booking: ended, Done: done})
}

func notFound() error {
	return protocol.Errorf(protocol.NotFound, "booking_not_found", "no live booking goes by this id")
}
