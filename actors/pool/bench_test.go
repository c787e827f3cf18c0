package pool

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

var benchmarked = []struct {
	live  int
	hosts int
}{{1_000, 100}, {100_000, 10_000}, {1_000_000, 100_000}}

const benchmarkedNumbers = 5_000

// filled is a ledger with so many live bookings, which it returns too, and so
// many in quarantine.
func filled(b testing.TB, live, hosts, rested int) (*ledger, *market, []protocol.Booking) {
	l := newLedger(ledgerConfig{PairsPerNumber: 400})
	for i := range benchmarkedNumbers {
		l.add(protocol.Number{Number: proxy(5 * i)})
	}
	m := newMarket(1, hosts, 3*live, 0.6)
	home := proxy(0).Region()
	list := make([]protocol.Booking, 0, live)
	for i := 0; i < live+rested; i++ {
		x := book(l, m, i, home)
		if x.ID == (protocol.BookingID{}) {
			b.Fatal("refused")
		}
		if i < rested {
			x.FreeAt = time.UnixMicro(int64(1e15) + int64(i))
			l.release(x, x.FreeAt)
			continue
		}
		list = append(list, x)
	}
	return l, m, list
}

// book makes one booking of a market; its id is zero if it was refused.
func book(l *ledger, m *market, i int, home phone.Region) protocol.Booking {
	x := protocol.Booking{ID: bookingID(i + 1)}
	x.PartyA, x.PartyB = m.pair()
	got, refused := l.assign(x.ID, want{a: x.PartyA, b: x.PartyB, homeA: home, homeB: home})
	if refused != 0 {
		return protocol.Booking{}
	}
	x.NumberA, x.NumberB = got.a, got.b
	return x
}

// A booking is assigned and another one released, while so many live. Parties
// are drawn as the market has them, so the busiest, who cost most, come most.
func BenchmarkAssignAndRelease(b *testing.B) {
	for _, size := range benchmarked {
		for _, rested := range []int{0, size.live} {
			b.Run(fmt.Sprintf("live=%d/quarantined=%d", size.live, rested), func(b *testing.B) {
				l, m, list := filled(b, size.live, size.hosts, rested)
				home := proxy(0).Region()
				var assigning time.Duration
				n := size.live + rested + 1
				b.ReportAllocs()
				for b.Loop() {
					n++
					x := protocol.Booking{ID: bookingID(n)}
					x.PartyA, x.PartyB = m.pair()
					start := time.Now()
					got, refused := l.assign(x.ID, want{a: x.PartyA, b: x.PartyB, homeA: home, homeB: home})
					assigning += time.Since(start)
					if refused != 0 {
						b.Fatal("refused")
					}
					x.NumberA, x.NumberB = got.a, got.b
					k := m.random.IntN(len(list))
					if !l.release(list[k], time.Time{}) {
						b.Fatal("not released")
					}
					list[k] = x
				}
				b.ReportMetric(float64(assigning.Nanoseconds())/float64(b.N), "ns/assign")
				b.ReportMetric(float64(l.headroom().All.Busiest), "busiest")
			})
		}
	}
}

// What the ledger keeps of one booking, that of the parties included.
func BenchmarkBytesOfABooking(b *testing.B) {
	for _, size := range benchmarked {
		b.Run(fmt.Sprintf("live=%d", size.live), func(b *testing.B) {
			for b.Loop() {
				empty := heap()
				l, _, list := filled(b, size.live, size.hosts, 0)
				n := len(list)
				list = nil
				used := heap() - empty
				runtime.KeepAlive(l)
				_ = list
				b.ReportMetric(float64(used)/float64(n), "B/booking")
			}
		})
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
