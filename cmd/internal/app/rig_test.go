package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
	"maskswitch/loadtest/carrier"
	"maskswitch/loadtest/party"
)

// rig is one switch, started as the program starts it, on real sockets and a
// real store, and a carrier of its own. When a test ends, its log is searched
// for panics and for every number that rang.
type rig struct {
	testing.TB
	*carrier.Carrier
	ctx context.Context
	env map[string]string
	log *memo
	app *App // nil while it is down
	// door, if there is one, stands before the switch.
	door *front

	mu      sync.Mutex
	numbers []string // proxies and people
}

const (
	proxy1 = "+17735550190"
	proxy2 = "+17735550191"
)

// brisk is a carrier that takes little time by itself.
var brisk = carrier.Timing{Answer: 5 * time.Millisecond, Dial: 5 * time.Millisecond, Bridge: 5 * time.Millisecond,
	Release: 5 * time.Millisecond, Save: 30 * time.Millisecond, Speech: 150 * time.Millisecond}

// talk is how long people talk, or wait, who are not told to stop. It is long
// enough for every event to arrive on a busy machine.
const talk = 700 * time.Millisecond

// newRig starts both, with two numbers in the pool. A pair in env replaces a
// setting.
func newRig(t testing.TB, c carrier.Config, env ...string) *rig {
	t.Helper()
	c.APIKey, c.Logf = "KEY-of-the-carrier", t.Logf
	if c.Timing == (carrier.Timing{}) {
		c.Timing = brisk
	}
	if c.RetryDelays == nil {
		c.RetryDelays = []time.Duration{100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond,
			time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
	r := &rig{TB: t, Carrier: carrier.New(c), ctx: ctx, log: &memo{}, numbers: []string{proxy1, proxy2}}
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	r.env = map[string]string{
		"TELNYX_API_KEY": c.APIKey, "TELNYX_BASE_URL": r.BaseURL(), "TELNYX_PUBLIC_KEY": r.PublicKey(),
		"PORT": "0", "ADMIN_ADDR": "127.0.0.1:0", "DATA_DIR": filepath.Join(t.TempDir(), "data"), "LOG_LEVEL": "debug",
		"RECORDING_HOSTS": r.URL(),
	}
	for i := 0; i < len(env); i += 2 {
		r.env[env[i]] = env[i+1]
	}
	t.Cleanup(func() {
		r.Close()
		r.halt()
		cancel()
		r.auditLog()
	})
	r.boot()
	r.must("POST", "/pool", map[string]any{"numbers": []string{proxy1, proxy2}}, nil)
	return r
}

// load is the configuration, read as the program reads it.
func (r *rig) load() Config {
	r.Helper()
	c, err := Load(nil, r.look, filepath.Join(r.env["DATA_DIR"], "no.env"), io.Discard)
	if err != nil {
		r.Fatal(err)
	}
	return c
}

func (r *rig) look(name string) (string, bool) {
	v, ok := r.env[name]
	return v, ok
}

// boot starts the switch, on whatever the last one left in DATA_DIR.
func (r *rig) boot() {
	r.Helper()
	r.make()
	if err := r.app.Start(r.ctx); err != nil {
		r.app = nil
		r.Fatal(err)
	}
}

// make opens the store and the addresses, and serves nothing yet.
func (r *rig) make() {
	r.Helper()
	c := r.load()
	a, err := New(r.ctx, c, newLog(c, r.log, false))
	if err != nil {
		r.Fatal(err)
	}
	r.app = a
	r.listen(a.URL())
}

// listen has webhooks brought to the switch at an address.
func (r *rig) listen(url string) {
	url += "/webhooks/voice"
	if r.door == nil {
		r.SetWebhookURL(url)
		return
	}
	r.door.to.Store(&url)
	r.SetWebhookURL(r.door.URL)
}

// halt is an orderly end, as after SIGTERM.
func (r *rig) halt() {
	r.Helper()
	if r.app == nil {
		return
	}
	if err := r.app.Stop(context.WithoutCancel(r.ctx)); err != nil {
		r.Errorf("stop: %v", err)
	}
	r.app = nil
}

func (r *rig) auditLog() {
	r.Helper()
	text := r.log.String()
	for _, n := range revealed(text, r.numbers...) {
		r.Errorf("the log reveals %s", n)
	}
	_, secret, _ := strings.Cut(r.env["API_KEYS"], ":")
	for _, s := range []string{r.env["TELNYX_API_KEY"], secret} {
		if s != "" && strings.Contains(text, s) {
			r.Errorf("the log has the secret %s", s)
		}
	}
	for line := range strings.Lines(text) {
		if strings.Contains(line, "panic") || strings.Contains(line, `"level":"error"`) {
			r.Errorf("the log has %s", line)
		}
	}
}

// memo is a log that can be read while it is written.
type memo struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (m *memo) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.b.Write(p)
}

func (m *memo) Sync() error { return nil }

func (m *memo) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.b.String()
}

