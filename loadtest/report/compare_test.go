package report

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func TestCompareGolden(t *testing.T) {
	for _, c := range []struct {
		name  string
		a, b  *Result
		worse bool
	}{
		{"unlike", sample(t, "passed"), sample(t, "wrong"), true},
		{"slower", sample(t, "passed"), slower(t, 1.5), true},
		{"itself", sample(t, "passed"), sample(t, "passed"), false},
		{"empty", sample(t, "interrupted"), sample(t, "interrupted"), false},
	} {
		text, isWorse := Compare(c.a, c.b)
		golden(t, "compare-"+c.name+".golden.txt", []byte(text+"\n"))
		if isWorse != c.worse {
			t.Errorf("%s: worse is %v", c.name, isWorse)
		}
	}
}

// slower is the passed sample with all times stretched.
func slower(t *testing.T, factor float64) *Result {
	t.Helper()
	r := sample(t, "passed")
	r.Run.ID, r.Run.Seed, r.Run.Version = "77aa01d3c4", 8, "v0.5.0"
	r.Run.PlanText = planText("steady", 8)
	for i := range r.Latencies {
		l := &r.Latencies[i]
		h, err := Decode(l.HDR)
		if err != nil {
			t.Fatal(err)
		}
		stretched := NewHistogram()
		for _, bar := range h.counts.Distribution() {
			for range bar.Count {
				stretched.Record(time.Duration(float64(bar.From) * factor * float64(time.Microsecond)))
			}
		}
		l.Corrected, l.HDR = stretched.Quantiles(), stretched.Encode()
	}
	r.Tester.SwitchCPU *= 1.02
	return r
}

func TestWhatIsWorse(t *testing.T) {
	for _, c := range []struct {
		story  string
		change func(a, b *Result)
		want   string // in the reasons; empty: not worse
	}{
		{"nothing changed", func(a, b *Result) {}, ""},
		{"B did not pass", func(a, b *Result) { b.Verdict.Exit, b.Verdict.Word = 99, "threshold missed" }, "A passed, and B is: threshold missed"},
		{"neither passed", func(a, b *Result) {
			for _, r := range []*Result{a, b} {
				r.Verdict.Exit, r.Verdict.Word = 99, "threshold missed"
			}
		}, ""},
		{"only A did not pass", func(a, b *Result) { a.Verdict.Exit, a.Verdict.Word = 99, "threshold missed" }, ""},
		{"one finding", func(a, b *Result) { b.Found[3].Count = 1 }, "a private number stands in a command: 1, was 0"},
		{"fewer findings of one kind, more of another", func(a, b *Result) { a.Found[0].Count, b.Found[1].Count = 9, 1 }, "who has no booking: 1, was 0"},
		{"fewer findings", func(a, b *Result) { a.Found[0].Count, b.Found[0].Count = 2, 1 }, ""},
		{"a kind that A did not look for", func(a, b *Result) {
			a.Found = a.Found[1:]
			b.Found[0].Count = 1
		}, "wrong person: 1, was 0"},
		{"a finding in another plan", func(a, b *Result) {
			b.Run.PlanText += "numbers: 3\n"
			b.Found[0].Count = 1
		}, "wrong person"},
		{"calls failed", func(a, b *Result) { b.Load.CallsFailed = 100 }, "calls failed: 1.6 %, was 0 %"},
		{"calls failed in another plan", func(a, b *Result) {
			b.Run.PlanText += "numbers: 3\n"
			b.Load.CallsFailed = 100
		}, ""},
		{"a few calls failed", func(a, b *Result) { b.Load.CallsFailed = 4 }, ""},
		{"fewer calls failed", func(a, b *Result) { a.Load.CallsFailed = 100 }, ""},
		{"calls dropped", func(a, b *Result) { b.Load.CallsDropped = map[string]int64{"x": 60, "y": 60} }, "calls dropped: 1.9 %"},
		{"webhooks not taken", func(a, b *Result) { b.Latencies[0].Failed = 900 }, "ack failed: 1.6 %"},
		{"CPU", func(a, b *Result) { b.Tester.SwitchCPU *= 1.11 }, "switch, a call"},
		{"a little CPU", func(a, b *Result) { b.Tester.SwitchCPU *= 1.09 }, ""},
		{"CPU of the tester", func(a, b *Result) { b.Tester.CPUPerCall *= 3 }, ""},
		{"CPU on another machine", func(a, b *Result) { b.Tester.SwitchCPU, b.Machine.CPU = 90, "another" }, ""},
		{"CPU of a switch that is not known", func(a, b *Result) { a.Tester.SwitchCPU = 0 }, ""},
		{"CPU with a tester that was the limit", func(a, b *Result) { b.Tester.SwitchCPU, b.Verdict.TesterLimit = 90, true }, ""},
		{"CPU in a longer run", func(a, b *Result) { b.Tester.SwitchCPU, b.Run.Length = 90, 120 }, ""},
		{"CPU with another seed and name", func(a, b *Result) {
			b.Tester.SwitchCPU, b.Run.Seed, b.Run.PlanText = 90, 9, planText("other", 9)
		}, "switch, a call"},
	} {
		a, b := sample(t, "passed"), sample(t, "passed")
		a.Latencies, b.Latencies = a.Latencies[:2], b.Latencies[:2]
		c.change(a, b)
		text, isWorse := Compare(a, b)
		_, reasons, _ := strings.Cut(text, "B IS ")
		if isWorse != (c.want != "") || !strings.Contains(reasons, c.want) {
			t.Errorf("%s: worse is %v, want %q; B IS %s", c.story, isWorse, c.want, reasons)
		}
		if !strings.Contains(text, rule) {
			t.Errorf("%s: the rule is not in the text", c.story)
		}
	}
}

