package recording

import (
	"context"
	"strings"
	"testing"
	"time"

	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
)

func TestStandIns(t *testing.T) {
	anonymous := func(ev protocol.LegRecorded) protocol.LegRecorded {
		ev.Recording = ""
		return ev
	}
	story(t, "an event without an id, which the carrier lists", func(t *testing.T, w *world) {
		w.boot()
		time.Sleep(2 * time.Second) // the store has just been looked through
		w.record("r1", "leg-1", 0)
		w.record("r3", "leg-1", 3*time.Second)
		ev := anonymous(w.record("r2", "leg-1", time.Hour/2))
		row := w.row(ev)
		w.deliver(row, ev)
		w.until(row.ID, 2*time.Second, is(protocol.RecordingReplaced))
		r := w.until("r2", 2*time.Second, is(protocol.RecordingArchived))
		w.whole(r, w.carrier("r2", nil).audio)
		if r.Call != w.call.ID || r.Booking != w.call.Booking || r.Caller != w.call.Caller || !r.NoticedAt.Equal(row.NoticedAt) {
			t.Errorf("it has inherited %+v", r)
		}
		if w.stored() != 1 {
			t.Errorf("in the archive: %d", w.stored())
		}
	})
	story(t, "the carrier does not list it, but the link works", func(t *testing.T, w *world) {
		w.boot()
		ev := anonymous(w.record("r1", "leg-1", 0))
		w.carrier("r1", func(k *kept) { k.listed = time.Now().Add(time.Hour) })
		row := w.row(ev)
		w.deliver(row, ev)
		w.whole(w.until(row.ID, time.Minute, is(protocol.RecordingArchived)), w.carrier("r1", nil).audio)
	})
	story(t, "the carrier does not answer, but the link works", func(t *testing.T, w *world) {
		w.boot()
		w.failing("find", -1, trouble(protocol.TroubleLater, 500))
		ev := anonymous(w.record("r1", "leg-1", 0))
		row := w.row(ev)
		w.deliver(row, ev)
		w.until(row.ID, time.Minute, is(protocol.RecordingArchived))
	})
	story(t, "its own event comes as well", func(t *testing.T, w *world) {
		w.boot()
		ev := w.record("r1", "leg-1", 0)
		row := w.row(anonymous(ev))
		w.deliver(w.row(ev), ev)
		w.until("r1", time.Minute, is(protocol.RecordingArchived))
		w.deliver(row, anonymous(ev))
		w.until(row.ID, time.Minute, is(protocol.RecordingReplaced))
		if w.stored() != 1 {
			t.Errorf("in the archive: %d", w.stored())
		}
	})
	story(t, "a call of which no event came", func(t *testing.T, w *world) {
		w.boot()
		w.record("r1", "leg-1", 0)
		w.record("r2", "leg-1", time.Minute)
		for _, id := range []protocol.RecordingID{"r1", "r2"} {
			w.carrier(id, func(k *kept) { k.listed = time.Now().Add(3 * time.Hour) })
		}
		row := protocol.ExpectedRecording(w.call, time.Now())
		row.Summary = protocol.SummaryWaiting
		w.write(journal.Change{Recordings: []protocol.Recording{row}})
		w.send(protocol.FetchRecording{Row: row})
		w.until(row.ID, 5*time.Hour, is(protocol.RecordingReplaced))
		for _, id := range []protocol.RecordingID{"r1", "r2"} {
			r := w.until(id, time.Minute, is(protocol.RecordingArchived))
			w.whole(r, w.carrier(id, nil).audio)
			if r.Summary != protocol.SummaryFailed || !strings.Contains(r.SummaryWhy, "switched off") {
				t.Errorf("summary %s: %s", r.Summary, r.SummaryWhy)
			}
		}
		if n := w.count("find"); n > 15 {
			t.Errorf("%d searches in three hours", n)
		}
	})
	story(t, "a call without any recording", func(t *testing.T, w *world) {
		w.boot()
		row := protocol.ExpectedRecording(w.call, time.Now())
		w.write(journal.Change{Recordings: []protocol.Recording{row}})
		w.send(protocol.FetchRecording{Row: row})
		time.Sleep(lookFor - time.Minute)
		if r := w.find(row.ID); r.Status != protocol.RecordingPending {
			t.Fatalf("%s after less than a day", r.Status)
		}
		r := w.until(row.ID, 2*time.Hour, is(protocol.RecordingLost))
		if r.Why != "the carrier has no recording of this call" || w.told().lost != 1 {
			t.Errorf("%q, %d lost", r.Why, w.told().lost)
		}
	})
	story(t, "what was promised of it goes for what it stands for", func(t *testing.T, w *world) {
		w.boot()
		one := w.record("r1", "leg-1", 0)
		w.record("r2", "leg-1", time.Minute)
		w.deliver(w.row(one), one)
		w.until("r1", time.Minute, is(protocol.RecordingArchived))
		row := protocol.ExpectedRecording(w.call, time.Now())
		row.Hold = "a dispute"
		w.write(journal.Change{Recordings: []protocol.Recording{row}})
		w.send(protocol.FetchRecording{Row: row})
		w.until(row.ID, time.Hour, is(protocol.RecordingReplaced))
		for _, id := range []protocol.RecordingID{"r1", "r2"} {
			if r := w.until(id, time.Minute, is(protocol.RecordingArchived)); r.Hold != "a dispute" {
				t.Errorf("%s is held %q", id, r.Hold)
			}
		}
	})
	story(t, "held while the carrier is asked", func(t *testing.T, w *world) {
		w.boot()
		w.slow("find")
		ev := anonymous(w.record("r1", "leg-1", 0))
		row := w.row(ev)
		w.deliver(row, ev)
		time.Sleep(30 * time.Second)
		if got := <-w.hold(row.ID, "case 17"); got.err != nil {
			t.Error(got.err)
		}
		w.until(row.ID, 5*time.Minute, is(protocol.RecordingReplaced))
		if r := w.find("r1"); r.Hold != "case 17" {
			t.Errorf("held %q", r.Hold)
		}
	})
	story(t, "held when what it stands for has just been found to have a row", func(t *testing.T, w *world) {
		w.boot()
		ev := w.record("r1", "leg-1", 0)
		w.deliver(w.row(ev), ev)
		w.until("r1", time.Minute, is(protocol.RecordingArchived))
		w.slow("remove")
		row := w.row(anonymous(ev))
		w.deliver(row, anonymous(ev))
		time.Sleep(30 * time.Second)
		if got := <-w.hold(row.ID, "case 17"); got.err != nil {
			t.Fatal(got.err)
		}
		w.until(row.ID, 5*time.Minute, is(protocol.RecordingReplaced))
		if r := w.find("r1"); r.Hold != "case 17" {
			t.Errorf("held %q", r.Hold)
		}
	})
	story(t, "erased though what it stands for has a row", func(t *testing.T, w *world) {
		w.boot()
		ev := w.record("r1", "leg-1", 0)
		w.deliver(w.row(ev), ev)
		w.until("r1", time.Minute, is(protocol.RecordingArchived))
		row := w.row(anonymous(ev))
		w.write(journal.Change{Recordings: []protocol.Recording{row}})
		if got := <-w.erase(row.ID); got.err != nil {
			t.Fatal(got.err)
		}
		w.until(row.ID, time.Minute, is(protocol.RecordingReplaced))
		if r := w.until("r1", time.Minute, is(protocol.RecordingErased)); r.Why != "asked for" {
			t.Errorf("%+v", r)
		}
	})
	story(t, "a call and a nameless recording of it", func(t *testing.T, w *world) {
		w.boot()
		w.failing("find leg-1", -1, trouble(protocol.TroubleLater, 500))
		ev := anonymous(w.record("r1", "leg-1", 0))
		row, call := w.row(ev), protocol.ExpectedRecording(w.call, time.Now())
		w.deliver(row, protocol.LegRecorded{}) // without a link
		w.deliver(call, protocol.LegRecorded{})
		w.until(call.ID, time.Minute, is(protocol.RecordingReplaced))
		if r := w.find(row.ID); r.Status != protocol.RecordingPending {
			t.Fatalf("%+v", r)
		}
		if _, err := w.engine.Recording(context.Background(), "r1"); err == nil {
			t.Error("it has two rows")
		}
		w.well()
		w.until(row.ID, time.Hour, is(protocol.RecordingReplaced))
		w.until("r1", time.Minute, is(protocol.RecordingArchived))
	})
	story(t, "a call whose recording is in the archive by the name of its leg", func(t *testing.T, w *world) {
		w.boot()
		ev := anonymous(w.record("r1", "leg-1", 0))
		w.carrier("r1", func(k *kept) { k.listed = time.Now().Add(time.Minute) })
		row := w.row(ev)
		w.deliver(row, ev)
		w.until(row.ID, 30*time.Second, is(protocol.RecordingArchived))
		time.Sleep(time.Minute)
		call := protocol.ExpectedRecording(w.call, time.Now())
		w.deliver(call, protocol.LegRecorded{})
		w.until(call.ID, time.Minute, is(protocol.RecordingReplaced))
		time.Sleep(time.Minute)
		if n := w.stored(); n != 1 {
			t.Errorf("in the archive: %d", n)
		}
	})
	story(t, "erased while it stands for others", func(t *testing.T, w *world) {
		w.boot()
		ev := anonymous(w.record("r1", "leg-1", 0))
		w.carrier("r1", func(k *kept) { k.listed = time.Now().Add(time.Hour) })
		ev.Link = ""
		row := w.row(ev)
		w.deliver(row, ev)
		time.Sleep(time.Minute)
		if got := <-w.erase(row.ID); got.err != nil || got.row.Status != protocol.RecordingErasing {
			t.Fatalf("%+v", got)
		}
		w.until(row.ID, 2*time.Hour, is(protocol.RecordingReplaced))
		if r := w.until("r1", time.Minute, is(protocol.RecordingErased)); r.Why != "asked for" || !w.carrier("r1", nil).deleted {
			t.Errorf("%+v", r)
		}
		w.expect(map[string]int{"download": 0})
	})
}
