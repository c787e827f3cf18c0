package recording

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"maskswitch/actors/protocol"
)

// Decision is what an event leads to: all of it goes to disk in one change.
type Decision struct {
	Row   protocol.Recording
	Fresh []protocol.Recording     // what the row stood for
	Texts []protocol.RecordingText // empty ones are removed
}

// Step decides. An event that does not fit the row, such as one that comes a
// second time, changes nothing.
func (p Policy) Step(r protocol.Recording, ev Event, now time.Time) Decision {
	d := Decision{Row: r}
	switch ev := ev.(type) {
	case Archived:
		d.Row = p.archived(r, ev, now)
	case FetchFailed:
		d.Row = fetchFailed(r, ev.Failure, now)
	case Resolved:
		d.Row, d.Fresh = resolved(r, ev, now)
	case Unlisted:
		d.Row = unlisted(r, now)
	case Transcribed:
		d.Row, d.Texts = transcribed(r, ev.Text, now)
	case NoTranscript:
		d.Row = noTranscript(r, ev.Err, now)
	case Summarised:
		d.Row, d.Texts = summarised(r, ev.Summary, now)
	case SummaryFailed:
		d.Row = p.summaryFailed(r, ev.Err, now)
	case CopyDeleted:
		d.Row = copyDeleted(r, now)
	case CopyKept:
		d.Row = copyKept(r, ev.Err, now)
	case Erased:
		d.Row, d.Texts = erased(r, ev, now)
	case EraseFailed:
		d.Row = eraseFailed(r, ev, now)
	}
	return p.settle(d)
}

// settle sees to it that a row of which nothing is due says so.
func (p Policy) settle(d Decision) Decision {
	if p.Due(d.Row) == ActNothing {
		d.Row.NextTryAt, d.Row.Tries = time.Time{}, 0
	}
	return d
}

func (p Policy) archived(r protocol.Recording, ev Archived, now time.Time) protocol.Recording {
	if r.Status != protocol.RecordingPending {
		return r
	}
	r.Status, r.Why, r.Tries, r.NextTryAt, r.ArchivedAt = protocol.RecordingArchived, "", 0, now, now
	r.Object, r.Bytes, r.ContentType, r.SHA256 = ev.Object.Name, ev.Object.Bytes, ev.Object.ContentType, ev.SHA256
	r.Format = ev.Format
	r.Channels, r.LegUUID = cmp.Or(r.Channels, ev.Told.Channels), cmp.Or(r.LegUUID, ev.Told.LegUUID)
	if r.StartedAt.IsZero() {
		r.StartedAt = ev.Told.StartedAt
	}
	if r.EndedAt.IsZero() {
		r.EndedAt = ev.Told.EndedAt
	}
	return r
}

// whyGone is the trouble of a recording that the carrier does not have. It may
// be that it has not come to have it yet, so it is asked again.
const whyGone = "the carrier says that there is no such recording"

func fetchFailed(r protocol.Recording, f Failure, now time.Time) protocol.Recording {
	if r.Status != protocol.RecordingPending {
		return r
	}
	if f.Err.Trouble == protocol.TroubleGone && !f.Archive {
		switch {
		case r.Why != whyGone:
			r.Tries++
			r.Why, r.NextTryAt = whyGone, now.Add(goneWait)
		case !now.Before(r.NextTryAt):
			return lost(r, "the carrier has said twice, an hour apart, that there is no such recording")
		}
		return r
	}
	why := told(f.Err)
	if now.Sub(r.NoticedAt) >= tryFor && r.Tries+1 >= triesLeast {
		return lost(r, fmt.Sprintf("not archived within %d hours; the last trouble: %s", int(tryFor.Hours()), why))
	}
	pause := max(archiveWait, min(f.Err.After, afterMost))
	if !f.Archive {
		pause = wait(r, tryFirst, tryMost, f.Err.After)
	}
	r.Why, r.NextTryAt = why, now.Add(pause)
	r.Tries++
	return r
}

func lost(r protocol.Recording, why string) protocol.Recording {
	r.Status, r.Why = protocol.RecordingLost, why
	if r.Summary == protocol.SummaryWaiting {
		r.Summary, r.SummaryWhy = protocol.SummaryFailed, "the recording is lost"
	}
	return r
}

