package order

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"time"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// Event is what came of an act.
type Event interface{ event() }

type (
	// Offered answers ActSearch.
	Offered struct {
		Offers []protocol.NumberOffer
		Err    error
	}
	// Sold answers ActBuy and ActPoll.
	Sold struct {
		Order protocol.CarrierOrder
		Err   error
	}
	// Found answers ActFind: all orders that the carrier has under our reference,
	// and all numbers of the account.
	Found struct {
		Orders  []string
		Numbers []phone.Number
		Err     error
	}
	// Handled answers ActAssign and ActAdd. With Err it may tell of some numbers
	// nevertheless. A number that it does not name is to be tried again.
	Handled struct {
		Found   Found // ActAssign sees what we may have bought without knowing
		Numbers []Outcome
		Err     error
	}
)

// Outcome is what became of one number.
type Outcome struct {
	Number phone.Number
	Later  bool   // not yet
	Why    string // why it cannot be used, or not yet; empty: it is done
}

func (Offered) event() {}
func (Sold) event()    {}
func (Found) event()   {}
func (Handled) event() {}

// Step says how an event changes the order, and what is due then, at NextTryAt.
func (j Job) Step(ev Event, now time.Time) (Job, Act) {
	j.Items, j.Known, j.Open = slices.Clone(j.Items), slices.Clone(j.Known), slices.Clone(j.Open)
	j.ChangedAt = trim(now)
	before := j.Stage
	switch ev := ev.(type) {
	case Offered:
		if j.offered(ev, now) {
			return j, ActBuy
		}
	case Sold:
		j.sold(ev, now)
	case Found:
		j.found(ev, now)
	case Handled:
		j.handled(ev, now)
	}
	if before < protocol.OrderAssigning && j.Stage >= protocol.OrderAssigning {
		j.Deadline = j.ChangedAt.Add(patience) // buying is over
	}
	return j, j.due()
}

// offered chooses the numbers to buy. True if they are to be bought.
func (j *Job) offered(ev Offered, now time.Time) bool {
	if ev.Err != nil {
		j.failed(ev.Err, now)
		return false
	}
	chosen, why := j.choose(ev.Offers)
	if why != "" {
		j.giveUp(why, now)
		return false
	}
	j.Currency, j.Trouble = chosen[0].Currency, ""
	for _, offer := range chosen {
		j.Items = append(j.Items, Item{Number: offer.Number, Monthly: offer.Monthly})
	}
	j.Stage, j.PostedAt, j.Looks, j.NextTryAt = protocol.OrderOrdering, j.ChangedAt, 0, time.Time{}
	return true
}

// choose takes the cheapest offers, or says why there is nothing to take.
func (j *Job) choose(offers []protocol.NumberOffer) (chosen []protocol.NumberOffer, why string) {
	offers = slices.Clone(offers)
	slices.SortStableFunc(offers, func(a, b protocol.NumberOffer) int {
		return cmp.Or(cmp.Compare(a.Monthly, b.Monthly), cmp.Compare(a.Upfront, b.Upfront))
	})
	// Amounts of different currencies have no sum, and no order.
	currency := j.Currency
	if currency == "" && len(offers) > 0 {
		currency = offers[0].Currency
	}
	offers = slices.DeleteFunc(offers, func(o protocol.NumberOffer) bool {
		return o.Currency != currency || slices.ContainsFunc(j.Items, func(it Item) bool { return it.Number == o.Number })
	})
	missing := j.missing()
	if len(offers) < missing {
		return nil, fmt.Sprintf("the carrier offers only %d of %d numbers there; ask for fewer, or elsewhere", len(offers), missing)
	}
	chosen = offers[:missing]
	sum := j.monthly()
	for _, offer := range chosen {
		sum += offer.Monthly
	}
	if most := j.Asked.MostMonthly; most > 0 && sum > most {
		return nil, fmt.Sprintf("the cheapest would cost %s %s a month together, and %s is the most allowed", sum, currency, most)
	}
	return chosen, ""
}

