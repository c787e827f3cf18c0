package sqlite

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"maskswitch/actors/journal"
	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

var pace = flag.Duration("pace", 0, "of the Group in benchmarks")

// BenchmarkAppend has a number of waiters append one change after the other
// through a Group, each waiting for its Done.
func BenchmarkAppend(b *testing.B) {
	for name, source := range sources {
		for _, waiters := range []int{1, 16, 256} {
			b.Run(fmt.Sprintf("%s/waiters=%d", name, waiters), func(b *testing.B) {
				g, next := prepared(b, source)
				b.ReportAllocs()
				m := newMeter(b)
				var left atomic.Int64
				left.Store(int64(b.N))
				var wg sync.WaitGroup
				for range waiters {
					wg.Go(func() {
						told := make(chan error, 1)
						for left.Add(-1) >= 0 {
							m.append(g, next(), func(err error) { told <- err })
							if err := <-told; err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
				m.report()
			})
		}
	}
}

// BenchmarkRate appends the events of calls at a steady rate, as a switch under
// load does: nobody waits for anybody.
func BenchmarkRate(b *testing.B) {
	for _, rate := range []int{450, 4500, 9000} {
		b.Run(fmt.Sprintf("events=%d", rate), func(b *testing.B) {
			g, next := prepared(b, calls)
			m := newMeter(b)
			var wg sync.WaitGroup
			wg.Add(b.N)
			began := time.Now()
			for i := range b.N {
				time.Sleep(time.Until(began.Add(time.Duration(i) * time.Second / time.Duration(rate))))
				c := next()
				c.Patient = true
				m.append(g, c, func(err error) {
					if err != nil {
						b.Error(err)
					}
					wg.Done()
				})
			}
			wg.Wait()
			m.report()
		})
	}
}

// meter reports what a benchmark's clock does not show.
type meter struct {
	b       *testing.B
	began   time.Time
	cpu     time.Duration
	waits   []time.Duration
	commits int
}

var lastMeter atomic.Pointer[meter]

func newMeter(b *testing.B) *meter {
	m := &meter{b: b, waits: make([]time.Duration, 0, b.N)}
	lastMeter.Store(m)
	b.ResetTimer()
	m.began, m.cpu = time.Now(), cpuTime()
	return m
}

func (m *meter) append(g *journal.Group, c journal.Change, done journal.Done) {
	at := time.Now()
	if err := g.Append(c, func(err error) {
		m.waits = append(m.waits, time.Since(at)) // Done comes from one goroutine
		done(err)
	}); err != nil {
		m.b.Error(err)
		done(err)
	}
}

func (m *meter) report() {
	m.b.StopTimer()
	cpu, wall := cpuTime()-m.cpu, time.Since(m.began)
	slices.Sort(m.waits)
	n := len(m.waits)
	if n == 0 {
		return
	}
	m.b.ReportMetric(float64(n)/wall.Seconds(), "events/s")
	m.b.ReportMetric(float64(m.waits[n/2].Microseconds()), "p50-µs")
	m.b.ReportMetric(float64(m.waits[n*99/100].Microseconds()), "p99-µs")
	m.b.ReportMetric(float64(m.waits[n-1].Microseconds()), "max-µs")
	m.b.ReportMetric(float64(cpu.Microseconds())/float64(n), "cpu-µs/event")
	m.b.ReportMetric(float64(n)/float64(max(m.commits, 1)), "events/commit")
}

// observed counts commits for the meter that runs.
type observed struct{}

func (observed) Appended(time.Duration) {}
func (observed) Committed(n int, d time.Duration) {
	if m := lastMeter.Load(); m != nil {
		m.commits++
	}
}
func (observed) Failed(string) {}

func cpuTime() time.Duration {
	var r syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// A source makes changes, one after the other. The first call fills the store.
type source func(b *testing.B, e *Engine) func() journal.Change

var sources = map[string]source{
	"booking": func(b *testing.B, _ *Engine) func() journal.Change { return bookings(b, false) },
	"ref":     func(b *testing.B, _ *Engine) func() journal.Change { return bookings(b, true) },
	"call":    calls,
}

func prepared(b *testing.B, s source) (*journal.Group, func() journal.Change) {
	lastMeter.Store(nil)
	e := opened(b, b.TempDir())
	next := s(b, e)
	g := journal.NewGroup(e, journal.Options{Observer: observed{}, Pace: *pace})
	b.Cleanup(func() { g.Close(context.Background()) })
	var mu sync.Mutex
	return g, func() journal.Change {
		mu.Lock()
		defer mu.Unlock()
		return next()
	}
}

func bookings(b *testing.B, withRef bool) func() journal.Change {
	n, _ := phone.FromStore("+13125550100")
	return func() journal.Change {
		v := protocol.Booking{ID: protocol.NewBookingID(time.Now()), NumberA: n, NumberB: n, PartyA: n, PartyB: n,
			CreatedAt: time.Now(), CheckoutAt: time.Now(), FreeAt: time.Now()}
		if withRef {
			v.Ref = protocol.Ref("res-" + protocol.NewBookingID(time.Unix(0, 0)).String()[14:]) // random
		}
		return journal.Change{Open: []protocol.Booking{v}}
	}
}

// calls makes the events of overlapping calls, each a row and a line: five in a
// call's first seconds, the rest at its end. ages are in calls, at 500 a second.
func calls(b *testing.B, e *Engine) func() journal.Change {
	ages := []int{0, 250, 400, 2500, 4000, 10000, 10050, 10500, 11000}
	last := len(ages) - 1
	snapshot := `{"legs":[` + strings.Repeat(`{"id":"v3:abcdefghijklmnopqrstuvwxyz","at":1772362800123456},`, 8) + `]}`
	what := `{"event":"call.answered","id":"0ccc7b54-4df3-4bca-a65a-3da1ecc777f0","leg":"v3:abcdefghijklmnopqrstuvwxyz"}`
	n, _ := phone.FromStore("+13125550100")
	start := time.Now()
	at := func(call int) time.Time { return start.Add(time.Duration(call) * 2 * time.Millisecond) }
	tick, k := 0, 0
	next := func() journal.Change {
		for {
			if k > last {
				k, tick = 0, tick+1
			}
			call := tick - ages[k]
			if call < 0 {
				k++
				continue
			}
			c := protocol.Call{
				Session: protocol.SessionID(fmt.Sprintf("%x-428c31b6-abf3-3bc1", uint64(call+1)*0x9e3779b97f4a7c15)),
				Number:  n, Caller: protocol.PartyA, Stage: fmt.Sprint("stage ", k), RangAt: at(call),
			}
			c.ID = protocol.NewCallID(c.Session, at(call))
			c.Booking = protocol.BookingID(c.ID)
			binary.BigEndian.PutUint64(c.Booking[:], uint64(call+1)*0x9e3779b97f4a7c15) // of any age
			if c.State = snapshot[:200+k*35]; k >= 6 {
				c.EndAt = at(tick)
			}
			if k == last {
				c.State = ""
			}
			k++
			return journal.Change{
				Calls: []protocol.Call{c}, Story: []protocol.Line{{Call: c.ID, N: k, At: at(tick), What: what}},
			}
		}
	}
	var batch []journal.Change
	for tick < 12000 {
		if batch = append(batch, next()); len(batch) == 1000 {
			if _, err := e.Commit(batch); err != nil {
				b.Fatal(err)
			}
			batch = batch[:0]
		}
	}
	return next
}
