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

// Config is what a pool needs. The functions make the props of its children,
// so that this package need not know them.
type Config struct {
	Partition      protocol.Partition
	Journal        journal.Appender
	Store          journal.Store
	PairsPerNumber int
	CallsPerMinute float64 // a number that rings more often gets no new bookings; 0: it does
	Assignment     protocol.Assignment
	Strict         bool          // quarantined numbers are never lent to the same party
	EndedMemory    time.Duration // how long a call that is over is remembered
	Calls          func(bookings func(protocol.BookingID) *actor.PID, recordings *actor.PID) *actor.Props
	Bookings       func(pool *actor.PID, calls func(protocol.SessionID) *actor.PID) *actor.Props
	Number         func(n protocol.Number, bookings func(protocol.BookingID) *actor.PID, calls func(protocol.SessionID) *actor.PID) *actor.Props
	Orders         func(pool *actor.PID) *actor.Props             // nil: no numbers are ordered
	Recordings     func() *actor.Props                            // nil: recordings stay at the carrier
	Erasures       func(pool, recordings *actor.PID) *actor.Props // nil: nothing is erased
	Observer       Observer
	Log            *zap.Logger
	// Ready is called once, when the partition has recovered or cannot.
	Ready func(Partition, error)
}

// Observer watches the pool. Its methods must not block.
type Observer interface {
	// NumbersCounted gives the figures of a country each time they may have
	// changed. Here and below a country without a name is one that has no number
	// in the pool, or none at all.
	NumbersCounted(country string, f protocol.PoolFigures)
	BookingOpened(country string)
	BookingRefused(country string) // no number was free
	BookingRepeated(country string, conflict bool)
}

// Partition is how the outside reaches a partition that is ready.
type Partition struct {
	Pool       *actor.PID
	Call       func(protocol.SessionID) *actor.PID // the shard a session's call lives in
	Recordings *actor.PID                          // nil: there is no queue
	Erasures   *actor.PID                          // nil: nothing is erased
}

// Messages of the pool. Each Done is called once and must not block.
type (
	// Open asks for a booking. The homes of its parties choose its numbers, if
	// the terms leave that open.
	Open struct {
		Asked        protocol.OpenBooking
		HomeA, HomeB phone.Region
		Done         func(protocol.Opened, error)
	}
	// Move asks for another end of the booking that goes by a name.
	Move struct {
		Name string // the marketplace's, or our id
		To   protocol.MoveBooking
		Done func(protocol.Booking, error)
	}
	// Close ends the booking that goes by a name.
	Close struct {
		Name string // the marketplace's, or our id
		Done func(protocol.Booking, error)
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
	dead       map[protocol.BookingID]struct{} // ended, and still in checkouts
	due        []protocol.CheckOut             // checkouts that have come and are not told yet, the first made last
	unsorted   bool
	quarantine deadlines[rested]
	rests      deadlines[phone.Number]
	numbers    map[phone.Number]*actor.PID
	bookings   []*actor.PID
	calls      []*actor.PID
	orders     *actor.PID
	recordings *actor.PID
	erasures   *actor.PID
	timer      *time.Timer
	timerAt    time.Time
	timerN     uint64
	sweeping   bool // a portion is on its way to the disk, and the next one waits
	stopping   bool
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
	case protocol.Explain:
		a.explain(c, m)
	case Open:
		a.open(c, m)
	case Move:
		a.move(c, m)
	case Close:
		a.close(c, m)
	case protocol.CheckoutMoved:
		a.checkouts.push(m.At, m.Booking)
		a.arm(c)
	case protocol.EndQuarantine:
		a.endQuarantine(c, m)
	case protocol.BookingEnded:
		a.ended(c, m.Booking)
		a.confirm(m)
	case Count:
		f := a.ledger.figures()
		m.Done(protocol.Headcount{Pool: f.Idle, Active: f.Live})
	case wake:
		if m.n == a.timerN {
			a.sweep(c)
		}
	case *actor.Terminated:
		a.lost(c, m.Who)
	default:
		a.receiveNumbers(c, m)
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
		a.ledger.rang(facts.To, time.Now())
		c.Send(pid, d)
		return
	}
	d.Route = unallocated()
	c.Send(a.call(facts.Session), d)
}

func unallocated() protocol.Route {
	return protocol.Refuse(protocol.OutcomeUnallocated, "the number called is not in the pool")
}

