package carrier

import (
	"slices"
	"testing"
	"time"

	"maskswitch/loadtest/party"
)

// trail is the events of a ledger by leg and kind, hangups with their cause.
func trail(l Ledger) []string {
	var all []string
	for _, e := range l.Events {
		s := e.Leg + " " + e.Kind
		if e.Cause != "" {
			s += " " + e.Cause
		}
		all = append(all, s)
	}
	return all
}

func expect(t *testing.T, l Ledger, want ...string) {
	t.Helper()
	got := trail(l)
	for _, w := range want {
		if n := len(slices.DeleteFunc(slices.Clone(got), func(s string) bool { return s != w })); n != 1 {
			t.Errorf("%d times %q, want once, in\n%s", n, w, l.Ladder())
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d events, want %d:\n%s", len(got), len(want), l.Ladder())
	}
}

func TestTheWholeCall(t *testing.T) {
	r := newRig(t, Config{})
	l := r.recorded()
	expect(t, l, "A call.initiated", "A call.answered", "B call.initiated", "B call.bridged", "A call.bridged",
		"B call.answered", "A call.hangup normal_clearing", "B call.hangup normal_clearing", "A call.recording.saved")
	got := trail(l)
	if slices.Index(got, "A call.bridged") > slices.Index(got, "B call.answered") {
		t.Error("the bridge comes while B still rings")
	}
	for _, action := range []string{"answer", "transfer", "record_start"} {
		if l.Effects(action) != 1 || l.EffectsOn("A", action) != 1 {
			t.Errorf("%s took effect %d times", action, l.Effects(action))
		}
	}
	if len(l.Legs) != 2 || l.Legs[0].ControlID == l.Legs[1].ControlID || l.Legs[0].LegID == l.Legs[1].LegID {
		t.Errorf("legs: %+v", l.Legs)
	}
	c := l.Connections[0]
	if c.Caller.E164() != alice || c.Proxy.E164() != proxy || c.Shown.E164() != proxy || c.Callee.E164() != bob {
		t.Errorf("connection %v", c)
	}
	if !l.Talked() || !l.Over || len(l.Alive()) != 0 || len(l.Leaks) != 0 {
		t.Errorf("talked %t, over %t, alive %v, leaks %v", l.Talked(), l.Over, l.Alive(), l.Leaks)
	}
	if got := r.Totals(); got.Calls != 1 || got.Done != 1 || got.Accepted != 9 || got.Commands != 3 {
		t.Errorf("totals %+v", got)
	}
	if err := r.Wait(r.ctx); err != nil {
		t.Error(err)
	}
}

func TestTheScriptIsKept(t *testing.T) {
	r := newRig(t, Config{Speed: 10})
	l := r.finish(r.place(party.Talks(300*time.Millisecond, 500*time.Millisecond)))
	c := l.Connections[0]
	if ring, talk := c.Talked.Sub(c.Rang), c.Ended.Sub(c.Talked); ring < 30*time.Millisecond || talk < 50*time.Millisecond {
		t.Errorf("rang for %v and talked for %v, want 30 and 50 ms", ring, talk)
	}
	if a, _ := l.Event("A", "call.hangup"); a.Source != "caller" {
		t.Errorf("the %s left, want the caller", a.Source)
	}
}

func TestCalleesWhoAreNotReached(t *testing.T) {
	for _, c := range []struct {
		reaction party.Reaction
		cause    string
		sip      string
	}{
		{party.Busy, "user_busy", "486"},
		{party.Decline, "call_rejected", "603"},
		{party.Unreachable, "not_found", "404"},
		{party.NoAnswer, "no_answer", "480"},
		{party.Failed, "unspecified", "unspecified"},
		{party.RingOut, "timeout", "487"},
	} {
		t.Run(c.cause, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, Config{Speed: 1000}) // a ring of 30 s takes 30 ms
			k := r.place(party.Refused(c.reaction, 5*time.Second))
			l := r.finish(k)
			expect(t, l, "A call.initiated", "A call.answered", "B call.initiated", "B call.bridged", "A call.bridged",
				"B call.hangup "+c.cause, "A call.speak.started", "A call.speak.ended completed", "A call.hangup normal_clearing")
			for _, d := range r.deliveries("call.hangup") {
				if d.payload["hangup_cause"] == c.cause && d.payload["sip_hangup_cause"] != c.sip {
					t.Errorf("sip cause %v, want %s", d.payload["sip_hangup_cause"], c.sip)
				}
			}
			if l.Talked() {
				t.Error("nobody talked")
			}
		})
	}
}