// resolved gives rows of their own to the recordings a stand-in stood for. They
// inherit what was promised of it: a summary, a hold, to be erased.
func resolved(r protocol.Recording, ev Resolved, now time.Time) (protocol.Recording, []protocol.Recording) {
	if r.Status != protocol.RecordingPending && r.Status != protocol.RecordingErasing {
		return r, nil
	}
	var fresh []protocol.Recording
	for _, f := range ev.Found {
		row := protocol.Recording{
			ID: f.ID, Call: r.Call, Booking: r.Booking, Partition: r.Partition, Caller: r.Caller,
			Session: cmp.Or(r.Session, f.Session), Leg: cmp.Or(f.Leg, r.Leg), LegUUID: cmp.Or(f.LegUUID, r.LegUUID),
			Format: r.Format, Channels: cmp.Or(f.Channels, r.Channels),
			StartedAt: f.StartedAt, EndedAt: f.EndedAt, NoticedAt: r.NoticedAt,
			Status: r.Status, NextTryAt: now, Hold: r.Hold, Summary: r.Summary,
		}
		if r.Status == protocol.RecordingErasing {
			row.Why = reason(r.Why)
		}
		if r.ID.Expected() { // nobody has told of it before
			row.NoticedAt = now
		}
		fresh = append(fresh, row)
	}
	r.Status, r.Why, r.Hold = protocol.RecordingReplaced, "", ""
	r.Summary, r.SummaryWhy = protocol.SummaryNone, ""
	return r, fresh
}

func unlisted(r protocol.Recording, now time.Time) protocol.Recording {
	if r.Status != protocol.RecordingPending {
		return r
	}
	if now.Sub(r.NoticedAt) >= lookFor {
		return lost(r, "the carrier has no recording of this call")
	}
	r.Why = "the carrier does not list a recording of this call"
	r.NextTryAt = now.Add(wait(r, lookFirst, lookMost, 0))
	r.Tries++
	return r
}

// transcribed keeps a transcript, and has the summary made that waits for it.
func transcribed(r protocol.Recording, text protocol.RecordingText, now time.Time) (protocol.Recording, []protocol.RecordingText) {
	if r.Status == protocol.RecordingErasing || r.Status == protocol.RecordingErased {
		return r, nil
	}
	waits := r.Summary == protocol.SummaryWaiting
	if strings.TrimSpace(text.Text) == "" {
		if waits {
			r = noSummary(r, "the carrier understood nothing of what was said", now)
		}
		return r, nil
	}
	if waits && r.Status == protocol.RecordingArchived {
		r.Tries, r.NextTryAt = 0, now
	}
	return r, []protocol.RecordingText{text}
}

func noTranscript(r protocol.Recording, err *protocol.RecordingError, now time.Time) protocol.Recording {
	if r.Status != protocol.RecordingArchived || r.Summary != protocol.SummaryWaiting {
		return r
	}
	since := now.Sub(r.ArchivedAt)
	switch {
	case since < transcriptWait:
		r.NextTryAt = r.ArchivedAt.Add(transcriptWait)
		return r
	case since >= transcriptFor:
		return noSummary(r, fmt.Sprintf("no transcript within %d hours; the last trouble: %s", int(transcriptFor.Hours()), told(err)), now)
	}
	r.SummaryWhy, r.NextTryAt = told(err), now.Add(wait(r, summaryFirst, summaryMost, err.After))
	r.Tries++
	return r
}

func summarised(r protocol.Recording, s protocol.Summary, now time.Time) (protocol.Recording, []protocol.RecordingText) {
	if r.Status != protocol.RecordingArchived || r.Summary != protocol.SummaryWaiting {
		return r, nil
	}
	r.Summary, r.SummaryWhy, r.Tries, r.NextTryAt = protocol.SummaryDone, "", 0, now
	return r, []protocol.RecordingText{{Recording: r.ID, Kind: protocol.TextSummary, Text: s.Text, MadeBy: s.Model, At: now}}
}

