package recording

import (
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"maskswitch/actors/protocol"
)

// Act is what is due for a recording, from its row's NextTryAt on.
type Act uint8

// One thing at a time, and each is on disk before the next begins.
const (
	ActNothing   Act = iota
	ActFetch         // bring it into the archive
	ActErase         // delete it in the archive, at the carrier, and its texts
	ActSummarise     // have its transcript summed up
	ActTidy          // delete the carrier's copy of what is in the archive
)

// acts is how many there are.
const acts = 5

// Policy is what the operator has chosen.
type Policy struct {
	DeleteAtCarrier bool // once a recording is in the archive
	Summaries       bool // somebody makes them
}

// Due says what is due for a recording. The carrier's copy outlives the summary,
// which may need the carrier's transcript of it.
func (p Policy) Due(r protocol.Recording) Act {
	switch {
	case r.Status == protocol.RecordingPending:
		return ActFetch
	case r.Status == protocol.RecordingErasing:
		return ActErase
	case r.Status != protocol.RecordingArchived:
		return ActNothing
	case r.Summary == protocol.SummaryWaiting:
		return ActSummarise
	case p.DeleteAtCarrier && !r.CarrierGone:
		return ActTidy
	}
	return ActNothing
}

// Event is what came of an act, or what somebody told the queue.
type Event interface{ event() }

// Archived says that the audio is in the archive, and was found whole there.
type Archived struct {
	Object protocol.Object
	SHA256 string
	Format string                    // of what came
	Told   protocol.CarrierRecording // what the carrier said of it; zero if it was not asked
}

// FetchFailed says why the audio is not in the archive.
type FetchFailed struct{ Failure }

// Failure is a trouble, and whose it is.
type Failure struct {
	Err     *protocol.RecordingError
	Archive bool // the archive's; otherwise the carrier's
}

// Resolved says which recordings a stand-in stood for. Those that have rows
// already are among them, or known otherwise, so there may be none.
type Resolved struct{ Found []protocol.CarrierRecording }

// Unlisted says that the carrier lists no recording of a call.
type Unlisted struct{}

// Transcribed brings what the carrier understood.
type Transcribed struct{ Text protocol.RecordingText }

// NoTranscript says that there is no transcript yet.
type NoTranscript struct{ Err *protocol.RecordingError }

// Summarised brings a summary.
type Summarised struct{ Summary protocol.Summary }

// SummaryFailed says why there is no summary.
type SummaryFailed struct{ Err *protocol.RecordingError }

// CopyDeleted says that the carrier has no copy any more.
type CopyDeleted struct{}

// CopyKept says why the carrier still has its copy.
type CopyKept struct{ Err *protocol.RecordingError }

// Erased says that neither the archive nor the carrier has it. Texts may be kept
// under further names.
type Erased struct{ Names []protocol.RecordingID }

// EraseFailed says why something of it is still somewhere.
type EraseFailed struct {
	Err         *protocol.RecordingError
	CarrierGone bool // but not there
}

// Settled says that nothing is due, whatever the row says.
type Settled struct{}

func (Archived) event()      {}
func (FetchFailed) event()   {}
func (Resolved) event()      {}
func (Unlisted) event()      {}
func (Transcribed) event()   {}
func (NoTranscript) event()  {}
func (Summarised) event()    {}
func (SummaryFailed) event() {}
func (CopyDeleted) event()   {}
func (CopyKept) event()      {}
func (Erased) event()        {}
func (EraseFailed) event()   {}
func (Settled) event()       {}

// How long things are tried, and how often.
const (
	tryFirst    = 5 * time.Second
	tryMost     = 10 * time.Minute
	tryFor      = 72 * time.Hour
	triesLeast  = 5                // after a long standstill the first trouble is not the last word
	archiveWait = 30 * time.Second // does not grow: the desk sees to it that a failing archive is left alone
	goneWait    = time.Hour        // between two answers that there is no such recording

	lookFirst = 30 * time.Second // for what a call left behind
	lookMost  = time.Hour
	lookFor   = 24 * time.Hour

	transcriptWait = 10 * time.Minute // it comes by itself; then we ask. All since the archive had the audio
	transcriptFor  = 6 * time.Hour
	summaryFor     = 12 * time.Hour
	summaryFirst   = time.Minute
	summaryMost    = time.Hour

	tidyMost  = 6 * time.Hour
	afterMost = time.Hour // a carrier that wants us to wait longer is asked all the same
)

// wait grows with the tries behind a recording, from first to most. What is
// added keeps those that failed together from coming back together; it follows
// from the facts, so that the same history leads to the same row.
func wait(r protocol.Recording, first, most, after time.Duration) time.Duration {
	grown := most
	if r.Tries < 20 {
		grown = min(first<<r.Tries, most)
	}
	grown = min(grown, most*4/5)
	name := fnv.New32a()
	name.Write([]byte(string(r.ID) + "#" + strconv.Itoa(r.Tries)))
	spread := grown / 4 * time.Duration(name.Sum32()%1000) / 1000
	return max(grown+spread, min(after, afterMost))
}

// notYet stands in an erasing row between the reason, which must survive, and
// the last trouble.
const notYet = "; not done yet: "

// reason is why a recording is being erased, or was.
func reason(why string) string {
	before, _, _ := strings.Cut(why, notYet)
	return before
}

// told shortens what others say of a trouble.
func told(err *protocol.RecordingError) string {
	const most = 300
	detail := err.Detail
	if detail == "" {
		detail = "trouble: " + err.Trouble.String()
	}
	if len(detail) > most {
		detail = strings.ToValidUTF8(detail[:most], "") + "…"
	}
	return detail
}
