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
		{"recordings that are hard to have", carrier.Faults{Duplicate: .3, RecordingBare: .3, RecordingUntold: .2, RecordingAgain: .3, RecordingSplit: .3,
			RecordingEarly: .2, RecordingFailed: .1, TranscriptUntold: .2, Files: everyTrouble(), Commands: map[string][]carrier.Failure{
				"recording": {{Rate: .3, Reply: carrier.Reply{Status: 503}}}, "recordings": {{Rate: .3, Reply: carrier.Reply{Cut: carrier.CutBefore}}},
				"completions": {{Rate: .3, Reply: carrier.Reply{Status: 500}}}}}, false, wrongswitch.Config{}},
		{"with an announcement", carrier.Faults{}, true, wrongswitch.Config{Consent: "This call is recorded."}},
		{"everything at once", carrier.Faults{Duplicate: 1, Copies: 3, Reorder: .4, Delay: 600 * time.Millisecond, Loss: .1, RecordingEarly: .5,
			Commands: some(carrier.Failure{Rate: .1, Reply: carrier.Reply{Status: 500}}, carrier.Failure{Rate: .1, Reply: carrier.Reply{Cut: carrier.CutAfter}})}, false, wrongswitch.Config{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, carrier.Config{Faults: c.faults}, c.sw)
			r.play(80)
			r.checkouts()
			r.recordings()
			r.end()
			if n := len(r.kept.Waiting) + r.kept.NotDue; r.kept.Whole < 20 || n > 0 {
				t.Errorf("%d recordings are in the archive, and %d not yet", r.kept.Whole, n)
			}
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

// everyTrouble strikes half of the files, in every way.
func everyTrouble() (all []carrier.FileFault) {
	for _, is := range carrier.FileTroubles() {
		all = append(all, carrier.FileFault{Rate: .5 / float64(len(carrier.FileTroubles())), Is: is, Tries: 2, Lasts: 50 * time.Millisecond})
	}
	return all
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
			if l.Script == "talks long" && s.Step != "A, B call.bridged" && s.Step != "call.speak.started, ended" && s.Received != l.Calls {
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

	only func(*rig) // it strikes only there
}{
	// Who hangs up before he is connected was answered in vain.
	{wrongswitch.Defect{Kind: wrongswitch.ConnectsStrangers}, []judge.Kind{judge.StrangerConnected}, []judge.Kind{judge.AnsweredInVain}, nil},
	{wrongswitch.Defect{Kind: wrongswitch.ConnectsWithheld}, []judge.Kind{judge.WithheldConnected}, []judge.Kind{judge.AnsweredInVain}, nil},
	{wrongswitch.Defect{Kind: wrongswitch.ConnectsLate}, []judge.Kind{judge.LateConnected}, nil, nil},
	{wrongswitch.Defect{Kind: wrongswitch.ConnectsToldLate}, []judge.Kind{judge.LateConnected}, nil, nil},
	{wrongswitch.Defect{Kind: wrongswitch.SilencesLate}, []judge.Kind{judge.LeftInSilence, judge.NeverEnded}, nil, nil},
	{wrongswitch.Defect{Kind: wrongswitch.HushesLate}, []judge.Kind{judge.LeftInSilence}, nil, nil},
	{wrongswitch.Defect{Kind: wrongswitch.KeepsLate}, []judge.Kind{judge.LeftOnTheLine, judge.NeverEnded}, nil, nil},
	{wrongswitch.Defect{Kind: wrongswitch.AnswersStrangers}, []judge.Kind{judge.AnsweredInVain}, nil, nil},
	{wrongswitch.Defect{Kind: wrongswitch.WrongPerson, Every: 3}, []judge.Kind{judge.WrongPerson}, nil, nil},
	{wrongswitch.Defect{Kind: wrongswitch.ShowsNumber, Every: 3}, []judge.Kind{judge.NumberShown}, nil, nil},
	{wrongswitch.Defect{Kind: wrongswitch.ShowsAnotherNumber, Every: 3}, []judge.Kind{judge.WrongCallerID}, nil, nil},
	{wrongswitch.Defect{Kind: wrongswitch.ShowsCallersProxy, Every: 3}, []judge.Kind{judge.WrongCallerID}, nil, nil},
	{wrongswitch.Defect{Kind: wrongswitch.LeaksNumber, Every: 5}, []judge.Kind{judge.NumberShown}, nil, nil},
	{wrongswitch.Defect{Kind: wrongswitch.AnswersTwice, Every: 2}, []judge.Kind{judge.AnsweredTwice}, nil, nil},
	{wrongswitch.Defect{Kind: wrongswitch.TransfersTwice, Every: 2}, []judge.Kind{judge.TransferredTwice}, nil, nil},
	{wrongswitch.Defect{Kind: wrongswitch.RecordsTwice}, []judge.Kind{judge.RecordedTwice}, nil, nil},
	{wrongswitch.Defect{Kind: wrongswitch.ForgetsBooking, Every: 5}, []judge.Kind{judge.BookingForgotten, judge.CallerRefused}, []judge.Kind{judge.NumberGivenTwice, judge.RepeatDiffers}, nil},
	{wrongswitch.Defect{Kind: wrongswitch.UndeadBooking, Every: 2}, []judge.Kind{judge.BookingUndead}, nil, nil},
	{wrongswitch.Defect{Kind: wrongswitch.GivesNumberTwice, Every: 9}, []judge.Kind{judge.NumberGivenTwice}, []judge.Kind{judge.CallerRefused, judge.LateConnected, judge.BookingForgotten, judge.WrongCallerID}, nil},
	{wrongswitch.Defect{Kind: wrongswitch.RepeatsDifferently, Every: 2}, []judge.Kind{judge.RepeatDiffers}, nil, nil},
	{wrongswitch.Defect{Kind: wrongswitch.IgnoresMasks}, []judge.Kind{judge.MasksIgnored}, nil, nil},
	{wrongswitch.Defect{Kind: wrongswitch.ForgetsChange}, []judge.Kind{judge.BookingForgotten, judge.BookingUndead}, []judge.Kind{judge.CallerRefused}, (*rig).checkouts},
	{wrongswitch.Defect{Kind: wrongswitch.EndsIdleEarly}, []judge.Kind{judge.BookingForgotten, judge.CallerRefused}, nil, (*rig).checkouts},
	{wrongswitch.Defect{Kind: wrongswitch.IgnoresIdle}, []judge.Kind{judge.BookingUndead}, nil, (*rig).checkouts},
	{wrongswitch.Defect{Kind: wrongswitch.NeverCuts}, []judge.Kind{judge.TalkedOn}, nil, (*rig).checkouts},
	{wrongswitch.Defect{Kind: wrongswitch.CutsAtOnce}, []judge.Kind{judge.CallCut}, nil, (*rig).checkouts},
	{wrongswitch.Defect{Kind: wrongswitch.CutsFinish}, []judge.Kind{judge.FinishCut}, nil, (*rig).checkouts},
	{wrongswitch.Defect{Kind: wrongswitch.AnswersLate, Every: 2}, []judge.Kind{judge.LateReaction}, nil, nil},
	{wrongswitch.Defect{Kind: wrongswitch.DropsWebhook, Every: 7}, []judge.Kind{judge.EventIgnored}, []judge.Kind{judge.NotRecorded, judge.NeverEnded, judge.LeftInSilence, judge.LeftOnTheLine}, nil},
	{wrongswitch.Defect{Kind: wrongswitch.RefusesWebhook, Every: 7}, []judge.Kind{judge.EventRefused}, []judge.Kind{judge.RecordingLost, judge.NeverEnded}, nil},
	{wrongswitch.Defect{Kind: wrongswitch.RefusesRecordings}, []judge.Kind{judge.RecordingLost}, nil, nil},
	{wrongswitch.Defect{Kind: wrongswitch.RefusesCallers, Every: 5}, []judge.Kind{judge.CallerRefused}, nil, nil},
	{wrongswitch.Defect{Kind: wrongswitch.CutsCalls}, []judge.Kind{judge.CallCut}, []judge.Kind{judge.NotRecorded}, nil},
	{wrongswitch.Defect{Kind: wrongswitch.NeverRecords}, []judge.Kind{judge.NotRecorded}, nil, nil},
	{wrongswitch.Defect{Kind: wrongswitch.RecordsUnasked}, []judge.Kind{judge.RecordedUnasked}, nil, (*rig).recordings},
	{wrongswitch.Defect{Kind: wrongswitch.RecordsOtherwise, Every: 2}, []judge.Kind{judge.RecordedOtherwise}, nil, (*rig).recordings},
	{wrongswitch.Defect{Kind: wrongswitch.RecordsUnheard, Every: 2}, []judge.Kind{judge.RecordedUnheard}, nil, nil},
	{wrongswitch.Defect{Kind: wrongswitch.TranscribesUnasked}, []judge.Kind{judge.SummaryUnasked}, nil, nil},
	{wrongswitch.Defect{Kind: wrongswitch.TellsNumbers}, []judge.Kind{judge.NumberShown}, nil, (*rig).recordings},
	{wrongswitch.Defect{Kind: wrongswitch.SkipsRecordings, Every: 3}, []judge.Kind{judge.RecordingMissing}, nil, (*rig).recordings},
	{wrongswitch.Defect{Kind: wrongswitch.AltersRecordings, Every: 3}, []judge.Kind{judge.RecordingAltered}, nil, (*rig).recordings},
	{wrongswitch.Defect{Kind: wrongswitch.ServesOtherAudio, Every: 3}, []judge.Kind{judge.RecordingAltered}, nil, (*rig).recordings},
	{wrongswitch.Defect{Kind: wrongswitch.StoresTwice, Every: 3}, []judge.Kind{judge.RecordingTwice}, nil, (*rig).recordings},
	{wrongswitch.Defect{Kind: wrongswitch.SendsKey, Every: 3}, []judge.Kind{judge.KeyLeaked}, nil, (*rig).recordings},
	{wrongswitch.Defect{Kind: wrongswitch.LeavesInSilence}, []judge.Kind{judge.EventIgnored, judge.NeverEnded}, nil, nil},
	{wrongswitch.Defect{Kind: wrongswitch.NeverHangsUp}, []judge.Kind{judge.EventIgnored, judge.NeverEnded}, nil, nil},
	{wrongswitch.Defect{Kind: wrongswitch.ParksCallers}, []judge.Kind{judge.NeverEnded}, nil, nil},
	{wrongswitch.Defect{Kind: wrongswitch.BadCommand, Every: 4}, []judge.Kind{judge.BadCommand}, []judge.Kind{judge.NeverEnded}, nil},
	{wrongswitch.Defect{Kind: wrongswitch.CommandsStrays, Every: 9}, []judge.Kind{judge.StrayCommand}, nil, nil},
}

func TestEveryDefectIsFoundByName(t *testing.T) {
	t.Parallel()
	covered := map[wrongswitch.Kind]bool{}
	for _, c := range wrongs {
		covered[c.defect.Kind] = true
		t.Run(string(c.defect.Kind), func(t *testing.T) {
			t.Parallel()
			config := wrongswitch.Config{Defects: []wrongswitch.Defect{c.defect}, Lateness: react + time.Second}
			if c.defect.Kind == wrongswitch.RecordsUnheard {
				config.Consent = "This call is recorded."
			}
			r := newRig(t, carrier.Config{}, config)
			r.play(40)
			if c.only != nil {
				c.only(r)
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

// Each kind of finding is one that some defect brings about here.
func TestEveryKindIsProvoked(t *testing.T) {
	provoked := map[judge.Kind]bool{}
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
