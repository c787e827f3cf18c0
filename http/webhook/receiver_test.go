package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"maskswitch/actors/protocol"
)

// door is a Switch that does as it is told and remembers what came.
type door struct {
	answer func(context.Context, protocol.LegEvent) (protocol.Receipt, error)
	mu     sync.Mutex
	events []protocol.LegEvent
}

func (d *door) Deliver(ctx context.Context, event protocol.LegEvent, _ time.Time) (protocol.Receipt, error) {
	d.mu.Lock()
	d.events = append(d.events, event)
	d.mu.Unlock()
	if d.answer == nil {
		return protocol.ReceiptAccepted, nil
	}
	return d.answer(ctx, event)
}

// tally is an Observer that writes all down.
type tally struct {
	mu    sync.Mutex
	lines []string
	ack   time.Duration
	lag   time.Duration
}

func (o *tally) WebhookTaken(_ protocol.CallID, kind protocol.EventKind, receipt protocol.Receipt, ack, lag time.Duration, redelivered bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lines = append(o.lines, fmt.Sprintf("%s %s %t", kind, receipt, redelivered))
	o.ack, o.lag = ack, lag
}

func (o *tally) WebhookRefused(reason string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lines = append(o.lines, reason)
}

// bench is a receiver with everything around it.
type bench struct {
	*Receiver
	door  *door
	tally *tally
	logs  *observer.ObservedLogs
}

func newBench(t testing.TB, answer func(context.Context, protocol.LegEvent) (protocol.Receipt, error)) bench {
	core, logs := observer.New(zapcore.DebugLevel)
	b := bench{door: &door{answer: answer}, tally: &tally{}, logs: logs}
	b.Receiver = NewReceiver(Config{Switch: b.door, Verifier: verifier(t, time.Now), Observer: b.tally, Log: zap.New(core)})
	return b
}

// post delivers a body as the carrier would.
func (b bench) post(body []byte) *httptest.ResponseRecorder {
	return b.send(http.MethodPost, bytes.NewReader(body), sign(body, time.Now()))
}

func (b bench) send(method string, body io.Reader, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/webhooks/voice", body)
	r.Header = header
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return w
}

// check holds an answer against what clients rely on: the status, and the
// words of an error.
func check(t *testing.T, w *httptest.ResponseRecorder, status int, what, code string) {
	t.Helper()
	if w.Code != status || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("status %d, type %q, want %d: %s", w.Code, w.Header().Get("Content-Type"), status, w.Body)
	}
	if status == http.StatusOK {
		if w.Body.String() != `{"status":"ok"}` {
			t.Errorf("body %s", w.Body)
		}
		return
	}
	var got struct{ Error, Code, Detail string }
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.Error != what || got.Code != code || got.Detail == "" {
		t.Errorf("body %s, %v, want error %q and code %q", w.Body, err, what, code)
	}
}

func TestDocumentsAreAnswered(t *testing.T) {
	for name, want := range documents {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil)
			check(t, b.post(document(t, name)), 200, "", "")
			if len(b.door.events) != 1 || b.door.events[0] != want {
				t.Errorf("delivered %+v", b.door.events)
			}
			line := fmt.Sprintf("%s accepted %t", want.Kind(), strings.HasSuffix(name, "redelivery"))
			if !slices.Equal(b.tally.lines, []string{line}) {
				t.Errorf("counted %q, want %q", b.tally.lines, line)
			}
			if n := b.logs.Len(); n != 0 {
				t.Errorf("%d log lines for a good webhook", n)
			}
		})
	}
}

