package carrier

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"maskswitch/loadtest/party"
)

// befallen tells what the faults did to a run of calls, without anything that
// may differ between runs.
func befallen(t *testing.T, seed uint64) []string {
	r := newRig(t, Config{Seed: seed, Faults: Faults{
		Duplicate: .3, Copies: 3, Reorder: .3, Delay: 3 * time.Millisecond, Loss: .3,
		Commands: map[string][]Failure{"": {
			{Rate: .2, Reply: Reply{Status: 503}},
			{Rate: .2, Reply: Reply{Status: 422, Code: "90018"}},
		}},
	}}, func(r *rig) {
		r.decide = func(r *rig, d received, leg string) {
			if d.kind == "call.initiated" && leg == "A" {
				r.act(d.leg, "reject", map[string]any{"cause": "USER_BUSY"})
			}
		}
	})
	var all []string
	for range 30 {
		k := r.place(party.Script{})
		r.await(k, "the command", func(l Ledger) bool { return len(l.Commands) == 1 && l.Commands[0].Status != 0 })
		k.HangUp(party.Caller)
		l := r.finish(k)
		for _, c := range l.Commands {
			all = append(all, fmt.Sprint(l.Number, c.Action, c.Status, c.Code, c.Effective))
		}
		for _, e := range l.Events {
			copies, lost := 0, 0
			for _, d := range e.Deliveries {
				copies = max(copies, d.Copy)
				if d.Lost {
					lost++
				}
			}
			all = append(all, fmt.Sprint(l.Number, e.Kind, e.Cause, copies, lost))
		}
	}
	return all
}

func TestOneSeedOneSetOfFaults(t *testing.T) {
	first, second, other := befallen(t, 1), befallen(t, 1), befallen(t, 2)
	if !slices.Equal(first, second) {
		t.Errorf("one seed, two runs:\n%v\n%v", first, second)
	}
	if slices.Equal(first, other) {
		t.Error("two seeds, one run")
	}
}

func TestRatesAreKept(t *testing.T) {
	c := New(Config{Seed: 9, Faults: Faults{Duplicate: .1, Reorder: .2, Loss: .05, Delay: time.Second}})
	defer c.Close()
	const events = 20_000
	dup, held, lost := 0, 0, 0
	for n := range events {
		k := newCall(c, uint64(n), alice, proxy, party.Script{})
		p := c.plan(&event{call: k, Event: Event{Kind: "call.initiated", Leg: "A"}})
		if p.Copies == 2 {
			dup++
		}
		if p.Hold > 0 {
			held++
		}
		if p.Hold > time.Second {
			t.Errorf("held for %v", p.Hold)
		}
		lost += p.Lose
	}
	for _, c := range []struct {
		what string
		got  int
		want float64
	}{{"duplicates", dup, .1}, {"held", held, .2}, {"lost", lost, .05}} {
		if share := float64(c.got) / events; share < c.want*.9 || share > c.want*1.1 {
			t.Errorf("%s: %.4f, want about %.2f", c.what, share, c.want)
		}
	}
}

func TestFailuresOfCommands(t *testing.T) {
	for _, c := range []struct {
		story   string
		reply   Reply
		status  int // 0: no answer
		code    string
		header  string // of retry-after
		happens bool
		atLeast time.Duration
	}{
		{"nothing wrong", Reply{}, 200, "", "", true, 0},
		{"a server error", Reply{Status: 500}, 500, "10007", "", false, 0},
		{"unavailable", Reply{Status: 503}, 503, "10037", "", false, 0},
		{"too many requests", Reply{Status: 429, RetryAfter: 3 * time.Second}, 429, "10011", "3", false, 0},
		{"country not allowed", Reply{Status: 403, Code: "10010", Detail: "not whitelisted D13"}, 403, "10010", "", false, 0},
		{"the call has ended", Reply{Status: 422, Code: "90018"}, 422, "90018", "", false, 0},
		{"slow", Reply{Hold: 30 * time.Millisecond}, 200, "", "", true, 30 * time.Millisecond},
		{"slow, then an error", Reply{Hold: 30 * time.Millisecond, Status: 500}, 500, "10007", "", false, 30 * time.Millisecond},
		{"cut before it happens", Reply{Cut: CutBefore}, 0, "", "", false, 0},
		{"cut after it happened", Reply{Cut: CutAfter}, 0, "", "", true, 0},
	} {
		t.Run(c.story, func(t *testing.T) {
			r := newRig(t, Config{Faults: Faults{Commands: map[string][]Failure{"answer": {{Rate: 1, Reply: c.reply}}}}}, idle)
			k, a := r.parked()
			began := time.Now()
			status, out := r.act(a, "answer", nil)
			if status != c.status || code(out) != c.code {
				t.Errorf("got %d %v", status, out)
			}
			if took := time.Since(began); took < c.atLeast {
				t.Errorf("took %v", took)
			}
			l := k.Ledger()
			if got := l.Effects("answer") == 1; got != c.happens {
				t.Errorf("took effect: %t", got)
			}
			if l.Commands[0].Status != c.status {
				t.Errorf("the ledger has %+v", l.Commands[0])
			}
			if c.happens {
				r.await(k, "A is through", happened("A", "call.answered"))
			}
			// Other commands go on as usual.
			if status, _ := r.act(a, "hangup", nil); status != 200 {
				t.Errorf("hangup: %d", status)
			}
			r.finish(k)
		})
	}
}

