package recording

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
)

// story runs in a bubble of its own.
func story(t *testing.T, name string, tell func(*testing.T, *world)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { tell(t, newWorld(t)) })
	})
}

// failing makes questions that begin like this fail, n times; for ever if n is
// negative.
func (w *world) failing(prefix string, n int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.meet = func(_ context.Context, name string, after bool) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		if after || n == 0 || !strings.HasPrefix(name, prefix) {
			return nil
		}
		n--
		return err
	}
}

func (w *world) well() { w.failing("", 0, nil) }

// slow makes questions that begin like this take a minute.
func (w *world) slow(prefix string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.meet = func(ctx context.Context, name string, after bool) error {
		if after || !strings.HasPrefix(name, prefix) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Minute):
			return nil
		}
	}
}

func (w *world) expect(questions map[string]int) {
	w.t.Helper()
	for prefix, want := range questions {
		if n := w.count(prefix); n != want {
			w.t.Errorf("%d questions %q, want %d", n, prefix, want)
		}
	}
}

func TestArchiveOutage(t *testing.T) {
	story(t, "one tries for all", func(t *testing.T, w *world) {
		w.boot()
		w.failing("stat", -1, errors.New("no route to host"))
		for i := range 40 {
			ev := w.record(fmt.Sprintf("r%02d", i), fmt.Sprint("leg-", i), 0)
			w.deliver(w.row(ev), ev)
		}
		time.Sleep(2 * time.Hour)
		w.expect(map[string]int{"download": 0, "put": 0})
		if n := w.count("stat"); n < 2*60*5 || n > 2*60*6+10 {
			t.Errorf("the archive was tried %d times in two hours", n)
		}
		w.well()
		time.Sleep(time.Minute)
		if w.told().archived != 40 {
			t.Errorf("%d of 40 archived a minute after it works again", w.told().archived)
		}
	})
	story(t, "it shows what it has, and takes nothing", func(t *testing.T, w *world) {
		w.boot()
		w.failing("put", -1, &protocol.RecordingError{Trouble: protocol.TroubleRefused, Detail: "disk full"})
		for i := range 40 {
			ev := w.record(fmt.Sprintf("r%02d", i), fmt.Sprint("leg-", i), 0)
			w.deliver(w.row(ev), ev)
		}
		time.Sleep(time.Hour)
		if n := w.count("download"); n < 60*5 || n > 60*6+10 {
			t.Errorf("%d downloads in an hour for nothing", n)
		}
		w.well()
		time.Sleep(time.Minute)
		if w.told().archived != 40 {
			t.Errorf("%d of 40 archived a minute after it works again", w.told().archived)
		}
	})
	story(t, "erasing goes on", func(t *testing.T, w *world) {
		w.boot()
		ev := w.record("r1", "leg-1", 0)
		w.deliver(w.row(ev), ev)
		w.until("r1", time.Minute, is(protocol.RecordingArchived))
		w.failing("put", -1, errors.New("disk full"))
		for i := range 8 {
			ev := w.record(fmt.Sprintf("x%02d", i), fmt.Sprint("leg-x", i), 0)
			w.deliver(w.row(ev), ev)
		}
		time.Sleep(time.Minute)
		<-w.erase("r1")
		w.until("r1", time.Minute, is(protocol.RecordingErased))
	})
	story(t, "what is behind a backlog is found all the same", func(t *testing.T, w *world) {
		var rows []protocol.Recording
		for i := range 3 * portion {
			r := w.row(w.record(fmt.Sprintf("r%04d", i), fmt.Sprint("leg-", i), 0))
			r.NextTryAt = r.NextTryAt.Add(-time.Hour)
			rows = append(rows, r)
		}
		last := w.row(w.record("x", "leg-x", 0))
		last.Status, last.Why = protocol.RecordingErasing, "asked for"
		w.write(journal.Change{Recordings: append(rows, last)})
		w.failing("stat", -1, errors.New("down"))
		w.boot()
		w.until("x", 2*time.Minute, is(protocol.RecordingErased))
	})
	story(t, "what is called off is no outage", func(t *testing.T, w *world) {
		w.boot()
		w.slow("put")
		for i := range brakeAfter + 1 {
			ev := w.record(fmt.Sprint("r", i), fmt.Sprint("leg-", i), 0)
			w.deliver(w.row(ev), ev)
		}
		time.Sleep(10 * time.Second)
		for i := range brakeAfter + 1 {
			<-w.erase(protocol.RecordingID(fmt.Sprint("r", i)))
		}
		time.Sleep(5 * time.Second)
		w.well()
		ev := w.record("x", "leg-x", 0)
		w.deliver(w.row(ev), ev)
		w.until("x", time.Second, is(protocol.RecordingArchived))
	})
	story(t, "a carrier that wants to be left alone", func(t *testing.T, w *world) {
		w.config.Parallel = 2
		w.boot()
		enough := trouble(protocol.TroubleLater, 429)
		enough.After = 10 * time.Minute
		w.failing("ask", 1, enough)
		for i := range 30 {
			ev := w.record(fmt.Sprintf("r%02d", i), fmt.Sprint("leg-", i), 0)
			ev.Link = ""
			w.deliver(w.row(ev), ev)
		}
		time.Sleep(9 * time.Minute)
		if n := w.count("ask"); n < 1 || n > 2 {
			t.Errorf("%d questions to a carrier that has said enough", n)
		}
		time.Sleep(3 * time.Minute)
		if w.told().archived != 30 {
			t.Errorf("%d archived", w.told().archived)
		}
	})
}

