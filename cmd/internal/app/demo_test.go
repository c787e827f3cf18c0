package app

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"maskswitch/loadtest/carrier"
	"maskswitch/loadtest/party"
)

// revealed names the telephone numbers that a text shows: the country code or
// the first digits may be missing, and people's signs may stand between digits.
// It looks into base64 as well, where our own tags are.
func revealed(text string, numbers ...string) (found []string) {
	texts := []string{text, betweenDigits.Replace(text)}
	for _, word := range base64Word.FindAllString(text, -1) {
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			if plain, err := encoding.DecodeString(strings.TrimRight(word, "=")); err == nil {
				texts = append(texts, string(plain))
			}
		}
	}
	all := strings.Join(texts, "\n")
	for _, number := range numbers {
		digits := strings.TrimPrefix(number, "+")
		// Ten digits in a row are no accident. Seven may be, inside of the fraction
		// of a second, so they must stand alone.
		if strings.Contains(all, digits[max(len(digits)-10, 0):]) || standsAlone(all, digits[max(len(digits)-7, 0):]) {
			found = append(found, number)
		}
	}
	return found
}

var (
	betweenDigits = strings.NewReplacer("-", "", ".", "", "(", "", ")", "", " ", "", "/", "")
	base64Word    = regexp.MustCompile(`[A-Za-z0-9+/_-]{12,}={0,2}`)
)

func standsAlone(text, digits string) bool {
	isDigit := func(i int) bool { return i >= 0 && i < len(text) && text[i] >= '0' && text[i] <= '9' }
	for from := 0; ; {
		at := strings.Index(text[from:], digits)
		if at < 0 {
			return false
		}
		if at += from; !isDigit(at-1) && !isDigit(at+len(digits)) {
			return true
		}
		from = at + 1
	}
}

func TestRevealed(t *testing.T) {
	t.Parallel()
	const number = "+13125550111"
	for _, c := range []struct {
		text  string
		shows bool
	}{
		{`{"party":"+13125550111"}`, true},
		{"13125550111", true},
		{"tel:3125550111;x", true},
		{"%2B13125550111", true},
		{"(312) 555-0111", true},
		{"312.555.0111", true},
		{"ext 5550111.", true},
		{"555-0111", true},
		{"9913125550111", true},
		{"state " + base64.StdEncoding.EncodeToString([]byte("ms1.+13125550111.a")), true},
		{"state " + base64.RawURLEncoding.EncodeToString([]byte(`{"to":"+13125550111"}`)), true},
		{"", false},
		{"+13***11", false},
		{"took 0.5550111234 s", false},
		{"2026-03-01T10:00:01.555011Z", false},
		{"+13125550112", false},
		{"state " + base64.StdEncoding.EncodeToString([]byte("ms1.+13***11.a")), false},
	} {
		if got := len(revealed(c.text, "+17735550190", number)) > 0; got != c.shows {
			t.Errorf("%q: reveals is %t", c.text, got)
		}
	}
}

// audience is whoever watches a demo: each time it tells something, the
// operators' pages are read.
type audience struct {
	mu      sync.Mutex
	told    strings.Builder
	metrics string
	pages   map[string]string
	errs    []error
}

func (a *audience) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.told.Write(p)
	if a.metrics == "" {
		if m := regexp.MustCompile(`(?m)^metrics (\S+)/metrics$`).FindStringSubmatch(a.told.String()); m != nil {
			a.metrics = m[1]
		}
	}
	if a.metrics == "" {
		return len(p), nil
	}
	for _, path := range []string{"/metrics", "/readyz", "/healthz", "/"} {
		answer, err := http.Get(a.metrics + path)
		if err != nil {
			a.errs = append(a.errs, err)
			continue
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK {
			a.errs = append(a.errs, fmt.Errorf("%s: %s %w", path, answer.Status, err))
		}
		a.pages[path] += string(text)
		if path == "/metrics" {
			a.pages["last"] = string(text)
		}
	}
	return len(p), nil
}

// people are all numbers of the demo, its proxies among them.
func people() (all []string) {
	for _, n := range []int{guest, host, stranger, 900, 901, 902} {
		all = append(all, person(n))
	}
	return all
}

