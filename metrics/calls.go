package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"maskswitch/actors/protocol"
	"maskswitch/metrics/family"
)

// Calls watches calls and their legs: it is a call.Observer.
type Calls struct {
	offered   prometheus.Counter
	active    named[prometheus.Gauge]
	ended     series[prometheus.Counter]
	stuck     prometheus.Counter
	setup     prometheus.Histogram
	switching prometheus.Histogram
	dialDelay prometheus.Histogram
	talk      prometheus.Histogram
	reaction  series[prometheus.Observer]
	legs      legs
}

func newCalls(f promauto.Factory, limit int) *Calls {
	if limit > 0 {
		f.NewGauge(prometheus.GaugeOpts{
			Name: family.CallsActiveLimit, Help: "How many calls may be in progress before another one is refused.",
		}).Set(float64(limit))
	}

	active := f.NewGaugeVec(prometheus.GaugeOpts{
		Name: family.CallsActive, Help: "Calls in progress, by state.",
	}, []string{"state"})
	ended := f.NewCounterVec(prometheus.CounterOpts{
		Name: family.CallsEnded, Help: "Calls that ended, by outcome.",
	}, []string{"outcome"})
	reaction := f.NewHistogramVec(histogram(family.ReactionDuration,
		"From reading a webhook to sending the command it caused: our own latency.", fast), []string{"command"})
	return &Calls{
		offered: f.NewCounter(prometheus.CounterOpts{
			Name: family.CallsOffered, Help: "Calls that rang here, refused ones included.",
		}),
		active: resolveNames([]string{"setup", "talking", "ending"}, func(state string) prometheus.Gauge {
			return active.WithLabelValues(state)
		}),
		// A call that ended without an outcome is a fault of ours.
		ended: counters(ended, protocol.Outcomes(), protocol.OutcomeFailed.String()),
		stuck: f.NewCounter(prometheus.CounterOpts{
			Name: family.CallsStuck, Help: "Calls that were ended because no event came when one was due.",
		}),
		setup: f.NewHistogram(histogram(family.CallSetupDuration,
			"From the caller's ring to the other party's answer.", setup)),
		switching: f.NewHistogram(histogram(family.CallSetupSwitching,
			"Our own share of the time that a call took to be set up.", fast)),
		dialDelay: f.NewHistogram(histogram(family.PostDialDelay,
			"From the caller's ring to the setting up of the other party's leg.", setup)),
		talk: f.NewHistogram(histogram(family.CallTalkDuration,
			"How long two parties were connected.", talk)),
		reaction: resolve(protocol.CommandKinds(), other, func(command string) prometheus.Observer {
			return reaction.WithLabelValues(command)
		}),
		legs: newLegs(f),
	}
}

// CallOffered counts a call that rang here.
func (c *Calls) CallOffered() { c.offered.Inc() }

// CallActive moves the number of calls in a state: setup, talking or ending.
func (c *Calls) CallActive(state string, delta int) { c.active.at(state).Add(float64(delta)) }

// CallEnded counts a call's end, and how long it was talked.
func (c *Calls) CallEnded(row protocol.Call, stuck bool) {
	ended := c.ended.at(uint8(row.Outcome))
	switch row.Outcome {
	case protocol.OutcomeNone, protocol.OutcomeCarrier, protocol.OutcomeStuck, protocol.OutcomeFailed:
		ended.(prometheus.ExemplarAdder).AddWithExemplar(1, about(row.ID))
	default:
		ended.Inc()
	}
	if stuck {
		c.stuck.Inc()
	}
	if !row.TalkAt.IsZero() {
		c.talk.Observe(seconds(row.Talk()))
	}
}

// CallConnected takes the time from A's ring to B's answer, and our share of it.
func (c *Calls) CallConnected(setup, switching time.Duration) {
	c.setup.Observe(seconds(setup))
	c.switching.Observe(seconds(switching))
}

// PostDialDelay takes the time from A's ring to B's.
func (c *Calls) PostDialDelay(d time.Duration) { c.dialDelay.Observe(seconds(d)) }

// Reacted takes the time from reading a webhook to the command it caused.
func (c *Calls) Reacted(of protocol.CallID, kind protocol.CommandKind, d time.Duration) {
	observe(c.reaction.at(uint8(kind)), d, slowReaction, of)
}

// LegHungUp counts the end of a leg.
func (c *Calls) LegHungUp(leg protocol.Leg, cause protocol.HangupCause, source protocol.HangupSource) {
	sources := c.legs.hangups.at(uint8(leg))
	counts := sources.at(uint8(cause))
	counts.at(uint8(source)).Inc()
}

// LegStage takes how long a leg took for a stage: answer or release for leg A,
// dial, ring or release for leg B.
func (c *Calls) LegStage(leg protocol.Leg, stage string, ok bool, d time.Duration) {
	c.legs.stage(leg, stage, ok).Observe(seconds(d))
}

// legs are the two sides of calls.
type legs struct {
	hangups series[series[series[prometheus.Counter]]] // by leg, cause, source
	stages  map[legStage]results
	rest    results
}

type legStage struct {
	leg   protocol.Leg
	stage string
}

type results struct{ ok, failed prometheus.Observer }

// The stages a leg goes through.
var legStages = []legStage{
	{protocol.LegA, "answer"}, {protocol.LegA, "release"},
	{protocol.LegB, "dial"}, {protocol.LegB, "ring"}, {protocol.LegB, "release"},
}

func newLegs(f promauto.Factory) legs {
	hangups := f.NewCounterVec(prometheus.CounterOpts{
		Name: family.LegHangups, Help: "Legs that ended, by the carrier's cause and who hung up.",
	}, []string{"leg", "cause", "source"})
	stages := f.NewHistogramVec(histogram(family.LegStageDuration,
		"How long a leg took for a stage, by the carrier's clock.", setup), []string{"leg", "stage", "result"})
	both := func(leg, stage string) results {
		return results{stages.WithLabelValues(leg, stage, "ok"), stages.WithLabelValues(leg, stage, "failed")}
	}
	l := legs{
		hangups: resolve([]protocol.Leg{protocol.LegA, protocol.LegB}, other, func(leg string) series[series[prometheus.Counter]] {
			return resolve(protocol.HangupCauses(), protocol.CauseUnspecified.String(), func(cause string) series[prometheus.Counter] {
				return counters(hangups, protocol.HangupSources(), protocol.SourceUnknown.String(), leg, cause)
			})
		}),
		stages: make(map[legStage]results, len(legStages)),
		rest:   both(other, other),
	}
	for _, s := range legStages {
		l.stages[s] = both(s.leg.String(), s.stage)
	}
	return l
}

func (l *legs) stage(leg protocol.Leg, stage string, ok bool) prometheus.Observer {
	r, known := l.stages[legStage{leg, stage}]
	if !known {
		r = l.rest
	}
	if ok {
		return r.ok
	}
	return r.failed
}
