package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	"maskswitch/actors"
	"maskswitch/actors/journal"
	"maskswitch/actors/journal/sqlite"
	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// noCarrier takes every command: these benchmarks place no calls.
type noCarrier struct{}

func (noCarrier) Do(context.Context, protocol.Command) protocol.Reply { return protocol.Reply{} }

// openSwitch starts a switch on a folder, with the real engine.
func openSwitch(tb testing.TB, dir string) *actors.Switch {
	tb.Helper()
	engine, err := sqlite.Open(context.Background(), dir)
	if err != nil {
		tb.Fatal(err)
	}
	group := journal.NewGroup(engine, journal.Options{Queue: journalQueue})
	s := actors.New(actors.Config{Journal: group, Carrier: noCarrier{}, Quarantine: 24 * time.Hour, MostInFlight: 1 << 20})
	if err := s.Start(context.Background()); err != nil {
		tb.Fatal(err)
	}
	return s
}

func benchNumber(tb testing.TB, area string, i int) phone.Number {
	n, err := phone.Parse(fmt.Sprintf("+1%s%07d", area, 2_000_000+i))
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

func fillPool(tb testing.TB, s *actors.Switch, numbers int) {
	tb.Helper()
	list := make([]phone.Number, numbers)
	for i := range list {
		list[i] = benchNumber(tb, "415", i)
	}
	if _, err := s.AddNumbers(context.Background(), list); err != nil {
		tb.Fatal(err)
	}
}

// crowd has so many clients do n things in all, and reports rate and latency.
func crowd(b *testing.B, clients, n int, do func(i int) error) {
	b.Helper()
	took := make([]time.Duration, n)
	var next atomic.Int64
	var wg sync.WaitGroup
	began := time.Now()
	for range clients {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				at := time.Now()
				if err := do(i); err != nil {
					b.Error(err)
					return
				}
				took[i] = time.Since(at)
			}
		})
	}
	wg.Wait()
	all := time.Since(began)
	slices.Sort(took)
	b.ReportMetric(float64(n)/all.Seconds(), "creates/s")
	b.ReportMetric(took[n/2].Seconds()*1e3, "p50-ms")
	b.ReportMetric(took[n*99/100].Seconds()*1e3, "p99-ms")
}

// BenchmarkCreate opens durable bookings, with names of the client's as keys:
// at the door of the actors, and by REST with the clients in this process.
func BenchmarkCreate(b *testing.B) {
	sizes := map[int]int{1: 2_000, 16: 20_000, 256: 60_000}
	for _, clients := range []int{1, 16, 256} {
		n := sizes[clients]
		b.Run(fmt.Sprintf("door/clients=%d", clients), func(b *testing.B) {
			for b.Loop() {
				s := openSwitch(b, b.TempDir())
				fillPool(b, s, 1000)
				crowd(b, clients, n, func(i int) error {
					_, err := s.OpenBooking(context.Background(), protocol.OpenBooking{
						Ref: protocol.Ref(fmt.Sprintf("bk_%d_%d", i*7919%n, i)), Duration: 24 * time.Hour,
						PartyA: benchNumber(b, "312", i), PartyB: benchNumber(b, "773", i/10),
					})
					return err
				})
				if err := s.Stop(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("rest/clients=%d", clients), func(b *testing.B) {
			for b.Loop() {
				benchREST(b, clients, n)
			}
		})
	}
}

func benchREST(b *testing.B, clients, n int) {
	env := map[string]string{"TELNYX_API_KEY": "x", "PORT": "0", "ADMIN_ADDR": "127.0.0.1:0", "DATA_DIR": b.TempDir()}
	c, err := Load(nil, func(name string) (string, bool) { v, ok := env[name]; return v, ok }, "", io.Discard)
	if err != nil {
		b.Fatal(err)
	}
	a, err := New(context.Background(), c, zap.NewNop())
	if err != nil {
		b.Fatal(err)
	}
	if err := a.Start(context.Background()); err != nil {
		b.Fatal(err)
	}
	fillPool(b, a.sw, 1000)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	crowd(b, clients, n, func(i int) error {
		body := fmt.Sprintf(`{"party_a":%q,"party_b":%q,"booking_id":"bk_%d_%d"}`,
			benchNumber(b, "312", i).E164(), benchNumber(b, "773", i/10).E164(), i*7919%n, i)
		answer, err := client.Post(a.URL()+"/bookings", "application/json", bytes.NewReader([]byte(body)))
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err == nil && answer.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s: %s", answer.Status, text)
		}
		return err
	})
	client.CloseIdleConnections()
	if err := a.Stop(context.Background()); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkRestart starts a switch on a store with 100,000 live bookings, and
// tells what each of them costs in memory.
func BenchmarkRestart(b *testing.B) {
	const live = 100_000
	dir := b.TempDir()
	s := openSwitch(b, dir)
	fillPool(b, s, 1000)
	var wg sync.WaitGroup
	for client := range 256 {
		wg.Go(func() {
			for i := client; i < live; i += 256 {
				_, err := s.OpenBooking(context.Background(), protocol.OpenBooking{
					Ref: protocol.Ref(fmt.Sprintf("bk_%d", i)), Duration: 24 * time.Hour,
					PartyA: benchNumber(b, "312", i), PartyB: benchNumber(b, "773", i/10),
				})
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if err := s.Stop(context.Background()); err != nil {
		b.Fatal(err)
	}
	s = nil
	b.ResetTimer()
	for b.Loop() {
		before := heap()
		began := time.Now()
		again := openSwitch(b, dir)
		b.ReportMetric(time.Since(began).Seconds(), "s-until-ready")
		h, err := again.Headcount(context.Background())
		if err != nil || h.Active != live {
			b.Fatalf("%d bookings are live, want %d (%v)", h.Active, live, err)
		}
		b.ReportMetric(float64(heap()-before)/live, "B/booking")
		if err := again.Stop(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
