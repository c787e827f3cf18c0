package actors

import (
	"context"
	"errors"

	"maskswitch/actors/journal"
	"maskswitch/actors/order"
	"maskswitch/actors/phone"
	"maskswitch/actors/pool"
	"maskswitch/actors/protocol"
)

// AddNumbers takes numbers into the pool; those it has already are passed over,
// those that are retired serve again.
func (s *Switch) AddNumbers(ctx context.Context, numbers []phone.Number) (protocol.Added, error) {
	return ask(ctx, s, func(p *pool.Partition, done func(protocol.Added, error)) {
		s.system.Root.Send(p.Pool, protocol.AddNumbers{Numbers: numbers, Done: done})
	})
}

// Numbers lists numbers of the pool and what they carry, in order of their digits.
func (s *Switch) Numbers(ctx context.Context, q protocol.NumberQuery) ([]protocol.NumberStatus, error) {
	return ask(ctx, s, func(p *pool.Partition, done func([]protocol.NumberStatus, error)) {
		s.system.Root.Send(p.Pool, pool.List{Query: q, Done: func(list []protocol.NumberStatus) { done(list, nil) }})
	})
}

// Number tells of one number: NotFound if the pool does not have it.
func (s *Switch) Number(ctx context.Context, n phone.Number) (protocol.NumberStatus, error) {
	return ask(ctx, s, func(p *pool.Partition, done func(protocol.NumberStatus, error)) {
		s.system.Root.Send(p.Pool, pool.Look{Number: n, Done: done})
	})
}

// MoveNumber gives a number another state: Conflict if its life does not allow
// that (protocol.NumberMoves).
func (s *Switch) MoveNumber(ctx context.Context, to protocol.MoveNumberTo) (protocol.NumberStatus, error) {
	return ask(ctx, s, func(p *pool.Partition, done func(protocol.NumberStatus, error)) {
		s.system.Root.Send(p.Pool, pool.Shift{To: to, Done: done})
	})
}

// RetireNumber takes a number out: it drains, and retires when nobody depends on
// it any more. force ends its bookings now, and retires it at once.
func (s *Switch) RetireNumber(ctx context.Context, n phone.Number, force bool) (protocol.RetiredNumber, error) {
	return ask(ctx, s, func(p *pool.Partition, done func(protocol.RetiredNumber, error)) {
		s.system.Root.Send(p.Pool, pool.Retire{Number: n, Force: force, Done: done})
	})
}

// Headroom says how many more bookings fit.
func (s *Switch) Headroom(ctx context.Context) (protocol.Headroom, error) {
	return ask(ctx, s, func(p *pool.Partition, done func(protocol.Headroom, error)) {
		s.system.Root.Send(p.Pool, pool.Room{Done: func(h protocol.Headroom) { done(h, nil) }})
	})
}

// Sizing says how many numbers a marketplace needs. It asks nobody.
func (s *Switch) Sizing(_ context.Context, q protocol.SizingQuestion) (protocol.Sizing, error) {
	return pool.Size(q, s.config.PairsPerNumber)
}

// ImportNumbers takes numbers into the pool that the account has at the carrier,
// by their tag or by the application that they are led to.
func (s *Switch) ImportNumbers(ctx context.Context, q protocol.ImportNumbers) (protocol.Imported, error) {
	if s.config.Numbers == nil {
		return protocol.Imported{}, noNumbers()
	}
	if err := s.Ready(); err != nil {
		return protocol.Imported{}, &protocol.Error{Kind: protocol.Unavailable, Code: "not_ready", Detail: "the switch is starting, stopping or recovering; try again", Err: err}
	}
	numbers, skipped, err := order.Import(ctx, s.config.Numbers, q, s.config.Connection)
	if err != nil {
		return protocol.Imported{}, err
	}
	imported := protocol.Imported{Found: len(numbers) + len(skipped), Skipped: skipped}
	added, err := s.AddNumbers(ctx, numbers)
	imported.New, imported.Pool = added.New, added.Pool
	return imported, err
}

// OrderNumbers buys numbers from the carrier, as a job that outlives this
// process. The same ref again is answered with the same order.
func (s *Switch) OrderNumbers(ctx context.Context, asked protocol.OrderNumbers) (protocol.NumberOrder, bool, error) {
	type placed struct {
		order    protocol.NumberOrder
		repeated bool
	}
	if s.config.Numbers == nil {
		return protocol.NumberOrder{}, false, noNumbers()
	}
	answer, err := ask(ctx, s, func(p *pool.Partition, done func(placed, error)) {
		s.system.Root.Send(p.Pool, protocol.PlaceOrder{Asked: asked, Done: func(o protocol.NumberOrder, repeated bool, err error) {
			done(placed{o, repeated}, err)
		}})
	})
	return answer.order, answer.repeated, err
}

func noNumbers() error {
	return protocol.Errorf(protocol.Unavailable, "no_carrier", "this switch has no carrier to get numbers from")
}

// NumberOrder reads an order, by our id or the operator's name for it.
func (s *Switch) NumberOrder(ctx context.Context, name string) (protocol.NumberOrder, error) {
	row, err := s.journal.OrderByRef(ctx, protocol.Ref(name))
	if id, noID := protocol.ParseOrderID(name); errors.Is(err, journal.ErrNone) && noID == nil {
		row, err = s.journal.Order(ctx, id)
	}
	switch {
	case errors.Is(err, journal.ErrNone):
		return protocol.NumberOrder{}, protocol.Errorf(protocol.NotFound, "order_not_found", "no order of numbers goes by this id")
	case err != nil:
		return protocol.NumberOrder{}, journal.Refusal(err)
	}
	return order.View(row)
}

// NumberOrders lists orders, the newest first.
func (s *Switch) NumberOrders(ctx context.Context, limit int) ([]protocol.NumberOrder, error) {
	rows, err := s.journal.Orders(ctx, limit)
	if err != nil {
		return nil, journal.Refusal(err)
	}
	list := make([]protocol.NumberOrder, len(rows))
	for i, row := range rows {
		if list[i], err = order.View(row); err != nil {
			return nil, err
		}
	}
	return list, nil
}
