package carrier

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"maskswitch/actors/phone"
)

// Numbers is the carrier's shop of telephone numbers, and the account's own.
// Nothing is for sale and nothing owned until a test says so. Its methods may
// be called from anywhere.
type Numbers struct {
	carrier *Carrier

	mu      sync.Mutex
	trade   Trade
	shelf   []listing            // for sale, in the order of stocking
	offered map[string]time.Time // when a search last showed it
	orders  []*numberOrder       // in the order of their taking
	owned   []*ownedNumber
	serial  uint64 // of ids
	count   uint64 // of requests
}

// Trade is how the shop behaves. Its zero value sells at once and shows it.
type Trade struct {
	Pending time.Duration // from an order to its end
	Hidden  time.Duration // an order, and what it sold, is missing in lists for so long
	Settle  time.Duration // a number sold is not active for so long
	// Bare says that numbers do not inherit the customer reference of their order:
	// the documents do not say whether they do.
	Bare         bool
	Requirements bool // orders stay pending until documents are handed in, that is for ever
	// Fails are numbers that look as if they were for sale: an order of them is
	// taken, and they end in failure.
	Fails []phone.Number
	// OnRequest decides about a request before anything else does; nil, or a nil
	// Reply, lets it pass.
	OnRequest func(NumbersRequest) *Reply
}

// NumbersRequest is a request of the numbers API.
type NumbersRequest struct {
	N  uint64 // from 1, of all of them
	Op NumbersOp
}

// NumbersOp is what a request is about.
type NumbersOp string

// All that the shop is asked.
const (
	OpSearch    NumbersOp = "search"
	OpBuy       NumbersOp = "buy"
	OpOrders    NumbersOp = "list orders"
	OpOrder     NumbersOp = "show order"
	OpOwned     NumbersOp = "list numbers"
	OpOwnedOne  NumbersOp = "show number"
	OpOwnedEdit NumbersOp = "change number"
)

// searchLife is how long what a search has shown may be ordered. The documents
// only say "recent".
const searchLife = 30 * time.Minute

// Stock is numbers of one kind.
type Stock struct {
	Numbers  []phone.Number
	Country  string // empty: US
	Area     string // national destination code
	Monthly  string // a decimal text; empty: 1.00000
	Upfront  string // the same
	Currency string // empty: USD
}

// Lot makes a stock of American numbers of one area, 100,000 at most.
func Lot(area string, count int) Stock {
	lot := Stock{Area: area}
	for i := range count {
		n, err := phone.Parse(fmt.Sprintf("+1%s20%05d", area, i))
		if err != nil {
			panic(err) // whoever calls names an area of three digits
		}
		lot.Numbers = append(lot.Numbers, n)
	}
	return lot
}

type listing struct {
	number string
	Stock
}

// Owned is a number of the account.
type Owned struct {
	ID         string // the carrier's; empty: one is made
	Number     phone.Number
	Text       string // what the carrier shows; empty: the number. A short code has nothing else.
	Country    string // empty: US
	Status     string // empty: active
	Connection string
	Reference  string
	Tags       []string
	Order      string // the order that bought it; empty: none of ours
	Assigned   int    // how often it was changed
}

type ownedNumber struct {
	Owned
	made   time.Time
	active time.Time // from then on
}

// BoughtOrder is an order that the carrier has taken.
type BoughtOrder struct {
	ID         string
	Reference  string
	Connection string
	Numbers    []phone.Number
	At         time.Time
}

type numberOrder struct {
	BoughtOrder
	items []orderItem
	ended bool
	ends  time.Time
}

type orderItem struct {
	id, number, status string
	listing            listing
}

func newNumbers(c *Carrier) *Numbers {
	return &Numbers{carrier: c, offered: map[string]time.Time{}}
}

// Numbers is the carrier's shop.
func (c *Carrier) Numbers() *Numbers { return c.numbers }

// Behave changes how the shop trades from now on.
func (n *Numbers) Behave(t Trade) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.trade = t
}

// Stock puts numbers on sale.
func (n *Numbers) Stock(lots ...Stock) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, lot := range lots {
		set(&lot.Country, "US")
		set(&lot.Monthly, "1.00000")
		set(&lot.Upfront, "1.00000")
		set(&lot.Currency, "USD")
		for _, one := range lot.Numbers {
			n.shelf = append(n.shelf, listing{one.E164(), lot})
		}
	}
}

// Snatch has others buy numbers that are for sale.
func (n *Numbers) Snatch(numbers ...phone.Number) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.shelf = slices.DeleteFunc(n.shelf, func(l listing) bool {
		return slices.ContainsFunc(numbers, func(gone phone.Number) bool { return gone.E164() == l.number })
	})
}

