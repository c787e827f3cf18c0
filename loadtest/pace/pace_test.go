package pace

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func all(p *Pace) []time.Duration {
	var due []time.Duration
	for at, ok := p.Next(); ok; at, ok = p.Next() {
		due = append(due, at)
	}
	return due
}

// within counts the instants in [from, to).
func within(due []time.Duration, from, to time.Duration) int {
	a, _ := slices.BinarySearch(due, from)
	b, _ := slices.BinarySearch(due, to)
	return b - a
}

func TestEvenArrivalsAreWhereTheIntegralIsWhole(t *testing.T) {
	ms := func(list ...float64) []time.Duration {
		var due []time.Duration
		for _, m := range list {
			due = append(due, time.Duration(m*float64(time.Millisecond)))
		}
		return due
	}
	s := time.Second
	for _, c := range []struct {
		story  string
		stages []Stage
		want   []time.Duration
	}{
		{"steady", []Stage{{For: s, From: 4, To: 4}}, ms(250, 500, 750, 1000)},
		{"0.3 s of ten a second are three, whatever floats make of it", []Stage{{For: 300 * time.Millisecond, From: 10, To: 10}}, ms(100, 200, 300)},
		{"and 2.8 s of 22.5 a second are 63", []Stage{{For: 2800 * time.Millisecond, From: 22.5, To: 22.5}}, nil},
		{"from nothing: the square root of time", []Stage{{For: 2 * s, From: 0, To: 2}}, ms(1414.213562373, 2000)},
		{"to nothing: the mirror image", []Stage{{For: 2 * s, From: 2, To: 0}}, ms(585.786437627, 2000)},
		{"a step that one stage begins, the next completes", []Stage{{For: s, From: .5, To: .5}, {For: s, From: 1, To: 1}}, ms(1500)},
		{"through a silence", []Stage{{For: s, From: 1.5, To: 1.5}, {For: 10 * s}, {For: s, From: 1, To: 1}}, ms(666.666666666, 11500)},
		{"a burst comes on top, and moves nobody", []Stage{{For: s, From: 2, To: 2}, {For: s, From: 2, To: 2, Burst: 3}}, ms(500, 1000, 1000, 1000, 1000, 1500, 2000)},
		{"a burst in a silence", []Stage{{For: s}, {For: s, Burst: 2}}, ms(1000, 1000)},
		{"nobody", []Stage{{For: time.Hour}}, nil},
		{"no stages", nil, nil},
	} {
		got := all(New(c.stages, Even, 1))
		if n := math.Round(Planned(c.stages)); c.want == nil && n > 0 { // too many to write down
			if float64(len(got)) != n {
				t.Errorf("%s: %d arrivals, want %v", c.story, len(got), n)
			}
			continue
		}
		if len(got) != len(c.want) {
			t.Errorf("%s: got %v, want %v", c.story, got, c.want)
			continue
		}
		for i := range got {
			if d := got[i] - c.want[i]; d < -2 || d > 2 { // nanoseconds
				t.Errorf("%s: arrival %d is due at %v, want %v", c.story, i, got[i], c.want[i])
			}
		}
	}
}

// The count of a Poisson process has its mean as its variance, and its gaps are
// exponential: as long on average as they vary.
func TestPoissonMeetsItsTheory(t *testing.T) {
	const rate, runs = 200.0, 400
	stages := []Stage{{For: 10 * time.Second, From: rate, To: rate}}
	mean := Planned(stages)
	if mean != 2000 {
		t.Fatalf("planned %v", mean)
	}
	var sum, squares, gaps, gapSquares, few float64
	for seed := range uint64(runs) {
		due := all(New(stages, Poisson, seed))
		n := float64(len(due))
		sum += n
		squares += (n - mean) * (n - mean)
		last := time.Duration(0)
		for _, at := range due {
			g := (at - last).Seconds()
			gaps += g
			gapSquares += g * g
			if g < math.Ln2/rate { // half of all gaps
				few++
			}
			last = at
		}
	}
	// Bounds of five standard errors.
	if got := sum / runs; math.Abs(got-mean) > 5*math.Sqrt(mean/runs) {
		t.Errorf("mean count %.2f, want %.0f", got, mean)
	}
	if got := squares / runs / mean; math.Abs(got-1) > 5*math.Sqrt(2.0/runs) {
		t.Errorf("the variance is %.3f of the mean, want 1", got)
	}
	gap := gaps / sum
	if math.Abs(gap*rate-1) > .01 {
		t.Errorf("mean gap %v s, want %v", gap, 1/rate)
	}
	if got := math.Sqrt(gapSquares/sum-gap*gap) / gap; math.Abs(got-1) > .01 {
		t.Errorf("the gaps vary by %.4f of their mean, want 1", got)
	}
	if got := few / sum; math.Abs(got-.5) > 5*math.Sqrt(.25/sum) {
		t.Errorf("%.4f of the gaps are below the median, want 0.5", got)
	}
}

