package pool

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

func digits(s string) phone.Number {
	n, err := phone.FromStore(s)
	if err != nil {
		panic(err)
	}
	return n
}

// person is a party; it is at home where a test says.
func person(i int) phone.Number { return digits("+99" + strconv.Itoa(1e9+i)) }

// proxy numbers are of five homes by turns.
func proxy(i int) phone.Number {
	prefix := [...]string{"+1312555", "+1415555", "+1416555", "+44207946", "+331234"}[i%5]
	return digits(fmt.Sprintf("%s%04d", prefix, i/5))
}

func inRegion(t interface{ Fatal(...any) }, s string) phone.Region {
	r, err := phone.ParseRegion(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func bookingID(i int) (id protocol.BookingID) {
	binary.BigEndian.PutUint64(id[8:], uint64(i))
	return id
}

// history plays with a ledger and its model side by side.
type history struct {
	ledger *ledger
	model  *model
	booked int
	told   map[string]protocol.PoolFigures // by country
}

var regions = []string{"", "", "US", "US-312", "CA", "CA-416", "GB", "FR", "DE", "US-212"}

func drawRegion(t *rapid.T, label string) phone.Region {
	s := rapid.SampledFrom(regions).Draw(t, label)
	if s == "" {
		return phone.Region{}
	}
	return inRegion(t, s)
}

func drawHistory(t *rapid.T) *history {
	c := ledgerConfig{
		PairsPerNumber: rapid.SampledFrom([]int{1, 2, 3, 20}).Draw(t, "pairs"),
		CallsPerMinute: rapid.SampledFrom([]float64{0, 0.5}).Draw(t, "calls"),
		Policy:         rapid.SampledFrom([]protocol.Assignment{protocol.AssignSpread, protocol.AssignPack}).Draw(t, "policy"),
		Strict:         rapid.Bool().Draw(t, "strict"),
	}
	h := &history{newLedger(c), &model{ledgerConfig: c, rings: make(map[phone.Number][]time.Time), now: time.UnixMicro(1e15)}, 0, map[string]protocol.PoolFigures{}}
	for range rapid.IntRange(0, 10).Draw(t, "numbers") {
		h.add(t)
	}
	return h
}

func (h *history) add(*rapid.T) {
	n := protocol.Number{Number: proxy(len(h.model.numbers))}
	h.model.numbers = append(h.model.numbers, n)
	h.ledger.add(n)
}

func (h *history) open(t *rapid.T) {
	people := rapid.SampledFrom([]int{3, 5, 8}).Draw(t, "people")
	a := rapid.IntRange(0, people-1).Draw(t, "a")
	b := (a + rapid.IntRange(1, people-1).Draw(t, "b")) % people
	w := want{
		a: person(a), b: person(b), homeA: drawRegion(t, "home A"), homeB: drawRegion(t, "home B"),
		masks:  rapid.SampledFrom([]protocol.Masks{protocol.MasksShared, protocol.MasksPair}).Draw(t, "masks"),
		region: drawRegion(t, "region"), strict: rapid.Bool().Draw(t, "strict"),
	}
	h.ledger.cool(h.model.now)
	h.booked++
	id := bookingID(h.booked)
	got, refused := h.ledger.assign(id, w)
	h.model.judge(t, w, got, refused)
	if refused == 0 {
		h.model.live = append(h.model.live, protocol.Booking{
			ID: id, NumberA: got.a, NumberB: got.b, PartyA: w.a, PartyB: w.b,
		})
	}
}

func (h *history) release(t *rapid.T) {
	b, ok := takeOne(t, &h.model.live)
	if !ok {
		return
	}
	stranger := b
	stranger.ID = bookingID(1e6)
	if h.ledger.release(stranger, time.Time{}) {
		t.Fatal("a booking that holds nothing was released")
	}
	if rapid.Bool().Draw(t, "quarantine") {
		b.FreeAt = h.model.now.Add(time.Duration(rapid.IntRange(1, 5).Draw(t, "hours")) * time.Hour)
		b.State = protocol.BookingQuarantined
		h.model.past = append(h.model.past, b)
	}
	if !h.ledger.release(b, b.FreeAt) {
		t.Fatal("a live booking was not released")
	}
	if h.ledger.release(b, b.FreeAt) {
		t.Fatal("a booking was released twice")
	}
}

func (h *history) forget(t *rapid.T) {
	b, ok := takeOne(t, &h.model.past)
	if !ok {
		return
	}
	never := b
	never.FreeAt = never.FreeAt.Add(time.Minute)
	h.ledger.forget(never)
	h.ledger.forget(b)
}

func takeOne(t *rapid.T, list *[]protocol.Booking) (b protocol.Booking, ok bool) {
	if len(*list) == 0 {
		return b, false
	}
	i := rapid.IntRange(0, len(*list)-1).Draw(t, "which")
	b = (*list)[i]
	*list = slices.Delete(*list, i, i+1)
	return b, true
}

func (h *history) move(t *rapid.T) {
	if len(h.model.numbers) == 0 {
		return
	}
	n := &h.model.numbers[rapid.IntRange(0, len(h.model.numbers)-1).Draw(t, "number")]
	n.State = rapid.SampledFrom(append(protocol.NumberStates(), protocol.NumberServing, protocol.NumberServing)).Draw(t, "state")
	n.ChangedAt = h.model.now
	h.ledger.move(*n)
}

func (h *history) ring(t *rapid.T) {
	h.model.now = h.model.now.Add(time.Duration(rapid.IntRange(0, 200).Draw(t, "seconds")) * time.Second)
	h.ledger.rang(person(1), h.model.now)
	if len(h.model.numbers) == 0 {
		return
	}
	n := rapid.SampledFrom(h.model.numbers).Draw(t, "number").Number
	for range rapid.IntRange(1, 3).Draw(t, "rings") {
		h.model.rings[n] = append(h.model.rings[n], h.model.now)
		h.ledger.rang(n, h.model.now)
	}
}

// recover builds the ledger again from rows, which the store gives in the order
// of digits and of ids. Rates are lost, and with packing the order is another.
func (h *history) recover(t *rapid.T) {
	before := h.ledger
	h.ledger = newLedger(h.model.ledgerConfig)
	slices.SortFunc(h.model.numbers, func(x, y protocol.Number) int { return x.Number.Compare(y.Number) })
	h.model.rings = make(map[phone.Number][]time.Time)
	for _, n := range h.model.numbers {
		h.ledger.add(n)
	}
	for _, b := range h.model.live {
		if !h.ledger.restore(b) {
			t.Fatal("a live booking was not restored")
		}
		if h.ledger.restore(b) {
			t.Fatal("a number was held twice for a party")
		}
		b.NumberB = person(0)
		if h.ledger.restore(b) {
			t.Fatal("a number that the pool lacks was held")
		}
	}
	for _, b := range h.model.past {
		h.ledger.remember(b)
	}
	for i, s := range before.list(protocol.NumberQuery{}, h.model.now) {
		s.CallsPerMinute, s.LastCallAt = 0, time.Time{}
		if now := h.ledger.list(protocol.NumberQuery{}, h.model.now)[i]; now != s {
			t.Fatalf("recovered %+v, was %+v", now, s)
		}
	}
}

// check counts again what the ledger counts.
func (h *history) check(t *rapid.T) {
	m := h.model
	figures := map[string]protocol.PoolFigures{}
	count := func(n phone.Number, by protocol.PoolFigures) {
		for _, name := range [...]string{"all", n.Region().Country().String()} {
			f := figures[name]
			for state := range by.Numbers {
				f.Numbers[state] += by.Numbers[state]
			}
			f.Idle, f.Live, f.Room = f.Idle+by.Idle, f.Live+by.Live, f.Room+by.Room
			figures[name] = f
		}
	}
	for _, b := range m.live {
		count(b.NumberA, protocol.PoolFigures{Live: 1})
	}
	rooms := map[phone.Region]*protocol.RegionRoom{{}: {}}
	for i := range m.numbers {
		n := &m.numbers[i]
		var one protocol.PoolFigures
		one.Numbers[n.State] = 1
		load, room := m.load(n.Number), max(0, m.PairsPerNumber-m.load(n.Number))
		want := protocol.NumberStatus{
			Number: *n, Region: n.Number.Region(), Live: load, Quarantined: m.quarantined(n.Number), CallsPerMinute: m.rate(n.Number),
		}
		if rings := m.rings[n.Number]; len(rings) > 0 {
			want.LastCallAt = rings[len(rings)-1]
		}
		got, ok := h.ledger.status(n.Number, m.now)
		if off := got.CallsPerMinute - want.CallsPerMinute; off < 1e-9 && off > -1e-9 {
			got.CallsPerMinute = want.CallsPerMinute
		}
		if !ok || got != want {
			t.Fatalf("status %+v, should be %+v", got, want)
		}
		if n.State != protocol.NumberServing {
			count(n.Number, one)
			continue
		}
		if load == 0 {
			one.Idle = 1
		}
		one.Room = room
		count(n.Number, one)
		country := n.Number.Region().Country()
		if rooms[country] == nil {
			rooms[country] = &protocol.RegionRoom{Region: country}
		}
		for _, r := range [...]*protocol.RegionRoom{rooms[phone.Region{}], rooms[country]} {
			r.Serving++
			r.Live += load
			r.Room += room
		}
	}
	if got := h.ledger.figures(); got != figures["all"] {
		t.Fatalf("figures %+v, should be %+v", got, figures["all"])
	}
	// Only what may have changed is told, and so all is known at any time.
	h.ledger.news(func(country string, f protocol.PoolFigures) { h.told[country] = f })
	for country, f := range figures {
		if country != "all" && h.told[country] != f {
			t.Fatalf("figures told of %q: %+v, should be %+v", country, h.told[country], f)
		}
	}
	head := h.ledger.headroom()
	if len(head.Regions) != len(rooms)-1 {
		t.Fatalf("%d countries, should be %d", len(head.Regions), len(rooms)-1)
	}
	for _, got := range append(head.Regions, head.All) {
		want := rooms[got.Region]
		if want.Busiest = m.busiest(got.Region); got != *want {
			t.Fatalf("headroom %+v, should be %+v", got, *want)
		}
	}
	for _, status := range [...]protocol.NumberState{protocol.NumberServing, protocol.NumberRetired} {
		h.checkList(t, protocol.NumberQuery{State: status, States: true, Limit: 2})
	}
	h.checkList(t, protocol.NumberQuery{Region: inRegion(t, "US"), After: proxy(5)})
	h.checkParties(t)
}

func (m *model) busiest(r phone.Region) (most int) {
	counts := make(map[phone.Number]int)
	for _, b := range m.live {
		for who, n := range map[phone.Number]phone.Number{b.PartyA: b.NumberA, b.PartyB: b.NumberB} {
			if !r.Known() || r.Contains(n.Region()) {
				counts[who]++
				most = max(most, counts[who])
			}
		}
	}
	return most
}

func (h *history) checkList(t *rapid.T, q protocol.NumberQuery) {
	var want []phone.Number
	for _, n := range h.model.numbers {
		if (!q.States || n.State == q.State) && (!q.Region.Known() || q.Region.Contains(n.Number.Region())) &&
			(!q.After.Known() || n.Number.Compare(q.After) > 0) {
			want = append(want, n.Number)
		}
	}
	slices.SortFunc(want, phone.Number.Compare)
	if q.Limit > 0 && len(want) > q.Limit {
		want = want[:q.Limit]
	}
	var got []phone.Number
	for _, s := range h.ledger.list(q, h.model.now) {
		got = append(got, s.Number.Number)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("list %+v: %v, should be %v", q, got, want)
	}
}

// checkParties makes sure that nothing is left of those who left, in the arenas
// neither.
func (h *history) checkParties(t *rapid.T) {
	var live, past, blocks int
	for who, p := range h.ledger.parties {
		live, past = live+int(p.live.n), past+int(p.past.n)
		blocks += min(1, int(p.live.n))
		if known := func(b protocol.Booking) bool { return b.PartyA == who || b.PartyB == who }; !slices.ContainsFunc(h.model.live, known) && !slices.ContainsFunc(h.model.past, known) {
			t.Fatal("the ledger knows somebody who has left")
		}
	}
	if live != 2*len(h.model.live) || past != 2*len(h.model.past) {
		t.Fatalf("%d uses and %d memories, should be %d and %d", live, past, 2*len(h.model.live), 2*len(h.model.past))
	}
	for _, size := range h.ledger.uses.sizes {
		blocks -= int(size.n) - len(size.free)
	}
	if blocks != 0 {
		t.Fatalf("%d blocks of uses too few in use", blocks)
	}
}

// Over random histories every answer is one that the rules allow, every counter
// equals a recount, and a ledger that is built again from rows goes on as the
// one before it would have.
func TestLedgerOverRandomHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := drawHistory(t)
		t.Repeat(map[string]func(*rapid.T){
			"add":     h.add,
			"open":    h.open,
			"again":   h.open, // twice as often
			"release": h.release,
			"forget":  h.forget,
			"move":    h.move,
			"ring":    h.ring,
			"recover": h.recover,
			"":        h.check,
		})
	})
}
