package loadtest

import (
	"sync"
	"time"

	"maskswitch/loadtest/report"
)

// step is one thing whose latency is measured.
type step uint8

const (
	ack step = iota
	reaction
	answer
	reject
	transfer
	recordStart
	tell
	postDial
	create
	repeated
	read
	extend
	checkout
	stepCount
)

// steps are their names and what they mean, in the order of the report.
var steps = [stepCount]struct{ name, title string }{
	ack:         {"ack", "webhook sent → acknowledged"},
	reaction:    {"reaction", "event sent → the command that it asks for, all kinds"},
	answer:      {"answer", "leg A rings → answer"},
	reject:      {"reject", "leg A rings → reject"},
	transfer:    {"transfer", "leg A answered → transfer"},
	recordStart: {"record_start", "leg B answered, or both were told → record_start"},
	tell:        {"tell", "leg B failed → the caller is told or released"},
	postDial:    {"post_dial", "A dials → B rings, carrier's part included"},
	create:      {"create", "POST /bookings"},
	repeated:    {"repeat", "POST /bookings again"},
	read:        {"read", "GET /bookings/{id}"},
	extend:      {"extend", "PATCH /bookings/{id}"},
	checkout:    {"close", "DELETE /bookings/{id}"},
}

// reactions that the carrier reports, by its word.
var stepOf = map[string]step{"answer": answer, "reject": reject, "transfer": transfer, "record_start": recordStart, "tell": tell}

// meter takes what many goroutines measure and adds it up once a second, so
// that measuring costs a lock that nobody else holds and an append.
type meter struct {
	shards [8]struct {
		mu      sync.Mutex
		samples []sample
		_       [64]byte // a cache line of its own
	}

	// The rest belongs to whoever calls collect.
	corrected, uncorrected [stepCount]*report.Histogram
	failed                 [stepCount]int64
	lag                    *report.Histogram
}

type sample struct {
	step                   step
	failed, lag            bool
	corrected, uncorrected time.Duration
}

func newMeter() *meter {
	m := &meter{lag: report.NewHistogram()}
	for i := range m.corrected {
		m.corrected[i], m.uncorrected[i] = report.NewHistogram(), report.NewHistogram()
	}
	return m
}

// add notes a success: how long it took since it was due, and since it was
// really begun. key spreads the callers.
func (m *meter) add(key uint64, s step, corrected, uncorrected time.Duration) {
	m.put(key, sample{step: s, corrected: corrected, uncorrected: uncorrected})
}

// fail notes that something failed, which has no latency.
func (m *meter) fail(key uint64, s step) { m.put(key, sample{step: s, failed: true}) }

// late notes how much later than due a start was.
func (m *meter) late(d time.Duration) { m.put(0, sample{lag: true, corrected: d}) }

func (m *meter) put(key uint64, s sample) {
	shard := &m.shards[key%uint64(len(m.shards))]
	shard.mu.Lock()
	shard.samples = append(shard.samples, s)
	shard.mu.Unlock()
}

// second is what came in since the last collect.
type second struct {
	latency [stepCount]*report.Histogram // nil: nothing
	failed  [stepCount]int64
	lag     *report.Histogram
}

// collect adds up, and gives what is new. Only what comes while measuring is
// true goes into the totals.
func (m *meter) collect(measuring bool) second {
	var s second
	for i := range m.shards {
		shard := &m.shards[i]
		shard.mu.Lock()
		samples := shard.samples
		shard.samples = make([]sample, 0, cap(samples))
		shard.mu.Unlock()
		for _, one := range samples {
			m.count(&s, one, measuring)
		}
	}
	return s
}

func (m *meter) count(s *second, one sample, measuring bool) {
	switch {
	case one.lag:
		if s.lag == nil {
			s.lag = report.NewBrief()
		}
		s.lag.Record(one.corrected)
		if measuring {
			m.lag.Record(one.corrected)
		}
	case one.failed:
		s.failed[one.step]++
		if measuring {
			m.failed[one.step]++
		}
	default:
		if s.latency[one.step] == nil {
			s.latency[one.step] = report.NewBrief()
		}
		s.latency[one.step].Record(one.corrected)
		if measuring {
			m.corrected[one.step].Record(one.corrected)
			m.uncorrected[one.step].Record(one.uncorrected)
		}
	}
}

// latencies are the totals, for the report; steps that nothing happened in are
// left out.
func (m *meter) latencies() []report.Latency {
	var all []report.Latency
	for i, s := range steps {
		if m.corrected[i].Count() == 0 && m.failed[i] == 0 {
			continue
		}
		all = append(all, report.Latency{Step: s.name, Title: s.title, Corrected: m.corrected[i].Quantiles(),
			Uncorrected: m.uncorrected[i].Quantiles(), Failed: m.failed[i], HDR: m.corrected[i].Encode(), UncorrectedHDR: m.uncorrected[i].Encode()})
	}
	return all
}
