package carrier

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"

	"maskswitch/loadtest/party"
)

const (
	alice = "+13125550111"
	proxy = "+13125550199"
	bob   = "+17735550122"
)

// quick is a carrier that takes no time by itself.
var quick = Timing{Answer: time.Millisecond, Dial: time.Millisecond, Bridge: time.Millisecond,
	Release: time.Millisecond, Save: 5 * time.Millisecond, Speech: 5 * time.Millisecond, Transcribe: 5 * time.Millisecond}

// received is one delivery as the switch sees it.
type received struct {
	header  http.Header
	raw     []byte
	id      string
	kind    string
	leg     string // call control id
	attempt int
	payload map[string]any
}

// rig is a carrier and a naive switch: it answers, transfers to Bob, records,
// and tells the caller when Bob is not reached. It acts on the first delivery
// of an event, in its own goroutine.
type rig struct {
	*testing.T
	*Carrier
	ctx    context.Context
	hear   func(received) int           // the status of a delivery; nil: 200
	decide func(*rig, received, string) // what to do; nil: naive
	extra  map[string]map[string]any    // further members, by action
	server *httptest.Server

	mu   sync.Mutex
	seen map[string]bool
	got  []received
	work sync.WaitGroup
}

func newRig(t *testing.T, cfg Config, change ...func(*rig)) *rig {
	t.Helper()
	if cfg.Timing == (Timing{}) {
		cfg.Timing = quick
	}
	if cfg.RetryDelays == nil {
		cfg.RetryDelays = []time.Duration{5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond}
	}
	cfg.Logf = t.Logf
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	r := &rig{T: t, Carrier: New(cfg), ctx: ctx, seen: map[string]bool{},
		extra: map[string]map[string]any{}}
	for _, f := range change {
		f(r)
	}
	r.server = httptest.NewServer(http.HandlerFunc(r.webhook))
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	r.SetWebhookURL(r.server.URL + "/webhooks/voice")
	t.Cleanup(func() {
		r.Close()
		r.server.Close()
		r.work.Wait()
		cancel()
	})
	return r
}

