package pool

import (
	"context"
	"fmt"
	"hash/maphash"
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
	a.ledger = newLedger(a.PairsPerNumber, a.Strict)
	a.names = make(map[protocol.Ref]protocol.BookingID)
	a.numbers = make(map[phone.Number]*actor.PID)
	for range Shards {
		a.calls = append(a.calls, c.Spawn(a.Calls()))
	}
	for range Shards {
		a.bookings = append(a.bookings, c.Spawn(a.Bookings(c.Self(), a.call)))
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
		Pool: c.Self(),
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
	holders := make(map[holding]protocol.BookingID)
	for item, err := range a.Store.Live(ctx, a.Partition, since) {
		if err != nil {
			return err
		}
		switch {
		case item.Number != nil:
			a.serve(c, *item.Number)
		case item.Booking != nil:
			if err := a.restore(c, *item.Booking, holders); err != nil {
				return err
			}
		case item.Call != nil:
			c.Send(a.call(item.Call.Session), protocol.RestoreCall{Call: *item.Call})
		case item.Ended != nil:
			c.Send(a.call(*item.Ended), protocol.RememberEnded{Session: *item.Ended})
		}
	}
	return nil
}

type holding struct{ number, party phone.Number }

func (a *Actor) restore(c actor.Context, b protocol.Booking, holders map[holding]protocol.BookingID) error {
	if a.numbers[b.NumberA] == nil {
		return fmt.Errorf("booking %s is on number %s, which the pool does not have", b.ID, b.NumberA)
	}
	if b.State == protocol.BookingQuarantined {
		a.ledger.remember(b.NumberA, b.PartyA, b.PartyB, b.FreeAt)
		c.Send(a.numbers[b.NumberA], protocol.ReleaseNumber{Booking: b.ID, PartyA: b.PartyA, PartyB: b.PartyB, Until: b.FreeAt})
		a.rest(c, b)
		return nil
	}
	for _, party := range [...]phone.Number{b.PartyA, b.PartyB} {
		at := holding{b.NumberA, party}
		if other, ok := holders[at]; ok {
			return fmt.Errorf("bookings %s and %s both hold number %s for party %s: close one of them in the store before starting",
				other, b.ID, b.NumberA, party)
		}
		holders[at] = b.ID
	}
	a.ledger.restore(b.NumberA, b.PartyA, b.PartyB)
	c.Send(a.booking(b.ID), protocol.RestoreBooking{Booking: b})
	a.take(c, b)
	return nil
}