// Own puts numbers into the account.
func (n *Numbers) Own(numbers ...Owned) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	for _, one := range numbers {
		set(&one.Text, one.Number.E164())
		n.own(one, now, now)
	}
}

func (n *Numbers) own(one Owned, made, active time.Time) {
	set(&one.Country, "US")
	set(&one.Status, "active")
	if one.ID == "" {
		n.serial++
		one.ID = strconv.FormatUint(1293384261075731400+n.serial, 10)
	}
	n.owned = append(n.owned, &ownedNumber{one, made, active})
}

// Owned lists the account's numbers, in the order of getting them.
func (n *Numbers) Owned() []Owned {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.settle(time.Now())
	all := make([]Owned, len(n.owned))
	for i, one := range n.owned {
		all[i] = one.Owned
		all[i].Tags = slices.Clone(one.Tags)
	}
	return all
}

// Orders lists every order that the carrier has taken, whether or not anybody
// heard of it: the truth about what was bought, and how often.
func (n *Numbers) Orders() []BoughtOrder {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := make([]BoughtOrder, len(n.orders))
	for i, o := range n.orders {
		all[i] = o.BoughtOrder
		all[i].Numbers = slices.Clone(o.Numbers)
	}
	return all
}

// Requests is how many requests the shop has had.
func (n *Numbers) Requests() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.count
}

// settle ends the orders whose time has come; the mutex is held.
func (n *Numbers) settle(now time.Time) {
	for _, o := range n.orders {
		if o.ended || n.trade.Requirements || now.Before(o.ends) {
			continue
		}
		o.ended = true
		for i := range o.items {
			it := &o.items[i]
			it.status = "success"
			if slices.ContainsFunc(n.trade.Fails, func(f phone.Number) bool { return f.E164() == it.number }) {
				it.status = "failure"
				continue
			}
			one := Owned{Number: number(it.number), Text: it.number, Country: it.listing.Country, Connection: o.Connection, Order: o.ID}
			if !n.trade.Bare {
				one.Reference = o.Reference
			}
			n.own(one, o.At, o.ends.Add(n.trade.Settle))
		}
	}
	for _, one := range n.owned {
		if one.Order != "" && (one.Status == "active" || one.Status == "provision-pending") {
			one.Status = "active"
			if now.Before(one.active) {
				one.Status = "provision-pending"
			}
		}
	}
}

// status is the carrier's word for an order: what its numbers come to.
func (o *numberOrder) status() string {
	failed := 0
	for _, it := range o.items {
		switch it.status {
		case "pending":
			return "pending"
		case "failure":
			failed++
		}
	}
	if failed == len(o.items) {
		return "failure"
	}
	return "success"
}

// visible says whether lists show what was made at an instant.
func (n *Numbers) visible(made, now time.Time) bool { return !now.Before(made.Add(n.trade.Hidden)) }

// buy takes an order, or says why not; the mutex is held.
func (n *Numbers) buy(numbers []string, connection, reference string, now time.Time) (*numberOrder, *problem) {
	o := &numberOrder{BoughtOrder: BoughtOrder{ID: newID(), Reference: reference, Connection: connection, At: now}, ends: now.Add(n.trade.Pending)}
	for i, one := range numbers {
		at := "/phone_numbers/" + strconv.Itoa(i) + "/phone_number"
		shown, ever := n.offered[one]
		where := slices.IndexFunc(n.shelf, func(l listing) bool { return l.number == one })
		switch {
		case !ever || now.Sub(shown) > searchLife:
			return nil, &problem{http.StatusBadRequest, "85000", "only numbers that a recent search has returned can be ordered", at}
		case where < 0:
			return nil, &problem{http.StatusBadRequest, "85001", "the number is no longer available", at}
		case slices.Contains(numbers[:i], one):
			return nil, bad("10015", at, "the number is twice in the order")
		}
		o.items = append(o.items, orderItem{newID(), one, "pending", n.shelf[where]})
		o.Numbers = append(o.Numbers, number(one))
	}
	n.shelf = slices.DeleteFunc(n.shelf, func(l listing) bool { return slices.Contains(numbers, l.number) })
	n.orders = append(n.orders, o)
	n.settle(now)
	return o, nil
}

// search lists what is for sale, the dearest and cheapest as they were stocked.
func (n *Numbers) search(country, area string, limit int, now time.Time) []listing {
	var found []listing
	for _, l := range n.shelf {
		if len(found) < limit && l.Country == country && (area == "" || l.Area == area) {
			n.offered[l.number] = now
			found = append(found, l)
		}
	}
	return found
}

func byText(a, b *ownedNumber) int { return cmp.Compare(a.Text, b.Text) }