func TestVectorsAreAnswered(t *testing.T) {
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			b := newBench(t, nil)
			b.verifier = verifier(t, at(v.VerifyAt))
			w := b.send(http.MethodPost, strings.NewReader(v.Body), v.header())
			switch {
			case !v.Valid && strings.Contains(v.Why, "300"):
				check(t, w, 401, "invalid signature", "stale_timestamp")
			case !v.Valid:
				check(t, w, 401, "invalid signature", "invalid_signature")
			case v.BodyFile != "":
				check(t, w, 200, "", "")
			default: // rightly signed, and no event
				check(t, w, 400, "malformed event", "malformed_event")
			}
			if delivered := len(b.door.events); delivered > 0 && v.BodyFile == "" {
				t.Errorf("%d events delivered", delivered)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	good := document(t, "call.answered")
	spaces := func(n int) []byte { return append(bytes.Repeat([]byte(" "), n-len(good)), good...) }
	var tests = []struct {
		story      string
		send       func(bench) *httptest.ResponseRecorder
		status     int
		what, code string
		count      string
	}{
		{"GET", func(b bench) *httptest.ResponseRecorder { return b.send("GET", nil, http.Header{}) },
			405, "method not allowed", "method_not_allowed", ""},
		{"another key", func(b bench) *httptest.ResponseRecorder {
			h := sign(append(good, ' '), time.Now())
			return b.send("POST", bytes.NewReader(good), h)
		}, 401, "invalid signature", "invalid_signature", RefusedSignature},
		{"no headers", func(b bench) *httptest.ResponseRecorder { return b.send("POST", bytes.NewReader(good), http.Header{}) },
			401, "invalid signature", "invalid_signature", RefusedSignature},
		{"an hour ago", func(b bench) *httptest.ResponseRecorder {
			return b.send("POST", bytes.NewReader(good), sign(good, time.Now().Add(-time.Hour)))
		}, 401, "invalid signature", "stale_timestamp", RefusedStale},
		{"in an hour", func(b bench) *httptest.ResponseRecorder {
			return b.send("POST", bytes.NewReader(good), sign(good, time.Now().Add(time.Hour)))
		}, 401, "invalid signature", "stale_timestamp", RefusedStale},
		{"no JSON", func(b bench) *httptest.ResponseRecorder { return b.post([]byte("hello")) },
			400, "malformed event", "malformed_event", RefusedMalformed},
		{"a format we do not take", func(b bench) *httptest.ResponseRecorder {
			return b.post([]byte(`{"event_type":"call_initiated","payload":{}}`))
		}, 200, "", "", RefusedMalformed},
		{"the longest", func(b bench) *httptest.ResponseRecorder { return b.post(spaces(MaxBody)) },
			200, "", "", "call.answered accepted false"},
		{"a byte longer, announced", func(b bench) *httptest.ResponseRecorder { return b.post(spaces(MaxBody + 1)) },
			413, "body too large", "too_large", RefusedTooLarge},
		{"the longest, in chunks", func(b bench) *httptest.ResponseRecorder {
			return b.send("POST", io.MultiReader(bytes.NewReader(spaces(MaxBody))), sign(spaces(MaxBody), time.Now()))
		}, 200, "", "", "call.answered accepted false"},
		{"a byte longer, in chunks", func(b bench) *httptest.ResponseRecorder {
			return b.send("POST", io.MultiReader(bytes.NewReader(spaces(MaxBody+1))), sign(good, time.Now()))
		}, 413, "body too large", "too_large", RefusedTooLarge},
		{"the body breaks off", func(b bench) *httptest.ResponseRecorder {
			body := io.MultiReader(bytes.NewReader(good[:100]), iotest.ErrReader(errors.New("reset")))
			return b.send("POST", body, sign(good, time.Now()))
		}, 503, "body incomplete", "incomplete", RefusedMalformed},
		{"it comes byte for byte", func(b bench) *httptest.ResponseRecorder {
			return b.send("POST", iotest.OneByteReader(bytes.NewReader(good)), sign(good, time.Now()))
		}, 200, "", "", "call.answered accepted false"},
	}
	for _, test := range tests {
		t.Run(test.story, func(t *testing.T) {
			b := newBench(t, nil)
			w := test.send(b)
			check(t, w, test.status, test.what, test.code)
			if got := strings.Join(b.tally.lines, ", "); got != test.count {
				t.Errorf("counted %q, want %q", got, test.count)
			}
			if allow := w.Header().Get("Allow"); (allow == "POST") != (test.status == 405) {
				t.Errorf("Allow: %q", allow)
			}
			if later := w.Header().Get("Retry-After"); (later == "1") != (test.status == 503) {
				t.Errorf("Retry-After: %q", later)
			}
		})
	}
}

func TestBlankKeyAnswers401(t *testing.T) {
	b := newBench(t, nil)
	b.verifier, _ = NewVerifier("", time.Minute, nil)
	check(t, b.post(document(t, "call.answered")), 401, "invalid signature", "invalid_signature")
	if len(b.door.events) != 0 {
		t.Error("delivered")
	}
}

func TestWhatTheSwitchSays(t *testing.T) {
	private := errors.New("sqlite: disk full at +13125550111")
	var tests = []struct {
		story   string
		receipt protocol.Receipt
		err     error
		status  int
		code    string
		count   string
	}{
		{"written", protocol.ReceiptAccepted, nil, 200, "", "call.answered accepted false"},
		{"seen before", protocol.ReceiptDuplicate, nil, 200, "", "call.answered duplicate false"},
		{"nobody's", protocol.ReceiptUnknownCall, nil, 200, "", "call.answered unknown_call false"},
		{"overloaded", protocol.ReceiptOverloaded, nil, 503, "unavailable", "call.answered overloaded false"},
		{"an error of its own", 0, private, 503, "unavailable", "call.answered overloaded false"},
		{"not ready", 0, protocol.Errorf(protocol.Unavailable, "recovering", "calls are being recovered"), 503, "recovering", "call.answered overloaded false"},
		{"a client's mistake is none of the carrier's", 0, protocol.Errorf(protocol.Invalid, "bad", "x"), 503, "bad", "call.answered overloaded false"},
	}
	for _, test := range tests {
		t.Run(test.story, func(t *testing.T) {
			b := newBench(t, func(context.Context, protocol.LegEvent) (protocol.Receipt, error) { return test.receipt, test.err })
			w := b.post(document(t, "call.answered"))
			check(t, w, test.status, "service unavailable", test.code)
			if strings.Contains(w.Body.String(), "sqlite") {
				t.Errorf("our own trouble is in the answer: %s", w.Body)
			}
			if got := strings.Join(b.tally.lines, ", "); got != test.count {
				t.Errorf("counted %q, want %q", got, test.count)
			}
			if test.status == 503 && (w.Header().Get("Retry-After") != "1" || b.logs.Len() != 1) {
				t.Errorf("Retry-After %q, %d log lines", w.Header().Get("Retry-After"), b.logs.Len())
			}
		})
	}
}

// TestLateWrite: the carrier is asked to come again before it gives up itself.
func TestLateWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(ctx context.Context, _ protocol.LegEvent) (protocol.Receipt, error) {
			<-ctx.Done()
			return 0, fmt.Errorf("journal: %w", ctx.Err())
		})
		began := time.Now()
		check(t, b.post(document(t, "call.answered")), 503, "service unavailable", "timeout")
		if took := time.Since(began); took != DefaultTimeout || b.tally.ack != took {
			t.Errorf("answered after %s, counted %s", took, b.tally.ack)
		}
		if want := time.Now().Add(-DefaultTimeout).Sub(clock("15:04:06.020611")); b.tally.lag != want {
			t.Errorf("lag %s, want %s", b.tally.lag, want)
		}
	})
}

