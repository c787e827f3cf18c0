package call

import (
	"testing"
	"testing/synctest"
	"time"

	"maskswitch/actors/protocol"
)

// recording is the route of a call whose booking chose how it is recorded.
func recording(t *testing.T, mode protocol.RecordingMode) protocol.Route {
	return protocol.Route{
		Booking: protocol.NewBookingID(epoch), Caller: protocol.PartyB, To: number(t, "+17735550122"), From: number(t, "+13125550199"), Recording: mode,
	}
}

func broken(side protocol.Leg) protocol.Event {
	return protocol.SpeechEnded{About: facts(side), Broken: true}
}

// Whoever is recorded has heard so. Who cannot have heard it is not recorded,
// and talks on.
func TestConsent(t *testing.T) {
	a, b := protocol.LegA, protocol.LegB
	rungB := Rang{protocol.LegRang{About: facts(b)}, protocol.Route{}}
	line := protocol.Speak{What: consentLine}
	over, overB := hungUp(a, protocol.CauseNormalClearing), hungUp(b, protocol.CauseNormalClearing)
	saved := protocol.LegRecorded{About: facts(a), Recording: "r"}
	talk := func(r protocol.Route, said string, more ...beat) []beat {
		return append([]beat{
			{0, ring(r), "answer"}, {0, answered(a), "transfer"}, {0, reply(protocol.Transfer{}, protocol.CommandOK), ""}, {0, rungB, ""}, {0, answered(b), said},
		}, more...)
	}
	end := []beat{{time.Minute, over, ""}, {0, overB, ""}}
	chosen, cut := recording(t, protocol.RecordDefault), cutting(t, 10*time.Second)
	consent := told
	consent.Consent = "This call is recorded."
	for _, s := range []scene{
		{"they hear it", talk(chosen, "speak:consent", append([]beat{
			{0, reply(line, protocol.CommandOK), ""}, {3 * time.Second, spoken(a), "record_start"}, {0, spoken(a), ""}, {0, spoken(b), ""},
			{0, reply(protocol.StartRecording{}, protocol.CommandOK), ""},
		}, append(end, beat{time.Second, saved, ""})...)...), protocol.OutcomeTalked, StageClosed, ""},
		{"the carrier tells it of B first", talk(chosen, "speak:consent", beat{0, spoken(b), ""}, beat{0, spoken(a), "record_start"}), protocol.OutcomeNone, StageTalking, ""},
		{"its end is here before its beginning is known: a process has died", []beat{
			{0, ring(chosen), "answer"}, {0, answered(a), "transfer"}, {0, rungB, ""}, {0, spoken(a), ""}, {0, answered(b), "record_start"},
		}, protocol.OutcomeNone, StageTalking, ""},
		{"it cannot be said", talk(chosen, "speak:consent", append([]beat{
			{0, reply(line, protocol.CommandRefused), ""}, {0, spoken(a), ""},
		}, end...)...), protocol.OutcomeTalked, StageClosed, unheard},
		{"it is broken off", talk(chosen, "speak:consent", append([]beat{{0, broken(a), ""}}, end...)...), protocol.OutcomeTalked, StageClosed, unheard},
		{"nobody says that it was said", talk(chosen, "speak:consent", append([]beat{
			{0, reply(line, protocol.CommandOK), ""}, {tellWait - 1, nil, ""}, {1, nil, ""}, {0, spoken(a), ""},
		}, end...)...), protocol.OutcomeTalked, StageClosed, unheard},
		{"B leaves while it is said", talk(chosen, "speak:consent", beat{0, overB, ""}, beat{0, spoken(a), ""}, beat{0, over, ""}), protocol.OutcomeTalked, StageClosed, ""},
		{"a restart while it is said", talk(chosen, "speak:consent", beat{time.Second, protocol.Recovered{}, "speak:consent"}, beat{0, spoken(a), "record_start"}), protocol.OutcomeNone, StageTalking, ""},
		{"a restart long after it was taken", talk(chosen, "speak:consent",
			beat{0, reply(line, protocol.CommandOK), ""}, beat{tellWait, protocol.Recovered{}, ""}, beat{0, spoken(a), ""},
		), protocol.OutcomeNone, StageTalking, unheard},
		{"nothing to be told", talk(recording(t, protocol.RecordOff), "", end...), protocol.OutcomeTalked, StageClosed, ""},
		{"the booking ends meanwhile, and its notice waits", talk(cut, "speak:consent",
			beat{0, bookingOver(0), ""}, beat{0, spoken(a), "record_start, speak:checkout"}, beat{10 * time.Second, nil, "hangup"},
		), protocol.OutcomeNone, StageEnding, cutReason},
		{"the booking ends, and they have heard nothing", talk(cut, "speak:consent",
			beat{0, reply(line, protocol.CommandRefused), ""}, beat{0, bookingOver(0), ""}, beat{0, spoken(a), ""}, beat{10 * time.Second, nil, "hangup"},
		), protocol.OutcomeNone, StageEnding, cutReason},
	} {
		s.tell(t, consent)
	}
	unrecorded := consent
	unrecorded.Recording = protocol.RecordOff
	scene{"the booking wants it, the operator does not", talk(recording(t, protocol.RecordDualWAV), "speak:consent"), protocol.OutcomeNone, StageTalking, ""}.tell(t, unrecorded)
	scene{"nobody wants it", talk(chosen, ""), protocol.OutcomeNone, StageTalking, ""}.tell(t, unrecorded)
}

