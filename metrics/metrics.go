// Package metrics watches the switch for Prometheus.
//
// Each type here fits an Observer of the package it watches, without importing
// it: the watched say what happened in words of package protocol, and what that
// counts as is decided here. Two observers have a method of the same name
// (InFlight, of requests and of commands), so *Metrics is the observer of the
// actors and of webhooks, and its fields are those of the other packages.
//
// Every series is made by New, so that what has not happened yet reads 0 and
// not "no data", and is found again by the ordinal of its labels: observing
// neither blocks nor allocates. Labels come from closed lists. A word that is
// not in its list counts as "other", or as what the list itself has for it;
// nothing anybody sends can make a series, and no number, id or text of an
// error can get into one.
//
// Two clocks meet here. Durations between two events of the carrier's are by
// its clock, those inside the switch by the monotonic one; only the delivery
// lag crosses, and may be negative: then the clocks differ, and that is counted.
package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"maskswitch/actors/protocol"
)

// Options are the lists that belong to others, and their limits.
type Options struct {
	Routes         []Route  // of the API; what is not among them counts as "other"
	RetryReasons   []string // why a command is sent again
	RefusalReasons []string // why a webhook is refused
	// Limits, exported beside what they limit. 0: there is none, and no series.
	RequestLimit int // requests of the API at work
	JournalLimit int // changes that may be unfinished
	CallLimit    int // calls in progress
}

// Route is a method on a path of the API.
type Route struct{ Path, Method string }

// Sources are asked at each scrape, and must answer at once. What is nil is not
// part of this process and has no series.
type Sources struct {
	JournalSize    func() int64                     // bytes
	JournalPending func() int                       // unfinished changes
	Disk           func() (free, size uint64)       // bytes, of the file system of the data directory
	Outbox         func() (n int, oldest time.Time) // commands whose outcome is not known; zero: there is none
	Waiting        func(protocol.ActorKind) int     // messages that wait for the actors of a kind
	Fullest        func(protocol.ActorKind) int     // messages in their fullest mailbox since the last scrape
	// Ready says why a component cannot do its work; nil: it can.
	Ready struct{ Journal, Carrier, Archive, Pool func() error }
}

// Metrics is everything that is measured.
type Metrics struct {
	*Calls
	*Pool
	*Webhooks
	*Actors
	*Process
	API        *API
	Commands   *Commands
	Journal    *Journal
	Recordings *Recordings

	factory promauto.Factory
}

// New makes every series. It panics if the registry has one of them already:
// two switches need two registries.
func New(reg prometheus.Registerer, o Options) *Metrics {
	f := promauto.With(reg)
	servers := requestsInFlight(f, o.RequestLimit)
	return &Metrics{
		Calls:      newCalls(f, o.CallLimit),
		Actors:     newActors(f),
		Pool:       newPool(f),
		Webhooks:   newWebhooks(f, o.RefusalReasons, servers.WithLabelValues("webhook")),
		Process:    newProcess(reg, f),
		API:        newAPI(f, o.Routes, servers.WithLabelValues("api")),
		Commands:   newCommands(f, o.RetryReasons),
		Journal:    newJournal(f, o.JournalLimit),
		Recordings: newRecordings(f),
		factory:    f,
	}
}

// Watch adds what is read at each scrape. It is called once, before the first.
func (m *Metrics) Watch(s Sources) {
	watchJournal(m.factory, s)
	watchOutbox(m.factory, s.Outbox)
	watchMailboxes(m.factory, s)
	watchReady(m.factory, "journal", s.Ready.Journal)
	watchReady(m.factory, "carrier", s.Ready.Carrier)
	watchReady(m.factory, "archive", s.Ready.Archive)
	watchReady(m.factory, "pool", s.Ready.Pool)
}

