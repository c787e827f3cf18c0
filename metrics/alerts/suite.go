package alerts

import (
	"fmt"
	"strings"
)

// Suite is a file of cases that promtool runs. How far apart samples and
// evaluations are goes by how far its alerts look back: a sample a minute for
// three days would take promtool minutes.
type Suite int

// Minutes is what most alerts are in. Fast and Slow are the burning budgets.
const (
	Minutes Suite = iota
	Days
	Weeks
	Fast
	Slow
)

// Suites are all of them.
func Suites() []Suite { return []Suite{Minutes, Days, Weeks, Fast, Slow} }

func (s Suite) String() string { return [...]string{"minutes", "days", "weeks", "fast", "slow"}[s] }

// times are how far apart samples and evaluations are.
func (s Suite) times() (sample, evaluation string) {
	switch s {
	case Days:
		return "5m", "5m"
	case Weeks:
		return "5m", "1h"
	case Fast:
		return "2m", "30m"
	case Slow:
		return "30m", "2h"
	}
	return "1m", "1m"
}

// rules are the files that its alerts need, in the order in which Prometheus has
// to evaluate them, and their groups.
func (s Suite) rules() (files []string, groups []Group) {
	switch s {
	case Weeks:
		files, groups = []string{"indicators.yml"}, Indicators()
	case Fast, Slow:
		files, groups = []string{"slo.yml"}, Budgets()
	}
	return append(files, "alerts.yml"), append(groups, Alerting()...)
}

// Tests writes the file of a suite.
func Tests(list []Alert, s Suite) string {
	var b strings.Builder
	sample, evaluation := s.times()
	files, groups := s.rules()
	b.WriteString(head + "rule_files:\n")
	for _, file := range files {
		fmt.Fprintf(&b, "  - ../%s\n", file)
	}
	// Groups without a place come in any order, and what one records the next may
	// not see until the evaluation after.
	fmt.Fprintf(&b, "evaluation_interval: %s\ngroup_eval_order:\n", evaluation)
	for _, g := range groups {
		fmt.Fprintf(&b, "  - %s\n", g.Name)
	}
	b.WriteString("tests:\n")
	for _, a := range list {
		if a.suite != s {
			continue
		}
		for _, c := range a.Cases() {
			fmt.Fprintf(&b, "  - name: %s\n    interval: %s\n    input_series:\n", quoted(a.Name+": "+c.Story), sample)
			for _, series := range c.Series {
				fmt.Fprintf(&b, "      - series: %s\n        values: %s\n", quoted(series.Name), quoted(series.Values))
			}
			b.WriteString("    alert_rule_test:\n")
			if c.Early != "" {
				silent(&b, a.Name, c.Early)
			}
			if c.Summary == "" {
				silent(&b, a.Name, c.At)
				continue
			}
			fmt.Fprintf(&b, "      - eval_time: %s\n        alertname: %s\n", c.At, a.Name)
			b.WriteString("        exp_alerts:\n          - exp_labels:\n")
			for _, l := range append([][2]string{{"severity", string(a.Severity)}}, c.Labels...) {
				fmt.Fprintf(&b, "              %s: %s\n", l[0], quoted(l[1]))
			}
			mapping(&b, "            ", "exp_annotations", a.annotations(c.Summary))
		}
	}
	return b.String()
}

func silent(b *strings.Builder, alert, at string) {
	fmt.Fprintf(b, "      - eval_time: %s\n        alertname: %s\n        exp_alerts: []\n", at, alert)
}

// stretch is a part of a counter's history: so many samples, each so much more
// than the one before.
type stretch struct{ samples, more int }

// counter writes a counter's history in promtool's notation.
func counter(stretches ...stretch) string {
	var parts []string
	now, samples := 0, 0
	for _, s := range stretches {
		if samples == 0 {
			parts = append(parts, fmt.Sprintf("0+%dx%d", s.more, s.samples))
		} else {
			parts = append(parts, fmt.Sprintf("%d+%dx%d", now+s.more, s.more, s.samples-1))
		}
		now += s.more * s.samples
		samples += s.samples
	}
	return strings.Join(parts, " ")
}
