package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// bare is a page without the scripts and styles, which have files of their own.
func bare(page []byte) []byte {
	for _, name := range []string{"uPlot.min.css", "page.css", "early.js", "uPlot.LICENSE", "uPlot.iife.min.js", "page.js"} {
		page = bytes.Replace(page, []byte(asset(name)), []byte("(assets/"+name+")"), 1)
	}
	return page
}

func TestPageGolden(t *testing.T) {
	for _, s := range samples {
		page, err := Page(sample(t, s.name))
		if err != nil {
			t.Fatal(err)
		}
		text := bare(page)
		golden(t, s.name+".golden.html", text)
		for _, name := range []string{"uPlot.min.css", "page.css", "early.js", "uPlot.LICENSE", "uPlot.iife.min.js", "page.js"} {
			if !bytes.Contains(text, []byte("(assets/"+name+")")) {
				t.Errorf("%s: %s is not in the page as it is", s.name, name)
			}
		}
	}
}

// The page asks nobody for anything, so that it works from a disk, and tells
// nobody that it is read.
func TestPageAsksForNothing(t *testing.T) {
	for _, s := range samples {
		page, err := Page(sample(t, s.name))
		if err != nil {
			t.Fatal(err)
		}
		for _, sign := range []string{`\ssrc\s*=`, `<link`, `<img`, `<iframe`, `@import`, `url\(`, `fetch\(`, `XMLHttpRequest`, `import\(`, `@font-face`, `\shref="[^#]`} {
			if found := regexp.MustCompile(sign).Find(page); found != nil {
				t.Errorf("%s: the page has %q", s.name, found)
			}
		}
	}
}

