package actors

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"

	"maskswitch/actors/booking"
	"maskswitch/actors/call"
	"maskswitch/actors/erasure"
	"maskswitch/actors/journal"
	"maskswitch/actors/number"
	"maskswitch/actors/order"
	"maskswitch/actors/pool"
	"maskswitch/actors/protocol"
	"maskswitch/actors/recording"
)

// Journal is what the switch needs of its journal: *journal.Group.
type Journal interface {
	journal.Appender
	journal.Store
	OnHalt(func(error))
	Resume() error
	Close(context.Context) error
}

// Config of a switch. Journal and Carrier are required.
type Config struct {
	Journal        Journal
	Carrier        call.Carrier
	Calls          call.Settings
	PairsPerNumber int     // live bookings on one number; 0 means 200
	CallsPerMinute float64 // a number that rings more often gets no new bookings; 0: it does
	Assignment     protocol.Assignment
	Quarantine     time.Duration // how long a number remembers parties after checkout
	Strict         bool          // it is not lent to them again while it does
	LongestBooking time.Duration // from now to the latest end a booking may be moved to; 0 means a year
	Numbers        order.Carrier // the carrier's numbers; nil: none can be imported or ordered
	Connection     string        // its application that ordered numbers are led to; empty: an order has to name one
	Tag            string        // that ordered numbers get there; empty: maskswitch
	Recordings     Recordings    // what becomes of recordings
	MostInFlight   int           // requests and webhooks waiting at once; 0 means 8192
	MostCalls      int           // in progress when another rings, which is then refused; 0: no limit
	Observer       Observer      // may be nil
	Log            *zap.Logger   // may be nil
}

// Recordings says what becomes of recordings. Without Carrier and Archive they
// are noted, and stay where they are.
type Recordings struct {
	Carrier         recording.Carrier
	Archive         recording.Archive
	Summaries       recording.Summariser // nil: none are made
	DeleteAtCarrier bool                 // once a recording is in the archive
	Retention       time.Duration        // 0: for ever
	Parallel        int                  // downloads at once; 0 means 8
	Bandwidth       int64                // of all downloads together, bytes a second; 0: no limit
	Observer        recording.Observer   // may be nil
}

// Observer watches everything in the switch. Its methods must not block.
type Observer interface {
	pool.Observer
	booking.Observer
	call.Observer
	Panicked(kind protocol.ActorKind)
	// ActorLives moves the number of actors of a kind.
	ActorLives(kind protocol.ActorKind, delta int)
	// ActorWaited gives how long a message waited for its actor, and ActorHandled
	// how long an actor was at work on one.
	ActorWaited(kind protocol.ActorKind, d time.Duration)
	ActorHandled(kind protocol.ActorKind, d time.Duration)
	// DeadLetter tells of a message to an actor that is gone.
	DeadLetter(kind protocol.ActorKind)
	Recovered(took time.Duration)
}

// endedMemory is how long a session that is over is remembered: longer than the
// carrier delivers late.
const endedMemory = 2 * time.Hour

// Switch is the only door to the actors.
type Switch struct {
	journal  Journal
	config   Config
	observer Observer
	log      *zap.Logger
	outbox   *call.Outbox
	system   *actor.ActorSystem
	dispatch *dispatcher
	guardian *actor.PID
	door     atomic.Pointer[pool.Partition] // nil: shut
	meters   [protocol.ActorErasureDesk + 1]meter
	inFlight atomic.Int64
	most     int64
	draining atomic.Bool
	stopped  atomic.Bool

	mu    sync.Mutex
	why   error          // why the door is shut
	first chan recovered // the first recovery, for Start
}

// New makes a switch that is not running yet.
func New(c Config) *Switch {
	if c.PairsPerNumber <= 0 {
		c.PairsPerNumber = 200
	}
	if c.LongestBooking <= 0 {
		c.LongestBooking = 366 * 24 * time.Hour
	}
	if c.MostInFlight <= 0 {
		c.MostInFlight = 8192
	}
	if c.Log == nil {
		c.Log = zap.NewNop()
	}
	if c.Observer == nil {
		c.Observer = unobserved{}
	}
	dispatch := newDispatcher()
	s := &Switch{
		journal: c.Journal, config: c, observer: c.Observer, log: c.Log, most: int64(c.MostInFlight),
		outbox: call.NewOutbox(c.Carrier, c.Observer, dispatch.Schedule), dispatch: dispatch,
		why: errors.New("not started"), first: make(chan recovered, 1),
	}
	for _, kind := range protocol.ActorKinds() {
		s.meters[kind].kind = kind
	}
	return s
}

