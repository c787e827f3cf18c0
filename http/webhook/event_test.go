package webhook

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// The two legs of the call that the documents in testdata/webhooks tell of.
const (
	legA    = protocol.LegID("v3:Nq3u0o1vZb7yQ2mXrT9kLwHs5eCfJdGa8iPnYtBxVcUzRlMoSjAEkg")
	legB    = protocol.LegID("v3:Hs8d2k4fWm6xT1pYbR5jLqNu3eVcGzAa7iOnXtBvKcQzRmMoPjDElw")
	uuidA   = "5b1f0f9a-7d11-11f1-a2d3-02420a1f0b69"
	session = protocol.SessionID("5b1f0c2e-7d11-11f1-9c40-02420a1f0b69")
	signed  = "https://s3.amazonaws.com/telephony-recorder-prod/00000000-0000-4000-8000-000000000000/2026-08-24/" + uuidA + "-1787583853.mp3" +
		"?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=EXAMPLE%2F20260824%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20260824T150521Z" +
		"&X-Amz-Expires=600&X-Amz-SignedHeaders=host&X-Amz-Signature=0000000000000000000000000000000000000000000000000000000000000000"
)

var readAt = time.Date(2026, 8, 24, 16, 0, 0, 0, time.UTC)

func number(s string) phone.Number { return phone.FromCarrier(s) }

func clock(s string) time.Time {
	t, err := time.Parse("15:04:05.000000", s)
	if err != nil {
		panic(err)
	}
	return t.AddDate(2026, 7, 23)
}

// onA and onB fill in what all documents about a leg have in common; bare
// leaves the numbers out, which half of the events do not carry.
func onA(id, when string) protocol.About {
	about := bare(id, when)
	about.From, about.To = number("+13125550111"), number("+13125550199")
	return about
}

func onB(id, when string) protocol.About {
	about := bare(id, when)
	about.Leg, about.From, about.To = legB, number("+13125550199"), number("+17735550122")
	return about
}

func bare(id, when string) protocol.About {
	return protocol.About{
		EventID: "0ccc7b54-4df3-4bca-a65a-3da1ecc700" + id, Session: session, Leg: legA,
		Connection: "2811000000000000001", At: clock(when), Attempt: 1,
	}
}

func again(about protocol.About) protocol.About { about.Attempt = 2; return about }
func noLeg(about protocol.About) protocol.About { about.Leg = ""; return about }

