package metrics_test

import (
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"

	"maskswitch/actors"
	"maskswitch/actors/journal"
	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
	"maskswitch/actors/recording"
	"maskswitch/http/api"
	"maskswitch/http/telnyx"
	"maskswitch/http/webhook"
	"maskswitch/metrics"
)

// What is watched need not be imported by what watches; here both are.
var (
	_ actors.Observer  = (*metrics.Metrics)(nil)
	_ webhook.Observer = (*metrics.Metrics)(nil)
	_ api.Observer     = (*metrics.API)(nil)
	_ telnyx.Observer  = (*metrics.Commands)(nil)
	_ journal.Observer = (*metrics.Journal)(nil)

	_ recording.Observer = (*metrics.Recordings)(nil)
)

var update = flag.Bool("update", false, "write the golden files")

func options() metrics.Options {
	o := metrics.Options{
		RetryReasons: telnyx.RetryReasons(), RefusalReasons: webhook.RefusalReasons(),
		RequestLimit: api.DefaultMaxInFlight, JournalLimit: 8192, CallLimit: 1000,
	}
	for _, route := range api.Routes() {
		o.Routes = append(o.Routes, metrics.Route(route))
	}
	return o
}

// newWatched makes everything that can be exported.
func newWatched(tb testing.TB) (*metrics.Metrics, *prometheus.Registry) {
	tb.Helper()
	reg := prometheus.NewPedanticRegistry()
	m := metrics.New(reg, options())
	s := metrics.Sources{
		JournalSize: func() int64 { return 4096 }, JournalPending: func() int { return 7 },
		Disk:    func() (uint64, uint64) { return 1 << 30, 1 << 40 },
		Outbox:  func() (int, time.Time) { return 0, time.Time{} },
		Waiting: func(protocol.ActorKind) int { return 0 },
		Fullest: func(protocol.ActorKind) int { return 0 },
	}
	s.Ready.Journal = func() error { return nil }
	s.Ready.Carrier = s.Ready.Journal
	s.Ready.Archive = func() error { return errors.New("disk full") }
	s.Ready.Pool = s.Ready.Journal
	m.Watch(s)
	return m, reg
}

func gather(tb testing.TB, reg prometheus.Gatherer) []*dto.MetricFamily {
	tb.Helper()
	families, err := reg.Gather()
	if err != nil {
		tb.Fatal(err)
	}
	return families
}

// values are the samples of our own metrics, by name and labels; of a histogram
// its count.
func values(tb testing.TB, reg prometheus.Gatherer) map[string]float64 {
	tb.Helper()
	out := make(map[string]float64)
	for _, family := range gather(tb, reg) {
		if !strings.HasPrefix(family.GetName(), "maskswitch_") {
			continue
		}
		for _, m := range family.Metric {
			labels := make([]string, len(m.Label))
			for i, l := range m.Label {
				labels[i] = l.GetName() + "=" + l.GetValue()
			}
			v := m.GetCounter().GetValue() + m.GetGauge().GetValue()
			if m.Histogram != nil {
				v = float64(m.Histogram.GetSampleCount())
			}
			out[fmt.Sprintf("%s{%s}", strings.TrimPrefix(family.GetName(), "maskswitch_"), strings.Join(labels, ","))] = v
		}
	}
	return out
}

