package loadtest

import (
	"slices"
	"testing"

	"maskswitch/loadtest/judge"
	"maskswitch/loadtest/wrongswitch"
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
	{wrongswitch.Defect{Kind: wrongswitch.WrongPerson, Every: 20}, []judge.Kind{judge.WrongPerson}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.ShowsNumber, Every: 20}, []judge.Kind{judge.NumberShown}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.ShowsAnotherNumber, Every: 20}, []judge.Kind{judge.WrongCallerID}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.LeaksNumber, Every: 20}, []judge.Kind{judge.NumberShown}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.AnswersTwice, Every: 20}, []judge.Kind{judge.AnsweredTwice, judge.BadCommand}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.TransfersTwice, Every: 20}, []judge.Kind{judge.TransferredTwice}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.RecordsTwice, Every: 20}, []judge.Kind{judge.RecordedTwice}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.ForgetsBooking, Every: 10}, []judge.Kind{judge.BookingForgotten}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.UndeadBooking, Every: 2}, []judge.Kind{judge.BookingUndead}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.GivesNumberTwice}, []judge.Kind{judge.NumberGivenTwice}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.RepeatsDifferently}, []judge.Kind{judge.RepeatDiffers}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.AnswersLate, Every: 20}, []judge.Kind{judge.LateReaction}, "react: 500ms\n"},
	{wrongswitch.Defect{Kind: wrongswitch.DropsWebhook, Every: 100}, []judge.Kind{judge.EventIgnored}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.RefusesWebhook, Every: 100}, []judge.Kind{judge.EventRefused}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.RefusesRecordings, Every: 20}, []judge.Kind{judge.RecordingLost}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.RefusesCallers, Every: 20}, []judge.Kind{judge.CallerRefused}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.CutsCalls, Every: 5}, []judge.Kind{judge.CallCut}, ""},
	{wrongswitch.Defect{Kind: wrongswitch.NeverRecords, Every: 10}, []judge.Kind{judge.NotRecorded}, "carrier: {speed: 4}\nreact: 400ms\n"},
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