// The operator takes the line back while it is being said: they hear the rest
// before they are recorded.
func TestConsentTakenBack(t *testing.T) {
	set := told
	set.Consent = "This call is recorded."
	call := Begin(facts(protocol.LegA), 0, set)
	for _, ev := range []protocol.Event{ring(recording(t, protocol.RecordDefault)), answered(protocol.LegA), answered(protocol.LegB)} {
		call, _ = call.Step(ev, epoch)
	}
	again, err := Restore(call.Row(), told)
	if err != nil {
		t.Fatal(err)
	}
	again, fx := again.Step(protocol.LegNoted{About: facts(protocol.LegA)}, epoch)
	if len(fx.Commands) != 0 {
		t.Errorf("sent %+v before they have heard it", fx.Commands)
	}
	if _, fx = again.Step(spoken(protocol.LegA), epoch); len(fx.Commands) != 1 || fx.Commands[0].Kind() != protocol.CommandRecordStart {
		t.Errorf("sent %+v when they have heard it", fx.Commands)
	}
}

// Nothing of the carrier's comes, and the call looks at the clock by itself.
func TestConsentThatNobodyHears(t *testing.T) {
	set := told
	set.Consent = "This call is recorded."
	bubbleWith(t, set, func(r *rig) {
		r.talk(recording(t, protocol.RecordDefault))
		r.wantSent("answer", "transfer", "speak:consent")
		time.Sleep(tellWait) // virtual
		synctest.Wait()
		r.wantSent("answer", "transfer", "speak:consent")
		if row := r.row(); row.Reason != unheard || !row.ConsentAt.IsZero() {
			t.Errorf("after %v the row says %q, consent at %v", tellWait, row.Reason, row.ConsentAt)
		}
	})
	bubbleWith(t, set, func(r *rig) {
		r.talk(recording(t, protocol.RecordDefault))
		heard := spoken(protocol.LegA).(protocol.SpeechEnded)
		heard.At = epoch.Add(time.Second)
		r.event(heard, protocol.Route{})
		if row := r.row(); row.Reason != "" || !row.ConsentAt.Equal(heard.At) {
			t.Errorf("the row says %q, consent at %v", row.Reason, row.ConsentAt)
		}
	})
}

// What the carrier says of a recording before the ring is here is not forgotten.
func TestReasonBeforeTheRing(t *testing.T) {
	call := Begin(facts(protocol.LegA), 0, told)
	for _, ev := range []protocol.Event{
		protocol.RecordingFailed{About: facts(protocol.LegA), Reason: "no room"}, ring(recording(t, protocol.RecordDefault)),
	} {
		call, _ = call.Step(ev, epoch)
	}
	if call.Reason != "no room" {
		t.Errorf("reason %q", call.Reason)
	}
}

