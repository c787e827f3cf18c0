package order

import (
	"errors"
	"slices"
	"time"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// How long things may take.
const (
	// patience is how long is tried what time may heal: buying from the order's
	// beginning on, and then assigning and adding each for itself.
	patience = 24 * time.Hour
	// buyWithin bounds a request that buys, from the row that announces it.
	buyWithin = time.Minute
	// settle is when, after that row, an order of ours must be visible at the
	// carrier if it was taken: twice the time in which it can have been sent.
	settle = 2 * buyWithin
	// looks is how often the carrier is asked for an order in doubt, lookPause
	// apart, until we believe that there is none.
	looks     = 2
	lookPause = 3 * time.Minute

	firstPause   = 2 * time.Second
	longestPause = 5 * time.Minute
)

// Job is an order and how far it is: the whole state.
type Job struct {
	ID         protocol.OrderID
	Ref        protocol.Ref
	Partition  protocol.Partition
	Stage      protocol.OrderStage
	CreatedAt  time.Time
	ChangedAt  time.Time
	Asked      protocol.OrderNumbers
	Connection string // application that gets the calls
	Currency   string // of all costs; empty until something was offered
	Items      []Item
	Known      []string  // every order that the carrier has under our reference, as far as we know
	Open       []string  // those of them whose numbers may still change
	PostedAt   time.Time // when the row was made that announces the last purchase
	Doubt      bool      // whether some purchase happened was not known at once
	Looks      int       // how often we looked for a purchase in doubt, and found none
	Tries      int       // that failed, since something last went well
	NextTryAt  time.Time // zero: now
	Deadline   time.Time // of what may be tried
	Trouble    string    // what went wrong last
	Why        string    // why no more numbers are bought
}

// Item is one number of an order.
type Item struct {
	Number  phone.Number
	Monthly protocol.Money
	Fate    Fate
	Why     string // of a stuck one
}

// Fate is how far a number is.
type Fate uint8

// A wanted number is in a purchase whose outcome is open. A stuck one is bought
// and cannot be used, which an operator has to mend.
const (
	Wanted Fate = iota
	Bought
	Assigned
	Added
	Stuck
)

// Act is what is due next, when the disk has the state.
type Act uint8

// ActNothing is due when the order is over.
const (
	ActNothing Act = iota
	ActSearch
	ActBuy
	ActFind
	ActPoll
	ActAssign
	ActAdd
)

// due is the act of a stage. Nobody who comes to an order in the stage ordering
// buys: it may have been done already.
func (j Job) due() Act {
	return [...]Act{
		protocol.OrderSearching: ActSearch, protocol.OrderOrdering: ActFind, protocol.OrderPending: ActPoll,
		protocol.OrderAssigning: ActAssign, protocol.OrderAdding: ActAdd,
		protocol.OrderDone: ActNothing, protocol.OrderFailed: ActNothing,
	}[j.Stage]
}

// Begin makes the job of a new order.
func Begin(id protocol.OrderID, asked protocol.OrderNumbers, connection string, p protocol.Partition, now time.Time) Job {
	now = trim(now)
	return Job{
		ID: id, Ref: asked.Ref, Partition: p, CreatedAt: now, ChangedAt: now, Asked: asked, Connection: connection,
		Deadline: now.Add(patience),
	}
}

func (j Job) count(fate Fate) (n int) {
	for _, it := range j.Items {
		if it.Fate == fate {
			n++
		}
	}
	return n
}

// missing is how many numbers are neither bought nor in a purchase.
func (j Job) missing() int { return j.Asked.Count - len(j.Items) }

func (j Job) monthly() (sum protocol.Money) {
	for _, it := range j.Items {
		sum += it.Monthly
	}
	return sum
}

// learn takes in orders that the carrier has under our reference.
func (j *Job) learn(ids []string) {
	for _, id := range ids {
		if !slices.Contains(j.Known, id) {
			j.Known, j.Open = append(j.Known, id), append(j.Open, id)
		}
	}
}

// bought takes in a number that the carrier has sold; true if that is news.
func (j *Job) bought(n phone.Number) bool {
	i := slices.IndexFunc(j.Items, func(it Item) bool { return it.Number == n })
	if i < 0 {
		i, j.Items = len(j.Items), append(j.Items, Item{Number: n})
	}
	if j.Items[i].Fate != Wanted {
		return false
	}
	j.Items[i].Fate = Bought
	return true
}

func (j *Job) drop(which func(Item) bool) { j.Items = slices.DeleteFunc(j.Items, which) }

func isWanted(it Item) bool { return it.Fate == Wanted }

func (j *Job) stick(fate Fate, why string) {
	for i := range j.Items {
		if j.Items[i].Fate == fate {
			j.Items[i].Fate, j.Items[i].Why = Stuck, why
		}
	}
}

// refusalOf finds what the carrier said; an error that is none of its own heals
// by itself, if at all.
func refusalOf(err error) *protocol.NumbersError {
	var refusal *protocol.NumbersError
	if errors.As(err, &refusal) {
		return refusal
	}
	return &protocol.NumbersError{Remedy: protocol.RemedyLater, Unsure: true, Detail: err.Error()}
}

// trim makes of an instant what the store keeps of it.
func trim(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
