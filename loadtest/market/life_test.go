package market

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"maskswitch/loadtest/pace"
	"maskswitch/loadtest/party"
)

// Two storms: one by expiry, one by request, which finds what the first left.
func TestStormsEndTheirShareAtTheirInstant(t *testing.T) {
	cfg := steady()
	cfg.Live, cfg.Lasts, cfg.Closed, cfg.Extended = 20_000, party.Range{Min: 10 * time.Minute, Max: 40 * time.Minute}, .1, .3
	first, second := 100*time.Second, 200*time.Second
	cfg.Storms = []Storm{{At: second, Share: .3, Closed: true}, {At: first, Share: .6}} // any order
	m := newMarket(t, cfg, calls(1, 10*time.Minute), 1)
	all := m.WarmUp()
	closes := map[time.Duration]int{}
	for op, ok := m.Next(); ok; op, ok = m.Next() {
		switch op.Kind {
		case Open:
			all = append(all, op.Booking)
		case Close:
			closes[op.At]++
		}
	}
	for _, s := range []Storm{cfg.Storms[1], cfg.Storms[0]} {
		live, struck, extended, byItself := 0, 0, 0, 0
		for _, b := range all {
			old := b.Opens+m.cfg.Settle <= s.At
			if b.N <= cfg.Live {
				old = true
			}
			if !old || b.Ends < s.At {
				continue
			}
			live++
			if b.Ends != s.At {
				continue
			}
			struck++
			if b.Closed != s.Closed {
				byItself++
			}
			if b.Extends > 0 {
				extended++
			}
		}
		about(t, "struck", struck, live, s.Share)
		if byItself > 0 || s.Closed && closes[s.At] != struck || !s.Closed && closes[s.At] > 0 {
			t.Errorf("storm %+v: %d struck, %d of them in another way, %d closed", s, struck, byItself, closes[s.At])
		}
		if extended == 0 {
			t.Errorf("storm %+v struck none that had been extended", s)
		}
	}
}

func TestAStormOfAllLeavesNobody(t *testing.T) {
	cfg := steady()
	cfg.Opens = nil
	cfg.Storms = []Storm{{At: 10 * time.Second, Share: 1}}
	n := playThrough(t, cfg, calls(10, 30*time.Second), 1)
	for _, op := range n.dialled {
		switch end := 10*time.Second - n.cfg.Settle; {
		case op.At < end && op.Booking == nil, op.At >= end && op.Booking != nil && op.Call.Caller != Late:
			t.Fatalf("at %v call %+v", op.At, *op.Call)
		}
	}
	if n.outcomes["late"] == 0 {
		t.Errorf("nobody comes late: %v", n.outcomes)
	}
}

// What a booking still has is uniform within what it lasts, and the longer ones
// are met more often: the mean is E[d²]/2E[d].
func TestRemainingIsTheResidualLife(t *testing.T) {
	const draws = 200_000
	for _, r := range []party.Range{{Min: time.Minute}, {Min: time.Second, Max: time.Minute}, {Min: 30 * time.Second, Max: 10 * time.Minute}} {
		low, high := r.Min.Seconds(), max(r.Min, r.Max).Seconds()
		mean := (low + high) / 2
		square := (low*low + low*high + high*high) / 3
		dice, sum := rand.New(rand.NewPCG(1, 1)), 0.0
		for range draws {
			d := remaining(dice, r)
			if d <= 0 || d > max(r.Min, r.Max) {
				t.Fatalf("%+v: %v", r, d)
			}
			sum += d.Seconds()
		}
		if got, want := sum/draws, square/mean/2; math.Abs(got-want) > 5*high/math.Sqrt(12*draws) {
			t.Errorf("%+v: mean %.3f s, want %.3f", r, got, want)
		}
	}
}