// explain goes the way of route, and counts nothing.
func (a *Actor) explain(c actor.Context, m protocol.Explain) {
	pid, ok := a.numbers[m.To]
	if !ok {
		m.Route = unallocated()
		m.Done(m)
		return
	}
	m.InPool = true
	c.Send(pid, m)
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
	now := time.Now()
	id := protocol.NewBookingID(now)
	a.ledger.cool(now)
	lent, refused := a.ledger.assign(id, want{
		a: asked.PartyA, b: asked.PartyB, homeA: m.HomeA, homeB: m.HomeB,
		masks: asked.Terms.Masks, region: asked.Terms.Region, strict: asked.Terms.RegionStrict,
	})
	if refused != 0 {
		a.Observer.BookingRefused(a.ledger.wanted(asked.Terms.Region, m.HomeA))
		m.Done(protocol.Opened{}, a.exhausted(refused, asked.Terms))
		return
	}
	b := protocol.Booking{
		ID: id, Ref: asked.Ref, Partition: a.Partition,
		NumberA: lent.a, NumberB: lent.b, PartyA: asked.PartyA, PartyB: asked.PartyB,
		State: protocol.BookingLive, CreatedAt: now.Truncate(time.Microsecond), Asked: asked.Duration, Terms: asked.Terms, Choice: lent.choice,
	}
	b.CheckoutAt = b.CreatedAt.Add(asked.Duration)
	if idle := asked.Terms.Idle; idle > 0 {
		b.LimitAt, b.IdleAt = b.CheckoutAt, b.CreatedAt.Add(idle)
		if b.IdleAt.Before(b.LimitAt) {
			b.CheckoutAt = b.IdleAt
		}
	}
	b.FreeAt = b.CheckoutAt
	a.take(c, b)
	c.Send(a.booking(b.ID), protocol.StartBooking{Booking: b, Done: m.Done})
	a.Observer.BookingOpened(a.ledger.countryName(b.NumberA))
	a.counted()
}

// exhausted says why no number was lent, and what would help.
func (a *Actor) exhausted(why refusal, terms protocol.Terms) error {
	serving := a.ledger.figures().Numbers[protocol.NumberServing]
	switch why {
	case refusedEmpty:
		return protocol.Errorf(protocol.Exhausted, "pool_empty", "no number of the pool is in service; add some with POST /pool")
	case refusedRegion:
		err := protocol.Errorf(protocol.Exhausted, "region_exhausted",
			"no number in service is at home in %s; add some, or book without region_strict", terms.Region)
		err.Field = "region"
		return err
	case refusedQuarantined:
		return protocol.Errorf(protocol.Exhausted, "quarantined",
			"every number that is free was lent to one of the two parties a short while ago (QUARANTINE_STRICT); add numbers with POST /pool")
	}
	return protocol.Errorf(protocol.Exhausted, "pool_exhausted",
		"each of the %d numbers in service is in use by one of the two parties, shows %d bookings, rings too often or is in another region; add numbers with POST /pool",
		serving, a.PairsPerNumber)
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

// take makes a live booking known: its name, its checkout, its pairs.
func (a *Actor) take(c actor.Context, b protocol.Booking) {
	if b.Ref != "" {
		a.names[b.Ref] = b.ID
	}
	a.checkouts.push(b.CheckoutAt, b.ID)
	a.arm(c)
	a.onNumbers(b, func(number, partyA, partyB phone.Number) {
		c.Send(a.numbers[number], protocol.LendNumber{Booking: b.ID, PartyA: partyA, PartyB: partyB})
	})
}

// onNumbers names each number of a booking with the parties who dial it: one
// number for both, or one for each, who is then the only one it knows.
func (a *Actor) onNumbers(b protocol.Booking, do func(number, partyA, partyB phone.Number)) {
	if b.Masks() == protocol.MasksShared {
		do(b.NumberA, b.PartyA, b.PartyB)
		return
	}
	do(b.NumberA, b.PartyA, phone.Number{})
	do(b.NumberB, phone.Number{}, b.PartyB)
}

// named finds the booking that goes by a name.
func (a *Actor) named(name string) (protocol.BookingID, error) {
	if id, ok := a.names[protocol.Ref(name)]; ok {
		return id, nil
	}
	id, err := protocol.ParseBookingID(name)
	if err != nil {
		return id, protocol.Errorf(protocol.NotFound, "booking_not_found", "no live booking goes by this id")
	}
	return id, nil
}

func (a *Actor) move(c actor.Context, m Move) {
	id, err := a.named(m.Name)
	if err != nil {
		m.Done(protocol.Booking{}, err)
		return
	}
	c.Send(a.booking(id), protocol.MoveCheckout{Booking: id, To: m.To.To, By: m.To.By, Done: m.Done})
}

func (a *Actor) close(c actor.Context, m Close) {
	id, err := a.named(m.Name)
	if err != nil {
		m.Done(protocol.Booking{}, err)
		return
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
	if !a.ledger.release(b, free) {
		return
	}
	if a.names[b.Ref] == b.ID {
		delete(a.names, b.Ref)
	}
	a.onNumbers(b, func(number, partyA, partyB phone.Number) {
		c.Send(a.numbers[number], protocol.ReleaseNumber{Booking: b.ID, PartyA: partyA, PartyB: partyB, Until: free})
	})
	if free.IsZero() {
		a.retireIfEmpty(c, b.NumberA, b.NumberB)
	} else {
		a.rest(c, b)
	}
	a.bury(b)
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

// lost is called for a child that stopped. Shards and numbers stop only with
// the pool; if one fails alone, the partition starts over from the store.
func (a *Actor) lost(_ actor.Context, who *actor.PID) {
	if !a.stopping {
		panic(fmt.Sprintf("pool: child %s is gone", who.Id))
	}
}

func (a *Actor) counted() { a.ledger.news(a.Observer.NumbersCounted) }

var shardSeed = maphash.MakeSeed()

func (a *Actor) booking(id protocol.BookingID) *actor.PID {
	// The last bytes are random in any id of ours.
	return a.bookings[id[15]%Shards]
}

func (a *Actor) call(s protocol.SessionID) *actor.PID {
	return a.calls[maphash.String(shardSeed, string(s))%Shards]
}
