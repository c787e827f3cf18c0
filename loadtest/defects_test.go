package loadtest

import (
	"slices"
	"testing"

	"maskswitch/loadtest/judge"
	"maskswitch/loadtest/wrongswitch"
)

// What a plan needs to give a defect its chance: people who are hardly faster
// than in life; bookings that are moved; that nobody uses; that end in the middle
// of talks, early or late in their grace.
const (
	slow     = "carrier: {speed: 4}\nreact: 400ms\n"
	changing = "calls: {stages: [{for: 8s, rate: 20}]}\nbookings: {live: 60, rate: 4, lasts: 8s..30s, extended: .5, shortened: 1, read: 1}\n"
	idling   = "bookings: {live: 60, rate: 12, lasts: 1h, idle: 1, idle_after: 1s}\n"
	recorded = "bookings: {live: 60, rate: 12, lasts: 2s..20s, unrecorded: .2, wav: .2, mono: .2, summaries: .4}\n" +
		"recordings: {archived: true, wait: 15s, lookup: 8s, bytes: 3000}\n"
	announced = recorded + "recordings: {archived: true, wait: 15s, lookup: 8s, consent: " + announcement + "}\n"
	everyFile = "{rate: .1, is: expired}, {rate: .05, is: forbidden}, {rate: .05, is: missing, tries: 2}, {rate: .05, is: error}, {rate: .05, is: slow, lasts: 200ms}, " +
		"{rate: .05, is: cut}, {rate: .05, is: short}, {rate: .05, is: page}, {rate: .05, is: garbled}"
	cutting = "calls: {stages: [{for: 6s, rate: 20}]}\nreact: 1s\nbookings: {live: 60, rate: 4, lasts: 5s..10s, closed: 1, cuts: .5, grace: 2s}\n" +
		"people: {mix: [{name: talks, weight: 1, callee: answers, after: 500ms, talk: 200s}]}\n"
)

