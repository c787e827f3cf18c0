// Package pool supervises one partition: its numbers, bookings and calls.
//
// One actor decides every assignment, so exclusivity needs no lock. It owns the
// numbers of its partition, who uses which, the names of the live bookings and
// the heap of their checkouts. It does no I/O after it has recovered and waits
// for nothing: the disk and the carrier are others' business.
//
// Bookings and calls hang under shards, because a parent keeps an entry for
// every child it ever had. Numbers are few and hang here. A pool that fails is
// not restarted blank: the whole partition is stopped and built again from the
// store, by the package actors.
package pool

import (
	"fmt"
	"hash/maphash"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"go.uber.org/zap"

	"maskswitch/actors/journal"
	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// Shards is how many parents bookings and calls each have.
const Shards = 64

// sweep is how many due bookings one wake-up tells; others' messages come in
// between.
const sweep = 500

// Config is what a pool needs. The functions make the props of its children,
// so that this package need not know them.
type Config struct {
	Partition      protocol.Partition
	Journal        journal.Appender
	Store          journal.Store
	PairsPerNumber int
	Quarantine     time.Duration
	Strict         bool          // quarantined numbers are never lent to the same party
	EndedMemory    time.Duration // how long a call that is over is remembered
	Calls          func() *actor.Props
	Bookings       func(pool *actor.PID, calls func(protocol.SessionID) *actor.PID) *actor.Props
	Number         func(n protocol.Number, bookings func(protocol.BookingID) *actor.PID, calls func(protocol.SessionID) *actor.PID) *actor.Props
	Observer       Observer
	Log            *zap.Logger
	// Ready is called once, when the partition has recovered or cannot.
	Ready func(Partition, error)
}

// Observer watches the pool. Its methods must not block.
type Observer interface {
	// NumbersCounted gives the pool's figures each time they may have changed.
	NumbersCounted(serving, idle, live int, room int)
	BookingOpened()
	BookingRefused() // no number was free
	BookingRepeated(conflict bool)
}

// Partition is how the outside reaches a partition that is ready.
type Partition struct {
	Pool *actor.PID
	Call func(protocol.SessionID) *actor.PID // the shard a session's call lives in
}

// Messages of the pool. Each Done is called once and must not block.
type (
	// Open asks for a booking.
	Open struct {
		Asked protocol.OpenBooking
		Done  func(protocol.Opened, error)
	}
	// Close ends the booking that goes by a name.
	Close struct {
		Name string // the marketplace's, or our id
		Done func(protocol.Booking, error)
	}
	// Add takes numbers into the pool.
	Add struct {
		Numbers []phone.Number
		Done    func(protocol.Added, error)
	}
	// Count asks for the figures of the pool.
	Count struct{ Done func(protocol.Headcount) }

	wake struct{ n uint64 }
)

// Actor is the pool supervisor.
type Actor struct {
	Config
	ledger     *ledger
	names      map[protocol.Ref]protocol.BookingID
	checkouts  deadlines[protocol.BookingID]
	quarantine deadlines[rested]
	numbers    map[phone.Number]*actor.PID
	bookings   []*actor.PID
	calls      []*actor.PID
	timer      *time.Timer
	timerAt    time.Time
	timerN     uint64
	stopping   bool
}

// rested is what is left of a booking in quarantine.
type rested struct {
	id                               protocol.BookingID
	numberA, numberB, partyA, partyB phone.Number
	free                             time.Time
}

// New makes a pool that recovers when it starts.
func New(c Config) *Actor { return &Actor{Config: c} }

// Receive handles one message.
func (a *Actor) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case *actor.Started:
		a.start(c)
	case *actor.Stopping, *actor.Restarting:
		a.stopping = true
		if a.timer != nil {
			a.timer.Stop()
		}
	case protocol.Delivery:
		a.route(c, m)
	case Open:
		a.open(c, m)
	case Close:
		a.close(c, m)
	case protocol.BookingEnded:
		a.ended(c, m.Booking)
		a.confirm(m)
	case Add:
		a.add(c, m)
	case Count:
		m.Done(protocol.Headcount{Pool: a.ledger.idle(), Active: a.ledger.live})
	case wake:
		if m.n == a.timerN {
			a.sweep(c)
		}
	case *actor.Terminated:
		a.lost(c, m.Who)
	}
}

// route finds the number that rings. An early event of a leg without our tag is
// taken only if it called a number of ours.
func (a *Actor) route(c actor.Context, d protocol.Delivery) {
	facts := d.Event.Facts()
	pid, ok := a.numbers[facts.To]
	switch {
	case d.Early && ok:
		c.Send(a.call(facts.Session), d)
		return
	case d.Early:
		d.Done(protocol.ReceiptUnknownCall, nil)
		return
	case ok:
		c.Send(pid, d)
		return
	}
	d.Route = protocol.Refuse(protocol.OutcomeUnallocated, "the number called is not in the pool")
	c.Send(a.call(facts.Session), d)
}

