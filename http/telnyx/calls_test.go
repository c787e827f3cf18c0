package telnyx

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

const (
	testKey = "KEY0123456789ABCDEF_testonly"
	testLeg = protocol.LegID("v3:Nq3u0o1vZb7yQ2mXrT9kLwHs5eCfJdGa8iPnYtBxVcUzRlMoSjAEkg")
)

var (
	tagA = protocol.Tag{Booking: protocol.BookingID{1, 6: 0x70, 8: 0x80}, Call: protocol.CallID{2, 6: 0x70, 8: 0x80}, Leg: protocol.LegA}
	tagB = protocol.Tag{Booking: tagA.Booking, Call: tagA.Call, Leg: protocol.LegB}
)

// carrier is a transport in the test's hands.
type carrier func(*http.Request) (*http.Response, error)

func (f carrier) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(status int, body string, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

const (
	taken = `{"data":{"result":"ok"}}`
	alive = `{"data":{"call_control_id":"v3:x","call_leg_id":"l","call_session_id":"s","is_alive":true,"record_type":"call"}}`
)

func fault(code, title, detail string) string {
	return fmt.Sprintf(`{"errors":[{"code":%q,"title":%q,"detail":%q}]}`, code, title, detail)
}

func newClient(t testing.TB, transport http.RoundTripper, change ...func(*Config)) *Client {
	t.Helper()
	config := Config{APIKey: testKey, Transport: transport}
	for _, f := range change {
		f(&config)
	}
	c, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func number(t testing.TB, s string) phone.Number {
	t.Helper()
	n, err := phone.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func transfer(t testing.TB) protocol.Transfer {
	return protocol.Transfer{
		Leg: testLeg, To: number(t, "+17735550122"), From: number(t, "+13125550199"),
		TagA: tagA, TagB: tagB, RingTimeout: 30 * time.Second, Limit: 4 * time.Hour,
	}
}

// everyCommand has each kind, and the forms of it that differ.
func everyCommand(t testing.TB) []protocol.Command {
	bare := protocol.Transfer{Leg: testLeg, To: number(t, "+17735550122")}
	short, long := transfer(t), transfer(t)
	short.RingTimeout, short.Limit = time.Second, time.Second
	long.RingTimeout, long.Limit = time.Hour, 24*time.Hour
	return []protocol.Command{
		protocol.Answer{Leg: testLeg, Tag: tagA},
		protocol.Answer{Leg: testLeg},
		protocol.Reject{Leg: testLeg, Tag: tagA},
		protocol.Reject{Leg: testLeg},
		transfer(t), bare, short, long,
		protocol.StartRecording{Leg: testLeg, Tag: tagB, Mode: protocol.RecordDualMP3},
		protocol.StartRecording{Leg: testLeg, Tag: tagB, Mode: protocol.RecordDualWAV},
		protocol.StartRecording{Leg: testLeg, Mode: protocol.RecordSingleMP3},
		protocol.StartRecording{Leg: testLeg, Tag: tagB, Mode: protocol.RecordDualMP3, Transcribe: true},
		protocol.PauseRecording{Leg: testLeg, Turn: 1},
		protocol.ResumeRecording{Leg: testLeg, Turn: 1},
		protocol.Speak{Leg: testLeg, Tag: tagA, Text: "The other party \"can't\" be reached.\nGoodbye <\u2028 ☎", What: "unreachable"},
		protocol.Speak{Leg: testLeg, Text: strings.Repeat("é", 4000), What: "long"},
		protocol.Speak{Leg: testLeg, Text: "The booking ends.", What: "checkout", Both: true},
		protocol.HangUp{Leg: testLeg},
		protocol.Find{Leg: testLeg},
		protocol.HangUp{Leg: "v2:a/b?c#d%e;f"},
	}
}

// TestCommandsFollowTheSchema holds every request against the carrier's own
// description, and against misspelt members, which that does not forbid.
func TestCommandsFollowTheSchema(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromFile("testdata/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	for _, cmd := range everyCommand(t) {
		t.Run(cmd.Kind().String(), func(t *testing.T) {
			var asked int
			c := newClient(t, carrier(func(r *http.Request) (*http.Response, error) {
				asked++
				if got := r.Header.Get("Authorization"); got != "Bearer "+testKey {
					t.Errorf("Authorization = %q", got)
				}
				route, params, err := router.FindRoute(r)
				if err != nil {
					t.Fatalf("%s %s: %v", r.Method, r.URL.EscapedPath(), err)
				}
				if got, err := url.PathUnescape(params["call_control_id"]); err != nil || got != string(cmd.Target()) {
					t.Errorf("call_control_id = %q, %v, want %q", got, err, cmd.Target())
				}
				if err := openapi3filter.ValidateRequest(r.Context(), &openapi3filter.RequestValidationInput{
					Request: r, PathParams: params, Route: route,
					Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
				}); err != nil {
					t.Error(err)
				}
				if body := route.Operation.RequestBody; body != nil {
					raw, err := io.ReadAll(r.Body)
					if err != nil {
						t.Error(err)
					}
					if int64(len(raw)) != r.ContentLength {
						t.Errorf("content length %d, body %d", r.ContentLength, len(raw))
					}
					var in any
					if err := json.Unmarshal(raw, &in); err != nil {
						t.Errorf("%v in %s", err, raw)
					}
					checkMembers(t, "", in, body.Value.Content["application/json"].Schema.Value)
				}
				return answer(200, alive), nil
			}))
			reply := c.Do(t.Context(), cmd)
			want := protocol.Reply{Status: 200, Attempts: 1, Alive: cmd.Kind() == protocol.CommandFind, Sent: reply.Sent}
			if asked != 1 || reply != want {
				t.Errorf("asked %d times, reply %+v, want %+v", asked, reply, want)
			}
		})
	}
}

// checkMembers fails for a member that the schema does not name.
func checkMembers(t *testing.T, at string, in any, schema *openapi3.Schema) {
	object, ok := in.(map[string]any)
	if !ok || schema == nil {
		return
	}
	for name, value := range object {
		switch property, extra := schema.Properties[name], schema.AdditionalProperties.Schema; {
		case property != nil:
			checkMembers(t, at+"/"+name, value, property.Value)
		case extra != nil:
			checkMembers(t, at+"/"+name, value, extra.Value)
		default:
			t.Errorf("the schema has no member %s/%s", at, name)
		}
	}
}

func TestMembersAreChecked(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromFile("testdata/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	schema := doc.Components.Schemas["TransferCallRequest"].Value
	inner := map[string]any{"webhook_retries_policies": map[string]any{"call.hangup": map[string]any{"retry_ms": 1}}}
	for _, in := range []map[string]any{{"timeout_seconds": 30}, inner} {
		var seen testing.T // takes the failure that is wanted
		checkMembers(&seen, "", in, schema)
		if !seen.Failed() {
			t.Errorf("%v was not caught", in)
		}
	}
}

// bodyOf sends a command and returns what travelled.
func bodyOf(t *testing.T, cmd protocol.Command) (path string, body map[string]any) {
	t.Helper()
	c := newClient(t, carrier(func(r *http.Request) (*http.Response, error) {
		path = r.URL.RequestURI()
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		return answer(200, taken), nil
	}))
	if reply := c.Do(t.Context(), cmd); reply.Result != protocol.CommandOK {
		t.Fatalf("reply %+v", reply)
	}
	return path, body
}

func TestTransferBody(t *testing.T) {
	path, got := bodyOf(t, transfer(t))
	if want := "/v2/calls/" + string(testLeg) + "/actions/transfer"; path != want {
		t.Errorf("path %q, want %q", path, want)
	}
	policy := map[string]any{"retries_ms": []any{1000., 3000., 6000., 15000., 35000.}}
	want := map[string]any{
		"command_id":              protocol.CommandID(testLeg, "transfer"),
		"to":                      "+17735550122",
		"from":                    "+13125550199",
		"timeout_secs":            30.,
		"time_limit_secs":         14400.,
		"client_state":            base64.StdEncoding.EncodeToString([]byte(tagA.String())),
		"target_leg_client_state": base64.StdEncoding.EncodeToString([]byte(tagB.String())),
		"webhook_retries_policies": map[string]any{
			"call.initiated": policy, "call.answered": policy, "call.bridged": policy, "call.hangup": policy,
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// TestRecordingBodies holds what travels against the whole of what should.
func TestRecordingBodies(t *testing.T) {
	state := base64.StdEncoding.EncodeToString([]byte(tagB.String()))
	var tests = []struct {
		cmd  protocol.Command
		path string
		want map[string]any
	}{
		{protocol.StartRecording{Leg: testLeg, Tag: tagB, Mode: protocol.RecordDualWAV}, "record_start", map[string]any{
			"command_id": protocol.CommandID(testLeg, "record_start"), "format": "wav", "channels": "dual", "client_state": state,
		}},
		{protocol.StartRecording{Leg: testLeg, Tag: tagB, Mode: protocol.RecordSingleMP3, Transcribe: true}, "record_start", map[string]any{
			"command_id": protocol.CommandID(testLeg, "record_start"), "format": "mp3", "channels": "single", "client_state": state,
			"transcription": true, "transcription_engine": "B",
		}},
		{protocol.PauseRecording{Leg: testLeg, Turn: 3}, "record_pause", map[string]any{"command_id": protocol.CommandID(testLeg, "record_pause:3")}},
		{protocol.ResumeRecording{Leg: testLeg, Turn: 3}, "record_resume", map[string]any{"command_id": protocol.CommandID(testLeg, "record_resume:3")}},
	}
	for _, test := range tests {
		path, got := bodyOf(t, test.cmd)
		if want := "/v2/calls/" + string(testLeg) + "/actions/" + test.path; path != want || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %v\nwant %s: %v", path, got, want, test.want)
		}
	}
}

// TestRetryPolicyIsAllowed holds our schedule against the bound that the
// carrier states in prose: five retries, 60 s in all.
func TestRetryPolicyIsAllowed(t *testing.T) {
	var policy struct {
		Retries []int `json:"retries_ms"`
	}
	if err := json.Unmarshal([]byte(retries), &policy); err != nil {
		t.Fatal(err)
	}
	sum := 0
	for _, ms := range policy.Retries {
		sum += ms
	}
	if len(policy.Retries) > 5 || sum > 60_000 {
		t.Errorf("%d retries in %d ms", len(policy.Retries), sum)
	}
}

func TestBodies(t *testing.T) {
	var tests = []struct {
		story  string
		cmd    protocol.Command
		member string
		want   any
	}{
		{"fractions of a second ring on", protocol.Transfer{Leg: testLeg, To: number(t, "+17735550122"), RingTimeout: 29001 * time.Millisecond}, "timeout_secs", 30.},
		{"too short a ring is the least the carrier takes", protocol.Transfer{Leg: testLeg, To: number(t, "+17735550122"), RingTimeout: 1}, "timeout_secs", 5.},
		{"too long a call is the most", protocol.Transfer{Leg: testLeg, To: number(t, "+17735550122"), Limit: 48 * time.Hour}, "time_limit_secs", 14400.},
		{"no limit leaves it to the carrier", protocol.Transfer{Leg: testLeg, To: number(t, "+17735550122")}, "time_limit_secs", nil},
		{"an untagged leg keeps its state", protocol.Answer{Leg: testLeg}, "client_state", nil},
		{"the carrier has no finer cause", protocol.Reject{Leg: testLeg}, "cause", "CALL_REJECTED"},
		{"dual", protocol.StartRecording{Leg: testLeg, Mode: protocol.RecordDualWAV}, "channels", "dual"},
		{"single", protocol.StartRecording{Leg: testLeg, Mode: protocol.RecordSingleMP3}, "channels", "single"},
		{"wav", protocol.StartRecording{Leg: testLeg, Mode: protocol.RecordDualWAV}, "format", "wav"},
		{"nothing is written down unasked", protocol.StartRecording{Leg: testLeg, Mode: protocol.RecordDualMP3}, "transcription", nil},
		{"what is said is written down", protocol.StartRecording{Leg: testLeg, Mode: protocol.RecordDualMP3, Transcribe: true}, "transcription", true},
		{"by the carrier's own engine", protocol.StartRecording{Leg: testLeg, Mode: protocol.RecordDualMP3, Transcribe: true}, "transcription_engine", "B"},
		{"each pause once", protocol.PauseRecording{Leg: testLeg, Turn: 2}, "command_id", protocol.CommandID(testLeg, "record_pause:2")},
		{"its end once", protocol.ResumeRecording{Leg: testLeg, Turn: 2}, "command_id", protocol.CommandID(testLeg, "record_resume:2")},
		{"the voice is pinned", protocol.Speak{Leg: testLeg, Text: "x"}, "voice", DefaultVoice},
		{"text survives JSON", protocol.Speak{Leg: testLeg, Text: "a\"b\\\n<é"}, "payload", "a\"b\\\n<é"},
		{"each sentence once", protocol.Speak{Leg: testLeg, Text: "x", What: "busy"}, "command_id", protocol.CommandID(testLeg, "speak:busy")},
		{"to one", protocol.Speak{Leg: testLeg, Tag: tagA, Text: "x"}, "target_legs", nil},
		{"to both", protocol.Speak{Leg: testLeg, Text: "x", Both: true}, "target_legs", "both"},
		{"a long text is cut, not refused", protocol.Speak{Leg: testLeg, Text: strings.Repeat("é", 3001)}, "payload", strings.Repeat("é", 3000)},
	}
	for _, test := range tests {
		t.Run(test.story, func(t *testing.T) {
			if _, body := bodyOf(t, test.cmd); body[test.member] != test.want {
				t.Errorf("%s = %v, want %v", test.member, body[test.member], test.want)
			}
		})
	}
}

func TestUnsayableCommandsAreNotSent(t *testing.T) {
	c := newClient(t, carrier(func(*http.Request) (*http.Response, error) {
		t.Error("sent")
		return answer(200, taken), nil
	}))
	for _, cmd := range []protocol.Command{
		protocol.Answer{}, protocol.HangUp{Leg: ".."}, protocol.HangUp{Leg: "a b"}, protocol.HangUp{Leg: "a\nb"},
		protocol.HangUp{Leg: protocol.LegID(strings.Repeat("x", 513))}, protocol.Find{},
		protocol.Transfer{Leg: testLeg}, protocol.Speak{Leg: testLeg},
		protocol.StartRecording{Leg: testLeg, Mode: protocol.RecordOff}, protocol.StartRecording{Leg: testLeg},
	} {
		if reply := c.Do(context.Background(), cmd); reply.Result != protocol.CommandRefused || reply.Detail == "" || reply.Attempts != 0 {
			t.Errorf("%#v: %+v", cmd, reply)
		}
	}
}

// TestRepeatsAreIdentical proves that the second attempt is the first again.
func TestRepeatsAreIdentical(t *testing.T) {
	var first []byte
	c := newClient(t, carrier(func(r *http.Request) (*http.Response, error) {
		body, _ := io.ReadAll(r.Body)
		if first == nil {
			first = body
			return answer(503, ""), nil
		}
		if !bytes.Equal(body, first) {
			t.Errorf("second body %s, first %s", body, first)
		}
		return answer(200, taken), nil
	}))
	c.random = func() float64 { return 0 }
	if reply := c.Do(t.Context(), transfer(t)); reply.Result != protocol.CommandOK || reply.Attempts != 2 {
		t.Errorf("reply %+v", reply)
	}
}
