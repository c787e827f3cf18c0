package wrongswitch_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"maskswitch/loadtest/carrier"
	"maskswitch/loadtest/judge"
	"maskswitch/loadtest/wrongswitch"
)

// The judge must be able to say nothing.
func TestARightSwitchIsNotBlamed(t *testing.T) {
	t.Parallel()
	some := func(f ...carrier.Failure) map[string][]carrier.Failure {
		return map[string][]carrier.Failure{"": f, "transfer": {{Rate: .1, Reply: carrier.Reply{Status: 403}}}}
	}
	for _, c := range []struct {
		name   string
		faults carrier.Faults
		whole  bool // everything goes as planned
		sw     wrongswitch.Config
	}{
		{"no faults", carrier.Faults{}, true, wrongswitch.Config{}},
		{"no faults, and late callers are not told", carrier.Faults{}, true, wrongswitch.Config{RejectsLate: true}},
		{"duplicates, disorder and loss", carrier.Faults{Duplicate: .7, Copies: 3, Reorder: .5, Delay: 400 * time.Millisecond, Loss: .2,
			Jitter: 30 * time.Millisecond, Skew: time.Minute, RecordingEarly: .3, RecordingBare: .3, RecordingFailed: .1}, false, wrongswitch.Config{}},
		{"commands that fail", carrier.Faults{Commands: some(
			carrier.Failure{Rate: .1, Reply: carrier.Reply{Status: 503}}, carrier.Failure{Rate: .1, Reply: carrier.Reply{Cut: carrier.CutAfter}},
			carrier.Failure{Rate: .1, Reply: carrier.Reply{Cut: carrier.CutBefore}},
			carrier.Failure{Rate: .1, Reply: carrier.Reply{Hold: 300 * time.Millisecond}})}, false, wrongswitch.Config{}},
		{"everything at once", carrier.Faults{Duplicate: 1, Copies: 3, Reorder: .4, Delay: 600 * time.Millisecond, Loss: .1, RecordingEarly: .5,
			Commands: some(carrier.Failure{Rate: .1, Reply: carrier.Reply{Status: 500}}, carrier.Failure{Rate: .1, Reply: carrier.Reply{Cut: carrier.CutAfter}})}, false, wrongswitch.Config{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, carrier.Config{Faults: c.faults}, c.sw)
			r.play(80)
			r.checkouts()
			r.end()
			if len(r.found) > 0 {
				t.Fatalf("found %v in a switch that is right:\n%s", r.kinds(), r.explain())
			}
			for _, h := range habits {
				if n := r.outcomes[h.name+": "+h.outcome]; n == 0 {
					t.Errorf("no call of the habit %q came to %q: %v", h.name, h.outcome, r.outcomes)
				}
			}
			late := "told: late"
			if c.sw.RejectsLate {
				late = "refused: late"
			}
			for who, outcome := range map[string]string{"stranger": "refused: stranger", "withheld": "refused: withheld", "late": late} {
				if n := r.outcomes[who+": "+outcome]; n < 5 {
					t.Errorf("%d calls of the habit %s came to %q: %v", n, who, outcome, r.outcomes)
				}
			}
			if c.whole {
				r.asPlanned()
			}
		})
	}
}

// asPlanned holds outcomes and ladders against what the scripts say.
func (r *rig) asPlanned() {
	r.t.Helper()
	for _, e := range ends {
		if n := r.outcomes[e.habit+": "+e.outcome]; n != 1 {
			r.t.Errorf("the call that %s came to something else than %q: %v", e.habit, e.outcome, r.outcomes)
		}
	}
	for _, h := range habits {
		for outcome, n := range r.outcomes {
			if strings.HasPrefix(outcome, h.name+": ") && outcome != h.name+": "+h.outcome {
				r.t.Errorf("%d times %q, want %q", n, outcome, h.outcome)
			}
		}
	}
	for _, l := range r.ladders.Report() {
		for _, s := range l.Rungs {
			if s.Duplicate+s.Missing+s.Unexpected != 0 || !s.Command && s.Sent != s.Received {
				r.t.Errorf("%s: %+v", l.Script, s)
			}
			if l.Script == "talks long" && s.Step != "A, B call.bridged" && s.Received != l.Calls {
				r.t.Errorf("%d calls of the habit talks long: %+v", l.Calls, s)
			}
		}
	}
}