func (a *Actor) open(c actor.Context, m Open) {
	asked := m.Asked
	if asked.Ref != "" {
		if id, ok := a.names[asked.Ref]; ok {
			c.Send(a.booking(id), protocol.RepeatBooking{Booking: id, Asked: asked, Done: m.Done})
			return
		}
	}
	if field := a.proxyAmong(asked); field != "" {
		err := protocol.Errorf(protocol.Invalid, "party_is_proxy", "a proxy number of the pool cannot be a party")
		err.Field = field
		m.Done(protocol.Opened{}, err)
		return
	}
	number, ok := a.ledger.assign(asked.PartyA, asked.PartyB)
	if !ok {
		a.Observer.BookingRefused()
		m.Done(protocol.Opened{}, a.exhausted())
		return
	}
	now := time.Now()
	b := protocol.Booking{
		ID: protocol.NewBookingID(now), Ref: asked.Ref, Partition: a.Partition,
		NumberA: number, NumberB: number, PartyA: asked.PartyA, PartyB: asked.PartyB,
		State: protocol.BookingLive, CreatedAt: now.Truncate(time.Microsecond), Asked: asked.Duration,
	}
	b.CheckoutAt = b.CreatedAt.Add(asked.Duration)
	b.FreeAt = b.CheckoutAt
	a.take(c, b)
	c.Send(a.booking(b.ID), protocol.StartBooking{Booking: b, Done: m.Done})
	a.Observer.BookingOpened()
	a.counted()
}

// proxyAmong names the party that is a proxy number: such a booking would have
// the switch call itself.
func (a *Actor) proxyAmong(asked protocol.OpenBooking) (field string) {
	if a.numbers[asked.PartyA] != nil {
		return "party_a"
	}
	if a.numbers[asked.PartyB] != nil {
		return "party_b"
	}
	return ""
}

func (a *Actor) exhausted() error {
	if a.ledger.serving == 0 {
		return protocol.Errorf(protocol.Exhausted, "pool_empty", "the pool has no numbers; add some with POST /pool")
	}
	return protocol.Errorf(protocol.Exhausted, "pool_exhausted",
		"each of the %d numbers is in use by one of the two parties or carries %d bookings; add numbers with POST /pool",
		a.ledger.serving, a.PairsPerNumber)
}

// take makes a live booking known: its name, its checkout, its pairs.
func (a *Actor) take(c actor.Context, b protocol.Booking) {
	if b.Ref != "" {
		a.names[b.Ref] = b.ID
	}
	a.checkouts.push(b.CheckoutAt, b.ID)
	a.arm(c)
	c.Send(a.numbers[b.NumberA], protocol.LendNumber{Booking: b.ID, PartyA: b.PartyA, PartyB: b.PartyB})
}

func (a *Actor) close(c actor.Context, m Close) {
	id, ok := a.names[protocol.Ref(m.Name)]
	if !ok {
		var err error
		if id, err = protocol.ParseBookingID(m.Name); err != nil {
			m.Done(protocol.Booking{}, protocol.Errorf(protocol.NotFound, "booking_not_found", "no live booking goes by this id"))
			return
		}
	}
	c.Send(a.booking(id), protocol.EndBooking{Booking: id, Reason: "deleted", Done: m.Done})
}

// ended frees the numbers of a booking, at this instant, for everybody but its
// own parties.
func (a *Actor) ended(c actor.Context, b protocol.Booking) {
	free := b.FreeAt
	if b.State == protocol.BookingClosed {
		free = time.Time{}
	}
	if !a.ledger.release(b.NumberA, b.PartyA, b.PartyB, free) {
		return
	}
	if a.names[b.Ref] == b.ID {
		delete(a.names, b.Ref)
	}
	c.Send(a.numbers[b.NumberA], protocol.ReleaseNumber{Booking: b.ID, PartyA: b.PartyA, PartyB: b.PartyB, Until: free})
	if !free.IsZero() {
		a.rest(c, b)
	}
	a.counted()
}

// confirm answers whoever ended a booking, when the disk knows of it.
func (a *Actor) confirm(m protocol.BookingEnded) {
	if m.Done == nil {
		return
	}
	err := a.Journal.Append(journal.Change{Partition: a.Partition}, func(err error) { m.Done(m.Booking, journal.Refusal(err)) })
	if err != nil {
		m.Done(m.Booking, journal.Refusal(err))
	}
}

func (a *Actor) rest(c actor.Context, b protocol.Booking) {
	a.quarantine.push(b.FreeAt, rested{b.ID, b.NumberA, b.NumberB, b.PartyA, b.PartyB, b.FreeAt})
	a.arm(c)
}

