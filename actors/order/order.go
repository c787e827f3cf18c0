// Package order buys numbers from the carrier: one actor for each order, which
// outlives restarts.
//
// An order goes through searching, ordering, pending (the carrier works on it),
// assigning (its calls are led to us, and it gets our tag) and adding (the pool
// takes it in). Every step is a row on disk before the next one acts, so an order
// goes on where it was. Acts block for seconds; they run beside the actors, on
// goroutines of Config.Schedule, and what comes of them comes back as a message.
// Only the desk, their parent, and the orders themselves are actors.
//
// # Nothing is bought twice
//
// To order numbers costs money, and the carrier has no key by which it would know
// a repeat. So the row "ordering" is on disk before the request leaves, and the
// request leaves within a minute of that row or never. Whoever finds an order in
// that stage, after a crash or because no answer came, does not buy: two minutes
// after the row he asks the carrier for orders under our customer reference, which
// is our order id, and for numbers of the account under it; if there are none, he
// asks once more three minutes later. What he finds is adopted, and only if there
// is nothing is anything bought again.
//
// What remains uncertain: a carrier that takes a request and hides its order for
// five minutes. Then we buy again. Before the numbers of an order that was in doubt
// are assigned, the carrier is asked a last time; what has turned up joins the
// pool, since it is paid for, and the order's trouble says how many were sold
// beyond those asked for. What turns up later has our order id as its customer reference at the
// carrier's portal. If the carrier cannot be asked at all for a day, the order
// fails, and its trouble says when it tried to buy and what to look for.
//
// # Every order ends
//
// What time may heal is tried for a day, and what is bought is assigned and added
// for another. An order that cannot have all its numbers fails, but not before
// those it has bought are in the pool, or its trouble tells why they are not.
package order

import (
	"context"

	"github.com/asynkron/protoactor-go/actor"
	"go.uber.org/zap"

	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
)

// Carrier sells numbers. *telnyx.Client is one. Its methods block, and mind ctx;
// their errors wrap a *protocol.NumbersError.
type Carrier interface {
	SearchNumbers(context.Context, protocol.NumberSearch) ([]protocol.NumberOffer, error)
	// BuyNumbers sends its request once at the most.
	BuyNumbers(context.Context, protocol.NumberPurchase) (protocol.CarrierOrder, error)
	CarrierOrder(ctx context.Context, id string) (protocol.CarrierOrder, error)
	// CarrierOrders lists the ids of the orders that carry a reference.
	CarrierOrders(ctx context.Context, reference string) ([]string, error)
	OwnedNumbers(context.Context, protocol.OwnedQuery) ([]protocol.OwnedNumber, error)
	AssignNumber(context.Context, protocol.NumberAssignment) error
}

// Config is what the orders of a partition share.
type Config struct {
	Partition  protocol.Partition
	Journal    journal.Appender
	Store      journal.Store
	Pool       *actor.PID // gets protocol.AddNumbers
	Carrier    Carrier
	Connection string       // application of orders that name none; empty: they are refused
	Tag        string       // put on numbers that are bought; empty: DefaultTag
	Schedule   func(func()) // starts a function on a goroutine of its own, and does not wait
	Log        *zap.Logger  // nil: nobody reads
	Child      *actor.Props // of one order; shared
}

// DefaultTag is put on numbers that are bought.
const DefaultTag = "maskswitch"

func (c *Config) tag() string {
	if c.Tag == "" {
		return DefaultTag
	}
	return c.Tag
}

func (c *Config) log() *zap.Logger {
	if c.Log == nil {
		return zap.NewNop()
	}
	return c.Log
}