// rest is one REST request.
func (r *rig) rest(method, path string, body, into any) int {
	r.Helper()
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			r.Fatal(err)
		}
		sent = bytes.NewReader(text)
	}
	return r.fetch(method, r.app.URL()+path, sent, into)
}

func (r *rig) must(method, path string, body, into any) {
	r.Helper()
	if status := r.rest(method, path, body, into); status != http.StatusOK {
		r.Fatalf("%s %s: %d", method, path, status)
	}
}

// fetch reads a document; into may be a *string.
func (r *rig) fetch(method, url string, body io.Reader, into any) int {
	r.Helper()
	q, err := http.NewRequestWithContext(r.ctx, method, url, body)
	if err != nil {
		r.Fatal(err)
	}
	if body != nil {
		q.Header.Set("Content-Type", "application/json")
	}
	if _, secret, ok := strings.Cut(r.env["API_KEYS"], ":"); ok {
		q.Header.Set("Authorization", "Bearer "+secret)
	}
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		r.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		r.Fatal(err)
	}
	switch into := into.(type) {
	case nil:
	case *string:
		*into = string(text)
	default:
		if err := json.Unmarshal(text, into); err != nil {
			r.Fatalf("%s %s: %v: %s", method, url, err, text)
		}
	}
	return answer.StatusCode
}

// person is a number that nobody else has.
func (r *rig) person() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := fmt.Sprintf("+1312%07d", 5817337+37*len(r.numbers))
	r.numbers = append(r.numbers, n)
	return n
}

// stay is a booking of two people who have no other.
type stay struct {
	ID    string `json:"booking_id"`
	Proxy string `json:"proxy_number"`
	a, b  string
}

func (r *rig) book() stay {
	r.Helper()
	s := stay{a: r.person(), b: r.person()}
	r.must("POST", "/bookings", map[string]any{"party_a": s.a, "party_b": s.b}, &s)
	return s
}

// call lets A of a booking ring B.
func (r *rig) call(s stay, script party.Script) *carrier.Call {
	return r.PlaceCall(s.a, s.Proxy, script)
}

func (r *rig) await(k *carrier.Call, what string, holds func(carrier.Ledger) bool) carrier.Ledger {
	r.Helper()
	if err := k.Await(r.ctx, holds); err != nil {
		r.Fatalf("%s: %v\n%s", what, err, k.Ladder())
	}
	return k.Ledger()
}

// taken says that an event has been acknowledged.
func taken(leg, kind string) func(carrier.Ledger) bool {
	return func(l carrier.Ledger) bool { e, _ := l.Event(leg, kind); return e.Accepted }
}

// done says that a command has taken effect.
func done(action string) func(carrier.Ledger) bool {
	return func(l carrier.Ledger) bool { return l.Effects(action) > 0 }
}