// Upper bounds in seconds. A bound stands where somebody promises or expects
// something, so that the promise can be read from the classic buckets.
var (
	// Inside the switch; after 2 s the carrier gives a webhook up.
	fast = []float64{.00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2}
	// The carrier's API; 0.5 s is its own advice for when to send again.
	rpc = []float64{.01, .025, .05, .1, .15, .2, .3, .5, .75, 1, 1.5, 2, 3, 5, 10}
	// People and networks; 3, 5, 6, 8 and 11 are figures of ITU-T E.721.
	setup = []float64{.25, .5, 1, 1.5, 2, 3, 4, 5, 6, 8, 11, 15, 20, 30, 45, 60}
	// From calls too short to be real to the carrier's limit of four hours.
	talk = []float64{1, 3, 6, 10, 20, 30, 60, 120, 180, 300, 600, 900, 1800, 3600, 7200, 14400}
	// The archive; a link of the carrier's works for 600 s.
	slow = []float64{1, 5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 10800, 86400}
)

// histogram is classic and native at once: whoever scrapes chooses.
func histogram(name, help string, buckets []float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{
		Name: name, Help: help, Buckets: buckets,
		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  160,
		NativeHistogramMinResetDuration: time.Hour,
	}
}

// other is the label of a word that is in no list.
const other = "other"

// word is one of package protocol's enumerations.
type word interface {
	~uint8
	String() string
}

// series are those of one label, by the ordinal of its value.
type series[M any] struct {
	known []M
	rest  M // for an ordinal that the list does not have
}

// resolve makes the series of a closed list, and one for the rest.
func resolve[W word, M any](words []W, rest string, with func(label string) M) series[M] {
	s := series[M]{rest: with(rest)}
	for _, w := range words {
		for len(s.known) <= int(w) {
			s.known = append(s.known, s.rest)
		}
		s.known[w] = with(w.String())
	}
	return s
}

func (s *series[M]) at(ordinal uint8) M {
	if int(ordinal) < len(s.known) {
		return s.known[ordinal]
	}
	return s.rest
}

// named are the series of a list of words that has no enumeration.
type named[M any] struct {
	known map[string]M
	rest  M
}

func resolveNames[M any](names []string, with func(label string) M) named[M] {
	n := named[M]{known: make(map[string]M, len(names)), rest: with(other)}
	for _, name := range names {
		n.known[name] = with(name)
	}
	return n
}

func (n *named[M]) at(name string) M {
	if m, ok := n.known[name]; ok {
		return m
	}
	return n.rest
}

// counters resolves the last label of a counter whose others are fixed.
func counters[W word](vec *prometheus.CounterVec, words []W, rest string, before ...string) series[prometheus.Counter] {
	return resolve(words, rest, func(label string) prometheus.Counter {
		return vec.WithLabelValues(append(before[:len(before):len(before)], label)...)
	})
}

// watchGauge makes a gauge that is read at each scrape, if there is something to
// read.
func watchGauge(f promauto.Factory, opts prometheus.GaugeOpts, read func() float64) {
	if read != nil {
		f.NewGaugeFunc(opts, read)
	}
}

func number[N int | int64](read func() N) func() float64 {
	if read == nil {
		return nil
	}
	return func() float64 { return float64(read()) }
}

// unix is an instant as a gauge has it; 0 if there is none.
func unix(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1e3
}

// Slower than these, or failed, an observation carries the call that it is about
// as an exemplar: they are the bounds that the service promises.
const (
	slowReaction = 50 * time.Millisecond
	slowAck      = 250 * time.Millisecond
	slowArchive  = 15 * time.Minute
)

// observe takes a duration, and the call if it was longer than promised. An
// exemplar costs more than the observation, so the others have none.
func observe(o prometheus.Observer, d, promised time.Duration, of protocol.CallID) {
	if e, ok := o.(prometheus.ExemplarObserver); ok && d > promised && of != (protocol.CallID{}) {
		e.ObserveWithExemplar(seconds(d), about(of))
		return
	}
	o.Observe(seconds(d))
}

func about(call protocol.CallID) prometheus.Labels { return prometheus.Labels{"call": call.String()} }

// seconds is a duration for a histogram. A negative one comes from events that
// the carrier stamped out of order, and took no time that we know of.
func seconds(d time.Duration) float64 { return max(d, 0).Seconds() }
