// Package number has the actor of one proxy number: it knows who may call whom
// on it, and sends every ring on its way.
//
// It keeps no row of its own beyond its state: its pairs are the bookings', and
// the pool tells it of them in the order in which they begin and end.
package number

import (
	"github.com/asynkron/protoactor-go/actor"

	"maskswitch/actors/protocol"
)

// Actor is one proxy number.
type Actor struct {
	number   Number
	bookings func(protocol.BookingID) *actor.PID
	calls    func(protocol.SessionID) *actor.PID
}

// New makes the actor of a number. The functions find the shard of a booking
// and of a call.
func New(n protocol.Number, bookings func(protocol.BookingID) *actor.PID, calls func(protocol.SessionID) *actor.PID) *Actor {
	return &Actor{number: newNumber(n), bookings: bookings, calls: calls}
}

// Receive handles one message.
func (a *Actor) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case protocol.Delivery:
		a.route(c, m)
	case protocol.LendNumber:
		a.number.Lend(m)
	case protocol.ReleaseNumber:
		a.number.Release(m)
	case protocol.ForgetParties:
		a.number.Forget(m)
	}
}

// route asks the caller's booking, or lets the call refuse him.
func (a *Actor) route(c actor.Context, d protocol.Delivery) {
	ring, ok := d.Event.(protocol.LegRang)
	d.Route = a.number.Route(d.Event.Facts().From, ok && ring.Withheld)
	if d.Route.Refusal == protocol.OutcomeNone {
		c.Send(a.bookings(d.Route.Booking), d)
		return
	}
	c.Send(a.calls(d.Event.Facts().Session), d)
}
