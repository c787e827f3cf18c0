package loadtest

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"maskswitch/loadtest/report"
)

// Threshold is one condition on a figure of a run, such as ack.p99<25ms or
// dropped<1.
type Threshold struct {
	expr   string
	figure figure
	op     string
	limit  float64
}

// figure is one that a threshold may name. read reports false if the run has
// nothing to say about it.
type figure struct {
	unit string // "s" for a duration
	read func(*report.Result) (float64, bool)
}

var thresholdForm = regexp.MustCompile(`^\s*([a-z_]+(?:\.[a-z0-9]+)?)\s*(<=|>=|<|>)\s*(\S+)\s*$`)

// ParseThreshold reads a condition. The error says what can be written.
func ParseThreshold(expr string) (Threshold, error) {
	m := thresholdForm.FindStringSubmatch(expr)
	if m == nil {
		return Threshold{}, fmt.Errorf("threshold %q: write a figure, one of < <= > >=, and a limit, such as ack.p99<25ms or dropped<1", expr)
	}
	f, ok := figureNamed(m[1])
	if !ok {
		return Threshold{}, fmt.Errorf("threshold %q: there is no figure %q; take STEP.QUANTILE, with STEP one of %s and QUANTILE one of %s, or one of %s",
			expr, m[1], strings.Join(stepNames(), ", "), strings.Join(quantileNames, ", "), strings.Join(plainNames, ", "))
	}
	t := Threshold{expr: m[1] + m[2] + m[3], figure: f, op: m[2]}
	if f.unit == "s" {
		d, err := time.ParseDuration(m[3])
		if err != nil {
			return t, fmt.Errorf("threshold %q: %s is a time; write 25ms or 1.5s", expr, m[1])
		}
		t.limit = d.Seconds()
		return t, nil
	}
	limit, err := strconv.ParseFloat(m[3], 64)
	if err != nil || math.IsNaN(limit) || math.IsInf(limit, 0) {
		return t, fmt.Errorf("threshold %q: %s is a number; write 1 or 0.01", expr, m[1])
	}
	t.limit = limit
	return t, nil
}

// On holds a run against the threshold. A figure with nothing to measure has no
// value and misses nothing: that nothing happened shows elsewhere.
func (t Threshold) On(r *report.Result) report.Threshold {
	v, ok := t.figure.read(r)
	out := report.Threshold{Expr: t.expr, Unit: t.figure.unit, OK: true}
	if !ok {
		return out
	}
	out.Value = &v
	switch t.op {
	case "<":
		out.OK = v < t.limit
	case "<=":
		out.OK = v <= t.limit
	case ">":
		out.OK = v > t.limit
	case ">=":
		out.OK = v >= t.limit
	}
	return out
}

var quantileNames = []string{"p50", "p90", "p99", "p999", "max", "mean", "count", "failed"}

var plainNames = []string{"dropped", "failed", "failed_share", "findings", "exhausted", "errors", "started_share",
	"lag.p50", "lag.p99", "lag.p999", "lag.max", "cpu_per_call", "proccpu_per_call"}

func stepNames() []string {
	var all []string
	for _, s := range steps {
		all = append(all, s.name)
	}
	return all
}

func figureNamed(name string) (figure, bool) {
	if f, ok := plainFigures[name]; ok {
		return f, true
	}
	step, q, ok := strings.Cut(name, ".")
	if !ok {
		return figure{}, false
	}
	if step == "lag" {
		return quantileOf(q, func(r *report.Result) (report.Quantiles, int64) { return r.Tester.Lag, 0 })
	}
	for _, s := range steps {
		if s.name == step {
			return quantileOf(q, func(r *report.Result) (report.Quantiles, int64) {
				for _, l := range r.Latencies {
					if l.Step == step {
						return l.Corrected, l.Failed
					}
				}
				return report.Quantiles{}, 0
			})
		}
	}
	return figure{}, false
}

func quantileOf(name string, of func(*report.Result) (report.Quantiles, int64)) (figure, bool) {
	pick := map[string]func(report.Quantiles) float64{
		"p50": func(q report.Quantiles) float64 { return q.P50 }, "p90": func(q report.Quantiles) float64 { return q.P90 },
		"p99": func(q report.Quantiles) float64 { return q.P99 }, "p999": func(q report.Quantiles) float64 { return q.P999 },
		"max": func(q report.Quantiles) float64 { return q.Max }, "mean": func(q report.Quantiles) float64 { return q.Mean },
	}[name]
	switch {
	case pick != nil:
		return figure{"s", func(r *report.Result) (float64, bool) { q, _ := of(r); return pick(q), q.Count > 0 }}, true
	case name == "count":
		return figure{"", func(r *report.Result) (float64, bool) { q, _ := of(r); return float64(q.Count), true }}, true
	case name == "failed":
		return figure{"", func(r *report.Result) (float64, bool) { _, n := of(r); return float64(n), true }}, true
	}
	return figure{}, false
}

var plainFigures = map[string]figure{
	"dropped": {"", func(r *report.Result) (float64, bool) { return float64(sum(r.Load.CallsDropped)), true }},
	"failed":  {"", func(r *report.Result) (float64, bool) { return float64(r.Load.CallsFailed), true }},
	"failed_share": {"", func(r *report.Result) (float64, bool) {
		return ratio(float64(r.Load.CallsFailed), float64(r.Load.CallsEnded))
	}},
	"started_share": {"", func(r *report.Result) (float64, bool) {
		return ratio(r.Load.StartedRate, r.Load.PlannedRate)
	}},
	"findings": {"", func(r *report.Result) (float64, bool) { return float64(findings(r)), true }},
	"exhausted": {"", func(r *report.Result) (float64, bool) {
		return float64(r.Load.Bookings["create exhausted"]), true
	}},
	"errors": {"", func(r *report.Result) (float64, bool) {
		n := int64(0)
		for _, e := range r.Errors {
			if !e.Planned {
				n += e.Count
			}
		}
		return float64(n), true
	}},
	"cpu_per_call": {"s", func(r *report.Result) (float64, bool) { return r.Tester.CPUPerCall, r.Tester.CPUPerCall > 0 }},
	"proccpu_per_call": {"s", func(r *report.Result) (float64, bool) {
		per, ok := ratio(r.Tester.SwitchCPU, float64(r.Load.CallsEnded))
		return per, ok && r.Tester.SwitchCPU > 0
	}},
}

func findings(r *report.Result) (n int64) {
	for _, f := range r.Found {
		n += f.Count
	}
	return n
}

func sum(m map[string]int64) (n int64) {
	for _, v := range m {
		n += v
	}
	return n
}

func ratio(a, b float64) (float64, bool) {
	if b == 0 {
		return 0, false
	}
	return a / b, true
}
