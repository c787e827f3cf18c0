package call

import (
	"encoding/json"
	"testing"
	"time"

	"maskswitch/actors/protocol"
)

// cutting is the route of a call that ends with its booking.
func cutting(t *testing.T, grace time.Duration) protocol.Route {
	return protocol.Route{
		Booking: protocol.NewBookingID(epoch), Caller: protocol.PartyA, To: number(t, "+17735550122"), From: number(t, "+13125550199"),
		Report: true, Cut: true, Grace: grace,
	}
}

// bookingOver has the booking end some seconds after the first event.
func bookingOver(seconds int) protocol.Event {
	return protocol.BookingOver{Session: "s", At: epoch.Add(time.Duration(seconds) * time.Second)}
}

// A booking that cuts its calls ends them its grace after its own end, whatever
// they are about.
func TestCheckoutCutsACall(t *testing.T) {
	const grace = 10 * time.Second
	a, b := protocol.LegA, protocol.LegB
	rang, rungB := ring(cutting(t, grace)), Rang{protocol.LegRang{About: facts(b)}, protocol.Route{}}
	over, someTimeAgo := bookingOver(0), protocol.BookingOver{Session: "s"}
	notice := protocol.Speak{What: checkoutNotice}
	gone, goneB := hungUp(a, protocol.CauseNormalClearing), hungUp(b, protocol.CauseNormalClearing)
	cancelled := hungUp(b, protocol.CauseOriginatorCancel)
	talk := func(more ...beat) []beat {
		return append([]beat{
			{0, rang, "answer"}, {0, answered(a), "transfer"}, {0, reply(protocol.Transfer{}, protocol.CommandOK), ""}, {0, rungB, ""},
			{0, answered(b), "record_start"}, {0, reply(protocol.StartRecording{}, protocol.CommandOK), ""},
		}, more...)
	}
	for _, s := range []scene{
		{"in the talk", talk(
			beat{0, over, "speak:checkout"}, beat{4 * time.Second, spoken(a), ""}, beat{0, spoken(b), ""},
			beat{6*time.Second - 1, nil, ""}, beat{1, nil, "hangup"}, beat{0, gone, ""}, beat{0, goneB, ""},
		), protocol.OutcomeTalked, StageOver, cutReason},
		{"in the talk, and everything twice", talk(
			beat{0, over, "speak:checkout"}, beat{0, over, ""}, beat{time.Second, over, ""}, beat{0, spoken(a), ""}, beat{0, spoken(a), ""},
			beat{0, spoken(b), ""}, beat{0, spoken(b), ""}, beat{9 * time.Second, nil, "hangup"}, beat{0, nil, ""}, beat{0, over, ""},
			beat{0, goneB, ""}, beat{0, goneB, ""}, beat{0, gone, ""},
		), protocol.OutcomeTalked, StageOver, cutReason},
		{"any event will do", talk(beat{0, over, "speak:checkout"}, beat{grace, spoken(a), "hangup"}), protocol.OutcomeNone, StageEnding, cutReason},
		{"the word is late", talk(beat{grace, over, "hangup"}, beat{0, gone, ""}, beat{0, goneB, ""}), protocol.OutcomeTalked, StageOver, cutReason},
		{"some of the grace is left", talk(beat{9 * time.Second, over, "speak:checkout"}, beat{time.Second, nil, "hangup"}), protocol.OutcomeNone, StageEnding, cutReason},
		{"the booking does not know when it ended", talk(
			beat{time.Hour - time.Second, someTimeAgo, "speak:checkout"}, beat{grace - 1, nil, ""}, beat{1, nil, "hangup"},
		), protocol.OutcomeNone, StageEnding, cutReason},
		{"asked again, it grants no second grace", talk(
			beat{0, over, "speak:checkout"}, beat{5 * time.Second, someTimeAgo, ""}, beat{5 * time.Second, nil, "hangup"},
		), protocol.OutcomeNone, StageEnding, cutReason},
		{"the carrier forgets B", talk(
			beat{0, over, "speak:checkout"}, beat{grace, nil, "hangup"}, beat{0, gone, ""}, beat{endWait, nil, "hangup b"}, beat{0, goneB, ""},
		), protocol.OutcomeTalked, StageOver, cutReason},
		{"the carrier forgets both", talk(
			beat{0, over, "speak:checkout"}, beat{grace, nil, "hangup"}, beat{endWait, nil, "hangup b"},
			beat{askWait, nil, "find, find b"}, beat{askWait, nil, ""},
		), protocol.OutcomeTalked, StageOver, cutReason},
		{"they leave before", talk(beat{0, over, "speak:checkout"}, beat{time.Second, goneB, ""}, beat{0, gone, ""}), protocol.OutcomeTalked, StageOver, ""},
		{"the notice fails", talk(
			beat{0, over, "speak:checkout"}, beat{time.Second, reply(notice, protocol.CommandRefused), ""}, beat{0, spoken(a), ""}, beat{9 * time.Second, nil, "hangup"},
		), protocol.OutcomeNone, StageEnding, "why; " + cutReason},
		{"the hangup fails", talk(
			beat{0, over, "speak:checkout"}, beat{grace, nil, "hangup"}, beat{0, reply(protocol.HangUp{}, protocol.CommandRefused), ""},
			beat{endWait, nil, "hangup b"}, beat{0, goneB, ""}, beat{0, gone, ""},
		), protocol.OutcomeTalked, StageOver, cutReason + "; why"},
		{"a restart in the grace", talk(
			beat{0, over, "speak:checkout"}, beat{0, reply(notice, protocol.CommandOK), ""},
			beat{5 * time.Second, protocol.Recovered{}, ""}, beat{5 * time.Second, nil, "hangup"},
		), protocol.OutcomeNone, StageEnding, cutReason},
		{"a restart, and nobody knows whether they heard", talk(
			beat{0, over, "speak:checkout"}, beat{5 * time.Second, protocol.Recovered{}, "speak:checkout"}, beat{5 * time.Second, nil, "hangup"},
		), protocol.OutcomeNone, StageEnding, cutReason},
		{"a restart after the grace", talk(
			beat{0, over, "speak:checkout"}, beat{time.Hour, protocol.Recovered{}, "hangup"}, beat{0, gone, ""}, beat{0, goneB, ""},
		), protocol.OutcomeTalked, StageOver, cutReason},
		{"a restart after the cut", talk(
			beat{0, over, "speak:checkout"}, beat{grace, nil, "hangup"}, beat{time.Second, protocol.Recovered{}, "hangup"}, beat{0, gone, ""}, beat{0, goneB, ""},
		), protocol.OutcomeTalked, StageOver, cutReason},

		{"while A is answered", []beat{
			{0, rang, "answer"}, {0, over, ""}, {grace, nil, "hangup"}, {0, answered(a), ""}, {0, gone, ""},
		}, protocol.OutcomeAbandoned, StageClosed, cutReason},
		{"while B is dialled", []beat{
			{0, rang, "answer"}, {0, answered(a), "transfer"}, {0, over, ""}, {grace, nil, "hangup"}, {0, rungB, ""}, {0, gone, ""}, {0, cancelled, ""},
		}, protocol.OutcomeAbandoned, StageClosed, cutReason},
		{"while B is dialled, with a restart after the grace", []beat{
			{0, rang, "answer"}, {0, answered(a), "transfer"}, {0, over, ""}, {grace, protocol.Recovered{}, "hangup"}, {0, gone, ""},
		}, protocol.OutcomeNone, StageEnding, cutReason},
		{"while B is dialled, with a restart long after the cut", []beat{
			{0, rang, "answer"}, {0, answered(a), "transfer"}, {0, over, ""}, {grace, nil, "hangup"}, {2 * time.Minute, protocol.Recovered{}, "hangup"}, {0, gone, ""},
		}, protocol.OutcomeNone, StageEnding, cutReason},
		{"while B rings", []beat{
			{0, rang, "answer"}, {0, answered(a), "transfer"}, {0, rungB, ""}, {0, over, ""}, {grace, nil, "hangup"}, {0, gone, ""}, {0, cancelled, ""},
		}, protocol.OutcomeAbandoned, StageClosed, cutReason},
		{"B rings on", []beat{
			{0, rang, "answer"}, {0, answered(a), "transfer"}, {0, rungB, ""}, {grace, over, "hangup"}, {0, gone, ""}, {endWait, nil, "hangup b"}, {0, goneB, ""},
		}, protocol.OutcomeAbandoned, StageClosed, cutReason},
		{"B answers in the grace, and hears of it", []beat{
			{0, rang, "answer"}, {0, answered(a), "transfer"}, {0, rungB, ""}, {0, over, ""}, {time.Second, answered(b), "record_start, speak:checkout"},
			{9 * time.Second, nil, "hangup"}, {0, gone, ""}, {0, goneB, ""},
		}, protocol.OutcomeTalked, StageOver, cutReason},
		{"while A is told that B is busy", []beat{
			{0, rang, "answer"}, {0, answered(a), "transfer"}, {0, rungB, ""}, {0, hungUp(b, protocol.CauseUserBusy), "speak:unreachable"},
			{0, over, ""}, {grace, nil, "hangup"}, {0, spoken(a), ""}, {0, gone, ""},
		}, protocol.OutcomeBusy, StageClosed, cutReason},
		{"when it ends anyway", talk(beat{0, goneB, ""}, beat{0, over, ""}, beat{endWait, nil, "hangup"}, beat{grace, gone, ""}), protocol.OutcomeTalked, StageOver, ""},
		{"when it is over", talk(beat{0, goneB, ""}, beat{0, gone, ""}, beat{0, over, ""}, beat{grace, nil, ""}), protocol.OutcomeTalked, StageOver, ""},
		{"before it rang", []beat{{0, answered(a), ""}, {0, over, ""}, {grace, nil, ""}, {0, rang, "transfer"}}, protocol.OutcomeNone, StageDialing, ""},
	} {
		s.tell(t, told)
	}
}

