package api_test

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"maskswitch/actors/protocol"
	"maskswitch/http/api"
)

// TestRecords shows calls, recordings and receipts as they are told, to the byte.
func TestRecords(t *testing.T) { atEpoch(t, testRecords) }

func testRecords(t *testing.T) {
	d := recorded()
	var out strings.Builder
	for _, target := range []string{
		"/bookings/bk_1/calls?limit=1", "/bookings/bk_1/calls?limit=1&cursor=" + callA, "/calls/" + callA, "/bookings/bk_1/recordings",
		"/recordings/r1", "/recordings/pending", "/erasures/" + erasureA,
	} {
		status, body := ask(serve(d), request("GET", target, ""))
		fmt.Fprintf(&out, "GET %s\n%d %s\n", target, status, body)
	}
	golden(t, "records.golden", out.String())
	for _, private := range []string{alice.E164(), bob.E164()} {
		if strings.Contains(out.String(), private) {
			t.Errorf("a party's number is shown: %s", private)
		}
	}
}

// TestAudio listens in every way that HTTP has.
func TestAudio(t *testing.T) {
	whole := string(recorded().tape.audio)
	etag := `"` + recorded().tape.recordings[0].SHA256 + `"`
	for _, c := range []struct {
		story  string
		method string
		header map[string]string
		status int
		want   string
		length string
	}{
		{"all of it", "GET", nil, 200, whole, fmt.Sprint(len(whole))},
		{"only what it is", "HEAD", nil, 200, "", fmt.Sprint(len(whole))},
		{"a part", "GET", map[string]string{"Range": "bytes=4-7"}, 206, whole[4:8], "4"},
		{"the end", "GET", map[string]string{"Range": "bytes=-4"}, 206, whole[len(whole)-4:], "4"},
		{"the rest of a broken download", "GET", map[string]string{"Range": "bytes=10-", "If-Range": etag}, 206, whole[10:], ""},
		{"the rest of another file", "GET", map[string]string{"Range": "bytes=10-", "If-Range": `"other"`}, 200, whole, ""},
		{"behind the end", "GET", map[string]string{"Range": "bytes=1000-"}, 416, "invalid range: failed to overlap\n", ""},
		{"what one has", "GET", map[string]string{"If-None-Match": etag}, 304, "", ""},
	} {
		t.Run(c.story, func(t *testing.T) {
			d := recorded()
			r := request(c.method, "/recordings/r1/audio", "")
			for name, value := range c.header {
				r.Header.Set(name, value)
			}
			w := httptest.NewRecorder()
			serve(d).ServeHTTP(w, r)
			if w.Code != c.status || w.Body.String() != c.want || c.length != "" && w.Header().Get("Content-Length") != c.length {
				t.Errorf("%d %q, %v", w.Code, w.Body, w.Header())
			}
			h := w.Header()
			if c.status < 300 && (h.Get("Content-Type") != "audio/mpeg" || h.Get("ETag") != etag || h.Get("Cache-Control") != "private, no-store" ||
				h.Get("Content-Disposition") != `attachment; filename="recording-20260101-000008-r1.mp3"`) {
				t.Errorf("headers: %v", h)
			}
			if d.tape.opened != d.tape.closed || c.method == "HEAD" && d.tape.opened > 0 {
				t.Errorf("opened %d times, closed %d times", d.tape.opened, d.tape.closed)
			}
		})
	}
}

// TestAudioInParts asks for two parts at once.
func TestAudioInParts(t *testing.T) {
	d := recorded()
	r := request("GET", "/recordings/r1/audio", "")
	r.Header.Set("Range", "bytes=0-2,8-11")
	w := httptest.NewRecorder()
	serve(d).ServeHTTP(w, r)
	_, params, err := mime.ParseMediaType(w.Header().Get("Content-Type"))
	if err != nil || w.Code != 206 {
		t.Fatalf("%d, %v", w.Code, err)
	}
	parts := multipart.NewReader(w.Body, params["boundary"])
	for _, want := range []string{string(d.tape.audio[:3]), string(d.tape.audio[8:12])} {
		part, err := parts.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(part); err != nil || string(got) != want {
			t.Errorf("part %q, want %q: %v", got, want, err)
		}
	}
	if d.tape.opened != d.tape.closed || d.tape.opened < 2 {
		t.Errorf("opened %d times, closed %d times", d.tape.opened, d.tape.closed)
	}
}

