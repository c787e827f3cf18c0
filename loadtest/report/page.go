package report

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"strings"
)

//go:embed page.html.tmpl assets
var files embed.FS

// asset is an embedded file; the tests read them all.
func asset(name string) string {
	text, err := files.ReadFile("assets/" + name)
	if err != nil {
		panic("report: " + err.Error()) // it is compiled in
	}
	return string(text)
}

var page = template.Must(template.New("page.html.tmpl").Funcs(template.FuncMap{
	"span": span, "whole": whole, "rate": rate, "percent": percent, "size": size, "instant": instant,
	"figure": figure, "ofAll": ofAll, "mark": mark, "where": where, "clipped": clipped, "lower": strings.ToLower,
	"per": func(seconds float64, n int64) string {
		if seconds <= 0 || n == 0 {
			return "not known"
		}
		return span(seconds / float64(n))
	},
	"known": func(seconds float64) string {
		if seconds <= 0 {
			return "not known"
		}
		return span(seconds)
	},
	"inc": func(i int) int { return i + 1 },
}).ParseFS(files, "page.html.tmpl"))

// view is what the template draws.
type view struct {
	*Result
	Class      string // of the verdict: good, bad or cut
	Dropped    int64
	Wrong      int64
	Tiles      []tile
	Counters   []counters
	Thresholds []Threshold
	Found      []Found
	Kinds      []kind
	Budgets    []budgetShown
	Errors     []Error
	Ladders    []ladderShown
	Curves     []curve
	LoadPlots  []plot // offered against achieved
	TimePlots  []plot
	OwnPlots   []plot // of the switch alone
	Data       data

	Style, PlotStyle          template.CSS
	Early, PlotScript, Script template.JS
}

// tile is a figure that is read first.
type tile struct {
	Name, Value, Note string
	Bad               bool
}

// counters are a map of the result as a table.
type counters struct {
	Title string
	Rows  []named
	All   int64 // what a share is of; 0: no shares
}

// kind is the findings of one kind.
type kind struct {
	Found
	Findings []Finding
}

// ladderShown is a ladder and how much of it is amiss.
type ladderShown struct {
	Ladder
	Amiss int64
}

// budgetShown is a budget with its figures in words.
type budgetShown struct {
	Budget
	Is, Used string
	Width    float64 // of the bar, in percent
	Over     bool
}

// Page draws report.html: one file with its data, scripts and styles in it,
// that asks the network for nothing.
func Page(r *Result) ([]byte, error) {
	v := newView(forPeople(r))
	var b bytes.Buffer
	if err := page.Execute(&b, v); err != nil {
		return nil, fmt.Errorf("draw %s: %w", PageFile, err)
	}
	return b.Bytes(), nil
}

func newView(r *Result) *view {
	v := &view{
		Result: r, Class: "bad", Dropped: sum(r.Load.CallsDropped), Wrong: wrong(r),
		Thresholds: thresholdsSorted(r.Thresholds), Found: foundSorted(r.Found), Errors: errorsSorted(r.Errors),
		Style: template.CSS(asset("page.css")), PlotStyle: template.CSS(asset("uPlot.min.css")),
		Early: template.JS(asset("early.js")), Script: template.JS(asset("page.js")),
		// The licence asks to stand in every copy.
		PlotScript: template.JS("/*\n" + asset("uPlot.LICENSE") + "*/\n" + asset("uPlot.iife.min.js")),
	}
	switch {
	case r.Verdict.Exit == 0:
		v.Class = "good"
	case r.Verdict.Word == "interrupted":
		v.Class = "cut"
	}
	v.Tiles = tiles(r)
	l := &r.Load
	v.Counters = []counters{
		{"how calls ended", byCount(l.Outcomes), sum(l.Outcomes)},
		{"calls dropped, why", byCount(l.CallsDropped), 0},
		{"requests of the marketplace", byCount(l.Bookings), 0},
		{"webhooks", byCount(l.Webhooks), 0},
		{"commands", byCount(l.Commands), 0},
	}
	for _, f := range v.Found {
		k := kind{Found: f}
		for _, one := range r.Findings {
			if one.Kind == f.Kind {
				k.Findings = append(k.Findings, one)
			}
		}
		if len(k.Findings) > 0 {
			v.Kinds = append(v.Kinds, k)
		}
	}
	for _, b := range budgetsSorted(r.Budgets) {
		v.Budgets = append(v.Budgets, shown(b))
	}
	for _, ladder := range r.Ladders {
		s := ladderShown{Ladder: ladder}
		for _, g := range ladder.Rungs {
			s.Amiss += g.Missing + g.Unexpected
		}
		v.Ladders = append(v.Ladders, s)
	}
	v.draw(r)
	return v
}

func tiles(r *Result) []tile {
	l := &r.Load
	dropped, failedNote := sum(l.CallsDropped), "none ended"
	if l.CallsEnded > 0 {
		failedNote = ofAll(l.CallsFailed, l.CallsEnded) + " of ended"
	}
	all := []tile{
		{Name: "calls ended", Value: whole(l.CallsEnded), Note: rate(l.StartedRate) + " of " + rate(l.PlannedRate)},
		{Name: "wrong behaviour", Value: whole(wrong(r)), Note: times(int64(len(r.Found)), "kind looked for", "kinds looked for"), Bad: wrong(r) > 0},
		{Name: "calls failed", Value: whole(l.CallsFailed), Note: failedNote},
		{Name: "calls dropped", Value: whole(dropped), Note: "not started when due", Bad: dropped > 0},
	}
	for _, step := range []string{"ack", "reaction", "create"} {
		for _, one := range r.Latencies {
			if one.Step == step && one.Corrected.Count > 0 {
				all = append(all, tile{Name: step + " p99", Value: span(one.Corrected.P99), Note: "p50 " + span(one.Corrected.P50)})
			}
		}
	}
	if r.Tester.SwitchCPU > 0 && l.CallsEnded > 0 {
		all = append(all, tile{Name: "switch CPU a call", Value: span(r.Tester.SwitchCPU / float64(l.CallsEnded)), Note: span(r.Tester.SwitchCPU) + " in all"})
	}
	return all
}

func shown(b Budget) budgetShown {
	s := budgetShown{Budget: b, Is: ofAll(b.Good, b.Total), Width: min(b.used(), 1) * 100, Over: b.used() > 1}
	switch used := b.used(); {
	case b.Total == 0:
		s.Used = "nothing to measure"
	case b.Objective >= 1 && used > 0:
		s.Used = "none was allowed"
	case used >= 10:
		s.Used = three(used) + " times all of it"
	default:
		s.Used = percent(used)
	}
	return s
}
