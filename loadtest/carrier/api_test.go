package carrier

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"maskswitch/loadtest/party"
)

func TestCommandsThatTheCarrierRefuses(t *testing.T) {
	r := newRig(t, Config{})
	k := r.place(party.Script{})
	l := r.await(k, "both talk", func(l Ledger) bool { return l.Effects("record_start") == 1 })
	a, b := l.Legs[0].ControlID, l.Legs[1].ControlID
	quiet := newRig(t, Config{}, idle)
	_, ringA := quiet.parked()
	before := len(k.Ledger().Events)

	for _, c := range []struct {
		story, leg, action, body string
		status                   int
		code                     string
	}{
		{"no body at all", a, "hangup", ``, 422, "10015"},
		{"a list for a body", a, "hangup", `[]`, 422, "10015"},
		{"null for a body", a, "hangup", `null`, 422, "10015"},
		{"a misspelt member", a, "hangup", `{"comand_id":"x"}`, 422, "10015"},
		{"the cause of the reference application", ringA, "reject", `{"cause":"UNALLOCATED_NUMBER"}`, 422, "10032"},
		{"reject without cause", ringA, "reject", `{}`, 422, "10004"},
		{"transfer without to", a, "transfer", `{}`, 422, "10004"},
		{"digits behind a comma", a, "transfer", `{"to":"+17735550122,200"}`, 422, "10016"},
		{"a SIP address", a, "transfer", `{"to":"sip:x@example.com"}`, 422, "10016"},
		{"no plus", a, "transfer", `{"to":"17735550122"}`, 422, "10016"},
		{"a caller id that is none", a, "transfer", `{"to":"` + bob + `","from":"proxy"}`, 422, "10016"},
		{"rings too short", a, "transfer", `{"to":"` + bob + `","timeout_secs":4}`, 422, "90028"},
		{"rings too long", a, "transfer", `{"to":"` + bob + `","timeout_secs":601}`, 422, "90028"},
		{"talks too short", a, "transfer", `{"to":"` + bob + `","time_limit_secs":29}`, 422, "90029"},
		{"talks too long", a, "transfer", `{"to":"` + bob + `","time_limit_secs":14401}`, 422, "90029"},
		{"half a second", a, "transfer", `{"to":"` + bob + `","timeout_secs":5.5}`, 422, "90028"},
		{"seconds as text", a, "transfer", `{"to":"` + bob + `","timeout_secs":"30"}`, 422, "90028"},
		{"state is not base64", a, "transfer", `{"to":"` + bob + `","client_state":"{}"}`, 422, "90017"},
		{"target state is not base64", a, "transfer", `{"to":"` + bob + `","target_leg_client_state":"ab"}`, 422, "90017"},
		{"six pauses", a, "transfer", `{"to":"` + bob + `","webhook_retries_policies":{"call.hangup":{"retries_ms":[1,1,1,1,1,1]}}}`, 422, "10015"},
		{"pauses beyond a minute", a, "transfer", `{"to":"` + bob + `","webhook_retries_policies":{"call.hangup":{"retries_ms":[30000,30001]}}}`, 422, "10015"},
		{"recording without format", a, "record_start", `{"channels":"dual"}`, 422, "10004"},
		{"recording without channels", a, "record_start", `{"format":"mp3"}`, 422, "10004"},
		{"recording in another format", a, "record_start", `{"format":"ogg","channels":"dual"}`, 422, "90000"},
		{"recording in stereo", a, "record_start", `{"format":"mp3","channels":"stereo"}`, 422, "90001"},
		{"speech without payload", a, "speak", `{"voice":"AWS.Polly.Joanna"}`, 422, "10004"},
		{"speech without voice", a, "speak", `{"payload":"hello"}`, 422, "10004"},
		{"an empty line", a, "speak", `{"payload":"","voice":"female"}`, 422, "90010"},
		{"a very long line", a, "speak", `{"payload":"` + strings.Repeat("x", 3001) + `","voice":"female"}`, 422, "90010"},
		{"nothing to play", a, "playback_start", `{}`, 422, "10004"},
		{"answer on the dialled leg", b, "answer", `{}`, 422, "90102"},
		{"a second answer", a, "answer", `{}`, 422, "10015"},
		{"transfer before the answer", ringA, "transfer", `{"to":"` + bob + `"}`, 422, "90034"},
		{"recording before the answer", ringA, "record_start", `{"format":"mp3","channels":"dual"}`, 422, "90034"},
		{"speech before the answer", ringA, "speak", `{"payload":"hello","voice":"female"}`, 422, "90034"},
		{"transfer of the callee", b, "transfer", `{"to":"` + alice + `"}`, 403, "10010"},
		{"not an id", "hello", "hangup", `{}`, 422, "90015"},
		{"a leg that never was", "v3:AAAA_b-c", "hangup", `{}`, 404, "90015"},
		{"no such action", a, "explode", `{}`, 404, "10005"},
		{"POST instead of PUT", a, "client_state_update", `{"client_state":"YQ=="}`, 404, "10005"},
	} {
		t.Run(c.story, func(t *testing.T) {
			on := r
			if c.leg == ringA {
				on = quiet
			}
			status, out := on.request("POST", "/calls/"+url.PathEscape(c.leg)+"/actions/"+c.action, c.body)
			if status != c.status || code(out) != c.code {
				t.Errorf("got %d %v, want %d with code %s", status, out, c.status, c.code)
			}
			e := out["errors"].([]any)[0].(map[string]any)
			if e["title"] == "" || e["detail"] == "" {
				t.Errorf("an error without words: %v", e)
			}
		})
	}
	if n := len(k.Ledger().Events); n != before {
		t.Errorf("refused commands caused %d events", n-before)
	}
	if n := len(r.Strays()); n != 2 {
		t.Errorf("%d strays, want 2", n)
	}
	k.HangUp(party.Caller)
	r.finish(k)
	for _, action := range []string{"hangup", "transfer", "answer", "speak"} {
		raw := map[string]string{"transfer": `{"to":"` + bob + `"}`, "speak": `{"payload":"x","voice":"female"}`}[action]
		if raw == "" {
			raw = `{}`
		}
		if status, out := r.request("POST", "/calls/"+a+"/actions/"+action, raw); status != 422 || code(out) != "90018" {
			t.Errorf("%s after the end: %d %v, want 90018", action, status, out)
		}
	}
}