// documents has every file of testdata/webhooks.
var documents = map[string]protocol.LegEvent{
	"call.initiated":                       protocol.LegRang{About: onA("01", "15:04:05.101284"), Incoming: true},
	"call.initiated.leg-b":                 protocol.LegRang{About: onB("04", "15:04:06.412907")},
	"call.answered":                        protocol.LegAnswered{About: onA("02", "15:04:06.020611")},
	"call.answered.redelivery":             protocol.LegAnswered{About: again(onA("02", "15:04:06.020611"))},
	"call.answered.leg-b":                  protocol.LegAnswered{About: onB("07", "15:04:13.570338")},
	"call.bridged":                         protocol.LegBridged{About: onA("06", "15:04:06.880112")},
	"call.bridged.leg-b":                   protocol.LegBridged{About: onB("05", "15:04:06.881044")},
	"call.hangup":                          protocol.LegHungUp{About: onA("08", "15:05:19.904551"), Cause: protocol.CauseNormalClearing, Source: protocol.SourceCaller, SIP: "200"},
	"call.hangup.leg-b":                    protocol.LegHungUp{About: onB("09", "15:05:19.921003"), Cause: protocol.CauseNormalClearing, Source: protocol.SourceCaller, SIP: "200"},
	"call.hangup.leg-b.busy":               protocol.LegHungUp{About: onB("0b", "15:04:09.113200"), Cause: protocol.CauseUserBusy, Source: protocol.SourceCallee, SIP: "486"},
	"call.hangup.leg-b.not-found":          protocol.LegHungUp{About: onB("0d", "15:04:07.900410"), Cause: protocol.CauseNotFound, Source: protocol.SourceCallee, SIP: "404"},
	"call.hangup.leg-b.originator-cancel":  protocol.LegHungUp{About: onB("0e", "15:04:11.204440"), Cause: protocol.CauseOriginatorCancel, Source: protocol.SourceCaller, SIP: "487"},
	"call.hangup.leg-b.rejected":           protocol.LegHungUp{About: onB("0c", "15:04:10.770031"), Cause: protocol.CauseCallRejected, Source: protocol.SourceCallee, SIP: "603"},
	"call.hangup.leg-b.timeout":            protocol.LegHungUp{About: onB("0a", "15:04:36.431870"), Cause: protocol.CauseTimeout, SIP: "487"},
	"call.hangup.rejected-inbound":         protocol.LegHungUp{About: onA("0f", "15:04:05.402200"), Cause: protocol.CauseCallRejected, Source: protocol.SourceCallee, SIP: "unspecified"},
	"call.speak.ended":                     protocol.SpeechEnded{About: bare("15", "15:04:10.000001")},
	"call.recording.saved":                 protocol.LegRecorded{About: bare("10", "15:05:21.337790"), Recording: "10cd86ac-fef8-4765-b203-0f7511f9fc75", LegUUID: uuidA, Format: "mp3", Channels: "dual", StartedAt: clock("15:04:13.802117"), EndedAt: clock("15:05:19.904551"), Link: signed},
	"call.recording.saved.schema-only":     protocol.LegRecorded{About: noLeg(bare("11", "15:05:21.337790")), LegUUID: uuidA, Format: "mp3", Channels: "dual", StartedAt: clock("15:04:13.802117"), EndedAt: clock("15:05:19.904551"), Link: signed},
	"call.recording.error":                 protocol.RecordingFailed{About: bare("12", "15:05:21.337790"), Reason: "Internal server error"},
	"call.recording.transcription.saved":   protocol.LegTranscribed{About: bare("13", "15:05:48.100000"), Recording: "10cd86ac-fef8-4765-b203-0f7511f9fc75", ID: "3fa85f64-5717-4562-b3fc-2c963f66afa6", Text: "Hi, I am at the front door."},
	"call.speak.started":                   protocol.LegNoted{About: bare("14", "15:04:07.000001"), What: "call.speak.started"},
	"call.playback.started":                protocol.LegNoted{About: bare("16", "15:04:07.000001"), What: "call.playback.started"},
	"call.playback.ended":                  protocol.LegNoted{About: bare("17", "15:04:10.000001"), What: "call.playback.ended"},
	"call.dtmf.received":                   protocol.LegNoted{About: onA("18", "15:04:08.500000"), What: "call.dtmf.received"},
	"call.gather.ended":                    protocol.LegNoted{About: onA("19", "15:04:09.500000"), What: "call.gather.ended"},
	"call.machine.detection.ended":         protocol.LegNoted{About: onB("1a", "15:04:16.000000"), What: "call.machine.detection.ended"},
	"call.machine.greeting.ended":          protocol.LegNoted{About: onB("1b", "15:04:22.000000"), What: "call.machine.greeting.ended"},
	"call.machine.premium.detection.ended": protocol.LegNoted{About: onB("1c", "15:04:16.000000"), What: "call.machine.premium.detection.ended"},
	"call.machine.premium.greeting.ended":  protocol.LegNoted{About: onB("1d", "15:04:22.000000"), What: "call.machine.premium.greeting.ended"},
	"call.hold":                            protocol.LegNoted{About: onA("1e", "15:04:30.000000"), What: "call.hold"},
	"call.unhold":                          protocol.LegNoted{About: onA("1f", "15:04:40.000000"), What: "call.unhold"},
	"call.cost":                            protocol.LegNoted{About: bare("20", "15:05:40.000000"), What: "call.cost"},
}

