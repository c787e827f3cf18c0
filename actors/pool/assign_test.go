package pool

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

func number(i int) phone.Number {
	n, err := phone.Parse(fmt.Sprintf("+1312%07d", 5550000+i))
	if err != nil {
		panic(err)
	}
	return n
}

func poolOf(numbers, pairs int, strict bool) *ledger {
	l := newLedger(pairs, strict)
	for i := range numbers {
		l.add(number(900000+i), protocol.NumberServing)
	}
	return l
}

// Over random histories: no party ever has two live bookings on one number, a
// number never carries more than its cap, a refusal means that truly nothing
// was free, a remembered number is taken only when nothing else is free, and
// the number taken is the least loaded of those that may be.
func TestAssignOverRandomHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		numbers := rapid.IntRange(0, 8).Draw(t, "numbers")
		pairs := rapid.IntRange(1, 6).Draw(t, "pairs")
		strict := rapid.Bool().Draw(t, "strict")
		l := poolOf(numbers, pairs, strict)
		m := model{strict: strict, pairs: pairs}
		for i := range numbers {
			m.numbers = append(m.numbers, number(900000+i))
		}
		now := time.UnixMicro(1_000_000)
		t.Repeat(map[string]func(*rapid.T){
			"open": func(t *rapid.T) {
				a, b := number(rapid.IntRange(1, 6).Draw(t, "a")), number(rapid.IntRange(7, 12).Draw(t, "b"))
				got, ok := l.assign(a, b)
				m.judge(t, a, b, got, ok)
			},
			"release": func(t *rapid.T) {
				if len(m.live) == 0 {
					t.Skip("nothing live")
				}
				i := rapid.IntRange(0, len(m.live)-1).Draw(t, "which")
				h := m.live[i]
				m.live = append(m.live[:i:i], m.live[i+1:]...)
				free := time.Time{}
				if rapid.Bool().Draw(t, "remember") {
					now = now.Add(time.Second)
					free = now
					h.free = now
					m.rested = append(m.rested, h)
				}
				if !l.release(h.number, h.a, h.b, free) {
					t.Fatal("a live booking was not released")
				}
			},
			"forget": func(t *rapid.T) {
				if len(m.rested) == 0 {
					t.Skip("nothing rests")
				}
				i := rapid.IntRange(0, len(m.rested)-1).Draw(t, "which")
				h := m.rested[i]
				m.rested = append(m.rested[:i:i], m.rested[i+1:]...)
				l.forget(h.number, h.a, h.b, h.free)
			},
			"": func(t *rapid.T) {
				idle := 0
				for _, n := range m.numbers {
					if m.load(n) == 0 {
						idle++
					}
				}
				if l.idle() != idle || l.live != len(m.live) {
					t.Fatalf("idle %d, live %d; want %d, %d", l.idle(), l.live, idle, len(m.live))
				}
				uses := 0
				for _, u := range l.parties {
					uses += len(u)
				}
				if want := 2 * (len(m.live) + len(m.rested)); uses != want {
					t.Fatalf("%d uses are kept, want %d", uses, want)
				}
			},
		})
	})
}

type held struct {
	number, a, b phone.Number
	free         time.Time
}

type model struct {
	numbers      []phone.Number
	pairs        int
	strict       bool
	live, rested []held
}

func (m *model) load(n phone.Number) (load int) {
	for _, h := range m.live {
		if h.number == n {
			load++
		}
	}
	return load
}

func (m *model) uses(list []held, n, a, b phone.Number) (last time.Time, used bool) {
	for _, h := range list {
		if h.number == n && (h.a == a || h.a == b || h.b == a || h.b == b) {
			used = true
			if h.free.After(last) {
				last = h.free
			}
		}
	}
	return last, used
}

func (m *model) judge(t *rapid.T, a, b, got phone.Number, ok bool) {
	least, oldest, canClean, canSoft := 0, time.Time{}, false, false
	for _, n := range m.numbers {
		if _, used := m.uses(m.live, n, a, b); used || m.load(n) >= m.pairs {
			continue
		}
		if free, rests := m.uses(m.rested, n, a, b); rests {
			if !canSoft || free.Before(oldest) {
				oldest = free
			}
			canSoft = true
		} else if !canClean || m.load(n) < least {
			canClean, least = true, m.load(n)
		}
	}
	want := canClean || canSoft && !m.strict
	if ok != want {
		t.Fatalf("assigned: %v, possible: %v", ok, want)
	}
	if !ok {
		return
	}
	if _, used := m.uses(m.live, got, a, b); used {
		t.Fatal("a party has two live bookings on one number")
	}
	if m.load(got) >= m.pairs {
		t.Fatalf("the number carries %d already", m.load(got))
	}
	free, rests := m.uses(m.rested, got, a, b)
	switch {
	case canClean && rests:
		t.Fatal("a remembered number was taken while a clean one was free")
	case canClean && m.load(got) != least:
		t.Fatalf("load %d was taken, %d was there", m.load(got), least)
	case !canClean && !free.Equal(oldest):
		t.Fatalf("remembered until %v was taken, %v was older", free, oldest)
	}
	m.live = append(m.live, held{number: got, a: a, b: b})
}

func TestDeadlinesComeInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var d deadlines[int]
		at := rapid.SliceOf(rapid.IntRange(0, 50)).Draw(t, "at")
		for i, n := range at {
			d.push(time.UnixMicro(int64(n)), i)
		}
		last, n := int64(-1), 0
		for {
			i, when, ok := d.due(time.UnixMicro(30))
			if !ok {
				break
			}
			if when.UnixMicro() < last || when.UnixMicro() > 30 || when.UnixMicro() != int64(at[i]) {
				t.Fatalf("%d after %d", when.UnixMicro(), last)
			}
			last, n = when.UnixMicro(), n+1
		}
		want := 0
		for _, x := range at {
			if x <= 30 {
				want++
			}
		}
		if n != want {
			t.Fatalf("%d were due, want %d", n, want)
		}
	})
}

// The cost of an assignment is that of the two parties' bookings, whatever the
// size of the pool and the number of bookings on it.
func BenchmarkAssign(b *testing.B) {
	for _, size := range []struct{ numbers, live int }{{100, 1_000}, {5_000, 100_000}, {5_000, 900_000}} {
		b.Run(fmt.Sprintf("numbers=%d/live=%d", size.numbers, size.live), func(b *testing.B) {
			l := poolOf(size.numbers, 200, false)
			for i := range size.live {
				if _, ok := l.assign(number(i%900_000), number(1_000_000+i/20)); !ok {
					b.Fatal("full")
				}
			}
			x, y := number(2_000_000), number(1_000_001) // y has 20 bookings
			for b.Loop() {
				n, ok := l.assign(x, y)
				if !ok {
					b.Fatal("full")
				}
				l.release(n, x, y, time.Time{})
			}
		})
	}
}
