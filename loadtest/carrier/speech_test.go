package carrier

import (
	"slices"
	"strings"
	"testing"
	"time"

	"maskswitch/loadtest/party"
)

// spokenTo plays a line in the middle of a talk and tells on which legs its
// events came.
func spokenTo(t *testing.T, key uint64, leg, target string) string {
	t.Helper()
	r := newRig(t, Config{}, idle)
	k := r.Place(Placement{Key: key, From: alice, To: proxy, Script: party.Script{AfterSpeech: time.Millisecond}})
	r.act(k.Ledger().Legs[0].ControlID, "answer", nil)
	r.await(k, "A is through", taken("A", "call.answered"))
	r.act(k.Ledger().Legs[0].ControlID, "transfer", map[string]any{"to": bob})
	l := r.await(k, "B answers", taken("B", "call.answered"))
	i := slices.IndexFunc(l.Legs, func(g Leg) bool { return g.Name == leg })
	if status, out := r.act(l.Legs[i].ControlID, "speak", map[string]any{"payload": "Time is up.", "voice": "female", "target_legs": target}); status != 200 {
		t.Fatalf("speak to %s: %d %v", target, status, out)
	}
	ended := func(e Event) bool { return e.Kind == "call.speak.ended" && e.Cause == "completed" }
	l = r.await(k, "the line is over", func(l Ledger) bool { return slices.ContainsFunc(l.Events, ended) })
	// Whoever leaves after a line has left when another one is over.
	r.act(l.Legs[0].ControlID, "playback_start", map[string]any{"media_name": "music"})
	r.await(k, "the music is over", func(l Ledger) bool {
		_, over := l.Event("A", "call.playback.ended")
		return over
	})
	k.HangUp(party.Callee)
	var legs []string
	for _, e := range r.finish(k).Events {
		if strings.HasPrefix(e.Kind, "call.speak.") {
			legs = append(legs, e.Leg+strings.TrimPrefix(e.Kind, "call.speak"))
		}
		if e.Kind == "call.hangup" && e.Source != "callee" {
			t.Errorf("the %s left after a line in the middle of a talk", e.Source)
		}
	}
	slices.Sort(legs)
	return strings.Join(legs, " ")
}

func TestALineIsPlayedToTheLegsThatItIsFor(t *testing.T) {
	for _, c := range []struct{ leg, target, want string }{
		{"A", "self", "A.ended A.started"},
		{"B", "self", "B.ended B.started"},
		{"A", "opposite", "B.ended B.started"},
		{"B", "opposite", "A.ended A.started"},
	} {
		t.Run(c.leg+" "+c.target, func(t *testing.T) {
			t.Parallel()
			for key := range uint64(4) { // see the next test
				if got := spokenTo(t, key+1, c.leg, c.target); got != c.want {
					t.Errorf("events %q, want %q", got, c.want)
				}
			}
		})
	}
}

// Nobody says on which leg a line for both is reported, so both ways occur: the
// key of the call decides.
func TestALineForBothIsReportedInEitherWay(t *testing.T) {
	t.Parallel()
	seen := map[string]uint64{}
	for key := uint64(1); key <= 20 && len(seen) < 2; key++ {
		seen[spokenTo(t, key, "A", "both")] = key
	}
	for _, want := range []string{"A.ended A.started", "A.ended A.started B.ended B.started"} {
		key, ok := seen[want]
		if !ok {
			t.Fatalf("of both ways only %v", seen)
		}
		if again := spokenTo(t, key, "A", "both"); again != want {
			t.Errorf("call %d: %q, and then %q", key, want, again)
		}
	}
}

func TestWhoCannotHear(t *testing.T) {
	r := newRig(t, Config{}, idle)
	k := r.place(party.Script{Callee: party.RingOut})
	a := k.Ledger().Legs[0].ControlID
	r.act(a, "answer", nil)
	r.await(k, "A is through", taken("A", "call.answered"))
	speak := func(id, target string, want int, wantCode string) {
		t.Helper()
		status, out := r.act(a, "speak", map[string]any{"payload": "Time is up.", "voice": "female", "target_legs": target, "command_id": id})
		if status != want || code(out) != wantCode {
			t.Errorf("to %s: %d %v, want %d with code %q", target, status, out, want, wantCode)
		}
	}
	speak("1", "opposite", 422, "90034")
	speak("2", "everybody", 422, "10032")
	speak("3", "both", 200, "") // to whoever is there
	r.await(k, "A hears it", happened("A", "call.speak.started"))
	r.act(a, "transfer", map[string]any{"to": bob})
	r.await(k, "B rings", happened("B", "call.initiated"))
	speak("4", "opposite", 422, "90034")
	k.HangUp(party.Caller)
	r.finish(k)
}
