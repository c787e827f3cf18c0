package carrier

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"maskswitch/loadtest/party"
)

// diary is an observer that writes everything down, and looks at the call each
// time: a lock held while it is called would show as a deadlock.
type diary struct {
	mu        sync.Mutex
	delivered []string
	tried     []Delivery
	reactions []Reaction
	commanded []Command
	ended     []*Call
	after     int // deliveries that were told after the end
}

func (d *diary) Delivered(k *Call, leg, kind string, v Delivery) {
	k.Ledger()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.delivered = append(d.delivered, leg+" "+kind)
	d.tried = append(d.tried, v)
	if slices.Contains(d.ended, k) {
		d.after++
	}
}

func (d *diary) Commanded(k *Call, c Command, r Reaction) {
	k.Ledger()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.commanded = append(d.commanded, c)
	d.reactions = append(d.reactions, r)
}

func (d *diary) Ended(k *Call) {
	over := k.Ledger().Over
	d.mu.Lock()
	defer d.mu.Unlock()
	if over {
		d.ended = append(d.ended, k)
	}
}

// steps are the reactions that were told, in order.
func (d *diary) steps() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []string
	for i, r := range d.reactions {
		all = append(all, d.commanded[i].Action+":"+r.Step)
	}
	return all
}

func TestTheObserverHearsEverythingOnce(t *testing.T) {
	var d diary
	r := newRig(t, Config{Observer: &d, OnDelivery: func(e Event) *Plan {
		if e.Kind == "call.bridged" {
			return &Plan{Copies: 2, Lose: 1}
		}
		return nil
	}})
	l := r.recorded()
	r.Calls()[0].HangUp(party.Caller) // what comes after the end does not end it again
	if status, _ := r.act(l.Legs[0].ControlID, "hangup", nil); status != 422 {
		t.Errorf("a late command: %d", status)
	}
	r.Close() // all answers are told by now
	d.mu.Lock()
	defer d.mu.Unlock()
	attempts := 0
	for _, e := range l.Events {
		attempts += len(e.Deliveries)
		if e.Faulted != (e.Kind == "call.bridged") {
			t.Errorf("%s of %s is faulted: %t", e.Kind, e.Leg, e.Faulted)
		}
	}
	if len(d.delivered) != attempts || attempts != 7+2*2*2 {
		t.Errorf("%d deliveries were told, the ledger has %d, want 15", len(d.delivered), attempts)
	}
	if d.after != 0 {
		t.Errorf("%d deliveries were told after the end", d.after)
	}
	if len(d.ended) != 1 {
		t.Errorf("the end was told %d times", len(d.ended))
	}
	lost := 0
	for _, v := range d.tried {
		if v.Lost {
			lost++
		}
	}
	if lost != 4 {
		t.Errorf("%d lost ones were told, want 4", lost)
	}
	if len(d.commanded) != 4 {
		t.Fatalf("%d commands", len(d.commanded))
	}
	for i, want := range []string{"answer", "transfer", "record_start"} {
		c, re := d.commanded[i], d.reactions[i]
		if c.Action != want || c.Status != 200 || c.Took <= 0 || !c.Effective || c.Faulted {
			t.Errorf("told of %+v", c)
		}
		if re.Step != want || re.Uncorrected <= 0 || re.Corrected < re.Uncorrected {
			t.Errorf("%s: reaction %+v", want, re)
		}
	}
}

// A recording that is announced follows the announcement, not the answer.
func TestAnAnnouncedRecordingWaitsForTheLine(t *testing.T) {
	var d diary
	r := newRig(t, Config{Observer: &d}, func(r *rig) {
		r.decide = func(r *rig, d received, leg string) {
			switch {
			case d.kind == "call.answered" && leg == "B":
				r.act(r.legA(d), "speak", map[string]any{"payload": "This call is recorded.", "voice": "female", "target_legs": "both"})
			case d.kind == "call.speak.ended" && leg == "A":
				r.act(d.leg, "record_start", map[string]any{"format": "mp3", "channels": "dual"})
			default:
				naive(r, d, leg)
			}
		}
	})
	l := r.recorded()
	r.Close()
	d.mu.Lock()
	defer d.mu.Unlock()
	heard, _ := l.Event("A", "call.speak.ended")
	for i, c := range d.commanded {
		if c.Action != "record_start" {
			continue
		}
		if re := d.reactions[i]; re.Step != "record_start" || re.Uncorrected != c.At.Sub(heard.Deliveries[0].Sent) {
			t.Errorf("reaction %+v; the line was told of %v before", re, c.At.Sub(heard.Deliveries[0].Sent))
		}
		return
	}
	t.Error("nothing was recorded")
}

