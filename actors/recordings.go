package actors

import (
	"context"
	"errors"
	"io"

	"maskswitch/actors/erasure"
	"maskswitch/actors/journal"
	"maskswitch/actors/phone"
	"maskswitch/actors/pool"
	"maskswitch/actors/protocol"
)

// BookingRecordings lists what was recorded of a booking, in order of id. Those
// that only stood for others are left out.
func (s *Switch) BookingRecordings(ctx context.Context, booking string) ([]protocol.Recording, error) {
	b, err := s.Booking(ctx, booking)
	if err != nil {
		return nil, err
	}
	rows, err := s.journal.BookingRecordings(ctx, b.ID)
	if err != nil {
		return nil, journal.Refusal(err)
	}
	kept := rows[:0]
	for _, r := range rows {
		if r.Status != protocol.RecordingReplaced {
			kept = append(kept, r)
		}
	}
	return kept, nil
}

// Recording reads a recording.
func (s *Switch) Recording(ctx context.Context, id protocol.RecordingID) (protocol.Recording, error) {
	row, err := s.journal.Recording(ctx, id)
	switch {
	case errors.Is(err, journal.ErrNone):
		return row, noRecording()
	case err != nil:
		return row, journal.Refusal(err)
	}
	return row, nil
}

func noRecording() error {
	return protocol.Errorf(protocol.NotFound, "recording_not_found", "no recording goes by this id")
}

// RecordingTexts reads what machines have written about a recording: the
// transcript and the summary, where there are any.
func (s *Switch) RecordingTexts(ctx context.Context, id protocol.RecordingID) ([]protocol.RecordingText, error) {
	row, err := s.Recording(ctx, id)
	if err != nil {
		return nil, err
	}
	var texts []protocol.RecordingText
	for _, kind := range [...]protocol.TextKind{protocol.TextTranscript, protocol.TextSummary} {
		text, err := s.journal.Text(ctx, row.ID, row.Session, kind)
		switch {
		case err == nil:
			texts = append(texts, text)
		case !errors.Is(err, journal.ErrNone):
			return nil, journal.Refusal(err)
		}
	}
	return texts, nil
}

// OpenAudio reads an archived recording: length bytes from an offset, or all
// that follows if that is negative.
func (s *Switch) OpenAudio(ctx context.Context, r protocol.Recording, from, length int64) (io.ReadCloser, error) {
	if s.config.Recordings.Archive == nil || r.Object == "" {
		return nil, protocol.Errorf(protocol.NotFound, "no_audio", "this recording is not in the archive")
	}
	audio, err := s.config.Recordings.Archive.Open(ctx, r.Object, from, length)
	switch {
	case errors.Is(err, protocol.ErrNoObject):
		return nil, &protocol.Error{Kind: protocol.Internal, Code: "audio_missing", Detail: "the archive does not have what was put into it", Err: err}
	case err != nil:
		return nil, &protocol.Error{Kind: protocol.Unavailable, Code: "archive_unavailable", Detail: "the archive does not answer; try again", Err: err}
	}
	return audio, nil
}

// HoldRecording forbids to erase a recording, for a reason; an empty reason
// allows it again.
func (s *Switch) HoldRecording(ctx context.Context, id protocol.RecordingID, reason string) (protocol.Recording, error) {
	return askQueue(ctx, s, func(done func(protocol.Recording, error)) any {
		return protocol.HoldRecording{ID: id, Reason: reason, Done: done}
	})
}

// EraseRecording has a recording erased, in the archive and at the carrier. When
// it returns, that is promised; it is done when the row says erased.
func (s *Switch) EraseRecording(ctx context.Context, id protocol.RecordingID) (protocol.Recording, error) {
	return askQueue(ctx, s, func(done func(protocol.Recording, error)) any {
		return protocol.EraseRecording{ID: id, Reason: "asked for", Done: done}
	})
}

// askQueue asks the queue of recordings.
func askQueue(ctx context.Context, s *Switch, message func(func(protocol.Recording, error)) any) (protocol.Recording, error) {
	return ask(ctx, s, func(p *pool.Partition, done func(protocol.Recording, error)) {
		if p.Recordings == nil {
			done(protocol.Recording{}, noArchive())
			return
		}
		s.system.Root.Send(p.Recordings, message(done))
	})
}

func noArchive() error {
	return protocol.Errorf(protocol.Unavailable, "no_archive", "this switch has no archive of recordings")
}

// PlaceErasure has a person, or a booking by its name, forgotten. The receipt
// fills as that goes on.
func (s *Switch) PlaceErasure(ctx context.Context, party phone.Number, booking string) (protocol.Erasure, error) {
	asked, subject := protocol.AskErasure{Party: party}, party.String()
	if booking != "" {
		b, err := s.Booking(ctx, booking)
		if err != nil {
			return protocol.Erasure{}, err
		}
		asked.Booking, subject = b.ID, b.PublicID()
	}
	return ask(ctx, s, func(p *pool.Partition, done func(protocol.Erasure, error)) {
		if p.Erasures == nil {
			done(protocol.Erasure{}, noArchive())
			return
		}
		s.system.Root.Send(p.Erasures, protocol.PlaceErasure{Asked: asked, Subject: subject, Done: done})
	})
}

// Erasure reads the receipt of an erasure.
func (s *Switch) Erasure(ctx context.Context, id protocol.ErasureID) (protocol.Erasure, error) {
	row, err := s.journal.Erasure(ctx, id)
	switch {
	case errors.Is(err, journal.ErrNone):
		return protocol.Erasure{}, protocol.Errorf(protocol.NotFound, "erasure_not_found", "no erasure goes by this id")
	case err != nil:
		return protocol.Erasure{}, journal.Refusal(err)
	}
	return erasure.View(row)
}

// PauseRecording pauses the recording of a live call, or resumes it. It returns
// when the carrier has done so.
func (s *Switch) PauseRecording(ctx context.Context, id protocol.CallID, paused bool) (protocol.RecordingSwitch, error) {
	row, _, err := s.Call(ctx, id)
	if err != nil {
		return protocol.RecordingSwitch{}, err
	}
	return ask(ctx, s, func(p *pool.Partition, done func(protocol.RecordingSwitch, error)) {
		s.system.Root.Send(p.Call(row.Session), protocol.PauseCall{Call: id, Session: row.Session, Paused: paused, Done: done})
	})
}
