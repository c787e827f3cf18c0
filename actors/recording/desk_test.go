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

	"github.com/google/uuid"

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

func (w *world) expect(questions map[string]int) {
	w.t.Helper()
	for prefix, want := range questions {
		if n := w.count(prefix); n != want {
			w.t.Errorf("%d questions %q, want %d", n, prefix, want)
		}
	}
}

func TestFetch(t *testing.T) {
	story(t, "with the link of its event", func(t *testing.T, w *world) {
		w.boot()
		ev := w.record("r1", "leg-1", 0)
		w.deliver(w.row(ev), ev)
		r := w.until("r1", time.Minute, is(protocol.RecordingArchived))
		w.whole(r, w.carrier("r1", nil).audio)
		time.Sleep(time.Hour)
		w.expect(map[string]int{"ask": 0, "download": 1, "put": 1, "delete": 0})
		if w.told().archived != 1 || r.Object != Name(w.row(ev)) || !r.NextTryAt.IsZero() || r.Why != "" {
			t.Errorf("%d told of; %+v", w.told().archived, r)
		}
	})
	story(t, "after a restart, with a new link", func(t *testing.T, w *world) {
		ev := w.record("r1", "leg-1", 0)
		w.deliver(w.row(ev), ev)
		w.boot()
		w.whole(w.until("r1", time.Minute, is(protocol.RecordingArchived)), w.carrier("r1", nil).audio)
		w.expect(map[string]int{"ask": 1, "download": 1})
	})
	story(t, "with a link that is old", func(t *testing.T, w *world) {
		w.boot()
		ev := w.record("r1", "leg-1", 0)
		ev.At = ev.At.Add(-linkAge)
		w.deliver(w.row(ev), ev)
		w.until("r1", time.Minute, is(protocol.RecordingArchived))
		w.expect(map[string]int{"ask": 1, "download": 1})
	})
	story(t, "the link is refused, and another asked for at once", func(t *testing.T, w *world) {
		w.boot()
		ev := w.record("r1", "leg-1", 0)
		w.failing("download", 1, trouble(protocol.TroubleLink, 403))
		w.deliver(w.row(ev), ev)
		if r := w.until("r1", 3*time.Second, is(protocol.RecordingArchived)); r.Tries != 0 {
			t.Errorf("%d tries", r.Tries)
		}
		w.expect(map[string]int{"ask": 1, "download": 2})
	})
	story(t, "the first link works again in the next try", func(t *testing.T, w *world) {
		w.boot()
		ev := w.record("r1", "leg-1", 0)
		w.failing("download", 2, trouble(protocol.TroubleLater, 500))
		w.deliver(w.row(ev), ev)
		w.until("r1", time.Minute, is(protocol.RecordingArchived))
		w.expect(map[string]int{"ask": 0, "download": 3})
		if w.told().failed[protocol.TroubleLater] != 2 {
			t.Errorf("told of %v", w.told().failed)
		}
	})
	story(t, "the carrier does not have it, twice an hour apart", func(t *testing.T, w *world) {
		w.boot()
		ev := w.record("r1", "leg-1", 0)
		w.carrier("r1", func(k *kept) { k.deleted = true })
		w.deliver(w.row(ev), ev)
		time.Sleep(50 * time.Minute)
		if r := w.find("r1"); r.Status != protocol.RecordingPending || r.Why != whyGone {
			t.Errorf("before the hour is over: %s (%s)", r.Status, r.Why)
		}
		r := w.until("r1", 15*time.Minute, is(protocol.RecordingLost))
		if !strings.Contains(r.Why, "twice") || w.told().lost != 1 || w.told().failed[protocol.TroubleGone] != 2 {
			t.Errorf("%q, %d lost, %v", r.Why, w.told().lost, w.told().failed)
		}
	})
	story(t, "the carrier does not have it yet", func(t *testing.T, w *world) {
		w.boot()
		ev := w.record("r1", "leg-1", 0)
		w.carrier("r1", func(k *kept) { k.listed = time.Now().Add(30 * time.Minute) })
		ev.Link = ""
		w.deliver(w.row(ev), ev)
		w.until("r1", 2*time.Hour, is(protocol.RecordingArchived))
	})
	story(t, "never within three days", func(t *testing.T, w *world) {
		w.boot()
		ev := w.record("r1", "leg-1", 0)
		w.failing("download", -1, trouble(protocol.TroubleBroken, 200))
		w.deliver(w.row(ev), ev)
		time.Sleep(tryFor)
		if r := w.find("r1"); r.Status != protocol.RecordingPending {
			t.Fatalf("%s before the time is over: %s", r.Status, r.Why)
		}
		r := w.until("r1", time.Hour, is(protocol.RecordingLost))
		if !strings.Contains(r.Why, "72 hours") || !strings.Contains(r.Why, "broken") || w.told().lost != 1 {
			t.Errorf("%q, %d lost", r.Why, w.told().lost)
		}
		tries := w.told().failed[protocol.TroubleBroken]
		if tries < 72*60/13 || tries > 72*60/7 {
			t.Errorf("%d tries in three days", tries)
		}
		w.expect(map[string]int{"put": 0, "remove": 0})
	})
	story(t, "the carrier wants us to wait", func(t *testing.T, w *world) {
		w.boot()
		later := trouble(protocol.TroubleLater, 503)
		later.After = 40 * time.Minute
		w.failing("download", 1, later)
		ev := w.record("r1", "leg-1", 0)
		w.deliver(w.row(ev), ev)
		time.Sleep(39 * time.Minute)
		w.expect(map[string]int{"download": 1})
		w.until("r1", 3*time.Minute, is(protocol.RecordingArchived))
	})
	story(t, "an old recording gets its tries even if its time is over", func(t *testing.T, w *world) {
		w.boot()
		ev := w.record("r1", "leg-1", 0)
		r := w.row(ev)
		r.NoticedAt = r.NoticedAt.Add(-2 * tryFor)
		w.failing("download", 3, trouble(protocol.TroubleLater, 500))
		w.deliver(r, ev)
		w.until("r1", time.Hour, is(protocol.RecordingArchived))
	})
}

