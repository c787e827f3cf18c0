package metrics

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"maskswitch/actors/protocol"
	"maskswitch/metrics/family"
)

// MostRegions is how many countries have series of their own; the others share
// those of "other". More would not fit the budget of a process.
const MostRegions = 8

// Pool watches numbers and bookings: it is a pool.Observer and a
// booking.Observer.
//
// Its label region is a country. Which ones there are is not known before the
// store is read: a country gets its series, all at once, when the pool tells its
// first figures, which is before anybody is served there.
type Pool struct {
	families poolFamilies

	mu      sync.RWMutex
	regions map[string]*region
	rest    *region
}

type poolFamilies struct {
	numbers, idle, headroom, open *prometheus.GaugeVec
	bookings, ended               *prometheus.CounterVec
}

// region is the series of one country, or of all that have none of their own.
type region struct {
	numbers              [4]prometheus.Gauge // by state
	idle, headroom, open prometheus.Gauge

	opened, repeated, conflict, exhausted prometheus.Counter

	ended named[prometheus.Counter]
	last  map[string]protocol.PoolFigures // what the gauges have of each country
}

func newPool(f promauto.Factory) *Pool {
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return f.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, append([]string{"region"}, labels...))
	}
	counter := func(name, help, label string) *prometheus.CounterVec {
		return f.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"region", label})
	}
	p := &Pool{
		families: poolFamilies{
			numbers: gauge(family.PoolNumbers, "Proxy numbers of the pool, by country and state.", "state"),
			idle:    gauge(family.PoolIdleNumbers, "Serving proxy numbers without a live booking."),
			headroom: gauge(family.PoolHeadroomBookings,
				"How many more bookings fit on the numbers, as long as their parties do not collide."),
			open:     gauge(family.BookingsOpen, "Live bookings."),
			bookings: counter(family.Bookings, "Requests for a booking, by what became of them.", "result"),
			ended:    counter(family.BookingsEnded, "Bookings that ended, by reason.", "reason"),
		},
		regions: make(map[string]*region),
	}
	p.rest = p.families.of(other)
	return p
}

func (f *poolFamilies) of(name string) *region {
	r := &region{
		idle: f.idle.WithLabelValues(name), headroom: f.headroom.WithLabelValues(name), open: f.open.WithLabelValues(name),
		opened: f.bookings.WithLabelValues(name, "opened"), repeated: f.bookings.WithLabelValues(name, "repeated"),
		conflict: f.bookings.WithLabelValues(name, "conflict"), exhausted: f.bookings.WithLabelValues(name, "exhausted"),
		ended: resolveNames([]string{"checkout", "idle", "deleted", "number_retired"}, func(reason string) prometheus.Counter {
			return f.ended.WithLabelValues(name, reason)
		}),
		last: make(map[string]protocol.PoolFigures),
	}
	for _, s := range protocol.NumberStates() {
		r.numbers[s] = f.numbers.WithLabelValues(name, s.String())
	}
	return r
}

// NumbersCounted takes the gauges of a country; without a name it is nobody's.
func (p *Pool) NumbersCounted(country string, now protocol.PoolFigures) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r, ok := p.regions[country]
	if !ok {
		r = p.rest
		if country != "" && len(p.regions) < MostRegions {
			r = p.families.of(country)
			p.regions[country] = r
		}
	}
	was := r.last[country]
	for state := range now.Numbers {
		r.numbers[state].Add(float64(now.Numbers[state] - was.Numbers[state]))
	}
	r.idle.Add(float64(now.Idle - was.Idle))
	r.open.Add(float64(now.Live - was.Live))
	r.headroom.Add(float64(now.Room - was.Room))
	r.last[country] = now
}

func (p *Pool) in(country string) *region {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if r, ok := p.regions[country]; ok {
		return r
	}
	return p.rest
}

// BookingOpened counts a booking that got a number.
func (p *Pool) BookingOpened(country string) { p.in(country).opened.Inc() }

// BookingRefused counts a booking for which no number was left.
func (p *Pool) BookingRefused(country string) { p.in(country).exhausted.Inc() }

// BookingRepeated counts a request that came before; conflict: with other
// parties or times under the same name.
func (p *Pool) BookingRepeated(country string, conflict bool) {
	r := p.in(country)
	if conflict {
		r.conflict.Inc()
		return
	}
	r.repeated.Inc()
}

// BookingEnded counts a booking's end: checkout, idle, deleted or number_retired.
func (p *Pool) BookingEnded(country, reason string) {
	ended := &p.in(country).ended
	ended.at(reason).Inc()
}
