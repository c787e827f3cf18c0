package recording

import (
	"cmp"
	"slices"
	"time"

	"maskswitch/actors/protocol"
)

// laneMost is how many recordings of one kind of act the desk keeps in mind: the
// soonest. The others are found in the store when their turn comes.
const laneMost = 2000

// lanes are the recordings of which something is due and that nobody is at, by
// what is due, the soonest first.
type lanes struct {
	by      [acts][]protocol.RecordingDue
	where   map[protocol.RecordingID]laned
	spilled [acts]bool // some were left out since this was last asked
}

type laned struct {
	act Act
	at  time.Time
}

func newLanes() *lanes { return &lanes{where: make(map[protocol.RecordingID]laned)} }

func soonest(a, b protocol.RecordingDue) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID))
}

// put notes what is due for a recording, instead of what was noted before.
func (l *lanes) put(act Act, due protocol.RecordingDue) {
	l.drop(due.ID)
	lane := l.by[act]
	at, _ := slices.BinarySearchFunc(lane, due, soonest)
	if at == laneMost {
		l.spilled[act] = true
		return
	}
	lane = slices.Insert(lane, at, due)
	l.where[due.ID] = laned{act, due.At}
	if len(lane) > laneMost {
		delete(l.where, lane[laneMost].ID)
		lane = lane[:laneMost]
		l.spilled[act] = true
	}
	l.by[act] = lane
}

// drop forgets a recording.
func (l *lanes) drop(id protocol.RecordingID) {
	was, there := l.where[id]
	if !there {
		return
	}
	delete(l.where, id)
	lane := l.by[was.act]
	if at, found := slices.BinarySearchFunc(lane, protocol.RecordingDue{At: was.at, ID: id}, soonest); found {
		l.by[was.act] = slices.Delete(lane, at, at+1)
	}
}

func (l *lanes) knows(id protocol.RecordingID) bool {
	_, there := l.where[id]
	return there
}

// head is the soonest of a lane; false if that is empty.
func (l *lanes) head(act Act) (protocol.RecordingDue, bool) {
	if len(l.by[act]) == 0 {
		return protocol.RecordingDue{}, false
	}
	return l.by[act][0], true
}

// thin says whether a lane has run low though there is more in the store.
func (l *lanes) thin(act Act) bool { return l.spilled[act] && len(l.by[act]) < laneMost/4 }
