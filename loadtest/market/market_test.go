package market

import (
	"math"
	"runtime"
	"testing"
	"time"
	"weak"

	"pgregory.net/rapid"

	"maskswitch/loadtest/pace"
	"maskswitch/loadtest/party"
)

// anyConfig draws small marketplaces, odd ones among them: nobody there, people
// who are all one, storms that take everybody.
var anyConfig = rapid.Custom(func(t *rapid.T) Config {
	share := rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(0, 1), rapid.Just(1.0))
	quarter := rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(0, .25))
	span := func(name string, least, most time.Duration) party.Range {
		a := rapid.Int64Range(int64(least), int64(most)).Draw(t, name)
		b := rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(a, int64(most))).Draw(t, name+" to")
		return party.Range{Min: time.Duration(a), Max: time.Duration(b)}
	}
	c := Config{
		Hosts: rapid.IntRange(1, 30).Draw(t, "hosts"), Guests: rapid.IntRange(1, 50).Draw(t, "guests"),
		HostSkew: rapid.Float64Range(0, 2).Draw(t, "host skew"), GuestSkew: rapid.Float64Range(0, 2).Draw(t, "guest skew"),
		Live:   rapid.IntRange(0, 30).Draw(t, "live"),
		Closed: share.Draw(t, "closed"), Extended: share.Draw(t, "extended"), Shortened: share.Draw(t, "shortened"), Repeated: share.Draw(t, "repeated"), Read: share.Draw(t, "read"),
		FromHost: share.Draw(t, "from host"), Strangers: quarter.Draw(t, "strangers"), Withheld: quarter.Draw(t, "withheld"),
		Late: quarter.Draw(t, "late"), Twins: quarter.Draw(t, "twins"), Redials: share.Draw(t, "redials"),
		RedialAfter: span("redial after", 0, 20*time.Second), Mix: party.Everyday(),
		Speed: rapid.SampledFrom([]float64{0, .5, 1, 20}).Draw(t, "speed"),
		Settle: rapid.OneOf(rapid.Just(time.Duration(0)), rapid.Map(rapid.Int64Range(int64(time.Millisecond), int64(3*time.Second)),
			func(n int64) time.Duration { return time.Duration(n) })).Draw(t, "settle"),
	}
	settle := c.filled().Settle
	c.Lasts = span("lasts", time.Millisecond, 2*time.Minute)
	if c.longest() <= 2*settle {
		c.Lasts.Max = 2*settle + 1
	}
	if c.Live == 0 || rapid.Bool().Draw(t, "opens") {
		r := rapid.Float64Range(.01, 3)
		c.Opens = []pace.Stage{{For: time.Minute, From: r.Draw(t, "opening"), To: r.Draw(t, "opening at the end"), Burst: rapid.IntRange(0, 9).Draw(t, "burst")}}
	}
	for range rapid.IntRange(0, 3).Draw(t, "storms") {
		c.Storms = append(c.Storms, Storm{At: time.Duration(rapid.Int64Range(int64(settle), int64(60*time.Second)).Draw(t, "storm")),
			Share: share.Draw(t, "storm's share"), Closed: rapid.Bool().Draw(t, "storm closes")})
	}
	return c
})

func TestStreamEqualsANaiveModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := anyConfig.Draw(t, "config")
		stages := calls(rapid.Float64Range(0, 8).Draw(t, "rate"), 90*time.Second)
		playThrough(t, cfg, stages, rapid.Uint64().Draw(t, "seed"))
	})
}

func TestEqualArgumentsGiveEqualStreams(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := anyConfig.Draw(t, "config")
		stages, seed := calls(5, 90*time.Second), rapid.Uint64().Draw(t, "seed")
		one, two := text(newMarket(t, cfg, stages, seed), 150), text(newMarket(t, cfg, stages, seed), 150)
		if one != two {
			t.Fatalf("two streams of one seed:\n%s\n%s", one, two)
		}
		if other := text(newMarket(t, cfg, stages, seed+1), 150); other == one {
			t.Fatalf("another seed gives the same stream:\n%s", one)
		}
	})
}

