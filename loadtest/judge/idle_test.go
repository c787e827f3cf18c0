package judge

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"maskswitch/loadtest/market"
	"maskswitch/loadtest/party"
)

// quiet has one booking of guest and host on proxy, asked for at 0 and told at 1,
// for 1000 s, that ends when nobody has called for 100 s.
func quiet() *Register {
	r := New(Config{Record: true})
	r.Opening("bk", guest, host, Terms{Idle: 100 * time.Second, Lasts: 1000 * time.Second}, at(0))
	r.Opened("bk", Answer{Proxy: proxy, Expires: at(100)}, at(1))
	return r
}

// called lets the guest dial at an instant, and judges the call at another.
func called(r *Register, dials, over float64, lines ...func(*story)) Verdict {
	return calledIn(r, Trouble{}, dials, over, lines...)
}

func calledIn(r *Register, trouble Trouble, dials, over float64, lines ...func(*story)) Verdict {
	d := expected(guest, market.Party, party.Talks(time.Second, time.Hour)).Dialling
	d.Call, d.At = uint64(dials*1000), at(dials)
	e, _ := r.Dial(d)
	l := tell(guest, append([]func(*story){func(s *story) { s.Placed = at(dials) }}, lines...)...)
	r.now = func() time.Time { return at(over) }
	return r.Judge(e, l, trouble)
}

// talking is a call that goes well, at another time than normal.
func talking(from, to float64) []func(*story) {
	return []func(*story){event("A", "call.initiated", from), does("A", "answer", from+.01), event("A", "call.answered", from+.03), does("A", "transfer", from+.04),
		rings(guestToHost, from+.07), event("B", "call.initiated", from+.07), picksUp(from + 1), event("B", "call.answered", from+1), does("A", "record_start", from+1.1),
		records(from+1.1, to), leaves(to), ends("A", "normal_clearing", "caller", to), ends("B", "normal_clearing", "caller", to)}
}