func TestLatencyRunsFromTheInstantByThePlan(t *testing.T) {
	var d diary
	r := newRig(t, Config{Observer: &d}, func(r *rig) {
		r.decide = func(r *rig, d received, leg string) {
			if d.kind == "call.initiated" {
				r.act(d.leg, "reject", map[string]any{"cause": "USER_BUSY"})
			}
		}
	})
	due := time.Now().Add(-time.Minute)
	k := r.Place(Placement{From: alice, To: proxy, Due: due})
	l := r.finish(k)
	if !l.Placed.Equal(due) {
		t.Errorf("placed at %v, want %v", l.Placed, due)
	}
	e, _ := l.Event("A", "call.initiated")
	if !e.Deliveries[0].Due.Equal(due) || e.Deliveries[0].Sent.Sub(due) < time.Minute {
		t.Errorf("the first event: %+v", e.Deliveries[0])
	}
	if h, _ := l.Event("A", "call.hangup"); h.Deliveries[0].Due.Before(e.At) {
		t.Error("later events are due when they happen")
	}
	r.Close()
	if re := d.reactions[0]; re.Step != "reject" || re.Corrected < time.Minute || re.Uncorrected >= time.Minute {
		t.Errorf("reaction %+v", re)
	}
	later := time.Now().Add(time.Hour)
	if l := r.Place(Placement{Due: later}).Ledger(); !l.Placed.Before(later) {
		t.Error("a call was placed in the future")
	}
}