func TestCommandsThatTheCarrierTakes(t *testing.T) {
	r := newRig(t, Config{}, idle)
	k, a := r.parked()
	do := func(leg, action, body string) map[string]any {
		t.Helper()
		method := "POST"
		if action == "client_state_update" {
			method = "PUT"
		}
		status, out := r.request(method, "/calls/"+url.PathEscape(leg)+"/actions/"+action, body)
		data, _ := out["data"].(map[string]any)
		if status != 200 || data["result"] != "ok" {
			t.Fatalf("%s %s: %d %v", action, body, status, out)
		}
		return data
	}
	hooks := `"webhook_url":"https://a.example/","webhook_url_method":"POST","webhook_retries_policies":{"call.hangup":{"retries_ms":[1000,2000]}}`
	data := do(a, "answer", `{"client_state":"YQ==","command_id":"1","send_silence_when_idle":true,"billing_group_id":"f5586561-8ff0-4291-a0ac-84fe544797bd",
		"record":"record-from-answer","record_format":"wav","record_channels":"single","record_max_length":60,`+hooks+`}`)
	if id, _ := data["recording_id"].(string); len(id) != 36 {
		t.Errorf("an answer that records promises no recording: %v", data)
	}
	r.await(k, "A is through", taken("A", "call.answered"))
	do(a, "speak", `{"payload":"hello","voice":"AWS.Polly.Joanna","payload_type":"text","language":"en-US","service_level":"premium","loop":"infinity","target_legs":"self"}`)
	do(a, "playback_start", `{"audio_url":"https://a.example/a.mp3","loop":1,"overlay":false,"cache_audio":true}`)
	do(a, "playback_stop", `{"stop":"all"}`)
	do(a, "send_dtmf", `{"digits":"1","duration_millis":250}`)
	do(a, "client_state_update", `{"client_state":"Yg=="}`)
	do(a, "record_start", `{"format":"mp3","channels":"dual","max_length":3600,"play_beep":true,"recording_track":"both","trim":"trim-silence","custom_file_name":"x","transcription":true,"transcription_engine":"B"}`)
	do(a, "record_pause", `{}`)
	do(a, "record_resume", `{}`)
	do(a, "record_stop", `{}`)
	do(a, "transfer", `{"to":"`+bob+`","from":"`+proxy+`","from_display_name":"Shop","privacy":"none","timeout_secs":600,"time_limit_secs":30,
		"client_state":"Yg==","target_leg_client_state":"Yw==","early_media":false,"mute_dtmf":"opposite","record":"record-from-answer",
		"answering_machine_detection":"disabled","sip_region":"Europe","custom_headers":[{"name":"X-A","value":"b"}],`+hooks+`}`)
	r.await(k, "B answers", taken("B", "call.answered"))
	do(a, "hangup", `{"command_id":"2","custom_headers":[]}`)
	l := r.finish(k)
	for _, kind := range []string{"call.speak.ended cancelled", "call.playback.ended cancelled"} {
		found := false
		for _, s := range trail(l) {
			found = found || s == "A "+kind
		}
		if !found {
			t.Errorf("no %s:\n%s", kind, l.Ladder())
		}
	}
	if len(l.Recordings) != 3 {
		t.Errorf("%d recordings, want those of answer, record_start and transfer", len(l.Recordings))
	}
}

