package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"maskswitch/metrics/family"
)

// Journal watches the way to the disk: it is a journal.Observer.
type Journal struct {
	appends prometheus.Histogram
	commits prometheus.Histogram
	changes prometheus.Counter
	failed  named[prometheus.Counter]
}

func newJournal(f promauto.Factory, limit int) *Journal {
	if limit > 0 {
		f.NewGauge(prometheus.GaugeOpts{
			Name: family.JournalPendingChangesLimit, Help: "How many changes may be unfinished before more are refused.",
		}).Set(float64(limit))
	}
	failed := f.NewCounterVec(prometheus.CounterOpts{
		Name: family.JournalErrors, Help: "What the store could not do, by operation.",
	}, []string{"op"})
	return &Journal{
		appends: f.NewHistogram(histogram(family.JournalAppendDuration,
			"From handing a change in until it was on disk.", fast)),
		commits: f.NewHistogram(histogram(family.JournalCommitDuration,
			"One commit of the store.", fast)),
		changes: f.NewCounter(prometheus.CounterOpts{
			Name: family.JournalChanges, Help: "Changes that went into commits.",
		}),
		failed: resolveNames([]string{"commit", "probe", "close"}, func(op string) prometheus.Counter {
			return failed.WithLabelValues(op)
		}),
	}
}

func watchJournal(f promauto.Factory, s Sources) {
	watchGauge(f, prometheus.GaugeOpts{
		Name: family.JournalSize, Help: "What the store takes on disk.",
	}, number(s.JournalSize))
	watchGauge(f, prometheus.GaugeOpts{
		Name: family.JournalPendingChanges, Help: "Changes handed in that are not finished.",
	}, number(s.JournalPending))
	if disk := s.Disk; disk != nil {
		watchGauge(f, prometheus.GaugeOpts{
			Name: family.DataFree, Help: "What is free on the file system of the data directory.",
		}, func() float64 { free, _ := disk(); return float64(free) })
		watchGauge(f, prometheus.GaugeOpts{
			Name: family.DataSize, Help: "What the file system of the data directory holds in all.",
		}, func() float64 { _, size := disk(); return float64(size) })
	}
}

// Appended takes the time from handing a change in until it was on disk.
func (j *Journal) Appended(d time.Duration) { j.appends.Observe(seconds(d)) }

// Committed takes one commit and how many changes it had.
func (j *Journal) Committed(changes int, d time.Duration) {
	j.changes.Add(float64(max(changes, 0)))
	j.commits.Observe(seconds(d))
}

// Failed counts what the store could not do: commit, probe or close.
func (j *Journal) Failed(op string) { j.failed.at(op).Inc() }