func TestTheFirstTwoTransfersFail(t *testing.T) {
	r := newRig(t, Config{OnCommand: func(c Command) *Reply {
		if c.Action == "transfer" && c.Attempt <= 2 {
			return &Reply{Status: 503, RetryAfter: time.Second}
		}
		return nil
	}}, idle)
	k, a := r.parked()
	r.act(a, "answer", nil)
	r.await(k, "A is through", taken("A", "call.answered"))
	var got []int
	for range 4 {
		status, _ := r.act(a, "transfer", map[string]any{"to": bob})
		got = append(got, status)
	}
	if !slices.Equal(got, []int{503, 503, 200, 200}) {
		t.Errorf("statuses %v", got)
	}
	l := r.await(k, "B answers", taken("B", "call.answered"))
	if l.EffectsOn("A", "transfer") != 1 || !l.Commands[4].Repeat {
		t.Errorf("commands %+v", l.Commands)
	}
	k.HangUp(party.Caller)
	r.finish(k)
}

func TestAHeldCommandIsCarriedOutEvenIfNobodyWaits(t *testing.T) {
	until := make(chan struct{})
	arrived := make(chan struct{}, 2)
	r := newRig(t, Config{OnCommand: func(c Command) *Reply {
		if c.Action == "answer" && c.Attempt == 1 {
			arrived <- struct{}{}
			return &Reply{Until: until}
		}
		return nil
	}}, idle)
	k, a := r.parked()
	first := make(chan int, 1)
	go func() { s, _ := r.act(a, "answer", nil); first <- s }()
	<-arrived
	if l := k.Ledger(); l.Commands[0].Status != 0 || l.Commands[0].Took != 0 {
		t.Errorf("a held command reads %+v", l.Commands[0])
	}
	if status, _ := r.act(a, "answer", nil); status != 200 {
		t.Errorf("the second attempt: %d", status)
	}
	close(until)
	if status := <-first; status != 200 {
		t.Errorf("the held one: %d", status)
	}
	l := k.Ledger()
	if l.Effects("answer") != 1 || !l.Commands[0].Repeat {
		t.Errorf("commands %+v", l.Commands)
	}
}

func TestCloseCutsHeldCommands(t *testing.T) {
	arrived := make(chan struct{}, 1)
	r := newRig(t, Config{OnCommand: func(Command) *Reply {
		arrived <- struct{}{}
		return &Reply{Hold: time.Hour}
	}}, idle)
	_, a := r.parked()
	got := make(chan int, 1)
	go func() { s, _ := r.act(a, "answer", nil); got <- s }()
	<-arrived
	r.Close()
	if status := <-got; status != 0 {
		t.Errorf("an answer came: %d", status)
	}
}

func TestLookUpsFailToo(t *testing.T) {
	r := newRig(t, Config{Faults: Faults{Commands: map[string][]Failure{"status": {{Rate: 1, Reply: Reply{Status: 500}}}}}}, idle)
	_, a := r.parked()
	if status, _ := r.request("GET", "/calls/"+a, ""); status != 500 {
		t.Errorf("status %d", status)
	}
}
