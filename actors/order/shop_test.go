package order

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// shop is a carrier that sells numbers, as the tests say. What it has sold is
// the truth that verdicts are drawn from.
type shop struct {
	mu       sync.Mutex
	offers   []protocol.NumberOffer
	fails    map[phone.Number]bool // ordered, they are not sold
	pending  time.Duration         // from an order to its end
	hidden   time.Duration         // lists do not show it for so long
	settling time.Duration         // a number sold is not active for so long
	bare     bool                  // numbers do not inherit the reference of their order
	orders   []*shopOrder
	owned    []*protocol.OwnedNumber
	sent     []string // every request that came in, by name
	// meet decides about the nth request, before and after its effect: an error
	// is its answer. It may wait, and must mind ctx.
	meet func(ctx context.Context, n int, name string, after bool) error
}

type shopOrder struct {
	protocol.CarrierOrder
	at      time.Time
	ends    time.Time
	wanted  []phone.Number
	closing bool
}

// number makes a telephone number out of a small integer.
func number(i int) phone.Number {
	n, err := phone.Parse(fmt.Sprintf("+1312555%04d", i))
	if err != nil {
		panic(err)
	}
	return n
}

// stock offers n numbers at 1.00 a month.
func stock(n int) *shop {
	s := &shop{fails: map[phone.Number]bool{}}
	for i := range n {
		s.offers = append(s.offers, protocol.NumberOffer{Number: number(i), Monthly: 10_000, Currency: "USD"})
	}
	return s
}

// request counts a request and gives it its fate; do is its effect.
func (s *shop) request(ctx context.Context, name string, do func() error) error {
	s.mu.Lock()
	s.sent = append(s.sent, name)
	n, meet := len(s.sent), s.meet
	s.mu.Unlock()
	if meet != nil {
		if err := meet(ctx, n, name, false); err != nil {
			return err
		}
	}
	s.mu.Lock()
	s.settle()
	err := do()
	s.mu.Unlock()
	if meet != nil && err == nil {
		err = meet(ctx, n, name, true)
	}
	return err
}

// settle ends the orders whose time has come.
func (s *shop) settle() {
	for _, o := range s.orders {
		if o.closing || time.Now().Before(o.ends) {
			continue
		}
		o.closing = true
		o.Status = protocol.PurchaseFailure
		for i := range o.Numbers {
			one := &o.Numbers[i]
			if s.fails[one.Number] {
				one.Status = protocol.PurchaseFailure
				continue
			}
			one.Status, o.Status = protocol.PurchaseSuccess, protocol.PurchaseSuccess
			owned := &protocol.OwnedNumber{
				ID: fmt.Sprint(7000 + len(s.owned)), Number: one.Number, Text: one.Number.E164(), Status: protocol.OwnedActive,
			}
			if !s.bare {
				owned.Reference = o.Reference
			}
			s.owned = append(s.owned, owned)
		}
	}
}

func (s *shop) SearchNumbers(ctx context.Context, q protocol.NumberSearch) (offers []protocol.NumberOffer, err error) {
	err = s.request(ctx, "search", func() error {
		offers = slices.Clone(s.offers[:min(q.Limit, len(s.offers))])
		return nil
	})
	return offers, err
}

func (s *shop) BuyNumbers(ctx context.Context, p protocol.NumberPurchase) (order protocol.CarrierOrder, err error) {
	err = s.request(ctx, "buy", func() error {
		o := &shopOrder{at: time.Now(), ends: time.Now().Add(s.pending), wanted: p.Numbers}
		o.ID, o.Reference = fmt.Sprintf("order-%d", len(s.orders)+1), p.Reference
		for _, n := range p.Numbers {
			at := slices.IndexFunc(s.offers, func(f protocol.NumberOffer) bool { return f.Number == n })
			if at < 0 {
				return &protocol.NumbersError{Remedy: protocol.RemedySearch, Status: 400, Code: "85001", Detail: "gone"}
			}
			o.Numbers = append(o.Numbers, protocol.OrderedNumber{Number: n})
		}
		s.offers = slices.DeleteFunc(s.offers, func(f protocol.NumberOffer) bool { return slices.Contains(p.Numbers, f.Number) })
		s.orders = append(s.orders, o)
		s.settle()
		order = o.CarrierOrder
		order.Numbers = slices.Clone(o.Numbers)
		return nil
	})
	return order, err
}

func (s *shop) CarrierOrder(ctx context.Context, id string) (order protocol.CarrierOrder, err error) {
	err = s.request(ctx, "order", func() error {
		for _, o := range s.orders {
			if o.ID == id {
				order = o.CarrierOrder
				order.Numbers = slices.Clone(o.Numbers)
				return nil
			}
		}
		return &protocol.NumbersError{Status: 404, Code: "10005", Detail: "no such order"}
	})
	return order, err
}

func (s *shop) CarrierOrders(ctx context.Context, reference string) (ids []string, err error) {
	err = s.request(ctx, "orders", func() error {
		for _, o := range s.orders {
			if o.Reference == reference && !time.Now().Before(o.at.Add(s.hidden)) {
				ids = append(ids, o.ID)
			}
		}
		return nil
	})
	return ids, err
}

func (s *shop) OwnedNumbers(ctx context.Context, q protocol.OwnedQuery) (found []protocol.OwnedNumber, err error) {
	err = s.request(ctx, "owned", func() error {
		for _, n := range s.owned {
			one := *n
			for _, o := range s.orders {
				if slices.Contains(o.wanted, n.Number) && time.Now().Before(o.ends.Add(s.settling)) {
					one.Status = "provision-pending"
				}
			}
			switch {
			case q.Number.Known() && one.Number != q.Number, q.Reference != "" && one.Reference != q.Reference,
				q.Connection != "" && one.Connection != q.Connection, q.Tag != "" && !slices.Contains(one.Tags, q.Tag),
				q.ActiveOnly && one.Status != protocol.OwnedActive:
				continue
			}
			found = append(found, one)
		}
		return nil
	})
	return found, err
}

func (s *shop) AssignNumber(ctx context.Context, a protocol.NumberAssignment) error {
	return s.request(ctx, "assign", func() error {
		for _, n := range s.owned {
			if n.ID == a.ID {
				n.Connection, n.Reference, n.Tags = a.Connection, a.Reference, slices.Clone(a.Tags)
				return nil
			}
		}
		return &protocol.NumbersError{Status: 404, Code: "10005", Detail: "no such number"}
	})
}

// sold lists what the account has to pay for.
func (s *shop) sold() (numbers []phone.Number) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.owned {
		numbers = append(numbers, n.Number)
	}
	return numbers
}

// purchases is how many orders the carrier has taken.
func (s *shop) purchases() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.orders)
}

// asked counts the requests of one name.
func (s *shop) asked(name string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.sent {
		if one == name {
			n++
		}
	}
	return n
}
