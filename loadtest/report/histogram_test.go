package report

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// fromAnother is what hdr-histogram-js 3.0.1 writes for 1 to 600,000,000 with 3
// digits after 1, 2, … 2000, 40 times 25,000, 5 times 250,000, twice 5,000,000
// and once 599,000,000.
const fromAnother = "HISTFAAAAD54nJNpmSzMwMB+l4GBgZGBgYGZAQJAbAblw24McD7TKBgFo2AUjIJRMAqGPJhoGdBtxnXYheVhHhMAvEsXPg=="

func TestHistogramOfAnotherImplementation(t *testing.T) {
	h, err := Decode(fromAnother)
	if err != nil {
		t.Fatal(err)
	}
	if h.Count() != 2048 {
		t.Errorf("%d values", h.Count())
	}
	for q, us := range map[float64]float64{.5: 1024, .9: 1844, .99: 25007, .999: 5001215, 1: 599261183} {
		if got := h.At(q) * 1e6; math.Abs(got-us) > .5 {
			t.Errorf("quantile %v is %v us, want %v", q, got, us)
		}
	}
}

// encoded writes the V2 form as its description has it: a header of 40 bytes,
// then counts as zigzag LEB128, a run of zeros as its negative length.
func encoded(digits int32, low, high int64, counts ...int64) string {
	var payload []byte
	for _, n := range counts {
		payload = binary.AppendUvarint(payload, uint64(n<<1)^uint64(n>>63))
	}
	var body bytes.Buffer
	for _, v := range []any{int32(0x1c849313), int32(len(payload)), int32(0), digits, low, high, float64(1)} {
		_ = binary.Write(&body, binary.BigEndian, v)
	}
	body.Write(payload)
	var packed bytes.Buffer
	z, _ := zlib.NewWriterLevel(&packed, zlib.NoCompression)
	_, _ = z.Write(body.Bytes())
	_ = z.Close()
	out := binary.BigEndian.AppendUint32(nil, 0x1c849314)
	out = binary.BigEndian.AppendUint32(out, uint32(packed.Len()))
	return base64.StdEncoding.EncodeToString(append(out, packed.Bytes()...))
}

func TestDecodeReadsTheForm(t *testing.T) {
	// 7 us twice, 9 us once; then 2048 us, which shares its bucket with 2049.
	h, err := Decode(encoded(3, 1, 600_000_000, -7, 2, 0, 1, -2038, 5))
	if err != nil {
		t.Fatal(err)
	}
	if got := h.Quantiles(); got.Count != 8 || got.P50 != 2049e-6 || h.At(.25) != 7e-6 || h.At(.375) != 9e-6 {
		t.Errorf("%+v, first quarter %v", got, h.At(.25))
	}
	for story, text := range map[string]string{
		"other digits": encoded(2, 1, 600_000_000, 1), "another unit": encoded(3, 1000, 600_000_000, 1), "another range": encoded(3, 1, 60_000_000, 1),
		"nothing": "", "no base64": "%", "base64 of nothing": "AAAA", "a string": "HISTFAAA", "too many counts": encoded(3, 1, 600_000_000, -9_000_000_000, 1),
	} {
		if h, err := Decode(text); err == nil {
			t.Errorf("%s: read as %d values", story, h.Count())
		}
	}
}

// The library's own decoder must read what Encode writes, value for value.
func TestEncodeIsTheLibrarysForm(t *testing.T) {
	h, rng := NewHistogram(), rand.New(rand.NewPCG(1, 2))
	want := hdr.New(1, longest.Microseconds(), digits)
	for range 20_000 {
		us := int64(math.Exp(rng.Float64() * 20))
		h.Record(time.Duration(us) * time.Microsecond)
		_ = want.RecordValue(us)
	}
	got, err := hdr.Decode([]byte(h.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if !got.Equals(want) {
		t.Error("the library reads another histogram")
	}
	again, err := Decode(h.Encode())
	if err != nil {
		t.Fatal(err)
	}
	a, b := h.Quantiles(), again.Quantiles()
	if a.Count != b.Count || math.Abs(a.Mean/b.Mean-1) > .001 || math.Abs(a.P999/b.P999-1) > .001 || math.Abs(a.Max/b.Max-1) > .001 {
		t.Errorf("%+v became %+v", a, b)
	}
	if h.Encode() != again.Encode() {
		t.Error("encoded again it is another string")
	}
}

// Quantiles are held against the sorted values, for numbers of samples at which
// a rank that is rounded to the nearest gives another value.
func TestQuantilesOfSortedValues(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 2, 3, 10, 99, 100, 101, 160, 999, 1000, 1001, 1600, 4321} {
		h, all, sum := NewHistogram(), []time.Duration{}, 0.0
		for range n {
			d := time.Duration(math.Exp(8+rng.Float64()*14)) * time.Nanosecond
			h.Record(d)
			all = append(all, d)
			sum += d.Seconds()
		}
		slices.Sort(all)
		q := h.Quantiles()
		for _, c := range []struct{ q, got float64 }{{.5, q.P50}, {.9, q.P90}, {.99, q.P99}, {.999, q.P999}, {1, h.At(1)}, {0, h.At(0)}} {
			want := all[max(int(math.Ceil(c.q*float64(n))), 1)-1].Seconds()
			if math.Abs(c.got-want) > .001*want+.6e-6 {
				t.Errorf("n %d: quantile %v is %v, want %v", n, c.q, c.got, want)
			}
		}
		if q.Max != all[n-1].Seconds() || math.Abs(q.Mean-sum/float64(n)) > 1e-12*q.Mean+1e-15 || q.Count != int64(n) {
			t.Errorf("n %d: count %d, mean %v, maximum %v; want mean %v, maximum %v", n, q.Count, q.Mean, q.Max, sum/float64(n), all[n-1])
		}
	}
}

func TestHistogramEdges(t *testing.T) {
	h := NewHistogram()
	if h.Quantiles() != (Quantiles{}) || h.At(.5) != 0 || h.Within(time.Hour) != 0 {
		t.Errorf("of nothing: %+v", h.Quantiles())
	}
	h.Record(-time.Second)
	h.Record(0)
	h.Record(time.Hour)
	h.Record(700 * time.Nanosecond)
	if h.Count() != 4 || h.At(1) != 600 || h.At(.5) != 0 || h.At(.75) != 1e-6 {
		t.Errorf("count %d, at most %v s, median %v, third quarter %v", h.Count(), h.At(1), h.At(.5), h.At(.75))
	}
	if h.Within(time.Microsecond) != 3 || h.Within(9*time.Minute) != 3 || h.Within(10*time.Minute) != 4 {
		t.Errorf("within: %d %d %d", h.Within(time.Microsecond), h.Within(9*time.Minute), h.Within(10*time.Minute))
	}
	brief, other := NewBrief(), NewBrief()
	brief.Record(5 * time.Millisecond)
	other.Record(300 * time.Millisecond)
	brief.Merge(other)
	if q := brief.Quantiles(); q.Count != 2 || math.Abs(q.P50/.005-1) > .01 || q.Max != .3 || q.Mean != .1525 {
		t.Errorf("merged: %+v", q)
	}
	if _, err := Decode(brief.Encode()); err == nil || !strings.Contains(err.Error(), "2 digits") {
		t.Errorf("a brief histogram as a total: %v", err)
	}
}