// What a booking chose is what the carrier is asked for, after a restart too.
func TestRecordingAsTheBookingSays(t *testing.T) {
	for _, tt := range []struct {
		name      string
		route     protocol.RecordingMode
		summary   bool
		summaries bool
		want      protocol.StartRecording
	}{
		{"the operator's choice", protocol.RecordDefault, false, true, protocol.StartRecording{Mode: protocol.RecordDualMP3}},
		{"its own", protocol.RecordSingleMP3, false, true, protocol.StartRecording{Mode: protocol.RecordSingleMP3}},
		{"summed up", protocol.RecordDualWAV, true, true, protocol.StartRecording{Mode: protocol.RecordDualWAV, Transcribe: true}},
		{"nobody sums up", protocol.RecordDualWAV, true, false, protocol.StartRecording{Mode: protocol.RecordDualWAV}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			route := recording(t, tt.route)
			route.Summary = tt.summary
			set := told
			set.Summaries = tt.summaries
			call := Begin(ring(route).(protocol.LegEvent).Facts(), 0, set)
			var got []protocol.Command
			var row *protocol.FetchRecording
			saved := protocol.LegRecorded{About: facts(protocol.LegA), Recording: "r", Link: "a link"}
			for _, ev := range []protocol.Event{
				ring(route), answered(protocol.LegA), answered(protocol.LegB), reply(protocol.StartRecording{}, protocol.CommandOK), saved,
			} {
				next, fx := call.Step(ev, epoch)
				if call = next; fx.Recording != nil {
					row = fx.Recording
				}
				for _, cmd := range fx.Commands {
					if cmd.Kind() == protocol.CommandRecordStart {
						got = append(got, cmd)
					}
				}
				call = restored(t, call)
			}
			tt.want.Leg, tt.want.Tag = "A", call.tag(protocol.LegA)
			if len(got) != 1 || got[0] != protocol.Command(tt.want) {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
			if row == nil || row.Link != "a link" || row.Row.Caller != protocol.PartyB || row.Row.Call != call.ID ||
				(row.Row.Summary == protocol.SummaryWaiting) != tt.want.Transcribe {
				t.Errorf("the queue is told %+v", row)
			}
		})
	}
}

// Of what was recorded there is a row, whatever the carrier tells of it.
func TestRecordingThatDoesNotCome(t *testing.T) {
	a, b := protocol.LegA, protocol.LegB
	failed := protocol.RecordingFailed{About: facts(a), Reason: "no room"}
	for _, tt := range []struct {
		name   string
		events []protocol.Event
		status protocol.RecordingStatus
		why    string
		none   bool
	}{
		{"no event", []protocol.Event{reply(protocol.StartRecording{}, protocol.CommandOK)}, protocol.RecordingPending, "", false},
		{"nobody knows whether it was begun", []protocol.Event{reply(protocol.StartRecording{}, protocol.CommandTimeout)}, protocol.RecordingPending, "", false},
		{"it was refused", []protocol.Event{reply(protocol.StartRecording{}, protocol.CommandRefused)}, 0, "", true},
		{"the carrier could not keep it", []protocol.Event{reply(protocol.StartRecording{}, protocol.CommandOK), failed}, protocol.RecordingLost, "the carrier could not keep it: no room", false},
		{"so it says, twice", []protocol.Event{reply(protocol.StartRecording{}, protocol.CommandOK), failed, failed}, protocol.RecordingLost, "the carrier could not keep it: no room", false},
		{"it came", []protocol.Event{reply(protocol.StartRecording{}, protocol.CommandOK), protocol.LegRecorded{About: facts(a), Recording: "r"}}, protocol.RecordingPending, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			route := recording(t, protocol.RecordDefault)
			call := Begin(ring(route).(protocol.LegEvent).Facts(), 3, told)
			events := append([]protocol.Event{ring(route), answered(a), answered(b)}, tt.events...)
			events = append(events, hungUp(a, protocol.CauseNormalClearing), hungUp(b, protocol.CauseNormalClearing), protocol.DeadlinePassed{})
			now := epoch
			var rows []protocol.Recording
			for _, ev := range events {
				if _, last := ev.(protocol.DeadlinePassed); last {
					now = now.Add(recordingWait)
				}
				next, fx := call.Step(ev, now)
				if call = next; fx.Recording != nil {
					rows = append(rows, fx.Recording.Row)
				}
				if call.Stage != StageClosed {
					call = restored(t, call)
				}
			}
			if call.Stage != StageClosed {
				t.Errorf("the call waits in stage %v", call.Stage)
			}
			if tt.none != (len(rows) == 0) || len(rows) > 1 {
				t.Fatalf("%d rows: %+v", len(rows), rows)
			}
			if tt.none {
				return
			}
			r := rows[0]
			if r.Status != tt.status || r.Why != tt.why || r.Call != call.ID || r.Booking != route.Booking || r.Partition != 3 || r.Session != "s" || r.Caller != protocol.PartyB {
				t.Errorf("row: %+v", r)
			}
		})
	}
}

