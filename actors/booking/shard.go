package booking

import (
	"context"
	"fmt"

	"github.com/asynkron/protoactor-go/actor"

	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
)

// Shard is the parent of a share of the bookings: it knows which are live and
// builds one that failed again from its row. It does no I/O.
type Shard struct {
	config   *Config
	live     map[protocol.BookingID]*actor.PID
	ending   map[string]struct{}          // by PID: told to stop, and not gone yet
	waiting  map[protocol.BookingID][]any // messages for a booking that is being built again
	stopping bool
}

// NewShard makes one.
func NewShard(c *Config) *Shard {
	return &Shard{
		config:  c,
		live:    make(map[protocol.BookingID]*actor.PID),
		ending:  make(map[string]struct{}),
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
		s.spawn(c, m.Booking.ID, m)
	case protocol.RestoreBooking:
		s.spawn(c, m.Booking.ID, m)
	case protocol.Delivery:
		if !s.pass(c, m.Route.Booking, m) {
			refusal := protocol.Refuse(protocol.OutcomeNoBooking, "the caller's booking has just ended")
			refusal.Booking, refusal.Caller = m.Route.Booking, m.Route.Caller
			m.Route = refusal
			c.Send(s.config.Calls(m.Event.Facts().Session), m)
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
	case protocol.BookingEnded:
		s.ended(c, m)
	case *actor.Terminated:
		s.failed(c, m.Who)
	case rebuilt:
		s.rebuild(c, m)
	}
}

func (s *Shard) spawn(c actor.Context, id protocol.BookingID, first any) {
	pid := c.Spawn(s.config.Child)
	s.live[id] = pid
	c.Send(pid, first)
}

// pass hands a message to its booking; false if there is none.
func (s *Shard) pass(c actor.Context, id protocol.BookingID, m any) bool {
	if queue, ok := s.waiting[id]; ok {
		s.waiting[id] = append(queue, m)
		return true
	}
	pid, ok := s.live[id]
	if ok {
		c.Send(pid, m)
	}
	return ok
}

func (s *Shard) ended(c actor.Context, m protocol.BookingEnded) {
	if pid, ok := s.live[m.Booking.ID]; ok {
		delete(s.live, m.Booking.ID)
		s.ending[pid.Id] = struct{}{}
		c.Poison(pid) // after what was passed to it already
	}
	c.Send(s.config.Pool, m)
}

// failed has the booking of a child that died read again, after a barrier: its
// row may still be on its way to the disk.
func (s *Shard) failed(c actor.Context, who *actor.PID) {
	if _, ok := s.ending[who.Id]; ok || s.stopping {
		delete(s.ending, who.Id)
		return
	}
	for id, pid := range s.live {
		if !pid.Equal(who) {
			continue
		}
		delete(s.live, id)
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
		return
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
		s.spawn(c, m.id, protocol.RestoreBooking{Booking: m.row})
	default:
		c.Send(s.config.Pool, protocol.BookingEnded{Booking: m.row})
	}
	for _, waiting := range queue {
		c.Send(c.Self(), waiting)
	}
}
