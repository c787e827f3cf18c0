package booking

import (
	"context"
	"fmt"

	"github.com/asynkron/protoactor-go/actor"

	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
)

// Shard is the parent of a share of the bookings. It does no I/O.
//
// Nearly all of a booking's life nothing happens to it. Then its actor sleeps:
// the shard has its state and no actor runs. A message to it wakes it, that is,
// makes an actor of the state, which goes back to sleep when it has handled all
// that it was sent. Nobody else sends to it, so the shard knows when that is. An
// actor that fails is built again from its row.
type Shard struct {
	config   *Config
	asleep   sleepers
	awake    map[protocol.BookingID]*waking
	who      map[string]protocol.BookingID // awake, by PID
	leaving  map[string]struct{}           // by PID: told to stop, and not gone yet
	waiting  map[protocol.BookingID][]any  // messages for a booking that is being built again
	stopping bool
}

// waking is a booking whose actor runs.
type waking struct {
	pid  *actor.PID
	sent int // messages that it has been sent
}

// NewShard makes one.
func NewShard(c *Config) *Shard {
	return &Shard{
		config:  c,
		asleep:  newSleepers(),
		awake:   make(map[protocol.BookingID]*waking),
		who:     make(map[string]protocol.BookingID),
		leaving: make(map[string]struct{}),
		waiting: make(map[protocol.BookingID][]any),
	}
}

// rebuilt is a row read for a booking whose actor failed.
type rebuilt struct {
	id  protocol.BookingID
	row protocol.Booking
	err error
}

// Receive handles one message.
func (s *Shard) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case *actor.Stopping, *actor.Restarting:
		s.stopping = true
	case protocol.StartBooking:
		s.wake(c, m.Booking.ID).send(c, m)
	case protocol.RestoreBooking:
		s.asleep.put(keep(m.Booking))
	case protocol.Delivery:
		if !s.pass(c, m.Route.Booking, m) {
			m.Route = justEnded(m.Route)
			c.Send(s.config.Calls(m.Event.Facts().Session), m)
		}
	case protocol.Explain:
		if !s.pass(c, m.Route.Booking, m) {
			m.Route = justEnded(m.Route)
			m.Done(m)
		}
	case protocol.CheckOut:
		s.pass(c, m.Booking, m) // not there: it ended early
	case protocol.RepeatBooking:
		if !s.pass(c, m.Booking, m) {
			m.Done(protocol.Opened{}, protocol.Errorf(protocol.Unavailable, "booking_ending", "the booking is ending just now; try again"))
		}
	case protocol.EndBooking:
		if !s.pass(c, m.Booking, m) {
			m.Done(protocol.Booking{}, notFound())
		}
	case protocol.MoveCheckout:
		if !s.pass(c, m.Booking, m) {
			m.Done(protocol.Booking{}, notFound())
		}
	case protocol.CallOver:
		s.pass(c, m.Booking, m) // not there: its end is behind it
	case protocol.CallLives:
		if !s.pass(c, m.Booking, m) {
			c.Send(s.config.Calls(m.Session), protocol.BookingOver{Session: m.Session})
		}
	case tired:
		s.sleep(c, m)
	case protocol.BookingEnded:
		s.ended(c, m)
	case *actor.Terminated:
		s.failed(c, m.Who)
	case rebuilt:
		s.rebuild(c, m)
	}
}

func (s *Shard) wake(c actor.Context, id protocol.BookingID) *waking {
	w := &waking{pid: c.Spawn(s.config.Child)}
	s.awake[id] = w
	s.who[w.pid.Id] = id
	return w
}

func (w *waking) send(c actor.Context, m any) {
	w.sent++
	c.Send(w.pid, m)
}

// pass hands a message to its booking; false if there is none.
func (s *Shard) pass(c actor.Context, id protocol.BookingID, m any) bool {
	if queue, ok := s.waiting[id]; ok {
		s.waiting[id] = append(queue, m)
		return true
	}
	w, ok := s.awake[id]
	if !ok {
		state, ok := s.asleep.take(id)
		if !ok {
			return false
		}
		w = s.wake(c, id)
		w.send(c, state)
	}
	w.send(c, m)
	return true
}

// sleep takes the state of a booking that has handled all that it was sent. If
// something is on its way to it, it will be tired again.
func (s *Shard) sleep(c actor.Context, m tired) {
	w, ok := s.awake[m.state.id]
	if !ok || w.sent != m.handled {
		return
	}
	s.asleep.put(m.state)
	s.dismiss(m.state.id, w)
	c.Stop(w.pid)
}

// dismiss forgets an actor that is going to stop.
func (s *Shard) dismiss(id protocol.BookingID, w *waking) {
	delete(s.awake, id)
	delete(s.who, w.pid.Id)
	s.leaving[w.pid.Id] = struct{}{}
}

func (s *Shard) ended(c actor.Context, m protocol.BookingEnded) {
	if w, ok := s.awake[m.Booking.ID]; ok {
		s.dismiss(m.Booking.ID, w)
		c.Poison(w.pid) // after what was passed to it already
	}
	c.Send(s.config.Pool, m)
}

// failed has the booking of a child that died read again, after a barrier: its
// row may still be on its way to the disk.
func (s *Shard) failed(c actor.Context, who *actor.PID) {
	if _, ok := s.leaving[who.Id]; ok || s.stopping {
		delete(s.leaving, who.Id)
		return
	}
	id := s.who[who.Id]
	delete(s.who, who.Id)
	delete(s.awake, id)
	s.waiting[id] = nil
	self, root, store := c.Self(), c.ActorSystem().Root, s.config.Store
	read := func(err error) {
		var row protocol.Booking
		if err == nil {
			row, err = store.Booking(context.Background(), id)
		}
		root.Send(self, rebuilt{id, row, err})
	}
	if err := s.config.Journal.Append(journal.Change{}, func(err error) { go read(err) }); err != nil {
		read(err)
	}
}

func (s *Shard) rebuild(c actor.Context, m rebuilt) {
	queue := s.waiting[m.id]
	delete(s.waiting, m.id)
	switch {
	case s.stopping:
		return
	case m.err != nil:
		// The pool lends a number to a booking that nobody can read: only
		// starting the partition over sets that right.
		panic(fmt.Sprintf("booking %s failed and cannot be built again: %v", m.id, m.err))
	case m.row.State == protocol.BookingLive:
		s.asleep.put(keep(m.row))
	default:
		c.Send(s.config.Pool, protocol.BookingEnded{Booking: m.row})
	}
	for _, waiting := range queue {
		c.Send(c.Self(), waiting)
	}
}

// justEnded refuses a caller whom the number still sent here.
func justEnded(r protocol.Route) protocol.Route {
	refusal := protocol.Refuse(protocol.OutcomeNoBooking, "the caller's booking has just ended")
	refusal.Booking, refusal.Caller = r.Booking, r.Caller
	return refusal
}
