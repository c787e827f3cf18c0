package pool

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"maskswitch/actors/protocol"
)

var update = flag.Bool("update", false, "write what the economy experiment found into ECONOMY.md and economy.svg")

// marketplaces are those of ECONOMY.md.
var marketplaces = []plan{
	{name: "skewed", seed: 1, live: 100_000, turns: 4, hosts: 50_000, guests: 300_000, skew: 0.7, life: 48 * time.Hour,
		words: "50,000 hosts by Zipf's law, 300,000 guests, stays of 48 h"},
	{name: "dense", seed: 2, live: 29_000, turns: 8, hosts: 300, guests: 300, most: 100, life: 48 * time.Hour,
		words: "300 hosts and 300 guests who nearly always have 100 bookings each, the most that they may, of 48 h"},
	{name: "churning", seed: 3, live: 10_000, turns: 40, hosts: 10_000, guests: 60_000, skew: 0.7, life: 2 * time.Hour,
		words: "10,000 hosts by Zipf's law, 60,000 guests, rides of 2 h"},
	{name: "regional", seed: 4, live: 60_000, turns: 4, hosts: 30_000, guests: 100_000, skew: 0.7, life: 48 * time.Hour,
		homes: []string{"US-312", "US-312", "US-312", "US-415", "CA-416", "GB"},
		words: "three countries; of the American parties three quarters live in area 312, which has half of the American numbers"},
}

// pools are sizes in multiples of the lower bound.
var pools = []float64{1, 1.05, 1.1}

// ways of serving a marketplace, a row of the table each.
var ways = []economy{
	{},
	{masks: protocol.MasksPair},
	{policy: protocol.AssignPack},
	{policy: protocol.AssignPack, masks: protocol.MasksPair},
	{quarantine: day},
	{quarantine: day, masks: protocol.MasksPair},
	{quarantine: day, policy: protocol.AssignPack},
	{quarantine: day, policy: protocol.AssignPack, masks: protocol.MasksPair},
	{quarantine: day, strict: true},
}

const day = 24 * time.Hour

// The columns of the two tables.
var (
	marketColumns = []string{"marketplace", "bookings in all", "live at once, most", "lower bound D", "one number per booking ÷ D"}
	wayColumns    = []string{"marketplace", "policy", "masks", "quarantine", "refused, %", "on two numbers, %", "out of quarantine, %", "busiest ÷ mean load"}
)

const (
	economyDoc   = "ECONOMY.md"
	economyPlot  = "economy.svg"
	resultsBegin = "<!-- results: written by the experiment -->\n"
	resultsEnd   = "<!-- end of results -->\n"
)

// The experiment of ECONOMY.md, which takes minutes. It is the same each time,
// so what it finds is what the document says; with -update it makes it so.
func TestEconomyAtScale(t *testing.T) {
	if os.Getenv("MASKSWITCH_SCALE") == "" {
		t.Skip("set MASKSWITCH_SCALE=1 for the experiment, which takes minutes")
	}
	traces := make([]trace, len(marketplaces))
	for i, p := range marketplaces {
		traces[i] = p.record()
	}
	results, picture := tables(traces), drawing(t, traces)
	if *update {
		before, after := aroundResults(t)
		write(t, economyDoc, []byte(before+results+after))
		write(t, economyPlot, picture)
		return
	}
	if !strings.Contains(read(t, economyDoc), results) {
		t.Errorf("the tables of %s are not what the experiment finds; -update writes them:\n%s", economyDoc, results)
	}
	if !bytes.Equal(picture, []byte(read(t, economyPlot))) {
		t.Errorf("%s is not what the experiment finds; -update draws it", economyPlot)
	}
}

// What is in the document is in the columns and rows of the present experiment.
func TestEconomyDocument(t *testing.T) {
	results := read(t, economyDoc)
	before, after := aroundResults(t)
	results = results[len(before) : len(results)-len(after)]
	for _, want := range []string{head(marketColumns), head(wayColumns)} {
		if !strings.Contains(results, want) {
			t.Errorf("%s lacks the table\n%s", economyDoc, want)
		}
	}
	for _, p := range marketplaces {
		if !strings.Contains(results, "| "+p.name+" | "+p.words) && !strings.Contains(before, p.words) {
			t.Errorf("%s does not say that %s is %q", economyDoc, p.name, p.words)
		}
		for _, e := range ways {
			if !strings.Contains(results, "\n| "+p.name+" | "+e.words()+" | ") {
				t.Errorf("%s lacks the row %s, %s", economyDoc, p.name, e.words())
			}
		}
	}
	if !strings.Contains(before+after, "("+economyPlot+")") {
		t.Errorf("%s does not show %s", economyDoc, economyPlot)
	}
}

func tables(traces []trace) string {
	var s strings.Builder
	s.WriteString(head(marketColumns))
	for i := range traces {
		t := &traces[i]
		fmt.Fprintf(&s, "| %s | %d | %d | %d | %.0f |\n", t.name, len(t.trades), t.live, t.bound(), float64(t.live)/float64(t.bound()))
	}
	s.WriteString("\n" + head(wayColumns))
	for i := range traces {
		for _, e := range ways {
			var refused, two, rested, evenness []string
			for _, e.pool = range pools {
				out := traces[i].play(e)
				refused, two, rested = append(refused, percent(out.refused)), append(two, percent(out.two)), append(rested, percent(out.rested))
				evenness = append(evenness, fmt.Sprintf("%.3g", out.evenness))
			}
			fmt.Fprintf(&s, "| %s | %s |", traces[i].name, e.words())
			for _, cell := range [][]string{refused, two, rested, evenness} {
				fmt.Fprintf(&s, " %s |", strings.Join(cell, " / "))
			}
			s.WriteString("\n")
		}
	}
	return s.String()
}

func head(columns []string) string {
	return "| " + strings.Join(columns, " | ") + " |\n" + strings.Repeat("| --- ", len(columns)) + "|\n"
}

func percent(x float64) string {
	switch {
	case x == 0 || x == 100:
		return fmt.Sprint(x)
	case x < 0.005:
		return "< 0.01"
	}
	return fmt.Sprintf("%.2f", x)
}

// words are the cells that name a way.
func (e economy) words() string {
	quarantine := "none"
	switch {
	case e.strict:
		quarantine = "24 h, strict"
	case e.quarantine > 0:
		quarantine = "24 h"
	}
	return e.policy.String() + " | " + e.masks.String() + " | " + quarantine
}

// aroundResults cuts the document at its results.
func aroundResults(t *testing.T) (before, after string) {
	t.Helper()
	text := read(t, economyDoc)
	begin, end := strings.Index(text, resultsBegin), strings.Index(text, resultsEnd)
	if begin < 0 || end < begin {
		t.Fatalf("%s has no place for results between %q and %q", economyDoc, resultsBegin, resultsEnd)
	}
	return text[:begin+len(resultsBegin)], text[end:]
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, name string, text []byte) {
	t.Helper()
	if err := os.WriteFile(name, text, 0o644); err != nil {
		t.Fatal(err)
	}
}
