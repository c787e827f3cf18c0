package market

import (
	"fmt"
	"testing"
	"time"

	"maskswitch/loadtest/pace"
	"maskswitch/loadtest/party"
)

// BenchmarkNext is the cost of one operation, at 25 calls for each booking.
func BenchmarkNext(b *testing.B) {
	for _, live := range []int{5_000, 1_000_000} {
		b.Run(fmt.Sprintf("%d live", live), func(b *testing.B) {
			b.ReportAllocs()
			cfg := steady()
			cfg.Hosts, cfg.Guests, cfg.Live = live, 10*live, live
			cfg.Lasts = party.Range{Min: 30 * time.Second, Max: 10 * time.Minute}
			cfg.Opens = calls(float64(live)/315, 24*time.Hour)
			pacing := calls(25*float64(live)/315, 24*time.Hour)
			seed := uint64(0)
			fresh := func() *Market {
				seed++
				m, err := New(cfg, pace.New(pacing, pace.Poisson, seed), seed)
				if err != nil {
					b.Fatal(err)
				}
				m.WarmUp()
				return m
			}
			m := fresh()
			for b.Loop() {
				if _, ok := m.Next(); !ok {
					b.StopTimer()
					m = fresh()
					b.StartTimer()
				}
			}
		})
	}
}

func BenchmarkWarmUp(b *testing.B) {
	cfg := steady()
	cfg.Live = 1_000_000
	b.ReportAllocs()
	for b.Loop() {
		m, err := New(cfg, pace.New(calls(1, time.Minute), pace.Even, 1), 1)
		if err != nil {
			b.Fatal(err)
		}
		m.WarmUp()
	}
}