// wrongs says what each defect must be found as, and what may be found besides:
// one wrong often does another.
var wrongs = []struct {
	defect wrongswitch.Defect
	must   []judge.Kind
	may    []judge.Kind

	checkouts bool // it strikes only there
}{
	{wrongswitch.Defect{Kind: wrongswitch.ConnectsStrangers}, []judge.Kind{judge.StrangerConnected}, nil, false},
	{wrongswitch.Defect{Kind: wrongswitch.ConnectsWithheld}, []judge.Kind{judge.WithheldConnected}, nil, false},
	{wrongswitch.Defect{Kind: wrongswitch.ConnectsLate}, []judge.Kind{judge.LateConnected}, nil, false},
	{wrongswitch.Defect{Kind: wrongswitch.ConnectsToldLate}, []judge.Kind{judge.LateConnected}, nil, false},
	{wrongswitch.Defect{Kind: wrongswitch.SilencesLate}, []judge.Kind{judge.LeftInSilence, judge.NeverEnded}, nil, false},
	{wrongswitch.Defect{Kind: wrongswitch.HushesLate}, []judge.Kind{judge.LeftInSilence}, nil, false},
	{wrongswitch.Defect{Kind: wrongswitch.KeepsLate}, []judge.Kind{judge.LeftOnTheLine, judge.NeverEnded}, nil, false},
	{wrongswitch.Defect{Kind: wrongswitch.AnswersStrangers}, []judge.Kind{judge.AnsweredInVain}, nil, false},
	{wrongswitch.Defect{Kind: wrongswitch.WrongPerson, Every: 3}, []judge.Kind{judge.WrongPerson}, nil, false},
	{wrongswitch.Defect{Kind: wrongswitch.ShowsNumber, Every: 3}, []judge.Kind{judge.NumberShown}, nil, false},
	{wrongswitch.Defect{Kind: wrongswitch.ShowsAnotherNumber, Every: 3}, []judge.Kind{judge.WrongCallerID}, nil, false},
	{wrongswitch.Defect{Kind: wrongswitch.ShowsCallersProxy, Every: 3}, []judge.Kind{judge.WrongCallerID}, nil, false},
	{wrongswitch.Defect{Kind: wrongswitch.LeaksNumber, Every: 5}, []judge.Kind{judge.NumberShown}, nil, false},
	{wrongswitch.Defect{Kind: wrongswitch.AnswersTwice, Every: 2}, []judge.Kind{judge.AnsweredTwice}, nil, false},
	{wrongswitch.Defect{Kind: wrongswitch.TransfersTwice, Every: 2}, []judge.Kind{judge.TransferredTwice}, nil, false},
	{wrongswitch.Defect{Kind: wrongswitch.RecordsTwice}, []judge.Kind{judge.RecordedTwice}, nil, false},
	{wrongswitch.Defect{Kind: wrongswitch.ForgetsBooking, Every: 5}, []judge.Kind{judge.BookingForgotten, judge.CallerRefused}, []judge.Kind{judge.NumberGivenTwice, judge.RepeatDiffers}, false},
	{wrongswitch.Defect{Kind: wrongswitch.UndeadBooking, Every: 2}, []judge.Kind{judge.BookingUndead}, nil, false},
	{wrongswitch.Defect{Kind: wrongswitch.GivesNumberTwice, Every: 9}, []judge.Kind{judge.NumberGivenTwice}, []judge.Kind{judge.CallerRefused, judge.LateConnected, judge.BookingForgotten, judge.WrongCallerID}, false},
	{wrongswitch.Defect{Kind: wrongswitch.RepeatsDifferently, Every: 2}, []judge.Kind{judge.RepeatDiffers}, nil, false},
	{wrongswitch.Defect{Kind: wrongswitch.IgnoresMasks}, []judge.Kind{judge.MasksIgnored}, nil, false},
	{wrongswitch.Defect{Kind: wrongswitch.ForgetsChange}, []judge.Kind{judge.BookingForgotten, judge.BookingUndead}, []judge.Kind{judge.CallerRefused}, true},
	{wrongswitch.Defect{Kind: wrongswitch.EndsIdleEarly}, []judge.Kind{judge.BookingForgotten, judge.CallerRefused}, nil, true},
	{wrongswitch.Defect{Kind: wrongswitch.IgnoresIdle}, []judge.Kind{judge.BookingUndead}, nil, true},
	{wrongswitch.Defect{Kind: wrongswitch.NeverCuts}, []judge.Kind{judge.TalkedOn}, nil, true},
	{wrongswitch.Defect{Kind: wrongswitch.CutsAtOnce}, []judge.Kind{judge.CallCut}, nil, true},
	{wrongswitch.Defect{Kind: wrongswitch.CutsFinish}, []judge.Kind{judge.FinishCut}, nil, true},
	{wrongswitch.Defect{Kind: wrongswitch.AnswersLate, Every: 2}, []judge.Kind{judge.LateReaction}, nil, false},
	{wrongswitch.Defect{Kind: wrongswitch.DropsWebhook, Every: 7}, []judge.Kind{judge.EventIgnored}, []judge.Kind{judge.NotRecorded, judge.NeverEnded, judge.LeftInSilence, judge.LeftOnTheLine}, false},
	{wrongswitch.Defect{Kind: wrongswitch.RefusesWebhook, Every: 7}, []judge.Kind{judge.EventRefused}, []judge.Kind{judge.RecordingLost, judge.NeverEnded}, false},
	{wrongswitch.Defect{Kind: wrongswitch.RefusesRecordings}, []judge.Kind{judge.RecordingLost}, nil, false},
	{wrongswitch.Defect{Kind: wrongswitch.RefusesCallers, Every: 5}, []judge.Kind{judge.CallerRefused}, nil, false},
	{wrongswitch.Defect{Kind: wrongswitch.CutsCalls}, []judge.Kind{judge.CallCut}, []judge.Kind{judge.NotRecorded}, false},
	{wrongswitch.Defect{Kind: wrongswitch.NeverRecords}, []judge.Kind{judge.NotRecorded}, nil, false},
	{wrongswitch.Defect{Kind: wrongswitch.LeavesInSilence}, []judge.Kind{judge.EventIgnored, judge.NeverEnded}, nil, false},
	{wrongswitch.Defect{Kind: wrongswitch.NeverHangsUp}, []judge.Kind{judge.EventIgnored, judge.NeverEnded}, nil, false},
	{wrongswitch.Defect{Kind: wrongswitch.ParksCallers}, []judge.Kind{judge.NeverEnded}, nil, false},
	{wrongswitch.Defect{Kind: wrongswitch.BadCommand, Every: 4}, []judge.Kind{judge.BadCommand}, []judge.Kind{judge.NeverEnded}, false},
	{wrongswitch.Defect{Kind: wrongswitch.CommandsStrays, Every: 9}, []judge.Kind{judge.StrayCommand}, nil, false},
}

