package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"maskswitch/actors/protocol"
	"maskswitch/metrics/family"
)

// Recordings watches the way of recordings into the archive: it is a
// recording.Observer.
type Recordings struct {
	archived, lost prometheus.Counter
	failed         prometheus.Counter
	troubles       series[prometheus.Counter]
	bytes          prometheus.Counter
	lag            prometheus.Histogram
	pending        prometheus.Gauge
	oldest         prometheus.Gauge
}

func newRecordings(f promauto.Factory) *Recordings {
	results := f.NewCounterVec(prometheus.CounterOpts{
		Name: family.Recordings,
		Help: "Tries to archive a recording that worked or failed, and recordings that were given up.",
	}, []string{"result"})
	failures := f.NewCounterVec(prometheus.CounterOpts{
		Name: family.RecordingFailures,
		Help: "Tries to archive a recording that failed, by what can be done about it.",
	}, []string{"trouble"})
	return &Recordings{
		archived: results.WithLabelValues("archived"),
		lost:     results.WithLabelValues("lost"),
		failed:   results.WithLabelValues("failed"),
		troubles: resolve(protocol.RecordingTroubles(), other, func(label string) prometheus.Counter { return failures.WithLabelValues(label) }),
		bytes: f.NewCounter(prometheus.CounterOpts{
			Name: family.RecordingArchivedBytes, Help: "Audio in the archive, as it was put there.",
		}),
		lag: f.NewHistogram(histogram(family.RecordingArchiveLag,
			"From when the carrier told of a recording until it was verified in the archive.", slow)),
		pending: f.NewGauge(prometheus.GaugeOpts{
			Name: family.RecordingsPending, Help: "Recordings that are not in the archive yet, and calls whose recordings are looked for.",
		}),
		oldest: f.NewGauge(prometheus.GaugeOpts{
			Name: family.RecordingOldestPendingTimestamp,
			Help: "When the carrier told of the oldest that is not in the archive yet; 0 if there is none.",
		}),
	}
}

// Archived takes a recording that is in the archive, of which call it is, the
// bytes it has there, and how long that was after the carrier told of it.
func (r *Recordings) Archived(of protocol.CallID, bytes int64, lag time.Duration) {
	r.archived.Inc()
	r.bytes.Add(float64(max(bytes, 0)))
	observe(r.lag, lag, slowArchive, of)
}

// TryFailed counts a try that failed.
func (r *Recordings) TryFailed(why protocol.RecordingTrouble) {
	r.failed.Inc()
	counter := r.troubles.at(uint8(why))
	counter.Inc()
}

// Lost counts a recording that was given up.
func (r *Recordings) Lost() { r.lost.Inc() }

// Pending takes how many wait for the archive, and since when the oldest does.
func (r *Recordings) Pending(n int, oldest time.Time) {
	r.pending.Set(float64(n))
	r.oldest.Set(unix(oldest))
}
