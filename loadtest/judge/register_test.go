package judge

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"maskswitch/loadtest/market"
)

// Ended bookings are forgotten after Keep, live and uncertain ones never.
func TestMemoryIsBounded(t *testing.T) {
	r := New(Config{Keep: 10 * time.Second})
	const many = 3 * shards * leastSweep / 2
	when := at(0)
	for i := range many {
		id := fmt.Sprint("bk-", i)
		r.Opening(id, fmt.Sprintf("+1312%07d", i), fmt.Sprintf("+1415%07d", i), Terms{}, when)
		r.Opened(id, Answer{Proxy: proxy, Expires: when.Add(time.Hour)}, when)
		if i%100 != 0 {
			r.Closing(id, when)
			r.Closed(id, when)
		}
		when = when.Add(time.Millisecond)
	}
	known, keys := 0, 0
	for i := range shards {
		known += len(r.byID[i].bookings)
		keys += len(r.byKey[i].bookings)
	}
	// Twenty seconds' worth at most, half of it kept and half waiting for the
	// sweep, or what is too little to sweep.
	if most := 2 * max(shards*leastSweep, 20_000); known > most || keys > 2*most {
		t.Errorf("%d bookings and %d keys are known after %d", known, keys, many)
	}
	if r.known("bk-0") == nil {
		t.Error("a live booking was forgotten")
	}
}

// What many do at once must be safe, and the last of two clashing bookings is
// found whoever comes first.
func TestManyAtOnce(t *testing.T) {
	r := New(Config{})
	var wg sync.WaitGroup
	var mu sync.Mutex
	var found []Finding
	const pairs = 200
	for i := range pairs {
		for j := range 2 { // the second clashes with the first
			wg.Go(func() {
				id := fmt.Sprintf("bk-%d-%d", i, j)
				g := fmt.Sprintf("+1312555%04d", i)
				r.Opening(id, g, fmt.Sprintf("+1415555%04d", 2*i+j), Terms{}, at(0))
				f := r.Opened(id, Answer{Proxy: proxy, Expires: at(1000)}, at(1))
				l := tell(g, to(host, proxy)...)
				r.Judge(expected(g, market.Party, talks), l, Trouble{})
				mu.Lock()
				found = append(found, f...)
				mu.Unlock()
			})
		}
	}
	wg.Wait()
	if len(found) != pairs || len(kinds(found)) != 1 {
		t.Errorf("%d findings of %d clashes: %v", len(found), pairs, kinds(found))
	}
}

func TestLadders(t *testing.T) {
	r := register(Config{Record: true})
	s := NewLadders()
	add := func(habit string, e Expected, lines ...func(*story)) {
		l := tell(e.From, lines...)
		s.Add(habit, r.Judge(e, l, Trouble{}), l)
	}
	add("talks", expected(guest, market.Party, talks), normal()...)
	add("talks", expected(guest, market.Party, talks), but([]int{10, 11, 15}, func(s *story) {
		e := &s.Events[0]
		e.Deliveries = append(e.Deliveries, e.Deliveries[0])
		e.Deliveries[1].Copy = 2
	}, turnedAway("B", "call.bridged", 400))...)
	add("stranger", expected(third, market.Stranger, talks), to(guest, proxy)...)
	report := s.Report()
	if len(report) != 2 || report[0].Script != "stranger" || report[1].Calls != 2 {
		t.Fatalf("%+v", report)
	}
	got := map[string]string{}
	for _, l := range report {
		for _, g := range l.Rungs {
			got[l.Script+" "+g.Step] = fmt.Sprint(g.Sent, g.Received, g.Duplicate, g.Late, g.Missing, g.Unexpected, g.Command)
		}
	}
	for step, want := range map[string]string{
		"talks A call.initiated":     "3 3 1 0 0 0 false",
		"talks answer A":             "0 2 0 0 0 0 true",
		"talks record_start":         "0 1 0 0 1 0 true",
		"talks A, B call.bridged":    "4 3 0 0 1 0 false",
		"talks B call.hangup":        "2 2 0 0 0 0 false",
		"stranger transfer A":        "0 1 0 0 0 1 true",
		"stranger B call.initiated":  "1 1 0 0 0 1 false",
		"stranger A call.speak.none": "",
	} {
		if got[step] != want {
			t.Errorf("%s: %q, want %q", step, got[step], want)
		}
	}
}