// Start recovers what the store holds and opens the door. An error means that
// the store cannot be read or contradicts itself; then nothing runs.
func (s *Switch) Start(ctx context.Context) error {
	s.system = actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(zapslog.NewHandler(s.log.Core(), zapslog.WithName("actor")))
	}))
	s.countLetters()
	s.guardian = s.system.Root.Spawn(s.props(protocol.ActorGuardian, func() actor.Actor { return &guardian{owner: s} }))
	s.journal.OnHalt(func(err error) { s.system.Root.Send(s.guardian, journalHalted{err}) })
	select {
	case r := <-s.first:
		if r.err != nil {
			s.stopActors(ctx)
			return fmt.Errorf("recover: %w", r.err)
		}
		return nil
	case <-ctx.Done():
		s.stopActors(context.WithoutCancel(ctx))
		return fmt.Errorf("recover: %w", ctx.Err())
	}
}

// Ready says whether requests and events are taken, or why not.
func (s *Switch) Ready() error {
	if s.draining.Load() {
		return errors.New("draining")
	}
	if s.door.Load() == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.why
	}
	return nil
}

// Drain shuts the door: from now on requests and events are refused, to be sent
// again to the next process.
func (s *Switch) Drain() { s.draining.Store(true) }

// Stop drains, lets commands on their way land, stops the actors and closes the
// journal. Calls go on: the carrier holds the audio, and the next process finds
// them in the store.
func (s *Switch) Stop(ctx context.Context) error {
	s.Drain()
	s.outbox.Wait(ctx)
	s.stopActors(ctx)
	return s.journal.Close(ctx)
}

// stopActors may be called again, and on a switch that never started.
func (s *Switch) stopActors(ctx context.Context) {
	if s.system == nil || !s.stopped.CompareAndSwap(false, true) {
		return
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_ = s.system.Root.StopFuture(s.guardian).Wait()
	}()
	select {
	case <-gone:
	case <-ctx.Done():
	}
	s.system.Shutdown()
	s.dispatch.close()
}

func (s *Switch) shut(why error) {
	s.door.Store(nil)
	s.mu.Lock()
	s.why = why
	s.mu.Unlock()
	s.log.Warn("switch not ready", zap.Error(why))
}

func (s *Switch) recovered(r recovered) {
	if r.err != nil {
		s.shut(r.err)
	} else {
		s.observer.Recovered(r.took)
		s.log.Info("switch ready", zap.Duration("recovery", r.took))
		s.door.Store(&r.partition)
	}
	select {
	case s.first <- r:
	default:
	}
}

// poolProps ties the packages of the partition together.
func (s *Switch) poolProps(ready func(pool.Partition, error)) *actor.Props {
	const partition = protocol.Partition(0)
	limit := call.NewLimit(s.config.MostCalls)
	var orders func(*actor.PID) *actor.Props
	if s.config.Numbers != nil {
		orders = func(self *actor.PID) *actor.Props {
			config := &order.Config{
				Partition: partition, Journal: s.journal, Store: s.journal, Pool: self, Carrier: s.config.Numbers,
				Connection: s.config.Connection, Tag: s.config.Tag, Schedule: s.dispatch.Schedule, Log: s.log,
			}
			config.Child = s.props(protocol.ActorOrder, func() actor.Actor { return order.New(config) })
			return s.props(protocol.ActorOrderDesk, func() actor.Actor { return order.NewDesk(config) })
		}
	}
	return s.props(protocol.ActorPool, func() actor.Actor {
		return pool.New(pool.Config{
			Orders: orders, Recordings: s.recordingProps(partition), Erasures: s.erasureProps(partition),
			Partition: partition, Journal: s.journal, Store: s.journal,
			PairsPerNumber: s.config.PairsPerNumber, CallsPerMinute: s.config.CallsPerMinute,
			Assignment: s.config.Assignment, Strict: s.config.Strict,
			EndedMemory: endedMemory, Observer: s.observer, Log: s.log, Ready: ready,
			Calls: func(bookings func(protocol.BookingID) *actor.PID, recordings *actor.PID) *actor.Props {
				config := &call.Config{
					Settings: s.config.Calls, Partition: partition, Journal: s.journal, Store: s.journal, Outbox: s.outbox,
					Observer: s.observer, Log: s.log, EndedMemory: endedMemory, Most: limit, Bookings: bookings,
				}
				if recordings != nil {
					config.Recordings = func(m protocol.FetchRecording) { s.system.Root.Send(recordings, m) }
				}
				config.Child = s.props(protocol.ActorCall, func() actor.Actor { return call.New(config) })
				return s.props(protocol.ActorCallShard, func() actor.Actor { return call.NewShard(config) })
			},
			Bookings: func(self *actor.PID, of func(protocol.SessionID) *actor.PID) *actor.Props {
				config := &booking.Config{
					Partition: partition, Journal: s.journal, Store: s.journal, Quarantine: s.config.Quarantine,
					Longest: s.config.LongestBooking, LongestOne: s.config.Calls.RingTimeout + s.config.Calls.Limit,
					Pool: self, Calls: of, Observer: s.observer,
				}
				config.Child = s.props(protocol.ActorBooking, func() actor.Actor { return booking.New(config) })
				return s.props(protocol.ActorBookingShard, func() actor.Actor { return booking.NewShard(config) })
			},
			Number: func(n protocol.Number, bookings func(protocol.BookingID) *actor.PID, calls func(protocol.SessionID) *actor.PID) *actor.Props {
				return s.props(protocol.ActorNumber, func() actor.Actor { return number.New(n, bookings, calls) })
			},
		})
	})
}

