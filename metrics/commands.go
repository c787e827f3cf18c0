package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"maskswitch/actors/protocol"
	"maskswitch/metrics/family"
)

// Commands watches what is asked of the carrier: it is a telnyx.Observer.
type Commands struct {
	done     series[series[prometheus.Counter]] // by command, result
	retries  series[named[prometheus.Counter]]  // by command, reason
	attempts series[prometheus.Observer]
	waits    prometheus.Histogram
	inFlight prometheus.Gauge
}

func newCommands(f promauto.Factory, reasons []string) *Commands {
	done := f.NewCounterVec(prometheus.CounterOpts{
		Name: family.Commands, Help: "Commands to the carrier, retries included, by their final result.",
	}, []string{"command", "result"})
	retries := f.NewCounterVec(prometheus.CounterOpts{
		Name: family.CommandRetries, Help: "Attempts after the first, by why there had to be one.",
	}, []string{"command", "reason"})
	attempts := f.NewHistogramVec(histogram(family.CommandAttemptDuration,
		"One attempt at a command, until the carrier's answer.", rpc), []string{"command"})
	kinds := protocol.CommandKinds()
	return &Commands{
		done: resolve(kinds, other, func(command string) series[prometheus.Counter] {
			return counters(done, protocol.CommandResults(), other, command)
		}),
		retries: resolve(kinds, other, func(command string) named[prometheus.Counter] {
			return resolveNames(reasons, func(reason string) prometheus.Counter {
				return retries.WithLabelValues(command, reason)
			})
		}),
		attempts: resolve(kinds, other, func(command string) prometheus.Observer {
			return attempts.WithLabelValues(command)
		}),
		waits: f.NewHistogram(histogram(family.CommandPacingWait,
			"How long an attempt stood in our own queue for the carrier.", fast)),
		inFlight: f.NewGauge(prometheus.GaugeOpts{
			Name: family.CommandsInFlight, Help: "Requests that are with the carrier.",
		}),
	}
}

func watchOutbox(f promauto.Factory, ask func() (n int, oldest time.Time)) {
	if ask == nil {
		return
	}
	watchGauge(f, prometheus.GaugeOpts{
		Name: family.OutboxCommands, Help: "Commands that have left and whose outcome is not known, those that wait for another attempt included.",
	}, func() float64 { n, _ := ask(); return float64(n) })
	watchGauge(f, prometheus.GaugeOpts{
		Name: family.OutboxOldestTimestamp, Help: "When the oldest of them left; 0 if there is none.",
	}, func() float64 { _, oldest := ask(); return unix(oldest) })
}

// CommandSent takes the time of one attempt. What became of it counts only when
// it was the last: see CommandDone.
func (c *Commands) CommandSent(kind protocol.CommandKind, _ protocol.CommandResult, took time.Duration) {
	c.attempts.at(uint8(kind)).Observe(seconds(took))
}

// CommandRetried counts an attempt after the first.
func (c *Commands) CommandRetried(kind protocol.CommandKind, reason string) {
	reasons := c.retries.at(uint8(kind))
	reasons.at(reason).Inc()
}

// CommandWaited takes how long an attempt stood in our own queue.
func (c *Commands) CommandWaited(_ protocol.CommandKind, waited time.Duration) {
	c.waits.Observe(seconds(waited))
}

// InFlight moves the number of requests that are with the carrier.
func (c *Commands) InFlight(delta int) { c.inFlight.Add(float64(delta)) }

// CommandDone counts a command once, by what became of it in the end.
func (c *Commands) CommandDone(kind protocol.CommandKind, reply protocol.Reply, _ time.Duration) {
	counts := c.done.at(uint8(kind))
	counts.at(uint8(reply.Result)).Inc()
}