// defects are the ways in which a switch is made wrong, and the names of which
// at least one must be on the report.
var defects = []struct {
	defect wrongswitch.Defect
	finds  []judge.Kind
	plan   string // what the plan needs to give the defect a chance
}{
	{wrongswitch.Defect{Kind: wrongswitch.ConnectsStrangers}, []judge.Kind{judge.StrangerConnected}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.ConnectsWithheld}, []judge.Kind{judge.WithheldConnected}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.ConnectsLate}, []judge.Kind{judge.LateConnected}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.ConnectsToldLate}, []judge.Kind{judge.LateConnected}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.SilencesLate}, []judge.Kind{judge.LeftInSilence}, slow},
	{wrongswitch.Defect{Kind: wrongswitch.HushesLate}, []judge.Kind{judge.LeftInSilence}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.KeepsLate}, []judge.Kind{judge.LeftOnTheLine}, slow},
	{wrongswitch.Defect{Kind: wrongswitch.AnswersStrangers, Every: 2}, []judge.Kind{judge.AnsweredInVain}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.WrongPerson, Every: 20}, []judge.Kind{judge.WrongPerson}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.ShowsNumber, Every: 20}, []judge.Kind{judge.NumberShown}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.ShowsAnotherNumber, Every: 20}, []judge.Kind{judge.WrongCallerID}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.ShowsCallersProxy, Every: 5}, []judge.Kind{judge.WrongCallerID}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.LeaksNumber, Every: 20}, []judge.Kind{judge.NumberShown}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.AnswersTwice, Every: 20}, []judge.Kind{judge.AnsweredTwice, judge.BadCommand}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.TransfersTwice, Every: 20}, []judge.Kind{judge.TransferredTwice}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.RecordsTwice, Every: 20}, []judge.Kind{judge.RecordedTwice}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.ForgetsBooking, Every: 10}, []judge.Kind{judge.BookingForgotten}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.UndeadBooking, Every: 2}, []judge.Kind{judge.BookingUndead}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.GivesNumberTwice}, []judge.Kind{judge.NumberGivenTwice}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.RepeatsDifferently}, []judge.Kind{judge.RepeatDiffers}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.IgnoresMasks, Every: 5}, []judge.Kind{judge.MasksIgnored}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.ForgetsChange}, []judge.Kind{judge.BookingForgotten, judge.BookingUndead}, changing},
	{wrongswitch.Defect{Kind: wrongswitch.EndsIdleEarly}, []judge.Kind{judge.BookingForgotten, judge.CallerRefused}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.IgnoresIdle}, []judge.Kind{judge.BookingUndead}, idling},
	{wrongswitch.Defect{Kind: wrongswitch.NeverCuts}, []judge.Kind{judge.TalkedOn}, cutting},
	{wrongswitch.Defect{Kind: wrongswitch.CutsAtOnce}, []judge.Kind{judge.CallCut}, cutting},
	{wrongswitch.Defect{Kind: wrongswitch.CutsFinish}, []judge.Kind{judge.FinishCut}, cutting},
	{wrongswitch.Defect{Kind: wrongswitch.AnswersLate, Every: 20}, []judge.Kind{judge.LateReaction}, "react: 500ms\n"},
	{wrongswitch.Defect{Kind: wrongswitch.DropsWebhook, Every: 100}, []judge.Kind{judge.EventIgnored}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.RefusesWebhook, Every: 100}, []judge.Kind{judge.EventRefused}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.RefusesRecordings, Every: 20}, []judge.Kind{judge.RecordingLost}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.RefusesCallers, Every: 20}, []judge.Kind{judge.CallerRefused}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.CutsCalls, Every: 5}, []judge.Kind{judge.CallCut}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.NeverRecords, Every: 10}, []judge.Kind{judge.NotRecorded}, "carrier: {speed: 4}\nreact: 400ms\n"},
	{wrongswitch.Defect{Kind: wrongswitch.RecordsUnasked, Every: 3}, []judge.Kind{judge.RecordedUnasked}, recorded},
	{wrongswitch.Defect{Kind: wrongswitch.RecordsOtherwise, Every: 10}, []judge.Kind{judge.RecordedOtherwise}, recorded},
	{wrongswitch.Defect{Kind: wrongswitch.RecordsUnheard, Every: 10}, []judge.Kind{judge.RecordedUnheard}, announced},
	{wrongswitch.Defect{Kind: wrongswitch.TranscribesUnasked, Every: 10}, []judge.Kind{judge.SummaryUnasked}, recorded},
	{wrongswitch.Defect{Kind: wrongswitch.TellsNumbers, Every: 3}, []judge.Kind{judge.NumberShown}, recorded},
	{wrongswitch.Defect{Kind: wrongswitch.SkipsRecordings, Every: 20}, []judge.Kind{judge.RecordingMissing}, recorded + "recordings: {archived: true, wait: 2s}\n"},
	{wrongswitch.Defect{Kind: wrongswitch.AltersRecordings, Every: 20}, []judge.Kind{judge.RecordingAltered}, recorded},
	{wrongswitch.Defect{Kind: wrongswitch.ServesOtherAudio, Every: 20}, []judge.Kind{judge.RecordingAltered}, recorded},
	{wrongswitch.Defect{Kind: wrongswitch.StoresTwice, Every: 20}, []judge.Kind{judge.RecordingTwice}, recorded},
	{wrongswitch.Defect{Kind: wrongswitch.SendsKey, Every: 20}, []judge.Kind{judge.KeyLeaked}, recorded},
	{wrongswitch.Defect{Kind: wrongswitch.LeavesInSilence, Every: 5}, []judge.Kind{judge.EventIgnored, judge.NeverEnded}, "drain: 3s\n"},
	{wrongswitch.Defect{Kind: wrongswitch.NeverHangsUp}, []judge.Kind{judge.NeverEnded}, "people: {mix: [{name: busy, weight: 1, callee: busy, after: 500ms}]}\ndrain: 3s\n"},
	{wrongswitch.Defect{Kind: wrongswitch.ParksCallers, Every: 5}, []judge.Kind{judge.NeverEnded}, "drain: 3s\n"},
	{wrongswitch.Defect{Kind: wrongswitch.BadCommand}, []judge.Kind{judge.BadCommand}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.CommandsStrays, Every: 20}, []judge.Kind{judge.StrayCommand}, ""},
}

func TestEveryDefectHasItsTest(t *testing.T) {
	for _, k := range wrongswitch.Kinds() {
		if !slices.ContainsFunc(defects, func(d struct {
			defect wrongswitch.Defect
			finds  []judge.Kind
			plan   string
		}) bool {
			return d.defect.Kind == k
		}) {
			t.Errorf("%s is not in the table", k)
		}
	}
}
