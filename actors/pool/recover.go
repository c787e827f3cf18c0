package pool

import (
	"context"
	"fmt"
	"hash/maphash"
	"math"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"maskswitch/actors/journal"
	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// start builds the partition: shards first, then what the store holds. The
// barrier makes sure that everything an earlier life of this partition appended
// is on disk, or refused, before the store is read.
func (a *Actor) start(c actor.Context) {
	a.ledger = newLedger(ledgerConfig{
		PairsPerNumber: a.PairsPerNumber, CallsPerMinute: a.CallsPerMinute, Policy: a.Assignment, Strict: a.Strict,
	})
	a.names = make(map[protocol.Ref]protocol.BookingID)
	a.dead = make(map[protocol.BookingID]struct{})
	a.numbers = make(map[phone.Number]*actor.PID)
	if a.Recordings != nil {
		a.recordings = c.Spawn(a.Recordings())
	}
	for range Shards {
		a.calls = append(a.calls, c.Spawn(a.Calls(a.booking, a.recordings)))
	}
	for range Shards {
		a.bookings = append(a.bookings, c.Spawn(a.Bookings(c.Self(), a.call)))
	}
	if a.Orders != nil {
		a.orders = c.Spawn(a.Orders(c.Self()))
	}
	if a.Erasures != nil {
		a.erasures = c.Spawn(a.Erasures(c.Self(), a.recordings))
	}
	err := a.barrier()
	if err == nil {
		err = a.recover(context.Background(), c)
	}
	if err != nil {
		a.Ready(Partition{}, err)
		return
	}
	a.counted()
	calls := a.calls
	a.Ready(Partition{
		Pool: c.Self(), Recordings: a.recordings, Erasures: a.erasures,
		Call: func(s protocol.SessionID) *actor.PID { return calls[maphash.String(shardSeed, string(s))%Shards] },
	}, nil)
}

func (a *Actor) barrier() error {
	written := make(chan error, 1)
	if err := a.Journal.Append(journal.Change{Partition: a.Partition}, func(err error) { written <- err }); err != nil {
		return err
	}
	return <-written
}

// recover reads what the partition must hold in memory.
func (a *Actor) recover(ctx context.Context, c actor.Context) error {
	now := time.Now()
	since := now.Add(-a.EndedMemory).UnixMicro()
	for item, err := range ahead(a.Store.Live(ctx, a.Partition, since)) {
		if err != nil {
			return err
		}
		switch {
		case item.Number != nil:
			a.serve(c, *item.Number)
		case item.Booking != nil:
			if err := a.restore(c, *item.Booking); err != nil {
				return err
			}
		case item.Call != nil:
			c.Send(a.call(item.Call.Session), protocol.RestoreCall{Call: *item.Call})
		case item.Ended != nil:
			c.Send(a.call(*item.Ended), protocol.RememberEnded{Session: *item.Ended})
		case item.Order != nil && a.orders != nil:
			c.Send(a.orders, protocol.RestoreOrder{Row: *item.Order})
		case item.Erasure != nil && a.erasures != nil:
			c.Send(a.erasures, protocol.RestoreErasure{Row: *item.Erasure})
		}
	}
	return nil
}

func (a *Actor) restore(c actor.Context, b protocol.Booking) error {
	for _, n := range [...]phone.Number{b.NumberA, b.NumberB} {
		if a.numbers[n] == nil {
			return fmt.Errorf("booking %s is on number %s, which the pool does not have", b.ID, n)
		}
	}
	if b.State == protocol.BookingQuarantined {
		a.ledger.remember(b)
		a.onNumbers(b, func(number, partyA, partyB phone.Number) {
			c.Send(a.numbers[number], protocol.ReleaseNumber{Booking: b.ID, PartyA: partyA, PartyB: partyB, Until: b.FreeAt})
		})
		a.rest(c, b)
		return nil
	}
	if !a.ledger.restore(b) {
		return a.contradiction(b)
	}
	c.Send(a.booking(b.ID), protocol.RestoreBooking{Booking: b})
	a.take(c, b)
	return nil
}

// contradiction finds the other booking that holds a number for a party of this
// one. It reads the store again, which is slow, and happens never.
func (a *Actor) contradiction(b protocol.Booking) error {
	for item, err := range a.Store.Live(context.Background(), a.Partition, math.MaxInt64) {
		if err != nil {
			return err
		}
		if other := item.Booking; other != nil && other.State == protocol.BookingLive && other.ID != b.ID && collide(*other, b) {
			return fmt.Errorf("bookings %s and %s both hold a number for one party: close one of them in the store before starting",
				other.ID, b.ID)
		}
	}
	return fmt.Errorf("booking %s holds a number that another booking holds for one of its parties: close one of them in the store before starting", b.ID)
}

// collide says whether two bookings hold one number for one party.
func collide(x, y protocol.Booking) bool {
	type holding struct{ number, party phone.Number }
	for _, mine := range [...]holding{{x.NumberA, x.PartyA}, {x.NumberB, x.PartyB}} {
		for _, his := range [...]holding{{y.NumberA, y.PartyA}, {y.NumberB, y.PartyB}} {
			if mine == his {
				return true
			}
		}
	}
	return false
}