func TestPlaces(t *testing.T) {
	story(t, "not too many at once, fresh links first, and each fourth the oldest", func(t *testing.T, w *world) {
		w.config.Parallel = 1
		for i := range 20 {
			ev := w.record(fmt.Sprintf("old%02d", i), fmt.Sprint("leg-o", i), 0)
			w.deliver(w.row(ev), ev)
		}
		var order []string
		busy, most := 0, 0
		w.meet = func(_ context.Context, name string, after bool) error {
			id, download := strings.CutPrefix(name, "download ")
			if !download || after {
				return nil
			}
			w.mu.Lock()
			order = append(order, id[:3])
			busy++
			most = max(most, busy)
			w.mu.Unlock()
			time.Sleep(10 * time.Second)
			w.mu.Lock()
			busy--
			w.mu.Unlock()
			return nil
		}
		w.boot()
		time.Sleep(5 * time.Second) // the first one is on its way
		for i := range 20 {
			ev := w.record(fmt.Sprintf("new%02d", i), fmt.Sprint("leg-n", i), 0)
			w.deliver(w.row(ev), ev)
		}
		time.Sleep(time.Hour)
		if most != 1 || w.told().archived != 40 {
			t.Errorf("%d at once, %d archived", most, w.told().archived)
		}
		old := 0
		for _, what := range order[1:21] {
			if what == "old" {
				old++
			}
		}
		if old != 5 || slices.Contains(order[30:], "new") {
			t.Errorf("in the order %v", order)
		}
		w.expect(map[string]int{"ask new": 0, "ask old": 20})
	})
	story(t, "no faster than the bandwidth", func(t *testing.T, w *world) {
		w.config.Bandwidth = 1000
		w.boot()
		for i := range 10 {
			ev := w.record(fmt.Sprintf("r%02d", i), fmt.Sprint("leg-", i), 0)
			w.carrier(ev.Recording, func(k *kept) { k.audio = "ID3" + strings.Repeat(".", 59_997) })
			w.deliver(w.row(ev), ev)
		}
		time.Sleep(590 * time.Second)
		if w.told().archived == 10 {
			t.Error("600,000 bytes at 1000 a second in less than ten minutes")
		}
		time.Sleep(20 * time.Second)
		if w.told().archived != 10 {
			t.Errorf("%d of 10 archived", w.told().archived)
		}
	})
	story(t, "what is counted", func(t *testing.T, w *world) {
		w.boot()
		w.failing("stat", -1, errors.New("down"))
		time.Sleep(time.Minute)
		ev := w.record("r1", "leg-1", 0)
		w.deliver(w.row(ev), ev)
		time.Sleep(lookEvery)
		if w.told().pending != 1 || !w.told().oldest.Equal(ev.At) {
			t.Errorf("%d pending since %s", w.told().pending, w.told().oldest)
		}
	})
	story(t, "another partition's are left alone", func(t *testing.T, w *world) {
		ev := w.record("r1", "leg-1", 0)
		r := w.row(ev)
		r.Partition = 1
		w.write(journal.Change{Recordings: []protocol.Recording{r}})
		w.boot()
		time.Sleep(time.Hour)
		w.expect(map[string]int{"download": 0, "ask": 0})
	})
}

// What the carrier could not keep is lost before the queue hears of it, and
// counted here all the same.
func TestLostBeforeItCame(t *testing.T) {
	story(t, "once", func(t *testing.T, w *world) {
		w.boot()
		time.Sleep(2 * startWait) // virtual: it is open
		w.send(protocol.FetchRecording{Row: protocol.Recording{ID: "call:x", Status: protocol.RecordingLost, Why: "no room"}})
		synctest.Wait()
		if told := w.told(); told.lost != 1 || told.archived != 0 {
			t.Errorf("told %+v", told)
		}
		if n := len(w.asked); n > 0 {
			t.Errorf("the carrier was asked %v", w.asked)
		}
	})
}
