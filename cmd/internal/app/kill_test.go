package app_test

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"maskswitch/loadtest/carrier"
)

var killSeed = flag.Uint64("kill.seed", 0, "seed of TestKilledAtAnyInstant; 0 takes another each time")

// How often the switch is killed. The promise is about fifty kills under load;
// one more of every six strikes while it starts.
const (
	killsUnderLoad = 50
	killsOfShort   = 10
	startEvery     = 6
)

// TestKilledAtAnyInstant kills the switch, again and again on one store, while
// people book, end bookings and call, and holds it to what it has acknowledged:
//
//   - every acknowledged booking and deletion holds;
//   - no (number, party) pair is held twice;
//   - every call whose first webhook was acknowledged is carried on to its end;
//   - no command takes effect twice;
//   - every recording that was made is in the archive, whole and once.
//
// The switch is a process of its own. Its carrier and its people live in this
// one, and see what anybody outside of it could see. The carrier doubles,
// delays and overtakes events, breaks connections after a command took effect,
// and delivers again for longer than any life takes to begin.
func TestKilledAtAnyInstant(t *testing.T) {
	seed, kills := *killSeed, killsUnderLoad+killsUnderLoad/(startEvery-1)
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	if testing.Short() {
		kills = killsOfShort
	}
	t.Logf("-kill.seed=%d", seed)
	dice := rand.New(rand.NewPCG(seed, 0))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()

	fake := newCarrier(t, seed)
	home := newHome(t, dice, fake)
	m := newMarket(t, home.url, fake)
	now := home.begin(t)
	m.open(ctx)
	var working sync.WaitGroup
	defer working.Wait()
	defer cancel()
	for n := range clients {
		dice := rand.New(rand.NewPCG(seed, uint64(n)+1))
		working.Go(func() { m.work(ctx, dice) })
	}

	now, met := strike(ctx, t, dice, now, m, kills)

	if err := now.ready(ctx); err != nil {
		t.Fatal(err)
	}
	close(m.stop)
	working.Wait()
	m.lateAgain(ctx)
	settled, stop := context.WithTimeout(ctx, 45*time.Second)
	defer stop()
	if err := fake.Wait(settled); err != nil {
		t.Errorf("not every call ends: %v", err)
	}
	m.census(ctx, 1000)
	m.hold(ctx, m.census(ctx, 7))
	if open := m.closed(ctx, home); len(open) > 0 {
		t.Errorf("rows of calls are still open: %v", open)
	}
	if due := m.archived(ctx, home); len(due) > 0 {
		t.Errorf("recordings are still due: %v", due)
	}
	if err := now.stop(40 * time.Second); err != nil {
		t.Errorf("the last life does not end in order: %v", err)
	}
	recordings := m.audit(ctx, t, home.dir)
	m.auditArchive(ctx, t, home.dir, fake)
	acknowledged := 0
	for _, d := range m.calls {
		if m.judge(d) {
			acknowledged++
		}
	}
	if lines := home.complaints(t); len(lines) > 0 {
		t.Errorf("the switch complains:\n%s", strings.Join(lines, "\n"))
	}
	m.report(t, acknowledged, recordings)
	// Too little load would prove nothing.
	if !t.Failed() && (met.kills < kills || met.hits < kills*3/4 || len(met.stages) < 5 || len(m.lents) < 5*kills) {
		t.Errorf("%+v does not suffice", met)
	}
}

// struck is what the kills met.
type struck struct {
	kills  int
	hits   int            // kills that met calls of which something was acknowledged
	stages map[string]int // of all calls that were met
}

// strike kills one life after the other, each at a random instant, and returns
// the one that follows the last. In each life that became ready it looks whether
// everything acknowledged is there.
func strike(ctx context.Context, t *testing.T, dice *rand.Rand, now *life, m *market, kills int) (*life, struck) {
	s := struck{stages: make(map[string]int)}
	began := time.Now()
	for ; s.kills < kills && !t.Failed(); s.kills++ {
		instant := time.Duration(dice.IntN(120)) * time.Millisecond // of a start
		if s.kills%startEvery != 0 {
			if err := now.ready(ctx); err != nil {
				t.Fatal(err)
			}
			m.census(ctx, 1000)
			instant = time.Duration(20+dice.IntN(360)) * time.Millisecond
		}
		select {
		case <-time.After(instant):
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		}
		met, known := m.stages(), 0
		for stage, calls := range met {
			s.stages[stage] += calls
			if stage != onTheirWay {
				known += calls
			}
		}
		if known > 0 {
			s.hits++
		}
		if err := now.kill(); err != nil {
			t.Fatal(err)
		}
		now = now.home.begin(t)
	}
	t.Logf("%d kills in %s, %d of them with acknowledged calls under way; calls by stage: %v", s.kills, time.Since(began).Round(time.Millisecond), s.hits, s.stages)
	return now, s
}