// What is said and when depends on the terms and on the settings.
func TestCheckoutNotice(t *testing.T) {
	silent := told
	silent.Checkout = ""
	finishing := cutting(t, time.Minute)
	finishing.Cut = false
	for _, c := range []struct {
		name  string
		route protocol.Route
		set   Settings
		want  string
		stage Stage
	}{
		{"no grace", cutting(t, 0), told, "hangup", StageEnding},
		{"too short to say anything", cutting(t, time.Second-1), told, "", StageTalking},
		{"just long enough", cutting(t, time.Second), told, "speak:checkout", StageTalking},
		{"nothing to say", cutting(t, time.Minute), silent, "", StageTalking},
		{"they may finish", finishing, told, "", StageTalking},
	} {
		scene{c.name, []beat{
			{0, ring(c.route), "answer"}, {0, answered(protocol.LegA), "transfer"}, {0, answered(protocol.LegB), "record_start"}, {0, bookingOver(0), c.want},
		}, protocol.OutcomeNone, c.stage, ""}.tell(t, c.set)
	}
}

// The notice goes to both, without a tag that the carrier might put on both.
func TestTheNoticeIsForBoth(t *testing.T) {
	c := Call{Settings: told, Rung: true, Cut: true, Grace: time.Minute, Stage: StageTalking, Deadline: epoch.Add(time.Hour), A: Leg{ID: "A", AnsweredAt: epoch}, B: Leg{ID: "B", AnsweredAt: epoch}}
	c.Sent[sendRecord].At = epoch
	next, fx := c.Step(bookingOver(0), epoch)
	want := protocol.Speak{Leg: "A", Text: told.Checkout, What: "checkout", Both: true}
	if len(fx.Commands) != 1 || fx.Commands[0] != want || !fx.Write || !next.Due().Equal(epoch.Add(time.Minute)) {
		t.Errorf("%+v, written %v, looks again at %v", fx.Commands, fx.Write, next.Due())
	}
}

