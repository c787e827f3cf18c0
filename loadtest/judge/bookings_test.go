package judge

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"maskswitch/loadtest/carrier"
	"maskswitch/loadtest/market"
)

// What must come of a call is decided by what is certain from the dialling to
// the decision.
func TestWant(t *testing.T) {
	fuzz := 2 * time.Second
	for _, c := range []struct {
		story string
		does  func(*Register)
		from  string
		a, b  float64
		want  Want
	}{
		{"a live booking", func(*Register) {}, guest, 0, 1, Connect},
		{"the host's side", func(*Register) {}, host, 0, 1, Connect},
		{"somebody else", func(*Register) {}, third, 0, 1, Refuse},
		{"a hidden number", func(*Register) {}, "anonymous", 0, 1, Refuse},
		{"before it was acknowledged", func(*Register) {}, guest, -101, 1, Either},
		{"near its end", func(*Register) {}, guest, 997, 998.5, Either},
		{"just before that", func(*Register) {}, guest, 997, 997.9, Connect},
		{"just after its end", func(*Register) {}, guest, 1001, 1001, Either},
		{"well after its end", func(*Register) {}, guest, 1002.1, 1003, Refuse},
		{"closing, without an answer", func(r *Register) { r.Closing("bk", at(5)) }, guest, 6, 7, Either},
		{"before it was closing", func(r *Register) { r.Closing("bk", at(5)) }, guest, 3, 4, Connect},
		{"closing came while the call was set up", func(r *Register) { r.Closing("bk", at(5)); r.Closed("bk", at(6)) }, guest, 4, 5, Either},
		{"closed", func(r *Register) { r.Closing("bk", at(5)); r.Closed("bk", at(6)) }, guest, 6, 7, Refuse},
		{"extended in time", func(r *Register) { r.Extending("bk", at(2000), at(5)); r.Extended("bk", at(2000), at(6)) }, guest, 1100, 1101, Connect},
		{"extended, without an answer", func(r *Register) { r.Extending("bk", at(2000), at(5)) }, guest, 1100, 1101, Either},
		{"extended, without an answer, before the old end", func(r *Register) { r.Extending("bk", at(2000), at(5)) }, guest, 900, 901, Connect},
		{"shortened, without an answer", func(r *Register) { r.Extending("bk", at(500), at(5)) }, guest, 900, 901, Either},
		{"extended when it may have been over", func(r *Register) { r.Extending("bk", at(2000), at(999)); r.Extended("bk", at(2000), at(1003)) }, guest, 1000, 1001, Either},
		{"the same, later", func(r *Register) { r.Extending("bk", at(2000), at(999)); r.Extended("bk", at(2000), at(1003)) }, guest, 1004, 1005, Connect},
		{"closed, and a repeat of the request is answered after it", func(r *Register) {
			r.Closing("bk", at(5))
			r.Closed("bk", at(6))
			r.Opened("bk", Answer{Proxy: proxy, Expires: at(1000)}, at(7))
		}, guest, 8, 9, Either},
		{"closed while a repeat is on its way", func(r *Register) {
			r.Opening("bk", guest, host, at(4))
			r.Closing("bk", at(5))
			r.Closed("bk", at(6))
		}, guest, 8, 9, Either},
		{"another booking of the caller may have any number", func(r *Register) { r.Opening("other", third, host, at(-1)) }, third, 0, 1, Either},
		{"it was refused", func(r *Register) { r.Opening("other", third, host, at(-1)); r.Refused("other", at(0)) }, third, 0, 1, Refuse},
		{"another booking on the same number", func(r *Register) {
			r.Opening("other", third, host, at(-1))
			r.Opened("other", Answer{ProxyGuest: proxy, ProxyHost: proxy2, Expires: at(900)}, at(0))
		}, third, 1, 2, Connect},
	} {
		t.Run(c.story, func(t *testing.T) {
			r := register(Config{})
			c.does(r)
			if got := r.chances(num(proxy), num(c.from)).want(at(c.a), at(c.b), fuzz); got != c.want {
				t.Errorf("want %s, got %s", c.want, got)
			}
		})
	}
}

