package wrongswitch_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"maskswitch/loadtest/carrier"
	"maskswitch/loadtest/judge"
	"maskswitch/loadtest/market"
	"maskswitch/loadtest/party"
	"maskswitch/loadtest/wrongswitch"
)

// TestMain lets many rigs run at once: they mostly wait for people.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "32"); err != nil {
		panic(err) // the testing package has another flag now
	}
	os.Exit(m.Run())
}

// react is far more than a busy machine takes, so that only what never comes,
// or comes late on purpose, is late.
const react = 3 * time.Second

// speed is how much faster than life people are here.
const speed = 40

// rig is a switch, the carrier, the judge, and a small market between them.
type rig struct {
	t       *testing.T
	sw      *wrongswitch.Switch
	url     string
	fake    *carrier.Carrier
	judge   *judge.Register
	ladders *judge.Ladders
	rng     *rand.Rand

	mu       sync.Mutex
	found    []judge.Finding
	outcomes map[string]int
}

func newRig(t *testing.T, cc carrier.Config, config wrongswitch.Config) *rig {
	t.Helper()
	cc.Speed, cc.APIKey, cc.Seed = speed, "k", 7
	// A carrier that makes its own key prepares more nonces than these calls use.
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	cc.PrivateKey = key
	cc.RetryDelays = []time.Duration{100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond, time.Second, 2 * time.Second}
	r := &rig{t: t, fake: carrier.New(cc), rng: rand.New(rand.NewPCG(1, 2)), outcomes: map[string]int{}, ladders: judge.NewLadders(),
		judge: judge.New(judge.Config{Record: true, React: react, Speed: speed})}
	if err := r.fake.Start(); err != nil {
		t.Fatal(err)
	}
	config.BaseURL, config.APIKey, config.PublicKey = r.fake.BaseURL(), "k", r.fake.PublicKey()
	r.sw = wrongswitch.New(config)
	server := httptest.NewServer(r.sw)
	t.Cleanup(func() {
		r.fake.Close()
		r.sw.Close()
		server.Close()
	})
	r.url = server.URL
	r.fake.SetWebhookURL(r.url + "/webhooks/voice")
	return r
}

func (r *rig) note(found []judge.Finding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found = append(r.found, found...)
}