// add writes the numbers that are new, and takes them in at once: a booking on
// one of them is written after them.
func (a *Actor) add(c actor.Context, m Add) {
	now := time.Now().Truncate(time.Microsecond)
	var fresh []protocol.Number
	asked := make(map[phone.Number]bool, len(m.Numbers))
	for _, n := range m.Numbers {
		if len(a.ledger.parties[n]) > 0 {
			m.Done(protocol.Added{}, protocol.Errorf(protocol.Conflict, "number_is_party",
				"%s is a party of a booking and cannot be a proxy number", n))
			return
		}
		if !asked[n] && a.numbers[n] == nil {
			fresh = append(fresh, protocol.Number{Number: n, Partition: a.Partition, ChangedAt: now})
		}
		asked[n] = true
	}
	answer := protocol.Added{New: len(fresh), Pool: len(a.ledger.slots) + len(fresh)}
	err := a.Journal.Append(journal.Change{Partition: a.Partition, Numbers: fresh}, func(err error) {
		m.Done(answer, journal.Refusal(err))
	})
	if err != nil {
		m.Done(protocol.Added{}, journal.Refusal(err))
		return
	}
	for _, n := range fresh {
		a.serve(c, n)
	}
	a.counted()
}

func (a *Actor) serve(c actor.Context, n protocol.Number) {
	a.ledger.add(n.Number, n.State)
	a.numbers[n.Number] = c.Spawn(a.Number(n, a.booking, a.call))
}

// sweep tells due bookings that their time has come, and ends quarantines. A
// crowd is told in portions, so that rings and requests get their turn.
func (a *Actor) sweep(c actor.Context) {
	a.timerAt = time.Time{}
	now := time.Now()
	told := 0
	for ; told < sweep; told++ {
		id, at, ok := a.checkouts.due(now)
		if !ok {
			break
		}
		c.Send(a.booking(id), protocol.CheckOut{Booking: id, At: at})
	}
	var over []journal.Closing
	for len(over) < sweep {
		r, at, ok := a.quarantine.due(now)
		if !ok {
			break
		}
		a.ledger.forget(r.numberA, r.partyA, r.partyB, at)
		c.Send(a.numbers[r.numberA], protocol.ForgetParties{Booking: r.id, PartyA: r.partyA, PartyB: r.partyB})
		over = append(over, journal.Closing{ID: r.id, State: protocol.BookingClosed})
	}
	if len(over) > 0 {
		// A change that cannot be queued now is made up for by the next
		// recovery, which finds these quarantines over.
		err := a.Journal.Append(journal.Change{Partition: a.Partition, Close: over}, nil)
		if err != nil {
			a.Log.Warn("end of quarantine not written", zap.Int("bookings", len(over)), zap.Error(err))
		}
	}
	if told == sweep || len(over) == sweep {
		a.timerN++
		c.Send(c.Self(), wake{a.timerN})
		return
	}
	a.arm(c)
}

// arm sets the one timer to the earliest instant. It looks again at least once
// an hour, because wall clocks are set.
func (a *Actor) arm(c actor.Context) {
	at, ok := a.checkouts.next()
	if free, ok2 := a.quarantine.next(); ok2 && (!ok || free.Before(at)) {
		at, ok = free, true
	}
	if !ok || !a.timerAt.IsZero() && !at.Before(a.timerAt) {
		return
	}
	if a.timer != nil {
		a.timer.Stop()
	}
	wait := min(max(time.Until(at), time.Millisecond), time.Hour)
	a.timerAt = time.Now().Add(wait)
	a.timerN++
	n, self, root := a.timerN, c.Self(), c.ActorSystem().Root
	a.timer = time.AfterFunc(wait, func() { root.Send(self, wake{n}) })
}

// lost is called for a child that stopped. Shards and numbers stop only with
// the pool; if one fails alone, the partition starts over from the store.
func (a *Actor) lost(_ actor.Context, who *actor.PID) {
	if !a.stopping {
		panic(fmt.Sprintf("pool: child %s is gone", who.Id))
	}
}

func (a *Actor) counted() {
	room := len(a.ledger.slots)*a.PairsPerNumber - a.ledger.live
	a.Observer.NumbersCounted(a.ledger.serving, a.ledger.idle(), a.ledger.live, room)
}

var shardSeed = maphash.MakeSeed()

func (a *Actor) booking(id protocol.BookingID) *actor.PID {
	// The last bytes are random in any id of ours.
	return a.bookings[id[15]%Shards]
}

func (a *Actor) call(s protocol.SessionID) *actor.PID {
	return a.calls[maphash.String(shardSeed, string(s))%Shards]
}
