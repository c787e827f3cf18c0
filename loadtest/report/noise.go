package report

import "math"

// weight says what the ratio of two figures is worth.
type weight uint8

const (
	same   weight = iota // equal, as far as the digits of a histogram tell
	few                  // too few samples for that quantile
	noise                // chance alone makes such a difference
	slight               // a true difference below the limit of the rule
	better
	worse
)

func (w weight) String() string {
	return [...]string{"=", "few samples", "within noise", "slight", "better", "WORSE"}[w]
}

// judged is the word of a weight; what is only shown is neither better nor worse.
func (w weight) judged(yes bool) string {
	switch {
	case !yes && w == worse:
		return "higher"
	case !yes && w == better:
		return "lower"
	}
	return w.String()
}

const (
	digitsNoise  = .002  // two figures of three digits each
	limit        = .10   // a difference that counts
	floorSeconds = .5e-3 // and that is no tick of a timer
	deviations   = 3     // of a normal distribution: by chance 3 times in 1,000
	needBeyond   = 10    // samples that must lie beyond a quantile
)

// weigh compares two times, less being better.
func weigh(a, b float64) weight {
	d := b - a
	switch {
	case math.Abs(d) <= digitsNoise*max(a, b):
		return same
	case math.Abs(d) <= floorSeconds, math.Abs(d) <= limit*a:
		return slight
	case d > 0:
		return worse
	}
	return better
}

// weighQuantile compares the quantile q of two histograms.
func weighQuantile(a, b *Histogram, q float64) weight {
	for _, h := range []*Histogram{a, b} {
		if float64(h.Count())*(1-q) < needBeyond {
			return few
		}
	}
	w := weigh(a.At(q), b.At(q))
	if w == same {
		return same
	}
	aLow, aHigh := a.between(q)
	bLow, bHigh := b.between(q)
	if aLow <= bHigh && bLow <= aHigh {
		return noise
	}
	return w
}

// between is where the true quantile q lies: the number of samples below it is
// binomial, so its ranks are known whatever the distribution. It takes the
// samples as independent; those of one run are not quite, which is why a
// difference must also pass the limit.
func (h *Histogram) between(q float64) (low, high float64) {
	n := float64(h.Count())
	spread := deviations * math.Sqrt(n*q*(1-q))
	return h.ofRank(int64(math.Floor(n*q - spread))), h.ofRank(int64(math.Ceil(n*q+spread)) + 1)
}

// weighShare compares how often something bad happens, by the two-proportion
// test; a difference of less than 0.1 % of all does not count.
func weighShare(badA, allA, badB, allB int64) weight {
	if allA == 0 || allB == 0 {
		return few
	}
	a, b := float64(badA)/float64(allA), float64(badB)/float64(allB)
	if a == b {
		return same
	}
	pooled := float64(badA+badB) / float64(allA+allB)
	spread := math.Sqrt(pooled * (1 - pooled) * (1/float64(allA) + 1/float64(allB)))
	switch {
	case math.Abs(b-a) <= deviations*spread:
		return noise
	case math.Abs(b-a) <= .001:
		return slight
	case b > a:
		return worse
	}
	return better
}
