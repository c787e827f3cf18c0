package market

import (
	"math"
	"math/rand/v2"
)

// zipf draws from 0 to n-1, the kth (from 0) with a weight of (k+1)^-skew.
//
// It is rejection-inversion: W. Hörmann and G. Derflinger, Rejection-inversion
// to generate variates from monotone discrete distributions, 1996. Any skew
// from 0 will do, where math/rand's Zipf needs more than 1, and there is no
// table: a draw costs the same from ten people as from ten million.
type zipf struct {
	n     int
	skew  float64
	low   float64 // the integral's range that is drawn from, upside down
	high  float64
	sure  float64 // so close to a whole number nothing is rejected
	alike bool
}

func newZipf(n int, skew float64) zipf {
	z := zipf{n: n, skew: skew, alike: skew == 0}
	if !z.alike {
		z.low = z.integral(1.5) - 1
		z.high = z.integral(float64(n) + .5)
		z.sure = 2 - z.inverse(z.integral(2.5)-z.weight(2))
	}
	return z
}

func (z *zipf) draw(dice *rand.Rand) int {
	if z.alike {
		return dice.IntN(z.n)
	}
	for {
		u := z.high + dice.Float64()*(z.low-z.high)
		x := z.inverse(u)
		k := min(max(math.Round(x), 1), float64(z.n))
		if k-x <= z.sure || u >= z.integral(k+.5)-z.weight(k) {
			return int(k) - 1
		}
	}
}

func (z *zipf) weight(x float64) float64 { return math.Exp(-z.skew * math.Log(x)) }

// integral of the weight from 1 to x: (x^(1-skew) - 1) / (1-skew), and the
// logarithm where the skew is 1.
func (z *zipf) integral(x float64) float64 {
	log := math.Log(x)
	e := (1 - z.skew) * log
	if math.Abs(e) < 1e-12 {
		return log
	}
	return math.Expm1(e) / (1 - z.skew)
}

func (z *zipf) inverse(u float64) float64 {
	e := max(u*(1-z.skew), -1) // rounding may reach past the pole
	if math.Abs(e) < 1e-12 {
		return math.Exp(u)
	}
	return math.Exp(math.Log1p(e) / (1 - z.skew))
}