func TestReactionsHaveTheirCause(t *testing.T) {
	for _, c := range []struct {
		story  string
		script party.Script
		do     func(r *rig, k *Call, a string)
		want   []string
	}{
		{"a second request is no reaction", party.Script{}, func(r *rig, k *Call, a string) {
			r.await(k, "initiated", taken("A", "call.initiated"))
			r.act(a, "answer", nil)
			r.act(a, "answer", map[string]any{"command_id": "other"})
			k.HangUp(party.Caller)
		}, []string{"answer:answer", "answer:"}},
		{"a transfer before the answer has no cause", party.Script{}, func(r *rig, k *Call, a string) {
			r.await(k, "initiated", taken("A", "call.initiated"))
			r.act(a, "transfer", map[string]any{"to": bob, "command_id": "early"})
			r.act(a, "answer", nil)
			r.await(k, "answered", taken("A", "call.answered"))
			r.act(a, "transfer", map[string]any{"to": bob})
			r.await(k, "B answered", taken("B", "call.answered"))
			k.HangUp(party.Caller)
		}, []string{"transfer:", "answer:answer", "transfer:transfer"}},
		{"busy, and told", party.Script{Callee: party.Busy}, func(r *rig, k *Call, a string) {
			r.await(k, "initiated", taken("A", "call.initiated"))
			r.act(a, "answer", nil)
			r.await(k, "answered", taken("A", "call.answered"))
			r.act(a, "transfer", map[string]any{"to": bob})
			r.await(k, "B is busy", taken("B", "call.hangup"))
			r.act(a, "speak", map[string]any{"payload": "Busy.", "voice": "female"})
			r.act(a, "hangup", nil)
		}, []string{"answer:answer", "transfer:transfer", "speak:tell", "hangup:"}},
		{"answered to be told", party.Script{}, func(r *rig, k *Call, a string) {
			r.await(k, "initiated", taken("A", "call.initiated"))
			r.act(a, "answer", nil)
			r.await(k, "answered", taken("A", "call.answered"))
			r.act(a, "speak", map[string]any{"payload": "It is over.", "voice": "female"})
			r.act(a, "hangup", nil)
		}, []string{"answer:answer", "speak:tell", "hangup:"}},
		{"a notice in the middle of a talk is no reaction", party.Script{}, func(r *rig, k *Call, a string) {
			r.await(k, "initiated", taken("A", "call.initiated"))
			r.act(a, "answer", nil)
			r.await(k, "answered", taken("A", "call.answered"))
			r.act(a, "transfer", map[string]any{"to": bob})
			r.await(k, "B answered", taken("B", "call.answered"))
			r.act(a, "speak", map[string]any{"payload": "Time is up.", "voice": "female", "target_legs": "both"})
			r.act(a, "hangup", nil)
		}, []string{"answer:answer", "transfer:transfer", "speak:", "hangup:"}},
		{"after a talk there is nothing to tell", party.Script{}, func(r *rig, k *Call, a string) {
			r.await(k, "initiated", taken("A", "call.initiated"))
			r.act(a, "answer", nil)
			r.await(k, "answered", taken("A", "call.answered"))
			r.act(a, "transfer", map[string]any{"to": bob, "park_after_unbridge": "self"})
			r.await(k, "B answered", taken("B", "call.answered"))
			k.HangUp(party.Callee)
			r.await(k, "B left", taken("B", "call.hangup"))
			r.act(a, "hangup", nil)
		}, []string{"answer:answer", "transfer:transfer", "hangup:"}},
	} {
		t.Run(c.story, func(t *testing.T) {
			var d diary
			r := newRig(t, Config{Observer: &d}, idle)
			k := r.place(c.script)
			c.do(r, k, k.Ledger().Legs[0].ControlID)
			r.finish(k)
			r.Close()
			if got := d.steps(); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// TestALostDeliveryIsNotTheSwitchsDelay: what was lost told the switch nothing.
func TestALostDeliveryIsNotTheSwitchsDelay(t *testing.T) {
	var d diary
	gap := 300 * time.Millisecond
	r := newRig(t, Config{Observer: &d, RetryDelays: []time.Duration{gap}, OnDelivery: func(e Event) *Plan {
		if e.Kind == "call.initiated" {
			return &Plan{Lose: 1}
		}
		return nil
	}}, idle)
	k, a := r.parked()
	r.act(a, "reject", map[string]any{"cause": "USER_BUSY"}) // nobody told it to
	r.finish(k)
	k, a = r.parked()
	l := r.await(k, "the second delivery", taken("A", "call.initiated"))
	r.act(a, "reject", map[string]any{"cause": "USER_BUSY"})
	r.finish(k)
	r.Close()
	if d.reactions[0] != (Reaction{}) {
		t.Errorf("a request before its cause was sent: %+v", d.reactions[0])
	}
	e, _ := l.Event("A", "call.initiated")
	c, re := d.commanded[1], d.reactions[1]
	if want := c.At.Sub(e.Deliveries[1].Sent); re.Uncorrected != want {
		t.Errorf("uncorrected %v, want %v", re.Uncorrected, want)
	}
	if want := c.At.Sub(e.Deliveries[1].Due); re.Corrected != want || e.Deliveries[1].Due.Sub(e.Deliveries[0].Sent) < gap {
		t.Errorf("corrected %v, want %v", re.Corrected, want)
	}
}

func TestTheKeyDecidesOverFaults(t *testing.T) {
	run := func(keys ...uint64) map[uint64]string {
		r := newRig(t, Config{Seed: 4, Faults: Faults{Duplicate: .5, Loss: .5}}, idle)
		fates := map[uint64]string{}
		for _, key := range keys {
			k := r.Place(Placement{Key: key, From: alice, To: proxy, Script: party.GivesUp(time.Millisecond)})
			if k.Number() != key {
				t.Errorf("number %d, want the key %d", k.Number(), key)
			}
			for _, e := range r.finish(k).Events {
				fates[key] += fmt.Sprint(e.Kind, len(e.Deliveries), e.Deliveries[0].Lost, e.Faulted, " ")
			}
		}
		return fates
	}
	all := run(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
	some := run(12, 11, 7, 3, 2)
	kinds := map[string]bool{}
	for key, fate := range some {
		if fate != all[key] {
			t.Errorf("call %d: %s, and with more calls before it %s", key, fate, all[key])
		}
		kinds[fate] = true
	}
	if len(kinds) < 2 {
		t.Errorf("all calls have one fate: %v", kinds)
	}
}

func TestLiveCallsAndTags(t *testing.T) {
	r := newRig(t, Config{}, idle)
	one := r.Place(Placement{From: alice, To: proxy, Tag: "one"})
	two := r.place(party.Script{})
	if n := r.Live(); n != 2 {
		t.Errorf("%d live calls, want 2", n)
	}
	two.SetTag(2)
	if one.Tag() != "one" || two.Tag() != 2 {
		t.Errorf("tags %v and %v", one.Tag(), two.Tag())
	}
	one.HangUp(party.Caller)
	r.finish(one)
	if n := r.Live(); n != 1 {
		t.Errorf("%d live calls, want 1", n)
	}
	two.HangUp(party.Caller)
	r.finish(two)
	r.Close()
	var d diary
	c := New(Config{Observer: &d})
	c.Close()
	c.PlaceCall(alice, proxy, party.Script{})
	if n := c.Live(); n != 0 || len(d.ended) != 1 {
		t.Errorf("a closed carrier has %d live calls and told %d ends", n, len(d.ended))
	}
}

func TestFaultsChangeInTheMiddle(t *testing.T) {
	r := newRig(t, Config{}, idle)
	_, a := r.parked()
	if status, _ := r.request("GET", "/calls/"+a, ""); status != 200 {
		t.Errorf("before: %d", status)
	}
	r.SetFaults(Faults{Commands: map[string][]Failure{"": {{Rate: 1, Reply: Reply{Status: 503}}}}, Loss: 1})
	k, a := r.parked()
	if status, _ := r.act(a, "answer", nil); status != 503 {
		t.Errorf("with faults: %d", status)
	}
	r.SetFaults(Faults{})
	if status, _ := r.act(a, "answer", nil); status != 200 {
		t.Errorf("after: %d", status)
	}
	l := r.await(k, "A is through", taken("A", "call.answered"))
	if e, _ := l.Event("A", "call.initiated"); !e.Faulted {
		t.Error("an event of the bad time is not marked")
	}
	if e, _ := l.Event("A", "call.answered"); e.Faulted || e.Deliveries[0].Lost {
		t.Error("an event of the good time is marked")
	}
	if !l.Commands[0].Faulted || l.Commands[1].Faulted {
		t.Errorf("commands %+v", l.Commands)
	}
}
