package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
	"maskswitch/http/api"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// desk is a switch of the tests' with numbers and orders. What it does not have
// is not asked for by the client.
type desk struct {
	api.Switch

	mu      sync.Mutex
	numbers []protocol.NumberStatus
	orders  []protocol.NumberOrder
	retired []protocol.Booking                                 // that a retirement by force ends
	asked   []any                                              // sizing, import and order, as they came
	look    func(context.Context, *protocol.NumberOrder) error // before each look at an order
}

func number(s string) phone.Number {
	n, err := phone.Parse(s)
	if err != nil {
		panic(err)
	}
	return n
}

func (d *desk) AddNumbers(_ context.Context, numbers []phone.Number) (protocol.Added, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := len(d.numbers)
	for _, n := range numbers {
		if d.find(n) == nil {
			d.numbers = append(d.numbers, protocol.NumberStatus{Number: protocol.Number{Number: n, ChangedAt: epoch}, Region: n.Region()})
		}
	}
	slices.SortFunc(d.numbers, func(a, b protocol.NumberStatus) int { return a.Number.Number.Compare(b.Number.Number) })
	return protocol.Added{New: len(d.numbers) - before, Pool: len(d.numbers)}, nil
}

func (d *desk) find(n phone.Number) *protocol.NumberStatus {
	for i := range d.numbers {
		if d.numbers[i].Number.Number == n {
			return &d.numbers[i]
		}
	}
	return nil
}

func (d *desk) Numbers(_ context.Context, q protocol.NumberQuery) (out []protocol.NumberStatus, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, n := range d.numbers {
		if n.Number.Number.Compare(q.After) > 0 && len(out) < q.Limit && (!q.States || q.State == n.State) &&
			(!q.Region.Known() || q.Region.Contains(n.Region)) {
			out = append(out, n)
		}
	}
	return out, nil
}

// with does something to a number, or says that there is none.
func (d *desk) with(n phone.Number, do func(*protocol.NumberStatus) error) (protocol.NumberStatus, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	found := d.find(n)
	if found == nil {
		return protocol.NumberStatus{}, protocol.Errorf(protocol.NotFound, "number_not_found", "the pool has no such number")
	}
	err := do(found)
	return *found, err
}

func (d *desk) Number(_ context.Context, n phone.Number) (protocol.NumberStatus, error) {
	return d.with(n, func(*protocol.NumberStatus) error { return nil })
}

func (d *desk) MoveNumber(_ context.Context, m protocol.MoveNumberTo) (protocol.NumberStatus, error) {
	return d.with(m.Number, func(n *protocol.NumberStatus) error {
		if n.State == protocol.NumberRetired {
			return protocol.Errorf(protocol.Conflict, "number_state", "a retired number cannot become %s", m.State)
		}
		n.State, n.RestUntil = m.State, m.RestUntil
		return nil
	})
}

func (d *desk) RetireNumber(_ context.Context, n phone.Number, force bool) (out protocol.RetiredNumber, err error) {
	out.Number, err = d.with(n, func(n *protocol.NumberStatus) error {
		n.State = protocol.NumberDraining
		if force {
			n.State, out.Ended = protocol.NumberRetired, d.retired
		}
		return nil
	})
	return out, err
}

func (d *desk) Headroom(context.Context) (protocol.Headroom, error) {
	us := protocol.RegionRoom{Region: number("+13125550100").Region().Country(), Serving: 40, Live: 5120, Room: 2880, Busiest: 37}
	all := us
	all.Region = phone.Region{}
	return protocol.Headroom{Regions: []protocol.RegionRoom{{Serving: 1, Room: 200}, us}, All: all, PairsPerNumber: 200}, nil
}

func (d *desk) Sizing(_ context.Context, q protocol.SizingQuestion) (protocol.Sizing, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, q)
	return protocol.Sizing{Numbers: 132, LowerBound: 120, OnePerBook: 40_000, Live: 40_000, Reasoning: []string{"First this.", "Then that."}}, nil
}

func (d *desk) ImportNumbers(_ context.Context, q protocol.ImportNumbers) (protocol.Imported, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, q)
	if q.Tag == "none" {
		return protocol.Imported{Pool: 7}, nil
	}
	return protocol.Imported{Found: 3, New: 2, Pool: 9, Skipped: []protocol.SkippedNumber{{Number: "+13125550109", Reason: "its calls go elsewhere"}}}, nil
}

func (d *desk) OrderNumbers(_ context.Context, o protocol.OrderNumbers) (protocol.NumberOrder, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, o)
	for _, there := range d.orders {
		if there.Asked.Ref == o.Ref {
			return there, true, nil
		}
	}
	d.orders = append(d.orders, protocol.NumberOrder{ID: protocol.NewOrderID(epoch), Asked: o, CreatedAt: epoch, ChangedAt: epoch})
	return d.orders[len(d.orders)-1], false, nil
}

func (d *desk) NumberOrder(ctx context.Context, id string) (protocol.NumberOrder, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.orders {
		if string(d.orders[i].Asked.Ref) == id {
			var err error
			if d.look != nil {
				err = d.look(ctx, &d.orders[i])
			}
			return d.orders[i], err
		}
	}
	return protocol.NumberOrder{}, protocol.Errorf(protocol.NotFound, "order_not_found", "no order has this id")
}

func (d *desk) NumberOrders(_ context.Context, limit int) ([]protocol.NumberOrder, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := slices.Clone(d.orders)
	slices.Reverse(out)
	return out[:min(limit, len(out))], nil
}

// stocked is a desk with a few numbers.
func stocked() *desk {
	d := &desk{retired: []protocol.Booking{{Ref: "bk_1"}, {Ref: "bk_2"}}}
	_, _ = d.AddNumbers(context.Background(), []phone.Number{number("+13125550100"), number("+442079460100"), number("+13125550101")})
	busy := d.find(number("+13125550100"))
	busy.Live, busy.Quarantined, busy.CallsPerMinute, busy.LastCallAt = 41, 12, 2.34, epoch.Add(time.Hour)
	return d
}

// serve runs the API of a switch, and returns its address.
func serve(t *testing.T, d api.Switch, secrets string) string {
	t.Helper()
	keys, err := api.ParseKeys(secrets)
	if err != nil {
		t.Fatal(err)
	}
	return listen(t, api.New(api.Config{Switch: d, APIKeys: keys}))
}

func listen(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// environment is one in which the switch is at an address.
func environment(address, key string) func(string) (string, bool) {
	values := map[string]string{"MASKSWITCH_URL": address, "MASKSWITCH_KEY": key}
	return func(name string) (string, bool) { value, ok := values[name]; return value, ok }
}