func TestPageHasItsParts(t *testing.T) {
	page, err := Page(sample(t, "wrong"))
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for _, part := range []string{"The tester was the limit.", "<h1>wrong behaviour", "a call never ended: 2 times", `<h2>Thresholds`, `<h2>Offered against achieved`,
		`<h2>Latency by percentile`, `<h2>Over time`, `<h2>What went over the wire, by script`, `<h2>Error budgets`, `<h2>Correctness`,
		"talked for 3.1 s and no recording was asked for", "dials", `<h2>The switch&#39;s own metrics`, `<h2>Errors on the wire`, `<h2>Environment`, "Example 9000", "host_skew"} {
		part = strings.ReplaceAll(part, "&#39;", "'")
		i := bytes.Index(page[at:], []byte(part))
		if i < 0 {
			t.Fatalf("no %q after the part before it", part)
		}
		at += i
	}
	calm, err := Page(sample(t, "passed"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(calm, []byte("The tester was the limit.")) {
		t.Error("the page blames a tester that was not the limit")
	}
}

var embedded = regexp.MustCompile(`(?s)<script type="application/json" id="data">(.*?)</script>`)

// dataOf reads the page's data as its script does.
func dataOf(t *testing.T, page []byte) data {
	t.Helper()
	m := embedded.FindSubmatch(page)
	if m == nil {
		t.Fatal("the page has no data")
	}
	var d data
	if err := json.Unmarshal(m[1], &d); err != nil {
		t.Fatalf("the page's data: %v", err)
	}
	return d
}

func TestDataOfThePage(t *testing.T) {
	r := sample(t, "wrong")
	page, err := Page(r)
	if err != nil {
		t.Fatal(err)
	}
	d := dataOf(t, page)
	if !slices.IsSortedFunc(d.Marks, func(a, b Mark) int { return cmp.Compare(a.At, b.At) }) {
		t.Errorf("marks out of order: %v", d.Marks)
	}
	if len(d.Time) != 90 || len(d.Marks) != 7 || d.Marks[3].Text != r.Marks[3].Text {
		t.Errorf("%d seconds, marks %v", len(d.Time), d.Marks)
	}
	rows := 0
	for i, p := range d.Plots {
		if p.N != i {
			t.Errorf("plot %d says that it is %d", i, p.N)
		}
		rows += len(p.Rows)
	}
	if rows != len(r.Series.Rows) {
		t.Errorf("%d rows of %d", rows, len(r.Series.Rows))
	}
	for i, c := range d.Curves {
		q := r.Latencies[i].Corrected
		if c.Step != r.Latencies[i].Step || len(c.Corrected) != len(d.Levels) || len(c.Uncorrected) != len(d.Levels) {
			t.Fatalf("curve %d: %s with %d and %d points for %d", i, c.Step, len(c.Corrected), len(c.Uncorrected), len(d.Levels))
		}
		for j, level := range d.Levels {
			if (c.Corrected[j] == nil) != (level > float64(q.Count)) {
				t.Errorf("%s at %v with %d samples: %v", c.Step, level, q.Count, c.Corrected[j])
			}
			if level == 100 && q.Count >= 100 && (*c.Corrected[j] > q.P99*1.001 || *c.Corrected[j] < q.P99*.998) {
				t.Errorf("%s: p99 is drawn at %v and was %v", c.Step, *c.Corrected[j], q.P99)
			}
			if level == float64(q.Count) && (*c.Corrected[j] > q.Max*1.001 || *c.Corrected[j] < q.Max*.998) {
				t.Errorf("%s: the maximum is drawn at %v and was %v", c.Step, *c.Corrected[j], q.Max)
			}
		}
	}
}

// An old tester wrote no histogram of uncorrected times: what is known is drawn.
func TestCurveOfQuantilesAlone(t *testing.T) {
	r := sample(t, "passed")
	r.Latencies = r.Latencies[:1]
	r.Latencies[0].UncorrectedHDR = ""
	levels, list := curves(r.Latencies)
	points := map[float64]float64{}
	for i, v := range list[0].Uncorrected {
		if v != nil {
			points[levels[i]] = *v
		}
	}
	q := r.Latencies[0].Uncorrected
	if len(points) != 5 || points[10] != q.P90 || points[100] != q.P99 || points[1000] != q.P999 || points[float64(q.Count)] != q.Max {
		t.Errorf("%v for %+v", points, q)
	}
}

// attack is markup for every place that a text may stand in, and a word that
// has nowhere to break.
var attack = `</script></title></style></pre>--><script>boom()</script><img src=x onerror=boom()>"'{{.}}` + "\u2028`${boom()}" + strings.Repeat("w", 300)

// poison puts the attack into every text of a value but those that say what a
// page is made of.
func poison(v reflect.Value, path string) int {
	switch v.Kind() {
	case reflect.String:
		if strings.HasSuffix(path, "HDR") || path == ".Schema" || path == ".Verdict.Word" {
			return 0
		}
		v.SetString(v.String() + attack)
		return 1
	case reflect.Struct:
		n := 0
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Type.PkgPath() != "time" {
				n += poison(v.Field(i), path+"."+f.Name)
			}
		}
		return n
	case reflect.Slice:
		n := 0
		for i := range v.Len() {
			n += poison(v.Index(i), path)
		}
		return n
	case reflect.Map:
		n := v.Len()
		for _, key := range v.MapKeys() {
			value := v.MapIndex(key)
			v.SetMapIndex(key, reflect.Value{})
			v.SetMapIndex(reflect.ValueOf(key.String()+attack), value)
		}
		return n
	}
	return 0
}

func poisoned(t *testing.T) *Result {
	t.Helper()
	r := sample(t, "wrong")
	if n := poison(reflect.ValueOf(r).Elem(), ""); n < 150 {
		t.Fatalf("only %d texts were changed", n)
	}
	return r
}

// Texts from the wire stay text: no tag, no attribute, no end of the script in
// which the data stand.
func TestNothingFromTheWireBecomesMarkup(t *testing.T) {
	clean, err := Page(sample(t, "interrupted"))
	if err != nil {
		t.Fatal(err)
	}
	page, err := Page(poisoned(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range []string{"<script", "</script", "<title", "</title", "<style", "</style", "<img", "</body", "onerror=boom()>\"'"} {
		if a, b := bytes.Count(clean, []byte(tag)), bytes.Count(page, []byte(tag)); a != b {
			t.Errorf("%s is in the page %d times, and in one without such texts %d times", tag, b, a)
		}
	}
	if n := bytes.Count(page, []byte("&lt;script&gt;boom()")); n < 100 {
		t.Errorf("the texts are in the page %d times only", n)
	}
	d := dataOf(t, page)
	if !strings.HasSuffix(d.Plots[0].Rows[0].Name, attack) || !strings.HasSuffix(d.Marks[0].Text, attack) || !strings.HasSuffix(d.Curves[0].Step, attack) {
		t.Error("the data do not have the texts as they were")
	}
}

func TestNobodysNumberIsShown(t *testing.T) {
	r := sample(t, "wrong")
	const num = "+13125550111"
	if n := poisonWith(reflect.ValueOf(r).Elem(), num); n == 0 {
		t.Fatal("no text was changed")
	}
	page, err := Page(r)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := Compare(sample(t, "passed"), r)
	for name, shown := range map[string]string{"page": string(page), "summary": Summary(r), "comparison": text} {
		if i := strings.Index(shown, "3125550111"); i >= 0 {
			t.Errorf("the %s shows a number: …%s…", name, shown[max(0, i-60):i+10])
		}
	}
}

// poisonWith puts a number where texts of the wire and of the machine stand.
func poisonWith(v reflect.Value, num string) (n int) {
	for _, name := range []string{"Verdict", "Errors", "Findings", "Marks", "Tester", "Notes"} {
		n += number(v.FieldByName(name), num)
	}
	for _, name := range []string{"PlanText", "Switch", "Command"} {
		n += number(v.FieldByName("Run").FieldByName(name), num)
	}
	return n
}

func number(v reflect.Value, num string) (n int) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("%s %s.", v.String(), num))
		return 1
	case reflect.Struct:
		for i := range v.NumField() {
			if name := v.Type().Field(i).Name; name != "Word" && name != "Kind" {
				n += number(v.Field(i), num)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			n += number(v.Index(i), num)
		}
	}
	return n
}
