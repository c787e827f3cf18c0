package pace

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Stage is a time with one rate, or with one that grows or falls evenly.
type Stage struct {
	For      time.Duration
	From, To float64 // arrivals a second at its begin and at its end; equal: steady
	Burst    int     // so many at once at its begin, on top
}

// Highest is the highest rate that Check lets pass, in arrivals a second. It is far above what
// one machine starts, and finds a rate that was meant a minute or a day.
const Highest = 1e6

// Longest is how long stages may take together: ten years, so that sums of
// instants fit into a time.Duration.
const Longest = 10 * 365 * 24 * time.Hour

// Check says what is wrong with stages, all of it at once, and what to write
// instead. No stages at all are no fault: nothing arrives.
func Check(stages []Stage) error {
	var wrong []error
	whole, tooLong := time.Duration(0), false
	for i, s := range stages {
		refuse := func(format string, args ...any) {
			wrong = append(wrong, fmt.Errorf("stage %d: "+format, append([]any{i + 1}, args...)...))
		}
		if s.For <= 0 {
			refuse("its length is %v; write how long it lasts, such as 60s", s.For)
		} else if whole = min(whole+min(s.For, Longest+1), Longest+1); whole > Longest && !tooLong {
			tooLong = true
			refuse("the stages up to this one are longer than %.0f hours together; write shorter ones", Longest.Hours())
		}
		for _, r := range []struct {
			is    float64
			where string
		}{{s.From, "begin"}, {s.To, "end"}} {
			if !(r.is >= 0 && r.is <= Highest) {
				refuse("its rate is %v at its %s; write a number of arrivals a second from 0 to %.0f", r.is, r.where, Highest)
				if s.From == s.To || math.IsNaN(s.From) && math.IsNaN(s.To) {
					break // a steady stage has one rate, and one fault
				}
			}
		}
		if s.Burst < 0 {
			refuse("its burst is %d; write how many arrive at once at its begin, or 0 for no burst", s.Burst)
		}
	}
	return errors.Join(wrong...)
}

// Planned is how many arrivals stages bring on average, bursts among them. Even
// arrivals are this many, rounded down.
func Planned(stages []Stage) float64 {
	sum := 0.0
	for _, s := range stages {
		sum += s.area() + float64(s.Burst)
	}
	return sum
}

// Length is how long stages take together.
func Length(stages []Stage) time.Duration {
	sum := time.Duration(0)
	for _, s := range stages {
		sum += s.For
	}
	return sum
}

// area is the integral of the rate over the stage: the arrivals to expect
// without the burst.
func (s Stage) area() float64 { return (s.From + s.To) / 2 * s.For.Seconds() }

// after is when the integral reaches area, since the begin of the stage.
//
// The rate is From + k t with k = (To - From) / For, and so the integral
// From t + k t²/2. Of the two ways to write the root this one loses no digits
// when k is small, and is right for k = 0.
func (s Stage) after(area float64) time.Duration {
	if area <= 0 {
		return 0
	}
	k := (s.To - s.From) / s.For.Seconds()
	root := math.Sqrt(max(s.From*s.From+2*k*area, 0)) // the rate at that instant
	// min first: a duration past the end may not fit into 64 bits.
	return time.Duration(min(2*area/(s.From+root), s.For.Seconds()) * float64(time.Second))
}
