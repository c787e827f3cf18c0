package wrongswitch_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
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
	"maskswitch/loadtest/wrongswitch"
)

// TestMain lets some rigs run at once: they mostly wait for people. More of them
// would wait for each other where other tests run beside them.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err) // the testing package has another flag now
	}
	os.Exit(m.Run())
}

// react is far more than a busy machine takes, so that only what never comes,
// or comes late on purpose, is late.
const react = 3 * time.Second

// lookup is when a recording is due that no event told of: far more than the
// switch takes.
const lookup = 15 * time.Second

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
	kept     judge.Archive
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
	cc.WebhookTimeout = 20 * time.Second // a busy machine is no fault of the switch's
	cc.RetryDelays = []time.Duration{100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond, time.Second, 2 * time.Second}
	r := &rig{t: t, fake: carrier.New(cc), rng: rand.New(rand.NewPCG(1, 2)), outcomes: map[string]int{}, ladders: judge.NewLadders(),
		judge: judge.New(judge.Config{Record: true, React: react, Fuzz: time.Second, Speed: speed, Archive: true, Lookup: lookup, Consent: config.Consent})}
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
	sides, _ := m["proxy_numbers"].(map[string]any)
	return judge.Listed{ID: text(m, "booking_id"), Proxy: text(m, "proxy"), ProxyHost: text(sides, "party_b"), Guest: text(m, "party_a"), Host: text(m, "party_b"), Expires: instant(m)}
}

func (r *rig) open(id, guest, host string, lasts time.Duration, t judge.Terms) {
	r.t.Helper()
	t.Lasts = lasts
	r.judge.Opening(id, guest, host, t, time.Now())
	asked := map[string]any{"party_a": guest, "party_b": host, "booking_id": id, "duration_hours": lasts.Hours()}
	if t.Pair {
		asked["masks"] = "pair"
	}
	if t.Cut {
		asked["on_checkout"], asked["grace_seconds"] = "cut", int(t.Grace.Seconds())
	}
	if t.Idle > 0 {
		asked["idle_hours"] = t.Idle.Hours()
	}
	if t.Recording != "" {
		asked["recording"] = t.Recording
	}
	if t.Summary {
		asked["summary"] = true
	}
	status, out := r.ask("POST", "/bookings", asked)
	if status != 200 {
		r.t.Fatalf("POST /bookings: %d %v", status, out)
	}
	sides, _ := out["proxy_numbers"].(map[string]any)
	r.note(r.judge.Opened(id, judge.Answer{ID: text(out, "booking_id"), ProxyGuest: text(sides, "party_a"), ProxyHost: text(sides, "party_b"),
		Expires: instant(out)}, time.Now()))
}

// move asks for another end.
func (r *rig) move(id string, until time.Time) {
	r.t.Helper()
	until = until.Truncate(time.Second)
	r.judge.Extending(id, until, time.Now())
	if status, out := r.ask("PATCH", "/bookings/"+id, map[string]any{"expires_at": until.Unix()}); status == 200 {
		r.judge.Extended(id, instant(out), time.Now())
	} else {
		r.t.Errorf("PATCH of %s: %d", id, status)
	}
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

// settle gives a call some time to end, and no verdict if it does not.
func (r *rig) settle(k *carrier.Call, most time.Duration) {
	ctx, cancel := context.WithTimeout(r.t.Context(), most)
	defer cancel()
	_ = k.Wait(ctx)
}

// end waits until each call is over, or patience is and the judge says that the
// call goes on for ever, and looks at the bookings that are left.
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
	r.audit()
	r.shelves()
}

// shelves asks for the recordings of each booking until all are there that must
// be, or patience is over.
func (r *rig) shelves() {
	r.t.Helper()
	made := map[string]bool{}
	for _, rec := range r.fake.Recordings() {
		made[rec.SHA256] = true
	}
	beat := time.NewTicker(100 * time.Millisecond)
	defer beat.Stop()
	heard := map[string][2]string{}
	until := time.Now().Add(4 * time.Second)
	for {
		shown := map[string][]judge.Kept{}
		for _, id := range r.judge.Shelved() {
			_, out := r.ask("GET", "/bookings/"+id+"/recordings", nil)
			rows, _ := out["recordings"].([]any)
			for _, row := range rows {
				m, _ := row.(map[string]any)
				n, _ := m["bytes"].(float64)
				k := judge.Kept{ID: text(m, "id"), State: text(m, "state"), SHA256: text(m, "sha256"), Bytes: int64(n)}
				if _, known := heard[k.ID]; !known && k.State == "archived" {
					sum, unread := r.listen(k.ID)
					heard[k.ID] = [2]string{sum, unread}
				}
				k.Audio, k.Unread = heard[k.ID][0], heard[k.ID][1]
				shown[id] = append(shown[id], k)
			}
		}
		r.kept = r.judge.Archived(shown, made, until)
		if len(r.kept.Waiting)+r.kept.NotDue == 0 || time.Now().After(until) {
			break
		}
		<-beat.C
	}
	r.note(r.kept.Findings)
	r.note(r.judge.KeysShown(r.fake.KeyLeaks()))
	r.note(r.judge.Summed(r.fake.Completions()))
}

// listen is the SHA-256 of what the switch serves as a recording.
func (r *rig) listen(id string) (sum, unread string) {
	r.t.Helper()
	resp, err := http.Get(r.url + "/recordings/" + id + "/audio")
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, resp.Body); err != nil || resp.StatusCode != 200 {
		return "", fmt.Sprint(resp.StatusCode, err)
	}
	return hex.EncodeToString(hash.Sum(nil)), ""
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
