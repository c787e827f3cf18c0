// Package booking has the actor of one booking: two parties, the numbers lent to
// them, and the instant at which these forget them.
//
// It writes its own row, answers rings for its parties, and ends itself when
// the pool's clock tells it that its checkout has come, or when somebody ends
// it early. From that message on it connects nobody. A call in progress is the
// call's own and goes on, unless the marketplace wants it cut: then the booking
// knows which calls are its, and tells them.
//
// While nothing happens to it, which is nearly always, its actor sleeps; see
// Shard. Only the shard sends to it, and the committer while its row is being
// written.
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
	Partition  protocol.Partition
	Journal    journal.Appender
	Store      journal.Store
	Quarantine time.Duration
	Longest    time.Duration // from now to the latest end that a booking may be given
	LongestOne time.Duration // what one call may take, from its ring to its end
	Pool       *actor.PID
	Calls      func(protocol.SessionID) *actor.PID
	Child      *actor.Props // of one booking; shared, since a million of their own would cost
	Observer   Observer
}

// Observer watches bookings. Its methods must not block.
type Observer interface {
	BookingEnded(country, reason string)
	BookingRepeated(country string, conflict bool)
}

// Actor is one booking, while something happens to it.
type Actor struct {
	config  *Config
	live    kept
	handled int  // messages of the shard's
	opening bool // its row is on its way to the disk
	over    bool
	taken   atomic.Bool // the committer says that another row has this booking's name
}

// New makes an actor that learns from its first message which booking it is.
func New(c *Config) *Actor { return &Actor{config: c} }

// tired tells the shard the state of a booking that has handled so many of its
// messages, and waits for nothing.
type tired struct {
	handled int
	state   kept
}

// Receive handles one message.
func (a *Actor) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case actor.SystemMessage, actor.AutoReceiveMessage:
		return
	case kept: // woken; a message follows
		a.handled++
		a.live = m
		return
	case opened:
		a.opened(c, m)
	default:
		a.handled++
		a.handle(c, m)
	}
	if !a.opening && !a.over {
		c.Send(c.Parent(), tired{a.handled, a.live})
	}
}

func (a *Actor) handle(c actor.Context, m any) {
	switch m := m.(type) {
	case protocol.StartBooking:
		a.start(c, m)
	case protocol.Delivery:
		a.route(c, m)
	case protocol.Explain:
		m.Route = Route(a.booking(), m.Route, time.Now())
		m.Done(m)
	case protocol.RepeatBooking:
		a.repeat(m)
	case protocol.MoveCheckout:
		a.move(c, m)
	case protocol.CallLives:
		a.callLives(c, m)
	case protocol.CallOver:
		a.callOver(c, m)
	case protocol.CheckOut:
		a.checkOut(c, m)
	case protocol.EndBooking:
		if a.over {
			m.Done(protocol.Booking{}, notFound())
			return
		}
		a.end(c, m.Reason, m.Done)
	}
}

// opened says that the row is on disk, or that it is not: another has its name.
type opened struct{ refused bool }

func (a *Actor) opened(c actor.Context, m opened) {
	a.opening = false
	if m.refused {
		a.undo(c)
	}
}

// booking is the booking as it stands.
func (a *Actor) booking() protocol.Booking {
	b := a.live.booking(a.config.Partition)
	if a.over {
		b.State = protocol.BookingClosed
	}
	return b
}

func (a *Actor) start(c actor.Context, m protocol.StartBooking) {
	a.live, a.opening = keep(m.Booking), true
	self, root := c.Self(), c.ActorSystem().Root
	change := journal.Change{Partition: a.config.Partition, Open: []protocol.Booking{m.Booking}}
	err := a.config.Journal.Append(change, func(err error) {
		a.taken.Store(err != nil)
		root.Send(self, opened{refused: err != nil})
		m.Done(protocol.Opened{Booking: m.Booking}, journal.Refusal(err))
	})
	if err != nil {
		m.Done(protocol.Opened{}, journal.Refusal(err))
		a.undo(c)
	}
}

