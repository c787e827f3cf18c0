package carrier

import (
	"encoding/json"
	"fmt"
	"time"
)

// recordOrder is what record_start, or the record members of answer and
// transfer, ask for.
type recordOrder struct {
	id               string // where the answer had to name it beforehand
	format, channels string
	longest          time.Duration // 0: no limit
	by               string
	transcribe       bool
}

// recording is one recording of a call that goes on, or has gone. Its Call's
// mutex guards it.
type recording struct {
	Recording
	leg     *leg
	nth     uint64 // among those of its call, for the faults
	order   recordOrder
	started time.Time // by the carrier's clock
	ended   time.Time
	paused  time.Time // since when it is; zero: it runs
	bare    bool
	kept    *kept // nil until it is saved
}

// record starts a recording on a leg that has audio.
func (k *Call) record(l *leg, o *recordOrder) *recording {
	r := &recording{leg: l, nth: uint64(len(k.recordings)), order: *o, started: k.carrier.now(),
		Recording: Recording{ID: o.id, Call: k.number, Session: k.session, Leg: l.name, Format: o.format,
			Channels: o.channels, Started: time.Now(), Transcribed: o.transcribe}}
	if r.ID == "" {
		r.ID = newID()
	}
	l.recording = append(l.recording, r)
	k.recordings = append(k.recordings, r)
	if o.longest > 0 {
		k.later(l, o.longest, func() { k.finish(r) })
	}
	if c := k.carrier; r.nth == 0 && c.drawFor("recording split", r) < c.faults.Load().RecordingSplit {
		k.later(l, splitAfter(k.script.Talk), func() { k.split(r) })
	}
	return r
}

// splitAfter is when a recording that is split ends for the first time.
func splitAfter(talk time.Duration) time.Duration {
	if talk == 0 {
		return 2 * time.Second
	}
	return talk / 2
}

// split ends a recording and begins another, which nobody asked for in so many
// words: one session, several recordings.
func (k *Call) split(r *recording) {
	if !r.Ended.IsZero() || !r.paused.IsZero() {
		return
	}
	k.finish(r)
	o := r.order
	o.id = ""
	k.record(r.leg, &o)
}

// drawFor is draw for a recording.
func (c *Carrier) drawFor(fault string, r *recording) float64 {
	return c.draw(fault, r.Call, r.Leg, "", r.nth)
}

// running are the recordings of a leg that have not ended; with an id that one
// only.
func (l *leg) running(id string) (all []*recording) {
	for _, r := range l.recording {
		if r.Ended.IsZero() && (id == "" || id == r.ID) {
			all = append(all, r)
		}
	}
	return all
}

func (k *Call) recordPause(l *leg, in body) (map[string]any, *problem) {
	return k.pause(l, in, func(r *recording) {
		if r.paused.IsZero() {
			r.paused = time.Now()
		}
	})
}

func (k *Call) recordResume(l *leg, in body) (map[string]any, *problem) {
	return k.pause(l, in, (*recording).resume)
}

// pause changes what runs on a leg: 90034 on a caller who has not been answered.
// A pause of what is paused changes nothing. What the carrier says where nothing
// is recorded is not documented; it is refused here, so that it shows.
func (k *Call) pause(l *leg, in body, change func(*recording)) (map[string]any, *problem) {
	if l.stage != up {
		return nil, bad("90034", "", "the call has not been answered yet")
	}
	all := l.running(in.text("recording_id"))
	if len(all) == 0 {
		return nil, bad("10015", "", "nothing is recorded on this leg")
	}
	for _, r := range all {
		change(r)
	}
	return nil, nil
}

func (r *recording) resume() {
	if !r.paused.IsZero() {
		r.Paused += time.Since(r.paused)
		r.paused = time.Time{}
	}
}

// finish ends a recording and has it saved later; it reports whether it was
// saved at once, which is sooner than the hangup event.
func (k *Call) finish(r *recording) bool {
	if !r.Ended.IsZero() {
		return false
	}
	c := k.carrier
	r.resume()
	r.Ended, r.ended = time.Now(), c.now()
	faults := c.faults.Load()
	r.bare = c.drawFor("recording bare", r) < faults.RecordingBare
	r.Failed = c.drawFor("recording failed", r) < faults.RecordingFailed
	r.Untold = !r.Failed && c.drawFor("recording untold", r) < faults.RecordingUntold
	if c.drawFor("recording early", r) < faults.RecordingEarly {
		k.save(r)
		return true
	}
	k.laterOwed(c.cfg.Timing.Save, func() { k.save(r) })
	return false
}

// laterOwed runs f after d of the world's time, whatever becomes of the legs: the
// call is not over before.
func (k *Call) laterOwed(d time.Duration, f func()) {
	k.owed++
	k.carrier.clock.after(k.carrier.world(d), func() {
		k.mu.Lock()
		defer k.unlock()
		f()
		k.settle()
	})
}

// save puts a recording on the shelf and tells of it.
func (k *Call) save(r *recording) {
	c := k.carrier
	if r.Failed {
		k.emit(r.leg, "call.recording.error", r)
		return
	}
	sound := r.audio(c.cfg.AudioBytes)
	r.Size, r.SHA256 = sound.size, sound.sum()
	r.kept = &kept{Recording: r.Recording, nth: r.nth, sound: sound, saved: c.now(), started: r.started, ended: r.ended,
		control: r.leg.control, legID: r.leg.id, from: r.leg.from, to: r.leg.to, by: r.order.by,
		object: fmt.Sprintf("%s00000000-0000-4000-8000-000000000000/%s/%s-%s.%s", recorder,
			r.started.Format(time.DateOnly), r.leg.id, r.ID[:8], r.Format)}
	r.kept.call.Store(k)
	if r.Transcribed {
		k.transcribe(r)
	}
	c.shelf.add(r.kept)
	if r.Untold {
		k.note()
		return
	}
	k.emit(r.leg, "call.recording.saved", r)
	if c.drawFor("recording again", r) < c.faults.Load().RecordingAgain {
		k.laterOwed(c.cfg.Timing.Save, func() { k.emit(r.leg, "call.recording.saved", r) })
	}
}

// describe fills an event in after one of two samples: the captured one, or
// the bare one that has the members of the official schema only.
func (r *recording) describe(p *payload, kind string) {
	if kind == "call.recording.error" {
		p.Reason = "Internal server error"
		return
	}
	start, end := wireTime(r.started), wireTime(r.ended)
	link := r.leg.call.carrier.eventLink(r.kept)
	p.Channels, p.RecordingStarted, p.RecordingEndedAt = r.Channels, start, end
	p.RecordingURLs = map[string]*string{r.Format: &link}
	if r.bare {
		other := map[string]string{"mp3": "wav", "wav": "mp3"}[r.Format]
		p.CallControlID = ""
		p.RecordingURLs[other] = nil
		p.PublicURLs = json.RawMessage(`{"mp3":null,"wav":null}`)
		return
	}
	p.PublicURLs = json.RawMessage(`{}`)
	p.RecordingID, p.Format, p.StartTime, p.EndTime = r.ID, r.Format, start, end
}

// seen is the recording as a ledger shows it.
func (r *recording) seen() Recording {
	if r.kept != nil {
		return r.kept.seen()
	}
	return r.Recording
}
