package recording

import (
	"context"
	"strings"
	"testing"
	"time"

	"maskswitch/actors/protocol"
)

func TestSummaries(t *testing.T) {
	waiting := func(w *world) protocol.Recording {
		ev := w.record("r1", "leg-1", 0)
		r := w.row(ev)
		r.Summary = protocol.SummaryWaiting
		w.deliver(r, ev)
		return r
	}
	done := func(r protocol.Recording) bool { return r.Summary == protocol.SummaryDone }
	given := func(r protocol.Recording) bool { return r.Summary == protocol.SummaryFailed }
	story(t, "when the transcript comes", func(t *testing.T, w *world) {
		w.config.Summaries, w.config.DeleteAtCarrier = (*model)(w), true
		w.boot()
		waiting(w)
		time.Sleep(time.Minute)
		w.expect(map[string]int{"transcript": 0, "delete": 0})
		if got := <-w.transcript("r1", "session-1", "hello"); got != protocol.ReceiptAccepted {
			t.Errorf("receipt %s", got)
		}
		r := w.until("r1", 10*time.Second, func(r protocol.Recording) bool { return done(r) && r.CarrierGone })
		if w.text("r1", protocol.TextSummary) != "in short: hello" || w.text("r1", protocol.TextTranscript) != "hello" || r.Status != protocol.RecordingArchived {
			t.Errorf("%+v", r)
		}
		if got := <-w.transcript("r1", "session-1", "hello again"); got != protocol.ReceiptDuplicate {
			t.Errorf("receipt %s of the second", got)
		}
		<-w.erase("r1")
		w.until("r1", time.Minute, is(protocol.RecordingErased))
		if w.text("r1", protocol.TextSummary)+w.text("r1", protocol.TextTranscript) != "" {
			t.Error("its texts are left")
		}
		if got := <-w.transcript("r1", "session-1", "hello"); got != protocol.ReceiptAccepted || w.text("r1", protocol.TextTranscript) != "" {
			t.Errorf("receipt %s of one for an erased recording, and %q is kept", got, w.text("r1", protocol.TextTranscript))
		}
	})
	story(t, "when the transcript was there first", func(t *testing.T, w *world) {
		w.config.Summaries = (*model)(w)
		w.boot()
		if got := <-w.transcript("r1", "session-1", "hello"); got != protocol.ReceiptAccepted {
			t.Errorf("receipt %s", got)
		}
		waiting(w)
		w.until("r1", time.Minute, done)
		w.expect(map[string]int{"transcript": 0})
	})
	story(t, "when the carrier has to be asked", func(t *testing.T, w *world) {
		w.config.Summaries = (*model)(w)
		w.boot()
		waiting(w)
		w.until("r1", time.Minute, is(protocol.RecordingArchived))
		time.Sleep(time.Hour)
		if n := w.count("transcript"); n < 4 || n > 12 {
			t.Errorf("%d questions in an hour", n)
		}
		w.carrier("r1", func(k *kept) { k.transcript = "hello" })
		w.until("r1", 2*time.Hour, done)
		if w.text("r1", protocol.TextTranscript) != "hello" {
			t.Error("the transcript is not kept")
		}
	})
	story(t, "never", func(t *testing.T, w *world) {
		w.config.Summaries, w.config.DeleteAtCarrier = (*model)(w), true
		w.boot()
		waiting(w)
		time.Sleep(transcriptFor - time.Minute)
		w.expect(map[string]int{"delete": 0})
		r := w.until("r1", 2*time.Hour, func(r protocol.Recording) bool { return r.CarrierGone })
		if !given(r) || !strings.Contains(r.SummaryWhy, "6 hours") || r.Status != protocol.RecordingArchived {
			t.Errorf("%+v", r)
		}
	})
	story(t, "the model is out for hours", func(t *testing.T, w *world) {
		w.config.Summaries = (*model)(w)
		w.boot()
		w.failing("summarise", -1, trouble(protocol.TroubleLater, 500))
		waiting(w)
		time.Sleep(time.Minute)
		<-w.transcript("r1", "session-1", "hello")
		time.Sleep(8 * time.Hour)
		if r := w.find("r1"); r.Summary != protocol.SummaryWaiting || r.SummaryWhy == "" {
			t.Errorf("%s: %s", r.Summary, r.SummaryWhy)
		}
		w.well()
		if r := w.until("r1", 2*time.Hour, done); r.SummaryWhy != "" {
			t.Errorf("%q", r.SummaryWhy)
		}
	})
	story(t, "the model is out for good", func(t *testing.T, w *world) {
		w.config.Summaries = (*model)(w)
		w.boot()
		w.failing("summarise", -1, trouble(protocol.TroubleRefused, 401))
		waiting(w)
		time.Sleep(time.Minute)
		<-w.transcript("r1", "session-1", "hello")
		r := w.until("r1", 15*time.Hour, given)
		if r.Status != protocol.RecordingArchived || r.SummaryWhy != "trouble: refused" {
			t.Errorf("%+v", r)
		}
		w.whole(r, w.carrier("r1", nil).audio)
	})
	story(t, "a model that wants to be left alone", func(t *testing.T, w *world) {
		w.config.Summaries = (*model)(w)
		w.boot()
		enough := trouble(protocol.TroubleLater, 429)
		enough.After = 20 * time.Minute
		w.failing("summarise", 1, enough)
		waiting(w)
		time.Sleep(time.Minute)
		<-w.transcript("r1", "session-1", "hello")
		time.Sleep(time.Minute)
		w.failing("", 0, nil)
		ev := w.record("r2", "leg-2", time.Hour)
		w.deliver(w.row(ev), ev)
		w.until("r2", 5*time.Second, is(protocol.RecordingArchived)) // the carrier has not said so
		time.Sleep(17 * time.Minute)
		w.expect(map[string]int{"summarise": 1})
		w.until("r1", 10*time.Minute, done)
	})
	story(t, "nothing was understood", func(t *testing.T, w *world) {
		w.config.Summaries = (*model)(w)
		w.boot()
		waiting(w)
		w.until("r1", time.Minute, is(protocol.RecordingArchived))
		<-w.transcript("r1", "session-1", "  ")
		if r := w.until("r1", time.Second, given); !strings.Contains(r.SummaryWhy, "understood nothing") {
			t.Errorf("%q", r.SummaryWhy)
		}
	})
}

