package party

import (
	"testing"
	"time"
)

func TestTheNthScriptDependsOnSeedAndNAlone(t *testing.T) {
	mix := Everyday()
	const calls = 500
	type drawn struct {
		name string
		Script
	}
	var forward, backward [calls]drawn
	for n := range calls {
		forward[n].name, forward[n].Script = mix.Script(7, uint64(n))
	}
	for n := calls - 1; n >= 0; n-- {
		backward[n].name, backward[n].Script = mix.Script(7, uint64(n))
	}
	if forward != backward {
		t.Error("the order of drawing changed the scripts")
	}
	same := 0
	for n := range calls {
		if _, s := mix.Script(8, uint64(n)); s == forward[n].Script {
			same++
		}
	}
	if same > calls/5 { // those of fixed ranges may agree
		t.Errorf("another seed gave %d of %d equal scripts", same, calls)
	}
}

func TestSharesFollowTheWeights(t *testing.T) {
	mix := Everyday()
	const calls = 20_000
	got := map[string]int{}
	callee := 0
	for n := range uint64(calls) {
		name, s := mix.Script(1, n)
		got[name]++
		if name == "talks" {
			if s.After < 2*time.Second || s.After > 9*time.Second || s.Talk < 8*time.Second || s.Talk > 90*time.Second {
				t.Fatalf("call %d is out of its ranges: %+v", n, s)
			}
			if s.Leaves == Callee {
				callee++
			}
		}
	}
	for _, h := range mix {
		want := float64(h.Weight) / 100
		if share := float64(got[h.Name]) / calls; share < want*.8 || share > want*1.2 {
			t.Errorf("%s: share %.4f, want about %.2f", h.Name, share, want)
		}
	}
	if share := float64(callee) / float64(got["talks"]); share < .36 || share > .44 {
		t.Errorf("the callee leaves first in %.3f of the talks, want about 0.4", share)
	}
}

func TestAMixWithoutWeightHasNobody(t *testing.T) {
	name, s := Mix{{Name: "never", Talk: Range{Min: time.Second}}}.Script(1, 1)
	if name != "" || s != (Script{}) {
		t.Errorf("got %q %+v", name, s)
	}
}

func TestReadyMadeScripts(t *testing.T) {
	for _, c := range []struct {
		story string
		got   Script
		want  Script
	}{
		{"all goes well", Talks(2, 5), Script{Callee: Answer, After: 2, Talk: 5, Leaves: Caller}},
		{"the callee hangs up", CalleeLeaves(2, 5), Script{Callee: Answer, After: 2, Talk: 5, Leaves: Callee}},
		{"busy", Refused(Busy, 3), Script{Callee: Busy, After: 3, AfterSpeech: time.Second}},
		{"nobody waits that long", GivesUp(4), Script{Callee: RingOut, Patience: 4}},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.story, c.got, c.want)
		}
	}
	if s := Reaction(99).String(); s != "unknown reaction" {
		t.Errorf("an unknown reaction reads %q", s)
	}
}