// Who dials is no reason for other bookings.
func TestBookingsDoNotDependOnCalls(t *testing.T) {
	bookings := func(cfg Config, rate float64) (all []Booking) {
		m := newMarket(t, cfg, calls(rate, 10*time.Minute), 5)
		for _, b := range m.WarmUp() {
			all = append(all, *b)
		}
		for op, ok := m.Next(); ok; op, ok = m.Next() {
			if op.Kind == Open {
				all = append(all, *op.Booking)
			}
		}
		return all
	}
	other := steady()
	other.Strangers, other.Twins, other.Redials = 0, 0, 1
	one, two := bookings(steady(), 3), bookings(other, 7)
	if len(one) != len(two) || len(one) < 2000 {
		t.Fatalf("%d and %d bookings", len(one), len(two))
	}
	for i := range one {
		if one[i] != two[i] {
			t.Fatalf("%+v and %+v", one[i], two[i])
		}
	}
	// The shares of what is done about bookings leave their times alone, too.
	other = steady()
	other.Read, other.Repeated = 0, 1
	for i, b := range bookings(other, 3) {
		if b != one[i] {
			t.Fatalf("%+v and %+v", one[i], b)
		}
	}
	// So does what they ask for.
	other = steady()
	other.Pairs, other.Cuts, other.Idle, other.Regional = 0, 1, 1, 0
	for i, b := range bookings(other, 3) {
		if !b.Cut || b.Idle == 0 || b.Pair || b.Region != "" {
			t.Fatalf("%+v", b)
		}
		if b.Terms = one[i].Terms; b != one[i] {
			t.Fatalf("%+v and %+v", one[i], b)
		}
	}
}

// about fails if got of n is further from the share than five standard errors.
func about(t *testing.T, what string, got, n int, share float64) {
	t.Helper()
	if is := float64(got) / float64(n); math.Abs(is-share) > 5*math.Sqrt(share*(1-share)/float64(n))+1e-9 {
		t.Errorf("%s: %d of %d are %.4f, want %.4f", what, got, n, is, share)
	}
}

func TestSharesAreThoseOfTheConfig(t *testing.T) {
	cfg := steady()
	m := newMarket(t, cfg, calls(150, 10*time.Minute), 1)
	m.WarmUp()
	n := map[string]int{}
	for op, ok := m.Next(); ok; op, ok = m.Next() {
		if op.Kind != Dial {
			n[op.Kind.String()]++
			if b := op.Booking; op.Kind == Open {
				if b.Extends > 0 {
					n["to be extended"]++
				}
				if b.Closed {
					n["to be closed"]++
				}
				for what, is := range map[string]bool{"pairs": b.Pair, "cuts": b.Cut, "idle": b.Idle > 0, "CA": b.Region == "CA", "US-312": b.Region == "US-312",
					"off": b.Recording == RecordOff, "wav": b.Recording == RecordWav, "mono": b.Recording == RecordMono, "summary": b.Summary,
					"long idle": b.Idle > 35*time.Second, "no grace": b.Cut && b.Grace == 0} {
					if is {
						n[what]++
					}
				}
				if b.Extends < 0 {
					n["to be shortened"]++
				}
			}
			continue
		}
		k := op.Call
		n["calls"]++
		n[k.Caller.String()]++
		if op.Booking == nil {
			n["nothing"]++
		}
		if k.Host {
			n["host"]++
		}
		if k.Twin {
			n["twin"]++
		}
		if k.Redial {
			n["redial"]++
		}
		if _, answered := outcome(k.Script); k.Caller == Party && !answered && op.At < 9*time.Minute {
			n["unanswered"]++
		}
	}
	if n["nothing"] > 0 || n["calls"] < 80_000 || n["open"] < 2000 {
		t.Fatalf("%v", n)
	}
	about(t, "strangers", n["stranger"], n["calls"], cfg.Strangers)
	about(t, "withheld", n["withheld"], n["calls"], cfg.Withheld)
	about(t, "twins", n["twin"], n["calls"], cfg.Twins)
	about(t, "from the host", n["host"], n["calls"], cfg.FromHost+cfg.Twins*(.5-cfg.FromHost)) // of twins always one
	about(t, "to be extended", n["to be extended"], n["open"], cfg.Extended)
	about(t, "to be closed", n["to be closed"], n["open"], cfg.Closed)
	about(t, "repeated", n["repeat"], n["open"], cfg.Repeated)
	about(t, "to be shortened", n["to be shortened"], n["open"], cfg.Shortened*(1-cfg.Extended))
	about(t, "with a number for each side", n["pairs"], n["open"], cfg.Pairs)
	about(t, "that end the talk", n["cuts"], n["open"], cfg.Cuts)
	about(t, "that end when idle", n["idle"], n["open"], cfg.Idle)
	about(t, "that end when long idle", n["long idle"], n["open"], cfg.Idle/2)
	about(t, "without a whole second of grace", n["no grace"], n["open"], cfg.Cuts/5)
	about(t, "unrecorded", n["off"], n["open"], cfg.Unrecorded)
	about(t, "wav", n["wav"], n["open"], cfg.Wav)
	about(t, "mono", n["mono"], n["open"], cfg.Mono)
	about(t, "with a summary", n["summary"], n["open"], cfg.Summaries*(1-cfg.Unrecorded))
	about(t, "of one region", n["CA"], n["open"], cfg.Regional/2)
	about(t, "of the other", n["US-312"], n["open"], cfg.Regional/2)
	// No late callers in the first seconds, and no redials about bookings that
	// end meanwhile: a little fewer.
	if is := float64(n["late"]) / float64(n["calls"]); is < .95*cfg.Late || is > 1.1*cfg.Late {
		t.Errorf("late: %.4f, want a little less than %.2f", is, cfg.Late)
	}
	if is := float64(n["redial"]) / float64(n["unanswered"]); is < .8*cfg.Redials || is > 1.2*cfg.Redials {
		t.Errorf("redials: %.4f of the unanswered, want about %.2f", is, cfg.Redials)
	}
}

