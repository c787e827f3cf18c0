package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// rule is printed under every comparison: what Compare calls worse.
const rule = `B is worse if A passed and B did not; if B shows more of any kind of wrong behaviour; if a larger
share of its calls failed or was dropped, or of its steps failed, by more than 0.1 % of all and than
chance explains; or if p50, p99 or p99.9 of a step, or the switch's CPU a call, is more than 10 % and
0.5 ms (CPU: 10 %) above A's. A quantile needs 10 samples beyond it, and the ranges in which chance
lets it lie (3 standard deviations) must not touch. Shares are judged only between runs of the same
plan; times and CPU only if also length and processor are the same and the tester was not the limit.
`

// comparison is written as it is judged.
type comparison struct {
	a, b  *Result
	out   strings.Builder
	worse []string
	load  bool // shares of failures are judged
	speed bool // times and CPU are judged
}

// Compare holds run b against run a, for people, and says whether b is worse by
// the rule that the text ends with.
func Compare(a, b *Result) (text string, isWorse bool) {
	c := &comparison{a: a, b: b}
	t := table{}
	for i, r := range []*Result{a, b} {
		t.add([...]string{"A", "B"}[i], r.Run.Plan, "run "+r.Run.ID, r.Run.Started.UTC().Format("2006-01-02 15:04:05 UTC"),
			r.Run.Version, fmt.Sprintf("%s (exit %d)", r.Verdict.Word, r.Verdict.Exit))
	}
	c.out.WriteString(t.String())
	c.differences()
	if a.Verdict.Exit == 0 && b.Verdict.Exit != 0 {
		c.worse = append(c.worse, "A passed, and B is: "+b.Verdict.Word)
	}
	c.findings()
	c.shares()
	c.latencies()
	c.cpu()
	c.verdict()
	return c.out.String(), len(c.worse) > 0
}

func (c *comparison) differences() {
	u := unlikes(c.a, c.b)
	c.load = len(u.plan) == 0
	c.speed = c.load && len(u.speed) == 0
	if !c.speed {
		what := "times and CPU are shown and not judged"
		if !c.load {
			what = "only the verdict and wrong behaviour are judged, the rest is shown"
		}
		fmt.Fprintf(&c.out, "\nWARNING: unlike runs; %s\n", what)
		for _, d := range append(u.plan, u.speed...) {
			fmt.Fprintf(&c.out, "  %s\n", d)
		}
	}
	if len(u.other) > 0 {
		c.out.WriteString("\nalso different\n")
		for _, d := range u.other {
			fmt.Fprintf(&c.out, "  %s\n", d)
		}
	}
}

func (c *comparison) findings() {
	before, titles := map[string]int64{}, map[string]string{}
	for _, f := range c.a.Found {
		before[f.Kind] = f.Count
		titles[f.Kind] = f.Title
	}
	t := table{indent: "  ", right: []int{0, 1}}
	t.add("A", "B", "")
	after := map[string]int64{}
	for _, f := range c.b.Found {
		after[f.Kind] = f.Count
		titles[f.Kind] = f.Title
	}
	for _, kind := range slices.Sorted(maps.Keys(titles)) {
		x, inA := before[kind]
		y, inB := after[kind]
		if x == 0 && y == 0 && inA && inB {
			continue
		}
		note := ""
		switch {
		case !inA:
			note = "  (not looked for in A)"
		case !inB:
			note = "  (not looked for in B)"
		}
		if y > x {
			note += "  WORSE"
			c.worse = append(c.worse, fmt.Sprintf("wrong behaviour, %s: %d, was %d", titles[kind], y, x))
		}
		t.add(whole(x), whole(y), titles[kind]+note)
	}
	if len(t.rows) == 1 {
		c.out.WriteString("\nwrong behaviour: none in either\n")
		return
	}
	c.out.WriteString("\nwrong behaviour\n" + t.String())
}

func (c *comparison) shares() {
	t := table{indent: "  ", right: []int{1, 2, 3, 4}}
	t.add("", "A", "", "B", "", "")
	one := func(name string, badA, allA, badB, allB int64) {
		w := weighShare(badA, allA, badB, allB)
		t.add(name, whole(badA), ofAll(badA, allA), whole(badB), ofAll(badB, allB), w.judged(c.load))
		if w == worse && c.load {
			c.worse = append(c.worse, fmt.Sprintf("%s: %s, was %s", name, ofAll(badB, allB), ofAll(badA, allA)))
		}
	}
	x, y := &c.a.Load, &c.b.Load
	t.add("calls started", whole(x.CallsStarted), rate(x.StartedRate), whole(y.CallsStarted), rate(y.StartedRate), "")
	droppedA, droppedB := sum(x.CallsDropped), sum(y.CallsDropped)
	one("calls dropped", droppedA, x.CallsStarted+droppedA, droppedB, y.CallsStarted+droppedB)
	one("calls failed", x.CallsFailed, max(x.CallsEnded, x.CallsFailed), y.CallsFailed, max(y.CallsEnded, y.CallsFailed))
	for _, p := range steps(c.a, c.b) {
		if p.a != nil && p.b != nil && p.a.Failed+p.b.Failed > 0 {
			one(p.step+" failed", p.a.Failed, p.a.Corrected.Count+p.a.Failed, p.b.Failed, p.b.Corrected.Count+p.b.Failed)
		}
	}
	c.out.WriteString("\nload and failures\n" + t.String())
}

