package carrier

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"maskswitch/actors/phone"
	"maskswitch/loadtest/party"
)

func TestLeaksAreFound(t *testing.T) {
	for _, c := range []struct {
		story  string
		action string
		in     map[string]any
		want   []string // member and number
	}{
		{"nothing", "transfer", map[string]any{"to": bob, "from": proxy}, nil},
		{"the caller's number as caller id", "transfer", map[string]any{"to": bob, "from": alice}, []string{"/from " + alice}},
		{"as display name, without plus", "transfer", map[string]any{"to": bob, "from_display_name": "13125550111"}, []string{"/from_display_name " + alice}},
		{"in a state", "transfer", map[string]any{"to": bob, "target_leg_client_state": b64(`{"a":"` + alice + `"}`)}, []string{"/target_leg_client_state " + alice}},
		{"the callee's in a state", "transfer", map[string]any{"to": bob, "client_state": b64(bob)}, []string{"/client_state " + bob}},
		{"in a header", "transfer", map[string]any{"to": bob, "custom_headers": []any{map[string]any{"name": "X-From", "value": "3125550111"}}}, []string{"/custom_headers " + alice}},
		{"spoken", "speak", map[string]any{"payload": "Call " + alice, "voice": "female"}, []string{"/payload " + alice}},
	} {
		t.Run(c.story, func(t *testing.T) {
			r := newRig(t, Config{}, idle)
			k, a := r.parked()
			r.act(a, "answer", nil)
			r.await(k, "A is through", taken("A", "call.answered"))
			if status, out := r.act(a, c.action, c.in); status != 200 {
				t.Fatalf("%d %v", status, out)
			}
			var got []string
			for _, leak := range k.Leaks() {
				got = append(got, leak.Member+" "+leak.Number.E164())
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("leaks %v, want %v", got, c.want)
			}
			if n := r.Totals().Leaks; n != int64(len(c.want)) {
				t.Errorf("the total has %d", n)
			}
		})
	}
}

// TestLadder holds the picture to the character: it is what people read.
func TestLadder(t *testing.T) {
	start := time.Date(2026, 8, 24, 15, 4, 5, 0, time.UTC)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	took := func(ms, status, attempt, copy int) Delivery {
		return Delivery{Copy: copy, Attempt: attempt, Sent: at(ms), Took: time.Millisecond, Status: status}
	}
	num := func(s string) phone.Number { return phone.FromCarrier(s) }
	l := Ledger{
		Number: 1, Placed: start, Caller: num(alice), Proxy: num(proxy), Over: true,
		Events: []Event{
			{Kind: "call.initiated", Leg: "A", At: at(0), Accepted: true, Deliveries: []Delivery{took(1, 200, 1, 1), took(1, 200, 1, 2)}},
			{Kind: "call.answered", Leg: "A", At: at(25), Accepted: true, Deliveries: []Delivery{took(26, 503, 1, 1), took(526, 503, 2, 1), took(1026, 200, 3, 1)}},
			{Kind: "call.initiated", Leg: "B", At: at(1060), Accepted: true, Deliveries: []Delivery{took(1061, 200, 1, 1)}},
			{Kind: "call.answered", Leg: "B", At: at(4060), Accepted: true, Deliveries: []Delivery{took(4061, 200, 1, 1)}},
			{Kind: "call.hangup", Leg: "A", At: at(9000), Cause: "normal_clearing", Refused: true, Deliveries: []Delivery{took(9001, 401, 1, 1)}},
			{Kind: "call.hangup", Leg: "B", At: at(9015), Cause: "normal_clearing", GivenUp: true},
		},
		Commands: []Command{
			{Leg: "A", Action: "answer", ID: "1", At: at(3), Took: 1, Status: 200, Effective: true},
			{Leg: "A", Action: "transfer", ID: "2", At: at(1028), Took: 1, Status: 503, Code: "10037"},
			{Leg: "A", Action: "transfer", ID: "2", At: at(1029), Took: 1, Status: 503, Code: "10037"},
			{Leg: "A", Action: "transfer", ID: "2", At: at(1030), Took: 1, Effective: true},
			{Leg: "A", Action: "transfer", ID: "2", At: at(1530), Took: 1, Status: 200, Repeat: true},
			{Leg: "B", Action: "hangup", ID: "3", At: at(9005), Took: 1, Status: 422, Code: "90018"},
		},
		Connections: []Connection{{Leg: "B", Caller: num(alice), Proxy: num(proxy), Shown: num(proxy), Callee: num(bob), Talked: at(4060)}},
		Recordings:  []Recording{{ID: "10cd86ac", Format: "mp3", Channels: "dual", Started: at(4070), Ended: at(9000), Size: 4930, Fetches: 1}},
		Leaks:       []Leak{{Leg: "A", Action: "transfer", Member: "/from_display_name", Number: num(alice)}},
	}
	want := `
            A +13***11                  switch +13***99                          B +17***22
──────────  ───────────────────────── ─ ────────────────────────────────────── ─ ─────────────────────────
     +0 ms  dials                     ▶ call.initiated (2 copies)
     +3 ms                            ◀ answer
    +25 ms  is through                ▶ call.answered (503 x2, 1002 ms late)
  +1028 ms                            ◀ transfer (503/10037 x2, done, answer lost, repeat ignored)
  +1060 ms                              call.initiated                         ◀ rings, sees +13***99
  +4060 ms                              call.answered                          ◀ answers
  +9000 ms  over: normal_clearing     ▶ call.hangup (401, never again)
  +9005 ms                              hangup (422/90018)                     ▶
  +9015 ms                              call.hangup (given up)                 ◀ over: normal_clearing
recording 10cd86ac: dual mp3, 4.9 s, 4930 bytes, fetched once
leg B: +13***11 dialled +13***99; +17***22 saw +13***99 and answered
LEAK: +13***11 in /from_display_name of transfer on leg A
`
	if got := "\n" + l.Ladder(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestALadderShowsNoNumber(t *testing.T) {
	r := newRig(t, Config{})
	l := r.recorded()
	got := l.Ladder()
	for _, n := range []string{alice, bob, proxy} {
		if strings.Contains(got, n) || strings.Contains(got, digits(n)) {
			t.Errorf("%s is in the ladder:\n%s", n, got)
		}
	}
	for _, want := range []string{`dials +▶ call.initiated\n`, `◀ answer\n`, `◀ transfer\n`, `◀ rings, sees \+13\*\*\*99\n`, `◀ record_start\n`, `fetched 0 times\n`} {
		if !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	if strings.Contains(r.Calls()[0].Ladder(), "under way") {
		t.Errorf("a finished call has something under way:\n%s", got)
	}
	withheld := r.PlaceCall("anonymous", proxy, party.Script{Patience: time.Millisecond})
	if l := r.finish(withheld).Ladder(); !strings.Contains(l, "A (none)") {
		t.Errorf("a withheld caller:\n%s", l)
	}
}