// newCarrier makes one that is unpleasant, but not worse than carriers are.
func newCarrier(t *testing.T, seed uint64) *carrier.Carrier {
	lost := carrier.Failure{Rate: .08, Reply: carrier.Reply{Cut: carrier.CutAfter}}
	busy := carrier.Failure{Rate: .02, Reply: carrier.Reply{Status: 503}}
	fake := carrier.New(carrier.Config{
		APIKey: carrierKey, Seed: seed,
		Faults: carrier.Faults{
			Duplicate: .1, Reorder: .15, Delay: 200 * time.Millisecond, RecordingEarly: .2, RecordingBare: .1, RecordingAgain: .1,
			Commands: map[string][]carrier.Failure{"": {lost, busy}},
		},
		Timing: carrier.Timing{
			Answer: 10 * time.Millisecond, Dial: 15 * time.Millisecond, Bridge: 5 * time.Millisecond,
			Release: 10 * time.Millisecond, Save: 100 * time.Millisecond, Speech: 100 * time.Millisecond,
		},
		RetryDelays: slices.Repeat([]time.Duration{50 * time.Millisecond}, 400),
	})
	t.Cleanup(fake.Close)
	if err := fake.Start(); err != nil {
		t.Fatal(err)
	}
	return fake
}

// open fills the pool.
func (m *market) open(ctx context.Context) {
	var numbers []string
	for n := range poolSize {
		numbers = append(numbers, fmt.Sprintf("%q", phoneOf("773", 5550000+n)))
	}
	a, err := m.ask(ctx, "POST", "/pool", `{"numbers":[`+strings.Join(numbers, ",")+`]}`)
	if err != nil || a.status != 200 {
		m.t.Fatalf("fill the pool: %d %s %v", a.status, a.body, err)
	}
}

// onTheirWay are calls of which the switch has acknowledged nothing yet.
const onTheirWay = "not acknowledged"

// stages counts the calls under way, by what a kill at this instant strikes.
func (m *market) stages() map[string]int {
	m.mu.Lock()
	calls := slices.DeleteFunc(slices.Clone(m.calls), func(d *dialled) bool {
		select {
		case <-d.Done():
			return true
		default:
			return false
		}
	})
	m.mu.Unlock()
	found := make(map[string]int)
	for _, d := range calls {
		l := d.Ledger()
		ring, _ := l.Event("A", "call.initiated")
		switch alive := l.Alive(); {
		case !ring.Accepted:
			found[onTheirWay]++
		case len(alive) == 0:
			found["over, events to come"]++
		case l.Talked():
			found["talking"]++
		case len(l.Connections) > 0 && len(alive) > 1:
			found["ringing"]++
		case len(l.Connections) > 0:
			found["telling"]++
		case l.Legs[0].Answered:
			found["dialing"]++
		default:
			found["answering"]++
		}
	}
	return found
}

// lateAgain lets people call whose bookings ended in earlier lives.
func (m *market) lateAgain(ctx context.Context) {
	m.mu.Lock()
	defer m.mu.Unlock()
	placed := 0
	for _, b := range m.lents {
		if b.own && !b.ended.IsZero() && placed < 60 {
			placed++
			m.place(ctx, &dialled{kind: tooLate, booking: b, caller: b.b, proxy: b.dials(b.b)})
		}
	}
}

// closed waits until nothing is due for any call any more, and returns what
// still is. It looks into the store beside the switch, as people may.
func (m *market) closed(ctx context.Context, h *home) (open []string) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(h.dir, "journal.db")+"?mode=ro")
	if err != nil {
		m.t.Fatal(err)
	}
	defer db.Close()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for late := time.After(20 * time.Second); ; {
		if open = openCalls(ctx, m.t, db); len(open) == 0 {
			return nil
		}
		select {
		case <-look.C:
		case <-late:
			return open
		case <-ctx.Done():
			return open
		}
	}
}

func openCalls(ctx context.Context, t *testing.T, db *sql.DB) (open []string) {
	rows, err := db.QueryContext(ctx, "SELECT session_id, stage FROM calls WHERE stage <> 'closed'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var session, stage string
		if err := rows.Scan(&session, &stage); err != nil {
			t.Fatal(err)
		}
		open = append(open, session+" "+stage)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return open
}

// report says what was put to the test, and checks what no single call shows.
func (m *market) report(t *testing.T, acknowledged, recordings int) {
	kinds, ended := make(map[string]int), 0
	for _, d := range m.calls {
		kinds[d.kind]++
	}
	for _, b := range m.lents {
		if !b.ended.IsZero() {
			ended++
		}
	}
	totals := m.carrier.Totals()
	t.Logf("%d bookings, %d of them ended; %d calls, %d acknowledged: %v; %d recordings", len(m.lents), ended, len(m.calls), acknowledged, kinds, recordings)
	t.Logf("%d webhooks delivered, %d again; %d commands, %d ignored as repeats", totals.Deliveries, totals.Redelivered, totals.Commands, totals.Repeats)
	if totals.GivenUp > 0 || totals.Refused > 0 {
		t.Errorf("%d events were given up, %d refused", totals.GivenUp, totals.Refused)
	}
	if acknowledged < len(m.calls) {
		t.Errorf("%d of %d calls were acknowledged", acknowledged, len(m.calls))
	}
	if strays := m.carrier.Strays(); len(strays) > 0 {
		t.Errorf("%d commands for legs that never were, such as %+v", len(strays), strays[0])
	}
}
