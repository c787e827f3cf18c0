// Package recording has the queue that brings every recording from the carrier
// into the archive, and what is done with it there: verified, summarised, held,
// erased.
package recording

import (
	"context"
	"io"
	"time"

	"maskswitch/actors/protocol"
)

// Carrier is what the queue needs of the carrier. Errors are *protocol.RecordingError.
type Carrier interface {
	// Recording asks for one, with links that are signed anew.
	Recording(ctx context.Context, id protocol.RecordingID) (protocol.CarrierRecording, error)
	// FindRecordings looks for all that a session or a leg has.
	FindRecordings(ctx context.Context, q protocol.RecordingSearch) ([]protocol.CarrierRecording, error)
	// DeleteRecording deletes the carrier's copy; nil if there is none.
	DeleteRecording(ctx context.Context, id protocol.RecordingID) error
	// Transcription asks for the transcription of a recording.
	Transcription(ctx context.Context, id protocol.RecordingID) (protocol.CarrierTranscription, error)
	// Download opens the audio behind a link, if it leads to where the carrier
	// keeps recordings and nowhere else.
	Download(ctx context.Context, link protocol.Secret) (protocol.Audio, error)
}

// Archive keeps recordings.
type Archive interface {
	// Put stores audio whole or not at all: after nil it survives a power cut,
	// and before that nobody sees it. The same name again replaces it. size is
	// -1 if it is not known. What audio fails with is what Put fails with.
	Put(ctx context.Context, name, contentType string, size int64, audio io.Reader) (protocol.Object, error)
	// Stat tells of an object: protocol.ErrNoObject if there is none.
	Stat(ctx context.Context, name string) (protocol.Object, error)
	// Open reads length bytes of an object, or all that follows if that is
	// negative: protocol.ErrNoObject if there is none.
	Open(ctx context.Context, name string, from, length int64) (io.ReadCloser, error)
	// Delete removes an object; nil if there is none.
	Delete(ctx context.Context, name string) error
}

// Summariser has a machine sum a transcript up. Errors are
// *protocol.RecordingError.
type Summariser interface {
	Summarise(ctx context.Context, of protocol.SummaryRequest) (protocol.Summary, error)
}

// Observer watches the queue. Its methods must not block.
type Observer interface {
	// Archived tells of a recording that is in the archive, of which call it is,
	// how many bytes it has and how long that was after the carrier told of it.
	Archived(of protocol.CallID, bytes int64, lag time.Duration)
	// TryFailed tells of a try to archive one that failed, Lost of one given up.
	TryFailed(why protocol.RecordingTrouble)
	Lost()
	// Pending is how many wait for the archive, and since when the oldest does of
	// which the carrier has told.
	Pending(n int, oldest time.Time)
}
