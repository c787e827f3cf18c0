package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"maskswitch/metrics/family"
)

// Process watches the program itself: its runtime and its build.
type Process struct {
	recovery prometheus.Gauge
	draining prometheus.Gauge
}

func newProcess(reg prometheus.Registerer, f promauto.Factory) *Process {
	reg.MustRegister(
		version.NewCollector("maskswitch"),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewGoCollector(collectors.WithGoCollectorRuntimeMetrics(
			collectors.MetricsGC, collectors.MetricsScheduler, collectors.MetricsMemory)),
	)
	return &Process{
		recovery: f.NewGauge(prometheus.GaugeOpts{
			Name: family.RecoveryDuration, Help: "How long the last recovery from the store took.",
		}),
		draining: f.NewGauge(prometheus.GaugeOpts{
			Name: family.Draining, Help: "1: the process takes no more work and is about to end.",
		}),
	}
}

func watchReady(f promauto.Factory, component string, ready func() error) {
	if ready == nil {
		return
	}
	watchGauge(f, prometheus.GaugeOpts{
		Name: family.ComponentReady, Help: "1: the component can do its work.",
		ConstLabels: prometheus.Labels{"component": component},
	}, func() float64 {
		if ready() != nil {
			return 0
		}
		return 1
	})
}

// Recovered takes how long the switch took to build itself from the store.
func (p *Process) Recovered(took time.Duration) { p.recovery.Set(took.Seconds()) }

// Draining says that the process takes no more work.
func (p *Process) Draining() { p.draining.Set(1) }