// A pause is what the carrier said it is.
func TestPause(t *testing.T) {
	a, b := protocol.LegA, protocol.LegB
	pause, goOn := protocol.PauseAsked{Paused: true}, protocol.PauseAsked{}
	done := func(turn int, r protocol.CommandResult) protocol.Event {
		return reply(protocol.PauseRecording{Turn: turn}, r)
	}
	resumed := func(turn int, r protocol.CommandResult) protocol.Event {
		return reply(protocol.ResumeRecording{Turn: turn}, r)
	}
	talk := func(more ...beat) []beat {
		return append([]beat{
			{0, ring(recording(t, protocol.RecordDefault)), "answer"}, {0, answered(a), "transfer"}, {0, answered(b), "record_start"},
			{0, pause, ""}, // too early: nothing is being recorded
			{0, reply(protocol.StartRecording{}, protocol.CommandOK), ""},
		}, more...)
	}
	ok, refused, timeout := protocol.CommandOK, protocol.CommandRefused, protocol.CommandTimeout
	for _, s := range []struct {
		scene
		want Tape
	}{
		{scene{name: "and its end", beats: talk(
			beat{0, goOn, ""}, beat{0, pause, "record_pause:1"}, beat{0, pause, ""}, beat{0, done(1, ok), ""}, beat{0, pause, ""},
			beat{time.Second, goOn, "record_resume:2"}, beat{0, done(1, ok), ""}, beat{0, resumed(2, ok), ""}, beat{0, goOn, ""},
		)}, Tape{false, epoch.Add(time.Second), false, 2}},
		{scene{name: "refused, and asked for again", beats: talk(
			beat{0, pause, "record_pause:1"}, beat{0, done(1, refused), ""}, beat{0, goOn, ""}, beat{0, pause, "record_pause:2"}, beat{0, done(2, ok), ""},
		)}, Tape{true, epoch, false, 2}},
		{scene{name: "without an answer, asked for again soon", beats: talk(
			beat{0, pause, "record_pause:1"}, beat{0, done(1, timeout), ""}, beat{59 * time.Second, pause, "record_pause:1"}, beat{0, done(1, ok), ""},
		)}, Tape{true, epoch.Add(59 * time.Second), false, 1}},
		{scene{name: "without an answer, asked for again late", beats: talk(
			beat{0, pause, "record_pause:1"}, beat{0, done(1, timeout), ""}, beat{time.Minute, pause, "record_pause:2"}, beat{0, done(2, ok), ""},
		)}, Tape{true, epoch.Add(time.Minute), false, 2}},
		{scene{name: "without an answer, and taken back", beats: talk(
			beat{0, pause, "record_pause:1"}, beat{0, done(1, timeout), ""}, beat{0, goOn, "record_resume:2"}, beat{0, resumed(2, ok), ""},
		)}, Tape{false, epoch, false, 2}},
		{scene{name: "a restart before the answer", beats: talk(
			beat{0, pause, "record_pause:1"}, beat{time.Second, protocol.Recovered{}, "record_pause:1"}, beat{0, done(1, ok), ""},
		)}, Tape{true, epoch.Add(time.Second), false, 1}},
		{scene{name: "a restart long after", beats: talk(
			beat{0, pause, "record_pause:1"}, beat{time.Minute, protocol.Recovered{}, ""}, beat{0, pause, "record_pause:2"}, beat{0, done(2, ok), ""},
		)}, Tape{true, epoch.Add(time.Minute), false, 2}},
		{scene{name: "a restart when they are leaving", beats: talk(
			beat{0, pause, "record_pause:1"}, beat{0, hungUp(b, protocol.CauseNormalClearing), ""}, beat{0, protocol.Recovered{}, ""}, beat{0, pause, ""},
		), stage: StageEnding}, Tape{false, time.Time{}, false, 1}},
		{scene{name: "the leg is gone", beats: talk(
			beat{0, pause, "record_pause:1"}, beat{0, done(1, protocol.CommandLegGone), ""}, beat{0, pause, ""},
		), stage: StageEnding}, Tape{false, time.Time{}, false, 1}},
	} {
		if s.stage == StageEarly {
			s.stage = StageTalking
		}
		s.tell(t, told)
		t.Run(s.name+", and what is known then", func(t *testing.T) {
			now, call := epoch, Begin(s.beats[0].when.(protocol.LegEvent).Facts(), 0, told)
			for _, b := range s.beats {
				now = now.Add(b.after)
				call, _ = call.Step(b.when, now)
			}
			if call.Tape != s.want {
				t.Errorf("%+v, want %+v", call.Tape, s.want)
			}
		})
	}
}
