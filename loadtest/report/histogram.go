package report

import (
	"fmt"
	"math"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// What a histogram can tell apart. A longer time counts as longest, so that a
// request that hung is never left out.
const (
	longest     = 10 * time.Minute
	digits      = 3 // of totals
	briefDigits = 2 // of the figures of one second
)

// Histogram counts durations from a microsecond to ten minutes. Its quantiles
// are right to three digits, those of NewBrief to two; count, mean and maximum
// are exact. It is for one goroutine at a time.
type Histogram struct {
	counts *hdr.Histogram // in microseconds
	sum    float64        // seconds
	most   time.Duration
}

// NewHistogram makes an empty one of about 170 kB.
func NewHistogram() *Histogram {
	return &Histogram{counts: hdr.New(1, longest.Microseconds(), digits)}
}

// NewBrief makes one of about 25 kB and two digits.
func NewBrief() *Histogram {
	return &Histogram{counts: hdr.New(1, longest.Microseconds(), briefDigits)}
}

// Record counts one duration. A negative one counts as 0.
func (h *Histogram) Record(d time.Duration) {
	d = min(max(d, 0), longest)
	_ = h.counts.RecordValue(int64((d + time.Microsecond/2) / time.Microsecond)) // only a value out of range is refused
	h.sum += d.Seconds()
	h.most = max(h.most, d)
}

// Merge adds what from has counted; it must be of the same kind.
func (h *Histogram) Merge(from *Histogram) {
	h.counts.Merge(from.counts)
	h.sum += from.sum
	h.most = max(h.most, from.most)
}

// Count is how many durations were recorded.
func (h *Histogram) Count() int64 { return h.counts.TotalCount() }

// At is the quantile q in seconds: the least time that a share q of all did not
// exceed. Of an empty histogram it is 0.
func (h *Histogram) At(q float64) float64 {
	return h.ofRank(int64(math.Ceil(q * float64(h.Count()))))
}

// ofRank is the time of the rank-th shortest, from 1. The library rounds a rank
// to the nearest, so that its p99 of 160 times is what 2 of them exceeded; a
// whole rank is met exactly.
func (h *Histogram) ofRank(rank int64) float64 {
	n := h.Count()
	if n == 0 {
		return 0
	}
	rank = min(max(rank, 1), n)
	us := h.counts.ValueAtPercentile(float64(rank) / float64(n) * 100)
	return min(float64(us)/1e6, h.most.Seconds()) // a bucket may end above all that is in it
}

// Quantiles are the usual ones, in seconds; all 0 if nothing was recorded.
func (h *Histogram) Quantiles() Quantiles {
	n := h.Count()
	if n == 0 {
		return Quantiles{}
	}
	return Quantiles{Count: n, Mean: h.sum / float64(n), P50: h.At(.5), P90: h.At(.9), P99: h.At(.99), P999: h.At(.999),
		Max: h.most.Seconds()}
}

// Within is how many took limit or less, as far as the digits can tell.
func (h *Histogram) Within(limit time.Duration) int64 {
	return h.upTo(limit.Microseconds())
}

func (h *Histogram) upTo(us int64) (n int64) {
	for _, bar := range h.counts.Distribution() {
		if bar.From > us {
			break
		}
		n += bar.Count
	}
	return n
}

// Encode writes the histogram in HdrHistogram's V2 form, compressed, in base64:
// a line of its log format, for any tool that reads those. Values are
// microseconds.
func (h *Histogram) Encode() string {
	text, err := h.counts.Encode(hdr.V2CompressedEncodingCookieBase)
	if err != nil {
		panic("report: encode a histogram: " + err.Error()) // it writes to memory only
	}
	return string(text)
}

// Decode reads what Encode wrote. Mean and maximum come from the buckets, so
// they are right to three digits and no longer exact.
func Decode(text string) (*Histogram, error) {
	counts, err := hdr.Decode([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("no HdrHistogram in V2 form: %w", err)
	}
	if d := counts.SignificantFigures(); d != digits || counts.LowestTrackableValue() != 1 || counts.HighestTrackableValue() != longest.Microseconds() {
		return nil, fmt.Errorf("a histogram of %d digits from %d to %d; it must have %d digits, from 1 us to %d us",
			d, counts.LowestTrackableValue(), counts.HighestTrackableValue(), digits, longest.Microseconds())
	}
	h := &Histogram{counts: counts}
	if n := counts.TotalCount(); n > 0 {
		h.sum = counts.Mean() / 1e6 * float64(n)
		h.most = time.Duration(counts.Max()) * time.Microsecond
		if math.IsNaN(h.sum) || math.IsInf(h.sum, 0) {
			return nil, fmt.Errorf("a histogram of %d values has no mean", n)
		}
	}
	return h, nil
}
