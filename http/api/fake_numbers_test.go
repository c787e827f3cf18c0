package api_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// atEpoch runs a test at the instant at which test bookings begin, since what
// is in the future depends on it.
func atEpoch(t *testing.T, f func(*testing.T)) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(epoch))
		f(t)
	})
}

// stocked is a desk with numbers in every state.
func stocked() *desk {
	d := &desk{}
	for i, state := range protocol.NumberStates() {
		n := number("+1312555010" + string(rune('0'+i)))
		d.numbers = append(d.numbers, protocol.NumberStatus{
			Number: protocol.Number{Number: n, State: state, ChangedAt: epoch},
			Region: n.Region(), Live: 3 - i, Quarantined: i,
		})
	}
	d.numbers[0].CallsPerMinute, d.numbers[0].LastCallAt = 2.34567, epoch.Add(time.Hour)
	d.numbers[2].RestUntil = epoch.Add(12 * time.Hour)
	return d
}

// fullOrder is an order with everything in it.
func fullOrder() protocol.NumberOrder {
	return protocol.NumberOrder{
		ID: protocol.NewOrderID(epoch), Stage: protocol.OrderAssigning,
		Asked: protocol.OrderNumbers{Ref: "spring-1", Country: "US", AreaCode: "312", Count: 2, MostMonthly: 50_000,
			Connection: "1494404757140276705"},
		Numbers: []phone.Number{proxy, proxyB}, Monthly: 20_000, Currency: "USD", Added: 1, Trouble: "the carrier is too busy",
		NextTryAt: epoch.Add(time.Minute), CreatedAt: epoch, ChangedAt: epoch.Add(time.Second),
	}
}

func noNumber() error {
	return protocol.Errorf(protocol.NotFound, "number_not_found", "the pool has no such number")
}

func (d *desk) find(n phone.Number) (*protocol.NumberStatus, error) {
	for i := range d.numbers {
		if d.numbers[i].Number.Number == n {
			return &d.numbers[i], nil
		}
	}
	return nil, noNumber()
}

func (d *desk) Numbers(ctx context.Context, q protocol.NumberQuery) ([]protocol.NumberStatus, error) {
	if err := d.called(ctx, q); err != nil {
		return nil, err
	}
	var out []protocol.NumberStatus
	for _, n := range d.numbers {
		if n.Number.Number.Compare(q.After) > 0 && len(out) < q.Limit && (!q.States || q.State == n.State) &&
			(!q.Region.Known() || q.Region.Contains(n.Region)) {
			out = append(out, n)
		}
	}
	return out, nil
}

func (d *desk) Number(ctx context.Context, n phone.Number) (protocol.NumberStatus, error) {
	if err := d.called(ctx, n); err != nil {
		return protocol.NumberStatus{}, err
	}
	found, err := d.find(n)
	if err != nil {
		return protocol.NumberStatus{}, err
	}
	return *found, nil
}

func (d *desk) MoveNumber(ctx context.Context, m protocol.MoveNumberTo) (protocol.NumberStatus, error) {
	if err := d.called(ctx, m); err != nil {
		return protocol.NumberStatus{}, err
	}
	found, err := d.find(m.Number)
	switch {
	case err != nil:
		return protocol.NumberStatus{}, err
	case found.State == protocol.NumberRetired:
		return protocol.NumberStatus{}, protocol.Errorf(protocol.Conflict, "number_state", "a retired number cannot be %s", m.State)
	}
	found.State, found.RestUntil, found.ChangedAt = m.State, m.RestUntil, time.Now()
	return *found, nil
}

func (d *desk) RetireNumber(ctx context.Context, n phone.Number, force bool) (protocol.RetiredNumber, error) {
	if err := d.called(ctx, []any{n, force}); err != nil {
		return protocol.RetiredNumber{}, err
	}
	found, err := d.find(n)
	switch {
	case err != nil:
		return protocol.RetiredNumber{}, err
	case found.State == protocol.NumberRetired:
		return protocol.RetiredNumber{}, protocol.Errorf(protocol.Conflict, "number_state", "the number is retired already")
	}
	out := protocol.RetiredNumber{}
	if force {
		found.Live, out.Ended = 0, slices.DeleteFunc(slices.Clone(d.bookings), func(b protocol.Booking) bool { return b.State != protocol.BookingLive })
	}
	found.State = protocol.NumberDraining
	if found.Live == 0 {
		found.State = protocol.NumberRetired
	}
	out.Number = *found
	return out, nil
}

func (d *desk) Headroom(ctx context.Context) (protocol.Headroom, error) {
	us := protocol.RegionRoom{Region: proxy.Region().Country(), Serving: 1, Live: 3, Room: 197, Busiest: 2}
	all := us
	all.Region = phone.Region{}
	nowhere := protocol.RegionRoom{}
	return protocol.Headroom{Regions: []protocol.RegionRoom{nowhere, us}, All: all, PairsPerNumber: 200}, d.called(ctx, "headroom")
}

func (d *desk) Sizing(ctx context.Context, q protocol.SizingQuestion) (protocol.Sizing, error) {
	return protocol.Sizing{Numbers: 132, LowerBound: 120, OnePerBook: 40_000, Live: 40_000,
		Reasoning: []string{"20000 bookings a day that live 48 hours are 40000 at once."}}, d.called(ctx, q)
}

func (d *desk) ImportNumbers(ctx context.Context, q protocol.ImportNumbers) (protocol.Imported, error) {
	return protocol.Imported{Found: 3, New: 2, Pool: 9,
		Skipped: []protocol.SkippedNumber{{Number: "+13125550109", Reason: "its calls go to another application"}}}, d.called(ctx, q)
}

func (d *desk) OrderNumbers(ctx context.Context, o protocol.OrderNumbers) (protocol.NumberOrder, bool, error) {
	if err := d.called(ctx, o); err != nil {
		return protocol.NumberOrder{}, false, err
	}
	for _, there := range d.orders {
		if o.Ref != "" && there.Asked.Ref == o.Ref {
			if there.Asked != o {
				return there, true, &protocol.Error{Kind: protocol.Conflict, Code: "order_conflict",
					Detail: "the order_id belongs to a different order", Field: "order_id"}
			}
			return there, true, nil
		}
	}
	at := epoch.Add(time.Duration(len(d.orders)) * time.Second)
	d.orders = append(d.orders, protocol.NumberOrder{ID: protocol.NewOrderID(at), Asked: o, CreatedAt: at, ChangedAt: at})
	return d.orders[len(d.orders)-1], false, nil
}

func (d *desk) NumberOrder(ctx context.Context, id string) (protocol.NumberOrder, error) {
	if err := d.called(ctx, id); err != nil {
		return protocol.NumberOrder{}, err
	}
	for _, o := range d.orders {
		if string(o.Asked.Ref) == id || o.ID.String() == id {
			return o, nil
		}
	}
	return protocol.NumberOrder{}, protocol.Errorf(protocol.NotFound, "order_not_found", "no order has this id")
}

func (d *desk) NumberOrders(ctx context.Context, limit int) ([]protocol.NumberOrder, error) {
	if err := d.called(ctx, limit); err != nil {
		return nil, err
	}
	out := slices.Clone(d.orders)
	slices.Reverse(out)
	return out[:min(limit, len(out))], nil
}
