package order

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
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

// failed tries again later if that may help, and gives up if not.
func (j *Job) failed(err error, now time.Time) {
	j.Trouble = err.Error()
	if refusal := refusalOf(err); refusal.Remedy == protocol.RemedyLater {
		j.retry(refusal.After, now)
		return
	}
	j.giveUp(j.Trouble, now)
}

// retry sets the next try, after a pause that grows. If that would be after the
// deadline, it gives up.
func (j *Job) retry(atLeast time.Duration, now time.Time) {
	j.Tries++
	pause := min(firstPause<<min(j.Tries-1, 16), longestPause)
	j.NextTryAt = trim(now).Add(max(atLeast, pause))
	if j.NextTryAt.After(j.Deadline) {
		j.giveUp(j.overdue(), now)
	}
}

func (j *Job) overdue() string { return strings.TrimSpace("it took too long. " + j.Trouble) }

// giveUp ends what the stage is about, and goes on with what has been reached.
func (j *Job) giveUp(why string, now time.Time) {
	switch j.Stage {
	case protocol.OrderSearching:
		j.Why = why
	case protocol.OrderOrdering:
		j.Why = fmt.Sprintf("whether the carrier sold %d numbers ordered at %s is not known: look there for the customer reference %s. %s",
			j.count(Wanted), j.PostedAt.Format(time.RFC3339), j.ID, why)
	case protocol.OrderPending:
		j.Why = fmt.Sprintf("the carrier has not finished its order %s, and what that still brings has to be imported. %s",
			strings.Join(j.Open, ", "), why)
		j.Open = nil
	case protocol.OrderAssigning:
		j.stick(Bought, why)
	case protocol.OrderAdding:
		j.stick(Assigned, why)
	}
	j.advance(now)
}

// advance finds the stage that has something to do, for now.
func (j *Job) advance(now time.Time) {
	j.Tries, j.NextTryAt = 0, time.Time{}
	if j.Why == "" && j.missing() > 0 && len(j.Open) == 0 && now.After(j.Deadline) {
		j.Why = j.overdue()
	}
	switch {
	case len(j.Open) > 0:
		j.Stage = protocol.OrderPending
	case j.Why == "" && j.missing() > 0:
		j.Stage = protocol.OrderSearching
	case j.count(Bought) > 0:
		j.Stage = protocol.OrderAssigning
	case j.count(Assigned) > 0:
		j.Stage = protocol.OrderAdding
	default:
		j.end()
	}
}

// end tells the operator what has come of it all.
func (j *Job) end() {
	added, stuck := j.count(Added), j.count(Stuck)
	if j.Why == "" && stuck == 0 {
		j.Stage, j.Trouble = protocol.OrderDone, ""
		if added > j.Asked.Count {
			j.Trouble = fmt.Sprintf("the carrier has sold %d numbers more than were asked for; they are in the pool", added-j.Asked.Count)
		}
		return
	}
	j.Stage, j.Trouble = protocol.OrderFailed, j.Why
	if added+stuck == 0 {
		return
	}
	parts := []string{fmt.Sprintf("%d of %d numbers are bought and in the pool", added, j.Asked.Count)}
	if stuck > 0 {
		i := slices.IndexFunc(j.Items, func(it Item) bool { return it.Fate == Stuck })
		parts = append(parts, fmt.Sprintf("%d are bought and not in the pool: mend this, then import them: %s", stuck, j.Items[i].Why))
	}
	if j.Why != "" {
		parts = append(parts, j.Why)
	}
	j.Trouble = strings.Join(parts, "; ")
}
