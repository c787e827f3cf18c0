package story

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var epoch = time.Date(2026, 8, 24, 15, 0, 0, 0, time.UTC)

func after(d time.Duration, what string) Told { return Told{epoch.Add(d), what} }

const ms = time.Millisecond

var lines = []Told{
	after(0, `{"event":"call.initiated","leg":"a","id":"e1","connect":true,"caller":"b","lag":81000,"wait":250,"stage":"answering","settings":{"recording":"dual-mp3","ring":30000000,"limit":14400000000,"consent":true}}`),
	after(81250*time.Microsecond, `{"send":"answer","leg":"a"}`),
	after(180*ms, `{"reply":"answer","leg":"a","result":"ok","attempts":2,"own":1400,"took":97350,"wait":40}`),
	after(190*ms, `{"event":"call.answered","leg":"a","id":"e2","lag":80000,"stage":"dialing"}`),
	after(270*ms, `{"send":"transfer","leg":"a"}`),
	after(360*ms, `{"reply":"transfer","leg":"a","result":"refused","status":422,"code":"10015","own":600,"took":90000,"stage":"telling","outcome":"carrier","why":"no, \"never\""}`),
	after(360*ms, `{"send":"speak","leg":"a","what":"unreachable"}`),
	after(900*ms, `{"event":"call.initiated","leg":"b","id":"e3","lag":100000}`),
	after(3000*ms, `{"event":"call.answered","leg":"b","id":"e4","repeat":true,"attempt":3,"lag":-1000}`),
	after(4000*ms, `{"event":"call.answered","leg":"b","id":"e5","lag":100000}`),
	after(5000*ms, `{"note":"booking over","since":0}`),
	after(63500*ms, `{"event":"call.hangup","leg":"a","id":"e6","cause":"normal_clearing","source":"caller","lag":100000,"stage":"ending"}`),
}

const ladder = `call          c1
session       s1
booking       stay-7, the second
proxy number  +13125550100
caller        party_b
began         2026-08-24T15:00:00.08125Z
settings      recording dual-mp3, ring 30s, limit 4h0m0s, consent
stage         ending
outcome       carrier
reason        "two\nlines"

 0.000000  a  →  initiated       connect, caller b, lag 81ms, wait 250µs, stage answering
 0.000000  a  ←  answer
 0.098790  a  →  reply answer    result ok, attempts 2, own 1.4ms, took 97.35ms, wait 40µs
 0.188750  a  →  answered        lag 80ms, stage dialing
 0.188750  a  ←  transfer
 0.278750  a  →  reply transfer  result refused, status 422, code 10015, own 600µs, took 90ms, stage telling, outcome carrier, why "no, \"never\""
 0.278750  a  ←  speak           what unreachable
 0.918750  b  →  initiated       lag 100ms
 2.917750  b  →  answered        repeat, attempt 3, lag -1ms
 4.018750  b  →  answered        lag 100ms
 4.918750  -  ·  booking over    since 0s
63.518750  a  →  hangup          cause normal_clearing, source caller, lag 100ms, stage ending

setup            4s
post-dial delay  900ms
own share        2ms
talk             59.5s
`

func told() Story {
	return New(Story{
		Call: "c1", Session: "s1", Booking: "stay-7, the second", Number: "+13125550100", Caller: "party_b", Stage: "ending", Outcome: "carrier", Reason: "two\nlines",
	}, lines)
}

func TestTheLadder(t *testing.T) {
	s := told()
	if got := s.String(); got != ladder {
		t.Errorf("got\n%s\nwant\n%s", got, ladder)
	}
	again, err := Parse(ladder)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(again, s) {
		t.Errorf("read as\n%+v\nwas\n%+v", again, s)
	}
}

