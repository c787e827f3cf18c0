package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"maskswitch/actors/protocol"
	"maskswitch/metrics/family"
)

// Webhooks watches the carrier's events come in: it is a webhook.Observer.
type Webhooks struct {
	taken        series[series[prometheus.Counter]] // by event, result
	redelivered  series[prometheus.Counter]         // by event
	refused      named[prometheus.Counter]
	acks         series[prometheus.Observer] // by result
	lag          prometheus.Histogram
	negativeLags prometheus.Counter
	lastAccepted prometheus.Gauge
	inFlight     prometheus.Gauge
}

func newWebhooks(f promauto.Factory, reasons []string, inFlight prometheus.Gauge) *Webhooks {
	taken := f.NewCounterVec(prometheus.CounterOpts{
		Name: family.Webhooks, Help: "Events of the carrier's that were delivered here, by what became of them.",
	}, []string{"event", "result"})
	redelivered := f.NewCounterVec(prometheus.CounterOpts{
		Name: family.WebhookRedeliveries, Help: "Events that the carrier delivered again.",
	}, []string{"event"})
	refused := f.NewCounterVec(prometheus.CounterOpts{
		Name: family.WebhooksRefused, Help: "Webhooks that were no event of the carrier's, by reason.",
	}, []string{"reason"})
	acks := f.NewHistogramVec(histogram(family.WebhookAckDuration,
		"From a webhook's first byte to our answer, which waits for the disk.", fast), []string{"result"})
	events := protocol.EventKinds()
	return &Webhooks{
		taken: resolve(events, protocol.EventOther.String(), func(event string) series[prometheus.Counter] {
			return counters(taken, protocol.Receipts(), other, event)
		}),
		redelivered: counters(redelivered, events, protocol.EventOther.String()),
		refused: resolveNames(reasons, func(reason string) prometheus.Counter {
			return refused.WithLabelValues(reason)
		}),
		acks: resolve(protocol.Receipts(), other, func(result string) prometheus.Observer {
			return acks.WithLabelValues(result)
		}),
		lag: f.NewHistogram(histogram(family.WebhookDeliveryLag,
			"From an event, by the carrier's clock, to reading it, by ours.", rpc)),
		negativeLags: f.NewCounter(prometheus.CounterOpts{
			Name: family.WebhookNegativeLags, Help: "Events that were read before they happened: the clocks differ.",
		}),
		lastAccepted: f.NewGauge(prometheus.GaugeOpts{
			Name: family.WebhookLastAcceptedTimestamp, Help: "When an event was last accepted; 0: not since the start.",
		}),
		inFlight: inFlight,
	}
}

// WebhookTaken takes an event that was delivered, or would have been. of is the
// call that it says it is about, if it does.
func (w *Webhooks) WebhookTaken(of protocol.CallID, kind protocol.EventKind, receipt protocol.Receipt, ack, lag time.Duration, redelivered bool) {
	results := w.taken.at(uint8(kind))
	results.at(uint8(receipt)).Inc()
	observe(w.acks.at(uint8(receipt)), ack, slowAck, of)
	w.lag.Observe(seconds(lag))
	if lag < 0 {
		w.negativeLags.Inc()
	}
	if redelivered {
		w.redelivered.at(uint8(kind)).Inc()
	}
	if receipt == protocol.ReceiptAccepted {
		w.lastAccepted.SetToCurrentTime()
	}
}

// WebhookRefused counts what was no event of the carrier's.
func (w *Webhooks) WebhookRefused(reason string) { w.refused.at(reason).Inc() }

// CountWebhooks counts those that a handler is at work on. The receiver itself
// tells of a webhook only when it is done.
func (w *Webhooks) CountWebhooks(next http.Handler) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		w.inFlight.Inc()
		defer w.inFlight.Dec()
		next.ServeHTTP(out, r)
	})
}
