package recording

import (
	"strconv"
	"strings"
	"time"

	"maskswitch/actors/protocol"
)

// A recording of which the carrier has not told the id goes by another name
// until its id is found: a stand-in. It stands for one whose event had no id, or
// for whatever a call left behind of which no event came.
const (
	byLeg  = "leg:"
	byCall = "call:"
)

// standIn says that an id is not the carrier's.
func standIn(id protocol.RecordingID) bool {
	return strings.HasPrefix(string(id), byLeg) || expected(id)
}

// expected says that a row stands for all that a call left behind.
func expected(id protocol.RecordingID) bool { return strings.HasPrefix(string(id), byCall) }

// FromEvent is a recording as its event tells of it, to be fetched at once. One
// that has no id of its own goes by its leg and beginning, so that the event
// delivered again makes the same row.
func FromEvent(ev protocol.LegRecorded) protocol.Recording {
	id := ev.Recording
	if id == "" {
		name := ev.LegUUID
		if name == "" {
			name = string(ev.Session)
		}
		id = protocol.RecordingID(byLeg + name + "@" + strconv.FormatInt(ev.StartedAt.UnixMicro(), 10))
	}
	return protocol.Recording{
		ID: id, Session: ev.Session, Leg: ev.Leg, LegUUID: ev.LegUUID, Format: ev.Format, Channels: ev.Channels,
		StartedAt: ev.StartedAt, EndedAt: ev.EndedAt, NoticedAt: ev.At, NextTryAt: ev.At,
		Booking: ev.Tag.Booking, Call: ev.Tag.Call,
	}
}

// Expected is a recording that a call should have left, and of which no event
// has come until now. It stands for whatever the carrier turns out to have.
func Expected(of protocol.Call, now time.Time) protocol.Recording {
	return protocol.Recording{
		ID: protocol.RecordingID(byCall + of.ID.String()), Call: of.ID, Booking: of.Booking, Partition: of.Partition,
		Caller: of.Caller, Session: of.Session, NoticedAt: now, NextTryAt: now,
	}
}