func TestCommands(t *testing.T) {
	want := []Command{
		{Name: "answer", Leg: "a", At: epoch.Add(81250 * time.Microsecond), Own: 1400 * time.Microsecond, Took: 97350 * time.Microsecond, Attempts: 2, Result: "ok"},
		{Name: "transfer", Leg: "a", At: epoch.Add(270 * ms), Own: 600 * time.Microsecond, Took: 90 * ms, Attempts: 1, Result: "refused", Status: 422, Code: "10015"},
		{Name: "speak", Leg: "a", What: "unreachable", At: epoch.Add(360 * ms)},
	}
	if got := told().Commands(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// Each reply goes to its own command, if there are several of a kind.
func TestCommandsOfAKind(t *testing.T) {
	s := New(Story{}, []Told{
		after(0, `{"send":"hangup","leg":"a"}`), after(0, `{"send":"hangup","leg":"b"}`), after(0, `{"reply":"hangup","leg":"b","result":"leg_gone"}`),
		after(1, `{"send":"record_pause","leg":"a","turn":1}`), after(1, `{"send":"record_pause","leg":"a","turn":3}`), after(1, `{"reply":"record_pause","leg":"a","turn":3,"result":"ok"}`),
		after(2, `{"send":"hangup","leg":"a"}`), after(2, `{"reply":"hangup","result":"timeout"}`), after(2, `{"reply":"hangup","leg":"a","result":"ok"}`),
	})
	var got []string
	for _, c := range s.Commands() {
		got = append(got, strings.TrimSpace(c.Name+" "+c.Leg+" "+c.What+" "+c.Result))
	}
	if want := "hangup a  timeout; hangup b  leg_gone; record_pause a 1; record_pause a 3 ok; hangup a  ok"; strings.Join(got, "; ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "; "), want)
	}
}

// Lines of earlier versions, and what no version wrote, are shown as they are.
func TestOtherLines(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{`{"event":"call.hangup","leg":"a","id":"e","cause":"timeout","source":"unknown"}`, "0.000  a  →  hangup  cause timeout, source unknown"},
		{`{"reply":"answer","result":"ok","code":"x"}`, "0.000  -  →  reply answer  result ok, code x"},
		{`{"note":"not recorded"}`, "0.000  -  ·  not recorded"},
		{`{"note":"two\nlines","said":"a \"b\"","more":{"b":1,"a":[2]},"list":"c, d","none":"","no":false,"o dd":1.50}`,
			`0.000  -  ·  two lines  said "a \"b\"", more "{\"b\":1,\"a\":[2]}", list "c, d", none "", no false, o_dd 1.50`},
		{`{"event":"reply x","leg":"z"}`, `0.000  -  →  "reply x"  leg z`},
		{`{"send":1,"lag":"long","settings":[1]}`, `0.000  -  ·  ""  send 1`},
		{`nonsense`, "0.000  -  ·  a line that cannot be read"},
		{`{"a":1`, "0.000  -  ·  a line that cannot be read"},
		{`[1]`, "0.000  -  ·  a line that cannot be read"},
	} {
		s := New(Story{}, []Told{after(0, `{"note":"x"}`), after(0, c.line)})
		got := strings.Split(s.String(), "\n")[4]
		if got != c.want {
			t.Errorf("%s\nis told as %s\nwant       %s", c.line, got, c.want)
		}
	}
}

// Whatever a line has, its text is read back as it is.
func TestTextIsReadBack(t *testing.T) {
	text := rapid.OneOf(rapid.StringMatching(`[ -~]*`), rapid.String(), rapid.SampledFrom([]string{"a", "b", "call.hangup", "reply answer", "x  y", ""}))
	rapid.Check(t, func(t *rapid.T) {
		member := rapid.Custom(func(t *rapid.T) string {
			name, _ := json.Marshal(rapid.OneOf(rapid.SampledFrom([]string{"event", "send", "reply", "note", "leg", "why", "lag", "settings", "own", "repeat"}), text).Draw(t, "name"))
			var value []byte
			switch rapid.IntRange(0, 4).Draw(t, "kind") {
			case 0:
				value = fmt.Append(nil, rapid.Int64Range(-1e12, 1e12).Draw(t, "n"))
			case 1:
				value = fmt.Append(nil, rapid.Bool().Draw(t, "b"))
			case 2:
				value, _ = json.Marshal(map[string]any{text.Draw(t, "of"): rapid.IntRange(0, 9).Draw(t, "n"), "ring": true})
			default:
				value, _ = json.Marshal(text.Draw(t, "text"))
			}
			return string(name) + ":" + string(value)
		})
		told := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Told {
			at := epoch.Add(time.Duration(rapid.IntRange(-5e6, 1e9).Draw(t, "us")) * time.Microsecond)
			return Told{at, "{" + strings.Join(rapid.SliceOf(member).Draw(t, "members"), ",") + "}"}
		}), 1, 6).Draw(t, "told")
		s := New(Story{Call: text.Draw(t, "call"), Reason: text.Draw(t, "reason"), Outcome: text.Draw(t, "outcome")}, told)
		if s.Outcome == noneYet {
			t.Skip("an outcome by the word for none")
		}
		wrote := s.String()
		read, err := Parse(wrote)
		if err != nil {
			t.Fatalf("%v\n%s", err, wrote)
		}
		if again := read.String(); again != wrote {
			t.Fatalf("wrote\n%s\nread\n%s", wrote, again)
		}
	})
}

func TestParseSaysWhatIsExpected(t *testing.T) {
	const head = "began  2026-08-24T15:00:00Z\n"
	for _, c := range []struct{ text, want string }{
		{"", `there is no line "began"`},
		{"began  yesterday\n", "line 1: \"yesterday\" is not an instant"},
		{head, "nothing happens"},
		{"0.0  a  →  answered\n", `line 1: before the first rung there is to be a line "began"`},
		{head + "color  red\n", "line 2: \"color  red\" begins neither a line of the head"},
		{head + "0.0  c  →  answered\n", "line 2: \"0.0  c"},
		{head + "0.0  a  =  answered\n", "line 2"},
		{head + "0.0  a  →  answered  lag soon\n", "line 2: lag is a span such as 1.5ms, and not \"soon\""},
		{head + "0.0  a  →  answered  lag\n", "line 2: lag is a span"},
		{head + "0.0  a  →  answered  why \"x\n", "line 2: \"why"},
		{head + "0.0  a  →  answered  why \"\\q\"\n", "line 2: \"\\q\" is not a text in quotes"},
		{head + "0.0  a  →  answered  , x\n", "line 2: \", x\" is no detail"},
		{head + "settings  ,\n", "line 2"},
		{head + "99999999999999  a  →  answered\n", "line 2: \"99999999999999\" is no number of seconds"},
	} {
		if _, err := Parse(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q\nis refused with %v\nwant %s", c.text, err, c.want)
		}
	}
}

// People write by hand: with arrows of their keyboard, and with few spaces.
func TestParseByHand(t *testing.T) {
	s, err := Parse("# one\r\n#two\r\nbegan  2026-08-24T17:00:00+02:00\noutcome  none yet\n\n0 a -> answered  lag 1ms,repeat\n1.5   b   <-   hangup\n2 - · deadline  of early\n")
	if err != nil {
		t.Fatal(err)
	}
	const want = "# one\n# two\nbegan         2026-08-24T15:00:00Z\noutcome       none yet\n\n" +
		"0.000  a  →  answered  lag 1ms, repeat\n1.500  b  ←  hangup\n2.000  -  ·  deadline  of early\n"
	if s.String() != want {
		t.Errorf("read as\n%s", s)
	}
}