// ask is one REST request.
func (r *rig) ask(method, path string, body any) (int, map[string]any) {
	r.t.Helper()
	text, _ := json.Marshal(body)
	req, err := http.NewRequest(method, r.url+path, bytes.NewReader(text))
	if err != nil {
		r.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, out
}

func text(m map[string]any, name string) string { s, _ := m[name].(string); return s }

func instant(m map[string]any) time.Time {
	n, _ := m["expires_at"].(float64)
	return time.Unix(int64(n), 0)
}

func listed(m map[string]any) judge.Listed {
	return judge.Listed{ID: text(m, "booking_id"), Proxy: text(m, "proxy"), Guest: text(m, "party_a"), Host: text(m, "party_b"), Expires: instant(m)}
}

func (r *rig) open(id, guest, host string, hours float64) {
	r.t.Helper()
	r.judge.Opening(id, guest, host, time.Now())
	status, out := r.ask("POST", "/bookings", map[string]any{"party_a": guest, "party_b": host, "booking_id": id, "duration_hours": hours})
	if status != 200 {
		r.t.Fatalf("POST /bookings: %d %v", status, out)
	}
	r.note(r.judge.Opened(id, judge.Answer{ID: text(out, "booking_id"), Proxy: text(out, "proxy_number"), Expires: instant(out)}, time.Now()))
}

func (r *rig) read(id string) {
	r.t.Helper()
	asked := time.Now()
	status, out := r.ask("GET", "/bookings/"+id, nil)
	r.note(r.judge.Read(id, listed(out), status == 200, asked, time.Now()))
}

func (r *rig) close(id string) {
	r.t.Helper()
	asked := time.Now()
	r.judge.Closing(id, asked)
	status, _ := r.ask("DELETE", "/bookings/"+id, nil)
	if status == 404 {
		r.note(r.judge.Read(id, judge.Listed{}, false, asked, time.Now()))
	}
	r.judge.Closed(id, time.Now())
}

func (r *rig) audit() {
	r.t.Helper()
	began := time.Now()
	_, out := r.ask("GET", "/bookings", nil)
	var all []judge.Listed
	rows, _ := out["bookings"].([]any)
	for _, row := range rows {
		m, _ := row.(map[string]any)
		all = append(all, listed(m))
	}
	r.note(r.judge.Audit(all, true, began))
	r.note(r.judge.Strays(r.fake.Strays()))
}

// habits are kinds of calls, with what must come of them in this rig.
var habits = []struct {
	name, outcome string
	script        party.Script
}{
	{"talks", "talked", party.Script{After: 2 * time.Second, Talk: 8 * time.Second}},
	{"callee leaves", "talked", party.Script{After: time.Second, Talk: 6 * time.Second, Leaves: party.Callee}},
	{"talks long", "talked", party.Script{After: 2 * time.Second, Talk: 180 * time.Second}}, // longer than react
	{"busy", "busy", party.Refused(party.Busy, time.Second)},
	{"declines", "declined", party.Script{Callee: party.Decline, After: 2 * time.Second}},
	{"unreachable", "unreachable", party.Refused(party.Unreachable, time.Second)},
	{"rings out", "no answer", party.Script{Callee: party.RingOut}},
	{"gives up", "abandoned", party.GivesUp(6 * time.Second)},
}

func guest(i int) string { return fmt.Sprintf("+1312555%04d", 1000+i) }
func host(i int) string  { return fmt.Sprintf("+1415555%04d", 2000+i) }
func proxy(i int) string { return fmt.Sprintf("+1646555%04d", 3000+i) }

// play runs a market: 24 bookings on 6 numbers, some closed early, and calls by
// everybody who may and may not call.
func (r *rig) play(calls int) {
	r.t.Helper()
	const bookings = 24
	numbers := make([]string, 6)
	for i := range numbers {
		numbers[i] = proxy(i)
	}
	r.ask("POST", "/pool", map[string]any{"numbers": numbers})
	id := func(i int) string { return fmt.Sprintf("bk-%d", i) }
	for i := range bookings {
		r.open(id(i), guest(i%16), host(i%8), 1)
		if i%3 == 0 {
			r.open(id(i), guest(i%16), host(i%8), 1)
		}
	}
	closed := func(i int) bool { return i%4 == 3 }
	for i := range bookings {
		r.read(id(i))
		if closed(i) {
			r.close(id(i))
			r.read(id(i))
		}
	}
	for n := range calls {
		d := judge.Dialling{Call: uint64(n + 1), Host: n%5 < 2, At: time.Now()}
		i := r.rng.IntN(bookings)
		for closed(i) != (n%10 == 9) {
			i = r.rng.IntN(bookings)
		}
		d.Booking, d.From = id(i), guest(i%16)
		if d.Host {
			d.From = host(i % 8)
		}
		h := habits[n%len(habits)]
		d.Habit, d.Script = h.name, h.script
		switch n % 10 {
		case 7:
			d.Who, d.From, d.Habit = market.Stranger, "+17735550001", "stranger"
		case 8:
			d.Who, d.From, d.Habit = market.Withheld, "anonymous", "withheld"
		case 9:
			d.Who, d.Habit = market.Late, "late"
		}
		e, ok := r.judge.Dial(d)
		if !ok {
			r.t.Fatalf("booking %s was opened and has no number", d.Booking)
		}
		k := r.fake.Place(carrier.Placement{Key: d.Call, From: d.From, To: e.Number, Script: d.Script, Tag: &e})
		if n%16 == 15 { // a wave at a time
			r.settle(k, react/4)
		}
	}
	r.end()
	r.audit()
}

// settle gives a call some time to end, and no verdict if it does not.
func (r *rig) settle(k *carrier.Call, most time.Duration) {
	ctx, cancel := context.WithTimeout(r.t.Context(), most)
	defer cancel()
	_ = k.Wait(ctx)
}

// end waits until each call is over, or patience is and the judge says that the
// call goes on for ever.
func (r *rig) end() {
	r.t.Helper()
	patience := time.Now().Add(2*react + time.Second)
	deadline := time.Now().Add(time.Minute)
	beat := time.NewTicker(25 * time.Millisecond)
	defer beat.Stop()
	for _, k := range r.fake.Calls() {
		e, _ := k.Tag().(*judge.Expected)
		var l carrier.Ledger
		var v judge.Verdict
		for done := false; !done; {
			l = k.Ledger()
			v = r.judge.Judge(*e, l, judge.Trouble{})
			done = l.Over || time.Now().After(patience) && slices.ContainsFunc(v.Findings, func(f judge.Finding) bool { return f.Kind == judge.NeverEnded })
			if !done && time.Now().After(deadline) {
				r.t.Errorf("call %d (%s) goes on, and nothing is said about it:\n%s", e.Call, e.Habit, l.Ladder())
				break
			}
			if !done {
				<-beat.C
			}
		}
		r.ladders.Add(e.Habit, v, l)
		r.note(v.Findings)
		r.outcomes[e.Habit+": "+v.Outcome]++
		if v.Failed && !v.Excused && len(v.Findings) == 0 {
			r.t.Errorf("call %d (%s) came to %q against the plan, and nothing was found:\n%s", e.Call, e.Habit, v.Outcome, l.Ladder())
		}
	}
}

func (r *rig) kinds() map[judge.Kind]int {
	all := map[judge.Kind]int{}
	for _, f := range r.found {
		all[f.Kind]++
	}
	return all
}

// explain tells some findings of the kinds that are not in the list.
func (r *rig) explain(but ...judge.Kind) string {
	var b strings.Builder
	told := map[judge.Kind]int{}
	for _, f := range r.found {
		if told[f.Kind]++; told[f.Kind] <= 2 && !slices.Contains(but, f.Kind) {
			fmt.Fprintf(&b, "%s, call %d, booking %s: %s\n%s\n", f.Kind, f.Call, f.Booking, f.Text, f.Ladder)
		}
	}
	return b.String()
}
