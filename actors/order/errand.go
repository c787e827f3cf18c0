package order

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// How long one act may take, besides a purchase.
const (
	askWithin    = 2 * time.Minute
	assignWithin = 20 * time.Minute // two requests for each of 500 numbers
)

// errand is one act with what it needs to know. It changes nothing.
type errand struct {
	config *Config
	job    Job
}

// run acts, and blocks until that is done.
func (e errand) run(ctx context.Context, act Act) Event {
	switch act {
	case ActSearch:
		return e.search(ctx)
	case ActBuy:
		return e.buy(ctx)
	case ActFind:
		return e.find(ctx)
	case ActPoll:
		return e.poll(ctx)
	case ActAssign:
		return e.assign(ctx)
	}
	panic("order: no such act")
}

func (e errand) search(ctx context.Context) Event {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	offers, err := e.config.Carrier.SearchNumbers(ctx, protocol.NumberSearch{
		Country: e.job.Asked.Country, AreaCode: e.job.Asked.AreaCode,
		// Twice as many as are missing, so that there are cheap ones among them.
		Limit: max(2*e.job.missing(), 20),
	})
	return Offered{offers, err}
}

// buy orders the wanted numbers, if it is not too late for that: from then on
// somebody may look for the order, and must not look in vain.
func (e errand) buy(ctx context.Context) Event {
	ctx, cancel := context.WithDeadline(ctx, e.job.PostedAt.Add(buyWithin))
	defer cancel()
	if ctx.Err() != nil {
		return Sold{Err: &protocol.NumbersError{Remedy: protocol.RemedyLater, Detail: "the disk took too long; nothing was sent"}}
	}
	purchase := protocol.NumberPurchase{Connection: e.job.Connection, Reference: e.job.ID.String()}
	for _, it := range e.job.Items {
		if it.Fate == Wanted {
			purchase.Numbers = append(purchase.Numbers, it.Number)
		}
	}
	order, err := e.config.Carrier.BuyNumbers(ctx, purchase)
	return Sold{order, err}
}

// find looks for all that the carrier has under our reference.
func (e errand) find(ctx context.Context) Found {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	orders, err := e.config.Carrier.CarrierOrders(ctx, e.job.ID.String())
	if err != nil {
		return Found{Err: err}
	}
	owned, err := e.owned(ctx)
	if err != nil {
		return Found{Err: err}
	}
	found := Found{Orders: orders}
	for _, n := range owned {
		if n.Number.Known() && n.Status.Hopeful() {
			found.Numbers = append(found.Numbers, n.Number)
		}
	}
	return found
}

// owned lists numbers of the account that were bought by this order.
func (e errand) owned(ctx context.Context) ([]protocol.OwnedNumber, error) {
	reference := e.job.ID.String()
	owned, err := e.config.Carrier.OwnedNumbers(ctx, protocol.OwnedQuery{Reference: reference})
	return slices.DeleteFunc(owned, func(n protocol.OwnedNumber) bool { return n.Reference != reference }), err
}

func (e errand) poll(ctx context.Context) Event {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	order, err := e.config.Carrier.CarrierOrder(ctx, e.job.Open[0])
	return Sold{order, err}
}

// assign leads the calls of all bought numbers to our application, and tags
// them. It stops at the first trouble that is not one number's own.
func (e errand) assign(ctx context.Context) Event {
	ctx, cancel := context.WithTimeout(ctx, assignWithin)
	defer cancel()
	var done Handled
	if e.job.Doubt {
		if done.Found = e.find(ctx); done.Found.Err != nil {
			return Handled{Err: done.Found.Err}
		}
	}
	owned, err := e.owned(ctx)
	if err != nil {
		return Handled{Err: err}
	}
	byNumber := make(map[phone.Number]protocol.OwnedNumber, len(owned))
	for _, n := range owned {
		byNumber[n.Number] = n
	}
	for _, it := range e.job.Items {
		if it.Fate != Bought {
			continue
		}
		n, there := byNumber[it.Number]
		if !there { // the carrier need not hand the order's reference down to its numbers
			found, err := e.config.Carrier.OwnedNumbers(ctx, protocol.OwnedQuery{Number: it.Number})
			if err != nil {
				done.Err = err
				return done
			}
			if len(found) > 0 {
				n, there = found[0], true
			}
		}
		out := Outcome{Number: it.Number}
		switch {
		case !there:
			out.Later, out.Why = true, "the carrier does not show a number yet that it has sold"
		case !n.Status.Hopeful():
			out.Why = fmt.Sprintf("the carrier shows the number as %s", n.Status)
		case n.Status != protocol.OwnedActive:
			out.Later, out.Why = true, fmt.Sprintf("the carrier has a number not active yet: %s", n.Status)
		default:
			if err := e.assignOne(ctx, n); err != nil {
				refusal := refusalOf(err)
				if refusal.Remedy != protocol.RemedyNone || refusal.Status == http.StatusUnauthorized || refusal.Status == http.StatusForbidden {
					done.Err = err
					return done
				}
				out.Why = err.Error()
			}
		}
		done.Numbers = append(done.Numbers, out)
	}
	return done
}

// assignOne changes what is not as it shall be; other tags stay.
func (e errand) assignOne(ctx context.Context, n protocol.OwnedNumber) error {
	tag, reference := e.config.tag(), e.job.ID.String()
	tagged := slices.Contains(n.Tags, tag)
	if tagged && n.Connection == e.job.Connection && n.Reference == reference {
		return nil
	}
	tags := slices.Clone(n.Tags)
	if !tagged {
		tags = append(tags, tag)
	}
	return e.config.Carrier.AssignNumber(ctx, protocol.NumberAssignment{
		ID: n.ID, Connection: e.job.Connection, Reference: reference, Tags: tags,
	})
}

// add gives the assigned numbers to the pool, each for itself: it would refuse
// all of them for one that is somebody's own. tell is called when it has
// answered for every one.
func (e errand) add(root *actor.RootContext, tell func(Event)) {
	var numbers []phone.Number
	for _, it := range e.job.Items {
		if it.Fate == Assigned {
			numbers = append(numbers, it.Number)
		}
	}
	var mu sync.Mutex
	var done Handled
	for _, n := range numbers {
		root.Send(e.config.Pool, protocol.AddNumbers{Numbers: []phone.Number{n}, Done: func(_ protocol.Added, err error) {
			mu.Lock()
			defer mu.Unlock()
			done.Numbers = append(done.Numbers, added(n, err))
			if len(done.Numbers) == len(numbers) {
				tell(done)
			}
		}})
	}
}

func added(n phone.Number, err error) Outcome {
	out := Outcome{Number: n}
	if err != nil {
		kind := protocol.KindOf(err)
		out.Later = kind == protocol.Unavailable || kind == protocol.Internal
		out.Why = "the pool does not take a number: " + err.Error()
	}
	return out
}
