package app

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
	"maskswitch/loadtest/carrier"
	"maskswitch/loadtest/party"
)

// The carrier will not call B, for good: A hears so and is let go.
func TestTransferRefusedForGood(t *testing.T) {
	t.Parallel()
	var callee atomic.Pointer[string]
	r := newRig(t, carrier.Config{OnCommand: func(c carrier.Command) *carrier.Reply {
		if c.Action != "transfer" {
			return nil
		}
		return &carrier.Reply{Status: http.StatusForbidden, Code: "10010", Detail: "Destination " + *callee.Load() + " is not whitelisted D13"}
	}}, "UNREACHABLE_MESSAGE", "Nobody can come to the phone.")
	s := r.book()
	callee.Store(&s.b)
	k := r.call(s, party.Script{})
	row := r.judge(k, s, protocol.OutcomeCarrier)
	l := k.Ledger()
	var said []string
	for _, c := range l.Commands {
		if c.Action == "speak" && c.Effective {
			said = append(said, string(c.Body))
		}
	}
	if len(said) != 1 || !strings.Contains(said[0], "Nobody can come to the phone.") || l.Effects("hangup") != 1 {
		t.Errorf("the caller heard %q:\n%s", said, l.Ladder())
	}
	if e, ok := l.Event("A", "call.speak.ended"); !ok || e.Cause != "completed" {
		t.Errorf("the caller did not hear it to the end:\n%s", l.Ladder())
	}
	if n := len(l.Commands); n != 4 {
		t.Errorf("%d requests; a refusal is not worth another:\n%s", n, l.Ladder())
	}
	if !strings.Contains(row.Reason, "D13") {
		t.Errorf("the reason is %q", row.Reason)
	}
	if n := revealed(row.Reason+strings.Join(r.story(row), "\n"), s.a, s.b); n != nil {
		t.Errorf("the call's row reveals %v", n)
	}
	r.until("it is not counted", func() bool {
		m := r.metrics()
		return m[`maskswitch_calls_ended_total{outcome="carrier"}`] == 1 && m[`maskswitch_commands_total{command="transfer",result="refused"}`] == 1
	})
}

// A fault is what the carrier makes of one command of one call.
type fault struct {
	name string
	// strike is asked at each request; nil lets it pass. nth counts from 1, since
	// is the time since the first one.
	strike func(c *carrier.Call, nth int, since time.Duration) *carrier.Reply
	talk   time.Duration
	// What comes of it, unless the command has an entry of its own in except:
	// heals, as if nothing had been; or for good, refused.
	forGood bool
	except  map[string]outcome
	quiet   time.Duration // the longest that a caller may hear nothing; 0: 3 s
}

// outcome is what must have become of a call.
type outcome struct {
	of              protocol.Outcome
	heard, recorded bool
}

// strikes hits the first n requests.
func strikes(n int, reply carrier.Reply) func(*carrier.Call, int, time.Duration) *carrier.Reply {
	return func(_ *carrier.Call, nth int, _ time.Duration) *carrier.Reply {
		if nth > n {
			return nil
		}
		return &reply
	}
}

// always hits every request while there is a leg; then the carrier's own word
// for it, 90018, comes through.
func always(reply carrier.Reply) func(*carrier.Call, int, time.Duration) *carrier.Reply {
	return func(c *carrier.Call, _ int, _ time.Duration) *carrier.Reply {
		if len(c.Ledger().Alive()) == 0 {
			return nil
		}
		return &reply
	}
}

const (
	silence = 10 * time.Second
	ended   = "90018, the leg has ended"
	// leavesAfter is when a caller leaves whom the carrier will not release.
	leavesAfter = 12 * time.Second
)

var carrierFaults = []fault{
	{name: "500 twice", strike: strikes(2, carrier.Reply{Status: 500})},
	{name: "503 twice", strike: strikes(2, carrier.Reply{Status: 503})},
	{name: "429, again in a second", strike: strikes(1, carrier.Reply{Status: 429, RetryAfter: time.Second})},
	{name: "cut before it took effect", strike: strikes(1, carrier.Reply{Cut: carrier.CutBefore})},
	{name: "cut after it took effect", strike: strikes(1, carrier.Reply{Cut: carrier.CutAfter})},
	{name: "no answer for ten seconds", talk: 13 * time.Second,
		strike: func(_ *carrier.Call, _ int, since time.Duration) *carrier.Reply {
			return &carrier.Reply{Hold: max(silence-since, 0)}
		},
		quiet: silence + 3*time.Second,
		// What is said so late is no longer waited for.
		except: map[string]outcome{"speak": {of: protocol.OutcomeBusy}}},
	// The caller leaves just then, and his hangup event travels slowly.
	{name: ended,
		strike: func(c *carrier.Call, _ int, _ time.Duration) *carrier.Reply {
			c.HangUp(party.Caller)
			_ = c.Await(context.Background(), func(l carrier.Ledger) bool { return len(l.Alive()) == 0 })
			return nil
		},
		except: map[string]outcome{
			"answer": {of: protocol.OutcomeAbandoned}, "transfer": {of: protocol.OutcomeAbandoned},
			"record_start": {of: protocol.OutcomeTalked}, "speak": {of: protocol.OutcomeBusy},
		}},
	{name: "422 for good", forGood: true, quiet: time.Second, strike: always(carrier.Reply{Status: 422, Code: "10015"})},
	{name: "403 for good", forGood: true, quiet: time.Second, strike: always(carrier.Reply{Status: 403, Code: "10010"})},
	{name: "500 for good", forGood: true, quiet: 21 * time.Second, strike: always(carrier.Reply{Status: 500})},
}