func TestExtremeShares(t *testing.T) {
	for _, c := range []struct {
		story  string
		change func(*Config)
		holds  func(n map[string]int, calls int) bool
	}{
		{"only strangers", func(c *Config) { c.Strangers = 1 }, func(n map[string]int, calls int) bool { return n["stranger"] == calls }},
		{"only withheld", func(c *Config) { c.Withheld = 1 }, func(n map[string]int, calls int) bool { return n["withheld"] == calls }},
		{"only twins, but for the last one", func(c *Config) { c.Twins = 1 }, func(n map[string]int, calls int) bool { return n["twin"] >= calls-1 }},
		{"only hosts", func(c *Config) { c.FromHost = 1 }, func(n map[string]int, calls int) bool { return n["host"] == calls }},
		{"nobody special", func(*Config) {}, func(n map[string]int, calls int) bool {
			return n["party"] == calls && n["host"]+n["twin"]+n["redial"] == 0
		}},
		{"everybody again who got no answer", func(c *Config) { c.Redials = 1 }, func(n map[string]int, calls int) bool { return n["redial"] > calls/8 }},
		{"late as soon as there is somebody", func(c *Config) { c.Late = 1 }, func(n map[string]int, calls int) bool { return n["late"] > calls*8/10 && n["late"] < calls }},
	} {
		cfg := steady()
		cfg.FromHost, cfg.Strangers, cfg.Withheld, cfg.Late, cfg.Twins, cfg.Redials = 0, 0, 0, 0, 0, 0
		c.change(&cfg)
		n := playThrough(t, cfg, calls(6, 3*time.Minute), 3)
		if !c.holds(n.outcomes, len(n.dialled)) || n.outcomes["nothing"] > 0 {
			t.Errorf("%s: %v of %d calls", c.story, n.outcomes, len(n.dialled))
		}
	}
}

// A marketplace without bookings says so, call by call.
func TestNobodyToDialAbout(t *testing.T) {
	cfg := steady()
	cfg.Live, cfg.Storms = 0, nil
	cfg.Opens = []pace.Stage{{For: time.Minute}, {For: 9 * time.Minute, From: 2, To: 2}}
	n := playThrough(t, cfg, calls(5, 2*time.Minute), 1)
	early := 0
	for _, op := range n.dialled {
		if op.At < time.Minute+n.cfg.Settle {
			early++
		}
	}
	if got := n.outcomes["nothing"]; got < early || got > early+50 || early < 200 {
		t.Errorf("%d calls are about nothing, and %d come before the first booking", got, early)
	}
}

