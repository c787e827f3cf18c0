package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"maskswitch/actors/protocol"
	"maskswitch/metrics/family"
)

// allRegions is the one region there is as long as numbers are not told apart
// by theirs. The label is here already, so that rules need not change.
const allRegions = "all"

// Pool watches numbers and bookings: it is a pool.Observer and a
// booking.Observer.
type Pool struct {
	numbers  [4]prometheus.Gauge // by state
	idle     prometheus.Gauge
	headroom prometheus.Gauge
	open     prometheus.Gauge

	opened, repeated, conflict, exhausted prometheus.Counter

	ended named[prometheus.Counter]
}

func newPool(f promauto.Factory) *Pool {
	numbers := f.NewGaugeVec(prometheus.GaugeOpts{
		Name: family.PoolNumbers, Help: "Proxy numbers of the pool, by state.",
	}, []string{"region", "state"})
	var byState [4]prometheus.Gauge
	for _, s := range protocol.NumberStates() {
		byState[s] = numbers.WithLabelValues(allRegions, s.String())
	}
	bookings := f.NewCounterVec(prometheus.CounterOpts{
		Name: family.Bookings, Help: "Requests for a booking, by what became of them.",
	}, []string{"region", "result"})
	ended := f.NewCounterVec(prometheus.CounterOpts{
		Name: family.BookingsEnded, Help: "Bookings that ended, by reason.",
	}, []string{"region", "reason"})
	gauge := func(name, help string) prometheus.Gauge {
		return f.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, []string{"region"}).WithLabelValues(allRegions)
	}
	return &Pool{
		numbers: byState,
		idle: gauge(family.PoolIdleNumbers,
			"Serving proxy numbers without a live booking."),
		headroom: gauge(family.PoolHeadroomBookings,
			"How many more bookings fit on the numbers, as long as their parties do not collide."),
		open: gauge(family.BookingsOpen,
			"Live bookings."),
		opened:    bookings.WithLabelValues(allRegions, "opened"),
		repeated:  bookings.WithLabelValues(allRegions, "repeated"),
		conflict:  bookings.WithLabelValues(allRegions, "conflict"),
		exhausted: bookings.WithLabelValues(allRegions, "exhausted"),
		ended: resolveNames([]string{"checkout", "idle", "deleted", "number_retired"}, func(reason string) prometheus.Counter {
			return ended.WithLabelValues(allRegions, reason)
		}),
	}
}

// NumbersCounted takes the pool's gauges.
func (p *Pool) NumbersCounted(f protocol.PoolFigures) {
	for state, n := range f.Numbers {
		p.numbers[state].Set(float64(n))
	}
	p.idle.Set(float64(f.Idle))
	p.open.Set(float64(f.Live))
	p.headroom.Set(float64(f.Room))
}

// BookingOpened counts a booking that got a number.
func (p *Pool) BookingOpened() { p.opened.Inc() }

// BookingRefused counts a booking for which no number was left.
func (p *Pool) BookingRefused() { p.exhausted.Inc() }

// BookingRepeated counts a request that came before; conflict: with other
// parties or times under the same name.
func (p *Pool) BookingRepeated(conflict bool) {
	if conflict {
		p.conflict.Inc()
		return
	}
	p.repeated.Inc()
}

// BookingEnded counts a booking's end: checkout, idle, deleted or number_retired.
func (p *Pool) BookingEnded(reason string) { p.ended.at(reason).Inc() }
