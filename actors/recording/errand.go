package recording

import (
	"cmp"
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
	case standIn(e.row.ID) && e.row.Object == "" && !e.row.CarrierGone:
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
		return EraseFailed{archiveTrouble(archive), carrier == nil && !standIn(e.row.ID)}
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
	if !standIn(e.row.ID) {
		ids = nil
	}
	return ids, trouble
}

// realIDs is how the carrier calls a recording.
func (e errand) realIDs(ctx context.Context) ([]protocol.RecordingID, *protocol.RecordingError) {
	if !standIn(e.row.ID) {
		return []protocol.RecordingID{e.row.ID}, nil
	}
	found, trouble := e.search(ctx)
	var ids []protocol.RecordingID
	for _, f := range found {
		ids = append(ids, f.ID)
	}
	return ids, trouble
}

// search asks the carrier which recordings a stand-in stands for.
func (e errand) search(ctx context.Context) ([]protocol.CarrierRecording, *protocol.RecordingError) {
	q := protocol.RecordingSearch{LegUUID: e.row.LegUUID}
	if q.LegUUID == "" || expected(e.row.ID) {
		q = protocol.RecordingSearch{Session: e.row.Session}
	}
	if q == (protocol.RecordingSearch{}) {
		return nil, nil // nothing names it
	}
	listed, err := e.config.Carrier.FindRecordings(ctx, q)
	if err != nil {
		return nil, carrierTrouble(err)
	}
	var found []protocol.CarrierRecording
	for _, f := range listed {
		if expected(e.row.ID) || same(e.row, f.LegUUID, f.StartedAt) {
			found = append(found, f)
		}
	}
	return found, nil
}

// startsApart is how far two reports of one beginning may differ.
const startsApart = 2 * time.Second

// same says whether a row is of the recording that began on a leg at an instant.
func same(r protocol.Recording, legUUID string, startedAt time.Time) bool {
	if r.LegUUID != "" && legUUID != "" && r.LegUUID != legUUID {
		return false
	}
	return r.StartedAt.Sub(startedAt).Abs() <= startsApart
}

// resolve finds the recordings that a stand-in stands for; false if there are
// none yet. Those that have rows already, or are in the archive by the name of
// another stand-in, are told what was promised of this one.
func (e errand) resolve(ctx context.Context) (Resolved, bool, *protocol.RecordingError) {
	var siblings []protocol.Recording
	if e.row.Call != (protocol.CallID{}) {
		var err error
		if siblings, err = e.config.Store.Recordings(ctx, e.row.Call); err != nil {
			return Resolved{}, false, storeTrouble(err)
		}
	}
	var known []protocol.RecordingID
	for _, s := range siblings {
		if s.ID != e.row.ID && s.Status != protocol.RecordingReplaced && e.standsFor(s) {
			known = append(known, s.ID)
		}
	}
	var fresh []protocol.CarrierRecording
	if len(known) == 0 || expected(e.row.ID) {
		listed, trouble := e.search(ctx)
		if trouble != nil {
			return Resolved{}, false, trouble
		}
		for _, f := range listed {
			if id, there := home(siblings, e.row.ID, f); there {
				known = append(known, id)
				continue
			}
			fresh = append(fresh, f)
			known = append(known, f.ID)
		}
	}
	if trouble := e.inherit(ctx, known); trouble != nil {
		return Resolved{}, false, trouble
	}
	return Resolved{fresh}, len(known) > 0, nil
}

// standsFor says whether a stand-in stands for what another row is of.
func (e errand) standsFor(s protocol.Recording) bool {
	if expected(e.row.ID) {
		return !expected(s.ID)
	}
	return !standIn(s.ID) && same(e.row, s.LegUUID, s.StartedAt)
}

// inherit has recordings held or erased as was promised of their stand-in. Those
// without a row get one that says so.
func (e errand) inherit(ctx context.Context, ids []protocol.RecordingID) *protocol.RecordingError {
	policy := e.config.policy()
	step := func(r protocol.Recording, now time.Time) (Decision, error) {
		if e.row.Status == protocol.RecordingErasing {
			return policy.Erase(r, reason(e.row.Why), now)
		}
		return policy.Hold(r, cmp.Or(r.Hold, e.row.Hold))
	}
	if e.row.Status != protocol.RecordingErasing && e.row.Hold == "" {
		return nil
	}
	for _, id := range ids {
		answers := make(chan error, 1)
		e.ask(&asked{id: id, step: step, done: func(_ protocol.Recording, err error) { answers <- err }})
		select {
		case err := <-answers:
			if err != nil && protocol.KindOf(err) != protocol.NotFound {
				return &protocol.RecordingError{Trouble: protocol.TroubleLater, Detail: fmt.Sprintf("what was promised of it does not go for recording %s: %v", id, err)}
			}
		case <-ctx.Done():
			return &protocol.RecordingError{Trouble: protocol.TroubleLater, Detail: "the queue has not answered"}
		}
	}
	return nil
}

// home says by the name of which other stand-in a recording is in the archive,
// or was.
func home(siblings []protocol.Recording, but protocol.RecordingID, f protocol.CarrierRecording) (protocol.RecordingID, bool) {
	for _, s := range siblings {
		if s.ID == but || !standIn(s.ID) || expected(s.ID) || !same(s, f.LegUUID, f.StartedAt) {
			continue
		}
		switch s.Status {
		case protocol.RecordingArchived, protocol.RecordingErasing, protocol.RecordingErased:
			return s.ID, true
		}
	}
	return "", false
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
