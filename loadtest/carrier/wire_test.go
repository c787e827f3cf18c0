package carrier

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"maskswitch/loadtest/party"
)

// sample reads a published webhook document.
func sample(t *testing.T, name string) map[string]any {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// members are the paths of all members of a document.
func members(v any, at string, into map[string]string) map[string]string {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			members(inner, at+"/"+name, into)
		}
		if len(v) == 0 {
			into[at] = "empty"
		}
	case string:
		into[at] = "text"
	case float64:
		into[at] = "number"
	case bool:
		into[at] = "flag"
	case []any:
		into[at] = "list"
	case nil:
		into[at] = "null"
	}
	return into
}

// TestEventsHaveTheMembersOfTheSamples runs the calls that emit every kind of
// event and compares each with its published document, member by member.
func TestEventsHaveTheMembersOfTheSamples(t *testing.T) {
	play := func(cfg Config, s party.Script, change ...func(*rig)) *rig {
		r := newRig(t, cfg, change...)
		k := r.place(s)
		if s.Callee == party.Answer {
			r.await(k, "a recording runs", func(l Ledger) bool { return l.Effects("record_start") == 1 })
			r.act(k.Ledger().Legs[0].ControlID, "playback_start", map[string]any{"audio_url": "https://media.example.com/a.mp3"})
			r.await(k, "the playback is over", taken("A", "call.playback.ended"))
			k.HangUp(party.Caller)
		}
		r.finish(k)
		return r
	}
	talk := play(Config{}, party.Script{})
	bare := play(Config{Faults: Faults{RecordingBare: 1}}, party.Script{})
	lost := play(Config{Faults: Faults{RecordingFailed: 1}}, party.Script{})
	busy := play(Config{Speed: 100}, party.Refused(party.Busy, time.Second))
	rejected := play(Config{}, party.Script{Callee: party.RingOut}, func(r *rig) {
		r.decide = func(r *rig, d received, leg string) {
			if d.kind == "call.initiated" {
				r.act(d.leg, "reject", map[string]any{"cause": "CALL_REJECTED"})
			}
		}
	})
	for _, c := range []struct {
		sample, kind, leg string
		in                *rig
	}{
		{"call.initiated", "call.initiated", "A", talk},
		{"call.initiated.leg-b", "call.initiated", "B", talk},
		{"call.answered", "call.answered", "A", talk},
		{"call.answered.leg-b", "call.answered", "B", talk},
		{"call.bridged", "call.bridged", "A", talk},
		{"call.bridged.leg-b", "call.bridged", "B", talk},
		{"call.hangup", "call.hangup", "A", talk},
		{"call.hangup.leg-b", "call.hangup", "B", talk},
		{"call.hangup.leg-b.busy", "call.hangup", "B", busy},
		{"call.hangup.rejected-inbound", "call.hangup", "A", rejected},
		{"call.recording.saved", "call.recording.saved", "A", talk},
		{"call.recording.saved.schema-only", "call.recording.saved", "", bare},
		{"call.recording.error", "call.recording.error", "A", lost},
		{"call.speak.started", "call.speak.started", "A", busy},
		{"call.speak.ended", "call.speak.ended", "A", busy},
		{"call.playback.started", "call.playback.started", "A", talk},
		{"call.playback.ended", "call.playback.ended", "A", talk},
	} {
		t.Run(c.sample, func(t *testing.T) {
			var docs []map[string]any
			for _, d := range c.in.deliveries(c.kind) {
				if c.in.party(d) == c.leg {
					var doc map[string]any
					if err := json.Unmarshal(d.raw, &doc); err != nil {
						t.Fatal(err)
					}
					docs = append(docs, doc)
				}
			}
			if len(docs) != 1 {
				t.Fatalf("%d such events, want 1", len(docs))
			}
			want, got := members(sample(t, c.sample), "", map[string]string{}), members(docs[0], "", map[string]string{})
			for _, path := range slices.Sorted(maps.Keys(want)) {
				switch kind, ok := got[path]; {
				case !ok:
					t.Errorf("%s is missing", path)
				case kind != want[path]:
					t.Errorf("%s is %s, want %s", path, kind, want[path])
				}
				delete(got, path)
			}
			for _, path := range slices.Sorted(maps.Keys(got)) {
				t.Errorf("%s is not in the sample", path)
			}
		})
	}
	first := rejected.deliveries("call.hangup")[0].payload
	if first["hangup_cause"] != "call_rejected" || first["hangup_source"] != "callee" || first["sip_hangup_cause"] != "unspecified" {
		t.Errorf("a rejected call ends with %v", first)
	}
}

func TestHeadersOfAWebhook(t *testing.T) {
	r := newRig(t, Config{}, idle)
	r.finish(r.place(party.GivesUp(5 * time.Millisecond)))
	h := r.deliveries("call.initiated")[0].header
	if h.Get("User-Agent") != "telnyx-webhooks" || h.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", h)
	}
	at := regexp.MustCompile(`"occurred_at":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"`)
	if raw := r.deliveries("call.initiated")[0].raw; !at.Match(raw) {
		t.Errorf("occurred_at has another form: %s", raw)
	}
}

func TestClientStateIsEchoedByLeg(t *testing.T) {
	r := newRig(t, Config{})
	k := r.place(party.Script{})
	l := r.await(k, "both talk", taken("B", "call.answered"))
	b := l.Legs[1].ControlID
	if status, _ := r.act(b, "client_state_update", map[string]any{"client_state": b64("new b")}); status != 200 {
		t.Errorf("client_state_update: %d", status)
	}
	k.HangUp(party.Caller)
	l = r.finish(k)
	for _, c := range []struct{ leg, kind, state string }{
		{"A", "call.initiated", ""},
		{"A", "call.answered", b64("leg a")},
		{"B", "call.initiated", b64("leg b")},
		{"A", "call.bridged", b64("leg a")},
		{"B", "call.answered", b64("leg b")},
		{"A", "call.hangup", b64("leg a")},
		{"B", "call.hangup", b64("new b")},
	} {
		if e, _ := l.Event(c.leg, c.kind); e.ClientState != c.state {
			t.Errorf("%s of %s carries %q, want %q", c.kind, c.leg, e.ClientState, c.state)
		}
	}
	for _, d := range append(r.deliveries("call.answered"), r.deliveries("call.hangup")...) {
		if _, has := d.payload["direction"]; has {
			t.Errorf("%s has a direction", d.kind)
		}
	}
}

func TestTheCarriersClockMayBeWrong(t *testing.T) {
	r := newRig(t, Config{Seed: 5, Faults: Faults{Skew: -time.Hour, Jitter: 20 * time.Minute}})
	r.recorded()
	strays := map[time.Duration]bool{}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range r.got {
		var doc struct {
			Data struct {
				OccurredAt time.Time `json:"occurred_at"`
			}
		}
		if err := json.Unmarshal(d.raw, &doc); err != nil {
			t.Fatal(err)
		}
		behind := time.Since(doc.Data.OccurredAt)
		if behind < 39*time.Minute || behind > 81*time.Minute {
			t.Errorf("%s is %v behind, want 40 to 80 minutes", d.kind, behind)
		}
		strays[behind.Round(time.Second)] = true
	}
	if len(strays) < 4 {
		t.Errorf("only %d different errors of the clock", len(strays))
	}
}
