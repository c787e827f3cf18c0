package pool

import (
	"math"
	"slices"
	"time"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// economy is how a marketplace is served.
type economy struct {
	pool       float64 // numbers, in multiples of the lower bound
	policy     protocol.Assignment
	masks      protocol.Masks
	quarantine time.Duration
	strict     bool
}

// thrift is what came of it: shares of all bookings in percent, and the worst
// evenness seen.
type thrift struct {
	numbers  int
	refused  float64
	two      float64 // shown two numbers
	rested   float64 // given a number out of quarantine
	evenness float64 // busiest number's load / mean load, at the worst instant in the worst country
	loads    []int   // of the numbers, when the last booking began
}

// play serves a trace by a ledger.
func (t *trace) play(e economy) (out thrift) {
	l := newLedger(ledgerConfig{PairsPerNumber: len(t.trades), Policy: e.policy, Strict: e.strict})
	for c, country := range t.countries() {
		for i := range int(math.Ceil(e.pool*float64(t.busiest[c]) - 1e-9)) {
			l.add(protocol.Number{Number: t.proxy(country, i)})
			out.numbers++
		}
	}
	var ends, rests deadlines[protocol.Booking]
	refused, two, rested := 0, 0, 0
	for i, x := range t.trades {
		for {
			b, at, ok := ends.due(x.from)
			if !ok {
				break
			}
			b.FreeAt = time.Time{}
			if e.quarantine > 0 {
				b.FreeAt = at.Add(e.quarantine)
				rests.push(b.FreeAt, b)
			}
			l.release(b, b.FreeAt)
		}
		for {
			b, _, ok := rests.due(x.from)
			if !ok {
				break
			}
			l.forget(b)
		}
		b := protocol.Booking{ID: bookingID(i), PartyA: person(x.host), PartyB: person(x.guest)}
		got, refusal := l.assign(b.ID, want{
			a: b.PartyA, b: b.PartyB, homeA: t.home(x.host), homeB: t.home(x.guest), masks: e.masks,
		})
		if refusal != 0 {
			refused++
			continue
		}
		b.NumberA, b.NumberB = got.a, got.b
		ends.push(x.to, b)
		if got.a != got.b {
			two++
		}
		if got.quarantined {
			rested++
		}
		if i > len(t.trades)/2 && i%(len(t.trades)/64) == 0 {
			out.evenness = max(out.evenness, l.evenness())
		}
	}
	for _, s := range l.slots {
		out.loads = append(out.loads, int(s.load))
	}
	share := 100 / float64(len(t.trades))
	out.refused, out.two, out.rested = share*float64(refused), share*float64(two), share*float64(rested)
	return out
}

// proxy makes numbers of a country, as many in each of its areas.
func (t *trace) proxy(country phone.Region, i int) phone.Number {
	var prefixes []int
	for k := range 5 {
		home := proxy(k).Region()
		if country.Contains(home) && (len(t.homes) == 0 && k == 0 || slices.Contains(t.homes, home)) {
			prefixes = append(prefixes, k)
		}
	}
	return proxy(5*i + prefixes[i%len(prefixes)])
}

// evenness is the load of the busiest number by the mean load, in the country
// where it is the worst.
func (l *ledger) evenness() (worst float64) {
	for _, g := range l.named {
		busiest := int32(0)
		for _, i := range g.members {
			busiest = max(busiest, l.slots[i].load)
		}
		worst = max(worst, float64(busiest)*float64(g.tally.serving)/float64(g.tally.live))
	}
	return worst
}