func (r *rig) finish(k *carrier.Call) carrier.Ledger {
	r.Helper()
	return r.await(k, "the call does not end", func(l carrier.Ledger) bool { return l.Over })
}

// until asks again and again whether something has come to be.
func (r *rig) until(what string, holds func() bool) {
	r.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-r.ctx.Done():
			r.Fatalf("%s: %v", what, r.ctx.Err())
		}
	}
}

// untilOr asks until something has come to be, or for so long: then others say
// what is missing.
func (r *rig) untilOr(most time.Duration, holds func() bool) {
	r.Helper()
	late := time.Now().Add(most)
	r.until("", func() bool { return holds() || time.Now().After(late) })
}

// row is a call's detail record, once nothing of the call is due any more.
func (r *rig) row(k *carrier.Call) (row protocol.Call) {
	r.Helper()
	r.until("the row of the call is not closed", func() (closed bool) {
		row, closed = r.rowNow(k)
		return closed
	})
	return row
}

func (r *rig) rowNow(k *carrier.Call) (row protocol.Call, closed bool) {
	r.Helper()
	row, err := r.app.engine.CallOfSession(r.ctx, protocol.SessionID(k.Session()))
	if err != nil && !errors.Is(err, journal.ErrNone) {
		r.Fatal(err)
	}
	return row, err == nil && row.State == ""
}

func (r *rig) story(row protocol.Call) (lines []string) {
	r.Helper()
	story, err := r.app.engine.Story(r.ctx, row.ID)
	if err != nil {
		r.Fatal(err)
	}
	for _, l := range story {
		lines = append(lines, l.What)
	}
	return lines
}

func (r *rig) recordings(row protocol.Call) int {
	r.Helper()
	kept, err := r.app.engine.Recordings(r.ctx, row.ID)
	if err != nil {
		r.Fatal(err)
	}
	return len(kept)
}

// metrics are the samples of a scrape, by series as it is written.
func (r *rig) metrics() map[string]float64 {
	r.Helper()
	var text string
	if status := r.fetch("GET", r.app.AdminURL()+"/metrics", nil, &text); status != http.StatusOK {
		r.Fatalf("/metrics: %d", status)
	}
	for _, n := range revealed(text, r.numbers...) {
		r.Errorf("/metrics reveals %s", n)
	}
	return samples(r, text)
}

func samples(t testing.TB, text string) map[string]float64 {
	t.Helper()
	all := map[string]float64{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		v, err := strconv.ParseFloat(line[at+1:], 64)
		if err != nil {
			t.Fatalf("sample %q: %v", line, err)
		}
		all[line[:at]] = v
	}
	return all
}

// ackMost is what nothing that the carrier does may make an acknowledgement
// take. It gives up after two seconds.
const ackMost = time.Second

// faults is what must not be said of any call that is over, whatever befell it.
func faults(l carrier.Ledger) (wrong []string) {
	note := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if !l.Over {
		note("it is not over")
	}
	if alive := l.Alive(); len(alive) > 0 {
		note("legs %v live", alive)
	}
	for _, leg := range l.Legs {
		for _, action := range []string{"answer", "reject", "transfer", "record_start", "speak", "hangup"} {
			if n := l.EffectsOn(leg.Name, action); n > 1 {
				note("%s took effect %d times on leg %s", action, n, leg.Name)
			}
		}
	}
	for _, e := range l.Events {
		if !e.Accepted || e.Refused || e.GivenUp {
			note("%s of leg %s was not taken", e.Kind, e.Leg)
		}
		for _, d := range e.Deliveries {
			if !d.Lost && d.Took >= ackMost {
				note("%s of leg %s was answered after %v", e.Kind, e.Leg, d.Took)
			}
		}
	}
	for _, leak := range l.Leaks {
		note("%s shows a party's number in %s", leak.Action, leak.Member)
	}
	for _, c := range l.Connections {
		if c.Shown != c.Proxy {
			note("the callee saw another number than the proxy")
		}
	}
	return wrong
}
