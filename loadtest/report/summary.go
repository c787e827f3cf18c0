package report

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// summaryFindings is how many findings a summary tells; the page has them all.
const summaryFindings = 2

// Summary is the result in about 40 lines for a terminal, ending with the
// verdict.
func Summary(r *Result) string {
	r = forPeople(r)
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s measured, seed %d, run %s\n", r.Run.Plan, span(r.Run.Length), r.Run.Seed, r.Run.ID)
	if r.Verdict.TesterLimit {
		b.WriteString("\nTHE TESTER WAS THE LIMIT: speed below is the tester's as much as the switch's\n")
		for _, why := range r.Tester.Reasons {
			fmt.Fprintf(&b, "  %s\n", clipped(why, 110))
		}
	}
	summaryLoad(&b, r)
	summaryLatencies(&b, r.Latencies)
	summaryThresholds(&b, r.Thresholds)
	summaryErrors(&b, r.Errors)
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "note: %s\n", clipped(n, 110))
	}
	summaryFound(&b, r)
	fmt.Fprintf(&b, "\n%s (exit %d)", strings.ToUpper(r.Verdict.Word), r.Verdict.Exit)
	if len(r.Verdict.Reasons) > 0 {
		fmt.Fprintf(&b, ": %s", clipped(r.Verdict.Reasons[0], 110))
	}
	if more := len(r.Verdict.Reasons) - 1; more > 0 {
		fmt.Fprintf(&b, "; and %s", times(int64(more), "other reason", "other reasons"))
	}
	return b.String()
}

// summaryThresholds gives a line to each that was missed and one to all others.
func summaryThresholds(b *strings.Builder, all []Threshold) {
	if len(all) == 0 {
		return
	}
	t, met := table{indent: "  "}, []string{}
	for _, x := range all {
		if x.OK {
			met = append(met, x.Expr+" ("+figure(x.Value, x.Unit)+")")
		} else {
			t.add("MISSED", x.Expr, "it was "+figure(x.Value, x.Unit))
		}
	}
	b.WriteString("\nthresholds\n" + t.String())
	if len(met) > 0 {
		fmt.Fprintf(b, "  met %s\n", clipped(strings.Join(met, ", "), 160))
	}
}

func mark(t Threshold) string {
	switch {
	case !t.OK:
		return "MISSED"
	case t.Value == nil:
		return "-"
	}
	return "ok"
}

func summaryLoad(b *strings.Builder, r *Result) {
	l := &r.Load
	t := table{indent: "  ", right: []int{1}}
	t.add("planned", whole(l.CallsPlanned), rate(l.PlannedRate))
	t.add("started", whole(l.CallsStarted), rate(l.StartedRate)+", at most "+whole(l.MostActive)+" at once")
	t.add("dropped", whole(sum(l.CallsDropped)), list(byCount(l.CallsDropped), 3))
	t.add("ended", whole(l.CallsEnded), clipped(list(byCount(l.Outcomes), 4), 110))
	failed := ""
	if l.CallsEnded > 0 {
		failed = ofAll(l.CallsFailed, l.CallsEnded) + " of those that ended"
	}
	t.add("failed", whole(l.CallsFailed), failed)
	b.WriteString("\ncalls\n" + t.String())

	t = table{indent: "  "}
	t.add("bookings", list(byCount(l.Bookings), 5))
	t.add("webhooks", list(byCount(l.Webhooks), 5))
	t.add("commands", list(byCount(l.Commands), 5))
	if l.Kills > 0 {
		t.add("kills", whole(int64(l.Kills))+" of the switch")
	}
	cpu := "not known"
	if r.Tester.SwitchCPU > 0 {
		cpu = span(r.Tester.SwitchCPU)
		if l.CallsEnded > 0 {
			cpu += ", " + span(r.Tester.SwitchCPU/float64(l.CallsEnded)) + " a call"
		}
	}
	t.add("switch CPU", cpu)
	own := "not known"
	if r.Tester.CPU > 0 {
		own = fmt.Sprintf("%s, %s a call, %s of %s", span(r.Tester.CPU), span(r.Tester.CPUPerCall), percent(r.Tester.CPUShare),
			times(int64(r.Machine.Cores), "core", "cores"))
	}
	if r.Tester.Lag.Count > 0 {
		own += "; starts late by p99 " + span(r.Tester.Lag.P99)
	}
	t.add("tester CPU", own)
	b.WriteString(t.String())
}

