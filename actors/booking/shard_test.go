package booking

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"maskswitch/actors/journal"
	"maskswitch/actors/journal/memory"
	"maskswitch/actors/protocol"
)

// open is a shard that a test can look into.
type open struct{ *Shard }

type look func(*Shard)

func (o open) Receive(c actor.Context) {
	if m, ok := c.Message().(look); ok {
		m(o.Shard)
		return
	}
	o.Shard.Receive(c)
}

type quiet struct{}

func (quiet) BookingEnded(string, string)  {}
func (quiet) BookingRepeated(string, bool) {}

// rig is a shard on a store in memory, and all that others are told by it.
type rig struct {
	*testing.T
	root  *actor.RootContext
	shard *actor.PID
	store *memory.Engine
	told  []any // to the pool and to calls
}

func newRig(t *testing.T) *rig {
	system := actor.NewActorSystem()
	r := &rig{T: t, root: system.Root, store: memory.New()}
	group := journal.NewGroup(r.store, journal.Options{})
	others := r.root.Spawn(actor.PropsFromFunc(func(c actor.Context) {
		if _, ok := c.Message().(actor.SystemMessage); !ok {
			r.told = append(r.told, c.Message())
		}
	}))
	config := &Config{
		Journal: group, Store: r.store, Quarantine: time.Hour, Longest: 1000 * time.Hour, LongestOne: 4 * time.Hour,
		Pool: others, Calls: func(protocol.SessionID) *actor.PID { return others }, Observer: quiet{},
	}
	stop := actor.NewOneForOneStrategy(0, 0, func(any) actor.Directive { return actor.StopDirective })
	config.Child = actor.PropsFromProducer(func() actor.Actor { return New(config) })
	r.shard = r.root.Spawn(actor.PropsFromProducer(func() actor.Actor { return open{NewShard(config)} }, actor.WithSupervisor(stop)))
	t.Cleanup(func() {
		_ = r.root.StopFuture(r.shard).Wait()
		_ = r.root.StopFuture(others).Wait()
		_ = group.Close(context.Background())
		time.Sleep(2 * time.Second) // virtual: the library's log of dead letters
	})
	return r
}

func (r *rig) send(m any) {
	r.Helper()
	r.root.Send(r.shard, m)
	synctest.Wait()
}

// wantAsleep checks that so many bookings sleep, and that no actor is left over.
func (r *rig) wantAsleep(n int) {
	r.Helper()
	r.send(look(func(s *Shard) {
		if len(s.asleep.index) != n || len(s.awake) != 0 || len(s.who) != 0 || len(s.leaving) != 0 {
			r.Errorf("%d asleep, %d awake, %d known by PID, %d leaving; want %d asleep",
				len(s.asleep.index), len(s.awake), len(s.who), len(s.leaving), n)
		}
	}))
}

func (r *rig) start(b protocol.Booking) (err error) {
	r.send(protocol.StartBooking{Booking: b, Done: func(_ protocol.Opened, e error) { err = e }})
	return err
}

func another(t *testing.T, i int, terms protocol.Terms) protocol.Booking {
	b := live(t)
	b.CreatedAt = time.Now()
	b.CheckoutAt = b.CreatedAt.Add(time.Hour)
	b.ID = protocol.NewBookingID(b.CreatedAt)
	b.Ref = protocol.Ref(fmt.Sprint("bk", i))
	b.Terms = terms
	if terms.Idle > 0 {
		b.LimitAt = b.CheckoutAt
		b = Idle(b, b.CreatedAt)
	}
	return b
}