// recordingProps ties the queue of recordings together; nil if there is none.
func (s *Switch) recordingProps(partition protocol.Partition) func() *actor.Props {
	r := s.config.Recordings
	if r.Carrier == nil || r.Archive == nil {
		return nil
	}
	config := &recording.Config{
		Partition: partition, Journal: s.journal, Store: s.journal,
		Carrier: r.Carrier, Archive: r.Archive, Summaries: r.Summaries,
		DeleteAtCarrier: r.DeleteAtCarrier, Retention: r.Retention, Parallel: r.Parallel, Bandwidth: r.Bandwidth,
		Schedule: s.dispatch.Schedule, Observer: r.Observer, Log: s.log,
	}
	config.Child = s.props(protocol.ActorRecording, func() actor.Actor { return recording.New(config) })
	return func() *actor.Props {
		return s.props(protocol.ActorRecordingDesk, func() actor.Actor { return recording.NewDesk(config) })
	}
}

// erasureProps ties the erasures together. They need the queue, which erases.
func (s *Switch) erasureProps(partition protocol.Partition) func(pool, recordings *actor.PID) *actor.Props {
	if s.recordingProps(partition) == nil {
		return nil
	}
	return func(pool, recordings *actor.PID) *actor.Props {
		config := &erasure.Config{
			Partition: partition, Journal: s.journal, Store: s.journal,
			EndQuarantine: func(m protocol.EndQuarantine) { s.system.Root.Send(pool, m) },
			Recordings:    func(m protocol.EraseRecording) { s.system.Root.Send(recordings, m) },
			Schedule:      s.dispatch.Schedule, Log: s.log,
		}
		return s.props(protocol.ActorErasureDesk, func() actor.Actor { return erasure.NewDesk(config) })
	}
}

// OpenBooking lends two parties a number. The same request under the same ref
// is answered with the same booking: Conflict if the ref is another booking's,
// Exhausted if no number fits.
func (s *Switch) OpenBooking(ctx context.Context, asked protocol.OpenBooking) (protocol.Opened, error) {
	// A ref may be the id we gave to a booking that had no ref of its own.
	if id, err := protocol.ParseBookingID(string(asked.Ref)); err == nil {
		if b, err := s.journal.Booking(ctx, id); err == nil && b.Ref == "" {
			return protocol.Opened{Booking: b, Repeated: true}, booking.Repeat(b, asked)
		}
	}
	opened, err := ask(ctx, s, func(p *pool.Partition, done func(protocol.Opened, error)) {
		s.system.Root.Send(p.Pool, pool.Open{
			Asked: asked, HomeA: asked.PartyA.Region(), HomeB: asked.PartyB.Region(), Done: done,
		})
	})
	if errors.Is(err, journal.ErrTaken) && asked.Ref != "" {
		// The name belongs to a booking that has ended: no actor knows it.
		b, readErr := s.journal.BookingByRef(ctx, asked.Ref)
		if readErr != nil {
			return protocol.Opened{}, err
		}
		return protocol.Opened{Booking: b, Repeated: true}, booking.Repeat(b, asked)
	}
	return opened, err
}