// TestAudioBreaksOff: a recording that cannot be read to its end is not passed
// for whole.
func TestAudioBreaksOff(t *testing.T) {
	for story, breaks := range map[string]func(*shelf){
		"the archive fails":         func(s *shelf) { s.broken = 5 },
		"the archive ends too soon": func(s *shelf) { s.audio = s.audio[:5] },
	} {
		t.Run(story, func(t *testing.T) {
			d := recorded()
			breaks(&d.tape)
			core, logs := observer.New(zap.ErrorLevel)
			server := httptest.NewServer(serve(d, func(config *api.Config) { config.Log = zap.New(core) }))
			if answer, err := http.Get(server.URL + "/recordings/r1/audio"); err == nil { // or the line is cut before its head
				if got, err := io.ReadAll(answer.Body); err == nil {
					t.Errorf("%q passes for whole", got)
				}
				answer.Body.Close()
			}
			server.Close() // and with it ends the handler
			if n := logs.FilterMessage("a recording broke off while somebody listened").Len(); n != 1 {
				t.Errorf("%d lines in the log: %v", n, logs.All())
			}
		})
	}
	d := &desk{err: protocol.Errorf(protocol.Unavailable, "archive_unavailable", "the archive does not answer")}
	if status, body := ask(serve(d), request("GET", "/recordings/r1/audio", "")); status != 503 {
		t.Errorf("without an archive: %d %s", status, body)
	}
}

// TestRecordingDeeds: what is asked reaches the switch as it was meant, and the
// log has who did it, and no number.
func TestRecordingDeeds(t *testing.T) {
	id, err := protocol.ParseCallID(callB)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method, target, body string
		want                 any
		line                 string
	}{
		{"POST", "/calls/" + callB + "/recording", `{"action":"pause"}`, pauseAsked{id, true}, "pause recording"},
		{"POST", "/calls/" + callB + "/recording", `{"action":"resume"}`, pauseAsked{id, false}, "resume recording"},
		{"POST", "/recordings/r1/hold", `{"reason":"case 7"}`, held{"r1", "case 7"}, "hold recording"},
		{"DELETE", "/recordings/r1/hold", "", held{"r1", ""}, "release recording"},
		{"DELETE", "/recordings/r1", "", protocol.RecordingID("r1"), "erase recording"},
		{"GET", "/recordings/r1/audio", "", protocol.RecordingID("r1"), "listen to recording"},
		{"GET", "/recordings/r1", "", protocol.RecordingID("r1"), "read texts of recording"},
		{"POST", "/erasures", `{"party":"+13125550111"}`, protocol.AskErasure{Party: alice}, "erasure"},
	} {
		t.Run(c.line, func(t *testing.T) {
			d := recorded()
			core, logs := observer.New(zap.InfoLevel)
			h := serve(d, func(config *api.Config) { config.APIKeys, config.Log = keys(t, "support:hunter2"), zap.New(core) })
			r := request(c.method, c.target, c.body)
			r.Header.Set("Authorization", "Bearer hunter2")
			if status, body := ask(h, r); status >= 300 {
				t.Fatalf("%d %s", status, body)
			}
			if d.calls[0] != c.want {
				t.Errorf("the switch was asked %+v, want %+v", d.calls[0], c.want)
			}
			lines := logs.FilterMessage(c.line).FilterField(zap.String("key", "support")).All()
			if len(lines) != 1 {
				t.Errorf("%d lines say %q: %v", len(lines), c.line, logs.All())
			}
			for _, l := range logs.All() {
				if text := fmt.Sprint(l.Message, l.ContextMap()); strings.Contains(text, alice.E164()[1:]) || strings.Contains(text, "hunter2") {
					t.Errorf("the log says %s", text)
				}
			}
		})
	}
}

