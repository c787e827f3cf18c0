package loadtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"time"

	"maskswitch/loadtest/report"
)

// Search says how Find looks for the highest rate that passes. What is left out
// has the default in brackets.
type Search struct {
	From    float64       // calls a second to begin with [50]
	To      float64       // never more than this [5000]
	Step    time.Duration // measured part of each run [20s]
	Precise float64       // ends when passing and failing are this close, as a share [0.08]
	Most    int           // runs at most [14]
}

func (s *Search) fill() error {
	either(&s.From, 50)
	either(&s.To, 5000)
	either(&s.Step, 20*time.Second)
	either(&s.Precise, .08)
	either(&s.Most, 14)
	if !(s.From > 0) || !(s.To >= s.From) || s.Step < time.Second || !(s.Precise > 0 && s.Precise < 1) || s.Most < 1 {
		return errors.New("find: the first rate must be above 0 and no higher than the last, a step at least 1s, the precision between 0 and 1, and the number of runs at least 1")
	}
	return nil
}

// Tried is one run of a search.
type Tried struct {
	Rate   float64
	Result *report.Result
}

// Found is what a search came to.
type Found struct {
	Best  float64 // the highest rate that passed; 0: none did
	Next  float64 // the lowest that did not; 0: none failed up to Search.To
	Tried []Tried
	// Limit: the lowest rate that did not pass failed while the tester was the
	// limit, so that the switch may be able to do more.
	Limit bool
}

// Find runs a plan at one rate after another: it doubles until a run does not
// pass, then halves the gap. Wrong behaviour ends it at once: a switch that does
// wrong has no rate. heard gets each run as it ends.
func Find(ctx context.Context, o Options, s Search, heard func(Tried)) (Found, error) {
	if err := s.fill(); err != nil {
		return Found{}, err
	}
	var f Found
	out := o.Out
	for rate := s.From; len(f.Tried) < s.Most; {
		o.Plan.Calls.Stages = []Stage{{For: Span(s.Step), Rate: rate}}
		o.Plan.Bookings.Storms, o.Plan.Outages = nil, nil
		o.Out = filepath.Join(out, fmt.Sprintf("rate-%.0f", rate))
		if err := makeDir(o.Out); err != nil {
			return f, err
		}
		result, err := Run(ctx, o)
		if err != nil {
			return f, err
		}
		tried := Tried{rate, result}
		f.Tried = append(f.Tried, tried)
		heard(tried)
		switch result.Verdict.Exit {
		case ExitPassed:
			f.Best = rate
		case ExitMissed:
			f.Next, f.Limit = rate, result.Verdict.TesterLimit
		default:
			return f, nil
		}
		next := s.next(f)
		if next == 0 {
			return f, nil
		}
		rate = next
	}
	return f, nil
}

// next is the rate to try now; 0 when the answer is close enough.
func (s *Search) next(f Found) float64 {
	rate := 0.0
	switch {
	case f.Next == 0: // nothing failed yet
		if f.Best >= s.To {
			return 0
		}
		rate = min(2*f.Best, s.To)
	case f.Best == 0: // nothing passed yet
		rate = f.Next / 2
		if rate < 1 {
			return 0
		}
	default:
		if f.Next-f.Best <= s.Precise*f.Best {
			return 0
		}
		rate = (f.Best + f.Next) / 2
	}
	rate = math.Round(rate)
	if rate == f.Best || rate == f.Next {
		return 0
	}
	return rate
}
