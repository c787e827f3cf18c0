package market

import (
	"time"

	"maskswitch/loadtest/pace"
	"maskswitch/loadtest/party"
)

// Config is a marketplace. Shares are between 0 and 1.
type Config struct {
	// Population, and how unlike its people are: skew is Zipf's exponent. 0 makes
	// all alike; 1 gives the busiest n times the bookings of the nth.
	Hosts, Guests       int
	HostSkew, GuestSkew float64

	// Live bookings are open when the measured part begins, at an age that a
	// marketplace of long standing has them: each has a part of Lasts left.
	Live  int
	Opens []pace.Stage // opening of bookings from then on; a Poisson process
	Lasts party.Range  // how long one lasts

	// What is done about bookings. One that lasts for less than Settle is left
	// alone, since the request might come after its end. Those of the warm-up
	// are not repeated: their opening is past when the stream begins.
	Closed   float64 // ended early by DELETE
	Extended float64 // prolonged once, by a quarter to the whole of what it lasts
	// Shortened is the share of those that are not prolonged whose end is brought
	// forward once, by a tenth to three tenths of what they last; one that is too
	// short for that is left alone.
	Shortened float64
	Repeated  float64 // sent twice with the same id
	Read      float64 // looked up once
	Storms    []Storm

	// What bookings ask for besides two parties and an end.
	Pairs     float64     // a number for each side
	Cuts      float64     // the talk ends with the booking
	Grace     party.Range // so long after it; whole seconds
	Idle      float64     // also ends when nobody has called for a time
	IdleAfter party.Range // for so long
	Regional  float64     // asks for a number of one of Regions
	Regions   []string    // as the switch writes them: "GB", "US-312"

	// How talks are to be recorded; what is left of the whole says nothing of it.
	Unrecorded, Wav, Mono float64
	Summaries             float64 // ask for a summary, of those that are recorded

	// Who dials, as shares of all calls.
	FromHost  float64 // of these the caller is the host, or pretends to be
	Strangers float64
	Withheld  float64
	// Late is the share of callers whose booking has ended. Until one has ended,
	// and was not longer ago than some minutes, parties of live bookings dial
	// instead.
	Late float64
	// Twins is the share of calls that meet another one, of the other party about
	// the same booking at the same instant: each such pair counts as two.
	Twins float64
	// Redials is the share of the parties' calls without an answer, by their
	// script, after which the caller dials again; so also after a redial. They do
	// not if the booking is about to end.
	Redials     float64
	RedialAfter party.Range // since the call before must have ended, by its script
	Mix         party.Mix   // what the two of a party's call do

	// Speed is how many times faster than their scripts people are where the
	// calls are played: a redial comes so much sooner [1].
	Speed float64

	// Settle is how far a call keeps away from a booking's begin and end: a
	// booking is called no sooner than this after it opens and no later than this
	// before it ends, and a late caller dials no sooner than this after its end
	// [2s]. The bookings of the warm-up can be called at once.
	Settle time.Duration
}

// Storm is an instant at which many bookings end together. It strikes those that
// were opened Settle ago or earlier.
type Storm struct {
	At     time.Duration // since the begin of the measured part; Settle at least
	Share  float64       // of the bookings then live, each on its own
	Closed bool          // by DELETE; else they expire
}

// longAgo is how long after its end a booking still has late callers.
const longAgo = 5 * time.Minute

func (c Config) filled() Config {
	if c.Settle == 0 {
		c.Settle = 2 * time.Second
	}
	if c.Speed == 0 {
		c.Speed = 1
	}
	return c
}

// longest is the longest that a booking may last.
func (c *Config) longest() time.Duration { return max(c.Lasts.Min, c.Lasts.Max) }