func TestTheCallerLeavesWhileBRings(t *testing.T) {
	r := newRig(t, Config{})
	k := r.place(party.Script{Callee: party.RingOut})
	r.await(k, "B rings", taken("B", "call.initiated"))
	k.HangUp(party.Caller)
	l := r.finish(k)
	a, _ := l.Event("A", "call.hangup")
	b, _ := l.Event("B", "call.hangup")
	if a.Cause != "normal_clearing" || a.Source != "caller" || b.Cause != "originator_cancel" {
		t.Errorf("A %s by %s, B %s", a.Cause, a.Source, b.Cause)
	}
}

func TestTheCallerLeavesBeforeAnything(t *testing.T) {
	r := newRig(t, Config{}, idle)
	k := r.place(party.GivesUp(10 * time.Millisecond))
	l := r.finish(k)
	expect(t, l, "A call.initiated", "A call.hangup originator_cancel")
}

func TestPatienceEndsWithTheTalk(t *testing.T) {
	r := newRig(t, Config{})
	s := party.Talks(0, 80*time.Millisecond)
	s.Patience = 60 * time.Millisecond
	l := r.finish(r.place(s))
	if c := l.Connections[0]; c.Talked.IsZero() || c.Ended.Sub(c.Talked) < 80*time.Millisecond {
		t.Errorf("a talking caller lost patience:\n%s", l.Ladder())
	}
}

func TestEitherHangupComesFirst(t *testing.T) {
	r := newRig(t, Config{Seed: 3})
	first := map[string]int{}
	for range 12 {
		l := r.finish(r.place(party.CalleeLeaves(0, time.Millisecond)))
		i := slices.IndexFunc(l.Events, func(e Event) bool { return e.Kind == "call.hangup" })
		first[l.Events[i].Leg]++
		if l.Events[i].Source != "callee" {
			t.Errorf("source %s, but the callee left", l.Events[i].Source)
		}
	}
	if first["A"] == 0 || first["B"] == 0 {
		t.Errorf("first to hang up: %v, want both orders", first)
	}
}

func TestTimeLimitEndsTheTalk(t *testing.T) {
	r := newRig(t, Config{Speed: 500})
	r.extra["transfer"] = map[string]any{"time_limit_secs": 30}
	l := r.finish(r.place(party.Script{})) // they would talk for ever
	if b, _ := l.Event("B", "call.hangup"); b.Cause != "time_limit" {
		t.Errorf("B ended with %q", b.Cause)
	}
	if a, _ := l.Event("A", "call.hangup"); a.Cause != "normal_clearing" {
		t.Errorf("A ended with %q", a.Cause)
	}
}

func TestAParkedCallerStays(t *testing.T) {
	r := newRig(t, Config{})
	r.extra["transfer"] = map[string]any{"park_after_unbridge": "self"}
	k := r.place(party.CalleeLeaves(0, time.Millisecond))
	l := r.await(k, "B has left", taken("B", "call.hangup"))
	if !slices.Equal(l.Alive(), []string{"A"}) {
		t.Errorf("alive: %v", l.Alive())
	}
	k.HangUp(party.Caller)
	r.finish(k)
}