// Turns come in order, each once, whatever their instants are.
func TestTurnsOfALife(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := anyConfig.Draw(t, "config").filled()
		dice := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		lasts := rapid.OneOf(rapid.Just(draw(dice, cfg.Lasts)), rapid.Just(cfg.Settle), rapid.Just(cfg.Settle-1)).Draw(t, "lasts")
		l := cfg.plan(dice, &Booking{N: 1}, lasts, rapid.Float64Range(0, .3).Draw(t, "shorter"), rapid.Bool().Draw(t, "warm"))
		if lasts < cfg.Settle && (l.Closed || l.Extends != 0 || l.reads != never || l.Ends != lasts) {
			t.Fatalf("something is done about %+v, which is too short for it", *l)
		}
		var turns []turn
		for what, at := opened, time.Duration(0); ; {
			next, when := l.after(what, at, cfg.Settle)
			if next == forgotten {
				break
			}
			if when < at || slices.Contains(turns, next) {
				t.Fatalf("%+v: turn %d at %v after %v at %v", *l, next, when, turns, at)
			}
			turns = append(turns, next)
			what, at = next, when
		}
		if n := len(turns); n < 2 || turns[n-2] != ends || turns[n-1] != lateness {
			t.Fatalf("%+v: its turns are %v", *l, turns)
		}
		if slices.Contains(turns, callable) != (l.calls < l.quiet) || slices.Contains(turns, callable) != slices.Contains(turns, quiets) {
			t.Fatalf("%+v can be called: its turns are %v", *l, turns)
		}
	})
}

func TestOutcomeOfAScript(t *testing.T) {
	s := time.Second
	for _, c := range []struct {
		script   party.Script
		up       time.Duration
		answered bool
	}{
		{party.Talks(3*s, 9*s), 0, true},
		{party.Script{After: 3 * s, Patience: 4 * s}, 0, true},
		{party.Script{After: 4 * s, Patience: 4 * s}, 4 * s, false},
		{party.GivesUp(5 * s), 5 * s, false},
		{party.Script{Callee: party.RingOut, AfterSpeech: s}, 33 * s, false},
		{party.Refused(party.Busy, s), 4 * s, false},
		{party.Script{Callee: party.Decline, After: 5 * s}, 7 * s, false},
		{party.Script{Callee: party.Decline, After: 5 * s, Patience: 6 * s}, 6 * s, false},
	} {
		if up, answered := outcome(c.script); up != c.up || answered != c.answered {
			t.Errorf("%+v: up for %v, answered %v; want %v and %v", c.script, up, answered, c.up, c.answered)
		}
	}
}

// The heap gives back what was put in, in order.
func TestHeap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h heap[leaving]
		var model []time.Duration
		for range rapid.IntRange(0, 200).Draw(t, "steps") {
			d := time.Duration(rapid.IntRange(0, 30).Draw(t, "at"))
			switch op := rapid.IntRange(0, 3).Draw(t, "op"); {
			case len(model) > 0 && op == 0:
				if got := h.pop().at; got != model[0] {
					t.Fatalf("popped %v, want %v of %v", got, model[0], model)
				}
				model = model[1:]
			case len(model) > 0 && op == 1:
				h.replace(leaving{at: d})
				model = append(model[1:], d)
			default:
				h.push(leaving{at: d})
				model = append(model, d)
			}
			slices.Sort(model)
			if len(h) != len(model) || len(h) > 0 && h[0].at != model[0] {
				t.Fatalf("%d of %d, first %v", len(h), len(model), h[:min(len(h), 1)])
			}
		}
	})
}

func TestBusiestCountsThisVeryRun(t *testing.T) {
	for _, c := range []struct {
		story  string
		change func(*Config)
	}{
		{"as it is", func(*Config) {}},
		{"one host for all", func(c *Config) { c.Hosts = 1 }},
		{"only the warm-up, and a storm", func(c *Config) { c.Opens = nil; c.Storms = []Storm{{At: 3 * time.Second, Share: 1}} }},
		{"a burst", func(c *Config) { c.Live, c.Opens = 0, []pace.Stage{{For: time.Minute, Burst: 300}} }},
	} {
		cfg := steady()
		c.change(&cfg)
		got, err := cfg.Busiest(3)
		if err != nil {
			t.Fatal(err)
		}
		n := playThrough(t, cfg, calls(1, 10*time.Minute), 3)
		var want Peak
		for _, s := range n.bookings { // a maximum is reached where something begins
			count, of := 0, map[string]int{}
			for _, o := range n.bookings[:s.N] {
				if s.Opens < o.Ends+n.cfg.Settle {
					count++
					of[o.Host]++
					of[o.Guest]++
					want.Party = max(want.Party, of[o.Host], of[o.Guest])
				}
			}
			want.All = max(want.All, count)
		}
		if got != want {
			t.Errorf("%s: %+v, want %+v", c.story, got, want)
		}
	}
	if _, err := (Config{}).Busiest(1); err == nil {
		t.Error("an empty config has a busiest party")
	}
}