// both is a step in both runs; nil: only the other has it.
type both struct {
	step string
	a, b *Latency
}

func steps(a, b *Result) []both {
	var all []both
	for i := range a.Latencies {
		all = append(all, both{a.Latencies[i].Step, &a.Latencies[i], nil})
	}
	for i := range b.Latencies {
		l := &b.Latencies[i]
		if at := slices.IndexFunc(all, func(p both) bool { return p.step == l.Step }); at >= 0 {
			all[at].b = l
		} else {
			all = append(all, both{l.Step, nil, l})
		}
	}
	return all
}

// compared are the quantiles of a step that are shown.
var compared = []struct {
	name string
	q    float64
}{{"p50", .5}, {"p99", .99}, {"p99.9", .999}}

func (c *comparison) latencies() {
	t := table{indent: "  ", right: []int{2, 3, 4}}
	t.add("", "", "A", "B", "B/A", "")
	for _, p := range steps(c.a, c.b) {
		if p.a == nil || p.b == nil || p.a.Corrected.Count == 0 || p.b.Corrected.Count == 0 {
			t.add(p.step, "", had(p.a), had(p.b), "", "")
			continue
		}
		x, errA := Decode(p.a.HDR)
		y, errB := Decode(p.b.HDR)
		if errA != nil || errB != nil {
			t.add(p.step, "", "", "", "", "the histogram cannot be read")
			continue
		}
		for i, one := range compared {
			name := p.step
			if i > 0 {
				name = ""
			}
			w := weighQuantile(x, y, one.q)
			va, vb := x.At(one.q), y.At(one.q)
			t.add(name, one.name, span(va), span(vb), ratioText(va, vb), w.judged(c.speed))
			if w == worse && c.speed {
				c.worse = append(c.worse, fmt.Sprintf("%s %s: %s, was %s", p.step, one.name, span(vb), span(va)))
			}
		}
	}
	if len(t.rows) == 1 {
		c.out.WriteString("\nlatency: nothing was measured in either\n")
		return
	}
	c.out.WriteString("\nlatency from the due instant\n" + t.String())
}

func had(l *Latency) string {
	if l == nil || l.Corrected.Count == 0 {
		return "not measured"
	}
	return "p50 " + span(l.Corrected.P50)
}

func ratioText(a, b float64) string {
	if a == 0 {
		return "-"
	}
	return three(b / a)
}

func (c *comparison) cpu() {
	t := table{indent: "  ", right: []int{1, 2, 3}}
	t.add("", "A", "B", "B/A", "")
	one := func(name string, a, b float64, judged bool) {
		if a <= 0 || b <= 0 {
			t.add(name, cpuText(a), cpuText(b), "-", "")
			return
		}
		w := weighCPU(a, b)
		t.add(name, span(a), span(b), ratioText(a, b), w.judged(judged && c.speed))
		if judged && w == worse && c.speed {
			c.worse = append(c.worse, fmt.Sprintf("%s: %s, was %s", name, span(b), span(a)))
		}
	}
	per := func(r *Result) float64 {
		if r.Load.CallsEnded == 0 {
			return 0
		}
		return r.Tester.SwitchCPU / float64(r.Load.CallsEnded)
	}
	one("switch, a call", per(c.a), per(c.b), true)
	one("tester, a call", c.a.Tester.CPUPerCall, c.b.Tester.CPUPerCall, false)
	c.out.WriteString("\nCPU\n" + t.String())
}

func cpuText(v float64) string {
	if v <= 0 {
		return "not known"
	}
	return span(v)
}

// weighCPU compares CPU a call: a sum over a whole run, with no floor.
func weighCPU(a, b float64) weight {
	switch r := b / a; {
	case r > 1-digitsNoise && r < 1+digitsNoise:
		return same
	case r > 1+limit:
		return worse
	case r < 1-limit:
		return better
	}
	return slight
}

func (c *comparison) verdict() {
	fmt.Fprintf(&c.out, "\n%s\n", rule)
	if len(c.worse) == 0 {
		c.out.WriteString("B IS NOT WORSE")
		switch {
		case !c.load:
			c.out.WriteString(" in what could be judged; failures, times and CPU were not")
		case !c.speed:
			c.out.WriteString(" in what could be judged; times and CPU were not")
		}
		return
	}
	c.out.WriteString("B IS WORSE")
	for _, w := range c.worse {
		c.out.WriteString("\n  " + w)
	}
}