func TestEveryDefectIsFoundByName(t *testing.T) {
	t.Parallel()
	covered := map[wrongswitch.Kind]bool{}
	for _, c := range wrongs {
		covered[c.defect.Kind] = true
		t.Run(string(c.defect.Kind), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, carrier.Config{}, wrongswitch.Config{Defects: []wrongswitch.Defect{c.defect}, Lateness: react + time.Second})
			r.play(40)
			if c.checkouts {
				r.checkouts()
			}
			r.end()
			found := r.kinds()
			if r.sw.Struck(c.defect.Kind) == 0 {
				t.Fatal("the defect never struck: the market gives it no chance")
			}
			for _, k := range c.must {
				if found[k] == 0 {
					t.Errorf("found %v and not %s", found, k)
				}
			}
			allowed := append(slices.Clone(c.must), c.may...)
			for k := range maps.Keys(found) {
				if !slices.Contains(allowed, k) {
					t.Errorf("found %s, which this is not:\n%s", k, r.explain(allowed...))
				}
			}
		})
	}
	for _, k := range wrongswitch.Kinds() {
		if !covered[k] {
			t.Errorf("defect %s has no case", k)
		}
	}
}

// Each kind of finding is one that some defect brings about here, but for what
// only an archive can show.
func TestEveryKindIsProvoked(t *testing.T) {
	provoked := map[judge.Kind]bool{judge.RecordingAltered: true}
	for _, c := range wrongs {
		for _, k := range c.must {
			provoked[k] = true
		}
	}
	for _, k := range judge.Kinds() {
		if !provoked[k] {
			t.Errorf("no defect leads to %s", k)
		}
		if k.Title() == string(k) {
			t.Errorf("%s has no title", k)
		}
	}
}
