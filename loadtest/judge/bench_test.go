package judge

import (
	"fmt"
	"strconv"
	"testing"

	"maskswitch/loadtest/market"
)

// BenchmarkJudge is the whole cost of a call that goes well: 20 us is the bar.
func BenchmarkJudge(b *testing.B) {
	r := register(Config{Record: true})
	s := NewLadders()
	l := tell(guest, normal()...)
	e := expected(guest, market.Party, talks)
	b.ReportAllocs()
	for b.Loop() {
		s.Add(e.Habit, r.Judge(e, l, Trouble{}), l)
	}
}

// BenchmarkOpened is a booking's whole life in a register that is full of ended
// ones.
func BenchmarkOpened(b *testing.B) {
	r := New(Config{})
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		id := "bk-" + strconv.Itoa(i)
		r.Opening(id, fmt.Sprintf("+1312%07d", i), fmt.Sprintf("+1415%07d", i%100_000), Terms{}, at(0))
		r.Opened(id, Answer{Proxy: proxy, Expires: at(1)}, at(0))
		r.Closing(id, at(0))
		r.Closed(id, at(0))
	}
}