func TestIdleEnd(t *testing.T) {
	for _, c := range []struct {
		story string
		does  func(*Register)
		at    float64
		want  Want
	}{
		{"nobody has called yet", func(*Register) {}, 97, Connect},
		{"for about as long as agreed", func(*Register) {}, 100, Either},
		{"and longer", func(*Register) {}, 104, Refuse},
		{"somebody talks", func(r *Register) { r.Dial(expected(guest, market.Party, talks).Dialling) }, 104, Either},
		{"somebody has talked", func(r *Register) { called(r, 50, 81, talking(50, 80)...) }, 177, Connect},
		{"about so long ago", func(r *Register) { called(r, 50, 81, talking(50, 80)...) }, 180, Either},
		{"and longer ago", func(r *Register) { called(r, 50, 81, talking(50, 80)...) }, 184, Refuse},
		{"somebody has talked to nobody", func(r *Register) {
			called(r, 50, 62, event("A", "call.initiated", 50), does("A", "answer", 50), event("A", "call.answered", 50), does("A", "transfer", 50),
				rings(guestToHost, 50), event("B", "call.initiated", 50), leaves(60), ends("A", "normal_clearing", "caller", 60), ends("B", "originator_cancel", "caller", 60))
		}, 157, Connect},
		{"somebody left before anything rang", func(r *Register) {
			called(r, 50, 61, event("A", "call.initiated", 50), does("A", "answer", 50), event("A", "call.answered", 50), ends("A", "normal_clearing", "caller", 60))
		}, 104, Either},
		{"and long ago", func(r *Register) {
			called(r, 50, 61, event("A", "call.initiated", 50), does("A", "answer", 50), event("A", "call.answered", 50), ends("A", "normal_clearing", "caller", 60))
		}, 164, Refuse},
		{"somebody was turned away", func(r *Register) {
			called(r, 99, 100, event("A", "call.initiated", 99), does("A", "reject", 99), ends("A", "call_rejected", "callee", 99))
		}, 104, Refuse},
		{"somebody has talked to somebody else", func(r *Register) {
			lines := talking(50, 80)
			lines[4] = rings(who{third, proxy}, 50)
			called(r, 50, 81, lines...)
		}, 150, Either},
		{"somebody was told that it is over", func(r *Register) {
			called(r, 99, 103, event("A", "call.initiated", 99), does("A", "answer", 99), event("A", "call.answered", 99), does("A", "speak", 99), spoken(101),
				does("A", "hangup", 101), ends("A", "normal_clearing", "unknown", 101))
		}, 104, Refuse},
		{"somebody left before he could be told", func(r *Register) {
			called(r, 120, 122, event("A", "call.initiated", 120), does("A", "answer", 120), event("A", "call.answered", 120), does("A", "speak", 120),
				ends("A", "normal_clearing", "caller", 121))
		}, 125, Refuse},
		{"somebody left before the answer, and long ago", func(r *Register) {
			called(r, 50, 61, event("A", "call.initiated", 50), ends("A", "originator_cancel", "caller", 51))
		}, 150, Either},
		{"somebody left in a fault, and long ago", func(r *Register) {
			calledIn(r, Trouble{[]Span{{at(49), at(51)}}}, 50, 61, event("A", "call.initiated", 50), ends("A", "originator_cancel", "caller", 51))
		}, 300, Either},
		{"the end of the talk was never taken", func(r *Register) {
			called(r, 50, 81, append(talking(50, 80), turnedAway("A", "call.hangup", 400))...)
		}, 300, Either},
		{"a kill came after the talk", func(r *Register) { called(r, 50, 81, talking(50, 80)...); r.Restarted() }, 300, Either},
		{"the end that was asked for", func(r *Register) { called(r, 50, 951, talking(50, 950)...) }, 1004, Refuse},
		{"just before that", func(r *Register) { called(r, 50, 951, talking(50, 950)...) }, 996, Connect},
		{"it was prolonged, which is no call", func(r *Register) {
			r.Extending("bk", at(2000), at(50))
			r.Extended("bk", at(100), at(51))
		}, 104, Refuse},
		{"it was prolonged, and is used", func(r *Register) {
			r.Extending("bk", at(2000), at(50))
			r.Extended("bk", at(100), at(51))
			called(r, 60, 1501, talking(60, 1500)...)
		}, 1590, Connect},
		{"it was shortened, and is used", func(r *Register) {
			r.Extending("bk", at(500), at(50))
			r.Extended("bk", at(100), at(51))
			called(r, 60, 491, talking(60, 490)...)
		}, 503, Refuse},
		{"a repeat may have opened it again", func(r *Register) {
			r.Opening("bk", guest, host, Terms{}, at(99))
			r.Opened("bk", Answer{Proxy: proxy, Expires: at(1200)}, at(110))
		}, 150, Either},
	} {
		t.Run(c.story, func(t *testing.T) {
			r := quiet()
			c.does(r)
			if got := r.chances(num(proxy), num(guest)).want(at(c.at), at(c.at+.1), 2*time.Second); got != c.want {
				t.Errorf("want %s, got %s", c.want, got)
			}
		})
	}
}

func TestIdleBookingsAreLookedAt(t *testing.T) {
	shown := Listed{ID: "bk", Proxy: proxy, ProxyHost: proxy, Guest: guest, Host: host}
	for _, c := range []struct {
		story   string
		expires float64 // as it is shown
		found   bool
		at      float64
		want    []Kind
	}{
		{"with the end that was asked for", 1000, true, 50, nil},
		{"with the end for want of calls", 100, true, 50, nil},
		{"with an end sooner than that", 50, true, 30, []Kind{BookingForgotten}},
		{"with an end later than was asked for", 1010, true, 50, []Kind{BookingForgotten}},
		{"gone too early", 0, false, 50, []Kind{BookingForgotten}},
		{"gone when it had to", 0, false, 103, nil},
		{"there when it had to be gone", 1000, true, 104, []Kind{BookingUndead}},
	} {
		t.Run(c.story, func(t *testing.T) {
			l := shown
			l.Expires = at(c.expires)
			check(t, quiet().Read("bk", l, c.found, at(c.at), at(c.at+.1)), c.want...)
		})
	}
	refusal := []func(*story){event("A", "call.initiated", 50), does("A", "reject", 50), ends("A", "call_rejected", "callee", 50)}
	check(t, called(quiet(), 50, 51, refusal...).Findings, CallerRefused)
	check(t, called(quiet(), 120, 150, talking(120, 140)...).Findings, LateConnected)
}