// struckCommands are the commands, each with a call in which it comes, and what
// becomes of that call if the command works in the end, and if it does not.
var struckCommands = []struct {
	action      string
	script      party.Script
	heals, ends outcome
}{
	{"answer", party.Talks(50*time.Millisecond, 0), outcome{protocol.OutcomeTalked, false, true}, outcome{of: protocol.OutcomeCarrier}},
	{"reject", party.Script{}, outcome{of: protocol.OutcomeStranger}, outcome{of: protocol.OutcomeStranger}},
	{"transfer", party.Talks(50*time.Millisecond, 0), outcome{protocol.OutcomeTalked, false, true}, outcome{protocol.OutcomeCarrier, true, false}},
	{"record_start", party.Talks(50*time.Millisecond, 0), outcome{protocol.OutcomeTalked, false, true}, outcome{of: protocol.OutcomeTalked}},
	{"speak", party.Script{Callee: party.Busy}, outcome{protocol.OutcomeBusy, true, false}, outcome{of: protocol.OutcomeBusy}},
	{"hangup", party.Script{Callee: party.Busy, AfterSpeech: leavesAfter}, outcome{protocol.OutcomeBusy, true, false}, outcome{protocol.OutcomeBusy, true, false}},
}

// struck is a call whose one command meets a fault.
type struck struct {
	name, action string
	fault        *fault
	want         outcome
	stay         stay
	call         *carrier.Call

	mu    sync.Mutex
	nth   int
	first time.Time
}

func (s *struck) meets(k *carrier.Call) *carrier.Reply {
	s.mu.Lock()
	if s.nth++; s.nth == 1 {
		s.first = time.Now()
	}
	nth, since := s.nth, time.Since(s.first)
	s.mu.Unlock()
	return s.fault.strike(k, nth, since)
}

func (s *struck) requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.nth
}

// ward knows which call a request belongs to.
type ward struct {
	mu      sync.Mutex
	callers map[phone.Number]*struck
	legs    map[string]*struck
	placed  map[string]*carrier.Call
	calls   func() []*carrier.Call
}

func (w *ward) onCommand(c carrier.Command) *carrier.Reply {
	w.mu.Lock()
	if _, known := w.placed[c.ControlID]; !known {
		for _, k := range w.calls() {
			l := k.Ledger()
			for _, leg := range l.Legs {
				w.placed[leg.ControlID], w.legs[leg.ControlID] = k, w.callers[l.Caller]
			}
		}
	}
	k, s := w.placed[c.ControlID], w.legs[c.ControlID]
	w.mu.Unlock()
	if s == nil || s.action != c.Action {
		return nil
	}
	return s.meets(k)
}