// Live bookings are chosen with no eye on their age or their place.
func TestCallsAreSpreadOverTheLiveBookings(t *testing.T) {
	cfg := steady()
	cfg.Live, cfg.Opens, cfg.Redials = 50, nil, 0
	cfg.Lasts = party.Range{Min: 1000 * time.Hour}
	m := newMarket(t, cfg, calls(100, 10*time.Minute), 1)
	got, total := map[int]float64{}, 0.0
	for op, ok := m.Next(); ok; op, ok = m.Next() {
		if op.Kind == Dial && !(op.Call.Twin && op.Call.Host) {
			got[op.Booking.N]++
			total++
		}
	}
	chi, want := 0.0, total/50
	for n := 1; n <= 50; n++ {
		chi += (got[n] - want) * (got[n] - want) / want
	}
	if most := 49 + 5*math.Sqrt(2*49); chi > most {
		t.Errorf("%v: chi-square %.1f, want at most %.1f", got, chi, most)
	}
}

func TestAPopulationStaysAsLargeAsItBegan(t *testing.T) {
	cfg := steady()
	cfg.Lasts = party.Range{Min: time.Minute, Max: 5 * time.Minute}
	cfg.Closed, cfg.Extended, cfg.Live = 0, 0, 3600
	cfg.Opens = calls(3600.0/180, 20*time.Minute)
	m := newMarket(t, cfg, calls(1, 20*time.Minute), 1)
	var all []*Booking
	all = append(all, m.WarmUp()...)
	for op, ok := m.Next(); ok; op, ok = m.Next() {
		if op.Kind == Open {
			all = append(all, op.Booking)
		}
	}
	for at := time.Duration(0); at <= 20*time.Minute; at += 30 * time.Second {
		n := 0
		for _, b := range all {
			if b.Opens <= at && at < b.Ends {
				n++
			}
		}
		if math.Abs(float64(n)-3600) > 5*math.Sqrt(3600) {
			t.Errorf("at %v %d bookings are live, want about 3600", at, n)
		}
	}
}

// A run of any length holds what is alive, and forgets the rest.
func TestMemoryDoesNotGrowWithTheRun(t *testing.T) {
	cfg := steady()
	cfg.Opens = calls(50, 20*time.Minute)
	cfg.Lasts = party.Range{Min: 10 * time.Second, Max: 20 * time.Second}
	m := newMarket(t, cfg, calls(100, 20*time.Minute), 1)
	var early []weak.Pointer[Call]
	var bookings []weak.Pointer[Booking]
	for _, b := range m.WarmUp() {
		bookings = append(bookings, weak.Make(b))
	}
	n, most := 0, 0
	for op, ok := m.Next(); ok; op, ok = m.Next() {
		if op.Kind == Dial {
			if n++; len(early) < 1000 {
				early = append(early, weak.Make(op.Call))
			}
		}
		most = max(most, len(m.agenda), len(m.redials))
	}
	if n < 110_000 || most > 2500 {
		t.Fatalf("%d calls, and up to %d bookings or redials at once", n, most)
	}
	runtime.GC()
	held := 0
	for _, w := range early {
		if w.Value() != nil {
			held++
		}
	}
	for _, w := range bookings {
		if w.Value() != nil {
			held++
		}
	}
	runtime.KeepAlive(m)
	if held > 0 {
		t.Errorf("%d calls and bookings of the begin are still held", held)
	}
}

func TestWarmUpComesOnceAndFirst(t *testing.T) {
	m := newMarket(t, steady(), calls(1, time.Minute), 1)
	if n := len(m.WarmUp()); n != 600 {
		t.Errorf("%d bookings, want 600", n)
	}
	if again := m.WarmUp(); again != nil {
		t.Errorf("and again %d", len(again))
	}
	m = newMarket(t, steady(), calls(1, time.Minute), 1)
	if op, ok := m.Next(); !ok || m.WarmUp() != nil {
		t.Errorf("a warm-up after %v", op)
	}
}
