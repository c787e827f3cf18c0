package metrics_test

import (
	"fmt"
	"testing"

	"maskswitch/actors/protocol"
	"maskswitch/metrics"
)

// A country has its series from its first number on, all of them at once. There
// are no more than eight; the others are counted together.
func TestCountriesHaveTheirOwnSeries(t *testing.T) {
	m, reg := newWatched(t)
	figures := protocol.PoolFigures{Numbers: [4]int{3, 0, 0, 1}, Idle: 2, Live: 10, Room: 590}
	for i := range metrics.MostRegions + 2 {
		m.NumbersCounted(fmt.Sprintf("%c%c", 'A', 'A'+i), figures)
	}
	got := values(t, reg)
	for name, want := range map[string]float64{
		"pool_numbers{region=AA,state=serving}": 3, "pool_numbers{region=AA,state=draining}": 0,
		"pool_headroom_bookings{region=AH}": 590, "bookings_open{region=AH}": 10,
		"bookings_total{region=AA,result=exhausted}": 0, "bookings_ended_total{reason=idle,region=AA}": 0,
		"pool_numbers{region=other,state=serving}": 6, "pool_numbers{region=other,state=retired}": 2,
		"pool_idle_numbers{region=other}": 4, "bookings_open{region=other}": 20, "pool_headroom_bookings{region=other}": 1180,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s is %v (there: %v), want %v", name, v, ok, want)
		}
	}
	if _, ok := got["bookings_open{region=AI}"]; ok {
		t.Error("a ninth country has series of its own")
	}

	figures.Live, figures.Room = 7, 593
	m.NumbersCounted("AJ", figures)
	m.NumbersCounted("AA", protocol.PoolFigures{})
	m.BookingOpened("AJ")
	m.BookingOpened("AB")
	m.BookingRefused("ZZ")
	got = values(t, reg)
	for name, want := range map[string]float64{
		"bookings_open{region=other}": 17, "pool_headroom_bookings{region=other}": 1183,
		"bookings_open{region=AA}": 0, "pool_numbers{region=AA,state=serving}": 0,
		"bookings_total{region=other,result=opened}": 1, "bookings_total{region=AB,result=opened}": 1,
		"bookings_total{region=other,result=exhausted}": 1,
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
}
