package report

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Bounds on what a file may hold: far beyond any run, and small enough to draw.
const (
	mostSteps  = 200
	mostRows   = 2000
	mostValues = 64 << 20
)

// checker collects what is wrong, and no more of it than anybody reads.
type checker struct{ wrong []error }

func (c *checker) refuse(format string, args ...any) {
	if len(c.wrong) < 10 {
		c.wrong = append(c.wrong, fmt.Errorf(format, args...))
	}
}

func (c *checker) finite(name string, v float64) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		c.refuse("%s is %v", name, v)
	}
}

// amount is finite and at least 0.
func (c *checker) amount(name string, v float64) {
	if !(v >= 0) || math.IsInf(v, 0) {
		c.refuse("%s is %v; it must be 0 or more", name, v)
	}
}

func (c *checker) counts(name string, all ...int64) {
	for _, n := range all {
		if n < 0 {
			c.refuse("%s counts %d; a count is 0 or more", name, n)
		}
	}
}

func (c *checker) countsOf(name string, m map[string]int64) {
	for key, n := range m {
		c.counts(fmt.Sprintf("%s[%.40q]", name, key), n)
	}
}

// quantiles must not fall. They come from buckets of three digits, and the mean
// is exact, so that it may lie a little above the maximum of a decoded one.
func (c *checker) quantiles(name string, q Quantiles) {
	c.counts(name+".count", q.Count)
	all := []float64{q.P50, q.P90, q.P99, q.P999, q.Max}
	for _, v := range append(all, q.Mean) {
		c.amount(name, v)
	}
	if !slices.IsSorted(all) {
		c.refuse("%s falls: p50 %v, p90 %v, p99 %v, p99.9 %v, maximum %v", name, q.P50, q.P90, q.P99, q.P999, q.Max)
	}
	if q.Count == 0 && (q != Quantiles{}) {
		c.refuse("%s has times and counts none", name)
	}
}

// check holds every field against what it can be.
func (r *Result) check() error {
	var c checker
	if r.Schema != Schema {
		c.refuse("the schema is %.60q and must be %q", r.Schema, Schema)
	}
	if r.Verdict.Word == "" {
		c.refuse("verdict.word is missing")
	}
	if e := r.Verdict.Exit; e < 0 || e > 255 {
		c.refuse("verdict.exit is %d; an exit code is 0 to 255", e)
	}
	if (r.Verdict.Exit == 0) != (r.Verdict.Word == "passed") {
		c.refuse("the verdict is %.40q with exit code %d", r.Verdict.Word, r.Verdict.Exit)
	}
	c.amount("run.length", r.Run.Length)
	for _, t := range r.Thresholds {
		if t.Value != nil {
			c.finite(fmt.Sprintf("threshold %.60q", t.Expr), *t.Value)
		}
	}
	c.load(&r.Load)
	c.latencies(r.Latencies)
	for _, l := range r.Ladders {
		c.counts("ladder "+l.Script, l.Calls)
		for _, g := range l.Rungs {
			c.counts("ladder "+l.Script+", "+g.Step, g.Sent, g.Received, g.Duplicate, g.Late, g.Missing, g.Unexpected)
		}
	}
	for _, e := range r.Errors {
		c.counts(fmt.Sprintf("error %.40q of %.40q", e.What, e.Where), e.Count)
	}
	for _, b := range r.Budgets {
		c.counts(fmt.Sprintf("budget %.60q", b.Name), b.Good, b.Total)
		if !(b.Objective > 0 && b.Objective <= 1) || b.Good > b.Total {
			c.refuse("budget %.60q is %d of %d with an objective of %v", b.Name, b.Good, b.Total, b.Objective)
		}
	}
	for _, f := range r.Found {
		c.counts(fmt.Sprintf("findings of %.60q", f.Kind), f.Count)
	}
	if r.Verdict.Exit == 0 && wrong(r) > 0 {
		c.refuse("the verdict is %q with %d findings", r.Verdict.Word, wrong(r))
	}
	for _, f := range r.Findings {
		c.finite("the instant of a finding", f.At)
	}
	for _, m := range r.Marks {
		c.finite("the instant of a mark", m.At)
	}
	c.series(&r.Series)
	t := &r.Tester
	for name, v := range map[string]float64{"cpu": t.CPU, "cpu_per_call": t.CPUPerCall, "cpu_share": t.CPUShare, "busy": t.Busy, "switch_cpu": t.SwitchCPU} {
		c.amount("tester."+name, v)
	}
	c.quantiles("tester.lag", t.Lag)
	c.counts("machine.cores", int64(r.Machine.Cores))
	c.counts("machine.memory", r.Machine.Memory)
	return errors.Join(c.wrong...)
}

func (c *checker) load(l *Load) {
	c.counts("load", l.CallsPlanned, l.CallsStarted, l.CallsEnded, l.CallsFailed, l.MostActive, int64(l.Kills))
	c.amount("load.planned_rate", l.PlannedRate)
	c.amount("load.started_rate", l.StartedRate)
	c.countsOf("load.calls_dropped", l.CallsDropped)
	c.countsOf("load.outcomes", l.Outcomes)
	c.countsOf("load.bookings", l.Bookings)
	c.countsOf("load.webhooks", l.Webhooks)
	c.countsOf("load.commands", l.Commands)
}

func (c *checker) latencies(all []Latency) {
	if len(all) > mostSteps {
		c.refuse("there are latencies of %d steps; at most %d can be read", len(all), mostSteps)
		return
	}
	seen := map[string]bool{}
	for _, l := range all {
		if seen[l.Step] || l.Step == "" {
			c.refuse("latency %.40q is there twice, or has no name", l.Step)
		}
		seen[l.Step] = true
		c.quantiles(l.Step+" corrected", l.Corrected)
		c.quantiles(l.Step+" uncorrected", l.Uncorrected)
		c.counts(l.Step+".failed", l.Failed)
		c.histogram(l.Step+".hdr", l.HDR, l.Corrected.Count)
		if l.UncorrectedHDR != "" {
			c.histogram(l.Step+".uncorrected_hdr", l.UncorrectedHDR, l.Uncorrected.Count)
		}
	}
}

func (c *checker) histogram(name, text string, want int64) {
	h, err := Decode(text)
	switch {
	case err != nil:
		c.refuse("%s: %w", name, err)
	case h.Count() != want:
		c.refuse("%s has %d values, and %d were counted", name, h.Count(), want)
	}
}

func (c *checker) series(s *Series) {
	if len(s.Rows) > mostRows || len(s.Rows)*len(s.Time) > mostValues {
		c.refuse("the series have %d rows of %d seconds; that is more than can be drawn", len(s.Rows), len(s.Time))
		return
	}
	for i, t := range s.Time {
		c.finite("series.time", t)
		if i > 0 && t <= s.Time[i-1] {
			c.refuse("series.time does not rise: %v after %v", t, s.Time[i-1])
		}
	}
	for _, row := range s.Rows {
		name := fmt.Sprintf("series %.40q, %.40q", row.Plot, row.Name)
		if len(row.Values) != len(s.Time) {
			c.refuse("%s has %d values for %d seconds", name, len(row.Values), len(s.Time))
		}
		for _, v := range row.Values {
			if v != nil {
				c.finite(name, *v)
			}
		}
	}
}
