package alerts

import (
	"fmt"
	"strings"
)

const head = "# Made from the table in this package by go test ./metrics/alerts -update; a change here is lost.\n"

// Render writes groups as a file of Prometheus'.
func Render(groups []Group) string {
	var b strings.Builder
	b.WriteString(head + "groups:\n")
	for _, g := range groups {
		fmt.Fprintf(&b, "  - name: %s\n", g.Name)
		if g.Interval != "" {
			fmt.Fprintf(&b, "    interval: %s\n", g.Interval)
		}
		b.WriteString("    rules:\n")
		for _, r := range g.Rules {
			fmt.Fprintf(&b, "      - record: %s\n", r.Record)
			block(&b, "        ", "expr", r.Expr)
			mapping(&b, "        ", "labels", r.Labels)
		}
		for _, a := range g.Alerts {
			fmt.Fprintf(&b, "      - alert: %s\n", a.Name)
			block(&b, "        ", "expr", a.Expr)
			if a.For != "" {
				fmt.Fprintf(&b, "        for: %s\n", a.For)
			}
			mapping(&b, "        ", "labels", [][2]string{{"severity", string(a.Severity)}})
			mapping(&b, "        ", "annotations", a.annotations(a.Summary))
		}
	}
	return b.String()
}

func (a Alert) annotations(summary string) [][2]string {
	return [][2]string{{"summary", summary}, {"runbook", "metrics/RUNBOOK.md#" + a.Anchor}}
}

// Kind says what an alert's cases need.
type Kind int

// A test loads the rules that it needs and no others, and what lasts for more than
// a week has a sample each five minutes: else they would take minutes.
const (
	Plain  Kind = iota // nothing besides the alerts
	OfSLO              // how much goes wrong
	Weekly             // indicators, of more than a week
)

// Tests writes what promtool tests the alerts of a kind with: each fires in one
// case, and is silent in another.
func Tests(list []Alert, kind Kind) string {
	files, interval, evaluation, order := "", "1m", "1m", ""
	switch kind {
	case OfSLO:
		files = "  - ../slo.yml\n"
	case Weekly:
		files, interval, evaluation = "  - ../indicators.yml\n", "5m", "15m"
		order = "group_eval_order: [maskswitch-indicators]\n"
	}
	var b strings.Builder
	b.WriteString(head + "rule_files:\n" + files + "  - ../alerts.yml\nevaluation_interval: " + evaluation + "\n" + order + "tests:\n")
	for _, a := range list {
		if a.kind != kind {
			continue
		}
		for _, c := range []struct {
			Case
			fires bool
		}{{a.Fires, true}, {a.Silent, false}} {
			fmt.Fprintf(&b, "  - name: %s\n    interval: %s\n    input_series:\n", quoted(a.Name+": "+c.Story), interval)
			for _, s := range c.Series {
				fmt.Fprintf(&b, "      - series: %s\n        values: %s\n", quoted(s.Name), quoted(s.Values))
			}
			fmt.Fprintf(&b, "    alert_rule_test:\n      - eval_time: %s\n        alertname: %s\n", c.At, a.Name)
			if !c.fires {
				b.WriteString("        exp_alerts: []\n")
				continue
			}
			b.WriteString("        exp_alerts:\n          - exp_labels:\n")
			for _, l := range append([][2]string{{"severity", string(a.Severity)}}, c.Labels...) {
				fmt.Fprintf(&b, "              %s: %s\n", l[0], quoted(l[1]))
			}
			mapping(&b, "            ", "exp_annotations", a.annotations(c.Summary))
		}
	}
	return b.String()
}

func block(b *strings.Builder, indent, name, text string) {
	if !strings.Contains(text, "\n") {
		fmt.Fprintf(b, "%s%s: %s\n", indent, name, quoted(text))
		return
	}
	fmt.Fprintf(b, "%s%s: |\n", indent, name)
	for line := range strings.Lines(text + "\n") {
		b.WriteString(indent + "  " + line)
	}
}

func mapping(b *strings.Builder, indent, name string, pairs [][2]string) {
	if len(pairs) == 0 {
		return
	}
	fmt.Fprintf(b, "%s%s:\n", indent, name)
	for _, p := range pairs {
		fmt.Fprintf(b, "%s  %s: %s\n", indent, p[0], quoted(p[1]))
	}
}

// quoted is a scalar in single quotes, in which YAML knows one escape only.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
