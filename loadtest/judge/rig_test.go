package judge

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"maskswitch/actors/phone"
	"maskswitch/loadtest/carrier"
	"maskswitch/loadtest/market"
	"maskswitch/loadtest/party"
)

const (
	guest  = "+13125550111"
	host   = "+14155550122"
	third  = "+17735550133"
	proxy  = "+16465550144"
	proxy2 = "+16465550155"
)

func num(s string) phone.Number { return phone.FromCarrier(s) }

// t0 is the instant 0 of these stories: far enough back that all of them are
// over by now.
var t0 = time.Now().Add(-time.Hour)

func at(seconds float64) time.Time { return t0.Add(time.Duration(seconds * float64(time.Second))) }

// register has one booking of guest and host on proxy, from -100 s to 1000 s.
func register(cfg Config) *Register {
	r := New(cfg)
	r.Opening("bk", guest, host, Terms{}, at(-100))
	r.Opened("bk", Answer{Proxy: proxy, Expires: at(1000)}, at(-100))
	return r
}

// story is a ledger in the making. Everything is told the moment it happens,
// unless a line says otherwise.
type story struct{ carrier.Ledger }

func tell(from string, lines ...func(*story)) carrier.Ledger {
	s := &story{carrier.Ledger{Number: 1, Placed: at(0), Caller: num(from), Proxy: num(proxy), Over: true}}
	for _, line := range lines {
		line(s)
	}
	return s.Ledger
}

// normal is a call that goes well, in its parts.
func normal() []func(*story) {
	return []func(*story){
		event("A", "call.initiated", 0), does("A", "answer", .01), event("A", "call.answered", .03), does("A", "transfer", .04),
		rings(guestToHost, .07), event("B", "call.initiated", .07), event("B", "call.bridged", .08), event("A", "call.bridged", .08),
		picksUp(3), event("B", "call.answered", 3), does("A", "record_start", 3.01), records(3.01, 20),
		leaves(20), ends("A", "normal_clearing", "caller", 20), ends("B", "normal_clearing", "caller", 20.01), event("A", "call.recording.saved", 21),
	}
}

// but is normal with some lines put in the place of others: "5" leaves out the
// sixth line.
func but(drop []int, add ...func(*story)) []func(*story) {
	var lines []func(*story)
	for i, line := range normal() {
		keep := true
		for _, d := range drop {
			keep = keep && d != i
		}
		if keep {
			lines = append(lines, line)
		}
	}
	return append(lines, add...)
}

// upTo is the first lines of normal, and others after them.
func upTo(n int, add ...func(*story)) []func(*story) { return append(normal()[:n:n], add...) }

func event(leg, kind string, when float64) func(*story) {
	return func(s *story) {
		s.Events = append(s.Events, carrier.Event{ID: fmt.Sprint(len(s.Events)), Leg: leg, Kind: kind, At: at(when), Accepted: true,
			Deliveries: []carrier.Delivery{{Copy: 1, Attempt: 1, Due: at(when), Sent: at(when), Took: time.Millisecond, Status: 200}}})
		for _, g := range s.Legs {
			if g.Name == leg {
				return
			}
		}
		s.Legs = append(s.Legs, carrier.Leg{Name: leg, ControlID: "v3:" + leg})
	}
}

func ends(leg, cause, source string, when float64) func(*story) {
	return func(s *story) {
		event(leg, "call.hangup", when)(s)
		e := &s.Events[len(s.Events)-1]
		e.Cause, e.Source = cause, source
	}
}

func spoken(when float64) func(*story) {
	return func(s *story) {
		event("A", "call.speak.ended", when)(s)
		s.Events[len(s.Events)-1].Cause = "completed"
	}
}

func does(leg, action string, when float64) func(*story) {
	return func(s *story) {
		s.Commands = append(s.Commands, carrier.Command{Leg: leg, Action: action, ID: fmt.Sprint(action, len(s.Commands)), Attempt: 1,
			At: at(when), Took: time.Millisecond, Status: 200, Effective: true})
	}
}