func TestNothingToLint(t *testing.T) {
	_, reg := newWatched(t)
	problems, err := promlint.NewWithMetricFamilies(gather(t, reg)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// budget is how many series a process may have.
const budget = 3000

func TestSeriesFitTheBudget(t *testing.T) {
	m, reg := newWatched(t)
	before := countSeries(t, reg)
	if before > budget {
		t.Errorf("%d series before anything happened, at most %d are allowed", before, budget)
	}
	t.Logf("%d series", before)
	exercise(m)
	if after := countSeries(t, reg); after > budget {
		t.Errorf("%d series after everything happened, at most %d are allowed", after, budget)
	}
}

// countSeries counts as a server does that scrapes the classic form: a series
// for each bucket, the sum and the count.
func countSeries(tb testing.TB, reg prometheus.Gatherer) int {
	n := 0
	for _, family := range gather(tb, reg) {
		for _, m := range family.Metric {
			switch {
			case m.Histogram != nil:
				n += len(m.Histogram.Bucket) + 3 // +Inf, sum, count
			case m.Summary != nil:
				n += len(m.Summary.Quantile) + 2
			default:
				n++
			}
		}
	}
	return n
}

// The names are what dashboards and alerts hang on: a change here is a CHANGE
// in the changelog.
func TestFamilies(t *testing.T) {
	_, reg := newWatched(t)
	var b strings.Builder
	for _, family := range gather(t, reg) {
		if !strings.HasPrefix(family.GetName(), "maskswitch_") {
			continue
		}
		var labels []string
		for _, l := range family.Metric[0].Label {
			labels = append(labels, l.GetName())
		}
		fmt.Fprintf(&b, "%s{%s} %s %d\n", family.GetName(), strings.Join(labels, ","),
			strings.ToLower(family.GetType().String()), len(family.Metric))
	}
	golden(t, "testdata/families.golden", b.String())
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (-update writes it anew):\n%s", path, got)
	}
}

// Before the first call every combination that can happen is there, and 0.
func TestEverythingReadsZeroAtFirst(t *testing.T) {
	m, reg := newWatched(t)
	first := values(t, reg)
	for name, v := range first {
		constant := strings.HasPrefix(name, "build_info") || strings.Contains(name, "_limit{") ||
			strings.HasPrefix(name, "component_ready") || strings.HasPrefix(name, "journal_size") || strings.HasPrefix(name, "journal_pending") || strings.HasPrefix(name, "data_")
		if v != 0 && !constant {
			t.Errorf("%s is %v before anything happened", name, v)
		}
	}
	var missing []string
	for _, event := range protocol.EventKinds() {
		for _, receipt := range protocol.Receipts() {
			missing = append(missing, fmt.Sprintf("webhooks_total{event=%s,result=%s}", event, receipt))
		}
	}
	for _, command := range protocol.CommandKinds() {
		missing = append(missing, fmt.Sprintf("reaction_duration_seconds{command=%s}", command))
		for _, result := range protocol.CommandResults() {
			missing = append(missing, fmt.Sprintf("commands_total{command=%s,result=%s}", command, result))
		}
		for _, reason := range telnyx.RetryReasons() {
			missing = append(missing, fmt.Sprintf("command_retries_total{command=%s,reason=%s}", command, reason))
		}
	}
	for _, outcome := range protocol.Outcomes() {
		missing = append(missing, fmt.Sprintf("calls_ended_total{outcome=%s}", outcome))
	}
	for _, leg := range []string{"a", "b"} {
		for _, cause := range protocol.HangupCauses() {
			for _, source := range protocol.HangupSources() {
				missing = append(missing, fmt.Sprintf("leg_hangups_total{cause=%s,leg=%s,source=%s}", cause, leg, source))
			}
		}
	}
	for _, route := range api.Routes() {
		for _, code := range []string{"2xx", "4xx", "5xx"} {
			missing = append(missing, fmt.Sprintf("http_requests_total{code=%s,method=%s,route=%s}", code, route.Method, route.Path))
		}
		missing = append(missing, fmt.Sprintf("http_request_duration_seconds{code=2xx,method=%s,route=%s}", route.Method, route.Path))
	}
	for _, kind := range protocol.ActorKinds() {
		for _, name := range []string{"actors", "actor_mailbox_messages", "actor_mailbox_messages_max", "actor_mailbox_wait_seconds",
			"actor_handle_duration_seconds", "actor_restarts_total", "actor_dead_letters_total"} {
			missing = append(missing, fmt.Sprintf("%s{kind=%s}", name, kind))
		}
	}
	for _, name := range missing {
		if _, ok := first[name]; !ok {
			t.Errorf("%s does not exist before it happens", name)
		}
	}

	exercise(m)
	for name := range values(t, reg) {
		if _, ok := first[name]; !ok && !ofCountry.MatchString(name) {
			t.Errorf("%s came into being later", name)
		}
	}
}

// ofCountry are the series of a country's numbers, which come with the numbers.
var ofCountry = regexp.MustCompile(`region=[A-Z]{2}\b`)

// private is everything that must not be found in a metric: digits as of a
// phone number, an id, an address.
var private = regexp.MustCompile(`\+?\d{6,}|[0-9a-f]{8}-[0-9a-f]{4}|v3:|https?://`)

func TestNothingPrivateInLabels(t *testing.T) {
	m, reg := newWatched(t)
	exercise(m)
	for _, family := range gather(t, reg) {
		if !strings.HasPrefix(family.GetName(), "maskswitch_") || family.GetName() == "maskswitch_build_info" {
			continue
		}
		for _, metric := range family.Metric {
			for _, l := range metric.Label {
				if found := private.FindString(l.GetValue()); found != "" {
					t.Errorf("%s has the label %s=%q", family.GetName(), l.GetName(), l.GetValue())
				}
			}
			for _, e := range exemplars(metric) {
				if len(e.Label) != 1 || e.Label[0].GetName() != "call" || !callID.MatchString(e.Label[0].GetValue()) {
					t.Errorf("%s carries an exemplar that is more than a call: %s", family.GetName(), e)
				}
			}
		}
	}
}

// callID is what an exemplar may be.
var callID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func exemplars(m *dto.Metric) (list []*dto.Exemplar) {
	if e := m.GetCounter().GetExemplar(); e != nil {
		list = append(list, e)
	}
	for _, b := range m.GetHistogram().GetBucket() {
		if b.Exemplar != nil {
			list = append(list, b.Exemplar)
		}
	}
	return append(list, m.GetHistogram().GetExemplars()...)
}

// exercise calls every method with each value it may have, with values it may
// not have, and with what must never be seen.
func exercise(m *metrics.Metrics) {
	hostile := []string{"", "+12025550142", "018f4b2e-5d5a-7c33-a1b2-3c4d5e6f7a8b", "v3:leg-id", "https://example.com/?token=1", "\xff\xfe", "a\"b\n"}
	words := append([]string{
		"setup", "talking", "ending", "answer", "dial", "ring", "release", "checkout", "deleted",
		"commit", "probe", "close",
		telnyx.RetryThrottled, webhook.RefusedStale,
	}, hostile...)
	number, _ := phone.Parse("+12025550142")
	for i := range 256 {
		kind, ordinal := protocol.CommandKind(i), uint8(i)
		call := protocol.CallID{byte(i)}
		m.CallEnded(protocol.Call{
			ID: call, Outcome: protocol.Outcome(i), Number: number, Session: "0c0ffee0-session",
			TalkAt: time.Unix(100, 0), EndAt: time.Unix(int64(i), 0),
		}, i%2 == 0)
		m.Reacted(call, kind, time.Duration(i)*time.Millisecond)
		m.LegHungUp(protocol.Leg(ordinal), protocol.HangupCause(i), protocol.HangupSource(i))
		m.LegHungUp(protocol.Leg(i%4), protocol.HangupCause(i), protocol.HangupSource(i%4))
		m.WebhookTaken(call, protocol.EventKind(i), protocol.Receipt(i%6), time.Millisecond, time.Duration(i-9)*time.Second, i%3 == 0)
		m.Commands.CommandDone(kind, protocol.Reply{Result: protocol.CommandResult(i % 9), Detail: hostile[1], Code: "90018"}, time.Second)
		m.Commands.CommandSent(kind, protocol.CommandResult(i), time.Duration(i)*time.Second)
		m.Commands.CommandWaited(kind, time.Duration(i))
		m.Recordings.TryFailed(protocol.RecordingTrouble(i))
		m.Recordings.Archived(call, int64(i)-9, time.Duration(i-9)*time.Hour)
		m.ActorLives(protocol.ActorKind(i), +1)
		m.ActorWaited(protocol.ActorKind(i), time.Duration(i))
		m.ActorHandled(protocol.ActorKind(i), time.Hour)
		m.Panicked(protocol.ActorKind(i))
		m.DeadLetter(protocol.ActorKind(i))
		m.Recordings.Pending(i, time.Unix(int64(i), 0))
	}
	for _, word := range words {
		m.CallActive(word, +1)
		m.LegStage(protocol.LegA, word, true, time.Second)
		m.LegStage(protocol.LegB, word, false, -time.Second)
		m.BookingEnded(word, word)
		m.BookingEnded("US", word)
		m.WebhookRefused(word)
		m.Journal.Failed(word)
		m.Commands.CommandRetried(protocol.CommandTransfer, word)
		for _, status := range []int{-1, 0, 100, 200, 304, 404, 503, 999} {
			m.API.Request("/bookings", "POST", status, time.Millisecond)
			m.API.Request(word, word, status, time.Hour)
			m.API.Request("/bookings", word, status, -time.Hour)
		}
	}
	m.CallOffered()
	m.CallConnected(3*time.Second, -time.Second)
	m.PostDialDelay(-time.Second)
	for _, country := range []string{"US", "GB", "FR", "DE", "IT", "ES", "NL", "BE", "AT", "CH", ""} {
		m.NumbersCounted(country, protocol.PoolFigures{Numbers: [4]int{9, 3, 2, 1}, Idle: 4, Live: 70, Room: 1730})
		m.BookingOpened(country)
		m.BookingRefused(country)
		m.BookingRepeated(country, true)
		m.BookingRepeated(country, false)
	}
	m.API.InFlight(+1)
	m.Commands.InFlight(+1)
	m.Journal.Appended(time.Millisecond)
	m.Journal.Committed(-1, time.Millisecond)
	m.Recovered(time.Second)
	m.Draining()
}

func TestSourcesAreAskedAtEachScrape(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := metrics.New(reg, metrics.Options{})
	var size int64
	down := errors.New("recovering")
	var s metrics.Sources
	s.JournalSize = func() int64 { return size }
	s.Ready.Pool = func() error { return down }
	m.Watch(s)
	for _, want := range []float64{0, 1} {
		got := values(t, reg)
		if got["component_ready{component=pool}"] != want || got["journal_size_bytes{}"] != want*512 {
			t.Errorf("ready %v, size %v", got["component_ready{component=pool}"], got["journal_size_bytes{}"])
		}
		size, down = 512, nil
	}
	for name := range values(t, reg) {
		if strings.Contains(name, "component=archive") || strings.Contains(name, "_limit{") {
			t.Errorf("%s is exported though there is no such thing", name)
		}
	}
}

func TestWebhooksInHandAreCounted(t *testing.T) {
	m, reg := newWatched(t)
	const name = "http_requests_in_flight{server=webhook}"
	handler := m.CountWebhooks(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if got := values(t, reg)[name]; got != 1 {
			t.Errorf("%s is %v inside of a webhook, want 1", name, got)
		}
		panic(http.ErrAbortHandler)
	}))
	func() {
		defer func() { _ = recover() }()
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/webhooks/voice", nil))
	}()
	if got := values(t, reg)[name]; got != 0 {
		t.Errorf("%s is %v afterwards, want 0", name, got)
	}
}