// TestEventsAboutNoCall are acknowledged, and nobody is troubled with them.
func TestEventsAboutNoCall(t *testing.T) {
	b := newBench(t, nil)
	check(t, b.post([]byte(`{"data":{"event_type":"message.received"}}`)), 200, "", "")
	if len(b.door.events) != 0 || !slices.Equal(b.tally.lines, []string{"other unknown_call false"}) {
		t.Errorf("delivered %v, counted %q", b.door.events, b.tally.lines)
	}
}

// TestEightAtOnce: duplicates are the switch's business, and buffers are not
// shared between two webhooks.
func TestEightAtOnce(t *testing.T) {
	b := newBench(t, nil)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for name := range documents {
				if w := b.post(document(t, name)); w.Code != 200 {
					t.Errorf("%s: %d", name, w.Code)
				}
			}
		})
	}
	group.Wait()
	seen := map[protocol.LegEvent]int{}
	for _, event := range b.door.events {
		seen[event]++
	}
	for name, want := range documents {
		if seen[want] != 8 {
			t.Errorf("%s came %d times", name, seen[want])
		}
	}
}

// TestLogsHoldNoNumbers sends what is refused, with numbers in all of it.
func TestLogsHoldNoNumbers(t *testing.T) {
	b := newBench(t, func(context.Context, protocol.LegEvent) (protocol.Receipt, error) {
		return 0, protocol.Errorf(protocol.Unavailable, "overloaded", "too many calls")
	})
	const n = "+13125550111"
	for _, body := range []string{
		n, `{"data":"` + n + `"}`, `{"data":{"event_type":"` + n + `"}}`, `{"event_type":"` + n + `"}`,
		`{"data":{"event_type":"call.answered","payload":{"call_control_id":{"` + n + `":1}}}}`,
		`{"data":{"event_type":"call.answered","payload":["` + n + `"]}}`,
		`{"data":{"event_type":"call.hangup","payload":{"call_control_id":"l","from":"` + n + `","hangup_cause":"odd"}}}`,
	} {
		w := b.post([]byte(body))
		if strings.Contains(w.Body.String(), "3125550111") {
			t.Errorf("answer %s", w.Body)
		}
	}
	if b.logs.Len() == 0 {
		t.Error("nothing was logged")
	}
	for _, line := range b.logs.All() {
		if s := fmt.Sprint(line.Message, line.ContextMap()); strings.Contains(s, "3125550111") || line.Level != zapcore.WarnLevel {
			t.Errorf("log line %s", s)
		}
	}
}