func TestDial(t *testing.T) {
	r := New(Config{})
	d := Dialling{Call: 3, Habit: "talks", From: guest, Booking: "bk", At: at(1)}
	if _, ok := r.Dial(d); ok {
		t.Error("a booking that nobody asked for has a number")
	}
	r.Opening("bk", guest, host, at(0))
	if _, ok := r.Dial(d); ok {
		t.Error("a booking that was not acknowledged has a number")
	}
	r.Opened("bk", Answer{ProxyGuest: proxy, ProxyHost: proxy2, Expires: at(100)}, at(0))
	e, ok := r.Dial(d)
	if !ok || e.Number != proxy || e.Want != Connect || e.Habit != "talks" || e.Call != 3 {
		t.Errorf("the guest: %v %+v", ok, e)
	}
	d.Host, d.From = true, host
	if e, ok = r.Dial(d); !ok || e.Number != proxy2 || e.Want != Connect {
		t.Errorf("the host: %v %+v", ok, e)
	}
	d.From, d.Who = third, market.Stranger
	if e, _ = r.Dial(d); e.Want != Refuse {
		t.Errorf("a stranger: %+v", e)
	}
}

// With one number for each side the callee must see the one that he dials.
func TestCallerIDWithANumberForEachSide(t *testing.T) {
	for shown, want := range map[string][]Kind{proxy2: nil, proxy: {WrongCallerID}} {
		r := New(Config{})
		r.Opening("bk", guest, host, at(-10))
		r.Opened("bk", Answer{ProxyGuest: proxy, ProxyHost: proxy2, Expires: at(100)}, at(-9))
		v := r.Judge(expected(guest, market.Party, talks), tell(guest, to(host, shown)...), Trouble{})
		check(t, v.Findings, want...)
	}
}

// A number that is not known yet, or that was lent again, is nobody's fault.
func TestConnectionsByOtherBookings(t *testing.T) {
	for _, c := range []struct {
		story string
		does  func(*Register)
		from  string
		want  []Kind
	}{
		{"the caller has one with that callee that is not answered yet", func(r *Register) { r.Opening("new", third, guest, at(-1)) }, third, nil},
		{"the caller has one with somebody else that is not answered yet", func(r *Register) { r.Opening("new", third, host, at(-1)) }, third, []Kind{StrangerConnected}},
		{"it was asked for after the call", func(r *Register) { r.Opening("new", third, guest, at(30)) }, third, []Kind{StrangerConnected}},
		{"it had ended", func(r *Register) {
			r.Opening("new", third, guest, at(-9))
			r.Opened("new", Answer{Proxy: proxy, Expires: at(900)}, at(-8))
			r.Closing("new", at(-7))
			r.Closed("new", at(-6))
		}, third, []Kind{LateConnected}},
		{"it was ending", func(r *Register) {
			r.Opening("new", third, guest, at(-9))
			r.Opened("new", Answer{Proxy: proxy, Expires: at(900)}, at(-8))
			r.Closing("new", at(-7))
			r.Closed("new", at(1))
		}, third, nil},
		{"it ended by the clock a second ago", func(r *Register) {
			r.Opening("new", third, guest, at(-9))
			r.Opened("new", Answer{Proxy: proxy, Expires: at(-1)}, at(-8))
		}, third, nil},
		{"it ended by the clock long ago", func(r *Register) {
			r.Opening("new", third, guest, at(-90))
			r.Opened("new", Answer{Proxy: proxy, Expires: at(-10)}, at(-80))
		}, third, []Kind{LateConnected}},
	} {
		t.Run(c.story, func(t *testing.T) {
			r := register(Config{})
			c.does(r)
			v := r.Judge(expected(c.from, market.Stranger, talks), tell(c.from, to(guest, proxy)...), Trouble{})
			check(t, v.Findings, c.want...)
		})
	}
}