// list writes counters in a row, the largest first.
func list(all []named, most int) string {
	var parts []string
	rest := int64(0)
	for i, one := range all {
		if i < most {
			parts = append(parts, one.Name+" "+whole(one.N))
		} else {
			rest += one.N
		}
	}
	if rest > 0 {
		parts = append(parts, "others "+whole(rest))
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

func summaryLatencies(b *strings.Builder, all []Latency) {
	b.WriteString("latency from the due instant, successes only\n")
	if len(all) == 0 {
		b.WriteString("  nothing was measured\n")
		return
	}
	t := table{indent: "  ", right: []int{1, 2, 3, 4, 5, 6}}
	t.add("", "count", "failed", "p50", "p99", "p99.9", "max")
	for _, l := range all {
		q := l.Corrected
		if q.Count == 0 {
			t.add(l.Step, "0", whole(l.Failed), "-", "-", "-", "-")
			continue
		}
		t.add(l.Step, whole(q.Count), whole(l.Failed), span(q.P50), span(q.P99), span(q.P999), span(q.Max))
	}
	b.WriteString(t.String())
}

func summaryErrors(b *strings.Builder, all []Error) {
	var planned, other int64
	var parts []string
	for _, e := range errorsSorted(all) {
		if e.Planned {
			planned += e.Count
			continue
		}
		other += e.Count
		if len(parts) < 3 {
			parts = append(parts, fmt.Sprintf("%s %s %s", e.Where, e.What, whole(e.Count)))
		}
	}
	if planned+other == 0 {
		return
	}
	line := fmt.Sprintf("%s on the wire that the plan does not ask for, %s that it does", whole(other), whole(planned))
	if len(parts) > 0 {
		line += ": " + strings.Join(parts, ", ")
	}
	fmt.Fprintf(b, "\nerrors  %s\n", clipped(line, 160))
}

func summaryFound(b *strings.Builder, r *Result) {
	if wrong(r) == 0 {
		fmt.Fprintf(b, "\nwrong behaviour: none of %s\n", times(int64(len(r.Found)), "kind that was looked for", "kinds that were looked for"))
		return
	}
	b.WriteString("\nWRONG BEHAVIOUR\n")
	t := table{indent: "  ", right: []int{0}}
	for _, f := range foundSorted(r.Found) {
		if f.Count > 0 {
			t.add(whole(f.Count), f.Title)
		}
	}
	b.WriteString(t.String())
	for _, f := range r.Findings[:min(len(r.Findings), summaryFindings)] {
		fmt.Fprintf(b, "  %s: %s\n", where(f), clipped(f.Text, 110))
	}
	if n := wrong(r) - summaryFindings; n > 0 {
		fmt.Fprintf(b, "  and %s, in %s\n", whole(n)+" more", PageFile)
	}
}

// where says which call or booking a finding is of, and when.
func where(f Finding) string {
	text := "at " + instant(f.At)
	if f.Booking != "" {
		text = "booking " + f.Booking + " " + text
	}
	if f.Call != 0 {
		text = fmt.Sprintf("call %d %s", f.Call, text)
	}
	return text
}

// instant is a time since the start of the run, where tenths are enough.
func instant(seconds float64) string { return fmt.Sprintf("%.1f s", seconds) }

// clipped is the first line of a text, and no more than so many characters.
func clipped(text string, most int) string {
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}

// table aligns columns.
type table struct {
	indent string
	right  []int // columns of numbers
	rows   [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) String() string {
	var width []int
	for _, row := range t.rows {
		for i, cell := range row {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, row := range t.rows {
		line := t.indent
		for i, cell := range row {
			gap := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if slices.Contains(t.right, i) {
				line += gap + cell + "  "
			} else {
				line += cell + gap + "  "
			}
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}