// TestRecordingRefusals: nothing of a bad request reaches the switch.
func TestRecordingRefusals(t *testing.T) {
	long := strings.Repeat("a", 501)
	for _, c := range []struct {
		method, target, body string
		status               int
		code, field          string
	}{
		{"POST", "/recordings/r1/hold", `{}`, 400, "missing", "reason"},
		{"POST", "/recordings/r1/hold", `{"reason":"` + long + `"}`, 400, "bad_reason", "reason"},
		{"POST", "/recordings/r1/hold", `{"reason":"a\u0000b"}`, 400, "bad_reason", "reason"},
		{"POST", "/recordings/r1/hold", `{"reason":"a","more":1}`, 400, "unknown_member", "more"},
		{"GET", "/recordings/r%2F1", "", 404, "", ""},
		{"GET", "/recordings/%00/audio", "", 404, "recording_not_found", ""},
		{"POST", "/erasures", `{"party":"3125550111"}`, 400, "not_e164", "party"},
		{"POST", "/erasures", `{"party":"sip:a@b"}`, 400, "not_e164", "party"},
		{"POST", "/erasures", `{"booking_id":"a/b"}`, 400, "bad_booking_id", "booking_id"},
		{"GET", "/erasures/x", "", 404, "erasure_not_found", ""},
		{"GET", "/calls/x", "", 404, "call_not_found", ""},
		{"POST", "/calls/x/recording", `{"action":"pause"}`, 404, "call_not_found", ""},
		{"POST", "/calls/" + callB + "/recording", `{}`, 400, "unknown_action", "action"},
		{"POST", "/bookings", good(`,"recording":"tape"`), 400, "unknown_recording", "recording"},
		{"POST", "/bookings", good(`,"recording":"off","summary":true`), 400, "needs_recording", "summary"},
		{"GET", "/bookings/bk_1/calls?cursor=x", "", 400, "bad_cursor", "cursor"},
		{"GET", "/bookings/bk_1/calls?party=x", "", 400, "unknown_parameter", "party"},
	} {
		d := recorded()
		status, body := ask(serve(d), request(c.method, c.target, c.body))
		field := fmt.Sprintf(`"field":%q`, c.field)
		if status != c.status || !strings.Contains(body, fmt.Sprintf(`"code":%q`, c.code)) && c.code != "" || c.field != "" && !strings.Contains(body, field) {
			t.Errorf("%s %s %.60s: %d %s", c.method, c.target, c.body, status, body)
		}
		for _, asked := range d.calls {
			if asked != any("bk_1") { // the booking in the path is looked up first
				t.Errorf("%s %s %.60s: the switch was asked %+v", c.method, c.target, c.body, asked)
			}
		}
	}
}

func FuzzErasure(f *testing.F) {
	for _, body := range []string{`{"party":"+13125550111"}`, `{"booking_id":"bk_1"}`, `{"party":null}`, `{"party":"+13125550111","booking_id":""}`, `{"party":"+1312555,1"}`, ``} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		d := recorded()
		status, answer := ask(serve(d), request("POST", "/erasures", body))
		judge(t, d, status, answer)
		for _, asked := range d.calls {
			if a := asked.(protocol.AskErasure); status < 300 && !a.Party.Known() && !strings.Contains(answer, `"subject":"bk_1"`) {
				t.Errorf("%q asks for %+v: %s", body, a, answer)
			}
		}
		if bytes.Contains([]byte(answer), []byte(alice.E164())) && status < 300 {
			t.Errorf("the receipt shows a number: %s", answer)
		}
	})
}
