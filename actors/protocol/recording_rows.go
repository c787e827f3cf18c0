package protocol

import (
	"strconv"
	"strings"
	"time"
)

// A recording of which the carrier has not told the id goes by another name
// until its id is found: a stand-in. It stands for one whose event had no id, or
// for whatever a call left behind of which no event came.
const (
	recordingByLeg  = "leg:"
	recordingByCall = "call:"
)

// StandIn says that an id is not the carrier's.
func (id RecordingID) StandIn() bool {
	return strings.HasPrefix(string(id), recordingByLeg) || id.Expected()
}

// Expected says that a row stands for all that a call left behind.
func (id RecordingID) Expected() bool { return strings.HasPrefix(string(id), recordingByCall) }

// SavedRecording is a recording as its event tells of it, to be fetched at once.
// One that has no id of its own goes by its leg and beginning, so that the event
// delivered again makes the same row.
func SavedRecording(ev LegRecorded) Recording {
	id := ev.Recording
	if id == "" {
		name := ev.LegUUID
		if name == "" {
			name = string(ev.Session)
		}
		id = RecordingID(recordingByLeg + name + "@" + strconv.FormatInt(ev.StartedAt.UnixMicro(), 10))
	}
	return Recording{
		ID: id, Session: ev.Session, Leg: ev.Leg, LegUUID: ev.LegUUID, Format: ev.Format, Channels: ev.Channels,
		StartedAt: ev.StartedAt, EndedAt: ev.EndedAt, NoticedAt: ev.At, NextTryAt: ev.At,
		Booking: ev.Tag.Booking, Call: ev.Tag.Call,
	}
}

// ExpectedRecording is a recording that a call should have left, and of which no
// event has come until now. It stands for whatever the carrier turns out to have.
func ExpectedRecording(of Call, now time.Time) Recording {
	return Recording{
		ID: RecordingID(recordingByCall + of.ID.String()), Call: of.ID, Booking: of.Booking, Partition: of.Partition,
		Caller: of.Caller, Session: of.Session, NoticedAt: now, NextTryAt: now,
	}
}
