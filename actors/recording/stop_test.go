package recording

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
)

func TestStop(t *testing.T) {
	story(t, "everybody is answered", func(t *testing.T, w *world) {
		w.boot()
		w.archivedOne()
		release := w.engine.Hold() // the disk does not answer any more
		defer release()
		var all []<-chan answer
		for range 20 {
			all = append(all, w.hold("r1", "case 17"), w.erase("r1"), w.erase("r2"))
		}
		_ = w.system.Root.StopFuture(w.desk).Wait()
		for _, answers := range all {
			select {
			case got := <-answers:
				if got.err == nil {
					t.Error("told that it is done")
				}
			case <-time.After(time.Second):
				t.Error("not answered")
			}
		}
	})
	story(t, "before it has begun", func(t *testing.T, w *world) {
		w.boot()
		answers := w.erase("r1")
		synctest.Wait()
		_ = w.system.Root.StopFuture(w.desk).Wait()
		if got := <-answers; protocol.KindOf(got.err) != protocol.Unavailable {
			t.Error(got.err)
		}
	})
	story(t, "an actor dies", func(t *testing.T, w *world) {
		w.boot()
		w.archivedOne()
		answers := make(chan error, 1)
		w.send(&asked{id: "r1", done: func(_ protocol.Recording, err error) { answers <- err }, step: func(protocol.Recording, time.Time) (Decision, error) { panic("a fault") }})
		if err := <-answers; code(err) != "recording_recovering" {
			t.Error(err)
		}
		if got := <-w.hold("r1", "case 17"); got.err != nil {
			t.Error(got.err)
		}
	})
	story(t, "an actor dies after a try", func(t *testing.T, w *world) {
		w.bootWith(func(c *Config) { c.Observer = &fragile{Observer: c.Observer} })
		time.Sleep(2 * time.Second) // the store has just been looked through
		w.failing("download", 1, trouble(protocol.TroubleLater, 500))
		ev := w.record("r1", "leg-1", 0)
		w.deliver(w.row(ev), ev)
		w.until("r1", rebuildWait+3*time.Second, is(protocol.RecordingArchived))
	})
	story(t, "the journal has no room for a while", func(t *testing.T, w *world) {
		w.boot()
		n := 0
		w.refuse = func() error {
			if n++; n <= 20 {
				return journal.ErrBusy
			}
			return nil
		}
		ev := w.record("r1", "leg-1", 0)
		w.deliver(w.row(ev), ev)
		w.until("r1", time.Minute, is(protocol.RecordingArchived))
		w.expect(map[string]int{"download": 1})
		w.mu.Lock()
		n = 0
		w.mu.Unlock()
		if got := <-w.hold("r1", "case 17"); protocol.KindOf(got.err) != protocol.Unavailable {
			t.Error(got.err)
		}
	})
	story(t, "a row is refused", func(t *testing.T, w *world) {
		w.boot()
		n := 0
		w.refuse = func() error {
			if n++; n == 1 {
				return journal.ErrHalted
			}
			return nil
		}
		ev := w.record("r1", "leg-1", 0)
		w.deliver(w.row(ev), ev)
		w.until("r1", time.Minute, is(protocol.RecordingArchived))
		w.expect(map[string]int{"download": 2})
		if w.stored() != 1 || w.told().archived != 1 {
			t.Errorf("%d in the archive, told of %d", w.stored(), w.told().archived)
		}
	})
	story(t, "nothing is done while the journal has halted", func(t *testing.T, w *world) {
		w.boot()
		ev := w.record("r1", "leg-1", 0)
		w.meet = func(_ context.Context, name string, after bool) error {
			if strings.HasPrefix(name, "put") && !after && w.count("put") == 1 {
				w.engine.Fail(errors.New("disk"))
			}
			return nil
		}
		w.deliver(w.row(ev), ev)
		time.Sleep(time.Minute)
		w.expect(map[string]int{"download": 1})
		if got := <-w.erase("r1"); protocol.KindOf(got.err) != protocol.Unavailable {
			t.Errorf("%+v", got)
		}
		if err := w.group.Resume(); err != nil {
			t.Fatal(err)
		}
		w.until("r1", time.Minute, is(protocol.RecordingArchived))
		w.expect(map[string]int{"download": 2})
	})
}

// fragile is an observer with a fault.
type fragile struct{ Observer }

func (f *fragile) TryFailed(protocol.RecordingTrouble) { panic("a fault") }