// The demo plays all its scenes, and shows nobody's number to anybody: not on
// the screen, not in the log at its most talkative, not in the metrics.
func TestDemo(t *testing.T) {
	t.Parallel()
	c, err := Load([]string{"-demo", "-calls", "8", "-log-level", "debug"}, none, "", io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	log, seen := &memo{}, &audience{pages: map[string]string{}}
	if err := RunDemo(t.Context(), c, newLog(c, log, false), seen); err != nil {
		t.Errorf("the demo went wrong: %v", err)
	}
	told := seen.told.String()
	for i, s := range scenes {
		head := fmt.Sprintf("\n%d. %s\n", i+1, s.title)
		_, ladder, found := strings.Cut(told, head)
		if !found {
			t.Errorf("call %d is not told:\n%s", i+1, told)
			continue
		}
		ladder, _, _ = strings.Cut(ladder, "\n\n")
		want := []string{"dials", "call.initiated", "call.hangup"}
		switch {
		case s.talks:
			want = append(want, "answer", "transfer", "answers", "record_start", "call.recording.saved", "recording ")
		case s.connects:
			want = append(want, "transfer", "rings, sees +13***0", "did not answer")
		case s.ended:
			want = append(want, "answer", "speak", "hears a voice", "hangup", "over: normal_clearing")
		default:
			want = append(want, "reject", "over: call_rejected")
		}
		for _, word := range want {
			if !strings.Contains(ladder, word) {
				t.Errorf("call %d has no %q:\n%s", i+1, word, ladder)
			}
		}
	}
	if !strings.Contains(told, "\n8 calls; ") || !strings.Contains(told, "was shown 0 times") || strings.Contains(told, "WRONG") {
		t.Errorf("the end of the demo:\n%s", told[max(len(told)-300, 0):])
	}
	for _, err := range seen.errs {
		t.Error(err)
	}

	m := samples(t, seen.pages["last"])
	for outcome, want := range map[string]float64{
		"talked": 2, "stranger": 1, "withheld": 1, "busy": 1, "abandoned": 1, "no_booking": 1, "no_answer": 1, "failed": 0,
	} {
		if got := m[`maskswitch_calls_ended_total{outcome="`+outcome+`"}`]; got != want {
			t.Errorf("%v calls ended as %s, want %v", got, outcome, want)
		}
	}
	if !strings.Contains(log.String(), `"level":"debug"`) {
		t.Error("the log is not as talkative as it can be")
	}
	for place, text := range map[string]string{
		"the screen": told, "the log": log.String(), "/metrics": seen.pages["/metrics"],
		"the other pages": seen.pages["/readyz"] + seen.pages["/healthz"] + seen.pages["/"],
	} {
		for _, n := range revealed(text, people()...) {
			t.Errorf("%s reveals %s", place, n)
		}
	}
	if strings.Contains(log.String(), `"level":"error"`) || strings.Contains(log.String(), "panic") {
		t.Errorf("the log has errors:\n%s", log.String())
	}
}

// A demo that finds something wrong says what.
func TestDemoJudges(t *testing.T) {
	t.Parallel()
	r := newRig(t, carrier.Config{})
	r.numbers = append(r.numbers, people()...)
	for _, c := range []struct {
		staged scene
		wrong  []string
	}{
		{scenes[0], nil},
		{scene{title: "A stranger gets through.", from: stranger, to: host, connects: true, talks: true},
			[]string{"0 phones rang", "talked is false", "0 recordings"}},
		{scene{title: "Nobody is there, and the phone rings.", from: guest, to: host, script: party.Talks(0, 50*time.Millisecond)},
			[]string{"1 phones rang", "talked is true"}},
		{scene{title: "The guest calls himself.", from: guest, to: guest, connects: true, script: party.Script{Callee: party.Busy}},
			[]string{"the wrong phone rang"}},
	} {
		told := &memo{}
		d := &demo{app: r.app, carrier: r.Carrier, out: told}
		if err := d.act(r.ctx, 1, c.staged); err != nil {
			t.Fatal(err)
		}
		if len(d.wrong) != len(c.wrong) {
			t.Errorf("%s: found wrong: %v", c.staged.title, d.wrong)
		}
		for i, w := range c.wrong {
			if !strings.Contains(d.wrong[i], w) || !strings.Contains(told.String(), "WRONG: "+d.wrong[i]) {
				t.Errorf("%s: %q is told as %q", c.staged.title, w, d.wrong[i])
			}
		}
	}
}

// none is an environment in which nothing is set.
func none(string) (string, bool) { return "", false }