// Whoever calls, whenever, whatever is asked for meanwhile: what the register
// calls certain of an idle booking is true of a switch that keeps its word.
func TestIdleCertaintyIsTrue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const fuzz = 2 * time.Second
		span := func(name string, most int) time.Duration {
			return time.Duration(rapid.IntRange(0, most).Draw(t, name)) * 100 * time.Millisecond
		}
		idle := 10*time.Second + span("idle", 300)
		lasts := 20*time.Second + span("lasts", 2000)
		r := New(Config{Fuzz: fuzz})
		now := at(0)
		r.Opening("bk", guest, host, Terms{Idle: idle, Lasts: lasts}, now)
		made := now.Add(span("made", 10))
		limit, used := made.Add(lasts), made
		now = now.Add(time.Second)
		r.Opened("bk", Answer{Proxy: proxy, Expires: limit.Truncate(time.Second)}, now)
		skew := time.Duration(rapid.IntRange(-1900, 1900).Draw(t, "skew")) * time.Millisecond
		end := func() time.Time { return earlier(limit, used.Add(idle)).Add(skew) } // of a booking without a call
		// over is the end once nothing can move it any more.
		var over time.Time
		pass := func(to time.Time) {
			if over.IsZero() && to.After(end()) {
				over = end()
			}
		}
		type call struct {
			number uint64
			e      Expected
			from   time.Time
			to     time.Time
			put    bool
		}
		k := r.known("bk")
		look := func() {
			a := now.Add(-span("before", 50))
			if a.Before(at(1)) {
				a = at(1)
			}
			lives := over.IsZero() || a.Before(over)
			if k.liveThrough(a, a, fuzz) && !lives {
				t.Fatalf("certainly live at %v, over at %v", a.Sub(t0), over.Sub(t0))
			}
			if k.deadAt(a, fuzz) && lives {
				t.Fatalf("certainly over at %v; its end is %v", a.Sub(t0), end().Sub(t0))
			}
		}
		for n := range rapid.IntRange(1, 8).Draw(t, "steps") {
			now = now.Add(span("pause", 250))
			pass(now)
			look()
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0:
				until := now.Add(5*time.Second + span("until", 1000))
				r.Extending("bk", until, now)
				now = now.Add(500 * time.Millisecond)
				pass(now)
				if over.IsZero() {
					limit = until
					r.Extended("bk", limit, now)
				}
			default:
				c := call{number: uint64(n + 1), from: now}
				d := expected(guest, market.Party, talks).Dialling
				d.Call, d.At = c.number, now
				c.e, _ = r.Dial(d)
				c.put = over.IsZero()
				now = now.Add(100*time.Millisecond + span("talk", 400))
				c.to = now
				if c.put && now.After(limit.Add(skew)) {
					over = limit.Add(skew)
				}
				look() // in the middle of a call the booking is not idle
				var lines []func(*story)
				if c.put {
					lines = talking(c.from.Sub(t0).Seconds(), c.to.Sub(t0).Seconds())
					used = c.to
				} else {
					s := c.from.Sub(t0).Seconds()
					lines = []func(*story){event("A", "call.initiated", s), does("A", "reject", s), ends("A", "call_rejected", "callee", s)}
				}
				l := tell(guest, append([]func(*story){func(s *story) { s.Placed = c.from }}, lines...)...)
				now = now.Add(span("judged", 20))
				pass(now)
				r.now = func() time.Time { return now }
				r.Judge(c.e, l, Trouble{})
				look()
			}
		}
		now = now.Add(span("last", 600))
		pass(now)
		look()
	})
}
