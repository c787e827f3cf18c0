package call

import (
	"testing"
	"time"

	"maskswitch/actors/protocol"
)

// A caller whose booking has ended is told so, and led nowhere.
func TestLateCallers(t *testing.T) {
	late := protocol.Refuse(protocol.OutcomeNoBooking, "the caller's booking has ended")
	a, b, none := protocol.LegA, protocol.LegB, protocol.OutcomeNoBooking
	ended := protocol.Speak{What: "ended"}
	rungB := Rang{protocol.LegRang{About: facts(b)}, protocol.Route{}}
	gone := hungUp(a, protocol.CauseNormalClearing)
	for _, s := range []scene{
		{"told and let go", []beat{
			{0, ring(late), "answer"}, {0, reply(protocol.Answer{}, protocol.CommandOK), ""},
			{time.Second, answered(a), "speak:ended"}, {0, reply(ended, protocol.CommandOK), ""},
			{4 * time.Second, spoken(a), "hangup"}, {time.Second, gone, ""},
		}, none, StageClosed, "has ended"},
		{"each event twice", []beat{
			{0, ring(late), "answer"}, {0, ring(late), ""}, {0, answered(a), "speak:ended"}, {0, answered(a), ""},
			{0, spoken(a), "hangup"}, {0, spoken(a), ""}, {0, gone, ""},
		}, none, StageClosed, ""},
		{"he leaves before he is answered", []beat{{0, ring(late), "answer"}, {time.Second, gone, ""}, {0, answered(a), ""}}, none, StageClosed, ""},
		{"he left before his ring came", []beat{{0, gone, ""}, {0, ring(late), ""}}, none, StageClosed, ""},
		{"he leaves in the middle", []beat{{0, ring(late), "answer"}, {0, answered(a), "speak:ended"}, {0, gone, ""}, {0, spoken(a), ""}}, none, StageClosed, ""},
		{"answered, by a process that is gone, before his ring came", []beat{{0, answered(a), ""}, {0, ring(late), "speak:ended"}}, protocol.OutcomeNone, StageTelling, ""},
		{"told, by a process that is gone, before his ring came", []beat{{0, spoken(a), ""}, {0, ring(late), "hangup"}, {0, answered(a), ""}}, protocol.OutcomeNone, StageEnding, ""},
		{"the end of the sentence comes before the answer", []beat{{0, ring(late), "answer"}, {0, spoken(a), "hangup"}, {0, answered(a), ""}, {0, gone, ""}}, none, StageClosed, ""},
		{"the end of the sentence never comes", []beat{
			{0, ring(late), "answer"}, {0, answered(a), "speak:ended"}, {tellWait - 1, nil, ""}, {1, nil, "hangup"}, {0, gone, ""},
		}, none, StageClosed, ""},
		{"the answer fails", []beat{{0, ring(late), "answer"}, {time.Second, reply(protocol.Answer{}, protocol.CommandRefused), "hangup"}, {0, gone, ""}}, none, StageClosed, "why"},
		{"the answer fails, and he does not go", []beat{
			{0, ring(late), "answer"}, {time.Second, reply(protocol.Answer{}, protocol.CommandTimeout), "hangup"},
		}, none, StageEnding, "why"},
		{"the leg is gone when it is to be answered", []beat{
			{0, ring(late), "answer"}, {0, reply(protocol.Answer{}, protocol.CommandLegGone), ""}, {endWait, nil, ""},
		}, none, StageClosed, ""},
		{"the sentence fails", []beat{
			{0, ring(late), "answer"}, {0, answered(a), "speak:ended"}, {time.Second, reply(ended, protocol.CommandTimeout), "hangup"}, {0, gone, ""},
		}, none, StageClosed, "why"},
		{"he is never answered", []beat{
			{0, ring(late), "answer"}, {answerWait, nil, "find"}, {0, reply(protocol.Find{}, protocol.CommandOK), "hangup"}, {0, gone, ""},
		}, none, StageClosed, ""},
		{"his hangup never comes", []beat{
			{0, ring(late), "answer"}, {0, answered(a), "speak:ended"}, {0, spoken(a), "hangup"},
			{endWait, nil, ""}, {askWait, nil, "find"}, {askWait, nil, ""},
		}, none, StageClosed, ""},
		{"a restart while he is answered", []beat{
			{0, ring(late), "answer"}, {30 * time.Second, protocol.Recovered{}, "answer"}, {0, answered(a), "speak:ended"},
		}, protocol.OutcomeNone, StageTelling, ""},
		{"a restart in the sentence", []beat{
			{0, ring(late), "answer"}, {0, answered(a), "speak:ended"}, {5 * time.Second, protocol.Recovered{}, "speak:ended"}, {0, spoken(a), "hangup"},
		}, protocol.OutcomeNone, StageEnding, ""},
		{"a restart long after the sentence", []beat{
			{0, ring(late), "answer"}, {0, answered(a), "speak:ended"}, {repeatWindow, protocol.Recovered{}, ""}, {0, nil, "hangup"},
		}, protocol.OutcomeNone, StageEnding, ""},
		{"a restart after he was let go", []beat{
			{0, ring(late), "answer"}, {0, answered(a), "speak:ended"}, {0, spoken(a), "hangup"}, {0, protocol.Recovered{}, "hangup"}, {0, gone, ""},
		}, none, StageClosed, ""},
		{"he talks already, by a process that is gone, when his ring comes again", []beat{
			{0, answered(a), ""}, {0, rungB, ""}, {0, ring(late), "hangup"}, {0, answered(b), ""}, {endWait, nil, "hangup b"},
		}, protocol.OutcomeNone, StageEnding, ""},
	} {
		s.tell(t, told)
	}
}

