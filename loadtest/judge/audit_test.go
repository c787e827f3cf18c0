package judge

import (
	"testing"
	"time"

	"maskswitch/loadtest/carrier"
	"maskswitch/loadtest/market"
)

func TestReadAndAudit(t *testing.T) {
	ok := Listed{ID: "bk", Proxy: proxy, Guest: guest, Host: host, Expires: at(1000).Truncate(time.Second)}
	other := ok
	other.Host = third
	moved := ok
	moved.Proxy = proxy2
	swapped := ok
	swapped.ProxyHost = proxy2
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
		{"with another number for the host", nil, swapped, true, 1, []Kind{BookingForgotten}},
		{"with another end", nil, longer, true, 1, []Kind{BookingForgotten}},
		{"with the end that was asked for", func(r *Register) { r.Extending("bk", at(1010), at(0)) }, longer, true, 1, nil},
		{"not there while it is ending", closing, Listed{}, false, 1, nil},
		{"not there by the request to end it", closing, Listed{}, false, 0, []Kind{BookingForgotten}},
		{"the same, and a repeat of its opening was answered meanwhile", func(r *Register) {
			closing(r)
			r.Opened("bk", Answer{Proxy: proxy, Expires: at(1000)}, at(.05))
		}, Listed{}, false, 0, nil},
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
		r.Opening("bk", guest, host, Terms{}, now.Add(-time.Minute))
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
		{"ending, and with another party", func(r *Register) { r.Closing("bk", now) }, []Listed{{ID: "bk", Proxy: proxy, Guest: guest, Host: third}}, true, nil},
		{"with another party", nil, []Listed{{ID: "bk", Proxy: proxy, Guest: guest, Host: third}}, true, []Kind{BookingForgotten}},
		{"others' bookings", nil, []Listed{live, theirs}, true, nil},
		{"others' bookings that clash", nil, []Listed{live, theirs, theirs2}, true, []Kind{NumberGivenTwice}},
		{"others' bookings, each with a number for each side", nil, []Listed{live, sided("v", proxy2, guest, proxy, third), sided("w", proxy2, host, proxy, "+17735550177")}, true, nil},
		{"the same, and they clash", nil, []Listed{live, sided("v", proxy2, guest, proxy, third), sided("w", proxy2, host, proxy, third)}, true, []Kind{NumberGivenTwice}},
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

func sided(id, number, guest, numberHost, host string) Listed {
	return Listed{ID: id, Proxy: number, Guest: guest, ProxyHost: numberHost, Host: host}
}

func TestStrays(t *testing.T) {
	r := register(Config{})
	l := tell(guest, normal()...)
	r.Judge(expected(guest, market.Party, talks), l, Trouble{})
	check(t, r.Strays([]carrier.Command{{ControlID: "v3:A", Action: "hangup", At: at(60)}}))
	check(t, r.Strays([]carrier.Command{{ControlID: "v3:never", Action: "hangup", At: at(60)}}), StrayCommand)
}