func TestARepeatedCommandIdIsIgnored(t *testing.T) {
	r := newRig(t, Config{}, idle)
	k, a := r.parked()
	for i := range 3 {
		if status, _ := r.act(a, "answer", map[string]any{"command_id": "same"}); status != 200 {
			t.Errorf("attempt %d: %d", i+1, status)
		}
	}
	r.await(k, "A is through", taken("A", "call.answered"))
	// A refused command leaves its id free.
	if status, out := r.act(a, "transfer", map[string]any{"to": "nobody", "command_id": "t"}); status != 422 {
		t.Errorf("%d %v", status, out)
	}
	for range 2 {
		if status, out := r.act(a, "transfer", map[string]any{"to": bob, "command_id": "t"}); status != 200 {
			t.Errorf("%d %v", status, out)
		}
	}
	l := r.await(k, "B answers", taken("B", "call.answered"))
	if l.Effects("answer") != 1 || l.Effects("transfer") != 1 || len(l.Legs) != 2 {
		t.Errorf("a repeat took effect:\n%s", l.Ladder())
	}
	if got := r.Totals().Repeats; got != 3 {
		t.Errorf("%d repeats, want 3", got)
	}
	// The same id on another leg is another command.
	if status, _ := r.act(l.Legs[1].ControlID, "hangup", map[string]any{"command_id": "same"}); status != 200 {
		t.Errorf("hangup: %d", status)
	}
	if l := r.finish(k); l.EffectsOn("B", "hangup") != 1 {
		t.Error("the id of leg A was taken for one of leg B")
	}
}

func TestTheBearerKeyIsChecked(t *testing.T) {
	r := newRig(t, Config{APIKey: "SECRET"}, idle)
	k, a := r.parked()
	if status, out := r.act(a, "answer", nil); status != 401 || code(out) != "10009" {
		t.Errorf("a wrong key: %d %v", status, out)
	}
	req, _ := http.NewRequestWithContext(r.ctx, "GET", r.BaseURL()+"/calls/"+a, nil)
	req.Header.Set("Authorization", "Bearer SECRET")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Errorf("the right key: %d", resp.StatusCode)
	}
	if n := len(k.Ledger().Commands); n != 1 {
		t.Errorf("%d commands noted, want only the one let in", n)
	}
}

func TestStatusOfALeg(t *testing.T) {
	r := newRig(t, Config{}, idle)
	k, a := r.parked()
	r.act(a, "answer", map[string]any{"client_state": b64("x")})
	look := func() map[string]any {
		t.Helper()
		status, out := r.request("GET", "/calls/"+url.PathEscape(a), "")
		if status != 200 {
			t.Fatalf("%d %v", status, out)
		}
		return out["data"].(map[string]any)
	}
	live := look()
	if live["is_alive"] != true || live["client_state"] != b64("x") || live["record_type"] != "call" ||
		live["call_session_id"] != k.Session() || live["end_time"] != nil || live["start_time"] == nil {
		t.Errorf("alive: %v", live)
	}
	k.HangUp(party.Caller)
	r.finish(k)
	if dead := look(); dead["is_alive"] != false || dead["end_time"] == nil {
		t.Errorf("over: %v", dead)
	}
	if n := k.Ledger().Effects("status"); n != 0 {
		t.Errorf("a look-up took effect %d times", n)
	}
}

func TestActiveCallsInPages(t *testing.T) {
	r := newRig(t, Config{ConnectionID: "77"}, idle)
	want := map[string]bool{}
	var calls []*Call
	for range 7 {
		k, a := r.parked()
		want[a] = true
		calls = append(calls, k)
	}
	calls[2].HangUp(party.Caller)
	delete(want, calls[2].Ledger().Legs[0].ControlID)

	pages, path := 0, "/connections/77/active_calls?page[limit]=4"
	for path != "" {
		status, out := r.request("GET", path, "")
		if status != 200 {
			t.Fatalf("%d %v", status, out)
		}
		for _, v := range out["data"].([]any) {
			id := v.(map[string]any)["call_control_id"].(string)
			if !want[id] {
				t.Errorf("%s is over, or was listed twice", id)
			}
			delete(want, id)
		}
		meta := out["meta"].(map[string]any)
		if meta["total_items"] != 6. {
			t.Errorf("total_items %v, want 6", meta["total_items"])
		}
		next, _ := meta["next"].(string)
		path = strings.TrimPrefix(next, r.BaseURL())
		pages++
	}
	if pages != 2 || len(want) != 0 {
		t.Errorf("%d pages, missing %v", pages, want)
	}
	if status, out := r.request("GET", "/connections/77/active_calls?page[limit]=251", ""); status != 422 || code(out) != "10033" {
		t.Errorf("a page of 251: %d %v", status, out)
	}
	if status, _ := r.request("GET", "/connections/78/active_calls", ""); status != 404 {
		t.Errorf("another connection: %d", status)
	}
}

func TestLedgerKeepsTheBodies(t *testing.T) {
	r := newRig(t, Config{}, idle)
	k, a := r.parked()
	r.act(a, "answer", map[string]any{"client_state": b64("x")})
	c := k.Ledger().Commands[0]
	var in map[string]string
	if err := json.Unmarshal(c.Body, &in); err != nil || in["client_state"] != b64("x") || c.ID != in["command_id"] {
		t.Errorf("body %s, id %s: %v", c.Body, c.ID, err)
	}
	if c.Leg != "A" || c.Status != 200 || !c.Effective || c.Took <= 0 || c.Attempt != 1 {
		t.Errorf("command %+v", c)
	}
}