// Everybody else is refused unanswered, and so is a late caller for whom there
// is no sentence.
func TestRefusedCallers(t *testing.T) {
	silent := told
	silent.Ended = ""
	gone := hungUp(protocol.LegA, protocol.CauseCallRejected)
	for _, o := range []protocol.Outcome{protocol.OutcomeStranger, protocol.OutcomeWithheld, protocol.OutcomeUnallocated, protocol.OutcomeNoBooking} {
		set := told
		if o == protocol.OutcomeNoBooking {
			set = silent
		}
		r := protocol.Refuse(o, "a reason")
		for _, s := range []scene{
			{o.String(), []beat{{0, ring(r), "reject"}, {0, ring(r), ""}, {0, gone, ""}}, o, StageClosed, "a reason"},
			{o.String() + ", who cannot be rejected", []beat{
				{0, ring(r), "reject"}, {0, reply(protocol.Reject{}, protocol.CommandRefused), "hangup"}, {0, gone, ""},
			}, o, StageClosed, "a reason; why"},
			{o.String() + ", of whom nothing is heard", []beat{
				{0, ring(r), "reject"}, {refuseWait, nil, "hangup"}, {endWait, nil, ""}, {askWait, nil, "find"}, {askWait, nil, ""},
			}, o, StageClosed, ""},
		} {
			s.tell(t, set)
		}
	}
}

// A restart may bring another setting. What was begun is brought to its end.
func TestTheSentenceIsChangedInBetween(t *testing.T) {
	late := protocol.Refuse(protocol.OutcomeNoBooking, "")
	silent := told
	silent.Ended = ""
	for _, c := range []struct {
		story         string
		before, after Settings
		first         string
		when          protocol.Event
		want          string
	}{
		{"rejected stays rejected", silent, told, "reject", protocol.Recovered{}, "reject"},
		{"to be answered still is", told, silent, "answer", protocol.Recovered{}, "answer"},
		{"answered, and there is nothing to say any more", told, silent, "answer", answered(protocol.LegA), "hangup"},
	} {
		t.Run(c.story, func(t *testing.T) {
			rang := ring(late)
			call, fx := Begin(rang.(protocol.LegEvent).Facts(), 0, c.before).Step(rang, epoch)
			if len(fx.Commands) != 1 || fx.Commands[0].Step() != c.first {
				t.Fatalf("at first %v", fx.Commands)
			}
			call = restored(t, call)
			call.Settings = c.after
			if _, fx = call.Step(c.when, epoch); len(fx.Commands) != 1 || fx.Commands[0].Step() != c.want {
				t.Errorf("%v, want %s", fx.Commands, c.want)
			}
		})
	}
}
