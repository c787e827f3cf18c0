package judge

import (
	"testing"
	"time"

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
		{"shortened, before the new end", func(r *Register) { r.Extending("bk", at(500), at(5)); r.Extended("bk", at(500), at(6)) }, guest, 490, 491, Connect},
		{"shortened, after the new end", func(r *Register) { r.Extending("bk", at(500), at(5)); r.Extended("bk", at(500), at(6)) }, guest, 503, 504, Refuse},
		{"extended when it may have been over", func(r *Register) { r.Extending("bk", at(2000), at(999)); r.Extended("bk", at(2000), at(1003)) }, guest, 1000, 1001, Either},
		{"the same, later", func(r *Register) { r.Extending("bk", at(2000), at(999)); r.Extended("bk", at(2000), at(1003)) }, guest, 1004, 1005, Connect},
		{"closed, and a repeat of the request is answered after it", func(r *Register) {
			r.Closing("bk", at(5))
			r.Closed("bk", at(6))
			r.Opened("bk", Answer{Proxy: proxy, Expires: at(1000)}, at(7))
		}, guest, 8, 9, Either},
		{"closed while a repeat is on its way", func(r *Register) {
			r.Opening("bk", guest, host, Terms{}, at(4))
			r.Closing("bk", at(5))
			r.Closed("bk", at(6))
		}, guest, 8, 9, Either},
		{"an end that was not told", func(r *Register) {
			r.Opening("endless", third, host, Terms{}, at(-9))
			r.Opened("endless", Answer{Proxy: proxy}, at(-8))
		}, third, 0, 1, Either},
		{"another booking of the caller may have any number", func(r *Register) { r.Opening("other", third, host, Terms{}, at(-1)) }, third, 0, 1, Either},
		{"it was refused", func(r *Register) { r.Opening("other", third, host, Terms{}, at(-1)); r.Refused("other", at(0)) }, third, 0, 1, Refuse},
		{"another booking on the same number", func(r *Register) {
			r.Opening("other", third, host, Terms{}, at(-1))
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
	r.Opening("bk", guest, host, Terms{}, at(0))
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
		r.Opening("bk", guest, host, Terms{}, at(-10))
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
		{"the caller has one with that callee that is not answered yet", func(r *Register) { r.Opening("new", third, guest, Terms{}, at(-1)) }, third, nil},
		{"the caller has one with somebody else that is not answered yet", func(r *Register) { r.Opening("new", third, host, Terms{}, at(-1)) }, third, []Kind{StrangerConnected}},
		{"it was asked for after the call", func(r *Register) { r.Opening("new", third, guest, Terms{}, at(30)) }, third, []Kind{StrangerConnected}},
		{"it had ended", func(r *Register) {
			r.Opening("new", third, guest, Terms{}, at(-9))
			r.Opened("new", Answer{Proxy: proxy, Expires: at(900)}, at(-8))
			r.Closing("new", at(-7))
			r.Closed("new", at(-6))
		}, third, []Kind{LateConnected}},
		{"it was ending", func(r *Register) {
			r.Opening("new", third, guest, Terms{}, at(-9))
			r.Opened("new", Answer{Proxy: proxy, Expires: at(900)}, at(-8))
			r.Closing("new", at(-7))
			r.Closed("new", at(1))
		}, third, nil},
		{"it ended by the clock a second ago", func(r *Register) {
			r.Opening("new", third, guest, Terms{}, at(-9))
			r.Opened("new", Answer{Proxy: proxy, Expires: at(-1)}, at(-8))
		}, third, nil},
		{"it ended by the clock long ago", func(r *Register) {
			r.Opening("new", third, guest, Terms{}, at(-90))
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

// By the plan they had to dial before the end, and they dialled after it.
func TestLateStartCountsFromTheDialling(t *testing.T) {
	r := register(Config{})
	r.Closing("bk", at(.1))
	r.Closed("bk", at(.2))
	e := expected(guest, market.Late, talks)
	e.At = at(.3)
	l := tell(guest, append(to(host, proxy), func(s *story) { s.Connections[0].Rang = at(.5) })...)
	check(t, r.Judge(e, l, Trouble{}).Findings, LateConnected)
}