// MoveBooking gives a live booking another end.
func (s *Switch) MoveBooking(ctx context.Context, name string, to protocol.MoveBooking) (protocol.Booking, error) {
	return ask(ctx, s, func(p *pool.Partition, done func(protocol.Booking, error)) {
		s.system.Root.Send(p.Pool, pool.Move{Name: name, To: to, Done: s.settled(done)})
	})
}

// CloseBooking ends a booking now, by the marketplace's name for it or our id.
// That there is none is told only once the disk knows as much: it may have ended
// a moment ago.
func (s *Switch) CloseBooking(ctx context.Context, name string) (protocol.Booking, error) {
	return ask(ctx, s, func(p *pool.Partition, done func(protocol.Booking, error)) {
		s.system.Root.Send(p.Pool, pool.Close{Name: name, Done: s.settled(done)})
	})
}

// settled holds "there is none" back until the disk knows as much.
func (s *Switch) settled(done func(protocol.Booking, error)) func(protocol.Booking, error) {
	return func(b protocol.Booking, err error) {
		if protocol.KindOf(err) != protocol.NotFound {
			done(b, err)
			return
		}
		barrier := func(failed error) { done(b, cmp.Or(journal.Refusal(failed), err)) }
		if failed := s.journal.Append(journal.Change{}, barrier); failed != nil {
			barrier(failed)
		}
	}
}

// Headcount counts idle numbers and live bookings.
func (s *Switch) Headcount(ctx context.Context) (protocol.Headcount, error) {
	return ask(ctx, s, func(p *pool.Partition, done func(protocol.Headcount, error)) {
		s.system.Root.Send(p.Pool, pool.Count{Done: func(h protocol.Headcount) { done(h, nil) }})
	})
}

// Booking reads a booking, live or not, by the marketplace's name or our id.
func (s *Switch) Booking(ctx context.Context, name string) (protocol.Booking, error) {
	b, err := s.journal.BookingByRef(ctx, protocol.Ref(name))
	if id, noID := protocol.ParseBookingID(name); errors.Is(err, journal.ErrNone) && noID == nil {
		b, err = s.journal.Booking(ctx, id)
	}
	switch {
	case errors.Is(err, journal.ErrNone):
		return b, protocol.Errorf(protocol.NotFound, "booking_not_found", "no booking goes by this id")
	case err != nil:
		return b, journal.Refusal(err)
	}
	return b, nil
}

// Bookings lists bookings in the order in which they were made.
func (s *Switch) Bookings(ctx context.Context, q protocol.BookingQuery) ([]protocol.Booking, error) {
	rows, err := s.journal.Bookings(ctx, q)
	if err != nil {
		return nil, journal.Refusal(err)
	}
	return rows, nil
}

// ask sends a request through the door and waits for its answer. If the asker
// leaves first, the request may still take effect: that is what repeatable
// creates are for.
func ask[T any](ctx context.Context, s *Switch, send func(*pool.Partition, func(T, error))) (T, error) {
	type answer struct {
		value T
		err   error
	}
	var none T
	p, leave, err := s.enter()
	if err != nil {
		return none, err
	}
	defer leave()
	answers := make(chan answer, 1)
	send(p, func(value T, err error) { answers <- answer{value, err} })
	select {
	case a := <-answers:
		return a.value, a.err
	case <-ctx.Done():
		return none, &protocol.Error{Kind: protocol.Unavailable, Code: "timeout", Detail: "no answer in time; the request may have taken effect: repeat it", Err: ctx.Err()}
	}
}

// enter passes the door, unless it is shut or too many are inside.
func (s *Switch) enter() (*pool.Partition, func(), error) {
	p := s.door.Load()
	if p == nil || s.draining.Load() {
		return nil, nil, &protocol.Error{Kind: protocol.Unavailable, Code: "not_ready", Detail: "the switch is starting, stopping or recovering; try again", Err: s.Ready()}
	}
	if s.inFlight.Add(1) > s.most {
		s.inFlight.Add(-1)
		return nil, nil, protocol.Errorf(protocol.Unavailable, "overloaded", "too many requests are waiting; try again")
	}
	return p, func() { s.inFlight.Add(-1) }, nil
}
