package recording

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
)

// archivedOne is a world with one recording in the archive.
func (w *world) archivedOne() protocol.Recording {
	w.t.Helper()
	ev := w.record("r1", "leg-1", 0)
	w.deliver(w.row(ev), ev)
	return w.until("r1", time.Minute, is(protocol.RecordingArchived))
}

func code(err error) string {
	var e *protocol.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestHoldAndErase(t *testing.T) {
	story(t, "what is held is not erased", func(t *testing.T, w *world) {
		w.boot()
		w.archivedOne()
		if got := <-w.hold("r1", "case 17"); got.err != nil || got.row.Hold != "case 17" || w.find("r1").Hold != "case 17" {
			t.Fatalf("%+v", got)
		}
		got := <-w.erase("r1")
		if protocol.KindOf(got.err) != protocol.Conflict || code(got.err) != "recording_held" || !strings.Contains(got.err.Error(), "case 17") {
			t.Fatalf("%+v", got)
		}
		if got := <-w.hold("r1", ""); got.err != nil || got.row.Hold != "" {
			t.Fatalf("%+v", got)
		}
		if got := <-w.erase("r1"); got.err != nil || got.row.Status != protocol.RecordingErasing {
			t.Fatalf("%+v", got)
		}
		if got := <-w.hold("r1", "too late"); protocol.KindOf(got.err) != protocol.Conflict {
			t.Fatalf("%+v", got)
		}
		r := w.until("r1", time.Minute, is(protocol.RecordingErased))
		if r.Object != "" || r.SHA256 == "" || r.Bytes == 0 || r.Why != "asked for" || r.ErasedAt.IsZero() || !r.NextTryAt.IsZero() {
			t.Errorf("%+v", r)
		}
		if w.stored() != 0 || !w.carrier("r1", nil).deleted {
			t.Error("something of it is left")
		}
		if got := <-w.erase("r1"); got.err != nil || got.row.Status != protocol.RecordingErased {
			t.Errorf("again: %+v", got)
		}
	})
	story(t, "nothing is answered before it is on disk", func(t *testing.T, w *world) {
		w.boot()
		w.archivedOne()
		release := w.engine.Hold()
		held, erased := w.hold("r1", "case 17"), w.erase("r1")
		time.Sleep(time.Minute)
		if len(held)+len(erased) > 0 {
			t.Error("answered before the disk")
		}
		release()
		if got := <-held; got.err != nil {
			t.Error(got.err)
		}
		if got := <-erased; code(got.err) != "recording_held" {
			t.Error(got.err)
		}
	})
	story(t, "there is none by this id", func(t *testing.T, w *world) {
		w.boot()
		for _, got := range []answer{<-w.hold("r9", "x"), <-w.erase("r9")} {
			if protocol.KindOf(got.err) != protocol.NotFound || code(got.err) != "recording_not_found" {
				t.Error(got.err)
			}
		}
	})
	story(t, "erased while it is fetched", func(t *testing.T, w *world) {
		w.boot()
		var stopped bool
		w.meet = func(ctx context.Context, name string, after bool) error {
			if !after && strings.HasPrefix(name, "download") {
				<-ctx.Done()
				w.mu.Lock()
				stopped = true
				w.mu.Unlock()
				return ctx.Err()
			}
			return nil
		}
		ev := w.record("r1", "leg-1", 0)
		w.deliver(w.row(ev), ev)
		time.Sleep(time.Minute)
		if got := <-w.erase("r1"); got.err != nil || got.row.Status != protocol.RecordingErasing {
			t.Fatalf("%+v", got)
		}
		w.until("r1", 5*time.Second, is(protocol.RecordingErased))
		if w.mu.Lock(); !stopped {
			t.Error("the download goes on")
		}
		w.mu.Unlock()
		if n := len(w.told().failed); n != 0 {
			t.Errorf("told of a try that failed: %v", w.told().failed)
		}
	})
	story(t, "erased when the archive has just got it", func(t *testing.T, w *world) {
		w.boot()
		var erased <-chan answer
		w.meet = func(ctx context.Context, name string, after bool) error {
			if after && strings.HasPrefix(name, "put") {
				erased = w.erase("r1")
				time.Sleep(time.Second)
			}
			return nil
		}
		ev := w.record("r1", "leg-1", 0)
		w.deliver(w.row(ev), ev)
		w.until("r1", time.Minute, is(protocol.RecordingErased))
		if got := <-erased; got.err != nil {
			t.Error(got.err)
		}
		if w.stored() != 0 || w.told().archived != 0 {
			t.Errorf("%d in the archive, %d told of", w.stored(), w.told().archived)
		}
	})
	story(t, "neither the archive's trouble nor the carrier's keeps the other copy", func(t *testing.T, w *world) {
		w.boot()
		w.archivedOne()
		w.failing("remove", -1, errors.New("read-only file system"))
		<-w.erase("r1")
		time.Sleep(time.Hour)
		r := w.find("r1")
		if r.Status != protocol.RecordingErasing || !w.carrier("r1", nil).deleted || !strings.HasPrefix(r.Why, "asked for; not done yet: ") || !strings.Contains(r.Why, "read-only") {
			t.Errorf("%+v", r)
		}
		w.expect(map[string]int{"delete": 1})
		w.well()
		if r := w.until("r1", 20*time.Minute, is(protocol.RecordingErased)); r.Why != "asked for" {
			t.Errorf("%+v", r)
		}
	})
	story(t, "a lost one is erased at the carrier", func(t *testing.T, w *world) {
		w.boot()
		ev := w.record("r1", "leg-1", 0)
		r := w.row(ev)
		r.Status, r.NextTryAt = protocol.RecordingLost, time.Time{}
		w.write(journal.Change{Recordings: []protocol.Recording{r}})
		<-w.erase("r1")
		w.until("r1", time.Minute, is(protocol.RecordingErased))
		if !w.carrier("r1", nil).deleted {
			t.Error("the carrier still has it")
		}
	})
}

func TestRetention(t *testing.T) {
	story(t, "old ones go, held ones stay", func(t *testing.T, w *world) {
		w.config.Retention = 12 * time.Hour
		w.boot()
		for i := range 250 {
			ev := w.record(fmt.Sprintf("r%03d", i), fmt.Sprint("leg-", i), 0)
			w.deliver(w.row(ev), ev)
		}
		for i := range 250 {
			w.until(protocol.RecordingID(fmt.Sprintf("r%03d", i)), time.Hour, is(protocol.RecordingArchived))
		}
		if got := <-w.hold("r007", "case 17"); got.err != nil {
			t.Fatal(got.err)
		}
		time.Sleep(11 * time.Hour)
		if w.stored() != 250 {
			t.Fatalf("%d left before the time is over", w.stored())
		}
		time.Sleep(90 * time.Minute)
		if w.stored() != 1 || w.find("r007").Status != protocol.RecordingArchived {
			t.Errorf("%d left; the one that is held is %s", w.stored(), w.find("r007").Status)
		}
		if r := w.find("r008"); r.Why != "retention" {
			t.Errorf("%q", r.Why)
		}
	})
	story(t, "one that is held meanwhile stays", func(t *testing.T, w *world) {
		w.boot()
		w.archivedOne()
		// The sweep has read it as free by the time the hold is on disk.
		held, swept := w.hold("r1", "case 17"), w.erase("r1")
		if got := <-held; got.err != nil {
			t.Error(got.err)
		}
		if got := <-swept; code(got.err) != "recording_held" {
			t.Error(got.err)
		}
	})
	story(t, "for ever", func(t *testing.T, w *world) {
		w.boot()
		w.archivedOne()
		time.Sleep(5 * 24 * time.Hour)
		w.expect(map[string]int{"remove": 0, "delete": 0})
	})
}

func TestDeleteAtCarrier(t *testing.T) {
	story(t, "after the archived row is on disk", func(t *testing.T, w *world) {
		w.config.DeleteAtCarrier = true
		w.boot()
		ev := w.record("r1", "leg-1", 0)
		w.deliver(w.row(ev), ev)
		r := w.until("r1", time.Minute, func(r protocol.Recording) bool { return r.CarrierGone })
		if r.Status != protocol.RecordingArchived || !w.carrier("r1", nil).deleted {
			t.Errorf("%+v", r)
		}
	})
	story(t, "the carrier refuses", func(t *testing.T, w *world) {
		w.config.DeleteAtCarrier = true
		w.boot()
		w.failing("delete", -1, trouble(protocol.TroubleRefused, 403))
		w.archivedOne()
		time.Sleep(48 * time.Hour)
		if n := w.count("delete"); n < 9 || n > 40 {
			t.Errorf("asked %d times in two days", n)
		}
		w.well()
		w.until("r1", 7*time.Hour, func(r protocol.Recording) bool { return r.CarrierGone && r.Why == "" })
	})
	story(t, "switched off since", func(t *testing.T, w *world) {
		w.config.DeleteAtCarrier = true
		w.boot()
		w.failing("delete", -1, trouble(protocol.TroubleRefused, 403))
		w.archivedOne()
		w.crash()
		w.config.DeleteAtCarrier = false
		w.boot()
		w.until("r1", 2*time.Minute, func(r protocol.Recording) bool { return r.NextTryAt.IsZero() })
	})
}
