package carrier

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"maskswitch/actors/phone"
	"maskswitch/loadtest/party"
)

func TestARecordingIsSplit(t *testing.T) {
	r := newRig(t, Config{Speed: 100, Faults: Faults{RecordingSplit: 1}})
	l := r.finish(r.place(party.Talks(time.Second, 20*time.Second)))
	if len(l.Recordings) != 2 || l.Effects("record_start") != 1 {
		t.Fatalf("%d recordings by %d record_start", len(l.Recordings), l.Effects("record_start"))
	}
	first, second := l.Recordings[0], l.Recordings[1]
	if first.ID == second.ID || first.Session != second.Session || second.Started.Before(first.Ended) || second.Size == 0 || first.SHA256 == second.SHA256 {
		t.Errorf("%+v\n%+v", first, second)
	}
	if saved := r.deliveries("call.recording.saved"); len(saved) != 2 || saved[0].payload["recording_id"] == saved[1].payload["recording_id"] {
		t.Errorf("%d events: %v", len(saved), saved)
	}
}

func TestASavedEventComesAgainOrNever(t *testing.T) {
	r := newRig(t, Config{Faults: Faults{RecordingAgain: 1}})
	r.recorded()
	saved := r.deliveries("call.recording.saved")
	if len(saved) != 2 || saved[0].id == saved[1].id || saved[0].payload["recording_id"] != saved[1].payload["recording_id"] {
		t.Errorf("again: %v", saved)
	}

	r = newRig(t, Config{Faults: Faults{RecordingUntold: 1}})
	l := r.recorded()
	if n := len(r.deliveries("call.recording.saved")) + len(r.deliveries("call.recording.error")); n > 0 || !l.Recordings[0].Untold {
		t.Errorf("untold: %d events, %+v", n, l.Recordings[0])
	}
	status, out := r.request("GET", "/recordings?filter[call_session_id]="+l.Session, "")
	if ids := rows(out, "id"); status != 200 || !slices.Equal(ids, []string{l.Recordings[0].ID}) {
		t.Errorf("untold: the API answers %d %v", status, out)
	}
	if d := r.download(r.freshLink(l.Recordings[0].ID)); !whole(d, l.Recordings[0]) {
		t.Errorf("untold: its file: %d", d.status)
	}
}

func TestTranscriptions(t *testing.T) {
	r := newRig(t, Config{}, transcribing)
	l := r.recorded()
	rec := l.Recordings[0]
	d := r.deliveries("call.recording.transcription.saved")
	if len(d) != 1 || d[0].payload["recording_id"] != rec.ID || d[0].payload["status"] != "completed" || !rec.Transcribed {
		t.Fatalf("%d events: %v", len(d), d)
	}
	text, _ := d[0].payload["transcription_text"].(string)
	if !strings.Contains(text, reference(rec.ID)) || !strings.Contains(text, promise) || !strings.Contains(text, "312-555-0111") {
		t.Errorf("text %q", text)
	}
	if e, _ := l.Event("A", "call.recording.transcription.saved"); e.Recording != rec.ID {
		t.Errorf("the ledger has it of recording %q", e.Recording)
	}
	saved, _ := l.Event("A", "call.recording.saved")
	if heard, _ := l.Event("A", "call.recording.transcription.saved"); heard.At.Before(saved.At) {
		t.Error("transcribed before it was saved")
	}
	status, out := r.request("GET", "/recording_transcriptions?filter[recording_id]="+rec.ID, "")
	if got := rows(out, "transcription_text"); status != 200 || !slices.Equal(got, []string{text}) || rows(out, "status")[0] != "completed" {
		t.Errorf("%d %v", status, out)
	}
	if _, out := r.request("GET", "/recording_transcriptions?filter[recording_id]="+newID(), ""); len(rows(out, "id")) != 0 {
		t.Errorf("of another recording: %v", out)
	}
	if status, _ := r.request("GET", "/recording_transcriptions?filter[call_leg_id]=x", ""); status != 422 {
		t.Errorf("a filter of another list: %d", status)
	}
	r.recorded()
	_, out = r.request("GET", "/recording_transcriptions?page[size]=1", "")
	if meta, _ := out["meta"].(map[string]any); len(rows(out, "id")) != 1 || !strings.Contains(fmt.Sprint(meta["next"]), "2") {
		t.Errorf("a page of one: %v", out)
	}
}

func TestATranscriptionTakesItsTimeAndMayBeUntold(t *testing.T) {
	r := newRig(t, Config{Timing: Timing{Answer: 1, Dial: 1, Bridge: 1, Release: 1, Save: 1, Speech: 1, Transcribe: time.Hour},
		Faults: Faults{TranscriptUntold: 1}}, transcribing)
	rec := r.recorded().Recordings[0] // the call does not wait for what nobody will tell
	_, out := r.request("GET", "/recording_transcriptions?filter[recording_id]="+rec.ID, "")
	if got := rows(out, "status"); !slices.Equal(got, []string{"in-progress"}) || rows(out, "transcription_text")[0] != "" {
		t.Errorf("at once: %v", out)
	}
	if n := len(r.deliveries("call.recording.transcription.saved")); n > 0 {
		t.Errorf("%d events of an untold one", n)
	}
	plain := newRig(t, Config{})
	plain.recorded()
	if _, out := plain.request("GET", "/recording_transcriptions", ""); len(rows(out, "id")) != 0 {
		t.Errorf("nobody asked for one: %v", out)
	}
}