// On a ramp the count of each part is Poisson with that part of the integral.
func TestPoissonOnARamp(t *testing.T) {
	for _, stages := range [][]Stage{
		{{For: 100 * time.Second, From: 0, To: 400}},
		{{For: 100 * time.Second, From: 400, To: 0}},
		{{For: 40 * time.Second, From: 100, To: 300}, {For: 20 * time.Second}, {For: 40 * time.Second, From: 300, To: 10}},
	} {
		const runs, parts = 20, 10
		chi := 0.0
		var counts [parts]float64
		for seed := range uint64(runs) {
			due := all(New(stages, Poisson, seed))
			for i := range counts {
				counts[i] += float64(within(due, time.Duration(i)*10*time.Second, time.Duration(i+1)*10*time.Second))
			}
		}
		free := 0
		for i, n := range counts {
			want := runs * integral(stages, float64(i)*10, float64(i+1)*10)
			if want == 0 {
				if n != 0 {
					t.Errorf("%v: %v arrivals in a silence", stages, n)
				}
				continue
			}
			free++
			chi += (n - want) * (n - want) / want
		}
		if most := float64(free) + 5*math.Sqrt(2*float64(free)); chi > most {
			t.Errorf("%v: counts %v have a chi-square of %.1f, want at most %.1f", stages, counts, chi, most)
		}
	}
}

// integral sums the rate over [a, b) seconds by small steps, in another way
// than the package does.
func integral(stages []Stage, a, b float64) float64 {
	const step = 1e-3
	sum, begin := 0.0, 0.0
	for _, s := range stages {
		end := begin + s.For.Seconds()
		for t := max(a, begin); t < min(b, end)-step/2; t += step {
			at := (t + step/2 - begin) / s.For.Seconds()
			sum += (s.From*(1-at) + s.To*at) * step
		}
		begin = end
	}
	return sum
}

var anyStages = rapid.Custom(func(t *rapid.T) []Stage {
	rate := rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(0, 300))
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Stage {
		s := Stage{
			For:   time.Duration(rapid.Int64Range(1, int64(3*time.Second)).Draw(t, "for")),
			From:  rate.Draw(t, "from"),
			Burst: rapid.OneOf(rapid.Just(0), rapid.IntRange(0, 20)).Draw(t, "burst"),
		}
		s.To = s.From
		if rapid.Bool().Draw(t, "ramp") {
			s.To = rate.Draw(t, "to")
		}
		return s
	}), 0, 5).Draw(t, "stages")
})

func TestOrderAndCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stages := anyStages.Draw(t, "stages")
		arrivals := rapid.SampledFrom([]Arrivals{Poisson, Even}).Draw(t, "arrivals")
		seed := rapid.Uint64().Draw(t, "seed")
		if err := Check(stages); err != nil {
			t.Fatalf("%+v: %v", stages, err)
		}
		due := all(New(stages, arrivals, seed))
		if !slices.IsSorted(due) {
			t.Fatal("not in order")
		}
		if n := len(due); n > 0 && (due[0] < 0 || due[n-1] > Length(stages)) {
			t.Fatalf("from %v to %v in a run of %v", due[0], due[n-1], Length(stages))
		}
		begin := time.Duration(0)
		for _, s := range stages {
			if n := within(due, begin, begin+1); n < s.Burst {
				t.Fatalf("%d at %v, where %d come at once", n, begin, s.Burst)
			}
			begin += s.For
		}
		if planned := Planned(stages); arrivals == Even {
			if n := float64(len(due)); n > planned+1e-9 || n <= planned-1-1e-9 {
				t.Fatalf("%v even arrivals, where %v are planned", n, planned)
			}
		}
		if again := all(New(stages, arrivals, seed)); !slices.Equal(due, again) {
			t.Fatal("the same arguments gave another run")
		}
	})
}

// On a ramp of months the instant of a sum can be some nanoseconds before that
// of a smaller one.
func TestRoundingDoesNotBreakTheOrder(t *testing.T) {
	s := Stage{For: 29599833724022476, From: 98.4054163964673, To: 200}
	const first = 3.851461739360128e+09
	second := math.Nextafter(first, 2*first)
	if s.after(second) >= s.after(first) {
		t.Fatal("these two are in order, and show nothing")
	}
	p := New([]Stage{s}, Even, 1)
	p.step = first
	one, _ := p.Next()
	p.step = second - first
	if two, ok := p.Next(); !ok || two != one {
		t.Errorf("after %v comes %v", one, two)
	}
}

func TestAnotherSeedIsAnotherRun(t *testing.T) {
	stages := []Stage{{For: time.Minute, From: 50, To: 50}}
	one, two := all(New(stages, Poisson, 1)), all(New(stages, Poisson, 2))
	if slices.Equal(one, two) {
		t.Error("seeds 1 and 2 give the same instants")
	}
	if a, b := all(New(stages, Even, 1)), all(New(stages, Even, 2)); !slices.Equal(a, b) {
		t.Error("even arrivals depend on the seed")
	}
}

// Somebody may change the stages that were handed in, and the end stays an end.
func TestItsStagesAreItsOwn(t *testing.T) {
	stages := []Stage{{For: time.Second, From: 3, To: 3}}
	p := New(stages, Even, 1)
	stages[0].From, stages[0].To = 1000, 1000
	if n := len(all(p)); n != 3 {
		t.Errorf("%d arrivals, want 3", n)
	}
	if at, ok := p.Next(); ok {
		t.Errorf("after the end comes %v", at)
	}
}

func BenchmarkNext(b *testing.B) {
	for _, a := range []Arrivals{Poisson, Even} {
		b.Run(a.String(), func(b *testing.B) {
			b.ReportAllocs()
			stages := []Stage{{For: 24 * time.Hour, From: 0, To: 1e6}}
			p := New(stages, a, 1)
			for b.Loop() {
				if _, ok := p.Next(); !ok {
					p = New(stages, a, 1)
				}
			}
		})
	}
}