func TestNumberGivenTwice(t *testing.T) {
	for _, c := range []struct {
		story       string
		before      func(*Register)
		guest, host string
		answer      Answer
		want        []Kind
	}{
		{"another pair", nil, third, "+17735550199", Answer{Proxy: proxy, Expires: at(500)}, nil},
		{"the host again", nil, third, host, Answer{Proxy: proxy, Expires: at(500)}, []Kind{NumberGivenTwice}},
		{"the host in the other role", nil, host, third, Answer{Proxy: proxy, Expires: at(500)}, []Kind{NumberGivenTwice}},
		{"the host by another number", nil, third, host, Answer{ProxyGuest: proxy, ProxyHost: proxy2, Expires: at(500)}, nil},
		{"the first is ending", func(r *Register) { r.Closing("bk", at(0)) }, third, host, Answer{Proxy: proxy, Expires: at(500)}, nil},
		{"the first may be over", func(r *Register) { r.Extending("bk", at(1), at(0)) }, third, host, Answer{Proxy: proxy, Expires: at(500)}, nil},
		{"the second is nearly over", nil, third, host, Answer{Proxy: proxy, Expires: at(2)}, nil},
	} {
		t.Run(c.story, func(t *testing.T) {
			r := register(Config{})
			if c.before != nil {
				c.before(r)
			}
			r.Opening("new", c.guest, c.host, at(0))
			check(t, r.Opened("new", c.answer, at(1)), c.want...)
		})
	}
}

func TestRepeat(t *testing.T) {
	same := Answer{ID: "bk", Proxy: proxy, Expires: at(1000)}
	for _, c := range []struct {
		story  string
		before func(*Register)
		answer Answer
		at     float64
		want   []Kind
	}{
		{"the same", nil, same, 1, nil},
		{"another number", nil, Answer{Proxy: proxy2, Expires: at(1000)}, 1, []Kind{RepeatDiffers}},
		{"another booking", nil, Answer{ID: "else", Proxy: proxy, Expires: at(1000)}, 1, []Kind{RepeatDiffers}},
		{"another number after its end", func(r *Register) { r.Closing("bk", at(0)) }, Answer{Proxy: proxy2, Expires: at(1000)}, 1, nil},
		{"another number near its end", nil, Answer{Proxy: proxy2, Expires: at(2000)}, 999, nil},
	} {
		t.Run(c.story, func(t *testing.T) {
			r := register(Config{})
			if c.before != nil {
				c.before(r)
			}
			check(t, r.Opened("bk", c.answer, at(c.at)), c.want...)
		})
	}
}