// sold takes in what the carrier says of a purchase.
func (j *Job) sold(ev Sold, now time.Time) {
	if ev.Err != nil {
		j.unsold(ev.Err, now)
		return
	}
	id, open := ev.Order.ID, ev.Order.Status == protocol.PurchasePending
	j.learn([]string{id})
	for _, n := range ev.Order.Numbers {
		switch n.Status {
		case protocol.PurchaseSuccess:
			j.bought(n.Number)
		case protocol.PurchaseFailure:
			j.drop(func(it Item) bool { return it.Fate == Wanted && it.Number == n.Number })
		case protocol.PurchasePending:
			open = true
		}
	}
	j.Trouble = ""
	j.Open = slices.DeleteFunc(j.Open, func(other string) bool { return other == id })
	if open {
		j.Stage = protocol.OrderPending
		j.Open = append(j.Open, id) // behind the others
		if ev.Order.Requirements {
			j.Trouble = "the carrier wants documents before it finishes its order " + id + ": hand them in at its portal"
		}
		j.retry(0, now)
		return
	}
	if len(j.Open) == 0 {
		j.drop(isWanted) // no order names them: they were not sold
	}
	if j.missing() > 0 && len(j.Open) == 0 {
		// Others buy too, and it may happen again: not at once.
		j.Stage = protocol.OrderSearching
		j.Trouble = fmt.Sprintf("%d numbers had gone before they were bought; looking for others", j.missing())
		j.retry(0, now)
		return
	}
	j.advance(now)
}

// unsold takes in that a purchase, or the question what became of it, failed.
func (j *Job) unsold(err error, now time.Time) {
	refusal := refusalOf(err)
	switch {
	case j.Stage == protocol.OrderPending && refusal.Status == http.StatusNotFound:
		// Its id came from the carrier: it is only too new to be found.
		j.Trouble = err.Error()
		j.retry(refusal.After, now)
	case j.Stage == protocol.OrderPending:
		j.failed(err, now)
	case refusal.Unsure:
		j.Doubt = true
		j.Trouble = "whether the carrier has sold is not known; it will be asked: " + err.Error()
		j.NextTryAt = later(trim(now), j.PostedAt.Add(settle))
	default: // nothing was sold
		j.drop(isWanted)
		j.Stage = protocol.OrderSearching
		if refusal.Remedy == protocol.RemedySearch {
			j.Trouble = err.Error()
			j.retry(refusal.After, now)
			return
		}
		j.failed(err, now)
	}
}

// found takes in what became of a purchase in doubt.
func (j *Job) found(ev Found, now time.Time) {
	if ev.Err != nil {
		j.failed(ev.Err, now)
		return
	}
	j.learn(ev.Orders)
	fresh := false
	for _, n := range ev.Numbers {
		fresh = j.bought(n) || fresh
	}
	switch j.Looks++; {
	case len(j.Open) > 0: // they tell of the numbers
	case fresh: // what there is of it is bought
		j.drop(isWanted)
	case j.Looks < looks:
		j.NextTryAt = trim(now).Add(lookPause)
		return
	default:
		j.drop(isWanted)
		j.Trouble = "the carrier knows nothing of the purchase of " + j.PostedAt.Format(time.RFC3339) + "; buying anew"
	}
	j.advance(now)
}

// handled takes in what became of numbers that were assigned or added.
func (j *Job) handled(ev Handled, now time.Time) {
	j.learn(ev.Found.Orders)
	for _, n := range ev.Found.Numbers {
		j.bought(n)
	}
	next := Added
	if j.Stage == protocol.OrderAssigning {
		next = Assigned
	}
	progress, waiting := false, ""
	for _, out := range ev.Numbers {
		i := slices.IndexFunc(j.Items, func(it Item) bool { return it.Number == out.Number })
		switch {
		case i < 0:
		case out.Later:
			waiting = out.Why
		case out.Why == "":
			j.Items[i].Fate, progress = next, true
		default:
			j.Items[i].Fate, j.Items[i].Why, progress = Stuck, out.Why, true
		}
	}
	if progress {
		j.Tries = 0
	}
	switch j.Trouble = ""; {
	case ev.Err != nil:
		j.failed(ev.Err, now)
	case waiting != "" && j.Stage == protocol.OrderAssigning && j.count(Assigned) > 0:
		// Those that are ready do not wait for the others.
		j.Stage, j.NextTryAt = protocol.OrderAdding, time.Time{}
	case waiting != "":
		j.Trouble = waiting
		j.retry(0, now)
	default:
		j.advance(now)
	}
}