// ask sends messages to the language model.
func (r *rig) ask(messages ...string) (int, map[string]any) {
	r.Helper()
	var all []map[string]string
	for _, m := range messages {
		all = append(all, map[string]string{"role": "user", "content": m})
	}
	raw, err := json.Marshal(map[string]any{"model": "a-model", "messages": all, "temperature": .1, "max_tokens": 500})
	if err != nil {
		r.Fatal(err)
	}
	return r.request("POST", "/ai/openai/chat/completions", string(raw))
}

func TestCompletions(t *testing.T) {
	r := newRig(t, Config{}, transcribing)
	rec := r.recorded().Recordings[0]
	_, out := r.request("GET", "/recording_transcriptions", "")
	text := rows(out, "transcription_text")[0]
	masked := strings.ReplaceAll(text, "312-555-0111", "[number]")

	status, out := r.ask("Sum up: " + masked)
	choices, _ := out["choices"].([]any)
	if status != 200 || len(choices) != 1 || out["model"] != "a-model" {
		t.Fatalf("%d %v", status, out)
	}
	answer, _ := choices[0].(map[string]any)["message"].(map[string]any)["content"].(string)
	if quoted := strings.Split(answer, `"`); len(quoted) != 3 || !strings.Contains(text, quoted[1]) {
		t.Errorf("the answer quotes what nobody said: %q", answer)
	}
	r.ask("Sum up: " + text)
	r.ask("And this: (312) 555.0111 " + masked)
	r.ask("What is a masked number?")
	done := r.Completions()
	if len(done) != 4 {
		t.Fatalf("%+v", done)
	}
	for i, want := range []struct {
		recordings []string
		leaks      []phone.Number
	}{{[]string{rec.ID}, nil}, {[]string{rec.ID}, []phone.Number{number(alice)}}, {[]string{rec.ID}, []phone.Number{number(alice)}}, {nil, nil}} {
		if got := done[i]; !slices.Equal(got.Recordings, want.recordings) || !slices.Equal(got.Leaks, want.leaks) || got.Status != 200 || got.Model != "a-model" || got.At.IsZero() {
			t.Errorf("request %d: %+v, want %+v", i, got, want)
		}
	}
}

func TestCompletionsAreChecked(t *testing.T) {
	r := newRig(t, Config{}, idle)
	for _, body := range []string{
		``, `[]`, `{}`, `{"messages":[]}`, `{"messages":"hello"}`, `{"messages":[{"role":"user"}]}`, `{"messages":[{"role":"boss","content":"x"}]}`,
		`{"messages":[{"role":"user","content":"x","name":"y"}]}`, `{"messages":[{"role":"user","content":"x"}],"max_tokens":"many"}`,
		`{"messages":[{"role":"user","content":"x"}],"temperature":"hot"}`, `{"messages":[{"role":"user","content":"x"}],"temprature":0.1}`,
		`{"messages":[{"role":"user","content":"x"}],"stream":true}`, `{"messages":[{"role":"user","content":"x"}],"stop":1}`,
	} {
		status, out := r.request("POST", "/ai/openai/chat/completions", body)
		detail, _ := out["detail"].([]any)
		if status != 422 || len(detail) != 1 {
			t.Errorf("%s: %d %v", body, status, out)
		}
	}
	for _, body := range []string{
		`{"messages":[{"role":"system","content":"x"},{"role":"user","content":""}],"temperature":0.1,"stop":["a"],"response_format":{"type":"text"},"enable_thinking":false}`,
		`{"messages":[{"role":"user","content":"x"}],"temperature":1e-1,"stop":"a","stream":false}`,
	} {
		if status, out := r.request("POST", "/ai/openai/chat/completions", body); status != 200 {
			t.Errorf("%s: %d %v", body, status, out)
		}
	}
	refused := 0
	for _, d := range r.Completions() {
		if d.Status == 422 {
			refused++
		}
	}
	if refused != 13 {
		t.Errorf("%d refused requests are in the books", refused)
	}
}