// TestLinksStayInside sends webhooks with links that anybody could listen by,
// good ones and broken ones, to a switch that takes them and to one that does
// not.
func TestLinksStayInside(t *testing.T) {
	good := string(document(t, "call.recording.saved"))
	change := func(old, new string) string {
		changed := strings.Replace(good, old, new, 1)
		if changed == good {
			t.Fatalf("there is no %s", old)
		}
		return changed
	}
	at := strings.Index(good, "X-Amz-Expires")
	for story, body := range map[string]string{
		"good":                            good,
		"cut inside of the link":          good[:at],
		"the link is not closed":          change(`000"`, `000`),
		"neither leg nor session":         change(`"call_session_id"`, `"x"`),
		"an id of another type":           change(`"recording_id"`, `"call_control_id":{"a":1},"recording_id"`),
		"the link as an id":               change(`"mp3": "`, `"mp3": "x"},"call_control_id":{"`+signed+`":"`),
		"the link as an event":            `{"data":{"event_type":"` + signed + `"}}`,
		"the link as an event of another": `{"event_type":"` + signed + `"}`,
		"the link as a member":            `{"data":{"event_type":"call.recording.saved","payload":{"call_control_id":"l","recording_urls":{"` + signed + `":1}`,
		"the link as the payload":         `{"data":{"event_type":"call.recording.saved","payload":"` + signed + `"}}`,
		"too large":                       strings.Replace(good, "{", "{"+strings.Repeat(" ", MaxBody), 1),
	} {
		for _, err := range []error{nil, errors.New("the disk is full")} {
			b := newBench(t, func(context.Context, protocol.LegEvent) (protocol.Receipt, error) {
				return protocol.ReceiptAccepted, err
			})
			said := b.post([]byte(body)).Body.String()
			for _, line := range b.logs.All() {
				said += fmt.Sprint(line.Message, line.ContextMap())
			}
			if _, err := Decode([]byte(body), readAt); err != nil {
				said += err.Error()
			}
			for _, part := range []string{"amazonaws", "telephony-recorder", uuidA, "X-Amz", "EXAMPLE", "https:"} {
				if strings.Contains(said, part) {
					t.Errorf("%s: %q is in %s", story, part, said)
				}
			}
		}
	}
}

// TestLongTranscripts: the longest text that is kept comes through the door, in
// whatever way it is escaped, and is handed on if only its recording is named.
func TestLongTranscripts(t *testing.T) {
	for _, letter := range []string{"a", `\u00e9`, `\u260e`, `\ud83d\ude00`} {
		var one string
		if err := json.Unmarshal([]byte(`"`+letter+`"`), &one); err != nil {
			t.Fatal(err)
		}
		n := protocol.MaxTranscript / len(one)
		b := newBench(t, nil)
		check(t, b.post([]byte(`{"data":{"event_type":"call.recording.transcription.saved","payload":{"recording_id":"r","transcription_text":"`+
			strings.Repeat(letter, n)+`"}}}`)), 200, "", "")
		if len(b.door.events) != 1 {
			t.Fatalf("%s: %d events delivered", letter, len(b.door.events))
		}
		if got := b.door.events[0].(protocol.LegTranscribed); got.Text != strings.Repeat(one, n) || got.Recording != "r" {
			t.Errorf("%s: %d bytes of %d", letter, len(got.Text), n*len(one))
		}
	}
}

func TestRefusalsAreSampled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		for range 500 {
			b.send("POST", nil, http.Header{})
		}
		if n := b.logs.Len(); n != 5 {
			t.Errorf("%d log lines for 500 refusals", n)
		}
		if n := len(b.tally.lines); n != 500 {
			t.Errorf("%d counted", n)
		}
	})
}

// TestOverTheWire posts through a real server, where net/http writes headers.
func TestOverTheWire(t *testing.T) {
	b := newBench(t, nil)
	s := httptest.NewServer(b)
	defer s.Close()
	post := func(body io.Reader, header http.Header) (*http.Response, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/webhooks/voice", body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = header
		res, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		got, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res, string(got)
	}
	good := document(t, "call.hangup")
	res, body := post(bytes.NewReader(good), sign(good, time.Now()))
	if res.StatusCode != 200 || body != `{"status":"ok"}` || res.ContentLength != int64(len(body)) {
		t.Errorf("%d %q, length %d", res.StatusCode, body, res.ContentLength)
	}
	if res, body := post(bytes.NewReader(good), http.Header{}); res.StatusCode != 401 || !strings.HasPrefix(body, `{"error":"invalid signature",`) {
		t.Errorf("%d %q", res.StatusCode, body)
	}
	long := strings.NewReader(strings.Repeat(" ", MaxBody+1))
	if res, body := post(io.MultiReader(long), sign(good, time.Now())); res.StatusCode != 413 {
		t.Errorf("%d %q", res.StatusCode, body)
	}
}

func TestReceiverNeedsItsParts(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	NewReceiver(Config{})
}