func TestStandIns(t *testing.T) {
	anonymous := func(ev protocol.LegRecorded) protocol.LegRecorded {
		ev.Recording = ""
		return ev
	}
	story(t, "an event without an id, which the carrier lists", func(t *testing.T, w *world) {
		w.boot()
		w.record("r1", "leg-1", 0)
		w.record("r3", "leg-1", 3*time.Second)
		ev := anonymous(w.record("r2", "leg-1", time.Hour/2))
		row := w.row(ev)
		row.Summary = protocol.SummaryNone
		w.deliver(row, ev)
		w.until(row.ID, time.Minute, is(protocol.RecordingReplaced))
		r := w.until("r2", time.Minute, is(protocol.RecordingArchived))
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
		row := Expected(w.call, time.Now())
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
		row := Expected(w.call, time.Now())
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
		one, two := w.record("r1", "leg-1", 0), w.record("r2", "leg-1", time.Minute)
		w.deliver(w.row(one), one)
		w.until("r1", time.Minute, is(protocol.RecordingArchived))
		row := Expected(w.call, time.Now())
		row.Hold = "a dispute"
		w.write(journal.Change{Recordings: []protocol.Recording{row}})
		w.send(protocol.FetchRecording{Row: row})
		w.until(row.ID, time.Hour, is(protocol.RecordingReplaced))
		if r := w.find("r1"); r.Hold != "a dispute" {
			t.Errorf("one that has a row is held %q", r.Hold)
		}
		_ = two
		if _, err := w.engine.Recording(context.Background(), "r2"); err == nil {
			t.Error("r2 has a row though no event told of it and another is known")
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
		if n := w.count("stat"); n < 2*60*5 || n > 2*60*6+8 {
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
		if n := w.count("download"); n < 60*5 || n > 60*6+8 {
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

func booking(n byte) protocol.BookingID { return protocol.BookingID(uuid.UUID{15: n}) }
