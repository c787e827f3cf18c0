package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"maskswitch/actors/protocol"
	"maskswitch/metrics/family"
)

// Actors watches the actors as such, by kind: never one of them.
type Actors struct {
	live     series[prometheus.Gauge]
	waits    series[prometheus.Observer]
	handled  series[prometheus.Observer]
	restarts series[prometheus.Counter]
	letters  series[prometheus.Counter]
}

func newActors(f promauto.Factory) *Actors {
	kind := []string{"kind"}
	live := f.NewGaugeVec(prometheus.GaugeOpts{Name: family.Actors, Help: "Actors in memory, by kind."}, kind)
	waits := f.NewHistogramVec(histogram(family.ActorMailboxWait,
		"How long a message waited for its actor, measured on one message of each mailbox at a time.", fast), kind)
	handled := f.NewHistogramVec(histogram(family.ActorHandleDuration,
		"How long an actor was at work on a message.", fast), kind)
	restarts := f.NewCounterVec(prometheus.CounterOpts{
		Name: family.ActorRestarts, Help: "Actors that panicked, each to be built again from the store, by kind.",
	}, kind)
	letters := f.NewCounterVec(prometheus.CounterOpts{
		Name: family.ActorDeadLetters, Help: "Messages to actors that were gone, by the kind of those.",
	}, kind)
	kinds := protocol.ActorKinds()
	observer := func(vec *prometheus.HistogramVec) series[prometheus.Observer] {
		return resolve(kinds, other, func(label string) prometheus.Observer { return vec.WithLabelValues(label) })
	}
	return &Actors{
		live:     resolve(kinds, other, func(label string) prometheus.Gauge { return live.WithLabelValues(label) }),
		waits:    observer(waits),
		handled:  observer(handled),
		restarts: counters(restarts, kinds, other),
		letters:  counters(letters, kinds, other),
	}
}

// watchMailboxes reads how many messages wait. The fullest mailbox is the fullest
// there was since it was last read, so one server should scrape.
func watchMailboxes(f promauto.Factory, s Sources) {
	for _, kind := range protocol.ActorKinds() {
		label := prometheus.Labels{"kind": kind.String()}
		watchGauge(f, prometheus.GaugeOpts{
			Name: family.ActorMailboxMessages, Help: "Messages that wait for the actors of a kind.", ConstLabels: label,
		}, asks(s.Waiting, kind))
		watchGauge(f, prometheus.GaugeOpts{
			Name: family.ActorMailboxMessagesMax, Help: "Messages in the fullest mailbox of a kind since the last scrape.", ConstLabels: label,
		}, asks(s.Fullest, kind))
	}
}

func asks(figure func(protocol.ActorKind) int, kind protocol.ActorKind) func() float64 {
	if figure == nil {
		return nil
	}
	return func() float64 { return float64(figure(kind)) }
}

// ActorLives moves the number of actors of a kind.
func (a *Actors) ActorLives(kind protocol.ActorKind, delta int) {
	a.live.at(uint8(kind)).Add(float64(delta))
}

// ActorWaited takes how long a message waited for its actor.
func (a *Actors) ActorWaited(kind protocol.ActorKind, d time.Duration) {
	a.waits.at(uint8(kind)).Observe(seconds(d))
}

// ActorHandled takes how long an actor was at work on a message.
func (a *Actors) ActorHandled(kind protocol.ActorKind, d time.Duration) {
	a.handled.at(uint8(kind)).Observe(seconds(d))
}

// Panicked counts an actor's panic: it is stopped, and built again from its row.
func (a *Actors) Panicked(kind protocol.ActorKind) { a.restarts.at(uint8(kind)).Inc() }

// DeadLetter counts a message to an actor that was gone.
func (a *Actors) DeadLetter(kind protocol.ActorKind) { a.letters.at(uint8(kind)).Inc() }