// The carrier may hang the tag of A's command on an event of B: the id tells.
func TestAnEventOfBWithTheTagOfA(t *testing.T) {
	c := Call{Rung: true, Stage: StageTalking, Deadline: epoch.Add(time.Hour), A: Leg{ID: "A", AnsweredAt: epoch}, B: Leg{ID: "B", AnsweredAt: epoch}}
	c.Sent[sendRecord].At = epoch
	left := hungUp(protocol.LegB, protocol.CauseNormalClearing).(protocol.LegHungUp)
	left.Tag.Leg = protocol.LegA
	if next, fx := c.Step(left, epoch); fx.Unknown || !next.B.over() || next.A.over() {
		t.Errorf("unknown %v, A over %v, B over %v", fx.Unknown, next.A.over(), next.B.over())
	}
}

// A transfer whose answer was lost has been taken if B is there.
func TestALostAnswerToATransferCutsNobodyOff(t *testing.T) {
	a, b := protocol.LegA, protocol.LegB
	lost := reply(protocol.Transfer{}, protocol.CommandTimeout)
	set := told
	set.Recording = protocol.RecordOff
	scene{"B answers first", []beat{
		{0, ring(cutting(t, 0)), "answer"}, {0, answered(a), "transfer"}, {0, answered(b), ""}, {0, lost, ""}, {0, spoken(a), ""},
	}, protocol.OutcomeNone, StageTalking, "why"}.tell(t, set)
	scene{"nothing is heard of B", []beat{
		{0, ring(cutting(t, 0)), "answer"}, {0, answered(a), "transfer"}, {0, lost, "speak:unreachable"},
	}, protocol.OutcomeCarrier, StageTelling, "why"}.tell(t, set)
}