func TestReadAndAudit(t *testing.T) {
	ok := Listed{ID: "bk", Proxy: proxy, Guest: guest, Host: host, Expires: at(1000).Truncate(time.Second)}
	other := ok
	other.Host = third
	moved := ok
	moved.Proxy = proxy2
	longer := ok
	longer.Expires = at(1010)
	bare := Listed{ID: "bk"}
	closing := func(r *Register) { r.Closing("bk", at(0)) }
	closed := func(r *Register) { r.Closing("bk", at(-2)); r.Closed("bk", at(-1)) }
	for _, c := range []struct {
		story  string
		before func(*Register)
		l      Listed
		found  bool
		asked  float64
		want   []Kind
	}{
		{"as it was acknowledged", nil, ok, true, 1, nil},
		{"with little told", nil, bare, true, 1, nil},
		{"not there", nil, Listed{}, false, 1, []Kind{BookingForgotten}},
		{"with another party", nil, other, true, 1, []Kind{BookingForgotten}},
		{"with another number", nil, moved, true, 1, []Kind{BookingForgotten}},
		{"with another end", nil, longer, true, 1, []Kind{BookingForgotten}},
		{"with the end that was asked for", func(r *Register) { r.Extending("bk", at(1010), at(0)) }, longer, true, 1, nil},
		{"not there while it is ending", closing, Listed{}, false, 1, nil},
		{"not there by the request to end it", closing, Listed{}, false, 0, []Kind{BookingForgotten}},
		{"there after its end", closed, ok, true, 1, []Kind{BookingUndead}},
		{"not there after its end", closed, Listed{}, false, 1, nil},
		{"there just before its end by the clock", nil, ok, true, 999, nil},
		{"there just after its end by the clock", nil, ok, true, 1001, nil},
		{"there long after its end by the clock", nil, ok, true, 1005, []Kind{BookingUndead}},
		{"not there near its end by the clock", nil, Listed{}, false, 999, nil},
	} {
		t.Run(c.story, func(t *testing.T) {
			r := register(Config{})
			if c.before != nil {
				c.before(r)
			}
			check(t, r.Read("bk", c.l, c.found, at(c.asked), at(c.asked+.1)), c.want...)
		})
	}
	now := time.Now()
	fresh := func() *Register {
		r := New(Config{})
		r.Opening("bk", guest, host, now.Add(-time.Minute))
		r.Opened("bk", Answer{Proxy: proxy, Expires: now.Add(time.Hour)}, now.Add(-time.Minute))
		return r
	}
	live := Listed{ID: "bk", Proxy: proxy, Guest: guest, Host: host}
	theirs := Listed{ID: "x", Proxy: proxy2, Guest: third, Host: host}
	theirs2 := Listed{ID: "y", Proxy: proxy2, Guest: third, Host: guest}
	for _, c := range []struct {
		story    string
		before   func(*Register)
		l        []Listed
		complete bool
		want     []Kind
	}{
		{"there", nil, []Listed{live}, true, nil},
		{"not there", nil, nil, true, []Kind{BookingForgotten}},
		{"not there, in a part of the list", nil, nil, false, nil},
		{"there twice", nil, []Listed{live, live}, true, []Kind{NumberGivenTwice}},
		{"closed and there", func(r *Register) { r.Closing("bk", now.Add(-2*time.Second)); r.Closed("bk", now.Add(-time.Second)) }, []Listed{live}, true, []Kind{BookingUndead}},
		{"closing and not there", func(r *Register) { r.Closing("bk", now) }, nil, true, nil},
		{"with another party", nil, []Listed{{ID: "bk", Proxy: proxy, Guest: guest, Host: third}}, true, []Kind{BookingForgotten}},
		{"others' bookings", nil, []Listed{live, theirs}, true, nil},
		{"others' bookings that clash", nil, []Listed{live, theirs, theirs2}, true, []Kind{NumberGivenTwice}},
		{"another's booking on our number", nil, []Listed{live, {ID: "z", Proxy: proxy, Guest: guest, Host: third}}, true, []Kind{NumberGivenTwice}},
	} {
		t.Run("list: "+c.story, func(t *testing.T) {
			r := fresh()
			if c.before != nil {
				c.before(r)
			}
			check(t, r.Audit(c.l, c.complete, now), c.want...)
		})
	}
}

func TestArchivedAndStrays(t *testing.T) {
	r := register(Config{})
	check(t, r.Archived(1, "rec", "a", "a", true, at(9)))
	check(t, r.Archived(1, "rec", "a", "", false, at(9)), RecordingLost)
	check(t, r.Archived(1, "rec", "a", "", false, at(9))) // told already
	check(t, r.Archived(1, "rec2", "a", "b", true, at(9)), RecordingAltered)

	l := tell(guest, normal()...)
	r.Judge(expected(guest, market.Party, talks), l, Trouble{})
	check(t, r.Strays([]carrier.Command{{ControlID: "v3:A", Action: "hangup", At: at(60)}}))
	check(t, r.Strays([]carrier.Command{{ControlID: "v3:never", Action: "hangup", At: at(60)}}), StrayCommand)
}

// Ended bookings are forgotten after Keep, live and uncertain ones never.
func TestMemoryIsBounded(t *testing.T) {
	r := New(Config{Keep: 10 * time.Second})
	const many = 3 * shards * leastSweep / 2
	when := at(0)
	for i := range many {
		id := fmt.Sprint("bk-", i)
		r.Opening(id, fmt.Sprintf("+1312%07d", i), fmt.Sprintf("+1415%07d", i), when)
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
				r.Opening(id, g, fmt.Sprintf("+1415555%04d", 2*i+j), at(0))
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
