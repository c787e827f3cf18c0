// Package number has the actor of one proxy number: it knows who may call whom
// on it, and sends every ring on its way.
//
// It keeps no row of its own beyond its state: its pairs are the bookings', and
// the pool tells it of them in the order in which they begin and end.
package number

import (
	"sync"

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
	case protocol.Explain:
		a.explain(c, m)
	case protocol.LendNumber:
		a.number.Lend(m)
	case protocol.ReleaseNumber:
		a.number.Release(m)
	case protocol.ForgetParties:
		a.number.Forget(m)
	case protocol.MoveNumber:
		a.number.State = m.State
	case protocol.Evict:
		a.evict(c, m)
	}
}

// evict asks every live booking of the number to end, and answers when all have.
// The pool lends it to nobody any more, and what it lent before has come here
// before this message.
func (a *Actor) evict(c actor.Context, m protocol.Evict) {
	live := a.number.Live()
	if len(live) == 0 {
		m.Done(nil, nil)
		return
	}
	left := &leaving{due: len(live), done: m.Done}
	for _, id := range live {
		c.Send(a.bookings(id), protocol.EndBooking{Booking: id, Reason: m.Reason, Done: left.one})
	}
}

// leaving gathers the ends of bookings, which are told from many goroutines.
type leaving struct {
	mu    sync.Mutex
	due   int
	ended []protocol.Booking
	err   error
	done  func([]protocol.Booking, error)
}

func (l *leaving) one(b protocol.Booking, err error) {
	l.mu.Lock()
	l.due--
	switch {
	case err == nil:
		l.ended = append(l.ended, b)
	case protocol.KindOf(err) != protocol.NotFound: // that one ended by itself meanwhile
		l.err = err
	}
	over := l.due == 0
	l.mu.Unlock()
	if over {
		l.done(l.ended, l.err)
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

// explain says what route would do.
func (a *Actor) explain(c actor.Context, m protocol.Explain) {
	m.State = a.number.State
	m.Route = a.number.Route(m.From, m.Withheld)
	if m.Route.Refusal == protocol.OutcomeNone {
		c.Send(a.bookings(m.Route.Booking), m)
		return
	}
	m.Done(m)
}