func document(t testing.TB, name string) []byte {
	body, err := os.ReadFile(filepath.Join("testdata", "webhooks", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestDocuments(t *testing.T) {
	files, err := filepath.Glob("testdata/webhooks/*.json")
	if err != nil || len(files) != 32 || len(documents) != 32 {
		t.Fatalf("%d files, %d expectations, %v", len(files), len(documents), err)
	}
	for name, want := range documents {
		t.Run(name, func(t *testing.T) {
			got, err := Decode(document(t, name), readAt)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("got  %T %+v, %v\nwant %T %+v", got, got, err, want, want)
			}
		})
	}
}

// edit decodes a document after changes to its payload; null deletes nothing.
func edit(t *testing.T, name string, changes map[string]any) (protocol.LegEvent, error) {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(document(t, name), &doc); err != nil {
		t.Fatal(err)
	}
	for path, value := range changes {
		at := doc
		steps := strings.Split(path, "/")
		for _, step := range steps[:len(steps)-1] {
			at = at[step].(map[string]any)
		}
		if value == absent {
			delete(at, steps[len(steps)-1])
		} else {
			at[steps[len(steps)-1]] = value
		}
	}
	body, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return Decode(body, readAt)
}

type nothing struct{}

var absent = nothing{}

func TestTags(t *testing.T) {
	tag := protocol.Tag{Booking: protocol.BookingID{1, 6: 0x70, 8: 0x80}, Call: protocol.CallID{2, 6: 0x70, 8: 0x80}, Leg: protocol.LegB}
	for state, want := range map[any]protocol.Tag{
		base64.StdEncoding.EncodeToString([]byte(tag.String())):    tag,
		base64.RawStdEncoding.EncodeToString([]byte(tag.String())): {},
		base64.StdEncoding.EncodeToString([]byte("somebody's")):    {},
		tag.String():              {},
		"":                        {},
		absent:                    {},
		nil:                       {},
		5:                         {},
		strings.Repeat("A", 4000): {},
	} {
		event, err := edit(t, "call.answered", map[string]any{"data/payload/client_state": state})
		if err != nil || event.Facts().Tag != want {
			t.Errorf("state %v: tag %+v, %v", state, event.Facts().Tag, err)
		}
	}
}

func TestRings(t *testing.T) {
	var tests = []struct {
		story              string
		changes            map[string]any
		incoming, withheld bool
		from               string
	}{
		{"as it comes", nil, true, false, "+13125550111"},
		{"no plus", map[string]any{"data/payload/from": "13125550111"}, true, false, "+13125550111"},
		{"dashes", map[string]any{"data/payload/from": "+1-312-555-0111"}, true, false, "+13125550111"},
		{"anonymous", map[string]any{"data/payload/from": "anonymous"}, true, true, ""},
		{"a SIP address", map[string]any{"data/payload/from": "sip:alice@example.com"}, true, true, ""},
		{"no caller", map[string]any{"data/payload/from": absent}, true, true, ""},
		{"null", map[string]any{"data/payload/from": nil}, true, true, ""},
		{"an object", map[string]any{"data/payload/from": map[string]any{"phone_number": "+13125550111"}}, true, true, ""},
		{"the leg we dial", map[string]any{"data/payload/direction": "outgoing"}, false, false, "+13125550111"},
		{"not the carrier's word", map[string]any{"data/payload/direction": "inbound"}, false, false, "+13125550111"},
		{"no direction, but parked", map[string]any{"data/payload/direction": absent}, true, false, "+13125550111"},
		{"nothing says that it waits", map[string]any{"data/payload/direction": absent, "data/payload/state": nil}, false, false, "+13125550111"},
	}
	for _, test := range tests {
		t.Run(test.story, func(t *testing.T) {
			event, err := edit(t, "call.initiated", test.changes)
			if err != nil {
				t.Fatal(err)
			}
			rang := event.(protocol.LegRang)
			if rang.Incoming != test.incoming || rang.Withheld != test.withheld || rang.From.E164() != test.from {
				t.Errorf("got %+v from %q", rang, rang.From.E164())
			}
		})
	}
}

// TestLeniency: what a member that decides nothing looks like, costs no event.
func TestLeniency(t *testing.T) {
	var tests = []struct {
		story   string
		changes map[string]any
		look    func(protocol.LegEvent) any
		want    any
	}{
		{"no instant: ours", map[string]any{"data/occurred_at": absent}, when, readAt},
		{"no instant: null", map[string]any{"data/occurred_at": nil}, when, readAt},
		{"no instant: yesterday", map[string]any{"data/occurred_at": "yesterday"}, when, readAt},
		{"no instant: a number", map[string]any{"data/occurred_at": 1787583846}, when, readAt},
		{"another zone", map[string]any{"data/occurred_at": "2026-08-24T17:04:05.5+02:00"}, when, clock("15:04:05.500000")},
		{"no meta", map[string]any{"meta": absent}, attempt, 1},
		{"meta is null", map[string]any{"meta": nil}, attempt, 1},
		{"meta is a text", map[string]any{"meta": "x"}, attempt, 1},
		{"attempt is a text", map[string]any{"meta": map[string]any{"attempt": "3"}}, attempt, 1},
		{"attempt is negative", map[string]any{"meta": map[string]any{"attempt": -3}}, attempt, 1},
		{"attempt is huge", map[string]any{"meta": map[string]any{"attempt": 1e300}}, attempt, 1},
		{"attempt 7", map[string]any{"meta": map[string]any{"attempt": 7}}, attempt, 7},
		{"the event has no id", map[string]any{"data/id": absent}, id, ""},
		{"the id is an essay", map[string]any{"data/id": strings.Repeat("x", 600)}, id, ""},
		{"the id has a line break", map[string]any{"data/id": "a\nb"}, id, ""},
		{"the connection is a number", map[string]any{"data/payload/connection_id": 28}, connection, "28"},
		{"no leg: the session finds the call", map[string]any{"data/payload/call_control_id": nil}, leg, protocol.LegID("")},
		{"no session: the leg finds the call", map[string]any{"data/payload/call_session_id": absent}, leg, legA},
		{"a cause that nobody knows", map[string]any{"data/payload/hangup_cause": "solar_flare"}, cause, protocol.CauseUnspecified},
		{"a cause that is none", map[string]any{"data/payload/hangup_cause": []int{1}}, cause, protocol.CauseUnspecified},
		{"no source", map[string]any{"data/payload/hangup_source": nil}, source, protocol.SourceUnknown},
		{"the SIP status as a number", map[string]any{"data/payload/sip_hangup_cause": 486}, sip, "486"},
		{"the SIP status as a line", map[string]any{"data/payload/sip_hangup_cause": "486 Busy\r\n"}, sip, ""},
		{"members that nobody has heard of", map[string]any{"data/payload/x": []any{map[string]any{}}, "y": 1}, leg, legA},
	}
	for _, test := range tests {
		t.Run(test.story, func(t *testing.T) {
			event, err := edit(t, "call.hangup", test.changes)
			if err != nil {
				t.Fatal(err)
			}
			if got := test.look(event); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func when(e protocol.LegEvent) any       { return e.Facts().At }
func attempt(e protocol.LegEvent) any    { return e.Facts().Attempt }
func id(e protocol.LegEvent) any         { return e.Facts().EventID }
func connection(e protocol.LegEvent) any { return e.Facts().Connection }
func leg(e protocol.LegEvent) any        { return e.Facts().Leg }
func cause(e protocol.LegEvent) any      { return e.(protocol.LegHungUp).Cause }
func source(e protocol.LegEvent) any     { return e.(protocol.LegHungUp).Source }
func sip(e protocol.LegEvent) any        { return e.(protocol.LegHungUp).SIP }

func TestRecordings(t *testing.T) {
	event, err := edit(t, "call.recording.saved", map[string]any{
		"data/payload/recording_id": nil, "data/payload/format": "exe", "data/payload/channels": 2,
		"data/payload/recording_started_at": absent, "data/payload/recording_ended_at": nil,
		"data/payload/recording_urls": map[string]any{"mp3": nil, "wav": "https://example.com/x.wav"},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := event.(protocol.LegRecorded)
	if got.Recording != "" || got.Format != "wav" || got.Channels != "" || got.StartedAt != clock("15:04:13.802117") || got.EndedAt != clock("15:05:19.904551") {
		t.Errorf("got %+v", got)
	}
	event, err = edit(t, "call.recording.saved", map[string]any{
		"data/payload/recording_urls": "none", "data/payload/format": nil, "data/payload/start_time": nil, "data/payload/recording_started_at": nil,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := event.(protocol.LegRecorded); got.Format != "" || !got.StartedAt.IsZero() {
		t.Errorf("got %+v", got)
	}
	event, err = edit(t, "call.recording.error", map[string]any{"data/payload/reason": "a\r\nb" + strings.Repeat("é", 200)})
	if err != nil {
		t.Fatal(err)
	}
	if got := event.(protocol.RecordingFailed).Reason; len(got) > maxReason || !strings.HasPrefix(got, "a  bé") {
		t.Errorf("reason %q", got)
	}
}

func TestLinks(t *testing.T) {
	const mp3, wav = "https://example.com/a.mp3?X=%20", "https://example.com/a.wav"
	longest := "https://example.com/" + strings.Repeat("a", maxLink-20)
	urls := func(mp3, wav any) map[string]any { return map[string]any{"mp3": mp3, "wav": wav} }
	for _, test := range []struct {
		story, format string
		urls          any
		want          protocol.Secret
	}{
		{"of the format", "mp3", urls(mp3, wav), mp3},
		{"of the other format", "wav", urls(mp3, wav), wav},
		{"of a format that is not told", "", urls(nil, wav), wav},
		{"of no format that is told", "", urls(mp3, wav), mp3},
		{"none of the format", "wav", urls(mp3, nil), ""},
		{"none at all", "mp3", urls("", ""), ""},
		{"absent", "mp3", absent, ""},
		{"null", "mp3", nil, ""},
		{"a text", "mp3", mp3, ""},
		{"a list", "mp3", urls([]any{mp3}, nil), ""},
		{"with a line break", "mp3", urls(mp3+"\r\nX: 1", nil), ""},
		{"with a space", "mp3", urls(" "+mp3, nil), ""},
		{"in letters of others", "mp3", urls("https://exämple.com/", nil), ""},
		{"as long as may be", "mp3", urls(longest, nil), protocol.Secret(longest)},
		{"longer", "mp3", urls(longest+"a", nil), ""},
	} {
		event, err := edit(t, "call.recording.saved", map[string]any{"data/payload/format": test.format, "data/payload/recording_urls": test.urls})
		if err != nil {
			t.Fatal(test.story, err)
		}
		if got := event.(protocol.LegRecorded); got.Link != test.want {
			t.Errorf("%s: %q", test.story, string(got.Link))
		}
		if s := fmt.Sprintf("%v %+v %#v", event, event, event); strings.Contains(s, "example.com") {
			t.Errorf("%s: printed, the event shows its link: %s", test.story, s)
		}
	}
}

func TestTranscripts(t *testing.T) {
	const most = protocol.MaxTranscript
	for _, test := range []struct {
		story   string
		changes map[string]any
		want    string
	}{
		{"as it comes", nil, "Hi, I am at the front door."},
		{"in lines", map[string]any{"data/payload/transcription_text": "A\nB"}, "A\nB"},
		{"nobody has spoken", map[string]any{"data/payload/transcription_text": ""}, ""},
		{"null", map[string]any{"data/payload/transcription_text": nil}, ""},
		{"no status", map[string]any{"data/payload/status": absent}, "Hi, I am at the front door."},
		{"a byte that stores refuse", map[string]any{"data/payload/transcription_text": "a\x00b"}, "a b"},
		{"as long as may be", map[string]any{"data/payload/transcription_text": strings.Repeat("a", most)}, strings.Repeat("a", most)},
		{"longer", map[string]any{"data/payload/transcription_text": strings.Repeat("a", most+1)}, strings.Repeat("a", most)},
		{"cut at a letter", map[string]any{"data/payload/transcription_text": strings.Repeat("a", most-2) + "☎"}, strings.Repeat("a", most-2)},
		{"no leg", map[string]any{"data/payload/call_control_id": nil}, "Hi, I am at the front door."},
		{"only the session", map[string]any{"data/payload/call_control_id": absent, "data/payload/recording_id": absent}, "Hi, I am at the front door."},
		{"only the recording", map[string]any{"data/payload/call_control_id": nil, "data/payload/call_session_id": nil}, "Hi, I am at the front door."},
	} {
		event, err := edit(t, "call.recording.transcription.saved", test.changes)
		if err != nil {
			t.Fatal(test.story, err)
		}
		if got := event.(protocol.LegTranscribed); got.Text != test.want {
			t.Errorf("%s: %d bytes, %.50q", test.story, len(got.Text), got.Text)
		}
	}
	event, err := edit(t, "call.recording.transcription.saved", map[string]any{"data/payload/status": "failed"})
	if noted, ok := event.(protocol.LegNoted); err != nil || !ok || noted.What != "call.recording.transcription.saved" {
		t.Errorf("one that failed: %+v, %v", event, err)
	}
	for _, id := range []any{absent, "", "a b", nil} {
		event, err := edit(t, "call.recording.transcription.saved", map[string]any{
			"data/payload/call_control_id": absent, "data/payload/call_session_id": absent, "data/payload/recording_id": id,
		})
		if event != nil || !errors.Is(err, ErrMalformed) {
			t.Errorf("of nobody: %+v, %v", event, err)
		}
	}
}

var refused = []struct {
	story, body string
	want        error
}{
	{"nothing", "", ErrMalformed},
	{"no JSON", "<html>", ErrMalformed},
	{"half of it", `{"data":{"event_type":"call.answered"`, ErrMalformed},
	{"two documents", `{"data":{"event_type":"call.hold"}} {}`, ErrMalformed},
	{"null", "null", ErrMalformed},
	{"a list", "[]", ErrMalformed},
	{"an empty object", "{}", ErrMalformed},
	{"data is a list", `{"data":[]}`, ErrMalformed},
	{"no type", `{"data":{"id":"x","payload":{}}}`, ErrMalformed},
	{"the type is a number", `{"data":{"event_type":5}}`, ErrMalformed},
	{"the type is a sentence", `{"data":{"event_type":"call +13125550111 now"}}`, ErrMalformed},
	{"no payload", `{"data":{"event_type":"call.answered"}}`, ErrMalformed},
	{"the payload is a text", `{"data":{"event_type":"call.answered","payload":"+13125550111"}}`, ErrMalformed},
	{"neither leg nor session", `{"data":{"event_type":"call.hangup","payload":{"call_leg_id":"x"}}}`, ErrMalformed},
	{"the leg is a number", `{"data":{"event_type":"call.hangup","payload":{"call_session_id":"s","call_control_id":13125550111}}}`, ErrMalformed},
	{"the leg has a space", `{"data":{"event_type":"call.hangup","payload":{"call_session_id":"s","call_control_id":"a b"}}}`, ErrMalformed},
	{"the session is an object", `{"data":{"event_type":"call.hangup","payload":{"call_session_id":{},"call_control_id":"l"}}}`, ErrMalformed},
	{"version 1", `{"record_type":"event","id":"x","event_type":"call_initiated","created_at":"2018-02-02T22:25:27.521992Z","payload":{"call_control_id":"l"}}`, ErrForeign},
	{"version 1 in the envelope", `{"data":{"event_type":"call_initiated","payload":{"call_control_id":"l"}}}`, ErrForeign},
	{"the portal's view", `{"created_at":"2026-08-24T15:04:05Z","webhook_id":"x","payload":{}}`, ErrForeign},
	{"the portal's other view", `{"metadata":{"event":"call.initiated"},"created_at":"2026-08-24T15:04:05Z"}`, ErrForeign},
}

func TestRefused(t *testing.T) {
	for _, test := range refused {
		t.Run(test.story, func(t *testing.T) {
			event, err := Decode([]byte(test.body), readAt)
			if event != nil || !errors.Is(err, test.want) {
				t.Errorf("got %v, %v, want %v", event, err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "3125550111") {
				t.Errorf("a number is in the error: %v", err)
			}
		})
	}
}

// TestOtherEventsMayLookAsTheyLike: on these nothing is decided.
func TestOtherEventsMayLookAsTheyLike(t *testing.T) {
	for body, what := range map[string]string{
		`{"data":{"event_type":"call.enqueued","payload":{"call_control_id":"l"}}}`:     "call.enqueued",
		`{"data":{"event_type":"conference.created"}}`:                                  "conference.created",
		`{"data":{"event_type":"message.received","payload":{"call_control_id":5}}}`:    "message.received",
		`{"data":{"event_type":"fax.sent","payload":[]}}`:                               "fax.sent",
		`{"data":{"event_type":"call.hold","payload":{"call_control_id":"a b"}}}`:       "call.hold",
		"{\"data\":{\"event_type\":\"call.hold\",\"payload\":{\"from\":\"\xff\xe9\"}}}": "call.hold",
	} {
		event, err := Decode([]byte(body), readAt)
		if noted, ok := event.(protocol.LegNoted); err != nil || !ok || noted.What != what {
			t.Errorf("%s: %+v, %v", body, event, err)
		}
	}
}

// FuzzDecode: no body makes a panic, or an event that its readers cannot trust.
func FuzzDecode(f *testing.F) {
	for name := range documents {
		f.Add(document(f, name))
	}
	for _, test := range refused {
		f.Add([]byte(test.body))
	}
	for _, payload := range []string{
		`"recording_id":"r","format":"wav","recording_urls":{"mp3":"https://a/b","wav":"https://a/c"}`,
		`"call_session_id":"s","recording_urls":{"mp3":"https://a/b\r\n","wav":["https://a/c"]}`,
		`"call_session_id":"s","recording_urls":"https://a/b"`,
		`"recording_id":"r","transcription_text":"a\u0000\ud83d\ude00","status":"completed"`,
		`"recording_id":"r","transcription_text":"\ud83d","status":5`,
		`"recording_id":"r","status":"failed"`,
		`"call_session_id":"s","transcription_text":["a"]`,
	} {
		f.Add([]byte(`{"data":{"event_type":"call.recording.saved","payload":{` + payload + `}}}`))
		f.Add([]byte(`{"data":{"event_type":"call.recording.transcription.saved","payload":{` + payload + `}}}`))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		event, odd, err := decode(body, readAt)
		if err != nil {
			if event != nil || !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrForeign) || len(err.Error()) > 200 {
				t.Errorf("%v, %v", event, err)
			}
			return
		}
		about := event.Facts()
		_, other := event.(protocol.LegNoted)
		transcribed, _ := event.(protocol.LegTranscribed)
		switch {
		case !other && transcribed.Recording == "" && about.Leg == "" && about.Session == "":
			t.Error("an event about nobody")
		case other != (event.Kind() == protocol.EventOther):
			t.Errorf("%T is of kind %s", event, event.Kind())
		case about.Attempt < 1, about.At.IsZero():
			t.Errorf("attempt %d at %s", about.Attempt, about.At)
		case about.Tag.Known() && about.Tag.String() == "":
			t.Error("a tag without a form")
		}
		for _, s := range []string{about.EventID, string(about.Leg), string(about.Session), about.Connection, odd} {
			if len(s) > maxID || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
				t.Errorf("unfit for a log line: %q", s)
			}
		}
		switch event := event.(type) {
		case protocol.LegRang:
			if event.Withheld == about.From.Known() {
				t.Errorf("withheld %t, from %s", event.Withheld, about.From)
			}
		case protocol.LegHungUp:
			if event.Cause == protocol.CauseNone {
				t.Error("hung up without a cause")
			}
		case protocol.LegRecorded:
			if event.Format != "" && event.Format != "mp3" && event.Format != "wav" {
				t.Errorf("format %q", event.Format)
			}
			if text(event.Link).token(4<<10) != string(event.Link) {
				t.Errorf("unfit for a link: %q", string(event.Link))
			}
		case protocol.LegTranscribed:
			if len(event.Text) > protocol.MaxTranscript || !utf8.ValidString(event.Text) || strings.Contains(event.Text, "\x00") {
				t.Errorf("unfit for a store: %q", event.Text)
			}
		}
		if again, _, err := decode(body, readAt); err != nil || fmt.Sprint(again) != fmt.Sprint(event) {
			t.Error("the same body is another event the second time")
		}
	})
}

// A sentence that was broken off was not heard; one of which the carrier does not
// say how it ended was.
func TestSpeechThatBreaksOff(t *testing.T) {
	for status, broken := range map[any]bool{"completed": false, absent: false, nil: false, "call_hangup": true, "cancelled_amd": true, "new_word": true} {
		got, err := edit(t, "call.speak.ended", map[string]any{"data/payload/status": status})
		if ended, ok := got.(protocol.SpeechEnded); !ok || err != nil || ended.Broken != broken {
			t.Errorf("status %v: %+v, %v", status, got, err)
		}
	}
}
