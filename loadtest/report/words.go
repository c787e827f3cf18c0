package report

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// span writes seconds with three digits, in us, ms or s.
func span(seconds float64) string {
	switch {
	case seconds == 0:
		return "0 s"
	case seconds < 0:
		return "-" + span(-seconds)
	case seconds < 999.5e-6:
		return three(seconds*1e6) + " us"
	case seconds < 999.5e-3:
		return three(seconds*1e3) + " ms"
	}
	return three(seconds) + " s"
}

// three writes v with three digits, more only where they stand before the point.
func three(v float64) string {
	a := math.Abs(v)
	switch {
	case a >= 99.95:
		return group(strconv.FormatFloat(v, 'f', 0, 64))
	case a >= 9.995:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case a >= .9995 || a == 0:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// whole writes a count, its thousands apart.
func whole(n int64) string { return group(strconv.FormatInt(n, 10)) }

func group(digits string) string {
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// rate writes so many a second.
func rate(v float64) string {
	if math.Abs(v) >= 999.5 {
		return group(strconv.FormatFloat(v, 'f', 0, 64)) + "/s"
	}
	return three(v) + "/s"
}

// percent writes a share. One that is close to all keeps the digits that tell
// it from all, and is never rounded up to 100 % or down to 0 %.
func percent(v float64) string {
	off := min(math.Abs(v), math.Abs(1-v))
	if off == 0 {
		return strconv.FormatFloat(v*100, 'f', 0, 64) + " %"
	}
	places := 1
	for limit := .005; places < 6 && off < limit; limit /= 10 {
		places++
	}
	text := strings.TrimRight(strings.TrimRight(strconv.FormatFloat(v*100, 'f', places, 64), "0"), ".")
	switch text {
	case "100":
		if v < 1 {
			return "> 99.999999 %"
		}
	case "0", "", "-", "-0":
		return "< 0.000001 %"
	}
	return text + " %"
}

// size writes bytes.
func size(n int64) string {
	v, units := float64(n), []string{"B", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for ; v >= 1024 && i < len(units)-1; i++ {
		v /= 1024
	}
	return three(v) + " " + units[i]
}

// figure writes a value of a threshold; nil is one that was never measured.
func figure(v *float64, unit string) string {
	switch {
	case v == nil:
		return "not measured"
	case unit == "s":
		return span(*v)
	case *v == math.Trunc(*v) && math.Abs(*v) < 1e15:
		return whole(int64(*v))
	}
	return three(*v)
}

// times is a count with its noun.
func times(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return whole(n) + " " + many
}

// named is one counter of a map.
type named struct {
	Name string
	N    int64
}

// byCount lists a map, most first.
func byCount(m map[string]int64) []named {
	var all []named
	for _, name := range slices.Sorted(maps.Keys(m)) {
		all = append(all, named{name, m[name]})
	}
	slices.SortStableFunc(all, func(a, b named) int { return cmp.Compare(b.N, a.N) })
	return all
}

func sum(m map[string]int64) (n int64) {
	for _, v := range m {
		n += v
	}
	return n
}

func wrong(r *Result) (n int64) {
	for _, f := range r.Found {
		n += f.Count
	}
	return n
}

// share is part of all; ok is false if there was nothing.
func share(part, all int64) (v float64, ok bool) {
	if all == 0 {
		return 0, false
	}
	return float64(part) / float64(all), true
}

// ofAll writes a share, or a dash.
func ofAll(part, all int64) string {
	v, ok := share(part, all)
	if !ok {
		return "-"
	}
	return percent(v)
}

var e164 = regexp.MustCompile(`\+[1-9][0-9]{6,14}\b`)

// masked hides phone numbers in a text. The tester masks its evidence where it
// is made; this is for what came over the wire and was taken as it was.
func masked(text string) string {
	return e164.ReplaceAllStringFunc(text, func(s string) string { return fmt.Sprintf("%s***%s", s[:3], s[len(s)-2:]) })
}

// forPeople is a copy with every text masked that may come from the wire.
func forPeople(r *Result) *Result {
	c := *r
	each := func(list []string) []string {
		list = slices.Clone(list)
		for i := range list {
			list[i] = masked(list[i])
		}
		return list
	}
	c.Verdict.Reasons, c.Tester.Reasons, c.Notes = each(r.Verdict.Reasons), each(r.Tester.Reasons), each(r.Notes)
	c.Errors, c.Findings, c.Marks = slices.Clone(r.Errors), slices.Clone(r.Findings), slices.Clone(r.Marks)
	for i := range c.Errors {
		c.Errors[i].Where, c.Errors[i].What = masked(c.Errors[i].Where), masked(c.Errors[i].What)
	}
	for i := range c.Findings {
		f := &c.Findings[i]
		f.Booking, f.Text, f.Ladder = masked(f.Booking), masked(f.Text), masked(f.Ladder)
	}
	for i := range c.Marks {
		c.Marks[i].Text = masked(c.Marks[i].Text)
	}
	c.Run.PlanText, c.Run.Command, c.Run.Switch = masked(r.Run.PlanText), masked(r.Run.Command), masked(r.Run.Switch)
	return &c
}