// Bookings sleep whenever nothing happens to them, whatever has happened before.
func TestBookingsSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var all []protocol.Booking
		for i := range 20 {
			b := another(t, i, protocol.Terms{Idle: time.Duration(i%2) * 30 * time.Minute, OnCheckout: protocol.OnCheckout(i % 2)})
			all = append(all, b)
			if err := r.start(b); err != nil {
				t.Fatal(err)
			}
		}
		r.wantAsleep(20)
		for _, b := range all {
			ring := protocol.Delivery{
				Event: protocol.LegRang{About: protocol.About{Session: protocol.SessionID(b.Ref)}, Incoming: true},
				Route: protocol.Route{Booking: b.ID, Caller: protocol.PartyA},
			}
			r.send(ring)
			r.send(protocol.CallOver{Booking: b.ID, Session: protocol.SessionID(b.Ref), At: time.Now()})
			r.send(protocol.RepeatBooking{Booking: b.ID, Asked: protocol.OpenBooking{}, Done: func(protocol.Opened, error) {}})
			var moved protocol.Booking
			r.send(protocol.MoveCheckout{Booking: b.ID, By: 10 * time.Minute, Done: func(b protocol.Booking, err error) { moved = b }})
			if !Limit(moved).Equal(Limit(b).Add(10 * time.Minute)) {
				t.Fatalf("moved to %v from %v", Limit(moved), Limit(b))
			}
		}
		r.wantAsleep(20)
		// Ten messages at once are handled by one actor, and then it sleeps.
		for range 10 {
			r.root.Send(r.shard, protocol.CallOver{Booking: all[1].ID, Session: "x", At: time.Now()})
		}
		synctest.Wait()
		r.wantAsleep(20)
		for i, b := range all {
			if i%2 == 0 {
				r.send(protocol.EndBooking{Booking: b.ID, Reason: "deleted", Done: func(protocol.Booking, error) {}})
				continue
			}
			row, err := r.store.Booking(context.Background(), b.ID)
			if err != nil {
				t.Fatal(err)
			}
			r.send(protocol.CheckOut{Booking: b.ID, At: row.CheckoutAt})
		}
		r.wantAsleep(0)
		ended := 0
		for _, m := range r.told {
			if _, ok := m.(protocol.BookingEnded); ok {
				ended++
			}
		}
		if ended != 20 {
			t.Errorf("the pool heard of %d ends", ended)
		}
	})
}

// A booking whose row is refused goes, and is never asleep.
func TestARefusedBookingDoesNotSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		first, second := another(t, 1, protocol.Terms{}), another(t, 1, protocol.Terms{})
		if err := r.start(first); err != nil {
			t.Fatal(err)
		}
		if err := r.start(second); !errors.Is(err, journal.ErrTaken) {
			t.Fatalf("the same ref again: %v", err)
		}
		r.wantAsleep(1)
		release := r.store.Hold()
		third := another(t, 3, protocol.Terms{})
		r.root.Send(r.shard, protocol.StartBooking{Booking: third, Done: func(protocol.Opened, error) {}})
		synctest.Wait()
		r.send(look(func(s *Shard) {
			if len(s.awake) != 1 {
				t.Errorf("%d awake while its row is on its way", len(s.awake))
			}
		}))
		release()
		synctest.Wait()
		r.wantAsleep(2)
	})
}

// A checkout that the journal has no room for comes again, though the actor that
// could not write it sleeps by then.
func TestACheckoutThatFindsNoRoomComesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		b := another(t, 1, protocol.Terms{})
		if err := r.start(b); err != nil {
			t.Fatal(err)
		}
		full := &fullOnce{Appender: nil}
		r.send(look(func(s *Shard) {
			full.Appender = s.config.Journal
			s.config.Journal = full
		}))
		r.send(protocol.CheckOut{Booking: b.ID, At: b.CheckoutAt})
		r.wantAsleep(1)
		time.Sleep(2 * time.Second)
		r.wantAsleep(0)
		if row, err := r.store.Booking(context.Background(), b.ID); err != nil || row.State != protocol.BookingQuarantined {
			t.Errorf("%+v, %v", row, err)
		}
	})
}

type fullOnce struct {
	journal.Appender
	done bool
}

func (f *fullOnce) Append(c journal.Change, done journal.Done) error {
	if !f.done {
		f.done = true
		return journal.ErrBusy
	}
	return f.Appender.Append(c, done)
}
