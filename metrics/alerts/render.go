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