// failing is a command that did nothing.
func failing(leg, action string, when float64, status int, code string, faulted bool) func(*story) {
	return func(s *story) {
		does(leg, action, when)(s)
		c := &s.Commands[len(s.Commands)-1]
		c.Status, c.Code, c.Effective, c.Faulted = status, code, false, faulted
	}
}

type who struct{ callee, shown string }

var guestToHost = who{host, proxy}

func rings(w who, when float64) func(*story) {
	return func(s *story) {
		leg := "B"
		if n := len(s.Connections); n > 0 {
			leg = fmt.Sprint("B", n+1)
		}
		s.Connections = append(s.Connections, carrier.Connection{Leg: leg, Caller: s.Caller, Proxy: s.Proxy, Shown: num(w.shown), Callee: num(w.callee), Rang: at(when)})
	}
}

func picksUp(when float64) func(*story) {
	return func(s *story) { s.Connections[len(s.Connections)-1].Talked = at(when) }
}

func leaves(when float64) func(*story) {
	return func(s *story) { s.Connections[len(s.Connections)-1].Ended = at(when) }
}

func records(from, to float64) func(*story) {
	return func(s *story) {
		s.Recordings = append(s.Recordings, carrier.Recording{ID: fmt.Sprint("rec", len(s.Recordings)), Leg: "A", Started: at(from), Ended: at(to), Size: 1000, SHA256: "x"})
	}
}

// change edits the event of a leg and kind.
func change(leg, kind string, f func(*carrier.Event)) func(*story) {
	return func(s *story) {
		for i := range s.Events {
			if e := &s.Events[i]; e.Leg == leg && e.Kind == kind {
				f(e)
				return
			}
		}
		panic("the story has no " + kind + " of " + leg)
	}
}

// delayed lets an event be taken only then, by a fault of the world.
func delayed(leg, kind string, until float64) func(*story) {
	return change(leg, kind, func(e *carrier.Event) { e.Faulted, e.Deliveries[0].Sent = true, at(until) })
}

// turnedAway lets the switch answer an event so, for good.
func turnedAway(leg, kind string, status int) func(*story) {
	return change(leg, kind, func(e *carrier.Event) {
		e.Accepted, e.Refused, e.Deliveries[0].Status = false, true, status
	})
}

// unfinished is a call that goes on, with its legs.
func unfinished(alive ...string) func(*story) {
	return func(s *story) {
		s.Over = false
		for i := range s.Legs {
			s.Legs[i].Alive = strings.Contains(strings.Join(alive, " "), s.Legs[i].Name)
		}
	}
}

func expected(from string, whose market.Caller, s party.Script) Expected {
	return Expected{Number: proxy, Dialling: Dialling{Call: 1, Habit: "h", Who: whose, From: from, Booking: "bk", Script: s, At: at(0)}}
}

func kinds(found []Finding) map[Kind]string {
	all := map[Kind]string{}
	for _, f := range found {
		all[f.Kind] = f.Text
	}
	return all
}

func check(t *testing.T, found []Finding, want ...Kind) {
	t.Helper()
	got := kinds(found)
	for _, k := range want {
		if _, ok := got[k]; !ok {
			t.Errorf("found %v, and not %s", got, k)
		}
		delete(got, k)
	}
	if len(got) > 0 {
		t.Errorf("found %v besides %v", got, want)
	}
	for _, f := range found {
		for _, n := range []string{guest, host, third, proxy} {
			if strings.Contains(f.Text, n[1:]) {
				t.Errorf("%s shows a number: %s", f.Kind, f.Text)
			}
		}
		if f.Text == "" || f.At.IsZero() {
			t.Errorf("%s has no text or no instant: %+v", f.Kind, f)
		}
	}
}
