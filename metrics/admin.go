package metrics

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/pprof"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const adminIndex = `maskswitch, operations

/metrics              for Prometheus
/healthz              200 while the process lives
/readyz               200 when it takes calls and requests, else 503 and why
/debug/pprof/         profiles: heap, goroutine, profile?seconds=10, trace?seconds=1
`

// NewAdmin makes the handler for the operators' own listener: it asks for no
// key, so it belongs on an address that only they reach. (Package pprof puts
// itself on http.DefaultServeMux as well, which nothing of ours may serve.)
//
// ready says why the process takes no work, nil if it does; a nil ready means
// always. scrapes gets what goes wrong with one; nil: nobody.
func NewAdmin(reg prometheus.Gatherer, ready func() error, scrapes *log.Logger) http.Handler {
	options := promhttp.HandlerOpts{
		ErrorHandling:       promhttp.ContinueOnError, // what can be read is better than nothing
		MaxRequestsInFlight: 3,
		CoalesceGather:      true,
		EnableOpenMetrics:   true,
	}
	if scrapes != nil {
		options.ErrorLog = scrapes
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, options))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		text(w, http.StatusOK, "ok")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if ready != nil {
			if err := ready(); err != nil {
				text(w, http.StatusServiceUnavailable, "not ready: "+err.Error())
				return
			}
		}
		text(w, http.StatusOK, "ok")
	})
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, adminIndex)
	})
	return mux
}

func text(w http.ResponseWriter, status int, line string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	fmt.Fprintln(w, line)
}
