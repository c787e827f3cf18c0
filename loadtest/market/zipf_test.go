package market

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// Every draw is compared with the weights written out, cell by cell, with the
// far cells put together until each has enough in it.
func TestZipfMeetsItsTheory(t *testing.T) {
	const draws = 200_000
	for _, skew := range []float64{0, .3, .8, 1, 1 + 1e-9, 1.2, 2, 5, 50} {
		for _, n := range []int{1, 2, 3, 40, 5000} {
			t.Run(fmt.Sprintf("skew %v, %d people", skew, n), func(t *testing.T) {
				weights, sum := make([]float64, n), 0.0
				for k := range weights {
					weights[k] = math.Pow(float64(k+1), -skew)
					sum += weights[k]
				}
				z, dice := newZipf(n, skew), rand.New(rand.NewPCG(1, uint64(n)))
				got := make([]float64, n)
				for range draws {
					got[z.draw(dice)]++ // out of range panics
				}
				chi, cells, want, have := 0.0, 0, 0.0, 0.0
				for k := range weights {
					want += draws * weights[k] / sum
					have += got[k]
					if want >= 50 || k == n-1 {
						chi += (have - want) * (have - want) / max(want, 1)
						want, have = 0, 0
						cells++
					}
				}
				if most := float64(cells) + 5*math.Sqrt(2*float64(cells)); chi > most {
					t.Errorf("chi-square %.1f over %d cells, want at most %.1f", chi, cells, most)
				}
			})
		}
	}
}

// With ten million people there is no table to compare with; the first and the
// mean of the logarithm are known.
func TestZipfOfManyPeople(t *testing.T) {
	const n, draws = 10_000_000, 200_000
	z, dice := newZipf(n, 1), rand.New(rand.NewPCG(1, 2))
	first, logs := 0.0, 0.0
	for range draws {
		k := z.draw(dice)
		if k == 0 {
			first++
		}
		logs += math.Log(float64(k + 1))
	}
	harmonic := math.Log(n) + 0.5772156649
	if p := 1 / harmonic; math.Abs(first/draws-p) > 5*math.Sqrt(p/draws) {
		t.Errorf("the first has a share of %.5f, want %.5f", first/draws, p)
	}
	// The sum of log(k)/k is (log n)²/2 and Stieltjes' first constant.
	want := (math.Log(n)*math.Log(n)/2 - 0.0728158455) / harmonic
	if got := logs / draws; math.Abs(got-want) > .06 { // five standard errors
		t.Errorf("mean logarithm %.4f, want %.4f", got, want)
	}
}
