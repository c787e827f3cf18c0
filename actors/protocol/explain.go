package protocol

import (
	"time"

	"maskswitch/actors/phone"
)

// Explain asks what would happen if From rang To now. It goes the way of a ring,
// by the number and the booking, and changes nothing; Done gets it back with what
// was found.
type Explain struct {
	From     phone.Number // unknown if withheld
	To       phone.Number
	Withheld bool
	InPool   bool
	State    NumberState // of To, if it is in the pool
	Route    Route
	Done     func(Explain)
}

// Explanation is what would happen to a call, and why.
type Explanation struct {
	InPool    bool
	State     NumberState
	Route     Route
	Booking   Booking       // zero if none knows the caller
	Told      bool          // a caller who is too late hears so; else he is turned away unanswered
	Recording RecordingMode // how the talk would be recorded
	Consent   bool          // both would hear so before
}

// CallSearch selects calls by their own facts, in the order of their ids, which
// is that of the rings but for events that came before them.
type CallSearch struct {
	From, To time.Time    // when the caller rang; To is not in it; zero: no bound
	Outcome  Outcome      // OutcomeNone: any
	Live     bool         // only those that are not over
	Number   phone.Number // the proxy number that was dialled; unknown: any
	Newest   bool         // the newest first
	After    CallID       // zero: from the first
	Limit    int          // calls found, at most
	Scan     int          // calls looked at, at most; 0: all
}

// CallPage is what a search has found. Next is where it may go on, whether or not
// anything was found; zero: there is no more.
type CallPage struct {
	Calls []Call
	Next  CallID
}

// callSlack is how long after the ring the first event of a call may have
// happened from which it has its id: the carrier delivers late, and not later.
const callSlack = 2 * time.Hour

// Range is the ids that calls may have that rang between two instants.
func (q CallSearch) Range() (from, to CallID) {
	if !q.From.IsZero() {
		from = firstCallID(q.From.Add(-callSlack))
	}
	for i := range to {
		to[i] = 0xff
	}
	if !q.To.IsZero() {
		to = firstCallID(q.To.Add(callSlack))
	}
	return from, to
}

func firstCallID(at time.Time) (id CallID) {
	ms := uint64(max(at.UnixMilli(), 0))
	for i := range 6 {
		id[i] = byte(ms >> (8 * (5 - i)))
	}
	return id
}

// Fits says whether a call is among those that are looked for.
func (q CallSearch) Fits(c Call) bool {
	switch {
	case !q.From.IsZero() && c.RangAt.Before(q.From), !q.To.IsZero() && !c.RangAt.Before(q.To):
		return false
	case q.Outcome != OutcomeNone && c.Outcome != q.Outcome, q.Live && !c.EndAt.IsZero():
		return false
	}
	return !q.Number.Known() || c.Number == q.Number
}
