package market

import (
	"errors"
	"fmt"
	"math"
	"time"

	"maskswitch/loadtest/pace"
	"maskswitch/loadtest/party"
)

// check says all that is wrong with a config whose defaults are filled in, and
// what to write instead. calls is nil if nobody dials.
func (c *Config) check(calls *pace.Pace) error {
	f := &faults{}
	c.checkPeople(f)
	c.checkBookings(f)
	if calls != nil {
		c.checkCalls(f)
	}
	c.checkStorms(f, calls)
	return errors.Join(f.all...)
}

type faults struct{ all []error }

func (f *faults) add(format string, args ...any) { f.all = append(f.all, fmt.Errorf(format, args...)) }

// share refuses what is not between 0 and 1, NaN too.
func (f *faults) share(name string, is float64) {
	if !(is >= 0 && is <= 1) {
		f.add("%s is %v; a share is between 0 and 1", name, is)
	}
}

// span refuses a range of time that runs backwards or is out of bounds.
func (f *faults) span(name string, r party.Range, least time.Duration) {
	switch {
	case r.Min < least:
		f.add("%s begins at %v; write %v or more", name, r.Min, least)
	case r.Max != 0 && r.Max < r.Min:
		f.add("%s ends at %v, before its begin at %v; write the shorter time first", name, r.Max, r.Min)
	case max(r.Min, r.Max) > pace.Longest:
		f.add("%s goes up to %v; write %.0f hours at most", name, max(r.Min, r.Max), pace.Longest.Hours())
	}
}

func (c *Config) checkPeople(f *faults) {
	for _, p := range []struct {
		name, skewName string
		people         int
		skew           float64
	}{{"hosts", "host_skew", c.Hosts, c.HostSkew}, {"guests", "guest_skew", c.Guests, c.GuestSkew}} {
		if p.people < 1 || p.people > mostPeople {
			f.add("%s is %d; write how many people there are, from 1 to %d", p.name, p.people, mostPeople)
		}
		if !(p.skew >= 0 && p.skew <= 100) {
			f.add("%s is %v; write Zipf's exponent from 0 (all alike) to 100, about 1 for a marketplace", p.skewName, p.skew)
		}
	}
}

func (c *Config) checkBookings(f *faults) {
	if c.Live < 0 || c.Live > mostLive {
		f.add("live is %d; write how many bookings are open at the begin, from 0 to %d", c.Live, mostLive)
	}
	if err := pace.Check(c.Opens); err != nil {
		f.add("the opening of bookings: %w", err)
	}
	before := len(f.all)
	f.span("lasts", c.Lasts, time.Millisecond)
	if c.Settle < time.Millisecond || c.Settle > time.Hour {
		f.add("settle is %v; write how long a booking is left alone after its begin and before its end, from 1ms to 1h, 2s if in doubt", c.Settle)
	}
	if len(f.all) == before && c.longest() <= 2*c.Settle {
		f.add("lasts goes up to %v; nobody dials in the first and the last %v of a booking, so write more than %v", c.longest(), c.Settle, 2*c.Settle)
	}
	f.share("closed", c.Closed)
	f.share("extended", c.Extended)
	f.share("shortened", c.Shortened)
	f.share("repeated", c.Repeated)
	f.share("read", c.Read)
	c.checkTerms(f)
}

// mostGrace is the longest that the switch takes.
const mostGrace = 10 * time.Minute

func (c *Config) checkTerms(f *faults) {
	f.share("pairs", c.Pairs)
	f.share("cuts", c.Cuts)
	f.share("idle", c.Idle)
	f.share("regional", c.Regional)
	f.span("grace", c.Grace, 0)
	if most := max(c.Grace.Min, c.Grace.Max); most > mostGrace {
		f.add("grace goes up to %v; the switch takes %v at most", most, mostGrace)
	}
	if c.Idle > 0 {
		f.span("idle_after", c.IdleAfter, time.Second)
	}
	before := len(f.all)
	f.share("unrecorded", c.Unrecorded)
	f.share("wav", c.Wav)
	f.share("mono", c.Mono)
	f.share("summaries", c.Summaries)
	if sum := c.Unrecorded + c.Wav + c.Mono; len(f.all) == before && sum > 1+1e-9 {
		f.add("unrecorded, wav and mono are %.3g of the bookings together; write shares whose sum is 1 at most", sum)
	}
	if c.Regional > 0 && len(c.Regions) == 0 {
		f.add("regional is %v, and there are no regions; write regions, such as [CA, US-312]", c.Regional)
	}
}

func (c *Config) checkCalls(f *faults) {
	if c.Live == 0 && !(pace.Planned(c.Opens) > 0) {
		f.add("no booking is live and none is opened, so nobody has a number to dial; write how many are live, or a rate of opening")
	}
	before := len(f.all)
	f.share("from_host", c.FromHost)
	f.share("strangers", c.Strangers)
	f.share("withheld", c.Withheld)
	f.share("late", c.Late)
	f.share("twins", c.Twins)
	f.share("redials", c.Redials)
	if sum := c.Strangers + c.Withheld + c.Late + c.Twins; len(f.all) == before && sum > 1+1e-9 {
		f.add("strangers, withheld, late and twins are %.3g of the calls together; write shares whose sum is 1 at most", sum)
	}
	f.span("redial_after", c.RedialAfter, 0)
	if !(c.Speed > 0) || math.IsInf(c.Speed, 0) {
		f.add("speed is %v; write how many times faster than in life people are, 1 for life", c.Speed)
	}
	c.checkMix(f)
}

// mostWeight is far from where a sum of weights would leave its type.
const mostWeight = 1_000_000

func (c *Config) checkMix(f *faults) {
	total := 0
	for i, h := range c.Mix {
		where := fmt.Sprintf("mix, habit %d (%s)", i+1, h.Name)
		switch h.Name {
		case "":
			f.add("mix, habit %d has no name; the report needs one", i+1)
		case Stranger.String(), Withheld.String(), Late.String():
			f.add("%s: the market has calls of that name; write another one", where)
		}
		if h.Weight > mostWeight {
			f.add("%s: its weight is %d; write %d at most", where, h.Weight, mostWeight)
		}
		total += min(max(h.Weight, 0), mostWeight)
		if h.Callee > party.Failed {
			f.add("%s: its callee does what nobody knows (%d); write one of party's reactions", where, h.Callee)
		}
		for _, r := range []struct {
			name string
			span party.Range
		}{{"after", h.After}, {"talk", h.Talk}, {"patience", h.Patience}, {"after_speech", h.AfterSpeech}} {
			f.span(where+": "+r.name, r.span, 0)
		}
		f.share(where+": callee_leaves", h.CalleeLeaves)
	}
	if total == 0 {
		f.add("the mix has no weight; write at least one habit with a weight of 1 or more")
	}
}

func (c *Config) checkStorms(f *faults, calls *pace.Pace) {
	end := pace.Longest
	if calls != nil {
		end = c.end(calls)
	}
	for i, s := range c.Storms {
		f.share(fmt.Sprintf("storm %d: its share", i+1), s.Share)
		if s.At < c.Settle || s.At > end {
			f.add("storm %d is at %v; write an instant of the run, from %v after its begin to its end at %v", i+1, s.At, c.Settle, end)
		}
	}
}

// end is when the stream ends: with the last stage of calls or of openings.
func (c *Config) end(calls *pace.Pace) time.Duration {
	end := pace.Length(c.Opens)
	if calls != nil {
		end = max(end, calls.Length())
	}
	return end
}
