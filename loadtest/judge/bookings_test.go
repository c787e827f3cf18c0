package judge

import (
	"testing"
)

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
			r.Opening("new", c.guest, c.host, Terms{}, at(0))
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

// With a number for each side a number is a party's by what that party dials.
func TestNumberGivenTwiceWithANumberForEachSide(t *testing.T) {
	for _, c := range []struct {
		story       string
		guest, host string
		answer      Answer
		want        []Kind
	}{
		{"the guest by the host's number", guest, third, Answer{ProxyGuest: proxy2, ProxyHost: proxy, Expires: at(500)}, nil},
		{"the host by the guest's number", third, host, Answer{ProxyGuest: proxy2, ProxyHost: proxy, Expires: at(500)}, nil},
		{"the guest by his own", guest, third, Answer{ProxyGuest: proxy, ProxyHost: proxy2, Expires: at(500)}, []Kind{NumberGivenTwice}},
		{"the host by his own, as a guest", host, third, Answer{Proxy: proxy2, Expires: at(500)}, []Kind{NumberGivenTwice}},
	} {
		t.Run(c.story, func(t *testing.T) {
			r := New(Config{})
			r.Opening("bk", guest, host, Terms{Pair: true}, at(-10))
			check(t, r.Opened("bk", Answer{ProxyGuest: proxy, ProxyHost: proxy2, Expires: at(1000)}, at(-9)))
			r.Opening("new", c.guest, c.host, Terms{}, at(0))
			check(t, r.Opened("new", c.answer, at(1)), c.want...)
		})
	}
}

func TestMasks(t *testing.T) {
	for _, c := range []struct {
		pair   bool
		answer Answer
		want   []Kind
	}{
		{true, Answer{ProxyGuest: proxy, ProxyHost: proxy2, Expires: at(500)}, nil},
		{true, Answer{Proxy: proxy, Expires: at(500)}, []Kind{MasksIgnored}},
		{false, Answer{Proxy: proxy, Expires: at(500)}, nil},
		{false, Answer{ProxyGuest: proxy, ProxyHost: proxy2, Expires: at(500)}, nil}, // it fell back
	} {
		r := New(Config{})
		r.Opening("bk", guest, host, Terms{Pair: c.pair}, at(0))
		check(t, r.Opened("bk", c.answer, at(1)), c.want...)
	}
}
