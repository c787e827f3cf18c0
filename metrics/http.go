package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"maskswitch/metrics/family"
)

// API watches the REST door: it is an api.Observer.
type API struct {
	requests map[Route]codes
	rest     codes // what no route answers
	inFlight prometheus.Gauge
}

// codes are a route's answers, by the class of their status. The API has no
// other classes than these three: what is odd is one series for all routes.
type codes struct{ ok, client, server, odd prometheus.Observer }

func newAPI(f promauto.Factory, routes []Route, inFlight prometheus.Gauge) *API {
	requests := f.NewHistogramVec(histogram(family.HTTPRequestDuration,
		"Requests of the API, by route and class of status.", fast), []string{"route", "method", "code"})
	odd := requests.WithLabelValues(other, other, other)
	of := func(path, method string) codes {
		return codes{
			ok:     requests.WithLabelValues(path, method, "2xx"),
			client: requests.WithLabelValues(path, method, "4xx"),
			server: requests.WithLabelValues(path, method, "5xx"),
			odd:    odd,
		}
	}
	a := &API{requests: make(map[Route]codes, len(routes)), inFlight: inFlight}
	for _, route := range routes {
		a.requests[route] = of(route.Path, route.Method)
	}
	a.rest = codes{
		ok:     odd,
		client: requests.WithLabelValues(other, other, "4xx"),
		server: requests.WithLabelValues(other, other, "5xx"),
		odd:    odd,
	}
	delete(a.requests, Route{other, other})
	return a
}

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
	by, ok := a.requests[Route{route, method}]
	if !ok {
		by = a.rest
	}
	answers := by.odd
	switch status / 100 {
	case 2:
		answers = by.ok
	case 4:
		answers = by.client
	case 5:
		answers = by.server
	}
	answers.Observe(seconds(d))
}
