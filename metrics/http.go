package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"maskswitch/metrics/family"
)

// API watches the REST door: it is an api.Observer. Every route has its counts by
// class of status, and a histogram of what it did; how long refusals and failures
// take is kept for all routes together, since a histogram has sixteen series.
type API struct {
	routes   map[Route]answers
	rest     answers // what no route answers
	refused  prometheus.Observer
	failed   prometheus.Observer
	inFlight prometheus.Gauge
}

// answers are a route's, by the class of their status. The API has no other
// classes than these three: what is odd counts as done.
type answers struct {
	done                prometheus.Observer
	ok, refused, failed prometheus.Counter
}

func newAPI(f promauto.Factory, routes []Route, inFlight prometheus.Gauge) *API {
	labels := []string{"route", "method", "code"}
	took := f.NewHistogramVec(histogram(family.HTTPRequestDuration,
		"Requests of the API: those that were done by route, those that were refused (4xx) or failed (5xx) for all routes.", fast), labels)
	count := f.NewCounterVec(prometheus.CounterOpts{
		Name: family.HTTPRequests, Help: "Requests of the API, by route and class of status.",
	}, labels)
	of := func(r Route) answers {
		return answers{
			done:    took.WithLabelValues(r.Path, r.Method, "2xx"),
			ok:      count.WithLabelValues(r.Path, r.Method, "2xx"),
			refused: count.WithLabelValues(r.Path, r.Method, "4xx"),
			failed:  count.WithLabelValues(r.Path, r.Method, "5xx"),
		}
	}
	a := &API{
		routes:   make(map[Route]answers, len(routes)),
		rest:     of(Route{other, other}),
		refused:  took.WithLabelValues(anyRoute, anyRoute, "4xx"),
		failed:   took.WithLabelValues(anyRoute, anyRoute, "5xx"),
		inFlight: inFlight,
	}
	for _, route := range routes {
		if route != (Route{other, other}) {
			a.routes[route] = of(route)
		}
	}
	return a
}

// anyRoute stands for all of them.
const anyRoute = "any"

// requestsInFlight are those of both doors.
func requestsInFlight(f promauto.Factory, limit int) *prometheus.GaugeVec {
	if limit > 0 {
		f.NewGaugeVec(prometheus.GaugeOpts{
			Name: family.HTTPRequestsInFlightLimit, Help: "How many requests may be at work before more are refused.",
		}, []string{"server"}).WithLabelValues("api").Set(float64(limit))
	}
	return f.NewGaugeVec(prometheus.GaugeOpts{
		Name: family.HTTPRequestsInFlight, Help: "Requests that are being answered.",
	}, []string{"server"})
}

// InFlight moves the number of requests that are being answered.
func (a *API) InFlight(delta int) { a.inFlight.Add(float64(delta)) }

// Request takes a request that was answered.
func (a *API) Request(route, method string, status int, d time.Duration) {
	by, ok := a.routes[Route{route, method}]
	if !ok {
		by = a.rest
	}
	switch status / 100 {
	case 4:
		by.refused.Inc()
		a.refused.Observe(seconds(d))
	case 5:
		by.failed.Inc()
		a.failed.Observe(seconds(d))
	default:
		by.ok.Inc()
		by.done.Observe(seconds(d))
	}
}
