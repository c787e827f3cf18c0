package recording

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/time/rate"

	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
)

// How long one act may take.
const (
	askWithin   = 2 * time.Minute
	sumWithin   = 5 * time.Minute
	fetchWithin = 4 * time.Hour // two gigabytes at less than 150 kB/s
)

// linkAge is how old a link may be to be worth a try: the carrier signs them for
// ten minutes.
const linkAge = 9 * time.Minute

// link leads to the audio of a recording, for a while.
type link struct {
	to    protocol.Secret
	since time.Time
}

func (l link) fresh(now time.Time) bool { return l.to != "" && now.Sub(l.since) < linkAge }

// errand is one act with what it needs to know. It changes no row.
type errand struct {
	config *Config
	row    protocol.Recording
	link   link
	pace   *rate.Limiter // of all downloads together; nil: none
	ask    func(*asked)  // asks something of another recording
}

// run acts, and blocks until that is done.
func (e errand) run(ctx context.Context, act Act) Event {
	within := askWithin
	switch act {
	case ActFetch:
		within = fetchWithin
	case ActSummarise:
		within = sumWithin
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	switch act {
	case ActFetch:
		return e.fetch(ctx)
	case ActErase:
		return e.erase(ctx)
	case ActSummarise:
		return e.summarise(ctx)
	case ActTidy:
		return e.tidy(ctx)
	}
	panic("recording: no such act")
}

// tidy deletes the carrier's copy.
func (e errand) tidy(ctx context.Context) Event {
	if _, err := e.deleteCopy(ctx); err != nil {
		return CopyKept{err}
	}
	return CopyDeleted{}
}

// erase deletes whatever there is. The archive and the carrier are both tried,
// so that the trouble of one does not keep the other's copy alive.
func (e errand) erase(ctx context.Context) Event {
	// An object may be there without the row knowing: the process died between.
	name := e.row.Object
	if name == "" {
		name = Name(e.row)
	}
	archive := e.config.Archive.Delete(ctx, name)
	var names []protocol.RecordingID
	var carrier *protocol.RecordingError
	switch {
	case e.row.ID.StandIn() && e.row.Object == "" && !e.row.CarrierGone:
		var stoodFor Resolved
		var known bool
		if stoodFor, known, carrier = e.resolve(ctx); known && archive == nil && carrier == nil {
			return stoodFor
		}
		if carrier == nil && !known {
			carrier = e.notListed()
		}
	case !e.row.CarrierGone:
		names, carrier = e.deleteCopy(ctx)
	}
	switch {
	case archive != nil:
		return EraseFailed{archiveTrouble(archive), carrier == nil && !e.row.ID.StandIn()}
	case carrier != nil:
		return EraseFailed{carrier, false}
	}
	return Erased{names}
}

// notListed says that the carrier may still come to list what it does not list
// now; nil once that has been long enough.
func (e errand) notListed() *protocol.RecordingError {
	if time.Since(e.row.NoticedAt) >= lookFor {
		return nil
	}
	return &protocol.RecordingError{Trouble: protocol.TroubleLater, Detail: "the carrier does not list this recording yet, so its copy cannot be deleted"}
}

// deleteCopy deletes the carrier's copy. It says by which names the carrier knew
// it, if not by ours.
func (e errand) deleteCopy(ctx context.Context) ([]protocol.RecordingID, *protocol.RecordingError) {
	ids, trouble := e.realIDs(ctx)
	if trouble == nil && len(ids) == 0 {
		trouble = e.notListed()
	}
	for _, id := range ids {
		if trouble == nil {
			trouble = carrierTrouble(e.config.Carrier.DeleteRecording(ctx, id))
		}
	}
	if !e.row.ID.StandIn() {
		ids = nil
	}
	return ids, trouble
}

// carrierTrouble reads an error of the carrier's. What it does not explain is
// not repeated: it may hold a link.
func carrierTrouble(err error) *protocol.RecordingError {
	var trouble *protocol.RecordingError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &trouble):
		return trouble
	case errors.Is(err, context.DeadlineExceeded):
		return &protocol.RecordingError{Trouble: protocol.TroubleLater, Detail: "the carrier took too long"}
	}
	return &protocol.RecordingError{Trouble: protocol.TroubleLater, Detail: "the carrier's answer broke off"}
}

func archiveTrouble(err error) *protocol.RecordingError {
	var trouble *protocol.RecordingError
	if errors.As(err, &trouble) {
		return trouble
	}
	return &protocol.RecordingError{Trouble: protocol.TroubleLater, Detail: fmt.Sprintf("the archive does not work: %v", err)}
}

func storeTrouble(err error) *protocol.RecordingError {
	return &protocol.RecordingError{Trouble: protocol.TroubleLater, Detail: fmt.Sprintf("the store does not answer: %v", err)}
}

// summarise has the transcript summed up that is on disk, or brings it there.
func (e errand) summarise(ctx context.Context) Event {
	if e.config.Summaries == nil {
		return SummaryFailed{&protocol.RecordingError{Trouble: protocol.TroubleRefused, Detail: "summaries are switched off"}}
	}
	text, err := e.config.Store.Text(ctx, e.row.ID, e.row.Session, protocol.TextTranscript)
	switch {
	case errors.Is(err, journal.ErrNone):
		return e.transcript(ctx)
	case err != nil:
		return SummaryFailed{storeTrouble(err)}
	}
	summary, err := e.config.Summaries.Summarise(ctx, protocol.SummaryRequest{
		Transcript: text.Text, Caller: e.row.Caller, Channels: e.row.Channels, StartedAt: e.row.StartedAt, Duration: e.row.Duration(),
	})
	switch {
	case err != nil:
		trouble := &protocol.RecordingError{Trouble: protocol.TroubleLater, Detail: "the model's answer broke off"}
		errors.As(err, &trouble)
		return SummaryFailed{trouble}
	case summary.Text == "":
		return SummaryFailed{&protocol.RecordingError{Trouble: protocol.TroubleBroken, Detail: "the model has said nothing"}}
	}
	return Summarised{summary}
}

// transcript asks the carrier for what should have come by itself.
func (e errand) transcript(ctx context.Context) Event {
	none := NoTranscript{&protocol.RecordingError{Trouble: protocol.TroubleLater, Detail: "the carrier has no transcript of it"}}
	if time.Since(e.row.ArchivedAt) < transcriptWait {
		return none
	}
	ids, trouble := e.realIDs(ctx)
	for _, id := range ids {
		var told protocol.CarrierTranscription
		var err error
		if told, err = e.config.Carrier.Transcription(ctx, id); err != nil {
			trouble = carrierTrouble(err)
			continue
		}
		if told.Done {
			return Transcribed{protocol.RecordingText{
				Recording: e.row.ID, Kind: protocol.TextTranscript, Text: told.Text, MadeBy: told.ID, At: time.Now(),
			}}
		}
	}
	if trouble != nil {
		none.Err = trouble
	}
	return none
}
