package loadtest

import (
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

func TestEveryPresetCanBeRun(t *testing.T) {
	for _, name := range Presets() {
		p, err := LoadPlan(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		// A party with that many live bookings needs as many numbers, and a tenth
		// more lets the others have theirs.
		if peak, err := p.market().Busiest(p.Seed); err != nil || float64(p.Numbers) < 1.1*float64(peak.Party) {
			t.Errorf("%s has %d numbers for a party with %d bookings at once (%v)", name, p.Numbers, peak.Party, err)
		}
		if p.Name != name || p.About == "" || len(p.Thresholds) == 0 || p.Length() < 10*time.Second {
			t.Errorf("%s has name %q, about %q, thresholds %v, length %v", name, p.Name, p.About, p.Thresholds, p.Length())
		}
	}
	if _, err := LoadPlan("evening-peak"); err == nil || !strings.Contains(err.Error(), "morning-peak") {
		t.Errorf("an unknown plan is told %v, without the known ones", err)
	}
}

// What a report prints as its plan must be that plan.
func TestPlanSurvivesItsOwnText(t *testing.T) {
	for _, name := range Presets() {
		p, err := LoadPlan(name)
		if err != nil {
			t.Fatal(err)
		}
		text, err := yaml.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParsePlan(text)
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, text)
		}
		second, _ := yaml.Marshal(again)
		if string(second) != string(text) {
			t.Errorf("%s changed on its way:\n%s\nbecame\n%s", name, text, second)
		}
	}
}

const small = "calls: {stages: [{for: 5s, rate: 2}]}\npopulation: {hosts: 5, guests: 9}\n"

func TestPlanFaultsAreTold(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "cannot be read"},
		{"calls: 7", "cannot be read"},
		{"calls: {stages: [{for: 5, rate: 2}]}", `"5" is no duration; write 500ms`},
		{"calls: {stages: [{for: 5s, rat: 2}]}", "field rat not found"},
		{small + "bookings: {lasts: 9s..2s}", "no range of durations"},
		{small + "people: {mix: evening}", `no mix "evening"`},
		{small + "people: {mix: [{name: x, weight: 1, calle: busy}]}", "field calle not found"},
		{small + "people: {mix: [{name: x, weight: 1, callee: shouts}]}", "rings out"},
		{small + "bookings: {regional: .5, regions: [Europe]}", "Europe\" is not a region"},
		{small + "bookings: {regional: .5}", "there are no regions"},
		{small + "bookings: {cuts: .5, grace: 1s..1h}", "10m0s at most"},
		{small + "bookings: {idle: .5}", "write 1s or more"},
		{small + "faults: {duplicate: 1.5}", "faults.duplicate is 1.5; a share"},
		{small + "faults: {duplicate: .nan}", "a share"},
		{small + "faults: {commands: {shout: [{rate: 1}]}}", "record_start"},
		{small + "faults: {commands: {answer: [{rate: .7, status: 500}, {rate: .7, status: 503}]}}", "add up to 1.4"},
		{small + "faults: {commands: {answer: [{rate: .7, status: 200}]}}", "400 to 599"},
		{small + "outages: [{at: 3s, faults: {}}]", "needs at and for"},
		{small + "thresholds: [ack.p98<2ms]", "QUANTILE one of p50"},
		{small + "thresholds: ['ack.p99<25']", "is a time"},
		{small + "thresholds: ['dropped<25ms']", "is a number"},
		{small + "thresholds: ['dropped==0']", "one of < <= > >="},
		{small + "carrier: {speed: -1}", "more than 0"},
		{small + "kill_every: 100ms", "a second at least"},
		{small + "numbers: 30000", "20000 proxy numbers"},
		{small + "---\n" + small, "second document"},
		{"population: {hosts: 5, guests: 5}", "calls.stages is empty"},
		{"calls: {arrivals: even-ish, stages: [{for: 5s, rate: -1}]}", "poisson or even"},
	} {
		if _, err := ParsePlan([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q is told %v, without %q", c.text, err, c.want)
		}
	}
}

// Somebody who wrote three things wrong is told three things.
func TestAllFaultsOfAPlanAreToldAtOnce(t *testing.T) {
	_, err := ParsePlan([]byte(small + "numbers: -1\nreact: -2s\nfaults: {loss: 2}"))
	if err == nil {
		t.Fatal("the plan passes")
	}
	for _, want := range []string{"numbers", "react", "faults.loss"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v says nothing of %s", err, want)
		}
	}
}

func FuzzParsePlan(f *testing.F) {
	for _, name := range Presets() {
		text, err := Preset(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add(small + "faults: {commands: {any: [{rate: 1, cut: after, hold: 1h}]}}")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 {
			return
		}
		p, err := ParsePlan([]byte(text))
		if err != nil {
			return
		}
		again, err := yaml.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParsePlan(again); err != nil {
			t.Fatalf("a plan that passes does not pass as it prints itself: %v\n%s", err, again)
		}
	})
}
