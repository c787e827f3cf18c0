package pool

import (
	"math"
	"slices"
	"time"

	"pgregory.net/rapid"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// model is a ledger that thinks by looking at everything. It does not choose: it
// says what may be chosen.
type model struct {
	ledgerConfig
	numbers    []protocol.Number // in order of addition
	rings      map[phone.Number][]time.Time
	live, past []protocol.Booking
	now        time.Time
}

func (m *model) rate(n phone.Number) (rate float64) {
	for _, at := range m.rings[n] {
		rate += math.Exp(-m.now.Sub(at).Minutes()/rateSpan.Minutes()) / rateSpan.Minutes()
	}
	return rate
}

func shows(b protocol.Booking, n phone.Number) bool { return b.NumberA == n || b.NumberB == n }

func (m *model) load(n phone.Number) (load int) {
	for _, b := range m.live {
		if shows(b, n) {
			load++
		}
	}
	return load
}

func (m *model) quarantined(n phone.Number) (past int) {
	for _, b := range m.past {
		if shows(b, n) {
			past++
		}
	}
	return past
}

// known finds the bookings in which a party dials a number.
func known(list []protocol.Booking, who, n phone.Number) (found []protocol.Booking) {
	for _, b := range list {
		if b.PartyA == who && b.NumberA == n || b.PartyB == who && b.NumberB == n {
			found = append(found, b)
		}
	}
	return found
}

func of(b protocol.Booking, x, y phone.Number) bool {
	return b.PartyA == x && b.PartyB == y || b.PartyA == y && b.PartyB == x
}

// foreign is when the last memory that a party has of a number, and of somebody
// else, ends.
func (m *model) foreign(who, other, n phone.Number) (until time.Time) {
	for _, b := range known(m.past, who, n) {
		if !of(b, who, other) && b.FreeAt.After(until) {
			until = b.FreeAt
		}
	}
	return until
}

// free lists the numbers that a party may get at all, quarantined or not.
func (m *model) free(w want, who phone.Number) (free []phone.Number) {
	for _, n := range m.numbers {
		r := n.Number.Region()
		there := !w.strict || !w.region.Known() || r == w.region || r.Country() == w.region
		hot := m.CallsPerMinute > 0 && m.rate(n.Number) >= m.CallsPerMinute
		if n.State == protocol.NumberServing && there && !hot && m.load(n.Number) < m.PairsPerNumber && known(m.live, who, n.Number) == nil {
			free = append(free, n.Number)
		}
	}
	return free
}

func (m *model) clean(free []phone.Number, who, other phone.Number) []phone.Number {
	return filter(free, func(n phone.Number) bool { return m.foreign(who, other, n).IsZero() })
}

// had lists those of some numbers that any of the parties had last with the
// other.
func (m *model) had(free []phone.Number, who []phone.Number, other []phone.Number) (had []phone.Number) {
	last := time.Time{}
	for _, n := range free {
		for k := range who {
			for _, b := range known(m.past, who[k], n) {
				switch {
				case !of(b, who[k], other[k]) || b.FreeAt.Before(last):
				case b.FreeAt.After(last):
					last, had = b.FreeAt, []phone.Number{n}
				default:
					had = append(had, n)
				}
			}
		}
	}
	return had
}

// first lists the numbers that may come first among equals.
func (m *model) first(free []phone.Number) []phone.Number {
	if len(free) == 0 || m.Policy == protocol.AssignPack {
		return free[:min(1, len(free))]
	}
	least := m.least(free)
	return filter(free, func(n phone.Number) bool { return m.load(n) == least })
}

func (m *model) least(free []phone.Number) int {
	least := math.MaxInt
	for _, n := range free {
		least = min(least, m.load(n))
	}
	return least
}

// preferred lists those of some clean numbers that may be taken by where they
// are and what they carry.
func (m *model) preferred(free []phone.Number, w want, homes ...phone.Region) []phone.Number {
	at := func(r phone.Region) []phone.Number {
		return filter(free, func(n phone.Number) bool { return r.Known() && r.Contains(n.Region()) })
	}
	for _, r := range []phone.Region{w.region, w.region.Country()} {
		if there := at(r); len(there) > 0 {
			return m.first(there)
		}
	}
	for _, home := range homes {
		country, area := at(home.Country()), at(home)
		if len(country) == 0 {
			continue
		}
		least := m.least(country)
		if len(area) > 0 && (m.Policy == protocol.AssignPack || m.least(area) <= least+least/8) {
			return m.first(area)
		}
		return m.first(country)
	}
	return m.first(free)
}

// oldest lists those of some quarantined numbers whose memory is the oldest.
func (m *model) oldest(free []phone.Number, until func(phone.Number) time.Time) (oldest []phone.Number) {
	for _, n := range free {
		switch {
		case oldest == nil || until(n).Before(until(oldest[0])):
			oldest = []phone.Number{n}
		case until(n).Equal(until(oldest[0])):
			oldest = append(oldest, n)
		}
	}
	return oldest
}

// seat is one side of a pair.
type seat struct {
	who, other phone.Number
	home       phone.Region
	free       []phone.Number
	got        phone.Number
}

// may lists what a side may get when the other has taken its number.
func (m *model) may(s seat, w want, taken phone.Number, soft bool) []phone.Number {
	free := filter(s.free, func(n phone.Number) bool { return n != taken })
	clean := m.clean(free, s.who, s.other)
	if had := m.had(clean, []phone.Number{s.who}, []phone.Number{s.other}); had != nil {
		return had
	}
	if len(clean) > 0 || !soft {
		return m.preferred(clean, w, s.home)
	}
	return m.oldest(free, func(n phone.Number) time.Time { return m.foreign(s.who, s.other, n) })
}

// judge says what is wrong with an answer.
func (m *model) judge(t *rapid.T, w want, got lent, refused refusal) {
	a := seat{who: w.a, other: w.b, home: w.homeA, free: m.free(w, w.a), got: got.a}
	b := seat{who: w.b, other: w.a, home: w.homeB, free: m.free(w, w.b), got: got.b}
	cleanA, cleanB := m.clean(a.free, w.a, w.b), m.clean(b.free, w.b, w.a)
	shared := filter(a.free, func(n phone.Number) bool { return slices.Contains(b.free, n) })
	cleanShared := filter(cleanA, func(n phone.Number) bool { return slices.Contains(cleanB, n) })
	wantShared := w.masks == protocol.MasksShared

	serving := m.serving(phone.Region{})
	must := refusal(0)
	switch {
	case serving == 0:
		must = refusedEmpty
	case w.strict && w.region.Known() && m.serving(w.region) == 0:
		must = refusedRegion
	case len(a.free) == 0 || len(b.free) == 0:
		must = refusedUsed
	case m.Strict && (len(cleanA) == 0 || len(cleanB) == 0):
		must = refusedQuarantined
	}
	if refused != must {
		t.Fatalf("refused with %d, should be %d", refused, must)
	}
	if refused != 0 {
		return
	}
	if !slices.Contains(a.free, got.a) || !slices.Contains(b.free, got.b) {
		t.Fatal("a number was lent that its party may not have")
	}
	why := got.choice
	if why.Of != serving || why.Load != m.load(got.a) || why.Rested != got.quarantined || why.Split != (wantShared && got.a != got.b) ||
		why.Again != (m.had([]phone.Number{got.a}, []phone.Number{w.a}, []phone.Number{w.b}) != nil) {
		t.Fatalf("the choice is explained by %+v", why)
	}
	soft := len(cleanA) == 0 || len(cleanB) == 0
	if soft != got.quarantined {
		t.Fatalf("quarantined: %v, should be %v", got.quarantined, soft)
	}
	switch {
	case wantShared && len(cleanShared) > 0:
		ways := m.had(cleanShared, []phone.Number{w.a, w.b}, []phone.Number{w.b, w.a})
		if ways == nil {
			ways = m.preferred(cleanShared, w, w.homeA, w.homeB)
		}
		m.among(t, "clean and shared", got, ways)
	case wantShared && soft && len(shared) > 0:
		m.among(t, "quarantined and shared", got, m.oldest(shared, func(n phone.Number) time.Time {
			x, y := m.foreign(w.a, w.b, n), m.foreign(w.b, w.a, n)
			if x.After(y) {
				return x
			}
			return y
		}))
	default:
		if !soft {
			a.free, b.free = cleanA, cleanB
		}
		if one := len(a.free) == 1 && len(b.free) == 1 && a.free[0] == b.free[0]; one != (got.a == got.b) {
			t.Fatalf("one number for both: %v, should be %v", got.a == got.b, one)
		}
		if got.a == got.b {
			return
		}
		// A side that could not have taken anything else was served first.
		if ways := m.may(a, w, got.b, soft); !slices.Contains(ways, got.a) {
			t.Fatalf("A got %v, may have %v", got.a, ways)
		}
		if ways := m.may(b, w, got.a, soft); !slices.Contains(ways, got.b) {
			t.Fatalf("B got %v, may have %v", got.b, ways)
		}
	}
}

func (m *model) among(t *rapid.T, what string, got lent, ways []phone.Number) {
	if got.a != got.b || !slices.Contains(ways, got.a) {
		t.Fatalf("%s: got %v and %v, should be one of %v", what, got.a, got.b, ways)
	}
}

func (m *model) serving(r phone.Region) (serving int) {
	for _, n := range m.numbers {
		if n.State == protocol.NumberServing && (!r.Known() || r.Contains(n.Number.Region())) {
			serving++
		}
	}
	return serving
}

func filter(list []phone.Number, wanted func(phone.Number) bool) (out []phone.Number) {
	for _, n := range list {
		if wanted(n) {
			out = append(out, n)
		}
	}
	return out
}