// Requests about recordings fail as commands do.
func TestRequestsAboutRecordingsFail(t *testing.T) {
	one := func(action string, reply Reply) Faults {
		return Faults{Commands: map[string][]Failure{action: {{Rate: 1, Reply: reply}}}}
	}
	r := newRig(t, Config{})
	rec := r.recorded().Recordings[0]
	path := "/recordings/" + rec.ID
	r.SetFaults(one("recording", Reply{Status: http.StatusTooManyRequests, RetryAfter: 2 * time.Second}))
	if status, out := r.request("GET", path, ""); status != 429 || code(out) != "10011" {
		t.Errorf("throttled: %d %v", status, out)
	}
	if status, _ := r.request("GET", "/recordings", ""); status != 200 {
		t.Errorf("the list is struck by a fault of one: %d", status)
	}
	r.SetFaults(one("", Reply{Status: 500}))
	for _, path := range []string{path, "/recordings", "/recording_transcriptions"} {
		if status, _ := r.request("GET", path, ""); status != 500 {
			t.Errorf("%s in an outage: %d", path, status)
		}
	}
	if status, _ := r.ask("x"); status != 500 {
		t.Errorf("a completion in an outage: %d", status)
	}
	r.SetFaults(one("recording_delete", Reply{Cut: CutBefore}))
	if status, _ := r.request("DELETE", path, ""); status != 0 || r.Recordings()[0].Deleted {
		t.Errorf("cut before: %d, deleted %t", status, r.Recordings()[0].Deleted)
	}
	r.SetFaults(one("recording_delete", Reply{Cut: CutAfter}))
	if status, _ := r.request("DELETE", path, ""); status != 0 || !r.Recordings()[0].Deleted {
		t.Errorf("cut after: %d, deleted %t", status, r.Recordings()[0].Deleted)
	}
	// Each request is drawn for itself: whoever asks again gets through.
	r.SetFaults(Faults{Commands: map[string][]Failure{"recordings": {{Rate: .5, Reply: Reply{Status: 503}}}}})
	seen := map[int]int{}
	for range 100 {
		status, _ := r.request("GET", "/recordings", "")
		seen[status]++
	}
	if seen[200] < 30 || seen[503] < 30 {
		t.Errorf("at a rate of one half: %v", seen)
	}
}

// TestRecordingsAPIIsThePublishedOne holds requests and answers against the
// published schema.
func TestRecordingsAPIIsThePublishedOne(t *testing.T) {
	doc := publishedAPI(t)
	item := doc.Paths.Find("/ai/openai/chat/completions").Post
	schema := item.RequestBody.Value.Content.Get("application/json").Schema.Value
	compare := func(format string, args ...any) { t.Errorf("completions: "+format, args...) }
	for member, p := range schema.Properties {
		r, known := completionRules.of[member]
		if !known {
			t.Errorf("completions: %s is not known", member)
			continue
		}
		compareRule(compare, member, r, p.Value)
		if r.need != slices.Contains(schema.Required, member) {
			t.Errorf("completions: %s is needed %t", member, r.need)
		}
	}
	for member := range completionRules.of {
		if schema.Properties[member] == nil {
			t.Errorf("completions: %s is not published", member)
		}
	}
	for path, filters := range map[string][2][]string{
		"/recordings":               {keys(recordingFilters), keys(recordingTimes)},
		"/recording_transcriptions": {keys(transcriptFilters), keys(transcriptTimes)},
	} {
		published := doc.Paths.Find(path).Get.Parameters.GetByInAndName("query", "filter").Schema.Value.Properties
		for _, name := range append(filters[0], filters[1]...) {
			p := published[name]
			if p == nil {
				t.Errorf("%s has no filter %s", path, name)
			} else if timed := p.Value.Properties["gte"] != nil; timed != slices.Contains(filters[1], name) {
				t.Errorf("%s: filter %s is of times: %t", path, name, timed)
			}
		}
	}

	r := newRig(t, Config{}, transcribing)
	rec := r.recorded().Recordings[0]
	conforms := func(op *openapi3.Operation, status int, out map[string]any) {
		t.Helper()
		published := op.Responses.Status(status)
		if published == nil {
			published = op.Responses.Default()
		}
		if err := published.Value.Content.Get("application/json").Schema.Value.VisitJSON(out); err != nil {
			t.Errorf("%s: %v", op.OperationID, err)
		}
	}
	for _, c := range []struct {
		method, path, published string
		status                  int
	}{
		{"GET", "/recordings", "/recordings", 200},
		{"GET", "/recordings/" + rec.ID, "/recordings/{recording_id}", 200},
		{"GET", "/recordings/" + newID(), "/recordings/{recording_id}", 404},
		{"GET", "/recording_transcriptions", "/recording_transcriptions", 200},
		{"POST", "/ai/openai/chat/completions", "/ai/openai/chat/completions", 422},
		{"DELETE", "/recordings/" + rec.ID, "/recordings/{recording_id}", 200},
		{"DELETE", "/recordings/" + rec.ID, "/recordings/{recording_id}", 404},
	} {
		status, out := r.request(c.method, c.path, "{}")
		if status != c.status {
			t.Errorf("%s %s: %d", c.method, c.path, status)
		}
		conforms(doc.Paths.Find(c.published).GetOperation(c.method), status, out)
	}
}

func keys[V any](m map[string]V) (all []string) {
	for k := range m {
		all = append(all, k)
	}
	return all
}
