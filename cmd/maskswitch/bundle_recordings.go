package main

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// recordingTold is a recording as the switch tells it, as far as people want it.
type recordingTold struct {
	ID        string      `json:"id"`
	CallID    string      `json:"call_id"`
	State     string      `json:"state"`
	Why       string      `json:"why"`
	Format    string      `json:"format"`
	Channels  string      `json:"channels"`
	Caller    string      `json:"caller"`
	Speakers  []string    `json:"speakers"`
	StartedAt string      `json:"started_at"`
	Seconds   json.Number `json:"duration_seconds"`
	Bytes     int64       `json:"bytes"`
	SHA256    string      `json:"sha256"`
	Hold      string      `json:"hold"`
	NextTryAt string      `json:"next_try_at"`
	Summary   struct {
		State  string `json:"state"`
		Why    string `json:"why"`
		Text   string `json:"text"`
		Model  string `json:"model"`
		MadeAt string `json:"made_at"`
	} `json:"summary"`
	Transcript *struct {
		Text   string `json:"text"`
		MadeBy string `json:"made_by"`
		MadeAt string `json:"made_at"`
	} `json:"transcript"`
}

// voices says who is to be heard where.
func (r recordingTold) voices() string {
	switch {
	case len(r.Speakers) == 2:
		return r.Speakers[0] + " on the first channel, " + r.Speakers[1] + " on the second"
	case r.Channels == "single":
		return "both parties on one channel"
	}
	return "nobody said who is on which channel"
}

// length is when it was made and how long it lasts, as far as that is known.
func (r recordingTold) length() (s string) {
	if r.StartedAt != "" {
		s += ", from " + r.StartedAt
	}
	if r.Seconds != "" {
		s += ", " + r.Seconds.String() + " seconds"
	}
	return s
}

// name is what it is called where people read.
func (r recordingTold) name() string {
	if r.CallID == "" {
		return "recording " + r.ID + " of an unknown call"
	}
	return "recording " + r.ID + " of call " + r.CallID
}

// because is the reason of a state.
func because(why string) string {
	if why == "" {
		return "nobody said why"
	}
	return why
}

// putRecordings writes the audio, what machines made of it, and the recordings as
// they were told.
func (b *bundle) putRecordings(ctx context.Context, path string) error {
	raw, err := b.spool()
	if err != nil {
		return err
	}
	defer discard(raw.File)
	var found struct {
		Recordings []struct {
			ID string `json:"id"`
		} `json:"recordings"`
	}
	if _, err := b.read(ctx, path+"/recordings", nil, &found); err != nil {
		return err
	}
	all := &array{to: raw}
	for i, r := range found.Recordings {
		err := b.putRecording(ctx, r.ID, i+1, len(found.Recordings), all)
		switch {
		case absent(err):
			b.broken = true
			b.lacks("recording %s: it was there a moment before: %v", r.ID, err)
		case err != nil:
			return err
		}
	}
	return b.putList("recordings.json", all)
}

func (b *bundle) putRecording(ctx context.Context, id string, n, of int, all *array) error {
	r, raw, err := b.readRecording(ctx, id)
	if err != nil {
		return err
	}
	audio, err := b.spool()
	if err != nil {
		return err
	}
	defer discard(audio.File)
	var failed error
	if r.State == "archived" {
		failed = b.session.download(ctx, b.line, r, audio.File, func(bytes int64) {
			b.meter.show("recording %d of %d: %3d%% of %.1f MB", n, of, 100*bytes/max(r.Bytes, 1), float64(r.Bytes)/1e6)
		})
		if failed != nil && !aboutRecording(failed) {
			return failed
		}
	}
	if failed != nil {
		// It may have been erased meanwhile: then no text of it may be told either.
		if r, raw, err = b.readRecording(ctx, id); err != nil {
			return err
		}
	}
	delete(b.silent, r.CallID)
	if err := all.add(raw); err != nil {
		return err
	}
	name := fmt.Sprintf("%03d-%s", n, plainName(r.ID))
	switch {
	case r.State == "archived" && failed == nil:
		file := "recordings/" + name + "." + ending(r.Format)
		b.kept = append(b.kept, oneLine(file+": "+r.name()+r.length()+", "+r.voices()))
		if err := b.put(file, zip.Store, audio); err != nil {
			return err
		}
	case r.State == "archived":
		b.broken = true
		b.lacks("%s: the switch has it, and it did not come as it was archived: %v", r.name(), failed)
	default:
		b.lacks("%s: %s", r.name(), r.absence())
	}
	return b.putTexts(r, name)
}

func (b *bundle) readRecording(ctx context.Context, id string) (r recordingTold, raw []byte, err error) {
	raw, err = b.read(ctx, "/recordings/"+id, nil, &r)
	return r, raw, err
}

// aboutRecording says that an error is no trouble of this machine's.
func aboutRecording(err error) bool {
	var bad *spoilt
	var no *refused
	var away *unreached
	return errors.As(err, &bad) || errors.As(err, &no) || errors.As(err, &away)
}

// absence says why there is no audio.
func (r recordingTold) absence() string {
	switch r.State {
	case "pending":
		s := "pending, the switch has not got it from the carrier yet"
		if r.NextTryAt != "" {
			s += " and tries next at " + r.NextTryAt
		}
		if r.Why != "" {
			s += "; last trouble: " + r.Why
		}
		return s
	case "lost":
		return "lost, given up: " + because(r.Why)
	case "erasing", "erased":
		return "erased: " + because(r.Why)
	}
	return r.State + ": " + because(r.Why)
}

// putTexts writes what machines made of a recording, and that they made it.
func (b *bundle) putTexts(r recordingTold, name string) error {
	if t := r.Transcript; t != nil {
		head := fmt.Sprintf("MACHINE-MADE. A machine may have misunderstood: only the recording proves what was said.\nTranscript of recording %s, made by the carrier (%s) at %s.\n\n",
			r.ID, oneLine(orDash(t.MadeBy)), orDash(t.MadeAt))
		if err := b.text("transcripts/"+name+".txt", head+ended(t.Text)); err != nil {
			return err
		}
	}
	switch t := r.Summary; {
	case t.Text != "":
		head := fmt.Sprintf("MACHINE-MADE, from a transcript that a machine made. Only the recording proves what was said.\nSummary of recording %s, made by the model %s at %s.\n\n",
			r.ID, oneLine(orDash(t.Model)), orDash(t.MadeAt))
		return b.text("summaries/"+name+".txt", head+ended(t.Text))
	case t.State == "waiting":
		b.lacks("summary of recording %s: not made yet", r.ID)
	case t.State == "failed":
		b.lacks("summary of recording %s: given up: %s", r.ID, because(t.Why))
	}
	return nil
}

// ended is a text with the end of its last line.
func ended(text string) string { return strings.TrimRight(text, "\n") + "\n" }

func ending(format string) string {
	if format == "mp3" || format == "wav" {
		return format
	}
	return "audio"
}