// Whatever the carrier makes of one command, that call ends properly, and
// nobody else's is any different: all these faults strike one switch at once,
// while ordinary calls go on, and each webhook is acknowledged in time.
func TestCarrierFaults(t *testing.T) {
	t.Parallel()
	w := &ward{callers: map[phone.Number]*struck{}, legs: map[string]*struck{}, placed: map[string]*carrier.Call{}}
	r := newRig(t, carrier.Config{
		OnCommand: w.onCommand,
		OnDelivery: func(e carrier.Event) *carrier.Plan {
			if e.Kind == "call.hangup" && e.Source == "caller" {
				return &carrier.Plan{Hold: 300 * time.Millisecond}
			}
			return nil
		},
	})
	w.mu.Lock()
	w.calls = r.Calls
	w.mu.Unlock()
	var all []*struck
	for i := range carrierFaults {
		f := &carrierFaults[i]
		for _, c := range struckCommands {
			s := &struck{name: c.action + ": " + f.name, action: c.action, fault: f, want: c.heals, stay: r.book()}
			if f.forGood {
				s.want = c.ends
			}
			if other, ok := f.except[c.action]; ok {
				s.want = other
			}
			caller, script := s.stay.a, c.script
			if c.action == "reject" {
				caller = r.person()
			}
			if script.Callee == party.Answer && c.action != "reject" {
				script.Talk = max(f.talk, 4*time.Second)
			}
			n, err := phone.Parse(caller)
			if err != nil {
				t.Fatal(err)
			}
			w.mu.Lock()
			w.callers[n] = s
			w.mu.Unlock()
			s.call = r.PlaceCall(caller, s.stay.Proxy, script)
			all = append(all, s)
		}
	}

	over := make(chan struct{})
	go func() {
		defer close(over)
		for _, s := range all {
			if s.call.Wait(r.ctx) != nil {
				return
			}
		}
	}()
	ordinary := r.callOn(over)

	for _, s := range all {
		if row := r.judge(s.call, s.stay, s.want.of); row.Outcome != s.want.of {
			t.Errorf("%s: %s", s.name, row.Outcome)
		}
		l := s.call.Ledger()
		if heard := l.Effects("speak") == 1; heard != s.want.heard {
			t.Errorf("%s: the caller heard a sentence: %t\n%s", s.name, heard, l.Ladder())
		}
		if recorded := len(l.Recordings) == 1; recorded != s.want.recorded {
			t.Errorf("%s: recorded: %t\n%s", s.name, recorded, l.Ladder())
		}
		if s.requests() == 0 {
			t.Errorf("%s: never sent\n%s", s.name, l.Ladder())
		}
		if last := l.Commands[len(l.Commands)-1]; s.fault.name == ended && last.Action != s.action {
			t.Errorf("%s: after that came %s\n%s", s.name, last.Action, l.Ladder())
		}
		most := s.fault.quiet
		if s.action == "hangup" && s.fault.forGood {
			most = leavesAfter + time.Second
		}
		if most == 0 {
			most = 3 * time.Second
		}
		if quiet := quietest(l, s.action); quiet > most {
			t.Errorf("%s: the caller heard nothing for %v\n%s", s.name, quiet, l.Ladder())
		}
	}
	slowest := time.Duration(0)
	for _, k := range r.Calls() {
		for _, e := range k.Ledger().Events {
			for _, d := range e.Deliveries {
				slowest = max(slowest, d.Took)
				if d.Status != http.StatusOK {
					t.Errorf("%s was answered %d", e.Kind, d.Status)
				}
			}
		}
	}
	var m map[string]float64
	r.untilOr(5*time.Second, func() bool {
		m = r.metrics()
		return m["maskswitch_commands_in_flight"] == 0
	})
	if m["maskswitch_calls_stuck_total"] != 0 || m[`maskswitch_calls_ended_total{outcome="failed"}`] != 0 || m["maskswitch_commands_in_flight"] != 0 {
		t.Errorf("stuck %v, failed %v, in flight %v", m["maskswitch_calls_stuck_total"], m[`maskswitch_calls_ended_total{outcome="failed"}`], m["maskswitch_commands_in_flight"])
	}
	for _, reason := range []string{"throttled", "unavailable", "timeout"} {
		for _, c := range struckCommands {
			series := fmt.Sprintf("maskswitch_command_retries_total{command=%q,reason=%q}", c.action, reason)
			if m[series] == 0 {
				t.Errorf("%s is 0", series)
			}
		}
	}
	t.Logf("%d struck calls, %d ordinary ones; the slowest acknowledgement took %v", len(all), ordinary, slowest)
}

// quietest is the longest time in which a caller who had been answered heard
// nothing: no ring, no person, no voice. For one who was not, it is how long he
// waited after the carrier's last word on the command at fault.
func quietest(l carrier.Ledger, action string) (longest time.Duration) {
	answered, ok := l.Event("A", "call.answered")
	if !ok {
		hangup, _ := l.Event("A", "call.hangup")
		for _, c := range l.Commands {
			if c.Action == action {
				longest = hangup.At.Sub(c.At.Add(c.Took))
			}
		}
		return longest
	}
	// How much he hears, from each instant at which that changes. B's phone begins
	// to ring for the carrier with its event, and is silent with its hangup.
	change := map[string]int{"call.speak.started": +1, "call.speak.ended": -1}
	heard, since := 0, answered.At
	for _, e := range l.Events {
		by := change[e.Kind]
		switch {
		case e.Leg != "A" && e.Kind == "call.initiated":
			by = +1
		case e.Leg != "A" && e.Kind == "call.hangup":
			by = -1
		case e.Leg == "A" && e.Kind == "call.hangup" && heard == 0:
			longest = max(longest, e.At.Sub(since))
			return longest
		}
		if heard == 0 && by > 0 {
			longest = max(longest, e.At.Sub(since))
		}
		if heard += by; by != 0 {
			since = e.At
		}
	}
	return longest
}

// callOn places ordinary calls until over is closed, and judges them.
func (r *rig) callOn(over <-chan struct{}) int {
	r.Helper()
	type placed struct {
		*carrier.Call
		stay
	}
	var calls []placed
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for going := true; going; {
		s := r.book()
		calls = append(calls, placed{r.call(s, party.Talks(50*time.Millisecond, 2*talk)), s})
		select {
		case <-tick.C:
		case <-over:
			going = false
		}
	}
	for _, c := range calls {
		r.judge(c.Call, c.stay, protocol.OutcomeTalked)
		l := c.Ledger()
		if len(l.Connections) != 1 || len(l.Recordings) != 1 || len(l.Commands) != 3 {
			r.Errorf("an ordinary call is none:\n%s", l.Ladder())
			continue
		}
		if took := l.Connections[0].Rang.Sub(l.Placed); took > ackMost {
			r.Errorf("B's phone rang after %v:\n%s", took, l.Ladder())
		}
	}
	return len(calls)
}
