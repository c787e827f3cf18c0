package telnyx

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"maskswitch/actors/protocol"
)

// judgements are final unless retry is named. The codes are the contract's.
var judgements = []struct {
	story  string
	kind   protocol.CommandKind
	status int
	body   string
	want   protocol.CommandResult
	code   string
	retry  string
}{
	{"taken", protocol.CommandAnswer, 200, taken, protocol.CommandOK, "", ""},
	{"taken, the words are garbage", protocol.CommandTransfer, 200, "<html>", protocol.CommandOK, "", ""},
	{"taken, no words", protocol.CommandTransfer, 202, "", protocol.CommandOK, "", ""},
	{"the caller left before we answered", protocol.CommandAnswer, 422, fault("90018", "Call has already ended", ""), protocol.CommandLegGone, "90018", ""},
	{"hangup of what hung up", protocol.CommandHangUp, 422, fault("90018", "Call has already ended", ""), protocol.CommandLegGone, "90018", ""},
	{"the code as a number", protocol.CommandHangUp, 422, `{"errors":[{"code":90018,"title":"x"}]}`, protocol.CommandLegGone, "90018", ""},
	{"the code in the second error", protocol.CommandHangUp, 422, `{"errors":[{"title":"x"},{"code":"90018","title":"y"}]}`, protocol.CommandLegGone, "90018", ""},
	{"a leg the carrier does not know", protocol.CommandAnswer, 422, fault("90015", "Invalid call control ID", ""), protocol.CommandLegGone, "90015", ""},
	{"a leg it has forgotten", protocol.CommandTransfer, 404, fault("10005", "Resource not found", ""), protocol.CommandLegGone, "10005", ""},
	{"a wrong base URL is no dead leg", protocol.CommandTransfer, 404, "404 page not found", protocol.CommandRefused, "", ""},
	{"the look-up of a dead leg", protocol.CommandFind, 404, fault("10005", "Resource not found", ""), protocol.CommandOK, "10005", ""},
	{"the look-up of an ended leg", protocol.CommandFind, 422, fault("90018", "Call has already ended", ""), protocol.CommandOK, "90018", ""},
	{"the look-up is lost on the way", protocol.CommandFind, 404, "<html>", protocol.CommandRefused, "", ""},
	{"the look-up answers garbage", protocol.CommandFind, 200, "<html>", protocol.CommandUnavailable, "", RetryUnavailable},
	{"the look-up does not say", protocol.CommandFind, 200, `{"data":{}}`, protocol.CommandUnavailable, "", RetryUnavailable},
	{"the look-up says it in another type", protocol.CommandFind, 200, `{"data":{"is_alive":"yes"}}`, protocol.CommandUnavailable, "", RetryUnavailable},
	{"transfer before the answer", protocol.CommandTransfer, 422, fault("90034", "Call not answered yet", ""), protocol.CommandRefused, "90034", RetryNotReady},
	{"recording before the audio", protocol.CommandRecordStart, 422, fault("90020", "Call has no audio", ""), protocol.CommandRefused, "90020", RetryNotReady},
	{"a client state that is no base64", protocol.CommandAnswer, 422, fault("90017", "Invalid client_state", ""), protocol.CommandRefused, "90017", ""},
	{"a country that is not allowed", protocol.CommandTransfer, 403, fault("10010", "Not authorised", "Dialed number is not included in whitelisted countries D13"), protocol.CommandRefused, "10010", ""},
	{"a wrong key", protocol.CommandAnswer, 401, fault("10009", "Authentication failed", ""), protocol.CommandRefused, "10009", ""},
	{"no channel left", protocol.CommandTransfer, 422, fault("90043", "Connection channel limit exceeded", ""), protocol.CommandRefused, "90043", ""},
	{"too many requests", protocol.CommandTransfer, 429, fault("10011", "Too many requests", ""), protocol.CommandThrottled, "10011", RetryThrottled},
	{"too many dials", protocol.CommandTransfer, 429, fault("90103", "Dials per second", ""), protocol.CommandThrottled, "90103", RetryThrottled},
	{"the same code with another status", protocol.CommandTransfer, 422, fault("10011", "SRTP to PSTN", ""), protocol.CommandRefused, "10011", ""},
	{"a fault of the carrier's", protocol.CommandAnswer, 500, fault("10007", "Unexpected error", ""), protocol.CommandUnavailable, "10007", RetryUnavailable},
	{"a fault without words", protocol.CommandAnswer, 502, "<html>", protocol.CommandUnavailable, "", RetryUnavailable},
	{"busy", protocol.CommandAnswer, 503, "", protocol.CommandUnavailable, "", RetryUnavailable},
	{"a time-out at the carrier's", protocol.CommandAnswer, 408, "", protocol.CommandUnavailable, "", RetryUnavailable},
	{"a passing fault with a final status", protocol.CommandAnswer, 400, fault("10008", "Timeout", ""), protocol.CommandUnavailable, "10008", RetryUnavailable},
	{"an error of another shape", protocol.CommandSpeak, 422, `{"detail":[{"loc":["body"],"msg":"x","type":"y"}]}`, protocol.CommandRefused, "", ""},
	{"errors that are no list", protocol.CommandSpeak, 400, `{"errors":"x"}`, protocol.CommandRefused, "", ""},
	{"a code that is a telephone number", protocol.CommandSpeak, 400, `{"errors":[{"code":"13125550111","title":"x"}]}`, protocol.CommandRefused, "", ""},
	{"a redirect", protocol.CommandAnswer, 307, "", protocol.CommandRefused, "", ""},
	{"nothing changed", protocol.CommandFind, 304, "", protocol.CommandRefused, "", ""},
}

