package loadtest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// gauge is a line that the report draws from the switch's own metrics.
type gauge struct {
	family     string
	plot, name string
	unit       string
	kind       gaugeKind
}

type gaugeKind uint8

const (
	level    gaugeKind = iota // as it is, summed over labels
	rate                      // of a counter, summed over labels
	quantile                  // 99th percentile of what a histogram got since the last look
)

// gauges are the families worth drawing; a switch that does not have them is
// drawn without.
var gauges = []gauge{
	{"process_cpu_seconds_total", "cores used", "switch", "cores", rate},
	{"process_resident_memory_bytes", "memory of the switch", "resident", "bytes", level},
	{"go_goroutines", "goroutines of the switch", "goroutines", "", level},
	{"maskswitch_calls_active", "calls at once", "as the switch counts", "", level},
	{"maskswitch_webhooks_total", "webhooks", "taken by the switch", "/s", rate},
	{"maskswitch_webhook_ack_duration_seconds", "acknowledgement", "p99 by the switch's own buckets", "s", quantile},
	{"maskswitch_reaction_duration_seconds", "reaction", "p99 by the switch's own buckets", "s", quantile},
	{"maskswitch_journal_append_duration_seconds", "journal of the switch", "append p99", "s", quantile},
	{"maskswitch_actor_mailbox_wait_seconds", "mailboxes of the switch", "wait p99", "s", quantile},
	{"maskswitch_commands_in_flight", "commands of the switch", "in flight", "", level},
	{"maskswitch_outbox_commands", "commands of the switch", "outcome not known", "", level},
	{"maskswitch_command_retries_total", "commands of the switch", "retries", "/s", rate},
	{"maskswitch_bookings_open", "bookings", "open, as the switch counts", "", level},
	{"maskswitch_journal_size_bytes", "journal size of the switch", "bytes on disk", "bytes", level},
}

// scraper reads the metrics of the switch once a second.
type scraper struct {
	url    string
	client *http.Client
	before map[string]*dto.MetricFamily
	at     time.Time
}

func newScraper(url string) *scraper {
	return &scraper{url: url, client: &http.Client{Timeout: 2 * time.Second}}
}

// look gives a value for each of gauges; NaN where there is none. A counter
// that went back is a switch that was restarted: no value.
func (s *scraper) look(ctx context.Context) ([]float64, error) {
	values := make([]float64, len(gauges))
	for i := range values {
		values[i] = math.NaN()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return values, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		s.before = nil
		return values, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return values, fmt.Errorf("%s answers %s", s.url, resp.Status)
	}
	text, err := wanted(resp.Body)
	if err != nil {
		return values, fmt.Errorf("%s: %w", s.url, err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	now, err := parser.TextToMetricFamilies(text)
	if err != nil {
		return values, fmt.Errorf("%s: %w", s.url, err)
	}
	at := time.Now()
	passed := at.Sub(s.at).Seconds()
	for i, g := range gauges {
		f, old := now[g.family], s.before[g.family]
		switch {
		case f == nil:
		case g.kind == level:
			values[i] = total(f)
		case old == nil || passed <= 0:
		case g.kind == rate:
			if d := total(f) - total(old); d >= 0 {
				values[i] = d / passed
			}
		default:
			values[i] = growthQuantile(old, f, .99)
		}
	}
	s.before, s.at = now, at
	return values, nil
}

// wanted leaves the lines of gauges: a switch tells more than a thousand series,
// and to read them all each second costs as much as a dozen calls.
func wanted(body io.Reader) (*bytes.Buffer, error) {
	var text bytes.Buffer
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Bytes()
		name, ok := bytes.CutPrefix(line, []byte("# TYPE "))
		if !ok && bytes.HasPrefix(line, []byte("#")) {
			continue
		}
		for i := range gauges {
			if bytes.HasPrefix(name, []byte(gauges[i].family)) {
				text.Write(line)
				text.WriteByte('\n')
				break
			}
		}
	}
	return &text, lines.Err()
}

func total(f *dto.MetricFamily) (sum float64) {
	for _, m := range f.Metric {
		switch {
		case m.Counter != nil:
			sum += m.Counter.GetValue()
		case m.Gauge != nil:
			sum += m.Gauge.GetValue()
		case m.Untyped != nil:
			sum += m.Untyped.GetValue()
		}
	}
	return sum
}

// growthQuantile is the quantile of what came between two looks at a classic
// histogram, all labels together, linear inside a bucket.
func growthQuantile(old, now *dto.MetricFamily, q float64) float64 {
	counts := map[float64]float64{}
	for sign, f := range map[float64]*dto.MetricFamily{-1: old, 1: now} {
		for _, m := range f.Metric {
			infinite := float64(m.GetHistogram().GetSampleCount())
			for _, b := range m.GetHistogram().GetBucket() {
				if math.IsInf(b.GetUpperBound(), 1) {
					continue
				}
				counts[b.GetUpperBound()] += sign * float64(b.GetCumulativeCount())
			}
			counts[math.Inf(1)] += sign * infinite
		}
	}
	bounds := make([]float64, 0, len(counts))
	for b := range counts {
		bounds = append(bounds, b)
	}
	slices.Sort(bounds)
	all := counts[math.Inf(1)]
	if all <= 0 {
		return math.NaN()
	}
	want, below, under := q*all, 0.0, 0.0
	for _, b := range bounds {
		if n := counts[b]; n >= want {
			if math.IsInf(b, 1) {
				return below // beyond the last bound: at least that
			}
			return below + (b-below)*(want-under)/max(n-under, 1)
		}
		below, under = b, counts[b]
	}
	return math.NaN()
}