func TestPeopleDoAsTold(t *testing.T) {
	r := newRig(t, Config{})
	k := r.place(party.Script{Callee: party.RingOut})
	r.await(k, "B rings", taken("B", "call.initiated"))
	k.PickUp()
	r.await(k, "B answers", taken("B", "call.answered"))
	k.HangUp(party.Callee)
	l := r.finish(k)
	if b, _ := l.Event("B", "call.hangup"); b.Source != "callee" || b.Cause != "normal_clearing" {
		t.Errorf("B ended with %s by %s", b.Cause, b.Source)
	}
	k.HangUp(party.Caller) // nobody is there any more
	k.PickUp()
	if n := len(k.Ledger().Events); n != len(l.Events) {
		t.Error("a finished call went on")
	}
}

func TestAWithheldCaller(t *testing.T) {
	for _, from := range []string{"", "anonymous"} {
		r := newRig(t, Config{}, idle)
		k := r.PlaceCall(from, proxy, party.GivesUp(20*time.Millisecond))
		l := r.finish(k)
		if l.Caller.Known() {
			t.Errorf("caller %v", l.Caller)
		}
		if got := r.deliveries("call.initiated")[0].payload; got["from"] != from {
			t.Errorf("from %q was sent as %v", from, got["from"])
		}
	}
}

func TestASecondTransferDialsAgain(t *testing.T) {
	r := newRig(t, Config{})
	k := r.place(party.Script{Callee: party.Busy})
	l := r.await(k, "the first is over", happened("B", "call.hangup"))
	r.act(l.Legs[0].ControlID, "transfer", map[string]any{"to": bob, "command_id": "again"})
	l = r.await(k, "a second rings", happened("B2", "call.initiated"))
	if l.Effects("transfer") != 2 {
		t.Errorf("%d transfers", l.Effects("transfer"))
	}
	if c := l.Connections[1]; c.Shown.E164() != proxy {
		t.Errorf("without from B2 saw %v, want the dialled number", c.Shown)
	}
	k.HangUp(party.Caller)
	r.finish(k)
}

func TestCloseEndsEverything(t *testing.T) {
	r := newRig(t, Config{}, idle)
	k, _ := r.parked()
	waiting := make(chan error, 1)
	go func() { waiting <- k.Wait(r.ctx) }()
	r.Close()
	if err := <-waiting; err != ErrClosed {
		t.Errorf("Wait said %v", err)
	}
	if l := r.place(party.Script{}).Ledger(); !l.Over || len(l.Events) != 0 {
		t.Errorf("a closed carrier placed a call: %+v", l)
	}
	r.Close() // twice does no harm
}

func TestForgetFreesACall(t *testing.T) {
	r := newRig(t, Config{})
	l := r.recorded()
	k := r.Calls()[0]
	r.Forget(k)
	if len(r.Calls()) != 0 {
		t.Error("the call is still listed")
	}
	if status, _ := r.request("GET", "/calls/"+l.Legs[0].ControlID, ""); status != 404 {
		t.Errorf("its leg answers %d", status)
	}
	if status, _ := r.request("GET", "/recordings/"+l.Recordings[0].ID, ""); status != 404 {
		t.Errorf("its recording answers %d", status)
	}
	if got := k.Ledger(); len(got.Events) != len(l.Events) {
		t.Error("the handle lost its ledger")
	}
}

// A second transfer dials once more, and its leg does not outlive the caller's.
func TestNoLegOutlivesTheCallers(t *testing.T) {
	r := newRig(t, Config{}, idle)
	k, a := r.parked()
	r.act(a, "answer", nil)
	r.await(k, "A is through", taken("A", "call.answered"))
	r.act(a, "transfer", map[string]any{"to": bob, "command_id": "1"})
	r.await(k, "B answers", taken("B", "call.answered"))
	r.act(a, "transfer", map[string]any{"to": bob, "command_id": "2"})
	l := r.await(k, "B2 answers", taken("B2", "call.answered"))
	i := slices.IndexFunc(l.Legs, func(g Leg) bool { return g.Name == "B" })
	r.act(l.Legs[i].ControlID, "hangup", nil)
	l = r.finish(k)
	if e, _ := l.Event("B2", "call.hangup"); e.Cause != "normal_clearing" {
		t.Errorf("B2 ended by %q:\n%s", e.Cause, l.Ladder())
	}
}
