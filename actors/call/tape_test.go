package call

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"maskswitch/actors/protocol"
)

// asked is a request to pause, and what came of it.
type asked struct {
	answers int
	got     protocol.RecordingSwitch
	code    string
}

func (r *rig) pause(paused bool) *asked {
	r.Helper()
	a := &asked{}
	r.send(protocol.PauseCall{Session: "s", Paused: paused, Done: func(s protocol.RecordingSwitch, err error) {
		a.answers++
		a.got = s
		var e *protocol.Error
		if errors.As(err, &e) {
			a.code = e.Code
		} else if err != nil {
			a.code = err.Error()
		}
	}})
	return a
}

func (a *asked) want(t *testing.T, paused bool, code string) {
	t.Helper()
	if a.answers != 1 || a.code != code || code == "" && (a.got.Paused != paused || a.got.Since.IsZero()) {
		t.Fatalf("answered %d times: %+v, %q; want paused %v, %q", a.answers, a.got, a.code, paused, code)
	}
}

func (a *asked) waits(t *testing.T) {
	t.Helper()
	if a.answers != 0 {
		t.Fatalf("answered before the carrier: %+v, %q", a.got, a.code)
	}
}

func TestPauseIsAnsweredByTheCarrier(t *testing.T) {
	bubble(t, func(r *rig) {
		r.pause(true).want(t, false, "call_not_live")
		r.event(ring(recording(t, protocol.RecordDefault)), protocol.Route{})
		r.event(answered(protocol.LegA), protocol.Route{})
		r.pause(true).want(t, false, "not_recording")
		r.event(answered(protocol.LegB), protocol.Route{})

		hold := make(chan struct{})
		r.carrier(hold, protocol.CommandOK)
		first, second, third := r.pause(true), r.pause(true), r.pause(false)
		first.waits(t)
		close(hold)
		synctest.Wait()
		first.want(t, true, "")
		second.want(t, true, "")
		third.want(t, false, "")
		r.wantSent("answer", "transfer", "record_start", "record_pause:1", "record_resume:2")

		r.carrier(nil, protocol.CommandRefused)
		r.pause(true).want(t, false, "carrier_refused")
		r.carrier(nil, protocol.CommandTimeout)
		r.pause(true).want(t, false, "carrier_refused")
		r.carrier(nil, protocol.CommandOK)
		r.pause(true).want(t, true, "")
		r.wantSent("answer", "transfer", "record_start", "record_pause:1", "record_resume:2", "record_pause:3", "record_pause:4", "record_pause:4")
	})
}

// Whoever waits is answered, whatever becomes of the call.
func TestPauseOfACallThatGoes(t *testing.T) {
	for name, goes := range map[string]struct {
		how  func(r *rig)
		code string
	}{
		"hangs up": {func(r *rig) { r.event(hungUp(protocol.LegA, protocol.CauseNormalClearing), protocol.Route{}) }, "call_not_live"},
		"dies":     {func(r *rig) { r.panics() }, "call_recovering"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(r *rig) {
				r.talk(recording(t, protocol.RecordDefault))
				hold := make(chan struct{})
				r.carrier(hold, protocol.CommandOK)
				first, second := r.pause(true), r.pause(false)
				first.waits(t)
				goes.how(r)
				close(hold)
				synctest.Wait()
				first.want(t, false, goes.code)
				second.want(t, false, goes.code)
			})
		})
	}
}

// A full journal promises nothing: the pause is refused, and may be asked again.
func TestPauseWithAFullJournal(t *testing.T) {
	bubble(t, func(r *rig) {
		r.talk(recording(t, protocol.RecordDefault))
		r.door.shut(true)
		r.pause(true).want(t, false, "overloaded")
		r.door.shut(false)
		r.pause(true).want(t, true, "")
		r.wantSent("answer", "transfer", "record_start", "record_pause:1")
	})
}

// While a call is being built again, whoever asks waits for it.
func TestPauseDuringARebuild(t *testing.T) {
	bubble(t, func(r *rig) {
		r.talk(recording(t, protocol.RecordDefault))
		release := r.store.Hold()
		r.panics()
		early := r.pause(true)
		early.waits(t)
		release()
		synctest.Wait()
		early.want(t, true, "")
	})
}

// What the disk does not have is told nobody.
func TestTheQueueHearsNothingTooEarly(t *testing.T) {
	bubble(t, func(r *rig) {
		r.talk(recording(t, protocol.RecordDefault))
		r.store.Fail(errors.New("no disk"))
		r.event(protocol.LegRecorded{About: facts(protocol.LegA), Recording: "one"}, protocol.Route{})
		if told := r.queued(); len(told) != 0 {
			t.Errorf("told %+v", told)
		}
	})
}

// The queue hears of a recording when the disk knows it, and of each once.
func TestTheQueueHearsOfRecordings(t *testing.T) {
	bubble(t, func(r *rig) {
		r.talk(recording(t, protocol.RecordDefault))
		one := protocol.LegRecorded{About: facts(protocol.LegA), Recording: "one", Link: "link one"}
		two := protocol.LegRecorded{About: facts(protocol.LegA), Recording: "two", Link: "link two"}
		r.event(one, protocol.Route{})
		r.event(two, protocol.Route{})
		r.event(one, protocol.Route{})
		told := r.queued()
		if len(told) != 2 || told[0].Row.ID != "one" || told[0].Link != "link one" || told[1].Row.ID != "two" || !told[0].Since.Equal(epoch) {
			t.Fatalf("told %+v", told)
		}
		for _, m := range told {
			if row, err := r.store.Recording(t.Context(), m.Row.ID); err != nil || row.Call != m.Row.Call || row.NextTryAt.IsZero() {
				t.Errorf("%+v, %v", row, err)
			}
		}
	})
	bubble(t, func(r *rig) { // none comes
		r.talk(recording(t, protocol.RecordDefault))
		r.event(hungUp(protocol.LegA, protocol.CauseNormalClearing), protocol.Route{})
		r.event(hungUp(protocol.LegB, protocol.CauseNormalClearing), protocol.Route{})
		if told := r.queued(); len(told) != 0 {
			t.Fatalf("too early: %+v", told)
		}
		time.Sleep(recordingWait) // virtual
		synctest.Wait()
		told := r.queued()
		if len(told) != 1 || !told[0].Row.ID.Expected() || told[0].Row.Call != r.row().ID || r.row().State != "" {
			t.Fatalf("told %+v", told)
		}
	})
}