// A recording that fails for a reason that the row has already fails all the same.
func TestARecordingThatFailsForAKnownReason(t *testing.T) {
	a, b := protocol.LegA, protocol.LegB
	failed := protocol.RecordingFailed{About: facts(a), Reason: "why"}
	scene{"refused before for the same", []beat{
		{0, ring(cutting(t, 0)), "answer"}, {0, answered(a), "transfer"}, {0, answered(b), "record_start"}, {0, reply(protocol.Transfer{}, protocol.CommandTimeout), ""},
		{0, hungUp(b, protocol.CauseNormalClearing), ""}, {0, hungUp(a, protocol.CauseNormalClearing), ""}, {0, failed, ""},
	}, protocol.OutcomeTalked, StageClosed, "why"}.tell(t, told)
}

// Rows from before a call knew of checkouts are read as they were meant.
func TestARowOfAnOlderVersion(t *testing.T) {
	const state = `{"v":1,"cn":"77","to":"+17735550122","fr":"+13125550199","rg":true,` +
		`"a":{"i":"A","r":1787583600000000,"a":1787583601000000},"b":{"i":"B","r":1787583602000000,"e":1787583609000000,"c":7},` +
		`"s":[[1787583600000000,1,0],[0,0,0],[1787583601000000,1,0],[0,0,0],[1787583609000000,1,0],[0,0,0],[0,0,0],[0,0,0],[0,0,0]],` +
		`"sp":true,"st":6,"dl":1787583629000000,"n":12}`
	c, err := Restore(protocol.Call{Session: "s", State: state}, told)
	if err != nil {
		t.Fatal(err)
	}
	if c.Report || c.Cut || c.Grace != 0 || !c.CutAt.IsZero() || c.Sent[sendNotice].sent() || !c.A.spoken() || c.B.spoken() {
		t.Errorf("%+v", c)
	}
	if c.Stage != StageTelling || c.B.Cause != protocol.CauseUserBusy || !c.Sent[sendSpeak].sent() || !c.Due().Equal(c.Deadline) {
		t.Errorf("%+v", c)
	}
	if !json.Valid([]byte(c.Row().State)) {
		t.Error(c.Row().State)
	}
}
