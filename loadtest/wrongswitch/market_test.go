package wrongswitch_test

import (
	"context"
	"fmt"
	"time"

	"maskswitch/loadtest/carrier"
	"maskswitch/loadtest/judge"
	"maskswitch/loadtest/market"
	"maskswitch/loadtest/party"
)

// habits are kinds of calls, with what must come of them in this rig.
var habits = []struct {
	name, outcome string
	script        party.Script
}{
	{"talks", "talked", party.Script{After: 2 * time.Second, Talk: 8 * time.Second}},
	{"callee leaves", "talked", party.Script{After: time.Second, Talk: 6 * time.Second, Leaves: party.Callee}},
	{"talks long", "talked", party.Script{After: 2 * time.Second, Talk: 180 * time.Second}}, // longer than react
	{"busy", "busy", party.Refused(party.Busy, time.Second)},
	{"declines", "declined", party.Script{Callee: party.Decline, After: 2 * time.Second}},
	{"unreachable", "unreachable", party.Refused(party.Unreachable, time.Second)},
	{"rings out", "no answer", party.Script{Callee: party.RingOut}},
	{"gives up", "abandoned", party.GivesUp(6 * time.Second)},
}

// lateScript is of people who stay on the line until they are released.
var lateScript = party.Script{After: 2 * time.Second, Talk: 8 * time.Second}

func guest(i int) string { return fmt.Sprintf("+1312555%04d", 1000+i) }
func host(i int) string  { return fmt.Sprintf("+1415555%04d", 2000+i) }
func proxy(i int) string { return fmt.Sprintf("+1646555%04d", 3000+i) }

// play runs a market: 24 bookings on 6 numbers, some closed early, and calls by
// everybody who may and may not call.
func (r *rig) play(calls int) {
	r.t.Helper()
	const bookings = 24
	numbers := make([]string, 6)
	for i := range numbers {
		numbers[i] = proxy(i)
	}
	r.ask("POST", "/pool", map[string]any{"numbers": numbers})
	id := func(i int) string { return fmt.Sprintf("bk-%d", i) }
	for i := range bookings {
		t := judge.Terms{Pair: i%3 == 1}
		r.open(id(i), guest(i%16), host(i%8), time.Hour, t)
		if i%3 == 0 {
			r.open(id(i), guest(i%16), host(i%8), time.Hour, t)
		}
	}
	closed := func(i int) bool { return i%4 == 3 }
	for i := range bookings {
		r.read(id(i))
		if closed(i) {
			r.close(id(i))
			r.read(id(i))
		}
	}
	for n := range calls {
		d := judge.Dialling{Call: uint64(n + 1), Host: n%5 < 2, At: time.Now()}
		i := r.rng.IntN(bookings)
		for closed(i) != (n%10 == 9) {
			i = r.rng.IntN(bookings)
		}
		d.Booking, d.From = id(i), guest(i%16)
		if d.Host {
			d.From = host(i % 8)
		}
		h := habits[n%len(habits)]
		d.Habit, d.Script = h.name, h.script
		switch n % 10 {
		case 7:
			d.Who, d.From, d.Habit = market.Stranger, "+17735550001", "stranger"
		case 8:
			d.Who, d.From, d.Habit = market.Withheld, "anonymous", "withheld"
		case 9:
			d.Who, d.Habit, d.Script = market.Late, "late", lateScript
		}
		k := r.dial(d)
		if n%16 == 15 { // a wave at a time
			r.settle(k, react/4)
		}
	}
}

func (r *rig) dial(d judge.Dialling) *carrier.Call {
	r.t.Helper()
	e, ok := r.judge.Dial(d)
	if !ok {
		r.t.Fatalf("booking %s was opened and has no number", d.Booking)
	}
	return r.fake.Place(carrier.Placement{Key: d.Call, From: d.From, To: e.Number, Script: d.Script, Tag: &e})
}

// ends are the ways in which a booking ends while two people talk.
var ends = []struct {
	habit, outcome string
	terms          judge.Terms
}{
	{"finishes", "talked", judge.Terms{}},
	{"is cut", "cut at checkout", judge.Terms{Cut: true}},
	{"is cut after a grace", "cut at checkout", judge.Terms{Cut: true, Grace: time.Second}},
}

// talksOn is longer than react, whatever a busy machine adds to it.
var talksOn = party.Script{After: time.Second, Talk: 2 * react * speed}

// checkouts plays bookings that end in every other way than by a quiet request:
// in the middle of a talk, when nobody calls, sooner and later than was asked for
// at first.
func (r *rig) checkouts() {
	r.t.Helper()
	who := func(i int) string { return fmt.Sprintf("+1213555%04d", 5000+i) }
	whom := func(i int) string { return fmt.Sprintf("+1202555%04d", 6000+i) }
	call := uint64(10_000)
	dial := func(id string, i int, habit string, script party.Script) *carrier.Call {
		call++
		return r.dial(judge.Dialling{Call: call, Habit: habit, From: who(i), Booking: id, Script: script, At: time.Now()})
	}
	began := time.Now()
	r.open("idle", who(10), whom(10), time.Hour, judge.Terms{Idle: time.Second / 2})
	r.open("used", who(11), whom(11), time.Hour, judge.Terms{Idle: 30 * time.Second})
	r.open("shortened", who(12), whom(12), time.Hour, judge.Terms{})
	r.move("shortened", began.Add(2*time.Second))
	r.open("extended", who(13), whom(13), 4*time.Second, judge.Terms{})
	r.move("extended", began.Add(time.Hour))
	r.settle(dial("used", 11, "used", party.Talks(time.Second, time.Second)), react)
	r.until(time.Now().Add(800 * time.Millisecond)) // more than a fiftieth of the idle time
	r.read("used")
	dial("used", 11, "used", party.Talks(time.Second, time.Second))
	for i, e := range ends {
		id := fmt.Sprint("end-", i)
		r.open(id, who(i), whom(i), time.Hour, e.terms)
		k := dial(id, i, e.habit, talksOn)
		ctx, cancel := context.WithTimeout(r.t.Context(), react)
		_ = k.Await(ctx, func(l carrier.Ledger) bool { return l.Talked() || l.Over })
		cancel()
		r.close(id)
	}
	r.until(began.Add(6 * time.Second)) // the fuzz later than the latest of these ends
	for _, id := range []string{"idle", "shortened", "extended"} {
		r.read(id)
	}
	dial("extended", 13, "extended", party.Talks(time.Second, time.Second))
}

// policies are the ways in which bookings may be recorded.
var policies = []judge.Terms{
	{}, {Recording: market.RecordOff}, {Recording: market.RecordWav}, {Recording: market.RecordMono, Summary: true}, {Recording: "dual-mp3", Summary: true},
}

// recordings plays bookings that are recorded in every way, and not at all.
func (r *rig) recordings() {
	r.t.Helper()
	script := party.Script{After: time.Second, Talk: 40 * time.Second} // a second here
	var last *carrier.Call
	for i := range 3 * len(policies) {
		id, caller := fmt.Sprint("rec-", i), fmt.Sprintf("+1305555%04d", 7000+i)
		r.open(id, caller, fmt.Sprintf("+1206555%04d", 8000+i), time.Hour, policies[i%len(policies)])
		last = r.dial(judge.Dialling{Call: uint64(20_000 + i), Habit: "recorded", From: caller, Booking: id, Script: script, At: time.Now()})
	}
	r.settle(last, react)
}

// until lets bookings come to an end by the clock.
func (r *rig) until(at time.Time) {
	t := time.NewTimer(time.Until(at))
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.t.Context().Done():
	}
}