func TestTranscripts(t *testing.T) {
	story(t, "of a call we do not know", func(t *testing.T, w *world) {
		w.boot()
		if got := <-w.transcript("r9", "elsewhere", "hello"); got != protocol.ReceiptUnknownCall || w.text("r9", protocol.TextTranscript) != "" {
			t.Errorf("receipt %s, and %q is kept", got, w.text("r9", protocol.TextTranscript))
		}
	})
	story(t, "by the session, of the only recording", func(t *testing.T, w *world) {
		w.boot()
		w.archivedOne()
		if got := <-w.transcript("", "session-1", "hello"); got != protocol.ReceiptAccepted {
			t.Errorf("receipt %s", got)
		}
		if text, err := w.engine.Text(context.Background(), "r1", "", protocol.TextTranscript); err != nil || text.Text != "hello" {
			t.Errorf("%+v, %v", text, err)
		}
	})
	story(t, "of what is archived by the name of a stand-in", func(t *testing.T, w *world) {
		w.boot()
		ev := w.record("r1", "leg-1", 0)
		ev.Recording = ""
		w.carrier("r1", func(k *kept) { k.listed = time.Now().Add(time.Hour) })
		row := w.row(ev)
		w.deliver(row, ev)
		w.until(row.ID, time.Minute, is(protocol.RecordingArchived))
		<-w.transcript("r1", "session-1", "hello")
		if text, err := w.engine.Text(context.Background(), row.ID, "", protocol.TextTranscript); err != nil || text.Text != "hello" {
			t.Errorf("%+v, %v", text, err)
		}
	})
	story(t, "of a call whose recordings are erased", func(t *testing.T, w *world) {
		w.boot()
		w.archivedOne()
		<-w.erase("r1")
		w.until("r1", time.Minute, is(protocol.RecordingErased))
		if got := <-w.transcript("", "session-1", "hello"); got != protocol.ReceiptUnknownCall || w.text("r1", protocol.TextTranscript) != "" {
			t.Errorf("receipt %s, and %q is kept", got, w.text("r1", protocol.TextTranscript))
		}
	})
	story(t, "not before the disk", func(t *testing.T, w *world) {
		w.boot()
		w.archivedOne()
		release := w.engine.Hold()
		got := w.transcript("r1", "session-1", "hello")
		time.Sleep(time.Minute)
		if len(got) > 0 {
			t.Error("answered before the disk")
		}
		release()
		if got := <-got; got != protocol.ReceiptAccepted {
			t.Errorf("receipt %s", got)
		}
	})
}
