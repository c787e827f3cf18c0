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
