package carrier

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"maskswitch/loadtest/party"
)

// published is the carrier's API, as far as a masking switch needs it.
var published = sync.OnceValues(func() (*openapi3.T, error) {
	return openapi3.NewLoader().LoadFromFile("testdata/openapi.json")
})

func publishedAPI(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := published()
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// notPlayed are the published commands that this carrier does not know.
var notPlayed = []string{"bridge", "gather_using_speak", "gather_stop"}

// ourOwn are the places where the rules differ from the published schema, and
// why. One that does not differ any more fails the test.
var ourOwn = map[string]string{
	"transfer /to is dialled, not text":                     "it may be a SIP address there; no booking may reach one",
	"transfer /from is dialled, not text":                   "the same",
	"playback_start /playback_content is base64, not text":  "the published text says base64, its schema does not",
	"send_dtmf /digits is bounded 1 to 0, published 0 to 0": "no digits: nothing would be pressed",
	"speak /voice is bounded 1 to 0, published 0 to 0":      "it is required, and an empty one is none",
}

// TestRulesAreThePublishedOnes compares the rules of each command with its
// schema, both ways: members, which are required, kinds, allowed values, bounds.
func TestRulesAreThePublishedOnes(t *testing.T) {
	doc := publishedAPI(t)
	var differences []string
	differ := func(format string, args ...any) { differences = append(differences, fmt.Sprintf(format, args...)) }
	const prefix = "/calls/{call_control_id}/actions/"
	for path, item := range doc.Paths.Map() {
		name, ok := strings.CutPrefix(path, prefix)
		if !ok {
			continue
		}
		a, played := actions[name]
		if played == slices.Contains(notPlayed, name) {
			t.Errorf("%s: played %t, and in the list of those that are not: %t", name, played, !played)
		}
		if !played {
			continue
		}
		op := item.GetOperation(a.method)
		if op == nil {
			t.Errorf("%s is not %s", name, a.method)
			continue
		}
		schema := op.RequestBody.Value.Content.Get("application/json").Schema.Value
		for member := range schema.Properties {
			if _, known := a.rules.of[member]; !known {
				differ("%s /%s is not known", name, member)
			}
		}
		for member, r := range a.rules.of {
			p := schema.Properties[member]
			if p == nil {
				differ("%s /%s is not published", name, member)
				continue
			}
			at := name + " /" + member
			if need := slices.Contains(schema.Required, member); need != r.need {
				differ("%s is required %t, published %t", at, r.need, need)
			}
			compareRule(differ, at, r, p.Value)
		}
	}
	for name := range actions {
		if doc.Paths.Find(prefix+name) == nil {
			t.Errorf("%s is not published", name)
		}
	}
	unused := maps.Clone(ourOwn)
	slices.Sort(differences)
	for _, d := range differences {
		if _, known := ourOwn[d]; !known {
			t.Error(d)
		}
		delete(unused, d)
	}
	for d := range unused {
		t.Errorf("no difference any more: %s", d)
	}
}

func compareRule(differ func(string, ...any), at string, r rule, p *openapi3.Schema) {
	if got, want := kindNames[r.is], kindOf(p); got != want {
		differ("%s is %s, not %s", at, got, want)
	}
	var words []string
	for _, w := range p.Enum {
		words = append(words, fmt.Sprint(w))
	}
	slices.Sort(words)
	if own := slices.Sorted(slices.Values(r.words)); !slices.Equal(own, words) {
		differ("%s allows %v, published %v", at, own, words)
	}
	lowest, highest := 0, 0
	switch {
	case p.Type.Is("integer"):
		if p.Min != nil {
			lowest = int(*p.Min)
		}
		if p.Max != nil {
			highest = int(*p.Max)
		}
	case p.Type.Is("string"):
		lowest = int(p.MinLength)
		if p.MaxLength != nil {
			highest = int(*p.MaxLength)
		}
	}
	own := r.max
	if own == unbounded {
		own = 0
	}
	if r.min != lowest || own != highest {
		differ("%s is bounded %d to %d, published %d to %d", at, r.min, own, lowest, highest)
	}
}

var kindNames = map[kind]string{text: "text", number64: "integer", flag: "boolean", object: "object", list: "array",
	textOrNumber: "text or integer", textOrList: "text or array", decimal: "number", base64Text: "base64", uuidText: "uuid", dialled: "dialled", retries: "retries"}

func kindOf(p *openapi3.Schema) string {
	switch {
	case len(p.OneOf)+len(p.AnyOf) > 0:
		if slices.ContainsFunc(p.OneOf, func(one *openapi3.SchemaRef) bool { return one.Value.Type.Is("array") }) {
			return "text or array"
		}
		return "text or integer"
	case p.Type.Is("string") && strings.Contains(p.Pattern, "A-Za-z0-9+/"):
		return "base64"
	case p.Type.Is("string") && p.Format == "uuid":
		return "uuid"
	case p.Type.Is("string"):
		return "text"
	case p.Type.Is("object") && p.AdditionalProperties.Schema != nil && p.AdditionalProperties.Schema.Value.Properties["retries_ms"] != nil:
		return "retries"
	case p.Type == nil:
		return "anything"
	}
	return strings.Join(p.Type.Slice(), "|")
}

// TestEventsPassTheirSchema runs calls that emit every kind of event and holds
// each delivery against the schema of its kind.
func TestEventsPassTheirSchema(t *testing.T) {
	doc := publishedAPI(t)
	schemas := map[string]*openapi3.SchemaRef{}
	for kind, v := range doc.Extensions["x-webhooks"].(map[string]any) {
		ref, _ := v.(map[string]any)["$schema"].(string)
		schemas[kind] = doc.Components.Schemas[ref[strings.LastIndex(ref, "/")+1:]]
		if schemas[kind] == nil {
			t.Fatalf("%s has no schema", kind)
		}
	}
	var rigs []*rig
	play := func(cfg Config, s party.Script, act func(*rig, *Call)) {
		r := newRig(t, cfg)
		k := r.place(s)
		if act != nil {
			act(r, k)
		}
		r.finish(k)
		rigs = append(rigs, r)
	}
	talk := func(r *rig, k *Call) {
		r.await(k, "a recording runs", func(l Ledger) bool { return l.Effects("record_start") == 1 })
		r.act(k.Ledger().Legs[0].ControlID, "playback_start", map[string]any{"audio_url": "https://media.example.com/a.mp3"})
		r.await(k, "the playback is over", taken("A", "call.playback.ended"))
		k.HangUp(party.Caller)
	}
	play(Config{}, party.Script{}, talk)
	play(Config{Faults: Faults{RecordingBare: 1}}, party.Script{}, talk)
	play(Config{Faults: Faults{RecordingFailed: 1}}, party.Script{}, talk)
	transcribed := newRig(t, Config{}, transcribing)
	transcribed.recorded()
	rigs = append(rigs, transcribed)
	for reaction := range failures {
		play(Config{Speed: 100}, party.Refused(reaction, time.Second), nil)
	}
	play(Config{Speed: 1000}, party.Refused(party.RingOut, time.Second), nil)
	play(Config{}, party.Script{Callee: party.RingOut}, func(r *rig, k *Call) {
		r.await(k, "B rings", taken("B", "call.initiated"))
		k.HangUp(party.Caller)
	})
	seen := map[string]int{}
	for _, r := range rigs {
		r.mu.Lock()
		for _, d := range r.got {
			seen[d.kind]++
			schema := schemas[d.kind]
			if schema == nil {
				t.Errorf("%s is not published", d.kind)
				continue
			}
			var v any
			if err := json.Unmarshal(d.raw, &v); err != nil {
				t.Fatal(err)
			}
			if err := schema.Value.VisitJSON(v); err != nil {
				t.Errorf("%s: %v\n%s", d.kind, err, d.raw)
			}
		}
		r.mu.Unlock()
	}
	for _, kind := range []string{"call.initiated", "call.answered", "call.bridged", "call.hangup", "call.recording.saved", "call.recording.error", "call.recording.transcription.saved",
		"call.speak.started", "call.speak.ended", "call.playback.started", "call.playback.ended"} {
		if seen[kind] == 0 {
			t.Errorf("no %s was seen", kind)
		}
	}
}

// TestSchemasRefuseAWrongEvent shows that the check above can fail.
func TestSchemasRefuseAWrongEvent(t *testing.T) {
	doc := publishedAPI(t)
	schema := doc.Components.Schemas["CallHangupEvent"].Value
	good := sample(t, "call.hangup")
	if err := schema.VisitJSON(good); err != nil {
		t.Fatal(err)
	}
	good["data"].(map[string]any)["payload"].(map[string]any)["hangup_cause"] = "bored"
	if schema.VisitJSON(good) == nil {
		t.Error("a hangup cause that is none passes")
	}
}