func (p Policy) summaryFailed(r protocol.Recording, err *protocol.RecordingError, now time.Time) protocol.Recording {
	if r.Status != protocol.RecordingArchived || r.Summary != protocol.SummaryWaiting {
		return r
	}
	if !p.Summaries || now.Sub(r.ArchivedAt) >= summaryFor {
		return noSummary(r, told(err), now)
	}
	r.SummaryWhy, r.NextTryAt = told(err), now.Add(wait(r, summaryFirst, summaryMost, err.After))
	r.Tries++
	return r
}

func noSummary(r protocol.Recording, why string, now time.Time) protocol.Recording {
	r.Summary, r.SummaryWhy = protocol.SummaryFailed, why
	if r.Status == protocol.RecordingArchived {
		r.Tries, r.NextTryAt = 0, now
	}
	return r
}

func copyDeleted(r protocol.Recording, now time.Time) protocol.Recording {
	if r.Status == protocol.RecordingArchived {
		r.CarrierGone, r.Why = true, ""
	}
	return r
}

func copyKept(r protocol.Recording, err *protocol.RecordingError, now time.Time) protocol.Recording {
	if r.Status != protocol.RecordingArchived || r.CarrierGone {
		return r
	}
	r.Why, r.NextTryAt = told(err), now.Add(wait(r, tryFirst, tidyMost, err.After))
	r.Tries++
	return r
}

// erased keeps the length and the hash: they prove what there was, and tell
// nothing of it.
func erased(r protocol.Recording, ev Erased, now time.Time) (protocol.Recording, []protocol.RecordingText) {
	if r.Status != protocol.RecordingErasing {
		return r, nil
	}
	r.Status, r.Why, r.ErasedAt = protocol.RecordingErased, reason(r.Why), now
	r.Object, r.CarrierGone = "", true
	if r.Summary != protocol.SummaryNone {
		r.Summary, r.SummaryWhy = protocol.SummaryFailed, "erased"
	}
	var texts []protocol.RecordingText
	for _, id := range append([]protocol.RecordingID{r.ID}, ev.Names...) {
		for _, kind := range [...]protocol.TextKind{protocol.TextTranscript, protocol.TextSummary} {
			texts = append(texts, protocol.RecordingText{Recording: id, Session: r.Session, Kind: kind})
		}
	}
	return r, texts
}

func eraseFailed(r protocol.Recording, ev EraseFailed, now time.Time) protocol.Recording {
	if r.Status != protocol.RecordingErasing {
		return r
	}
	r.CarrierGone = r.CarrierGone || ev.CarrierGone
	r.Why = reason(r.Why) + notYet + told(ev.Err)
	r.NextTryAt = now.Add(wait(r, tryFirst, tryMost, ev.Err.After))
	r.Tries++
	return r
}

// Hold forbids to erase a recording, or allows it again if why is empty.
// Conflict if it is being erased, or stands for nothing any more.
func (p Policy) Hold(r protocol.Recording, why string) (Decision, error) {
	switch {
	case why == "" || r.Hold == why:
	case r.Status == protocol.RecordingErasing || r.Status == protocol.RecordingErased:
		return Decision{}, protocol.Errorf(protocol.Conflict, "recording_erased", "the recording is erased, or about to be; it cannot be held any more")
	case r.Status == protocol.RecordingReplaced:
		return Decision{}, protocol.Errorf(protocol.Conflict, "recording_replaced", "this stood for recordings that go by ids of their own now; hold those")
	}
	r.Hold = why
	return Decision{Row: r}, nil
}

// Erase has a recording erased. One that is lost may still be at the carrier, so
// it is erased like any other. Conflict if it is held.
func (p Policy) Erase(r protocol.Recording, why string, now time.Time) (Decision, error) {
	switch r.Status {
	case protocol.RecordingErasing, protocol.RecordingErased, protocol.RecordingReplaced:
		return Decision{Row: r}, nil
	}
	if r.Hold != "" {
		return Decision{}, protocol.Errorf(protocol.Conflict, "recording_held", "the recording is held and must not be erased: %s", r.Hold)
	}
	r.Status, r.Why, r.Tries, r.NextTryAt = protocol.RecordingErasing, why, 0, now
	return Decision{Row: r}, nil
}