func TestSlowerIsWorse(t *testing.T) {
	a := sample(t, "passed")
	for factor, want := range map[float64]bool{1.5: true, 1.02: false, .7: false} {
		if text, isWorse := Compare(a, slower(t, factor)); isWorse != want {
			t.Errorf("times x %v: worse is %v\n%s", factor, isWorse, text)
		}
	}
	b := slower(t, 3)
	b.Machine.Cores = 8
	if text, isWorse := Compare(a, b); isWorse || !strings.Contains(text, "WARNING: unlike runs") || !strings.Contains(text, "cores: 2, then 8") || strings.Contains(text, "WORSE\n") {
		t.Errorf("on another machine: worse is %v\n%s", isWorse, text)
	}
}

// Two draws from one distribution must not be called worse; the same draws
// shifted must. Fixed seeds: the test is about the rule, not about luck.
func TestChanceIsNotWorse(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	draw := func(n int, factor float64) *Histogram {
		h := NewHistogram()
		for range n {
			h.Record(time.Duration(factor * .01 * math.Exp(.8*rng.NormFloat64()) * float64(time.Second)))
		}
		return h
	}
	wrongly, missed := 0, 0
	for range 200 {
		a := draw(2000, 1)
		if w := weighQuantile(a, draw(2000, 1), .99); w == worse || w == better {
			wrongly++
		}
		if weighQuantile(a, draw(2000, 2.5), .99) != worse {
			missed++
		}
	}
	if wrongly > 0 || missed > 0 {
		t.Errorf("of 200, %d equal ones were told apart, and %d slower ones were not", wrongly, missed)
	}
	if w := weighQuantile(draw(999, 1), draw(5000, 9), .99); w != few {
		t.Errorf("a p99 of 999 samples is judged %q", w)
	}
	if w := weighQuantile(draw(1000, 1), draw(5000, 9), .99); w != worse {
		t.Errorf("a p99 of 1000 samples is judged %q", w)
	}
	h := draw(3000, 1)
	if w := weighQuantile(h, h, .5); w != same {
		t.Errorf("the same histogram is judged %q", w)
	}
}

func TestWeigh(t *testing.T) {
	for _, c := range []struct {
		a, b float64
		want weight
	}{
		{.01, .01, same}, {.01, .01001, same}, {.01, .0108, slight}, {.01, .012, worse}, {.01, .008, better}, {.0001, .0005, slight}, {.0001, .0007, worse}, {0, 0, same}, {0, .01, worse},
	} {
		if got := weigh(c.a, c.b); got != c.want {
			t.Errorf("%v then %v: %q, want %q", c.a, c.b, got, c.want)
		}
	}
	for _, c := range []struct {
		badA, allA, badB, allB int64
		want                   weight
	}{
		{0, 0, 1, 1, few}, {0, 10, 0, 100, same}, {0, 100, 1, 100, noise}, {0, 1000, 50, 1000, worse}, {50, 1000, 0, 1000, better}, {0, 1_000_000, 200, 1_000_000, slight},
	} {
		if got := weighShare(c.badA, c.allA, c.badB, c.allB); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

func TestPlansThatMakeTheSameLoad(t *testing.T) {
	a := "name: a\nabout: x\nseed: 1\ncalls:\n    stages:\n        - for: 1m\n          rate: 10\nthresholds:\n    - dropped<1\n"
	for _, c := range []struct {
		story, b string
		want     int
	}{
		{"the same", a, 0},
		{"name, words, seed and thresholds", "name: b\nabout: y\nseed: 2\n# a remark\ncalls:\n    stages:\n        - for: 1m\n          rate: 10\n\nthresholds:\n- x\n", 0},
		{"a rate", strings.Replace(a, "rate: 10", "rate: 11", 1), 2},
		{"one line more", a + "numbers: 3\n", 1},
		{"the same words under another name", strings.Replace(a, "calls:", "texts:", 1), 6 + 1},
		{"another order", "calls:\n    stages:\n          rate: 10\n        - for: 1m\n", 1},
	} {
		got := planDiff(a, c.b)
		if len(got) != min(c.want, 7) {
			t.Errorf("%s: %q", c.story, got)
		}
	}
}