// undo gives the number back, as if it had never been lent: nobody was told.
func (a *Actor) undo(c actor.Context) {
	if a.over {
		return
	}
	a.over = true
	c.Send(c.Parent(), protocol.BookingEnded{Booking: a.booking()})
}

// repeat answers a create that may be the same again, when the fate of the first
// one is known: the committer learns that before it comes to this barrier.
func (a *Actor) repeat(m protocol.RepeatBooking) {
	b := a.booking()
	if err := Repeat(b, m.Asked); err != nil {
		a.config.Observer.BookingRepeated(country(b), true)
		m.Done(protocol.Opened{}, err)
		return
	}
	a.config.Observer.BookingRepeated(country(b), false)
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

// route sends a ring on to its call. A call that reports is known by its session
// from here on; one that has just been over is only being rung for again.
func (a *Actor) route(c actor.Context, d protocol.Delivery) {
	now, session := time.Now(), d.Event.Facts().Session
	b := a.booking()
	d.Route = Route(b, d.Route, now)
	if d.Route.Report && session != a.live.special.last {
		a.inCall(c, b, session, now)
	}
	c.Send(a.config.Calls(session), d)
}

// inCall notes a call in progress. While there is one the booking is not idle:
// it gets time for the longest call there may be, and the end of the call takes
// back what was too much. So even a process that dies in between leaves neither
// a booking without an end nor one that ends under a call.
func (a *Actor) inCall(c actor.Context, b protocol.Booking, session protocol.SessionID, now time.Time) {
	if _, known := a.live.special.calls[session]; known {
		return
	}
	a.live.special.calls[session] = struct{}{}
	if b.Terms.Idle > 0 {
		a.setEnd(c, Idle(b, now.Add(a.config.LongestOne)))
	}
}

// callLives comes from a call that was built again.
func (a *Actor) callLives(c actor.Context, m protocol.CallLives) {
	switch {
	case a.over:
		c.Send(a.config.Calls(m.Session), protocol.BookingOver{Session: m.Session})
	case a.live.special != nil:
		a.live.special.calls[m.Session] = struct{}{}
	}
}

// callOver counts idle time from now, if no other call is in progress.
func (a *Actor) callOver(c actor.Context, m protocol.CallOver) {
	if a.live.special == nil || a.over {
		return
	}
	delete(a.live.special.calls, m.Session)
	a.live.special.last = m.Session
	if b := a.booking(); b.Terms.Idle > 0 && len(a.live.special.calls) == 0 {
		a.setEnd(c, Idle(b, time.Now()))
	}
}

// setEnd moves the end of a booking for which nobody waits. If that cannot be
// queued the booking keeps the end it has, which is later than it could be, or
// is set again by the next call.
func (a *Actor) setEnd(c actor.Context, moved protocol.Booking) {
	change := a.moving(moved)
	change.Patient = true
	if err := a.config.Journal.Append(change, nil); err == nil {
		a.moved(c, moved)
	}
}

func (a *Actor) moving(b protocol.Booking) journal.Change {
	return journal.Change{
		Partition: b.Partition, Move: []journal.Moving{{ID: b.ID, LimitAt: b.LimitAt, IdleAt: b.IdleAt, CheckoutAt: b.CheckoutAt}},
	}
}

// move gives the booking the end that the marketplace wants.
func (a *Actor) move(c actor.Context, m protocol.MoveCheckout) {
	if a.over {
		m.Done(protocol.Booking{}, notFound())
		return
	}
	now, b := time.Now(), a.booking()
	to, field := m.To, "expires_at"
	if to.IsZero() {
		if to, field = Limit(b).Add(m.By), "extend_hours"; m.By < 0 {
			field = "shorten_hours"
		}
	}
	if err := a.checkEnd(to, now); err != nil {
		err.Field = field
		m.Done(protocol.Booking{}, err)
		return
	}
	moved := Move(b, to)
	err := a.config.Journal.Append(a.moving(moved), func(err error) { m.Done(moved, journal.Refusal(err)) })
	if err != nil {
		m.Done(protocol.Booking{}, journal.Refusal(err))
		return
	}
	a.moved(c, moved)
}

func (a *Actor) moved(c actor.Context, b protocol.Booking) {
	if a.live.move(b) {
		c.Send(a.config.Pool, protocol.CheckoutMoved{Booking: b.ID, At: b.CheckoutAt})
	}
}

func (a *Actor) checkEnd(to, now time.Time) *protocol.Error {
	switch {
	case !to.After(now):
		return protocol.Errorf(protocol.Invalid, "out_of_range", "the booking would have ended already; DELETE ends it now")
	case to.Sub(now) > a.config.Longest:
		return protocol.Errorf(protocol.Invalid, "out_of_range", "a booking may end %g hours from now at the latest", a.config.Longest.Hours())
	}
	return nil
}

// checkOut ends the booking, unless its checkout has moved since the pool was
// told of it: then the pool is told of the one it has.
func (a *Actor) checkOut(c actor.Context, m protocol.CheckOut) {
	b := a.booking()
	switch {
	case a.over:
	case b.CheckoutAt.After(m.At):
		if a.live.special != nil {
			a.live.special.armed = a.live.checkout
		}
		c.Send(a.config.Pool, protocol.CheckoutMoved{Booking: b.ID, At: b.CheckoutAt})
	default:
		a.end(c, checkoutReason(b), nil)
	}
}

// checkoutReason says whether it was the end that was asked for that has come.
func checkoutReason(b protocol.Booking) string {
	if b.CheckoutAt.Before(Limit(b)) {
		return "idle"
	}
	return "checkout"
}

// end writes the booking's end and passes the word on. Whoever asked for it is
// answered by the pool: when he hears of it the number is free, and the disk
// knows, since the pool's barrier comes after this change.
func (a *Actor) end(c actor.Context, reason string, done func(protocol.Booking, error)) {
	b := a.booking()
	ended := End(b, reason, time.Now(), a.config.Quarantine)
	change := journal.Change{Partition: ended.Partition, Close: []journal.Closing{{
		ID: ended.ID, State: ended.State, Reason: ended.Reason, CheckoutAt: ended.CheckoutAt, FreeAt: ended.FreeAt,
	}}}
	if err := a.config.Journal.Append(change, nil); err != nil {
		// Nothing has changed. Whoever asked asks again; a checkout does so itself.
		if done != nil {
			done(protocol.Booking{}, journal.Refusal(err))
			return
		}
		shard, root, again := c.Parent(), c.ActorSystem().Root, protocol.CheckOut{Booking: ended.ID, At: b.CheckoutAt}
		time.AfterFunc(time.Second, func() { root.Send(shard, again) })
		return
	}
	a.over = true
	a.config.Observer.BookingEnded(country(b), reason)
	a.tellCalls(c, ended)
	// By way of the shard, which stops this actor after everything that it has
	// sent here already is answered.
	c.Send(c.Parent(), protocol.BookingEnded{Booking: ended, Done: done})
}

// tellCalls has the calls in progress cut, if the booking wants that. A process
// that dies before is made up for by the call, which asks after its recovery.
func (a *Actor) tellCalls(c actor.Context, ended protocol.Booking) {
	if ended.Terms.OnCheckout != protocol.CutCalls {
		return
	}
	for session := range a.live.special.calls {
		c.Send(a.config.Calls(session), protocol.BookingOver{Session: session, At: ended.CheckoutAt})
	}
}

// country is where the number is at home that the first of the two parties dials.
func country(b protocol.Booking) string { return b.NumberA.Region().Country().String() }

func notFound() *protocol.Error {
	return protocol.Errorf(protocol.NotFound, "booking_not_found", "no live booking goes by this id")
}
