package recording

import (
	"context"
	"slices"
	"testing/synctest"
	"time"

	"maskswitch/actors/protocol"
)

// evening is a call with all kinds of recordings, and what is asked of them.
type evening struct {
	w       *world
	rows    []protocol.Recording
	events  []protocol.LegRecorded
	texts   map[protocol.RecordingID]bool // those that the switch has not acknowledged
	erasing map[protocol.RecordingID]bool // asked for, and not promised yet
	holding map[protocol.RecordingID]bool
}

func newEvening(w *world) *evening {
	w.config.DeleteAtCarrier, w.config.Summaries = true, (*model)(w)
	e := &evening{w: w, texts: map[protocol.RecordingID]bool{}, erasing: map[protocol.RecordingID]bool{}, holding: map[protocol.RecordingID]bool{}}
	add := func(id, leg string, after time.Duration, anonymous bool) protocol.Recording {
		ev := w.record(id, leg, after)
		if anonymous {
			ev.Recording = ""
		}
		r := w.row(ev)
		if leg == "leg-1" {
			r.Summary = protocol.SummaryWaiting
		}
		e.rows, e.events = append(e.rows, r), append(e.events, ev)
		return r
	}
	add("plain", "leg-1", 0, false)
	e.texts["plain"] = true
	add("stopped", "leg-1", 10*time.Minute, false)
	add("nameless", "leg-2", 0, true)
	add("unlisted", "leg-3", 0, true)
	w.carrier("unlisted", func(k *kept) { k.listed = time.Now().Add(12 * time.Minute) })
	held := add("held", "leg-4", 0, false)
	e.holding[held.ID] = true
	unwanted := add("unwanted", "leg-5", 0, false)
	e.erasing[unwanted.ID] = true
	anonymous := add("anonymous", "leg-6", 0, true)
	e.erasing[anonymous.ID] = true
	w.record("missed", "leg-7", 0) // its event never comes
	e.rows, e.events = append(e.rows, protocol.ExpectedRecording(w.call, time.Now())), append(e.events, protocol.LegRecorded{})
	return e
}

// tell is the rest of the world, which says again what has not been acknowledged.
func (e *evening) tell() {
	w := e.w
	for i, r := range e.rows {
		w.deliver(r, e.events[i])
	}
	for id := range e.texts {
		if got, ok := within(w.transcript(id, w.call.Session, "we said "+string(id))); ok && got != protocol.ReceiptOverloaded {
			delete(e.texts, id)
		}
	}
	for id := range e.holding {
		if got, ok := within(w.hold(id, "case 17")); ok && got.err == nil {
			delete(e.holding, id)
		}
	}
	for id := range e.erasing {
		if got, ok := within(w.erase(id)); ok && got.err == nil {
			delete(e.erasing, id)
			if got.row.Status == protocol.RecordingReplaced { // who asks has to look again
				e.erasing["anonymous"] = true
			}
		}
	}
}

func within[T any](answers <-chan T) (T, bool) {
	select {
	case got := <-answers:
		return got, true
	case <-time.After(10 * time.Second):
		var none T
		return none, false
	}
}

// live runs the evening through all its deaths to its end.
func (e *evening) live(k *crasher) {
	w := e.w
	w.boot()
	for range 40 * 60 {
		e.tell()
		for range 6 {
			select {
			case <-k.due:
				synctest.Wait()
				w.crash()
				time.Sleep(time.Second)
				w.boot()
			case <-time.After(10 * time.Second):
			}
		}
		if len(k.due) == 0 && e.settled() {
			return
		}
	}
	for _, r := range e.all() {
		w.t.Logf("%s: %s (%s), summary %s (%s), %d tries", r.ID, r.Status, r.Why, r.Summary, r.SummaryWhy, r.Tries)
	}
	w.t.Fatal("it does not end")
}

func (e *evening) all() []protocol.Recording {
	rows, err := e.w.engine.Recordings(context.Background(), e.w.call.ID)
	if err != nil {
		e.w.t.Fatal(err)
	}
	return rows
}

func (e *evening) settled() bool {
	if len(e.texts)+len(e.erasing)+len(e.holding) > 0 {
		return false
	}
	rows := e.all()
	return len(rows) >= len(e.rows) && !slices.ContainsFunc(rows, func(r protocol.Recording) bool {
		return r.Status == protocol.RecordingPending || !r.NextTryAt.IsZero()
	})
}

// judge holds the end of an evening against what was promised.
func (e *evening) judge(mayLose bool) {
	w := e.w
	w.t.Helper()
	names := map[string]protocol.RecordingID{}
	audio := map[string]protocol.RecordingID{}
	for _, r := range e.all() {
		switch r.Status {
		case protocol.RecordingArchived:
			w.mu.Lock()
			bytes := w.objects[r.Object]
			w.mu.Unlock()
			w.whole(r, bytes)
			if other, twice := names[r.Object]; twice {
				w.t.Errorf("%s and %s share the name %s", r.ID, other, r.Object)
			}
			if other, twice := audio[bytes]; twice {
				w.t.Errorf("the audio of %s is archived as %s as well", r.ID, other)
			}
			names[r.Object], audio[bytes] = r.ID, r.ID
			if !r.CarrierGone && !mayLose {
				w.t.Errorf("the carrier still has a copy of %s", r.ID)
			}
		case protocol.RecordingErased:
			if r.Hold != "" {
				w.t.Errorf("%s is erased though it is held", r.ID)
			}
			if r.Why != "asked for" || r.Object != "" {
				w.t.Errorf("%s is erased, because of %q, with object %q", r.ID, r.Why, r.Object)
			}
			if w.text(r.ID, protocol.TextTranscript)+w.text(r.ID, protocol.TextSummary) != "" {
				w.t.Errorf("a text of %s is left", r.ID)
			}
		case protocol.RecordingLost:
			names[Name(r)] = r.ID // it may have come that far
			if !mayLose {
				w.t.Errorf("%s is lost: %s", r.ID, r.Why)
			}
			if r.Why == "" {
				w.t.Errorf("%s is lost without a reason", r.ID)
			}
		case protocol.RecordingReplaced:
		default:
			w.t.Errorf("%s is %s", r.ID, r.Status)
		}
		if r.Summary == protocol.SummaryWaiting {
			w.t.Errorf("%s waits for its summary", r.ID)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for name := range w.objects {
		if _, known := names[name]; !known {
			w.t.Errorf("the archive has %s, and no row knows", name)
		}
	}
	for id, k := range w.kept {
		gone := id == "unwanted" || id == "anonymous"
		_, there := audio[k.audio]
		switch {
		case gone && there:
			w.t.Errorf("%s was to be erased, and is in the archive", id)
		case gone && !k.deleted:
			w.t.Errorf("%s was to be erased, and is at the carrier", id)
		case !gone && !there && !mayLose:
			w.t.Errorf("%s is not in the archive", id)
		case !gone && !there && k.deleted:
			w.t.Errorf("%s is nowhere any more", id)
		}
	}
}