func TestJudgements(t *testing.T) {
	for _, test := range judgements {
		t.Run(test.story, func(t *testing.T) {
			c := newClient(t, nil)
			v := c.read(test.kind, answer(test.status, test.body))
			want := protocol.Reply{Result: test.want, Status: test.status, Code: test.code, Detail: v.reply.Detail}
			if v.reply != want || v.retry != test.retry {
				t.Errorf("got  %+v, retry %q\nwant %+v, retry %q", v.reply, v.retry, want, test.retry)
			}
			if test.want != protocol.CommandOK && v.reply.Detail == "" {
				t.Error("no word on why")
			}
		})
	}
}

var details = []struct{ in, want string }{
	{"", ""},
	{"Call has already ended", "Call has already ended"},
	{"code 90018, 486 Busy", "code 90018, 486 Busy"},
	{"123456", "123456"},
	{"1234567", "***67"},
	{"to +17735550122 is invalid D13", "to +***22 is invalid D13"},
	{"(312) 555-0111 or 312 555 0111!", "(***11 or ***11!"},
	{"call (312) 555-0111, then 5", "call (***11, then 5"},
	{"sip:17735550122@host;x=1", "sip:***22@host;x=1"},
	{"a\r\nb\x00c", "a  b c"},
	{"bad \xff utf", "bad   utf"},
	{"key " + testKey + " is revoked", "key (API key) is revoked"},
	{strings.Repeat("é", 200), strings.Repeat("é", 150) + "…"},
}

func TestRedact(t *testing.T) {
	c := newClient(t, nil)
	for _, test := range details {
		if got := c.redact(test.in); got != test.want {
			t.Errorf("redact(%q) = %q, want %q", test.in, got, test.want)
		}
	}
}

var long = regexp.MustCompile(`[0-9]{7}`)

// FuzzErrorBody: whatever a carrier answers, the reply can be logged.
func FuzzErrorBody(f *testing.F) {
	for _, test := range judgements {
		f.Add(test.status, []byte(test.body))
	}
	for _, test := range details {
		f.Add(422, []byte(fault("90018", test.in, test.in)))
	}
	f.Add(422, []byte(`{"errors":[null,1,"x",{"code":null,"title":{},"detail":[]}]}`))
	f.Add(422, []byte(`{"errors":[{"code":"`+strings.Repeat("9", 5000)+`"}]}`))
	f.Add(200, []byte(strings.Repeat("[", 20000)))
	c := newClient(f, nil)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		for _, kind := range []protocol.CommandKind{protocol.CommandTransfer, protocol.CommandFind} {
			v := c.read(kind, answer(status, string(body)))
			d := v.reply.Detail
			switch {
			case long.MatchString(d), long.MatchString(v.reply.Code):
				t.Errorf("a number leaves: %q, code %q", d, v.reply.Code)
			case strings.Contains(d, testKey):
				t.Errorf("the key leaves: %q", d)
			case !utf8.ValidString(d), strings.ContainsAny(d, "\r\n\x00"), len(d) > maxDetail+len("…"):
				t.Errorf("unfit for a log line: %q", d)
			case v.reply.Alive && status/100 != http.StatusOK/100:
				t.Errorf("alive by status %d", status)
			case v.reply.Result == protocol.CommandOK && v.retry != "":
				t.Error("taken, and sent again")
			}
		}
	})
}
