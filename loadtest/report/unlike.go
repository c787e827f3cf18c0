package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// unlike says in what two runs differ before anything is measured.
type unlike struct {
	// plan: another load with other faults, of which nothing but wrong behaviour
	// can be held against the first.
	plan []string
	// speed: times and CPU of the two cannot be held against each other.
	speed []string
	// other differences change what is measured too little, or are perhaps what
	// is compared.
	other []string
}

func unlikes(a, b *Result) unlike {
	var u unlike
	differ := func(list *[]string, what, x, y string) {
		if x != y {
			*list = append(*list, fmt.Sprintf("%s: %s, then %s", what, orNone(x), orNone(y)))
		}
	}
	for _, line := range planDiff(a.Run.PlanText, b.Run.PlanText) {
		u.plan = append(u.plan, "plan: "+line)
	}
	differ(&u.speed, "CPU", a.Machine.CPU, b.Machine.CPU)
	differ(&u.speed, "cores", fmt.Sprint(a.Machine.Cores), fmt.Sprint(b.Machine.Cores))
	if x, y := a.Run.Length, b.Run.Length; math.Abs(x-y) > .1*max(x, y) {
		u.speed = append(u.speed, fmt.Sprintf("length: %s, then %s", span(x), span(y)))
	}
	for i, r := range []*Result{a, b} {
		name := [...]string{"A", "B"}[i]
		if r.Verdict.TesterLimit {
			u.speed = append(u.speed, "the tester was the limit in "+name)
		}
		if len(r.Latencies) == 0 {
			u.speed = append(u.speed, "nothing was measured in "+name)
		}
	}
	differ(&u.other, "seed", fmt.Sprint(a.Run.Seed), fmt.Sprint(b.Run.Seed))
	differ(&u.other, "memory", size(a.Machine.Memory), size(b.Machine.Memory))
	differ(&u.other, "system", a.Machine.OS, b.Machine.OS)
	differ(&u.other, "Go of the tester", a.Machine.Go, b.Machine.Go)
	differ(&u.other, "tester", a.Run.Version, b.Run.Version)
	differ(&u.other, "switch", a.Run.Switch, b.Run.Switch)
	differ(&u.other, "target", a.Run.Target, b.Run.Target)
	return u
}

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return clipped(masked(s), 80)
}

// notLoad are the parts of a plan that change no call: what it is called, its
// seed, and what is thought of the figures.
var notLoad = []string{"name", "about", "seed", "thresholds", "abort_after"}

// planDiff lists the lines that only one plan has, at most six.
func planDiff(a, b string) []string {
	x, y := planLines(a), planLines(b)
	var only []string
	for _, line := range x {
		if !slices.Contains(y, line) {
			only = append(only, "only A has "+clipped(masked(line), 90))
		}
	}
	for _, line := range y {
		if !slices.Contains(x, line) {
			only = append(only, "only B has "+clipped(masked(line), 90))
		}
	}
	if len(only) == 0 && !slices.Equal(x, y) {
		only = []string{"the same lines in another order"}
	}
	if more := len(only) - 6; more > 0 {
		only = append(only[:6], times(int64(more), "more line", "more lines"))
	}
	return only
}

// planLines are the lines of a plan that make its load, each under the name of
// its part so that the same words elsewhere are another line.
func planLines(text string) []string {
	var lines []string
	part, skip := "", false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n")
		if line == "" || strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		if c := line[0]; c != ' ' && c != '-' {
			part, _, _ = strings.Cut(line, ":")
			skip = slices.Contains(notLoad, part)
			if !skip {
				lines = append(lines, line)
			}
			continue
		}
		if !skip {
			lines = append(lines, part+": "+strings.TrimSpace(line))
		}
	}
	return lines
}
