package metrics_test

import (
	"bytes"
	"errors"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"maskswitch/metrics"
)

func ask(h http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestAdmin(t *testing.T) {
	_, reg := newWatched(t)
	why := errors.New("the store cannot be read")
	admin := metrics.NewAdmin(reg, func() error { return why }, nil)
	for _, c := range []struct {
		method, path string
		status       int
		says         string
	}{
		{"GET", "/", 200, "/readyz"},
		{"GET", "/metrics", 200, "maskswitch_calls_offered_total 0"},
		{"GET", "/healthz", 200, "ok"},
		{"HEAD", "/healthz", 200, ""},
		{"GET", "/readyz", 503, "not ready: the store cannot be read"},
		{"GET", "/debug/pprof/", 200, "goroutine"},
		{"GET", "/debug/pprof/heap?debug=1", 200, "heap profile"},
		{"GET", "/debug/pprof/symbol", 200, "num_symbols"},
		{"GET", "/debug/pprof/cmdline", 200, "metrics.test"},
		{"GET", "/nothing", 404, ""},
		{"POST", "/metrics", 405, ""},
		{"POST", "/readyz", 405, ""},
	} {
		w := ask(admin, c.method, c.path)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s %s: %d %.200q, want %d and %q", c.method, c.path, w.Code, w.Body, c.status, c.says)
		}
	}
	why = nil
	if w := ask(admin, "GET", "/readyz"); w.Code != 200 || w.Body.String() != "ok\n" {
		t.Errorf("ready: %d %q", w.Code, w.Body)
	}
	if w := ask(metrics.NewAdmin(reg, nil, nil), "GET", "/readyz"); w.Code != 200 {
		t.Errorf("nobody to ask: %d %q", w.Code, w.Body)
	}
}

func TestMetricsAreServedInBothForms(t *testing.T) {
	_, reg := newWatched(t)
	admin := metrics.NewAdmin(reg, nil, nil)
	w := ask(admin, "GET", "/metrics", "Accept", "application/openmetrics-text; version=1.0.0")
	if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, "application/openmetrics-text") || !strings.HasSuffix(w.Body.String(), "# EOF\n") {
		t.Errorf("OpenMetrics was asked for, the answer is %q", got)
	}
	w = ask(admin, "GET", "/metrics", "Accept", "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited")
	if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, "application/vnd.google.protobuf") {
		t.Errorf("protobuf, which carries native histograms, was asked for; the answer is %q", got)
	}
}

// broken is a metric that cannot be read.
type broken struct{ desc *prometheus.Desc }

func (b broken) Describe(to chan<- *prometheus.Desc) { to <- b.desc }
func (b broken) Collect(to chan<- prometheus.Metric) {
	to <- prometheus.NewInvalidMetric(b.desc, errors.New("no figure to be had"))
}

func TestOneBrokenMetricDoesNotHideTheOthers(t *testing.T) {
	_, reg := newWatched(t)
	reg.MustRegister(broken{prometheus.NewDesc("broken_things", "Cannot be read.", nil, nil)})
	var said bytes.Buffer
	w := ask(metrics.NewAdmin(reg, nil, log.New(&said, "", 0)), "GET", "/metrics")
	if w.Code != 200 || !strings.Contains(w.Body.String(), "maskswitch_calls_offered_total 0") {
		t.Errorf("%d %.200q", w.Code, w.Body)
	}
	if !strings.Contains(said.String(), "no figure to be had") {
		t.Errorf("the log says %q", said.String())
	}
}
