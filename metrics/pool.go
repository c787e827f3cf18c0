package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"maskswitch/actors/protocol"
)

// allRegions is the one region there is as long as numbers are not told apart
// by theirs. The label is here already, so that rules need not change.
const allRegions = "all"

// Pool watches numbers and bookings: it is a pool.Observer and a
// booking.Observer.
type Pool struct {
	serving  prometheus.Gauge
	idle     prometheus.Gauge
	headroom prometheus.Gauge
	open     prometheus.Gauge

	opened, repeated, conflict, exhausted prometheus.Counter

	ended named[prometheus.Counter]
}

func newPool(f promauto.Factory) *Pool {
	numbers := f.NewGaugeVec(prometheus.GaugeOpts{
		Name: "maskswitch_pool_numbers", Help: "Proxy numbers of the pool, by state.",
	}, []string{"region", "state"})
	for _, s := range protocol.NumberStates() {
		numbers.WithLabelValues(allRegions, s.String())
	}
	bookings := f.NewCounterVec(prometheus.CounterOpts{
		Name: "maskswitch_bookings_total", Help: "Requests for a booking, by what became of them.",
	}, []string{"region", "result"})
	ended := f.NewCounterVec(prometheus.CounterOpts{
		Name: "maskswitch_bookings_ended_total", Help: "Bookings that ended, by reason.",
	}, []string{"region", "reason"})
	gauge := func(name, help string) prometheus.Gauge {
		return f.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, []string{"region"}).WithLabelValues(allRegions)
	}
	return &Pool{
		serving: numbers.WithLabelValues(allRegions, protocol.NumberServing.String()),
		idle: gauge("maskswitch_pool_idle_numbers",
			"Serving proxy numbers without a live booking."),
		headroom: gauge("maskswitch_pool_headroom_bookings",
			"How many more bookings fit on the numbers, as long as their parties do not collide."),
		open: gauge("maskswitch_bookings_open",
			"Live bookings."),
		opened:    bookings.WithLabelValues(allRegions, "opened"),
		repeated:  bookings.WithLabelValues(allRegions, "repeated"),
		conflict:  bookings.WithLabelValues(allRegions, "conflict"),
		exhausted: bookings.WithLabelValues(allRegions, "exhausted"),
		ended: resolveNames([]string{"checkout", "deleted"}, func(reason string) prometheus.Counter {
			return ended.WithLabelValues(allRegions, reason)
		}),
	}
}

// NumbersCounted takes the figures of the pool: serving numbers, those of them
// without a live booking, live bookings, and how many more fit.
func (p *Pool) NumbersCounted(serving, idle, live, room int) {
	p.serving.Set(float64(serving))
	p.idle.Set(float64(idle))
	p.open.Set(float64(live))
	p.headroom.Set(float64(room))
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

// BookingEnded counts a booking's end: checkout or deleted.
func (p *Pool) BookingEnded(reason string) { p.ended.at(reason).Inc() }
