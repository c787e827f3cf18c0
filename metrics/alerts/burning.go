package alerts

import (
	"fmt"
	"math"
	"strings"
)

// alerts are the two of an SLO: fast burns page, slow ones do not.
func (s SLO) alerts() []Alert {
	promise := fmt.Sprintf("The promise that %s (%.6g %%)", s.Promise, s.Objective)
	wakes := func(share string) string {
		return promise + " is broken for " + share + " of them, which spends the budget of 30 days in less than 5."
	}
	lasts := func(share string) string {
		return promise + " is broken for " + share + " of them: the budget of 30 days will not last."
	}
	quick := Alert{
		Name: s.alert + "Fast", Severity: Page, Anchor: s.anchor, suite: Fast, Summary: wakes("{{ $value | humanizePercentage }}"),
		Expr: s.burns("14.4", "1h", "5m", fewest) + "\nor\n" + s.burns("6", "6h", "30m", fewest),
	}
	lasting := Alert{
		Name: s.alert + "Slow", Severity: Ticket, Anchor: s.anchor, suite: Slow, Summary: lasts("{{ $value | humanizePercentage }}"),
		Expr: s.burns("3", "1d", "2h", 0) + "\nor\n" + s.burns("1", "3d", "6h", 0),
	}
	s.proveFast(&quick, wakes)
	s.proveSlow(&lasting, lasts)
	return []Alert{quick, lasting}
}

// burn is a part of a history: so many samples, with so many events each, of which
// so many are as they must not be.
type burn struct{ samples, wrong, all int }

// most is how many events there are at one of which the budget is spent as it may be.
func (s SLO) most() int { return int(math.Round(100 / (100 - s.Objective))) }

// share is how a page tells of so many times the budget.
func (s SLO) share(times int) string {
	return fmt.Sprintf("%.4g%%", 100*float64(times)/float64(s.most()))
}

func (s SLO) fires(story string, w way, at, summary string, history ...burn) Case {
	return Case{
		Story: story, Series: w.history(history), At: at,
		Labels: append([][2]string{{"job", "maskswitch"}}, s.labels()...), Summary: summary,
	}
}

func (s SLO) silent(story, at string, history ...burn) Case {
	return Case{Story: story, Series: s.ways[0].history(history), At: at}
}

// proveFast has a sample each two minutes. An expression of two halves, each of
// which has two windows and a least number of events, is proven by cases in which
// one of them alone decides.
func (s SLO) proveFast(a *Alert, says func(string) string) {
	n := s.most()
	first := s.ways[0]
	a.Fires = s.fires("for an hour, 20 times too much", first, "6h", says(s.share(20)), burn{150, 0, n}, burn{30, 20, n})
	a.Silent = s.silent("five times too much", "6h", burn{180, 5, n})
	a.Also = []Case{
		s.fires("for long, 10 times too much", first, "90m", says(s.share(10)), burn{45, 10, n}),
		s.fires("after a busy morning all of a few", first, "6h", says("100%"), burn{150, 0, n}, burn{30, 2, 2}),
		s.fires("for long, all of a few", first, "6h", says("100%"), burn{115, 0, 0}, burn{60, 1, 1}, burn{5, 0, 0}),
		s.silent("all of too few", "6h", burn{156, 0, 0}, burn{24, 1, 1}),
		s.silent("it was much within the hour, and is little now", "6h", burn{150, 0, n}, burn{25, 20, n}, burn{5, 5, n}),
		s.silent("it was much for hours, and is little now", "6h", burn{165, 11, n}, burn{15, 3, n}),
		s.silent("it is much, but only since half an hour", "6h", burn{165, 0, n}, burn{15, 28, n}),
		s.silent("nobody does anything", "6h", burn{180, 0, 0}),
	}
	for _, other := range s.ways[1:] {
		a.Also = append(a.Also, s.fires("for an hour "+other.story, other, "6h", says(s.share(20)), burn{150, 0, n}, burn{30, 20, n}))
	}
}

// proveSlow has a sample each half an hour.
func (s SLO) proveSlow(a *Alert, says func(string) string) {
	n := s.most()
	busy := burn{96, 0, 10 * n} // two days beside which the third is quiet
	a.Fires = s.fires("for a day, 6 times too much", s.ways[0], "72h", says(s.share(6)), busy, burn{48, 6, n})
	a.Silent = s.silent("half of what there may be", "8h", burn{16, 1, 2 * n})
	a.Also = []Case{
		s.fires("for long, twice too much", s.ways[0], "8h", says(s.share(2)), burn{16, 2, n}),
		s.silent("it was much for a day, and is little now", "72h", busy, burn{44, 6, n}, burn{4, 2, n}),
		s.silent("it is much, but only since this morning", "72h", busy, burn{40, 0, n}, burn{8, 9, n}),
		s.silent("it was more than there may be, and is no longer", "18h", burn{24, 2, n}, burn{12, 1, 2 * n}),
		s.silent("it is more than there may be, but only since this morning", "18h", burn{24, 0, n}, burn{12, 2, n}),
	}
}

// way is one in which a promise is broken, as series of a test.
type way struct {
	story   string
	history func([]burn) []Series
}

// counts are two counters of a family, of what is as it must not be and of the rest.
func counts(story, name, wrong, right string) way {
	return way{story, func(h []burn) []Series {
		return append(on(name, right, events(h, func(b burn) int { return b.all - b.wrong })), on(name, wrong, events(h, func(b burn) int { return b.wrong }))...)
	}}
}

// times are a histogram, in which what is above a bound is as it must not be.
func times(name, labels, bound string) way {
	return way{"they are slow", func(h []burn) []Series {
		whole := events(h, func(b burn) int { return b.all })
		within := events(h, func(b burn) int { return b.all - b.wrong })
		return append(on(name+"_bucket", labels+`le="`+bound+`"`, within), on(name+"_count", strings.TrimSuffix(labels, ","), whole)...)
	}}
}

// counted adds a counter of all events.
func (w way) counted(name, labels string) way {
	return way{w.story, func(h []burn) []Series {
		return append(w.history(h), on(name, labels, events(h, func(b burn) int { return b.all }))...)
	}}
}

// beside adds counters that stay 0.
func (w way) beside(name string, labels ...string) way {
	return way{w.story, func(h []burn) []Series {
		list := w.history(h)
		for _, l := range labels {
			list = append(list, on(name, l, events(h, func(burn) int { return 0 }))...)
		}
		return list
	}}
}

func events(history []burn, of func(burn) int) string {
	list := make([]stretch, len(history))
	for i, b := range history {
		list[i] = stretch{b.samples, of(b)}
	}
	return counter(list...)
}
