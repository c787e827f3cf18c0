package recording

import (
	"strings"
	"testing"
	"time"

	"maskswitch/actors/protocol"
)

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
	story(t, "without any link, at once all the same", func(t *testing.T, w *world) {
		w.boot()
		time.Sleep(2 * time.Second) // the store has just been looked through
		ev := w.record("r1", "leg-1", 0)
		ev.Link = ""
		w.deliver(w.row(ev), ev)
		w.until("r1", time.Second, is(protocol.RecordingArchived))
	})
	story(t, "told of again while it is fetched", func(t *testing.T, w *world) {
		w.boot()
		w.slow("download")
		ev := w.record("r1", "leg-1", 0)
		w.deliver(w.row(ev), ev)
		time.Sleep(10 * time.Second)
		w.send(protocol.FetchRecording{Row: w.row(ev), Link: ev.Link, Since: ev.At})
		w.until("r1", 2*time.Minute, is(protocol.RecordingArchived))
		time.Sleep(5 * time.Minute)
		w.expect(map[string]int{"download": 1, "put": 1})
	})
	story(t, "held while it is fetched", func(t *testing.T, w *world) {
		w.boot()
		w.slow("download")
		ev := w.record("r1", "leg-1", 0)
		w.deliver(w.row(ev), ev)
		time.Sleep(10 * time.Second)
		if got := <-w.hold("r1", "case 17"); got.err != nil {
			t.Error(got.err)
		}
		if r := w.until("r1", time.Minute, is(protocol.RecordingArchived)); r.Hold != "case 17" {
			t.Errorf("held %q", r.Hold)
		}
		w.expect(map[string]int{"download": 1})
	})
	story(t, "told of again before it is due", func(t *testing.T, w *world) {
		w.boot()
		later := trouble(protocol.TroubleLater, 503)
		later.After = 40 * time.Minute
		w.failing("download", 1, later)
		ev := w.record("r1", "leg-1", 0)
		w.deliver(w.row(ev), ev)
		time.Sleep(time.Minute)
		w.send(protocol.FetchRecording{Row: w.row(ev), Link: ev.Link, Since: ev.At})
		time.Sleep(30 * time.Minute)
		w.expect(map[string]int{"download": 1})
		w.until("r1", 20*time.Minute, is(protocol.RecordingArchived))
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