func (r *rig) webhook(w http.ResponseWriter, req *http.Request) {
	raw, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	key, _ := base64.StdEncoding.DecodeString(r.PublicKey())
	sig, _ := base64.StdEncoding.DecodeString(req.Header.Get("Telnyx-Signature-Ed25519"))
	stamp := req.Header.Get("Telnyx-Timestamp")
	if !ed25519.Verify(key, []byte(stamp+"|"+string(raw)), sig) {
		r.Errorf("bad signature on %s", raw)
	}
	if sec, err := strconv.ParseInt(stamp, 10, 64); err != nil || time.Since(time.Unix(sec, 0)).Abs() > 5*time.Second {
		r.Errorf("timestamp %q is not now", stamp)
	}
	var doc struct {
		Data struct {
			ID        string         `json:"id"`
			EventType string         `json:"event_type"`
			Payload   map[string]any `json:"payload"`
		} `json:"data"`
		Meta struct {
			Attempt int `json:"attempt"`
		} `json:"meta"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		r.Errorf("webhook body: %v", err)
	}
	d := received{header: req.Header, raw: raw, id: doc.Data.ID, kind: doc.Data.EventType, attempt: doc.Meta.Attempt, payload: doc.Data.Payload}
	d.leg, _ = d.payload["call_control_id"].(string)

	status := http.StatusOK
	if r.hear != nil {
		status = r.hear(d)
	}
	leg := r.party(d)
	r.mu.Lock()
	r.got = append(r.got, d)
	first := !r.seen[d.id] && status == http.StatusOK
	if first {
		r.seen[d.id] = true
	}
	if first {
		r.work.Add(1)
	}
	r.mu.Unlock()
	w.WriteHeader(status)
	if first {
		go func() {
			defer r.work.Done()
			if r.decide != nil {
				r.decide(r, d, leg)
			} else {
				naive(r, d, leg)
			}
		}()
	}
}

// party is A or B, by the carrier's own books: a test must not stumble over
// B's answer overtaking B's ring, as a switch would have to.
func (r *rig) party(d received) string {
	if l := r.legNamed(d.leg); l != nil {
		return l.name[:1]
	}
	return ""
}

func naive(r *rig, d received, leg string) {
	switch {
	case d.kind == "call.initiated" && leg == "A":
		r.act(d.leg, "answer", map[string]any{"client_state": b64("leg a")})
	case d.kind == "call.answered" && leg == "A":
		r.act(d.leg, "transfer", map[string]any{"to": bob, "from": proxy, "timeout_secs": 30,
			"target_leg_client_state": b64("leg b")})
	case d.kind == "call.answered" && leg == "B":
		if a := r.legA(d); a != "" {
			r.act(a, "record_start", map[string]any{"format": "mp3", "channels": "dual"})
		}
	case d.kind == "call.hangup" && leg == "B":
		if c := d.payload["hangup_cause"]; c != "normal_clearing" && c != "originator_cancel" && c != "time_limit" {
			r.act(r.legA(d), "speak", map[string]any{"payload": "Nobody is there.", "voice": "AWS.Polly.Joanna"})
		}
	}
}

// legA finds the caller's leg of the session that a delivery is about.
func (r *rig) legA(d received) string {
	for _, k := range r.Calls() {
		if k.Session() == d.payload["call_session_id"] {
			return k.Ledger().Legs[0].ControlID
		}
	}
	return ""
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// act sends a command once, with an id made of leg and action.
func (r *rig) act(leg, action string, in map[string]any) (int, map[string]any) {
	if in == nil {
		in = map[string]any{}
	}
	if _, ok := in["command_id"]; !ok && action != "client_state_update" {
		in["command_id"] = leg[:8] + "-" + action
	}
	for k, v := range r.extra[action] {
		in[k] = v
	}
	method := http.MethodPost
	if action == "client_state_update" {
		method = http.MethodPut
	}
	raw, _ := json.Marshal(in)
	return r.request(method, "/calls/"+url.PathEscape(leg)+"/actions/"+action, string(raw))
}

// request speaks to the API; status 0 means that there was no answer.
func (r *rig) request(method, path, raw string) (int, map[string]any) {
	req, err := http.NewRequestWithContext(r.ctx, method, r.BaseURL()+path, bytes.NewReader([]byte(raw)))
	if err != nil {
		r.Errorf("%s: %v", path, err)
		return 0, nil
	}
	req.Header.Set("Authorization", "Bearer KEY")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		r.Errorf("%s %s: %v", method, path, err)
	}
	return resp.StatusCode, out
}

func code(out map[string]any) string {
	errs, _ := out["errors"].([]any)
	if len(errs) == 0 {
		return ""
	}
	c, _ := errs[0].(map[string]any)["code"].(string)
	return c
}

func (r *rig) await(k *Call, what string, holds func(Ledger) bool) Ledger {
	r.Helper()
	if err := k.Await(r.ctx, holds); err != nil {
		r.Fatalf("%s: %v\n%s", what, err, k.Ladder())
	}
	return k.Ledger()
}

func (r *rig) finish(k *Call) Ledger {
	r.Helper()
	if err := k.Wait(r.ctx); err != nil {
		r.Fatalf("the call does not end: %v\n%s", err, k.Ladder())
	}
	return k.Ledger()
}

func (r *rig) place(s party.Script) *Call { return r.PlaceCall(alice, proxy, s) }

// recorded is a whole call: both talk, a recording starts, the caller hangs up.
func (r *rig) recorded() Ledger {
	r.Helper()
	k := r.place(party.Script{After: 10 * time.Millisecond})
	r.await(k, "a recording runs", func(l Ledger) bool { return l.Effects("record_start") == 1 })
	k.HangUp(party.Caller)
	return r.finish(k)
}

// parked is a call that rings, with a switch that does nothing.
func (r *rig) parked() (*Call, string) {
	k := r.place(party.Script{})
	return k, k.Ledger().Legs[0].ControlID
}

// transcribing is a switch that has what it records written down.
func transcribing(r *rig) {
	r.extra["record_start"] = map[string]any{"transcription": true, "transcription_engine": "B"}
}

// idle is a switch that only listens.
func idle(r *rig) { r.decide = func(*rig, received, string) {} }

func happened(leg, kind string) func(Ledger) bool {
	return func(l Ledger) bool { _, ok := l.Event(leg, kind); return ok }
}

// taken says that an event has been delivered with success.
func taken(leg, kind string) func(Ledger) bool {
	return func(l Ledger) bool { e, _ := l.Event(leg, kind); return e.Accepted }
}

func (r *rig) deliveries(kind string) []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []received
	for _, d := range r.got {
		if d.kind == kind {
			all = append(all, d)
		}
	}
	return all
}
